//! What an audit tells: facts, each with its time, its source and who it is about.

use super::people::Person;
use super::text::{Utc, as_text, as_time};
use crate::proto::doc::MessageKind;
use crate::proto::id::{AuthorId, Channel, Epoch, PaneId, SessionId, ShareId};
use crate::proto::session::DriverPolicy;
use crate::proto::share::{Rights, ShareFlags};
use crate::proto::terminal::{Deed, sanitise_line};
use crate::proto::time::Wall;
use serde::{Serialize, Serializer};
use std::fmt;

/// A checked file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    /// The session.
    #[serde(serialize_with = "as_text")]
    pub session: SessionId,
    /// When the file was made, as its writer says.
    #[serde(serialize_with = "as_time")]
    pub made: Wall,
    /// Who made it.
    pub writer: Person,
    /// Whether chat and edits are in it.
    pub has_contents: bool,
    /// Everybody whose certificate is in it.
    pub members: Vec<Person>,
    /// What happened, by time.
    pub events: Vec<AuditEvent>,
    /// Who wrote how much into which document.
    pub edits: Vec<Edits>,
}

/// One author's writing in one document and epoch.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Edits {
    /// Who.
    pub who: Person,
    /// Which document.
    #[serde(serialize_with = "as_document")]
    pub document: Channel,
    /// Under which key.
    #[serde(serialize_with = "as_number")]
    pub epoch: Epoch,
    /// Signed changes in the file.
    pub changes: u64,
    /// Of these, how many have no content: their author sealed nonsense, or the writer did not have the key.
    pub unreadable: u64,
    /// Changes that the owner's cut counts and the file lacks.
    pub missing: u64,
}

/// Whose word a fact is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// The owner's: a record of the auth log.
    Owner,
    /// The host's: its journal. That somebody typed is the member's own word as well.
    Host,
    /// The member's own: an entry that it signed, with the time that it claims.
    Member,
    /// The host's checkpoint, which vouches for what members wrote before: their entries are not in the file.
    Checkpoint,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditEvent {
    /// When, by the clock of the source.
    #[serde(serialize_with = "as_time")]
    pub time: Wall,
    /// Whose word it is.
    pub source: Source,
    /// Who it is about, if it is about a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<Person>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
#[non_exhaustive]
pub enum What {
    /// The owner began the session.
    Began,
    /// The owner issued a link.
    LinkMade {
        /// The link.
        #[serde(serialize_with = "as_text")]
        link: ShareId,
        /// What it allows.
        #[serde(serialize_with = "as_text")]
        rights: Rights,
        /// Until when.
        #[serde(serialize_with = "as_time")]
        expires: Wall,
        /// How many may be connected by it at one time; 0 for no bound of its own.
        members_max: u32,
        /// What kind it is, in words.
        #[serde(serialize_with = "as_words")]
        flags: ShareFlags,
    },
    /// The owner closed a link.
    LinkClosed {
        /// The link.
        #[serde(serialize_with = "as_text")]
        link: ShareId,
        /// Members who came by it and were cut off, as far as the file has them.
        cut_off: Vec<Person>,
        /// How many may stay.
        stay: usize,
    },
    /// A new key is in use.
    EpochBegan {
        /// Its number.
        #[serde(serialize_with = "as_number")]
        epoch: Epoch,
    },
    /// The owner made a member the host.
    BecameHost,
    /// The owner let a member in.
    LetIn,
    /// The owner vouched for the host's checkpoint of a document.
    Checkpointed {
        /// Which.
        #[serde(serialize_with = "as_document")]
        document: Channel,
    },
    /// The owner let a document begin anew, from what it showed; a chat without its oldest lines.
    BeganAnew {
        /// Which.
        #[serde(serialize_with = "as_document")]
        document: Channel,
    },
    /// The owner ended the session.
    Ended,
    /// A member came.
    Joined,
    /// A member went, fell silent or was thrown out.
    Left,
    /// Somebody asked to be let in.
    Knocked,
    /// The owner did not let somebody in.
    TurnedAway,
    /// Another policy held from then on.
    PolicySet {
        /// The terminal.
        #[serde(serialize_with = "as_text")]
        pane: PaneId,
        /// The policy.
        #[serde(serialize_with = "as_policy")]
        policy: DriverPolicy,
    },
    /// By an own link a member had the host do something, which the owner's record of the same time shows, too.
    Commanded {
        /// What.
        #[serde(serialize_with = "as_deed")]
        deed: Deed,
        /// The link that was made or revoked.
        #[serde(serialize_with = "as_link", skip_serializing_if = "Option::is_none")]
        link: Option<ShareId>,
        /// The member that it was done to.
        #[serde(skip_serializing_if = "Option::is_none")]
        member: Option<Person>,
    },
    /// A member drove from then on.
    TookTheWheel {
        /// The terminal.
        #[serde(serialize_with = "as_text")]
        pane: PaneId,
    },
    /// Nobody drove from then on.
    WheelFree {
        /// The terminal.
        #[serde(serialize_with = "as_text")]
        pane: PaneId,
    },
    /// A member typed.
    Drove {
        /// The terminal.
        #[serde(serialize_with = "as_text")]
        pane: PaneId,
        /// When it stopped; the event's time is when it began.
        #[serde(serialize_with = "as_time")]
        until: Wall,
        /// How many bytes.
        bytes: u64,
        /// The first of its entries to the host.
        first_entry: u64,
        /// The last one, for which there is a receipt with the member's signature.
        last_entry: u64,
    },
    /// A member said something in the chat.
    Said {
        /// The number of the message among its author's.
        n: u64,
        /// Whether it is a reaction to the message it names.
        is_reaction: bool,
        /// The message that it replies or reacts to.
        #[serde(serialize_with = "as_reply", skip_serializing_if = "Option::is_none")]
        reply: Option<(AuthorId, u64)>,
        /// The text, as its author wrote it: control characters and all.
        text: String,
    },
    /// The host's journal was full; it notes nothing after this.
    JournalFull,
}

fn as_number<S: Serializer>(epoch: &Epoch, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u32(epoch.0)
}

fn as_document<S: Serializer>(channel: &Channel, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(document(*channel))
}

fn as_words<S: Serializer>(flags: &ShareFlags, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(words(*flags))
}

fn as_policy<S: Serializer>(policy: &DriverPolicy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(policy_words(*policy))
}

fn as_reply<S: Serializer>(reply: &Option<(AuthorId, u64)>, serializer: S) -> Result<S::Ok, S::Error> {
    match reply {
        Some((author, n)) => serializer.collect_str(&format_args!("{author}/{n}")),
        None => serializer.serialize_none(),
    }
}

fn as_deed<S: Serializer>(deed: &Deed, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match deed {
        Deed::MadeLink(_) => "make_link",
        Deed::Revoked(_) => "revoke",
        Deed::Kicked(_) => "kick",
        Deed::LetIn(_) => "let_in",
        Deed::TurnedAway(_) => "turn_away",
        Deed::RevokedAll => "revoke_all",
    })
}

fn as_link<S: Serializer>(link: &Option<ShareId>, serializer: S) -> Result<S::Ok, S::Error> {
    match link {
        Some(link) => serializer.collect_str(link),
        None => serializer.serialize_none(),
    }
}

const fn document(channel: Channel) -> &'static str {
    match channel {
        Channel::CHAT | Channel::CHAT_CHECKPOINT => "chat",
        _ => "state",
    }
}

const fn policy_words(policy: DriverPolicy) -> &'static str {
    match policy {
        DriverPolicy::Everybody => "everybody",
        DriverPolicy::One { .. } => "one driver",
        DriverPolicy::ApproveLines => "approved lines",
    }
}

fn words(flags: ShareFlags) -> impl Iterator<Item = &'static str> {
    let names = [
        (ShareFlags::PASSPHRASE, "passphrase"),
        (ShareFlags::PUBLIC, "public"),
        (ShareFlags::LAN_ONLY, "lan only"),
        (ShareFlags::APPROVE, "approve"),
        (ShareFlags::ONCE, "once"),
    ];
    names.into_iter().filter(move |(flag, _)| flags.contains(*flag)).map(|(_, name)| name)
}

/// Longest text of a message in a line for people, in bytes.
const SHOWN_BYTES_MAX: usize = 4_096;

fn short(share: &ShareId) -> String {
    share.to_string().chars().take(8).collect()
}

impl fmt::Display for AuditEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", Utc(self.time))?;
        if let Some(who) = &self.who {
            write!(f, "{who} ")?;
        }
        write!(f, "{}", self.what)?;
        match self.source {
            Source::Checkpoint => f.write_str(" [by the host's checkpoint]"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began => f.write_str("the session began"),
            Self::LinkMade { link, rights, expires, members_max, flags } => {
                write!(f, "link {} made: {rights}, until {}", short(link), Utc(*expires))?;
                if *members_max > 0 {
                    write!(f, ", for {members_max} at a time")?;
                }
                words(*flags).try_for_each(|word| write!(f, ", {word}"))
            }
            Self::LinkClosed { link, cut_off, stay } => {
                write!(f, "link {} closed", short(link))?;
                if *stay > 0 {
                    write!(f, " but for {stay} who stay")?;
                }
                let mut names = cut_off.iter();
                names.next().map_or(Ok(()), |first| write!(f, "; cut off: {first}"))?;
                names.try_for_each(|other| write!(f, ", {other}"))
            }
            Self::EpochBegan { epoch } => write!(f, "key {} in use", epoch.0),
            Self::BecameHost => f.write_str("became the host"),
            Self::LetIn => f.write_str("was let in"),
            Self::BeganAnew { document: channel } => write!(f, "new generation of the {}", document(*channel)),
            Self::Checkpointed { document: channel } => write!(f, "checkpoint of the {}", document(*channel)),
            Self::Ended => f.write_str("the session ended"),
            Self::Joined => f.write_str("joined"),
            Self::Left => f.write_str("left"),
            Self::Knocked => f.write_str("asked to be let in"),
            Self::TurnedAway => f.write_str("was turned away"),
            Self::PolicySet { pane, policy } => write!(f, "terminal {pane}: {} may type", policy_words(*policy)),
            Self::Commanded { deed, link, member } => {
                f.write_str(match deed {
                    Deed::MadeLink(_) => "had the host make link",
                    Deed::Revoked(_) => "had the host revoke link",
                    Deed::Kicked(_) => "had the host remove",
                    Deed::LetIn(_) => "had the host let in",
                    Deed::TurnedAway(_) => "had the host turn away",
                    Deed::RevokedAll => "had the host revoke all links",
                })?;
                link.iter().try_for_each(|link| write!(f, " {}", short(link)))?;
                member.iter().try_for_each(|member| write!(f, " {member}"))
            }
            Self::TookTheWheel { pane } => write!(f, "drives terminal {pane}"),
            Self::WheelFree { pane } => write!(f, "nobody drives terminal {pane}"),
            Self::Drove { pane, until, bytes, first_entry, last_entry } => {
                write!(f, "typed {bytes} bytes into terminal {pane} until {}", Utc(*until))?;
                write!(f, ", entries {first_entry} to {last_entry}, signed")
            }
            Self::Said { is_reaction, text, .. } => {
                let verb = if *is_reaction { "reacted" } else { "said" };
                write!(f, "{verb}: {}", sanitise_line(text, SHOWN_BYTES_MAX))
            }
            Self::JournalFull => f.write_str("the host's journal was full: nothing is noted after this"),
        }
    }
}

impl From<&crate::proto::doc::Message> for What {
    fn from(message: &crate::proto::doc::Message) -> Self {
        Self::Said {
            n: message.n,
            is_reaction: message.kind == MessageKind::Reaction,
            reply: message.reply,
            text: message.text.clone(),
        }
    }
}
