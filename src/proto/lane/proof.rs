//! Proofs that an author wrote two histories: two entries of its own for one place.
//!
//! two entries --[`Proof::find`]--> 360 bytes --[`Proof::decode`], [`Proof::verify`]--> nobody takes more of the author
//!
//! Always: a decoded proof is about two different entries of one place; that the author signed both says
//! [`Proof::verify`]. No content is told: of the bodies it has hashes. PROTOCOL.md 7.

#[cfg(test)]
mod tests;

use super::verify::{digest_of_hashed, has_kind, prev_of};
use crate::proto::id::{AuthorId, Channel, Class, Epoch, LaneId, SessionId};
use crate::proto::verify::VerifyKey;
use crate::proto::wire::{DecodeError, Reader, WireEntry};
use bytes::Bytes;

/// Length of a proof, in bytes.
pub const PROOF_BYTES: usize = 2 * HALF_BYTES;
const HALF_BYTES: usize = HEADER_BYTES + 32 + 64;
const HEADER_BYTES: usize = 84;
/// Where the channel stands in a header.
const CHANNEL_AT: usize = 78;

/// One entry as a witness has it: the header that was signed, the sealed body, the signature.
pub type SignedEntry<'a> = (&'a [u8; HEADER_BYTES], &'a [u8], &'a [u8; 64]);

/// One of the two entries.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Half {
    header: [u8; HEADER_BYTES],
    body_hash: [u8; 32],
    signature: [u8; 64],
}

/// Where an entry belongs, and so what the two of a proof have in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Place {
    session: SessionId,
    lane: LaneId,
    seq: u64,
}

/// Two different entries of one author for one place of a durable lane.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proof {
    place: Place,
    halves: [Half; 2],
}

impl Proof {
    /// Makes a proof of two entries, in whichever order; `None` if they are not two, not for one place, or not both
    /// signed by `key`.
    #[must_use]
    pub fn find(session: &SessionId, key: &VerifyKey, a: SignedEntry<'_>, b: SignedEntry<'_>) -> Option<Self> {
        let mut halves = [a, b].map(|(header, body, signature)| Half {
            header: *header,
            body_hash: *blake3::hash(body).as_bytes(),
            signature: *signature,
        });
        halves.sort_by_key(Half::digest);
        Self::new(halves).ok().filter(|proof| proof.verify(session, key))
    }

    /// Makes a proof of two entries that both follow the entry with the digest `prev`, where a lane forks.
    #[must_use]
    pub fn of_fork(
        session: &SessionId,
        key: &VerifyKey,
        prev: &[u8; 32],
        a: &WireEntry,
        b: &WireEntry,
    ) -> Option<Self> {
        let header = |entry: &WireEntry| entry.header(session, &prev_of(entry.lane.channel, entry.kind, *prev));
        let (first, second) = (header(a), header(b));
        Self::find(session, key, (&first, a.body(), a.signature()), (&second, b.body(), b.signature()))
    }

    fn new(halves: [Half; 2]) -> Result<Self, DecodeError> {
        let [first, second] = &halves;
        let place = first.place()?;
        let other = second.place()?;
        if other != place {
            return Err(DecodeError::Value { what: "place of a proof's second entry", found: other.seq });
        }
        // One order, so that a proof has one spelling; and an entry is no proof against itself.
        if first.digest() >= second.digest() {
            return Err(DecodeError::Order { what: "entries of a proof" });
        }
        Ok(Self { place, halves })
    }

    /// Parses the 360 bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a wrong length, headers that no durable entry has, two places, or a wrong order.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let first = Half::read(&mut reader)?;
        let second = Half::read(&mut reader)?;
        reader.finish()?;
        Self::new([first, second])
    }

    /// Returns the 360 bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(PROOF_BYTES);
        for half in &self.halves {
            out.extend_from_slice(&half.header);
            out.extend_from_slice(&half.body_hash);
            out.extend_from_slice(&half.signature);
        }
        out.into()
    }

    /// Says whether the author, whose signing key is `key`, signed both entries in `session`.
    #[must_use]
    pub fn verify(&self, session: &SessionId, key: &VerifyKey) -> bool {
        self.place.session == *session && self.halves.iter().all(|half| key.verify(&half.digest(), &half.signature))
    }

    /// Returns the lane that has two histories.
    #[must_use]
    pub const fn lane(&self) -> LaneId {
        self.place.lane
    }

    /// Returns the place where they differ, or one behind it.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.place.seq
    }
}

impl Half {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { header: reader.array()?, body_hash: reader.array()?, signature: reader.array()? })
    }

    fn digest(&self) -> [u8; 32] {
        digest_of_hashed(&self.header, &self.body_hash)
    }

    /// Reads the header back. `prev` and the body's length tell nothing about the place.
    fn place(&self) -> Result<Place, DecodeError> {
        let mut reader = Reader::new(&self.header);
        let (magic, kind) = (reader.u8()?, reader.u8()?);
        let session = SessionId(reader.array()?);
        let epoch = Epoch(reader.u32()?);
        let author = AuthorId(reader.array()?);
        let seq = reader.u64()?;
        let mut reader = Reader::new(&self.header[CHANNEL_AT..]);
        let number = u64::from(reader.u16()?);
        if magic != 0xc1 {
            return Err(DecodeError::Value { what: "first byte of a header", found: magic.into() });
        }
        // A direct lane starts anew with each host, and what is not kept does no lasting harm.
        let channel = Channel::parse(number).filter(|channel| channel.class() == Class::Durable);
        let channel = channel.ok_or(DecodeError::Value { what: "channel of a proof", found: number })?;
        if !has_kind(channel, kind) {
            return Err(DecodeError::Value { what: "kind of a durable entry", found: kind.into() });
        }
        Ok(Place { session, lane: LaneId { channel, author, epoch }, seq })
    }
}
