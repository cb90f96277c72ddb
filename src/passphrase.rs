//! Words that a guest needs beside the link.

use crate::proto::key::PassphraseHash;
use crate::proto::token::Token;
use std::fmt;
use zeroize::Zeroizing;

/// Longest passphrase, in bytes: a sentence in any script.
const PASSPHRASE_BYTES_MAX: usize = 1_024;

/// Words that a guest needs beside the link, agreed on by another way than the link came.
///
/// White space at the ends does not count, and a run of it inside counts as one space. Each guess at a link's
/// passphrase costs who tries it 64 MiB and a good part of a second: choose one that survives that many tries, such as
/// four random words. Debug output does not show it, and dropping it wipes it.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

/// Why words will not do as a passphrase; the person should choose others.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// There is none.
    #[error("the passphrase is empty")]
    Empty,
    /// It is no passphrase but a file, say.
    #[error("the passphrase has {bytes} bytes, the limit is {PASSPHRASE_BYTES_MAX}")]
    Long {
        /// Its length.
        bytes: usize,
    },
}

impl Passphrase {
    /// Takes the words over; a copy that the caller keeps is the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`PassphraseError`] if there are none, or too many.
    pub fn new(words: impl Into<String>) -> Result<Self, PassphraseError> {
        let words = Zeroizing::new(words.into());
        match words.len() {
            _ if words.trim().is_empty() => Err(PassphraseError::Empty),
            bytes if bytes > PASSPHRASE_BYTES_MAX => Err(PassphraseError::Long { bytes }),
            _ => Ok(Self(words)),
        }
    }

    /// Returns the words; each use deserves a second look.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Hashes it for one token on a thread that may block: it takes a good part of a second.
    pub(crate) async fn hash(self, token: Token) -> PassphraseHash {
        let hashing = tokio::task::spawn_blocking(move || token.hash_passphrase(&self.0));
        match hashing.await {
            Ok(hash) => hash,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pressing Enter at the question must not make a link whose passphrase is nothing.
    #[test]
    fn passphrase_says_something_and_ends() {
        assert_eq!(Passphrase::new(" \t\n").err(), Some(PassphraseError::Empty));
        assert_eq!(Passphrase::new("a".repeat(1_025)).err(), Some(PassphraseError::Long { bytes: 1_025 }));
        assert_eq!(Passphrase::new(" open sesame ").unwrap().expose(), " open sesame ");
    }

    /// Whoever logs the terms of a link must not log what protects it.
    #[test]
    fn debug_shows_no_words() {
        assert_eq!(format!("{:?}", Passphrase::new("open sesame").unwrap()), "Passphrase(…)");
    }
}
