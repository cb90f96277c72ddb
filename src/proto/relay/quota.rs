//! How often one network may ask by HTTP, where nothing is known of who asks.
//!
//! Always: who asks too often is told when to come back, and is not held longer for trying meanwhile; the table is
//! bounded, and whom it forgets has a full purse again anyway. PROTOCOL.md 17.

use super::bucket::Bucket;
use super::guesses::Network;
use crate::proto::limits::Rate;
use crate::proto::time::Mono;
use std::collections::BTreeMap;

/// Networks that are remembered at most, of each half of the table.
const NETWORKS_MAX: usize = 16_384;

/// The recent requests of all networks.
#[derive(Debug)]
pub struct Quota {
    rate: Rate,
    /// Who asked in this turn, and who did in the one before and not in this.
    recent: BTreeMap<Network, Bucket>,
    before: BTreeMap<Network, Bucket>,
    turned: Mono,
}

impl Quota {
    /// Starts with nobody known.
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self { rate, recent: BTreeMap::new(), before: BTreeMap::new(), turned: Mono(0) }
    }

    /// Takes one request of `network`.
    ///
    /// # Errors
    ///
    /// When it may ask again.
    pub fn take(&mut self, network: Network, now: Mono) -> Result<(), Mono> {
        self.turn(now);
        let known = self.recent.remove(&network).or_else(|| self.before.remove(&network));
        let mut bucket = known.unwrap_or_else(|| Bucket::new(self.rate, now));
        let taken = bucket.try_take(1, now);
        self.recent.insert(network, bucket);
        taken
    }

    /// Forgets who has not asked for a whole turn: so long it takes an empty purse to fill.
    fn turn(&mut self, now: Mono) {
        let fill_us = (self.rate.burst * 1_000_000).div_ceil(self.rate.per_s.max(1));
        if now.since_us(self.turned) >= fill_us || self.recent.len() >= NETWORKS_MAX {
            self.before = std::mem::take(&mut self.recent);
            self.turned = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const RATE: Rate = Rate { per_s: 2, burst: 4 };

    fn network(n: u32) -> Network {
        Network::of(IpAddr::from(n.to_be_bytes()))
    }

    /// A script that loops must be stopped, and let go again as soon as it has calmed down.
    #[test]
    fn network_is_held_up_alone_and_no_longer_for_trying() {
        let mut quota = Quota::new(RATE);
        assert!((0..4).all(|_| quota.take(network(1), Mono(0)).is_ok()));
        for _ in 0..1_000 {
            assert_eq!(quota.take(network(1), Mono(0)), Err(Mono(500_000)));
        }
        assert_eq!(quota.take(network(2), Mono(0)), Ok(()));
        assert_eq!(quota.take(network(1), Mono(500_000)), Ok(()));
        assert!(quota.take(network(1), Mono(500_000)).is_err());
    }

    /// Turning the table over must not hand out fresh purses to who asks all the time.
    #[test]
    fn nobody_gets_more_by_asking_all_the_time() {
        let mut quota = Quota::new(RATE);
        let taken = (0..100_000).filter(|ms| quota.take(network(1), Mono(ms * 1_000)).is_ok()).count();
        assert!((200..=204).contains(&taken), "{taken} in 100 s");
    }

    /// A million addresses must not fill the memory.
    #[test]
    fn table_is_bounded() {
        let mut quota = Quota::new(RATE);
        for n in 0..100_000 {
            let _ = quota.take(network(n), Mono(0));
        }
        assert!(quota.recent.len() + quota.before.len() <= 2 * NETWORKS_MAX);
    }
}
