//! Shares: what one token is good for, signed by the owner or by the holder of a wider share.
//!
//! [`SessionRoot`] | wider share -> [`ShareCert`] -> `member::Chain`
//!
//! Always: a decoded certificate is well formed and re-encodes to its bytes; whether it holds says the chain. PROTOCOL.md 4.

mod rights;

pub use rights::{Rights, ShareFlags};

use super::id::{SessionId, ShareId};
use super::key::{SessionRoot, ShareSecret};
use super::time::Wall;
use super::verify::{PublicKey, derive};
use super::wire::{DecodeError, Reader};

/// Length of a share certificate, in bytes.
pub const SHARE_CERT_BYTES: usize = 217;
/// How often a share can be passed on, at most.
pub const DEPTH_LEFT_MAX: u8 = 3;

const VERSION: u8 = 1;
const TYPE: u8 = 1;
/// Where the signature begins.
const SIGNED_BYTES: usize = 153;

/// What the issuer decides about a share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShareTerms {
    /// The most that its members may do.
    pub rights: Rights,
    /// How many more shares may follow below, 0 to [`DEPTH_LEFT_MAX`].
    pub depth_left: u8,
    /// From when on.
    pub not_before: Wall,
    /// Until when.
    pub expires: Wall,
    /// How many members at most, 0 for no bound of its own.
    pub max_members: u32,
    /// What kind of share.
    pub flags: ShareFlags,
}

/// A share certificate. Its signature is checked by `member::Chain` or by the auth log, not by decoding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShareCert {
    /// The session.
    pub session: SessionId,
    /// The share's name.
    pub share: ShareId,
    /// Public half of the share key, which signs member certificates.
    pub public: PublicKey,
    /// The most that its members may do.
    pub rights: Rights,
    /// How many more shares may follow below.
    pub depth_left: u8,
    /// From when on.
    pub not_before: Wall,
    /// Until when.
    pub expires: Wall,
    /// How many members at most, 0 for no bound of its own.
    pub max_members: u32,
    /// What kind of share.
    pub flags: ShareFlags,
    /// Hash of the wider share's certificate, zero under the root.
    pub parent: [u8; 32],
    /// Who signed: the wider share's key or the root.
    pub issuer: PublicKey,
    raw: [u8; SHARE_CERT_BYTES],
}

impl ShareCert {
    /// Issues a share as the owner; `depth_left` above [`DEPTH_LEFT_MAX`] counts as that.
    #[must_use]
    pub fn issue_root(root: &SessionRoot, secret: &ShareSecret, terms: ShareTerms) -> Self {
        Self::issue(secret, terms, [0; 32], root.public(), |digest| root.sign_digest(digest))
    }

    /// Issues a narrower share below `parent` as its holder.
    ///
    /// Terms wider than the parent's make a certificate that no chain accepts.
    #[must_use]
    pub fn issue_below(parent: &Self, holder: &ShareSecret, secret: &ShareSecret, terms: ShareTerms) -> Self {
        Self::issue(secret, terms, parent.hash(), holder.public(), |digest| holder.sign_digest(digest))
    }

    fn issue(
        secret: &ShareSecret,
        terms: ShareTerms,
        parent: [u8; 32],
        issuer: PublicKey,
        sign: impl FnOnce(&[u8; 32]) -> [u8; 64],
    ) -> Self {
        let mut cert = Self {
            session: secret.session(),
            share: secret.share_id(),
            public: secret.public(),
            rights: terms.rights,
            depth_left: terms.depth_left.min(DEPTH_LEFT_MAX),
            not_before: terms.not_before,
            expires: terms.expires,
            max_members: terms.max_members,
            flags: terms.flags,
            parent,
            issuer,
            raw: [0; SHARE_CERT_BYTES],
        };
        let signed = cert.signed();
        let signature = sign(&digest(&signed));
        cert.raw[..SIGNED_BYTES].copy_from_slice(&signed);
        cert.raw[SIGNED_BYTES..].copy_from_slice(&signature);
        cert
    }

    /// Lays out what the issuer signs.
    pub(super) fn signed(&self) -> [u8; SIGNED_BYTES] {
        let mut out = Vec::with_capacity(SIGNED_BYTES);
        out.extend_from_slice(&[VERSION, TYPE]);
        out.extend_from_slice(self.session.as_bytes());
        out.extend_from_slice(self.share.as_bytes());
        out.extend_from_slice(&self.public.0);
        out.extend_from_slice(&[self.rights.bits(), self.depth_left]);
        out.extend_from_slice(&self.not_before.0.to_le_bytes());
        out.extend_from_slice(&self.expires.0.to_le_bytes());
        out.extend_from_slice(&self.max_members.to_le_bytes());
        out.push(self.flags.bits());
        out.extend_from_slice(&self.parent);
        out.extend_from_slice(&self.issuer.0);
        std::array::from_fn(|at| out[at])
    }

    /// Parses the 217 bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for a wrong length, version, type, or a value that no share can have.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let raw: [u8; SHARE_CERT_BYTES] = reader.array()?;
        reader.finish()?;

        let mut reader = Reader::new(&raw);
        expect_byte(&mut reader, "share certificate version", VERSION)?;
        expect_byte(&mut reader, "share certificate type", TYPE)?;
        Ok(Self {
            session: SessionId(reader.array()?),
            share: ShareId(reader.array()?),
            public: PublicKey(reader.array()?),
            rights: read_rights(&mut reader)?,
            depth_left: parse_byte(&mut reader, "depth left", |depth| (depth <= DEPTH_LEFT_MAX).then_some(depth))?,
            not_before: Wall(reader.u64()?),
            expires: Wall(reader.u64()?),
            max_members: reader.u32()?,
            flags: parse_byte(&mut reader, "share flags", ShareFlags::parse)?,
            parent: reader.array()?,
            issuer: PublicKey(reader.array()?),
            raw,
        })
    }

    /// Returns the certificate as it stands on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SHARE_CERT_BYTES] {
        &self.raw
    }

    /// Returns what a narrower share names as its parent: BLAKE3 of the bytes.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.raw).as_bytes()
    }

    /// Says whether the key named as issuer signed it; nothing about whether that key was entitled to.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let (signed, signature) = split_signature(&self.raw);
        self.issuer.verify(&digest(signed), &signature)
    }
}

fn digest(signed: &[u8]) -> [u8; 32] {
    derive("share certificate", &[signed])
}

/// Splits a certificate into what was signed and the signature at its end.
pub(super) fn split_signature<const N: usize>(raw: &[u8; N]) -> (&[u8], [u8; 64]) {
    const { assert!(N > 64, "a certificate is longer than its signature") };
    let (signed, signature) = raw.split_at(N - 64);
    (signed, std::array::from_fn(|at| signature[at]))
}

/// Takes a byte that can have only one value.
pub(super) fn expect_byte(reader: &mut Reader<'_>, what: &'static str, value: u8) -> Result<(), DecodeError> {
    parse_byte(reader, what, |found| (found == value).then_some(()))
}

pub(super) fn read_rights(reader: &mut Reader<'_>) -> Result<Rights, DecodeError> {
    parse_byte(reader, "rights", Rights::parse)
}

fn parse_byte<T>(
    reader: &mut Reader<'_>,
    what: &'static str,
    parse: impl FnOnce(u8) -> Option<T>,
) -> Result<T, DecodeError> {
    let found = reader.u8()?;
    parse(found).ok_or(DecodeError::Value { what, found: u64::from(found) })
}
