//! ChaCha20-Poly1305 in place. PROTOCOL.md 1.

use crate::proto::key::Secret32;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut, KeyInit};

/// What sealing adds, in bytes.
pub(crate) const TAG_BYTES: usize = 16;

/// The tag does not fit key, nonce, associated data or text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct WrongTag;

/// Seals `buffer[start..]` and appends the tag. A nonce must never return under one key.
#[expect(clippy::expect_used, reason = "the cipher takes 256 GiB, entries end at 64 KiB")]
pub(crate) fn seal(key: &Secret32, nonce: [u8; 12], aad: &[u8], buffer: &mut Vec<u8>, start: usize) {
    let tag = cipher(key)
        .encrypt_inout_detached(&nonce.into(), aad, buffer[start..].as_mut().into())
        .expect("the text is short enough for the cipher");
    buffer.extend_from_slice(&tag);
}

/// Opens `sealed`, a ciphertext followed by its tag.
pub(crate) fn open(key: &Secret32, nonce: [u8; 12], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, WrongTag> {
    let (text, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(WrongTag)?;
    let mut text = text.to_vec();
    cipher(key)
        .decrypt_inout_detached(&nonce.into(), aad, text.as_mut_slice().into(), &(*tag).into())
        .map_err(|_| WrongTag)?;
    Ok(text)
}

fn cipher(key: &Secret32) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(key.expose().into())
}
