//! What a room keeps of one live channel, and where a watcher stands in it.
//!
//! publisher --push--> [`Ring`] <--pull-- one [`Watch`] per watcher
//!
//! Always: entries are kept once, whoever watches; a watcher costs a position, not a queue. Kept are the newest complete
//! keyframe, at most [`LIVE_KEPT_BYTES_MAX`] after it and a tail of at most [`LIVE_QUEUE_BYTES_MAX`] before it, so that
//! who keeps up sees every entry and a laggard jumps to the keyframe. PROTOCOL.md 8, 14, 17.

use crate::proto::id::{AuthorId, Channel, LaneId};
use crate::proto::limits::{KEYFRAME_BYTES_MAX, KEYFRAME_WANT_US, LIVE_KEPT_BYTES_MAX, LIVE_QUEUE_BYTES_MAX};
use crate::proto::time::Mono;
use bytes::Bytes;
use std::collections::VecDeque;

/// Longest keyframe as it travels: its raw bound and the frames around 32 KiB parts.
const KEYFRAME_WIRE_BYTES_MAX: u64 = KEYFRAME_BYTES_MAX as u64 + 65_536;

/// What an entry of a live channel is, from its kind alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    Output,
    KeyframeFirst,
    KeyframeMiddle,
    KeyframeLast,
    KeyframeWhole,
}

impl Piece {
    /// Reads the kinds of PROTOCOL.md 14.
    pub(super) const fn parse(kind: u8) -> Option<Self> {
        Some(match kind {
            1 => Self::Output,
            2 => Self::KeyframeFirst,
            3 => Self::KeyframeMiddle,
            4 => Self::KeyframeLast,
            5 => Self::KeyframeWhole,
            _ => return None,
        })
    }

    const fn starts_keyframe(self) -> bool {
        matches!(self, Self::KeyframeFirst | Self::KeyframeWhole)
    }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pushed {
    /// Kept, for watchers to pull.
    Kept,
    /// Older than what is kept: nothing to do.
    Stale,
    /// Follows nothing we have and starts no keyframe: of no use to anybody.
    Adrift,
}

/// Where a keyframe stands in the ring.
#[derive(Clone, Copy, Debug)]
struct Keyframe {
    first: u64,
    /// Position after its last part.
    end: u64,
}

#[derive(Debug)]
struct Kept {
    frame: Bytes,
    /// Bytes pushed before this frame, ever.
    offset: u64,
}

/// The kept part of one live channel. A position counts the frames ever pushed.
#[derive(Debug, Default)]
pub(super) struct Ring {
    lane: Option<LaneId>,
    seq_next: u64,
    kept: VecDeque<Kept>,
    first: u64,
    bytes_ever: u64,
    keyframe: Option<Keyframe>,
    /// Position where a keyframe began whose last part has not come.
    begun: Option<u64>,
    asked: Option<Mono>,
}

impl Ring {
    /// Takes the next entry of `lane`, already framed for the wire.
    pub(super) fn push(&mut self, lane: LaneId, seq: u64, piece: Piece, frame: Bytes) -> Pushed {
        if self.lane != Some(lane) {
            // A new host or epoch: nothing of the old lane can be continued.
            self.clear();
            self.lane = Some(lane);
            self.seq_next = 0;
        }
        if seq < self.seq_next {
            return Pushed::Stale;
        }
        let follows = seq == self.seq_next && !self.kept.is_empty();
        if !follows && !piece.starts_keyframe() {
            self.clear();
            return Pushed::Adrift;
        }
        self.seq_next = seq.saturating_add(1);
        let position = self.end();
        let bytes = frame.len() as u64;
        self.kept.push_back(Kept { frame, offset: self.bytes_ever });
        self.bytes_ever += bytes;
        self.note_keyframe(piece, position);
        self.trim();
        Pushed::Kept
    }

    /// Returns who writes the kept lane.
    pub(super) fn author(&self) -> Option<AuthorId> {
        self.lane.map(|lane| lane.author)
    }

    /// Tells whether a newcomer finds something to start from.
    pub(super) const fn has_keyframe(&self) -> bool {
        self.keyframe.is_some()
    }

    /// Tells whether the publisher should be asked for a keyframe now; true at most once a second.
    pub(super) fn ask(&mut self, now: Mono) -> bool {
        let due = self.asked.is_none_or(|asked| now.since_us(asked) >= KEYFRAME_WANT_US);
        if due {
            self.asked = Some(now);
        }
        due
    }

    /// Returns the bytes kept.
    pub(super) fn kept_bytes(&self) -> u64 {
        self.bytes_ever - self.offset_at(self.first)
    }

    fn end(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    fn get(&self, position: u64) -> Option<&Kept> {
        let index = usize::try_from(position.checked_sub(self.first)?).ok()?;
        self.kept.get(index)
    }

    fn offset_at(&self, position: u64) -> u64 {
        self.get(position).map_or(self.bytes_ever, |kept| kept.offset)
    }

    fn backlog_bytes(&self, position: u64) -> u64 {
        self.bytes_ever - self.offset_at(position)
    }

    fn note_keyframe(&mut self, piece: Piece, position: u64) {
        let done = match piece {
            Piece::Output => {
                // Output between two parts: the parts no longer join.
                self.begun = None;
                return;
            }
            Piece::KeyframeFirst => {
                self.begun = Some(position);
                return;
            }
            Piece::KeyframeMiddle => return,
            Piece::KeyframeLast => self.begun.take(),
            Piece::KeyframeWhole => Some(position),
        };
        self.begun = None;
        if let Some(first) = done {
            self.keyframe = Some(Keyframe { first, end: position + 1 });
        }
    }

    fn trim(&mut self) {
        if self.begun.is_some_and(|first| self.backlog_bytes(first) > KEYFRAME_WIRE_BYTES_MAX) {
            self.begun = None;
        }
        if self.keyframe.is_some_and(|keyframe| self.backlog_bytes(keyframe.end) > LIVE_KEPT_BYTES_MAX as u64) {
            self.keyframe = None;
        }
        let anchor = match (self.keyframe, self.begun) {
            (Some(keyframe), _) => keyframe.first,
            (None, Some(first)) => first,
            (None, None) => self.end(),
        };
        let anchor_offset = self.offset_at(anchor);
        while self.first < anchor && anchor_offset - self.offset_at(self.first) > LIVE_QUEUE_BYTES_MAX as u64 {
            self.kept.pop_front();
            self.first += 1;
        }
    }

    /// Appends all bytes held.
    pub(super) fn snoop(&self, found: &mut Vec<u8>) {
        self.kept.iter().for_each(|kept| found.extend_from_slice(&kept.frame));
    }

    /// Forgets all; watchers wait for the next keyframe.
    pub(super) fn clear(&mut self) {
        self.first = self.end();
        self.kept.clear();
        self.keyframe = None;
        self.begun = None;
    }
}

/// What a watcher finds when its connection has room.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Settled {
    /// Frames that it will never get, because it jumped over them.
    pub skipped: u64,
    /// Whether only a keyframe that does not exist yet would help it.
    pub wants_keyframe: bool,
}

/// One watcher's place in a [`Ring`].
#[derive(Debug)]
pub(super) struct Watch {
    /// What is watched.
    pub channel: Channel,
    /// Position of the next frame, once a keyframe gave it a start.
    next: Option<u64>,
    /// End of the keyframe being delivered: no jump before, or a slow link would see only beginnings.
    keyframe_end: u64,
}

impl Watch {
    /// Starts before the first keyframe.
    pub(super) const fn new(channel: Channel) -> Self {
        Self { channel, next: None, keyframe_end: 0 }
    }

    /// Finds a start, or jumps to the newest keyframe if too much is waiting.
    pub(super) fn settle(&mut self, ring: &Ring) -> Settled {
        let Some(next) = self.next.filter(|next| *next >= ring.first) else {
            let lost = self.next;
            self.jump(ring);
            let skipped = lost.map_or(0, |lost| self.next.unwrap_or(ring.first) - lost);
            return Settled { skipped, wants_keyframe: self.next.is_none() };
        };
        if next < self.keyframe_end || ring.backlog_bytes(next) <= LIVE_QUEUE_BYTES_MAX as u64 {
            return Settled::default();
        }
        match ring.keyframe {
            Some(keyframe) if keyframe.first > next => {
                self.jump(ring);
                Settled { skipped: keyframe.first - next, wants_keyframe: false }
            }
            _ => Settled { skipped: 0, wants_keyframe: true },
        }
    }

    /// Takes the next frame.
    pub(super) fn pull(&mut self, ring: &Ring) -> Option<Bytes> {
        let next = self.next?;
        let frame = ring.get(next)?.frame.clone();
        self.next = Some(next + 1);
        Some(frame)
    }

    /// Tells whether [`pull`](Self::pull) would give something after [`settle`](Self::settle).
    pub(super) fn is_due(&self, ring: &Ring) -> bool {
        self.next.filter(|next| *next >= ring.first).map_or(ring.has_keyframe(), |next| next < ring.end())
    }

    fn jump(&mut self, ring: &Ring) {
        self.next = ring.keyframe.map(|keyframe| keyframe.first);
        self.keyframe_end = ring.keyframe.map_or(0, |keyframe| keyframe.end);
    }
}

#[cfg(test)]
mod tests;
