//! Where the lanes of the documents end, when documents begin anew, and what the host vouches for of the epochs before. PROTOCOL.md 5, 12.1.
//!
//! Always: a lane has one end for good, and a document one checkpoint per epoch.

use super::{AuthLog, LogError};
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId};
use crate::proto::limits::CUTS_PER_RECORD_MAX;
use crate::proto::sorted::SortedMap;
use crate::proto::wire::{DecodeError, Reader};

/// Length of one cut in a record, in bytes.
const CUT_BYTES: usize = 62;

/// Where the owner ended one lane of a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut {
    /// The lane.
    pub lane: LaneId,
    /// The first seq that does not count any more.
    pub next: u64,
    /// The digest of the entry before it, zero if there is none.
    pub digest: [u8; 32],
}

impl Cut {
    /// Reads the body of a Cut record.
    pub(super) fn read_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let what = "number of cuts";
        let count = reader.remaining() / CUT_BYTES;
        if !(1..=CUTS_PER_RECORD_MAX).contains(&count) {
            return Err(DecodeError::Value { what, found: count as u64 });
        }
        let cuts = (0..count).map(|_| Self::read(reader)).collect::<Result<Vec<_>, _>>()?;
        if cuts.is_sorted_by(|one, next| one.lane < next.lane) {
            Ok(cuts)
        } else {
            Err(DecodeError::Order { what: "cuts" })
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let channel = read_document(reader)?;
        let (author, epoch) = (AuthorId(reader.array()?), Epoch(reader.u32()?));
        let cut = Self { lane: LaneId { channel, author, epoch }, next: reader.u64()?, digest: reader.array()? };
        if cut.next == 0 && cut.digest != [0; 32] {
            return Err(DecodeError::Value { what: "digest before the first entry", found: cut.digest[0].into() });
        }
        Ok(cut)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.lane.channel.number().to_le_bytes());
        out.extend_from_slice(self.lane.author.as_bytes());
        out.extend_from_slice(&self.lane.epoch.0.to_le_bytes());
        out.extend_from_slice(&self.next.to_le_bytes());
        out.extend_from_slice(&self.digest);
    }
}

/// What the host vouches for: all of a document that the cuts of earlier epochs leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// The document: [`Channel::STATE`] or [`Channel::CHAT`].
    pub channel: Channel,
    /// The epoch whose lane of the document's checkpoint channel holds the segments.
    pub epoch: Epoch,
    /// How many segments there are, at least one.
    pub segments: u32,
    /// The digest of the last segment's entry.
    pub last: [u8; 32],
    /// What the document is like: a hash over the changes that nothing builds on.
    pub heads: [u8; 32],
}

impl Checkpoint {
    /// Reads the body of a Checkpoint record.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (channel, epoch) = (read_document(reader)?, Epoch(reader.u32()?));
        let segments = reader.u32()?;
        if segments == 0 {
            return Err(DecodeError::Value { what: "number of segments", found: 0 });
        }
        Ok(Self { channel, epoch, segments, last: reader.array()?, heads: reader.array()? })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let channel = self.channel.number().to_le_bytes();
        let (epoch, segments) = (self.epoch.0.to_le_bytes(), self.segments.to_le_bytes());
        [&channel[..], &epoch, &segments, &self.last, &self.heads].concat()
    }
}

/// A document begins anew, from what it shows. PROTOCOL.md 12.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Roll {
    /// The document: [`Channel::STATE`] or [`Channel::CHAT`].
    pub channel: Channel,
    /// The epoch with which it does.
    pub epoch: Epoch,
    /// How many lines a chat keeps.
    pub lines: u32,
}

impl Roll {
    /// Reads the body of a Roll record.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { channel: read_document(reader)?, epoch: Epoch(reader.u32()?), lines: reader.u32()? })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let channel = self.channel.number().to_le_bytes();
        [&channel[..], &self.epoch.0.to_le_bytes(), &self.lines.to_le_bytes()].concat()
    }
}

fn read_document(reader: &mut Reader<'_>) -> Result<Channel, DecodeError> {
    let found = u64::from(reader.u16()?);
    let document = Channel::parse(found).filter(|channel| Channel::DURABLE.contains(channel));
    document.ok_or(DecodeError::Value { what: "document", found })
}

/// How far the entries of a lane count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LaneEnd {
    /// All of them, and those to come.
    Open,
    /// Those before `next`.
    At {
        /// The first seq that does not count.
        next: u64,
        /// The digest of the entry before it, where the owner said which it is: who has another one has another
        /// lane, of which nothing counts.
        digest: Option<[u8; 32]>,
    },
}

impl LaneEnd {
    /// Nothing counts.
    pub const NOTHING: Self = Self::At { next: 0, digest: None };

    /// Says whether an entry at `seq` counts, as far as its place goes.
    #[must_use]
    pub const fn takes(&self, seq: u64) -> bool {
        match self {
            Self::Open => true,
            Self::At { next, .. } => seq < *next,
        }
    }
}

/// The cuts and checkpoints of a log.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    cuts: SortedMap<LaneId, Cut>,
    checkpoints: SortedMap<Channel, Checkpoint>,
    /// In ascending order of epochs.
    rolls: Vec<Roll>,
}

impl Lanes {
    pub(super) const fn new() -> Self {
        Self { cuts: SortedMap::new(), checkpoints: SortedMap::new(), rolls: Vec::new() }
    }

    /// Takes all of `cuts` or, if one does not hold, none.
    pub(super) fn cut(&mut self, cuts: &[Cut], newest: Option<Epoch>) -> Result<(), LogError> {
        for Cut { lane, .. } in cuts {
            if newest.is_none_or(|newest| lane.epoch > newest) {
                return Err(LogError::CutEpoch { found: lane.epoch.0 });
            }
            if self.cuts.contains_key(lane) {
                return Err(LogError::CutTwice { author: lane.author });
            }
        }
        self.cuts.extend(cuts.iter().map(|cut| (cut.lane, *cut)));
        Ok(())
    }

    pub(super) fn vouch(&mut self, checkpoint: &Checkpoint, newest: Option<Epoch>) -> Result<(), LogError> {
        let Checkpoint { channel, epoch, .. } = *checkpoint;
        if newest != Some(epoch) {
            return Err(LogError::CheckpointEpoch { found: epoch.0 });
        }
        if self.checkpoint(channel).is_some_and(|before| before.epoch == epoch) {
            return Err(LogError::CheckpointTwice { epoch: epoch.0 });
        }
        self.checkpoints.insert(channel, *checkpoint);
        Ok(())
    }

    pub(super) fn roll(&mut self, roll: &Roll, newest: Option<Epoch>) -> Result<(), LogError> {
        let next = newest.map_or(0, |newest| newest.0 + 1);
        if roll.epoch.0 != next || next == 0 {
            return Err(LogError::RollEpoch { found: roll.epoch.0 });
        }
        if self.rolls(roll.channel).any(|before| before.epoch == roll.epoch) {
            return Err(LogError::RollTwice { epoch: next });
        }
        self.rolls.push(*roll);
        Ok(())
    }

    pub(super) fn rolls(&self, document: Channel) -> impl Iterator<Item = &Roll> {
        self.rolls.iter().filter(move |roll| roll.channel == document)
    }

    pub(super) fn cut_of(&self, lane: &LaneId) -> Option<&Cut> {
        self.cuts.get(lane)
    }

    pub(super) fn cuts(&self, channel: Channel) -> impl Iterator<Item = &Cut> {
        self.cuts.values().filter(move |cut| cut.lane.channel == channel)
    }

    pub(super) fn checkpoint(&self, document: Channel) -> Option<&Checkpoint> {
        self.checkpoints.get(&document)
    }
}

impl AuthLog {
    /// Returns where the owner ended lanes of `channel`, in ascending order of lanes.
    pub fn cuts(&self, channel: Channel) -> impl Iterator<Item = &Cut> {
        self.lanes.cuts(channel)
    }

    /// Returns the newest checkpoint of a document; it covers all earlier epochs if it is of the newest one.
    #[must_use]
    pub fn checkpoint(&self, document: Channel) -> Option<&Checkpoint> {
        self.lanes.checkpoint(document)
    }

    /// Returns when a document has begun anew, in the order of the epochs that have begun.
    pub fn rolls(&self, document: Channel) -> impl Iterator<Item = &Roll> {
        self.lanes.rolls(document).filter(|roll| self.epoch().is_some_and(|newest| roll.epoch <= newest))
    }

    /// Returns how many times a document had begun anew when an epoch began.
    #[must_use]
    pub fn generation(&self, document: Channel, epoch: Epoch) -> u32 {
        self.rolls(document).filter(|roll| roll.epoch <= epoch).count() as u32
    }
}
