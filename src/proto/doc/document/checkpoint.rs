//! All of a document in few bytes: what a newcomer takes instead of every entry of the epochs before.
//!
//! log --`freeze`--> [`Frozen`] --`save`--> plaintext of the segments --`adopt_checkpoint`--> the same log, to the byte
//!
//! Always: who loads a checkpoint holds the very changes that who holds the entries does, so both go on alike. Its bytes
//! pass the gate like any others; it vouches for nothing but who made it. PROTOCOL.md 12.1.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Document, Entry, Waiting};
use crate::proto::doc::DocKind;
use crate::proto::doc::chunk;
use crate::proto::doc::gate::GateError;
use crate::proto::doc::gate::scan::Scan;
use crate::proto::doc::pack::{Unpack, pack};
use crate::proto::id::AuthorId;
use crate::proto::limits::{AUTHOR_OPS_MAX, DURABLE_KEPT_BYTES_MAX};
use crate::proto::verify::derive;
use crate::proto::wire::{DecodeError, Reader, varint};

const VERSION: u8 = 1;
/// Longest checkpoint before it is deflated, in bytes. PROTOCOL.md 12.1.
const INFLATED_BYTES_MAX: u64 = 67_108_864;
/// Room made at a time for what is deflated or inflated, in bytes.
const STEP_BYTES: usize = 65_536;
/// Operations in a checkpoint: as many as one author may write.
pub(super) const OPS_MAX: u64 = AUTHOR_OPS_MAX as u64;
/// The changes in a checkpoint, in bytes, as they would be on the wire: as many as a relay keeps of a session.
pub(super) const PAYLOAD_BYTES_MAX: u64 = DURABLE_KEPT_BYTES_MAX as u64;

/// Why there is no checkpoint, or why it is not taken; who made it has to act.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is of another version.
    #[error("checkpoint of version {found}")]
    Version {
        /// The version.
        found: u8,
    },
    /// It is not well formed.
    #[error("checkpoint does not decode: {0}")]
    Decode(#[from] DecodeError),
    /// It does not inflate to as many bytes as it says.
    #[error("checkpoint does not inflate to {expected} bytes")]
    Deflate {
        /// How many it says.
        expected: u64,
    },
    /// It holds too much.
    #[error("checkpoint: {found} {what} are over the limit of {max}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// The bound.
        max: u64,
    },
    /// A change in it is one that no replica would take.
    #[error("change {place} of the checkpoint: {reason}")]
    Change {
        /// Its place, from 1.
        place: usize,
        /// What is wrong with it.
        reason: GateError,
    },
    /// It holds other changes than the record says.
    #[error("checkpoint has other heads than its record")]
    Heads,
    /// It would begin with something that is not here.
    #[error("changes of {author:?} that are in it are not here")]
    Incomplete {
        /// Of whom.
        author: AuthorId,
    },
    /// It has another change of this author under this number than the one that is here.
    #[error("change {seq} of {author:?} is another in the checkpoint")]
    Conflict {
        /// The author.
        author: AuthorId,
        /// The number.
        seq: u64,
    },
}

/// All changes of a document as it was, shared with it: what is said after is not among them.
///
/// To take them costs little even where there are many; to save them, which can wait, takes most of the time.
#[derive(Debug)]
pub struct Frozen {
    kind: DocKind,
    me: AuthorId,
    genesis: [u8; 32],
    changes: Vec<(AuthorId, Bytes)>,
    heads: Vec<[u8; 32]>,
}

impl Frozen {
    /// Returns what [`Document::heads_digest`] was.
    #[must_use]
    pub fn heads_digest(&self) -> [u8; 32] {
        digest(self.heads.iter().copied())
    }

    /// Returns the plaintext of a checkpoint, after a test that it can be taken.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Limit`] for a document that is too large for one.
    pub fn save(&self) -> Result<Vec<u8>, CheckpointError> {
        let packed = pack(self.genesis, self.changes.iter().map(|(author, payload)| (*author, &**payload)));
        let expected = expect("bytes", packed.len() as u64, INFLATED_BYTES_MAX)?;
        let mut plaintext = vec![VERSION];
        varint::put(&mut plaintext, expected);
        deflate(&packed, &mut plaintext).ok_or(CheckpointError::Deflate { expected })?;
        let loaded = Document::load(self.kind, self.me, &plaintext)?;
        if loaded.heads() == self.heads { Ok(plaintext) } else { Err(CheckpointError::Heads) }
    }
}

impl Document {
    /// Returns all admitted changes, to make a checkpoint of.
    pub fn freeze(&mut self) -> Frozen {
        self.admit_ready();
        self.apply_batch();
        Frozen {
            kind: self.kind,
            me: self.me,
            genesis: self.genesis,
            changes: self.log.iter().map(|entry| (entry.author, entry.payload.clone())).collect(),
            heads: self.heads(),
        }
    }

    /// Returns the plaintext of a checkpoint of all admitted changes, after a test that it can be taken.
    ///
    /// # Errors
    ///
    /// As [`Frozen::save`].
    pub fn save_checkpoint(&mut self) -> Result<Vec<u8>, CheckpointError> {
        self.freeze().save()
    }

    /// Returns `H("document heads", …)` over all admitted changes: equal for replicas that hold the same.
    #[must_use]
    pub fn heads_digest(&self) -> [u8; 32] {
        digest(self.gate.heads())
    }

    /// Returns the same as [`heads_digest`](Self::heads_digest) of the document that would be left if it had only the
    /// first so many changes of each author in `keep`, and none of anybody else: what a checkpoint made at these cuts
    /// should say. Nothing if some of these changes are not here.
    #[must_use]
    pub fn heads_digest_at(&self, keep: &BTreeMap<AuthorId, u64>) -> Option<[u8; 32]> {
        if keep.iter().any(|(author, kept)| self.admitted_of(*author) < *kept) {
            return None;
        }
        let mut heads = BTreeSet::from([self.genesis]);
        let mut seqs = BTreeMap::new();
        for entry in &self.log {
            let seq = seqs.entry(entry.author).or_insert(0_u64);
            *seq += 1;
            if *seq <= keep.get(&entry.author).copied().unwrap_or_default() {
                let scan = Scan::parse(&entry.payload).ok()?;
                scan.deps.iter().for_each(|dep| _ = heads.remove(dep));
                heads.insert(chunk::hash(&entry.payload));
            }
        }
        Some(digest(heads))
    }

    /// Takes a checkpoint whose record says `heads`. What was here before stays: changes that are not in it are taken
    /// again on top of it, as far as what they build on is there, and what waits goes on waiting.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, and leaves the document as it was.
    pub fn adopt_checkpoint(&mut self, plaintext: &[u8], heads: &[u8; 32]) -> Result<(), CheckpointError> {
        let loaded = Self::load(self.kind, self.me, plaintext)?;
        if loaded.heads_digest() != *heads {
            return Err(CheckpointError::Heads);
        }
        for (&author, lane) in &loaded.lanes {
            for (seq, &place) in (1..).zip(&lane.admitted) {
                let there = loaded.log.get(place).map(|entry| &entry.payload);
                if self.said(author, seq).is_some_and(|here| Some(here) != there) {
                    return Err(CheckpointError::Conflict { author, seq });
                }
            }
        }
        self.move_to(loaded);
        Ok(())
    }

    /// Goes over to another document, and takes what is not in it along.
    fn move_to(&mut self, loaded: Self) {
        let entries = std::mem::take(&mut self.log);
        self.reset();
        self.put_in_place(loaded);
        for lane in self.lanes.values_mut() {
            let behind = lane.waiting.split_off(&(lane.admitted.len() as u64 + 1));
            let known = std::mem::replace(&mut lane.waiting, behind);
            self.waiting_bytes -= known.values().map(Waiting::bytes).sum::<usize>();
        }
        entries.into_iter().for_each(|entry| self.take_again(entry));
        self.look_again();
        self.changed = true;
        self.admit_ready();
        self.apply_batch();
    }

    /// Shows another document, which was loaded for this, in the place of this one, after a [`reset`](Self::reset).
    pub(super) fn put_in_place(&mut self, loaded: Self) {
        (self.gate, self.view, self.log, self.last_own) = (loaded.gate, loaded.view, loaded.log, loaded.last_own);
        (self.ops, self.bytes) = (loaded.ops, loaded.bytes);
        self.based = loaded.lanes.iter().map(|(author, lane)| (*author, lane.admitted.len() as u64)).collect();
        for (author, lane) in loaded.lanes {
            self.lanes.entry(author).or_default().admitted = lane.admitted;
        }
        self.fresh = loaded.messages;
        self.settle();
    }

    /// Makes the document that a checkpoint holds.
    pub(super) fn load(kind: DocKind, me: AuthorId, plaintext: &[u8]) -> Result<Self, CheckpointError> {
        let packed = inflate(plaintext)?;
        let mut document = Self::new(kind, me);
        let mut unpack = Unpack::new(document.genesis, &packed)?;
        while let Some((author, payload)) = unpack.next(&document.gate)? {
            document.load_change(author, payload.into())?;
        }
        document.finish_loading()
    }

    /// Takes one change into a document that is being loaded.
    pub(super) fn load_change(&mut self, author: AuthorId, payload: Bytes) -> Result<(), CheckpointError> {
        let place = self.log.len() + 1;
        let refused = |reason| CheckpointError::Change { place, reason };
        let admission = self.gate.admit(author, &payload).map_err(refused)?;
        self.record(Entry { author, payload }, admission);
        expect("operations", self.ops, OPS_MAX)?;
        expect("bytes of changes", self.bytes, PAYLOAD_BYTES_MAX)?;
        Ok(())
    }

    /// Shows what was loaded, if all of it can be shown.
    pub(super) fn finish_loading(mut self) -> Result<Self, CheckpointError> {
        let place = self.log.len();
        // None of them is news before the checkpoint is taken.
        self.messages = std::mem::take(&mut self.fresh);
        self.apply_batch();
        match self.refused.first() {
            Some(refusal) => Err(CheckpointError::Change { place, reason: refusal.reason.clone() }),
            None if self.log.len() < place => Err(CheckpointError::Change { place, reason: GateError::Failed }),
            None => Ok(self),
        }
    }
}

fn digest(heads: impl IntoIterator<Item = [u8; 32]>) -> [u8; 32] {
    derive("document heads", &[&heads.into_iter().flatten().collect::<Vec<u8>>()])
}

fn expect(what: &'static str, found: u64, max: u64) -> Result<u64, CheckpointError> {
    if found > max { Err(CheckpointError::Limit { what, found, max }) } else { Ok(found) }
}

/// Reads the packed changes of a checkpoint.
fn inflate(plaintext: &[u8]) -> Result<Vec<u8>, CheckpointError> {
    let mut reader = Reader::new(plaintext);
    let found = reader.u8()?;
    if found != VERSION {
        return Err(CheckpointError::Version { found });
    }
    let expected = expect("bytes", reader.varint()?, INFLATED_BYTES_MAX)?;
    let deflated = reader.rest();
    inflate_to(deflated, expected).ok_or(CheckpointError::Deflate { expected })
}

/// Appends the data, deflated.
fn deflate(data: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut compress = Compress::new(Compression::default(), false);
    loop {
        out.reserve(STEP_BYTES);
        let left = data.get(usize::try_from(compress.total_in()).ok()?..)?;
        match compress.compress_vec(left, out, FlushCompress::Finish).ok()? {
            Status::StreamEnd => return Some(()),
            Status::Ok | Status::BufError => (),
        }
    }
}

/// Inflates to just so many bytes, with all that is there used up; reads little more than that of anything longer.
fn inflate_to(deflated: &[u8], expected: u64) -> Option<Vec<u8>> {
    let (mut decompress, mut out) = (Decompress::new(false), Vec::new());
    while out.len() as u64 <= expected {
        out.reserve(STEP_BYTES);
        let before = (decompress.total_in(), decompress.total_out());
        let left = deflated.get(usize::try_from(before.0).ok()?..)?;
        let status = decompress.decompress_vec(left, &mut out, FlushDecompress::None).ok()?;
        let after = (decompress.total_in(), decompress.total_out());
        if status == Status::StreamEnd {
            return (after == (deflated.len() as u64, expected)).then_some(out);
        }
        if after == before {
            return None;
        }
    }
    None
}
