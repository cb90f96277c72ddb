//! An entry as it travels, and the header that its author signed. PROTOCOL.md 7.

use super::reader::{DecodeError, Reader};
use super::varint;
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId};
use crate::proto::limits::FRAME_BODY_BYTES_MAX;
use bytes::Bytes;

const SIGNATURE_BYTES: usize = 64;
/// The shortest body: nothing but an AEAD tag.
const BODY_BYTES_MIN: usize = 16;

/// One entry in wire form. Its outside is parsed; its body is still sealed, its signature unchecked.
///
/// Cloning shares the bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WireEntry {
    /// What it is within its channel.
    pub kind: u8,
    /// Which lane it continues.
    pub lane: LaneId,
    /// Its place in the lane.
    pub seq: u64,
    raw: Bytes,
    body_start: usize,
}

impl WireEntry {
    /// Parses the wire form.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a channel that version 1 does not have, or bytes that end early.
    pub fn decode(raw: Bytes) -> Result<Self, DecodeError> {
        if raw.len() > FRAME_BODY_BYTES_MAX {
            return Err(DecodeError::TooLong { what: "entry", bytes: raw.len(), bytes_max: FRAME_BODY_BYTES_MAX });
        }
        let mut reader = Reader::new(&raw);
        let kind = reader.u8()?;
        let found = reader.varint()?;
        let channel = Channel::parse(found).ok_or(DecodeError::Value { what: "channel", found })?;
        let epoch = Epoch(reader.varint_u32("epoch")?);
        let author = AuthorId(reader.array()?);
        let seq = reader.varint()?;
        let body_start = raw.len() - reader.remaining();
        let missing = (BODY_BYTES_MIN + SIGNATURE_BYTES).saturating_sub(reader.remaining());
        if missing > 0 {
            return Err(DecodeError::Truncated { missing });
        }
        Ok(Self { kind, lane: LaneId { channel, author, epoch }, seq, raw, body_start })
    }

    /// Puts an entry together; `body` holds prefix, ciphertext and tag.
    #[must_use]
    pub fn encode(kind: u8, lane: LaneId, seq: u64, body: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> Self {
        let mut raw = Vec::with_capacity(32 + body.len() + SIGNATURE_BYTES);
        raw.push(kind);
        varint::put(&mut raw, u64::from(lane.channel.number()));
        varint::put(&mut raw, u64::from(lane.epoch.0));
        raw.extend_from_slice(lane.author.as_bytes());
        varint::put(&mut raw, seq);
        let body_start = raw.len();
        raw.extend_from_slice(body);
        raw.extend_from_slice(signature);
        Self { kind, lane, seq, raw: raw.into(), body_start }
    }

    /// Returns the same entry in memory of its own.
    ///
    /// A decoded entry is a slice of what was read from the link with it: whoever keeps it keeps up to 64 KiB.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self { raw: Bytes::copy_from_slice(&self.raw), ..self.clone() }
    }

    /// Returns the wire form.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.raw
    }

    /// Returns prefix, ciphertext and tag.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.raw.get(self.body_start..self.raw.len().saturating_sub(SIGNATURE_BYTES)).unwrap_or_default()
    }

    /// Returns the author's signature over the digest.
    #[must_use]
    pub fn signature(&self) -> &[u8; SIGNATURE_BYTES] {
        const NONE: &[u8; SIGNATURE_BYTES] = &[0; SIGNATURE_BYTES];
        self.raw.last_chunk().unwrap_or(NONE)
    }

    /// Rebuilds the 84 bytes that the author sealed and signed, given what the wire leaves out.
    #[must_use]
    pub fn header(&self, session: &SessionId, prev: &[u8; 32]) -> [u8; 84] {
        header(session, self.kind, &self.lane, self.seq, prev, self.body().len())
    }
}

/// Lays out the header of PROTOCOL.md 7: the associated data of a body of `body_bytes` bytes.
#[must_use]
pub fn header(session: &SessionId, kind: u8, lane: &LaneId, seq: u64, prev: &[u8; 32], body_bytes: usize) -> [u8; 84] {
    let mut out = [0; 84];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&[0xc1, kind]);
    put(session.as_bytes());
    put(&lane.epoch.0.to_le_bytes());
    put(lane.author.as_bytes());
    put(&seq.to_le_bytes());
    put(prev);
    put(&lane.channel.number().to_le_bytes());
    put(&(body_bytes as u32).to_le_bytes());
    out
}
