//! Lanes that all members read: documents, presence, terminals. PROTOCOL.md 7, 8.

use super::entry::{self, Outline};
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{Class, LaneId, SessionId};
use crate::proto::key::{MemberKeys, Secret32};
use crate::proto::lane::verify::{EntryError, LaneVerifier, prev_of};
use crate::proto::verify::VerifyKey;
use crate::proto::wire::WireEntry;

/// Returns the key of one lane: it opens that lane, and nothing else of the epoch.
pub(crate) fn lane_key(lane: &LaneId, secret: &EpochSecret) -> Secret32 {
    debug_assert!(lane.channel.class() != Class::Direct, "direct channels agree on their keys");
    let channel = lane.channel.number().to_le_bytes();
    Secret32::derive("entry key", &[secret.expose(), lane.author.as_bytes(), &channel])
}

/// Writes one lane from its beginning.
///
/// There must be one writer per lane, ever: a second one would use the same nonces. A process that starts anew has
/// new member keys, and so new lanes.
#[derive(Debug)]
pub struct LaneWriter {
    session: SessionId,
    lane: LaneId,
    key: Secret32,
    next: u64,
    newest: [u8; 32],
    scratch: Vec<u8>,
}

impl LaneWriter {
    /// Starts with seq 0.
    #[must_use]
    pub fn new(session: SessionId, lane: LaneId, secret: &EpochSecret) -> Self {
        Self { session, lane, key: lane_key(&lane, secret), next: 0, newest: [0; 32], scratch: Vec::new() }
    }

    /// Returns the lane.
    #[must_use]
    pub const fn lane(&self) -> LaneId {
        self.lane
    }

    /// Returns the seq of the entry that comes next.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next
    }

    /// Returns the digest of the newest entry, zero if there is none.
    #[must_use]
    pub const fn newest(&self) -> [u8; 32] {
        self.newest
    }

    /// Seals and signs the next entry. `kind` is one that the channel has; `keys` are the lane's author's.
    ///
    /// The caller keeps `plaintext` within the limits of PROTOCOL.md 17.
    pub fn seal(&mut self, kind: u8, keys: &MemberKeys, plaintext: &[u8]) -> WireEntry {
        let prev = prev_of(self.lane.channel, kind, self.newest);
        let outline =
            Outline { session: &self.session, kind, lane: self.lane, seq: self.next, prev: &prev, prefix: &[] };
        let (entry, digest) = outline.seal(&self.key, keys, plaintext, &mut self.scratch);
        self.next += 1;
        self.newest = digest;
        entry
    }
}

/// Checks and opens one lane of somebody else.
#[derive(Debug)]
pub struct LaneReader {
    verifier: LaneVerifier,
    key: Secret32,
}

impl LaneReader {
    /// Starts before the lane's first entry; `key` is the signing key in the author's certificate.
    #[must_use]
    pub fn new(session: SessionId, lane: LaneId, key: VerifyKey, secret: &EpochSecret) -> Self {
        Self::resume(session, lane, key, secret, 0, [0; 32])
    }

    /// Starts where an earlier reader of this lane stood, as its [`position`](Self::position) said.
    #[must_use]
    pub fn resume(
        session: SessionId,
        lane: LaneId,
        key: VerifyKey,
        secret: &EpochSecret,
        next: u64,
        prev: [u8; 32],
    ) -> Self {
        Self { verifier: LaneVerifier::resume(session, lane, key, next, prev), key: lane_key(&lane, secret) }
    }

    /// Starts before the lane's first entry, with the key of this lane alone.
    pub(crate) const fn with_key(session: SessionId, lane: LaneId, verify_key: VerifyKey, key: Secret32) -> Self {
        Self { verifier: LaneVerifier::new(session, lane, verify_key), key }
    }

    /// Returns the lane.
    #[must_use]
    pub const fn lane(&self) -> LaneId {
        self.verifier.lane()
    }

    /// Returns the seq of the entry that comes next.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.verifier.position().0
    }

    /// Returns the seq that comes next and the digest of the newest entry, zero if there is none.
    #[must_use]
    pub const fn position(&self) -> (u64, [u8; 32]) {
        self.verifier.position()
    }

    /// Checks an entry as [`LaneVerifier::check`] does, opens it and returns its plaintext.
    ///
    /// # Errors
    ///
    /// [`EntryError`]. After [`EntryError::Seal`] the lane has moved on: the author signed nonsense into this place,
    /// and a relay that cannot see that counts it too. After any other error the lane is as before.
    pub fn open(&mut self, wire: &WireEntry) -> Result<Vec<u8>, EntryError> {
        let checked = self.verifier.advance(wire)?;
        entry::open(&self.key, &checked.header, wire, 0)
    }
}
