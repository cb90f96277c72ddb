//! How far one connection has come in what its room keeps: the entries of the documents, and checkpoints it asked for.
//!
//! Always: nothing is queued here; places in the store are. What the room forgets or cuts off needs no mending of
//! places, only of what the other side was heard to have.

use super::super::store::StoredEntry;
use super::Source;
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId};
use crate::proto::wire::Have;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// How far a subscriber has come in the stored entries of its session.
#[derive(Debug, Default)]
pub(super) struct DurableCursor {
    /// The first position that it was not shown.
    pub position: u64,
    /// What the subscriber has ahead of `position`: lane → its next seq. Shrinks as the cursor passes.
    has: BTreeMap<LaneId, u64>,
    /// Lanes that cannot go on from where it has them: the room is full, or their author wrote two histories.
    stuck: BTreeSet<LaneId>,
    /// Channels whose HAVE is complete. Nothing is sent before both are.
    told: BTreeSet<Channel>,
}

impl DurableCursor {
    pub(super) fn is_open(&self) -> bool {
        Channel::DURABLE.iter().all(|channel| self.told.contains(channel))
    }

    /// Passes `entry`; tells whether the subscriber needs it.
    pub(super) fn pass(&mut self, position: u64, entry: &StoredEntry) -> bool {
        self.position = position + 1;
        let lane = &entry.lane;
        if lane.channel.is_checkpoint() || self.stuck.contains(lane) {
            return false;
        }
        match self.has.get(lane) {
            Some(next) if entry.seq < *next => {
                if entry.seq + 1 == *next {
                    self.has.remove(lane);
                }
                false
            }
            _ => true,
        }
    }

    /// Notes what the other side holds; returns how many lanes are remembered.
    pub(super) fn note_have(&mut self, have: &Have) -> usize {
        for lane in &have.lanes {
            let key = LaneId { channel: have.channel, author: lane.author, epoch: lane.epoch };
            let has = self.has.entry(key).or_default();
            *has = lane.next.max(*has);
        }
        if have.last {
            self.told.insert(have.channel);
        }
        self.has.len()
    }

    pub(super) fn note_sent_by_it(&mut self, lane: LaneId, next: u64) {
        let has = self.has.entry(lane).or_default();
        *has = next.max(*has);
    }

    pub(super) fn note_stuck(&mut self, lane: LaneId) -> usize {
        self.stuck.insert(lane);
        self.stuck.len()
    }

    pub(super) fn is_stuck(&self, lane: &LaneId) -> bool {
        self.stuck.contains(lane)
    }

    /// Forgets what the other side has of a lane: the room has another history of it now, or will have.
    pub(super) fn forget_lane(&mut self, lane: &LaneId) {
        self.has.remove(lane);
    }

    /// Forgets the lanes of `channel` below `epoch`: their entries will never be passed.
    pub(super) fn forget_below(&mut self, channel: Channel, epoch: Epoch) {
        let is_kept = |lane: &LaneId| lane.channel != channel || lane.epoch >= epoch;
        self.has.retain(|lane, _| is_kept(lane));
        self.stuck.retain(is_kept);
    }
}

/// A lane of segments that the owner's record vouches for, all of them here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct WholeCheckpoint {
    pub lane: LaneId,
    pub segments: u64,
}

/// One connection's place in the newest whole checkpoint of a document.
#[derive(Debug)]
pub(super) struct SegmentWatch {
    /// Channel 6 or 7.
    pub channel: Channel,
    at: Option<(LaneId, u64)>,
}

impl SegmentWatch {
    /// Starts before the first segment.
    pub(super) const fn new(channel: Channel) -> Self {
        Self { channel, at: None }
    }

    /// Tells whether a segment could be taken.
    pub(super) fn is_due(&self, source: &Source<'_>) -> bool {
        source.checkpoints.get(&self.channel).is_some_and(|whole| self.next_in(whole) < whole.segments)
    }

    /// Takes the next segment and says whose it is; a newer checkpoint starts from its first.
    pub(super) fn pull(&mut self, source: &Source<'_>) -> Option<(AuthorId, Bytes)> {
        let whole = source.checkpoints.get(&self.channel)?;
        let next = self.next_in(whole);
        if next >= whole.segments {
            return None;
        }
        let entry = source.store.entry(source.session, &whole.lane, next);
        // A medium that lost a segment cannot give the rest of use to anybody.
        self.at = Some((whole.lane, if entry.is_some() { next + 1 } else { whole.segments }));
        entry.map(|entry| (entry.lane.author, entry.frame))
    }

    fn next_in(&self, whole: &WholeCheckpoint) -> u64 {
        self.at.filter(|(lane, _)| *lane == whole.lane).map_or(0, |(_, next)| next)
    }
}
