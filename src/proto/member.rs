//! Members: who joined through which share, and whether that holds.
//!
//! [`MemberKeys`] + share secret -> [`MemberCert`] -> [`Chain`] --verify--> [`VerifiedMember`]
//!
//! Always: a [`VerifiedMember`] exists only for a chain that holds. PROTOCOL.md 4.

#[cfg(test)]
pub(crate) mod cast;
mod chain;
mod named;
#[cfg(test)]
mod tests;

pub use named::{decode_named, encode_named};

pub use chain::{CHAIN_SHARES_MAX, Certificate, Chain, ChainError, VerifiedMember, VerifiedShare};

use super::id::{AuthorId, SessionId, ShareId};
use super::key::{MemberKeys, ShareSecret};
use super::share::{self, Rights};
use super::time::Wall;
use super::verify::{PublicKey, derive, first16};
use super::wire::{DecodeError, Reader};

/// Length of a member certificate, in bytes.
pub const MEMBER_CERT_BYTES: usize = 196;

const VERSION: u8 = 1;
const TYPE: u8 = 2;
/// Where the signature begins.
const SIGNED_BYTES: usize = 132;

/// A member certificate. Its signature is checked by [`Chain::verify`], not by decoding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MemberCert {
    /// The session.
    pub session: SessionId,
    /// The share it came through.
    pub share: ShareId,
    /// Signs its entries.
    pub sign_public: PublicKey,
    /// Receives what is sealed to it alone.
    pub kem_public: [u8; 32],
    /// What it may do.
    pub rights: Rights,
    /// From when on.
    pub not_before: Wall,
    /// Until when.
    pub expires: Wall,
    /// Random, so that no two processes have the same author id.
    pub incarnation: [u8; 16],
    raw: [u8; MEMBER_CERT_BYTES],
}

impl MemberCert {
    /// Joins: certifies `keys` with the share's key.
    ///
    /// Rights or a window wider than the share's make a certificate that no chain accepts.
    #[must_use]
    pub fn issue(secret: &ShareSecret, keys: &MemberKeys, rights: Rights, not_before: Wall, expires: Wall) -> Self {
        let mut cert = Self {
            session: secret.session(),
            share: secret.share_id(),
            sign_public: keys.sign_public(),
            kem_public: keys.kem_public(),
            rights,
            not_before,
            expires,
            incarnation: keys.incarnation(),
            raw: [0; MEMBER_CERT_BYTES],
        };
        let signed = cert.signed();
        let signature = secret.sign_digest(&digest(&signed));
        cert.raw[..SIGNED_BYTES].copy_from_slice(&signed);
        cert.raw[SIGNED_BYTES..].copy_from_slice(&signature);
        cert
    }

    /// Lays out what the share key signs.
    fn signed(&self) -> [u8; SIGNED_BYTES] {
        let mut out = Vec::with_capacity(SIGNED_BYTES);
        out.extend_from_slice(&[VERSION, TYPE]);
        out.extend_from_slice(self.session.as_bytes());
        out.extend_from_slice(self.share.as_bytes());
        out.extend_from_slice(&self.sign_public.0);
        out.extend_from_slice(&self.kem_public);
        out.extend_from_slice(&[self.rights.bits(), 0]);
        out.extend_from_slice(&self.not_before.0.to_le_bytes());
        out.extend_from_slice(&self.expires.0.to_le_bytes());
        out.extend_from_slice(&self.incarnation);
        std::array::from_fn(|at| out[at])
    }

    /// Parses the 196 bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a wrong length, version, type, or a value that no member can have.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let raw: [u8; MEMBER_CERT_BYTES] = reader.array()?;
        reader.finish()?;

        let mut reader = Reader::new(&raw);
        share::expect_byte(&mut reader, "member certificate version", VERSION)?;
        share::expect_byte(&mut reader, "member certificate type", TYPE)?;
        let (session, share) = (SessionId(reader.array()?), ShareId(reader.array()?));
        let (sign_public, kem_public) = (PublicKey(reader.array()?), reader.array()?);
        let rights = share::read_rights(&mut reader)?;
        share::expect_byte(&mut reader, "reserved byte", 0)?;
        Ok(Self {
            session,
            share,
            sign_public,
            kem_public,
            rights,
            not_before: Wall(reader.u64()?),
            expires: Wall(reader.u64()?),
            incarnation: reader.array()?,
            raw,
        })
    }

    /// Returns the certificate as it stands on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; MEMBER_CERT_BYTES] {
        &self.raw
    }

    /// Returns the member's name in lanes and documents: BLAKE3 of the bytes, cut to 16.
    #[must_use]
    pub fn author(&self) -> AuthorId {
        AuthorId(first16(blake3::hash(&self.raw).as_bytes()))
    }

    /// Returns what the member signs in AUTH on the channel with this `binding`. PROTOCOL.md 10.
    #[must_use]
    pub fn auth_digest(&self, binding: &[u8; 32]) -> [u8; 32] {
        derive("auth", &[binding, self.session.as_bytes(), &self.raw])
    }

    /// Says whether the share key `by` signed it.
    fn is_signed(&self, by: &PublicKey) -> bool {
        let (signed, signature) = share::split_signature(&self.raw);
        by.verify(&digest(signed), &signature)
    }
}

fn digest(signed: &[u8]) -> [u8; 32] {
    derive("member certificate", &[signed])
}
