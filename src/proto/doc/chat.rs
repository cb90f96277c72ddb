//! Chat: lines of text in one total order that is the same for everybody.
//!
//! draft --`Document::say`--> one change; admitted changes --> `Document::messages`
//!
//! Always: an author's lines are numbered without gaps and never change; the order respects who had read what.
//! PROTOCOL.md 12.

mod line;

use bytes::Bytes;

pub(super) use line::LinePlace;

use super::presence::prefix;
use super::{DocKind, Document, EditError};
use crate::proto::id::{AuthorId, PaneId};
use crate::proto::limits::{CHAT_PAGE_MESSAGES_MAX, CHAT_TEXT_BYTES_MAX, NAME_BYTES_MAX};
use crate::proto::time::Wall;
use crate::proto::wire::{DecodeError, Reader, varint};

/// The version byte of a message.
const VERSION: u8 = 1;
/// Numbers of pages are below this.
const PAGES_MAX: u64 = 1 << 32;
const FLAG_REPLY: u8 = 1;
const FLAG_ANCHOR: u8 = 2;
const FLAG_NAME: u8 = 4;

/// What a message is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MessageKind {
    /// Something said.
    #[default]
    Text,
    /// A sign on the message that it replies to.
    Reaction,
}

impl MessageKind {
    const fn number(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Reaction => 2,
        }
    }

    const fn parse(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Text),
            2 => Some(Self::Reaction),
            _ => None,
        }
    }
}

/// A place in a terminal that a message points at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Anchor {
    /// The pane.
    pub pane: PaneId,
    /// The offset in the pane's stream of output, in bytes.
    pub offset: u64,
    /// The row of the screen at that moment.
    pub row: u16,
}

/// A message before it is said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Draft {
    /// What it is.
    pub kind: MessageKind,
    /// The text.
    pub text: String,
    /// The message that it replies or reacts to: author and number.
    pub reply: Option<(AuthorId, u64)>,
    /// The place that it points at.
    pub anchor: Option<Anchor>,
}

impl From<&str> for Draft {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

/// A message. Its id is (author, n).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Who said it.
    pub author: AuthorId,
    /// The number of the message among its author's, from 0.
    pub n: u64,
    /// Its operation counter: messages are in the order of (position, author).
    pub position: u32,
    /// What it is.
    pub kind: MessageKind,
    /// When it was said, as its author's clock claims.
    pub time: Wall,
    /// The text, as its author wrote it: control characters and all.
    pub text: String,
    /// The message that it replies or reacts to: author and number. It need not exist.
    pub reply: Option<(AuthorId, u64)>,
    /// The place that it points at. It need not exist.
    pub anchor: Option<Anchor>,
    /// What its author called itself, where the chat did not have that name yet: so who comes when its author has gone
    /// knows who wrote.
    pub name: Option<String>,
}

impl Message {
    /// Returns whether somebody who has read the other message under the same number has read this one.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        // Said anew after a cut, it may stand at another place and reply to what is gone.
        let (position, reply) = (self.position, self.reply);
        *self == Self { position, reply, ..other.clone() }
    }

    /// Returns the message as it was before it was said.
    pub(super) fn to_draft(&self) -> Draft {
        Draft { kind: self.kind, text: self.text.clone(), reply: self.reply, anchor: self.anchor }
    }

    /// Returns the message's value, as it was when it was said.
    pub(super) fn encode(&self) -> Vec<u8> {
        self.to_draft().encode(self.name.as_deref(), self.time)
    }

    /// Returns what messages are sorted by.
    pub(super) const fn order(&self) -> (u32, AuthorId) {
        (self.position, self.author)
    }

    /// Decodes the value of the author's message `n`.
    pub(super) fn decode(author: AuthorId, n: u64, position: u32, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = |what, found: u8| DecodeError::Value { what, found: found.into() };
        let version = reader.u8()?;
        if version != VERSION {
            return Err(value("message version", version));
        }
        let kind = reader.u8()?;
        let kind = MessageKind::parse(kind).ok_or(value("message kind", kind))?;
        let time = Wall(reader.u64()?);
        let flags = reader.u8()?;
        if flags & !(FLAG_REPLY | FLAG_ANCHOR | FLAG_NAME) != 0 {
            return Err(value("message flags", flags));
        }
        let reply = if flags & FLAG_REPLY != 0 { Some((AuthorId(reader.array()?), reader.varint()?)) } else { None };
        let anchor = if flags & FLAG_ANCHOR != 0 { Some(read_anchor(&mut reader)?) } else { None };
        let name = if flags & FLAG_NAME != 0 { Some(read_name(&mut reader)?) } else { None };
        let text = read_text(reader.rest())?;
        Ok(Self { author, n, position, kind, time, text, reply, anchor, name })
    }
}

fn read_anchor(reader: &mut Reader<'_>) -> Result<Anchor, DecodeError> {
    Ok(Anchor { pane: PaneId(reader.u16()?), offset: reader.varint()?, row: reader.u16()? })
}

fn read_name(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let length = reader.u8()?;
    if !(1..=NAME_BYTES_MAX).contains(&length.into()) {
        return Err(DecodeError::Value { what: "bytes of a name", found: length.into() });
    }
    read_text(reader.bytes(length.into())?)
}

fn read_text(bytes: &[u8]) -> Result<String, DecodeError> {
    if bytes.len() > CHAT_TEXT_BYTES_MAX {
        let (what, bytes_max) = ("message text", CHAT_TEXT_BYTES_MAX);
        return Err(DecodeError::TooLong { what, bytes: bytes.len(), bytes_max });
    }
    let broken = |error: std::str::Utf8Error| DecodeError::Value {
        what: "message text",
        found: bytes.get(error.valid_up_to()).copied().unwrap_or(0).into(),
    };
    std::str::from_utf8(bytes).map(str::to_owned).map_err(broken)
}

impl Draft {
    fn encode(&self, name: Option<&str>, now: Wall) -> Vec<u8> {
        let mut out = vec![VERSION, self.kind.number()];
        out.extend_from_slice(&now.0.to_le_bytes());
        let flag = |set: bool, flag| if set { flag } else { 0 };
        let flags = flag(self.reply.is_some(), FLAG_REPLY) | flag(self.anchor.is_some(), FLAG_ANCHOR);
        out.push(flags | flag(name.is_some(), FLAG_NAME));
        if let Some((author, n)) = self.reply {
            out.extend_from_slice(author.as_bytes());
            varint::put(&mut out, n);
        }
        if let Some(anchor) = self.anchor {
            out.extend_from_slice(&anchor.pane.0.to_le_bytes());
            varint::put(&mut out, anchor.offset);
            out.extend_from_slice(&anchor.row.to_le_bytes());
        }
        if let Some(name) = name {
            // `say_as` has seen to it that it fits.
            out.push(name.len() as u8);
            out.extend_from_slice(name.as_bytes());
        }
        out.extend_from_slice(self.text.as_bytes());
        out
    }
}

/// How far an author's pages are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Pages {
    /// The number of the next one; 0 if there is none yet.
    pages: u64,
    /// The operation that made the last one; 0 before the first.
    pub(super) list: u32,
    /// Messages on the last one.
    pub(super) count: u64,
    /// The operation that added its last message; 0 if it is empty.
    pub(super) last: u32,
}

impl Pages {
    /// Returns whether the next message needs a new page.
    pub(super) const fn is_full(&self) -> bool {
        self.pages == 0 || self.count == CHAT_PAGE_MESSAGES_MAX as u64
    }

    /// Returns the root key of the next page.
    pub(super) fn next_key(&self, author: AuthorId) -> String {
        format!("{author}/{}", self.pages)
    }

    /// Returns where the author's next line goes in a change that starts at operation `start_op`.
    fn next_place(&self, author: AuthorId, start_op: u32) -> LinePlace {
        if self.is_full() {
            LinePlace::NewPage { key: self.next_key(author), list: start_op }
        } else if self.count == 0 {
            LinePlace::FirstOf { list: self.list }
        } else {
            LinePlace::After { list: self.list, last: self.last }
        }
    }

    /// Returns the number of the next message.
    pub(super) const fn next_n(&self) -> u64 {
        self.pages.saturating_sub(1) * CHAT_PAGE_MESSAGES_MAX as u64 + self.count
    }

    /// Returns the page that an author may make under this root key: the one after its last or, as its first, any.
    ///
    /// An author whose older pages are left out of a new generation goes on with its numbers.
    pub(super) fn may_begin(&self, author: AuthorId, key: &str) -> Option<u64> {
        if self.pages > 0 {
            return (self.is_full() && key == self.next_key(author)).then_some(self.pages);
        }
        let page = key.strip_prefix(&author.to_string())?.strip_prefix('/')?.parse().ok()?;
        (page < PAGES_MAX && key == format!("{author}/{page}")).then_some(page)
    }

    /// Notes that an operation made a page.
    pub(super) const fn begin(&mut self, page: u64, counter: u32) {
        *self = Self { pages: page + 1, list: counter, count: 0, last: 0 };
    }

    /// Notes that an operation added a message.
    pub(super) const fn add(&mut self, counter: u32) {
        self.count += 1;
        self.last = counter;
    }
}

impl Document {
    /// Returns all messages, in the order of (position, author): total, causal, and the same for everybody.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Returns the name that an author has told last.
    #[must_use]
    pub fn told_name(&self, author: AuthorId) -> Option<&str> {
        let mut told = self.messages.iter().rev().filter(|message| message.author == author);
        told.find_map(|message| message.name.as_deref())
    }

    /// Takes the messages that came since the last call, in their order among each other. None comes twice, not even if
    /// it was taken back in between, unless [`take_lost`](Self::take_lost) gave it out.
    pub fn take_news(&mut self) -> Vec<Message> {
        let mut news = std::mem::take(&mut self.news);
        news.sort_by_key(Message::order);
        news
    }

    /// Takes the messages that [`take_news`](Self::take_news) gave out and that were cut away since and have not come
    /// again, in their order among each other. Those of members who stay come again within seconds: ask late.
    pub fn take_lost(&mut self) -> Vec<Message> {
        let mut lost: Vec<Message> = self.unsaid.drain().map(|(_, message)| message).collect();
        lost.sort_by_key(Message::order);
        lost
    }

    /// Says something: returns the payload of the author's next entry.
    ///
    /// # Errors
    ///
    /// [`EditError::Kind`] outside a chat document, [`EditError::TooLong`] over 4 KiB of text.
    pub fn say(&mut self, draft: &Draft, now: Wall) -> Result<Option<Bytes>, EditError> {
        self.say_as(draft, None, now)
    }

    /// Says something under a name of 1 to 64 bytes; of a longer one its begin is said, of an empty one nothing.
    ///
    /// # Errors
    ///
    /// As [`say`](Self::say).
    pub fn say_as(&mut self, draft: &Draft, name: Option<&str>, now: Wall) -> Result<Option<Bytes>, EditError> {
        self.expect_kind(DocKind::Chat)?;
        let (bytes, bytes_max) = (draft.text.len(), CHAT_TEXT_BYTES_MAX);
        if bytes > bytes_max {
            return Err(EditError::TooLong { what: "message", bytes, bytes_max });
        }
        let name = name.map(|name| prefix(name, NAME_BYTES_MAX)).filter(|name| !name.is_empty());
        let value = draft.encode(name, now);
        let (me, pages) = (self.author(), self.gate.pages(self.author()));
        let payload = self.append(|head| head.encode(&pages.next_place(me, head.start_op).columns(&value)))?;
        Ok(Some(payload))
    }
}
