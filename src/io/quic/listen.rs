//! Listening: handshakes run in the background, and [`Listener::accept`] gives finished channels.
//!
//! Always: a connection is given out once it has opened its stream, or closed in time; refusing costs no state.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::lease::{self, CLOSE_DONE, Peer};
use super::reset::endpoint_config;
use super::{
    Channel, DualStack, LISTENER_SOCKET_BYTES, Side, bind, canonical, path_to, quic_endpoint, transport_config,
};
use crate::io::channel::Accept;
use crate::io::gate::{Address, Gate, Seat, Verdict};
#[cfg(feature = "web")]
use crate::io::gateway::WebTransport;
#[cfg(feature = "web")]
use crate::io::tls::{ALPN_BROWSER, server_config_for_all};
use crate::io::tls::{Identity, server_config};

/// Nobody comes by it: browsers are a feature.
#[cfg(not(feature = "web"))]
enum WebTransport {}

/// Finished channels waiting for [`Listener::accept`].
const ACCEPTED_MAX: usize = 64;
/// Handshake bytes kept per connection attempt that nobody has looked at, and for all of them.
const INCOMING_BYTES_MAX: u64 = 64 * 1024;
const INCOMING_BYTES_TOTAL_MAX: u64 = 16 * 1024 * 1024;
/// How long a closing listener waits for its connections.
const DRAIN: Duration = Duration::from_secs(2);

/// How many may connect, and how long they may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListenLimits {
    /// Connections in all, with those in handshake.
    pub connections_max: usize,
    /// Connections from one IPv4 address or IPv6 /64.
    pub connections_per_network_max: usize,
    /// Handshakes under way in all.
    pub handshakes_max: usize,
    /// Handshakes under way from which on a sender has to prove its address, at the price of a round trip.
    pub handshakes_unproven_max: usize,
    /// The same for one IPv4 address or IPv6 /64.
    pub handshakes_unproven_per_network_max: usize,
    /// How long a handshake may take; lost packets included.
    pub handshake: Duration,
    /// How long a connection may take to open its stream.
    pub first_stream: Duration,
}

impl ListenLimits {
    /// What a relay on the internet allows.
    pub const RELAY: Self = Self {
        connections_max: 10_000,
        connections_per_network_max: 64,
        handshakes_max: 1_024,
        handshakes_unproven_max: 256,
        handshakes_unproven_per_network_max: 8,
        handshake: Duration::from_secs(10),
        first_stream: Duration::from_secs(3),
    };
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self::RELAY
    }
}

/// Why a listener did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The operator has to choose another address, or end who has it.
    #[error("cannot listen on udp {address}: {source}")]
    Socket {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The same for browsers, who come by TCP.
    #[error("cannot listen on tcp {address}: {source}")]
    Tcp {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The operator has to provide a key that fits the certificate.
    #[error("cannot use the certificate: {0}")]
    Identity(#[from] rustls::Error),
    /// The caller named no address.
    #[error("no address to listen on")]
    NoAddress,
    /// The system gives no randomness; nothing can be secure on it.
    #[error("no randomness from the system: {0}")]
    Random(#[from] getrandom::Error),
}

impl BindError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Socket { .. } | Self::Tcp { .. } => {
                "choose another address or port, or end the program that has this one"
            }
            Self::Identity(_) => "name the private key that belongs to the certificate",
            Self::NoAddress => "name at least one address",
            Self::Random(_) => "check the system's random source",
        }
    }
}

/// Takes connections on one or more UDP sockets. Dropping it stops that; channels given out live on.
pub struct Listener {
    endpoints: Vec<quinn::Endpoint>,
    addresses: Vec<SocketAddr>,
    gate: Arc<Gate>,
    accepted: mpsc::Receiver<Channel>,
    // Aborted when dropped.
    _loops: JoinSet<()>,
}

impl Listener {
    /// Listens on all of `addresses`. The wildcard `[::]` serves IPv4, too, and becomes `0.0.0.0` where there is no IPv6.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`BindError::Socket`] with the address that is taken or not ours, [`BindError::Identity`] for a bad key.
    pub fn bind(addresses: &[SocketAddr], identity: &Identity, limits: ListenLimits) -> Result<Self, BindError> {
        Self::bind_with(addresses, identity, server_config(identity)?, limits)
    }

    /// The same, with `browsers` coming to the same ports, and others whom `gate` counts perhaps to other ones.
    #[cfg(feature = "web")]
    pub(crate) fn bind_for_all(
        addresses: &[SocketAddr],
        identity: &Identity,
        gate: Arc<Gate>,
        browsers: &Arc<WebTransport>,
    ) -> Result<Self, BindError> {
        let tls = server_config_for_all(identity, browsers.certificates())?;
        let config = quic_config(tls, Side::AcceptorOfAll, gate.limits())?;
        Self::bind_inner(addresses, identity, &config, gate, Some(browsers))
    }

    pub(super) fn bind_with(
        addresses: &[SocketAddr],
        identity: &Identity,
        tls: rustls::ServerConfig,
        limits: ListenLimits,
    ) -> Result<Self, BindError> {
        Self::bind_inner(addresses, identity, &quic_config(tls, Side::Acceptor, limits)?, Gate::new(limits), None)
    }

    fn bind_inner(
        addresses: &[SocketAddr],
        identity: &Identity,
        config: &quinn::ServerConfig,
        gate: Arc<Gate>,
        browsers: Option<&Arc<WebTransport>>,
    ) -> Result<Self, BindError> {
        if addresses.is_empty() {
            return Err(BindError::NoAddress);
        }
        let (sender, accepted) = mpsc::channel(ACCEPTED_MAX);
        let (mut endpoints, mut bound, mut loops) = (Vec::new(), Vec::new(), JoinSet::new());
        for &address in addresses {
            let failed = |source| BindError::Socket { address, source };
            let socket = bind_one(address, addresses).map_err(failed)?;
            bound.push(socket.local_addr().map_err(failed)?);
            let endpoint = quic_endpoint(socket, endpoint_config(identity)?, Some(config.clone())).map_err(failed)?;
            let door = Door {
                endpoint: endpoint.clone(),
                gate: Arc::clone(&gate),
                browsers: browsers.cloned(),
                out: sender.clone(),
            };
            loops.spawn(door.run());
            endpoints.push(endpoint);
        }
        Ok(Self { endpoints, addresses: bound, gate, accepted, _loops: loops })
    }

    /// Returns the next connection that has opened its stream, or `None` when the sockets have failed.
    ///
    /// Cancelling loses nothing.
    pub async fn accept(&mut self) -> Option<Channel> {
        self.accepted.recv().await
    }

    /// Returns the UDP port of the first address.
    #[must_use]
    pub fn local_port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// Returns the addresses listened on, with the ports that the system chose.
    #[must_use]
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns how many connections are open or being opened; at a relay that serves browsers, those by TCP too.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.gate.connections()
    }

    /// Takes no more connections, and waits at most two seconds until those given out, and dropped since, are closed.
    pub async fn close(self) {
        let endpoints = self.endpoints.clone();
        drop(self);
        let drained = async {
            for endpoint in &endpoints {
                endpoint.wait_idle().await;
            }
        };
        let _ = tokio::time::timeout(DRAIN, drained).await;
    }
}

impl Accept for Listener {
    async fn accept(&mut self) -> Option<Channel> {
        Self::accept(self).await
    }

    async fn close(self) {
        Self::close(self).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for endpoint in &self.endpoints {
            // The endpoint lives on for its connections; without this it would collect new ones that nobody takes.
            endpoint.set_server_config(None);
        }
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

fn quic_config(
    tls: rustls::ServerConfig,
    side: Side,
    limits: ListenLimits,
) -> Result<quinn::ServerConfig, rustls::Error> {
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(Arc::new(tls))
        .map_err(|_| rustls::Error::General("no cipher suite for QUIC's first packets".to_owned()))?;
    let mut no_tokens = quinn::ValidationTokenConfig::default();
    no_tokens.sent(0);
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport_config(side)))
        // A token that a visitor brings again would make visits linkable.
        .validation_token_config(no_tokens)
        .max_incoming(limits.handshakes_max)
        .incoming_buffer_size(INCOMING_BYTES_MAX)
        .incoming_buffer_size_total(INCOMING_BYTES_TOTAL_MAX);
    Ok(config)
}

fn bind_one(address: SocketAddr, all: &[SocketAddr]) -> io::Result<std::net::UdpSocket> {
    // Somebody who names both wildcards wants two sockets.
    let ipv4_asked = all.iter().any(|other| other.is_ipv4() && other.port() == address.port());
    let dual_stack = if address.ip().is_unspecified() && !ipv4_asked { DualStack::Yes } else { DualStack::No };
    bind(address, dual_stack, LISTENER_SOCKET_BYTES).or_else(|error| {
        if address.is_ipv6() && dual_stack == DualStack::Yes && error.kind() != io::ErrorKind::AddrInUse {
            let ipv4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            return bind(ipv4, DualStack::No, LISTENER_SOCKET_BYTES);
        }
        Err(error)
    })
}

/// One socket of a listener.
struct Door {
    endpoint: quinn::Endpoint,
    gate: Arc<Gate>,
    browsers: Option<Arc<WebTransport>>,
    out: mpsc::Sender<Channel>,
}

impl Door {
    async fn run(self) {
        let mut handshakes = JoinSet::new();
        loop {
            tokio::select! {
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.answer(incoming, &mut handshakes),
                    None => return,
                },
                Some(_) = handshakes.join_next() => (),
            }
        }
    }

    fn answer(&self, incoming: quinn::Incoming, handshakes: &mut JoinSet<()>) {
        let proven = if incoming.remote_address_validated() { Address::Proven } else { Address::Claimed };
        match self.gate.admit(incoming.remote_address().ip(), proven) {
            Verdict::Enter(seat) => {
                handshakes.spawn(welcome(incoming, seat, self.gate.limits(), self.browsers.clone(), self.out.clone()));
            }
            Verdict::Prove => {
                // An address that is only claimed may always be asked to prove itself.
                let _ = incoming.retry();
            }
            Verdict::Refuse => incoming.refuse(),
        }
    }
}

/// Takes one connection through its handshake to its stream.
async fn welcome(
    incoming: quinn::Incoming,
    mut seat: Seat,
    limits: ListenLimits,
    browsers: Option<Arc<WebTransport>>,
    out: mpsc::Sender<Channel>,
) {
    let remote = canonical(incoming.remote_address());
    let connection = match tokio::time::timeout(limits.handshake, incoming.into_future()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return tracing::debug!(%remote, %error, "handshake failed"),
        Err(_) => return tracing::debug!(%remote, "handshake took too long"),
    };
    seat.sit();
    match tokio::time::timeout(limits.first_stream, first_stream(&connection, browsers)).await {
        Ok(Some((peer, streams))) => {
            let channel = lease::channel(&connection, streams, peer, path_to(remote.ip()), Some(seat));
            let _ = out.send(channel).await;
        }
        Ok(None) => {}
        Err(_) => {
            tracing::debug!(%remote, "no stream in time");
            connection.close(CLOSE_DONE, b"no stream");
        }
    }
}

/// Waits for the stream that carries everything, as the protocol that the other side chose has it.
async fn first_stream(
    connection: &quinn::Connection,
    browsers: Option<Arc<WebTransport>>,
) -> Option<(Peer, (quinn::SendStream, quinn::RecvStream))> {
    let remote = canonical(connection.remote_address());
    #[cfg(feature = "web")]
    if let Some(browsers) = browsers
        && speaks(connection, ALPN_BROWSER)
    {
        let streams = browsers.receive(connection).await;
        let logged = streams.inspect_err(|error| tracing::debug!(%remote, %error, "no session with a browser"));
        return logged.ok().map(|streams| (Peer::Browser, streams));
    }
    #[cfg(not(feature = "web"))]
    drop(browsers);
    let streams = connection.accept_bi().await;
    let logged = streams.inspect_err(|error| tracing::debug!(%remote, %error, "connection ended before its stream"));
    logged.ok().map(|streams| (Peer::Native, streams))
}

#[cfg(feature = "web")]
fn speaks(connection: &quinn::Connection, alpn: &[u8]) -> bool {
    let handshake = connection.handshake_data().and_then(|data| data.downcast().ok());
    handshake.is_some_and(|data: Box<quinn::crypto::rustls::HandshakeData>| data.protocol.as_deref() == Some(alpn))
}
