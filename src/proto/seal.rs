//! Sealing and opening entries: the one place where content meets its keys.
//!
//! plaintext --[`LaneWriter`] | [`DirectGuest`] | [`DirectHost`]--> `WireEntry` --[`LaneReader`] | the other end--> plaintext
//!
//! Always: a nonce is used once per key; nothing is opened before its place and signature are right. A key that a
//! member made for others goes to the host by [`seal_share_kek`]. PROTOCOL.md 7, 8, 10.1, 15.

pub(crate) mod aead;
mod agreement;
mod direct;
mod entry;
mod lane;
mod padding;
mod share_kek;
#[cfg(test)]
mod tests;

pub use crate::proto::lane::verify::EntryError;
pub use direct::{DirectGuest, DirectHost};
pub(crate) use lane::lane_key;
pub use lane::{LaneReader, LaneWriter};
pub use padding::{pad_durable, unpad_durable};
pub use share_kek::{open_share_kek, seal_share_kek};
