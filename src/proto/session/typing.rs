//! Typing into the host's terminals: sealed to the host alone, kept until it says that it was applied. PROTOCOL.md 15.

use super::{Event, Peer};
use crate::proto::id::{AuthorId, PaneId};
use crate::proto::limits::INPUT_BYTES_MAX;
use crate::proto::member::VerifiedMember;
use crate::proto::seal::DirectGuest;
use crate::proto::share::Rights;
use crate::proto::terminal::{DirectDown, DirectUp, Size};
use crate::proto::wire::{Frame, WireEntry};
use std::collections::VecDeque;

/// Typed bytes that may wait for the host to take them: a paste of a mebibyte, as SECURITY.md has it.
pub const PENDING_BYTES_MAX: usize = 1_048_576;

/// Why something could not be typed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The link is for looking only; the owner has to give another.
    #[error("this link is for viewing: it cannot type")]
    NoRight,
    /// The host is not known yet; the caller waits for the first link.
    #[error("not joined yet")]
    NotJoined,
    /// Too much waits already; the caller waits until the host is reachable.
    #[error("{waiting} bytes typed are still waiting for the host, the limit is {PENDING_BYTES_MAX}")]
    Full {
        /// How many bytes wait.
        waiting: usize,
    },
    /// The host's key is none; its owner has to start anew.
    #[error("the host's key is unusable")]
    HostKey,
    /// The session is over.
    #[error("the session is over")]
    Ended,
}

/// One thing sent that the host has not acknowledged.
#[derive(Debug)]
struct Pending {
    entry: WireEntry,
    pane: PaneId,
    bytes: usize,
}

/// This peer's side of the direct channel.
#[derive(Debug, Default)]
pub(super) struct Typing {
    to: Option<(AuthorId, DirectGuest)>,
    pending: VecDeque<Pending>,
}

impl Typing {
    /// Returns what to send again on a new link, in order.
    pub(super) fn unacknowledged(&self) -> impl Iterator<Item = &WireEntry> {
        self.pending.iter().map(|pending| &pending.entry)
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
        let waiting = self.typing.waiting_bytes();
        if waiting + bytes.len() > PENDING_BYTES_MAX {
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

    /// Returns how many typed bytes the host has not confirmed yet.
    #[must_use]
    pub fn unconfirmed_bytes(&self) -> usize {
        self.typing.waiting_bytes()
    }

    fn send_direct(&mut self, pane: PaneId, message: &DirectUp, bytes: usize) -> Result<(), TypeError> {
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
        let direct = DirectGuest::new(self.session, me, host, &kem, seed).map_err(|_| TypeError::HostKey)?;
        self.typing.to = Some((host, direct));
        self.seal_direct(pane, &DirectUp::Nothing, 0);
        Ok(())
    }

    fn seal_direct(&mut self, pane: PaneId, message: &DirectUp, bytes: usize) {
        let Some((_, direct)) = &mut self.typing.to else { return };
        let entry = direct.seal(message.kind(), &self.keys, &message.encode());
        let frame = Frame::Entry(entry.as_bytes().clone());
        self.typing.pending.push_back(Pending { entry, pane, bytes });
        self.links.values_mut().filter(|link| link.is_ready()).for_each(|link| link.send(&frame));
    }

    /// Takes the host's answer on the direct channel.
    pub(super) fn handle_answer(&mut self, entry: &WireEntry, host: &VerifiedMember) {
        let Some((to, direct)) = &mut self.typing.to else { return };
        if *to != host.author() {
            return;
        }
        let Ok(plaintext) = direct.open(entry, host.verify_key()) else { return };
        match DirectDown::decode(&plaintext) {
            Ok(DirectDown::Ack { next }) => {
                while self.typing.pending.front().is_some_and(|pending| pending.entry.seq < next) {
                    self.typing.pending.pop_front();
                }
            }
            Ok(DirectDown::Refused { reason, seq }) => {
                let refused = self.typing.pending.iter().find(|pending| pending.entry.seq == seq);
                self.events.extend(refused.map(|pending| Event::InputRefused(pending.pane, reason)));
            }
            Err(_) => {}
        }
    }
}
