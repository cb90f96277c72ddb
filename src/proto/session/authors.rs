//! Who wrote what: the members behind the documents, be they here, gone, or from before this peer came.
//!
//! documents --`name_authors`--> the beginning of a checkpoint --`meet_authors`--> the roster
//!
//! Always: a chain is believed only if it holds and the owner recorded it; a name is its bearer's word, or the host's.
//! PROTOCOL.md 12.1.

use super::Peer;
use crate::proto::doc::{Document, StateItem};
use crate::proto::id::{AuthorId, Channel};
use crate::proto::member::{Chain, encode_named};

impl Peer {
    /// Returns who changed something in the state document last, where it is still so.
    #[must_use]
    pub fn author_of(&self, item: StateItem<'_>) -> Option<AuthorId> {
        self.document(Channel::STATE)?.author_of(item)
    }

    /// Tells whether something that `author` wrote is still there.
    pub(super) fn has_written(&self, author: &AuthorId) -> bool {
        let documents = Channel::DURABLE.into_iter().filter_map(|channel| self.document(channel));
        documents.into_iter().any(|document| document.admitted_of(*author) > 0)
    }

    /// Writes down who the authors of a document are, for those who come later.
    pub(super) fn name_authors(&self, document: Channel) -> Vec<u8> {
        let authors = self.document(document).into_iter().flat_map(Document::authors);
        let members: Vec<_> = authors.filter_map(|author| self.roster.writer(&author)).collect();
        encode_named(members.iter().map(|(member, name)| (member.chain(), *name)))
    }

    /// Remembers the authors that a checkpoint names.
    pub(super) fn meet_authors(&mut self, authors: Vec<(Chain, String)>) {
        for (chain, name) in authors {
            let author = chain.member.author();
            if !self.has_written(&author) {
                continue;
            }
            let Ok(member) = chain.verify(&self.session) else { continue };
            if self.log.records_chain(&member).is_ok() {
                self.roster.remember(member, name);
            }
        }
    }
}
