//! Shells: sockets, clocks, files and processes around the machines of `proto`.

pub mod channel;
pub mod quic;
pub mod tls;
