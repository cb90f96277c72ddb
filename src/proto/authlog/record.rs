//! One record of the auth log, and the signed envelope around it. PROTOCOL.md 5.

use super::LogError;
use crate::proto::id::{Epoch, SessionId, ShareId};
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
    /// The share admits nobody any more; its members are cut off.
    Close(ShareId),
    /// The session is over.
    End,
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
            5 => Self::Close(ShareId(reader.array()?)),
            6 => Self::End,
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
            Self::Close(share) => (5, share.0.to_vec()),
            Self::End => (6, Vec::new()),
            Self::Unknown { kind } => return Err(LogError::Unwritable { kind: *kind }),
        })
    }
}

/// A record's bytes, taken apart.
pub(super) struct Envelope<'a> {
    pub(super) kind: u8,
    pub(super) session: SessionId,
    pub(super) seq: u64,
    pub(super) prev: [u8; 32],
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
        let _informative = Wall(reader.u64()?);
        let body_bytes = reader.u16()?;
        let body = reader.bytes(usize::from(body_bytes))?;
        let signed = &raw[..raw.len() - reader.remaining()];
        let signature = reader.array()?;
        reader.finish()?;
        Ok(Self { kind, session, seq, prev, body, digest: digest(signed), signature })
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
        let mut out = Vec::with_capacity(68 + body.len() + SIGNATURE_BYTES);
        out.extend_from_slice(&[VERSION, kind]);
        out.extend_from_slice(session.as_bytes());
        out.extend_from_slice(&seq.to_le_bytes());
        out.extend_from_slice(prev);
        out.extend_from_slice(&now.0.to_le_bytes());
        out.extend_from_slice(&(body.len() as u16).to_le_bytes());
        out.extend_from_slice(&body);
        let signature = root.sign_digest(&digest(&out));
        out.extend_from_slice(&signature);
        Ok(out.into())
    }
}

fn digest(signed: &[u8]) -> [u8; 32] {
    derive("auth log", &[signed])
}
