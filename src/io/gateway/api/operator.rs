//! The operator's token: who has it may ask what sessions there are. In a file of its owner alone, never an argument.
//!
//! Always: compared in constant time; never shown by `Debug`; wiped when dropped.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::proto::hex::Hex;

/// Random bytes of a token that is made here.
const TOKEN_BYTES: usize = 32;
/// Fewest characters: 128 bits in hexadecimal digits.
const TOKEN_CHARS_MIN: usize = 32;
/// Most characters: more is another file.
const TOKEN_CHARS_MAX: usize = 1_024;

/// What shows the operator to the relay.
#[derive(Clone)]
pub struct OperatorToken(Zeroizing<String>);

/// Why there is no operator's token; the operator has to act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorTokenError {
    /// The file cannot be read or made.
    #[error("cannot use {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may have read it.
    #[error("{path} is readable by other users: mode {mode:03o}, expected 600", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no token.
    #[error("{path} holds no operator's token: {TOKEN_CHARS_MIN} to {TOKEN_CHARS_MAX} visible ASCII characters", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no randomness.
    #[error("no randomness from the system: {0}")]
    Random(#[from] getrandom::Error),
}

impl OperatorTokenError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "check the path, and who may read and write there",
            Self::Exposed { .. } => "make it readable by its owner alone, or take it away: the relay makes a new one",
            Self::Malformed { .. } => "take the file away: the relay makes a new one when it starts",
            Self::Random(_) => "check the system's random source",
        }
    }
}

impl OperatorToken {
    /// Takes a token that is kept elsewhere, or `None` if it is too short, too long or holds what no header can.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Option<Self> {
        let token = Zeroizing::new(token.into());
        let is_token = (TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&token.len());
        (is_token && token.bytes().all(|byte| byte.is_ascii_graphic())).then_some(Self(token))
    }

    /// Makes a new one.
    ///
    /// # Errors
    ///
    /// [`OperatorTokenError::Random`] if the system has no randomness.
    pub fn generate() -> Result<Self, OperatorTokenError> {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Self(Zeroizing::new(Hex(&*bytes).to_string())))
    }

    /// Reads the token kept in `file`, or makes one and keeps it there, for its owner alone.
    ///
    /// # Errors
    ///
    /// [`OperatorTokenError`] if it can be neither read nor made, is readable by others, or is no token.
    pub fn open(file: &Path) -> Result<Self, OperatorTokenError> {
        match Self::read(file) {
            Err(OperatorTokenError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let token = Self::generate()?;
                token.write(file)?;
                Ok(token)
            }
            read => read,
        }
    }

    /// Reads the token kept in `file`.
    ///
    /// # Errors
    ///
    /// [`OperatorTokenError`] if it cannot be read, is readable by others, or is no token.
    pub fn read(file: &Path) -> Result<Self, OperatorTokenError> {
        check_private(file)?;
        let text = Zeroizing::new(fs::read_to_string(file).map_err(at(file))?);
        Self::new(text.trim()).ok_or_else(|| OperatorTokenError::Malformed { path: file.to_owned() })
    }

    fn write(&self, file: &Path) -> Result<(), OperatorTokenError> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut opened = options.open(file).map_err(at(file))?;
        let text = Zeroizing::new(format!("{}\n", *self.0));
        opened.write_all(text.as_bytes()).map_err(at(file))
    }

    /// Returns the text. Whoever sees it sees what the operator sees: never log it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Says whether `given` is this token, in a time that does not show how much of it is right.
    pub(super) fn is(&self, given: &str) -> bool {
        blake3::hash(self.0.as_bytes()) == blake3::hash(given.as_bytes())
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorToken(…)")
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> OperatorTokenError {
    move |source| OperatorTokenError::File { path: path.to_owned(), source }
}

#[cfg(unix)]
fn check_private(file: &Path) -> Result<(), OperatorTokenError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file).map_err(at(file))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(OperatorTokenError::Exposed { path: file.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_private(_file: &Path) -> Result<(), OperatorTokenError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script that has the token must not need another one after a restart; nobody else may read it.
    #[test]
    #[cfg(unix)]
    fn token_is_made_once_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("ch-operator-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let file = folder.join("operator-token");
        assert!(matches!(OperatorToken::read(&file), Err(OperatorTokenError::File { .. })));
        let made = OperatorToken::open(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let again = OperatorToken::open(&file).unwrap();
        assert!(again.is(made.reveal()) && made.reveal().len() == 2 * TOKEN_BYTES);
        assert!(
            !again.is("") && !again.is(&made.reveal()[1..]) && !again.is(OperatorToken::generate().unwrap().reveal())
        );
        assert!(!format!("{made:?}").contains(&made.reveal()[..8]));

        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(OperatorToken::open(&file), Err(OperatorTokenError::Exposed { mode: 0o640, .. })));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "hunter2\n").unwrap();
        assert!(matches!(OperatorToken::open(&file), Err(OperatorTokenError::Malformed { .. })));
        fs::remove_dir_all(&folder).unwrap();
    }
}
