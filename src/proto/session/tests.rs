//! Two or more peers and a relay, wired together in memory without delay.

mod attribution;
mod auditing;
mod checkpoints;
mod commands;
mod door;
mod driving;
mod generations;
mod hardening;
mod hidden;
mod holdings;
mod hostile;
mod newcomers;
mod passing;
mod proofs;
mod races;
mod rekey;
mod revoke;
mod talk;

use super::*;
use crate::proto::doc::Draft;
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{Epoch, PaneId, ShareId};
use crate::proto::relay::{ConnId, Hall, HallLimits};
use crate::proto::terminal::{Refusal, Screen, Size, StreamEvent};
use crate::proto::time::Wall;
use crate::proto::token::{Access, Token};
use crate::proto::wire::{FrameDecoder, WireEntry};
use bytes::Bytes;

const SIZE: Size = Size { cols: 40, rows: 6 };
const HOUR_MS: u64 = 3_600_000;

/// Says of a frame on its way from the relay to a peer whether it arrives.
type Sieve = Box<dyn FnMut(usize, &Frame) -> bool>;

/// Peers on one relay; frames travel in no time.
struct Wire {
    hall: Hall,
    peers: Vec<Peer>,
    now: Now,
    /// Every entry that the relay was ever sent.
    sent: Vec<Bytes>,
    sieve: Option<Sieve>,
    /// Connections so far: each has a name of its own.
    conns: Vec<Option<u64>>,
    conns_ever: u64,
}

fn link(index: usize) -> LinkId {
    LinkId(index as u64)
}

impl Wire {
    fn new() -> Self {
        let now = Now { mono: Mono(1_000_000), wall: Wall(1_700_000_000_000) };
        let host = Peer::host([1; 32], [2; 32], now).unwrap();
        let hall = Hall::new(HallLimits::default(), [3; 32]);
        let (peers, conns) = (vec![host], vec![None]);
        let mut wire = Self { hall, peers, now, sent: Vec::new(), sieve: None, conns, conns_ever: 0 };
        wire.connect(0);
        wire
    }

    fn host(&mut self) -> &mut Peer {
        &mut self.peers[0]
    }

    fn share(&mut self, access: Access) -> Token {
        self.share_by(&ShareTerms { lasts_ms: HOUR_MS, ..ShareTerms::new(access) })
    }

    fn share_by(&mut self, terms: &ShareTerms) -> Token {
        let now = self.now;
        let token = self.host().share(terms, now).unwrap();
        self.settle();
        token
    }

    fn add(&mut self, token: &Token) -> usize {
        let index = self.peers.len();
        self.peers.push(Peer::guest(token.secret().unwrap(), [index as u8 + 10; 32]));
        self.conns.push(None);
        index
    }

    fn join(&mut self, token: &Token) -> usize {
        let index = self.add(token);
        self.connect(index);
        index
    }

    fn connect(&mut self, index: usize) {
        self.cut(index);
        self.conns[index] = Some(self.conns_ever);
        self.hall.handle_open(ConnId(self.conns_ever), self.now);
        self.conns_ever += 1;
        self.peers[index].handle_link_open(link(index), None, self.now);
        self.peers[index].name_link(link(index), [7; 32]);
        self.settle();
    }

    /// Breaks a peer's connection.
    fn cut(&mut self, index: usize) {
        if let Some(conn) = self.conns[index].take() {
            self.hall.handle_close(ConnId(conn), self.now);
            self.peers[index].handle_link_close(link(index), self.now);
            self.settle();
        }
    }

    fn settle(&mut self) {
        for _ in 0..500 {
            let mut is_quiet = true;
            for index in 0..self.peers.len() {
                let Some(conn) = self.conns[index].map(ConnId) else { continue };
                let mut out = Vec::new();
                let popped = self.peers[index].pop(link(index), usize::MAX, &mut out);
                for frame in decode(&out) {
                    is_quiet = false;
                    if let Frame::Entry(raw) = &frame {
                        self.sent.push(raw.clone());
                    }
                    let _ = match frame {
                        Frame::Hello(hello) => self.hall.handle_hello(conn, hello, None, self.now),
                        frame => self.hall.handle_frame(conn, frame, self.now),
                    };
                }
                let mut out = Vec::new();
                while self.hall.pop(conn, 65_536, &mut out).has_more {}
                for frame in decode(&out) {
                    is_quiet = false;
                    if self.sieve.as_mut().is_none_or(|passes| passes(index, &frame)) {
                        self.peers[index].handle_frame(link(index), frame, self.now);
                    }
                }
                if popped.close && self.conns[index] == Some(conn.0) {
                    self.conns[index] = None;
                    self.hall.handle_close(conn, self.now);
                    self.peers[index].handle_link_close(link(index), self.now);
                }
            }
            if is_quiet {
                return;
            }
        }
        panic!("the wire never falls quiet");
    }

    /// Lets time pass in small steps.
    fn pass(&mut self, us: u64) {
        let end = self.now.mono.after_us(us);
        while self.now.mono < end {
            self.now.mono = self.now.mono.after_us(10_000);
            self.now.wall = self.now.wall.after_ms(10);
            self.peers.iter_mut().for_each(|peer| peer.handle_timeout(self.now));
            self.hall.handle_timeout(self.now);
            self.settle();
        }
    }

    /// Takes the events of a peer since the last call.
    fn events(&mut self, index: usize) -> Vec<Event> {
        std::iter::from_fn(|| self.peers[index].poll_event()).collect()
    }

    fn alarms(&mut self, index: usize) -> Vec<Alarm> {
        let alarms = self.events(index).into_iter().filter_map(|event| match event {
            Event::Alarm(alarm) => Some(alarm),
            _ => None,
        });
        alarms.collect()
    }

    fn say(&mut self, index: usize, text: &str) {
        let now = self.now;
        self.peers[index].say(&Draft::from(text), now).unwrap();
        self.pass(20_000);
    }

    fn id(&self, index: usize) -> AuthorId {
        self.peers[index].me().unwrap()
    }

    fn revoke(&mut self, share: ShareId) {
        let now = self.now;
        self.host().revoke(share, now).unwrap();
        self.settle();
    }

    /// Checks that everybody in `all` has the same documents as the host, and returns the lines of the chat.
    fn assert_equal(&self, all: &[usize]) -> Vec<&str> {
        for index in all {
            for channel in Channel::DURABLE {
                let heads = |peer: &Peer| peer.document(channel).unwrap().heads();
                let lines = || [lines(&self.peers[*index]), lines(&self.peers[0])];
                assert_eq!(
                    heads(&self.peers[*index]),
                    heads(&self.peers[0]),
                    "peer {index}, {channel:?}, {:?}",
                    lines()
                );
            }
        }
        lines(&self.peers[0])
    }
}

fn lines(peer: &Peer) -> Vec<&str> {
    peer.messages().iter().map(|message| message.text.as_str()).collect()
}

fn share_of(token: &Token) -> ShareId {
    token.secret().unwrap().share_id()
}

fn decode(frames: &[Bytes]) -> Vec<Frame> {
    let mut decoder = FrameDecoder::new();
    frames.iter().for_each(|frame| decoder.push(frame));
    std::iter::from_fn(|| decoder.next_frame().unwrap()).collect()
}

/// Applies what a guest was shown to a screen of its own.
fn show(events: &[Event]) -> Screen {
    let mut screen = Screen::new(SIZE);
    for event in events {
        match event {
            Event::Terminal(_, StreamEvent::Keyframe { size, data, .. }) => {
                screen = Screen::new(*size);
                screen.write(data);
            }
            Event::Terminal(_, StreamEvent::Output { data, .. }) => screen.write(data),
            Event::Terminal(_, StreamEvent::Past { size, lines, keyframe, .. }) => {
                screen.begin_anew(*size, lines, keyframe);
            }
            _ => {}
        }
    }
    screen
}

fn typed(events: &[Event]) -> Vec<u8> {
    let inputs = events.iter().filter_map(|event| match event {
        Event::Input(_, _, bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    inputs.collect::<Vec<_>>().concat()
}
