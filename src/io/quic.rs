//! QUIC: dialling and listening, as shells that give [`Channel`]s.
//!
//! [`Endpoint::dial`], [`Listener::accept`] ──▶ [`Channel`]. One connection carries one bidirectional stream, which the
//! dialer opens; nothing else of QUIC is used. PROTOCOL.md 10.
//!
//! Always: what is buffered per connection is bounded by the windows below, before and after anybody has proven
//! anything; whoever reads slowly makes the writer wait, and the queue that grows is the caller's own.

mod dial;
mod lease;
mod listen;
mod reset;

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::{AckFrequencyConfig, EndpointConfig, ServerConfig, TokioRuntime, TransportConfig, VarInt};
use socket2::{Domain, Protocol, Socket, Type};

pub use dial::{DialError, Endpoint, Target};
pub use listen::{BindError, ListenLimits, Listener};

use crate::io::channel::Channel;
use crate::proto::path::PathKind;

/// Label of the exported secret that proofs are bound to. PROTOCOL.md 10.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-cahoots-auth-v1";
/// Silence after which QUIC gives a connection up, in milliseconds. CLOSE packets get lost, so this frees the rest.
const IDLE_MS_MAX: u32 = 30_000;
/// Keeps address translators' mappings alive; the dialer is the one behind them.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Round trip assumed before the first sample. QUIC's default of 333 ms makes a lost first packet cost a second.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Bytes that a dialer may have on the way to an acceptor, who holds many such connections.
const ACCEPTOR_WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes that an acceptor may have on the way to a dialer: 10 MB/s over a round trip of 100 ms.
const DIALER_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes kept for sending again until they are acknowledged. Small, so that what waits, waits in the caller's bounded
/// outbox, where newer content can replace older.
const SEND_WINDOW_BYTES: u64 = 256 * 1024;
/// Handshake bytes out of order: two certificates' worth.
const CRYPTO_BUFFER_BYTES: usize = 16 * 1024;
/// Packets that may arrive before an acknowledgement is due at once; a timer of 25 ms covers the rest.
///
/// A connection at rest may send ten packets before it hears back: at ten here, each larger burst, a screen drawn anew
/// say, stood still until the timer.
const ACK_EVERY_PACKETS: u32 = 4;
/// Kernel buffers of a listener, shared by all its connections: 3,000 peers closing together must not overflow them.
const LISTENER_SOCKET_BYTES: usize = 4 * 1024 * 1024;
/// Kernel buffers of a dialer.
const DIALER_SOCKET_BYTES: usize = 1024 * 1024;

/// Streams of a browser: its request for a session, and what the session is for.
#[cfg(feature = "web")]
const BROWSER_STREAMS: u32 = 2;
/// One-way streams of a browser: HTTP/3's control stream, two of QPACK, and one with no meaning (RFC 9114, 6.2.3).
#[cfg(feature = "web")]
const BROWSER_ONE_WAY_STREAMS: u32 = 4;
/// Bytes kept of datagrams, which nobody reads: browsers come only to who takes some.
#[cfg(feature = "web")]
const BROWSER_DATAGRAM_BYTES: usize = 1_500;

/// Which end of a connection a configuration is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Side {
    Dialer,
    Acceptor,
    /// Of browsers, too.
    #[cfg(feature = "web")]
    AcceptorOfAll,
}

/// Bounds what one connection may make us keep; QUIC's defaults would allow 250 MB.
fn transport_config(side: Side) -> TransportConfig {
    let (streams, one_way, datagram, window, keep_alive) = match side {
        Side::Dialer => (0, 0, None, DIALER_WINDOW_BYTES, Some(KEEP_ALIVE)),
        Side::Acceptor => (1, 0, None, ACCEPTOR_WINDOW_BYTES, None),
        #[cfg(feature = "web")]
        Side::AcceptorOfAll => {
            (BROWSER_STREAMS, BROWSER_ONE_WAY_STREAMS, Some(BROWSER_DATAGRAM_BYTES), ACCEPTOR_WINDOW_BYTES, None)
        }
    };
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(VarInt::from_u32(ACK_EVERY_PACKETS));
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(one_way))
        .datagram_receive_buffer_size(datagram)
        .stream_receive_window(VarInt::from_u32(window))
        .receive_window(VarInt::from_u32(window))
        .send_window(SEND_WINDOW_BYTES)
        .crypto_buffer_size(CRYPTO_BUFFER_BYTES)
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_MS_MAX).into()))
        .keep_alive_interval(keep_alive)
        .initial_rtt(INITIAL_RTT)
        .ack_frequency_config(Some(acks));
    config
}

/// Opens a UDP socket on `address`. A wildcard IPv6 address serves IPv4 as well if `dual_stack` says so.
fn bind(address: SocketAddr, dual_stack: DualStack, buffer_bytes: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(dual_stack == DualStack::No)?;
    }
    // The kernel gives what it allows; less costs throughput, not correctness.
    let _ = socket.set_recv_buffer_size(buffer_bytes);
    let _ = socket.set_send_buffer_size(buffer_bytes);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Whether an IPv6 socket takes IPv4 packets, too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum DualStack {
    Yes,
    No,
}

fn quic_endpoint(
    socket: UdpSocket,
    config: EndpointConfig,
    server: Option<ServerConfig>,
) -> io::Result<quinn::Endpoint> {
    quinn::Endpoint::new(config, server, socket, Arc::new(TokioRuntime))
}

/// Tells by an address which way a connection goes.
fn path_to(ip: IpAddr) -> PathKind {
    match ip.to_canonical() {
        ip if ip.is_loopback() => PathKind::Loopback,
        IpAddr::V4(ip) if ip.is_private() || ip.is_link_local() => PathKind::Lan,
        IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => PathKind::Lan,
        _ => PathKind::Other,
    }
}

/// Writes an address as people know it: an IPv4 peer of a dual-stack socket in IPv4 form.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests;
