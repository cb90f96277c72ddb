//! How who comes late to a terminal gets the lines above its screen. PROTOCOL.md 15.2.
//!
//! first keyframe --`begin`--> asked; parts --`take`-->, events --`keep`--> both held --`finish`--> all of it anew
//!
//! Always: what is shown anew is the host's screen at one moment and whatever was shown of the lane after that, each
//! byte once. What is held is bounded; with more than that, nothing is shown anew.

use crate::proto::limits::HISTORY_KEPT_BYTES_MAX;
use crate::proto::terminal::{HistoryPart, HistoryParts, LanePlace, StreamEvent, Taken};

/// How often the host is asked for one answer, where it does not come whole.
const ASKS_MAX: u8 = 3;

/// What a viewer does about the lines above a screen.
#[derive(Debug, Default)]
pub(super) enum Newcomer {
    /// The first keyframe has not come.
    #[default]
    Outside,
    /// The host was asked.
    Asking(Asking),
    /// They are here, or are done without.
    Settled,
}

/// What is held until the lines are here.
#[derive(Debug, Default)]
pub(super) struct Asking {
    asks: u8,
    parts: HistoryParts,
    is_whole: bool,
    /// What was shown since, each with the place behind it.
    kept: Vec<(LanePlace, StreamEvent)>,
    kept_bytes: usize,
}

impl Newcomer {
    /// Notes a keyframe; true for the first, upon which the host is to be asked.
    pub(super) fn begin(&mut self) -> bool {
        let is_first = matches!(self, Self::Outside);
        if is_first {
            *self = Self::Asking(Asking { asks: 1, ..Asking::default() });
        }
        is_first
    }

    /// Tells whether the host is to be asked once more, because its answer may be lost.
    pub(super) fn ask_again(&mut self) -> bool {
        let Self::Asking(asking) = self else { return false };
        if asking.is_whole {
            return false;
        }
        if asking.asks == ASKS_MAX {
            *self = Self::Settled;
            return false;
        }
        asking.asks += 1;
        asking.parts = HistoryParts::default();
        true
    }

    /// Does without, if the answer is not here.
    pub(super) fn give_up(&mut self) {
        if matches!(self, Self::Asking(_)) {
            *self = Self::Settled;
        }
    }

    /// Keeps what is shown, of an entry before `place`.
    pub(super) fn keep(&mut self, place: LanePlace, event: &StreamEvent) {
        let Self::Asking(asking) = self else { return };
        asking.kept_bytes += match event {
            StreamEvent::Keyframe { data, .. } | StreamEvent::Output { data, .. } => data.len(),
            // An end stays true.
            StreamEvent::End { .. } | StreamEvent::Past { .. } => return,
        };
        asking.kept.push((place, event.clone()));
        if asking.kept_bytes > HISTORY_KEPT_BYTES_MAX {
            *self = Self::Settled;
        }
    }

    /// Takes a part of the answer; true if the host is to be asked once more.
    pub(super) fn take(&mut self, part: &HistoryPart) -> bool {
        let Self::Asking(asking) = self else { return false };
        if asking.is_whole {
            return false;
        }
        match asking.parts.take(part) {
            Taken::Some => false,
            Taken::All => {
                asking.is_whole = true;
                false
            }
            Taken::Gap => self.ask_again(),
        }
    }

    /// Returns what to show anew, once the answer is whole and the lane is seen as far as it goes.
    pub(super) fn finish(&mut self, seen: LanePlace) -> Vec<StreamEvent> {
        let is_due = matches!(self, Self::Asking(asking) if asking.is_whole && asking.parts.place() <= seen);
        if !is_due {
            return Vec::new();
        }
        let Self::Asking(Asking { parts, kept, .. }) = std::mem::replace(self, Self::Settled) else {
            return Vec::new();
        };
        // Without lines there is nothing to gain.
        let Some(history) = parts.finish().ok().filter(|history| !history.lines.is_empty()) else { return Vec::new() };
        let (size, offset) = (history.size, history.offset);
        let past = StreamEvent::Past { size, offset, lines: history.lines, keyframe: history.keyframe };
        let since = kept.into_iter().filter(|(place, _)| *place > parts.place());
        std::iter::once(past).chain(since.map(|(_, event)| event)).collect()
    }
}
