//! Share live terminal sessions with people you trust: end-to-end encrypted, on a LAN or through a blind relay.
//!
//! Code map, bottom up. `proto` is pure: no socket, file, clock, randomness or tokio; time and seeds are arguments.
//! `io` holds the shells that feed it; `Host`, `Guest` and `Relay` are the front doors. The `cahoots` program uses
//! this public API alone. The bytes on the wire are described in PROTOCOL.md.

pub mod proto;

#[cfg(feature = "net")]
pub mod io;

#[cfg(feature = "relay")]
pub mod relay;
