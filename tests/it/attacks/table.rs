//! Real machines around one relay, without delay: frames pass in both directions until nobody has anything to say.
//!
//! A [`Tap`] sits between the relay and everybody: what a lying relay could do, it can.
#![cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "the negative suite, which needs the programs, reads the rest")
)]

use cahoots::proto::id::{PaneId, SessionId, ShareId};
use cahoots::proto::relay::{ConnId, Flow, Hall, HallLimits};
use cahoots::proto::session::{Event, LinkId, Peer, ShareTerms};
use cahoots::proto::terminal::Size;
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::token::{Access, Token};
use cahoots::proto::verify::channel_binding;
use cahoots::proto::wire::{CloseCode, Frame, FrameDecoder, Hello, Standing};
use std::collections::BTreeMap;

pub(crate) const START: Now = Now { mono: Mono(1_000_000), wall: Wall(1_767_225_600_000) };
/// The host's place among the peers.
pub(crate) const ADA: usize = 0;

/// Sees each frame before it is delivered, and says what is delivered instead. The number is the connection's.
pub(crate) type Tap = Box<dyn FnMut(u64, Heading, Frame) -> Vec<Frame>>;

/// Where a frame is going.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Heading {
    ToRelay,
    FromRelay,
}

/// What a connection is at its outer end.
enum End {
    Peer(usize),
    /// Somebody who speaks the protocol by hand: what the relay sends is collected here.
    Hand(Vec<Frame>),
}

/// A frame that passed, before a tap did anything to it.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) conn: u64,
    pub(crate) heading: Heading,
    pub(crate) frame: Frame,
}

/// Everybody.
pub(crate) struct Table {
    pub(crate) hall: Hall,
    pub(crate) now: Now,
    pub(crate) peers: Vec<Peer>,
    pub(crate) events: Vec<Vec<Event>>,
    pub(crate) tap: Option<Tap>,
    /// All that a relay ever saw.
    pub(crate) wire: Vec<Passed>,
    ends: BTreeMap<u64, End>,
    conns: u64,
}

impl Table {
    /// Starts with Ada, the host, linked, and one terminal.
    pub(crate) fn new() -> Self {
        let mut table = Self::without_host();
        table.add(Peer::host([1; 32], [2; 32], START).unwrap());
        table.open_pane();
        table.connect(ADA);
        table
    }

    pub(crate) fn without_host() -> Self {
        Self {
            hall: Hall::new(HallLimits::default(), [9; 32]),
            now: START,
            peers: Vec::new(),
            events: Vec::new(),
            tap: None,
            wire: Vec::new(),
            ends: BTreeMap::new(),
            conns: 0,
        }
    }

    pub(crate) fn open_pane(&mut self) -> PaneId {
        self.peers[ADA].open_pane("shell", "sh", Size::new(20, 5)).unwrap()
    }

    pub(crate) fn add(&mut self, peer: Peer) -> usize {
        self.peers.push(peer);
        self.events.push(Vec::new());
        self.peers.len() - 1
    }

    pub(crate) fn share(&mut self, access: Access, lasts_ms: u64) -> Token {
        self.share_by(&ShareTerms { lasts_ms, ..ShareTerms::new(access) })
    }

    pub(crate) fn share_by(&mut self, terms: &ShareTerms) -> Token {
        let token = self.peers[ADA].share(terms, self.now).unwrap();
        self.settle();
        token
    }

    /// Closes a share.
    pub(crate) fn revoke(&mut self, token: &Token) {
        let share = token.secret().unwrap().share_id();
        self.peers[ADA].revoke(share, self.now).unwrap();
        self.settle();
    }

    /// Adds a member that came by `token`, and links it.
    pub(crate) fn join(&mut self, token: &Token) -> usize {
        let index = self.add(Peer::guest(token.secret().unwrap(), [10 + self.peers.len() as u8; 32]));
        self.connect(index);
        index
    }

    pub(crate) fn connect(&mut self, index: usize) -> u64 {
        let id = self.open(End::Peer(index));
        self.peers[index].handle_link_open(LinkId(id), Some(exporter(id)), self.now);
        // All links lead to the one relay.
        self.peers[index].name_link(LinkId(id), [7; 32]);
        self.settle();
        id
    }

    /// Takes the relay away, with all connections to it, and puts another one in its place.
    pub(crate) fn replace_hall(&mut self, hall: Hall) {
        self.hall = hall;
        for (id, end) in std::mem::take(&mut self.ends) {
            if let End::Peer(index) = end {
                self.peers[index].handle_link_close(LinkId(id), self.now);
            }
        }
    }

    /// Links a peer by way of somebody who passes on what both say: each has a TLS connection with that somebody.
    pub(crate) fn connect_through_middle(&mut self, index: usize) -> u64 {
        let id = self.open(End::Peer(index));
        self.peers[index].handle_link_open(LinkId(id), Some(exporter(id + 1_000_000)), self.now);
        self.settle();
        id
    }

    /// Opens a connection for somebody who speaks the protocol by hand.
    pub(crate) fn connect_hand(&mut self) -> u64 {
        self.open(End::Hand(Vec::new()))
    }

    /// Says HELLO by hand; `None` if the relay does not know the share, else the connection and what AUTH has to sign.
    pub(crate) fn greet_by_hand(&mut self, session: SessionId, share: ShareId) -> Option<(u64, [u8; 32])> {
        let conn = self.connect_hand();
        let nonce = [8; 32];
        self.send(conn, &Frame::Hello(Hello { nonce, session, share }));
        self.read(conn).iter().find_map(|frame| match frame {
            Frame::Welcome(welcome) if welcome.standing == Standing::Known => {
                Some((conn, channel_binding(&exporter(conn), &nonce, &welcome.nonce)))
            }
            _ => None,
        })
    }

    fn open(&mut self, end: End) -> u64 {
        self.conns += 1;
        self.ends.insert(self.conns, end);
        self.hall.handle_open(ConnId(self.conns), self.now);
        self.conns
    }

    /// Sends a frame by hand, and lets everybody react to it.
    pub(crate) fn send(&mut self, id: u64, frame: &Frame) {
        self.wire.push(Passed { conn: id, heading: Heading::ToRelay, frame: frame.clone() });
        self.give_hall(id, frame.clone());
        self.settle();
    }

    /// Sends a frame by hand, lets everybody react to it, and returns what the relay says of going on.
    pub(crate) fn send_and_see(&mut self, id: u64, frame: &Frame) -> Flow {
        self.wire.push(Passed { conn: id, heading: Heading::ToRelay, frame: frame.clone() });
        let flow = self.hall.handle_frame(ConnId(id), frame.clone(), self.now);
        self.settle();
        flow
    }

    /// Takes what the relay has sent to a hand.
    pub(crate) fn read(&mut self, id: u64) -> Vec<Frame> {
        match self.ends.get_mut(&id) {
            Some(End::Hand(frames)) => std::mem::take(frames),
            _ => Vec::new(),
        }
    }

    /// Tells how the relay closed the connection, if it did.
    pub(crate) fn closed_with(&mut self, id: u64) -> Option<CloseCode> {
        self.read(id).into_iter().find_map(|frame| match frame {
            Frame::Close(code) => Some(code),
            _ => None,
        })
    }

    /// Puts a frame on a peer's link as a lying relay can.
    pub(crate) fn inject(&mut self, index: usize, frame: Frame) {
        let link = LinkId(self.conn_of(index));
        self.peers[index].handle_frame(link, frame, self.now);
        self.settle();
    }

    /// Returns all frames that a relay ever saw, in both directions.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        self.wire.iter().map(|passed| passed.frame.clone()).collect()
    }

    /// Returns the frames that went to or came from one connection.
    pub(crate) fn frames_of(&self, id: u64, heading: Heading) -> Vec<Frame> {
        let passed = self.wire.iter().filter(|passed| passed.conn == id && passed.heading == heading);
        passed.map(|passed| passed.frame.clone()).collect()
    }

    /// Returns the connection of a peer.
    pub(crate) fn conn_of(&self, index: usize) -> u64 {
        let conn = self.ends.iter().find(|(_, end)| matches!(end, End::Peer(peer) if *peer == index));
        *conn.expect("the peer is linked").0
    }

    fn give_hall(&mut self, id: u64, frame: Frame) {
        let (conn, now) = (ConnId(id), self.now);
        if self.hall.handle_received(conn, frame.encode().len(), now) == Flow::Stop {
            return;
        }
        let _ = match frame {
            Frame::Hello(hello) => self.hall.handle_hello(conn, hello, Some(exporter(id)), now),
            frame => self.hall.handle_frame(conn, frame, now),
        };
    }

    /// Passes frames until nobody has anything to say.
    pub(crate) fn settle(&mut self) {
        loop {
            let moved = self.move_up() | self.move_down();
            for (peer, events) in self.peers.iter_mut().zip(&mut self.events) {
                events.extend(std::iter::from_fn(|| peer.poll_event()));
            }
            if !moved {
                return;
            }
        }
    }

    fn tapped(&mut self, id: u64, heading: Heading, bytes: &[u8]) -> Vec<Frame> {
        let mut decoder = FrameDecoder::new();
        decoder.push(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = decoder.next_frame().unwrap() {
            self.wire.push(Passed { conn: id, heading, frame: frame.clone() });
            match &mut self.tap {
                Some(tap) => frames.extend(tap(id, heading, frame)),
                None => frames.push(frame),
            }
        }
        frames
    }

    fn move_up(&mut self) -> bool {
        let ids: Vec<_> = self.ends.iter().filter_map(|(id, end)| Some((*id, end.peer()?))).collect();
        let mut moved = false;
        for (id, index) in ids {
            let mut out = Vec::new();
            let popped = self.peers[index].pop(LinkId(id), 1 << 20, &mut out);
            moved |= !out.is_empty();
            for frame in self.tapped(id, Heading::ToRelay, &out.concat()) {
                self.give_hall(id, frame);
            }
            if popped.close {
                moved = true;
                self.ends.remove(&id);
                self.peers[index].handle_link_close(LinkId(id), self.now);
                self.hall.handle_close(ConnId(id), self.now);
            }
        }
        moved
    }

    fn move_down(&mut self) -> bool {
        let mut moved = false;
        while let Some(ConnId(id)) = self.hall.poll_ready() {
            moved = true;
            loop {
                let mut out = Vec::new();
                let popped = self.hall.pop(ConnId(id), 1 << 20, &mut out);
                for frame in self.tapped(id, Heading::FromRelay, &out.concat()) {
                    self.deliver(id, frame);
                }
                if popped.close.is_some() {
                    self.hall.handle_close(ConnId(id), self.now);
                    if let Some(End::Peer(index)) = self.ends.get(&id) {
                        self.peers[*index].handle_link_close(LinkId(id), self.now);
                        self.ends.remove(&id);
                    }
                }
                if !popped.has_more {
                    break;
                }
            }
        }
        moved
    }

    fn deliver(&mut self, id: u64, frame: Frame) {
        match self.ends.get_mut(&id) {
            Some(End::Peer(index)) => self.peers[*index].handle_frame(LinkId(id), frame, self.now),
            Some(End::Hand(frames)) => frames.push(frame),
            None => {}
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, us: u64) {
        self.pass_by_steps(us, 100_000);
    }

    /// Lets much time pass, of which nobody looks at every moment.
    pub(crate) fn pass_long(&mut self, us: u64) {
        self.pass_by_steps(us, 1_000_000);
    }

    fn pass_by_steps(&mut self, us: u64, step_us: u64) {
        for _ in 0..us.div_ceil(step_us) {
            self.now = Now { mono: self.now.mono.after_us(step_us), wall: self.now.wall.after_ms(step_us / 1_000) };
            self.peers.iter_mut().for_each(|peer| peer.handle_timeout(self.now));
            self.hall.handle_timeout(self.now);
            self.settle();
        }
    }

    /// Returns what the host's program was given to read.
    pub(crate) fn inputs(&self) -> Vec<(PaneId, Vec<u8>)> {
        let input = |event: &Event| match event {
            Event::Input(pane, _, bytes) => Some((*pane, bytes.clone())),
            _ => None,
        };
        self.events[ADA].iter().filter_map(input).collect()
    }

    /// Returns what a peer was told of alarms, as text.
    pub(crate) fn alarms(&self, index: usize) -> Vec<String> {
        let alarm = |event: &Event| match event {
            Event::Alarm(alarm) => Some(alarm.to_string()),
            _ => None,
        };
        self.events[index].iter().filter_map(alarm).collect()
    }

    /// Returns with which code a peer's links went.
    pub(crate) fn unlinked(&self, index: usize) -> Vec<CloseCode> {
        let code = |event: &Event| match event {
            Event::Unlinked(_, code) => Some(*code),
            _ => None,
        };
        self.events[index].iter().filter_map(code).collect()
    }

    pub(crate) fn chat(&self, index: usize) -> Vec<String> {
        self.peers[index].messages().iter().map(|message| message.text.clone()).collect()
    }
}

impl End {
    const fn peer(&self) -> Option<usize> {
        match self {
            Self::Peer(index) => Some(*index),
            Self::Hand(_) => None,
        }
    }
}

/// What TLS would export for a connection.
pub(crate) fn exporter(id: u64) -> [u8; 32] {
    *blake3::hash(&id.to_le_bytes()).as_bytes()
}
