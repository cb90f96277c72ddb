//! Which way to a session: what to dial when, and which link to keep.
//!
//! found addresses, dial results --handle_*(…, now)--> [`Paths`] --poll_dial--> dial it, --poll_drop--> end it
//!
//! Always: at most one link is kept, and a direct one rather than the relay's; at most four direct dials run at once;
//! a way that fails is tried again after 0.25 s doubling to 10 s, for as long as it is known. Same calls, same seed:
//! same answers.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;

use super::time::Mono;

/// How long the relay is held back where the host may be nearby: an mDNS answer takes 2 to 22 ms on a quiet LAN.
const HEAD_START_US: u64 = 300_000;
/// First wait after a failure.
const RETRY_US_MIN: u64 = 250_000;
/// Longest wait after a failure.
const RETRY_US_MAX: u64 = 10_000_000;
/// A link that lasted so long was a good one: its loss is news, not one failure more.
const STEADY_US: u64 = 10_000_000;
/// How long an address counts that is not found again: the longest life of an announcement and one more query.
const FOUND_US_MAX: u64 = 150_000_000;
/// Direct dials under way at once: a laptop's addresses, or somebody's lies about them.
const DIRECT_DIALS_MAX: usize = 4;
/// Direct addresses that are remembered.
const DIRECT_MAX: usize = 16;

const _: () = assert!(RETRY_US_MIN << 6 > RETRY_US_MAX, "six doublings reach the longest wait");

/// Which way a link goes, for people.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PathKind {
    /// Inside this machine.
    Loopback,
    /// Straight to the host over the local network.
    Lan,
    /// Through a relay.
    Relay,
    /// Over a transport that the application brought along.
    Other,
}

impl fmt::Display for PathKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "this machine",
            Self::Lan => "lan",
            Self::Relay => "relay",
            Self::Other => "other",
        })
    }
}

/// A way that can be dialled. The order is the order of preference.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Candidate {
    /// The host's port on this machine.
    Loopback(SocketAddr),
    /// The host's port on the local network.
    Lan(SocketAddr),
    /// The relay that the link names.
    Relay,
}

impl Candidate {
    /// Returns what to call the way.
    #[must_use]
    pub const fn kind(self) -> PathKind {
        match self {
            Self::Loopback(_) => PathKind::Loopback,
            Self::Lan(_) => PathKind::Lan,
            Self::Relay => PathKind::Relay,
        }
    }

    /// Tells whether it leads to the host itself.
    #[must_use]
    pub const fn is_direct(self) -> bool {
        !matches!(self, Self::Relay)
    }
}

/// Where to look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ways {
    /// On this machine and the local network; the link names no relay.
    Nearby,
    /// At the relay; looking around is switched off.
    Relay,
    /// At both.
    Both,
}

#[derive(Clone, Copy, Debug)]
struct Way {
    state: State,
    /// In a row, without a steady link in between.
    failures: u32,
    found: Mono,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Waiting { due: Mono },
    Dialling,
    Up { since: Mono },
}

/// Decides what to dial and which link to keep.
#[derive(Clone, Debug)]
pub struct Paths {
    ways: BTreeMap<Candidate, Way>,
    dropped: VecDeque<Candidate>,
    dice: u64,
}

impl Paths {
    /// Starts to look; `seed` spreads the waits of peers that lost the same relay.
    #[must_use]
    pub fn new(ways: Ways, seed: u64, now: Mono) -> Self {
        let mut paths = Self { ways: BTreeMap::new(), dropped: VecDeque::new(), dice: seed };
        let due = match ways {
            Ways::Nearby => return paths,
            Ways::Relay => now,
            Ways::Both => now.after_us(HEAD_START_US),
        };
        paths.ways.insert(Candidate::Relay, Way { state: State::Waiting { due }, failures: 0, found: now });
        paths
    }

    /// Takes an address that was found or found again; it is dialled at once if it is new and of use.
    pub fn handle_found(&mut self, candidate: Candidate, now: Mono) {
        if let Some(known) = self.ways.get_mut(&candidate) {
            known.found = now;
            return;
        }
        self.forget_stale(now);
        if self.direct().count() >= DIRECT_MAX && !self.forget_worst() {
            return;
        }
        self.ways.insert(candidate, Way { state: State::Waiting { due: now }, failures: 0, found: now });
    }

    /// A dial came through: the other side has said READY. Links that are worth less are dropped.
    pub fn handle_up(&mut self, candidate: Candidate, now: Mono) {
        match self.ways.get(&candidate).map(|way| way.state) {
            Some(State::Up { .. }) => return,
            Some(State::Dialling) => (),
            // Dropped while it came through.
            _ => return self.dropped.push_back(candidate),
        }
        let beaten = self.active().is_some_and(|active| active.is_direct() || !candidate.is_direct());
        if beaten {
            return self.put_off(candidate, now);
        }
        if candidate.is_direct() {
            let needless: Vec<_> = self.busy().filter(|other| *other != candidate).collect();
            needless.into_iter().for_each(|other| self.put_off(other, now));
        }
        self.set(candidate, State::Up { since: now });
    }

    /// A dial failed, at whatever stage before READY.
    pub fn handle_failed(&mut self, candidate: Candidate, now: Mono) {
        if self.is(candidate, State::Dialling) {
            self.retry_later(candidate, now);
        }
    }

    /// A link ended that was up.
    pub fn handle_lost(&mut self, candidate: Candidate, now: Mono) {
        let Some(way) = self.ways.get_mut(&candidate) else { return };
        let State::Up { since } = way.state else { return };
        if now.since_us(since) >= STEADY_US {
            way.failures = 0;
        }
        self.retry_later(candidate, now);
    }

    /// The network changed or the machine woke up: what failed before may work now, so nothing waits any longer.
    pub fn handle_wake(&mut self, now: Mono) {
        for way in self.ways.values_mut() {
            if let State::Waiting { due } = &mut way.state {
                *due = now;
                way.failures = 0;
            }
        }
    }

    /// Returns the next way to dial now, if any; answer by [`handle_up`](Self::handle_up) or
    /// [`handle_failed`](Self::handle_failed), unless it is dropped before.
    pub fn poll_dial(&mut self, now: Mono) -> Option<Candidate> {
        self.forget_stale(now);
        let next = self.waiting().find(|(_, due)| *due <= now).map(|(candidate, _)| candidate)?;
        self.set(next, State::Dialling);
        Some(next)
    }

    /// Returns a dial to cancel or a link to close, because a better one is up.
    pub fn poll_drop(&mut self) -> Option<Candidate> {
        self.dropped.pop_front()
    }

    /// Returns when to call [`poll_dial`](Self::poll_dial) again, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.waiting().map(|(_, due)| due).min()
    }

    /// Returns the way that is up and kept.
    #[must_use]
    pub fn active(&self) -> Option<Candidate> {
        self.ways.iter().find(|(_, way)| matches!(way.state, State::Up { .. })).map(|(candidate, _)| *candidate)
    }

    /// The ways that wait and are of use now, best first, with the time of their turn.
    fn waiting(&self) -> impl Iterator<Item = (Candidate, Mono)> + '_ {
        let active = self.active();
        let dials = self.busy().filter(|candidate| candidate.is_direct()).count();
        let wanted = move |candidate: Candidate| match active {
            Some(active) if active.is_direct() => false,
            Some(_) => candidate.is_direct() && dials < DIRECT_DIALS_MAX,
            None => !candidate.is_direct() || dials < DIRECT_DIALS_MAX,
        };
        self.ways.iter().filter_map(move |(candidate, way)| match way.state {
            State::Waiting { due } if wanted(*candidate) => Some((*candidate, due)),
            _ => None,
        })
    }

    /// The ways that are being dialled or up.
    fn busy(&self) -> impl Iterator<Item = Candidate> + '_ {
        self.ways.iter().filter(|(_, way)| !matches!(way.state, State::Waiting { .. })).map(|(candidate, _)| *candidate)
    }

    fn direct(&self) -> impl Iterator<Item = (&Candidate, &Way)> {
        self.ways.iter().filter(|(candidate, _)| candidate.is_direct())
    }

    fn is(&self, candidate: Candidate, state: State) -> bool {
        self.ways.get(&candidate).is_some_and(|way| way.state == state)
    }

    fn set(&mut self, candidate: Candidate, state: State) {
        if let Some(way) = self.ways.get_mut(&candidate) {
            way.state = state;
        }
    }

    /// Ends what a better link makes needless; it may be dialled again as soon as that is lost.
    fn put_off(&mut self, candidate: Candidate, now: Mono) {
        self.set(candidate, State::Waiting { due: now });
        self.dropped.push_back(candidate);
    }

    fn retry_later(&mut self, candidate: Candidate, now: Mono) {
        let dice = self.roll();
        let Some(way) = self.ways.get_mut(&candidate) else { return };
        let wait_us = (RETRY_US_MIN << way.failures.min(6)).min(RETRY_US_MAX);
        way.failures = way.failures.saturating_add(1);
        // Up to a quarter less, so that those who failed together do not come back together.
        way.state = State::Waiting { due: now.after_us(wait_us - dice % (wait_us / 4)) };
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): spreads waits, protects nothing.
    const fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn forget_stale(&mut self, now: Mono) {
        self.ways.retain(|candidate, way| {
            !candidate.is_direct()
                || !matches!(way.state, State::Waiting { .. })
                || now.since_us(way.found) <= FOUND_US_MAX
        });
    }

    /// Makes room: forgets the waiting address that failed most, among those the one not found for longest.
    fn forget_worst(&mut self) -> bool {
        let waiting = self.direct().filter(|(_, way)| matches!(way.state, State::Waiting { .. }));
        let worst = waiting.max_by_key(|(_, way)| (way.failures, std::cmp::Reverse(way.found)));
        let Some(worst) = worst.map(|(candidate, _)| *candidate) else { return false };
        self.ways.remove(&worst).is_some()
    }
}

#[cfg(test)]
mod tests;
