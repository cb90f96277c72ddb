//! What members seal to the host: taken once and in order, checked, answered. PROTOCOL.md 15.
//!
//! Always: input of whom the log does not admit, whose time is over or whose link does not allow typing goes no
//! further than here, whatever a relay does.

use crate::proto::audit::{Note, Receipt};
use crate::proto::id::{AuthorId, Channel, PaneId};
use crate::proto::key::Secret32;
use crate::proto::limits::{AUTHORS_MAX, TYPED_UNREAD_BYTES_MAX};
use crate::proto::member::{ChainError, VerifiedMember};
use crate::proto::seal::{DirectHost, EntryError};
use crate::proto::session::{Event, LinkId, Peer};
use crate::proto::share::Rights;
use crate::proto::terminal::{DirectDown, DirectUp, Refusal};
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{Frame, WireEntry};

/// How long acknowledgements wait for company, in microseconds: they only stop a guest from sending again.
const ACK_US: u64 = 50_000;

/// Kind of an entry that types. PROTOCOL.md 15.
const INPUT_KIND: u8 = 3;

/// A member's direct channel, as the host keeps it.
pub(super) struct Guest {
    direct: DirectHost,
    pub(super) may_type: bool,
    next: u64,
    owes_ack: bool,
}

impl Guest {
    /// Returns the key that is known to the member and this host alone.
    pub(super) const fn kek(&self) -> &Secret32 {
        self.direct.kek()
    }
}

impl Peer {
    /// Takes an entry that a member sealed to this host.
    pub(in crate::proto::session) fn handle_typed(
        &mut self,
        link: LinkId,
        entry: &WireEntry,
        member: &VerifiedMember,
        now: Now,
    ) {
        let author = member.author();
        let verdict = self.log.admits(member);
        // Who waits to be let in may say that it is there, and nothing else.
        let is_waiting = matches!(verdict, Err(ChainError::NotLetIn { .. })) && entry.kind != INPUT_KIND;
        let is_heard = member.live_at(now.wall).is_ok() && (verdict.is_ok() || is_waiting);
        let Some(hosting) = self.hosting.as_mut().filter(|_| is_heard) else { return };
        if entry.kind == INPUT_KIND && hosting.input_bytes >= TYPED_UNREAD_BYTES_MAX {
            // Not taken, so not acknowledged: the guest sends it again.
            return;
        }
        let opened = match hosting.guests.get_mut(&author) {
            Some(guest) => guest.direct.open(entry),
            None => {
                let Some(me) = &self.me else { return };
                if hosting.guests.len() >= AUTHORS_MAX {
                    return;
                }
                DirectHost::accept(self.session, &self.keys, me.author(), member, entry).map(|(direct, plaintext)| {
                    let may_type = member.rights().contains(Rights::INPUT);
                    hosting.guests.insert(author, Guest { direct, may_type, next: 0, owes_ack: false });
                    plaintext
                })
            }
        };
        let Some(guest) = hosting.guests.get_mut(&author) else { return };
        match &opened {
            Ok(_) => guest.next = entry.seq + 1,
            // Sent again because our acknowledgement was lost: acknowledge again.
            Err(EntryError::Duplicate { .. }) => {}
            Err(_) => return,
        }
        guest.owes_ack = true;
        // Whoever does not type waits for the answer itself.
        let due = if entry.kind == INPUT_KIND { now.mono.after_us(ACK_US) } else { now.mono };
        hosting.ack_at = Some(hosting.ack_at.map_or(due, |at| at.min(due)));
        self.note_direct(member, now);
        if is_waiting {
            return;
        }
        match opened.ok().and_then(|plaintext| DirectUp::decode(entry.kind, &plaintext).ok()) {
            Some(DirectUp::History { pane }) => self.handle_history_ask(link, member, pane),
            Some(message) => self.handle_direct(entry, member, message, now),
            None => {}
        }
    }

    fn handle_direct(&mut self, entry: &WireEntry, member: &VerifiedMember, message: DirectUp, now: Now) {
        let (author, seq) = (member.author(), entry.seq);
        let may_type = member.rights().contains(Rights::INPUT);
        match message {
            DirectUp::Nothing | DirectUp::Probe | DirectUp::History { .. } => {}
            DirectUp::Input { .. } | DirectUp::Drive { .. } if !may_type => {
                self.refuse_input(author, Refusal::NoRight, seq);
            }
            DirectUp::Input { pane, .. } | DirectUp::Drive { pane, .. } if self.pane_mut(pane).is_err() => {
                let is_known = self.screen(pane).is_some();
                self.refuse_input(author, if is_known { Refusal::PaneEnded } else { Refusal::NoPane }, seq);
            }
            DirectUp::Input { pane, bytes } => self.handle_input(pane, bytes, Receipt::of(&self.session, entry), now),
            DirectUp::Drive { pane, wish } => self.handle_wish(pane, author, wish, seq, now),
            DirectUp::Command(command) => self.handle_command(member, command, seq, now),
            DirectUp::Size { pane, size } => self.events.push_back(Event::WindowSize(pane, author, size)),
            DirectUp::Keyframe { pane } => {
                Channel::terminal(pane).into_iter().for_each(|channel| self.want_keyframe(channel));
            }
        }
    }

    /// Hands a program what a member typed, and notes that it did.
    pub(in crate::proto::session) fn take_input(&mut self, id: PaneId, bytes: Vec<u8>, receipt: Receipt, now: Now) {
        let Ok(pane) = self.pane_mut(id) else { return };
        pane.encoder.note_input();
        // Who typed waits for the echo: it goes out at once, whatever was flushed before.
        pane.flushed = None;
        let Some(hosting) = self.hosting.as_mut() else { return };
        hosting.input_bytes += bytes.len();
        let author = receipt.author();
        let ended = hosting.bursts.add(id, bytes.len(), receipt, now);
        self.events.push_back(Event::Input(id, author, bytes));
        ended.into_iter().for_each(|drove| self.note(&Note::Drove(drove), now.wall));
    }

    /// Notes that a program has read so many typed bytes: as many more may come.
    pub fn handle_input_read(&mut self, bytes: usize) {
        if let Some(hosting) = self.hosting.as_mut() {
            hosting.input_bytes = hosting.input_bytes.saturating_sub(bytes);
        }
    }

    pub(in crate::proto::session) fn refuse_input(&mut self, author: AuthorId, reason: Refusal, seq: u64) {
        self.answer(author, &DirectDown::Refused { reason, seq });
    }

    pub(in crate::proto::session) fn answer(&mut self, author: AuthorId, message: &DirectDown) {
        self.answer_by(author, message, None);
    }

    /// Answers on one link, or on all.
    pub(super) fn answer_by(&mut self, author: AuthorId, message: &DirectDown, by: Option<LinkId>) {
        let Some(me) = self.me.as_ref().map(VerifiedMember::author) else { return };
        let Some(hosting) = self.hosting.as_mut() else { return };
        let Some(guest) = hosting.guests.get_mut(&author) else { return };
        let entry = guest.direct.seal(hosting.answers, me, &self.keys, &message.encode());
        hosting.answers += 1;
        let frame = Frame::Entry(entry.as_bytes().clone());
        let links = self.links.iter_mut().filter(|(id, link)| link.is_ready() && by.is_none_or(|by| by == **id));
        links.for_each(|(_, link)| link.send(&frame));
    }

    pub(in crate::proto::session) fn poll_acks(&self) -> Option<Mono> {
        self.hosting.as_ref()?.ack_at
    }

    pub(in crate::proto::session) fn flush_acks_if_due(&mut self, now: Now) {
        if self.poll_acks().is_some_and(|due| due <= now.mono) {
            self.flush_acks();
        }
    }

    pub(in crate::proto::session) fn flush_acks(&mut self) {
        let Some(hosting) = self.hosting.as_mut() else { return };
        hosting.ack_at = None;
        let owed = hosting.guests.iter_mut().filter(|(_, guest)| guest.owes_ack);
        let owed: Vec<_> = owed
            .map(|(author, guest)| {
                guest.owes_ack = false;
                (*author, guest.next)
            })
            .collect();
        for (author, next) in owed {
            self.answer(author, &DirectDown::Ack { next });
        }
    }
}
