//! Presence: who is here, where they look, and what they do right now.
//!
//! [`Presence`] --`encode`--> a document of one change --`decode`--> [`Presence`]
//!
//! Always: what decodes encodes to the same bytes; the gate's scan reads before Automerge does. PROTOCOL.md 13.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, AutomergeError, ROOT, ScalarValue, TextEncoding};
use bytes::Bytes;

use super::gate::GateError;
use super::gate::scan::{Action, Key, Op, Scan, Value};
use crate::proto::id::{AuthorId, Epoch, PaneId};
use crate::proto::limits::NAME_BYTES_MAX;
use crate::proto::wire::{DecodeError, Reader};

const VERSION: u8 = 1;
/// The focus of somebody who looks at no pane.
const NO_PANE: u16 = u16::MAX;
const FLAG_CURSOR: u8 = 1;
const FLAG_NOTES: u8 = 2;
const FLAG_TYPING: u8 = 4;
const FLAG_HEAD: u8 = 8;
const FLAG_LEAVING: u8 = 16;
const FLAG_HOLDINGS: u8 = 32;
const FLAGS: u8 = FLAG_CURSOR | FLAG_NOTES | FLAG_TYPING | FLAG_HEAD | FLAG_LEAVING | FLAG_HOLDINGS;

/// A pointer in a terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CursorAt {
    /// The pane.
    pub pane: PaneId,
    /// The row of the screen.
    pub row: u16,
    /// The column of the screen.
    pub col: u16,
}

/// What a member holds of the newest epoch: who compares it sees a relay that keeps something back or tells two stories.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Holdings {
    /// The newest epoch that the member knows.
    pub epoch: Epoch,
    /// Entries that it wrote itself to the state document in this epoch.
    pub state: u32,
    /// Entries that it wrote itself to the chat in this epoch.
    pub chat: u32,
    /// A digest over all lanes of this epoch as it holds them.
    pub held: [u8; 16],
}

/// What a member says of itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Presence {
    /// The person's name, as they gave it: up to 64 bytes are sent.
    pub name: String,
    /// The person's colour, by number.
    pub colour: u8,
    /// The pane that they look at.
    pub focus: Option<PaneId>,
    /// Their pointer.
    pub cursor: Option<CursorAt>,
    /// Their place in the notes: the text of `Document::notes_cursor`.
    pub notes_cursor: Option<String>,
    /// Whether they type.
    pub typing: bool,
    /// Whether they are about to go.
    pub leaving: bool,
    /// The auth log as they hold it: its length and the digest of its last record.
    pub log_head: Option<(u64, [u8; 32])>,
    /// What they hold of the documents' newest epoch.
    pub holdings: Option<Holdings>,
}

impl Presence {
    /// Returns the plaintext of a presence entry.
    #[must_use]
    pub fn encode(&self, author: AuthorId) -> Bytes {
        let value = self.encode_value();
        #[expect(clippy::expect_used, reason = "one scalar in a new document; Automerge has nothing to refuse")]
        let change = one_change(author, value).expect("Automerge takes a scalar");
        Bytes::from(change)
    }

    /// Reads the plaintext of a presence entry of `author`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it; its author has to act.
    pub fn decode(author: AuthorId, plaintext: &[u8]) -> Result<Self, GateError> {
        let scan = Scan::parse(plaintext)?;
        if scan.actor != author {
            return Err(GateError::Author { claimed: scan.actor });
        }
        let rule = GateError::Rule { counter: 1, rule: "presence is one value in a document of its own" };
        let mut ops = scan.ops();
        let (true, 1, 1, 1, Some(op)) = (scan.deps.is_empty(), scan.seq, scan.start_op, scan.ops, ops.next()?) else {
            return Err(rule);
        };
        let Op { object: None, key: Key::Map("p"), action: Action::Put(Value::Bytes(value)), preds: 0, .. } = op else {
            return Err(rule);
        };
        let presence = Self::decode_value(value)?;
        // There is one way to write it, so no second reader is needed to check the form.
        if presence.encode(author) == plaintext { Ok(presence) } else { Err(GateError::NotCanonical) }
    }

    /// Returns the name as others are told it: as much of it as is sent.
    #[must_use]
    pub fn name_told(&self) -> &str {
        prefix(&self.name, NAME_BYTES_MAX)
    }

    fn encode_value(&self) -> Vec<u8> {
        let flag = |set: bool, flag| if set { flag } else { 0 };
        let name = self.name_told();
        let notes_cursor = self.notes_cursor.as_deref().map(|cursor| prefix(cursor, usize::from(u8::MAX)));
        let flags = flag(self.cursor.is_some(), FLAG_CURSOR)
            | flag(notes_cursor.is_some(), FLAG_NOTES)
            | flag(self.typing, FLAG_TYPING)
            | flag(self.log_head.is_some(), FLAG_HEAD)
            | flag(self.leaving, FLAG_LEAVING)
            | flag(self.holdings.is_some(), FLAG_HOLDINGS);
        let mut out = vec![VERSION, flags, self.colour, name.len() as u8];
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&self.focus.map_or(NO_PANE, |pane| pane.0).to_le_bytes());
        if let Some(cursor) = self.cursor {
            for field in [cursor.pane.0, cursor.row, cursor.col] {
                out.extend_from_slice(&field.to_le_bytes());
            }
        }
        if let Some(cursor) = notes_cursor {
            out.push(cursor.len() as u8);
            out.extend_from_slice(cursor.as_bytes());
        }
        if let Some((next, digest)) = self.log_head {
            out.extend_from_slice(&next.to_le_bytes());
            out.extend_from_slice(&digest);
        }
        if let Some(holdings) = self.holdings {
            for number in [holdings.epoch.0, holdings.state, holdings.chat] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.extend_from_slice(&holdings.held);
        }
        out
    }

    fn decode_value(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = |what, found: u8| DecodeError::Value { what, found: found.into() };
        let version = reader.u8()?;
        if version != VERSION {
            return Err(value("presence version", version));
        }
        let flags = reader.u8()?;
        if flags & !FLAGS != 0 {
            return Err(value("presence flags", flags));
        }
        let colour = reader.u8()?;
        let name = read_text(&mut reader, "name", NAME_BYTES_MAX)?;
        let focus = reader.u16()?;
        let focus = (focus != NO_PANE).then_some(PaneId(focus));
        let cursor = if flags & FLAG_CURSOR != 0 { Some(read_cursor(&mut reader)?) } else { None };
        let notes_cursor =
            if flags & FLAG_NOTES != 0 { Some(read_text(&mut reader, "cursor", u8::MAX.into())?) } else { None };
        let log_head = if flags & FLAG_HEAD != 0 { Some((reader.u64()?, reader.array()?)) } else { None };
        let holdings = if flags & FLAG_HOLDINGS != 0 { Some(read_holdings(&mut reader)?) } else { None };
        reader.finish()?;
        let (typing, leaving) = (flags & FLAG_TYPING != 0, flags & FLAG_LEAVING != 0);
        Ok(Self { name, colour, focus, cursor, notes_cursor, typing, leaving, log_head, holdings })
    }
}

fn read_cursor(reader: &mut Reader<'_>) -> Result<CursorAt, DecodeError> {
    Ok(CursorAt { pane: PaneId(reader.u16()?), row: reader.u16()?, col: reader.u16()? })
}

fn read_holdings(reader: &mut Reader<'_>) -> Result<Holdings, DecodeError> {
    Ok(Holdings { epoch: Epoch(reader.u32()?), state: reader.u32()?, chat: reader.u32()?, held: reader.array()? })
}

fn read_text(reader: &mut Reader<'_>, what: &'static str, bytes_max: usize) -> Result<String, DecodeError> {
    let bytes = usize::from(reader.u8()?);
    if bytes > bytes_max {
        return Err(DecodeError::TooLong { what, bytes, bytes_max });
    }
    let text = reader.bytes(bytes)?;
    let broken = |_| DecodeError::Value { what, found: 0 };
    std::str::from_utf8(text).map(str::to_owned).map_err(broken)
}

/// Returns as many whole characters as fit.
pub(super) fn prefix(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or_default()
}

fn one_change(author: AuthorId, value: Vec<u8>) -> Result<Vec<u8>, AutomergeError> {
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    doc.set_actor(ActorId::from(author.0));
    let mut tx = doc.transaction();
    tx.put(ROOT, "p", ScalarValue::Bytes(value))?;
    tx.commit_with(CommitOptions::default().with_time(0));
    let change = doc.get_last_local_change().ok_or(AutomergeError::Fail)?;
    Ok(change.raw_bytes().to_vec())
}
