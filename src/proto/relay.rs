//! One relay node, blind: it checks who may say what, keeps what must be kept and passes the rest on, and opens nothing.
//!
//! connections --frames--> [`Hall`] of rooms --pop--> frames for connections
//!
//! A host embeds the same machine to serve guests on its network. Always: nothing in here names a content key or a type
//! that opens entries; one misbehaving connection is closed, the others never notice; a slow reader costs no more
//! memory than a fast one. PROTOCOL.md 5, 7 to 11, 17, 18.

mod bucket;
mod challenges;
mod guesses;
mod hall;
mod members;
mod outbox;
mod quota;
mod ring;
mod room;
mod stats;
pub mod store;

pub use guesses::Network;
pub use hall::Hall;
pub use quota::Quota;
pub use stats::{Counts, HallStats, InquiryError, SessionStats};
pub use store::{MemoryStore, Shelf, Store};

use super::limits::{DURABLE_KEPT_BYTES_MAX, MEMBERS_MAX, PANES_MAX};
use super::time::Mono;
use super::wire::CloseCode;

/// Names a connection; whoever drives the [`Hall`] chooses it and never uses it twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnId(pub u64);

/// What to do with the bytes that a connection sends next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Flow {
    /// Go on reading.
    Continue,
    /// Read nothing before this time: its author is faster than its rate allows.
    Pause {
        /// When to go on.
        until: Mono,
    },
    /// Read nothing more: the connection is being closed.
    Stop,
}

/// What [`Hall::pop`] leaves behind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Popped {
    /// Set once CLOSE was popped: flush, then close the connection.
    pub close: Option<CloseCode>,
    /// Whether to pop again at once. If not, the hall will report the connection when it has something.
    pub has_more: bool,
}

/// Bounds of one node that an operator may choose. Those of PROTOCOL.md 17 hold besides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HallLimits {
    /// Connections at one time, proven or not.
    pub connections_max: usize,
    /// Connections at one time that have not proven possession.
    pub unproven_max: usize,
    /// Sessions kept at one time.
    pub sessions_max: usize,
    /// Live entries kept in memory per session, in bytes, over all its terminals.
    pub live_bytes_max: u64,
    /// Durable entries kept per session, in bytes; an eighth of it is for the host alone.
    pub durable_bytes_max: u64,
    /// How long a session to which nobody is connected is kept, in microseconds.
    pub idle_us_max: u64,
    /// How long the end of a session is told to late comers, in microseconds.
    pub ended_us_max: u64,
}

impl Default for HallLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            unproven_max: 1_024,
            sessions_max: 10_000,
            live_bytes_max: 64 * 1_048_576,
            durable_bytes_max: DURABLE_KEPT_BYTES_MAX as u64,
            idle_us_max: 24 * 3_600_000_000,
            ended_us_max: 600_000_000,
        }
    }
}

const _: () = assert!(10_000 >= MEMBERS_MAX, "one full session fits a node of default size");
const _: () = assert!(64 * 1_048_576 / PANES_MAX as usize >= 1_048_576, "each terminal has room for a keyframe");

/// What is counted where it happens.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    frames_in: u64,
    frames_out: u64,
    bytes_out: u64,
    frames_skipped: u64,
    closed: u64,
    store_failures: u64,
}

#[cfg(test)]
pub(crate) mod tests;
