//! Entries from a link: who may have written them, whether they did, and where they go. PROTOCOL.md 11.

use super::link::LinkId;
use super::{Alarm, Event, Peer};
use crate::proto::authlog::LaneEnd;
use crate::proto::doc::{Presence, change_seq};
use crate::proto::id::{Channel, Class, LaneId};
use crate::proto::member::VerifiedMember;
use crate::proto::seal::{EntryError, LaneReader, unpad_durable};
use crate::proto::share::Rights;
use crate::proto::time::{Mono, Now};
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
        let Ok(entry) = WireEntry::decode(raw.clone()) else { return self.close_link(link, CloseCode::Protocol) };
        if self.lacks_key(&entry) {
            return self.hold(link, raw, now.mono);
        }
        self.settle_lanes(now);
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
        self.note_unknown_epoch(&entry, &member, now.mono);
        match entry.lane.channel.class() {
            Class::Durable => self.handle_durable(link, &entry, &member, now),
            Class::Latest => self.handle_latest(link, &entry, &member, now),
            Class::Direct if entry.lane.channel == Channel::TO_HOST => self.handle_typed(link, &entry, &member, now),
            Class::Direct => self.handle_answer(link, &entry, &member),
            Class::Live => self.handle_live(&entry, &member),
        }
    }

    /// Returns the reader of a lane, if the lane's epoch can be read at all. One of a durable lane stands where the
    /// replica ends.
    pub(super) fn reader(&mut self, lane: LaneId, member: &VerifiedMember) -> Option<&mut LaneReader> {
        let secret = self.epochs.get(lane.epoch)?;
        let next = self.replica.next_seq(&lane);
        let prev = self.replica.digest_before(&lane, next)?;
        let new = || LaneReader::resume(self.session, lane, member.verify_key().clone(), secret, next, prev);
        Some(self.readers.entry(lane).or_insert_with(new))
    }

    fn handle_durable(&mut self, link: LinkId, entry: &WireEntry, member: &VerifiedMember, now: Now) {
        let lane = entry.lane;
        if self.links.get(&link).is_none_or(|state| state.forked.contains(&lane)) {
            return;
        }
        if lane.channel.is_checkpoint() {
            return self.handle_segment(link, entry, member, now);
        }
        let end = self.log.end_of(&lane, member);
        let is_past = self.lanes.past(lane.channel).is_some_and(|past| lane.epoch < past.covered);
        if is_past || !end.takes(entry.seq) || self.proofs.silence(&lane, end) {
            return self.note_has(link, lane, entry.seq);
        }
        let Some(reader) = self.reader(lane, member) else { return };
        let plaintext = match reader.open(entry) {
            Ok(plaintext) => Some(plaintext),
            // Signed nonsense: the lane goes on, but the document never sees this entry.
            Err(EntryError::Seal { .. }) => None,
            Err(EntryError::Duplicate { .. }) => {
                self.note_has(link, lane, entry.seq);
                return self.look_for_proof(entry, member);
            }
            Err(EntryError::Signature { seq: 1.. }) => return self.note_fork(link, lane),
            Err(EntryError::Signature { .. }) => return self.accuse_of_forgery(link, &lane),
            // What lies between was passed over because of a proof, or dropped when the lane's end came.
            Err(EntryError::Gap { .. }) if end != LaneEnd::Open || self.proofs.is_known(&lane.author) => return,
            Err(_) => return self.close_link(link, CloseCode::Protocol),
        };
        let (_, digest) = reader.position();
        self.note_has(link, lane, entry.seq);
        self.note_past_taken(&lane, now.mono);
        self.take_payload(entry, plaintext.as_deref(), now.mono);
        self.replica.append(entry.detached(), digest);
        if end == (LaneEnd::At { next: entry.seq + 1, digest: Some(digest) }) || end.takes(entry.seq + 1) {
            self.note_taken(&lane, entry.seq, entry.as_bytes().len(), now.mono);
        } else {
            // It has led to another end than the owner's: it is the other of two histories.
            self.lanes.note_ends();
        }
        self.note_grown(&lane, entry.as_bytes().len());
    }

    /// Hands the content of an entry to its document if it is what comes next there.
    pub(super) fn take_payload(&mut self, entry: &WireEntry, plaintext: Option<&[u8]>, now: Mono) {
        let lane = entry.lane;
        if lane.epoch < self.since(lane.channel) || self.is_before(lane.channel, lane.epoch) {
            // It is in the base, or taken from the replica once there is one for it.
            return;
        }
        let payload = plaintext.and_then(|plaintext| unpad_durable(plaintext).ok());
        // Each entry has one change, and the cuts count them: so who holds the same entries has the same changes.
        let number = self.base_of(lane.channel, lane.author, lane.epoch).saturating_add(entry.seq + 1);
        let payload = payload.filter(|payload| change_seq(payload) == Some(number));
        match (payload, &mut self.documents) {
            (Some(payload), Some(documents)) => {
                documents.handle_payload(lane.channel, lane.author, Bytes::copy_from_slice(payload), now);
            }
            _ => self.tell_muted(lane.author),
        }
    }

    fn note_has(&mut self, link: LinkId, lane: LaneId, seq: u64) {
        // Of epochs that are unknown nothing is sent there either, and anybody can make entries of them.
        let is_known = self.log.commit(lane.epoch).is_some();
        if let Some(state) = self.links.get_mut(&link).filter(|_| is_known) {
            state.feed.handle_has(lane, seq.saturating_add(1));
        }
    }

    /// Leaves a lane alone on a link whose other side has another history of it. Its author may have given each side
    /// one, so the link is not at fault. The first entry of a lane names no other: there it would be.
    fn note_fork(&mut self, link: LinkId, lane: LaneId) {
        self.events.push_back(Event::Alarm(Alarm::Forked(lane.author)));
        if let Some(state) = self.links.get_mut(&link) {
            state.forked.insert(lane);
            state.feed.handle_has(lane, u64::MAX);
        }
    }

    fn accuse_of_forgery(&mut self, link: LinkId, lane: &LaneId) {
        self.events.push_back(Event::Alarm(Alarm::Forged(lane.author)));
        self.close_link(link, CloseCode::Protocol);
    }

    fn handle_latest(&mut self, link: LinkId, entry: &WireEntry, member: &VerifiedMember, now: Now) {
        if member.live_at(now.wall).is_err() || self.log.admits(member).is_err() {
            return;
        }
        let Some(reader) = self.reader(entry.lane, member) else { return };
        // A relay does not check what members bring of themselves, so nobody can tell who spoilt it: whoever left the
        // relay for it would be driven out by any member. The next one replaces it anyway.
        let Ok(plaintext) = reader.open(entry) else { return };
        match Presence::decode(entry.lane.author, &plaintext) {
            Ok(presence) => self.handle_presence(link, entry, presence, now),
            Err(_) => self.tell_muted(entry.lane.author),
        }
    }
}
