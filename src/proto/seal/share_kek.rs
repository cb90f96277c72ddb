//! The key-encryption key of a share that was passed on, sealed to the host alone. PROTOCOL.md 10.1.
//!
//! With it the owner wraps every later epoch for the share, whose seed only the holder drew.

use super::agreement::{self, ENCAPSULATED_BYTES};
use crate::proto::id::{SessionId, ShareId};
use crate::proto::key::{MemberKeys, Secret32};
use crate::proto::lane::verify::EntryError;
use crate::proto::wire::SEALED_KEK_BYTES;
use hpke::HpkeError;
use zeroize::Zeroizing;

/// Seals the KEK of `share` to the host of this KEM key. `seed` is 32 fresh random bytes, used once.
///
/// # Errors
///
/// [`EntryError::Agreement`] if the host's key is none.
pub fn seal_share_kek(
    host_kem: &[u8; 32],
    session: &SessionId,
    share: &ShareId,
    kek: &Secret32,
    seed: [u8; 32],
) -> Result<[u8; SEALED_KEK_BYTES], EntryError> {
    let seal = || -> Result<_, HpkeError> {
        let (encapsulated, mut context) = agreement::send(host_kem, &info(session, share), seed)?;
        Ok([&encapsulated[..], &context.seal(kek.expose(), &[])?].concat())
    };
    seal().ok().and_then(|sealed| sealed.try_into().ok()).ok_or(EntryError::Agreement)
}

/// Opens what [`seal_share_kek`] sealed to the host with `keys`.
///
/// # Errors
///
/// [`EntryError::Agreement`] if it was sealed to another key, for another session or share, or altered.
pub fn open_share_kek(
    keys: &MemberKeys,
    session: &SessionId,
    share: &ShareId,
    sealed: &[u8; SEALED_KEK_BYTES],
) -> Result<Secret32, EntryError> {
    let (encapsulated, sealed) = sealed.split_first_chunk::<ENCAPSULATED_BYTES>().ok_or(EntryError::Agreement)?;
    let open = || -> Result<_, HpkeError> {
        let mut context = agreement::receive(keys, encapsulated, &info(session, share))?;
        Ok(Zeroizing::new(context.open(sealed, &[])?))
    };
    let kek = open().map_err(|_| EntryError::Agreement)?;
    kek.as_slice().try_into().map(Secret32::from_bytes).map_err(|_| EntryError::Agreement)
}

fn info(session: &SessionId, share: &ShareId) -> Vec<u8> {
    [b"cahoots v1 share", &session.0[..], &share.0].concat()
}
