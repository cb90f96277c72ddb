//! A relay among strangers and members who say anything at any time: nobody gets what is not theirs.

use crate::cast;
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::id::{Channel, Class, Epoch, LaneId};
use cahoots::proto::lane::verify::has_kind;
use cahoots::proto::member::Chain;
use cahoots::proto::relay::{ConnId, Flow, Hall, HallLimits};
use cahoots::proto::seal::LaneWriter;
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::verify::channel_binding;
use cahoots::proto::wire::{Auth, CloseCode, Frame, FrameDecoder, Hello, WireEntry};
use std::collections::BTreeMap;

const SEATS: usize = 4;
const STEPS_MAX: usize = 256;
/// Which of [`cast::chains`] the log names as host.
const HOST: usize = 0;

/// Steps, each behind its length as a `u16`: what, on which connection, and its argument.
pub fn run(data: &[u8]) {
    let mut world = World::new();
    for step in cast::pieces(data).take(STEPS_MAX) {
        let Some((&[what, seat], argument)) = step.split_first_chunk() else { continue };
        world.step(what, usize::from(seat) % SEATS, argument);
        world.deliver();
    }
}

struct World {
    hall: Hall,
    seats: [Option<Seat>; SEATS],
    opened: u64,
    now: Now,
    chains: Vec<Chain>,
    writers: BTreeMap<(usize, u16), LaneWriter>,
    direct_next: u64,
    log: Vec<Bytes>,
}

/// The far end of one connection.
struct Seat {
    id: ConnId,
    sent: FrameDecoder,
    paused_until: Mono,
    who: usize,
    /// What WELCOME said.
    nonce: Option<[u8; 32]>,
    is_ready: bool,
}

impl World {
    fn new() -> Self {
        Self {
            hall: Hall::new(HallLimits::default(), [7; 32]),
            seats: [const { None }; SEATS],
            opened: 0,
            now: Now { mono: Mono(1), wall: Wall(cast::START + 1) },
            chains: vec![cast::ada_chain(), cast::ben_chain()],
            writers: BTreeMap::new(),
            direct_next: 0,
            log: log(),
        }
    }

    fn step(&mut self, what: u8, at: usize, argument: &[u8]) {
        let first = usize::from(argument.first().copied().unwrap_or_default());
        match what % 8 {
            0 => self.open(at, first),
            1 => self.send(at, argument),
            2 => self.hang_up(at),
            3 => self.wait(argument),
            4 => self.hello(at),
            5 => self.auth(at),
            6 => self.entry(at, argument),
            _ => {
                let record = self.log[first % self.log.len()].clone();
                self.send(at, &Frame::Log(record).encode());
            }
        }
    }

    fn open(&mut self, at: usize, who: usize) {
        if self.seats[at].is_some() {
            return;
        }
        self.opened += 1;
        let (id, who) = (ConnId(self.opened), who % self.chains.len());
        let (sent, paused_until) = (FrameDecoder::new(), Mono(0));
        self.seats[at] = Some(Seat { id, sent, paused_until, who, nonce: None, is_ready: false });
        self.hall.handle_open(id, self.now);
    }

    /// Does what a shell does with bytes that arrive.
    fn send(&mut self, at: usize, bytes: &[u8]) {
        let (hall, now) = (&mut self.hall, self.now);
        let Some(seat) = self.seats[at].as_mut().filter(|seat| seat.paused_until <= now.mono) else { return };
        let mut flow = hall.handle_received(seat.id, bytes.len(), now);
        seat.sent.push(bytes);
        while flow != Flow::Stop {
            flow = match seat.sent.next_frame() {
                Ok(Some(Frame::Hello(hello))) => hall.handle_hello(seat.id, hello, None, now),
                Ok(Some(frame)) => hall.handle_frame(seat.id, frame, now),
                Ok(None) => return,
                Err(_) => return hall.handle_violation(seat.id, CloseCode::Protocol, now),
            };
            if let Flow::Pause { until } = flow {
                seat.paused_until = until;
            }
        }
    }

    fn hang_up(&mut self, at: usize) {
        if let Some(seat) = self.seats[at].take() {
            self.hall.handle_close(seat.id, self.now);
        }
    }

    /// Lets up to a minute pass.
    fn wait(&mut self, argument: &[u8]) {
        let ms = argument.first_chunk().map_or(1, |ms| u64::from(u16::from_le_bytes(*ms)) % 60_000);
        self.now = Now { mono: self.now.mono.after_us(ms * 1_000), wall: self.now.wall.after_ms(ms) };
        self.hall.handle_timeout(self.now);
    }

    fn hello(&mut self, at: usize) {
        let Some(seat) = &self.seats[at] else { return };
        let share = self.chains[seat.who].member.share;
        let hello = Hello { nonce: [at as u8; 32], session: cast::session(), share };
        self.send(at, &Frame::Hello(hello).encode());
    }

    fn auth(&mut self, at: usize) {
        let Some(Seat { who, nonce: Some(nonce), .. }) = self.seats[at] else { return };
        let chain = &self.chains[who];
        let digest = chain.member.auth_digest(&channel_binding(&[], &[at as u8; 32], &nonce));
        let signature = cast::keys_of(who).sign(&digest);
        self.send(at, &Frame::Auth(Auth { chain: chain.encode(), signature }).encode());
    }

    /// Sends an honest entry: channel and kind take a byte each, the rest is content.
    fn entry(&mut self, at: usize, argument: &[u8]) {
        let (Some(seat), Some((&[channel, kind], plaintext))) = (&self.seats[at], argument.split_first_chunk()) else {
            return;
        };
        let Some(channel) = Channel::parse(channel.into()).filter(|channel| has_kind(*channel, kind)) else { return };
        let who = seat.who;
        let lane = LaneId { channel, author: self.chains[who].member.author(), epoch: Epoch(0) };
        let entry = match channel.class() {
            Class::Direct => self.direct(who, lane, kind, plaintext),
            _ => {
                let new = || LaneWriter::new(cast::session(), lane, &cast::epoch_secret());
                let writer = self.writers.entry((who, channel.number())).or_insert_with(new);
                writer.seal(kind, &cast::keys_of(who), plaintext)
            }
        };
        self.send(at, &Frame::Entry(entry.as_bytes().clone()).encode());
    }

    /// Signs what only the two ends could read; for the relay any bytes will do.
    fn direct(&mut self, who: usize, lane: LaneId, kind: u8, content: &[u8]) -> WireEntry {
        let guest = self.chains[1].member.author();
        let prefix: &[u8] = if lane.channel == Channel::FROM_HOST { guest.as_bytes() } else { &[] };
        let seq = self.direct_next;
        self.direct_next += 1;
        cast::signed(&cast::session(), &cast::keys_of(who), kind, lane, seq, &[prefix, content].concat())
    }

    /// Takes everything out of the hall and looks at it.
    fn deliver(&mut self) {
        while let Some(id) = self.hall.poll_ready() {
            let mut frames = Vec::new();
            let close = loop {
                let popped = self.hall.pop(id, 16_384, &mut frames);
                if popped.close.is_some() || !popped.has_more {
                    break popped.close;
                }
            };
            let at = self.seats.iter().position(|seat| seat.as_ref().is_some_and(|seat| seat.id == id));
            let Some(at) = at else { continue };
            frames.iter().for_each(|frame| self.look(at, frame));
            if close.is_some() {
                self.hang_up(at);
            }
        }
        let open = self.seats.iter().flatten().count();
        assert_eq!(self.hall.stats().connections, open, "no connection is forgotten or kept");
    }

    fn look(&mut self, at: usize, bytes: &[u8]) {
        let mut decoder = FrameDecoder::new();
        decoder.push(bytes);
        let frame = decoder.next_frame().expect("the hall speaks the protocol").expect("the hall sends whole frames");
        assert_eq!(decoder.buffered_bytes(), 0, "one frame at a time");
        let Some(seat) = &mut self.seats[at] else { return };
        match frame {
            Frame::Welcome(welcome) => seat.nonce = Some(welcome.nonce),
            Frame::Ready(_) => seat.is_ready = true,
            Frame::Entry(raw) => {
                assert!(seat.is_ready, "content is for members");
                let entry = WireEntry::decode(raw).expect("the hall passes on what it could parse");
                let me = self.chains[seat.who].member.author();
                match entry.lane.channel {
                    Channel::TO_HOST => assert_eq!(seat.who, HOST, "what is typed is for the host"),
                    Channel::FROM_HOST => assert_eq!(entry.body().first_chunk(), Some(me.as_bytes())),
                    _ => {}
                }
            }
            Frame::Member(_) | Frame::Peer(..) | Frame::Have(_) => assert!(seat.is_ready, "names are for members"),
            _ => {}
        }
    }
}

/// What the owner wrote.
fn log() -> Vec<Bytes> {
    let [ada, ben] = [cast::ada_chain(), cast::ben_chain()];
    let mut records = vec![Record::Genesis { root: cast::root().public() }];
    records.extend([&ada, &ben].map(|chain| Record::Share(chain.shares[0].clone())));
    records.push(Record::Epoch { epoch: Epoch(0), commit: cast::epoch_secret().commit() });
    records.push(Record::Host(ada.member));
    records.push(Record::Close { share: ben.member.share, stay: Vec::new() });
    records.push(Record::End);
    let mut log = AuthLog::new(cast::session());
    let write = |record| log.write(&cast::root(), &record, Wall(cast::START)).expect("the log is valid");
    records.into_iter().map(write).collect()
}
