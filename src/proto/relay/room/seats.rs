//! Who sits in a room: admission, what a newcomer is told first, leaving. PROTOCOL.md 9, 10, 11.
//!
//! Always: an author has one seat; whoever takes it anew replaces the connection before.

use super::super::members::Member;
use super::super::outbox::{Outbox, Source};
use super::{ConnId, Context, Room};
use crate::proto::id::{AuthorId, Channel, LaneId};
use crate::proto::limits::{AUTHORS_MAX, MEMBERS_MAX, SILENCE_US_MAX};
use crate::proto::member::{ChainError, VerifiedMember};
use crate::proto::share::Rights;
use crate::proto::time::Mono;
use crate::proto::wire::{CloseCode, Frame, Have, LaneNext, Ready, Whereabouts};
use std::collections::BTreeSet;

/// A member with a connection.
#[derive(Debug)]
pub(super) struct Seat {
    pub author: AuthorId,
    pub rights: Rights,
    pub outbox: Outbox,
    /// Authors that it introduced and the log does not admit: their entries are passed over.
    pub refused: BTreeSet<AuthorId>,
    /// Lanes that cannot go on from where it has them: the room is full, or their author wrote two histories. What
    /// follows in them is passed over.
    pub stuck: BTreeSet<LaneId>,
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
        self.log.admits(member).map_err(|error| match error {
            ChainError::Closed { .. } => CloseCode::ShareClosed,
            _ => CloseCode::ShareUnknown,
        })?;
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
        self.members.iter_mut().filter(|member| member.is_stored).count() >= AUTHORS_MAX - 2 * MEMBERS_MAX
    }

    fn check_shares_have_room(&self, member: &VerifiedMember) -> Result<(), CloseCode> {
        for share in member.chain().shares.iter().filter(|share| share.max_members > 0) {
            let came_by_it = |author: &AuthorId| {
                let chain = self.members.get(*author).map(|member| member.verified.chain());
                chain.is_some_and(|chain| chain.shares.iter().any(|other| other.share == share.share))
            };
            let taken = self.conns.keys().filter(|author| came_by_it(author)).count();
            if taken >= share.max_members as usize {
                return Err(CloseCode::Limit);
            }
        }
        Ok(())
    }

    /// Seats `member`; `log_sent` records were sent to it before. Returns its older connection, which it replaces.
    pub(in super::super) fn join(
        &mut self,
        conn: ConnId,
        member: VerifiedMember,
        log_sent: usize,
        outbox: Outbox,
        cx: &mut Context<'_>,
    ) -> Option<(ConnId, Outbox)> {
        let (author, rights) = (member.author(), member.rights());
        let replaced = self.conns.insert(author, conn).and_then(|old| Some((old, self.seats.remove(&old)?.outbox)));
        for latest in self.latest.values_mut() {
            if replaced.as_ref().is_some_and(|(old, _)| latest.from == *old) {
                latest.from = conn;
            }
        }
        let number = self.add_member(member, cx.now.mono);
        self.empty = None;
        let mut seat = Seat { author, rights, outbox, refused: BTreeSet::new(), stuck: BTreeSet::new() };
        seat.outbox.mark_introduced(number);
        self.greet(&mut seat, log_sent);
        for (other, peer) in &mut self.seats {
            seat.outbox.note_peer(peer.author, Whereabouts::Here);
            if replaced.is_none() {
                peer.outbox.note_peer(author, Whereabouts::Here);
                peer.outbox.list(*other, cx.ready);
            }
        }
        seat.outbox.list(conn, cx.ready);
        self.seats.insert(conn, seat);
        replaced
    }

    /// Queues what a new seat has to know: READY, the log since WELCOME, version vectors, newest presence.
    fn greet(&self, seat: &mut Seat, log_sent: usize) {
        seat.outbox.push_control(Frame::Ready(Ready { log_next: self.log.next_seq() }).encode());
        for frame in self.log_frames.iter().skip(log_sent) {
            seat.outbox.push_control(frame.clone());
        }
        if seat.rights.may_administer() {
            for wrap in self.wraps.values() {
                seat.outbox.push_control(wrap.clone());
            }
        }
        for channel in Channel::DURABLE {
            for part in Have::parts(channel, &self.lanes_of(channel)) {
                seat.outbox.push_control(Frame::Have(part).encode());
            }
        }
        if seat.rights.may_read() {
            self.latest.keys().filter(|author| **author != seat.author).for_each(|author| {
                seat.outbox.note_latest(*author);
            });
        }
    }

    /// Returns the version vector of `channel`.
    fn lanes_of(&self, channel: Channel) -> Vec<LaneNext> {
        let lanes = self.lanes.iter().filter(|(lane, _)| lane.channel == channel);
        lanes
            .map(|(lane, verifier)| LaneNext { author: lane.author, epoch: lane.epoch, next: verifier.position().0 })
            .collect()
    }

    pub(super) fn add_member(&mut self, verified: VerifiedMember, now: Mono) -> u32 {
        if let Some((number, _)) = self.members.find(verified.author()) {
            return number;
        }
        let is_admitted = self.log.admits(&verified).is_ok();
        let number = self.members.add(Member::new(verified, is_admitted, now));
        self.seats.values_mut().for_each(|seat| seat.outbox.forget_number(number));
        number
    }

    /// Takes the seat of `conn` away; returns what it was still to be told.
    pub(in super::super) fn leave(&mut self, conn: ConnId, cx: &mut Context<'_>) -> Option<Outbox> {
        let seat = self.seats.remove(&conn)?;
        self.conns.remove(&seat.author);
        let Self { session, members, latest, rings, seats, .. } = self;
        let source = Source { session, members, latest, rings, store: cx.store };
        seats.values_mut().for_each(|peer| peer.outbox.settle_latest(seat.author, &source));
        // What it brought says nothing any more, of itself or of others behind it.
        self.latest.retain(|author, latest| *author != seat.author && latest.from != conn);
        for (other, peer) in &mut self.seats {
            peer.outbox.note_peer(seat.author, Whereabouts::Gone);
            peer.outbox.list(*other, cx.ready);
        }
        self.forget_members(seat.author);
        if self.seats.is_empty() {
            self.empty = Some(cx.now.mono);
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
        } else if !self.members.get(left).is_none_or(leaves_a_trace) {
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
