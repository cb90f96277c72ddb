//! This peer's own presence, and taking in that of others. PROTOCOL.md 13.

use super::link::LinkId;
use super::links::introduce;
use super::roster::Heard;
use super::{Event, Peer};
use crate::proto::doc::{CursorAt, Presence};
use crate::proto::id::{AuthorId, Channel, PaneId};
use crate::proto::limits::HEARTBEAT_US;
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{Frame, Whereabouts, WireEntry};

/// Shortest interval between two updates, in microseconds: 15 a second.
const UPDATE_US_MIN: u64 = 66_000;
/// What each member adds to that interval, in microseconds: 200 updates a second over all.
const UPDATE_US_PER_MEMBER: u64 = 5_000;

/// What this peer shows of itself, and when it did last.
#[derive(Debug, Default)]
pub(super) struct OwnPresence {
    now: Presence,
    is_dirty: bool,
    /// When to say something at the latest, before the next heartbeat.
    soon: Option<Mono>,
    sent: Option<Mono>,
}

impl OwnPresence {
    /// Makes the next update due as soon as the rate allows.
    pub(super) fn make_due(&mut self) {
        self.is_dirty = true;
    }

    /// Returns when something was said last.
    pub(super) const fn sent(&self) -> Option<Mono> {
        self.sent
    }

    /// Makes the next update due at `at`, unless one is sooner.
    pub(super) fn expect_by(&mut self, at: Mono) {
        self.soon = Some(self.soon.map_or(at, |sooner| sooner.min(at)));
    }
}

impl Peer {
    /// Returns what this peer shows of itself.
    #[must_use]
    pub const fn presence(&self) -> &Presence {
        &self.presence.now
    }

    /// Changes what this peer shows of itself. Equal values cost nothing; bursts are thinned out.
    pub fn present(&mut self, change: impl FnOnce(&mut Presence)) {
        let before = self.presence.now.clone();
        change(&mut self.presence.now);
        self.presence.is_dirty |= before != self.presence.now;
    }

    /// Moves or hides this peer's cursor.
    pub fn point_at(&mut self, cursor: Option<CursorAt>) {
        self.present(|presence| presence.cursor = cursor);
    }

    /// Says which terminal this peer looks at.
    pub fn focus(&mut self, pane: Option<PaneId>) {
        self.present(|presence| presence.focus = pane);
    }

    pub(super) fn poll_presence(&self) -> Option<Mono> {
        let may_send = self.has_ready_link() && self.may_seal();
        may_send.then(|| match self.presence.sent {
            None => Mono(0),
            Some(sent) if self.presence.is_dirty => sent.after_us(self.update_us()),
            Some(sent) => {
                let beat = sent.after_us(HEARTBEAT_US);
                let soon = self.presence.soon.map(|soon| soon.max(sent.after_us(self.update_us())));
                soon.map_or(beat, |soon| soon.min(beat))
            }
        })
    }

    /// Tells whether this peer may say things of itself, and can.
    fn may_seal(&self) -> bool {
        self.newest_secret().is_some() && self.is_admitted()
    }

    fn update_us(&self) -> u64 {
        UPDATE_US_MIN.max(UPDATE_US_PER_MEMBER * self.roster.here_count() as u64)
    }

    pub(super) fn send_presence_if_due(&mut self, now: Now) {
        if self.poll_presence().is_some_and(|due| due <= now.mono) {
            self.send_presence(now);
        }
    }

    fn send_presence(&mut self, now: Now) {
        let Some(author) = self.me() else { return };
        if self.hosting.is_some() {
            self.presence.now.log_head = Some((self.log.next_seq(), self.log.head()));
        }
        self.presence.now.holdings = self.holdings(now.mono);
        let plaintext = self.presence.now.encode(author);
        let Some((writer, keys)) = self.writer(Channel::PRESENCE) else { return };
        let entry = writer.seal(1, keys, &plaintext);
        self.presence.sent = Some(now.mono);
        self.presence.soon = None;
        self.presence.is_dirty = false;
        let presence = Presence { holdings: None, ..self.presence.now.clone() };
        let heard = self.roster.hear(author, (entry.lane.epoch, entry.seq), presence, now.mono);
        self.tell_heard(author, heard);
        self.send_latest(None, &entry);
    }

    /// Queues a presence entry on every link but the one it came from.
    fn send_latest(&mut self, from: Option<LinkId>, entry: &WireEntry) {
        let frame = Frame::Entry(entry.as_bytes().clone()).encode();
        let author = entry.lane.author;
        let others = self.links.iter_mut().filter(|(id, link)| Some(**id) != from && link.is_ready());
        for (_, link) in others {
            if let Some(introduction) = introduce(&mut link.introduced, &self.roster, &author) {
                link.outbox.push_urgent(introduction);
            }
            link.outbox.push_latest(author, frame.clone());
        }
    }

    /// Takes another member's presence; `at` was checked to be newer than what came before on this lane.
    pub(super) fn handle_presence(&mut self, from: LinkId, entry: &WireEntry, presence: Presence, now: Now) {
        let author = entry.lane.author;
        if self.log.host() == Some(author) {
            self.viewing.handle_host_heard(now.mono);
            if let Some(head) = presence.log_head {
                self.compare_log(head, now.mono);
            }
        }
        let holdings = presence.holdings.filter(|_| !presence.leaving);
        // What it holds says nothing to people.
        let presence = Presence { holdings: None, ..presence };
        let heard = self.roster.hear(author, (entry.lane.epoch, entry.seq), presence, now.mono);
        if heard != Heard::Stale {
            self.note_holdings(author, holdings, now.mono);
        }
        self.tell_heard(author, heard);
        if self.hosting.is_some() && heard != Heard::Stale {
            self.send_latest(Some(from), entry);
        }
    }

    fn tell_heard(&mut self, author: AuthorId, heard: Heard) {
        let event = match heard {
            Heard::Joined => Event::Joined(author),
            Heard::Changed => Event::Presence(author),
            Heard::Left => Event::Left(author),
            Heard::Same | Heard::Stale => return,
        };
        if heard == Heard::Joined && Some(author) != self.me() {
            // A newcomer should not have to wait a heartbeat to see who is here.
            self.presence.make_due();
        }
        self.events.push_back(event);
    }

    pub(super) fn handle_whereabouts(&mut self, author: &AuthorId, whereabouts: Whereabouts, now: Now) {
        match whereabouts {
            Whereabouts::Gone => {
                self.roster.handle_gone(author, now.mono);
                self.note_gone(author);
            }
            // What was typed while the host was away went nowhere.
            Whereabouts::Here if self.log.host() == Some(*author) => self.send_typed_again(),
            Whereabouts::Here => {}
        }
    }

    pub(super) fn say_goodbye(&mut self, now: Now) {
        self.presence.now.leaving = true;
        if self.is_linked() {
            self.send_presence(now);
        }
    }
}
