//! Bytes on the wire: varints, frames and entries.
//!
//! stream bytes --`FrameDecoder`--> [`Frame`] --`Frame::Entry`--> [`WireEntry`]
//!
//! Always: decoders are total; what they accept re-encodes to the same bytes. PROTOCOL.md 1, 7.2, 9.

mod close;
mod entry;
mod frame;
mod passed_on;
mod reader;
mod stream;
pub mod varint;

pub use close::CloseCode;
pub use entry::{WireEntry, header};
pub use frame::{Ack, Auth, Frame, Have, Hello, LaneNext, Ready, Standing, Welcome, Whereabouts};
pub use passed_on::{PassedOn, SEALED_KEK_BYTES};
pub use reader::{DecodeError, Reader};
pub use stream::FrameDecoder;

/// The protocol version that this crate speaks.
pub const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
