//! HPKE to the host's KEM key: how two ends come to secrets of their own. PROTOCOL.md 10.1, 15.

use crate::proto::key::MemberKeys;
use hpke::aead::{AeadCtxR, AeadCtxS, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, HpkeError, Kem, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender_with_rng};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroize;

/// Length of an encapsulated key, in bytes.
pub(super) const ENCAPSULATED_BYTES: usize = 32;

/// What the end has that knows the other one's public key.
pub(super) type Sender = AeadCtxS<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>;
/// What the end has that holds the private key.
pub(super) type Receiver = AeadCtxR<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>;

/// Sets up towards the holder of `public`; returns what it needs to follow. `seed` is 32 fresh random bytes.
pub(super) fn send(
    public: &[u8; 32],
    info: &[u8],
    mut seed: [u8; 32],
) -> Result<([u8; ENCAPSULATED_BYTES], Sender), HpkeError> {
    let public = Deserializable::from_bytes(public)?;
    let mut dice = ChaCha20Rng::from_seed(seed);
    seed.zeroize();
    let (encapsulated, context): (<X25519HkdfSha256 as Kem>::EncappedKey, _) =
        setup_sender_with_rng(&OpModeS::Base, &public, info, &mut dice)?;
    // Whoever finds the dice in memory can throw them again. They cannot be wiped, but written over.
    dice = ChaCha20Rng::from_seed([0; 32]);
    std::hint::black_box(&dice);
    Ok((encapsulated.to_bytes().into(), context))
}

/// Sets up with what the other end's [`send`] returned.
pub(super) fn receive(
    keys: &MemberKeys,
    encapsulated: &[u8; ENCAPSULATED_BYTES],
    info: &[u8],
) -> Result<Receiver, HpkeError> {
    setup_receiver(&OpModeR::Base, &keys.kem_private(), &Deserializable::from_bytes(encapsulated)?, info)
}
