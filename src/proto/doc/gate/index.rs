//! The reference index: what every admitted operation made, and who had seen it.
//!
//! admitted changes --`insert`--> Index --`entry`, `object`--> the gate's rules
//!
//! Always: holds exactly the admitted changes, numbered per author without gaps. Whether an operation is visible to a
//! change depends on what that change had seen, never on the order of arrival; so all replicas decide alike.

use std::collections::HashMap;

use super::clock::Clock;
use super::scan::Kind;
use crate::proto::id::AuthorId;

/// Names an operation: its counter, and the number that the index gave to its author.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct OpId {
    pub(super) author: u32,
    pub(super) counter: u32,
}

/// The object or slot that an operation acts on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// A key of a map, by its number.
    Key(u32),
    /// An element of a list or text, by the operation that inserted it.
    Element(OpId),
}

/// What is remembered of an admitted operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    /// The object it acts on, `None` for the root.
    pub(super) object: Option<OpId>,
    pub(super) place: Place,
    /// False for a deletion: nothing can replace it.
    pub(super) replaceable: bool,
}

/// An object that some operation made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Object {
    pub(super) kind: Kind,
    /// Objects between the root and this one, plus one.
    pub(super) depth: u32,
}

/// What is remembered of an admitted change.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) start_op: u32,
    pub(super) ops: u32,
    /// One per operation, or none at all in a document whose rules need none.
    pub(super) entries: Box<[Entry]>,
    pub(super) clock: Clock,
}

impl Row {
    /// Returns the counter of its last operation.
    pub(super) const fn max_op(&self) -> u32 {
        self.start_op + self.ops - 1
    }
}

/// The admitted changes of a document.
#[derive(Debug, Default)]
pub(super) struct Index {
    numbers: HashMap<AuthorId, u32>,
    /// Rows by author's number, then by seq − 1.
    lanes: Vec<Vec<Row>>,
    hashes: HashMap<[u8; 32], (u32, u32)>,
    keys: HashMap<Box<str>, u32>,
    objects: HashMap<OpId, Object>,
}

impl Index {
    /// Returns the author's number, if a change of it was admitted.
    pub(super) fn number(&self, author: AuthorId) -> Option<u32> {
        self.numbers.get(&author).copied()
    }

    /// Returns the number that the author has, or would get with its first change.
    pub(super) fn number_or_next(&self, author: AuthorId) -> u32 {
        self.number(author).unwrap_or(self.lanes.len() as u32)
    }

    /// Returns how many changes of the author were admitted.
    pub(super) fn admitted(&self, author: AuthorId) -> u32 {
        self.number(author).and_then(|number| self.lanes.get(number as usize)).map_or(0, |lane| lane.len() as u32)
    }

    /// Returns the author's number, the seq and the row of an admitted change.
    pub(super) fn change(&self, hash: &[u8; 32]) -> Option<(u32, u32, &Row)> {
        let &(author, seq) = self.hashes.get(hash)?;
        let row = self.lanes.get(author as usize)?.get(seq as usize - 1)?;
        Some((author, seq, row))
    }

    /// Returns what the operation did, if a change that had seen `clock` can refer to it.
    pub(super) fn entry(&self, id: OpId, clock: &Clock) -> Option<Entry> {
        let lane = self.lanes.get(id.author as usize)?;
        let seq = lane.partition_point(|row| row.start_op <= id.counter);
        let row = lane.get(seq.checked_sub(1)?)?;
        let visible = seq as u32 <= clock.seen(id.author);
        visible.then(|| row.entries.get((id.counter - row.start_op) as usize).copied()).flatten()
    }

    /// Returns the object that the operation made, whoever has seen it.
    pub(super) fn object(&self, id: OpId) -> Option<Object> {
        self.objects.get(&id).copied()
    }

    /// Returns the number of a map key.
    pub(super) fn key(&mut self, key: &str) -> u32 {
        let next = self.keys.len() as u32;
        if let Some(&number) = self.keys.get(key) {
            return number;
        }
        self.keys.insert(key.into(), next);
        next
    }

    /// Adds the author's next change.
    pub(super) fn insert(&mut self, author: AuthorId, hash: [u8; 32], row: Row, objects: Vec<(OpId, Object)>) {
        let number = self.number_or_next(author);
        if number as usize == self.lanes.len() {
            self.numbers.insert(author, number);
            self.lanes.push(Vec::new());
        }
        if let Some(lane) = self.lanes.get_mut(number as usize) {
            lane.push(row);
            self.hashes.insert(hash, (number, lane.len() as u32));
        }
        self.objects.extend(objects);
    }
}
