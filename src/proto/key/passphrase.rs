//! What a passphrase adds to a token. PROTOCOL.md 2.

use super::Secret32;
use crate::proto::id::SessionId;
use crate::proto::verify::derive16;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Memory that one guess takes, in KiB.
const MEMORY_KIB: u32 = 65_536;
/// Passes over this memory.
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// A passphrase, made expensive to guess, for one token alone.
///
/// The same words with another session or seed give other bytes: what was guessed once helps with nothing else.
#[derive(Clone)]
pub struct PassphraseHash(Secret32);

impl PassphraseHash {
    /// Hashes `passphrase` for the share with this seed: argon2id, 64 MiB and a good part of a second.
    ///
    /// White space at the ends does not count, and a run of it inside counts as one space.
    #[must_use]
    #[expect(clippy::expect_used, reason = "parameters, salt and output are of fixed, allowed sizes")]
    pub fn derive(passphrase: &str, session: &SessionId, seed: &[u8; 16]) -> Self {
        let words = normalise(passphrase);
        let salt = derive16("passphrase salt", &[session.as_bytes(), seed]);
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("the parameters of RFC 9106 hold");
        // The memory is ours so that it is wiped: its last pass is as good as the hash itself.
        let mut memory = vec![Block::default(); params.block_count()];
        let mut hash = [0; 32];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hashed = argon2.hash_password_into_with_memory(words.as_bytes(), &salt, &mut hash, &mut memory);
        memory.zeroize();
        hashed.expect("a passphrase is below 4 GiB");
        let this = Self(Secret32::from_bytes(hash));
        hash.zeroize();
        this
    }

    /// Returns the bytes; each use deserves a second look.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl fmt::Debug for PassphraseHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassphraseHash(…)")
    }
}

/// Leaves out what people type by accident, and nothing else: no case, no accents.
fn normalise(passphrase: &str) -> Zeroizing<String> {
    // Never longer than it was, so that no half of it stays behind in memory that was grown out of.
    let mut words = Zeroizing::new(String::with_capacity(passphrase.len()));
    for word in passphrase.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// White space is typed by accident, and pasted with the words; all else was meant.
    #[test]
    fn only_white_space_is_forgiven() {
        for typed in ["open sesame", "  open sesame", "open \t\r\n sesame\u{a0}", "open\u{3000}sesame "] {
            assert_eq!(*normalise(typed), "open sesame", "{typed:?}");
        }
        for (typed, meant) in [("Open", "Open"), ("cafe\u{301}", "cafe\u{301}"), (" \n", ""), ("", "")] {
            assert_eq!(*normalise(typed), meant, "{typed:?}");
        }
    }
}
