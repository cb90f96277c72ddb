//! Secrets: the session root, shares and members; what is derived from them and signed with them.
//!
//! seeds (arguments) -> [`SessionRoot`] | [`ShareSecret`] | [`MemberKeys`] -> public keys, ids, signatures
//!
//! Always: a secret is wiped when dropped and never shows in `Debug`. PROTOCOL.md 2.

mod passphrase;
#[cfg(test)]
mod tests;

pub use super::verify::{KeyError, PublicKey, VerifyKey, derive};
pub use passphrase::PassphraseHash;

use super::id::{SessionId, ShareId};
use super::share::ShareFlags;
use super::verify::{first16, hasher};
use ed25519_dalek::{Signer, SigningKey};
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, Serializable};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret32([u8; 32]);

impl Secret32 {
    /// Takes the bytes over; the caller's own copy is the caller's to wipe.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Derives a secret from others, as [`derive()`] does, and leaves nothing of them behind.
    #[must_use]
    pub fn derive(label: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = hasher(label, parts);
        let mut hash = hasher.finalize();
        let secret = Self(*hash.as_bytes());
        hasher.zeroize();
        hash.zeroize();
        secret
    }

    /// Returns the bytes; each use deserves a second look.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret32(…)")
    }
}

/// The owner's key of one session: signs the auth log and the first certificate of every chain.
#[derive(Clone)]
pub struct SessionRoot(SigningKey);

impl SessionRoot {
    /// Makes the key of a random seed.
    #[must_use]
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        let root = Self(SigningKey::from_bytes(&seed));
        seed.zeroize();
        root
    }

    /// Returns the public half, which the session id commits to.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Returns the id of the session.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        self.public().session_id()
    }

    pub(crate) fn sign_digest(&self, digest: &[u8; 32]) -> [u8; 64] {
        self.0.sign(digest).to_bytes()
    }
}

impl fmt::Debug for SessionRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionRoot({:?})", self.session_id())
    }
}

/// What a token's holder has: the key that admits members and the one that opens epochs.
#[derive(Clone)]
pub struct ShareSecret {
    session: SessionId,
    share: ShareId,
    sign: SigningKey,
    kek: Secret32,
}

impl ShareSecret {
    /// Derives the share's keys from the payload of a token and, if it has [`ShareFlags::PASSPHRASE`], the hash made
    /// for it. Of `flags` those count that a token has.
    ///
    /// A flag without a hash, or a hash without the flag, gives a share that nobody else arrives at.
    #[must_use]
    pub fn new(
        session: &SessionId,
        mut seed: [u8; 16],
        flags: ShareFlags,
        passphrase: Option<&PassphraseHash>,
    ) -> Self {
        let flags = [flags.for_token().bits()];
        let passphrase = passphrase.map_or(&[][..], |hash| hash.expose());
        let root = Secret32::derive("share root", &[&seed, session.as_bytes(), &flags, passphrase]);
        seed.zeroize();
        let sign = Secret32::derive("share signing key", &[root.expose()]);
        Self {
            session: *session,
            share: ShareId(first16(Secret32::derive("share locator", &[root.expose()]).expose())),
            sign: SigningKey::from_bytes(sign.expose()),
            kek: Secret32::derive("share key-encryption key", &[root.expose()]),
        }
    }

    /// Returns the session that the share belongs to.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Returns the name by which the relay knows the share.
    #[must_use]
    pub const fn share_id(&self) -> ShareId {
        self.share
    }

    /// Returns the public half of the share key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.sign.verifying_key().to_bytes())
    }

    /// Returns the key that epoch secrets are wrapped with for this share.
    #[must_use]
    pub const fn kek(&self) -> &Secret32 {
        &self.kek
    }

    pub(crate) fn sign_digest(&self, digest: &[u8; 32]) -> [u8; 64] {
        self.sign.sign(digest).to_bytes()
    }
}

impl fmt::Debug for ShareSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShareSecret({:?}, …)", self.share)
    }
}

/// The keys of one member, new with every start of a process.
///
/// A seed used twice would make two writers of one lane, and so use nonces twice.
#[derive(Clone)]
pub struct MemberKeys {
    sign: SigningKey,
    kem: Secret32,
    kem_public: [u8; 32],
    incarnation: [u8; 16],
}

impl MemberKeys {
    /// Derives all keys from one fresh random seed.
    #[must_use]
    pub fn from_seed(mut bytes: [u8; 32]) -> Self {
        let seed = Secret32(bytes);
        bytes.zeroize();
        let sign = Secret32::derive("member signing key", &[seed.expose()]);
        let kem = Secret32::derive("member kem key", &[seed.expose()]);
        Self {
            sign: SigningKey::from_bytes(sign.expose()),
            kem_public: X25519HkdfSha256::sk_to_pk(&kem_private(&kem)).to_bytes().into(),
            kem,
            incarnation: first16(Secret32::derive("member incarnation", &[seed.expose()]).expose()),
        }
    }

    /// Returns the public half of the signing key.
    #[must_use]
    pub fn sign_public(&self) -> PublicKey {
        PublicKey(self.sign.verifying_key().to_bytes())
    }

    /// Returns the public half of the KEM key, to which guests seal what they type.
    #[must_use]
    pub const fn kem_public(&self) -> [u8; 32] {
        self.kem_public
    }

    /// Returns what makes two certificates of one share differ.
    #[must_use]
    pub const fn incarnation(&self) -> [u8; 16] {
        self.incarnation
    }

    /// Signs a digest, which says by its label what is signed.
    #[must_use]
    pub fn sign(&self, digest: &[u8; 32]) -> [u8; 64] {
        self.sign.sign(digest).to_bytes()
    }

    pub(crate) fn kem_private(&self) -> <X25519HkdfSha256 as Kem>::PrivateKey {
        kem_private(&self.kem)
    }
}

#[expect(clippy::expect_used, reason = "an X25519 private key is any 32 bytes")]
fn kem_private(secret: &Secret32) -> <X25519HkdfSha256 as Kem>::PrivateKey {
    Deserializable::from_bytes(secret.expose()).expect("32 bytes are an X25519 private key")
}

impl fmt::Debug for MemberKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemberKeys({:?}, …)", self.sign_public())
    }
}
