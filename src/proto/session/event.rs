//! What a session tells the program around it.

use super::link::LinkId;
use crate::proto::doc::Message;
use crate::proto::id::{AuthorId, Channel, Epoch, PaneId};
use crate::proto::terminal::{Deed, Desk, Outcome, Refusal, Size, StreamEvent, Waits};
use crate::proto::wire::CloseCode;
use std::fmt;

/// A fact for people or for the shell.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The link is up: proven, and exchanging entries.
    Linked(LinkId),
    /// The link is over or was refused; the shell closes it once its frames are sent.
    Unlinked(LinkId, CloseCode),
    /// A member came, or came back.
    Joined(AuthorId),
    /// A member went, or fell silent.
    Left(AuthorId),
    /// A member's name, cursor, focus or typing changed.
    Presence(AuthorId),
    /// A chat message is new to this peer.
    Message(Message),
    /// The state document changed.
    State,
    /// A watched terminal has something new. Only at guests.
    Terminal(PaneId, StreamEvent),
    /// A member typed into a terminal. Only at the host; already checked.
    Input(PaneId, AuthorId, Vec<u8>),
    /// A member says how large its window is. Only at the host.
    WindowSize(PaneId, AuthorId, Size),
    /// A member would like to drive a terminal that somebody else drives. Only at the host.
    DriveWished(PaneId, AuthorId),
    /// Another member drives a terminal now, or nobody. Only at the host; guests see it in the state document.
    DriverChanged(PaneId, Option<AuthorId>),
    /// A member has typed a line and waits for the owner's yes; the text is what is written then, and Enter. Only at the
    /// host, one line of a member and terminal at a time.
    LineProposed(PaneId, AuthorId, String),
    /// What was typed or asked for here is up to somebody else now.
    InputWaits(PaneId, Waits),
    /// The host did not take what was typed here.
    InputRefused(PaneId, Refusal),
    /// What was typed but not yet taken is lost, because another host process took over.
    InputLost {
        /// How many bytes.
        bytes: usize,
    },
    /// Somebody came by a link whose members are let in one by one, and waits. Only at the owner.
    Knocked(AuthorId),
    /// What came of a command of this peer's, which had this number.
    Answered(u64, Outcome),
    /// What waits for an owner's word, as the host shows it to whoever asked by an own link.
    Desk(Desk),
    /// The host has done this because a member, who came by an own link, commanded it. Only at the host.
    Commanded(AuthorId, Deed),
    /// This peer waits to be let in.
    Waiting,
    /// The owner has let this peer in.
    LetIn,
    /// All that is said from now on is sealed under the key of this epoch.
    Rekeyed(Epoch),
    /// What was said in a document before the present epoch came whole from the host's checkpoint.
    CheckpointTaken(Channel),
    /// The session is over for this peer.
    Ended(Ending),
    /// Somebody breaks the rules; nothing was taken from them.
    Alarm(Alarm),
}

/// Why a session is over for a peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// The owner ended it.
    ByOwner,
    /// The link's time is up.
    Expired,
    /// The owner revoked the link.
    Revoked,
    /// The owner removed this member; others who came by the same link stay.
    Kicked,
    /// The owner did not let this member in.
    TurnedAway,
    /// This side left.
    Left,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByOwner => "the owner ended the session",
            Self::Expired => "the link has expired",
            Self::Revoked => "the owner revoked this link",
            Self::Kicked => "the owner removed you from the session",
            Self::TurnedAway => "the owner did not let you in",
            Self::Left => "you left the session",
        })
    }
}

/// A breach of the rules by somebody, named. Each is told once per incident.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Alarm {
    /// A relay showed two auth logs that contradict each other.
    #[error("a relay showed a forked or forged auth log")]
    LogForked,
    /// The host has records of the auth log that do not come: somebody may be in, or still be in, against its will.
    #[error("a relay withholds records of the session's log")]
    LogWithheld,
    /// A relay passed on something that its alleged author never signed.
    #[error("a relay passed on an entry that {0} did not sign")]
    Forged(AuthorId),
    /// A member showed different things to different people, or a relay altered what it wrote.
    #[error("{0} wrote two histories, or a relay altered one")]
    Forked(AuthorId),
    /// A member showed different things to different people: it signed both, and everybody is told.
    #[error("{0} wrote two histories, which is proven; what it writes is ignored until the owner has cut it short")]
    Equivocated(AuthorId),
    /// A member wrote something that no honest program writes; the rest of its lane is ignored.
    #[error("{0} sent a malformed entry and is muted")]
    Muted(AuthorId),
    /// A relay has what a member wrote, and does not pass it on.
    #[error("a relay withholds {entries} entries by {author}")]
    Withheld {
        /// Who wrote them.
        author: AuthorId,
        /// How many there are.
        entries: u64,
    },
    /// This peer and a member have seen different things for a while, although neither waits for anything.
    #[error("{0} has seen something else than us for a while: a relay may be lying, or is very slow")]
    Diverged(AuthorId),
    /// An acceptor has come back with less than it had confirmed; it gets everything again.
    #[error("a relay has lost {entries} entries or records that it had confirmed; it was sent them again")]
    RolledBack {
        /// How many are lost.
        entries: u64,
    },
    /// The host's checkpoint is not what the entries before it add up to.
    #[error("the host's checkpoint of the {} leaves something out", document(*.0))]
    CheckpointOmits(Channel),
    /// What was said before the present epoch does not come, although the host is there, who has vouched for it.
    #[error("a relay withholds what was in the {} before", document(*.0))]
    PastWithheld(Channel),
    /// The key of an epoch did not come, although the host is there and the owner makes one for everybody who stays.
    #[error("a relay withholds the key of epoch {}", .0.0)]
    KeyWithheld(Epoch),
}

const fn document(channel: Channel) -> &'static str {
    match channel {
        Channel::STATE => "notes and terminals",
        _ => "chat",
    }
}
