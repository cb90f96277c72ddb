//! One connection of a peer to a relay or a host, seen from the dialling side.

use super::acceptors::AcceptorName;
use super::epochs::Held;
use super::outbox::Outbox;
use crate::proto::id::{AuthorId, Channel, LaneId};
use crate::proto::lane::replica::Feed;
use crate::proto::sorted::{SortedMap, SortedSet};
use crate::proto::time::Mono;
use crate::proto::wire::{CloseCode, Frame};

/// Names a link within one peer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkId(pub u64);

/// How far a link has come. PROTOCOL.md 10.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// HELLO is sent.
    Greeting,
    /// WELCOME came.
    Catching(Awaited),
    /// AUTH is sent.
    Proving,
    /// Entries flow.
    Ready,
    /// The owner's last record is queued; when the other side has it, it says so by CLOSE.
    Parting,
    /// CLOSE is queued; nothing more is taken.
    Closing(CloseCode),
}

/// What WELCOME said: the acceptor's nonce, and how many frames of each kind are still to follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Awaited {
    pub(super) nonce: [u8; 32],
    pub(super) records: u64,
    pub(super) shares: u64,
    pub(super) wraps: u64,
}

/// How long a link may be silent and still counts as one on which everything flows, in microseconds.
pub(super) const FLOW_GAP_US: u64 = 2_500_000;

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: Phase,
    pub(super) exporter: Option<[u8; 32]>,
    pub(super) nonce: [u8; 32],
    pub(super) outbox: Outbox,
    pub(super) feed: Feed,
    /// Whose chains the other side knows.
    pub(super) introduced: SortedSet<AuthorId>,
    /// Lanes of which the other side has another history than this one.
    pub(super) forked: SortedSet<LaneId>,
    /// What the other side has said that it stores, of each lane all below.
    pub(super) stored: SortedMap<LaneId, u64>,
    /// Since when its version vector of a channel is here whole.
    pub(super) have_at: SortedMap<Channel, Mono>,
    /// Whether this side has sent its own, and what else only members send.
    pub(super) has_greeted: bool,
    /// Whether it was brought the proofs of the present epoch.
    pub(super) has_proofs: bool,
    /// Documents whose checkpoint it was asked for.
    pub(super) asked: SortedSet<Channel>,
    /// How many of the shares passed on here it was brought.
    pub(super) brought: usize,
    /// Entries that wait for the key of their epoch.
    pub(super) held: Held,
    /// Who it leads to, where the shell knows.
    pub(super) acceptor: Option<AcceptorName>,
    /// It claims to lead to the host itself, which has not answered on it.
    pub(super) awaits_host: bool,
    pub(super) opened: Mono,
    pub(super) heard: Mono,
    /// Since when it was never silent for longer than a moment.
    pub(super) flows_since: Mono,
    pub(super) pinged: Option<Mono>,
    /// How many records of the log had been sent, or were known to be there, when it was pinged last.
    pub(super) pinged_behind: u64,
    /// Smoothed round-trip time, in microseconds.
    pub(super) rtt_us: Option<u64>,
    /// Whether the shell was told that there is something to send.
    pub(super) is_announced: bool,
}

impl Link {
    pub(super) fn new(exporter: Option<[u8; 32]>, nonce: [u8; 32], now: Mono) -> Self {
        Self {
            phase: Phase::Greeting,
            exporter,
            nonce,
            outbox: Outbox::default(),
            feed: Feed::default(),
            introduced: SortedSet::new(),
            forked: SortedSet::new(),
            stored: SortedMap::new(),
            have_at: SortedMap::new(),
            has_greeted: false,
            has_proofs: false,
            asked: SortedSet::new(),
            brought: 0,
            held: Held::default(),
            acceptor: None,
            awaits_host: false,
            opened: now,
            heard: now,
            flows_since: now,
            pinged: None,
            pinged_behind: 0,
            rtt_us: None,
            is_announced: false,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Asks for a sign of life, behind so many records of the log.
    pub(super) fn ping(&mut self, records: u64, now: Mono) {
        (self.pinged, self.pinged_behind) = (Some(now), records);
        self.send(&Frame::Ping(now.0.to_le_bytes()));
    }

    pub(super) fn send(&mut self, frame: &Frame) {
        self.outbox.push_urgent(frame.encode());
    }

    /// Tells whether the shell would get something from it.
    pub(super) fn has_something(&self) -> bool {
        !self.outbox.is_empty() || (self.is_ready() && !self.feed.is_empty())
    }

    /// Notes that a frame came.
    pub(super) const fn note_heard(&mut self, now: Mono) {
        if now.since_us(self.heard) > FLOW_GAP_US {
            self.flows_since = now;
        }
        self.heard = now;
    }

    /// Returns since when everything flows on it, if it does.
    pub(super) fn flows_since(&self, now: Mono) -> Option<Mono> {
        (now.since_us(self.heard) <= FLOW_GAP_US).then_some(self.flows_since)
    }

    /// Notes that the other side stores everything of `lane` below `next`.
    pub(super) fn note_stored(&mut self, lane: LaneId, next: u64) {
        let stored = self.stored.entry(lane).or_default();
        *stored = next.max(*stored);
    }

    /// Takes a round trip into the average, with the weights of RFC 6298.
    pub(super) fn handle_pong(&mut self, now: Mono) {
        let Some(sent) = self.pinged.take() else { return };
        let sample = now.since_us(sent);
        self.rtt_us = Some(self.rtt_us.map_or(sample, |smoothed| (smoothed * 7 + sample) / 8));
    }
}
