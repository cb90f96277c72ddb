//! One record of the auth log, and the signed envelope around it. PROTOCOL.md 5.

use super::LogError;
use super::lanes::{Checkpoint, Cut, Roll};
use crate::proto::id::{AuthorId, Epoch, SessionId, ShareId};
use crate::proto::key::SessionRoot;
use crate::proto::member::MemberCert;
use crate::proto::share::{ShareCert, expect_byte};
use crate::proto::time::Wall;
use crate::proto::verify::{PublicKey, derive};
use crate::proto::wire::{DecodeError, Reader};
use bytes::Bytes;

const VERSION: u8 = 1;
const SIGNATURE_BYTES: usize = 64;

/// What the owner decided.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Record {
    /// The session begins; this key signs all that follows.
    Genesis {
        /// The owner's key.
        root: PublicKey,
    },
    /// A share is open.
    Share(ShareCert),
    /// A content secret is in use from now on.
    Epoch {
        /// Its number.
        epoch: Epoch,
        /// The commitment to the secret.
        commit: [u8; 32],
    },
    /// This member publishes the terminals.
    Host(MemberCert),
    /// The share admits nobody any more; its members are cut off, but for some.
    Close {
        /// The share, which may be one that was passed on below another.
        share: ShareId,
        /// Who stays, in ascending order.
        stay: Vec<AuthorId>,
    },
    /// The session is over.
    End,
    /// These lanes end, in ascending order of lanes, at most [`CUTS_PER_RECORD_MAX`] of them.
    ///
    /// [`CUTS_PER_RECORD_MAX`]: crate::proto::limits::CUTS_PER_RECORD_MAX
    Cut(Vec<Cut>),
    /// The host vouches for a document as the cuts leave it.
    Checkpoint(Checkpoint),
    /// This member is let in, as shares want it whose members are let in one by one.
    Admit(AuthorId),
    /// With the epoch that begins next a document begins anew.
    Roll(Roll),
    /// Something that a later version knows; kept, forwarded and ignored.
    Unknown {
        /// Its type.
        kind: u8,
    },
}

impl Record {
    pub(super) fn decode(kind: u8, body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let record = match kind {
            1 => Self::Genesis { root: PublicKey(reader.array()?) },
            2 => Self::Share(ShareCert::decode(reader.rest())?),
            3 => Self::Epoch { epoch: Epoch(reader.u32()?), commit: reader.array()? },
            4 => Self::Host(MemberCert::decode(reader.rest())?),
            5 => Self::Close { share: ShareId(reader.array()?), stay: read_authors(&mut reader)? },
            6 => Self::End,
            7 => Self::Cut(Cut::read_all(&mut reader)?),
            8 => Self::Checkpoint(Checkpoint::read(&mut reader)?),
            9 => Self::Admit(AuthorId(reader.array()?)),
            10 => Self::Roll(Roll::read(&mut reader)?),
            kind => {
                reader.rest();
                Self::Unknown { kind }
            }
        };
        reader.finish()?;
        Ok(record)
    }

    fn encode(&self) -> Result<(u8, Vec<u8>), LogError> {
        Ok(match self {
            Self::Genesis { root } => (1, root.0.to_vec()),
            Self::Share(cert) => (2, cert.as_bytes().to_vec()),
            Self::Epoch { epoch, commit } => (3, [&epoch.0.to_le_bytes()[..], commit].concat()),
            Self::Host(cert) => (4, cert.as_bytes().to_vec()),
            Self::Close { share, stay } => {
                let authors = stay.iter().map(AuthorId::as_bytes);
                (5, [share.as_bytes()].into_iter().chain(authors).flatten().copied().collect())
            }
            Self::End => (6, Vec::new()),
            Self::Cut(cuts) => {
                let mut body = Vec::new();
                cuts.iter().for_each(|cut| cut.put(&mut body));
                (7, body)
            }
            Self::Checkpoint(checkpoint) => (8, checkpoint.encode()),
            Self::Admit(author) => (9, author.0.to_vec()),
            Self::Roll(roll) => (10, roll.encode()),
            Self::Unknown { kind } => return Err(LogError::Unwritable { kind: *kind }),
        })
    }
}

fn read_authors(reader: &mut Reader<'_>) -> Result<Vec<AuthorId>, DecodeError> {
    let mut authors = Vec::with_capacity(reader.remaining() / 16);
    while reader.remaining() > 0 {
        authors.push(AuthorId(reader.array()?));
    }
    if authors.is_sorted_by(|one, next| one < next) { Ok(authors) } else { Err(DecodeError::Order { what: "authors" }) }
}

/// A record's bytes, taken apart.
pub(super) struct Envelope<'a> {
    pub(super) kind: u8,
    pub(super) session: SessionId,
    pub(super) seq: u64,
    pub(super) prev: [u8; 32],
    pub(super) time: Wall,
    pub(super) body: &'a [u8],
    pub(super) digest: [u8; 32],
    pub(super) signature: [u8; SIGNATURE_BYTES],
}

impl<'a> Envelope<'a> {
    pub(super) fn decode(raw: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(raw);
        expect_byte(&mut reader, "auth log version", VERSION)?;
        let kind = reader.u8()?;
        let session = SessionId(reader.array()?);
        let (seq, prev) = (reader.u64()?, reader.array()?);
        let time = Wall(reader.u64()?);
        let body_bytes = reader.u16()?;
        let body = reader.bytes(usize::from(body_bytes))?;
        let signed = &raw[..raw.len() - reader.remaining()];
        let signature = reader.array()?;
        reader.finish()?;
        Ok(Self { kind, session, seq, prev, time, body, digest: digest(signed), signature })
    }

    pub(super) fn sign(
        root: &SessionRoot,
        session: &SessionId,
        seq: u64,
        prev: &[u8; 32],
        now: Wall,
        record: &Record,
    ) -> Result<Bytes, LogError> {
        let (kind, body) = record.encode()?;
        let too_long =
            DecodeError::TooLong { what: "record body", bytes: body.len(), bytes_max: usize::from(u16::MAX) };
        let body_bytes = u16::try_from(body.len()).map_err(|_| too_long)?;
        let mut out = Vec::with_capacity(68 + body.len() + SIGNATURE_BYTES);
        out.extend_from_slice(&[VERSION, kind]);
        out.extend_from_slice(session.as_bytes());
        out.extend_from_slice(&seq.to_le_bytes());
        out.extend_from_slice(prev);
        out.extend_from_slice(&now.0.to_le_bytes());
        out.extend_from_slice(&body_bytes.to_le_bytes());
        out.extend_from_slice(&body);
        let signature = root.sign_digest(&digest(&out));
        out.extend_from_slice(&signature);
        Ok(out.into())
    }
}

fn digest(signed: &[u8]) -> [u8; 32] {
    derive("auth log", &[signed])
}
