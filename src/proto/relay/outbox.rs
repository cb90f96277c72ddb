//! What one connection is still to be told, most urgent first.
//!
//! room --note--> [`Outbox`] --pop--> frames for the connection
//!
//! Always: notes are small and bounded (places, names, numbers); frames that many watch stay in the room and are drawn
//! from it when the connection has room for them. So a slow reader costs what a fast one does. PROTOCOL.md 9, 10, 17.

mod durable;
mod peers;

use super::members::{Members, Numbers};
use super::ring::{Ring, Watch};
use super::room::{KeptWrap, Latest};
use super::store::Store;
use super::{ConnId, Counters};
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId};
use crate::proto::limits::{KEYFRAME_BYTES_MAX, LIVE_KEPT_BYTES_MAX};
use crate::proto::wire::{Ack, CloseCode, Frame, Have, Whereabouts};
use bytes::Bytes;
pub(super) use durable::WholeCheckpoint;
use durable::{DurableCursor, SegmentWatch};
use peers::PeerNotes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;

/// What a connection is still sent of a session that is over, in bytes: a keyframe and all that may be kept after it.
const SETTLE_BYTES_MAX: usize = KEYFRAME_BYTES_MAX + 2 * LIVE_KEPT_BYTES_MAX;
/// Frames of the log and the like that wait, from which on no more goodbyes are added to them.
const GOODBYES_MAX: usize = 256;
/// Durable entries looked at in one turn, so that skipping what a member has holds nobody else up.
const DURABLE_VISITS_MAX: usize = 2_048;

/// The connections that have something to pop and were not reported yet, each once.
pub(super) type ReadyList = VecDeque<ConnId>;

/// What outboxes draw from.
pub(super) struct Source<'a> {
    pub session: &'a SessionId,
    pub wraps: &'a BTreeMap<[u8; 16], KeptWrap>,
    pub members: &'a Members,
    pub latest: &'a BTreeMap<AuthorId, Latest>,
    pub rings: &'a BTreeMap<Channel, Ring>,
    pub checkpoints: &'a BTreeMap<Channel, WholeCheckpoint>,
    pub store: &'a dyn Store,
}

/// One helping of frames.
pub(super) struct Turn<'a> {
    pub out: &'a mut Vec<Bytes>,
    pub bytes_max: usize,
    pub bytes: usize,
    /// Watched channels on which only a keyframe that does not exist yet would help.
    pub starved: Vec<Channel>,
}

impl<'a> Turn<'a> {
    pub(super) const fn new(out: &'a mut Vec<Bytes>, bytes_max: usize) -> Self {
        Self { out, bytes_max, bytes: 0, starved: Vec::new() }
    }
}

impl Turn<'_> {
    const fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }

    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.out.push(frame);
    }
}

/// What one connection is still to be told.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Stands in the ready list.
    is_listed: bool,
    /// Was taken from the ready list and not popped since: its driver knows.
    is_claimed: bool,
    /// Its member waits to be let in: nothing goes out but what was queued as control, wraps and direct entries.
    is_held: bool,
    control: VecDeque<Bytes>,
    closing: Option<CloseCode>,
    pong: Option<[u8; 8]>,
    wraps: BTreeSet<[u8; 16]>,
    acks: BTreeMap<LaneId, u64>,
    keyframes_wanted: BTreeSet<Channel>,
    peers: PeerNotes,
    introduced: Numbers,
    direct: VecDeque<(AuthorId, Bytes)>,
    direct_bytes: usize,
    latest: VecDeque<AuthorId>,
    latest_noted: BTreeSet<AuthorId>,
    proofs: BTreeSet<AuthorId>,
    live: VecDeque<Watch>,
    segments: Vec<SegmentWatch>,
    durable: DurableCursor,
}

impl Outbox {
    /// Reports that there is something to pop, unless that is known already.
    pub(super) fn list(&mut self, conn: ConnId, ready: &mut ReadyList) {
        if !self.is_listed && !self.is_claimed {
            self.is_listed = true;
            ready.push_back(conn);
        }
    }

    /// Notes that the driver took this connection from the ready list.
    pub(super) const fn claim(&mut self) {
        self.is_listed = false;
        self.is_claimed = true;
    }

    /// Keeps back all that is not for somebody who waits to be let in.
    pub(super) const fn hold(&mut self) {
        self.is_held = true;
    }

    /// Lets everything out; what was noted before is to be noted anew.
    pub(super) const fn release(&mut self) {
        self.is_held = false;
    }

    /// Queues a frame of the handshake or the auth log.
    pub(super) fn push_control(&mut self, frame: Bytes) {
        self.control.push_back(frame);
    }

    /// Notes an answer to PING; only the newest is worth sending.
    pub(super) const fn note_pong(&mut self, echo: [u8; 8]) {
        self.pong = Some(echo);
    }

    /// Notes that there is a new wrap for `recipient`; only the newest is worth sending.
    pub(super) fn note_wrap(&mut self, recipient: [u8; 16]) {
        self.wraps.insert(recipient);
    }

    pub(super) fn note_ack(&mut self, lane: LaneId, next: u64) {
        self.acks.insert(lane, next);
    }

    pub(super) fn note_keyframe_wanted(&mut self, channel: Channel) {
        self.keyframes_wanted.insert(channel);
    }

    pub(super) fn note_peer(&mut self, author: AuthorId, whereabouts: Whereabouts) {
        if !self.is_held {
            self.peers.note(author, whereabouts);
        }
    }

    /// Notes that there is a proof against `author`.
    pub(super) fn note_proof(&mut self, author: AuthorId) {
        if !self.is_held {
            self.proofs.insert(author);
        }
    }

    /// Forgets a proof of which there is no more to tell.
    pub(super) fn forget_proof(&mut self, author: AuthorId) {
        self.proofs.remove(&author);
    }

    /// Notes that the newest presence of `author` has changed.
    pub(super) fn note_latest(&mut self, author: AuthorId) {
        if !self.is_held && self.latest_noted.insert(author) {
            self.latest.push_back(author);
        }
    }

    /// Tells whether somebody's presence has changed.
    pub(super) fn has_latest(&self) -> bool {
        !self.latest.is_empty()
    }

    /// Queues a direct entry; returns the bytes that wait now.
    pub(super) fn push_direct(&mut self, author: AuthorId, frame: Bytes) -> usize {
        self.direct_bytes += frame.len();
        self.direct.push_back((author, frame));
        self.direct_bytes
    }

    pub(super) const fn direct_bytes(&self) -> usize {
        self.direct_bytes
    }

    /// Starts sending a terminal or the checkpoints of a document.
    pub(super) fn watch(&mut self, channel: Channel) {
        if channel.is_checkpoint() {
            if self.segments.iter().all(|watch| watch.channel != channel) {
                self.segments.push(SegmentWatch::new(channel));
            }
        } else if self.live.iter().all(|watch| watch.channel != channel) {
            self.live.push_back(Watch::new(channel));
        }
    }

    pub(super) fn unwatch(&mut self, channel: Channel) {
        self.live.retain(|watch| watch.channel != channel);
        self.segments.retain(|watch| watch.channel != channel);
    }

    /// Tells whether entries of a terminal would go out.
    pub(super) fn watches(&self, channel: Channel) -> bool {
        !self.is_held && self.live.iter().any(|watch| watch.channel == channel)
    }

    /// Tells whether entries of any terminal would go out.
    pub(super) fn is_watching(&self) -> bool {
        !self.is_held && !self.live.is_empty()
    }

    /// Returns the terminals watched.
    pub(super) fn watched(&self) -> Vec<Channel> {
        self.live.iter().map(|watch| watch.channel).collect()
    }

    /// Notes what the other side holds; returns how many lanes are remembered.
    pub(super) fn note_have(&mut self, have: &Have) -> usize {
        self.durable.note_have(have)
    }

    /// Notes that the other side has just sent what is below `next`, and need not get it back.
    pub(super) fn note_sent_by_it(&mut self, lane: LaneId, next: u64) {
        self.durable.note_sent_by_it(lane, next);
    }

    /// Notes that a lane cannot go on from where the other side has it; returns of how many this is known.
    pub(super) fn note_stuck(&mut self, lane: LaneId) -> usize {
        self.durable.note_stuck(lane)
    }

    /// Tells whether a lane cannot go on from where the other side has it.
    pub(super) fn is_stuck(&self, lane: &LaneId) -> bool {
        self.durable.is_stuck(lane)
    }

    /// Forgets what the other side has of a lane.
    pub(super) fn forget_lane(&mut self, lane: &LaneId) {
        self.durable.forget_lane(lane);
    }

    /// Forgets what the other side has of the lanes of `channel` below `epoch`.
    pub(super) fn forget_below(&mut self, channel: Channel, epoch: Epoch) {
        self.durable.forget_below(channel, epoch);
    }

    /// Notes that the other side needs no chain of this member: it is its own.
    pub(super) fn mark_introduced(&mut self, number: u32) {
        self.introduced.insert(number);
    }

    /// Forgets whom the number stood for, because it stands for somebody else now.
    pub(super) fn forget_number(&mut self, number: u32) {
        self.introduced.remove(number);
    }

    /// Promises what there is to be told now, in order, ahead of all that is queued later: its source goes away.
    pub(super) fn settle_up(&mut self, source: &Source<'_>, counters: &mut Counters) {
        let mut frames = Vec::new();
        self.pop(source, &mut Turn::new(&mut frames, SETTLE_BYTES_MAX), counters);
        self.control.extend(frames);
    }

    /// Drops all but what was promised in order before: the rest of `control`, then CLOSE.
    pub(super) fn close(&mut self, code: CloseCode) {
        let control = std::mem::take(&mut self.control);
        let (is_listed, is_claimed) = (self.is_listed, self.is_claimed);
        *self = Self { is_listed, is_claimed, control, closing: Some(code), ..Self::default() };
        self.control.push_back(Frame::Close(code).encode());
    }

    /// Takes what needs no room behind it; returns the code once CLOSE was taken.
    pub(super) fn pop_control(&mut self, turn: &mut Turn<'_>) -> Option<CloseCode> {
        while !turn.is_full() {
            match self.control.pop_front() {
                Some(frame) => turn.push(frame),
                None => break,
            }
        }
        if let Some(echo) = self.pong.take() {
            turn.push(Frame::Pong(echo).encode());
        }
        self.closing.filter(|_| self.control.is_empty())
    }

    /// Takes frames in the order control, direct, latest, live, checkpoints, durable.
    ///
    /// Live leaves a quarter to durable: a flood on a slow link must not silence the chat.
    pub(super) fn pop(&mut self, source: &Source<'_>, turn: &mut Turn<'_>, counters: &mut Counters) {
        self.pop_wraps(source, turn);
        if self.is_held {
            return self.pop_direct(source, turn);
        }
        self.pop_notes(source, turn);
        self.pop_direct(source, turn);
        self.pop_latest(source, turn);
        let bytes_max = turn.bytes_max;
        if self.durable_is_due(source) {
            turn.bytes_max -= bytes_max.saturating_sub(turn.bytes) / 4;
        }
        self.pop_live(source, turn, counters);
        turn.bytes_max = bytes_max;
        self.pop_segments(source, turn);
        self.pop_durable(source, turn);
    }

    /// Ends a turn: tells whether more could be taken at once, and lists the connection again if so.
    pub(super) fn settle(&mut self, conn: ConnId, source: Option<&Source<'_>>, ready: &mut ReadyList) -> bool {
        let is_due =
            !self.control.is_empty() || self.pong.is_some() || source.is_some_and(|source| self.is_due(source));
        self.is_claimed = false;
        if is_due {
            self.list(conn, ready);
        }
        is_due
    }

    fn is_due(&self, source: &Source<'_>) -> bool {
        let is_due = !self.wraps.is_empty() || !self.direct.is_empty();
        is_due || !self.is_held && self.is_due_in_full(source)
    }

    fn is_due_in_full(&self, source: &Source<'_>) -> bool {
        !self.acks.is_empty()
            || !self.keyframes_wanted.is_empty()
            || !self.peers.is_empty()
            || !self.proofs.is_empty()
            || !self.latest.is_empty()
            || self.live.iter().any(|watch| source.rings.get(&watch.channel).is_some_and(|ring| watch.is_due(ring)))
            || self.durable_is_due(source)
    }

    fn durable_is_due(&self, source: &Source<'_>) -> bool {
        let is_behind = self.durable.is_open() && self.durable.position < source.store.end(source.session);
        is_behind || self.segments.iter().any(|watch| watch.is_due(source))
    }

    /// Appends all bytes of others that wait here; all else are notes of what is kept elsewhere.
    pub(super) fn snoop(&self, found: &mut Vec<u8>) {
        let direct = self.direct.iter().map(|(_, frame)| frame);
        self.control.iter().chain(direct).for_each(|frame| found.extend_from_slice(frame));
    }

    fn pop_wraps(&mut self, source: &Source<'_>, turn: &mut Turn<'_>) {
        while !turn.is_full() {
            let Some(recipient) = self.wraps.pop_first() else { break };
            if let Some(wrap) = source.wraps.get(&recipient) {
                turn.push(wrap.frame.clone());
            }
        }
    }

    fn pop_notes(&mut self, source: &Source<'_>, turn: &mut Turn<'_>) {
        while !turn.is_full() {
            let Some((lane, next)) = self.acks.pop_first() else { break };
            turn.push(Frame::Ack(Ack { lane, next }).encode());
        }
        while !turn.is_full() {
            let Some(channel) = self.keyframes_wanted.pop_first() else { break };
            turn.push(Frame::WantKeyframe(channel).encode());
        }
        while !turn.is_full() {
            let Some((author, whereabouts)) = self.peers.pop() else { break };
            if whereabouts == Whereabouts::Gone || introduce(&mut self.introduced, author, source, turn) {
                turn.push(Frame::Peer(author, whereabouts).encode());
            }
        }
        while !turn.is_full() {
            let Some(author) = self.proofs.pop_first() else { break };
            let proof = source.members.get(author).and_then(|member| member.proof.as_ref());
            if let Some(proof) = proof
                && introduce(&mut self.introduced, author, source, turn)
            {
                turn.push(Frame::Proof(proof.encode()).encode());
            }
        }
    }

    fn pop_direct(&mut self, source: &Source<'_>, turn: &mut Turn<'_>) {
        while !turn.is_full() {
            let Some((author, frame)) = self.direct.pop_front() else { break };
            self.direct_bytes -= frame.len();
            // A guest that left before anybody was told of it will send again when it is back.
            if introduce(&mut self.introduced, author, source, turn) {
                turn.push(frame);
            }
        }
    }

    /// Promises the newest presence of `author`, if it waits to be told: it is about to be forgotten, and may be a goodbye.
    pub(super) fn settle_latest(&mut self, author: AuthorId, source: &Source<'_>) {
        if !self.latest_noted.remove(&author) {
            return;
        }
        self.latest.retain(|noted| *noted != author);
        if self.control.len() >= GOODBYES_MAX {
            // Who does not read learns of it by PEER, later: members come and go for ever.
            return;
        }
        let mut frames = Vec::new();
        let mut turn = Turn::new(&mut frames, usize::MAX);
        if let Some(latest) = source.latest.get(&author)
            && introduce(&mut self.introduced, author, source, &mut turn)
        {
            turn.push(latest.frame.clone());
        }
        self.control.extend(frames);
    }

    fn pop_latest(&mut self, source: &Source<'_>, turn: &mut Turn<'_>) {
        while !turn.is_full() {
            let Some(author) = self.latest.pop_front() else { break };
            self.latest_noted.remove(&author);
            let Some(latest) = source.latest.get(&author) else { continue };
            if introduce(&mut self.introduced, author, source, turn) {
                turn.push(latest.frame.clone());
            }
        }
    }

    /// Takes one frame of each watched channel in turn, so that a noisy terminal leaves room for the others.
    fn pop_live(&mut self, source: &Source<'_>, turn: &mut Turn<'_>, counters: &mut Counters) {
        for watch in &mut self.live {
            let Some(ring) = source.rings.get(&watch.channel) else { continue };
            let settled = watch.settle(ring);
            counters.frames_skipped += settled.skipped;
            if settled.wants_keyframe {
                turn.starved.push(watch.channel);
            }
        }
        let mut dry = 0;
        while dry < self.live.len() && !turn.is_full() {
            let Some(mut watch) = self.live.pop_front() else { break };
            let drawn = source.rings.get(&watch.channel).and_then(|ring| Some((ring.author()?, watch.pull(ring)?)));
            self.live.push_back(watch);
            match drawn {
                Some((author, frame)) if introduce(&mut self.introduced, author, source, turn) => {
                    turn.push(frame);
                    dry = 0;
                }
                _ => dry += 1,
            }
        }
    }

    fn pop_segments(&mut self, source: &Source<'_>, turn: &mut Turn<'_>) {
        for watch in &mut self.segments {
            while !turn.is_full() {
                let Some((author, frame)) = watch.pull(source) else { break };
                if introduce(&mut self.introduced, author, source, turn) {
                    turn.push(frame);
                }
            }
        }
    }

    fn pop_durable(&mut self, source: &Source<'_>, turn: &mut Turn<'_>) {
        let end = source.store.end(source.session);
        if turn.is_full() || !self.durable.is_open() || self.durable.position >= end {
            return;
        }
        let (durable, introduced) = (&mut self.durable, &mut self.introduced);
        let mut visits = 0;
        let mut has_stopped = false;
        source.store.visit(source.session, durable.position, &mut |position, entry| {
            has_stopped = turn.is_full() || visits == DURABLE_VISITS_MAX;
            if has_stopped {
                return ControlFlow::Break(());
            }
            visits += 1;
            if durable.pass(position, entry) && introduce(introduced, entry.lane.author, source, turn) {
                turn.push(entry.frame.clone());
            }
            ControlFlow::Continue(())
        });
        if !has_stopped {
            // What stood at the end may have been forgotten.
            durable.position = end;
        }
    }
}

/// Sends the chain of `author` unless the connection has it; tells whether it has it now. PROTOCOL.md 9, MEMBER.
fn introduce(introduced: &mut Numbers, author: AuthorId, source: &Source<'_>, turn: &mut Turn<'_>) -> bool {
    let Some((number, member)) = source.members.find(author) else { return false };
    if introduced.insert(number) {
        turn.push(member.frame().clone());
    }
    true
}
