//! Checks entries as anybody can who knows the author's certificate: place, signature, chain; no key, no content.
//!
//! `WireEntry` --[`LaneVerifier::check`]--> digest; relay and members alike
//!
//! Always: what was checked was signed by the lane's author for this session, channel, epoch and seq, and on
//! durable channels it follows all entries before it. PROTOCOL.md 7, 8, 11.

use crate::proto::id::{Channel, Class, LaneId, SessionId};
use crate::proto::verify::{VerifyKey, derive};
use crate::proto::wire::WireEntry;

/// Why an entry is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// It continues some other lane; the caller looked up the wrong one.
    #[error("entry belongs to another lane")]
    Lane,
    /// The channel has no such kind of entry; the author has to act.
    #[error("entry of kind {found} on channel {channel}")]
    Kind {
        /// Its kind.
        found: u8,
        /// The channel's number.
        channel: u16,
    },
    /// It was taken before, or is older than what was; nobody has to act.
    #[error("entry {seq} again, expected {next}")]
    Duplicate {
        /// Its place.
        seq: u64,
        /// The place that comes next.
        next: u64,
    },
    /// Entries before it are missing; on a durable channel the sender has to act, on a live one a keyframe helps.
    #[error("entry {seq} before entry {next}")]
    Gap {
        /// Its place.
        seq: u64,
        /// The place that comes next.
        next: u64,
    },
    /// The author did not sign this, here; the sender has to act.
    #[error("entry {seq} has a wrong signature or follows another entry")]
    Signature {
        /// Its place.
        seq: u64,
    },
    /// The author signed it, but it does not open with the lane's key; the author has to act.
    #[error("entry {seq} cannot be opened")]
    Seal {
        /// Its place.
        seq: u64,
    },
    /// It is for somebody else, or names nobody; the sender has to act.
    #[error("entry {seq} is not for this member")]
    Addressee {
        /// Its place.
        seq: u64,
    },
    /// The other member's KEM key is none; it has to act.
    #[error("key agreement failed")]
    Agreement,
}

/// Returns what the author of an entry signs, and what the next entry of a durable lane names.
#[must_use]
pub fn entry_digest(header: &[u8; 84], body: &[u8]) -> [u8; 32] {
    digest_of_hashed(header, blake3::hash(body).as_bytes())
}

/// As [`entry_digest`], for somebody who has no more of the body than its hash.
pub(crate) fn digest_of_hashed(header: &[u8; 84], body_hash: &[u8; 32]) -> [u8; 32] {
    derive("entry", &[header, body_hash])
}

/// Returns the digest of an entry of `lane` that follows the entry with the digest `prev`, whatever else is known of
/// the lane; `None` if its author did not sign it there.
///
/// `prev` is zero for entry 0. This is how a second history of a lane shows: both entries hold in one place.
#[must_use]
pub fn verify_at(
    session: &SessionId,
    lane: &LaneId,
    key: &VerifyKey,
    entry: &WireEntry,
    prev: &[u8; 32],
) -> Option<[u8; 32]> {
    let belongs = entry.lane == *lane && has_kind(lane.channel, entry.kind);
    let prev = prev_of(lane.channel, entry.kind, *prev);
    let checked = belongs.then(|| check_signature(session, entry, prev, key));
    checked.and_then(Result::ok).map(|checked| checked.digest)
}

/// Says whether an entry of this kind starts a keyframe of a terminal. PROTOCOL.md 14.
#[must_use]
pub fn starts_keyframe(channel: Channel, kind: u8) -> bool {
    channel.class() == Class::Live && matches!(kind, 2 | 5)
}

/// Says whether a channel has entries of this kind. PROTOCOL.md 7.2, 14, 15.
#[must_use]
pub fn has_kind(channel: Channel, kind: u8) -> bool {
    let kind_max = match channel.class() {
        Class::Durable | Class::Latest => 1,
        Class::Live => 5,
        Class::Direct if channel == Channel::TO_HOST => 3,
        Class::Direct => 1,
    };
    (1..=kind_max).contains(&kind)
}

/// Returns what the header of an entry names as `prev`, given the digest of the entry before it.
pub(crate) fn prev_of(channel: Channel, kind: u8, newest: [u8; 32]) -> [u8; 32] {
    let is_chained = matches!(channel.class(), Class::Durable | Class::Live) && !starts_keyframe(channel, kind);
    if is_chained { newest } else { [0; 32] }
}

/// One lane's position, and the check that moves it on.
#[derive(Clone, Debug)]
pub struct LaneVerifier {
    session: SessionId,
    lane: LaneId,
    key: VerifyKey,
    next: u64,
    prev: [u8; 32],
}

/// What a check found out, for whoever goes on to open the body.
pub(crate) struct Checked {
    /// The associated data of the body.
    pub(crate) header: [u8; 84],
    /// What the signature is over.
    pub(crate) digest: [u8; 32],
}

impl LaneVerifier {
    /// Starts before the lane's first entry; `key` is the signing key in the author's certificate.
    #[must_use]
    pub const fn new(session: SessionId, lane: LaneId, key: VerifyKey) -> Self {
        Self::resume(session, lane, key, 0, [0; 32])
    }

    /// Starts where an earlier verifier of this lane stood, as its [`position`](Self::position) said.
    #[must_use]
    pub const fn resume(session: SessionId, lane: LaneId, key: VerifyKey, next: u64, prev: [u8; 32]) -> Self {
        Self { session, lane, key, next, prev }
    }

    /// Returns the lane.
    #[must_use]
    pub const fn lane(&self) -> LaneId {
        self.lane
    }

    /// Returns the seq that comes next and the digest of the newest entry, zero if there is none.
    #[must_use]
    pub const fn position(&self) -> (u64, [u8; 32]) {
        (self.next, self.prev)
    }

    /// Checks an entry, returns its digest and moves on; after an error the position is as before.
    ///
    /// Durable lanes take exactly the next entry. Live lanes also skip to a later start of a keyframe, latest lanes
    /// to any later entry. On direct channels only kind and signature are checked: their order is between the two
    /// ends, and a guest may send entries again.
    ///
    /// # Errors
    ///
    /// [`EntryError`], never [`EntryError::Seal`].
    pub fn check(&mut self, entry: &WireEntry) -> Result<[u8; 32], EntryError> {
        self.advance(entry).map(|checked| checked.digest)
    }

    pub(crate) fn advance(&mut self, entry: &WireEntry) -> Result<Checked, EntryError> {
        // Place before signature: duplicates are common after a reconnection and must be cheap.
        self.check_place(entry)?;
        let checked =
            check_signature(&self.session, entry, prev_of(self.lane.channel, entry.kind, self.prev), &self.key)?;
        self.next = self.next.max(entry.seq + 1);
        self.prev = checked.digest;
        Ok(checked)
    }

    fn check_place(&self, entry: &WireEntry) -> Result<(), EntryError> {
        let (seq, next, channel) = (entry.seq, self.next, self.lane.channel);
        if entry.lane != self.lane {
            return Err(EntryError::Lane);
        }
        if !has_kind(channel, entry.kind) {
            return Err(EntryError::Kind { found: entry.kind, channel: channel.number() });
        }
        let may_skip = match channel.class() {
            Class::Durable => false,
            Class::Live => starts_keyframe(channel, entry.kind),
            Class::Latest => true,
            Class::Direct => return Ok(()),
        };
        if seq < next {
            return Err(EntryError::Duplicate { seq, next });
        }
        if seq > next && !may_skip {
            return Err(EntryError::Gap { seq, next });
        }
        Ok(())
    }
}

/// Rebuilds the header with `prev` and checks the signature over it and the body.
pub(crate) fn check_signature(
    session: &SessionId,
    entry: &WireEntry,
    prev: [u8; 32],
    key: &VerifyKey,
) -> Result<Checked, EntryError> {
    let header = entry.header(session, &prev);
    let digest = entry_digest(&header, entry.body());
    if key.verify(&digest, entry.signature()) {
        Ok(Checked { header, digest })
    } else {
        Err(EntryError::Signature { seq: entry.seq })
    }
}
