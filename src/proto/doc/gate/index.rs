//! The reference index: what every admitted operation made, and who had seen it.
//!
//! admitted changes --`insert`--> Index --`entry`, `object`--> the gate's rules
//!
//! Always: holds exactly the admitted changes, numbered per author without gaps. Whether an operation is visible to a
//! change depends on what that change had seen, never on the order of arrival; so all replicas decide alike.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

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
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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

/// An object, and where in it: what conflicting values share.
pub(super) type Slot = (Option<OpId>, Place);

/// What the operations of a change add to the index. Nothing at all in a document whose rules need nothing.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// One per operation.
    pub(super) entries: Vec<Entry>,
    /// What was made, in the order of the counters.
    pub(super) objects: Vec<(OpId, Object)>,
    /// What was replaced or deleted.
    pub(super) replaced: HashSet<OpId>,
    /// The author's last value in each slot that it wrote to.
    pub(super) latest: HashMap<Slot, OpId>,
}

/// What is remembered of an admitted change.
#[derive(Debug)]
pub(super) struct Row {
    /// The counters of its operations.
    pub(super) counters: Range<u32>,
    /// One per operation, or none at all in a document whose rules need none.
    entries: Box<[Entry]>,
    pub(super) clock: Clock,
}

/// The admitted changes of one author.
#[derive(Debug, Default)]
struct Lane {
    /// By seq − 1.
    rows: Vec<Row>,
    /// The number of operations in all of them.
    ops: u32,
}

/// The admitted changes of a document.
#[derive(Debug, Default)]
pub(super) struct Index {
    numbers: HashMap<AuthorId, u32>,
    /// By the author's number.
    lanes: Vec<Lane>,
    hashes: HashMap<[u8; 32], (u32, u32)>,
    /// Changes that none of the others builds on.
    heads: BTreeSet<[u8; 32]>,
    keys: HashMap<Box<str>, u32>,
    objects: HashMap<OpId, Object>,
    /// The changes (author, seq) that replaced an operation: several, if they had not seen one another.
    replaced: HashMap<OpId, Vec<(u32, u32)>>,
    /// The author's last value in a slot.
    latest: HashMap<(u32, Slot), OpId>,
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

    fn lane(&self, author: AuthorId) -> Option<&Lane> {
        self.lanes.get(self.number(author)? as usize)
    }

    /// Returns how many changes of the author were admitted.
    pub(super) fn admitted(&self, author: AuthorId) -> u32 {
        self.lane(author).map_or(0, |lane| lane.rows.len() as u32)
    }

    /// Returns how many operations the author's changes hold.
    pub(super) fn ops(&self, author: AuthorId) -> u32 {
        self.lane(author).map_or(0, |lane| lane.ops)
    }

    /// Returns the hashes of the changes that no other builds on, ascending.
    pub(super) fn heads(&self) -> impl Iterator<Item = [u8; 32]> {
        self.heads.iter().copied()
    }

    /// Returns the author's number, the seq and the row of an admitted change.
    pub(super) fn change(&self, hash: &[u8; 32]) -> Option<(u32, u32, &Row)> {
        let &(author, seq) = self.hashes.get(hash)?;
        let row = self.lanes.get(author as usize)?.rows.get(seq as usize - 1)?;
        Some((author, seq, row))
    }

    /// Returns what the operation did, if a change that had seen `clock` can refer to it.
    pub(super) fn entry(&self, id: OpId, clock: &Clock) -> Option<Entry> {
        let rows = &self.lanes.get(id.author as usize)?.rows;
        let seq = rows.partition_point(|row| row.counters.start <= id.counter);
        let row = rows.get(seq.checked_sub(1)?)?;
        let visible = seq as u32 <= clock.seen(id.author);
        visible.then(|| row.entries.get((id.counter - row.counters.start) as usize).copied()).flatten()
    }

    /// Returns the object that the operation made, whoever has seen it.
    pub(super) fn object(&self, id: OpId) -> Option<Object> {
        self.objects.get(&id).copied()
    }

    /// Returns whether a change that had seen `clock` sees the operation replaced.
    pub(super) fn is_replaced(&self, id: OpId, clock: &Clock) -> bool {
        let seen = |&(author, seq): &(u32, u32)| seq <= clock.seen(author);
        self.replaced.get(&id).is_some_and(|by| by.iter().any(seen))
    }

    /// Returns the author's last value in the slot.
    pub(super) fn latest(&self, author: u32, slot: Slot) -> Option<OpId> {
        self.latest.get(&(author, slot)).copied()
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
    pub(super) fn insert(
        &mut self,
        author: AuthorId,
        hash: [u8; 32],
        deps: &[[u8; 32]],
        counters: Range<u32>,
        clock: Clock,
        learned: Learned,
    ) {
        let number = self.number_or_next(author);
        if number as usize == self.lanes.len() {
            self.numbers.insert(author, number);
            self.lanes.push(Lane::default());
        }
        let Some(lane) = self.lanes.get_mut(number as usize) else { return };
        lane.ops += counters.end - counters.start;
        lane.rows.push(Row { counters, entries: learned.entries.into(), clock });
        let seq = lane.rows.len() as u32;
        self.hashes.insert(hash, (number, seq));
        for dep in deps {
            self.heads.remove(dep);
        }
        self.heads.insert(hash);
        self.objects.extend(learned.objects);
        for id in learned.replaced {
            self.replaced.entry(id).or_default().push((number, seq));
        }
        self.latest.extend(learned.latest.into_iter().map(|(slot, id)| ((number, slot), id)));
    }
}
