//! Bytes on the wire: varints, frames and entries.
//!
//! stream bytes --`FrameDecoder`--> [`Frame`] --`Frame::Entry`--> [`WireEntry`]
//!
//! Always: decoders are total; what they accept re-encodes to the same bytes. PROTOCOL.md 1, 7.2, 9.

mod entry;
mod frame;
mod reader;
mod stream;
pub mod varint;

pub use entry::{WireEntry, header};
pub use frame::{Ack, Auth, CloseCode, Frame, Have, Hello, LaneNext, Ready, Standing, Welcome, Whereabouts};
pub use reader::{DecodeError, Reader};
pub use stream::FrameDecoder;

/// The protocol version that this crate speaks.
pub const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
