//! Questions from outside: a holder's, who proves possession, and the operator's. PROTOCOL.md 20.
//!
//! Always: who proves nothing learns nothing, neither by the answer nor by how long it takes.

use super::Hall;
use crate::proto::id::SessionId;
use crate::proto::inquiry::{Challenge, Inquiry, Place};
use crate::proto::relay::challenges::Spent;
use crate::proto::relay::guesses::Network;
use crate::proto::relay::room::Room;
use crate::proto::relay::{Counts, InquiryError, SessionStats};
use crate::proto::time::Now;
use crate::proto::verify::PublicKey;
use std::ops::Bound;

/// Checked in place of a key that is not known, so that looking in vain takes as long: the base point of the curve.
/// What is signed by it counts for nothing.
const NOBODY: PublicKey = {
    let mut bytes = [0x66; 32];
    bytes[0] = 0x58;
    PublicKey(bytes)
};

impl From<Spent> for InquiryError {
    fn from(spent: Spent) -> Self {
        match spent {
            Spent::Stale => Self::Stale,
            Spent::Full => Self::Busy,
        }
    }
}

impl Hall {
    /// Makes what an inquiry has to sign.
    pub fn make_challenge(&mut self, now: Now) -> Challenge {
        let now = self.advance(now);
        self.challenges.make(now.mono)
    }

    /// Answers an inquiry that came from `network` and arrived at `place`.
    ///
    /// # Errors
    ///
    /// [`InquiryError`]. One and the same for a session or share that is not known, one that is closed, expired, over or
    /// does not allow it, and a proof that does not hold.
    pub fn handle_inquiry(
        &mut self,
        network: Network,
        inquiry: &Inquiry,
        place: Place<'_>,
        now: Now,
    ) -> Result<Counts, InquiryError> {
        let now = self.advance(now);
        if let Some(until) = self.refusals.spent_until(network, now.mono) {
            return Err(InquiryError::TooMany { wait_s: until.since_us(now.mono).div_ceil(1_000_000) });
        }
        self.challenges.check(&inquiry.challenge, now.mono)?;
        let Some(counts) = self.counts_for(network, inquiry, place, now) else {
            self.refusals.note(network, now.mono);
            return Err(InquiryError::Refused);
        };
        self.challenges.serve(&inquiry.challenge, now.mono)?;
        Ok(counts)
    }

    fn counts_for(&mut self, network: Network, inquiry: &Inquiry, place: Place<'_>, now: Now) -> Option<Counts> {
        let room = self.rooms.get(&inquiry.session);
        // A share's name is a guess at a passphrase here as in HELLO: both draw on one purse, and once that is empty not
        // even a right one shows that it is right.
        let is_spent = self.guesses.are_spent(network, now.mono);
        if !is_spent && room.is_some_and(|room| room.is_unknown(&inquiry.share)) {
            self.guesses.note(network, now.mono);
        }
        let public = room.and_then(|room| room.asking_key(&inquiry.share, now.wall)).filter(|_| !is_spent);
        let holds = inquiry.holds(&public.unwrap_or(NOBODY), place);
        room.filter(|_| holds && public.is_some()).map(Room::counts)
    }

    /// Returns the figures of one session, for the operator.
    #[must_use]
    pub fn session_stats(&self, session: &SessionId) -> Option<SessionStats> {
        self.rooms.get(session).map(|room| room.stats(self.store.as_ref()))
    }

    /// Returns the figures of up to `count_max` sessions, by name, from behind `after` on.
    #[must_use]
    pub fn sessions_after(&self, after: Option<SessionId>, count_max: usize) -> Vec<SessionStats> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rooms = self.rooms.range((begin, Bound::Unbounded)).take(count_max);
        rooms.map(|(_, room)| room.stats(self.store.as_ref())).collect()
    }
}
