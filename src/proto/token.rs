//! Tokens: what one person gives another to be let in, and the links that carry them.
//!
//! pasted text --[`Link::parse`] | [`Token::parse`]--> [`Token`] --> `ShareSecret`
//!
//! Always: an accepted token has one spelling per case; the secret shows only through `reveal`. PROTOCOL.md 3.

mod link;
mod relay;
#[cfg(test)]
mod tests;

pub use link::{Link, LinkError};
pub use relay::{PORT_DEFAULT, Relay, RelayError};

use super::id::SessionId;
use super::key::{PassphraseHash, ShareSecret};
use super::share::{Rights, ShareFlags};
use super::wire::Reader;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use std::fmt;
use std::str::FromStr;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Characters of every token.
pub const TOKEN_CHARS: usize = 63;

const VERSION: u8 = 1;
const PAYLOAD_BYTES: usize = 33;
/// The 32 characters that follow the `1`: no b, i or o, and no 1, which look like others.
const ALPHABET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// What a token claims to be good for. A hint for people: the certificate decides.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Access {
    /// Watch and chat.
    View,
    /// And type.
    Interact,
    /// And all that the owner may do but sign the auth log.
    Own,
}

impl Access {
    const ALL: [Self; 3] = [Self::View, Self::Interact, Self::Own];

    /// Returns the rights that go with the word.
    #[must_use]
    pub const fn rights(self) -> Rights {
        match self {
            Self::View => Rights::VIEW,
            Self::Interact => Rights::INTERACT,
            Self::Own => Rights::OWN,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::View => "chr",
            Self::Interact => "chi",
            Self::Own => "cho",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Interact => "interact",
            Self::Own => "own",
        }
    }

    fn of_prefix(prefix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.prefix().eq_ignore_ascii_case(prefix))
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no access.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("access cannot be `{found}`, expected view, interact or own")]
pub struct AccessError {
    /// The word.
    pub found: String,
}

impl FromStr for Access {
    type Err = AccessError;

    fn from_str(word: &str) -> Result<Self, AccessError> {
        let known = Self::ALL.into_iter().find(|access| access.word() == word);
        known.ok_or_else(|| AccessError { found: word.chars().take(16).collect() })
    }
}

/// Why text is no token; whoever typed or pasted it has to act.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no text.
    #[error("no token given")]
    Empty,
    /// It begins like something else.
    #[error("a token begins with chr1, chi1 or cho1, not `{found}`")]
    Prefix {
        /// How it begins, 8 characters at most.
        found: String,
    },
    /// It holds a character that no token holds.
    #[error("character {position} of the token is {found:?}, which no token holds")]
    Character {
        /// The character.
        found: char,
        /// Its place, from 1.
        position: usize,
    },
    /// Something is missing.
    #[error("token is too short: {chars} characters, expected {TOKEN_CHARS}")]
    Short {
        /// How many there are.
        chars: usize,
    },
    /// Something is too much.
    #[error("token is too long: {chars} characters, expected {TOKEN_CHARS}")]
    Long {
        /// How many there are.
        chars: usize,
    },
    /// It holds small and capital letters.
    #[error("token mixes small and capital letters")]
    MixedCase,
    /// Some characters are not what they were.
    #[error("token does not add up: a character is mistyped")]
    Checksum,
    /// It was made for another version of the protocol.
    #[error("token has version {found}, expected {VERSION}")]
    Version {
        /// Its version.
        found: u8,
    },
    /// It asks for something that this version does not know.
    #[error("token has flags {found:#06b}, of which one is unknown")]
    Flags {
        /// Its flags.
        found: u8,
    },
    /// It is half of the secret; the other half is a passphrase.
    #[error("token needs its passphrase")]
    Passphrase,
}

impl TokenError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::Prefix { .. } => "paste the token or link exactly as you got it",
            Self::Character { .. } => "a token has no spaces and none of b, i, o and 1 after its first four characters",
            Self::Short { .. } => "select the whole token, all 63 characters, and paste it again",
            Self::Long { .. } => "paste one token alone, without text around it",
            Self::MixedCase => "type the token all in small letters",
            Self::Checksum => "copy the token instead of typing it, or compare it group by group",
            Self::Version { .. } | Self::Flags { .. } => "update cahoots, or ask the host which version it runs",
            Self::Passphrase => "ask the person who gave you the token for its passphrase",
        }
    }
}

/// A token: whoever has it can join.
#[derive(Clone, Eq, PartialEq, Zeroize, ZeroizeOnDrop)]
pub struct Token {
    /// What it claims to be good for.
    #[zeroize(skip)]
    pub access: Access,
    /// What kind of share it is for.
    #[zeroize(skip)]
    pub flags: ShareFlags,
    /// The session.
    #[zeroize(skip)]
    pub session: SessionId,
    seed: [u8; 16],
}

impl Token {
    /// Makes the token of a share with this random seed. Of `flags` those count that a token has.
    #[must_use]
    pub const fn new(access: Access, session: &SessionId, seed: [u8; 16], flags: ShareFlags) -> Self {
        Self { access, flags: flags.for_token(), session: *session, seed }
    }

    /// Parses the 63 characters, in small or in capital letters; white space around them does no harm.
    ///
    /// # Errors
    ///
    /// [`TokenError`] names the mistake for the person who made it.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let access = check_spelling(text)?;
        let checked = CheckedHrpstring::new::<Bech32m>(text).map_err(|_| TokenError::Checksum)?;
        // 33 bytes leave one bit of the last character; it must be zero, or a token had two spellings.
        checked.validate_segwit_padding().map_err(|_| TokenError::Checksum)?;
        let mut payload = [0; PAYLOAD_BYTES];
        payload.iter_mut().zip(checked.byte_iter()).for_each(|(to, from)| *to = from);
        let token = Self::from_payload(access, &payload);
        payload.zeroize();
        token
    }

    fn from_payload(access: Access, payload: &[u8; PAYLOAD_BYTES]) -> Result<Self, TokenError> {
        let mut reader = Reader::new(payload);
        let wrong_length = |_| TokenError::Checksum;
        let head = reader.u8().map_err(wrong_length)?;
        let (version, found) = (head >> 4, head & 0x0f);
        if version != VERSION {
            return Err(TokenError::Version { found: version });
        }
        let flags = ShareFlags::parse_token(found).ok_or(TokenError::Flags { found })?;
        let session = SessionId(reader.array().map_err(wrong_length)?);
        Ok(Self { access, flags, session, seed: reader.array().map_err(wrong_length)? })
    }

    /// Returns the full text. Whoever sees it can join: show it on purpose, never log it.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mut payload = [0; PAYLOAD_BYTES];
        payload[0] = VERSION << 4 | self.flags.bits();
        payload[1..17].copy_from_slice(self.session.as_bytes());
        payload[17..].copy_from_slice(&self.seed);
        let text = encode(self.access.prefix(), &payload);
        payload.zeroize();
        text
    }

    /// Says whether the token alone is not enough.
    #[must_use]
    pub const fn needs_passphrase(&self) -> bool {
        self.flags.contains(ShareFlags::PASSPHRASE)
    }

    /// Says whether the session is to be looked for nearby alone, never at a relay.
    #[must_use]
    pub const fn is_lan_only(&self) -> bool {
        self.flags.contains(ShareFlags::LAN_ONLY)
    }

    /// Hashes a passphrase for this token, which takes 64 MiB and a good part of a second.
    #[must_use]
    pub fn hash_passphrase(&self, passphrase: &str) -> PassphraseHash {
        PassphraseHash::derive(passphrase, &self.session, &self.seed)
    }

    /// Derives the keys that the token stands for by itself.
    ///
    /// # Errors
    ///
    /// [`TokenError::Passphrase`] if it needs one.
    pub fn secret(&self) -> Result<ShareSecret, TokenError> {
        self.secret_with(None)
    }

    /// Derives the keys that the token stands for, with its passphrase where it needs one; else it is not looked at.
    ///
    /// # Errors
    ///
    /// [`TokenError::Passphrase`] if it needs one and there is none. A wrong one gives a share that nobody knows.
    pub fn secret_with(&self, passphrase: Option<&PassphraseHash>) -> Result<ShareSecret, TokenError> {
        let passphrase = passphrase.filter(|_| self.needs_passphrase());
        if self.needs_passphrase() && passphrase.is_none() {
            return Err(TokenError::Passphrase);
        }
        Ok(ShareSecret::new(&self.session, self.seed, self.flags, passphrase))
    }
}

#[expect(clippy::expect_used, reason = "our three prefixes are valid and 33 bytes fit the code")]
fn encode(prefix: &'static str, payload: &[u8]) -> String {
    let prefix = Hrp::parse(prefix).expect("the prefix is three small letters");
    bech32::encode::<Bech32m>(prefix, payload).expect("33 bytes make 63 characters of 1,023")
}

/// Checks all but the sum, most helpful complaint first.
fn check_spelling(text: &str) -> Result<Access, TokenError> {
    if text.is_empty() {
        return Err(TokenError::Empty);
    }
    let begins = || TokenError::Prefix { found: text.chars().take(8).take_while(|c| *c != '1').collect() };
    let (prefix, rest) = text.split_once('1').ok_or_else(begins)?;
    let access = Access::of_prefix(prefix).ok_or_else(begins)?;
    let is_known = |c: char| ALPHABET.contains(c.to_ascii_lowercase());
    if let Some((at, found)) = rest.chars().enumerate().find(|(_, c)| !is_known(*c)) {
        return Err(TokenError::Character { found, position: prefix.len() + 2 + at });
    }
    match text.len() {
        TOKEN_CHARS => {}
        chars if chars < TOKEN_CHARS => return Err(TokenError::Short { chars }),
        chars => return Err(TokenError::Long { chars }),
    }
    let is_mixed = text.contains(|c: char| c.is_ascii_lowercase()) && text.contains(|c: char| c.is_ascii_uppercase());
    if is_mixed { Err(TokenError::MixedCase) } else { Ok(access) }
}

impl fmt::Debug for Token {
    /// Shows 8 characters: prefix, version, flags and 15 bits of the public session id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.reveal();
        let shown: String = text.chars().take(8).collect();
        text.zeroize();
        write!(f, "Token({shown}…)")
    }
}
