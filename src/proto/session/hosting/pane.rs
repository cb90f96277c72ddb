//! One published terminal: its screen, its stream, and what of both is due. PROTOCOL.md 14.

use crate::proto::doc::{PaneInfo, PaneStatus};
use crate::proto::limits::OUTPUT_BYTES_MAX;
use crate::proto::session::driving::Wheel;
use crate::proto::terminal::{Part, Screen, Size, StreamEncoder};
use crate::proto::time::{Mono, Now};

/// Interval between two flushes of a busy terminal, in microseconds. A quiet one is flushed at once, and so is the
/// first output after a key.
const FLUSH_US: u64 = 8_000;
/// Output after which a newcomer should find a fresh keyframe, in bytes.
const KEYFRAME_EVERY_BYTES: u64 = 262_144;
/// Shortest interval between two keyframes that somebody asked for, in microseconds.
const KEYFRAME_US_MIN: u64 = 250_000;

/// One published terminal.
pub(super) struct Pane {
    pub(super) info: PaneInfo,
    pub(super) screen: Screen,
    pub(super) encoder: StreamEncoder,
    pub(super) waiting: Vec<u8>,
    /// When output last went out; `None` if the next goes out at once.
    pub(super) flushed: Option<Mono>,
    pub(super) keyframe_at: u64,
    pub(super) keyframed: Option<Mono>,
    pub(super) wants_keyframe: bool,
    /// Who may type into it.
    pub(super) wheel: Wheel,
}

impl Pane {
    pub(super) fn new(info: PaneInfo, size: Size) -> Self {
        Self {
            info,
            screen: Screen::new(size),
            encoder: StreamEncoder::new(),
            waiting: Vec::new(),
            flushed: None,
            keyframe_at: 0,
            keyframed: None,
            wants_keyframe: true,
            wheel: Wheel::default(),
        }
    }

    /// Tells whether output may go out at once.
    pub(super) fn is_quiet(&self, now: Now) -> bool {
        self.flushed.is_none_or(|flushed| now.mono.since_us(flushed) >= FLUSH_US)
    }

    pub(super) fn is_running(&self) -> bool {
        self.info.status == PaneStatus::Running
    }

    /// Returns when [`take_parts`](Self::take_parts) has something, given room. `is_hungry`: a link waits for a keyframe.
    pub(super) fn poll_timeout(&self, is_hungry: bool) -> Option<Mono> {
        let wants_keyframe = self.wants_keyframe || is_hungry;
        let keyframe = wants_keyframe.then(|| self.keyframed.map_or(Mono(0), |at| at.after_us(KEYFRAME_US_MIN)));
        let output = (!self.waiting.is_empty() && !self.wants_keyframe)
            .then(|| self.flushed.map_or(Mono(0), |at| at.after_us(FLUSH_US)));
        [keyframe, output].into_iter().flatten().min()
    }

    /// Takes what is to be published now: output, or a keyframe instead where output was skipped or one is wanted.
    pub(super) fn take_parts(&mut self, has_room: bool, now: Now) -> Vec<Part> {
        if !has_room {
            if self.waiting.len() > OUTPUT_BYTES_MAX {
                // The screen has it; bytes that nobody will get need not be kept.
                self.encoder.skip_output(self.waiting.len() as u64);
                self.waiting.clear();
                self.wants_keyframe = true;
            }
            return Vec::new();
        }
        let is_keyframe_due = self.keyframed.is_none_or(|at| now.mono.since_us(at) >= KEYFRAME_US_MIN);
        if self.wants_keyframe && is_keyframe_due || self.encoder.offset() >= self.keyframe_at + KEYFRAME_EVERY_BYTES {
            // Output first: who follows without a hole keeps every byte of it.
            let mut parts = self.take_output(now);
            parts.append(&mut self.take_keyframe(now));
            return parts;
        }
        self.take_output(now)
    }

    fn take_output(&mut self, now: Now) -> Vec<Part> {
        if self.waiting.is_empty() || self.keyframed.is_none() {
            return Vec::new();
        }
        self.flushed = Some(now.mono);
        let waiting = std::mem::take(&mut self.waiting);
        waiting.chunks(OUTPUT_BYTES_MAX).flat_map(|piece| self.encoder.output(piece)).collect()
    }

    pub(super) fn take_keyframe(&mut self, now: Now) -> Vec<Part> {
        self.encoder.skip_output(self.waiting.len() as u64);
        self.waiting.clear();
        self.wants_keyframe = false;
        self.flushed = Some(now.mono);
        self.keyframed = Some(now.mono);
        self.keyframe_at = self.encoder.offset();
        self.encoder.keyframe(&self.screen)
    }
}
