//! The people and keys of `tests/vectors`, so that its bytes are seeds that get past the signatures.

use cahoots::proto::epoch::EpochSecret;
use cahoots::proto::id::SessionId;
use cahoots::proto::key::{MemberKeys, SessionRoot, ShareSecret};
use cahoots::proto::share::ShareFlags;

pub(crate) fn root() -> SessionRoot {
    SessionRoot::from_seed(run(0))
}

pub(crate) fn session() -> SessionId {
    root().session_id()
}

pub(crate) fn epoch_secret() -> EpochSecret {
    EpochSecret::from_bytes(run(0x90))
}

/// The share whose seed counts up from `first`.
pub(crate) fn share(first: u8) -> ShareSecret {
    let flags = if first == 0x40 { ShareFlags::PUBLIC } else { ShareFlags::NONE };
    ShareSecret::new(&session(), run(first), flags)
}

/// The member whose seed counts up from `first`.
pub(crate) fn member(first: u8) -> MemberKeys {
    MemberKeys::from_seed(run(first))
}

/// Bytes that count up.
fn run<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|at| first.wrapping_add(at as u8))
}

/// Cuts the input into pieces, each behind its length as a `u16`; the last may be shorter.
pub(crate) fn pieces(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<2>()?;
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes(*length))));
        data = rest;
        Some(piece)
    })
}
