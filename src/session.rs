//! What a host and a guest have in common: who is here, the documents, and what happens.

use crate::io::core::{Core, Inner};
use crate::proto::audit::Contents;
use crate::proto::doc::{CursorAt, Draft, Message, Presence, StateItem, StateView};
use crate::proto::id::{AuthorId, Epoch, PaneId, SessionId, ShareId};
use crate::proto::limits::NAME_BYTES_MAX;
use crate::proto::member::VerifiedMember;
use crate::proto::path::PathKind;
use crate::proto::session::{Alarm, EditRefused, Peer};
use crate::proto::share::Rights;
use crate::proto::terminal::{Deed, Refusal, Waits, sanitise_line};
use crate::proto::wire::CloseCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

pub use crate::proto::session::Ending;

/// How many colours members are told apart by; [`Member::colour`] is below it.
pub const COLOURS: u8 = 12;

/// A joined session. Cloning is cheap and gives another handle on the same one.
#[derive(Clone)]
pub struct Session {
    pub(crate) core: Arc<Core>,
}

/// Whether the session can be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Connection {
    /// Looking for a way: this machine, the LAN, the relay.
    Searching,
    /// A way was found, and its handshake is under way.
    Connecting,
    /// Everything flows.
    Ready,
    /// The way is lost. It comes back by itself; edits made meanwhile are kept.
    Lost,
    /// The session is over for this side.
    Closed,
}

/// How a host stands with its relay.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RelayReach {
    /// Being dialled for the first time.
    Dialling,
    /// Linked: guests elsewhere can join.
    Linked,
    /// Not reached, or lost; dialled again and again.
    Unreachable {
        /// What came of it last, for people.
        reason: String,
    },
}

/// How a session is doing right now.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Whether it can be reached.
    pub connection: Connection,
    /// Which way, while there is one.
    pub path: Option<PathKind>,
    /// Who is at the other end of it, for people.
    pub remote: Option<String>,
    /// Round-trip time over it, smoothed, once measured.
    pub rtt: Option<Duration>,
    /// Whether what is shown is up to date: the host was heard within 15 s, and no relay hides a record of its log.
    pub live: bool,
    /// Why a relay last said no, while nothing else works.
    pub refusal: Option<CloseCode>,
    /// Whether this side waits to be let in.
    pub waiting: bool,
    /// Why the session is over, if it is.
    pub ended: Option<Ending>,
}

/// Somebody who is in the session.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its id.
    pub author: AuthorId,
    /// What it calls itself: one line without control characters, at most 64 bytes, never empty. Not proven.
    pub name: String,
    /// A colour to tell it by, below [`COLOURS`].
    pub colour: u8,
    /// What it may do, as its certificate says.
    pub rights: Rights,
    /// Whether it is this side.
    pub is_me: bool,
    /// Whether it publishes the terminals.
    pub is_host: bool,
    /// The link that it came by.
    pub link: Option<ShareId>,
    /// Where it points, if it does.
    pub cursor: Option<CursorAt>,
    /// Which terminal it looks at.
    pub focus: Option<PaneId>,
    /// Whether it is typing.
    pub typing: bool,
}

impl Member {
    pub(crate) fn find(peer: &Peer, author: &AuthorId) -> Option<Self> {
        Some(Self::new(peer, peer.roster().member(author)?, peer.roster().presence(author)?))
    }

    fn new(peer: &Peer, member: &VerifiedMember, presence: &Presence) -> Self {
        let author = member.author();
        Self {
            author,
            name: name_or_id(&presence.name, &author),
            colour: presence.colour % COLOURS,
            rights: member.rights(),
            is_me: peer.me() == Some(author),
            is_host: peer.log().host() == Some(author),
            link: Some(member.share()),
            cursor: presence.cursor,
            focus: presence.focus,
            typing: presence.typing,
        }
    }

    /// Returns what two people compare who want to know whether they mean the same member, such as `3f2a 91bc`.
    ///
    /// It is the begin of the member's id, which stands for its keys; who waits to be let in sees its own.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.author)
    }

    /// Describes somebody who is not here: who has just gone, waits to be let in, or wrote something long ago.
    pub(crate) fn outside(peer: &Peer, author: AuthorId) -> Self {
        let writer = peer.roster().writer(&author);
        let name = writer.map_or("", |(_, name)| name);
        Self {
            author,
            name: name_or_id(name, &author),
            colour: author.0[0] % COLOURS,
            rights: writer.map_or(Rights::NONE, |(member, _)| member.rights()),
            is_me: peer.me() == Some(author),
            is_host: peer.log().host() == Some(author),
            link: writer.map(|(member, _)| member.share()),
            cursor: None,
            focus: None,
            typing: false,
        }
    }
}

fn key(author: &AuthorId) -> String {
    let digits = author.to_string();
    digits.get(..4).zip(digits.get(4..8)).map(|(one, other)| format!("{one} {other}")).unwrap_or_default()
}

fn name_or_id(name: &str, author: &AuthorId) -> String {
    let name = sanitise_line(name, NAME_BYTES_MAX);
    if name.is_empty() { author.to_string().chars().take(6).collect() } else { name }
}

/// Bytes that a member typed into a terminal of this host; its right to do so was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Input {
    /// Who typed.
    pub author: AuthorId,
    /// What: the bytes a terminal would send.
    pub bytes: Vec<u8>,
}

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The way to the session changed.
    Connection(Connection),
    /// Somebody came; this side too.
    Joined(Member),
    /// Somebody left or fell silent.
    Left(Member),
    /// Somebody's name, cursor, focus or typing changed; [`Session::members`] tells.
    Presence(AuthorId),
    /// The host's way to its relay changed. Only at the host.
    Relay(RelayReach),
    /// A chat message that this side did not know.
    Message(Message),
    /// The state document changed; [`Session::state`] tells.
    State,
    /// Somebody would like to drive a terminal that another member drives. Only at the host.
    DriveWished {
        /// The terminal.
        pane: PaneId,
        /// Who.
        author: AuthorId,
    },
    /// Somebody else drives a terminal now, or nobody. Only at the host; guests see it in [`Session::state`].
    DriverChanged {
        /// The terminal.
        pane: PaneId,
        /// Who drives.
        driver: Option<AuthorId>,
    },
    /// Somebody typed a line that waits for the owner's yes: what is written then is this text, and Enter. Only at the
    /// host.
    LineProposed {
        /// The terminal.
        pane: PaneId,
        /// Who typed.
        author: AuthorId,
        /// What, without anything that cannot be seen.
        line: String,
    },
    /// What was typed or asked for here is up to somebody else now.
    Waits {
        /// The terminal.
        pane: PaneId,
        /// For what.
        what: Waits,
    },
    /// The host did not take what was typed.
    Refused {
        /// The terminal.
        pane: PaneId,
        /// Why.
        reason: Refusal,
    },
    /// Somebody came by a link whose members are let in one by one, and waits. Only at the host.
    Knocked(Member),
    /// The host has done this because a member, who came by an own link, commanded it. Only at the host.
    Commanded {
        /// Who.
        by: Member,
        /// What.
        deed: Deed,
        /// The member that it was done to, if to one.
        to: Option<Member>,
    },
    /// This side waits to be let in; the host decides.
    Waiting,
    /// This side has been let in.
    LetIn,
    /// What is said from now on is sealed under the key of this epoch.
    Rekeyed(Epoch),
    /// What was typed while the host was away is lost: another process hosts now.
    InputLost {
        /// How much.
        bytes: usize,
    },
    /// Somebody breaks the rules; nothing was taken from them.
    Alarm(Alarm),
    /// The session is over for this side.
    Ended(Ending),
    /// This listener was too slow and missed so many events; the session itself has everything.
    Lagged {
        /// How many.
        missed: u64,
    },
}

impl Event {
    pub(crate) fn commanded(peer: &Peer, author: AuthorId, deed: Deed) -> Self {
        let member = |author| Member::outside(peer, author);
        Self::Commanded { by: member(author), deed, to: deed.member().map(member) }
    }
}

/// A stream of events, from the moment it was asked for.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

impl Events {
    /// Waits for the next event; `None` when the session is gone.
    ///
    /// Cancel safe: an event is not lost when the wait is.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Event::Lagged { missed }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// Whether this side is typing right now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Typing {
    /// It is.
    Now,
    /// It is not.
    Not,
}

impl Session {
    /// Returns the session's id, which is public.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.core.read(|inner, _| inner.peer.session())
    }

    /// Returns this side's member id; `None` before it has joined.
    #[must_use]
    pub fn me(&self) -> Option<AuthorId> {
        self.core.read(|inner, _| inner.peer.me())
    }

    /// Returns what the host sees of this side while it waits to be let in: see [`Member::key`].
    #[must_use]
    pub fn key(&self) -> Option<String> {
        self.me().as_ref().map(key)
    }

    /// Returns what this side may do.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.core.read(|inner, _| inner.peer.rights())
    }

    /// Listens to what happens from now on.
    #[must_use]
    pub fn events(&self) -> Events {
        Events(self.core.subscribe())
    }

    /// Returns how the session is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.core.read(|inner, now| {
            let path = inner.path_in_use();
            Status {
                connection: inner.connection(),
                rtt: path.as_ref().and_then(|path| path.rtt_us).map(Duration::from_micros),
                live: path.is_some() && inner.peer.is_live(now),
                refusal: inner.refusal(),
                waiting: inner.is_waiting(),
                ended: inner.peer.ended(),
                remote: path.as_ref().map(|path| path.remote.clone()),
                path: path.map(|path| path.path),
            }
        })
    }

    /// Asks for a new measurement of the round-trip time; [`status`](Self::status) has it when it is in.
    pub fn ping(&self) {
        self.core.with(|inner, now| {
            if let Some(path) = inner.path_in_use() {
                inner.peer.ping(path.link, now);
            }
        });
    }

    /// Returns everybody who is here, this side too, in an order that only joins and leaves change.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.core.read(|inner, _| {
            let peer = &inner.peer;
            peer.roster().here().map(|(member, presence)| Member::new(peer, member, presence)).collect()
        })
    }

    /// Returns who somebody is: the author of a message, of something in the state, or of what was typed. Also of those
    /// who went long ago, or before this side came; `None` of somebody unknown.
    #[must_use]
    pub fn member(&self, author: AuthorId) -> Option<Member> {
        self.core.read(|inner, _| {
            let peer = &inner.peer;
            peer.roster().writer(&author)?;
            Some(Member::find(peer, &author).unwrap_or_else(|| Member::outside(peer, author)))
        })
    }

    /// Returns who changed something in the state document last, where it is still so.
    #[must_use]
    pub fn author_of(&self, item: StateItem<'_>) -> Option<AuthorId> {
        self.core.read(|inner, _| inner.peer.author_of(item))
    }

    /// Returns the state document: title, terminals, notes, the application's own values.
    #[must_use]
    pub fn state(&self) -> StateView {
        self.core.read(|inner, _| inner.peer.state())
    }

    /// Returns the chat in its total order, which is the same for everybody.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.core.read(|inner, _| inner.peer.messages().to_vec())
    }

    /// Says something in the chat. Works offline: it is delivered once there is a way.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to chat, before joining, or for a text over 4 KiB.
    pub fn say(&self, draft: impl Into<Draft>) -> Result<(), EditRefused> {
        self.core.with(|inner, now| inner.peer.say(&draft.into(), now))
    }

    /// Names the session.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to control, or before joining.
    pub fn set_title(&self, title: &str) -> Result<(), EditRefused> {
        self.core.with(|inner, _| inner.peer.set_title(title))
    }

    /// Sets a value of the application that embeds the session: any text, by convention JSON.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to control, before joining, or over a limit.
    pub fn set_app(&self, key: &str, json: &str) -> Result<(), EditRefused> {
        self.core.with(|inner, _| inner.peer.set_app(key, json))
    }

    /// Replaces `delete` characters of the shared notes at `position` (in Unicode scalar values) by `insert`.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to control, before joining, or for a position past the end.
    pub fn edit_notes(&self, position: usize, delete: usize, insert: &str) -> Result<(), EditRefused> {
        self.core.with(|inner, _| inner.peer.edit_notes(position, delete, insert))
    }

    /// Changes this side's name, cut at 64 bytes.
    pub fn set_name(&self, name: &str) {
        let name = sanitise_line(name, NAME_BYTES_MAX);
        self.present(|inner| inner.peer.present(|presence| presence.name = name));
    }

    /// Moves or hides this side's cursor. Bursts are thinned out to what people can see.
    pub fn set_cursor(&self, cursor: Option<CursorAt>) {
        self.present(|inner| inner.peer.point_at(cursor));
    }

    /// Says which terminal this side looks at.
    pub fn set_focus(&self, pane: Option<PaneId>) {
        self.present(|inner| inner.peer.focus(pane));
    }

    /// Says whether this side is typing.
    pub fn set_typing(&self, typing: Typing) {
        self.present(|inner| inner.peer.present(|presence| presence.typing = typing == Typing::Now));
    }

    fn present(&self, change: impl FnOnce(&mut Inner)) {
        self.core.with(|inner, _| change(inner));
    }

    /// Returns the session's signed history as far as this side holds it, for a file that
    /// [`audit::read`](crate::audit::read) checks; `None` before this side has joined. The host's has who came and
    /// went, and who typed where; with its contents, whoever has the file can read the chat.
    #[must_use]
    pub fn export_audit(&self, contents: Contents) -> Option<Vec<u8>> {
        self.core.with(|inner, now| inner.peer.export_audit(contents, now))
    }

    /// Waits until the session is over for this side, and returns why.
    pub async fn ended(&self) -> Ending {
        let mut ended = self.core.ended();
        let result = ended.wait_for(Option::is_some).await;
        result.ok().and_then(|ending| *ending).unwrap_or(Ending::Left)
    }
}
