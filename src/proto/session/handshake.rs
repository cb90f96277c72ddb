//! From HELLO to READY, and what the auth log says on the way. PROTOCOL.md 5, 6, 10.

use super::documents::Documents;
use super::link::{LinkId, Phase};
use super::{Alarm, Ending, Event, Peer};
use crate::proto::authlog::Record;
use crate::proto::epoch::{open_share_wrap, wrap_epoch, wrap_recipient};
use crate::proto::id::{Channel, LaneId};
use crate::proto::limits::{AUTHORS_MAX, HAVE_LANES_MAX};
use crate::proto::member::{Chain, MemberCert, VerifiedMember};
use crate::proto::time::{Mono, Now};
use crate::proto::verify::channel_binding;
use crate::proto::wire::{Auth, CloseCode, Frame, Have, Hello, Ready, Standing, Welcome};
use bytes::Bytes;

impl Peer {
    pub(super) fn hello(&self, nonce: [u8; 32]) -> Frame {
        Frame::Hello(Hello { nonce, session: self.session, share: self.secret.share_id() })
    }

    pub(super) fn handle_welcome(&mut self, link: LinkId, welcome: &Welcome, now: Now) {
        let refusal = match welcome.standing {
            Standing::Known => None,
            // The owner may create the session anew at a relay that lost it.
            Standing::SessionUnknown if self.owner.is_some() => None,
            Standing::SessionUnknown => Some(CloseCode::SessionUnknown),
            Standing::ShareUnknown => Some(CloseCode::ShareUnknown),
            Standing::Busy => Some(CloseCode::Busy),
            // The log that follows proves it; a bare claim would only be a relay's word.
            Standing::ShareClosed | Standing::Ended => None,
        };
        if let Some(code) = refusal {
            return self.close_link(link, code);
        }
        let Some(state) = self.links.get_mut(&link) else { return };
        state.phase = Phase::Catching { theirs: welcome.nonce, records: welcome.records, wraps: welcome.wraps };
        self.prove_when_caught_up(link, now);
    }

    pub(super) fn handle_log(&mut self, link: LinkId, raw: Bytes, now: Now) {
        if let Some(Phase::Catching { records, .. }) = self.phase_mut(link) {
            *records = records.saturating_sub(1);
        }
        if !self.log.holds(&raw) {
            match self.log.append(raw.clone()) {
                Ok(record) => {
                    self.handle_record(&record);
                    self.pass_on(link, &Frame::Log(raw));
                }
                Err(_) => {
                    self.events.push_back(Event::Alarm(Alarm::LogForked));
                    return self.close_link(link, CloseCode::Protocol);
                }
            }
        }
        self.prove_when_caught_up(link, now);
    }

    /// Draws the consequences of a new record.
    pub(super) fn handle_record(&mut self, record: &Record) {
        match record {
            Record::Close { share, .. } if *share == self.secret.share_id() => self.end(Ending::Revoked),
            Record::Close { .. } => self.see_off_revoked(),
            Record::End => self.end(Ending::ByOwner),
            _ => {}
        }
    }

    /// Takes members off the list who came by a share that is closed: they are heard no more.
    pub(super) fn see_off_revoked(&mut self) {
        let log = &self.log;
        for author in self.roster.dismiss(|member| log.admits(member).is_err()) {
            self.events.push_back(Event::Left(author));
        }
    }

    pub(super) fn handle_wrap(&mut self, link: LinkId, raw: &[u8], now: Now) {
        if let Some(Phase::Catching { wraps, .. }) = self.phase_mut(link) {
            *wraps = wraps.saturating_sub(1);
        }
        self.open_wrap(raw);
        self.prove_when_caught_up(link, now);
    }

    /// Opens a wrap that is for this peer's share; others, and forged ones, are nothing to it.
    fn open_wrap(&mut self, raw: &[u8]) {
        let is_mine = wrap_recipient(raw).as_ref() == Some(self.secret.share_id().as_bytes());
        let Some(epoch) = wrap_epoch(raw).filter(|_| is_mine) else { return };
        let Some(commit) = self.log.commit(epoch) else { return };
        if let Ok(secret) = open_share_wrap(raw, &self.secret, &commit) {
            self.epochs.insert(epoch, secret);
        }
    }

    fn phase_mut(&mut self, link: LinkId) -> Option<&mut Phase> {
        self.links.get_mut(&link).map(|state| &mut state.phase)
    }

    /// Sends AUTH once all that WELCOME announced has come.
    fn prove_when_caught_up(&mut self, link: LinkId, now: Now) {
        let Some(state) = self.links.get(&link) else { return };
        let Phase::Catching { theirs, records: 0, wraps: 0 } = state.phase else { return };
        let exporter = state.exporter.as_ref().map_or(&[][..], <[u8; 32]>::as_slice);
        let binding = channel_binding(exporter, &state.nonce, &theirs);
        if self.ended.is_some() {
            return;
        }
        let chain = match self.certify(now) {
            Ok(me) => me.chain().clone(),
            Err(code) => return self.close_link(link, code),
        };
        let signature = self.keys.sign(&chain.member.auth_digest(&binding));
        let auth = Auth { chain: chain.encode(), signature };
        if let Some(state) = self.links.get_mut(&link) {
            state.introduced.insert(chain.member.author());
            state.send(&Frame::Auth(auth));
            state.phase = Phase::Proving;
        }
    }

    /// Makes this peer a member, once per life: with the share's key it certifies its own.
    fn certify(&mut self, now: Now) -> Result<&VerifiedMember, CloseCode> {
        if self.me.is_none() {
            let share = self.log.share(&self.secret.share_id()).ok_or(CloseCode::ShareUnknown)?.clone();
            if share.expires <= now.wall {
                self.end(Ending::Expired);
                return Err(CloseCode::Expired);
            }
            let epoch = self.log.epoch().ok_or(CloseCode::Protocol)?;
            if !self.epochs.contains_key(&epoch) {
                return Err(CloseCode::Protocol);
            }
            let member = MemberCert::issue(&self.secret, &self.keys, share.rights, share.not_before, share.expires);
            let chain = Chain { member, shares: vec![share] };
            let me = chain.verify(&self.session).map_err(|_| CloseCode::ShareUnknown)?;
            self.log.admits(&me).map_err(|_| CloseCode::ShareUnknown)?;
            self.become_member(me);
        }
        self.me.as_ref().ok_or(CloseCode::Protocol)
    }

    pub(super) fn become_member(&mut self, me: VerifiedMember) {
        self.documents = Some(Documents::new(me.author()));
        self.roster.introduce(me.clone(), Mono(0));
        self.me = Some(me);
    }

    pub(super) fn handle_ready(&mut self, link: LinkId, ready: Ready, now: Now) {
        let owner_frames = self.owner.as_ref().map(|owner| owner.uploads(&self.log, ready.log_next));
        let Some(state) = self.links.get_mut(&link) else { return };
        state.phase = Phase::Ready;
        owner_frames.iter().flatten().for_each(|frame| state.send(frame));
        for channel in Channel::DURABLE {
            for part in Have::parts(channel, &self.replica.have(channel)) {
                state.send(&Frame::Have(part));
            }
        }
        for channel in self.viewing.channels() {
            state.send(&Frame::Watch(channel));
        }
        self.send_typed_again();
        if self.links.get(&link).is_some_and(|state| state.awaits_host) {
            // What waits for an answer was just sent on this link, too; if nothing does, this is.
            self.probe(now);
        } else {
            self.events.push_back(Event::Linked(link));
        }
        self.viewing.handle_linked();
        self.want_all_keyframes();
        self.presence.make_due();
        self.send_presence_if_due(now);
        self.ping(link, now);
    }

    /// The host itself has answered on this link.
    pub(super) fn note_vouched(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link).filter(|state| state.is_ready()) {
            state.awaits_host = false;
            self.events.push_back(Event::Linked(link));
        }
    }

    pub(super) fn handle_have(&mut self, link: LinkId, have: &Have) {
        let Some(state) = self.links.get_mut(&link) else { return };
        for lane in &have.lanes {
            let id = LaneId { channel: have.channel, author: lane.author, epoch: lane.epoch };
            state.feed.handle_has(id, lane.next);
        }
        if state.feed.lanes() > HAVE_LANES_MAX {
            return self.close_link(link, CloseCode::Limit);
        }
        let Some(state) = self.links.get_mut(&link) else { return };
        if have.last {
            state.feed.handle_have_complete(have.channel, &self.replica);
        }
    }

    pub(super) fn handle_member(&mut self, link: LinkId, raw: &[u8], now: Mono) {
        let Ok(chain) = Chain::decode(raw) else { return self.close_link(link, CloseCode::Protocol) };
        let author = chain.member.author();
        // Before the signatures: whoever is known costs nothing more.
        if self.roster.member(&author).is_none() {
            // A chain that does not hold says nothing about anybody: the entries that need it will be refused.
            let Ok(member) = chain.verify(&self.session) else { return self.close_link(link, CloseCode::Protocol) };
            if self.log.records_chain(&member).is_err() || !self.make_room_for_member() {
                return;
            }
            self.roster.introduce(member, now);
        }
        if let Some(state) = self.links.get_mut(&link) {
            state.introduced.insert(author);
        }
    }

    /// Tells whether there is room for one more member, after forgetting one who is gone and left no trace.
    ///
    /// Whoever holds a link can certify as many members as it likes. Nothing is forgotten that keeps input from being
    /// applied twice.
    fn make_room_for_member(&mut self) -> bool {
        if self.roster.known() < AUTHORS_MAX {
            return true;
        }
        let (me, host, replica) = (self.me(), self.log.host(), &self.replica);
        let may_go = |member: &VerifiedMember| {
            let author = member.author();
            Some(author) != me && Some(author) != host && !replica.has_author(author)
        };
        let Some(author) = self.roster.forget_one(may_go) else { return false };
        self.readers.retain(|lane, _| lane.author != author);
        for link in self.links.values_mut() {
            link.introduced.remove(&author);
        }
        if let Some(hosting) = &mut self.hosting {
            hosting.forget_viewer(&author);
        }
        true
    }

    /// Passes a frame on to every other link: only a host has more than one side to serve.
    pub(super) fn pass_on(&mut self, from: LinkId, frame: &Frame) {
        if self.hosting.is_some() {
            let others = self.links.iter_mut().filter(|(id, link)| **id != from && link.is_ready());
            others.for_each(|(_, link)| link.send(frame));
        }
    }
}
