//! Shells: sockets, clocks, files and processes around the machines of `proto`.

#[cfg(feature = "web")]
pub(crate) mod bridge;
pub mod channel;
pub mod clock;
pub(crate) mod core;
pub(crate) mod gate;
#[cfg(feature = "web")]
pub mod gateway;
#[cfg(feature = "lan")]
pub mod lan;
pub mod private;
pub mod pty;
pub mod quic;
pub mod relay_server;
pub mod rendezvous;
pub(crate) mod retry;
pub(crate) mod seek;
pub mod tls;
