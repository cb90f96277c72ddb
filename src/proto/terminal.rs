//! Terminals: what a program wrote becomes a screen, a stream of entries, and back.
//!
//! program bytes -> [`StreamEncoder`] -> entries -> [`StreamDecoder`] -> [`Screen`] -> cells for a viewer
//!
//! Always: bytes from a program are data. Nothing in here panics on them, buffers them without a bound, or lets them
//! act on anything but the screen; a viewer draws cells and never passes bytes through. PROTOCOL.md 14, 15.

mod cluster;
mod command;
mod csi;
mod deed;
mod history;
mod input;
mod keyframe;
mod keys;
mod modes;
mod past;
mod reply;
mod sanitise;
mod screen;
mod sgr;
mod stream;
mod token;

pub use cluster::columns;
pub use command::{Command, Desk, Driving, Objection, Outcome, Seed, Wanted};
pub use deed::Deed;
pub(in crate::proto) use history::Taken;
pub use history::{History, HistoryError, HistoryPart, HistoryParts, LanePlace};
pub use input::{DirectDown, DirectUp, Refusal, Waits, Wish};
pub use keys::{Key, KeyPress, Modifiers, encode_key, encode_paste};
pub use modes::{Modes, MouseEncoding, MouseMode};
pub use sanitise::sanitise_line;
pub use screen::{Cell, Color, Row, Screen, Snapshot, Style};
pub use stream::{Part, StreamDecoder, StreamEncoder, StreamError, StreamEvent};

use super::limits;

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Size {
    /// Columns, 2 to 1,000.
    pub cols: u16,
    /// Rows, 2 to 500.
    pub rows: u16,
}

impl Size {
    /// Returns the nearest size that a terminal of ours may have.
    #[must_use]
    pub fn new(cols: u16, rows: u16) -> Self {
        Self { cols, rows }.clamped()
    }

    /// Returns the nearest size within the limits of PROTOCOL.md 17.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            cols: self.cols.clamp(*limits::COLS.start(), *limits::COLS.end()),
            rows: self.rows.clamp(*limits::ROWS.start(), *limits::ROWS.end()),
        }
    }

    /// Returns the number of cells.
    #[must_use]
    pub const fn cells(self) -> usize {
        self.cols as usize * self.rows as usize
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { cols: 80, rows: 24 }
    }
}

#[cfg(test)]
mod tests;
