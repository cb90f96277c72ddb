//! One connection of a peer to a relay or a host, seen from the dialling side.

use super::outbox::Outbox;
use crate::proto::id::{AuthorId, LaneId};
use crate::proto::lane::replica::Feed;
use crate::proto::time::Mono;
use crate::proto::wire::{CloseCode, Frame};
use std::collections::BTreeSet;

/// Names a link within one peer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkId(pub u64);

/// How far a link has come. PROTOCOL.md 10.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// HELLO is sent.
    Greeting,
    /// WELCOME came; so many records and wraps are to follow.
    Catching { theirs: [u8; 32], records: u64, wraps: u64 },
    /// AUTH is sent.
    Proving,
    /// Entries flow.
    Ready,
    /// CLOSE is queued; nothing more is taken.
    Closing(CloseCode),
}

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: Phase,
    pub(super) exporter: Option<[u8; 32]>,
    pub(super) nonce: [u8; 32],
    pub(super) outbox: Outbox,
    pub(super) feed: Feed,
    /// Whose chains the other side knows.
    pub(super) introduced: BTreeSet<AuthorId>,
    /// Lanes of which the other side has another history than this one.
    pub(super) forked: BTreeSet<LaneId>,
    pub(super) opened: Mono,
    pub(super) heard: Mono,
    pub(super) pinged: Option<Mono>,
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
            introduced: BTreeSet::new(),
            forked: BTreeSet::new(),
            opened: now,
            heard: now,
            pinged: None,
            rtt_us: None,
            is_announced: false,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    pub(super) fn send(&mut self, frame: &Frame) {
        self.outbox.push_urgent(frame.encode());
    }

    /// Tells whether the shell would get something from it.
    pub(super) fn has_something(&self) -> bool {
        !self.outbox.is_empty() || (self.is_ready() && !self.feed.is_empty())
    }

    /// Takes a round trip into the average, with the weights of RFC 6298.
    pub(super) fn handle_pong(&mut self, sent: Mono, now: Mono) {
        let sample = now.since_us(sent);
        self.rtt_us = Some(self.rtt_us.map_or(sample, |smoothed| (smoothed * 7 + sample) / 8));
        self.pinged = None;
    }
}
