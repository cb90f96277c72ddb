//! Entries from a link: who may have written them, whether they did, and where they go. PROTOCOL.md 11.

use super::link::LinkId;
use super::{Alarm, Event, Peer};
use crate::proto::doc::presence::Presence;
use crate::proto::id::{Channel, Class, LaneId};
use crate::proto::lane::verify::LaneVerifier;
use crate::proto::member::VerifiedMember;
use crate::proto::seal::{EntryError, open_entry, unpad_durable};
use crate::proto::share::Rights;
use crate::proto::time::Now;
use crate::proto::wire::{CloseCode, WireEntry};
use bytes::Bytes;

/// The right that a channel asks of who writes to it; `None` where only the host may.
pub(super) const fn right_to_write(channel: Channel) -> Option<Rights> {
    match channel {
        Channel::STATE => Some(Rights::CONTROL),
        Channel::CHAT => Some(Rights::CHAT),
        Channel::PRESENCE => Some(Rights::PRESENCE),
        Channel::TO_HOST => Some(Rights::READ),
        _ => None,
    }
}

impl Peer {
    pub(super) fn handle_entry(&mut self, link: LinkId, raw: Bytes, now: Now) {
        let Ok(entry) = WireEntry::decode(raw) else { return self.close_link(link, CloseCode::Protocol) };
        // Somebody whose chain does not hold, or whose share was never issued: not a member, so not heard.
        let Some(member) = self.roster.member(&entry.lane.author) else { return };
        let may_write = match right_to_write(entry.lane.channel) {
            Some(right) => member.rights().contains(right),
            None => self.log.host() == Some(member.author()),
        };
        if !may_write || self.me() == Some(member.author()) {
            return;
        }
        let member = member.clone();
        match entry.lane.channel.class() {
            Class::Durable => self.handle_durable(link, entry, &member, now),
            Class::Latest => self.handle_latest(link, &entry, &member, now),
            Class::Direct if entry.lane.channel == Channel::TO_HOST => self.handle_typed(&entry, &member, now),
            Class::Direct => self.handle_answer(&entry, &member),
            Class::Live => self.handle_live(&entry, &member, now),
        }
    }

    /// Returns the checker of a lane.
    pub(super) fn verifier(&mut self, lane: LaneId, member: &VerifiedMember) -> &mut LaneVerifier {
        let new = || LaneVerifier::new(self.session, lane, member.verify_key().clone());
        self.verifiers.entry(lane).or_insert_with(new)
    }

    fn handle_durable(&mut self, link: LinkId, entry: WireEntry, member: &VerifiedMember, now: Now) {
        let lane = entry.lane;
        let verifier = self.verifier(lane, member);
        let (_, prev) = verifier.position();
        match verifier.check(&entry) {
            Ok(_) => {}
            Err(EntryError::Duplicate { .. }) => return self.note_has(link, lane, entry.seq),
            Err(EntryError::Signature) => return self.accuse_of_forgery(link, &lane),
            Err(_) => return self.close_link(link, CloseCode::Protocol),
        }
        self.note_has(link, lane, entry.seq);
        self.take_payload(&entry, &prev, now);
        self.replica.append(entry);
        self.links.values_mut().for_each(|other| other.feed.handle_growth(lane));
    }

    fn note_has(&mut self, link: LinkId, lane: LaneId, seq: u64) {
        if let Some(state) = self.links.get_mut(&link) {
            state.feed.handle_has(lane, seq.saturating_add(1));
        }
    }

    /// Opens a checked entry and hands its payload to the document. One that does not open is its author's fault:
    /// the entry is kept, since the lane goes on, but the document never sees it.
    fn take_payload(&mut self, entry: &WireEntry, prev: &[u8; 32], now: Now) {
        let Some(secret) = self.epochs.get(&entry.lane.epoch) else { return };
        let payload = open_entry(&self.session, entry, prev, secret)
            .and_then(|plaintext| unpad_durable(&plaintext).map(Bytes::copy_from_slice));
        match (payload, &mut self.documents) {
            (Ok(payload), Some(documents)) => {
                documents.handle_payload(entry.lane.channel, entry.lane.author, payload, now.mono);
            }
            (Err(_), _) => self.events.push_back(Event::Alarm(Alarm::Muted(entry.lane.author))),
            (Ok(_), None) => {}
        }
    }

    fn accuse_of_forgery(&mut self, link: LinkId, lane: &LaneId) {
        self.events.push_back(Event::Alarm(Alarm::Forged(lane.author)));
        self.close_link(link, CloseCode::Protocol);
    }

    fn handle_latest(&mut self, link: LinkId, entry: &WireEntry, member: &VerifiedMember, now: Now) {
        if member.live_at(now.wall).is_err() || self.log.is_closed(&member.share()) {
            return;
        }
        match self.verifier(entry.lane, member).check(entry) {
            Ok(_) => {}
            Err(EntryError::Signature) => return self.accuse_of_forgery(link, &entry.lane),
            Err(_) => return,
        }
        let Some(secret) = self.epochs.get(&entry.lane.epoch) else { return };
        let opened = open_entry(&self.session, entry, &[0; 32], secret);
        let presence = opened.ok().and_then(|plaintext| Presence::decode(entry.lane.author, &plaintext).ok());
        match presence {
            Some(presence) => self.handle_presence(link, entry, presence, now),
            None => self.events.push_back(Event::Alarm(Alarm::Muted(entry.lane.author))),
        }
    }
}
