//! What members typed, summed up for the journal: a note for every key would be a note of how somebody types.

use crate::proto::audit::{Drove, Receipt};
use crate::proto::id::{AuthorId, PaneId};
use crate::proto::sorted::SortedMap;
use crate::proto::time::{Mono, Now};

/// Pause after which typing counts as something new, in microseconds.
const PAUSE_US: u64 = 30_000_000;
/// Members that may be typing at one time, each into one pane.
const BURSTS_MAX: usize = 1_024;

/// What is being typed, by whom and where.
#[derive(Debug, Default)]
pub(in crate::proto::session) struct Bursts {
    open: SortedMap<(PaneId, AuthorId), (Drove, Mono)>,
}

impl Bursts {
    /// Notes that a program got `bytes` bytes of the entry behind `receipt`. Returns what has to be noted to make room.
    pub(in crate::proto::session) fn add(
        &mut self,
        pane: PaneId,
        bytes: usize,
        receipt: Receipt,
        now: Now,
    ) -> Option<Drove> {
        let place = (pane, receipt.author());
        if let Some((drove, at)) = self.open.get_mut(&place) {
            drove.last = drove.last.max(now.wall);
            drove.bytes = drove.bytes.saturating_add(bytes as u64);
            drove.receipt = receipt;
            *at = now.mono;
            return None;
        }
        let oldest = self.open.iter().min_by_key(|(_, (_, at))| *at).map(|(place, _)| *place);
        let ended = oldest.filter(|_| self.open.len() >= BURSTS_MAX).and_then(|oldest| self.open.remove(&oldest));
        let (first, last, from) = (now.wall, now.wall, receipt.seq());
        self.open.insert(place, (Drove { pane, first, last, bytes: bytes as u64, from, receipt }, now.mono));
        ended.map(|(drove, _)| drove)
    }

    /// Ends those that `is_over` says of, and returns them.
    pub(in crate::proto::session) fn end(&mut self, is_over: impl Fn(PaneId, AuthorId) -> bool) -> Vec<Drove> {
        self.take(|(pane, author), _| is_over(*pane, *author))
    }

    /// Ends those that have paused for long enough.
    pub(in crate::proto::session) fn end_idle(&mut self, now: Mono) -> Vec<Drove> {
        self.take(|_, at| now.since_us(at) >= PAUSE_US)
    }

    fn take(&mut self, is_over: impl Fn(&(PaneId, AuthorId), Mono) -> bool) -> Vec<Drove> {
        self.open.extract_if(|place, (_, at)| is_over(place, *at)).map(|(_, (drove, _))| drove).collect()
    }

    pub(in crate::proto::session) fn poll_timeout(&self) -> Option<Mono> {
        self.open.values().map(|(_, at)| at.after_us(PAUSE_US)).min()
    }
}
