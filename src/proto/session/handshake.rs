//! From HELLO to READY, and what the auth log says on the way. PROTOCOL.md 5, 6, 10.

use super::documents::Documents;
use super::link::{Awaited, LinkId, Phase};
use super::{Alarm, Ending, Event, Peer};
use crate::proto::authlog::Record;
use crate::proto::id::{AuthorId, Channel, LaneId, ShareId};
use crate::proto::limits::{AUTHORS_MAX, HAVE_LANES_MAX};
use crate::proto::member::{Chain, ChainError, MemberCert, VerifiedMember};
use crate::proto::time::{Mono, Now, Wall};
use crate::proto::verify::channel_binding;
use crate::proto::wire::{Ack, Auth, CloseCode, Frame, Have, Hello, PassedOn, Ready, Standing, Welcome};
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
        let Welcome { nonce, records, shares, wraps, .. } = *welcome;
        state.phase = Phase::Catching(Awaited { nonce, records, shares, wraps });
        self.prove_when_caught_up(link, now);
    }

    pub(super) fn handle_log(&mut self, link: LinkId, raw: Bytes, now: Now) {
        self.note_awaited(link, |awaited| &mut awaited.records);
        if !self.log.holds(&raw) {
            match self.log.append(raw.clone()) {
                Ok(record) => {
                    self.note_log_grown();
                    self.note_records(link, self.log.next_seq());
                    self.handle_record(&record, now);
                    self.forward(link, &Frame::Log(raw));
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
    fn handle_record(&mut self, record: &Record, now: Now) {
        match record {
            Record::Close { share, .. } => self.handle_closed_share(share, now),
            Record::Cut(_) => self.lanes.note_halfway(),
            Record::Epoch { .. } => {
                self.lanes.note_epoch(now.mono);
                self.epochs.begun = Some(now.mono);
                // What still waits is sealed under a key that somebody may have lost the right to.
                self.links.values_mut().for_each(|link| link.outbox.drop_passing());
                self.settle_lanes(now);
                self.open_wraps(now);
            }
            Record::Checkpoint(checkpoint) => self.handle_vouched(checkpoint.channel, now.mono),
            Record::Admit(author) => self.handle_admitted(author, now),
            Record::Host(_) => {
                let host = self.log.host_member().cloned();
                host.into_iter().for_each(|host| self.roster.introduce(host, now.mono));
            }
            Record::End => self.end(Ending::ByOwner),
            _ => {}
        }
    }

    fn handle_closed_share(&mut self, share: &ShareId, now: Now) {
        self.lanes.note_halfway();
        let is_out = match &self.me {
            Some(me) => matches!(self.log.admits(me), Err(ChainError::Closed { .. })),
            None => *share == self.secret.share_id(),
        };
        if is_out {
            let others_stay = self.me.is_some() && self.log.stays_open_for_some(share);
            let until = self.me.as_ref().map(VerifiedMember::expires);
            let until = until.or_else(|| Some(self.log.share(share)?.expires));
            let is_over = until.is_some_and(|until| until <= now.wall);
            self.end(match () {
                () if is_over => Ending::Expired,
                () if others_stay => Ending::Kicked,
                () => Ending::Revoked,
            });
        } else {
            self.see_off_revoked();
        }
    }

    /// Takes members off the list who came by a share that is closed: they are heard no more.
    pub(super) fn see_off_revoked(&mut self) {
        let log = &self.log;
        for author in self.roster.dismiss(|member| log.admits(member).is_err()) {
            self.events.push_back(Event::Left(author));
        }
        let roster = &self.roster;
        let is_out = |author: &AuthorId| {
            roster.member(author).is_some_and(|member| matches!(log.admits(member), Err(ChainError::Closed { .. })))
        };
        self.hosting.iter_mut().for_each(|hosting| hosting.forget_guests(is_out));
        self.forget_waiting();
    }

    fn handle_admitted(&mut self, author: &AuthorId, now: Now) {
        self.lanes.note_ends();
        if self.is_me(author) && self.is_admitted() {
            self.epochs.begun = Some(now.mono);
            self.events.push_back(Event::LetIn);
            self.open_wraps(now);
            self.presence.make_due();
            self.greet_all(now.wall);
        }
    }

    /// The owner says that this member does not come in.
    pub(super) fn handle_turned_away(&mut self) {
        if !self.is_admitted() {
            self.end(Ending::TurnedAway);
        }
    }

    pub(super) fn handle_share(&mut self, link: LinkId, frame: PassedOn, now: Now) {
        self.note_awaited(link, |awaited| &mut awaited.shares);
        if self.owner.is_some() {
            self.take_passed_on(link, frame, now.wall);
        } else {
            self.learn_own_share(frame, now);
        }
        self.prove_when_caught_up(link, now);
    }

    pub(super) fn handle_wrap(&mut self, link: LinkId, raw: &[u8], now: Now) {
        self.note_awaited(link, |awaited| &mut awaited.wraps);
        self.take_wrap(raw, now);
        self.prove_when_caught_up(link, now);
    }

    /// Counts one frame of those that WELCOME announced.
    fn note_awaited(&mut self, link: LinkId, which: impl Fn(&mut Awaited) -> &mut u64) {
        if let Some(Phase::Catching(awaited)) = self.links.get_mut(&link).map(|state| &mut state.phase) {
            let left = which(awaited);
            *left = left.saturating_sub(1);
        }
    }

    /// Sends AUTH once all that WELCOME announced has come.
    fn prove_when_caught_up(&mut self, link: LinkId, now: Now) {
        let Some(state) = self.links.get(&link) else { return };
        let Phase::Catching(Awaited { nonce: theirs, records: 0, shares: 0, wraps: 0 }) = state.phase else { return };
        let exporter = state.exporter.as_ref().map_or(&[][..], <[u8; 32]>::as_slice);
        let binding = channel_binding(exporter, &state.nonce, &theirs);
        if self.ended.is_some() && !self.has_ended_session() {
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
            let shares = self.own_shares().ok_or(CloseCode::ShareUnknown)?;
            let share = shares.first().ok_or(CloseCode::ShareUnknown)?;
            if share.expires <= now.wall {
                self.end(Ending::Expired);
                return Err(CloseCode::Expired);
            }
            self.log.epoch().ok_or(CloseCode::Protocol)?;
            let member = MemberCert::issue(&self.secret, &self.keys, share.rights, share.not_before, share.expires);
            let me = Chain { member, shares }.verify(&self.session).map_err(|_| CloseCode::ShareUnknown)?;
            match self.log.admits(&me) {
                Ok(()) | Err(ChainError::NotLetIn { .. }) => self.become_member(me),
                Err(ChainError::Closed { .. }) => {
                    self.end(Ending::Revoked);
                    return Err(CloseCode::ShareClosed);
                }
                Err(_) => return Err(CloseCode::ShareUnknown),
            }
        }
        self.me.as_ref().ok_or(CloseCode::Protocol)
    }

    pub(super) fn become_member(&mut self, me: VerifiedMember) {
        self.documents = Some(Documents::new(me.author()));
        self.roster.introduce(me.clone(), Mono(0));
        self.me = Some(me);
        self.lanes.note_ends();
    }

    pub(super) fn handle_ready(&mut self, link: LinkId, ready: Ready, now: Now) {
        let lacks = usize::try_from(ready.log_next).unwrap_or(usize::MAX);
        let is_admitted = self.is_admitted();
        // Who waits to be let in is not asked for anything.
        let records = self.log.records().iter().skip(lacks).filter(|_| is_admitted).cloned().map(Frame::Log);
        let frames: Vec<_> = records.chain(self.uploads()).collect();
        let is_over = self.has_ended_session();
        let Some(state) = self.links.get_mut(&link) else { return };
        state.phase = if is_over { Phase::Parting } else { Phase::Ready };
        frames.iter().for_each(|frame| state.send(frame));
        if is_over {
            return;
        }
        self.check_records(link, ready.log_next);
        self.greet_all(now.wall);
        self.send_typed_again();
        if self.links.get(&link).is_some_and(|state| state.awaits_host) {
            // What waits for an answer was just sent on this link, too; if nothing does, this is.
            self.probe(now);
        } else {
            self.events.push_back(Event::Linked(link));
        }
        if !is_admitted {
            self.events.push_back(Event::Waiting);
            self.probe(now);
        }
        for pane in self.viewing.handle_linked() {
            self.request_history(pane);
        }
        self.want_all_keyframes();
        self.presence.make_due();
        self.send_presence_if_due(now);
        self.ping(link, now);
    }

    /// Tells every link that does not know it what this peer has and wants, as only members may.
    fn greet_all(&mut self, now: Wall) {
        if !self.is_admitted() {
            return;
        }
        for state in self.links.values_mut().filter(|state| state.is_ready() && !state.has_greeted) {
            state.has_greeted = true;
            let is_host = self.hosting.is_some();
            for channel in Channel::RECONCILED.into_iter().filter(|channel| is_host || !channel.is_checkpoint()) {
                for part in Have::parts(channel, &self.replica.have(channel)) {
                    state.send(&Frame::Have(part));
                }
            }
            for channel in self.viewing.channels() {
                state.send(&Frame::Watch(channel));
            }
        }
        self.bring_proofs();
        self.bring_passed_on(now);
    }

    /// The host itself has answered on this link.
    pub(super) fn note_vouched(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link).filter(|state| state.is_ready()) {
            state.awaits_host = false;
            self.events.push_back(Event::Linked(link));
        }
    }

    pub(super) fn handle_have(&mut self, link: LinkId, have: &Have, now: Mono) {
        let Some(state) = self.links.get_mut(&link) else { return };
        for lane in &have.lanes {
            let id = LaneId { channel: have.channel, author: lane.author, epoch: lane.epoch };
            state.feed.handle_has(id, lane.next);
            state.note_stored(id, lane.next);
        }
        if state.feed.lanes() > HAVE_LANES_MAX {
            return self.close_link(link, CloseCode::Limit);
        }
        if have.last {
            state.feed.handle_have_complete(have.channel, &self.replica);
            // Once is enough: who goes on announcing could put off for ever that anything is missing.
            state.have_at.entry(have.channel).or_insert(now);
            self.note_confirmed(link);
            self.check_rolled_back(link);
        }
    }

    pub(super) fn handle_ack(&mut self, link: LinkId, ack: Ack, now: Mono) {
        let Some(state) = self.links.get_mut(&link) else { return };
        // A receipt for something that was never sent says nothing, nor does one for nothing.
        if (1..=self.replica.next_seq(&ack.lane)).contains(&ack.next) {
            state.note_stored(ack.lane, ack.next);
            self.note_confirmed(link);
            self.remember_stored(link);
            self.tell_holdings_soon(now);
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
        let Some((member, name)) = self.roster.forget_one(may_go) else { return false };
        let author = member.author();
        if self.has_written(&author) {
            self.roster.remember(member, name);
        }
        self.readers.retain(|lane, _| lane.author != author);
        for link in self.links.values_mut() {
            link.introduced.remove(&author);
            let is_others = |lane: &LaneId| lane.author != author;
            link.feed.retain(is_others);
            link.forked.retain(is_others);
            link.stored.retain(|lane, _| is_others(lane));
        }
        self.proofs.forget(&author);
        self.comparison.forget(&author);
        if let Some(hosting) = self.hosting.as_mut() {
            hosting.forget_viewer(&author);
        }
        true
    }
}
