//! The first look at a change chunk: every byte of it, by our own code, without allocating.
//!
//! payload --`Scan::parse`--> header, operations --> the gate's rules
//!
//! Always: nothing is trusted and nothing is expanded, so the cost is bounded by the bytes and the limits. What passes is
//! one uncompressed change of the kinds of operations that our documents use, whole to the last byte. Automerge's own
//! readers see only that: they allocate gigabytes or panic for as little as 42 hostile bytes. PROTOCOL.md 12.

mod column;

use std::ops::Range;

use crate::proto::doc::chunk::{MAGIC, TYPE_CHANGE};
use crate::proto::id::AuthorId;
use crate::proto::limits::{
    CHANGE_ACTORS_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, CHANGE_PREDS_MAX, DURABLE_PAYLOAD_BYTES_MAX, KEY_BYTES_MAX,
};
use column::{Deltas, Flags, Runs, sleb, take, uleb};

/// Highest operation counter, 2^31. Automerge panics near 2^32.
const COUNTER_MAX: u64 = 1 << 31;

/// Why bytes are not a change that any document of ours could hold; their author has to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The bytes end inside something.
    #[error("{what} is cut short")]
    Truncated {
        /// The thing.
        what: &'static str,
    },
    /// Bytes are left after the end of something.
    #[error("bytes are left after {what}")]
    Trailing {
        /// The thing.
        what: &'static str,
    },
    /// Something is not written in its one canonical form.
    #[error("{what} is not in canonical form")]
    NotCanonical {
        /// The thing.
        what: &'static str,
    },
    /// Text is not UTF-8.
    #[error("{what} is not UTF-8")]
    Text {
        /// The thing.
        what: &'static str,
    },
    /// A field holds a value that documents of ours do not use.
    #[error("{what} cannot be {found}")]
    Value {
        /// The field.
        what: &'static str,
        /// What it held.
        found: u64,
    },
    /// Something is over its bound.
    #[error("{what}: {found} is over the limit of {max}")]
    Limit {
        /// The thing.
        what: &'static str,
        /// How many.
        found: u64,
        /// The bound.
        max: u64,
    },
}

/// The columns of a change, in the order in which they stand; any other is refused.
/// A set deflate bit (8) makes another number, and so do marks (0x94, 0xa5).
const COLUMNS: [(u64, &str); 12] = [
    (0x01, "object actor column"),
    (0x02, "object counter column"),
    (0x11, "key actor column"),
    (0x13, "key counter column"),
    (0x15, "key column"),
    (0x34, "insert column"),
    (0x42, "action column"),
    (0x56, "value length column"),
    (0x57, "value column"),
    (0x70, "predecessor count column"),
    (0x71, "predecessor actor column"),
    (0x73, "predecessor counter column"),
];

/// Names an operation: its counter, and the place of its author among the actors of the change (0 is the change's own).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proto::doc) struct Ref {
    pub(in crate::proto::doc) counter: u32,
    pub(in crate::proto::doc) actor: usize,
}

/// Where in its object an operation acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proto::doc) enum Key<'a> {
    Map(&'a str),
    Head,
    Element(Ref),
}

/// A scalar of the kinds that our documents use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proto::doc) enum Value<'a> {
    Int(i64),
    Str(&'a str),
    Bytes(&'a [u8]),
}

/// The kinds of objects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proto::doc) enum Kind {
    Map,
    List,
    Text,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proto::doc) enum Action<'a> {
    Make(Kind),
    Put(Value<'a>),
    Delete,
}

/// One operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proto::doc) struct Op<'a> {
    /// The object it acts on, `None` for the root.
    pub(in crate::proto::doc) object: Option<Ref>,
    pub(in crate::proto::doc) key: Key<'a>,
    pub(in crate::proto::doc) insert: bool,
    pub(in crate::proto::doc) action: Action<'a>,
    /// How many operations it replaces: [`Ops::pred`] returns so many before the next operation.
    pub(in crate::proto::doc) preds: usize,
}

/// A change chunk, looked at to the last byte.
#[derive(Clone, Debug)]
pub(in crate::proto::doc) struct Scan<'a> {
    /// Hashes of the changes it builds on, ascending.
    pub(in crate::proto::doc) deps: &'a [[u8; 32]],
    pub(in crate::proto::doc) actor: AuthorId,
    pub(in crate::proto::doc) seq: u64,
    pub(in crate::proto::doc) start_op: u32,
    /// The number of its operations.
    pub(in crate::proto::doc) ops: u32,
    others: &'a [[u8; 17]],
    /// The number of the columns, their kinds and lengths, and their data: all to the end of the chunk.
    pub(in crate::proto::doc) tail: &'a [u8],
    columns: [&'a [u8]; COLUMNS.len()],
}

impl<'a> Scan<'a> {
    /// Looks at all of `payload`.
    pub(in crate::proto::doc) fn parse(payload: &'a [u8]) -> Result<Self, ScanError> {
        limit("payload bytes", payload.len() as u64, DURABLE_PAYLOAD_BYTES_MAX)?;
        let mut body = open_chunk(payload)?;
        let deps = read_deps(&mut body)?;
        let actor = AuthorId(read_actor(&mut body, "actor")?);
        let seq = in_range("seq", uleb(&mut body, "seq")?, 1..COUNTER_MAX)?;
        let start_op = in_range("start op", uleb(&mut body, "start op")?, 1..COUNTER_MAX)? as u32;
        let time = sleb(&mut body, "time")?;
        in_range("time", time.unsigned_abs(), 0..1)?;
        in_range("message bytes", uleb(&mut body, "message")?, 0..1)?;
        let others = read_others(&mut body, actor)?;
        let columns = read_columns(body)?;
        let mut scan = Self { deps, actor, seq, start_op, ops: 0, others, tail: body, columns };
        scan.ops = scan.count_ops()?;
        Ok(scan)
    }

    /// Reads the operations again, from the first.
    pub(in crate::proto::doc) fn ops(&self) -> Ops<'a> {
        Ops::new(self)
    }

    /// Returns the actors that operations may name: the change's own, then the others.
    pub(in crate::proto::doc) fn actors(&self) -> impl Iterator<Item = AuthorId> + use<'a> {
        std::iter::once(self.actor).chain(self.others.iter().map(|other| AuthorId(tail16(other))))
    }

    fn actor_at(&self, place: usize) -> Option<AuthorId> {
        match place.checked_sub(1) {
            None => Some(self.actor),
            Some(other) => self.others.get(other).map(|other| AuthorId(tail16(other))),
        }
    }

    /// Walks through all operations and predecessors once.
    fn count_ops(&self) -> Result<u32, ScanError> {
        let mut ops = self.ops();
        let (mut count, mut preds) = (0_u64, 0_u64);
        while let Some(op) = ops.next()? {
            count += 1;
            preds += op.preds as u64;
            limit("operations", count, CHANGE_OPS_MAX)?;
            limit("predecessors", preds, CHANGE_PREDS_MAX)?;
            let mut last = None;
            for _ in 0..op.preds {
                let pred = ops.pred()?;
                let order = Some((pred.counter, self.actor_at(pred.actor)));
                if last >= order {
                    return Err(ScanError::NotCanonical { what: "predecessors" });
                }
                last = order;
            }
        }
        in_range("operations", count, 1..CHANGE_OPS_MAX as u64 + 1)?;
        limit("operation counter", u64::from(self.start_op) + count, COUNTER_MAX as usize)?;
        Ok(count as u32)
    }
}

fn limit(what: &'static str, found: u64, max: usize) -> Result<(), ScanError> {
    let max = max as u64;
    if found > max { Err(ScanError::Limit { what, found, max }) } else { Ok(()) }
}

fn in_range(what: &'static str, found: u64, range: Range<u64>) -> Result<u64, ScanError> {
    if range.contains(&found) { Ok(found) } else { Err(ScanError::Value { what, found }) }
}

fn tail16(prefixed: &[u8; 17]) -> [u8; 16] {
    let mut tail = [0; 16];
    tail.copy_from_slice(&prefixed[1..]);
    tail
}

/// Returns the body of the one chunk that `payload` is. Its checksum is left to the canonical form.
fn open_chunk(payload: &[u8]) -> Result<&[u8], ScanError> {
    let mut bytes = payload;
    if take(&mut bytes, 4, "chunk")? != MAGIC {
        return Err(ScanError::NotCanonical { what: "magic" });
    }
    take(&mut bytes, 4, "chunk")?;
    let kind = take(&mut bytes, 1, "chunk")?[0];
    in_range("chunk type", u64::from(kind), u64::from(TYPE_CHANGE)..u64::from(TYPE_CHANGE) + 1)?;
    let length = uleb(&mut bytes, "chunk length")?;
    let body = take(&mut bytes, length, "chunk")?;
    if bytes.is_empty() { Ok(body) } else { Err(ScanError::Trailing { what: "chunk" }) }
}

fn read_deps<'a>(body: &mut &'a [u8]) -> Result<&'a [[u8; 32]], ScanError> {
    let what = "dependencies";
    let count = uleb(body, what)?;
    limit(what, count, CHANGE_DEPS_MAX)?;
    let (deps, _) = take(body, 32 * count, what)?.as_chunks();
    if deps.is_sorted_by(|a, b| a < b) { Ok(deps) } else { Err(ScanError::NotCanonical { what }) }
}

fn read_actor(body: &mut &[u8], what: &'static str) -> Result<[u8; 16], ScanError> {
    let bytes = take(body, 17, what)?;
    in_range("actor bytes", u64::from(bytes[0]), 16..17)?;
    let mut actor = [0; 16];
    actor.copy_from_slice(&bytes[1..]);
    Ok(actor)
}

fn read_others<'a>(body: &mut &'a [u8], actor: AuthorId) -> Result<&'a [[u8; 17]], ScanError> {
    let what = "other actors";
    let count = uleb(body, what)?;
    limit(what, count, CHANGE_ACTORS_MAX)?;
    let (others, _) = take(body, 17 * count, what)?.as_chunks::<17>();
    for other in others {
        in_range("actor bytes", u64::from(other[0]), 16..17)?;
    }
    let sorted = others.is_sorted_by(|a, b| a < b);
    if sorted && others.iter().all(|other| tail16(other) != actor.0) {
        Ok(others)
    } else {
        Err(ScanError::NotCanonical { what })
    }
}

/// Splits the rest of the body into its columns; they fill it, so there is no room for extra bytes.
fn read_columns(mut body: &[u8]) -> Result<[&[u8]; COLUMNS.len()], ScanError> {
    let what = "columns";
    let count = uleb(&mut body, what)?;
    limit(what, count, COLUMNS.len())?;
    let mut lengths = [0; COLUMNS.len()];
    let mut places = 0..COLUMNS.len();
    for _ in 0..count {
        let found = uleb(&mut body, what)?;
        // Searching on from the last one found keeps them ascending and different.
        let place =
            places.find(|&place| COLUMNS[place].0 == found).ok_or(ScanError::Value { what: "column", found })?;
        lengths[place] = uleb(&mut body, what)?;
        in_range("column length", lengths[place], 1..DURABLE_PAYLOAD_BYTES_MAX as u64)?;
    }
    let mut columns: [&[u8]; COLUMNS.len()] = [&[]; COLUMNS.len()];
    for ((column, length), (_, what)) in columns.iter_mut().zip(lengths).zip(COLUMNS) {
        *column = take(&mut body, length, what)?;
    }
    if body.is_empty() { Ok(columns) } else { Err(ScanError::Trailing { what }) }
}

/// Reads operations one after the other.
#[derive(Clone, Debug)]
pub(in crate::proto::doc) struct Ops<'a> {
    actors: u64,
    object_actor: Runs<'a, u64>,
    object_counter: Runs<'a, u64>,
    key_actor: Runs<'a, u64>,
    key_counter: Deltas<'a>,
    key: Runs<'a, &'a str>,
    insert: Flags<'a>,
    action: Runs<'a, u64>,
    value_length: Runs<'a, u64>,
    value: &'a [u8],
    pred_count: Runs<'a, u64>,
    pred_actor: Runs<'a, u64>,
    pred_counter: Deltas<'a>,
}

impl<'a> Ops<'a> {
    fn new(scan: &Scan<'a>) -> Self {
        let column = |place: usize| (COLUMNS[place].1, scan.columns[place]);
        let runs = |place| Runs::new(column(place).0, column(place).1);
        let deltas = |place| Deltas::new(column(place).0, column(place).1);
        Self {
            actors: 1 + scan.others.len() as u64,
            object_actor: runs(0),
            object_counter: runs(1),
            key_actor: runs(2),
            key_counter: deltas(3),
            key: Runs::new(column(4).0, column(4).1),
            insert: Flags::new(column(5).0, column(5).1),
            action: runs(6),
            value_length: runs(7),
            value: column(8).1,
            pred_count: runs(9),
            pred_actor: runs(10),
            pred_counter: deltas(11),
        }
    }

    /// Returns the next operation, or `None` after the last; every column must end there.
    pub(in crate::proto::doc) fn next(&mut self) -> Result<Option<Op<'a>>, ScanError> {
        if self.action.finish().is_ok() {
            return self.finish().map(|()| None);
        }
        let object = match (self.object_actor.next()?, self.object_counter.next()?) {
            (None, None) => None,
            (actor, counter) => Some(self.reference("object", actor, counter)?),
        };
        let key = self.next_key()?;
        let insert = self.insert.next()?;
        let action = self.next_action()?;
        let preds = self.pred_count.value()?;
        limit("predecessors", preds, CHANGE_PREDS_MAX)?;
        let preds = preds as usize;
        let what = "operation";
        match (insert, key, action) {
            (true, Key::Map(_), _) | (false, Key::Head, _) | (true, _, Action::Delete) => {
                Err(ScanError::NotCanonical { what })
            }
            (true, ..) if preds > 0 => Err(ScanError::NotCanonical { what }),
            (_, _, Action::Delete) if preds == 0 => Err(ScanError::NotCanonical { what }),
            _ => Ok(Some(Op { object, key, insert, action, preds })),
        }
    }

    /// Returns the next predecessor of the operation returned last.
    pub(in crate::proto::doc) fn pred(&mut self) -> Result<Ref, ScanError> {
        let (actor, counter) = (self.pred_actor.next()?, self.pred_counter.next()?);
        self.reference("predecessor", actor, counter)
    }

    fn finish(&self) -> Result<(), ScanError> {
        self.object_actor.finish()?;
        self.object_counter.finish()?;
        self.key_actor.finish()?;
        self.key_counter.finish()?;
        self.key.finish()?;
        self.insert.finish()?;
        self.value_length.finish()?;
        self.pred_count.finish()?;
        self.pred_actor.finish()?;
        self.pred_counter.finish()?;
        if self.value.is_empty() { Ok(()) } else { Err(ScanError::Trailing { what: "value column" }) }
    }

    fn reference(&self, what: &'static str, actor: Option<u64>, counter: Option<u64>) -> Result<Ref, ScanError> {
        let (Some(actor), Some(counter)) = (actor, counter) else { return Err(ScanError::Truncated { what }) };
        let actor = in_range("actor", actor, 0..self.actors)? as usize;
        let counter = in_range(what, counter, 1..COUNTER_MAX)? as u32;
        Ok(Ref { counter, actor })
    }

    fn next_key(&mut self) -> Result<Key<'a>, ScanError> {
        match (self.key_actor.next()?, self.key_counter.next()?, self.key.next()?) {
            (None, None, Some(key)) => {
                in_range("key bytes", key.len() as u64, 1..KEY_BYTES_MAX as u64 + 1)?;
                Ok(Key::Map(key))
            }
            (None, Some(0), None) => Ok(Key::Head),
            (actor, counter, None) => self.reference("element", actor, counter).map(Key::Element),
            _ => Err(ScanError::NotCanonical { what: "key" }),
        }
    }

    fn next_action(&mut self) -> Result<Action<'a>, ScanError> {
        let action = self.action.value()?;
        let meta = self.value_length.value()?;
        let (kind, length) = (meta & 0xf, meta >> 4);
        let what = "value";
        let mut bytes = take(&mut self.value, length, what)?;
        match (action, kind) {
            (0 | 2 | 3 | 4, _) if meta != 0 => Err(ScanError::Value { what, found: meta }),
            (0, _) => Ok(Action::Make(Kind::Map)),
            (2, _) => Ok(Action::Make(Kind::List)),
            (3, _) => Ok(Action::Delete),
            (4, _) => Ok(Action::Make(Kind::Text)),
            (1, 4) => {
                let value = sleb(&mut bytes, what)?;
                if !bytes.is_empty() {
                    return Err(ScanError::Trailing { what });
                }
                Ok(Action::Put(Value::Int(value)))
            }
            (1, 6) => {
                let text = std::str::from_utf8(bytes).map_err(|_| ScanError::Text { what })?;
                Ok(Action::Put(Value::Str(text)))
            }
            (1, 7) => Ok(Action::Put(Value::Bytes(bytes))),
            (1, _) => Err(ScanError::Value { what: "value type", found: kind }),
            _ => Err(ScanError::Value { what: "action", found: action }),
        }
    }
}
