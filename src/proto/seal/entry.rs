//! One entry: body sealed, header signed; and back. Place and signature are the callers' to check. PROTOCOL.md 7.

use super::aead;
use crate::proto::id::{LaneId, SessionId};
use crate::proto::key::{MemberKeys, Secret32};
use crate::proto::lane::verify::{EntryError, entry_digest, has_kind};
use crate::proto::wire::{WireEntry, header};

const HEADER_BYTES: usize = 84;
/// The longest prefix: an encapsulated key.
pub(super) const PREFIX_BYTES_MAX: usize = 32;

/// What the header says and the ends agree on.
pub(super) struct Outline<'a> {
    pub(super) session: &'a SessionId,
    pub(super) kind: u8,
    pub(super) lane: LaneId,
    pub(super) seq: u64,
    pub(super) prev: &'a [u8; 32],
    /// What stands in the clear before the ciphertext; empty but on direct channels.
    pub(super) prefix: &'a [u8],
}

impl Outline<'_> {
    /// Seals and signs; `scratch` is room that can be used again. Returns the entry and its digest.
    pub(super) fn seal(
        &self,
        key: &Secret32,
        author: &MemberKeys,
        plaintext: &[u8],
        scratch: &mut Vec<u8>,
    ) -> (WireEntry, [u8; 32]) {
        debug_assert!(has_kind(self.lane.channel, self.kind), "kind {} on {:?}", self.kind, self.lane.channel);
        let body_bytes = self.prefix.len() + plaintext.len() + aead::TAG_BYTES;
        let header = header(self.session, self.kind, &self.lane, self.seq, self.prev, body_bytes);
        scratch.clear();
        scratch.reserve(body_bytes);
        scratch.extend_from_slice(self.prefix);
        scratch.extend_from_slice(plaintext);
        with_associated_data(&header, self.prefix, |aad| {
            aead::seal(key, nonce(self.seq), aad, scratch, self.prefix.len());
        });
        let digest = entry_digest(&header, scratch);
        let entry = WireEntry::encode(self.kind, self.lane, self.seq, scratch, &author.sign(&digest));
        (entry, digest)
    }
}

/// Opens the body after its first `prefix_bytes`.
pub(super) fn open(
    key: &Secret32,
    header: &[u8; HEADER_BYTES],
    entry: &WireEntry,
    prefix_bytes: usize,
) -> Result<Vec<u8>, EntryError> {
    let wrong = EntryError::Seal { seq: entry.seq };
    let (prefix, sealed) = entry.body().split_at_checked(prefix_bytes).ok_or(wrong)?;
    with_associated_data(header, prefix, |aad| aead::open(key, nonce(entry.seq), aad, sealed)).map_err(|_| wrong)
}

/// Joins header and prefix without a heap allocation.
fn with_associated_data<T>(header: &[u8; HEADER_BYTES], prefix: &[u8], then: impl FnOnce(&[u8]) -> T) -> T {
    let mut aad = [0; HEADER_BYTES + PREFIX_BYTES_MAX];
    let length = HEADER_BYTES + prefix.len();
    aad[..HEADER_BYTES].copy_from_slice(header);
    aad[HEADER_BYTES..length].copy_from_slice(prefix);
    then(&aad[..length])
}

fn nonce(seq: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&seq.to_le_bytes());
    nonce
}
