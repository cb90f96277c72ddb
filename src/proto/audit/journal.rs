//! The host's journal: who came and went and who typed where, each note signed and chained to the one before it.
//!
//! facts --[`Journal::write`]--> records --export--> file --[`Record::decode`]--> facts
//!
//! Always: a record cannot be changed, left out or moved without breaking the chain, but at its end. PROTOCOL.md 19.3.

use super::receipt::Receipt;
use crate::proto::id::{AuthorId, PaneId, SessionId, ShareId};
use crate::proto::key::MemberKeys;
use crate::proto::limits::{JOURNAL_BYTES_MAX, NAME_BYTES_MAX, PANES_MAX};
use crate::proto::member::VerifiedMember;
use crate::proto::session::DriverPolicy;
use crate::proto::share::Rights;
use crate::proto::sorted::SortedMap;
use crate::proto::terminal::sanitise_line;
use crate::proto::time::Wall;
use crate::proto::verify::derive;
use crate::proto::wire::{DecodeError, Reader};
use bytes::Bytes;

const VERSION: u8 = 1;
/// Version, type, host, seq, prev, time, length.
const HEAD_BYTES: usize = 1 + 1 + 16 + 8 + 32 + 8 + 2;
const SIGNATURE_BYTES: usize = 64;
/// Behind so many bytes nothing is noted of who comes and goes.
const PASSING_BYTES_MAX: usize = JOURNAL_BYTES_MAX / 4 * 3;

/// What the host notes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Note {
    /// A member came.
    Joined {
        /// Who.
        author: AuthorId,
        /// The link it came in by.
        share: ShareId,
        /// What it may do.
        rights: Rights,
        /// What it calls itself.
        name: String,
    },
    /// A member went, fell silent or was thrown out.
    Left(AuthorId),
    /// Somebody asks to be let in.
    Knocked(AuthorId),
    /// The owner did not let somebody in.
    TurnedAway(AuthorId),
    /// Another policy holds on a pane.
    Policy(PaneId, DriverPolicy),
    /// Somebody else drives a pane, or nobody.
    Driver(PaneId, Option<AuthorId>),
    /// A member typed.
    Drove(Drove),
    /// No room is left for more.
    Full,
}

/// What one member typed into one pane without a long pause.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Drove {
    /// Where.
    pub(crate) pane: PaneId,
    /// When its first bytes came.
    pub(crate) first: Wall,
    /// When its last bytes came.
    pub(crate) last: Wall,
    /// How many.
    pub(crate) bytes: u64,
    /// The entry that the first ones came in.
    pub(crate) from: u64,
    /// The entry that the last ones came in, and whose it was.
    pub(crate) receipt: Receipt,
}

impl Note {
    /// Returns whom it names, if anybody.
    pub(crate) const fn names(&self) -> Option<AuthorId> {
        match self {
            Self::Joined { author, .. } | Self::Left(author) | Self::Knocked(author) | Self::TurnedAway(author) => {
                Some(*author)
            }
            Self::Driver(_, driver) => *driver,
            Self::Drove(drove) => Some(drove.receipt.author()),
            Self::Policy(..) | Self::Full => None,
        }
    }

    /// Tells whether it is about coming and going alone.
    const fn is_passing(&self) -> bool {
        matches!(self, Self::Joined { .. } | Self::Left(_) | Self::Knocked(_))
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Joined { .. } => 1,
            Self::Left(_) => 2,
            Self::Knocked(_) => 3,
            Self::TurnedAway(_) => 4,
            Self::Policy(..) => 5,
            Self::Driver(..) => 6,
            Self::Drove(_) => 7,
            Self::Full => 8,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Joined { author, share, rights, name } => {
                out.extend_from_slice(author.as_bytes());
                out.extend_from_slice(share.as_bytes());
                out.push(rights.bits());
                out.extend_from_slice(name.as_bytes());
            }
            Self::Left(author) | Self::Knocked(author) | Self::TurnedAway(author) => {
                out.extend_from_slice(author.as_bytes());
            }
            Self::Policy(pane, policy) => {
                let (code, lapse_ms) = match policy {
                    DriverPolicy::Everybody => (0, 0),
                    DriverPolicy::One { lapse_ms } => (1, *lapse_ms),
                    DriverPolicy::ApproveLines => (2, 0),
                };
                out.extend_from_slice(&pane.0.to_le_bytes());
                out.push(code);
                out.extend_from_slice(&lapse_ms.to_le_bytes());
            }
            Self::Driver(pane, driver) => {
                out.extend_from_slice(&pane.0.to_le_bytes());
                out.extend(driver.iter().flat_map(|driver| driver.0));
            }
            Self::Drove(drove) => {
                out.extend_from_slice(&drove.pane.0.to_le_bytes());
                for number in [drove.first.0, drove.last.0, drove.bytes, drove.from] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
                drove.receipt.write(&mut out);
            }
            Self::Full => {}
        }
        out
    }

    fn decode(kind: u8, body: &[u8], session: &SessionId) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let note = match kind {
            1 => {
                let (author, share) = (AuthorId(reader.array()?), ShareId(reader.array()?));
                let bits = reader.u8()?;
                let rights = Rights::parse(bits).ok_or(DecodeError::Value { what: "rights", found: bits.into() })?;
                Self::Joined { author, share, rights, name: read_name(reader.rest())? }
            }
            2 => Self::Left(AuthorId(reader.array()?)),
            3 => Self::Knocked(AuthorId(reader.array()?)),
            4 => Self::TurnedAway(AuthorId(reader.array()?)),
            5 => Self::Policy(read_pane(&mut reader)?, read_policy(&mut reader)?),
            6 => {
                let pane = read_pane(&mut reader)?;
                let driver = if reader.remaining() == 0 { None } else { Some(AuthorId(reader.array()?)) };
                Self::Driver(pane, driver)
            }
            7 => Self::Drove(read_drove(&mut reader, session)?),
            8 => Self::Full,
            _ => return Err(DecodeError::Value { what: "journal type", found: kind.into() }),
        };
        reader.finish()?;
        Ok(note)
    }
}

fn read_pane(reader: &mut Reader<'_>) -> Result<PaneId, DecodeError> {
    let pane = reader.u16()?;
    if pane < PANES_MAX { Ok(PaneId(pane)) } else { Err(DecodeError::Value { what: "pane", found: pane.into() }) }
}

fn read_policy(reader: &mut Reader<'_>) -> Result<DriverPolicy, DecodeError> {
    match (reader.u8()?, reader.u64()?) {
        (0, 0) => Ok(DriverPolicy::Everybody),
        (1, lapse_ms) => Ok(DriverPolicy::One { lapse_ms }),
        (2, 0) => Ok(DriverPolicy::ApproveLines),
        (code, _) => Err(DecodeError::Value { what: "policy", found: code.into() }),
    }
}

fn read_name(bytes: &[u8]) -> Result<String, DecodeError> {
    let name = std::str::from_utf8(bytes).ok().filter(|name| name.len() <= NAME_BYTES_MAX);
    // What is safe to show is today's judgement, and the file may be old: it is no reason to refuse it.
    name.map(|name| sanitise_line(name, NAME_BYTES_MAX))
        .ok_or(DecodeError::Value { what: "name", found: bytes.len() as u64 })
}

fn read_drove(reader: &mut Reader<'_>, session: &SessionId) -> Result<Drove, DecodeError> {
    let pane = read_pane(reader)?;
    let (first, last) = (Wall(reader.u64()?), Wall(reader.u64()?));
    let (bytes, from) = (reader.u64()?, reader.u64()?);
    let receipt = Receipt::read(reader, session)?;
    if first > last || from > receipt.seq() {
        return Err(DecodeError::Order { what: "what was typed first and last" });
    }
    Ok(Drove { pane, first, last, bytes, from, receipt })
}

/// One record, its place and signature unchecked.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) host: AuthorId,
    pub(crate) seq: u64,
    pub(crate) prev: [u8; 32],
    pub(crate) time: Wall,
    pub(crate) note: Note,
    pub(crate) digest: [u8; 32],
    pub(crate) signature: [u8; SIGNATURE_BYTES],
}

impl Record {
    pub(crate) fn decode(raw: &[u8], session: &SessionId) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(raw);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Value { what: "journal version", found: version.into() });
        }
        let kind = reader.u8()?;
        let host = AuthorId(reader.array()?);
        let (seq, prev, time) = (reader.u64()?, reader.array()?, Wall(reader.u64()?));
        let body_bytes = reader.u16()?;
        let body = reader.bytes(body_bytes.into())?;
        let signed = raw.get(..raw.len() - reader.remaining()).unwrap_or_default();
        let signature = reader.array()?;
        reader.finish()?;
        let note = Note::decode(kind, body, session)?;
        Ok(Self { host, seq, prev, time, note, digest: digest(session, signed), signature })
    }
}

fn digest(session: &SessionId, signed: &[u8]) -> [u8; 32] {
    derive("journal", &[session.as_bytes(), signed])
}

/// The journal of one host process.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Everybody whom a record names: whoever checks the records needs their certificates.
    people: SortedMap<AuthorId, VerifiedMember>,
    records: Vec<Bytes>,
    bytes: usize,
    head: [u8; 32],
    is_full: bool,
}

impl Journal {
    /// Tells whether there is room for a note of this kind.
    pub(crate) const fn takes(&self, note: &Note) -> bool {
        !self.is_full && (!note.is_passing() || self.bytes < PASSING_BYTES_MAX)
    }

    /// Notes something that happened at `time`; nothing once the journal is full, which it says in its last record.
    ///
    /// What anybody with a link can have noted as often as it likes, by coming and going, leaves room for the rest: nobody
    /// is to hide behind it who drove.
    pub(crate) fn write(&mut self, session: &SessionId, keys: &MemberKeys, host: AuthorId, note: &Note, time: Wall) {
        if !self.takes(note) {
            return;
        }
        let body = note.encode();
        if self.bytes + HEAD_BYTES + body.len() + SIGNATURE_BYTES > JOURNAL_BYTES_MAX - HEAD_BYTES - SIGNATURE_BYTES {
            self.is_full = true;
            return self.append(session, keys, host, &Note::Full, &[], time);
        }
        self.append(session, keys, host, note, &body, time);
    }

    fn append(&mut self, session: &SessionId, keys: &MemberKeys, host: AuthorId, note: &Note, body: &[u8], time: Wall) {
        let mut out = Vec::with_capacity(HEAD_BYTES + body.len() + SIGNATURE_BYTES);
        out.extend_from_slice(&[VERSION, note.kind()]);
        out.extend_from_slice(host.as_bytes());
        out.extend_from_slice(&(self.records.len() as u64).to_le_bytes());
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&time.0.to_le_bytes());
        out.extend_from_slice(&(body.len() as u16).to_le_bytes());
        out.extend_from_slice(body);
        self.head = digest(session, &out);
        out.extend_from_slice(&keys.sign(&self.head));
        self.bytes += out.len();
        self.records.push(out.into());
    }

    /// Keeps the certificate of somebody whom the next record names.
    pub(crate) fn know(&mut self, member: &VerifiedMember) {
        if !self.is_full {
            self.people.entry(member.author()).or_insert_with(|| member.clone());
        }
    }

    /// Tells whether somebody may be named.
    pub(crate) fn knows(&self, author: &AuthorId) -> bool {
        self.people.contains_key(author)
    }

    /// Returns everybody whom a record names, in order of their ids.
    pub(crate) fn people(&self) -> impl Iterator<Item = &VerifiedMember> {
        self.people.values()
    }

    /// Returns all records, oldest first.
    pub(crate) fn records(&self) -> &[Bytes] {
        &self.records
    }
}
