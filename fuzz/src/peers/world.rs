//! The relay between the peers, as far as it keeps its word and as far as it does not.

use super::checks::Deeds;
use crate::cast;
use bytes::Bytes;
use cahoots::proto::doc::{Draft, MessageKind};
use cahoots::proto::epoch::EpochSecret;
use cahoots::proto::id::{Channel, Class, Epoch, LaneId, PaneId};
use cahoots::proto::key::{MemberKeys, derive};
use cahoots::proto::lane::verify::has_kind;
use cahoots::proto::relay::{ConnId, Flow, Hall, HallLimits};
use cahoots::proto::seal::LaneWriter;
use cahoots::proto::session::{LinkId, Peer, ShareTerms};
use cahoots::proto::terminal::Size;
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::token::Access;
use cahoots::proto::wire::{CloseCode, Frame, FrameDecoder};
use std::collections::{BTreeMap, VecDeque};

const PEERS: usize = 4;
const HOST: usize = 0;
/// Knows its own keys, and says with them whatever the input wants.
const TRAITOR: usize = 2;
const SEEN_MAX: usize = 256;
const SIZE: Size = Size { cols: 20, rows: 5 };
const HOUR_MS: u64 = 3_600_000;

pub(super) struct World {
    hall: Hall,
    now: Now,
    ends: Vec<End>,
    opened: u64,
    /// Frames that went by, for the relay to repeat.
    seen: Vec<Bytes>,
    deeds: Deeds,
    writers: BTreeMap<Channel, LaneWriter>,
    direct_next: u64,
}

/// A peer and its line to the relay.
struct End {
    peer: Peer,
    line: Option<Line>,
}

struct Line {
    conn: ConnId,
    link: LinkId,
    up: VecDeque<Bytes>,
    down: VecDeque<Bytes>,
    decoder: FrameDecoder,
    paused_until: Mono,
}

impl World {
    /// A session that is under way: everybody is in, and a pane is open.
    pub(super) fn new() -> Self {
        let now = Now { mono: Mono(1_000_000), wall: Wall(1_800_000_000_000) };
        let mut host = Peer::host([1; 32], seed_of(HOST), now).expect("the first records can be written");
        let mut ends = Vec::new();
        for (who, access) in [(1, Access::Interact), (TRAITOR, Access::Interact), (3, Access::View)] {
            let terms = ShareTerms { lasts_ms: HOUR_MS, ..ShareTerms::new(access) };
            let token = host.share(&terms, now).expect("the share can be issued");
            ends.push(End { peer: Peer::guest(token.secret().expect("no passphrase"), seed_of(who)), line: None });
        }
        host.open_pane("shell", "sh", SIZE).expect("there is room for a pane");
        ends.insert(HOST, End { peer: host, line: None });
        let hall = Hall::new(HallLimits::default(), [7; 32]);
        let (seen, deeds, writers) = (Vec::new(), Deeds::default(), BTreeMap::new());
        let mut world = Self { hall, now, ends, opened: 0, seen, deeds, writers, direct_next: 0 };
        for who in 0..PEERS {
            world.connect(who);
            world.settle();
            let me = world.ends[who].peer.me().filter(|_| who != TRAITOR);
            me.into_iter().for_each(|me| world.deeds.note_honest(me));
        }
        world.ends.iter_mut().skip(1).for_each(|end| end.peer.watch(PaneId(0)));
        world.settle();
        world
    }

    pub(super) fn step(&mut self, what: u8, who: usize, argument: &[u8]) {
        let who = who % PEERS;
        let first = usize::from(argument.first().copied().unwrap_or_default());
        match what % 16 {
            0 | 1 => self.settle(),
            2 => drop(self.deliver_up(who)),
            3 => drop(self.deliver_down(who)),
            4 => self.on_line(who, |line| drop(line.down.pop_front())),
            5 => self.on_line(who, |line| drop(line.up.pop_front())),
            6 => self.repeat(who, argument),
            7 => self.inject(who, argument),
            8 => self.reconnect(who),
            9 => self.wait(argument),
            10 => self.say(who, argument),
            11 => self.edit(who, argument),
            12 => self.type_bytes(who, argument),
            13 => self.show(argument),
            14 => self.betray(argument),
            _ => self.rule(first, who),
        }
        self.gather();
    }

    fn connect(&mut self, who: usize) {
        self.opened += 1;
        let (conn, link) = (ConnId(self.opened), LinkId(self.opened));
        let (up, down, decoder) = (VecDeque::new(), VecDeque::new(), FrameDecoder::new());
        self.ends[who].line = Some(Line { conn, link, up, down, decoder, paused_until: Mono(0) });
        self.hall.handle_open(conn, self.now);
        self.ends[who].peer.handle_link_open(link, None, self.now);
        self.gather();
    }

    fn reconnect(&mut self, who: usize) {
        self.hang_up(who);
        self.connect(who);
    }

    fn hang_up(&mut self, who: usize) {
        if let Some(line) = self.ends[who].line.take() {
            self.hall.handle_close(line.conn, self.now);
            self.ends[who].peer.handle_link_close(line.link, self.now);
        }
    }

    /// Takes everything out of the peers and the relay, and holds what people are told against what was done.
    fn gather(&mut self) {
        for who in 0..PEERS {
            let End { peer, line } = &mut self.ends[who];
            while let Some(event) = peer.poll_event() {
                self.deeds.check(&event);
            }
            let Some(line) = line else { continue };
            let mut frames = Vec::new();
            let popped = peer.pop(line.link, 65_536, &mut frames);
            note(&mut self.seen, &frames);
            line.up.extend(frames);
            if popped.close && line.up.is_empty() {
                self.hang_up(who);
            }
        }
        while let Some(conn) = self.hall.poll_ready() {
            let mut frames = Vec::new();
            let close = loop {
                let popped = self.hall.pop(conn, 16_384, &mut frames);
                if popped.close.is_some() || !popped.has_more {
                    break popped.close;
                }
            };
            note(&mut self.seen, &frames);
            let who = self.ends.iter().position(|end| end.line.as_ref().is_some_and(|line| line.conn == conn));
            let Some(who) = who else { continue };
            if close.is_some() {
                // What was sent before the end is still read.
                frames.into_iter().for_each(|frame| self.hand_down(who, &frame));
                self.hang_up(who);
            } else {
                self.on_line(who, |line| line.down.extend(frames));
            }
        }
    }

    /// Delivers honestly until nobody has anything to say.
    pub(super) fn settle(&mut self) {
        for _ in 0..64 {
            let mut is_quiet = true;
            for who in 0..PEERS {
                while self.deliver_up(who) || self.deliver_down(who) {
                    is_quiet = false;
                }
            }
            self.gather();
            if is_quiet {
                return;
            }
        }
    }

    fn on_line(&mut self, who: usize, change: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut self.ends[who].line {
            change(line);
        }
    }

    fn deliver_up(&mut self, who: usize) -> bool {
        let Some(line) = self.ends[who].line.as_mut().filter(|line| line.paused_until <= self.now.mono) else {
            return false;
        };
        let Some(bytes) = line.up.pop_front() else { return false };
        self.hand_up(who, &bytes);
        true
    }

    /// Does what a relay's shell does with bytes that arrive.
    fn hand_up(&mut self, who: usize, bytes: &[u8]) {
        let (hall, now) = (&mut self.hall, self.now);
        let Some(line) = &mut self.ends[who].line else { return };
        let mut flow = hall.handle_received(line.conn, bytes.len(), now);
        line.decoder.push(bytes);
        while flow != Flow::Stop {
            flow = match line.decoder.next_frame() {
                Ok(Some(Frame::Hello(hello))) => hall.handle_hello(line.conn, hello, None, now),
                Ok(Some(frame)) => hall.handle_frame(line.conn, frame, now),
                Ok(None) => return,
                Err(_) => return hall.handle_violation(line.conn, CloseCode::Protocol, now),
            };
            if let Flow::Pause { until } = flow {
                line.paused_until = until;
            }
        }
    }

    fn deliver_down(&mut self, who: usize) -> bool {
        let Some(bytes) = self.ends[who].line.as_mut().and_then(|line| line.down.pop_front()) else { return false };
        self.hand_down(who, &bytes);
        true
    }

    /// Does what a peer's shell does with bytes that arrive.
    fn hand_down(&mut self, who: usize, bytes: &[u8]) {
        let End { peer, line: Some(line) } = &mut self.ends[who] else { return };
        let mut decoder = FrameDecoder::new();
        decoder.push(bytes);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => peer.handle_frame(line.link, frame, self.now),
                Ok(None) => return,
                Err(_) => return peer.close_link(line.link, CloseCode::Protocol),
            }
        }
    }

    /// The relay says again what it saw, to whomever it likes.
    fn repeat(&mut self, who: usize, argument: &[u8]) {
        let at = argument.first_chunk().map_or(0, |at| usize::from(u16::from_le_bytes(*at)));
        if let Some(frame) = self.seen.get(at % self.seen.len().max(1)).cloned() {
            self.hand_down(who, &frame);
        }
    }

    /// The relay says anything.
    fn inject(&mut self, who: usize, bytes: &[u8]) {
        self.hand_down(who, bytes);
    }

    /// Lets up to a minute pass.
    fn wait(&mut self, argument: &[u8]) {
        let ms = argument.first_chunk().map_or(100, |ms| u64::from(u16::from_le_bytes(*ms)) % 60_000);
        self.now = Now { mono: self.now.mono.after_us(ms * 1_000), wall: self.now.wall.after_ms(ms) };
        self.hall.handle_timeout(self.now);
        self.ends.iter_mut().for_each(|end| end.peer.handle_timeout(self.now));
    }

    fn say(&mut self, who: usize, argument: &[u8]) {
        let text = String::from_utf8_lossy(argument).into_owned();
        let peer = &mut self.ends[who].peer;
        let draft = Draft { kind: MessageKind::Text, text: text.clone(), reply: None, anchor: None };
        if let (Some(me), Ok(())) = (peer.me(), peer.say(&draft, self.now)) {
            self.deeds.note_said(me, &text);
        }
    }

    fn edit(&mut self, who: usize, argument: &[u8]) {
        let (peer, text) = (&mut self.ends[who].peer, String::from_utf8_lossy(argument));
        // Whoever may not is refused; that is all there is to it.
        let _ = match argument.first().map_or(0, |first| first % 4) {
            0 => peer.set_title(&text),
            1 => peer.set_app("key", &text),
            2 => peer.edit_notes(0, 1, &text),
            _ => peer.edit_notes(0, 0, &text),
        };
    }

    fn type_bytes(&mut self, who: usize, argument: &[u8]) {
        let peer = &mut self.ends[who].peer;
        if let (Some(me), Ok(())) = (peer.me(), peer.type_bytes(PaneId(0), argument)) {
            self.deeds.note_typed(me, PaneId(0), argument);
        }
    }

    fn show(&mut self, argument: &[u8]) {
        if self.ends[HOST].peer.output(PaneId(0), argument, self.now).is_ok() {
            self.deeds.note_shown(PaneId(0), argument);
        }
    }

    /// The traitor signs an entry: channel and kind take a byte each, the rest is content.
    fn betray(&mut self, argument: &[u8]) {
        let (Some(author), Some((&[channel, kind], plaintext))) =
            (self.ends[TRAITOR].peer.me(), argument.split_first_chunk())
        else {
            return;
        };
        let Some(channel) = Channel::parse(channel.into()).filter(|channel| has_kind(*channel, kind)) else { return };
        let keys = MemberKeys::from_seed(derive("peer member keys", &[&seed_of(TRAITOR)]));
        let lane = LaneId { channel, author, epoch: Epoch(0) };
        let session = self.ends[HOST].peer.session();
        let new = || LaneWriter::new(session, lane, &host_epoch_secret());
        let entry = match channel.class() {
            Class::Direct => {
                self.direct_next += 1;
                cast::signed(&session, &keys, kind, lane, self.direct_next - 1, plaintext)
            }
            _ => self.writers.entry(channel).or_insert_with(new).seal(kind, &keys, plaintext),
        };
        self.hand_up(TRAITOR, &Frame::Entry(entry.as_bytes().clone()).encode());
    }

    /// The owner rules.
    fn rule(&mut self, what: usize, who: usize) {
        let now = self.now;
        let share = self.ends[HOST].peer.log().shares().nth(who).map(|cert| cert.share);
        let host = &mut self.ends[HOST].peer;
        // A refusal, such as of a share that is closed already, changes nothing.
        let _ = match (what % 4, share) {
            (0, Some(share)) if who != HOST => host.revoke(share, now),
            (1, _) => {
                let terms = ShareTerms { lasts_ms: HOUR_MS, members_max: Some(1), ..ShareTerms::new(Access::View) };
                host.share(&terms, now).map(drop)
            }
            (2, _) => host.end_session(now),
            _ => Ok(()),
        };
    }
}

fn note(seen: &mut Vec<Bytes>, frames: &[Bytes]) {
    let room = SEEN_MAX.saturating_sub(seen.len());
    seen.extend(frames.iter().take(room).cloned());
}

fn seed_of(who: usize) -> [u8; 32] {
    [who as u8 + 10; 32]
}

/// The secret as the owner derives it, which the traitor may know: it is a member.
fn host_epoch_secret() -> EpochSecret {
    EpochSecret::from_bytes(derive("host epoch secret", &[&seed_of(HOST)]))
}
