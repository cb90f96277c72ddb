//! A peer of a session, host or guest, as one state machine.
//!
//! frames of links, commands, time --`handle_*`, verbs--> [`Peer`] --`pop`, `poll_event`, `poll_timeout`--> the shell
//!
//! Every link is dialled by the peer: to a relay, or to the relay that a host embeds for its LAN. Whatever a link
//! delivers is checked here as if the relay were the attacker. A host with several links passes on what one side
//! has and the other lacks. PROTOCOL.md 10, 11, 13-15.
//!
//! Always: nothing unsigned, unsealed or without right reaches a document, a terminal or an event.

mod admit;
mod auditing;
mod documents;
mod driving;
mod event;
mod handshake;
mod hosting;
mod link;
mod outbox;
mod owner;
mod presence;
mod roster;
mod typing;
mod viewing;

pub use documents::EditRefused;
pub use driving::{DRIVER_LAPSE_MS, DriverPolicy, DrivingError};
pub use event::{Alarm, Ending, Event};
pub use hosting::HostingError;
pub use link::LinkId;
pub use owner::{OwnerError, ShareTerms};
pub use roster::{Roster, Seat};
pub use typing::TypeError;

use crate::proto::authlog::AuthLog;
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId};
use crate::proto::key::{MemberKeys, Secret32, ShareSecret, derive};
use crate::proto::lane::replica::Replica;
use crate::proto::limits::{HANDSHAKE_US_MAX, HEARTBEAT_US, SILENCE_US_MAX};
use crate::proto::member::VerifiedMember;
use crate::proto::seal::{LaneReader, LaneWriter};
use crate::proto::share::Rights;
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{CloseCode, Frame};
use bytes::Bytes;
use documents::Documents;
use hosting::Hosting;
use link::{Link, Phase};
use outbox::Outbox;
use owner::Owner;
use presence::OwnPresence;
use std::collections::{BTreeMap, VecDeque};
use typing::Typing;
use viewing::Viewing;

/// How long the host itself may take to answer on a link that leads straight to it, in microseconds.
const VOUCH_US_MAX: u64 = 5_000_000;

/// What [`Peer::pop`] found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Popped {
    /// The link is to be closed after the frames just taken.
    pub close: bool,
}

/// One member's side of a session.
pub struct Peer {
    session: SessionId,
    keys: MemberKeys,
    /// The secret of the share this peer came in by.
    secret: ShareSecret,
    seed: Secret32,
    drawn: u64,
    me: Option<VerifiedMember>,
    owner: Option<Owner>,
    log: AuthLog,
    epochs: BTreeMap<Epoch, EpochSecret>,
    roster: Roster,
    replica: Replica,
    readers: BTreeMap<LaneId, LaneReader>,
    writers: BTreeMap<Channel, LaneWriter>,
    documents: Option<Documents>,
    presence: OwnPresence,
    hosting: Option<Hosting>,
    viewing: Viewing,
    typing: Typing,
    links: BTreeMap<LinkId, Link>,
    events: VecDeque<Event>,
    ended: Option<Ending>,
}

impl Peer {
    /// Creates the peer of somebody who holds a token. Nothing happens before the first link is open.
    ///
    /// `seed` must be random and used once: the member's keys and all nonces come from it.
    #[must_use]
    pub fn guest(secret: ShareSecret, seed: [u8; 32]) -> Self {
        let session = secret.session();
        Self::new(session, secret, seed)
    }

    fn new(session: SessionId, secret: ShareSecret, seed: [u8; 32]) -> Self {
        let seed = Secret32::from_bytes(seed);
        Self {
            session,
            keys: MemberKeys::from_seed(*Secret32::derive("peer member keys", &[seed.expose()]).expose()),
            secret,
            seed,
            drawn: 0,
            me: None,
            owner: None,
            log: AuthLog::new(session),
            epochs: BTreeMap::new(),
            roster: Roster::default(),
            replica: Replica::default(),
            readers: BTreeMap::new(),
            writers: BTreeMap::new(),
            documents: None,
            presence: OwnPresence::default(),
            hosting: None,
            viewing: Viewing::default(),
            typing: Typing::default(),
            links: BTreeMap::new(),
            events: VecDeque::new(),
            ended: None,
        }
    }

    /// Draws 32 fresh bytes from the seed.
    fn draw(&mut self) -> [u8; 32] {
        self.drawn += 1;
        derive("peer draw", &[self.seed.expose(), &self.drawn.to_le_bytes()])
    }

    /// Returns the session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Returns this peer's own id, once it has joined.
    #[must_use]
    pub fn me(&self) -> Option<AuthorId> {
        self.me.as_ref().map(VerifiedMember::author)
    }

    /// Returns what this peer may do; nothing before it has joined.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.me.as_ref().map_or(Rights::NONE, VerifiedMember::rights)
    }

    /// Returns the auth log as far as it is known here.
    #[must_use]
    pub const fn log(&self) -> &AuthLog {
        &self.log
    }

    /// Returns who is in the session.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Returns why the session is over for this peer, if it is.
    #[must_use]
    pub const fn ended(&self) -> Option<Ending> {
        self.ended
    }

    /// Returns the round-trip time of a link, in microseconds, once it was measured.
    #[must_use]
    pub fn rtt_us(&self, link: LinkId) -> Option<u64> {
        self.links.get(&link)?.rtt_us
    }

    /// Returns how many bytes wait to be sent over all links, documents not counted: a gauge.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.links.values().map(|link| link.outbox.queued_bytes()).sum()
    }

    /// Tells whether any link exchanges entries.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.links.values().any(|link| link.is_ready() && !link.awaits_host)
    }

    fn has_ready_link(&self) -> bool {
        self.links.values().any(Link::is_ready)
    }

    /// Opens a link: the shell has a stream to a relay or host. `exporter` is the TLS exporter of PROTOCOL.md 10.
    pub fn handle_link_open(&mut self, link: LinkId, exporter: Option<[u8; 32]>, now: Now) {
        let nonce = self.draw();
        let mut opened = Link::new(exporter, nonce, now.mono);
        opened.send(&self.hello(nonce));
        self.links.insert(link, opened);
    }

    /// Says that a link, just opened, claims to lead to the host itself: it does not count before the host has answered
    /// on it. Anybody nearby can take the host's place up to there.
    pub fn expect_host(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link) {
            state.awaits_host = true;
        }
    }

    /// Forgets a link whose stream is gone.
    pub fn handle_link_close(&mut self, link: LinkId, _now: Now) {
        self.links.remove(&link);
    }

    /// Takes one frame from a link.
    pub fn handle_frame(&mut self, link: LinkId, frame: Frame, now: Now) {
        self.note_time(now);
        let Some(state) = self.links.get_mut(&link) else { return };
        state.heard = now.mono;
        match (state.phase, frame) {
            (Phase::Closing(_), _) => {}
            (_, Frame::Close(code)) => self.handle_closed(link, code),
            (_, Frame::Ping(echo)) => state.send(&Frame::Pong(echo)),
            (_, Frame::Pong(_)) => {
                if let Some(sent) = state.pinged {
                    state.handle_pong(sent, now.mono);
                }
            }
            (_, Frame::Unknown { .. }) => {}
            (Phase::Greeting, Frame::Welcome(welcome)) => self.handle_welcome(link, &welcome, now),
            (Phase::Catching { .. } | Phase::Ready, Frame::Log(raw)) => self.handle_log(link, raw, now),
            (Phase::Catching { .. } | Phase::Ready, Frame::Wrap(raw)) => self.handle_wrap(link, &raw, now),
            (Phase::Proving, Frame::Ready(ready)) => self.handle_ready(link, ready, now),
            (Phase::Ready, frame) => self.handle_ready_frame(link, frame, now),
            _ => self.close_link(link, CloseCode::Protocol),
        }
        self.check_queue(link);
    }

    /// Gives a link up that makes this side answer and does not read the answers.
    fn check_queue(&mut self, link: LinkId) {
        if let Some(state) = self.links.get_mut(&link).filter(|state| state.is_ready() && state.outbox.is_overfull()) {
            state.outbox = Outbox::default();
            self.close_link(link, CloseCode::TooSlow);
        }
    }

    fn handle_ready_frame(&mut self, link: LinkId, frame: Frame, now: Now) {
        match frame {
            Frame::Member(raw) => self.handle_member(link, &raw, now.mono),
            Frame::Have(have) => self.handle_have(link, &have),
            Frame::Entry(raw) => self.handle_entry(link, raw, now),
            Frame::WantKeyframe(channel) => self.want_keyframe(channel),
            Frame::Peer(author, whereabouts) => self.handle_whereabouts(&author, whereabouts, now),
            // Receipts matter to a durable relay's clients; nothing here is forgotten before the session ends.
            Frame::Ack(_) => {}
            _ => self.close_link(link, CloseCode::Protocol),
        }
    }

    /// Does what is due at `now`: heartbeats, batches, keyframes, silence.
    pub fn handle_timeout(&mut self, now: Now) {
        self.flush_documents_if_due(now);
        self.flush_panes(now);
        self.flush_acks_if_due(now);
        self.check_driving(now);
        self.retry_typed_if_due(now);
        self.probe_if_due(now);
        self.send_presence_if_due(now);
        for author in self.roster.expire(now.mono) {
            self.events.push_back(Event::Left(author));
        }
        self.check_links(now);
        self.check_expiry(now);
    }

    fn check_links(&mut self, now: Now) {
        let mut silent = Vec::new();
        for (id, link) in &mut self.links {
            let since_heard_us = now.mono.since_us(link.heard);
            match link.phase {
                Phase::Closing(_) => {}
                Phase::Ready if since_heard_us >= SILENCE_US_MAX => silent.push(*id),
                Phase::Ready if link.awaits_host && now.mono.since_us(link.opened) >= VOUCH_US_MAX => silent.push(*id),
                Phase::Ready => {
                    let ping_due = link.pinged.is_none_or(|sent| now.mono.since_us(sent) >= HEARTBEAT_US);
                    if since_heard_us >= HEARTBEAT_US && ping_due || link.rtt_us.is_none() && link.pinged.is_none() {
                        link.pinged = Some(now.mono);
                        link.send(&Frame::Ping(now.mono.0.to_le_bytes()));
                    }
                }
                _ if now.mono.since_us(link.opened) >= HANDSHAKE_US_MAX => silent.push(*id),
                _ => {}
            }
        }
        for link in silent {
            self.close_link(link, CloseCode::TooSlow);
        }
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.check_queue(link);
        }
    }

    /// Measures the round-trip time of a link now; the result is in [`rtt_us`](Self::rtt_us) later.
    pub fn ping(&mut self, link: LinkId, now: Now) {
        if let Some(state) = self.links.get_mut(&link).filter(|state| state.is_ready() && state.pinged.is_none()) {
            state.pinged = Some(now.mono);
            state.send(&Frame::Ping(now.mono.0.to_le_bytes()));
        }
    }

    fn check_expiry(&mut self, now: Now) {
        let expired = self.me.as_ref().is_some_and(|me| me.live_at(now.wall).is_err());
        if expired && self.owner.is_none() {
            self.end(Ending::Expired);
        }
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do, if ever.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let links = self.links.values().filter(|link| !matches!(link.phase, Phase::Closing(_)));
        let links = links.map(|link| match link.phase {
            Phase::Ready => {
                let ping = link.pinged.map_or(link.heard, |sent| sent.max(link.heard)).after_us(HEARTBEAT_US);
                let vouched = if link.awaits_host { link.opened.after_us(VOUCH_US_MAX) } else { ping };
                ping.min(vouched).min(link.heard.after_us(SILENCE_US_MAX))
            }
            _ => link.opened.after_us(HANDSHAKE_US_MAX),
        });
        let due = [
            links.min(),
            self.documents.as_ref().and_then(Documents::poll_timeout),
            self.poll_panes(),
            self.poll_acks(),
            self.poll_driving(),
            self.poll_typed(),
            self.poll_probe(),
            self.poll_presence(),
            self.roster.poll_timeout(),
        ];
        due.into_iter().flatten().min()
    }

    /// Returns the next fact for the program.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.note_event(&event);
        Some(event)
    }

    /// Returns a link that has something to send and was not returned since it was last empty.
    pub fn poll_ready(&mut self) -> Option<LinkId> {
        let waiting = self.links.iter_mut().find(|(_, link)| !link.is_announced && link.has_something());
        waiting.map(|(id, link)| {
            link.is_announced = true;
            *id
        })
    }

    /// Takes frames for `link` until `bytes_max` is reached; the last one may go over it.
    pub fn pop(&mut self, link: LinkId, bytes_max: usize, out: &mut Vec<Bytes>) -> Popped {
        let Self { links, replica, roster, .. } = self;
        let Some(state) = links.get_mut(&link) else { return Popped { close: true } };
        let Link { outbox, feed, introduced, phase, .. } = state;
        let mut taken = 0;
        let mut introduction = None;
        while taken < bytes_max {
            let next = outbox.pop(|| {
                let entry = (*phase == Phase::Ready).then(|| feed.pop(replica)).flatten()?;
                introduction = introduce(introduced, roster, &entry.lane.author);
                Some(Frame::Entry(entry.as_bytes().clone()).encode())
            });
            let Some(frame) = next else { break };
            if let Some(introduction) = introduction.take() {
                taken += introduction.len();
                out.push(introduction);
            }
            taken += frame.len();
            out.push(frame);
        }
        state.is_announced = state.has_something();
        Popped { close: matches!(state.phase, Phase::Closing(_)) && !state.has_something() }
    }

    /// Ends a link from this side.
    pub fn close_link(&mut self, link: LinkId, code: CloseCode) {
        if let Some(state) = self.links.get_mut(&link).filter(|state| !matches!(state.phase, Phase::Closing(_))) {
            state.send(&Frame::Close(code));
            state.phase = Phase::Closing(code);
            self.events.push_back(Event::Unlinked(link, code));
        }
    }

    fn handle_closed(&mut self, link: LinkId, code: CloseCode) {
        self.links.remove(&link);
        self.events.push_back(Event::Unlinked(link, code));
    }

    /// Leaves: tells everybody, and closes all links.
    pub fn leave(&mut self, now: Now) {
        self.say_goodbye(now);
        self.end(Ending::Left);
    }

    fn end(&mut self, ending: Ending) {
        if self.ended.is_none() {
            self.ended = Some(ending);
            // What was admitted before the end is told before it.
            self.flush_documents();
            self.events.push_back(Event::Ended(ending));
            self.settle_up();
            for link in self.links.keys().copied().collect::<Vec<_>>() {
                self.close_link(link, CloseCode::Bye);
            }
        }
    }

    /// Fixes the order of all that waits: nothing queued from now on overtakes it, as CLOSE would.
    fn settle_up(&mut self) {
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            let mut frames = Vec::new();
            self.pop(link, usize::MAX, &mut frames);
            if let Some(state) = self.links.get_mut(&link) {
                frames.into_iter().for_each(|frame| state.outbox.push_urgent(frame));
            }
        }
    }

    /// Returns the writer of one of this peer's own lanes, once it has joined and can seal.
    fn writer(&mut self, channel: Channel) -> Option<(&mut LaneWriter, &MemberKeys)> {
        let epoch = self.log.epoch()?;
        let secret = self.epochs.get(&epoch)?;
        let author = self.me.as_ref()?.author();
        let lane = LaneId { channel, author, epoch };
        let writer = self.writers.entry(channel).or_insert_with(|| LaneWriter::new(self.session, lane, secret));
        Some((writer, &self.keys))
    }
}

/// Returns the MEMBER frame to send before the first entry of `author`, if it was not sent yet.
fn introduce(
    introduced: &mut std::collections::BTreeSet<AuthorId>,
    roster: &Roster,
    author: &AuthorId,
) -> Option<Bytes> {
    if introduced.contains(author) {
        return None;
    }
    let member = roster.member(author)?;
    introduced.insert(*author);
    Some(Frame::Member(member.chain().encode()).encode())
}

#[cfg(test)]
mod tests;
