//! All connections of a node and the rooms they sit in.
//!
//! shell --open, hello, frame, close, timeout--> [`Hall`] --poll_ready, pop--> shell
//!
//! Always: a connection is in one phase, fresh → greeted → seated → closing, and takes a seat only after it has proven
//! who it is. PROTOCOL.md 9, 10.

mod handshake;
mod inquiry;
mod snoop;

use super::challenges::Challenges;
use super::guesses::{Guesses, Network};
use super::outbox::{Outbox, ReadyList, Turn};
use super::room::{Context, Gatherings, Room, Wanted};
use super::store::{MemoryStore, Store};
use super::{ConnId, Counters, Flow, HallLimits, HallStats, Popped};
use crate::proto::id::SessionId;
use crate::proto::limits::{
    HEARTBEAT_US, INQUIRIES_REFUSED_PER_MINUTE, MEMORY_STORE_BYTES_MAX, SHARE_GUESSES_PER_MINUTE, SILENCE_US_MAX,
    UNPROVEN_BYTES_MAX, UNPROVEN_US_MAX,
};
use crate::proto::time::{Mono, Now, Wall};
use crate::proto::wire::{CloseCode, Frame, Hello};
use bytes::Bytes;
use handshake::Greeting;
use std::collections::BTreeMap;

/// How often silence, expiry and idle rooms are looked at, in microseconds.
const TICK_US: u64 = 1_000_000;
/// How often the time is stored that a restarted node must not fall behind, in milliseconds.
const WALL_STORED_MS: u64 = 10_000;

/// To what it is rounded, in milliseconds: nothing against the tolerated skew.
const WALL_ROUNDED_MS: u64 = 1_000;

/// How far a connection has come.
#[derive(Debug)]
enum Phase {
    Fresh,
    Greeted(Box<Greeting>),
    Seated(SessionId),
    Closing(CloseCode),
}

#[derive(Debug)]
struct Conn {
    phase: Phase,
    opened: Mono,
    heard: Mono,
    pinged: Mono,
    unproven_bytes: usize,
    /// Where it comes from, if that is known.
    network: Option<Network>,
    /// Came when the node was full.
    is_surplus: bool,
    /// Used while the connection has no seat.
    outbox: Outbox,
}

/// All connections and rooms of one node.
#[derive(Debug)]
pub struct Hall {
    limits: HallLimits,
    seed: [u8; 32],
    greetings: u64,
    conns: BTreeMap<ConnId, Conn>,
    unproven: usize,
    rooms: BTreeMap<SessionId, Room>,
    store: Box<dyn Store>,
    ready: ReadyList,
    counters: Counters,
    tick: Option<Mono>,
    gatherings: Gatherings,
    guesses: Guesses,
    challenges: Challenges,
    /// Inquiries that were refused.
    refusals: Guesses,
    /// When something last happened. Wall time never goes back, whatever the clock does: what has expired stays so.
    now: Now,
}

impl Hall {
    /// Starts empty and keeps everything in memory; `seed` makes its nonces and must be random.
    #[must_use]
    pub fn new(limits: HallLimits, seed: [u8; 32]) -> Self {
        Self::with_store(limits, seed, Box::new(MemoryStore::new(MEMORY_STORE_BYTES_MAX)), Now::default())
    }

    /// Starts with the sessions that `store` holds.
    #[must_use]
    pub fn with_store(limits: HallLimits, seed: [u8; 32], store: Box<dyn Store>, now: Now) -> Self {
        let sessions = store.sessions();
        let mut hall = Self {
            limits,
            seed,
            greetings: 0,
            conns: BTreeMap::new(),
            unproven: 0,
            rooms: BTreeMap::new(),
            ready: ReadyList::new(),
            counters: Counters::default(),
            tick: (!sessions.is_empty()).then(|| now.mono.after_us(TICK_US)),
            gatherings: Gatherings::new(),
            guesses: Guesses::new(SHARE_GUESSES_PER_MINUTE),
            challenges: Challenges::new(&seed),
            refusals: Guesses::new(INQUIRIES_REFUSED_PER_MINUTE),
            now: Now { wall: now.wall.max(store.wall()), ..now },
            store,
        };
        let now = hall.now;
        for session in sessions {
            let room = hall.with_context(now, |_, cx| Room::restore(session, cx));
            hall.rooms.insert(session, room);
        }
        hall
    }

    /// Takes note of the time; returns it, with a wall time that is not behind any before.
    fn advance(&mut self, now: Now) -> Now {
        self.now = Now { wall: now.wall.max(self.now.wall), ..now };
        self.now
    }

    /// Stores the time, for a node that starts anew while its clock is behind: what was too late once stays so. Rounded
    /// up, so that the next moments need no writing.
    fn keep_time(&mut self, now: Now) {
        if now.wall > self.store.wall() {
            let wall = Wall(now.wall.0.next_multiple_of(WALL_ROUNDED_MS));
            let stored = self.store.put_wall(wall);
            self.counters.store_failures += u64::from(stored.is_err());
        }
    }

    /// Gives the store back, for a node that starts anew.
    #[must_use]
    pub fn into_store(self) -> Box<dyn Store> {
        self.store
    }

    /// Takes note of a new connection of which nobody knows where it comes from: one within a process, say.
    pub fn handle_open(&mut self, conn: ConnId, now: Now) {
        self.open(conn, None, now);
    }

    /// Takes note of a new connection from `network`, which has only so many guesses at names of shares.
    pub fn handle_open_from(&mut self, conn: ConnId, network: Network, now: Now) {
        self.open(conn, Some(network), now);
    }

    fn open(&mut self, conn: ConnId, network: Option<Network>, now: Now) {
        let now = self.advance(now);
        let mono = now.mono;
        let phase = Phase::Fresh;
        let is_surplus = self.conns.len() >= self.limits.connections_max;
        let outbox = Outbox::default();
        let (opened, unproven_bytes) = (mono, 0);
        let new = Conn { phase, opened, heard: mono, pinged: mono, unproven_bytes, network, is_surplus, outbox };
        self.conns.insert(conn, new);
        self.unproven += 1;
        self.tick.get_or_insert(mono.after_us(TICK_US));
        if self.unproven > self.limits.unproven_max {
            self.close(conn, CloseCode::Busy, now);
        }
    }

    /// Takes note of bytes that arrived, before they are cut into frames.
    ///
    /// Until it has proven possession a connection may send [`UNPROVEN_BYTES_MAX`] bytes in all.
    pub fn handle_received(&mut self, conn: ConnId, bytes: usize, now: Now) -> Flow {
        let now = self.advance(now);
        let Some(entry) = self.conns.get_mut(&conn) else { return Flow::Stop };
        entry.heard = now.mono;
        match entry.phase {
            Phase::Seated(session) => {
                if let Some(room) = self.rooms.get_mut(&session) {
                    room.note_received(bytes);
                }
                Flow::Continue
            }
            Phase::Closing(_) => Flow::Stop,
            Phase::Fresh | Phase::Greeted(_) => {
                entry.unproven_bytes = entry.unproven_bytes.saturating_add(bytes);
                if entry.unproven_bytes <= UNPROVEN_BYTES_MAX {
                    return Flow::Continue;
                }
                self.close(conn, CloseCode::Protocol, now);
                Flow::Stop
            }
        }
    }

    /// Takes HELLO; `exporter` is what the transport exports for its session id, if it can. PROTOCOL.md 10.
    pub fn handle_hello(&mut self, conn: ConnId, hello: Hello, exporter: Option<[u8; 32]>, now: Now) -> Flow {
        self.take(conn, now, |hall, now| hall.greet(conn, hello, exporter, now).map(|()| Flow::Continue))
    }

    /// Takes one frame. A HELLO that comes this way has no exporter.
    pub fn handle_frame(&mut self, conn: ConnId, frame: Frame, now: Now) -> Flow {
        self.take(conn, now, |hall, now| hall.dispatch(conn, frame, now))
    }

    /// Closes a connection whose bytes make no sense.
    pub fn handle_violation(&mut self, conn: ConnId, code: CloseCode, now: Now) {
        let now = self.advance(now);
        self.close(conn, code, now);
    }

    /// Forgets a connection that is gone.
    pub fn handle_close(&mut self, conn: ConnId, now: Now) {
        let now = self.advance(now);
        let Some(entry) = self.conns.remove(&conn) else { return };
        match entry.phase {
            Phase::Fresh | Phase::Greeted(_) => self.unproven -= 1,
            Phase::Seated(session) => {
                self.with_room(&session, now, |room, cx| room.leave(conn, cx));
            }
            Phase::Closing(_) => {}
        }
    }

    /// Tells every connection to go elsewhere.
    pub fn handle_shutdown(&mut self, now: Now) {
        let now = self.advance(now);
        for conn in self.conns.keys().copied().collect::<Vec<_>>() {
            self.close(conn, CloseCode::GoingAway, now);
        }
    }

    /// Returns when to call [`handle_timeout`](Self::handle_timeout), if ever.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.tick.into_iter().chain(self.gatherings.front().map(|(due, _)| *due)).min()
    }

    /// Looks for silence, expiry, and rooms that nobody needs any more.
    pub fn handle_timeout(&mut self, now: Now) {
        let now = self.advance(now);
        while let Some((_, session)) = self.gatherings.pop_front_if(|(due, _)| *due <= now.mono) {
            self.with_room(&session, now, Room::pass_presence_on);
        }
        if self.tick.is_none_or(|tick| now.mono < tick) {
            return;
        }
        if now.wall.since_ms(self.store.wall()) >= WALL_STORED_MS {
            self.keep_time(now);
        }
        self.check_silence(now);
        for session in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.with_room(&session, now, Room::handle_timeout);
            self.forget_idle_room(&session, now.mono);
        }
        let is_idle = self.conns.is_empty() && self.rooms.is_empty();
        self.tick = (!is_idle).then(|| now.mono.after_us(TICK_US));
    }

    /// Returns a connection that has something to pop, once for all that comes before it is popped.
    pub fn poll_ready(&mut self) -> Option<ConnId> {
        while let Some(conn) = self.ready.pop_front() {
            let Some(entry) = self.conns.get_mut(&conn) else { continue };
            match entry.phase {
                Phase::Seated(session) => {
                    if let Some(room) = self.rooms.get_mut(&session) {
                        room.claim(conn);
                    }
                }
                _ => entry.outbox.claim(),
            }
            return Some(conn);
        }
        None
    }

    /// Moves frames for `conn` to `out`, most urgent first, until they have `bytes_max` bytes or a little more.
    ///
    /// A turn may give nothing and still have more to come: ask [`Popped::has_more`], not `out`.
    pub fn pop(&mut self, conn: ConnId, bytes_max: usize, out: &mut Vec<Bytes>) -> Popped {
        let now = self.now;
        let frames_before = out.len();
        let mut turn = Turn::new(out, bytes_max);
        let Some(entry) = self.conns.get_mut(&conn) else { return Popped { close: None, has_more: false } };
        let popped = match entry.phase {
            Phase::Seated(session) => {
                let has_more = self.with_room(&session, now, |room, cx| room.pop(conn, &mut turn, cx));
                Popped { close: None, has_more: has_more.unwrap_or(false) }
            }
            _ => {
                let close = entry.outbox.pop_control(&mut turn);
                Popped { close, has_more: entry.outbox.settle(conn, None, &mut self.ready) }
            }
        };
        self.counters.bytes_out += turn.bytes as u64;
        self.counters.frames_out += out.len().saturating_sub(frames_before) as u64;
        popped
    }

    /// Returns how many records of a session's auth log this node has.
    #[must_use]
    pub fn records(&self, session: &SessionId) -> u64 {
        self.rooms.get(session).map_or(0, |room| room.log_frames().len() as u64)
    }

    /// Returns the figures of this node.
    #[must_use]
    pub fn stats(&self) -> HallStats {
        let Counters { frames_in, frames_out, bytes_out, frames_skipped, closed, store_failures } = self.counters;
        HallStats {
            connections: self.conns.len(),
            members: self.rooms.values().map(Room::seats).sum(),
            sessions: self.rooms.len(),
            bytes_stored: self.store.total_bytes(),
            bytes_live: self.rooms.values().map(Room::live_bytes).sum(),
            frames_in,
            frames_out,
            bytes_out,
            frames_skipped,
            closed,
            store_failures,
        }
    }

    /// Runs one step of a connection and closes it if the step fails.
    fn take(&mut self, conn: ConnId, now: Now, step: impl FnOnce(&mut Self, Now) -> Result<Flow, CloseCode>) -> Flow {
        let now = self.advance(now);
        let Some(entry) = self.conns.get_mut(&conn) else { return Flow::Stop };
        if matches!(entry.phase, Phase::Closing(_)) {
            return Flow::Stop;
        }
        entry.heard = now.mono;
        self.counters.frames_in += 1;
        let flow = match step(self, now) {
            Ok(flow) => flow,
            Err(code) => {
                self.close(conn, code, now);
                Flow::Stop
            }
        };
        // A log record can cut off its own sender.
        let is_closing = self.conns.get(&conn).is_none_or(|entry| matches!(entry.phase, Phase::Closing(_)));
        if is_closing { Flow::Stop } else { flow }
    }

    fn dispatch(&mut self, conn: ConnId, frame: Frame, now: Now) -> Result<Flow, CloseCode> {
        let session = match (self.conns.get(&conn).map(|entry| &entry.phase), frame) {
            (_, Frame::Unknown { .. } | Frame::Pong(_)) => return Ok(Flow::Continue),
            (_, Frame::Close(_)) => return Err(CloseCode::Bye),
            (Some(Phase::Seated(session)), frame) => (*session, frame),
            (Some(Phase::Fresh), Frame::Hello(hello)) => {
                return self.greet(conn, hello, None, now).map(|()| Flow::Continue);
            }
            (Some(Phase::Greeted(_)), Frame::Auth(auth)) => {
                return self.seat(conn, &auth, now).map(|()| Flow::Continue);
            }
            _ => return Err(CloseCode::Protocol),
        };
        let (session, frame) = session;
        let handled = self.with_room(&session, now, |room, cx| dispatch_seated(room, conn, frame, cx));
        handled.unwrap_or(Err(CloseCode::Protocol))
    }

    /// Runs `work` on a room, then closes the connections that it cut off.
    fn with_room<T>(
        &mut self,
        session: &SessionId,
        now: Now,
        work: impl FnOnce(&mut Room, &mut Context<'_>) -> T,
    ) -> Option<T> {
        self.with_context(now, |rooms, cx| rooms.get_mut(session).map(|room| work(room, cx)))
    }

    /// Lends out what rooms work with, then closes the connections that were cut off.
    fn with_context<T>(
        &mut self,
        now: Now,
        work: impl FnOnce(&mut BTreeMap<SessionId, Room>, &mut Context<'_>) -> T,
    ) -> T {
        let mut cuts = Vec::new();
        let mut cx = Context {
            store: self.store.as_mut(),
            ready: &mut self.ready,
            counters: &mut self.counters,
            cuts: &mut cuts,
            gatherings: &mut self.gatherings,
            live_bytes_max: self.limits.live_bytes_max,
            durable_bytes_max: self.limits.durable_bytes_max,
            now,
        };
        let result = work(&mut self.rooms, &mut cx);
        for (conn, code) in cuts {
            self.close(conn, code, now);
        }
        result
    }

    /// Takes a connection's seat away and lets it know why; what it was promised before is still delivered.
    fn close(&mut self, conn: ConnId, code: CloseCode, now: Now) {
        if code == CloseCode::Expired {
            self.keep_time(now);
        }
        let Some(entry) = self.conns.get_mut(&conn) else { return };
        let session = match std::mem::replace(&mut entry.phase, Phase::Closing(code)) {
            Phase::Closing(first) => {
                entry.phase = Phase::Closing(first);
                return;
            }
            Phase::Seated(session) => Some(session),
            Phase::Fresh | Phase::Greeted(_) => {
                self.unproven -= 1;
                None
            }
        };
        let left = session.and_then(|session| self.with_room(&session, now, |room, cx| room.leave(conn, cx)).flatten());
        self.part(conn, left, code);
    }

    /// Queues CLOSE behind what `left`, the outbox of a seat, still has in order.
    fn part(&mut self, conn: ConnId, left: Option<Outbox>, code: CloseCode) {
        let Some(entry) = self.conns.get_mut(&conn) else { return };
        if let Some(outbox) = left {
            entry.outbox = outbox;
        }
        entry.phase = Phase::Closing(code);
        entry.outbox.close(code);
        entry.outbox.list(conn, &mut self.ready);
        self.counters.closed += 1;
    }

    fn check_silence(&mut self, now: Now) {
        let mut late = Vec::new();
        let mut quiet = Vec::new();
        for (conn, entry) in &mut self.conns {
            let is_unproven = match entry.phase {
                Phase::Closing(_) => continue,
                Phase::Fresh | Phase::Greeted(_) => true,
                Phase::Seated(_) => false,
            };
            let silence_us = now.mono.since_us(entry.heard);
            if silence_us >= SILENCE_US_MAX || is_unproven && now.mono.since_us(entry.opened) >= UNPROVEN_US_MAX {
                late.push(*conn);
            } else if silence_us >= HEARTBEAT_US && now.mono.since_us(entry.pinged) >= HEARTBEAT_US {
                entry.pinged = now.mono;
                quiet.push(*conn);
            }
        }
        late.into_iter().for_each(|conn| self.close(conn, CloseCode::TooSlow, now));
        quiet.into_iter().for_each(|conn| self.ping(conn, now));
    }

    fn ping(&mut self, conn: ConnId, now: Now) {
        let frame = Frame::Ping(now.mono.0.to_le_bytes()).encode();
        if let Some(Phase::Seated(session)) = self.conns.get(&conn).map(|entry| &entry.phase) {
            let session = *session;
            self.with_room(&session, now, |room, cx| room.push_control(conn, frame, cx));
        }
    }

    fn forget_idle_room(&mut self, session: &SessionId, now: Mono) {
        let Some(room) = self.rooms.get(session) else { return };
        let is_over = room.ended_at().is_some_and(|ended| now.since_us(ended) >= self.limits.ended_us_max);
        let is_idle = room.empty_since().is_some_and(|empty| now.since_us(empty) >= self.limits.idle_us_max);
        if is_over || is_idle || room.is_stillborn() {
            self.rooms.remove(session);
            // A medium that fails to forget keeps more than it must; nothing depends on it.
            let _ = self.store.remove(session);
        }
    }
}

/// Hands a frame to the room of a seated connection.
fn dispatch_seated(room: &mut Room, conn: ConnId, frame: Frame, cx: &mut Context<'_>) -> Result<Flow, CloseCode> {
    match frame {
        Frame::Member(_) | Frame::Wrap(_) | Frame::Share(_) | Frame::Proof(_) if room.is_waiting(conn) => {}
        Frame::Entry(raw) => return room.handle_entry(conn, raw, cx),
        Frame::Ping(echo) => room.handle_ping(conn, echo, cx),
        Frame::Log(raw) => room.handle_log(conn, raw, cx)?,
        Frame::Wrap(raw) => room.handle_wrap(conn, &raw, cx)?,
        Frame::Share(passed_on) => return room.handle_share(conn, passed_on, cx),
        Frame::Proof(raw) => room.handle_proof(conn, &raw, cx)?,
        Frame::Member(raw) => return room.handle_member(conn, &raw, cx.now.mono),
        Frame::Have(have) => room.handle_have(conn, &have, cx)?,
        Frame::Watch(channel) => room.handle_watch(conn, channel, Wanted::Yes, cx)?,
        Frame::Unwatch(channel) => room.handle_watch(conn, channel, Wanted::No, cx)?,
        _ => return Err(CloseCode::Protocol),
    }
    Ok(Flow::Continue)
}
