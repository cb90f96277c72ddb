//! The two shared documents and presence: typed views over Automerge, behind a gate.
//!
//! payloads of admitted entries --`Document::handle_payload`, `flush`--> state, messages; `edit` --> own payloads
//!
//! Always: the admitted payloads are the truth and Automerge is a view of them. Replicas that admitted the same payloads,
//! in whatever order, show the same. Bytes of a stranger reach Automerge only through the gate. PROTOCOL.md 12, 13.

mod base;
mod chat;
mod chunk;
mod document;
mod edit;
mod gate;
mod origin;
mod pack;
mod presence;
mod state;
mod view;

pub use chat::{Anchor, Draft, Message, MessageKind};
pub use document::{Applied, CheckpointError, Document, Frozen, Refusal};
pub use edit::{EditError, Tx};
pub use gate::{GateError, ScanError};
pub use origin::StateItem;
pub use presence::{CursorAt, Holdings, Presence};
pub use state::{PaneInfo, PanePolicy, PaneStatus, StateView};

use gate::scan::Kind;

/// Returns the number that a change has among its author's, as it says; `None` if the bytes are no change.
#[must_use]
pub fn change_seq(payload: &[u8]) -> Option<u64> {
    gate::scan::Scan::parse(payload).ok().map(|scan| scan.seq)
}

/// Which of a session's documents.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DocKind {
    /// Title, panes, notes: what there is.
    State,
    /// What was said.
    Chat,
}

impl DocKind {
    /// Returns the root objects of the genesis change, in the order of its operations, from 1.
    const fn genesis_objects(self) -> &'static [(&'static str, Kind)] {
        match self {
            Self::State => &[("panes", Kind::Map), ("notes", Kind::Text), ("app", Kind::Map), ("drivers", Kind::Map)],
            Self::Chat => &[],
        }
    }
}

#[cfg(test)]
mod tests;
