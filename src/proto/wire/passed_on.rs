//! A share that a member passed on, as it is told to relay and host. PROTOCOL.md 10.1.

use super::reader::{DecodeError, Reader};
use crate::proto::share::{SHARE_CERT_BYTES, ShareCert};
use bytes::Bytes;

/// Length of a wrap, in bytes. PROTOCOL.md 6.
const WRAP_BYTES: usize = 68;
/// Length of a key-encryption key that is sealed to the host, in bytes.
pub const SEALED_KEK_BYTES: usize = 80;
/// How many certificates it takes: the share's own, that above it, and up to the owner's.
const CERTS: std::ops::RangeInclusive<usize> = 2..=4;

/// The body of a SHARE frame. Whether the certificates hold says `member::VerifiedShare`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PassedOn {
    /// The share's certificate and those above it, leaf first, 2 to 4.
    pub certs: Vec<ShareCert>,
    /// The secret of an epoch for the holders of the share.
    pub wrap: Bytes,
    /// The share's key-encryption key, for the host alone.
    pub sealed_kek: [u8; SEALED_KEK_BYTES],
}

impl PassedOn {
    pub(super) fn read(body: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = usize::from(reader.u8()?);
        if !CERTS.contains(&count) {
            return Err(DecodeError::Value { what: "number of share certificates", found: count as u64 });
        }
        let certs = (0..count).map(|_| ShareCert::decode(reader.bytes(SHARE_CERT_BYTES)?)).collect::<Result<_, _>>()?;
        let wrap = body.slice_ref(reader.bytes(WRAP_BYTES)?);
        Ok(Self { certs, wrap, sealed_kek: reader.array()? })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.push(self.certs.len() as u8);
        self.certs.iter().for_each(|cert| out.extend_from_slice(cert.as_bytes()));
        out.extend_from_slice(&self.wrap);
        out.extend_from_slice(&self.sealed_kek);
    }
}
