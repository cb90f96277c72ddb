//! A session in one thread and in virtual time: real machines around one relay.
//!
//! peers --frames, `one_way_us` on their way--> the hall --as long--> peers
//!
//! Always: what a machine spends is what the calls into it took, its reading of frames included; nothing else runs.

use crate::Outcome;
use bytes::Bytes;
use cahoots::proto::id::Channel;
use cahoots::proto::relay::{ConnId, Flow, Hall, HallLimits};
use cahoots::proto::session::{LinkId, Peer};
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::token::Token;
use cahoots::proto::wire::{Frame, FrameDecoder, WireEntry};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The host's seat.
pub(crate) const ADA: usize = 0;
const START: Now = Now { mono: Mono(1_000_000), wall: Wall(1_767_225_600_000) };
/// How finely time passes, in microseconds: where frames take time, and where they take none.
const TICKS_US: (u64, u64) = (1_000, 50_000);
const POP_BYTES: usize = 1 << 20;

/// Who hears what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ears {
    /// Everything, as anybody does.
    Open,
    /// Nothing of other guests: a thousand who check each other would take minutes, and say nothing new.
    ForTheHost,
}

/// A frame and when it was sent and is there.
struct Flying {
    sent_us: u64,
    there_us: u64,
    bytes: Bytes,
}

/// A frame as it came to somebody.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) sent_us: u64,
    pub(crate) at_us: u64,
    pub(crate) frame: Frame,
}

/// One peer and its connection.
pub(crate) struct Seat {
    pub(crate) peer: Peer,
    /// What the calls into it took.
    pub(crate) spent: Duration,
    /// Bytes that it sent, and that reached it.
    pub(crate) bytes_up: usize,
    pub(crate) bytes_down: usize,
    /// What reached it, if `keeps` says so.
    pub(crate) heard: Vec<Heard>,
    pub(crate) keeps: bool,
    ears: Ears,
    up: VecDeque<Flying>,
    down: VecDeque<Flying>,
    readers: [FrameDecoder; 2],
    paused_until: Mono,
    is_over: bool,
}

/// Everybody.
pub(crate) struct Room {
    pub(crate) now: Now,
    pub(crate) seats: Vec<Seat>,
    /// What the calls into the hall took.
    pub(crate) hall_spent: Duration,
    /// All that reached the relay, if it is kept.
    pub(crate) heard: Vec<Heard>,
    keeps: bool,
    hall: Hall,
    one_way_us: u64,
}

impl Room {
    /// Starts with Ada, the host, linked; `keeps` what reaches the relay or does not.
    pub(crate) fn new(one_way_us: u64, keeps: bool) -> Outcome<Self> {
        let mut room = Self {
            now: START,
            seats: Vec::new(),
            hall_spent: Duration::ZERO,
            heard: Vec::new(),
            keeps,
            hall: Hall::new(HallLimits::default(), [9; 32]),
            one_way_us,
        };
        room.sit(Peer::host([1; 32], [2; 32], START)?, Ears::Open);
        room.pass(100_000);
        Ok(room)
    }

    /// Adds who came by `token`, and returns its seat; nothing has passed yet.
    pub(crate) fn join(&mut self, token: &Token, ears: Ears) -> Outcome<usize> {
        let seed = blake3::hash(&self.seats.len().to_le_bytes());
        Ok(self.sit(Peer::guest(token.secret()?, *seed.as_bytes()), ears))
    }

    fn sit(&mut self, peer: Peer, ears: Ears) -> usize {
        let index = self.seats.len();
        self.seats.push(Seat {
            peer,
            spent: Duration::ZERO,
            bytes_up: 0,
            bytes_down: 0,
            heard: Vec::new(),
            keeps: false,
            ears,
            up: VecDeque::new(),
            down: VecDeque::new(),
            readers: [FrameDecoder::new(), FrameDecoder::new()],
            paused_until: Mono(0),
            is_over: false,
        });
        self.hall.handle_open(ConnId(index as u64), self.now);
        let exporter = Some(exporter(index));
        self.act(index, |peer, now| peer.handle_link_open(LinkId(0), exporter, now));
        index
    }

    /// Has a peer do something, on its account; what it has to say is under way then.
    pub(crate) fn act<T>(&mut self, index: usize, what: impl FnOnce(&mut Peer, Now) -> T) -> T {
        let now = self.now;
        let seat = &mut self.seats[index];
        let start = Instant::now();
        let done = what(&mut seat.peer, now);
        let mut out = Vec::new();
        let popped = if seat.is_over { None } else { Some(seat.peer.pop(LinkId(0), usize::MAX, &mut out)) };
        while seat.peer.poll_event().is_some() {}
        seat.spent += start.elapsed();
        let (sent_us, there_us) = (now.mono.0, now.mono.0 + self.one_way_us);
        seat.bytes_up += out.iter().map(Bytes::len).sum::<usize>();
        seat.up.extend(out.into_iter().map(|bytes| Flying { sent_us, there_us, bytes }));
        if popped.is_some_and(|popped| popped.close) {
            self.part(index);
        }
        done
    }

    fn part(&mut self, index: usize) {
        let seat = &mut self.seats[index];
        seat.is_over = true;
        seat.peer.handle_link_close(LinkId(0), self.now);
        self.hall.handle_close(ConnId(index as u64), self.now);
    }

    /// Delivers what is there until nothing more is, without letting time pass.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut moved = false;
            for index in 0..self.seats.len() {
                moved |= self.arrive_at_hall(index);
            }
            self.leave_hall();
            for index in 0..self.seats.len() {
                moved |= self.arrive_at_peer(index);
            }
            if !moved {
                return;
            }
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, us: u64) {
        let tick_us = self.tick_us();
        self.settle();
        for _ in 0..us.div_ceil(tick_us) {
            self.now = Now { mono: self.now.mono.after_us(tick_us), wall: self.now.wall.after_ms(tick_us / 1_000) };
            let now = self.now.mono;
            for index in 0..self.seats.len() {
                if self.seats[index].peer.poll_timeout().is_some_and(|due| due <= now) {
                    self.act(index, Peer::handle_timeout);
                }
            }
            let start = Instant::now();
            self.hall.handle_timeout(self.now);
            self.hall_spent += start.elapsed();
            self.settle();
        }
    }

    /// Lets time pass until `is_done` says so, for a minute at the most.
    pub(crate) fn pass_until(&mut self, mut is_done: impl FnMut(&Self) -> bool) -> Outcome {
        for _ in 0..60_000_000 / self.tick_us() {
            self.settle();
            if is_done(self) {
                return Ok(());
            }
            self.pass(self.tick_us());
        }
        Err("a minute was not enough".into())
    }

    const fn tick_us(&self) -> u64 {
        if self.one_way_us > 0 { TICKS_US.0 } else { TICKS_US.1 }
    }

    fn arrive_at_hall(&mut self, index: usize) -> bool {
        let (now, mut moved) = (self.now, false);
        let seat = &mut self.seats[index];
        let conn = ConnId(index as u64);
        while seat.paused_until <= now.mono
            && let Some(Flying { sent_us, bytes, .. }) = seat.up.pop_front_if(|frame| frame.there_us <= now.mono.0)
        {
            moved = true;
            let start = Instant::now();
            if self.hall.handle_received(conn, bytes.len(), now) == Flow::Stop {
                continue;
            }
            seat.readers[0].push(&bytes);
            while let Ok(Some(frame)) = seat.readers[0].next_frame() {
                let kept = self.keeps.then(|| Heard { sent_us, at_us: now.mono.0, frame: frame.clone() });
                self.heard.extend(kept);
                let flow = match frame {
                    Frame::Hello(hello) => self.hall.handle_hello(conn, hello, Some(exporter(index)), now),
                    frame => self.hall.handle_frame(conn, frame, now),
                };
                if let Flow::Pause { until } = flow {
                    seat.paused_until = until;
                }
            }
            self.hall_spent += start.elapsed();
        }
        moved
    }

    fn leave_hall(&mut self) {
        let (sent_us, there_us) = (self.now.mono.0, self.now.mono.0 + self.one_way_us);
        let start = Instant::now();
        while let Some(conn) = self.hall.poll_ready() {
            loop {
                let mut out = Vec::new();
                let popped = self.hall.pop(conn, POP_BYTES, &mut out);
                let seat = &mut self.seats[conn.0 as usize];
                seat.down.extend(out.into_iter().map(|bytes| Flying { sent_us, there_us, bytes }));
                if popped.close.is_some() {
                    self.hall.handle_close(conn, self.now);
                }
                if !popped.has_more {
                    break;
                }
            }
        }
        self.hall_spent += start.elapsed();
    }

    fn arrive_at_peer(&mut self, index: usize) -> bool {
        let (now_us, mut moved) = (self.now.mono.0, false);
        while let Some(Flying { sent_us, bytes, .. }) =
            self.seats[index].down.pop_front_if(|frame| frame.there_us <= now_us)
        {
            moved = true;
            let seat = &mut self.seats[index];
            seat.bytes_down += bytes.len();
            let start = Instant::now();
            seat.readers[1].push(&bytes);
            let mut frames = Vec::new();
            while let Ok(Some(frame)) = seat.readers[1].next_frame() {
                frames.push(frame);
            }
            seat.spent += start.elapsed();
            for frame in frames {
                let seat = &mut self.seats[index];
                if seat.keeps {
                    seat.heard.push(Heard { sent_us, at_us: now_us, frame: frame.clone() });
                }
                if !seat.is_over && (seat.ears == Ears::Open || is_the_hosts(&frame)) {
                    self.act(index, |peer, now| peer.handle_frame(LinkId(0), frame, now));
                }
            }
        }
        moved
    }
}

/// Tells whether a frame is of use to somebody who only minds the host.
fn is_the_hosts(frame: &Frame) -> bool {
    match frame {
        Frame::Entry(raw) => WireEntry::decode(raw.clone()).is_ok_and(|entry| entry.lane.channel == Channel::FROM_HOST),
        Frame::Member(_) | Frame::Peer(..) => false,
        _ => true,
    }
}

/// What TLS would export for a connection.
fn exporter(index: usize) -> [u8; 32] {
    *blake3::hash(&[index.to_le_bytes(), [1; 8]].concat()).as_bytes()
}
