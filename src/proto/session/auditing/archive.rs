//! What a host keeps of epochs that are over, so that an audit can still show who wrote what: the documents hold the
//! words, and only the entries prove whose they are.

use crate::proto::epoch::EpochSecret;
use crate::proto::id::{Epoch, LaneId};
use crate::proto::key::Secret32;
use crate::proto::limits::ARCHIVE_BYTES_MAX;
use crate::proto::seal::lane_key;
use crate::proto::sorted::SortedMap;
use crate::proto::wire::WireEntry;

/// Entries of past epochs, with the keys of their lanes.
///
/// A lane's key opens what stands in the documents in the clear anyway. The secret of the epoch, which would open
/// recordings of terminals too, is not kept.
#[derive(Debug, Default)]
pub(in crate::proto::session) struct Archive {
    keys: SortedMap<LaneId, Secret32>,
    lanes: SortedMap<LaneId, Vec<WireEntry>>,
    bytes: usize,
}

impl Archive {
    /// Keeps the keys of lanes whose epoch's secret is about to be forgotten.
    pub(in crate::proto::session) fn keep_keys(
        &mut self,
        epoch: Epoch,
        secret: &EpochSecret,
        lanes: impl Iterator<Item = LaneId>,
    ) {
        for lane in lanes.filter(|lane| lane.epoch == epoch) {
            self.keys.entry(lane).or_insert_with(|| lane_key(&lane, secret));
        }
    }

    /// Keeps a lane that is about to be forgotten, whole or not at all.
    pub(in crate::proto::session) fn keep(&mut self, lane: LaneId, entries: Vec<WireEntry>) {
        let bytes: usize = entries.iter().map(|entry| entry.as_bytes().len()).sum();
        if self.bytes + bytes <= ARCHIVE_BYTES_MAX && !self.lanes.contains_key(&lane) {
            self.bytes += bytes;
            self.lanes.insert(lane, entries);
        }
    }

    pub(in crate::proto::session) fn key(&self, lane: &LaneId) -> Option<&Secret32> {
        self.keys.get(lane)
    }

    pub(in crate::proto::session) fn lanes(&self) -> impl Iterator<Item = (LaneId, Vec<&WireEntry>)> {
        self.lanes.iter().map(|(lane, entries)| (*lane, entries.iter().collect()))
    }
}
