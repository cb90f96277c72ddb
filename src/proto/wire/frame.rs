//! The frames of PROTOCOL.md 9.

use super::close::CloseCode;
use super::passed_on::PassedOn;
use super::reader::{DecodeError, Reader};
use super::{VERSION, varint};
use crate::proto::id::{AuthorId, Channel, Class, Epoch, LaneId, SessionId, ShareId};
use crate::proto::lane::proof::PROOF_BYTES;
use bytes::Bytes;
use std::borrow::Cow;

/// Names the field that tells which version the other side speaks.
pub(super) const VERSION_FIELD: &str = "version";

/// What a dialer says first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hello {
    /// Fresh random bytes for the binding.
    pub nonce: [u8; 32],
    /// The session it wants.
    pub session: SessionId,
    /// The share it comes by.
    pub share: ShareId,
}

/// How a session and a share stand with an acceptor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Both are known.
    Known,
    /// The session is not known here.
    SessionUnknown,
    /// The session is known, the share is not.
    ShareUnknown,
    /// The owner closed the share.
    ShareClosed,
    /// The session is over.
    Ended,
    /// The acceptor takes nobody now.
    Busy,
}

impl Standing {
    const ALL: [Self; 6] =
        [Self::Known, Self::SessionUnknown, Self::ShareUnknown, Self::ShareClosed, Self::Ended, Self::Busy];
}

/// What an acceptor answers to [`Hello`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Welcome {
    /// Fresh random bytes for the binding.
    pub nonce: [u8; 32],
    /// How session and share stand.
    pub standing: Standing,
    /// How many `Log` frames follow.
    pub records: u64,
    /// How many `Share` frames follow these: one if the share was passed on, else none.
    pub shares: u64,
    /// How many `Wrap` frames follow these.
    pub wraps: u64,
}

/// Proof of possession.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Auth {
    /// The chain, encoded as in a `Member` frame.
    pub chain: Bytes,
    /// Signature by the member over the binding.
    pub signature: [u8; 64],
}

/// The acceptor lets a member in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ready {
    /// Next auth log seq that the acceptor needs.
    pub log_next: u64,
}

/// One lane of a version vector.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LaneNext {
    /// Who writes.
    pub author: AuthorId,
    /// The period.
    pub epoch: Epoch,
    /// The seq needed next.
    pub next: u64,
}

/// A version vector, or a part of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Have {
    /// The durable channel.
    pub channel: Channel,
    /// Whether no more parts follow for this channel.
    pub last: bool,
    /// Lanes not named are needed from 0.
    pub lanes: Vec<LaneNext>,
}

/// Lanes in one HAVE frame: 32 bytes each at most, so that it stays below the bound of a frame.
const LANES_PER_HAVE: usize = 2_000;

impl Have {
    /// Cuts a version vector into parts that fit a frame; one that names no lane is a part, too.
    #[must_use]
    pub fn parts(channel: Channel, lanes: &[LaneNext]) -> Vec<Self> {
        let mut parts: Vec<_> =
            lanes.chunks(LANES_PER_HAVE).map(|lanes| Self { channel, last: false, lanes: lanes.to_vec() }).collect();
        match parts.last_mut() {
            Some(part) => part.last = true,
            None => parts.push(Self { channel, last: true, lanes: Vec::new() }),
        }
        parts
    }
}

/// Everything of a lane below `next` is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ack {
    /// The lane.
    pub lane: LaneId,
    /// The first seq that is not stored.
    pub next: u64,
}

/// Whether a member is connected, as the acceptor sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whereabouts {
    /// It has a connection.
    Here,
    /// It has none.
    Gone,
}

/// One message between two endpoints.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Frame {
    /// Type 1.
    Hello(Hello),
    /// Type 2.
    Welcome(Welcome),
    /// Type 3.
    Auth(Auth),
    /// Type 4.
    Ready(Ready),
    /// Type 5.
    Close(CloseCode),
    /// Type 6.
    Ping([u8; 8]),
    /// Type 7.
    Pong([u8; 8]),
    /// Type 8: one auth log record.
    Log(Bytes),
    /// Type 9: one wrap.
    Wrap(Bytes),
    /// Type 10: one chain.
    Member(Bytes),
    /// Type 11.
    Have(Have),
    /// Type 12: one entry in wire form.
    Entry(Bytes),
    /// Type 13.
    Ack(Ack),
    /// Type 14.
    Watch(Channel),
    /// Type 15.
    Unwatch(Channel),
    /// Type 16.
    WantKeyframe(Channel),
    /// Type 17.
    Peer(AuthorId, Whereabouts),
    /// Type 18.
    Share(PassedOn),
    /// Type 19: one proof.
    Proof(Bytes),
    /// A type of a later version: to be skipped.
    Unknown {
        /// Its type.
        kind: u64,
    },
}

impl Frame {
    /// Returns type, length and body.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let (kind, body) = self.body();
        let length = body.len() as u64;
        let mut out = Vec::with_capacity(varint::len(kind) + varint::len(length) + body.len());
        varint::put(&mut out, kind);
        varint::put(&mut out, length);
        out.extend_from_slice(&body);
        out.into()
    }

    /// Returns the type and the body, which for entries, most bytes of a session, is not copied.
    fn body(&self) -> (u64, Cow<'_, [u8]>) {
        let mut fields = Vec::new();
        let out = &mut fields;
        let kind = match self {
            Self::Hello(hello) => {
                put(out, 1, &[&[VERSION], &hello.nonce, hello.session.as_bytes(), hello.share.as_bytes()])
            }
            Self::Welcome(welcome) => {
                put(out, 2, &[&[VERSION], &welcome.nonce, &[welcome.standing as u8]]);
                varint::put(out, welcome.records);
                varint::put(out, welcome.shares);
                put_varint(out, 2, welcome.wraps)
            }
            Self::Auth(auth) => put(out, 3, &[&auth.chain, &auth.signature]),
            Self::Ready(ready) => {
                out.push(VERSION);
                put_varint(out, 4, ready.log_next)
            }
            Self::Close(code) => put_varint(out, 5, code.number()),
            Self::Ping(echo) => put(out, 6, &[echo]),
            Self::Pong(echo) => put(out, 7, &[echo]),
            Self::Log(raw) => return (8, Cow::Borrowed(raw)),
            Self::Wrap(raw) => return (9, Cow::Borrowed(raw)),
            Self::Member(raw) => return (10, Cow::Borrowed(raw)),
            Self::Have(have) => {
                put_channel(out, 11, have.channel);
                out.push(u8::from(have.last));
                have.lanes.iter().for_each(|lane| put_next(out, &lane.author, lane.epoch, lane.next));
                11
            }
            Self::Entry(raw) => return (12, Cow::Borrowed(raw)),
            Self::Ack(Ack { lane, next }) => {
                put_channel(out, 13, lane.channel);
                put_next(out, &lane.author, lane.epoch, *next);
                13
            }
            Self::Watch(channel) => put_channel(out, 14, *channel),
            Self::Unwatch(channel) => put_channel(out, 15, *channel),
            Self::WantKeyframe(channel) => put_channel(out, 16, *channel),
            Self::Peer(author, whereabouts) => {
                put(out, 17, &[author.as_bytes(), &[u8::from(*whereabouts == Whereabouts::Here)]])
            }
            Self::Share(passed_on) => {
                passed_on.put(out);
                18
            }
            Self::Proof(raw) => return (19, Cow::Borrowed(raw)),
            Self::Unknown { kind } => *kind,
        };
        (kind, Cow::Owned(fields))
    }

    /// Parses a body of the given type.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the body is not what PROTOCOL.md 9 says. An unknown type is not an error.
    pub fn decode(kind: u64, body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(&body);
        let frame = match kind {
            1 => {
                version(&mut reader)?;
                Self::Hello(Hello {
                    nonce: reader.array()?,
                    session: SessionId(reader.array()?),
                    share: ShareId(reader.array()?),
                })
            }
            2 => {
                version(&mut reader)?;
                Self::Welcome(Welcome {
                    nonce: reader.array()?,
                    standing: standing(&mut reader)?,
                    records: reader.varint()?,
                    shares: one_at_most(&mut reader, "number of shares")?,
                    wraps: one_at_most(&mut reader, "number of wraps")?,
                })
            }
            3 => {
                let chain_bytes = body.len().checked_sub(64).ok_or(DecodeError::Truncated { missing: 64 })?;
                reader.bytes(chain_bytes)?;
                Self::Auth(Auth { chain: body.slice(..chain_bytes), signature: reader.array()? })
            }
            4 => {
                version(&mut reader)?;
                Self::Ready(Ready { log_next: reader.varint()? })
            }
            5 => Self::Close(CloseCode::parse(reader.varint()?)),
            6 => Self::Ping(reader.array()?),
            7 => Self::Pong(reader.array()?),
            8 => return Ok(Self::Log(body)),
            9 => return Ok(Self::Wrap(body)),
            10 => return Ok(Self::Member(body)),
            11 => Self::Have(have(&mut reader)?),
            12 => return Ok(Self::Entry(body)),
            13 => {
                let channel = channel(&mut reader)?;
                let author = AuthorId(reader.array()?);
                let epoch = Epoch(reader.varint_u32("epoch")?);
                Self::Ack(Ack { lane: LaneId { channel, author, epoch }, next: reader.varint()? })
            }
            14 => Self::Watch(watched(&mut reader)?),
            15 => Self::Unwatch(watched(&mut reader)?),
            16 => Self::WantKeyframe(channel_of(Class::Live, &mut reader)?),
            17 => {
                let author = AuthorId(reader.array()?);
                let whereabouts = if flag(&mut reader)? { Whereabouts::Here } else { Whereabouts::Gone };
                Self::Peer(author, whereabouts)
            }
            18 => Self::Share(PassedOn::read(&body, &mut reader)?),
            19 => {
                reader.bytes(PROOF_BYTES)?;
                reader.finish()?;
                return Ok(Self::Proof(body));
            }
            kind => return Ok(Self::Unknown { kind }),
        };
        reader.finish()?;
        Ok(frame)
    }
}

/// Appends the parts of a body of this type, and returns the type.
fn put(out: &mut Vec<u8>, kind: u64, parts: &[&[u8]]) -> u64 {
    parts.iter().for_each(|part| out.extend_from_slice(part));
    kind
}

fn put_varint(out: &mut Vec<u8>, kind: u64, value: u64) -> u64 {
    varint::put(out, value);
    kind
}

fn put_channel(out: &mut Vec<u8>, kind: u64, channel: Channel) -> u64 {
    put_varint(out, kind, channel.number().into())
}

/// Appends how far one lane has come, as HAVE and ACK say it.
fn put_next(out: &mut Vec<u8>, author: &AuthorId, epoch: Epoch, next: u64) {
    out.extend_from_slice(author.as_bytes());
    varint::put(out, epoch.0.into());
    varint::put(out, next);
}

fn version(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    match reader.u8()? {
        VERSION => Ok(()),
        found => Err(DecodeError::Value { what: VERSION_FIELD, found: found.into() }),
    }
}

fn standing(reader: &mut Reader<'_>) -> Result<Standing, DecodeError> {
    let found = reader.u8()?;
    let known = Standing::ALL.get(usize::from(found)).copied();
    known.ok_or(DecodeError::Value { what: "standing", found: found.into() })
}

fn channel(reader: &mut Reader<'_>) -> Result<Channel, DecodeError> {
    let found = reader.varint()?;
    Channel::parse(found).ok_or(DecodeError::Value { what: "channel", found })
}

fn channel_of(class: Class, reader: &mut Reader<'_>) -> Result<Channel, DecodeError> {
    channel_if(reader, |channel| channel.class() == class)
}

/// Reads a channel that is sent on request alone: a terminal, or the checkpoints of a document.
fn watched(reader: &mut Reader<'_>) -> Result<Channel, DecodeError> {
    channel_if(reader, |channel| channel.class() == Class::Live || channel.is_checkpoint())
}

fn channel_if(reader: &mut Reader<'_>, fits: impl FnOnce(Channel) -> bool) -> Result<Channel, DecodeError> {
    let channel = channel(reader)?;
    if fits(channel) {
        Ok(channel)
    } else {
        Err(DecodeError::Value { what: "channel of this frame", found: channel.number().into() })
    }
}

fn one_at_most(reader: &mut Reader<'_>, what: &'static str) -> Result<u64, DecodeError> {
    match reader.varint()? {
        count @ 0..=1 => Ok(count),
        found => Err(DecodeError::Value { what, found }),
    }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(DecodeError::Value { what: "flag", found: found.into() }),
    }
}

fn have(reader: &mut Reader<'_>) -> Result<Have, DecodeError> {
    let channel = channel_of(Class::Durable, reader)?;
    let last = flag(reader)?;
    let mut lanes = Vec::new();
    while reader.remaining() > 0 {
        lanes.push(LaneNext {
            author: AuthorId(reader.array()?),
            epoch: Epoch(reader.varint_u32("epoch")?),
            next: reader.varint()?,
        });
    }
    Ok(Have { channel, last, lanes })
}
