//! What of all that is heard belongs to the session: peer ids that are its hints, addresses that can be dialled.
//!
//! Always: at most [`ADDRESSES_MAX`] addresses per hint; hints cannot be forged without knowing the session, but
//! whoever heard one can repeat it with other addresses.

use std::net::{IpAddr, SocketAddr};

use libp2p_core::Multiaddr;
use libp2p_core::multiaddr::Protocol;
use libp2p_core::multihash::Multihash;
use libp2p_identity::PeerId;
use libp2p_mdns::Event;

use crate::proto::discovery::Hint;
use crate::proto::id::SessionId;

/// Addresses per announced hint: more than the interfaces of a laptop. PROTOCOL.md 16.
const ADDRESSES_MAX: usize = 16;
/// Code of the identity multihash: the digest is the content.
const IDENTITY: u64 = 0;

/// The session's hosts that are announced now.
#[derive(Debug, Default)]
pub(super) struct Known {
    found: Vec<(PeerId, SocketAddr)>,
}

impl Known {
    /// Takes news from libp2p-mdns and returns the addresses that are new.
    pub(super) fn handle(&mut self, event: Event, session: &SessionId) -> Vec<SocketAddr> {
        match event {
            Event::Discovered(heard) => {
                let ours =
                    heard.into_iter().filter(|(peer, _)| hint_of(peer).is_some_and(|hint| hint.recognises(session)));
                let addresses = ours.filter_map(|(peer, address)| Some((peer, address_of(&address)?)));
                addresses.filter_map(|(peer, address)| self.add(peer, address)).collect()
            }
            Event::Expired(gone) => {
                self.found.retain(|known| {
                    !gone.iter().any(|(peer, address)| (*peer, address_of(address)) == (known.0, Some(known.1)))
                });
                Vec::new()
            }
        }
    }

    /// Returns the addresses that are announced now.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.found.iter().map(|(_, address)| *address)
    }

    fn add(&mut self, peer: PeerId, address: SocketAddr) -> Option<SocketAddr> {
        let of_peer = self.found.iter().filter(|(other, _)| *other == peer).count();
        if of_peer >= ADDRESSES_MAX || self.found.contains(&(peer, address)) {
            return None;
        }
        self.found.push((peer, address));
        Some(address)
    }
}

/// Writes a hint as the peer id that libp2p-mdns announces.
pub(super) fn peer_id_of(hint: &Hint) -> PeerId {
    #[expect(clippy::expect_used, reason = "an identity multihash holds up to 64 bytes, a peer id up to 42 of them")]
    let peer = Multihash::wrap(IDENTITY, &hint.encode())
        .ok()
        .and_then(|hash| PeerId::from_multihash(hash).ok())
        .expect("32 bytes fit");
    peer
}

/// Reads the hint out of a peer id; that of any other libp2p program is none.
pub(super) fn hint_of(peer: &PeerId) -> Option<Hint> {
    let hash: &Multihash<64> = peer.as_ref();
    (hash.code() == IDENTITY).then(|| hash.digest().try_into().ok().map(Hint::decode)).flatten()
}

/// Reads `/ip4|ip6/…/udp/…/quic-v1[/p2p/…]`, if it is an address that a guest on the same network can dial.
pub(super) fn address_of(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) if !ip.is_broadcast() => IpAddr::V4(ip),
        // Without the interface's name a link-local address leads nowhere.
        Protocol::Ip6(ip) if !ip.is_unicast_link_local() => IpAddr::V6(ip),
        _ => return None,
    };
    let (Protocol::Udp(port), Protocol::QuicV1) = (parts.next()?, parts.next()?) else { return None };
    let rest = (parts.next(), parts.next());
    let can_be_dialled = port != 0 && !ip.is_unspecified() && !ip.is_multicast() && !ip.to_canonical().is_loopback();
    (can_be_dialled && matches!(rest, (None | Some(Protocol::P2p(_)), None))).then(|| SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId([7; 16]);

    /// Every libp2p program on the LAN is heard; only the session's host is dialled.
    #[test]
    fn only_the_sessions_hints_are_found() {
        let ours = peer_id_of(&Hint::new(&SESSION, [1; 16]));
        let other_session = peer_id_of(&Hint::new(&SessionId([8; 16]), [1; 16]));
        let other_program: PeerId = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN".parse().unwrap();
        let address: Multiaddr = "/ip4/192.0.2.1/udp/4433/quic-v1".parse().unwrap();
        let heard = [ours, other_session, other_program].map(|peer| (peer, address.clone().with_p2p(peer).unwrap()));
        let mut known = Known::default();
        let found = known.handle(Event::Discovered(heard.to_vec()), &SESSION);
        assert_eq!(found, ["192.0.2.1:4433".parse().unwrap()]);
        assert_eq!(known.handle(Event::Discovered(heard.to_vec()), &SESSION), [], "told once");
        assert_eq!(known.addresses().collect::<Vec<_>>(), found);

        known.handle(Event::Expired(heard.to_vec()), &SESSION);
        assert_eq!(known.addresses().count(), 0);
    }

    /// A repeated hint with invented addresses must not send guests all over the network.
    #[test]
    fn addresses_of_one_hint_are_capped() {
        let peer = peer_id_of(&Hint::new(&SESSION, [1; 16]));
        let heard = (1..100).map(|host| (peer, format!("/ip6/fd00::{host}/udp/1/quic-v1").parse().unwrap())).collect();
        assert_eq!(Known::default().handle(Event::Discovered(heard), &SESSION).len(), ADDRESSES_MAX);
    }

    /// What strangers announce is dialled by honest guests: it must at least be a host's address.
    #[test]
    fn addresses_that_lead_nowhere_are_ignored() {
        let read = |text: &str| address_of(&text.parse().unwrap()).map(|address| address.to_string());
        assert_eq!(read("/ip4/10.0.0.1/udp/9/quic-v1").as_deref(), Some("10.0.0.1:9"));
        assert_eq!(read("/ip6/fd00::1/udp/9/quic-v1").as_deref(), Some("[fd00::1]:9"));
        for wrong in [
            "/ip4/10.0.0.1/udp/0/quic-v1",
            "/ip4/10.0.0.1/tcp/9",
            "/ip4/10.0.0.1/udp/9",
            "/ip4/10.0.0.1/udp/9/quic-v1/ws",
            "/ip4/127.0.0.1/udp/9/quic-v1",
            "/ip6/::ffff:127.0.0.1/udp/9/quic-v1",
            "/ip4/0.0.0.0/udp/9/quic-v1",
            "/ip4/224.0.0.251/udp/9/quic-v1",
            "/ip4/255.255.255.255/udp/9/quic-v1",
            "/ip6/fe80::1/udp/9/quic-v1",
            "/dns/example.com/udp/9/quic-v1",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    /// Longer peer ids are other programs' keys.
    #[test]
    fn peer_id_carries_exactly_one_hint() {
        let hint = Hint::new(&SESSION, [3; 16]);
        assert_eq!(hint_of(&peer_id_of(&hint)), Some(hint));
        let longer = PeerId::from_multihash(Multihash::wrap(IDENTITY, &[1; 33]).unwrap()).unwrap();
        assert_eq!(hint_of(&longer), None);
    }
}
