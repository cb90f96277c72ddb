//! One session at a relay: its auth log, its members, and what they write, sealed.
//!
//! hall --join, log, entry, watch--> [`Room`] --pop--> frames for one seat
//!
//! Always: nothing enters that the auth log does not allow, and nothing in here can be opened: no type of this module
//! holds a content key. PROTOCOL.md 5, 8, 10, 11.

mod entries;

use super::members::{Member, Members};
use super::outbox::{Outbox, ReadyList, Source, Turn};
use super::ring::Ring;
use super::store::{Store, StoreError};
use super::{ConnId, Counters};
use crate::proto::authlog::{AuthLog, LogError, Record};
use crate::proto::id::{AuthorId, Channel, Class, Epoch, LaneId, SessionId, ShareId};
use crate::proto::lane::verify::LaneVerifier;
use crate::proto::limits::{AUTHORS_MAX, MEMBERS_MAX};
use crate::proto::member::{Chain, ChainError, VerifiedMember};
use crate::proto::share::Rights;
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{CloseCode, Frame, Have, LaneNext, Reader, Ready, Standing, Whereabouts};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// Wraps that a room keeps: one per share, delegated ones included.
const WRAPS_MAX: usize = 1_024;
/// Length of a wrap in bytes. PROTOCOL.md 6.
const WRAP_BYTES: usize = 68;
/// Lanes in one HAVE frame: 28 bytes each at most, so that a frame stays below its bound.
const HAVE_LANES_MAX: usize = 2_000;
/// Lanes that a dialer may announce.
const HAVE_REMEMBERED_MAX: usize = 2 * AUTHORS_MAX;

/// What a room works with but does not own.
pub(super) struct Context<'a> {
    pub store: &'a mut dyn Store,
    pub ready: &'a mut ReadyList,
    pub counters: &'a mut Counters,
    /// Connections that have to be closed because of what happened.
    pub cuts: &'a mut Vec<(ConnId, CloseCode)>,
    pub live_bytes_max: u64,
    pub now: Now,
}

/// The newest presence of one author.
#[derive(Debug)]
pub(super) struct Latest {
    pub epoch: Epoch,
    pub seq: u64,
    pub frame: Bytes,
    /// The connection that brought it.
    pub from: ConnId,
}

/// A member with a connection.
#[derive(Debug)]
struct Seat {
    author: AuthorId,
    rights: Rights,
    outbox: Outbox,
    /// Authors that it introduced and the log does not admit: their entries are passed over.
    refused: BTreeSet<AuthorId>,
}

/// One session.
#[derive(Debug)]
pub(super) struct Room {
    session: SessionId,
    log: AuthLog,
    log_frames: Vec<Bytes>,
    wraps: BTreeMap<[u8; 16], Bytes>,
    members: Members,
    seats: BTreeMap<ConnId, Seat>,
    conns: BTreeMap<AuthorId, ConnId>,
    lanes: BTreeMap<LaneId, LaneVerifier>,
    rings: BTreeMap<Channel, Ring>,
    live_bytes: u64,
    latest: BTreeMap<AuthorId, Latest>,
    ended: Option<Mono>,
    empty: Option<Mono>,
}

impl Room {
    /// Starts without a log: an administrator brings it.
    pub(super) fn new(session: SessionId, now: Mono) -> Self {
        Self {
            session,
            log: AuthLog::new(session),
            log_frames: Vec::new(),
            wraps: BTreeMap::new(),
            members: Members::default(),
            seats: BTreeMap::new(),
            conns: BTreeMap::new(),
            lanes: BTreeMap::new(),
            rings: BTreeMap::new(),
            live_bytes: 0,
            latest: BTreeMap::new(),
            ended: None,
            empty: Some(now),
        }
    }

    /// Returns how the session and `share` stand here.
    pub(super) fn standing(&self, share: &ShareId) -> Standing {
        if self.log.is_ended() {
            return Standing::Ended;
        }
        // While the administrator is still sending the log, a share not seen yet proves nothing.
        if self.log.host().is_none() {
            return Standing::SessionUnknown;
        }
        if self.log.is_closed(share) {
            return Standing::ShareClosed;
        }
        let is_known = self.log.share(share).is_some() || self.wraps.contains_key(share.as_bytes());
        if is_known { Standing::Known } else { Standing::ShareUnknown }
    }

    /// Returns the auth log, framed.
    pub(super) fn log_frames(&self) -> &[Bytes] {
        &self.log_frames
    }

    /// Returns the wrap for `share`, framed.
    pub(super) fn wrap(&self, share: &ShareId) -> Option<&Bytes> {
        self.wraps.get(share.as_bytes())
    }

    /// Returns since when nobody has been connected.
    pub(super) const fn empty_since(&self) -> Option<Mono> {
        self.empty
    }

    /// Returns when the session ended.
    pub(super) const fn ended_at(&self) -> Option<Mono> {
        self.ended
    }

    /// Checks that `member` may take a seat now.
    pub(super) fn check_join(&self, member: &VerifiedMember) -> Result<(), CloseCode> {
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
        if self.members.get(member.author()).is_none() && self.members.len() >= AUTHORS_MAX {
            return Err(CloseCode::Limit);
        }
        self.check_shares_have_room(member)
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
    pub(super) fn join(
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
        let mut seat = Seat { author, rights, outbox, refused: BTreeSet::new() };
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
            for have in self.have(channel) {
                seat.outbox.push_control(Frame::Have(have).encode());
            }
        }
        if seat.rights.may_read() {
            self.latest.keys().filter(|author| **author != seat.author).for_each(|author| {
                seat.outbox.note_latest(*author);
            });
        }
    }

    fn have(&self, channel: Channel) -> Vec<Have> {
        let lanes = self.lanes.iter().filter(|(lane, _)| lane.channel == channel);
        let lanes: Vec<_> = lanes
            .map(|(lane, verifier)| LaneNext { author: lane.author, epoch: lane.epoch, next: verifier.position().0 })
            .collect();
        let mut parts: Vec<_> =
            lanes.chunks(HAVE_LANES_MAX).map(|lanes| Have { channel, last: false, lanes: lanes.to_vec() }).collect();
        match parts.last_mut() {
            Some(part) => part.last = true,
            None => parts.push(Have { channel, last: true, lanes }),
        }
        parts
    }

    fn add_member(&mut self, verified: VerifiedMember, now: Mono) -> u32 {
        if let Some((number, _)) = self.members.find(verified.author()) {
            return number;
        }
        let is_admitted = self.log.admits(&verified).is_ok();
        let number = self.members.add(Member::new(verified, is_admitted, now));
        self.seats.values_mut().for_each(|seat| seat.outbox.forget_number(number));
        number
    }

    /// Takes the seat of `conn` away; returns what it was still to be told.
    pub(super) fn leave(&mut self, conn: ConnId, cx: &mut Context<'_>) -> Option<Outbox> {
        let seat = self.seats.remove(&conn)?;
        self.conns.remove(&seat.author);
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

    /// Takes an auth log record from an administrator.
    pub(super) fn handle_log(&mut self, conn: ConnId, raw: Bytes, cx: &mut Context<'_>) -> Result<(), CloseCode> {
        self.check_administrator(conn)?;
        let record = match self.log.append(raw.clone()) {
            Ok(record) => record,
            Err(LogError::Seq { found, next }) if found < next => return self.check_known_record(found, &raw),
            Err(LogError::Full | LogError::SharesFull) => return Err(CloseCode::Limit),
            Err(_) => return Err(CloseCode::Protocol),
        };
        cx.store.put_record(&self.session, &raw).map_err(store_code)?;
        let frame = Frame::Log(raw).encode();
        self.log_frames.push(frame.clone());
        for (other, seat) in self.seats.iter_mut().filter(|(other, _)| **other != conn) {
            seat.outbox.push_control(frame.clone());
            seat.outbox.list(*other, cx.ready);
        }
        match record {
            Record::Share(_) | Record::Close(_) => self.review_members(cx),
            Record::End => self.end(cx)?,
            _ => {}
        }
        Ok(())
    }

    /// A record that we have is no news; another one in its place is a forked log.
    fn check_known_record(&self, seq: u64, raw: &Bytes) -> Result<(), CloseCode> {
        let known = usize::try_from(seq).ok().and_then(|index| self.log.records().get(index));
        if known == Some(raw) { Ok(()) } else { Err(CloseCode::Protocol) }
    }

    /// Asks the log about every member anew and cuts off those whose share was closed.
    fn review_members(&mut self, cx: &mut Context<'_>) {
        for member in self.members.iter_mut() {
            let verdict = self.log.admits(&member.verified);
            member.is_admitted = verdict.is_ok();
            if let (Err(ChainError::Closed { .. }), Some(conn)) = (verdict, self.conns.get(&member.verified.author())) {
                cx.cuts.push((*conn, CloseCode::ShareClosed));
            }
        }
    }

    /// Cuts everybody off; only the log stays, so that late comers learn of the end from the owner's own record.
    fn end(&mut self, cx: &mut Context<'_>) -> Result<(), CloseCode> {
        cx.cuts.extend(self.seats.keys().map(|conn| (*conn, CloseCode::Ended)));
        self.ended = Some(cx.now.mono);
        self.lanes.clear();
        self.rings.clear();
        self.live_bytes = 0;
        self.latest.clear();
        self.wraps.clear();
        cx.store.clear_entries(&self.session).map_err(store_code)
    }

    /// Takes a wrap from an administrator.
    pub(super) fn handle_wrap(&mut self, conn: ConnId, raw: Bytes, cx: &mut Context<'_>) -> Result<(), CloseCode> {
        self.check_administrator(conn)?;
        let recipient = wrap_recipient(&raw).ok_or(CloseCode::Protocol)?;
        if self.wraps.len() >= WRAPS_MAX && !self.wraps.contains_key(&recipient) {
            return Err(CloseCode::Limit);
        }
        cx.store.put_wrap(&self.session, &recipient, &raw).map_err(store_code)?;
        let frame = Frame::Wrap(raw).encode();
        if self.wraps.insert(recipient, frame.clone()).as_ref() == Some(&frame) {
            return Ok(());
        }
        for (other, seat) in &mut self.seats {
            if *other != conn && seat.rights.may_administer() {
                seat.outbox.push_control(frame.clone());
                seat.outbox.list(*other, cx.ready);
            }
        }
        Ok(())
    }

    fn check_administrator(&self, conn: ConnId) -> Result<(), CloseCode> {
        let seat = self.seats.get(&conn).ok_or(CloseCode::Protocol)?;
        if seat.rights.may_administer() { Ok(()) } else { Err(CloseCode::NoRight) }
    }

    /// Learns the chain of an author whose entries will follow.
    pub(super) fn handle_member(&mut self, conn: ConnId, raw: &Bytes, now: Mono) -> Result<(), CloseCode> {
        let chain = Chain::decode(raw).map_err(|_| CloseCode::Protocol)?;
        if self.members.get(chain.member.author()).is_some() {
            return Ok(());
        }
        let member = chain.verify(&self.session).map_err(|_| CloseCode::AuthFailed)?;
        let (author, is_admitted) = (member.author(), self.log.admits(&member).is_ok());
        let refused = &mut self.seats.get_mut(&conn).ok_or(CloseCode::Protocol)?.refused;
        if self.members.len().max(refused.len()) >= AUTHORS_MAX {
            return Err(CloseCode::Limit);
        }
        // No fault of the bearer: it may not have heard that the share was closed.
        if is_admitted {
            self.add_member(member, now);
        } else {
            refused.insert(author);
        }
        Ok(())
    }

    /// Learns which durable entries the other side holds.
    pub(super) fn handle_have(&mut self, conn: ConnId, have: &Have, cx: &mut Context<'_>) -> Result<(), CloseCode> {
        let seat = self.seats.get_mut(&conn).ok_or(CloseCode::Protocol)?;
        if have.channel.class() != Class::Durable {
            return Err(CloseCode::Protocol);
        }
        if seat.rights.may_read() {
            if seat.outbox.note_have(have) > HAVE_REMEMBERED_MAX {
                return Err(CloseCode::Limit);
            }
            seat.outbox.list(conn, cx.ready);
        }
        Ok(())
    }

    /// Starts or stops sending a live channel.
    pub(super) fn handle_watch(
        &mut self,
        conn: ConnId,
        channel: Channel,
        is_wanted: Wanted,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseCode> {
        let seat = self.seats.get_mut(&conn).ok_or(CloseCode::Protocol)?;
        if channel.class() != Class::Live {
            return Err(CloseCode::Protocol);
        }
        if !seat.rights.may_read() {
            return Err(CloseCode::NoRight);
        }
        match is_wanted {
            Wanted::No => seat.outbox.unwatch(channel),
            Wanted::Yes => {
                seat.outbox.watch(channel);
                seat.outbox.list(conn, cx.ready);
                if !self.rings.get(&channel).is_some_and(Ring::has_keyframe) {
                    self.ask_for_keyframe(channel, cx);
                }
            }
        }
        Ok(())
    }

    /// Asks the host for a keyframe if it is here and was not asked in the last second.
    fn ask_for_keyframe(&mut self, channel: Channel, cx: &mut Context<'_>) {
        let Some(conn) = self.log.host().and_then(|host| self.conns.get(&host)) else { return };
        let Some(seat) = self.seats.get_mut(conn) else { return };
        if self.rings.entry(channel).or_default().ask(cx.now.mono) {
            seat.outbox.note_keyframe_wanted(channel);
            seat.outbox.list(*conn, cx.ready);
        }
    }

    /// Notes an answer to PING.
    pub(super) fn handle_ping(&mut self, conn: ConnId, echo: [u8; 8], cx: &mut Context<'_>) {
        if let Some(seat) = self.seats.get_mut(&conn) {
            seat.outbox.note_pong(echo);
            seat.outbox.list(conn, cx.ready);
        }
    }

    /// Queues a frame for one seat.
    pub(super) fn push_control(&mut self, conn: ConnId, frame: Bytes, cx: &mut Context<'_>) {
        if let Some(seat) = self.seats.get_mut(&conn) {
            seat.outbox.push_control(frame);
            seat.outbox.list(conn, cx.ready);
        }
    }

    /// Cuts off who may not be connected any more at this time.
    pub(super) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        for (author, conn) in &self.conns {
            let member = self.members.get(*author).map(|member| &member.verified);
            if member.is_none_or(|member| member.live_at(cx.now.wall).is_err()) {
                cx.cuts.push((*conn, CloseCode::Expired));
            }
        }
    }

    /// Fills one helping for `conn`; tells whether there is more.
    pub(super) fn pop(&mut self, conn: ConnId, turn: &mut Turn<'_>, cx: &mut Context<'_>) -> bool {
        let Some(seat) = self.seats.get_mut(&conn) else { return false };
        let (session, members, latest, rings) = (&self.session, &self.members, &self.latest, &self.rings);
        let source = Source { session, members, latest, rings, store: cx.store };
        seat.outbox.pop_control(turn);
        seat.outbox.pop(&source, turn, cx.counters);
        let has_more = seat.outbox.settle(Some(&source));
        for channel in std::mem::take(&mut turn.starved) {
            self.ask_for_keyframe(channel, cx);
        }
        has_more
    }
}

/// Whether a connection wants a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    Yes,
    No,
}

/// Reads the recipient of a wrap; what it wraps is no business of ours. PROTOCOL.md 6.
fn wrap_recipient(raw: &[u8]) -> Option<[u8; 16]> {
    let mut reader = Reader::new(raw);
    let _epoch = reader.u32().ok()?;
    reader.array().ok().filter(|_| raw.len() == WRAP_BYTES)
}

/// Says what a writer is told when its record or entry could not be stored.
const fn store_code(error: StoreError) -> CloseCode {
    match error {
        StoreError::Full { .. } => CloseCode::Limit,
        StoreError::Medium { .. } => CloseCode::Busy,
    }
}
