//! Which entries a room takes, and whom it passes them on to. PROTOCOL.md 7, 8, 11.
//!
//! Always: durable entries are verified before they are stored. Live, latest and direct ones come from their own
//! author's connection, which has proven who it is, and are passed on as they are; receivers verify everything. The one
//! exception is a host that brings the presence of members it serves elsewhere: that is verified.

use super::super::Flow;
use super::super::members::{Admission, Member};
use super::super::ring::{Piece, Pushed};
use super::super::store::{Shelf, StoredEntry};
use super::lanes::Verdict;
use super::{ConnId, Context, Latest, Room};
use crate::proto::authlog::LaneEnd;
use crate::proto::id::{AuthorId, Channel, Class};
use crate::proto::lane::verify::LaneVerifier;
use crate::proto::limits::{
    DIRECT_QUEUE_BYTES_HIGH, DIRECT_QUEUE_BYTES_MAX, DURABLE_HOST_PART, HAVE_LANES_MAX, PRESENCE_ENTRY_BYTES_MAX,
};
use crate::proto::share::Rights;
use crate::proto::time::Mono;
use crate::proto::wire::{CloseCode, Frame, WireEntry};
use bytes::Bytes;

/// The kind of every durable and latest entry, and of a direct one from the host.
const KIND_PLAIN: u8 = 1;
/// The kind of a direct entry that types.
const KIND_INPUT: u8 = 3;
/// Members from which on presence waits for company: a thousand at rest would make 200,000 packets a second of it.
const CROWD_MEMBERS_MIN: usize = 16;
/// How long it waits, in microseconds: two pictures of a screen that shows sixty a second.
const GATHER_US: u64 = 33_000;
/// How long a sender waits before it may add to a full direct queue, in microseconds.
const DIRECT_PAUSE_US: u64 = 10_000;

/// Who an entry says wrote it, next to who brought it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Bearer {
    /// The author itself.
    Author,
    /// The host, for somebody else.
    Host,
    /// Somebody else.
    Other,
}

/// What became of a durable entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Taken {
    /// It is here now, or was before; the lane needs `next`.
    Stored { next: u64 },
    /// All of the lane, below `next`, is in the checkpoint.
    Covered { next: u64 },
    /// The lane cannot go on from where this bearer has it, which is no fault of the bearer.
    Stuck,
    /// It does not count.
    PassedOver,
}

impl Room {
    /// Takes one entry from `conn`.
    pub(in super::super) fn handle_entry(
        &mut self,
        conn: ConnId,
        raw: Bytes,
        cx: &mut Context<'_>,
    ) -> Result<Flow, CloseCode> {
        let entry = WireEntry::decode(raw).map_err(|_| CloseCode::Protocol)?;
        if self.log.commit(entry.lane.epoch).is_none() {
            return Err(CloseCode::Protocol);
        }
        let is_waiting = self.is_waiting(conn);
        match entry.lane.channel.class() {
            // Whoever waits to be let in may talk to the host, nothing else.
            class if is_waiting && class != Class::Direct => Ok(Flow::Continue),
            Class::Durable => self.take_durable(conn, &entry, cx),
            Class::Latest => self.take_latest(conn, &entry, cx),
            Class::Live => self.take_live(conn, &entry, cx),
            Class::Direct => self.take_direct(conn, &entry, cx),
        }
    }

    fn bearer(&self, conn: ConnId, author: AuthorId) -> Result<Bearer, CloseCode> {
        let seat = self.seats.get(&conn).ok_or(CloseCode::Protocol)?;
        Ok(if seat.author == author {
            Bearer::Author
        } else if self.log.host() == Some(seat.author) {
            Bearer::Host
        } else {
            Bearer::Other
        })
    }

    /// Returns the rights of `author` if its entries count now, `None` if they are to be passed over.
    fn rights_of(&self, conn: ConnId, author: AuthorId) -> Result<Option<Rights>, CloseCode> {
        let is_cut_off = self.members.get(author).is_some_and(|member| member.admission != Admission::In);
        if is_cut_off { Ok(None) } else { self.recorded_rights_of(conn, author) }
    }

    /// The same, but also after the author's share was closed: what it wrote before stays, and whoever has it may
    /// bring it. It cannot bring anything itself any more.
    fn recorded_rights_of(&self, conn: ConnId, author: AuthorId) -> Result<Option<Rights>, CloseCode> {
        if let Some(member) = self.members.get(author) {
            return Ok(Some(member.rights()));
        }
        let host = self.log.host();
        // A host introduces whoever is at its place; there can be more of them than a room has space for.
        let is_refused =
            self.seats.get(&conn).is_some_and(|seat| seat.refused.contains(&author) || host == Some(seat.author));
        // An author that nobody introduced: MEMBER has to come first.
        if is_refused { Ok(None) } else { Err(CloseCode::Protocol) }
    }

    fn take_durable(&mut self, conn: ConnId, entry: &WireEntry, cx: &mut Context<'_>) -> Result<Flow, CloseCode> {
        let lane = entry.lane;
        let Some(rights) = self.recorded_rights_of(conn, lane.author)? else { return Ok(Flow::Continue) };
        let bearer = self.bearer(conn, lane.author)?;
        let may_write = match lane.channel {
            Channel::STATE => rights.contains(Rights::CONTROL),
            Channel::CHAT => rights.contains(Rights::CHAT),
            // Of what others hold of a checkpoint nobody knows how much is lacking: the host brings it, whole.
            _ => bearer == Bearer::Author && self.log.host() == Some(lane.author),
        };
        check(may_write, CloseCode::NoRight)?;
        check(entry.kind == KIND_PLAIN, CloseCode::Protocol)?;
        if !self.seats.get(&conn).is_some_and(|seat| seat.outbox.is_stuck(&lane)) {
            let taken = self.take_next_durable(entry, bearer, cx)?;
            let seat = self.seats.get_mut(&conn).ok_or(CloseCode::Protocol)?;
            match taken {
                Taken::Stored { next } => {
                    seat.outbox.note_ack(lane, next);
                    seat.outbox.note_sent_by_it(lane, entry.seq.saturating_add(1));
                }
                Taken::Covered { next } => seat.outbox.note_ack(lane, next),
                Taken::Stuck => check(seat.outbox.note_stuck(lane) <= HAVE_LANES_MAX, CloseCode::Limit)?,
                Taken::PassedOver => {}
            }
            seat.outbox.list(conn, cx.ready);
        }
        Ok(self.pace_bearer(conn, bearer, cx.now.mono, |member, now| {
            let entries = member.durable.take(1, now);
            entries.max(member.durable_bytes.take(entry.as_bytes().len() as u64, now))
        }))
    }

    /// Takes the next entry of a lane, unless it is here already or does not count.
    fn take_next_durable(
        &mut self,
        entry: &WireEntry,
        bearer: Bearer,
        cx: &mut Context<'_>,
    ) -> Result<Taken, CloseCode> {
        let lane = entry.lane;
        let end = match self.judge(&lane, entry.seq)? {
            Verdict::Check(end) => end,
            Verdict::Here { next } => return Ok(Taken::Stored { next }),
            Verdict::Covered { next } => return Ok(Taken::Covered { next }),
            Verdict::PassOver => return Ok(Taken::PassedOver),
        };
        let bytes = cx.store.entry_bytes(&self.session).saturating_add(entry.as_bytes().len() as u64);
        let is_host = self.log.host() == Some(lane.author);
        let bytes_max = cx.durable_bytes_max;
        if !is_host
            && !self.members.get(lane.author).is_some_and(|member| member.is_stored)
            && self.is_full_of_authors()
        {
            return Ok(Taken::Stuck);
        }
        if bytes > if is_host { bytes_max } else { bytes_max - bytes_max / DURABLE_HOST_PART } {
            return Ok(Taken::Stuck);
        }
        match self.store_durable(entry, end, cx) {
            Ok(Taken::Stored { next }) => {
                self.seats.iter_mut().for_each(|(other, seat)| seat.outbox.list(*other, cx.ready));
                if let Some(document) = lane.channel.document_of_checkpoint() {
                    self.settle_checkpoint(document, cx);
                }
                Ok(Taken::Stored { next })
            }
            Err(CloseCode::Limit) => Ok(Taken::Stuck),
            // Its author may have written two histories, and this bearer has the other one. The first entry of a lane
            // names no other, so there a wrong signature is a forgery.
            Err(CloseCode::Protocol) if bearer != Bearer::Author && entry.seq > 0 => Ok(Taken::Stuck),
            other => other,
        }
    }

    /// Verifies and stores the next entry of a lane. Subscribers draw it from the store when they have room.
    fn store_durable(&mut self, entry: &WireEntry, end: LaneEnd, cx: &mut Context<'_>) -> Result<Taken, CloseCode> {
        let (session, lane, next) = (self.session, entry.lane, entry.seq + 1);
        let frame = Frame::Entry(entry.as_bytes().clone()).encode();
        let member = self.members.get_mut(lane.author).ok_or(CloseCode::Protocol)?;
        let mut verifier = match self.lanes.get(&lane) {
            Some(verifier) => verifier.clone(),
            None => LaneVerifier::new(session, lane, member.verified.verify_key().clone()),
        };
        let digest = verifier.check(entry).map_err(|_| CloseCode::Protocol)?;
        if matches!(end, LaneEnd::At { next: last, digest: Some(wanted) } if last == next && wanted != digest) {
            // All of it belongs to another history than the one that the owner cut.
            self.drop_lane(lane, cx);
            return Ok(Taken::Stuck);
        }
        if !member.is_stored {
            let chain = member.verified.chain().encode();
            let stored = cx.store.put(&session, Shelf::Members, lane.author.as_bytes(), &chain);
            cx.stored(stored)?;
            member.is_stored = true;
        }
        let stored = cx.store.append(&session, StoredEntry { lane, seq: entry.seq, digest, frame });
        cx.stored(stored)?;
        self.lanes.insert(lane, verifier);
        Ok(Taken::Stored { next })
    }

    fn take_latest(&mut self, conn: ConnId, entry: &WireEntry, cx: &mut Context<'_>) -> Result<Flow, CloseCode> {
        let lane = entry.lane;
        let bearer = self.bearer(conn, lane.author)?;
        check(bearer != Bearer::Other, CloseCode::NoRight)?;
        let Some(rights) = self.rights_of(conn, lane.author)? else { return Ok(Flow::Continue) };
        check(rights.may_appear(), CloseCode::NoRight)?;
        check(entry.kind == KIND_PLAIN, CloseCode::Protocol)?;
        check(entry.as_bytes().len() <= PRESENCE_ENTRY_BYTES_MAX, CloseCode::Limit)?;
        let newest = self.latest.get(&lane.author).map(|latest| (latest.epoch, latest.seq));
        if newest.is_some_and(|newest| newest >= (lane.epoch, entry.seq)) {
            return Ok(Flow::Continue);
        }
        if bearer == Bearer::Host {
            let member = self.members.get(lane.author).ok_or(CloseCode::Protocol)?;
            let mut verifier = LaneVerifier::new(self.session, lane, member.verified.verify_key().clone());
            verifier.check(entry).map_err(|_| CloseCode::Protocol)?;
        }
        let frame = Frame::Entry(entry.as_bytes().clone()).encode();
        self.latest
            .insert(lane.author, Latest { epoch: lane.epoch, seq: entry.seq, frame, came: cx.now.mono, from: conn });
        for (other, seat) in &mut self.seats {
            if *other != conn && seat.author != lane.author && seat.rights.may_read() {
                seat.outbox.note_latest(lane.author);
            }
        }
        if self.seats.len() < CROWD_MEMBERS_MIN {
            self.pass_presence_on(cx);
        } else if !std::mem::replace(&mut self.is_gathering, true) {
            cx.gatherings.push_back((cx.now.mono.after_us(GATHER_US), self.session));
        }
        Ok(self.pace_bearer(conn, bearer, cx.now.mono, |member, now| member.latest.take(1, now)))
    }

    /// Lets everybody have the presence that is new to them.
    pub(in super::super) fn pass_presence_on(&mut self, cx: &mut Context<'_>) {
        self.is_gathering = false;
        for (conn, seat) in self.seats.iter_mut().filter(|(_, seat)| seat.outbox.has_latest()) {
            seat.outbox.list(*conn, cx.ready);
        }
    }

    fn take_live(&mut self, conn: ConnId, entry: &WireEntry, cx: &mut Context<'_>) -> Result<Flow, CloseCode> {
        let lane = entry.lane;
        self.check_from_host(conn, lane.author)?;
        let piece = Piece::parse(entry.kind).ok_or(CloseCode::Protocol)?;
        let frame = Frame::Entry(entry.as_bytes().clone()).encode();
        let ring = self.rings.entry(lane.channel).or_default();
        let before = ring.kept_bytes();
        let pushed = ring.push(lane, entry.seq, piece, frame);
        self.live_bytes = self.live_bytes + ring.kept_bytes() - before;
        let is_startable = ring.has_keyframe();
        let mut is_watched = false;
        for (other, seat) in &mut self.seats {
            if *other != conn && seat.outbox.watches(lane.channel) {
                is_watched = true;
                seat.outbox.list(*other, cx.ready);
            }
        }
        if self.live_bytes > cx.live_bytes_max {
            self.drop_fattest_ring();
        }
        if is_watched && pushed != Pushed::Stale && !is_startable {
            self.ask_for_keyframe(lane.channel, cx);
        }
        Ok(Flow::Continue)
    }

    /// Makes room when all terminals of a session together keep too much; watchers wait for the next keyframe.
    fn drop_fattest_ring(&mut self) {
        if let Some(ring) = self.rings.values_mut().max_by_key(|ring| ring.kept_bytes()) {
            self.live_bytes -= ring.kept_bytes();
            ring.clear();
        }
    }

    fn take_direct(&mut self, conn: ConnId, entry: &WireEntry, cx: &mut Context<'_>) -> Result<Flow, CloseCode> {
        if entry.lane.channel == Channel::TO_HOST {
            self.take_for_host(conn, entry, cx)
        } else {
            self.take_from_host(conn, entry, cx)
        }
    }

    fn take_for_host(&mut self, conn: ConnId, entry: &WireEntry, cx: &mut Context<'_>) -> Result<Flow, CloseCode> {
        let (author, host) = (entry.lane.author, self.log.host());
        let is_own = self.bearer(conn, author)? == Bearer::Author && host != Some(author);
        check(is_own, CloseCode::NoRight)?;
        let is_out = self.members.get(author).is_none_or(|member| member.admission == Admission::Out);
        let Some(rights) = self.recorded_rights_of(conn, author)?.filter(|_| !is_out) else {
            return Ok(Flow::Continue);
        };
        let needed = match entry.kind {
            1 | 2 => Rights::READ,
            KIND_INPUT => Rights::INPUT,
            _ => return Err(CloseCode::Protocol),
        };
        check(rights.contains(needed), CloseCode::NoRight)?;
        let bytes = entry.as_bytes().len() as u64;
        let queued = host.map_or(0, |host| self.deliver(host, entry, cx));
        // The host is slow, not this guest; but what it cannot take must not pile up here.
        check(queued <= DIRECT_QUEUE_BYTES_MAX, CloseCode::Busy)?;
        let now = cx.now.mono;
        let paced = self.pace(author, now, |member, now| member.direct.take(bytes, now));
        if queued > DIRECT_QUEUE_BYTES_HIGH && paced == Flow::Continue {
            return Ok(Flow::Pause { until: now.after_us(DIRECT_PAUSE_US) });
        }
        Ok(paced)
    }

    fn take_from_host(&mut self, conn: ConnId, entry: &WireEntry, cx: &mut Context<'_>) -> Result<Flow, CloseCode> {
        self.check_from_host(conn, entry.lane.author)?;
        check(entry.kind == KIND_PLAIN, CloseCode::Protocol)?;
        let addressee = entry.body().first_chunk().map(|bytes| AuthorId(*bytes)).ok_or(CloseCode::Protocol)?;
        if self.deliver(addressee, entry, cx) > DIRECT_QUEUE_BYTES_MAX {
            // One guest that does not read must not hold the host up.
            cx.cuts.extend(self.conns.get(&addressee).map(|conn| (*conn, CloseCode::TooSlow)));
        }
        Ok(Flow::Continue)
    }

    /// Queues a direct entry for one member, if it is here; returns the bytes that wait for it.
    fn deliver(&mut self, addressee: AuthorId, entry: &WireEntry, cx: &mut Context<'_>) -> usize {
        let Some(conn) = self.conns.get(&addressee) else { return 0 };
        let Some(seat) = self.seats.get_mut(conn) else { return 0 };
        if seat.outbox.direct_bytes() > DIRECT_QUEUE_BYTES_MAX {
            return seat.outbox.direct_bytes();
        }
        let frame = Frame::Entry(entry.as_bytes().clone()).encode();
        let queued = seat.outbox.push_direct(entry.lane.author, frame);
        seat.outbox.list(*conn, cx.ready);
        queued
    }

    /// Checks that an entry of a host's channel is the host's own and the host is admitted.
    fn check_from_host(&self, conn: ConnId, author: AuthorId) -> Result<(), CloseCode> {
        let is_own = self.bearer(conn, author)? == Bearer::Author && self.log.host() == Some(author);
        let is_admitted = self.members.get(author).is_some_and(|member| member.admission == Admission::In);
        check(is_own && is_admitted, CloseCode::NoRight)
    }

    /// Slows down who brings entries, not who wrote them: nobody can use up what another may send. A host that brings
    /// what it took elsewhere has slowed its author down there.
    fn pace_bearer(
        &mut self,
        conn: ConnId,
        bearer: Bearer,
        now: Mono,
        take: impl Fn(&mut Member, Mono) -> Option<Mono>,
    ) -> Flow {
        match self.seats.get(&conn).map(|seat| seat.author) {
            Some(author) if bearer != Bearer::Host => self.pace(author, now, take),
            _ => Flow::Continue,
        }
    }

    fn pace(&mut self, author: AuthorId, now: Mono, take: impl Fn(&mut Member, Mono) -> Option<Mono>) -> Flow {
        let until = self.members.get_mut(author).and_then(|member| take(member, now));
        until.map_or(Flow::Continue, |until| Flow::Pause { until })
    }
}

const fn check(holds: bool, code: CloseCode) -> Result<(), CloseCode> {
    if holds { Ok(()) } else { Err(code) }
}
