//! One replica of one document.
//!
//! `handle_payload` --queue--> gate --> log --batch--> view; `edit` --> view --> gate --> log
//!
//! Always: the log holds the admitted payloads in an order in which each follows what it builds on; the view shows the
//! log's first `applied` entries. A refused change ends its author's lane and disturbs nobody else. PROTOCOL.md 12.

mod checkpoint;
mod rebuild;
mod resay;
mod retract;
mod roll;

use crate::proto::sorted::{SortedMap, SortedSet};
use std::collections::{BTreeMap, HashMap};

use automerge::{Automerge, Change, ChangeHash};
use bytes::Bytes;

pub use checkpoint::{CheckpointError, Frozen};

use super::DocKind;
use super::chat::Message;
use super::chunk::Head;
use super::edit::{EditError, Tx};
use super::gate::scan::Scan;
use super::gate::{Admission, Gate, GateError};
use super::view::{Broken, View};
use retract::Owed;

use crate::proto::id::AuthorId;
use crate::proto::limits::{CHANGE_DEPS_MAX, ORPHANS_BYTES_MAX};

/// A lane that was refused from some change on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Whose lane.
    pub author: AuthorId,
    /// What was wrong with the change.
    pub reason: GateError,
}

/// What a flush did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Applied {
    /// Whether the document changed.
    pub changed: bool,
    /// The lanes that were refused since the last flush.
    pub refused: Vec<Refusal>,
    /// Own payloads that a cut had taken back and that are part of the document again: to be published once more.
    pub again: Vec<Bytes>,
}

/// An admitted change.
#[derive(Clone, Debug)]
struct Entry {
    author: AuthorId,
    payload: Bytes,
}

/// A change that waits for its turn.
#[derive(Debug)]
struct Waiting {
    payload: Bytes,
    deps: Box<[[u8; 32]]>,
}

impl Waiting {
    /// What it costs in memory, less than its entry on the wire.
    fn bytes(&self) -> usize {
        self.payload.len() + 64
    }
}

/// What one author said here.
#[derive(Debug, Default)]
struct Lane {
    /// Places in the log of the admitted changes, by seq − 1.
    admitted: Vec<usize>,
    /// By seq.
    waiting: BTreeMap<u64, Waiting>,
    /// The change that the first waiting one was last seen to lack.
    blocked_on: Option<[u8; 32]>,
    muted: bool,
}

impl Lane {
    fn waiting_bytes(&self) -> usize {
        self.waiting.values().map(Waiting::bytes).sum()
    }
}

/// One replica of one document.
#[derive(Debug)]
pub struct Document {
    kind: DocKind,
    me: AuthorId,
    /// The hash of the genesis change.
    genesis: [u8; 32],
    pub(super) gate: Gate,
    /// A chat needs none: the gate reads its lines, and nothing in it is ever replaced.
    pub(super) view: Option<View>,
    log: Vec<Entry>,
    /// How many entries of the log the view shows.
    applied: usize,
    /// The operations in the log.
    ops: u64,
    /// The bytes of the log's payloads.
    bytes: u64,
    /// How many times the document has begun anew from what it showed.
    generation: u32,
    /// How many changes of each author are in the base or the checkpoint that was taken last.
    based: BTreeMap<AuthorId, u64>,
    /// The rest of the log, parsed.
    batch: Vec<Change>,
    lanes: SortedMap<AuthorId, Lane>,
    /// Lanes whose first waiting change lacks the key.
    blocked: HashMap<[u8; 32], Vec<AuthorId>>,
    /// Lanes to look at, because something came.
    touched: SortedSet<AuthorId>,
    waiting_bytes: usize,
    /// Above this, who waits most is refused.
    pub(super) waiting_bytes_max: usize,
    refused: Vec<Refusal>,
    /// Whether the view changed since the last flush.
    changed: bool,
    /// The author's last change.
    last_own: Option<[u8; 32]>,
    /// Lines of the batch.
    fresh: Vec<Message>,
    /// Lines of the view that nobody has taken note of.
    pub(super) news: Vec<Message>,
    /// Lines of the view, in order.
    pub(super) messages: Vec<Message>,
    /// Lines that were taken note of and have left the view since, by author and number.
    pub(super) unsaid: HashMap<(AuthorId, u64), Message>,
    /// Own changes that a cut took back.
    owed: Option<Owed>,
    /// Own changes that are part of the document again, to be published.
    again: Vec<Bytes>,
}

impl Document {
    /// Starts a replica that holds the genesis change alone; own changes will be by `me`.
    #[must_use]
    pub fn new(kind: DocKind, me: AuthorId) -> Self {
        let (view, genesis) = View::new(kind, me);
        Self {
            kind,
            me,
            genesis: genesis.hash().0,
            gate: Gate::new(kind, &genesis),
            view: (kind == DocKind::State).then_some(view),
            log: Vec::new(),
            applied: 0,
            ops: 0,
            bytes: 0,
            generation: 0,
            based: BTreeMap::new(),
            batch: Vec::new(),
            lanes: SortedMap::new(),
            blocked: HashMap::new(),
            touched: SortedSet::new(),
            waiting_bytes: 0,
            waiting_bytes_max: ORPHANS_BYTES_MAX,
            refused: Vec::new(),
            changed: false,
            last_own: None,
            fresh: Vec::new(),
            news: Vec::new(),
            messages: Vec::new(),
            unsaid: HashMap::new(),
            owed: None,
            again: Vec::new(),
        }
    }

    /// Returns which document this is.
    #[must_use]
    pub const fn kind(&self) -> DocKind {
        self.kind
    }

    /// Returns who makes the edits.
    #[must_use]
    pub const fn author(&self) -> AuthorId {
        self.me
    }

    /// Returns the hashes of the changes that nothing builds on yet, ascending. Equal heads mean equal documents.
    #[must_use]
    pub fn heads(&self) -> Vec<[u8; 32]> {
        self.gate.heads()
    }

    /// Returns how many changes were admitted, the genesis change not counted.
    #[must_use]
    pub fn len_changes(&self) -> usize {
        self.log.len()
    }

    /// Returns how many of the author's changes were admitted.
    #[must_use]
    pub fn admitted_of(&self, author: AuthorId) -> u64 {
        self.lanes.get(&author).map_or(0, |lane| lane.admitted.len() as u64)
    }

    /// Returns everybody of whom changes were admitted, in order of their ids.
    pub fn authors(&self) -> impl Iterator<Item = AuthorId> {
        self.lanes.iter().filter(|(_, lane)| !lane.admitted.is_empty()).map(|(author, _)| *author)
    }

    /// Returns how many payloads wait for others.
    #[must_use]
    pub fn len_waiting(&self) -> usize {
        self.lanes.values().map(|lane| lane.waiting.len()).sum()
    }

    /// Returns whether the rest of the author's lane is refused.
    #[must_use]
    pub fn is_muted(&self, author: AuthorId) -> bool {
        self.lanes.get(&author).is_some_and(|lane| lane.muted)
    }

    /// Returns the document in Automerge's file format, after a test that Automerge can load it. Slow; for export.
    #[must_use]
    pub fn save(&self) -> Option<Vec<u8>> {
        match &self.view {
            Some(view) => view.read(Automerge::save_and_verify).ok(),
            None => self.view_of_log()?.read(Automerge::save_and_verify).ok(),
        }
    }

    /// Takes the payload of an admitted entry of the author's lane. It takes effect with the next [`flush`](Self::flush)
    /// at which all that it builds on is here; own payloads (after a restart of the machine's storage) are no different.
    ///
    /// What is known already is ignored. A payload that can never be admitted ends the lane.
    pub fn handle_payload(&mut self, author: AuthorId, payload: Bytes) {
        if self.is_muted(author) {
            return;
        }
        if let Err(reason) = self.enqueue(author, payload) {
            // What waits before it may still be good.
            self.mute(author, reason);
        }
        if self.waiting_bytes > self.waiting_bytes_max {
            self.admit_ready();
            self.drop_excess();
        }
    }

    /// Applies all that is ready, in one batch: call it once per tick.
    pub fn flush(&mut self) -> Applied {
        self.admit_ready();
        let restored = self.restore();
        self.again.extend(restored);
        self.drop_excess();
        self.apply_batch();
        Applied {
            changed: std::mem::take(&mut self.changed),
            refused: std::mem::take(&mut self.refused),
            again: std::mem::take(&mut self.again),
        }
    }

    /// Makes one change and returns its payload: the plaintext of the author's next entry. Nothing if nothing changed.
    /// The change is part of the document at once.
    ///
    /// # Errors
    ///
    /// Those of `edit`, which leave the document as it was, and [`EditError::TooMany`], [`EditError::Lane`],
    /// [`EditError::Refused`] or [`EditError::Failed`].
    pub fn edit(
        &mut self,
        edit: impl FnOnce(&mut Tx<'_>) -> Result<(), EditError>,
    ) -> Result<Option<Bytes>, EditError> {
        self.expect_lane()?;
        let deps = self.fewer_deps();
        let Some(view) = &mut self.view else { return Err(EditError::Kind { found: self.kind }) };
        let change = match view.edit(deps.as_deref(), edit) {
            Err(EditError::Failed) => {
                self.rebuild(self.log.len());
                return Err(EditError::Failed);
            }
            other => other?,
        };
        let Some(change) = change else { return Ok(None) };
        let payload = Bytes::copy_from_slice(change.raw_bytes());
        let admitted = self.admit_own(payload.clone());
        if admitted.is_err() {
            // The view has the change already.
            self.rebuild(self.log.len());
        }
        self.batch.clear();
        self.settle();
        admitted.map(|()| Some(payload))
    }

    /// Adds an own change that needs no view to be made; `write` is given what it builds on.
    pub(super) fn append(&mut self, write: impl FnOnce(&Head) -> Vec<u8>) -> Result<Bytes, EditError> {
        self.expect_lane()?;
        let mut deps = match self.fewer_deps() {
            Some(deps) => deps.into_iter().map(|dep| dep.0).collect(),
            None => self.heads(),
        };
        deps.extend(self.last_own.filter(|last| !deps.contains(last)));
        deps.sort_unstable();
        let start_op = deps.iter().filter_map(|dep| self.gate.max_op(dep)).max().unwrap_or(0) + 1;
        let seq = self.gate.next_seq(self.me);
        let payload = Bytes::from(write(&Head { deps, author: self.me, seq, start_op, others: Vec::new() }));
        self.admit_own(payload.clone())?;
        self.settle();
        Ok(payload)
    }

    /// Checks that the next own change can be made now.
    fn expect_lane(&mut self) -> Result<(), EditError> {
        self.apply_batch();
        let ends = |lane: &Lane| lane.muted || !lane.waiting.is_empty();
        if self.owed.is_some() || self.lanes.get(&self.me).is_some_and(ends) { Err(EditError::Lane) } else { Ok(()) }
    }

    fn admit_own(&mut self, payload: Bytes) -> Result<(), EditError> {
        let admission = self.gate.admit(self.me, &payload).map_err(EditError::Refused)?;
        self.record(Entry { author: self.me, payload }, admission);
        Ok(())
    }

    pub(super) const fn expect_kind(&self, kind: DocKind) -> Result<(), EditError> {
        match (self.kind, kind) {
            (DocKind::State, DocKind::State) | (DocKind::Chat, DocKind::Chat) => Ok(()),
            (found, _) => Err(EditError::Kind { found }),
        }
    }

    fn enqueue(&mut self, author: AuthorId, payload: Bytes) -> Result<(), GateError> {
        let scan = Scan::parse(&payload)?;
        if scan.actor != author {
            return Err(GateError::Author { claimed: scan.actor });
        }
        let (seq, deps) = (scan.seq, scan.deps.into());
        match self.said(author, seq) {
            Some(said) if *said == payload => return Ok(()),
            Some(_) => return Err(GateError::Equivocation { seq }),
            None => (),
        }
        let waiting = Waiting { payload, deps };
        self.waiting_bytes += waiting.bytes();
        self.lanes.entry(author).or_default().waiting.insert(seq, waiting);
        self.touched.insert(author);
        Ok(())
    }

    /// Returns what the author said under the number, be it admitted or not.
    fn said(&self, author: AuthorId, seq: u64) -> Option<&Bytes> {
        let lane = self.lanes.get(&author)?;
        let place = usize::try_from(seq).ok()?.checked_sub(1)?;
        let admitted = lane.admitted.get(place).and_then(|&place| self.log.get(place)).map(|entry| &entry.payload);
        admitted.or(lane.waiting.get(&seq).map(|waiting| &waiting.payload))
    }

    /// Looks at all that waits again: it may wait for something else now.
    fn look_again(&mut self) {
        self.blocked.clear();
        for (author, lane) in &mut self.lanes {
            lane.blocked_on = None;
            self.touched.insert(*author);
        }
    }

    /// Refuses what the author says from now on.
    fn mute(&mut self, author: AuthorId, reason: GateError) {
        self.lanes.entry(author).or_default().muted = true;
        self.refused.push(Refusal { author, reason });
    }

    /// Refuses what the author says from now on, and what waits.
    fn refuse(&mut self, author: AuthorId, reason: GateError) {
        let lane = self.lanes.entry(author).or_default();
        self.waiting_bytes -= lane.waiting_bytes();
        lane.waiting.clear();
        self.mute(author, reason);
    }

    /// Ends the lanes that wait most until few enough wait.
    fn drop_excess(&mut self) {
        while self.waiting_bytes > self.waiting_bytes_max {
            let most = self.lanes.iter().max_by_key(|(_, lane)| lane.waiting_bytes());
            let Some((&author, lane)) = most else { return };
            let bytes = lane.waiting_bytes();
            self.refuse(author, GateError::Waiting { bytes });
        }
    }

    /// Moves what is ready from the lanes to the log and the batch.
    fn admit_ready(&mut self) {
        while let Some(author) = self.touched.pop_first() {
            while let Some(payload) = self.pop_ready(author) {
                match self.gate.admit(author, &payload) {
                    Ok(admission) => self.record(Entry { author, payload }, admission),
                    Err(reason) => self.refuse(author, reason),
                }
            }
        }
    }

    /// Takes the author's next payload if all that it builds on is admitted; else notes what it lacks.
    fn pop_ready(&mut self, author: AuthorId) -> Option<Bytes> {
        let lane = self.lanes.get_mut(&author)?;
        let front = lane.waiting.first_entry()?;
        if *front.key() != lane.admitted.len() as u64 + 1 {
            return None;
        }
        if let Some(&lacks) = front.get().deps.iter().find(|dep| !self.gate.knows(dep)) {
            if lane.blocked_on.replace(lacks) != Some(lacks) {
                self.blocked.entry(lacks).or_default().push(author);
            }
            return None;
        }
        let ready = front.remove();
        self.waiting_bytes -= ready.bytes();
        Some(ready.payload)
    }

    /// Adds an admitted change to the log and the batch, and touches the lanes that waited for it.
    fn record(&mut self, entry: Entry, admission: Admission) {
        self.lanes.entry(entry.author).or_default().admitted.push(self.log.len());
        if entry.author == self.me {
            self.last_own = Some(admission.hash);
        }
        self.ops += u64::from(admission.ops);
        self.bytes += entry.payload.len() as u64;
        self.log.push(entry);
        self.batch.extend(admission.change);
        self.fresh.extend(admission.messages);
        for author in self.blocked.remove(&admission.hash).unwrap_or_default() {
            self.lanes.entry(author).or_default().blocked_on = None;
            self.touched.insert(author);
        }
    }

    fn apply_batch(&mut self) {
        if self.applied == self.log.len() {
            return;
        }
        self.changed = true;
        let batch = std::mem::take(&mut self.batch);
        match self.view.as_mut().map_or(Ok(()), |view| view.apply(batch)) {
            Ok(()) => self.settle(),
            Err(Broken) => self.rebuild(self.applied),
        }
    }

    /// Notes that the view shows the whole log.
    fn settle(&mut self) {
        self.applied = self.log.len();
        let Some(first) = self.fresh.iter().map(Message::order).min() else { return };
        // Most lines come last. Where lanes overlap, sorting merges two runs that are sorted already.
        let from = self.messages.partition_point(|message| message.order() < first);
        for message in &self.fresh {
            let id = (message.author, message.n);
            if self.unsaid.get(&id).is_some_and(|unsaid| unsaid.says_the_same(message)) {
                self.unsaid.remove(&id);
            } else {
                self.news.push(message.clone());
            }
        }
        self.messages.append(&mut self.fresh);
        if let Some(unsorted) = self.messages.get_mut(from..) {
            unsorted.sort_by_key(Message::order);
        }
    }

    /// Chooses what the next own change builds on where naming all heads would take too many dependencies: its own last
    /// one, and the heads with the highest counters, since the change's own must be above them. `None` for all heads.
    fn fewer_deps(&self) -> Option<Vec<ChangeHash>> {
        let mut heads = self.heads();
        if heads.len() < CHANGE_DEPS_MAX {
            return None;
        }
        heads.sort_by_key(|head| std::cmp::Reverse(self.gate.max_op(head)));
        heads.truncate(CHANGE_DEPS_MAX - 1);
        heads.extend(self.last_own.filter(|last| !heads.contains(last)));
        Some(heads.into_iter().map(ChangeHash).collect())
    }
}

#[cfg(test)]
impl Document {
    /// Returns the admitted payloads, in the order of the log.
    pub(super) fn log_for_test(&self) -> Vec<(AuthorId, Bytes)> {
        self.log.iter().map(|entry| (entry.author, entry.payload.clone())).collect()
    }
}
