//! Lanes: one author's entries on one channel in one epoch.

pub mod verify;
