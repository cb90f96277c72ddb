//! Padding of durable plaintexts, so that sizes at a relay tell little. PROTOCOL.md 8.

use crate::proto::limits::DURABLE_PAYLOAD_BYTES_MAX;
use crate::proto::wire::{DecodeError, Reader, varint};

/// Returns `payload length varint ‖ payload ‖ zeros`.
#[must_use]
pub fn pad_durable(payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let padded_bytes = varint::len(length) + padme(payload.len());
    let mut out = Vec::with_capacity(padded_bytes);
    varint::put(&mut out, length);
    out.extend_from_slice(payload);
    out.resize(padded_bytes, 0);
    out
}

/// Returns the payload inside a padded plaintext.
///
/// # Errors
///
/// [`DecodeError`] if the length is over [`DURABLE_PAYLOAD_BYTES_MAX`] or does not fit, or the padding is not the one
/// that [`pad_durable`] makes: spare bytes would be a hidden channel.
pub fn unpad_durable(padded: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new(padded);
    let length = reader.varint()?;
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    if bytes > DURABLE_PAYLOAD_BYTES_MAX {
        let bytes_max = DURABLE_PAYLOAD_BYTES_MAX;
        return Err(DecodeError::TooLong { what: "durable payload", bytes, bytes_max });
    }
    let payload = reader.bytes(bytes)?;
    let zeros = reader.bytes(padme(bytes) - bytes)?;
    reader.finish()?;
    match zeros.iter().find(|byte| **byte != 0) {
        Some(found) => Err(DecodeError::Value { what: "padding", found: u64::from(*found) }),
        None => Ok(payload),
    }
}

/// Rounds a length up so that it tells O(log log L) bits about itself, for 12 % more bytes at most.
///
/// Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", PETS 2019, algorithm 1.
const fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1 << (exponent - kept_bits)) - 1;
    (length + mask) & !mask
}
