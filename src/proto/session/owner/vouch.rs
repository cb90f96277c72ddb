//! The owner's checkpoints: all that the cuts leave of a document, for those who come in this epoch. PROTOCOL.md 12.1.
//!
//! document --`freeze`--> [`Vouching`], a moment later --`save`--> segments, sealed --> Checkpoint record, then entries of
//! channels 6 and 7

use super::Peer;
use crate::proto::authlog::{Checkpoint, Record};
use crate::proto::doc::Frozen;
use crate::proto::id::{Channel, Epoch, LaneId};
use crate::proto::seal::pad_durable;
use crate::proto::time::{Mono, Now};

/// Payload of one segment, in bytes.
const SEGMENT_BYTES: usize = 60_000;

/// How long the segments wait, in microseconds. Once a relay has them it forgets the entries before, of which some are
/// on their way to members who would need but these.
const SEGMENTS_US: u64 = 1_500_000;

/// How long saving waits, in microseconds. It may take half a second, and the records that cut somebody off are to be on
/// their way before.
const SAVE_US: u64 = 50_000;

/// A document as it was when an epoch began.
#[derive(Debug)]
struct Draft {
    document: Channel,
    frozen: Frozen,
    /// Who wrote it.
    authors: Vec<u8>,
}

/// The documents of the epoch that has just begun, before they are vouched for.
#[derive(Debug, Default)]
pub(super) struct Vouching {
    epoch: Epoch,
    drafts: Vec<Draft>,
    at: Option<Mono>,
}

impl Vouching {
    pub(super) const fn poll_timeout(&self) -> Option<Mono> {
        self.at
    }
}

impl Peer {
    /// Keeps what there is to vouch for in the epoch that has just begun.
    pub(super) fn vouch_soon(&mut self, now: Now) {
        let Some(epoch) = self.log.epoch() else { return };
        self.forget_segments_before(epoch);
        let drafts = Channel::DURABLE.into_iter().filter_map(|document| self.draft(document)).collect();
        if let Some(owner) = self.owner.as_mut() {
            owner.vouching = Vouching { epoch, drafts, at: Some(now.mono.after_us(SAVE_US)) };
        }
    }

    fn draft(&mut self, document: Channel) -> Option<Draft> {
        let source = self.documents.as_mut()?.of_mut(document);
        if source.len_changes() == 0 && source.generation() == 0 {
            return None;
        }
        let frozen = source.freeze();
        Some(Draft { document, frozen, authors: self.name_authors(document) })
    }

    /// Makes the checkpoints of the epoch and vouches for them.
    pub(super) fn vouch_if_due(&mut self, now: Now) {
        let Some(owner) = self.owner.as_mut() else { return };
        if owner.vouching.at.is_none_or(|at| at > now.mono) {
            return;
        }
        let Vouching { epoch, drafts, .. } = std::mem::take(&mut owner.vouching);
        if self.log.epoch() != Some(epoch) {
            return;
        }
        for draft in drafts {
            let document = draft.document;
            let Some(checkpoint) = self.seal_checkpoint(draft, epoch) else { continue };
            if self.write_record(&Record::Checkpoint(checkpoint), now).is_err() {
                // The log is full: those who come later start without.
                return;
            }
            self.lanes.note_vouched(document, now.mono);
            self.lanes.show_segments_by(now.mono.after_us(SEGMENTS_US));
        }
    }

    /// Forgets the segments of epochs that are over: nobody gets their keys any more.
    fn forget_segments_before(&mut self, epoch: Epoch) {
        let older = |lane: &LaneId| lane.channel.is_checkpoint() && lane.epoch < epoch;
        self.replica.retain(|lane| !older(lane));
        for link in self.links.values_mut() {
            link.feed.retain(|lane| !older(lane));
            link.stored.retain(|lane, _| !older(lane));
        }
    }

    /// Seals the segments of a document's checkpoint and returns what to say of it; nothing if there is none to make.
    fn seal_checkpoint(&mut self, draft: Draft, epoch: Epoch) -> Option<Checkpoint> {
        let Draft { document, frozen, authors } = draft;
        let channel = document.checkpoint()?;
        // A document too large for one goes on as entries, for those who have them.
        let saved = frozen.save().ok()?;
        let heads = frozen.heads_digest();
        let plaintext = [authors, saved].concat();
        let mut entries = Vec::new();
        for segment in plaintext.chunks(SEGMENT_BYTES) {
            let (writer, keys) = self.writer(channel)?;
            let entry = writer.seal(1, keys, &pad_durable(segment));
            entries.push((entry, writer.newest()));
        }
        let (segments, last) = (entries.len().try_into().ok()?, entries.last()?.1);
        for (entry, digest) in entries {
            self.replica.append(entry, digest);
        }
        Some(Checkpoint { channel: document, epoch, segments, last, heads })
    }
}
