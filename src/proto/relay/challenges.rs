//! What the relay wants signed: challenges that cost no memory until one has served.
//!
//! Always: a challenge serves once; it lives [`CHALLENGE_US`] at least and twice that at most; making one is free, so
//! that nobody can fill a table by asking; its bytes say nothing to anybody else. PROTOCOL.md 20.

use crate::proto::inquiry::Challenge;
use crate::proto::limits::{CHALLENGE_US, CHALLENGES_SERVED_MAX};
use crate::proto::time::Mono;
use crate::proto::verify::derive;
use std::collections::BTreeSet;

/// Bytes that make a challenge differ from all others; the rest shows who made it, and when.
const NONCE_BYTES: usize = 16;

/// Why a challenge cannot serve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Spent {
    /// It was not made here, is too old, or has served.
    Stale,
    /// So many have served that no more can be remembered for now.
    Full,
}

/// Makes challenges, and takes each back once.
#[derive(Debug)]
pub(super) struct Challenges {
    secret: [u8; 32],
    made: u64,
    turn: u64,
    /// Nonces that have served: of this turn, and of the one before.
    served: [BTreeSet<[u8; NONCE_BYTES]>; 2],
}

impl Challenges {
    /// Starts anew; `seed` must be random.
    pub(super) fn new(seed: &[u8; 32]) -> Self {
        let secret = derive("relay challenges", &[seed]);
        Self { secret, made: 0, turn: 0, served: Default::default() }
    }

    /// Makes one.
    pub(super) fn make(&mut self, now: Mono) -> Challenge {
        self.advance(now);
        self.made += 1;
        let mut nonce = [0; NONCE_BYTES];
        let hash = blake3::keyed_hash(&self.secret, &self.made.to_le_bytes());
        nonce.copy_from_slice(&hash.as_bytes()[..NONCE_BYTES]);
        self.of(nonce, self.turn)
    }

    /// Checks that a challenge may still serve.
    pub(super) fn check(&mut self, challenge: &Challenge, now: Mono) -> Result<(), Spent> {
        self.place_of(challenge, now).map(|_| ())
    }

    /// Takes a challenge back: it has served.
    pub(super) fn serve(&mut self, challenge: &Challenge, now: Mono) -> Result<(), Spent> {
        let place = self.place_of(challenge, now)?;
        let served = &mut self.served[place];
        if served.len() >= CHALLENGES_SERVED_MAX {
            return Err(Spent::Full);
        }
        served.insert(nonce_of(challenge));
        Ok(())
    }

    /// Returns which turn a challenge is of: 0 this one, 1 the one before.
    fn place_of(&mut self, challenge: &Challenge, now: Mono) -> Result<usize, Spent> {
        self.advance(now);
        let nonce = nonce_of(challenge);
        let turns = [Some(self.turn), self.turn.checked_sub(1)];
        // Compared as hashes, which take the same time whatever differs.
        let hash = |challenge: &Challenge| blake3::keyed_hash(&self.secret, &challenge.0);
        let found = hash(challenge);
        let is_of = |turn: &Option<u64>| turn.is_some_and(|turn| hash(&self.of(nonce, turn)) == found);
        let place = turns.iter().position(is_of).ok_or(Spent::Stale)?;
        if self.served[place].contains(&nonce) { Err(Spent::Stale) } else { Ok(place) }
    }

    fn of(&self, nonce: [u8; NONCE_BYTES], turn: u64) -> Challenge {
        let mark = derive("relay challenge", &[&self.secret, &nonce, &turn.to_le_bytes()]);
        let mut bytes = mark;
        bytes[..NONCE_BYTES].copy_from_slice(&nonce);
        Challenge(bytes)
    }

    fn advance(&mut self, now: Mono) {
        let turn = now.0 / CHALLENGE_US;
        match turn.saturating_sub(self.turn) {
            0 => return,
            1 => self.served.swap(0, 1),
            _ => self.served[1].clear(),
        }
        self.served[0].clear();
        self.turn = turn;
    }
}

fn nonce_of(challenge: &Challenge) -> [u8; NONCE_BYTES] {
    std::array::from_fn(|at| challenge.0[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenges() -> Challenges {
        Challenges::new(&[5; 32])
    }

    /// Who overhears an inquiry must not ask again in the holder's name.
    #[test]
    fn challenge_serves_once() {
        let mut challenges = challenges();
        let (one, two) = (challenges.make(Mono(0)), challenges.make(Mono(0)));
        assert_ne!(one, two);
        assert_eq!(challenges.serve(&one, Mono(1)), Ok(()));
        for later in [1, CHALLENGE_US, 2 * CHALLENGE_US] {
            assert_eq!(challenges.serve(&one, Mono(later)), Err(Spent::Stale), "{later}");
        }
        assert_eq!(challenges.check(&two, Mono(2)), Err(Spent::Stale), "time does not go back");
    }

    /// A slow holder has half a minute; a challenge kept in a drawer is worth nothing.
    #[test]
    fn challenge_lives_for_a_while_and_no_longer() {
        for made in [0, 1, CHALLENGE_US - 1] {
            let mut challenges = challenges();
            let challenge = challenges.make(Mono(made));
            assert_eq!(challenges.check(&challenge, Mono(made + CHALLENGE_US)), Ok(()), "{made}");
            assert_eq!(challenges.check(&challenge, Mono(made + 2 * CHALLENGE_US)), Err(Spent::Stale), "{made}");
        }
    }

    /// A challenge of one's own choice, or of another relay, would be known beforehand.
    #[test]
    fn only_what_was_made_here_serves() {
        let mut challenges = challenges();
        let good = challenges.make(Mono(0));
        for bit in 0..256 {
            let mut other = good;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(challenges.check(&other, Mono(0)), Err(Spent::Stale), "bit {bit}");
        }
        assert_eq!(Challenges::new(&[6; 32]).check(&good, Mono(0)), Err(Spent::Stale));
        assert_eq!(challenges.check(&good, Mono(0)), Ok(()));
    }

    /// What is remembered against replay is bounded, and a replay is never the price for that.
    #[test]
    fn full_table_takes_no_more_until_the_next_turn() {
        let mut challenges = challenges();
        let first = challenges.make(Mono(0));
        assert_eq!(challenges.serve(&first, Mono(0)), Ok(()));
        for n in 1..CHALLENGES_SERVED_MAX {
            let mut nonce = [0xff; NONCE_BYTES];
            nonce[..8].copy_from_slice(&(n as u64).to_le_bytes());
            challenges.served[0].insert(nonce);
        }
        let more = challenges.make(Mono(0));
        assert_eq!(challenges.serve(&more, Mono(0)), Err(Spent::Full));
        assert_eq!(challenges.serve(&first, Mono(0)), Err(Spent::Stale));
        let next = challenges.make(Mono(CHALLENGE_US));
        assert_eq!(challenges.serve(&next, Mono(CHALLENGE_US)), Ok(()));
        assert_eq!(challenges.serve(&first, Mono(CHALLENGE_US)), Err(Spent::Stale));
        let _ = challenges.make(Mono(3 * CHALLENGE_US));
        assert!(challenges.served.iter().all(BTreeSet::is_empty));
    }
}
