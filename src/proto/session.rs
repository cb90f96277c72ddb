//! A peer of a session, host or guest, as one state machine.
//!
//! frames of links, commands, time --`handle_*`, verbs--> [`Peer`] --`pop`, `poll_event`, `poll_timeout`--> the shell
//!
//! Every link is dialled by the peer: to a relay, or to the relay that a host embeds for its LAN. Whatever a link
//! delivers is checked here as if the relay were the attacker. A host with several links passes on what one side
//! has and the other lacks. PROTOCOL.md 10, 11, 13-15.
//!
//! Always: nothing unsigned, unsealed or without right reaches a document, a terminal or an event.

mod acceptors;
mod admit;
mod auditing;
mod authors;
mod checkpoints;
mod commands;
mod documents;
mod driving;
mod epochs;
mod event;
mod generations;
mod handshake;
mod hidden;
mod holdings;
mod host_only;
mod hosting;
mod lanes;
mod link;
mod links;
mod outbox;
mod owner;
mod passing;
mod past;
mod presence;
mod proofs;
mod roster;
mod typing;
mod viewing;

pub use documents::EditRefused;
pub use driving::{DRIVER_LAPSE_MS, DriverPolicy, DrivingError};
pub use event::{Alarm, Ending, Event};
pub use hosting::HostingError;
pub use link::LinkId;
pub use links::Popped;
pub use owner::{OwnerError, ShareInfo, ShareTerms};
pub use passing::PassOnError;
pub use roster::{Roster, Seat};
pub use typing::TypeError;

use crate::proto::authlog::AuthLog;
use crate::proto::id::{AuthorId, Channel, LaneId, SessionId};
use crate::proto::key::{MemberKeys, Secret32, ShareSecret};
use crate::proto::lane::replica::Replica;
use crate::proto::member::VerifiedMember;
use crate::proto::seal::{LaneReader, LaneWriter};
use crate::proto::share::Rights;
use crate::proto::sorted::SortedMap;
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{CloseCode, Frame};
use acceptors::Acceptors;
use checkpoints::Checkpoints;
use documents::Documents;
use epochs::Epochs;
use hidden::Hidden;
use holdings::Comparison;
use host_only::HostOnly;
use hosting::Hosting;
use lanes::Lanes;
use link::{Link, Phase};
use owner::Owner;
use passing::Passing;
use past::Past;
use presence::OwnPresence;
use proofs::Proofs;
use std::collections::VecDeque;
use typing::Typing;
use viewing::Viewing;
use zeroize::Zeroize;

/// One member's side of a session.
pub struct Peer {
    session: SessionId,
    keys: MemberKeys,
    /// The secret of the share this peer came in by.
    secret: ShareSecret,
    /// What all that is drawn from now on comes from. It moves on with each draw, so that nobody who finds it can draw
    /// anew what was drawn before, as the keys of epochs that are over.
    seed: Secret32,
    me: Option<VerifiedMember>,
    owner: HostOnly<Owner>,
    log: AuthLog,
    epochs: Epochs,
    lanes: Lanes,
    checkpoints: Checkpoints,
    past: Past,
    proofs: Proofs,
    passing: Passing,
    roster: Roster,
    replica: Replica,
    readers: SortedMap<LaneId, LaneReader>,
    writers: SortedMap<Channel, LaneWriter>,
    documents: Option<Documents>,
    presence: OwnPresence,
    comparison: Comparison,
    hidden: Hidden,
    hosting: HostOnly<Hosting>,
    viewing: Viewing,
    typing: Typing,
    links: SortedMap<LinkId, Link>,
    acceptors: Acceptors,
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

    fn new(session: SessionId, secret: ShareSecret, mut bytes: [u8; 32]) -> Self {
        let seed = Secret32::from_bytes(bytes);
        bytes.zeroize();
        Self {
            session,
            keys: MemberKeys::from_seed(*Secret32::derive("peer member keys", &[seed.expose()]).expose()),
            secret,
            seed,
            me: None,
            owner: HostOnly::NONE,
            log: AuthLog::new(session),
            epochs: Epochs::default(),
            lanes: Lanes::default(),
            checkpoints: Checkpoints::default(),
            past: Past::default(),
            proofs: Proofs::default(),
            passing: Passing::default(),
            roster: Roster::default(),
            replica: Replica::default(),
            readers: SortedMap::new(),
            writers: SortedMap::new(),
            documents: None,
            presence: OwnPresence::default(),
            comparison: Comparison::default(),
            hidden: Hidden::default(),
            hosting: HostOnly::NONE,
            viewing: Viewing::default(),
            typing: Typing::default(),
            links: SortedMap::new(),
            acceptors: Acceptors::default(),
            events: VecDeque::new(),
            ended: None,
        }
    }

    /// Draws 32 fresh bytes from the seed.
    fn draw(&mut self) -> Secret32 {
        let drawn = Secret32::derive("peer draw", &[self.seed.expose()]);
        self.seed = Secret32::derive("peer seed", &[self.seed.expose()]);
        drawn
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

    /// Takes one frame from a link.
    pub fn handle_frame(&mut self, link: LinkId, frame: Frame, now: Now) {
        self.note_time(now);
        let Some(state) = self.links.get_mut(&link) else { return };
        state.note_heard(now.mono);
        match (state.phase, frame) {
            (Phase::Closing(_), _) => {}
            (_, Frame::Close(code)) => self.handle_closed(link, code),
            (_, Frame::Ping(echo)) => state.send(&Frame::Pong(echo)),
            (_, Frame::Pong(echo)) => self.handle_pong(link, echo, now.mono),
            (Phase::Parting, _) | (_, Frame::Unknown { .. }) => {}
            (Phase::Greeting, Frame::Welcome(welcome)) => self.handle_welcome(link, &welcome, now),
            (Phase::Catching(_) | Phase::Ready, Frame::Log(raw)) => self.handle_log(link, raw, now),
            (Phase::Catching(_) | Phase::Ready, Frame::Share(share)) => self.handle_share(link, share, now),
            (Phase::Catching(_) | Phase::Ready, Frame::Wrap(raw)) => self.handle_wrap(link, &raw, now),
            (Phase::Proving, Frame::Ready(ready)) => self.handle_ready(link, ready, now),
            (Phase::Ready, frame) => self.handle_ready_frame(link, frame, now),
            _ => self.close_link(link, CloseCode::Protocol),
        }
        self.check_queue(link);
    }

    fn handle_ready_frame(&mut self, link: LinkId, frame: Frame, now: Now) {
        match frame {
            Frame::Member(raw) => self.handle_member(link, &raw, now.mono),
            Frame::Have(have) => self.handle_have(link, &have, now.mono),
            Frame::Entry(raw) => self.handle_entry(link, raw, now),
            Frame::WantKeyframe(channel) => self.want_keyframe(channel),
            Frame::Peer(author, whereabouts) => self.handle_whereabouts(&author, whereabouts, now),
            Frame::Ack(ack) => self.handle_ack(link, ack, now.mono),
            Frame::Proof(raw) => self.handle_proof(link, &raw),
            _ => self.close_link(link, CloseCode::Protocol),
        }
    }

    /// Does what is due at `now`: heartbeats, batches, keyframes, silence.
    pub fn handle_timeout(&mut self, now: Now) {
        self.flush_documents_if_due(now);
        self.tend_lanes(now);
        self.tend_session(now);
        self.show_desk_if_due(now);
        self.ask_for_checkpoints(now.mono);
        self.flush_panes(now);
        self.flush_acks_if_due(now);
        self.tell_history_if_due(now);
        self.check_driving(now);
        self.retry_typed_if_due(now);
        self.probe_if_due(now);
        self.send_presence_if_due(now);
        for author in self.roster.expire(now.mono) {
            self.events.push_back(Event::Left(author));
        }
        self.check_links(now);
        self.check_held(now.mono);
        self.check_key(now);
        self.check_hidden(now.mono);
        self.check_past(now);
        self.compare_holdings(now.mono);
        self.check_expiry(now);
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
        let due = [
            self.poll_links(),
            self.documents.as_ref().and_then(Documents::poll_timeout),
            self.lanes.poll_timeout().filter(|_| self.ended.is_none()),
            self.poll_session(),
            self.poll_desk(),
            self.poll_checkpoints(),
            self.poll_past(),
            self.poll_panes(),
            self.poll_acks(),
            self.poll_history(),
            self.poll_driving(),
            self.poll_typed(),
            self.poll_probe(),
            self.poll_presence(),
            self.comparison.poll_timeout(),
            self.poll_sure(),
            self.poll_key(),
            self.hidden.poll_timeout(),
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
                match self.links.get_mut(&link).filter(|state| state.is_ready()) {
                    // It closes the link itself, which says that it has the record.
                    Some(state) if ending == Ending::ByOwner && self.owner.is_some() => state.phase = Phase::Parting,
                    _ => self.close_link(link, CloseCode::Bye),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
