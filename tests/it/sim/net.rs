//! The simulated network: who is there, what connects them, and one heap of what happens when.
//!
//! Always: everything happens in the order of (time, order of planning), and what is delivered goes into the trace
//! hash; nothing in here reads a clock or any chance but its own dice.

mod faults;
mod traffic;

use super::dice::Dice;
use super::liar::Liar;
use super::member::Member;
use super::model::Model;
use super::pipe::{Pipe, Weather};
use super::spy::Spy;
use cahoots::proto::relay::{ConnId, Hall, HallLimits};
use cahoots::proto::session::{Event, LinkId};
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::wire::FrameDecoder;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

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
    /// Nothing gets through any more, and the hall has not noticed.
    is_dark: bool,
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
    pub(crate) spy: Spy,
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
            spy: Spy::default(),
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
            is_dark: false,
        };
        self.tell(|| format!("member {member} dials hall {hall}: wire {id}, {weather:?}"));
        self.wires.insert(id, wire);
        self.members[member].wires.insert(link, id);
        let now = self.now_of_hall(hall);
        self.nodes[hall].hall.handle_open(conn, now);
        let now = self.now_of(member);
        self.members[member].peer.handle_link_open(link, exporter, now);
        self.members[member].peer.name_link(link, [hall as u8; 32]);
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

    pub(crate) fn settle_peer(&mut self, index: usize) {
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
            let now = self.now_of(index);
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
}

fn brief(event: &Event) -> String {
    let text = format!("{event:?}");
    text.chars().take(160).collect()
}
