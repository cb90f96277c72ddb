//! Members and one relay, joined by wires on which frames wait until somebody lets them through.
//!
//! Within a wire the order stays; between wires it is whatever the steps make of it. Time stands still unless told to go
//! on, and goes from one timer to the next.

use super::disk::Disk;
use super::member::Member;
use super::model::Model;
use cahoots::proto::relay::{ConnId, Flow, Hall, HallLimits};
use cahoots::proto::session::{LinkId, Peer};
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::wire::{Frame, FrameDecoder};
use std::collections::{BTreeMap, VecDeque};

const START: Now = Now { mono: Mono(1_000_000), wall: Wall(1_767_225_600_000) };
/// How long after a lost connection the next is tried, in microseconds.
const REDIAL_US: u64 = 500_000;
/// Frames of one turn of the relay, in bytes: little, so that steps can come between.
const HELPING_BYTES: usize = 2_048;
/// Entries that the relay could play to a member again.
const REPLAYS_MAX: usize = 64;

/// Which way frames go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    ToRelay,
    FromRelay,
}

/// One connection, and what is on its way.
#[derive(Debug, Default)]
struct Wire {
    member: usize,
    up: VecDeque<Frame>,
    up_ends: bool,
    down: VecDeque<Frame>,
    down_ends: bool,
    /// A pause of the relay: its member writes faster than it may.
    paused_until: Option<Mono>,
}

/// Everybody.
pub(crate) struct Wires {
    hall: Hall,
    pub(crate) disk: Disk,
    pub(crate) now: Now,
    pub(crate) members: Vec<Member>,
    pub(crate) model: Model,
    wires: BTreeMap<u64, Wire>,
    wires_ever: u64,
    /// Entries that went to somebody, for a relay that plays them again.
    played: VecDeque<(usize, Frame)>,
}

impl Wires {
    /// Starts with the host, connected.
    pub(crate) fn new() -> Self {
        let disk = Disk::new();
        let host = Peer::host([1; 32], [2; 32], START).unwrap();
        let mut wires = Self {
            hall: hall_on(&disk, START),
            disk,
            now: START,
            members: Vec::new(),
            model: Model::default(),
            wires: BTreeMap::new(),
            wires_ever: 0,
            played: VecDeque::new(),
        };
        wires.add(host, 0);
        wires
    }

    pub(crate) fn add(&mut self, peer: Peer, skew_ms: i64) -> usize {
        let index = self.members.len();
        let mut member = Member::new(index, peer, skew_ms);
        member.dial_at = self.now.mono;
        self.members.push(member);
        index
    }

    /// Returns the time by a member's clock.
    pub(crate) fn now_of(&self, who: usize) -> Now {
        self.members[who].now(self.now)
    }

    /// Calls a verb of a member; what it makes waits to be let through.
    pub(crate) fn tell<T>(&mut self, who: usize, verb: impl FnOnce(&mut Peer, Now) -> T) -> T {
        self.hear(who);
        let now = self.now_of(who);
        let result = verb(&mut self.members[who].peer, now);
        self.collect(who);
        result
    }

    /// Takes a member's events.
    pub(crate) fn hear(&mut self, who: usize) {
        self.members[who].take_events(&mut self.model);
    }

    /// Puts on the wire what a member wants to send.
    fn collect(&mut self, who: usize) {
        if let Some(link) = self.members[who].conn
            && let Some(wire) = self.wires.get_mut(&link.0)
        {
            let mut out = Vec::new();
            wire.up_ends |= self.members[who].peer.pop(link, usize::MAX, &mut out).close;
            wire.up.extend(decode(&out));
        }
        self.hear(who);
    }

    /// Dials for everybody who is not connected and would like to be.
    fn dial(&mut self) {
        for who in 0..self.members.len() {
            let (id, now) = (self.wires_ever, self.now_of(who));
            let member = &mut self.members[who];
            let wants = member.is_online && member.ended.is_none() && member.conn.is_none();
            if !wants || member.dial_at > now.mono {
                continue;
            }
            member.conn = Some(LinkId(id));
            member.peer.handle_link_open(LinkId(id), Some(exporter(id)), now);
            member.peer.name_link(LinkId(id), [7; 32]);
            self.wires_ever += 1;
            self.wires.insert(id, Wire { member: who, ..Wire::default() });
            self.hall.handle_open(ConnId(id), self.now);
            self.collect(who);
        }
    }

    /// Breaks a wire; what was on its way is lost.
    fn drop_wire(&mut self, id: u64) {
        let Some(wire) = self.wires.remove(&id) else { return };
        let (now, member) = (self.now_of(wire.member), &mut self.members[wire.member]);
        member.conn = None;
        member.dial_at = now.mono.after_us(REDIAL_US);
        member.peer.handle_link_close(LinkId(id), now);
        self.hall.handle_close(ConnId(id), self.now);
        self.hear(wire.member);
    }

    /// Breaks a member's connection; `stays_away` unless somebody opens the laptop again.
    pub(crate) fn cut(&mut self, who: usize, stays_away: bool) {
        self.members[who].is_online &= !stays_away;
        if let Some(LinkId(id)) = self.members[who].conn {
            self.drop_wire(id);
        }
    }

    /// Starts the relay anew, with what it kept.
    pub(crate) fn restart(&mut self) {
        self.restart_from(self.disk.clone());
    }

    /// Starts the relay anew with less than it had confirmed.
    pub(crate) fn restart_with_loss(&mut self, disk: Disk) {
        self.model.has_lost = true;
        self.restart_from(disk);
    }

    fn restart_from(&mut self, disk: Disk) {
        self.disk = disk;
        self.hall = hall_on(&self.disk, self.now);
        for id in self.wires.keys().copied().collect::<Vec<_>>() {
            self.drop_wire(id);
        }
    }

    /// Plays an entry to its addressee again, now that it is old.
    pub(crate) fn replay(&mut self, pick: usize) {
        if self.played.is_empty() {
            return;
        }
        let (who, frame) = self.played[pick % self.played.len()].clone();
        if let Some(link) = self.members[who].conn.filter(|_| self.members[who].peer.is_linked()) {
            let now = self.now_of(who);
            self.members[who].peer.handle_frame(link, frame, now);
            self.collect(who);
        }
    }

    /// Lets at most `frames` through on one of the wires; tells whether there were any.
    pub(crate) fn deliver(&mut self, pick: usize, way: Way, frames: usize) -> bool {
        let Some(id) = self.wires.keys().nth(pick % self.wires.len().max(1)).copied() else { return false };
        match way {
            Way::ToRelay => self.deliver_up(id, frames),
            Way::FromRelay => self.deliver_down(id, frames),
        }
    }

    fn deliver_up(&mut self, id: u64, frames: usize) -> bool {
        let mut moved = false;
        for _ in 0..frames {
            let Some(wire) = self.wires.get_mut(&id) else { return moved };
            if wire.paused_until.is_some_and(|until| self.now.mono < until) {
                return moved;
            }
            let Some(frame) = wire.up.pop_front() else { break };
            moved = true;
            let (conn, now) = (ConnId(id), self.now);
            let read = self.hall.handle_received(conn, frame.encode().len(), now);
            let flow = match frame {
                _ if read == Flow::Stop => Flow::Stop,
                Frame::Hello(hello) => self.hall.handle_hello(conn, hello, Some(exporter(id)), now),
                frame => self.hall.handle_frame(conn, frame, now),
            };
            if let (Flow::Pause { until }, Some(wire)) = (flow, self.wires.get_mut(&id)) {
                wire.paused_until = Some(until);
            }
            self.check_gone();
        }
        if self.wires.get(&id).is_some_and(|wire| wire.up_ends && wire.up.is_empty()) {
            self.drop_wire(id);
            moved = true;
        }
        moved
    }

    fn deliver_down(&mut self, id: u64, frames: usize) -> bool {
        let Some(wire) = self.wires.get_mut(&id) else { return false };
        let who = wire.member;
        let mut moved = false;
        for _ in 0..frames {
            let Some(wire) = self.wires.get_mut(&id) else { return moved };
            if wire.down.is_empty() && !wire.down_ends {
                let mut out = Vec::new();
                let popped = self.hall.pop(ConnId(id), HELPING_BYTES, &mut out);
                wire.down_ends = popped.close.is_some();
                wire.down.extend(decode(&out));
                moved |= popped.has_more;
            }
            let Some(frame) = wire.down.pop_front() else { break };
            moved = true;
            self.note_delivered(who, &frame);
            let now = self.now_of(who);
            self.members[who].peer.handle_frame(LinkId(id), frame, now);
            self.collect(who);
        }
        if self.wires.get(&id).is_some_and(|wire| wire.down_ends && wire.down.is_empty()) {
            self.drop_wire(id);
            moved = true;
        }
        moved
    }

    /// P23, as far as a store in memory goes: what is acknowledged is stored, or was and is covered or cut off since.
    fn note_delivered(&mut self, who: usize, frame: &Frame) {
        match frame {
            Frame::Ack(ack) if !self.model.has_lost => {
                let stored = self.disk.stored(&ack.lane);
                assert!(stored >= ack.next, "{:?} is acknowledged up to {}, stored up to {stored}", ack.lane, ack.next);
            }
            Frame::Entry(_) => {
                self.played.push_back((who, frame.clone()));
                if self.played.len() > REPLAYS_MAX {
                    self.played.pop_front();
                }
            }
            _ => {}
        }
    }

    /// Lets everything through until nobody has anything to say.
    pub(crate) fn flush(&mut self) {
        self.dial();
        let mut turns = 0;
        loop {
            let mut moved = false;
            for id in self.wires.keys().copied().collect::<Vec<_>>() {
                moved |= self.deliver_up(id, usize::MAX);
                moved |= self.deliver_down(id, usize::MAX);
            }
            if !moved {
                return;
            }
            turns += 1;
            assert!(turns < 1_000, "the wires never fall quiet");
        }
    }

    /// Goes on to the next timer of anybody, but no further than `until`; wakes everybody.
    pub(crate) fn step(&mut self, until: Mono) {
        let peers = self.members.iter().filter_map(|member| member.peer.poll_timeout());
        let wants = |member: &&Member| member.is_online && member.conn.is_none() && member.ended.is_none();
        let dials = self.members.iter().filter(wants).map(|member| member.dial_at);
        let pauses = self.wires.values().filter_map(|wire| wire.paused_until);
        let hall = self.hall.poll_timeout();
        let next = peers.chain(dials).chain(pauses).chain(hall).filter(|at| *at > self.now.mono).min();
        let at = next.unwrap_or(until).min(until);
        self.let_pass(at.since_us(self.now.mono).max(1_000));
    }

    /// Lets time pass at once, as if everybody had slept.
    pub(crate) fn let_pass(&mut self, us: u64) {
        let mono = self.now.mono.after_us(us);
        self.now = Now { mono, wall: START.wall.after_ms(mono.since_us(START.mono) / 1_000 + self.jumped_ms()) };
        self.wake();
    }

    /// Puts all clocks of the day forward, but no timer.
    pub(crate) fn jump(&mut self, ms: u64) {
        self.now.wall = self.now.wall.after_ms(ms);
        self.wake();
    }

    const fn jumped_ms(&self) -> u64 {
        self.now.wall.since_ms(START.wall) - self.now.mono.since_us(START.mono) / 1_000
    }

    fn wake(&mut self) {
        for who in 0..self.members.len() {
            let now = self.now_of(who);
            self.members[who].peer.handle_timeout(now);
            self.collect(who);
        }
        self.hall.handle_timeout(self.now);
        self.check_gone();
        self.dial();
    }
}

fn hall_on(disk: &Disk, now: Now) -> Hall {
    Hall::with_store(HallLimits::default(), [9; 32], Box::new(disk.clone()), now)
}

fn decode(frames: &[bytes::Bytes]) -> Vec<Frame> {
    let mut decoder = FrameDecoder::new();
    frames.iter().for_each(|frame| decoder.push(frame));
    std::iter::from_fn(|| decoder.next_frame().unwrap()).collect()
}

/// What TLS would export for a connection.
fn exporter(id: u64) -> [u8; 32] {
    *blake3::hash(&id.to_le_bytes()).as_bytes()
}
