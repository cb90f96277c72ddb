//! The two documents of a session: local edits go out as entries, admitted payloads come in by the batch.
//!
//! edits --> documents --> unsaid --`say_unsaid`--> own lanes of the newest epoch
//!
//! Always: what is unsaid is part of the document here already, and goes out in the order in which it was made.

use super::{Event, Peer};
use crate::proto::doc::{DocKind, Document, Draft, EditError, Message, PaneInfo, StateView};
use crate::proto::id::{AuthorId, Channel, PaneId};
use crate::proto::seal::pad_durable;
use crate::proto::share::Rights;
use crate::proto::sorted::SortedMap;
use crate::proto::time::{Mono, Now};
use bytes::Bytes;
use std::collections::VecDeque;

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

/// The documents, and the own changes that are in no entry yet.
pub(super) struct Documents {
    state: Document,
    chat: Document,
    flush_at: Option<Mono>,
    unsaid: SortedMap<Channel, VecDeque<Bytes>>,
}

impl Documents {
    pub(super) fn new(me: AuthorId) -> Self {
        Self {
            state: Document::new(DocKind::State, me),
            chat: Document::new(DocKind::Chat, me),
            flush_at: None,
            unsaid: SortedMap::new(),
        }
    }

    /// Returns the document behind a channel; there are but two.
    pub(super) fn of(&self, channel: Channel) -> &Document {
        if channel == Channel::STATE { &self.state } else { &self.chat }
    }

    pub(super) fn of_mut(&mut self, channel: Channel) -> &mut Document {
        if channel == Channel::STATE { &mut self.state } else { &mut self.chat }
    }

    /// Keeps an own change until it can be sealed.
    pub(super) fn leave_unsaid(&mut self, channel: Channel, payload: Bytes) {
        self.unsaid.entry(channel).or_default().push_back(payload);
    }

    /// Forgets the own changes that wait to be sealed: the document knows better.
    pub(super) fn forget_unsaid(&mut self, channel: Channel) {
        self.unsaid.remove(&channel);
    }

    pub(super) fn has_unsaid(&self, channel: Channel) -> bool {
        self.unsaid.get(&channel).is_some_and(|unsaid| !unsaid.is_empty())
    }

    /// Makes the next flush due soon.
    pub(super) fn flush_soon(&mut self, now: Mono) {
        self.flush_at.get_or_insert(now.after_us(BATCH_US));
    }

    pub(super) const fn poll_timeout(&self) -> Option<Mono> {
        self.flush_at
    }

    pub(super) fn handle_payload(&mut self, channel: Channel, author: AuthorId, payload: Bytes, now: Mono) {
        self.of_mut(channel).handle_payload(author, payload);
        self.flush_soon(now);
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
        Channel::DURABLE.contains(&channel).then(|| documents.of(channel))
    }

    /// Says something in the chat.
    ///
    /// # Errors
    ///
    /// [`EditRefused`] without the right to chat, or for a text over the limit.
    pub fn say(&mut self, draft: &Draft, now: Now) -> Result<(), EditRefused> {
        let name = self.presence().name_told().to_owned();
        self.edit(Channel::CHAT, Rights::CHAT, |document| {
            let is_new = document.told_name(document.author()) != Some(&name);
            document.say_as(draft, is_new.then_some(&name), now.wall)
        })
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
        if self.documents.is_none() {
            return Err(EditRefused::NotJoined);
        }
        if !rights.contains(right) {
            return Err(EditRefused::NoRight(rights));
        }
        // Whoever edits does not want to wait for what others may say again.
        self.resay(channel);
        let documents = self.documents.as_mut().ok_or(EditRefused::NotJoined)?;
        if let Some(payload) = change(documents.of_mut(channel))? {
            documents.leave_unsaid(channel, payload);
            self.say_unsaid();
            self.tell_document(channel);
        }
        Ok(())
    }

    /// Seals own changes as the next entries of this peer's lanes, while it may; every link gets them when there is room.
    pub(super) fn say_unsaid(&mut self) {
        let newest = self.log.epoch().unwrap_or_default();
        for channel in Channel::DURABLE {
            if self.is_before(channel, newest) {
                // It is said anew once the document here has begun anew.
                continue;
            }
            while let Some(payload) =
                self.documents.as_ref().and_then(|documents| documents.unsaid.get(&channel)?.front())
            {
                let payload = payload.clone();
                let Some((writer, keys)) = self.writer(channel) else { break };
                let entry = writer.seal(1, keys, &pad_durable(&payload));
                let (lane, digest) = (entry.lane, writer.newest());
                self.replica.append(entry, digest);
                self.note_grown(&lane, payload.len());
                self.documents.iter_mut().for_each(|documents| {
                    documents.unsaid.entry(channel).or_default().pop_front();
                });
            }
        }
    }

    pub(super) fn flush_documents_if_due(&mut self, now: Now) {
        if self.documents.as_ref().and_then(Documents::poll_timeout).is_some_and(|due| due <= now.mono) {
            self.flush_documents();
        }
    }

    /// Applies what was admitted, and tells what changed by it.
    pub(super) fn flush_documents(&mut self) {
        let Some(documents) = &mut self.documents else { return };
        documents.flush_at = None;
        let (mut changed, mut muted) = (Vec::new(), Vec::new());
        for channel in Channel::DURABLE {
            let applied = documents.of_mut(channel).flush();
            muted.extend(applied.refused.iter().map(|refusal| refusal.author));
            applied.again.into_iter().for_each(|payload| documents.leave_unsaid(channel, payload));
            changed.extend(applied.changed.then_some(channel));
        }
        self.note_nearly_full();
        muted.into_iter().for_each(|author| self.tell_muted(author));
        self.say_unsaid();
        changed.into_iter().for_each(|channel| self.tell_document(channel));
    }

    pub(super) fn tell_document(&mut self, channel: Channel) {
        if channel == Channel::STATE {
            return self.events.push_back(Event::State);
        }
        let Some(documents) = &mut self.documents else { return };
        for message in documents.chat.take_news() {
            message.name.iter().for_each(|name| self.roster.learn_name(&message.author, name));
            self.events.push_back(Event::Message(message));
        }
    }
}
