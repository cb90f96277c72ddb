//! What proves that a member typed something, without what it typed.

use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId};
use crate::proto::lane::verify::digest_of_hashed;
use crate::proto::verify::VerifyKey;
use crate::proto::wire::{DecodeError, Reader, WireEntry, header};

/// Kind of an entry that types. PROTOCOL.md 15.
const INPUT_KIND: u8 = 3;
/// Where the length of the body stands in a header.
const BODY_BYTES_AT: usize = 80;

/// Header, hash of the body and signature of an entry that typed: its author cannot deny it, and nobody else can make
/// one. Half of a proof as in PROTOCOL.md 7, of the direct channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Receipt {
    header: [u8; 84],
    body_hash: [u8; 32],
    signature: [u8; 64],
    author: AuthorId,
    seq: u64,
}

impl Receipt {
    /// Keeps what proves an entry of channel 4 of `session`, whose signature was checked.
    pub(crate) fn of(session: &SessionId, entry: &WireEntry) -> Self {
        Self {
            header: entry.header(session, &[0; 32]),
            body_hash: *blake3::hash(entry.body()).as_bytes(),
            signature: *entry.signature(),
            author: entry.lane.author,
            seq: entry.seq,
        }
    }

    /// Returns whose entry it was.
    pub(crate) const fn author(&self) -> AuthorId {
        self.author
    }

    /// Returns its place among all that the author sent to the host.
    pub(crate) const fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header);
        out.extend_from_slice(&self.body_hash);
        out.extend_from_slice(&self.signature);
    }

    /// Reads the 180 bytes; the header must be that of an entry of `session` that types.
    pub(crate) fn read(reader: &mut Reader<'_>, session: &SessionId) -> Result<Self, DecodeError> {
        let (head, body_hash, signature) = (reader.array::<84>()?, reader.array()?, reader.array()?);
        let mut fields = Reader::new(&head);
        fields.bytes(2 + 16 + 4)?;
        let author = AuthorId(fields.array()?);
        let seq = fields.u64()?;
        let mut fields = Reader::new(&head[BODY_BYTES_AT..]);
        let body_bytes = fields.u32()? as usize;
        let lane = LaneId { channel: Channel::TO_HOST, author, epoch: Epoch(0) };
        if header(session, INPUT_KIND, &lane, seq, &[0; 32], body_bytes) != head {
            return Err(DecodeError::Value { what: "header of an entry that types", found: head[1].into() });
        }
        Ok(Self { header: head, body_hash, signature, author, seq })
    }

    /// Says whether the author, whose signing key is `key`, signed the entry.
    pub(crate) fn verify(&self, key: &VerifyKey) -> bool {
        key.verify(&digest_of_hashed(&self.header, &self.body_hash), &self.signature)
    }

    #[cfg(test)]
    pub(crate) const fn blank() -> Self {
        Self { header: [0; 84], body_hash: [0; 32], signature: [0; 64], author: AuthorId([0; 16]), seq: 0 }
    }
}
