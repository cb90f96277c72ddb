//! Real QUIC over loopback, through the channels that everybody else uses.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use super::*;
use crate::io::tls::{Identity, Trust, foreign_server_config};
use crate::proto::id::SessionId;

const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const SESSION: SessionId = SessionId([7; 16]);

/// Without equal secrets at both ends no proof of possession could ever be checked.
#[tokio::test]
async fn both_ends_talk_and_export_the_same_secret() {
    let mut ray = Ray::start(ListenLimits::RELAY);
    let (mut ben, mut there) = ray.connect().await;
    ben.writer.write_all(b" and back").await.unwrap();
    let mut heard = [0; 14];
    there.reader.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello and back");
    there.writer.write_all(&heard).await.unwrap();
    ben.reader.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello and back");

    let secret = ben.binder.exporter(&SESSION).unwrap();
    assert_eq!(there.binder.exporter(&SESSION), Some(secret));
    assert_ne!(there.binder.exporter(&SessionId([8; 16])), Some(secret));
    assert_eq!((ben.path, there.path), (PathKind::Relay, PathKind::Loopback));
    assert_eq!(ben.remote, ray.address().to_string());

    let (other, _there) = ray.connect().await;
    assert_ne!(other.binder.exporter(&SESSION), Some(secret));
}

/// A CLOSE frame says why: it must arrive although its sender drops everything right after it.
#[tokio::test]
async fn last_bytes_of_a_dropped_channel_arrive() {
    let mut ray = Ray::start(ListenLimits::RELAY);
    let (mut ben, mut there) = ray.connect().await;
    let last: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    ben.writer.write_all(&last).await.unwrap();
    drop(ben);
    ray.dialer.wait_idle().await;

    let mut heard = Vec::new();
    there.reader.read_to_end(&mut heard).await.unwrap();
    assert_eq!(&heard[..5], b"hello");
    assert!(heard[5..] == last, "{} of {} bytes", heard.len(), last.len() + 5);
}

/// The same from the listener's side, and a listener that closes must not take its channels' last words along.
#[tokio::test]
async fn last_bytes_of_a_closing_listener_arrive() {
    let mut ray = Ray::start(ListenLimits::RELAY);
    let (mut ben, mut there) = ray.connect().await;
    there.writer.write_all(b"going away").await.unwrap();
    drop(there);
    let closing = tokio::spawn(ray.listener.close());
    let mut heard = Vec::new();
    ben.reader.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"going away");
    drop(ben);
    closing.await.unwrap();
}

/// A relay that crashed says no goodbye: whoever talks to the one after it learns at once that it is another one.
#[tokio::test]
async fn listener_that_starts_again_resets_the_connections_of_the_one_before() {
    let identity = Identity::generate().unwrap();
    let [mut before, after] = [0; 2].map(|_| Listener::bind(&[LOOPBACK], &identity, ListenLimits::RELAY).unwrap());
    let (turn, relay) = watch::channel(before.local_addresses()[0]);
    let address = detour(relay).await;
    let trust = Trust::fingerprint(identity.fingerprint());
    let dialer = Endpoint::new();
    let mut ben = dialer.dial(&Target::relay(address.ip().to_string(), address.port(), trust)).await.unwrap();
    ben.writer.write_all(b"hello").await.unwrap();
    let _there = before.accept().await.unwrap();
    turn.send(after.local_addresses()[0]).unwrap();

    ben.writer.write_all(b"are you there?").await.unwrap();
    let error = ben.reader.read_u8().await.unwrap_err();
    let lost = error.get_ref().and_then(|inner| inner.downcast_ref());
    assert_eq!(lost, Some(&quinn::ReadError::ConnectionLost(quinn::ConnectionError::Reset)), "not by waiting");
}

/// Both sides of a finished conversation are closed at once, without waiting for the linger.
#[tokio::test]
async fn dropped_channels_leave_no_connection() {
    let mut ray = Ray::start(ListenLimits::RELAY);
    let (ben, there) = ray.connect().await;
    drop((ben, there));
    while ray.listener.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

/// A listener may end while its guests go on: the LAN is switched off, the session is not.
#[tokio::test]
async fn channels_outlive_their_listener() {
    let mut ray = Ray::start(ListenLimits::RELAY);
    let (mut ben, mut there) = ray.connect().await;
    drop(ray.listener);
    ben.writer.write_all(b"!").await.unwrap();
    let mut heard = [0; 6];
    there.reader.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello!");
}

/// The relay in a link is the one that the sharer meant, not whoever has its address now.
#[tokio::test]
async fn other_certificate_than_the_pinned_one_is_refused_and_shown() {
    let ray = Ray::start(ListenLimits::RELAY);
    let eve = Identity::generate().unwrap().fingerprint();
    match ray.dial(Trust::fingerprint(eve)).await {
        Err(DialError::Fingerprint { found, expected }) => {
            assert_eq!((found, expected), (ray.identity.fingerprint(), eve));
        }
        other => panic!("{other:?}"),
    }
}

/// Public relays are believed by their authority: only for their name, and only if the system knows it.
#[tokio::test]
async fn authority_vouches_for_a_name() {
    let (identity, authority) = certified("localhost");
    let mut ray = Ray::with(identity, ListenLimits::RELAY);
    let trust = Trust::authorities(vec![authority]).unwrap();
    let by_name = |host: &str| Target::relay(host, ray.listener.local_port(), trust.clone());
    let wrong_name = ray.dialer.dial(&by_name("127.0.0.1")).await;
    assert!(matches!(wrong_name, Err(DialError::Untrusted { .. })), "{wrong_name:?}");
    let (_ben, _there) = ray.connect_to(&by_name("localhost")).await;

    let (_, eve) = certified("localhost");
    let unknown = ray.dial(Trust::authorities(vec![eve]).unwrap()).await;
    assert!(matches!(unknown, Err(DialError::Untrusted { .. })), "{unknown:?}");
}

/// A web server on the port is no relay, and the user should read that.
#[tokio::test]
async fn other_protocol_is_told_apart() {
    let identity = Identity::generate().unwrap();
    let web =
        Listener::bind_with(&[LOOPBACK], &identity, foreign_server_config(&identity), ListenLimits::RELAY).unwrap();
    let target = Target::relay("127.0.0.1", web.local_port(), Trust::fingerprint(identity.fingerprint()));
    let result = Endpoint::new().dial(&target).await;
    assert!(matches!(result, Err(DialError::NotCahoots { .. })), "{result:?}");
}

/// A stale hint of a crashed host must cost nothing.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn closed_port_of_this_machine_is_refused_at_once() {
    let free = UdpSocket::bind(LOOPBACK).unwrap().local_addr().unwrap();
    let result = Endpoint::new().dial(&Target::direct(free)).await;
    assert!(matches!(result, Err(DialError::Refused { address }) if address == free), "{result:?}");
}

/// One machine with a loop must leave places for the others, and get its own back.
#[tokio::test]
async fn connections_of_one_network_are_capped() {
    let mut ray = Ray::start(ListenLimits { connections_per_network_max: 2, ..ListenLimits::RELAY });
    let first = ray.connect().await;
    let _second = ray.connect().await;
    let third = ray.dial(Trust::session_keys()).await;
    assert!(matches!(third, Err(DialError::Busy { .. })), "{third:?}");

    drop(first);
    while ray.listener.connections() > 1 {
        tokio::task::yield_now().await;
    }
    let _fourth = ray.connect().await;
}

/// Under a flood of forged senders honest dialers still get in, by proving their address.
#[tokio::test]
async fn address_proof_is_asked_and_given() {
    let mut ray = Ray::start(ListenLimits { handshakes_unproven_max: 0, ..ListenLimits::RELAY });
    let (_ben, _there) = ray.connect().await;
}

/// Connections that never say anything must not pile up.
#[tokio::test]
async fn connection_without_a_stream_is_closed_in_time() {
    let ray = Ray::start(ListenLimits { first_stream: Duration::from_millis(20), ..ListenLimits::RELAY });
    let ben = ray.dial(Trust::session_keys()).await.unwrap();
    let mut reader = ben.reader;
    let error = reader.read(&mut [0; 1]).await.unwrap_err();
    assert!(error.to_string().contains("connection lost"), "{error}");
}

/// Two lost flights would make the user wait for many seconds; a new port gets through.
#[tokio::test]
async fn second_attempt_comes_from_a_new_port() {
    let mut ray = Ray::start(ListenLimits::RELAY);
    let hole = black_hole_for_the_first_port(ray.address()).await;
    let (_ben, _there) = ray.connect_to(&Target::relay("127.0.0.1", hole.port(), Trust::session_keys())).await;
}

/// Both wildcards, with and without IPv6 on the machine, end in a port that IPv4 reaches.
#[tokio::test]
async fn wildcard_serves_ipv4() {
    let identity = Identity::generate().unwrap();
    let listener = Listener::bind(&["[::]:0".parse().unwrap()], &identity, ListenLimits::RELAY).unwrap();
    let mut ray = Ray { listener, identity, dialer: Endpoint::new() };
    let (_ben, there) = ray.connect().await;
    assert!(there.remote.starts_with("127.0.0.1:"), "{}", there.remote);

    let taken = Listener::bind(&[ray.address()], &ray.identity, ListenLimits::RELAY).unwrap_err();
    assert!(matches!(taken, BindError::Socket { address, .. } if address == ray.address()), "{taken}");
}

struct Ray {
    listener: Listener,
    identity: Identity,
    dialer: Endpoint,
}

impl Ray {
    fn start(limits: ListenLimits) -> Self {
        Self::with(Identity::generate().unwrap(), limits)
    }

    fn with(identity: Identity, limits: ListenLimits) -> Self {
        let listener = Listener::bind(&[LOOPBACK], &identity, limits).unwrap();
        Self { listener, identity, dialer: Endpoint::new() }
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.listener.local_port()).into()
    }

    async fn dial(&self, trust: Trust) -> Result<Channel, DialError> {
        self.dialer.dial(&Target::relay("127.0.0.1", self.listener.local_port(), trust)).await
    }

    /// Connects and says `hello`; returns both ends.
    async fn connect(&mut self) -> (Channel, Channel) {
        let trust = Trust::fingerprint(self.identity.fingerprint());
        self.connect_to(&Target::relay("127.0.0.1", self.listener.local_port(), trust)).await
    }

    async fn connect_to(&mut self, target: &Target) -> (Channel, Channel) {
        let mut dialed = self.dialer.dial(target).await.unwrap();
        dialed.writer.write_all(b"hello").await.unwrap();
        (dialed, self.listener.accept().await.unwrap())
    }
}

/// Makes an identity for `name` and the authority that vouches for it.
fn certified(name: &str) -> (Identity, CertificateDer<'static>) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(params, authority_key);

    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let identity = Identity::from_parts(leaf.der().clone(), key.serialize_der());
    (identity, authority.der().clone())
}

/// Forwards packets of one dialer to wherever `relay` stands, and back.
async fn detour(relay: watch::Receiver<SocketAddr>) -> SocketAddr {
    let outside = tokio::net::UdpSocket::bind(LOOPBACK).await.unwrap();
    let inside = tokio::net::UdpSocket::bind(LOOPBACK).await.unwrap();
    let address = outside.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut dialer, mut there, mut back) = (None, [0; 2_048], [0; 2_048]);
        loop {
            tokio::select! {
                Ok((length, from)) = outside.recv_from(&mut there) => {
                    dialer = Some(from);
                    let to = *relay.borrow();
                    inside.send_to(&there[..length], to).await.unwrap();
                }
                Ok((length, from)) = inside.recv_from(&mut back) => {
                    let is_current = from == *relay.borrow();
                    if let Some(to) = dialer.filter(|_| is_current) {
                        outside.send_to(&back[..length], to).await.unwrap();
                    }
                }
            }
        }
    });
    address
}

/// Forwards packets to `relay`, except those of the first port that it sees.
async fn black_hole_for_the_first_port(relay: SocketAddr) -> SocketAddr {
    let outside = Arc::new(tokio::net::UdpSocket::bind(LOOPBACK).await.unwrap());
    let address = outside.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut inside, mut ignored) = (HashMap::new(), None);
        let mut packet = [0; 2_048];
        loop {
            let (length, from) = outside.recv_from(&mut packet).await.unwrap();
            // The probe of one byte is not an attempt.
            if length == 1 || *ignored.get_or_insert(from) == from {
                continue;
            }
            if let std::collections::hash_map::Entry::Vacant(new) = inside.entry(from) {
                let socket = Arc::new(tokio::net::UdpSocket::bind(LOOPBACK).await.unwrap());
                new.insert(Arc::clone(&socket));
                tokio::spawn(return_packets(socket, Arc::clone(&outside), from));
            }
            inside[&from].send_to(&packet[..length], relay).await.unwrap();
        }
    });
    address
}

async fn return_packets(inside: Arc<tokio::net::UdpSocket>, outside: Arc<tokio::net::UdpSocket>, to: SocketAddr) {
    let mut packet = [0; 2_048];
    while let Ok((length, _)) = inside.recv_from(&mut packet).await {
        let _ = outside.send_to(&packet[..length], to).await;
    }
}
