//! What one peer has of the durable lanes: the sealed entries, in order, as they came.
//!
//! admitted `WireEntry` --append--> Replica --next_after(what the other side has)--> `WireEntry` to send
//!
//! Always: a lane has no gap; entries are already checked. PROTOCOL.md 11.

use crate::proto::id::{AuthorId, Channel, Epoch, LaneId};
use crate::proto::sorted::{SortedMap, SortedSet};
use crate::proto::wire::{LaneNext, WireEntry};
use std::collections::BTreeSet;

/// An entry and what the next one of its lane names.
#[derive(Debug)]
struct Kept {
    entry: WireEntry,
    digest: [u8; 32],
}

/// The durable entries of a session.
#[derive(Debug, Default)]
pub struct Replica {
    lanes: SortedMap<LaneId, Vec<Kept>>,
    /// Rises with every change.
    version: u64,
}

impl Replica {
    /// Keeps the next entry of its lane and its digest. The caller has checked that it is the next one.
    pub fn append(&mut self, entry: WireEntry, digest: [u8; 32]) {
        self.version += 1;
        self.lanes.entry(entry.lane).or_default().push(Kept { entry, digest });
    }

    /// Forgets the entries of a lane from `next` on.
    pub fn truncate(&mut self, lane: &LaneId, next: u64) {
        self.version += 1;
        if let Some(entries) = self.lanes.get_mut(lane) {
            entries.truncate(usize::try_from(next).unwrap_or(usize::MAX));
        }
        self.lanes.retain(|_, entries| !entries.is_empty());
    }

    /// Forgets the lanes that are not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&LaneId) -> bool) {
        self.version += 1;
        self.lanes.retain(|lane, _| keep(lane));
    }

    /// Returns a number that is another one after every change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Returns the seq that `lane` needs next.
    #[must_use]
    pub fn next_seq(&self, lane: &LaneId) -> u64 {
        self.lanes.get(lane).map_or(0, |entries| entries.len() as u64)
    }

    /// Returns the digest of the entry before `next`, zero at the beginning; `None` if the lane is not that long.
    #[must_use]
    pub fn digest_before(&self, lane: &LaneId, next: u64) -> Option<[u8; 32]> {
        match next.checked_sub(1) {
            None => Some([0; 32]),
            Some(last) => Some(self.kept(lane, last)?.digest),
        }
    }

    /// Returns the lanes of `channel` and the seq that each needs next, in ascending order.
    pub fn lanes_of(&self, channel: Channel) -> impl Iterator<Item = (LaneId, u64)> {
        let lanes = self.lanes.iter().filter(move |(lane, _)| lane.channel == channel);
        lanes.map(|(lane, entries)| (*lane, entries.len() as u64))
    }

    /// Returns the version vector of `channel`.
    #[must_use]
    pub fn have(&self, channel: Channel) -> Vec<LaneNext> {
        let lanes = self.lanes_of(channel);
        lanes.map(|(lane, next)| LaneNext { author: lane.author, epoch: lane.epoch, next }).collect()
    }

    /// Returns how many entries there are over all lanes.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.lanes.values().map(Vec::len).sum()
    }

    /// Tells whether there is anything by `author`.
    #[must_use]
    pub fn has_author(&self, author: AuthorId) -> bool {
        Channel::RECONCILED.into_iter().any(|channel| {
            let first = LaneId { channel, author, epoch: Epoch(0) };
            self.lanes
                .range_from(&first)
                .next()
                .is_some_and(|(lane, _)| (lane.channel, lane.author) == (channel, author))
        })
    }

    /// Returns the entry at `seq` of a lane.
    #[must_use]
    pub fn entry(&self, lane: &LaneId, seq: u64) -> Option<&WireEntry> {
        self.kept(lane, seq).map(|kept| &kept.entry)
    }

    fn kept(&self, lane: &LaneId, seq: u64) -> Option<&Kept> {
        self.lanes.get(lane)?.get(usize::try_from(seq).ok()?)
    }
}

/// What another endpoint already has, and so what it still lacks.
///
/// Entries are pulled from the replica when there is room to send them, so that a newcomer to a long session costs
/// no queue.
#[derive(Debug, Default)]
pub struct Feed {
    sent: SortedMap<LaneId, u64>,
    open: SortedSet<Channel>,
    /// A tree: in a long session there are thousands, taken from the front.
    behind: BTreeSet<LaneId>,
    /// Those of `behind` that grew while the link was up: what is said now goes before what was said long ago.
    fresh: BTreeSet<LaneId>,
}

impl Feed {
    /// Notes that the other side has everything of `lane` below `next`.
    pub fn handle_has(&mut self, lane: LaneId, next: u64) {
        let sent = self.sent.entry(lane).or_default();
        *sent = next.max(*sent);
    }

    /// Notes that the other side has named all that it has of `channel`: entries may flow.
    pub fn handle_have_complete(&mut self, channel: Channel, replica: &Replica) {
        self.open.insert(channel);
        let lanes = replica.lanes.keys().filter(|lane| lane.channel == channel);
        let lagging = lanes.filter(|lane| self.sent.get(lane).copied().unwrap_or(0) < replica.next_seq(lane));
        self.behind.extend(lagging.copied().collect::<Vec<_>>());
    }

    /// Notes that the replica has grown by an entry of `lane`.
    pub fn handle_growth(&mut self, lane: LaneId) {
        if self.open.contains(&lane.channel) {
            self.behind.insert(lane);
            self.fresh.insert(lane);
        }
    }

    /// Returns the first seq of `lane` that the other side was neither heard to have nor sent.
    #[must_use]
    pub fn next_of(&self, lane: &LaneId) -> u64 {
        self.sent.get(lane).copied().unwrap_or(0)
    }

    /// Tells whether the other side has named all that it has of `channel`.
    #[must_use]
    pub fn is_open(&self, channel: Channel) -> bool {
        self.open.contains(&channel)
    }

    /// Returns the lanes that the other side was heard to have something of, or was sent.
    pub fn known(&self) -> impl Iterator<Item = (&LaneId, u64)> {
        self.sent.iter().map(|(lane, next)| (lane, *next))
    }

    /// Forgets the lanes that are not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&LaneId) -> bool) {
        self.sent.retain(|lane, _| keep(lane));
        self.behind.retain(&keep);
        self.fresh.retain(&keep);
    }

    /// Takes the next entry that the other side lacks.
    pub fn pop<'a>(&mut self, replica: &'a Replica) -> Option<&'a WireEntry> {
        while let Some(lane) = self.fresh.first().or(self.behind.first()).copied() {
            let sent = self.sent.entry(lane).or_default();
            if let Some(entry) = replica.entry(&lane, *sent) {
                *sent += 1;
                return Some(entry);
            }
            self.behind.remove(&lane);
            self.fresh.remove(&lane);
        }
        None
    }

    /// Returns how many lanes are remembered.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.sent.len()
    }

    /// Tells whether [`pop`](Self::pop) may have something.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.behind.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANE: LaneId = LaneId { channel: Channel::CHAT, author: AuthorId([1; 16]), epoch: Epoch(0) };

    fn replica_of(entries: u64) -> Replica {
        let mut replica = Replica::default();
        for seq in 0..entries {
            replica.append(WireEntry::encode(1, LANE, seq, &[0; 16], &[0; 64]), [seq as u8; 32]);
        }
        replica
    }

    /// A reconnecting peer must get what it lacks, once, and nothing it has.
    #[test]
    fn feed_sends_exactly_what_the_other_side_lacks() {
        let mut replica = replica_of(5);
        let mut feed = Feed::default();
        feed.handle_has(LANE, 3);
        assert!(feed.pop(&replica).is_none(), "nothing flows before the other side has spoken");
        feed.handle_have_complete(Channel::CHAT, &replica);
        replica.append(WireEntry::encode(1, LANE, 5, &[0; 16], &[0; 64]), [5; 32]);
        feed.handle_growth(LANE);
        let sent: Vec<u64> = std::iter::from_fn(|| feed.pop(&replica).map(|entry| entry.seq)).collect();
        assert_eq!(sent, [3, 4, 5]);
        assert!(feed.is_empty());
    }

    /// An entry that came from the other side must not be sent back to it.
    #[test]
    fn feed_does_not_echo() {
        let mut replica = replica_of(0);
        let mut feed = Feed::default();
        feed.handle_have_complete(Channel::CHAT, &replica);
        replica.append(WireEntry::encode(1, LANE, 0, &[0; 16], &[0; 64]), [0; 32]);
        feed.handle_has(LANE, 1);
        feed.handle_growth(LANE);
        assert!(feed.pop(&replica).is_none());
    }
}
