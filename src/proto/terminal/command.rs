//! What a holder of an own link asks the host to do, what comes of it, and what waits for an owner's word.
//!
//! [`Command`] up --> the host, which holds the root key --> [`Outcome`] and [`Desk`] down
//!
//! Always: a payload re-encodes to the same bytes, and a desk fits one entry. PROTOCOL.md 15.1.

use super::sanitise::is_line;
use crate::proto::id::{AuthorId, PaneId, ShareId};
use crate::proto::limits::LINE_BYTES_MAX;
use crate::proto::token::Access;
use crate::proto::wire::{DecodeError, Reader};
use std::fmt;

/// The most of each kind that a desk shows: what is beyond shows itself when something before it was answered.
const DESK_MEMBERS_MAX: usize = 64;
/// The most lines that a desk shows; with [`LINE_BYTES_MAX`] they fit an entry.
const DESK_LINES_MAX: usize = 12;

const NOBODY: AuthorId = AuthorId([0; 16]);

/// Whose keys are to reach a pane, as an own link can say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Driving {
    /// Everybody's.
    All,
    /// Those of one member at a time.
    One,
    /// Lines that were read and let pass.
    Lines,
}

impl Driving {
    const ALL: [Self; 3] = [Self::All, Self::One, Self::Lines];

    fn parse(code: u8) -> Result<Self, DecodeError> {
        let found = Self::ALL.get(usize::from(code)).copied();
        found.ok_or(DecodeError::Value { what: "driving", found: code.into() })
    }
}

/// What a link that is asked for is to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// View or interact; own links are made at the host alone.
    pub access: Access,
    /// How long it can be joined and used, in seconds from when the host makes it.
    pub lasts_s: u32,
    /// How many may be connected by it at one time; 0 leaves it to the session's limit.
    pub members_max: u32,
    /// Whether somebody lets its members in one by one.
    pub approve: bool,
    /// Whether it is for the first who comes, and for nobody after.
    pub once: bool,
}

/// Something that only the host can do, as it holds the root key.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Tells what waits for an owner's word, now and whenever it changes.
    ShowDesk,
    /// Makes a link.
    Share(Wanted),
    /// Closes a link and cuts off whoever came by it.
    Revoke(ShareId),
    /// Removes one member.
    Kick(AuthorId),
    /// Lets somebody in who waits.
    LetIn(AuthorId),
    /// Does not let somebody in who waits.
    TurnAway(AuthorId),
    /// Closes every link, this one's too.
    RevokeAll,
    /// Says whose keys reach a pane.
    Drive(PaneId, Driving),
    /// Has a member drive a pane, or nobody.
    Grant(PaneId, Option<AuthorId>),
    /// Answers whether a line is written, which is the one that was read or none.
    Answer {
        /// The pane.
        pane: PaneId,
        /// Who typed it.
        author: AuthorId,
        /// Whether the program gets it.
        accept: bool,
        /// The line, as the desk showed it.
        line: String,
    },
}

impl Command {
    /// Writes what follows the first byte of the plaintext.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::ShowDesk => out.push(0),
            Self::Share(wanted) => {
                let access = u8::from(wanted.access == Access::Interact);
                let flags = u8::from(wanted.approve) | u8::from(wanted.once) << 1;
                out.extend_from_slice(&[1, access, flags]);
                out.extend_from_slice(&wanted.lasts_s.to_le_bytes());
                out.extend_from_slice(&wanted.members_max.to_le_bytes());
            }
            Self::Revoke(share) => put(out, 2, share.as_bytes()),
            Self::Kick(author) => put(out, 3, author.as_bytes()),
            Self::LetIn(author) => put(out, 4, author.as_bytes()),
            Self::TurnAway(author) => put(out, 5, author.as_bytes()),
            Self::RevokeAll => out.push(6),
            Self::Drive(pane, driving) => {
                put(out, 7, &pane.0.to_le_bytes());
                out.push(*driving as u8);
            }
            Self::Grant(pane, author) => {
                put(out, 8, &pane.0.to_le_bytes());
                out.extend_from_slice(author.unwrap_or(NOBODY).as_bytes());
            }
            Self::Answer { pane, author, accept, line } => {
                put(out, 9, &pane.0.to_le_bytes());
                out.extend_from_slice(author.as_bytes());
                out.push(u8::from(*accept));
                out.extend_from_slice(line.as_bytes());
            }
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            0 => Self::ShowDesk,
            1 => {
                let access = if flag(reader, "access")? { Access::Interact } else { Access::View };
                let flags = reader.u8()?;
                if flags > 3 {
                    return Err(DecodeError::Value { what: "flags of a link", found: flags.into() });
                }
                let (approve, once) = (flags & 1 > 0, flags & 2 > 0);
                Self::Share(Wanted { access, approve, once, lasts_s: reader.u32()?, members_max: reader.u32()? })
            }
            2 => Self::Revoke(ShareId(reader.array()?)),
            3 => Self::Kick(AuthorId(reader.array()?)),
            4 => Self::LetIn(AuthorId(reader.array()?)),
            5 => Self::TurnAway(AuthorId(reader.array()?)),
            6 => Self::RevokeAll,
            7 => Self::Drive(PaneId(reader.u16()?), Driving::parse(reader.u8()?)?),
            8 => {
                let pane = PaneId(reader.u16()?);
                Self::Grant(pane, Some(AuthorId(reader.array()?)).filter(|author| *author != NOBODY))
            }
            9 => Self::Answer {
                pane: PaneId(reader.u16()?),
                author: AuthorId(reader.array()?),
                accept: flag(reader, "answer")?,
                line: text(reader.rest())?,
            },
            found => return Err(DecodeError::Value { what: "command", found: found.into() }),
        })
    }
}

fn put(out: &mut Vec<u8>, code: u8, bytes: &[u8]) {
    out.push(code);
    out.extend_from_slice(bytes);
}

fn flag(reader: &mut Reader<'_>, what: &'static str) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(DecodeError::Value { what, found: found.into() }),
    }
}

fn count(reader: &mut Reader<'_>, most: usize) -> Result<u8, DecodeError> {
    let count = reader.u8()?;
    if usize::from(count) > most {
        return Err(DecodeError::Value { what: "count of a desk", found: count.into() });
    }
    Ok(count)
}

/// Reads a line as the host shows it; one with something unseen was never shown.
fn text(bytes: &[u8]) -> Result<String, DecodeError> {
    let line = std::str::from_utf8(bytes).ok().filter(|line| line.len() <= LINE_BYTES_MAX && is_line(line));
    line.map(str::to_owned).ok_or(DecodeError::Value { what: "line", found: bytes.len() as u64 })
}

/// Why the host did not do what it was commanded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Objection {
    /// There is no such link, member or pane, or nothing waits any more.
    Gone,
    /// The session has all the links, or all the records, that it can have.
    Full,
    /// It concerns the host itself.
    Host,
    /// The pane is not driven by one member at a time, or this one may not drive it.
    NoDriver,
    /// The session is over, or this host is not its owner.
    NotOwner,
    /// This host does not understand it.
    Unknown,
    /// A reason that this version does not know.
    Other(u8),
}

impl Objection {
    const fn code(self) -> u8 {
        match self {
            Self::Gone => 1,
            Self::Full => 2,
            Self::Host => 3,
            Self::NoDriver => 4,
            Self::NotOwner => 5,
            Self::Unknown => 6,
            Self::Other(code) => code,
        }
    }

    const fn of(code: u8) -> Self {
        match code {
            1 => Self::Gone,
            2 => Self::Full,
            3 => Self::Host,
            4 => Self::NoDriver,
            5 => Self::NotOwner,
            6 => Self::Unknown,
            _ => Self::Other(code),
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("it is gone already"),
            Self::Full => f.write_str("the session has no room for more: end it and share anew"),
            Self::Host => f.write_str("that is the host itself; end the session there instead"),
            Self::NoDriver => f.write_str("this terminal is not driven by one at a time, or not by this member"),
            Self::NotOwner => f.write_str("this host cannot do that"),
            Self::Unknown => f.write_str("this host does not understand that; it may be older than this page"),
            Self::Other(code) => write!(f, "the host did not do it, reason {code}"),
        }
    }
}

/// What came of a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// A link was made. Its seed is the secret: with access, flags and session it is the token.
    Made {
        /// What it allows.
        access: Access,
        /// The seed of the token.
        seed: Seed,
    },
    /// It was not done.
    Not(Objection),
}

impl Outcome {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Done => out.push(0),
            Self::Made { access, seed } => {
                out.extend_from_slice(&[1, u8::from(*access == Access::Interact)]);
                out.extend_from_slice(&seed.0);
            }
            Self::Not(objection) => out.extend_from_slice(&[2, objection.code()]),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            0 => Ok(Self::Done),
            1 => {
                let access = if flag(reader, "access")? { Access::Interact } else { Access::View };
                Ok(Self::Made { access, seed: Seed(reader.array()?) })
            }
            2 => Ok(Self::Not(Objection::of(reader.u8()?))),
            found => Err(DecodeError::Value { what: "outcome", found: found.into() }),
        }
    }
}

/// The secret part of a token. It never shows itself in a log.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Seed(pub [u8; 16]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// What waits for an owner's word.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Desk {
    /// Who waits to be let in.
    pub waiting: Vec<AuthorId>,
    /// Who would like to drive which pane, first come first.
    pub wishes: Vec<(PaneId, AuthorId)>,
    /// Lines to be read first.
    pub lines: Vec<(PaneId, AuthorId, String)>,
}

impl Desk {
    /// Puts together what fits one entry. No more than that is taken of any, however much there is.
    pub fn new<'a>(
        waiting: impl IntoIterator<Item = AuthorId>,
        wishes: impl IntoIterator<Item = (PaneId, AuthorId)>,
        lines: impl IntoIterator<Item = (PaneId, AuthorId, &'a str)>,
    ) -> Self {
        let lines = lines.into_iter().take(DESK_LINES_MAX);
        Self {
            waiting: waiting.into_iter().take(DESK_MEMBERS_MAX).collect(),
            wishes: wishes.into_iter().take(DESK_MEMBERS_MAX).collect(),
            lines: lines.map(|(pane, author, line)| (pane, author, line.to_owned())).collect(),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        // `new` keeps all of these below 256.
        out.extend_from_slice(&[self.waiting.len() as u8, self.wishes.len() as u8, self.lines.len() as u8]);
        for author in &self.waiting {
            out.extend_from_slice(author.as_bytes());
        }
        for (pane, author) in &self.wishes {
            out.extend_from_slice(&pane.0.to_le_bytes());
            out.extend_from_slice(author.as_bytes());
        }
        for (pane, author, line) in &self.lines {
            out.extend_from_slice(&pane.0.to_le_bytes());
            out.extend_from_slice(author.as_bytes());
            out.extend_from_slice(&(line.len() as u16).to_le_bytes());
            out.extend_from_slice(line.as_bytes());
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (waiting, wishes) = (count(reader, DESK_MEMBERS_MAX)?, count(reader, DESK_MEMBERS_MAX)?);
        let lines = count(reader, DESK_LINES_MAX)?;
        let mut desk = Self::default();
        for _ in 0..waiting {
            desk.waiting.push(AuthorId(reader.array()?));
        }
        for _ in 0..wishes {
            desk.wishes.push((PaneId(reader.u16()?), AuthorId(reader.array()?)));
        }
        for _ in 0..lines {
            let (pane, author) = (PaneId(reader.u16()?), AuthorId(reader.array()?));
            let bytes = usize::from(reader.u16()?);
            desk.lines.push((pane, author, text(reader.bytes(bytes)?)?));
        }
        Ok(desk)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DirectDown, DirectUp};
    use super::*;
    use crate::proto::limits::FRAME_BODY_BYTES_MAX;
    use proptest::prelude::*;
    use std::iter::repeat;

    fn author(n: u8) -> AuthorId {
        AuthorId([n; 16])
    }

    /// A crowd at the door must not make an entry that no relay carries.
    #[test]
    fn full_desk_fits_an_entry() {
        let line = "x".repeat(LINE_BYTES_MAX);
        // Endless: the host looks at it at each step, and must not copy what it does not show.
        let lines = repeat((PaneId(1), author(3), line.as_str()));
        let desk = Desk::new(repeat(author(1)), repeat((PaneId(1), author(2))), lines);
        let bytes = DirectDown::Desk(desk.clone()).encode();
        assert!(bytes.len() < FRAME_BODY_BYTES_MAX - 512, "{}", bytes.len());
        assert_eq!(DirectDown::decode(&bytes), Ok(DirectDown::Desk(desk)));
    }

    /// Whoever answers is shown exactly what is written: a line that would show differently is none.
    #[test]
    fn line_with_something_unseen_is_refused() {
        let answer = |line: &str| {
            let command = Command::Answer { pane: PaneId(0), author: author(4), accept: true, line: line.into() };
            DirectUp::decode(2, &DirectUp::Command(command).encode())
        };
        assert!(answer("make test").is_ok());
        assert!(answer("make\u{202e} test").is_err());
        assert!(answer("make\x1b[2K").is_err());
    }

    /// Commands go as requests: what types is checked by another kind of entry.
    #[test]
    fn command_is_refused_as_input() {
        let command = DirectUp::Command(Command::RevokeAll).encode();
        assert!(DirectUp::decode(2, &command).is_ok());
        assert!(DirectUp::decode(3, &command).is_err());
    }

    /// A log of events must not let anybody in.
    #[test]
    fn seed_is_not_printed() {
        let made = Outcome::Made { access: Access::View, seed: Seed([7; 16]) };
        assert!(!format!("{made:?}").contains('7'));
    }

    proptest! {
        /// Whatever is taken is written back as it was.
        #[test]
        fn payloads_round_trip(
            command in 0u8..11,
            outcome in 0u8..4,
            mut bytes in proptest::collection::vec(prop_oneof![0u8..4, any::<u8>()], 0..60),
        ) {
            bytes.insert(0, command);
            let up = [&[5], &bytes[..]].concat();
            if let Ok(decoded) = DirectUp::decode(2, &up) {
                prop_assert_eq!(decoded.encode(), up);
            }
            bytes[0] = outcome;
            let done = [&[4, 0], &bytes[..]].concat();
            if let Ok(decoded) = DirectDown::decode(&done) {
                prop_assert_eq!(decoded.encode(), done);
            }
            let desk = [&[5], &bytes[..]].concat();
            if let Ok(decoded) = DirectDown::decode(&desk) {
                prop_assert_eq!(decoded.encode(), desk);
            }
        }
    }
}
