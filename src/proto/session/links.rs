//! The links of a peer: opened, kept alive, filled, given up.
//!
//! Always: a link that is silent, overfull or late is closed, and costs nothing more. PROTOCOL.md 10, 17.

use super::acceptors::AcceptorName;
use super::link::{Link, LinkId, Phase};
use super::outbox::Outbox;
use super::roster::Roster;
use super::{Event, Peer};
use crate::proto::id::AuthorId;
use crate::proto::limits::{HANDSHAKE_US_MAX, HEARTBEAT_US, SILENCE_US_MAX};
use crate::proto::sorted::SortedSet;
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{CloseCode, Frame};
use bytes::Bytes;

/// How long the host itself may take to answer on a link that leads straight to it, in microseconds.
const VOUCH_US_MAX: u64 = 5_000_000;

/// What [`Peer::pop`] found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Popped {
    /// The link is to be closed after the frames just taken.
    pub close: bool,
}

impl Peer {
    /// Returns the round-trip time of a link, in microseconds, once it was measured.
    #[must_use]
    pub fn rtt_us(&self, link: LinkId) -> Option<u64> {
        self.links.get(&link)?.rtt_us
    }

    /// Returns how many bytes wait to be sent over all links, documents not counted: a gauge.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.links.values().map(|link| link.outbox.queued_bytes()).sum()
    }

    /// Tells whether any link exchanges entries.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.links.values().any(|link| link.is_ready() && !link.awaits_host)
    }

    pub(super) fn has_ready_link(&self) -> bool {
        self.links.values().any(Link::is_ready)
    }

    /// Opens a link: the shell has a stream to a relay or host. `exporter` is the TLS exporter of PROTOCOL.md 10.
    pub fn handle_link_open(&mut self, link: LinkId, exporter: Option<[u8; 32]>, now: Now) {
        let nonce = *self.draw().expose();
        let mut opened = Link::new(exporter, nonce, now.mono);
        opened.send(&self.hello(nonce));
        self.links.insert(link, opened);
    }

    /// Says that a link, just opened, claims to lead to the host itself: it does not count before the host has answered
    /// on it. Anybody nearby can take the host's place up to there.
    pub fn expect_host(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link) {
            state.awaits_host = true;
        }
    }

    /// Says who a link, just opened, leads to: a hash of its address or certificate. An acceptor that comes back with less
    /// than it had is noticed by it.
    pub fn name_link(&mut self, link: LinkId, acceptor: [u8; 32]) {
        if let Some(state) = self.links.get_mut(&link) {
            state.acceptor = Some(AcceptorName(acceptor));
        }
    }

    /// Forgets a link whose stream is gone.
    pub fn handle_link_close(&mut self, link: LinkId, _now: Now) {
        self.links.remove(&link);
    }

    /// Gives a link up that makes this side answer and does not read the answers.
    pub(super) fn check_queue(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link).filter(|state| state.is_ready() && state.outbox.is_overfull()) {
            state.outbox = Outbox::default();
            self.close_link(link, CloseCode::TooSlow);
        }
    }

    pub(super) fn check_links(&mut self, now: Now) {
        let records = self.log.next_seq();
        let mut silent = Vec::new();
        for (id, link) in &mut self.links {
            let since_heard_us = now.mono.since_us(link.heard);
            match link.phase {
                Phase::Closing(_) => {}
                Phase::Ready | Phase::Parting if since_heard_us >= SILENCE_US_MAX => silent.push(*id),
                Phase::Parting => {}
                Phase::Ready if link.awaits_host && now.mono.since_us(link.opened) >= VOUCH_US_MAX => silent.push(*id),
                Phase::Ready => {
                    let ping_due = link.pinged.is_none_or(|sent| now.mono.since_us(sent) >= HEARTBEAT_US);
                    if since_heard_us >= HEARTBEAT_US && ping_due || link.rtt_us.is_none() && link.pinged.is_none() {
                        link.ping(records, now.mono);
                    }
                }
                _ if now.mono.since_us(link.opened) >= HANDSHAKE_US_MAX => silent.push(*id),
                _ => {}
            }
        }
        for link in silent {
            self.close_link(link, CloseCode::TooSlow);
        }
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.check_queue(link);
        }
    }

    pub(super) fn poll_links(&self) -> Option<Mono> {
        let links = self.links.values().filter(|link| !matches!(link.phase, Phase::Closing(_)));
        let due = links.map(|link| match link.phase {
            Phase::Ready => {
                let ping = link.pinged.map_or(link.heard, |sent| sent.max(link.heard)).after_us(HEARTBEAT_US);
                let vouched = if link.awaits_host { link.opened.after_us(VOUCH_US_MAX) } else { ping };
                let held = link.held.poll_timeout().unwrap_or(ping);
                ping.min(vouched).min(held).min(link.heard.after_us(SILENCE_US_MAX))
            }
            Phase::Parting => link.heard.after_us(SILENCE_US_MAX),
            _ => link.opened.after_us(HANDSHAKE_US_MAX),
        });
        due.min()
    }

    /// Queues a frame on every link that is up.
    pub(super) fn tell_ready(&mut self, frame: &Frame) {
        self.links.values_mut().filter(|link| link.is_ready()).for_each(|link| link.send(frame));
    }

    /// Queues a frame on every link that is up but the one it came from.
    pub(super) fn forward(&mut self, from: LinkId, frame: &Frame) {
        let others = self.links.iter_mut().filter(|(id, link)| **id != from && link.is_ready());
        others.for_each(|(_, link)| link.send(frame));
    }

    /// Measures the round-trip time of a link now; the result is in [`rtt_us`](Self::rtt_us) later.
    pub fn ping(&mut self, link: LinkId, now: Now) {
        if let Some(state) = self.links.get_mut(&link).filter(|state| state.is_ready() && state.pinged.is_none()) {
            state.ping(self.log.next_seq(), now.mono);
        }
    }

    /// Returns a link that has something to send and was not returned since it was last empty.
    pub fn poll_ready(&mut self) -> Option<LinkId> {
        let waiting = self.links.iter_mut().find(|(_, link)| !link.is_announced && link.has_something());
        waiting.map(|(id, link)| {
            link.is_announced = true;
            *id
        })
    }

    /// Takes frames for `link` until `bytes_max` is reached; the last one may go over it.
    pub fn pop(&mut self, link: LinkId, bytes_max: usize, out: &mut Vec<Bytes>) -> Popped {
        let Self { links, replica, roster, .. } = self;
        let Some(state) = links.get_mut(&link) else { return Popped { close: true } };
        let Link { outbox, feed, introduced, phase, .. } = state;
        let mut taken = 0;
        let mut introduction = None;
        while taken < bytes_max {
            let next = outbox.pop(|| {
                let entry = (*phase == Phase::Ready).then(|| feed.pop(replica)).flatten()?;
                introduction = introduce(introduced, roster, &entry.lane.author);
                Some(Frame::Entry(entry.as_bytes().clone()).encode())
            });
            let Some(frame) = next else { break };
            if let Some(introduction) = introduction.take() {
                taken += introduction.len();
                out.push(introduction);
            }
            taken += frame.len();
            out.push(frame);
        }
        state.is_announced = state.has_something();
        Popped { close: matches!(state.phase, Phase::Closing(_)) && !state.has_something() }
    }

    /// Ends a link from this side.
    pub fn close_link(&mut self, link: LinkId, code: CloseCode) {
        if let Some(state) = self.links.get_mut(&link).filter(|state| !matches!(state.phase, Phase::Closing(_))) {
            state.send(&Frame::Close(code));
            state.phase = Phase::Closing(code);
            self.events.push_back(Event::Unlinked(link, code));
        }
    }

    pub(super) fn handle_closed(&mut self, link: LinkId, code: CloseCode) {
        self.links.remove(&link);
        self.events.push_back(Event::Unlinked(link, code));
    }

    /// Fixes the order of all that waits: nothing queued from now on overtakes it, as CLOSE would.
    pub(super) fn settle_up(&mut self) {
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            let mut frames = Vec::new();
            self.pop(link, usize::MAX, &mut frames);
            if let Some(state) = self.links.get_mut(&link) {
                frames.into_iter().for_each(|frame| state.outbox.push_urgent(frame));
            }
        }
    }
}

/// Returns the MEMBER frame to send before the first entry of `author`, if it was not sent yet.
pub(super) fn introduce(introduced: &mut SortedSet<AuthorId>, roster: &Roster, author: &AuthorId) -> Option<Bytes> {
    if introduced.contains(author) {
        return None;
    }
    let member = roster.member(author)?;
    introduced.insert(*author);
    Some(Frame::Member(member.chain().encode()).encode())
}
