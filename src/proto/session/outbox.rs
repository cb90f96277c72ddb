//! What waits to be sent over one link, in the order in which it matters to people.
//!
//! Always: bounded. Live entries over the bound are dropped up to the next keyframe, presence keeps the newest per
//! member, durable entries stay in the replica until there is room. PROTOCOL.md 17.

use crate::proto::id::{AuthorId, Channel};
use crate::proto::limits::LIVE_QUEUE_BYTES_MAX;
use crate::proto::sorted::{SortedMap, SortedSet};
use bytes::Bytes;
use std::collections::VecDeque;

/// Control and direct frames that may wait, in bytes: a whole auth log, version vectors and a paste, several times.
const URGENT_BYTES_MAX: usize = 8_388_608;
/// Live bytes sent in a row before one durable entry gets its turn: a flood must not starve the chat.
const LIVE_RUN_BYTES_MAX: usize = 32_768;

/// Whether a live entry can be shown by someone who has nothing before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Start {
    /// It begins a keyframe.
    Keyframe,
    /// It continues.
    Continues,
}

/// The frames that wait for one link.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    urgent: VecDeque<Bytes>,
    urgent_bytes: usize,
    latest: SortedMap<AuthorId, Bytes>,
    live: VecDeque<(Channel, Bytes)>,
    live_bytes: usize,
    live_run_bytes: usize,
    skipping: SortedSet<Channel>,
}

impl Outbox {
    /// Queues a control or direct frame.
    pub(super) fn push_urgent(&mut self, frame: Bytes) {
        self.urgent_bytes += frame.len();
        self.urgent.push_back(frame);
    }

    /// Tells whether the other side asks for more answers than it reads.
    pub(super) const fn is_overfull(&self) -> bool {
        self.urgent_bytes > URGENT_BYTES_MAX
    }

    /// Queues the newest presence of `author`; an older one that still waits is dropped.
    pub(super) fn push_latest(&mut self, author: AuthorId, frame: Bytes) {
        self.latest.insert(author, frame);
    }

    /// Queues a terminal frame, or drops the channel up to its next keyframe when the queue is full.
    pub(super) fn push_live(&mut self, channel: Channel, start: Start, frame: Bytes) {
        if start == Start::Keyframe {
            if self.is_congested() {
                // Who is behind need not see what the keyframe replaces.
                self.drop_live(channel);
            }
            self.skipping.remove(&channel);
        } else if self.skipping.contains(&channel) {
            return;
        } else if self.live_bytes + frame.len() > LIVE_QUEUE_BYTES_MAX {
            self.drop_live(channel);
            self.skipping.insert(channel);
            return;
        }
        self.live_bytes += frame.len();
        self.live.push_back((channel, frame));
    }

    /// Drops what will be said again anyway, presence and terminals; each terminal starts anew at a keyframe.
    pub(super) fn drop_passing(&mut self) {
        self.latest.clear();
        self.live.clear();
        self.live_bytes = 0;
    }

    fn drop_live(&mut self, channel: Channel) {
        self.live.retain(|(queued, _)| *queued != channel);
        self.live_bytes = self.live.iter().map(|(_, frame)| frame.len()).sum();
    }

    /// Returns the channels that wait for a keyframe and have room for one.
    pub(super) fn hungry(&self) -> impl Iterator<Item = Channel> + '_ {
        let has_room = self.live_bytes < LIVE_QUEUE_BYTES_MAX / 4;
        self.skipping.iter().copied().filter(move |_| has_room)
    }

    /// Tells whether so much output waits that making more would only have to be dropped.
    pub(super) fn is_congested(&self) -> bool {
        self.live_bytes > LIVE_QUEUE_BYTES_MAX / 2
    }

    /// Takes the frame that matters most. `durable` is asked when it is the turn of the documents.
    pub(super) fn pop(&mut self, mut durable: impl FnMut() -> Option<Bytes>) -> Option<Bytes> {
        if let Some(frame) = self.urgent.pop_front() {
            self.urgent_bytes -= frame.len();
            return Some(frame);
        }
        if let Some((_, frame)) = self.latest.pop_first() {
            return Some(frame);
        }
        if self.live_run_bytes >= LIVE_RUN_BYTES_MAX {
            self.live_run_bytes = 0;
            if let Some(frame) = durable() {
                return Some(frame);
            }
        }
        if let Some((_, frame)) = self.live.pop_front() {
            self.live_bytes -= frame.len();
            self.live_run_bytes += frame.len();
            return Some(frame);
        }
        durable()
    }

    /// Returns how many bytes wait, documents not counted.
    pub(super) fn queued_bytes(&self) -> usize {
        self.urgent.iter().chain(self.latest.values()).map(Bytes::len).sum::<usize>() + self.live_bytes
    }

    /// Tells whether nothing but documents can be waiting.
    pub(super) fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.latest.is_empty() && self.live.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::id::PaneId;

    fn channel() -> Channel {
        Channel::terminal(PaneId(0)).expect("pane 0 exists")
    }

    fn drain(outbox: &mut Outbox) -> Vec<Bytes> {
        std::iter::from_fn(|| outbox.pop(|| None)).collect()
    }

    /// A stalled link must cost a bounded amount of memory, and what comes after it must start at a keyframe.
    #[test]
    fn overfull_channel_resumes_at_the_next_keyframe_only() {
        let mut outbox = Outbox::default();
        let frame = Bytes::from(vec![1; 60_000]);
        for _ in 0..6 {
            outbox.push_live(channel(), Start::Continues, frame.clone());
        }
        assert!(outbox.is_empty(), "the queue was dropped whole: its tail would have had a hole");
        assert_eq!(outbox.hungry().collect::<Vec<_>>(), [channel()]);
        outbox.push_live(channel(), Start::Continues, frame);
        assert!(outbox.is_empty());
        let keyframe = Bytes::from_static(b"keyframe");
        outbox.push_live(channel(), Start::Keyframe, keyframe.clone());
        assert_eq!(drain(&mut outbox), [keyframe]);
        assert_eq!(outbox.hungry().count(), 0);
    }

    /// Control-C typed during a flood goes first.
    #[test]
    fn input_overtakes_output() {
        let mut outbox = Outbox::default();
        outbox.push_live(channel(), Start::Continues, Bytes::from_static(b"flood"));
        outbox.push_urgent(Bytes::from_static(b"control-c"));
        assert_eq!(drain(&mut outbox)[0], "control-c");
    }

    /// Under a flood a chat line still gets through.
    #[test]
    fn documents_get_a_turn_during_a_flood() {
        let mut outbox = Outbox::default();
        for _ in 0..4 {
            outbox.push_live(channel(), Start::Continues, Bytes::from(vec![0; LIVE_RUN_BYTES_MAX]));
        }
        let mut chat = vec![Bytes::from_static(b"hello")];
        let order: Vec<usize> = std::iter::from_fn(|| outbox.pop(|| chat.pop()).map(|frame| frame.len())).collect();
        assert_eq!(order, [LIVE_RUN_BYTES_MAX, 5, LIVE_RUN_BYTES_MAX, LIVE_RUN_BYTES_MAX, LIVE_RUN_BYTES_MAX]);
    }
}
