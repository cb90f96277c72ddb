//! The two documents of a session: local edits go out as entries, admitted payloads come in by the batch.

use super::{Alarm, Event, Peer};
use crate::proto::doc::{DocKind, Document, Draft, EditError, Message, PaneInfo, StateView};
use crate::proto::id::{AuthorId, Channel, PaneId};
use crate::proto::seal::pad_durable;
use crate::proto::share::Rights;
use crate::proto::time::{Mono, Now};
use bytes::Bytes;
use std::collections::BTreeMap;

/// How long admitted changes wait for company, in microseconds.
///
/// Automerge pays per call and object, not per change (a batch of 100 costs a hundredth per change), and nobody
/// sees 5 ms.
const BATCH_US: u64 = 5_000;

/// Why an edit was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditRefused {
    /// The peer has not joined yet; the caller waits for the first link.
    #[error("not joined yet")]
    NotJoined,
    /// The link does not carry the right; the owner has to give another.
    #[error("this link does not allow that: it is for {0}")]
    NoRight(Rights),
    /// The session is over.
    #[error("the session is over")]
    Ended,
    /// The edit itself is wrong.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// The documents and what was already told of them.
pub(super) struct Documents {
    pub(super) state: Document,
    pub(super) chat: Document,
    flush_at: Option<Mono>,
    /// Messages of each author that were told as events.
    told: BTreeMap<AuthorId, u64>,
}

impl Documents {
    pub(super) fn new(me: AuthorId) -> Self {
        Self {
            state: Document::new(DocKind::State, me),
            chat: Document::new(DocKind::Chat, me),
            flush_at: None,
            told: BTreeMap::new(),
        }
    }

    pub(super) const fn poll_timeout(&self) -> Option<Mono> {
        self.flush_at
    }

    pub(super) fn handle_payload(&mut self, channel: Channel, author: AuthorId, payload: Bytes, now: Mono) {
        let document = if channel == Channel::STATE { &mut self.state } else { &mut self.chat };
        document.handle_payload(author, payload);
        self.flush_at.get_or_insert(now.after_us(BATCH_US));
    }
}

impl Peer {
    /// Returns the state document's view; empty before the peer has joined.
    #[must_use]
    pub fn state(&self) -> StateView {
        self.documents.as_ref().map(|documents| documents.state.state()).unwrap_or_default()
    }

    /// Returns all chat messages in their total order.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        self.documents.as_ref().map(|documents| documents.chat.messages()).unwrap_or_default()
    }

    /// Returns the document behind a durable channel, to compare replicas.
    #[must_use]
    pub fn document(&self, channel: Channel) -> Option<&Document> {
        let documents = self.documents.as_ref()?;
        match channel {
            Channel::STATE => Some(&documents.state),
            Channel::CHAT => Some(&documents.chat),
            _ => None,
        }
    }

    /// Says something in the chat.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to chat, or for a text over the limit.
    pub fn say(&mut self, draft: &Draft, now: Now) -> Result<(), EditRefused> {
        self.edit(Channel::CHAT, Rights::CHAT, |document| document.say(draft, now.wall))
    }

    /// Names the session.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to control.
    pub fn set_title(&mut self, title: &str) -> Result<(), EditRefused> {
        self.edit(Channel::STATE, Rights::CONTROL, |document| document.set_title(title))
    }

    /// Describes a terminal.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to control.
    pub fn set_pane(&mut self, pane: PaneId, info: &PaneInfo) -> Result<(), EditRefused> {
        self.edit(Channel::STATE, Rights::CONTROL, |document| document.set_pane(pane, info))
    }

    /// Sets a value of the application that embeds the session; `json` is opaque text.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to control, or over a limit.
    pub fn set_app(&mut self, key: &str, json: &str) -> Result<(), EditRefused> {
        self.edit(Channel::STATE, Rights::CONTROL, |document| document.set_app(key, json))
    }

    /// Replaces `delete` characters of the shared notes at `position` (both in Unicode scalar values) by `insert`.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to control, or for a position past the end.
    pub fn edit_notes(&mut self, position: usize, delete: usize, insert: &str) -> Result<(), EditRefused> {
        self.edit(Channel::STATE, Rights::CONTROL, |document| document.edit_notes(position, delete, insert))
    }

    pub(super) fn edit(
        &mut self,
        channel: Channel,
        right: Rights,
        change: impl FnOnce(&mut Document) -> Result<Option<Bytes>, EditError>,
    ) -> Result<(), EditRefused> {
        if self.ended.is_some() {
            return Err(EditRefused::Ended);
        }
        let rights = self.rights();
        let documents = self.documents.as_mut().ok_or(EditRefused::NotJoined)?;
        if !rights.contains(right) {
            return Err(EditRefused::NoRight(rights));
        }
        let document = if channel == Channel::STATE { &mut documents.state } else { &mut documents.chat };
        if let Some(payload) = change(document)? {
            self.publish(channel, &payload);
            self.tell_document(channel);
        }
        Ok(())
    }

    /// Seals a change as the next entry of this peer's lane; every link gets it when there is room.
    fn publish(&mut self, channel: Channel, payload: &[u8]) {
        let Some((writer, keys)) = self.writer(channel) else { return };
        let entry = writer.seal(1, keys, &pad_durable(payload));
        let lane = entry.lane;
        self.replica.append(entry);
        self.links.values_mut().for_each(|link| link.feed.handle_growth(lane));
    }

    pub(super) fn flush_documents_if_due(&mut self, now: Now) {
        let Some(documents) = &mut self.documents else { return };
        if documents.flush_at.is_none_or(|due| due > now.mono) {
            return;
        }
        self.flush_documents();
    }

    /// Applies what was admitted, and tells what changed by it.
    pub(super) fn flush_documents(&mut self) {
        let Some(documents) = &mut self.documents else { return };
        documents.flush_at = None;
        let applied = [(Channel::STATE, documents.state.flush()), (Channel::CHAT, documents.chat.flush())];
        for (channel, applied) in applied {
            for refusal in &applied.refused {
                self.events.push_back(Event::Alarm(Alarm::Muted(refusal.author)));
            }
            if applied.changed {
                self.tell_document(channel);
            }
        }
    }

    fn tell_document(&mut self, channel: Channel) {
        if channel == Channel::STATE {
            return self.events.push_back(Event::State);
        }
        let Some(Documents { chat, told, .. }) = &mut self.documents else { return };
        for message in chat.take_news() {
            let seen = told.entry(message.author).or_default();
            if message.n >= *seen {
                *seen = message.n + 1;
                self.events.push_back(Event::Message(message));
            }
        }
    }
}
