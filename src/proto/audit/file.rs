//! The layout of an audit file: written here, and taken apart without a judgement. PROTOCOL.md 19.

use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId};
use crate::proto::key::{MemberKeys, Secret32};
use crate::proto::member::Chain;
use crate::proto::time::Wall;
use crate::proto::verify::derive;
use crate::proto::wire::{DecodeError, Reader, WireEntry, varint};
use bytes::Bytes;

const MAGIC: &[u8; 8] = b"CAHOOTSA";
const VERSION: u8 = 1;
const SIGNATURE_BYTES: usize = 64;

/// One lane as it goes into a file.
pub(crate) struct LaneOf<'a> {
    pub(crate) lane: LaneId,
    /// What opens its entries, if the writer can.
    pub(crate) key: Option<Secret32>,
    /// From the first one on.
    pub(crate) entries: Vec<&'a WireEntry>,
}

/// What a file is made of.
pub(crate) struct Writer<'a> {
    pub(crate) session: SessionId,
    pub(crate) made: Wall,
    pub(crate) log: &'a [Bytes],
    /// By author id, ascending.
    pub(crate) members: Vec<&'a Chain>,
    pub(crate) journal: &'a [Bytes],
    /// By lane, ascending.
    pub(crate) lanes: Vec<LaneOf<'a>>,
}

impl Writer<'_> {
    /// Writes the file, signed by `writer`.
    pub(crate) fn write(&self, writer: AuthorId, keys: &MemberKeys) -> Vec<u8> {
        let mut out = [MAGIC, &[VERSION][..], self.session.as_bytes(), &self.made.0.to_le_bytes()].concat();
        put_all(&mut out, self.log.iter());
        put_all(&mut out, self.members.iter().map(|chain| chain.encode()));
        put_all(&mut out, self.journal.iter());
        varint::put(&mut out, self.lanes.len() as u64);
        for LaneOf { lane, key, entries } in &self.lanes {
            varint::put(&mut out, lane.channel.number().into());
            out.extend_from_slice(lane.author.as_bytes());
            varint::put(&mut out, lane.epoch.0.into());
            out.push(key.is_some().into());
            out.extend(key.iter().flat_map(Secret32::expose));
            put_all(&mut out, entries.iter().map(|entry| entry.as_bytes()));
        }
        out.extend_from_slice(writer.as_bytes());
        let signature = keys.sign(&digest(&out));
        out.extend_from_slice(&signature);
        out
    }
}

fn put_all(out: &mut Vec<u8>, items: impl ExactSizeIterator<Item = impl AsRef<[u8]>>) {
    varint::put(out, items.len() as u64);
    for item in items {
        varint::put(out, item.as_ref().len() as u64);
        out.extend_from_slice(item.as_ref());
    }
}

fn digest(signed: &[u8]) -> [u8; 32] {
    derive("audit file", &[blake3::hash(signed).as_bytes()])
}

/// A file taken apart; nothing in it is checked.
pub(super) struct Parts<'a> {
    pub(super) session: SessionId,
    pub(super) made: Wall,
    pub(super) log: Vec<&'a [u8]>,
    pub(super) members: Vec<&'a [u8]>,
    pub(super) journal: Vec<&'a [u8]>,
    pub(super) lanes: Vec<SealedLane<'a>>,
    pub(super) writer: AuthorId,
    /// What the writer signed.
    pub(super) digest: [u8; 32],
    pub(super) signature: [u8; SIGNATURE_BYTES],
}

impl<'a> Parts<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(DecodeError::Value { what: "first byte of an audit file", found: bytes[0].into() });
        }
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Value { what: "audit file version", found: version.into() });
        }
        let (session, made) = (SessionId(reader.array()?), Wall(reader.u64()?));
        let (log, members, journal) = (take_all(&mut reader)?, take_all(&mut reader)?, take_all(&mut reader)?);
        let lanes = take_counted(&mut reader, take_lane)?;
        let writer = AuthorId(reader.array()?);
        let signed = bytes.get(..bytes.len() - reader.remaining()).unwrap_or_default();
        let signature = reader.array()?;
        reader.finish()?;
        Ok(Self { session, made, log, members, journal, lanes, writer, digest: digest(signed), signature })
    }
}

/// One lane of a file.
pub(super) struct SealedLane<'a> {
    pub(super) lane: LaneId,
    pub(super) key: Option<Secret32>,
    pub(super) entries: Vec<&'a [u8]>,
}

fn take_lane<'a>(reader: &mut Reader<'a>) -> Result<SealedLane<'a>, DecodeError> {
    let found = reader.varint()?;
    let channel = Channel::parse(found).filter(|channel| Channel::RECONCILED.contains(channel));
    let channel = channel.ok_or(DecodeError::Value { what: "channel of a lane", found })?;
    let (author, epoch) = (AuthorId(reader.array()?), Epoch(reader.varint_u32("epoch")?));
    let key = match reader.u8()? {
        0 => None,
        1 => Some(Secret32::from_bytes(reader.array()?)),
        found => return Err(DecodeError::Value { what: "keys of a lane", found: found.into() }),
    };
    let entries = take_all(reader)?;
    if entries.is_empty() {
        return Err(DecodeError::Value { what: "entries of a lane", found: 0 });
    }
    Ok(SealedLane { lane: LaneId { channel, author, epoch }, key, entries })
}

fn take_all<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, DecodeError> {
    take_counted(reader, |reader| {
        let bytes = reader.varint()?;
        // More than fits into memory is more than is there.
        reader.bytes(usize::try_from(bytes).unwrap_or(usize::MAX))
    })
}

/// Takes as many items as are announced; memory grows with what is there, not with what is announced.
fn take_counted<'a, T>(
    reader: &mut Reader<'a>,
    take: impl Fn(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let count = reader.varint()?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(take(reader)?);
    }
    Ok(items)
}
