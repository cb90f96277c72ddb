//! Figures for operators and for holders of links: how many, how much and since when; never what.

use crate::proto::id::SessionId;
use crate::proto::time::Wall;
use serde::{Deserialize, Serialize};

/// Figures of a node, for operators.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct HallStats {
    /// Connections now.
    pub connections: usize,
    /// Connections now that have proven possession.
    pub members: usize,
    /// Sessions now.
    pub sessions: usize,
    /// Durable entries held now, in bytes.
    pub bytes_stored: u64,
    /// Live entries held now, in bytes.
    pub bytes_live: u64,
    /// Frames taken, ever.
    pub frames_in: u64,
    /// Frames given out, ever.
    pub frames_out: u64,
    /// Bytes given out, ever.
    pub bytes_out: u64,
    /// Live frames that slow watchers jumped over, ever.
    pub frames_skipped: u64,
    /// Connections closed by the hall, ever.
    pub closed: u64,
    /// Records and entries that the store did not take, ever.
    pub store_failures: u64,
}

/// How many are in a session at this node; members whom the host serves elsewhere are not among them.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Members connected now, the host included.
    pub members: usize,
    /// Members at one time, at most.
    pub members_most: usize,
    /// Members who watch a terminal now.
    pub watching: usize,
    /// How many times somebody has begun to watch; who comes back counts again.
    pub views: u64,
}

/// What a node knows of one session, for its operator.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SessionStats {
    /// Its name.
    pub session: SessionId,
    /// Since when this node has it.
    #[serde(rename = "since_ms")]
    pub since: Wall,
    /// Since when nobody has been connected, if so.
    #[serde(rename = "empty_since_ms")]
    pub empty_since: Option<Wall>,
    /// When this node learned that its owner has ended it, if so.
    #[serde(rename = "ended_ms")]
    pub ended: Option<Wall>,
    /// Whether the member that publishes terminals is connected.
    #[serde(rename = "host_here")]
    pub is_host_here: bool,
    /// How many are in.
    #[serde(flatten)]
    pub counts: Counts,
    /// Connected members that wait to be let in.
    pub waiting: usize,
    /// Records of its auth log.
    pub log_records: u64,
    /// Durable entries held now, in bytes.
    pub bytes_stored: u64,
    /// Live entries held now, in bytes.
    pub bytes_live: u64,
    /// Bytes taken from its members, ever.
    pub bytes_in: u64,
    /// Bytes given to its members, ever.
    pub bytes_out: u64,
}

/// Why a node does not answer an inquiry. PROTOCOL.md 20.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InquiryError {
    /// Who asks: the link is wrong, revoked, expired, or does not allow it. Nobody is told which.
    #[error("no such session, or this link may not ask about it")]
    Refused,
    /// Who asks: the challenge is too old, or has served already.
    #[error("the challenge is too old, or has been used")]
    Stale,
    /// Who asks: this network was refused too often.
    #[error("refused too often, again in {wait_s} s")]
    TooMany {
        /// How long to wait, in seconds.
        wait_s: u64,
    },
    /// The node: it answers as many inquiries as it can remember.
    #[error("too many inquiries at this time")]
    Busy,
}
