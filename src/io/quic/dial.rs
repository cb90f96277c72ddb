//! Dialling: from a host's name to a channel, over whichever address answers first.
//!
//! Always: every attempt has a socket and port of its own, so a second one can succeed where a translator or a lost
//! packet holds the first; at most one channel comes out, and the others are closed.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::{ConnectionError, TransportErrorCode};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::lease::{self, Peer};
use super::{Channel, DIALER_SOCKET_BYTES, DualStack, Side, bind, path_to, quic_endpoint, transport_config};
use crate::io::tls::{Refusal, RefusalSlot, Trust, client_config};
use crate::proto::hex::Hex;
use crate::proto::path::PathKind;
use crate::proto::terminal::sanitise_line;

/// Head start of one address before the next is tried beside it. RFC 8305, section 5.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// When to try once more from a new port: two lost flights make the first attempt's own next one seconds away.
const HEDGE: Duration = Duration::from_millis(1_500);
/// When to give up.
const GIVE_UP: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 6;
/// How long [`Endpoint::wait_idle`] waits for dropped channels to have delivered their last bytes.
const DRAIN: Duration = Duration::from_secs(2);
/// Longest reason that is shown.
const REASON_BYTES_MAX: usize = 256;
/// TLS alert `no_application_protocol`. RFC 7301, section 3.2.
const ALERT_NO_PROTOCOL: u8 = 120;

/// Whom to dial, and whom to believe there.
#[derive(Clone, Debug)]
pub struct Target {
    /// A host name or an IP address.
    pub host: String,
    /// The UDP port.
    pub port: u16,
    /// Whose certificate will do.
    pub trust: Trust,
    /// What to call the way there.
    pub path: PathKind,
}

impl Target {
    /// A relay: believed by the fingerprint in the link.
    #[must_use]
    pub fn relay(host: impl Into<String>, port: u16, trust: Trust) -> Self {
        Self { host: host.into(), port, trust, path: PathKind::Relay }
    }

    /// A host found on the local network or on this machine: believed by the session's keys.
    #[must_use]
    pub fn direct(address: SocketAddr) -> Self {
        let path = match path_to(address.ip()) {
            PathKind::Other => PathKind::Lan,
            near => near,
        };
        Self { host: address.ip().to_string(), port: address.port(), trust: Trust::session_keys(), path }
    }
}

/// Why nobody was reached. Each variant says who has to act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The user: the name is wrong, or this machine has no name service now.
    #[error("no address for {host}: {reason}")]
    Unresolvable {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// This machine: no socket can be opened.
    #[error("cannot open a udp socket: {0}")]
    Socket(io::Error),
    /// This machine's network: there is no way to that address.
    #[error("no route to {address}: {source}")]
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The other machine is there, but nobody listens on the port.
    #[error("nobody listens on udp {address}")]
    Refused {
        /// The address.
        address: SocketAddr,
    },
    /// The other side is full, or takes no more connections from this network.
    #[error("{address} takes no more connections now")]
    Busy {
        /// The address.
        address: SocketAddr,
    },
    /// A firewall, the network or the other side: no answer at all.
    #[error("no answer from {host}, udp port {port}, within {waited_ms} ms")]
    Unanswered {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// How long was waited, in milliseconds.
        waited_ms: u64,
    },
    /// Whoever made the link: it names another certificate; or somebody sits in between.
    #[error("certificate does not match the link: found {}, expected {}", Hex(found), Hex(expected))]
    Fingerprint {
        /// SHA-256 of the certificate that was shown.
        found: [u8; 32],
        /// SHA-256 that the link names.
        expected: [u8; 32],
    },
    /// The operator of the relay: no authority that this system trusts vouches for it.
    #[error("certificate of {host} is not trusted: {reason}")]
    Untrusted {
        /// The host.
        host: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// The user: something else than cahoots listens there.
    #[error("{host}, udp port {port}, is not a cahoots relay of this version")]
    NotCahoots {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The other side or somebody in between broke the connection off.
    #[error("connection to {host} failed: {reason}")]
    Lost {
        /// The host.
        host: String,
        /// What QUIC said.
        reason: String,
    },
}

impl DialError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unresolvable { .. } => "check the spelling of the relay and this machine's network",
            Self::Socket(_) => "check the limits on open files and sockets of this machine",
            Self::Unreachable { .. } => "check this machine's network",
            Self::Refused { .. } => "check that the relay runs and that the port is right",
            Self::Busy { .. } => "try again later",
            Self::Unanswered { .. } => "check that the relay runs and that firewalls let udp through",
            Self::Fingerprint { .. } => "ask for a new link; if it says the same, somebody may be in between",
            Self::Untrusted { .. } => "use a link with the relay's fingerprint (fp=…)",
            Self::NotCahoots { .. } => "check host and port of the relay",
            Self::Lost { .. } => "try again",
        }
    }

    /// How much the error tells; of several attempts the most telling one is reported.
    fn weight(&self) -> u8 {
        match self {
            Self::Fingerprint { .. } => 9,
            Self::Untrusted { .. } => 8,
            Self::NotCahoots { .. } => 7,
            Self::Busy { .. } => 6,
            Self::Refused { .. } => 5,
            Self::Lost { .. } => 4,
            Self::Unanswered { .. } => 3,
            Self::Unresolvable { .. } => 2,
            Self::Unreachable { .. } => 1,
            Self::Socket(_) => 0,
        }
    }
}

/// Dials. Cheap to clone; clones share the sockets that [`wait_idle`](Self::wait_idle) waits for.
#[derive(Clone, Debug, Default)]
pub struct Endpoint {
    sockets: Arc<Mutex<Vec<quinn::Endpoint>>>,
}

impl Endpoint {
    /// Makes a dialer; sockets are opened per dial.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects to the first of the target's addresses that answers, and opens the stream.
    ///
    /// The other side learns of the stream with the first byte written. Cancelling closes what was begun.
    ///
    /// # Errors
    ///
    /// [`DialError`], the most telling one if several addresses failed, after ten seconds at the latest.
    pub async fn dial(&self, target: &Target) -> Result<Channel, DialError> {
        let addresses = resolve(target).await?;
        let begun = Instant::now();
        let mut race = Race::new(self, target, addresses);
        if let Ok(result) = tokio::time::timeout_at(begun + GIVE_UP, race.run()).await {
            return result;
        }
        let silence = DialError::Unanswered {
            host: target.host.clone(),
            port: target.port,
            waited_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        Err(race.telling.filter(|known| known.weight() > silence.weight()).unwrap_or(silence))
    }

    /// Waits until all dropped channels have delivered their last bytes, at most two seconds.
    ///
    /// To be called before the process or the runtime ends; channels still in use are waited for, too.
    pub async fn wait_idle(&self) {
        let sockets = self.sockets().clone();
        let drained = async {
            for socket in &sockets {
                socket.wait_idle().await;
            }
        };
        let _ = tokio::time::timeout(DRAIN, drained).await;
    }

    fn sockets(&self) -> std::sync::MutexGuard<'_, Vec<quinn::Endpoint>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, towards: SocketAddr) -> io::Result<quinn::Endpoint> {
        let any = if towards.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = bind((any, 0).into(), DualStack::No, DIALER_SOCKET_BYTES)?;
        let endpoint = quic_endpoint(socket, quinn::EndpointConfig::default(), None)?;
        let mut sockets = self.sockets();
        sockets.retain(|socket| socket.open_connections() > 0);
        sockets.push(endpoint.clone());
        Ok(endpoint)
    }
}

/// Finds the target's addresses, IPv6 and IPv4 taking turns. RFC 8305, section 4.
async fn resolve(target: &Target) -> Result<VecDeque<SocketAddr>, DialError> {
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        return Ok([SocketAddr::new(ip, target.port)].into());
    }
    let failed = |reason: String| DialError::Unresolvable { host: target.host.clone(), reason };
    let lookup = tokio::net::lookup_host((target.host.as_str(), target.port));
    let found = match tokio::time::timeout(GIVE_UP, lookup).await {
        Ok(found) => found.map_err(|error| failed(error.to_string()))?,
        Err(_) => return Err(failed("the name service does not answer".to_owned())),
    };
    let (v6, v4): (Vec<_>, Vec<_>) = found.partition(SocketAddr::is_ipv6);
    let addresses = take_turns(v6, v4);
    if addresses.is_empty() { Err(failed("the name has no address".to_owned())) } else { Ok(addresses) }
}

fn take_turns(first: Vec<SocketAddr>, second: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = VecDeque::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            all.truncate(ADDRESSES_MAX);
            return all;
        }
        all.extend(pair.into_iter().flatten());
    }
}

/// The attempts of one dial, side by side.
struct Race<'a> {
    endpoint: &'a Endpoint,
    target: &'a Target,
    waiting: VecDeque<SocketAddr>,
    /// The first addresses again, for the second round.
    hedge: VecDeque<SocketAddr>,
    running: JoinSet<Result<Channel, DialError>>,
    telling: Option<DialError>,
}

impl<'a> Race<'a> {
    fn new(endpoint: &'a Endpoint, target: &'a Target, addresses: VecDeque<SocketAddr>) -> Self {
        let hedge = addresses.iter().take(2).copied().collect();
        Self { endpoint, target, waiting: addresses, hedge, running: JoinSet::new(), telling: None }
    }

    async fn run(&mut self) -> Result<Channel, DialError> {
        let hedge_at = Instant::now() + HEDGE;
        let mut next_at = Instant::now();
        loop {
            tokio::select! {
                Some(done) = self.running.join_next() => match done {
                    Ok(Ok(channel)) => return Ok(channel),
                    Ok(Err(error)) => {
                        self.note(error);
                        next_at = Instant::now();
                    }
                    // A panic in an attempt is an attempt that failed.
                    Err(error) => self.note(lost(self.target, &error)),
                },
                () = tokio::time::sleep_until(next_at), if !self.waiting.is_empty() => {
                    next_at = Instant::now() + NEXT_ADDRESS;
                    self.start_next();
                }
                () = tokio::time::sleep_until(hedge_at), if !self.hedge.is_empty() => {
                    self.waiting.append(&mut self.hedge);
                }
            }
            if self.running.is_empty() && self.waiting.is_empty() {
                // All have failed for a reason; trying once more would not change it.
                return Err(self.telling.take().unwrap_or_else(|| lost(self.target, &"no attempt was made")));
            }
        }
    }

    fn start_next(&mut self) {
        let Some(address) = self.waiting.pop_front() else { return };
        let attempt = probe(address).and_then(|()| self.endpoint.open(address).map_err(DialError::Socket));
        match attempt {
            Ok(socket) => {
                self.running.spawn(connect(socket, address, self.target.clone()));
            }
            Err(error) => self.note(error),
        }
    }

    fn note(&mut self, error: DialError) {
        tracing::debug!(%error, "attempt failed");
        if self.telling.as_ref().is_none_or(|known| known.weight() < error.weight()) {
            self.telling = Some(error);
        }
    }
}

/// Asks the system for a route, and on this machine whether anybody listens: QUIC would only notice by silence.
fn probe(address: SocketAddr) -> Result<(), DialError> {
    let any = if address.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((any, 0)).map_err(DialError::Socket)?;
    socket.connect(address).map_err(|source| DialError::Unreachable { address, source })?;
    if address.ip().is_loopback() {
        // One zero byte is no QUIC packet, so a listener ignores it; a closed port fails the next send.
        let refused =
            (0..2).any(|_| matches!(socket.send(&[0]), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused));
        if refused {
            return Err(DialError::Refused { address });
        }
    }
    Ok(())
}

/// One attempt at one address.
async fn connect(socket: quinn::Endpoint, address: SocketAddr, target: Target) -> Result<Channel, DialError> {
    let (tls, refusal) = client_config(&target.trust).map_err(|error| lost(&target, &error))?;
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(Arc::new(tls)).map_err(|e| lost(&target, &e))?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport_config(Side::Dialer)));
    let connecting = socket.connect_with(config, address, &target.host).map_err(|error| lost(&target, &error))?;
    let failed = |error| explain(&error, &refusal, address, &target);
    let connection = connecting.await.map_err(failed)?;
    let streams = connection.open_bi().await.map_err(failed)?;
    // Whoever answers at our own address is on this machine, by whatever way it was found.
    let is_own =
        target.path == PathKind::Lan && connection.local_ip() == Some(connection.remote_address().ip().to_canonical());
    let path = if is_own { PathKind::Loopback } else { target.path };
    Ok(lease::channel(&connection, streams, Peer::Native, path, None))
}

fn lost(target: &Target, reason: &dyn std::fmt::Display) -> DialError {
    DialError::Lost { host: target.host.clone(), reason: printable(reason) }
}

/// QUIC lets the other side put any text into the reason of a close, and certificates hold names: they end up on
/// somebody's terminal.
fn printable(reason: &dyn std::fmt::Display) -> String {
    sanitise_line(&reason.to_string(), REASON_BYTES_MAX)
}

/// Tells from what QUIC and the verifier know who has to act.
fn explain(error: &ConnectionError, refusal: &RefusalSlot, address: SocketAddr, target: &Target) -> DialError {
    let (host, port) = (target.host.clone(), target.port);
    match refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(Refusal::Fingerprint { expected, found }) => return DialError::Fingerprint { found, expected },
        Some(Refusal::Untrusted(reason)) => return DialError::Untrusted { host, reason: printable(&reason) },
        None => (),
    }
    let code = match error {
        ConnectionError::TransportError(ours) => ours.code,
        ConnectionError::ConnectionClosed(theirs) => theirs.error_code,
        ConnectionError::VersionMismatch => return DialError::NotCahoots { host, port },
        ConnectionError::TimedOut => {
            return DialError::Unanswered { host, port, waited_ms: u64::from(super::IDLE_MS_MAX) };
        }
        other => return lost(target, other),
    };
    if code == TransportErrorCode::crypto(ALERT_NO_PROTOCOL) {
        DialError::NotCahoots { host, port }
    } else if code == TransportErrorCode::CONNECTION_REFUSED {
        DialError::Busy { address }
    } else {
        lost(target, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A broken IPv6 must not hold up a working IPv4 for longer than one head start, and the other way round.
    #[test]
    fn families_take_turns() {
        let list = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let six = list(&["[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1"]);
        let four = list(&["192.0.2.1:1"]);
        let expected = list(&["[2001:db8::1]:1", "192.0.2.1:1", "[2001:db8::2]:1", "[2001:db8::3]:1"]);
        assert_eq!(take_turns(six.clone(), four.clone()), expected);
        assert_eq!(take_turns(Vec::new(), four.clone()), four);
        assert_eq!(take_turns(six.repeat(4), four.repeat(4)).len(), ADDRESSES_MAX);
    }

    /// A relay must not write to the terminal of who dials it, neither by a close nor by names in its certificate.
    #[test]
    fn reasons_of_others_are_plain_text() {
        let target = Target::relay("relay.example", 1, Trust::fingerprint([0; 32]));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let evil = "\x1b]52;c;ZXZpbA==\x07\nerror: type your password";
        let close = quinn::ApplicationClose { error_code: 7u32.into(), reason: evil.into() };
        let slot = RefusalSlot::default();
        let errors = [
            explain(&ConnectionError::ApplicationClosed(close), &slot, address, &target),
            explain(
                &ConnectionError::TimedOut,
                &Arc::new(Mutex::new(Some(Refusal::Untrusted(evil.into())))),
                address,
                &target,
            ),
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains("password") && !text.contains(char::is_control), "{text:?}");
        }
    }

    /// A person compares the two hashes by eye.
    #[test]
    fn fingerprint_error_shows_both_hashes() {
        let error = DialError::Fingerprint { found: [0xab; 32], expected: [0x01; 32] };
        let text = error.to_string();
        assert!(text.contains(&"ab".repeat(32)) && text.contains(&"01".repeat(32)), "{text}");
    }
}
