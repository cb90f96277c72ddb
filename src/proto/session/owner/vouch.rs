//! The owner's checkpoints: all that the cuts leave of a document, for those who come in this epoch. PROTOCOL.md 12.1.
//!
//! document --`save_checkpoint`--> segments, sealed --> Checkpoint record, then entries of channels 6 and 7

use super::{OwnerError, Peer};
use crate::proto::authlog::{Checkpoint, Record};
use crate::proto::id::{Channel, Epoch};
use crate::proto::seal::pad_durable;
use crate::proto::time::Now;

/// Payload of one segment, in bytes.
const SEGMENT_BYTES: usize = 60_000;

/// How long the segments wait, in microseconds. Once a relay has them it forgets the entries before, of which some are
/// on their way to members who would need but these.
const SEGMENTS_US: u64 = 1_500_000;

impl Peer {
    /// Makes and vouches for the checkpoints of the epoch that has just begun.
    pub(super) fn vouch(&mut self, now: Now) -> Result<(), OwnerError> {
        let Some(epoch) = self.log.epoch() else { return Ok(()) };
        for document in Channel::DURABLE {
            let Some(checkpoint) = self.seal_checkpoint(document, epoch) else { continue };
            self.write_record(&Record::Checkpoint(checkpoint), now)?;
            self.lanes.note_vouched(document, now.mono);
            self.lanes.show_segments_by(now.mono.after_us(SEGMENTS_US));
            let older =
                |lane: &crate::proto::id::LaneId| Some(lane.channel) == document.checkpoint() && lane.epoch < epoch;
            self.replica.retain(|lane| !older(lane));
            for link in self.links.values_mut() {
                link.feed.retain(|lane| !older(lane));
                link.stored.retain(|lane, _| !older(lane));
            }
        }
        Ok(())
    }

    /// Seals the segments of a document's checkpoint and returns what to say of it; nothing if there is none to make.
    fn seal_checkpoint(&mut self, document: Channel, epoch: Epoch) -> Option<Checkpoint> {
        let channel = document.checkpoint()?;
        let source = self.documents.as_mut()?.of_mut(document);
        if source.len_changes() == 0 && source.generation() == 0 {
            return None;
        }
        // A document too large for one goes on as entries, for those who have them.
        let saved = source.save_checkpoint().ok()?;
        let heads = source.heads_digest();
        let plaintext = [self.name_authors(document), saved].concat();
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
