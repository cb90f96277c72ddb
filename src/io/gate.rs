//! Who may come in: counts handshakes and connections per network, before any state is spent on them.
//!
//! Always: a [`Seat`] is counted exactly as long as it lives. Bounds: PROTOCOL.md 17.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::io::quic::ListenLimits;
use crate::proto::relay::Network;

/// Counts who is in, and says who may enter.
pub(crate) struct Gate {
    limits: ListenLimits,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    networks: HashMap<Network, Counts>,
    total: Counts,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    handshakes: usize,
    /// Including the handshakes.
    connections: usize,
}

impl Counts {
    const fn enter(&mut self) {
        self.handshakes += 1;
        self.connections += 1;
    }
}

/// Whether the sender of a first packet has shown that it receives at its address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    Proven,
    Claimed,
}

/// What to do with a first packet.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Goes on with the handshake.
    Enter(Seat),
    /// Has to prove its address first; costs no state.
    Prove,
    /// Is turned away.
    Refuse,
}

impl Gate {
    pub(crate) fn new(limits: ListenLimits) -> Arc<Self> {
        Arc::new(Self { limits, table: Mutex::default() })
    }

    pub(crate) const fn limits(&self) -> ListenLimits {
        self.limits
    }

    /// Decides about a first packet from `ip`.
    pub(crate) fn admit(self: &Arc<Self>, ip: IpAddr, address: Address) -> Verdict {
        let (limits, network) = (self.limits, Network::of(ip));
        let mut table = self.table();
        let (here, total) = (table.networks.get(&network).copied().unwrap_or_default(), table.total);
        if total.handshakes >= limits.handshakes_max
            || total.connections >= limits.connections_max
            || here.connections >= limits.connections_per_network_max
        {
            return Verdict::Refuse;
        }
        let crowded = total.handshakes >= limits.handshakes_unproven_max
            || here.handshakes >= limits.handshakes_unproven_per_network_max;
        if crowded && address == Address::Claimed {
            return Verdict::Prove;
        }
        table.change(Some(network), Counts::enter);
        Verdict::Enter(Seat { gate: Arc::clone(self), network: network.into(), handshaking: true })
    }

    /// Decides about a connection of a trusted proxy: whom it is for shows later, and [`Seat::claim`] counts it for them.
    #[cfg(feature = "web")]
    pub(crate) fn admit_proxy(self: &Arc<Self>) -> Verdict {
        let (limits, mut table) = (self.limits, self.table());
        if table.total.handshakes >= limits.handshakes_max || table.total.connections >= limits.connections_max {
            return Verdict::Refuse;
        }
        table.change(None, Counts::enter);
        Verdict::Enter(Seat { gate: Arc::clone(self), network: OnceLock::new(), handshaking: true })
    }

    /// Returns how many connections are open or being opened.
    pub(crate) fn connections(&self) -> usize {
        self.table().total.connections
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn change(&mut self, network: Option<Network>, change: impl Fn(&mut Counts)) {
        change(&mut self.total);
        let Some(network) = network else { return };
        let counts = self.networks.entry(network).or_default();
        change(counts);
        if counts.connections == 0 {
            self.networks.remove(&network);
        }
    }
}

/// A place at the table of a listener.
pub(crate) struct Seat {
    gate: Arc<Gate>,
    /// Nothing for a proxy's that is nobody's yet.
    network: OnceLock<Network>,
    handshaking: bool,
}

impl Seat {
    /// Marks the handshake as done.
    pub(crate) fn sit(&mut self) {
        if std::mem::take(&mut self.handshaking) {
            self.gate.table().change(self.network.get().copied(), |counts| counts.handshakes -= 1);
        }
    }

    /// Counts a proxy's connection, whose handshake is done, for the network that it turned out to be for; one that is
    /// counted for a network stays there. Says whether there is room.
    #[cfg(feature = "web")]
    pub(crate) fn claim(&self, network: Network) -> bool {
        let mut table = self.gate.table();
        if self.network.get().is_some() {
            return true;
        }
        let here = table.networks.get(&network).map_or(0, |counts| counts.connections);
        let has_room = here < self.gate.limits.connections_per_network_max;
        if has_room && self.network.set(network).is_ok() {
            table.networks.entry(network).or_default().connections += 1;
        }
        has_room
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.sit();
        self.gate.table().change(self.network.get().copied(), |counts| counts.connections -= 1);
    }
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seat({:?})", self.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ListenLimits = ListenLimits {
        connections_max: 6,
        connections_per_network_max: 4,
        handshakes_max: 5,
        handshakes_unproven_max: 4,
        handshakes_unproven_per_network_max: 2,
        ..ListenLimits::RELAY
    };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn enter(gate: &Arc<Gate>, from: &str) -> Seat {
        match gate.admit(ip(from), Address::Proven) {
            Verdict::Enter(seat) => seat,
            other => panic!("{from} should enter, got {other:?}"),
        }
    }

    fn refused(gate: &Arc<Gate>, from: &str) -> bool {
        matches!(gate.admit(ip(from), Address::Proven), Verdict::Refuse)
    }

    /// One customer with a script must not take the table of everybody.
    #[test]
    fn network_has_its_own_cap_until_a_seat_is_free() {
        let gate = Gate::new(LIMITS);
        let mut seats: Vec<_> = (0..4).map(|_| enter(&gate, "192.0.2.1")).collect();
        seats.iter_mut().for_each(Seat::sit);
        assert!(refused(&gate, "192.0.2.1"));
        let _other = enter(&gate, "192.0.2.2");

        seats.pop();
        let _again = enter(&gate, "192.0.2.1");
    }

    /// A whole /64 belongs to one customer; varying the last bits must gain nothing.
    #[test]
    fn ipv6_addresses_of_one_network_count_together() {
        let gate = Gate::new(LIMITS);
        let seats: Vec<_> = (1..5).map(|host| enter(&gate, &format!("2001:db8::{host}"))).collect();
        assert!(refused(&gate, "2001:db8::99"));
        let _other = enter(&gate, "2001:db8:0:1::1");
        drop(seats);
    }

    /// A dual-stack socket shows IPv4 peers in IPv6 clothes, all of them in one /64.
    #[test]
    fn mapped_addresses_count_as_ipv4() {
        let gate = Gate::new(LIMITS);
        let _seats: Vec<_> = (1..6).map(|host| enter(&gate, &format!("::ffff:192.0.2.{host}"))).collect();
        assert_eq!(gate.connections(), 5);
    }

    /// Forged senders must not be able to fill the table: past a few, an address has to be proven.
    #[test]
    fn crowd_of_handshakes_has_to_prove_its_addresses() {
        let gate = Gate::new(LIMITS);
        let claim = |from: &str| gate.admit(ip(from), Address::Claimed);
        let mut seats = vec![enter(&gate, "192.0.2.1"), enter(&gate, "192.0.2.1")];
        assert!(matches!(claim("192.0.2.1"), Verdict::Prove));
        assert!(matches!(claim("192.0.2.2"), Verdict::Enter(_)));
        seats.push(enter(&gate, "192.0.2.2"));
        seats.push(enter(&gate, "192.0.2.3"));
        assert!(matches!(claim("192.0.2.4"), Verdict::Prove));
        seats.push(enter(&gate, "192.0.2.4"));
        assert!(refused(&gate, "192.0.2.5"));

        seats.iter_mut().for_each(Seat::sit);
        assert!(matches!(claim("192.0.2.5"), Verdict::Enter(_)));
    }

    /// All visitors come from the proxy's address: its connections are bounded in all, and by whom they are for.
    #[cfg(feature = "web")]
    #[test]
    fn connections_of_a_proxy_count_for_whom_they_are() {
        let gate = Gate::new(LIMITS);
        let come = || match gate.admit_proxy() {
            Verdict::Enter(mut seat) => {
                seat.sit();
                Some(seat)
            }
            _ => None,
        };
        let mut seats: Vec<_> = (0..6).map(|_| come().unwrap()).collect();
        assert!(come().is_none());
        let (ada, ben) = (Network::of(ip("192.0.2.1")), Network::of(ip("192.0.2.2")));
        assert!(seats[..4].iter().all(|seat| seat.claim(ada)));
        assert!(!seats[4].claim(ada) && seats[4].claim(ben) && seats[0].claim(ben), "once somebody's, always theirs");
        seats.remove(0);
        assert!(seats[4].claim(ada));
        seats.clear();
        assert_eq!(gate.connections(), 0);
        assert!(gate.table().networks.is_empty());
    }

    /// A relay runs for months: the table must not remember everybody who ever came by.
    #[test]
    fn table_forgets_who_left() {
        let gate = Gate::new(LIMITS);
        drop((enter(&gate, "192.0.2.1"), enter(&gate, "2001:db8::1")));
        assert_eq!(gate.connections(), 0);
        assert!(gate.table().networks.is_empty());
    }
}
