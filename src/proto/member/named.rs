//! Members and what they called themselves: whom a checkpoint names as the authors of what is in it. PROTOCOL.md 12.1.
//!
//! members --`encode_named`--> the beginning of a checkpoint --`decode_named`--> chains, not checked yet
//!
//! Always: a share certificate is written once, however many came by it.

use super::{CHAIN_SHARES_MAX, Chain, MEMBER_CERT_BYTES, MemberCert};
use crate::proto::limits::{AUTHORS_MAX, NAME_BYTES_MAX};
use crate::proto::share::{SHARE_CERT_BYTES, ShareCert};
use crate::proto::wire::{DecodeError, Reader, varint};

/// Writes members and their names; of a name no more than fits.
#[must_use]
pub fn encode_named<'a>(members: impl ExactSizeIterator<Item = (&'a Chain, &'a str)>) -> Vec<u8> {
    let mut shares: Vec<&ShareCert> = Vec::new();
    let (mut rows, count) = (Vec::new(), members.len() as u64);
    for (chain, name) in members {
        rows.extend_from_slice(chain.member.as_bytes());
        rows.push(chain.shares.len() as u8);
        for cert in &chain.shares {
            let place = shares.iter().position(|known| *known == cert).unwrap_or(shares.len());
            if place == shares.len() {
                shares.push(cert);
            }
            varint::put(&mut rows, place as u64);
        }
        let name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
        rows.push(name.len() as u8);
        rows.extend_from_slice(name.as_bytes());
    }
    let mut out = Vec::new();
    varint::put(&mut out, shares.len() as u64);
    shares.iter().for_each(|cert| out.extend_from_slice(cert.as_bytes()));
    varint::put(&mut out, count);
    out.extend_from_slice(&rows);
    out
}

/// Reads what [`encode_named`] wrote; nothing of it is checked but its form.
///
/// # Errors
///
/// [`DecodeError`] for what has another form.
pub fn decode_named(reader: &mut Reader<'_>) -> Result<Vec<(Chain, String)>, DecodeError> {
    let count = bounded(reader, "share certificates", CHAIN_SHARES_MAX * AUTHORS_MAX)?;
    let mut shares = Vec::new();
    for _ in 0..count {
        shares.push(ShareCert::decode(reader.bytes(SHARE_CERT_BYTES)?)?);
    }
    let mut members = Vec::new();
    for _ in 0..bounded(reader, "members", AUTHORS_MAX)? {
        let member = MemberCert::decode(reader.bytes(MEMBER_CERT_BYTES)?)?;
        let count = usize::from(reader.u8()?);
        if !(1..=CHAIN_SHARES_MAX).contains(&count) {
            return Err(DecodeError::Value { what: "number of share certificates", found: count as u64 });
        }
        let mut chain = Vec::with_capacity(count);
        for _ in 0..count {
            let found = reader.varint()?;
            let cert = usize::try_from(found).ok().and_then(|place| shares.get(place));
            chain.push(cert.ok_or(DecodeError::Value { what: "share certificate", found })?.clone());
        }
        members.push((Chain { member, shares: chain }, read_name(reader)?));
    }
    Ok(members)
}

fn read_name(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let (what, bytes_max) = ("name", NAME_BYTES_MAX);
    let bytes = usize::from(reader.u8()?);
    if bytes > bytes_max {
        return Err(DecodeError::TooLong { what, bytes, bytes_max });
    }
    let name = reader.bytes(bytes)?;
    let name = std::str::from_utf8(name);
    name.map(str::to_owned).map_err(|error| DecodeError::Value { what, found: error.valid_up_to() as u64 })
}

fn bounded(reader: &mut Reader<'_>, what: &'static str, max: usize) -> Result<u64, DecodeError> {
    let found = reader.varint()?;
    if found > max as u64 { Err(DecodeError::Value { what, found }) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::member::VerifiedMember;
    use crate::proto::member::cast::{keys, verified};

    /// The names behind a thousand lines must cost little, and must come out as they went in.
    #[test]
    fn members_come_out_as_they_went_in_and_shares_are_written_once() {
        let members = [1, 2, 3].map(|seed| verified(&keys(seed)));
        let long = "ö".repeat(NAME_BYTES_MAX);
        let names = ["Ada", "", &long];
        let bytes = encode_named(members.iter().map(VerifiedMember::chain).zip(names));
        assert!(bytes.len() < SHARE_CERT_BYTES + 3 * (MEMBER_CERT_BYTES + NAME_BYTES_MAX + 4), "{}", bytes.len());
        let mut reader = Reader::new(&bytes);
        let read = decode_named(&mut reader).unwrap();
        assert_eq!(reader.remaining(), 0);
        let expected: Vec<_> =
            members.iter().map(|member| member.chain().clone()).zip(["Ada", "", &long[..NAME_BYTES_MAX]]).collect();
        assert!(read.iter().map(|(chain, name)| (chain.clone(), name.as_str())).eq(expected));
        for end in 0..bytes.len() {
            assert!(decode_named(&mut Reader::new(&bytes[..end])).is_err(), "cut off at {end}");
        }
    }
}
