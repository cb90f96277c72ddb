//! Hints: 32 bytes that say "this session is here" to who knows the session, and nothing to anybody else.
//!
//! host: [`Hint::new`] ──▶ mDNS peer id, file name ──▶ guest: [`Hint::recognises`]. PROTOCOL.md 16.
//!
//! Always: two hints of one session cannot be linked without the session's id. Recognising one proves nothing: whoever
//! saw it can repeat it. Trust comes after dialling, from the auth log.

use std::fmt;

use super::hex::{self, Hex};
use super::id::SessionId;
use super::verify::derive;

/// Bytes of a hint.
pub const HINT_BYTES: usize = 32;
/// How long one nonce is used, in microseconds: an hour.
pub const NONCE_US_MAX: u64 = 3_600_000_000;

/// A blinded name of a session.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Hint {
    nonce: [u8; 16],
    tag: [u8; 16],
}

impl Hint {
    /// Makes the hint of `session` under a nonce, which must be random and new.
    #[must_use]
    pub fn new(session: &SessionId, nonce: [u8; 16]) -> Self {
        Self { nonce, tag: tag(session, &nonce) }
    }

    /// Reads a hint as it was found. Any 32 bytes are one, most of them nobody's.
    #[must_use]
    pub fn decode(bytes: &[u8; HINT_BYTES]) -> Self {
        let mut hint = Self { nonce: [0; 16], tag: [0; 16] };
        let (nonce, tag) = bytes.split_at(16);
        hint.nonce.copy_from_slice(nonce);
        hint.tag.copy_from_slice(tag);
        hint
    }

    /// Returns the 32 bytes to announce.
    #[must_use]
    pub fn encode(&self) -> [u8; HINT_BYTES] {
        let mut bytes = [0; HINT_BYTES];
        let (nonce, tag) = bytes.split_at_mut(16);
        nonce.copy_from_slice(&self.nonce);
        tag.copy_from_slice(&self.tag);
        bytes
    }

    /// Reads the 64 lower-case hexadecimal digits that `Display` writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex::parse(text).map(|bytes| Self::decode(&bytes))
    }

    /// Tells whether this is a hint of `session`.
    #[must_use]
    pub fn recognises(&self, session: &SessionId) -> bool {
        // The tag is public, so comparing it in variable time gives nothing away.
        self.tag == tag(session, &self.nonce)
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.encode()).fmt(f)
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hint({}…)", &self.to_string()[..8])
    }
}

fn tag(session: &SessionId, nonce: &[u8; 16]) -> [u8; 16] {
    let mut tag = [0; 16];
    tag.copy_from_slice(&derive("mdns tag", &[session.as_bytes(), nonce])[..16]);
    tag
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SESSION: SessionId = SessionId([7; 16]);

    /// Whoever sits in the same café for two hours must not see that it is the same session.
    #[test]
    fn hints_of_one_session_share_no_half() {
        let (first, second) = (Hint::new(&SESSION, [1; 16]), Hint::new(&SESSION, [2; 16]));
        assert_ne!(first.encode()[..16], second.encode()[..16]);
        assert_ne!(first.encode()[16..], second.encode()[16..]);
        assert!(first.recognises(&SESSION) && second.recognises(&SESSION));
    }

    /// The bytes are a contract with other versions; b3sum gives the same tag.
    #[test]
    fn bytes_are_nonce_then_tag() {
        let bytes = Hint::new(&SESSION, [9; 16]).encode();
        assert_eq!(bytes[..16], [9; 16]);
        assert_eq!(bytes[16..], derive("mdns tag", &[&[7; 16], &[9; 16]])[..16]);
    }

    /// File names come from a folder that other programs may write to.
    #[test]
    fn only_the_shortest_lower_case_form_is_read() {
        let text = Hint::new(&SESSION, [0xa5; 16]).to_string();
        assert_eq!(text.len(), 64);
        for wrong in [text.to_uppercase(), text[1..].to_owned(), format!("{text}0"), format!("{}g", &text[1..])] {
            assert_eq!(Hint::parse(&wrong), None, "{wrong}");
        }
        assert_eq!(Hint::parse(&"é".repeat(32)), None);
        assert_eq!(Hint::parse(""), None);
    }

    proptest! {
        /// What one host announces every guest of the session finds, and no other session's.
        #[test]
        fn hint_is_found_by_its_session_alone(ours: [u8; 16], theirs: [u8; 16], nonce: [u8; 16]) {
            prop_assume!(ours != theirs);
            let (ours, theirs) = (SessionId(ours), SessionId(theirs));
            let hint = Hint::new(&ours, nonce);
            prop_assert!(hint.recognises(&ours) && !hint.recognises(&theirs));
            prop_assert_eq!(Hint::decode(&hint.encode()), hint);
            prop_assert_eq!(Hint::parse(&hint.to_string()), Some(hint));
        }

        /// Strangers announce what they like.
        #[test]
        fn strange_bytes_are_nobodys(bytes: [u8; HINT_BYTES]) {
            prop_assert!(!Hint::decode(&bytes).recognises(&SESSION));
        }
    }
}
