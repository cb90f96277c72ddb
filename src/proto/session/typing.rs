//! Typing into the host's terminals: sealed to the host alone, kept until it says that it was applied. PROTOCOL.md 15.

use super::{Event, LinkId, Peer};
use crate::proto::id::{AuthorId, PaneId};
use crate::proto::key::Secret32;
use crate::proto::limits::{
    HEARTBEAT_US, INPUT_BYTES_MAX, SILENCE_US_MAX, TYPED_BYTES_MAX, TYPED_RETRY_US_MAX, TYPED_RETRY_US_MIN,
    TYPED_WINDOW_BYTES,
};
use crate::proto::member::VerifiedMember;
use crate::proto::seal::DirectGuest;
use crate::proto::share::Rights;
use crate::proto::terminal::{DirectDown, DirectUp, Refusal, Size, Waits, Wish};
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{Frame, WireEntry};
use std::collections::VecDeque;

/// How often the host is asked for a sign of life, in microseconds.
const PROBE_US: u64 = 2 * HEARTBEAT_US;

/// How many turns from one terminal to another are remembered for refusals that come late.
const AIMS_MAX: usize = 64;

/// Why something could not be typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The link is for looking only; the owner has to give another.
    #[error("this link is for viewing: it cannot type")]
    NoRight,
    /// The host is not known yet, or the owner has not let this peer in; the caller waits.
    #[error("not joined yet")]
    NotJoined,
    /// Too much waits already; the caller waits until the host is reachable.
    #[error("{waiting} bytes typed are still waiting for the host, the limit is {TYPED_BYTES_MAX}")]
    Full {
        /// How many bytes wait.
        waiting: usize,
    },
    /// The link is none of the owner's own; the owner has to give one.
    #[error("only an own link commands the host")]
    NoCommand,
    /// The host's key is none; its owner has to start anew.
    #[error("the host's key is unusable")]
    HostKey,
    /// The terminal has no one driver; the host has to change the policy first. Only at the host.
    #[error("terminal {0} is not driven by one at a time")]
    NoDriver(PaneId),
    /// The session is over.
    #[error("the session is over")]
    Ended,
}

/// One thing sent that the host has not acknowledged.
#[derive(Debug)]
struct Pending {
    entry: WireEntry,
    bytes: usize,
}

/// This peer's side of the direct channel.
///
/// A sliding window: relays keep nothing for a host that is away, so what is not confirmed may have been lost on any
/// link, and is then sent again from the front.
#[derive(Debug, Default)]
pub(super) struct Typing {
    to: Option<(AuthorId, DirectGuest)>,
    /// In order of their seqs, without a gap.
    pending: VecDeque<Pending>,
    /// How many of `pending`, from the front, were sent on the present links.
    sent: usize,
    /// Their bytes on the wire.
    sent_bytes: usize,
    retry: Option<Retry>,
    probe: Option<Probe>,
    /// When the newest thing was sent that the host has answered.
    proven: Option<Mono>,
    /// Where what was typed went: from which entry on to which terminal. A line may be refused long after the host has
    /// acknowledged it.
    aims: VecDeque<(u64, PaneId)>,
}

/// Something sent to see whether the host is there.
#[derive(Clone, Copy, Debug)]
struct Probe {
    seq: u64,
    sent: Mono,
}

/// When to send again, unless the host confirms something before.
#[derive(Clone, Copy, Debug)]
struct Retry {
    at: Mono,
    wait_us: u64,
}

impl Typing {
    /// Takes the next entry to send, while the window has room.
    fn next_to_send(&mut self) -> Option<&WireEntry> {
        let next = self.pending.get(self.sent).filter(|_| self.sent_bytes < TYPED_WINDOW_BYTES)?;
        self.sent += 1;
        self.sent_bytes += next.entry.as_bytes().len();
        Some(&next.entry)
    }

    /// Starts again from the front.
    const fn rewind(&mut self) {
        (self.sent, self.sent_bytes) = (0, 0);
    }

    /// Forgets all below `next`; true if there was something.
    fn confirm(&mut self, next: u64) -> bool {
        let before = self.pending.len();
        while let Some(first) = self.pending.pop_front_if(|first| first.entry.seq < next) {
            if self.sent > 0 {
                self.sent -= 1;
                self.sent_bytes -= first.entry.as_bytes().len();
            }
        }
        self.pending.len() < before
    }

    /// Notes that the host has taken all below `next`.
    fn note_proof(&mut self, next: u64) {
        if let Some(probe) = self.probe.take_if(|probe| probe.seq < next) {
            self.proven = Some(probe.sent);
        }
    }

    /// Returns when the newest thing was sent that the host has answered.
    pub(super) const fn proven(&self) -> Option<Mono> {
        self.proven
    }

    /// Returns the key that is known to this member and the host alone.
    pub(super) fn kek(&self) -> Option<&Secret32> {
        self.to.as_ref().map(|(_, direct)| direct.kek())
    }

    /// Remembers which terminal an entry is about.
    fn note_aim(&mut self, seq: u64, pane: PaneId) {
        if self.aims.back().is_none_or(|(_, last)| *last != pane) {
            self.aims.push_back((seq, pane));
            self.aims.drain(..self.aims.len().saturating_sub(AIMS_MAX));
        }
    }

    /// Returns which terminal an entry was about, while it is remembered.
    fn aim_of(&self, seq: u64) -> Option<PaneId> {
        self.aims.iter().rev().find(|(first, _)| *first <= seq).map(|(_, pane)| *pane)
    }

    /// Returns the number of what was sent last.
    pub(super) fn newest_seq(&self) -> Option<u64> {
        self.pending.back().map(|pending| pending.entry.seq)
    }

    fn waiting_bytes(&self) -> usize {
        self.pending.iter().map(|pending| pending.bytes).sum()
    }
}

impl Peer {
    /// Types into a terminal of the host. What the host does not confirm is sent again on every new link; the host
    /// applies it once, in order.
    ///
    /// # Errors
    ///
    /// [`TypeError`]; nothing was taken.
    pub fn type_bytes(&mut self, pane: PaneId, bytes: &[u8]) -> Result<(), TypeError> {
        if !self.rights().contains(Rights::INPUT) && self.me.is_some() {
            return Err(TypeError::NoRight);
        }
        // What somebody types blindly before the door must not run once it opens.
        if self.ended.is_none() && !self.is_admitted() {
            return Err(TypeError::NotJoined);
        }
        let waiting = self.typing.waiting_bytes();
        if waiting + bytes.len() > TYPED_BYTES_MAX {
            return Err(TypeError::Full { waiting });
        }
        for piece in bytes.chunks(INPUT_BYTES_MAX) {
            self.send_direct(pane, &DirectUp::Input { pane, bytes: piece.to_vec() }, piece.len())?;
        }
        Ok(())
    }

    /// Tells the host how large this peer's window on a terminal is.
    ///
    /// # Errors
    ///
    /// [`TypeError`] before joining or after the end.
    pub fn tell_window_size(&mut self, pane: PaneId, size: Size) -> Result<(), TypeError> {
        self.send_direct(pane, &DirectUp::Size { pane, size }, 0)
    }

    /// Asks the host to drive a terminal, or gives it back.
    pub(super) fn send_wish(&mut self, pane: PaneId, wish: Wish) -> Result<(), TypeError> {
        if !self.rights().contains(Rights::INPUT) && self.me.is_some() {
            return Err(TypeError::NoRight);
        }
        self.send_direct(pane, &DirectUp::Drive { pane, wish }, 0)
    }

    /// Asks the host for a keyframe of a terminal.
    pub(super) fn request_keyframe(&mut self, pane: PaneId) {
        // Without a host there is nothing to show either; its first keyframe comes by itself.
        let _ = self.send_direct(pane, &DirectUp::Keyframe { pane }, 0);
    }

    /// Returns how many typed bytes the host has not confirmed yet.
    #[must_use]
    pub fn unconfirmed_bytes(&self) -> usize {
        self.typing.waiting_bytes()
    }

    /// Asks the host for the lines above a terminal's screen.
    pub(super) fn request_history(&mut self, pane: PaneId) {
        // Without a host there is nobody to ask, and nothing that it could be asked for.
        let _ = self.send_direct(pane, &DirectUp::History { pane }, 0);
    }

    pub(super) fn send_direct(&mut self, pane: PaneId, message: &DirectUp, bytes: usize) -> Result<(), TypeError> {
        if self.ended.is_some() {
            return Err(TypeError::Ended);
        }
        self.open_direct(pane)?;
        self.seal_direct(pane, message, bytes);
        Ok(())
    }

    /// Opens the channel to the present host, once per host.
    fn open_direct(&mut self, pane: PaneId) -> Result<(), TypeError> {
        let host = self.log.host_member().ok_or(TypeError::NotJoined)?;
        let (host, kem) = (host.author(), *host.kem_public());
        if self.typing.to.as_ref().is_some_and(|(to, _)| *to == host) {
            return Ok(());
        }
        let lost: usize = self.typing.pending.drain(..).map(|pending| pending.bytes).sum();
        if lost > 0 {
            self.events.push_back(Event::InputLost { bytes: lost });
        }
        let me = self.me().ok_or(TypeError::NotJoined)?;
        let seed = self.draw();
        let direct = DirectGuest::new(self.session, me, host, &kem, *seed.expose()).map_err(|_| TypeError::HostKey)?;
        self.typing.rewind();
        self.typing.aims.clear();
        self.typing.to = Some((host, direct));
        (self.typing.probe, self.typing.proven) = (None, None);
        self.seal_direct(pane, &DirectUp::Nothing, 0);
        Ok(())
    }

    fn seal_direct(&mut self, pane: PaneId, message: &DirectUp, bytes: usize) {
        let Some((_, direct)) = &mut self.typing.to else { return };
        let entry = direct.seal(message.kind(), &self.keys, &message.encode());
        self.typing.note_aim(entry.seq, pane);
        self.typing.pending.push_back(Pending { entry, bytes });
        self.send_typed();
    }

    /// Sends what waits, as far as the window allows.
    fn send_typed(&mut self) {
        if !self.has_ready_link() {
            return;
        }
        while let Some(entry) = self.typing.next_to_send() {
            let frame = Frame::Entry(entry.as_bytes().clone());
            self.links.values_mut().filter(|link| link.is_ready()).for_each(|link| link.send(&frame));
        }
    }

    /// Sends all that the host has not confirmed once more: there is a new link, or the host is back.
    pub(super) fn send_typed_again(&mut self) {
        self.typing.rewind();
        self.typing.retry = None;
        self.send_typed();
    }

    /// Tells whether the host has answered lately. A relay can show the past of a host to a newcomer, signatures and
    /// all; it cannot answer in its place.
    pub(super) fn is_host_proven(&self, now: Now) -> bool {
        self.typing.proven.is_some_and(|at| now.mono.since_us(at) < PROBE_US + SILENCE_US_MAX)
    }

    pub(super) fn poll_probe(&self) -> Option<Mono> {
        self.may_probe().then(|| self.typing.proven.map_or(Mono(0), |at| at.after_us(PROBE_US)))
    }

    /// Tells whether the host can be asked for a sign of life, and owes none.
    pub(super) fn may_probe(&self) -> bool {
        let asks = self.hosting.is_none() && self.typing.probe.is_none() && self.has_ready_link();
        asks && self.log.host().is_some() && self.rights().contains(Rights::READ)
    }

    pub(super) fn probe_if_due(&mut self, now: Now) {
        if self.poll_probe().is_some_and(|due| due <= now.mono) {
            self.probe(now);
        }
    }

    /// Asks the host for a sign of life, unless it owes one.
    pub(super) fn probe(&mut self, now: Now) {
        if self.typing.probe.is_some() || self.hosting.is_some() || !self.rights().contains(Rights::READ) {
            return;
        }
        // Without a host there is nobody to ask.
        if self.send_direct(PaneId(0), &DirectUp::Probe, 0).is_ok()
            && let Some(last) = self.typing.pending.back()
        {
            self.typing.probe = Some(Probe { seq: last.entry.seq, sent: now.mono });
        }
    }

    pub(super) fn poll_typed(&self) -> Option<Mono> {
        let is_waiting = !self.typing.pending.is_empty() && self.has_ready_link();
        is_waiting.then(|| self.typing.retry.map_or(Mono(0), |retry| retry.at))
    }

    pub(super) fn retry_typed_if_due(&mut self, now: Now) {
        if self.poll_typed().is_none_or(|due| due > now.mono) {
            return;
        }
        let before = self.typing.retry;
        if before.is_some() {
            self.send_typed_again();
        }
        let wait_us = before.map_or(TYPED_RETRY_US_MIN, |retry| (retry.wait_us * 2).min(TYPED_RETRY_US_MAX));
        self.typing.retry = Some(Retry { at: now.mono.after_us(wait_us), wait_us });
    }

    /// Takes the host's answer on the direct channel.
    pub(super) fn handle_answer(&mut self, link: LinkId, entry: &WireEntry, host: &VerifiedMember) {
        let Some((to, direct)) = &mut self.typing.to else { return };
        if *to != host.author() {
            return;
        }
        // The same answer comes by every way: an old one vouches for its way, too.
        let awaits_host = self.links.get(&link).is_some_and(|state| state.awaits_host);
        if awaits_host && direct.is_answer(entry, host.verify_key()) {
            self.note_vouched(link);
        }
        let Some((_, direct)) = &mut self.typing.to else { return };
        let Ok(plaintext) = direct.open(entry, host.verify_key()) else { return };
        match DirectDown::decode(&plaintext) {
            Ok(DirectDown::Ack { next }) => {
                self.typing.note_proof(next);
                if self.typing.confirm(next) {
                    self.typing.retry = None;
                    self.send_typed();
                }
            }
            Ok(DirectDown::Refused { reason: Refusal::NotLetIn, .. }) => self.handle_turned_away(),
            Ok(DirectDown::Refused { reason, seq }) => {
                let pane = self.typing.aim_of(seq);
                self.events.extend(pane.map(|pane| Event::InputRefused(pane, reason)));
            }
            // Who waits to be let in knows that from the log.
            Ok(DirectDown::Waiting { what: Waits::Admission, .. }) => {}
            Ok(DirectDown::Waiting { what, pane }) => self.events.push_back(Event::InputWaits(pane, what)),
            Ok(DirectDown::Answered { seq, outcome }) => self.events.push_back(Event::Answered(seq, outcome)),
            Ok(DirectDown::Desk(desk)) => self.events.push_back(Event::Desk(desk)),
            Ok(DirectDown::History(part)) => self.handle_history(&part),
            Err(_) => {}
        }
    }
}
