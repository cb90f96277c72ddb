//! Folders of this user alone: what programs of one user leave there for each other is hidden from everybody else.
//!
//! `$XDG_RUNTIME_DIR/cahoots`, or `cahoots-<user id>` in the folder for temporary files. PROTOCOL.md 16.
//!
//! Always: a folder that belongs to somebody else, or that others may enter, is neither written nor believed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a folder will not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateError {
    /// The user, or an administrator: the folder is not private.
    #[error("{path} is not a private folder of this user: {reason}", path = path.display())]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The user: the folder cannot be made or looked at.
    #[error("cannot use {path}: {source}", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Returns the folders to use, best first: what one program writes without the session's environment another finds.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let temporary = std::env::temp_dir().join(format!("cahoots-{}", user()));
    runtime.map(|path| path.join("cahoots")).into_iter().chain([temporary]).collect()
}

#[cfg(unix)]
fn user() -> String {
    user_id().to_string()
}

#[cfg(not(unix))]
fn user() -> String {
    std::env::var("USERNAME").unwrap_or_default()
}

/// Returns the numeric id of the user that this process acts as.
#[cfg(unix)]
#[must_use]
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Makes `folder`, closed to others, unless it is there; its parent has to be.
///
/// # Errors
///
/// [`PrivateError`] if it cannot be made, or is there and not private.
pub fn make(folder: &Path) -> Result<(), PrivateError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(PrivateError::Folder { path: folder.to_owned(), source })
        }
        _ => check(folder),
    }
}

/// Checks that `folder` is a folder, belongs to this user and is closed to others.
///
/// Anybody may make a folder of our name in the folder for temporary files, before we do.
///
/// # Errors
///
/// [`PrivateError`] if it is not, or not there.
#[cfg(unix)]
pub fn check(folder: &Path) -> Result<(), PrivateError> {
    use std::os::unix::fs::MetadataExt;
    let found =
        fs::symlink_metadata(folder).map_err(|source| PrivateError::Folder { path: folder.to_owned(), source })?;
    let wrong = if !found.is_dir() {
        Some("it is not a folder")
    } else if found.uid() != user_id() {
        Some("it belongs to another user")
    } else if found.mode() & 0o077 != 0 {
        Some("others may enter it")
    } else {
        None
    };
    wrong.map_or(Ok(()), |reason| Err(PrivateError::NotPrivate { path: folder.to_owned(), reason }))
}

/// Nothing can be checked on this system.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn check(_folder: &Path) -> Result<(), PrivateError> {
    Ok(())
}
