//! Sealing and opening entries: the one place where content meets its keys.
//!
//! plaintext --[`LaneWriter`]--> `WireEntry` --[`LaneReader`]--> plaintext; to one addressee [`DirectGuest`], [`DirectHost`]
//!
//! Always: a nonce is used once per key; nothing is opened before its signature and place are right. PROTOCOL.md 7, 8, 15.

pub(crate) mod aead;
