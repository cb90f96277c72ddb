//! Who sits in a room: admission, what a newcomer is told first, leaving. PROTOCOL.md 9, 10, 11.
//!
//! Always: an author has one seat; whoever takes it anew replaces the connection before.

use super::super::members::{Admission, Member};
use super::super::outbox::{Outbox, Source};
use super::super::ring::Ring;
use super::{ConnId, Context, Room};
use crate::proto::id::{AuthorId, Channel, ShareId};
use crate::proto::limits::{AUTHORS_MAX, AUTHORS_STORED_MAX, MEMBERS_MAX, SILENCE_US_MAX};
use crate::proto::member::{ChainError, VerifiedMember};
use crate::proto::share::{Rights, ShareFlags};
use crate::proto::time::Mono;
use crate::proto::wire::{CloseCode, Frame, Have, Ready, Whereabouts};
use bytes::Bytes;
use std::collections::BTreeSet;

/// The channels of the documents' checkpoints.
const CHECKPOINTS: [Channel; 2] = [Channel::STATE_CHECKPOINT, Channel::CHAT_CHECKPOINT];

/// What a newcomer was told before it proved who it is.
#[derive(Debug, Default)]
pub(in super::super) struct Greeted {
    /// Records of the auth log.
    pub records: usize,
    /// The wrap of its share.
    pub wrap: Option<Bytes>,
}

/// A member with a connection.
#[derive(Debug)]
pub(super) struct Seat {
    pub author: AuthorId,
    pub share: ShareId,
    pub rights: Rights,
    /// Its member is not let in yet. PROTOCOL.md 10.
    pub is_waiting: bool,
    pub outbox: Outbox,
    /// Authors that it introduced and the log does not admit: their entries are passed over.
    pub refused: BTreeSet<AuthorId>,
}

impl Seat {
    /// Tells whether it is a full seat with ADMIN.
    pub(super) const fn administers(&self) -> bool {
        self.rights.may_administer() && !self.is_waiting
    }

    /// Tells whether it hears of those who wait to be let in.
    fn hears_knocking(&self, host: Option<AuthorId>) -> bool {
        self.administers() || host == Some(self.author)
    }
}

impl Room {
    /// Checks that `member` may take a seat now.
    pub(in super::super) fn check_join(&mut self, member: &VerifiedMember) -> Result<(), CloseCode> {
        if self.log.is_ended() {
            return Err(CloseCode::Ended);
        }
        if self.log.host().is_none() {
            let may_create = member.rights().may_administer();
            return if may_create { Ok(()) } else { Err(CloseCode::SessionUnknown) };
        }
        match self.log.admits(member) {
            Ok(()) | Err(ChainError::NotLetIn { .. }) => {}
            Err(ChainError::Closed { .. }) => return Err(CloseCode::ShareClosed),
            Err(_) => return Err(CloseCode::ShareUnknown),
        }
        if self.conns.contains_key(&member.author()) {
            return Ok(());
        }
        if self.seats.len() >= MEMBERS_MAX {
            return Err(CloseCode::Busy);
        }
        if self.members.get(member.author()).is_none() && !self.make_room_for_author() {
            return Err(CloseCode::Limit);
        }
        self.check_shares_have_room(member)
    }

    /// Tells whether there is room for one more author, after forgetting who is neither here nor left a trace.
    pub(super) fn make_room_for_author(&mut self) -> bool {
        if self.members.len() >= AUTHORS_MAX {
            let (host, conns, latest) = (self.log.host(), &self.conns, &self.latest);
            self.members.retain(|member| {
                let author = member.verified.author();
                member.is_stored || host == Some(author) || conns.contains_key(&author) || latest.contains_key(&author)
            });
        }
        self.members.len() < AUTHORS_MAX
    }

    /// Tells whether so many have left durable entries, which are never forgotten, that no more may: those who sit here
    /// and those at the host's place must always have room.
    pub(super) fn is_full_of_authors(&mut self) -> bool {
        self.members.iter_mut().filter(|member| member.is_stored).count() >= AUTHORS_STORED_MAX
    }

    fn check_shares_have_room(&self, member: &VerifiedMember) -> Result<(), CloseCode> {
        for share in &member.chain().shares {
            let bound = if share.flags.contains(ShareFlags::ONCE) { 1 } else { share.max_members };
            if bound == 0 {
                continue;
            }
            let came_by_it = |author: &AuthorId| {
                let chain = self.members.get(*author).map(|member| member.verified.chain());
                chain.is_some_and(|chain| chain.shares.iter().any(|other| other.share == share.share))
            };
            let taken = self.conns.keys().filter(|author| came_by_it(author)).count();
            if taken >= bound as usize {
                return Err(CloseCode::Limit);
            }
        }
        Ok(())
    }

    /// Seats `member`, who was told `greeted` before. Returns its older connection, which it replaces.
    pub(in super::super) fn join(
        &mut self,
        conn: ConnId,
        member: VerifiedMember,
        greeted: &Greeted,
        outbox: Outbox,
        cx: &mut Context<'_>,
    ) -> Option<(ConnId, Outbox)> {
        let (author, share, rights) = (member.author(), member.share(), member.rights());
        let is_waiting = Admission::of(&member, &self.log) == Admission::Waiting;
        let replaced = self.conns.insert(author, conn).and_then(|old| Some((old, self.seats.remove(&old)?.outbox)));
        for latest in self.latest.values_mut() {
            if replaced.as_ref().is_some_and(|(old, _)| latest.from == *old) {
                latest.from = conn;
            }
        }
        let number = self.add_member(member, cx.now.mono);
        self.empty = None;
        let mut seat = Seat { author, share, rights, is_waiting, outbox, refused: BTreeSet::new() };
        seat.outbox.mark_introduced(number);
        self.greet(&mut seat, greeted);
        if replaced.is_none() {
            self.tell_of(author, Whereabouts::Here, |peer, host| !is_waiting || peer.hears_knocking(host), cx);
        }
        seat.outbox.list(conn, cx.ready);
        self.seats.insert(conn, seat);
        self.note_members();
        replaced
    }

    /// Queues what a new seat has to know: READY, the log since WELCOME, wraps since WELCOME, and more if it is in.
    fn greet(&self, seat: &mut Seat, greeted: &Greeted) {
        seat.outbox.push_control(Frame::Ready(Ready { log_next: self.log.next_seq() }).encode());
        for frame in self.log_frames.iter().skip(greeted.records) {
            seat.outbox.push_control(frame.clone());
        }
        if self.wrap(&seat.share) != greeted.wrap.as_ref() {
            seat.outbox.note_wrap(*seat.share.as_bytes());
        }
        seat.outbox.note_wrap(*seat.author.as_bytes());
        if seat.is_waiting {
            seat.outbox.hold();
        } else {
            self.greet_in_full(seat);
        }
    }

    /// Queues what only a member that is let in may know: version vectors, who is here, proofs, newest presence.
    fn greet_in_full(&self, seat: &mut Seat) {
        let host = self.log.host();
        if seat.administers() {
            self.wraps.keys().for_each(|recipient| seat.outbox.note_wrap(*recipient));
            self.passed_on_frames().for_each(|frame| seat.outbox.push_control(frame.clone()));
        }
        self.tell_what_is_here(seat, &Channel::DURABLE);
        if host == Some(seat.author) {
            self.tell_what_is_here(seat, &CHECKPOINTS);
        }
        let hears_knocking = seat.hears_knocking(host);
        for peer in self.seats.values().filter(|peer| !peer.is_waiting || hears_knocking) {
            seat.outbox.note_peer(peer.author, Whereabouts::Here);
        }
        for member in self.members.iter().filter(|member| member.proof.is_some()) {
            seat.outbox.note_proof(member.verified.author());
        }
        if seat.rights.may_read() {
            self.latest.keys().filter(|author| **author != seat.author).for_each(|author| {
                seat.outbox.note_latest(*author);
            });
        }
    }

    fn tell_what_is_here(&self, seat: &mut Seat, channels: &[Channel]) {
        for channel in channels {
            for part in Have::parts(*channel, &self.lanes_of(*channel)) {
                seat.outbox.push_control(Frame::Have(part).encode());
            }
        }
    }

    /// Seats a member in full whom the owner let in: all goes on as after READY.
    pub(super) fn let_in(&mut self, conn: ConnId, cx: &mut Context<'_>) {
        let Some(mut seat) = self.seats.remove(&conn) else { return };
        seat.is_waiting = false;
        seat.outbox.release();
        self.greet_in_full(&mut seat);
        self.tell_of(seat.author, Whereabouts::Here, |peer, host| !peer.hears_knocking(host), cx);
        seat.outbox.list(conn, cx.ready);
        let watched = seat.outbox.watched();
        self.tally.views += u64::from(seat.outbox.is_watching());
        self.seats.insert(conn, seat);
        self.note_members();
        for channel in watched {
            if !self.rings.get(&channel).is_some_and(Ring::has_keyframe) {
                self.ask_for_keyframe(channel, cx);
            }
        }
    }

    /// Tells a member that publishes terminals from now on what of its checkpoints is here.
    pub(super) fn greet_host(&mut self, cx: &mut Context<'_>) {
        let Some(conn) = self.log.host().and_then(|host| self.conns.get(&host)).copied() else { return };
        let Some(mut seat) = self.seats.remove(&conn) else { return };
        self.tell_what_is_here(&mut seat, &CHECKPOINTS);
        seat.outbox.list(conn, cx.ready);
        self.seats.insert(conn, seat);
    }

    /// Tells everybody of whom `hears` says so, given the host, that a member has come or gone.
    fn tell_of(
        &mut self,
        author: AuthorId,
        whereabouts: Whereabouts,
        hears: impl Fn(&Seat, Option<AuthorId>) -> bool,
        cx: &mut Context<'_>,
    ) {
        let host = self.log.host();
        for (other, peer) in self.seats.iter_mut().filter(|(_, peer)| hears(peer, host)) {
            peer.outbox.note_peer(author, whereabouts);
            peer.outbox.list(*other, cx.ready);
        }
    }

    pub(super) fn add_member(&mut self, verified: VerifiedMember, now: Mono) -> u32 {
        if let Some((number, _)) = self.members.find(verified.author()) {
            return number;
        }
        let admission = Admission::of(&verified, &self.log);
        let number = self.members.add(Member::new(verified, admission, now));
        self.seats.values_mut().for_each(|seat| seat.outbox.forget_number(number));
        number
    }

    /// Takes the seat of `conn` away; returns what it was still to be told.
    pub(in super::super) fn leave(&mut self, conn: ConnId, cx: &mut Context<'_>) -> Option<Outbox> {
        let seat = self.seats.remove(&conn)?;
        self.conns.remove(&seat.author);
        let Self { session, wraps, members, latest, rings, checkpoints, seats, .. } = self;
        let source = Source { session, wraps, members, latest, rings, checkpoints, store: cx.store };
        seats.values_mut().for_each(|peer| peer.outbox.settle_latest(seat.author, &source));
        // What it brought says nothing any more, of itself or of others behind it.
        self.latest.retain(|author, latest| *author != seat.author && latest.from != conn);
        let is_waiting = seat.is_waiting;
        self.tell_of(seat.author, Whereabouts::Gone, |peer, host| !is_waiting || peer.hears_knocking(host), cx);
        self.forget_members(seat.author);
        if self.seats.is_empty() {
            self.empty = Some(cx.now);
        }
        Some(seat.outbox)
    }

    /// Forgets who left no trace, so that passers-by do not fill the room for ever.
    fn forget_members(&mut self, left: AuthorId) {
        let host = self.log.host();
        let conns = &self.conns;
        let leaves_a_trace = |member: &Member| member.is_stored || conns.contains_key(&member.verified.author());
        if host == Some(left) {
            self.members.retain(|member| leaves_a_trace(member) || host == Some(member.verified.author()));
        } else if let Some(member) = self.members.get(left).filter(|member| !leaves_a_trace(member)) {
            if member.proof.is_some() {
                self.seats.values_mut().for_each(|seat| seat.outbox.forget_proof(left));
            }
            self.members.remove(left);
        }
    }

    /// Cuts off who may not be connected any more at this time, and forgets presence that nobody renews.
    pub(in super::super) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        // Nobody tells when a member that the host brought along from elsewhere leaves.
        self.latest.retain(|_, latest| cx.now.mono.since_us(latest.came) < SILENCE_US_MAX);
        for (author, conn) in &self.conns {
            let member = self.members.get(*author).map(|member| &member.verified);
            if member.is_none_or(|member| member.live_at(cx.now.wall).is_err()) {
                cx.cuts.push((*conn, CloseCode::Expired));
            }
        }
    }
}
