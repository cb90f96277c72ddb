//! Change chunks, written byte for byte as Automerge writes them.
//!
//! head, columns --`encode`--> payload; payload --`hash`--> what other changes name it by
//!
//! Always: what is written here is in canonical form if the columns are.

use sha2::{Digest, Sha256};

use crate::proto::id::AuthorId;

/// The start of every Automerge chunk.
pub(super) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The chunk type of an uncompressed change. Type 2 is a deflated one, and a bomb.
pub(super) const TYPE_CHANGE: u8 = 1;
/// Bytes before what the hash covers: magic and checksum.
const UNHASHED: usize = 8;

/// A change but for its operations.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// Hashes of the changes it builds on, ascending.
    pub(super) deps: Vec<[u8; 32]>,
    pub(super) author: AuthorId,
    pub(super) seq: u64,
    pub(super) start_op: u32,
    /// Other actors that its operations name, ascending.
    pub(super) others: Vec<AuthorId>,
}

impl Head {
    /// Returns the whole chunk; `columns` are the number of columns, their kinds and lengths, and their data.
    pub(super) fn encode(&self, columns: &[u8]) -> Vec<u8> {
        let mut chunk = self.encode_unchecked(columns);
        let hash = hash(&chunk);
        set_checksum(&mut chunk, &hash);
        chunk
    }

    /// Returns the chunk with a checksum of zeros.
    pub(super) fn encode_unchecked(&self, columns: &[u8]) -> Vec<u8> {
        let mut body = Vec::with_capacity(32 * self.deps.len() + 17 * self.others.len() + columns.len() + 40);
        put_uleb(&mut body, self.deps.len() as u64);
        self.deps.iter().for_each(|dep| body.extend_from_slice(dep));
        put_actor(&mut body, self.author);
        put_uleb(&mut body, self.seq);
        put_uleb(&mut body, self.start_op.into());
        // Time, then the length of the message.
        body.extend_from_slice(&[0, 0]);
        put_uleb(&mut body, self.others.len() as u64);
        self.others.iter().for_each(|other| put_actor(&mut body, *other));
        body.extend_from_slice(columns);
        let mut chunk = Vec::with_capacity(body.len() + 14);
        chunk.extend_from_slice(&MAGIC);
        chunk.extend_from_slice(&[0; 4]);
        chunk.push(TYPE_CHANGE);
        put_uleb(&mut chunk, body.len() as u64);
        chunk.extend_from_slice(&body);
        chunk
    }
}

/// Writes the checksum of a chunk that has this hash.
pub(super) fn set_checksum(chunk: &mut [u8], hash: &[u8; 32]) {
    chunk[MAGIC.len()..UNHASHED].copy_from_slice(&hash[..UNHASHED - MAGIC.len()]);
}

/// Returns the hash of a change chunk.
pub(super) fn hash(chunk: &[u8]) -> [u8; 32] {
    Sha256::digest(chunk.get(UNHASHED..).unwrap_or_default()).into()
}

fn put_actor(out: &mut Vec<u8>, actor: AuthorId) {
    out.push(16);
    out.extend_from_slice(&actor.0);
}

/// Appends an unsigned LEB128 number.
pub(super) fn put_uleb(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed LEB128 number.
pub(super) fn put_sleb(out: &mut Vec<u8>, mut value: i64) {
    // The last byte's second bit from the top is the sign.
    while !(-0x40..0x40).contains(&value) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
}
