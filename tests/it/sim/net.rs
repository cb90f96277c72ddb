//! The simulated network: who is there, what connects them, and one heap of what happens when.
//!
//! Always: everything happens in the order of (time, order of planning), and what is delivered goes into the trace
//! hash; nothing in here reads a clock or any chance but its own dice.

use super::dice::Dice;
use super::liar::Liar;
use super::member::Member;
use super::model::Model;
use super::pipe::{Load, Pipe, Weather};
use bytes::Bytes;
use cahoots::proto::relay::{ConnId, Flow, Hall, HallLimits};
use cahoots::proto::session::{Event, LinkId};
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::wire::{CloseCode, Frame, FrameDecoder};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// 2026-01-01, when the protocol was fixed.
const WALL_START_MS: u64 = 1_767_225_600_000;
/// How often a timer may be due again without time passing before it counts as spinning.
const SPINS_MAX: u32 = 64;
/// First and longest wait before dialling again, in microseconds.
const BACKOFF_US: (u64, u64) = (250_000, 10_000_000);

/// Whether to tell what happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verbose {
    Yes,
    No,
}

/// One direction of a wire.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Way {
    /// From peer to hall.
    Up,
    /// From hall to peer.
    Down,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Happening {
    /// Something may have arrived.
    Arrive(u64, Way),
    /// There may be room to send.
    Pump(u64, Way),
    PeerTimer(usize),
    HallTimer(usize),
    Dial(usize, usize),
    WakeUp(usize),
    /// The peer notices that its stream is gone.
    Lost(u64),
}

/// A relay, or the one that the host embeds.
pub(crate) struct Node {
    pub(crate) hall: Hall,
    pub(crate) liar: Option<Liar>,
    seed: u64,
    timer_at_us: Option<u64>,
    spins: u32,
    spun_at_us: u64,
}

/// One connection between a peer's link and a hall.
pub(crate) struct Wire {
    pub(crate) peer: usize,
    pub(crate) hall: usize,
    link: LinkId,
    conn: ConnId,
    exporter: Option<[u8; 32]>,
    up: Pipe,
    down: Pipe,
    up_decoder: FrameDecoder,
    down_decoder: FrameDecoder,
    peer_is_gone: bool,
    hall_is_gone: bool,
    peer_is_deaf: bool,
    hall_is_deaf: bool,
    paused_until_us: u64,
}

impl Wire {
    pub(crate) fn pipe(&mut self, way: Way) -> &mut Pipe {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

/// Everything.
pub(crate) struct World {
    pub(crate) now_us: u64,
    pub(crate) members: Vec<Member>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) model: Model,
    pub(crate) dice: Dice,
    pub(crate) verbose: Verbose,
    wires: BTreeMap<u64, Wire>,
    wires_ever: u64,
    heap: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    planned: u64,
    /// Paths on which nothing gets through, until when.
    blocked: BTreeMap<(usize, usize), u64>,
    /// The weather of the path between a peer and a hall.
    pub(crate) weather: BTreeMap<(usize, usize), Weather>,
    trace: blake3::Hasher,
}

impl World {
    pub(crate) fn new(seed: u64, verbose: Verbose) -> Self {
        Self {
            now_us: 0,
            members: Vec::new(),
            nodes: Vec::new(),
            model: Model::default(),
            dice: Dice::new(seed, "world"),
            verbose,
            wires: BTreeMap::new(),
            wires_ever: 0,
            heap: BinaryHeap::new(),
            planned: 0,
            blocked: BTreeMap::new(),
            weather: BTreeMap::new(),
            trace: blake3::Hasher::new(),
        }
    }

    pub(crate) fn trace(&self) -> blake3::Hash {
        self.trace.finalize()
    }

    pub(crate) fn tell(&self, text: impl FnOnce() -> String) {
        if self.verbose == Verbose::Yes {
            println!("{:>12.6} {}", self.now_us as f64 / 1e6, text());
        }
    }

    /// Returns the clocks of a machine: each has its own origin, and members' walls are wrong by their skew.
    fn clocks(&self, origin_us: u64, skew_ms: i64) -> Now {
        let wall = (WALL_START_MS + self.now_us / 1_000).saturating_add_signed(skew_ms);
        Now { mono: Mono(origin_us + self.now_us), wall: Wall(wall) }
    }

    pub(crate) fn now_of(&self, member: usize) -> Now {
        let member = &self.members[member];
        self.clocks(member.origin_us, member.skew_ms)
    }

    /// Returns the clocks of a member to be, whose monotonic clock starts at 0.
    pub(crate) fn clock_of_host(&self, skew_ms: i64) -> Now {
        self.clocks(0, skew_ms)
    }

    fn now_of_hall(&self, hall: usize) -> Now {
        self.clocks(1_000_000_000 * hall as u64, 0)
    }

    fn plan(&mut self, at_us: u64, happening: Happening) {
        self.planned += 1;
        self.heap.push(Reverse((at_us.max(self.now_us), self.planned, happening)));
    }

    pub(crate) fn add_hall(&mut self, seed: u64) {
        let hall = Hall::new(HallLimits::default(), Dice::new(seed, "hall").array());
        self.nodes.push(Node { hall, liar: None, seed, timer_at_us: None, spins: 0, spun_at_us: 0 });
    }

    /// Starts to keep a member connected to the halls it dials.
    pub(crate) fn start(&mut self, member: usize) {
        for hall in self.members[member].halls.clone() {
            self.plan(self.now_us, Happening::Dial(member, hall));
        }
        self.settle_peer(member);
    }

    /// Runs until `until_us`.
    pub(crate) fn run_until(&mut self, until_us: u64) {
        while let Some(Reverse((at_us, _, _))) = self.heap.peek()
            && *at_us <= until_us
        {
            let Some(Reverse((at_us, _, happening))) = self.heap.pop() else { break };
            self.now_us = self.now_us.max(at_us);
            self.happen(happening);
        }
        self.now_us = self.now_us.max(until_us);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrive(wire, Way::Up) => self.arrive_up(wire),
            Happening::Arrive(wire, Way::Down) => self.arrive_down(wire),
            Happening::Pump(wire, Way::Up) => self.pump_up(wire),
            Happening::Pump(wire, Way::Down) => self.pump_down(wire),
            Happening::PeerTimer(member) => self.peer_timer(member),
            Happening::HallTimer(hall) => self.hall_timer(hall),
            Happening::Dial(member, hall) => self.dial(member, hall),
            Happening::WakeUp(member) => self.wake_up(member),
            Happening::Lost(wire) => self.lose_at_peer(wire),
        }
    }

    // ---- dialling

    fn dial(&mut self, member: usize, hall: usize) {
        let state = &self.members[member];
        let is_linked = self.wires.values().any(|wire| wire.peer == member && wire.hall == hall && !wire.peer_is_gone);
        if is_linked || state.has_left || state.peer.ended().is_some() {
            return;
        }
        if state.is_asleep(self.now_us) {
            return;
        }
        if self.is_blocked(member, hall) {
            return self.plan(self.now_us + 3_000_000, Happening::Dial(member, hall));
        }
        let (id, weather) = (self.wires_ever, self.weather.get(&(member, hall)).copied().unwrap_or(Weather::FINE));
        self.wires_ever += 1;
        let (link, conn) = (LinkId(id), ConnId(id));
        let exporter = self.dice.chance(80).then(|| self.dice.array());
        let wire = Wire {
            peer: member,
            hall,
            link,
            conn,
            exporter,
            up: Pipe::new(weather),
            down: Pipe::new(weather),
            up_decoder: FrameDecoder::new(),
            down_decoder: FrameDecoder::new(),
            peer_is_gone: false,
            hall_is_gone: false,
            peer_is_deaf: false,
            hall_is_deaf: false,
            paused_until_us: 0,
        };
        self.tell(|| format!("member {member} dials hall {hall}: wire {id}, {weather:?}"));
        self.wires.insert(id, wire);
        self.members[member].wires.insert(link, id);
        let now = self.now_of_hall(hall);
        self.nodes[hall].hall.handle_open(conn, now);
        let now = self.now_of(member);
        self.members[member].peer.handle_link_open(link, exporter, now);
        self.settle_hall(hall);
        self.settle_peer(member);
    }

    fn dial_later(&mut self, member: usize, hall: usize) {
        let backoff_us = self.members[member].backoff_us.entry(hall).or_insert(BACKOFF_US.0);
        let wait_us = *backoff_us;
        *backoff_us = (wait_us * 2).min(BACKOFF_US.1);
        let wait_us = wait_us + self.dice.below(wait_us / 2 + 1);
        self.plan(self.now_us + wait_us, Happening::Dial(member, hall));
    }

    // ---- arrivals

    fn note_delivery(&mut self, wire: u64, way: Way, piece: &[u8]) {
        self.trace.update(&self.now_us.to_le_bytes());
        self.trace.update(&wire.to_le_bytes());
        self.trace.update(&[way as u8]);
        self.trace.update(blake3::hash(piece).as_bytes());
    }

    fn arrive_up(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if wire.paused_until_us > now_us {
            let at_us = wire.paused_until_us;
            return self.plan(at_us, Happening::Arrive(id, Way::Up));
        }
        let (hall, conn, is_deaf) = (wire.hall, wire.conn, wire.hall_is_gone || wire.hall_is_deaf);
        if !self.read_at_hall(id) {
            return;
        }
        let Some(load) = self.wires.get_mut(&id).and_then(|wire| wire.up.arrived(now_us)) else { return };
        let now = self.now_of_hall(hall);
        match load {
            Load::Bytes(piece) => {
                self.note_delivery(id, Way::Up, &piece);
                if !is_deaf {
                    let flow = self.nodes[hall].hall.handle_received(conn, piece.len(), now);
                    let wire = self.wires.get_mut(&id).unwrap();
                    wire.hall_is_deaf |= flow == Flow::Stop;
                    wire.up_decoder.push(&piece);
                    self.read_at_hall(id);
                }
                self.settle_hall(hall);
            }
            Load::End => {
                self.nodes[hall].hall.handle_close(conn, now);
                self.wires.get_mut(&id).unwrap().hall_is_gone = true;
                self.settle_hall(hall);
                self.forget_if_gone(id);
            }
        }
        self.after_arrival(id, Way::Up);
    }

    /// Hands whole frames to the hall; false if it does not want to read on now.
    fn read_at_hall(&mut self, id: u64) -> bool {
        loop {
            let Some(wire) = self.wires.get_mut(&id) else { return false };
            if wire.hall_is_gone || wire.hall_is_deaf {
                return true;
            }
            let (hall, conn, exporter) = (wire.hall, wire.conn, wire.exporter);
            let frame = wire.up_decoder.next_frame();
            let now = self.now_of_hall(hall);
            let machine = &mut self.nodes[hall].hall;
            let flow = match frame {
                Ok(None) => return true,
                Ok(Some(Frame::Hello(hello))) => machine.handle_hello(conn, hello, exporter, now),
                Ok(Some(frame)) => machine.handle_frame(conn, frame, now),
                Err(_) => {
                    machine.handle_violation(conn, CloseCode::Protocol, now);
                    Flow::Stop
                }
            };
            match flow {
                Flow::Continue => {}
                Flow::Stop => self.wires.get_mut(&id).unwrap().hall_is_deaf = true,
                Flow::Pause { until } => {
                    let until_us = until.0 - 1_000_000_000 * hall as u64;
                    self.wires.get_mut(&id).unwrap().paused_until_us = until_us;
                    self.plan(until_us, Happening::Arrive(id, Way::Up));
                    self.settle_hall(hall);
                    return false;
                }
            }
        }
    }

    fn arrive_down(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let (member, link) = (wire.peer, wire.link);
        if self.members[member].is_asleep(now_us) {
            return;
        }
        let Some(load) = wire.down.arrived(now_us) else { return };
        let now = self.now_of(member);
        match load {
            Load::Bytes(piece) => {
                self.note_delivery(id, Way::Down, &piece);
                let Some(wire) = self.wires.get_mut(&id) else { return };
                wire.down_decoder.push(&piece);
                while !wire.peer_is_gone && !wire.peer_is_deaf {
                    match wire.down_decoder.next_frame() {
                        Ok(Some(frame)) => self.members[member].peer.handle_frame(link, frame, now),
                        Ok(None) => break,
                        Err(_) => {
                            wire.peer_is_deaf = true;
                            self.members[member].peer.close_link(link, CloseCode::Protocol);
                        }
                    }
                }
                self.settle_peer(member);
            }
            Load::End => self.lose_at_peer(id),
        }
        self.after_arrival(id, Way::Down);
    }

    fn after_arrival(&mut self, id: u64, way: Way) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if let Some(next_us) = wire.pipe(way).next_us() {
            self.plan(next_us, Happening::Arrive(id, way));
        }
        // The reader has read, so the writer may have room.
        self.plan(self.now_us, Happening::Pump(id, way));
    }

    fn lose_at_peer(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if wire.peer_is_gone {
            return;
        }
        let (member, hall, link) = (wire.peer, wire.hall, wire.link);
        if self.members[member].is_asleep(self.now_us) {
            let at_us = self.members[member].asleep_until_us;
            return self.plan(at_us, Happening::Lost(id));
        }
        wire.peer_is_gone = true;
        self.tell(|| format!("member {member} loses wire {id}"));
        let now = self.now_of(member);
        self.members[member].peer.handle_link_close(link, now);
        self.members[member].wires.remove(&link);
        self.settle_peer(member);
        self.dial_later(member, hall);
        self.forget_if_gone(id);
    }

    fn forget_if_gone(&mut self, id: u64) {
        if self.wires.get(&id).is_some_and(|wire| wire.peer_is_gone && wire.hall_is_gone) {
            self.wires.remove(&id);
        }
    }

    // ---- sending

    fn pump_up(&mut self, id: u64) {
        loop {
            let Some(wire) = self.wires.get_mut(&id) else { return };
            let (member, hall, link) = (wire.peer, wire.hall, wire.link);
            if wire.peer_is_gone || self.members[member].is_asleep(self.now_us) {
                return;
            }
            match wire.up.room_at() {
                None => return,
                Some(at_us) if at_us > self.now_us => return self.plan(at_us, Happening::Pump(id, Way::Up)),
                Some(_) => {}
            }
            let bytes_max = self.dice.between(1, 65_536) as usize;
            let mut frames = Vec::new();
            let popped = self.members[member].peer.pop(link, bytes_max, &mut frames);
            self.send(id, Way::Up, &mut frames);
            if popped.close {
                let Some(wire) = self.wires.get_mut(&id) else { return };
                wire.up.end(self.now_us, &mut self.dice);
                let next_us = wire.up.next_us().unwrap_or(self.now_us);
                wire.peer_is_gone = true;
                self.plan(next_us, Happening::Arrive(id, Way::Up));
                let now = self.now_of(member);
                self.members[member].peer.handle_link_close(link, now);
                self.members[member].wires.remove(&link);
                self.tell(|| format!("member {member} closes wire {id}"));
                self.settle_peer(member);
                return self.dial_later(member, hall);
            }
            if frames.is_empty() {
                return;
            }
        }
    }

    fn pump_down(&mut self, id: u64) {
        loop {
            let Some(wire) = self.wires.get_mut(&id) else { return };
            let (hall, conn) = (wire.hall, wire.conn);
            if wire.hall_is_gone {
                return;
            }
            match wire.down.room_at() {
                None => return,
                Some(at_us) if at_us > self.now_us => return self.plan(at_us, Happening::Pump(id, Way::Down)),
                Some(_) => {}
            }
            let bytes_max = self.dice.between(1, 65_536) as usize;
            let mut frames = Vec::new();
            let popped = self.nodes[hall].hall.pop(conn, bytes_max, &mut frames);
            self.send(id, Way::Down, &mut frames);
            if let Some(code) = popped.close {
                self.tell(|| format!("hall {hall} closes wire {id}: {code}"));
                let Some(wire) = self.wires.get_mut(&id) else { return };
                wire.down.end(self.now_us, &mut self.dice);
                let next_us = wire.down.next_us().unwrap_or(self.now_us);
                wire.hall_is_gone = true;
                self.plan(next_us, Happening::Arrive(id, Way::Down));
                let now = self.now_of_hall(hall);
                self.nodes[hall].hall.handle_close(conn, now);
                return self.settle_hall(hall);
            }
            if !popped.has_more {
                return self.settle_hall(hall);
            }
        }
    }

    fn send(&mut self, id: u64, way: Way, frames: &mut Vec<Bytes>) {
        if frames.is_empty() {
            return;
        }
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if let Some(liar) = &mut self.nodes[wire.hall].liar {
            liar.tamper(frames);
        }
        let pipe = wire.pipe(way);
        let was_idle = pipe.next_us().is_none();

        pipe.send(&frames.concat(), self.now_us, &mut self.dice);
        if was_idle && let Some(next_us) = pipe.next_us() {
            self.plan(next_us, Happening::Arrive(id, way));
        }
    }

    // ---- after each call into a machine

    pub(crate) fn settle_peer(&mut self, index: usize) {
        let now = self.now_of(index);
        while let Some(event) = self.members[index].peer.poll_event() {
            self.tell(|| format!("member {index}: {}", brief(&event)));
            match &event {
                Event::Linked(link) => {
                    if let Some(wire) = self.members[index].wires.get(link).and_then(|id| self.wires.get(id)) {
                        let hall = wire.hall;
                        self.members[index].backoff_us.remove(&hall);
                    }
                }
                Event::Unlinked(link, _) => {
                    if let Some(id) = self.members[index].wires.get(link).copied() {
                        self.plan(self.now_us, Happening::Pump(id, Way::Up));
                    }
                }
                _ => {}
            }
            self.members[index].take(event, &mut self.model, now);
        }
        while let Some(link) = self.members[index].peer.poll_ready() {
            if let Some(id) = self.members[index].wires.get(&link).copied() {
                self.plan(self.now_us, Happening::Pump(id, Way::Up));
            }
        }
        let member = &mut self.members[index];
        member.model_me(&mut self.model);
        let due_us = member.peer.poll_timeout().map(|due| due.0.saturating_sub(member.origin_us).max(self.now_us));
        if due_us != member.timer_at_us {
            member.timer_at_us = due_us;
            if let Some(due_us) = due_us {
                self.plan(due_us, Happening::PeerTimer(index));
            }
        }
    }

    pub(crate) fn settle_hall(&mut self, hall: usize) {
        while let Some(ConnId(id)) = self.nodes[hall].hall.poll_ready() {
            self.plan(self.now_us, Happening::Pump(id, Way::Down));
        }
        let node = &mut self.nodes[hall];
        let due_us = node.hall.poll_timeout().map(|due| (due.0 - 1_000_000_000 * hall as u64).max(self.now_us));
        if due_us != node.timer_at_us {
            node.timer_at_us = due_us;
            if let Some(due_us) = due_us {
                self.plan(due_us, Happening::HallTimer(hall));
            }
        }
    }

    fn peer_timer(&mut self, index: usize) {
        let now = self.now_of(index);
        let member = &mut self.members[index];
        if member.timer_at_us != Some(self.now_us) || member.is_asleep(self.now_us) {
            return;
        }
        member.timer_at_us = None;
        if member.spun_at_us != self.now_us {
            (member.spun_at_us, member.spins) = (self.now_us, 0);
        }
        member.spins += 1;
        assert!(member.spins < SPINS_MAX, "the timer of member {index} spins at {}", self.now_us);
        member.peer.handle_timeout(now);
        self.settle_peer(index);
    }

    fn hall_timer(&mut self, hall: usize) {
        let now = self.now_of_hall(hall);
        let node = &mut self.nodes[hall];
        if node.timer_at_us != Some(self.now_us) {
            return;
        }
        node.timer_at_us = None;
        if node.spun_at_us != self.now_us {
            (node.spun_at_us, node.spins) = (self.now_us, 0);
        }
        node.spins += 1;
        assert!(node.spins < SPINS_MAX, "the timer of hall {hall} spins");
        node.hall.handle_timeout(now);
        self.settle_hall(hall);
    }

    // ---- faults

    /// Stops a member's machine: no timer, no frame, nothing sent; what arrives waits.
    pub(crate) fn sleep(&mut self, member: usize, us: u64) {
        self.members[member].asleep_until_us = self.now_us + us;
        self.plan(self.now_us + us, Happening::WakeUp(member));
    }

    fn wake_up(&mut self, member: usize) {
        if self.members[member].is_asleep(self.now_us) {
            return;
        }
        let wires: Vec<u64> = self.members[member].wires.values().copied().collect();
        for id in wires {
            self.plan(self.now_us, Happening::Arrive(id, Way::Down));
            self.plan(self.now_us, Happening::Pump(id, Way::Up));
        }
        // Timers and sockets become ready in either order.
        self.members[member].timer_at_us = None;
        if self.dice.chance(50) {
            let now = self.now_of(member);
            self.members[member].peer.handle_timeout(now);
        }
        self.settle_peer(member);
        for hall in self.members[member].halls.clone() {
            self.plan(self.now_us, Happening::Dial(member, hall));
        }
    }

    fn is_blocked(&self, member: usize, hall: usize) -> bool {
        self.blocked.get(&(member, hall)).is_some_and(|until_us| *until_us > self.now_us)
    }

    fn wires_between(&self, member: Option<usize>, hall: usize) -> Vec<u64> {
        let between = |wire: &Wire| wire.hall == hall && member.is_none_or(|member| wire.peer == member);
        self.wires.iter().filter(|(_, wire)| between(wire)).map(|(id, _)| *id).collect()
    }

    /// Lets nothing through between a member and a hall for a while; nobody is told.
    pub(crate) fn silence(&mut self, member: usize, hall: usize, us: u64) {
        let until_us = self.now_us + us;
        self.blocked.insert((member, hall), until_us);
        self.wires_between(Some(member), hall).into_iter().for_each(|id| self.hold_wire(id, until_us));
    }

    /// Delays everything between a member and a hall by a burst of loss.
    pub(crate) fn hold(&mut self, member: usize, hall: usize, us: u64) {
        let until_us = self.now_us + us;
        self.wires_between(Some(member), hall).into_iter().for_each(|id| self.hold_wire(id, until_us));
    }

    fn hold_wire(&mut self, id: u64, until_us: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.up.hold(until_us);
        wire.down.hold(until_us);
        for way in [Way::Up, Way::Down] {
            self.plan(until_us, Happening::Arrive(id, way));
        }
    }

    /// Breaks the connections between a member and a hall; both ends notice, each in its own time.
    pub(crate) fn cut(&mut self, member: Option<usize>, hall: usize) {
        for id in self.wires_between(member, hall) {
            self.break_at_hall(id);
            let notice_us = self.dice.below(3_000_000);
            self.plan(self.now_us + notice_us, Happening::Lost(id));
        }
        self.settle_hall(hall);
    }

    fn break_at_hall(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.hall_is_gone) else { return };
        wire.hall_is_gone = true;
        let (hall, conn) = (wire.hall, wire.conn);
        let now = self.now_of_hall(hall);
        self.nodes[hall].hall.handle_close(conn, now);
    }

    /// Kills a hall's process and starts it anew, with or without what it had stored.
    pub(crate) fn restart(&mut self, hall: usize, keeps_store: bool) {
        self.cut(None, hall);
        let now = self.now_of_hall(hall);
        let node = &mut self.nodes[hall];
        node.seed += 1;
        node.timer_at_us = None;
        let seed = Dice::new(node.seed, "hall").array();
        let fresh = Hall::new(HallLimits::default(), seed);
        let old = std::mem::replace(&mut node.hall, fresh);
        if keeps_store {
            node.hall = Hall::with_store(HallLimits::default(), seed, old.into_store(), now);
        }
        self.settle_hall(hall);
    }

    /// Changes the weather of a path, for present and coming connections.
    pub(crate) fn set_weather(&mut self, member: usize, hall: usize, weather: Weather) {
        self.weather.insert((member, hall), weather);
        for id in self.wires_between(Some(member), hall) {
            let Some(wire) = self.wires.get_mut(&id) else { continue };
            wire.up.weather = weather;
            wire.down.weather = weather;
        }
    }

    /// Ends every fault: fine weather, no partition, everybody awake, all relays honest.
    pub(crate) fn heal(&mut self) {
        self.blocked.clear();
        self.weather.clear();
        for hall in 0..self.nodes.len() {
            if self.nodes[hall].liar.take().is_some() {
                // What it may have taken in while it lied goes with it.
                self.restart(hall, false);
            }
        }
        let now_us = self.now_us;
        let ids: BTreeSet<u64> = self.wires.keys().copied().collect();
        for id in ids {
            for way in [Way::Up, Way::Down] {
                let Some(wire) = self.wires.get_mut(&id) else { continue };
                let pipe = wire.pipe(way);
                pipe.weather = Weather::FINE;
                pipe.release(now_us);
                self.plan(now_us, Happening::Arrive(id, way));
                self.plan(now_us, Happening::Pump(id, way));
            }
        }
        for member in 0..self.members.len() {
            if self.members[member].is_asleep(now_us) {
                self.members[member].asleep_until_us = now_us;
                self.plan(now_us, Happening::WakeUp(member));
            }
            self.members[member].backoff_us.clear();
        }
    }
}

fn brief(event: &Event) -> String {
    let text = format!("{event:?}");
    text.chars().take(160).collect()
}
