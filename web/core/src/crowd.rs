//! People who move their cursors, and the relay between them and one viewer: what `bench/cursors.mjs` replays.
//!
//! members of the session --`Hall`--> `pop` --> a viewer in a core of its own --> `receive`
//!
//! Time is virtual. Who comes hears everybody; from [`Crowd::start`] on the members do not look at where others point, or
//! most of the work would be theirs, and each moves as often as PROTOCOL.md 13 lets it with everybody there, the viewer too.
//!
//! Not in the core that is shipped.

use crate::error;
use bytes::Bytes;
use cahoots::proto::doc::CursorAt;
use cahoots::proto::id::{Channel, PaneId};
use cahoots::proto::relay::{ConnId, Hall, HallLimits};
use cahoots::proto::session::{LinkId, Peer, ShareTerms};
use cahoots::proto::terminal::Size;
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::token::{Access, Link};
use cahoots::proto::wire::{Frame, FrameDecoder, WireEntry};
use wasm_bindgen::prelude::*;

const LINK: LinkId = LinkId(0);
const SIZE: Size = Size { cols: 100, rows: 30 };
/// What each who is there adds to the time between two updates of one member, in microseconds.
const UPDATE_US_PER_MEMBER: u64 = 5_000;
/// How often members and relay do what is due besides, in microseconds.
const CHORES_US: u64 = 1_000_000;
/// Turns of passing frames around within which everything has arrived.
const TURNS_MAX: usize = 1_000;

/// All of a session but the viewer.
#[wasm_bindgen]
pub struct Crowd {
    hall: Hall,
    members: Vec<Peer>,
    pane: PaneId,
    link: String,
    from_viewer: FrameDecoder,
    now: Now,
    /// Wall time when the steady clock was at zero, in milliseconds.
    epoch_ms: u64,
    chores_at: Mono,
    has_started: bool,
    moves: u64,
    delivered: u64,
    pongs: u32,
}

fn decode(frames: &[Bytes]) -> Vec<Frame> {
    let mut decoder = FrameDecoder::new();
    frames.iter().for_each(|frame| decoder.push(frame));
    std::iter::from_fn(|| decoder.next_frame().ok().flatten()).collect()
}

fn shows_presence(frame: &Frame) -> bool {
    let Frame::Entry(raw) = frame else { return false };
    WireEntry::decode(raw.clone()).is_ok_and(|entry| entry.lane.channel == Channel::PRESENCE)
}

/// Returns where the `n`th move of all goes: anywhere.
fn place(n: u64, pane: PaneId) -> CursorAt {
    let scattered = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let (rows, cols) = (u64::from(SIZE.rows), u64::from(SIZE.cols));
    CursorAt { pane, row: (scattered % rows) as u16, col: (scattered / rows % cols) as u16 }
}

#[wasm_bindgen]
impl Crowd {
    /// Starts a session of a host and others, `count` in all, who know one another. It begins at `wall_ms`, in
    /// milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// Only if the rules of sessions have changed.
    #[wasm_bindgen(constructor)]
    pub fn new(count: u8, wall_ms: f64) -> Result<Self, JsError> {
        let epoch_ms = wall_ms as u64;
        let now = Now { mono: Mono(0), wall: Wall(epoch_ms) };
        let mut host = Peer::host([1; 32], [2; 32], now).map_err(error)?;
        let pane = host.open_pane("shell", "sh", SIZE).map_err(error)?;
        host.output(pane, b"$ ", now).map_err(error)?;
        let token = host.share(&ShareTerms::new(Access::View), now).map_err(error)?;
        let mut members = vec![host];
        for index in 1..count {
            members.push(Peer::guest(token.secret().map_err(error)?, [index.wrapping_add(10); 32]));
        }
        let link = Link { token, relay: None }.reveal();
        let mut crowd = Self {
            hall: Hall::new(HallLimits::default(), [3; 32]),
            members,
            pane,
            link,
            from_viewer: FrameDecoder::new(),
            now,
            epoch_ms,
            chores_at: now.mono,
            has_started: false,
            moves: 0,
            delivered: 0,
            pongs: 0,
        };
        for index in 0..crowd.members.len() {
            crowd.hall.handle_open(ConnId(index as u64), now);
            let member = &mut crowd.members[index];
            member.present(|presence| {
                presence.name = format!("Member {index}");
                presence.colour = index as u8;
            });
            member.handle_link_open(LINK, None, now);
            member.name_link(LINK, [7; 32]);
            crowd.settle();
        }
        crowd.hall.handle_open(crowd.viewer(), now);
        Ok(crowd)
    }

    /// Returns the link by which a viewer comes in.
    pub fn link(&self) -> String {
        self.link.clone()
    }

    /// Returns the time of the steady clock, in microseconds.
    #[wasm_bindgen(js_name = monoUs)]
    pub fn mono_us(&self) -> f64 {
        self.now.mono.0 as f64
    }

    /// Returns the time, in milliseconds since 1970.
    #[wasm_bindgen(js_name = wallMs)]
    pub fn wall_ms(&self) -> f64 {
        self.now.wall.0 as f64
    }

    /// Takes what the viewer says.
    pub fn receive(&mut self, bytes: &[u8]) {
        let conn = self.viewer();
        self.from_viewer.push(bytes);
        while let Ok(Some(frame)) = self.from_viewer.next_frame() {
            self.pongs += u32::from(matches!(frame, Frame::Pong(_)));
            self.hand_over(conn, frame);
        }
    }

    /// Returns what the relay has for the viewer.
    pub fn pop(&mut self) -> Vec<u8> {
        let conn = self.viewer();
        let mut frames = Vec::new();
        while self.hall.pop(conn, 65_536, &mut frames).has_more {}
        let entries = decode(&frames).iter().filter(|frame| matches!(frame, Frame::Entry(_))).count();
        self.delivered += entries as u64;
        frames.concat()
    }

    /// Lets time pass while people come in.
    pub fn pass(&mut self, us: u32) {
        self.go_on(us.into());
        for index in 0..self.members.len() {
            self.members[index].handle_timeout(self.now);
        }
        self.hall.handle_timeout(self.now);
        self.settle();
    }

    /// Returns how many are here in the eyes of the one who sees fewest.
    pub fn here(&self) -> usize {
        self.members.iter().map(|member| member.roster().here_count()).min().unwrap_or_default()
    }

    /// From now on members do not look at where others point.
    pub fn start(&mut self) {
        self.has_started = true;
        self.chores_at = self.now.mono;
    }

    /// Has the next `moves` cursors move, one after the other, each at its time.
    #[wasm_bindgen(js_name = moveCursors)]
    pub fn move_cursors(&mut self, moves: u32) {
        let count = self.members.len() as u64;
        let between_us = UPDATE_US_PER_MEMBER * (count + 1) / count;
        for _ in 0..moves {
            self.go_on(between_us);
            let index = (self.moves % count) as usize;
            let at = place(self.moves, self.pane);
            self.moves += 1;
            let (member, now) = (&mut self.members[index], self.now);
            member.point_at(Some(at));
            member.handle_timeout(now);
            self.send(index);
            if self.chores_at <= now.mono {
                self.chores_at = now.mono.after_us(CHORES_US);
                self.hall.handle_timeout(now);
                self.settle();
            }
        }
    }

    /// Returns a question that the viewer answers once it has taken all that came before.
    pub fn ping(&self) -> Vec<u8> {
        Frame::Ping([0; 8]).encode().to_vec()
    }

    /// Returns how many questions it has answered, the relay's own too.
    pub fn pongs(&self) -> u32 {
        self.pongs
    }

    /// Returns how many entries the viewer was sent so far.
    pub fn delivered(&self) -> f64 {
        self.delivered as f64
    }

    /// Returns where everybody points, in order of their ids: row and column by turns.
    pub fn cursors(&self) -> Vec<u16> {
        let mut cursors: Vec<_> =
            self.members.iter().filter_map(|member| Some((member.me()?, member.presence().cursor?))).collect();
        cursors.sort_unstable_by_key(|(author, _)| *author);
        cursors.iter().flat_map(|(_, at)| [at.row, at.col]).collect()
    }
}

impl Crowd {
    fn viewer(&self) -> ConnId {
        ConnId(self.members.len() as u64)
    }

    fn go_on(&mut self, us: u64) {
        self.now.mono = self.now.mono.after_us(us);
        self.now.wall = Wall(self.epoch_ms).after_ms(self.now.mono.0 / 1_000);
    }

    fn hand_over(&mut self, conn: ConnId, frame: Frame) {
        let _ = match frame {
            Frame::Hello(hello) => self.hall.handle_hello(conn, hello, None, self.now),
            frame => self.hall.handle_frame(conn, frame, self.now),
        };
    }

    /// Hands over what a member says. Says whether there was anything.
    fn send(&mut self, index: usize) -> bool {
        let mut frames = Vec::new();
        self.members[index].pop(LINK, usize::MAX, &mut frames);
        for frame in decode(&frames) {
            self.hand_over(ConnId(index as u64), frame);
        }
        !frames.is_empty()
    }

    /// Passes frames around until nobody says anything more.
    fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            let mut is_quiet = true;
            for index in 0..self.members.len() {
                is_quiet &= !self.send(index);
                let mut frames = Vec::new();
                while self.hall.pop(ConnId(index as u64), 65_536, &mut frames).has_more {}
                is_quiet &= frames.is_empty();
                let heard = decode(&frames).into_iter().filter(|frame| !self.has_started || !shows_presence(frame));
                let member = &mut self.members[index];
                heard.for_each(|frame| member.handle_frame(LINK, frame, self.now));
                while member.poll_event().is_some() {}
            }
            if is_quiet {
                return;
            }
        }
    }
}
