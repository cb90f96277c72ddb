//! Hashing and signature checks: all that somebody without a secret can do.
//!
//! Always: signatures are checked strictly and keys are canonical, so two honest checkers never disagree. PROTOCOL.md 1.

use super::id::SessionId;
use ed25519_dalek::{Signature, VerifyingKey};
use std::fmt;

/// What every derivation context begins with; the label follows.
const CONTEXT: &str = "cahoots 2026-01-01 v1 ";

/// Returns `H(label, parts…)` of PROTOCOL.md 1: BLAKE3 in key derivation mode over the length-prefixed parts.
///
/// The prefixes make ("ab", "c") and ("a", "bc") differ; the label keeps uses apart.
#[must_use]
pub fn derive(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    *hasher(label, parts).finalize().as_bytes()
}

/// Returns the hasher of [`derive`], for those who have to wipe it.
pub(crate) fn hasher(label: &str, parts: &[&[u8]]) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_derive_key(&[CONTEXT, label].concat());
    for part in parts {
        hasher.update(&(part.len() as u32).to_le_bytes());
        hasher.update(part);
    }
    hasher
}

/// Returns `H(label, parts…)[..16]`, the form of every id.
#[must_use]
pub fn derive16(label: &str, parts: &[&[u8]]) -> [u8; 16] {
    first16(&derive(label, parts))
}

/// Returns the first half of a hash.
pub(crate) fn first16(hash: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|at| hash[at])
}

/// Returns what both ends of a connection sign in AUTH to tie it to this channel. PROTOCOL.md 10.
///
/// `exporter` is empty where the transport has none.
#[must_use]
pub fn channel_binding(exporter: &[u8], dialer_nonce: &[u8; 32], acceptor_nonce: &[u8; 32]) -> [u8; 32] {
    derive("channel binding", &[exporter, dialer_nonce, acceptor_nonce])
}

/// The public half of an Ed25519 key, as it stands on the wire; perhaps not a key at all.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Says whether `signature` over `digest` was made with this key; a malformed key has made none.
    ///
    /// It decompresses the key each time: for many signatures of one key make a [`VerifyKey`].
    #[must_use]
    pub fn verify(&self, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        VerifyKey::try_from(*self).is_ok_and(|key| key.verify(digest, signature))
    }

    /// Returns the 32 bytes as they stand on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the id of the session whose root this key is. PROTOCOL.md 2.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        SessionId(derive16("session id", &[&self.0]))
    }

    /// Says whether the y coordinate is below 2²⁵⁵ − 19, so that the point has only this encoding.
    fn is_canonical(&self) -> bool {
        let [low, middle @ .., high] = &self.0;
        *low < 0xed || high & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "PublicKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// Bytes that are no usable public key: not on the curve, of small order, or not canonical.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a usable Ed25519 public key")]
pub struct KeyError;

/// A public key that was decompressed once, for checking many signatures.
#[derive(Clone, Eq, PartialEq)]
pub struct VerifyKey(VerifyingKey);

impl VerifyKey {
    /// Says whether `signature` over `digest` was made with this key.
    #[must_use]
    pub fn verify(&self, digest: &[u8; 32], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(digest, &Signature::from_bytes(signature)).is_ok()
    }

    /// Returns the key as it stands on the wire.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.to_bytes())
    }
}

impl TryFrom<PublicKey> for VerifyKey {
    type Error = KeyError;

    fn try_from(public: PublicKey) -> Result<Self, KeyError> {
        if !public.is_canonical() {
            return Err(KeyError);
        }
        match VerifyingKey::from_bytes(&public.0) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError),
        }
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verify{:?}", self.public())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};

    /// Ids and keys of all members hang on this function: it is pinned to BLAKE3's own interface.
    #[test]
    fn derive_prefixes_each_part_with_its_length() {
        let material = [&[1, 0, 0, 0, b'x'][..], &[2, 0, 0, 0, b'y', b'z']].concat();
        let expected = blake3::derive_key("cahoots 2026-01-01 v1 entry", &material);
        assert_eq!(derive("entry", &[b"x", b"yz"]), expected);
        assert_ne!(derive("entry", &[b"xy", b"z"]), expected);
        assert_ne!(derive("auth", &[b"x", b"yz"]), expected);
    }

    /// With a small-order key one signature would fit almost every message.
    #[test]
    fn small_order_keys_are_no_keys() {
        let mut identity = [0; 32];
        identity[0] = 1;
        for bytes in [[0; 32], identity] {
            assert_eq!(VerifyKey::try_from(PublicKey(bytes)), Err(KeyError));
            assert!(!PublicKey(bytes).verify(&[0; 32], &[0; 64]));
        }
    }

    /// A second encoding of one point would be a second identity with the same signatures.
    #[test]
    fn non_canonical_points_are_no_keys() {
        let mut accepted_by_dalek = 0;
        for low in 0xed..=0xff {
            for high in [0x7f, 0xff] {
                let mut bytes = [0xff; 32];
                (bytes[0], bytes[31]) = (low, high);
                accepted_by_dalek += usize::from(VerifyingKey::from_bytes(&bytes).is_ok_and(|key| !key.is_weak()));
                assert_eq!(VerifyKey::try_from(PublicKey(bytes)), Err(KeyError));
            }
        }
        assert!(accepted_by_dalek > 0, "the check of ours is needed");
    }

    /// Strictness: one signature, one message, one encoding.
    #[test]
    fn every_flipped_bit_of_a_signature_is_noticed() {
        let signer = SigningKey::from_bytes(&[7; 32]);
        let key = VerifyKey::try_from(PublicKey(signer.verifying_key().to_bytes())).expect("a made key is usable");
        let signature = signer.sign(&[9; 32]).to_bytes();
        assert!(key.verify(&[9; 32], &signature));
        for bit in 0..512 {
            let mut other = signature;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verify(&[9; 32], &other), "bit {bit}");
        }
    }
}
