//! What the operations of a change may do, document by document.
//!
//! Always: looks only at the change, at its author's pages, and at what the change has seen.

use super::GateError;
use super::clock::Clock;
use super::index::{Entry, Index, Learned, Object, OpId, Place, Slot};
use super::scan::{Action, Key, Kind, Op, Ops, Ref, Scan, Value};
use crate::proto::doc::DocKind;
use crate::proto::doc::chat::{LinePlace, Message, Pages};
use crate::proto::doc::chunk::{self, Head};
use crate::proto::limits::{CHAT_PAGE_MESSAGES_MAX, OBJECT_DEPTH_MAX};

/// Judges a change of the `state` document.
pub(super) struct State<'a> {
    index: &'a mut Index,
    scan: &'a Scan<'a>,
    clock: &'a Clock,
    /// The index's numbers of the change's actors.
    authors: Vec<u32>,
    learned: Learned,
}

impl<'a> State<'a> {
    pub(super) fn new(index: &'a mut Index, scan: &'a Scan<'a>, clock: &'a Clock) -> Result<Self, GateError> {
        let own = index.number_or_next(scan.actor);
        let mut authors = vec![own];
        for actor in scan.actors().skip(1) {
            let unknown = GateError::Reference { counter: scan.start_op, what: "author" };
            authors.push(index.number(actor).ok_or(unknown)?);
        }
        Ok(Self { index, scan, clock, authors, learned: Learned::default() })
    }

    /// Returns what the index has to remember of the change.
    pub(super) fn check(mut self) -> Result<Learned, GateError> {
        let mut ops = self.scan.ops();
        while let Some(op) = ops.next()? {
            self.check_op(&op, &mut ops)?;
        }
        Ok(self.learned)
    }

    /// The counter of the operation being judged.
    fn counter(&self) -> u32 {
        self.scan.start_op + self.learned.entries.len() as u32
    }

    fn id(&self, reference: Ref) -> OpId {
        OpId { author: self.authors.get(reference.actor).copied().unwrap_or(u32::MAX), counter: reference.counter }
    }

    /// Returns what an operation did that this one may refer to: one seen, or an earlier one of the same change.
    fn entry(&self, id: OpId) -> Option<Entry> {
        let own = id.author == self.authors[0] && id.counter >= self.scan.start_op;
        if own {
            self.learned.entries.get((id.counter - self.scan.start_op) as usize).copied()
        } else {
            self.index.entry(id, self.clock)
        }
    }

    fn reference_error(&self, what: &'static str) -> GateError {
        GateError::Reference { counter: self.counter(), what }
    }

    fn rule_error(&self, rule: &'static str) -> GateError {
        GateError::Rule { counter: self.counter(), rule }
    }

    fn check_op(&mut self, op: &Op<'_>, ops: &mut Ops<'_>) -> Result<(), GateError> {
        let object = op.object.map(|object| self.id(object));
        let Object { kind, depth } = self.container(object)?;
        let place = self.place(object, kind, op)?;
        if kind == Kind::Text {
            self.check_text_op(op)?;
        }
        for _ in 0..op.preds {
            let pred = self.id(ops.pred()?);
            if self.entry(pred) != Some(Entry { object, place, replaceable: true }) || self.is_replaced(pred) {
                return Err(self.reference_error("predecessor"));
            }
            self.learned.replaced.insert(pred);
        }
        if op.action != Action::Delete && !op.insert {
            self.check_put((object, place))?;
        }
        if let Action::Make(kind) = op.action {
            if depth >= OBJECT_DEPTH_MAX {
                return Err(self.rule_error("objects are nested at most 16 deep"));
            }
            self.learned.objects.push((self.this(), Object { kind, depth: depth + 1 }));
        }
        self.learned.entries.push(Entry { object, place, replaceable: op.action != Action::Delete });
        Ok(())
    }

    /// Returns the id of the operation being judged.
    fn this(&self) -> OpId {
        OpId { author: self.authors[0], counter: self.counter() }
    }

    /// Returns whether the operation is replaced already, as far as this change has seen or done.
    fn is_replaced(&self, id: OpId) -> bool {
        self.learned.replaced.contains(&id) || self.index.is_replaced(id, self.clock)
    }

    /// Checks that no value of the author's own is left beside the one that it puts: only values of authors who had not
    /// seen one another can conflict. Otherwise 150 bytes could pile up thousands in one slot.
    fn check_put(&mut self, slot: Slot) -> Result<(), GateError> {
        let own = self.authors[0];
        let inserted = match slot.1 {
            Place::Element(element) if element.author == own => Some(element),
            _ => None,
        };
        let latest = self.learned.latest.get(&slot).copied().or_else(|| self.index.latest(own, slot)).or(inserted);
        if latest.is_some_and(|latest| !self.is_replaced(latest)) {
            return Err(self.rule_error("a value replaces its author's last one"));
        }
        self.learned.latest.insert(slot, self.this());
        Ok(())
    }

    fn container(&self, object: Option<OpId>) -> Result<Object, GateError> {
        let Some(id) = object else { return Ok(Object { kind: Kind::Map, depth: 0 }) };
        let objects = &self.learned.objects;
        let made_here = || {
            let place = objects.binary_search_by_key(&id.counter, |(made, _)| made.counter).ok()?;
            objects.get(place).map(|&(_, object)| object)
        };
        self.entry(id)
            .and_then(|_| self.index.object(id).or_else(made_here))
            .ok_or_else(|| self.reference_error("object"))
    }

    fn place(&mut self, object: Option<OpId>, kind: Kind, op: &Op<'_>) -> Result<Place, GateError> {
        match (kind, op.key) {
            (Kind::Map, Key::Map(key)) => {
                let genesis = DocKind::State.genesis_objects();
                if object.is_none() && genesis.iter().any(|&(name, _)| name == key) {
                    return Err(self.rule_error("the objects of the genesis change stay"));
                }
                Ok(Place::Key(self.index.key(key)))
            }
            (Kind::List | Kind::Text, Key::Head) => Ok(Place::Element(self.this())),
            (Kind::List | Kind::Text, Key::Element(element)) => {
                let element = self.id(element);
                // Only the operation that inserts an element acts on the element of its own name.
                let inserted = Entry { object, place: Place::Element(element), replaceable: true };
                if self.entry(element) != Some(inserted) {
                    return Err(self.reference_error("element"));
                }
                Ok(Place::Element(if op.insert { self.this() } else { element }))
            }
            _ => Err(self.reference_error("key")),
        }
    }

    fn check_text_op(&self, op: &Op<'_>) -> Result<(), GateError> {
        let one_char = |text: &str| text.chars().count() == 1;
        match (op.insert, op.action) {
            (true, Action::Put(Value::Str(text))) if one_char(text) => Ok(()),
            (false, Action::Delete) => Ok(()),
            _ => Err(self.rule_error("text takes single characters and deletions")),
        }
    }
}

/// Judges a change of the `chat` document: its author's pages grow at the end, and nothing else happens.
pub(super) fn check_chat(scan: &Scan<'_>, pages: &mut Pages) -> Result<Vec<Message>, GateError> {
    let mut messages = Vec::new();
    let mut ops = scan.ops();
    let mut counter = scan.start_op;
    while let Some(op) = ops.next()? {
        let rule = |rule| GateError::Rule { counter, rule };
        let own = |reference: Option<Ref>, counter| reference == Some(Ref { counter, actor: 0 });
        match op {
            Op { object: None, key: Key::Map(key), action: Action::Make(Kind::List), preds: 0, .. } => {
                let page = pages.may_begin(scan.actor, key);
                pages.begin(page.ok_or(rule("pages follow one another, each full before the next"))?, counter);
            }
            Op { object, key, insert: true, action: Action::Put(Value::Bytes(bytes)), .. } => {
                let end = match key {
                    Key::Map(_) => false,
                    Key::Head => pages.last == 0,
                    Key::Element(element) => own(Some(element), pages.last),
                };
                if pages.list == 0 || !own(object, pages.list) || !end {
                    return Err(rule("messages are added at the end of their author's last page"));
                }
                if pages.count >= CHAT_PAGE_MESSAGES_MAX as u64 {
                    return Err(rule("a page holds at most 128 messages"));
                }
                messages.push(Message::decode(scan.actor, pages.next_n(), counter, bytes)?);
                pages.add(counter);
            }
            _ => return Err(rule("chat takes pages and messages of their author alone")),
        }
        counter += 1;
    }
    Ok(messages)
}

/// Checks the form of a change that [`check_chat`] passed, and returns its hash.
pub(super) fn canonical_chat_hash(scan: &Scan<'_>, payload: &[u8]) -> Result<[u8; 32], GateError> {
    if let Some(mut written) = one_line(scan) {
        let hash = chunk::hash(payload);
        chunk::set_checksum(&mut written, &hash);
        return if written == payload { Ok(hash) } else { Err(GateError::NotCanonical) };
    }
    // No replica of ours writes more than a line at once, but any may.
    Ok(super::parse_canonical(payload)?.hash().0)
}

/// Returns the change as we would write it but for the checksum, if it adds one line.
fn one_line(scan: &Scan<'_>) -> Option<Vec<u8>> {
    let mut ops = scan.ops();
    let mut next = || ops.next().ok().flatten();
    let (mut op, mut place) = (next()?, None);
    if let (Key::Map(key), Action::Make(_)) = (op.key, op.action) {
        place = Some(LinePlace::NewPage { key: key.to_owned(), list: scan.start_op });
        op = next()?;
    }
    let place = match (place, op.key) {
        (None, Key::Element(last)) => LinePlace::After { list: op.object?.counter, last: last.counter },
        (None, Key::Head) => LinePlace::FirstOf { list: op.object?.counter },
        (Some(place), Key::Head) => place,
        _ => return None,
    };
    let (Action::Put(Value::Bytes(value)), None) = (op.action, next()) else { return None };
    let head = Head {
        deps: scan.deps.to_vec(),
        author: scan.actor,
        seq: scan.seq,
        start_op: scan.start_op,
        others: Vec::new(),
    };
    Some(head.encode_unchecked(&place.columns(value)))
}
