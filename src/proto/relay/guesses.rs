//! Who tries names of shares that nobody knows: a passphrase makes the name, so each try is a guess at one.
//!
//! Always: a network has so many tries in any minute, whatever it tries; the table is bounded, and forgets first who
//! tried longest ago. PROTOCOL.md 2, 17.

use crate::proto::time::Mono;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

/// How long a try counts, in microseconds.
const GUESS_US: u64 = 60_000_000;
/// Networks whose tries are remembered: more than can try something at once.
const NETWORKS_MAX: usize = 16_384;
/// Bits of an IPv6 address that one customer usually has; the rest is free for them to vary.
const IPV6_NETWORK_BITS: u32 = 64;

/// One IPv4 address or one IPv6 /64: what somebody has one of, and strangers do not share. PROTOCOL.md 17.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Network(IpAddr);

impl Network {
    /// Returns the network of an address; an IPv4 address in IPv6 clothes counts as IPv4.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => {
                let host_bits = u128::BITS - IPV6_NETWORK_BITS;
                IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> host_bits << host_bits))
            }
            v4 => v4,
        })
    }
}

/// The recent tries of all networks.
#[derive(Debug)]
pub(super) struct Guesses {
    per_minute: u32,
    tries: BTreeMap<Network, VecDeque<Mono>>,
    /// All tries in the order of time, so that the oldest are found.
    order: VecDeque<(Mono, Network)>,
}

impl Guesses {
    /// Starts with nobody known, who has so many tries in a minute.
    pub(super) const fn new(per_minute: u32) -> Self {
        Self { per_minute, tries: BTreeMap::new(), order: VecDeque::new() }
    }

    /// Notes that a network named a share that is unknown.
    pub(super) fn note(&mut self, network: Network, now: Mono) {
        self.forget(now);
        self.tries.entry(network).or_default().push_back(now);
        self.order.push_back((now, network));
        while self.tries.len() > NETWORKS_MAX {
            self.forget_oldest();
        }
    }

    /// Tells whether a network may try no more now.
    pub(super) fn are_spent(&mut self, network: Network, now: Mono) -> bool {
        self.spent_until(network, now).is_some()
    }

    /// Returns when a network may try again that may try no more now.
    pub(super) fn spent_until(&mut self, network: Network, now: Mono) -> Option<Mono> {
        self.forget(now);
        let tries = self.tries.get(&network).filter(|tries| tries.len() >= self.per_minute as usize)?;
        tries.front().map(|oldest| oldest.after_us(GUESS_US))
    }

    fn forget(&mut self, now: Mono) {
        while self.order.front().is_some_and(|(tried, _)| now.since_us(*tried) >= GUESS_US) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, network)) = self.order.pop_front() else { return };
        if let Some(tries) = self.tries.get_mut(&network) {
            tries.pop_front();
            if tries.is_empty() {
                self.tries.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::of(text.parse().expect("an address"))
    }

    /// A whole /64 belongs to one customer; varying the last bits must gain nothing.
    #[test]
    fn addresses_of_one_customer_are_one_network() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::99"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    /// Five in any minute, not five per minute of the clock: ten around its turn would be twice as fast.
    #[test]
    fn tries_come_back_one_by_one_as_they_age() {
        let (mut guesses, eve) = (Guesses::new(5), network("192.0.2.1"));
        for second in 0..5 {
            assert!(!guesses.are_spent(eve, Mono(second * 1_000_000)));
            guesses.note(eve, Mono(second * 1_000_000));
        }
        assert_eq!(guesses.spent_until(eve, Mono(GUESS_US - 1)), Some(Mono(GUESS_US)));
        assert!(!guesses.are_spent(network("192.0.2.2"), Mono(GUESS_US - 1)));
        assert!(!guesses.are_spent(eve, Mono(GUESS_US)));
        guesses.note(eve, Mono(GUESS_US));
        assert!(guesses.are_spent(eve, Mono(GUESS_US + 1)));
    }

    /// Whoever has a million addresses must not fill the memory with them.
    #[test]
    fn table_is_bounded_and_forgets() {
        let mut guesses = Guesses::new(5);
        for n in 0..20_000_u32 {
            guesses.note(Network::of(IpAddr::from(n.to_be_bytes())), Mono(0));
        }
        assert_eq!((guesses.tries.len(), guesses.order.len()), (NETWORKS_MAX, NETWORKS_MAX));
        assert!(!guesses.are_spent(network("192.0.2.1"), Mono(GUESS_US)));
        assert_eq!((guesses.tries.len(), guesses.order.len()), (0, 0));
    }
}
