//! Taking the host's checkpoint instead of entries that are lacking, and comparing it where none are.
//!
//! what is missing --WATCH--> segments --`handle_segment`--> the document --`cover`--> entries again
//!
//! Always: what is taken is what the owner's record names, to the byte. PROTOCOL.md 11, 12.1.

use super::link::LinkId;
use super::{Alarm, Event, Peer};
use crate::proto::authlog::Checkpoint;
use crate::proto::id::{Channel, Epoch};
use crate::proto::member::{VerifiedMember, decode_named};
use crate::proto::seal::{EntryError, unpad_durable};
use crate::proto::sorted::SortedMap;
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{CloseCode, Frame, Reader, WireEntry};

/// How long entries that are lacking may come by themselves, in microseconds.
const PATIENCE_US: u64 = 2_000_000;
/// The longest checkpoint, deflated or not, and its authors, in bytes.
const BYTES_MAX: usize = 67_108_864 + 8_388_608;

/// Segments as they come.
#[derive(Debug, Default)]
struct Collected {
    epoch: Epoch,
    segments: u32,
    last: [u8; 32],
    bytes: Vec<u8>,
    /// They were no good: nothing more is taken of this epoch.
    is_refused: bool,
}

/// The checkpoints that are being taken, by document.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    collected: SortedMap<Channel, Collected>,
}

impl Peer {
    /// Notes that the owner vouches for a checkpoint.
    pub(super) fn handle_vouched(&mut self, document: Channel, now: Mono) {
        self.lanes.note_vouched(document, now);
        self.compare_checkpoint(document);
        self.take_when_whole(document, now);
    }

    /// Compares the host's checkpoint with what the entries before it add up to, once all are here.
    pub(super) fn compare_checkpoint(&mut self, document: Channel) {
        let (Some(vouched), Some(documents)) = (self.newest_checkpoint(document), &self.documents) else { return };
        if self.owner.is_some() || self.lanes.is_compared(document, vouched.epoch) {
            return;
        }
        if self.is_before(document, vouched.epoch) {
            return;
        }
        let keep = self.left_before(document, vouched.epoch);
        let Some(heads) = documents.of(document).heads_digest_at(&keep) else { return };
        self.lanes.note_compared(document, vouched.epoch);
        if heads != vouched.heads {
            self.events.push_back(Event::Alarm(Alarm::CheckpointOmits(document)));
        }
    }

    /// Returns the record of a document's checkpoint if it is one of the newest epoch.
    pub(super) fn newest_checkpoint(&self, document: Channel) -> Option<Checkpoint> {
        self.log.checkpoint(document).copied().filter(|vouched| Some(vouched.epoch) == self.log.epoch())
    }

    /// Returns when to ask a link for the checkpoint of a document.
    fn ask_at(&self, link: LinkId, document: Channel) -> Option<Mono> {
        let state = self.links.get(&link).filter(|state| state.has_greeted && !state.asked.contains(&document))?;
        let is_lacking = self.owner.is_none() && !self.lanes.is_whole(document);
        let vouched = self.lanes.vouched(document).filter(|_| is_lacking && self.newest_secret().is_some())?;
        self.newest_checkpoint(document)?;
        let is_new = self.documents.as_ref()?.of(document).len_changes() == 0;
        let since = state.have_at.get(&document).copied().filter(|_| !is_new);
        match since {
            // Who has nothing need not wait for the version vector either.
            None if is_new => Some(Mono(0)),
            None => None,
            Some(since) => Some(since.max(vouched).after_us(PATIENCE_US)),
        }
    }

    fn asks(&self) -> impl Iterator<Item = (Mono, LinkId, Channel)> {
        let pairs = self.links.keys().flat_map(|link| Channel::DURABLE.map(|document| (*link, document)));
        pairs.filter_map(|(link, document)| Some((self.ask_at(link, document)?, link, document)))
    }

    pub(super) fn poll_checkpoints(&self) -> Option<Mono> {
        let is_lacking = Channel::DURABLE.into_iter().any(|document| !self.lanes.is_whole(document));
        if is_lacking { self.asks().map(|(at, ..)| at).min() } else { None }
    }

    /// Asks for the checkpoints of documents that lack what does not come otherwise.
    pub(super) fn ask_for_checkpoints(&mut self, now: Mono) {
        if self.poll_checkpoints().is_none_or(|at| at > now) {
            return;
        }
        let due: Vec<_> = self.asks().filter(|(at, ..)| *at <= now).collect();
        for (_, link, document) in due {
            if let (Some(state), Some(channel)) = (self.links.get_mut(&link), document.checkpoint()) {
                state.asked.insert(document);
                state.send(&Frame::Watch(channel));
            }
        }
    }

    /// Takes one segment.
    pub(super) fn handle_segment(&mut self, link: LinkId, entry: &WireEntry, host: &VerifiedMember, now: Now) {
        let lane = entry.lane;
        let Some(document) = lane.channel.document_of_checkpoint() else { return };
        let is_wanted = self.owner.is_none() && !self.lanes.is_whole(document) && Some(lane.epoch) == self.log.epoch();
        let collected = self.checkpoints.collected.entry(document).or_default();
        if collected.epoch != lane.epoch {
            *collected = Collected { epoch: lane.epoch, ..Collected::default() };
        }
        if !is_wanted || collected.is_refused {
            return;
        }
        let Some(reader) = self.reader(lane, host) else { return };
        let opened = reader.open(entry);
        let (_, digest) = reader.position();
        let Some(collected) = self.checkpoints.collected.get_mut(&document) else { return };
        match opened {
            Ok(plaintext) => {
                // An unreadable segment makes an unreadable checkpoint, which is refused as a whole.
                let payload = unpad_durable(&plaintext).unwrap_or_default();
                collected.bytes.extend_from_slice(payload);
            }
            Err(EntryError::Seal { .. }) => {}
            Err(EntryError::Duplicate { .. }) => return,
            Err(_) => return self.close_link(link, CloseCode::Protocol),
        }
        self.past.note_progress(document, now.mono);
        collected.segments += 1;
        collected.last = digest;
        collected.is_refused = collected.bytes.len() > BYTES_MAX;
        self.take_when_whole(document, now.mono);
    }

    /// Takes a checkpoint once all of its segments and its record are here.
    fn take_when_whole(&mut self, document: Channel, now: Mono) {
        let Some(vouched) = self.newest_checkpoint(document) else { return };
        let Some(collected) = self.checkpoints.collected.get_mut(&document) else { return };
        let is_all = collected.epoch == vouched.epoch && collected.segments == vouched.segments;
        if !is_all || collected.is_refused {
            return;
        }
        let bytes = std::mem::take(&mut collected.bytes);
        let is_named = collected.last == vouched.last;
        let mut reader = Reader::new(&bytes);
        let authors = decode_named(&mut reader).ok().filter(|_| is_named);
        let taken = authors.as_ref().and_then(|_| self.adopt(document, &vouched, reader.rest()));
        let Some(is_anew) = taken else {
            if let Some(collected) = self.checkpoints.collected.get_mut(&document) {
                collected.is_refused = true;
            }
            self.log.host().into_iter().for_each(|host| self.tell_muted(host));
            return;
        };
        self.checkpoints.collected.remove(&document);
        self.meet_authors(authors.unwrap_or_default());
        self.lanes.note_compared(document, vouched.epoch);
        self.cover(document, vouched.epoch);
        let past = self.lanes.past_mut(document);
        (past.since, past.is_behind) = (vouched.epoch, false);
        if is_anew {
            self.enter_generation(document, now);
        }
        self.stop_asking(document);
        self.events.push_back(Event::CheckpointTaken(document));
        if let Some(documents) = &mut self.documents {
            documents.flush_soon(now);
        }
        self.tell_document(document);
        self.tidy_epochs();
    }

    /// Gives a checkpoint to its document, and says whether that begins anew with it; nothing if it is no good.
    fn adopt(&mut self, document: Channel, vouched: &Checkpoint, plaintext: &[u8]) -> Option<bool> {
        let generation = self.log.generation(document, vouched.epoch);
        let keep = self.document(document)?.authors().map(|author| (author, self.kept_of(document, author))).collect();
        let source = self.documents.as_mut()?.of_mut(document);
        let is_anew = generation > source.generation();
        let taken = if is_anew {
            source.adopt_generation(generation, &keep, plaintext, &vouched.heads)
        } else {
            source.adopt_checkpoint(plaintext, &vouched.heads)
        };
        taken.ok().map(|()| is_anew)
    }

    fn stop_asking(&mut self, document: Channel) {
        let Some(channel) = document.checkpoint() else { return };
        for state in self.links.values_mut() {
            if state.asked.remove(&document) {
                state.send(&Frame::Unwatch(channel));
            }
        }
        self.readers.retain(|lane, _| lane.channel != channel);
    }
}
