//! Lanes: one author's sequence on one channel in one epoch, checked, kept and passed on.

pub mod proof;
pub mod replica;
pub mod verify;

pub use proof::Proof;
pub use verify::{EntryError, LaneVerifier};
