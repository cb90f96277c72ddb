//! Shells: sockets, clocks, files and processes around the machines of `proto`.

pub mod channel;
pub mod clock;
pub mod quic;
pub mod relay_server;
pub mod tls;
