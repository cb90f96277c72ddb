//! One session at a relay: its auth log, its members, and what they write, sealed.
//!
//! hall --join, log, entry, watch--> [`Room`] --pop--> frames for one seat
//!
//! Always: nothing enters that the auth log does not allow, and nothing in here can be opened: no type of this module
//! holds a content key. PROTOCOL.md 5, 8, 10, 11.

mod entries;
mod lanes;
mod log;
mod seats;
mod snoop;
mod tally;
mod wraps;

use super::members::Members;
use super::outbox::{ReadyList, Source, Turn, WholeCheckpoint};
use super::ring::Ring;
use super::store::{Shelf, Store, StoreError};
use super::{ConnId, Counters, Flow};
use crate::proto::authlog::AuthLog;
use crate::proto::id::{AuthorId, Channel, Class, Epoch, LaneId, SessionId, ShareId};
use crate::proto::lane::verify::LaneVerifier;
use crate::proto::limits::{AUTHORS_MAX, HAVE_LANES_MAX};
use crate::proto::member::{Chain, VerifiedMember};
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{CloseCode, Frame, Have, Standing};
use bytes::Bytes;
pub(super) use seats::Greeted;
use seats::Seat;
use std::collections::{BTreeMap, VecDeque};
use tally::Tally;
use wraps::KeptShare;
pub(super) use wraps::KeptWrap;

/// Rooms whose presence waits to be passed on, and until when. All wait equally long, so the first is due first.
pub(super) type Gatherings = VecDeque<(Mono, SessionId)>;

/// What a room works with but does not own.
pub(super) struct Context<'a> {
    pub store: &'a mut dyn Store,
    pub ready: &'a mut ReadyList,
    pub counters: &'a mut Counters,
    /// Connections that have to be closed because of what happened.
    pub cuts: &'a mut Vec<(ConnId, CloseCode)>,
    pub gatherings: &'a mut Gatherings,
    pub live_bytes_max: u64,
    pub durable_bytes_max: u64,
    pub now: Now,
}

impl Context<'_> {
    /// Says what a writer is told when its record or entry could not be stored, and counts it for the operator.
    fn stored(&mut self, result: Result<(), StoreError>) -> Result<(), CloseCode> {
        result.map_err(|error| {
            self.counters.store_failures += 1;
            match error {
                StoreError::Full { .. } => CloseCode::Limit,
                StoreError::Medium { .. } => CloseCode::Busy,
            }
        })
    }

    /// Forgets an item. A medium that fails to keeps more than it must; nothing depends on it.
    fn discard(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16]) {
        let discarded = self.store.discard(session, shelf, name);
        let _ = self.stored(discarded);
    }
}

/// The newest presence of one author.
#[derive(Debug)]
pub(super) struct Latest {
    pub epoch: Epoch,
    pub seq: u64,
    pub frame: Bytes,
    pub came: Mono,
    /// The connection that brought it.
    pub from: ConnId,
}

/// One session.
#[derive(Debug)]
pub(super) struct Room {
    session: SessionId,
    log: AuthLog,
    log_frames: Vec<Bytes>,
    wraps: BTreeMap<[u8; 16], KeptWrap>,
    passed_on: BTreeMap<ShareId, KeptShare>,
    members: Members,
    seats: BTreeMap<ConnId, Seat>,
    conns: BTreeMap<AuthorId, ConnId>,
    lanes: BTreeMap<LaneId, LaneVerifier>,
    /// Channel 6 or 7 → the newest checkpoint of which all is here.
    checkpoints: BTreeMap<Channel, WholeCheckpoint>,
    rings: BTreeMap<Channel, Ring>,
    live_bytes: u64,
    latest: BTreeMap<AuthorId, Latest>,
    /// Whether presence waits to be passed on.
    is_gathering: bool,
    ended: Option<Now>,
    empty: Option<Now>,
    tally: Tally,
}

impl Room {
    /// Starts without a log: an administrator brings it.
    pub(super) fn new(session: SessionId, now: Now) -> Self {
        Self {
            session,
            log: AuthLog::new(session),
            log_frames: Vec::new(),
            wraps: BTreeMap::new(),
            passed_on: BTreeMap::new(),
            members: Members::default(),
            seats: BTreeMap::new(),
            conns: BTreeMap::new(),
            lanes: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            rings: BTreeMap::new(),
            live_bytes: 0,
            latest: BTreeMap::new(),
            is_gathering: false,
            ended: None,
            empty: Some(now),
            tally: Tally::new(now.wall),
        }
    }

    /// Picks a session up where the store has it. What does not check is left out: the medium, not a peer, is at
    /// fault.
    pub(super) fn restore(session: SessionId, cx: &mut Context<'_>) -> Self {
        let now = cx.now;
        let mut room = Self::new(session, now);
        for raw in cx.store.records(&session) {
            if room.log.append(raw.clone()).is_err() {
                break;
            }
            room.log_frames.push(Frame::Log(raw).encode());
        }
        if room.log.is_ended() {
            room.ended = Some(now);
        }
        for raw in cx.store.items(&session, Shelf::Members) {
            if let Ok(Ok(member)) = Chain::decode(&raw).map(|chain| chain.verify(&session)) {
                let author = member.author();
                room.add_member(member, now.mono);
                if let Some(member) = room.members.get_mut(author) {
                    member.is_stored = true;
                }
            }
        }
        room.restore_wraps(cx);
        room.restore_lanes(cx);
        room
    }

    /// Returns how many members are connected.
    pub(super) fn seats(&self) -> usize {
        self.seats.len()
    }

    /// Returns the bytes of live entries held.
    pub(super) const fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// Tells whether whoever created the room left before it sent the log.
    pub(super) fn is_stillborn(&self) -> bool {
        self.empty.is_some() && self.log.host().is_none() && self.ended.is_none()
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
        if self.is_closed_to_all(share) || self.is_below_closed(share) {
            return Standing::ShareClosed;
        }
        let is_known = self.log.share(share).is_some()
            || self.passed_on.contains_key(share)
            || self.wraps.contains_key(share.as_bytes());
        if is_known { Standing::Known } else { Standing::ShareUnknown }
    }

    /// Returns the auth log, framed.
    pub(super) fn log_frames(&self) -> &[Bytes] {
        &self.log_frames
    }

    /// Tells whether the member of `conn` waits to be let in.
    pub(super) fn is_waiting(&self, conn: ConnId) -> bool {
        self.seats.get(&conn).is_some_and(|seat| seat.is_waiting)
    }

    /// Returns since when nobody has been connected.
    pub(super) fn empty_since(&self) -> Option<Mono> {
        self.empty.map(|now| now.mono)
    }

    /// Returns when the session ended.
    pub(super) fn ended_at(&self) -> Option<Mono> {
        self.ended.map(|now| now.mono)
    }

    /// Learns the chain of an author whose entries will follow.
    pub(super) fn handle_member(&mut self, conn: ConnId, raw: &Bytes, now: Mono) -> Result<Flow, CloseCode> {
        let chain = Chain::decode(raw).map_err(|_| CloseCode::Protocol)?;
        if self.members.get(chain.member.author()).is_some() {
            return Ok(Flow::Continue);
        }
        let member = chain.verify(&self.session).map_err(|_| CloseCode::AuthFailed)?;
        self.learn_member(conn, member, now)?;
        Ok(self.pace_checks(conn, now))
    }

    /// Slows down who brings much that costs signatures to check.
    pub(super) fn pace_checks(&mut self, conn: ConnId, now: Mono) -> Flow {
        let bearer = self.seats.get(&conn).and_then(|seat| self.members.get_mut(seat.author));
        let until = bearer.and_then(|member| member.chains.take(1, now));
        until.map_or(Flow::Continue, |until| Flow::Pause { until })
    }

    fn learn_member(&mut self, conn: ConnId, member: VerifiedMember, now: Mono) -> Result<(), CloseCode> {
        let (author, is_known) = (member.author(), self.log.records_chain(&member).is_ok());
        // No fault of the bearer if not: its log may be ahead of ours.
        if is_known && self.make_room_for_author() {
            self.add_member(member, now);
            return Ok(());
        }
        let seat = self.seats.get_mut(&conn).ok_or(CloseCode::Protocol)?;
        if self.log.host() != Some(seat.author) {
            let has_room = seat.refused.len() < AUTHORS_MAX;
            if is_known || !has_room {
                return Err(CloseCode::Limit);
            }
            seat.refused.insert(author);
        }
        Ok(())
    }

    /// Learns which durable entries the other side holds.
    pub(super) fn handle_have(&mut self, conn: ConnId, have: &Have, cx: &mut Context<'_>) -> Result<(), CloseCode> {
        let seat = self.seats.get_mut(&conn).ok_or(CloseCode::Protocol)?;
        if have.channel.class() != Class::Durable {
            return Err(CloseCode::Protocol);
        }
        // Checkpoints go to those who ask for them, whole.
        if seat.rights.may_read() && !have.channel.is_checkpoint() {
            if seat.outbox.note_have(have) > HAVE_LANES_MAX {
                return Err(CloseCode::Limit);
            }
            seat.outbox.list(conn, cx.ready);
        }
        Ok(())
    }

    /// Starts or stops sending a terminal, or the checkpoints of a document.
    pub(super) fn handle_watch(
        &mut self,
        conn: ConnId,
        channel: Channel,
        is_wanted: Wanted,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseCode> {
        let seat = self.seats.get_mut(&conn).ok_or(CloseCode::Protocol)?;
        if channel.class() != Class::Live && !channel.is_checkpoint() {
            return Err(CloseCode::Protocol);
        }
        if !seat.rights.may_read() {
            return Err(CloseCode::NoRight);
        }
        match is_wanted {
            Wanted::No => seat.outbox.unwatch(channel),
            Wanted::Yes => {
                let was_watching = seat.outbox.is_watching();
                seat.outbox.watch(channel);
                self.tally.views += u64::from(seat.outbox.is_watching() && !was_watching);
                seat.outbox.list(conn, cx.ready);
                if seat.outbox.watches(channel) && !self.rings.get(&channel).is_some_and(Ring::has_keyframe) {
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

    /// Notes that the driver knows of what waits for `conn`.
    pub(super) fn claim(&mut self, conn: ConnId) {
        if let Some(seat) = self.seats.get_mut(&conn) {
            seat.outbox.claim();
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

    /// Fills one helping for `conn`; tells whether there is more.
    pub(super) fn pop(&mut self, conn: ConnId, turn: &mut Turn<'_>, cx: &mut Context<'_>) -> bool {
        let Self { session, wraps, members, seats, rings, checkpoints, latest, .. } = self;
        let Some(seat) = seats.get_mut(&conn) else { return false };
        let source = Source { session, wraps, members, latest, rings, checkpoints, store: cx.store };
        seat.outbox.pop_control(turn);
        seat.outbox.pop(&source, turn, cx.counters);
        let has_more = seat.outbox.settle(conn, Some(&source), cx.ready);
        for channel in std::mem::take(&mut turn.starved) {
            self.ask_for_keyframe(channel, cx);
        }
        self.tally.bytes_out += turn.bytes as u64;
        has_more
    }
}

/// Whether a connection wants a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    Yes,
    No,
}
