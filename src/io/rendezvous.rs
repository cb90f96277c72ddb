//! Finding a session on the same machine: a file named by a hint, in a folder of this user alone.
//!
//! host: [`Notice`] ──▶ `<runtime folder>/cahoots/<hint>` holding a port ──▶ guest: [`Discovery`]. PROTOCOL.md 16.
//!
//! Always: a folder that belongs to somebody else, or that others may enter, is neither written nor believed. What a
//! file says is only a port to dial; a crashed host's file leads to a dial that is refused.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::{Interval, MissedTickBehavior};

use crate::io::private::{self, PrivateError};
use crate::proto::discovery::{Hint, NONCE_US_MAX};
use crate::proto::id::SessionId;

/// How often a guest looks again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Age at which a file counts as left behind; a living host renews its own every hour.
const LEFT_BEHIND: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Longest port in decimal, and a byte to see that there is more.
const PORT_BYTES_MAX: u64 = 6;
/// Files that are looked at; more of them are not ours.
const FILES_MAX: usize = 4_096;

/// Why no notice could be left. Guests of this machine then need the relay or the LAN.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RendezvousError {
    /// The user, or an administrator: the folder is not private, or cannot be made.
    #[error(transparent)]
    Private(#[from] PrivateError),
    /// The user: the disk is full or not writable.
    #[error("cannot write {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// This machine: no random numbers.
    #[error("no randomness: {0}")]
    Random(getrandom::Error),
}

/// A file that tells guests on this machine the host's port. Removed on drop.
#[derive(Debug)]
pub struct Notice {
    file: Arc<Mutex<Option<PathBuf>>>,
    renewal: tokio::task::AbortHandle,
}

impl Notice {
    /// Leaves a notice in the user's runtime folder. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`RendezvousError`] if no folder will do.
    pub fn post(session: &SessionId, port: u16) -> Result<Self, RendezvousError> {
        let mut result = Err(RendezvousError::File { path: PathBuf::new(), source: io::ErrorKind::NotFound.into() });
        for folder in private::folders() {
            result = Self::post_in(&folder, session, port);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Leaves a notice in `folder`, which is made if it is not there. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`RendezvousError`] if the folder is not private or cannot be written.
    pub fn post_in(folder: &Path, session: &SessionId, port: u16) -> Result<Self, RendezvousError> {
        private::make(folder)?;
        remove_left_behind(folder);
        let file = Arc::new(Mutex::new(Some(write(folder, session, port)?)));
        let renewal = tokio::spawn(renew(Arc::clone(&file), folder.to_owned(), *session, port)).abort_handle();
        Ok(Self { file, renewal })
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        self.renewal.abort();
        // Under the lock and leaving nothing: a renewal that runs right now finds that it has to stop.
        if let Some(file) = self.file.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = fs::remove_file(file);
        }
    }
}

/// Replaces the file by one with a new nonce, once an hour; its date shows that the host is alive.
async fn renew(file: Arc<Mutex<Option<PathBuf>>>, folder: PathBuf, session: SessionId, port: u16) {
    loop {
        tokio::time::sleep(Duration::from_micros(NONCE_US_MAX)).await;
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(old) = file.as_ref() else { return };
        match write(&folder, &session, port) {
            Ok(new) => {
                let _ = fs::remove_file(old);
                *file = Some(new);
            }
            Err(error) => tracing::debug!(%error, "notice not renewed"),
        }
    }
}

fn write(folder: &Path, session: &SessionId, port: u16) -> Result<PathBuf, RendezvousError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(RendezvousError::Random)?;
    let path = folder.join(Hint::new(session, nonce).to_string());
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&path).and_then(|mut file| file.write_all(port.to_string().as_bytes()));
    written.map(|()| path.clone()).map_err(|source| RendezvousError::File { path, source })
}

fn remove_left_behind(folder: &Path) {
    let now = SystemTime::now();
    for (path, _) in hints(folder) {
        let age =
            fs::metadata(&path).and_then(|file| file.modified()).ok().and_then(|date| now.duration_since(date).ok());
        if age.is_some_and(|age| age > LEFT_BEHIND) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Looks for notices of a session, again and again.
#[derive(Debug)]
pub struct Discovery {
    folders: Vec<PathBuf>,
    session: SessionId,
    found: VecDeque<SocketAddr>,
    looks: Interval,
}

impl Discovery {
    /// Starts to look in the user's runtime folders.
    #[must_use]
    pub fn start(session: SessionId) -> Self {
        Self::start_in(private::folders(), session)
    }

    /// Starts to look in these folders. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start_in(folders: Vec<PathBuf>, session: SessionId) -> Self {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { folders, session, found: VecDeque::new(), looks }
    }

    /// Returns an address to dial, at once if there is one, and again every second while its notice is there.
    ///
    /// Cancelling loses nothing.
    pub async fn next(&mut self) -> SocketAddr {
        loop {
            if let Some(address) = self.found.pop_front() {
                return address;
            }
            self.looks.tick().await;
            // Reading a handful of names from memory takes less than handing it to another thread.
            self.found.extend(self.folders.iter().flat_map(|folder| find_in(folder, &self.session)));
        }
    }
}

/// Returns the addresses that notices for `session` in `folder` tell of.
#[must_use]
pub fn find_in(folder: &Path, session: &SessionId) -> Vec<SocketAddr> {
    if private::check(folder).is_err() {
        return Vec::new();
    }
    let ours = hints(folder).filter(|(_, hint)| hint.recognises(session));
    ours.filter_map(|(path, _)| read_port(&path)).map(|port| (Ipv4Addr::LOCALHOST, port).into()).collect()
}

fn hints(folder: &Path) -> impl Iterator<Item = (PathBuf, Hint)> {
    let files = fs::read_dir(folder).into_iter().flatten().take(FILES_MAX).filter_map(Result::ok);
    files.filter_map(|file| Some((file.path(), Hint::parse(file.file_name().to_str()?)?)))
}

fn read_port(path: &Path) -> Option<u16> {
    let mut text = String::new();
    File::open(path).ok()?.take(PORT_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionId = SessionId([7; 16]);

    /// The demo everybody tries first: two windows of one machine, no network at all.
    #[tokio::test]
    async fn guest_finds_the_port_until_the_host_is_gone() {
        let root = Root::new("found");
        let notice = Notice::post_in(&root.0, &SESSION, 4_711).unwrap();
        let mut discovery = Discovery::start_in(vec![root.0.clone()], SESSION);
        assert_eq!(discovery.next().await.to_string(), "127.0.0.1:4711");
        assert_eq!(find_in(&root.0, &SessionId([8; 16])), []);

        drop(notice);
        assert_eq!(find_in(&root.0, &SESSION), []);
        assert_eq!(fs::read_dir(&root.0).unwrap().count(), 0);
    }

    /// A guest may be there first: it must see the host as soon as it comes.
    #[tokio::test(start_paused = true)]
    async fn guest_waits_for_a_host_that_comes_later() {
        let root = Root::new("later");
        let mut discovery = Discovery::start_in(vec![root.0.clone()], SESSION);
        let looked = tokio::time::timeout(5 * LOOK_EVERY, discovery.next()).await;
        assert!(looked.is_err());
        let _notice = Notice::post_in(&root.0, &SESSION, 4_711).unwrap();
        assert_eq!(discovery.next().await.port(), 4_711);
    }

    /// A host that runs for weeks keeps its notice fresh, and one notice only.
    #[tokio::test(start_paused = true)]
    async fn notice_gets_a_new_name_every_hour() {
        let root = Root::new("renewed");
        let _notice = Notice::post_in(&root.0, &SESSION, 4_711).unwrap();
        let names = || hints(&root.0).map(|(path, _)| path).collect::<Vec<_>>();
        let first = names();
        tokio::time::sleep(Duration::from_micros(NONCE_US_MAX + 1)).await;
        while names() == first {
            tokio::task::yield_now().await;
        }
        assert_eq!(names().len(), 1);
        assert_eq!(find_in(&root.0, &SESSION).len(), 1);
    }

    /// Somebody else's folder could send guests to somebody else's port, or tell who is here.
    #[cfg(unix)]
    #[tokio::test]
    async fn folder_that_others_may_enter_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let root = Root::new("open");
        let notice = Notice::post_in(&root.0, &SESSION, 4_711).unwrap();
        let (folder, file) = (fs::metadata(&root.0).unwrap(), fs::read_dir(&root.0).unwrap().next().unwrap().unwrap());
        let modes = (folder.permissions().mode() & 0o777, file.metadata().unwrap().permissions().mode() & 0o777);
        assert_eq!(modes, (0o700, 0o600));

        fs::set_permissions(&root.0, fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(find_in(&root.0, &SESSION), []);
        let error = Notice::post_in(&root.0, &SESSION, 4_711).unwrap_err();
        assert!(is_not_private(&error, "others may enter it"), "{error}");
        drop(notice);
    }

    /// A link placed under our name would make us write where somebody else wants it.
    #[cfg(unix)]
    #[tokio::test]
    async fn link_in_place_of_the_folder_is_refused() {
        let (target, link) = (Root::new("target"), Root::new("link"));
        drop(Notice::post_in(&target.0, &SESSION, 4_711).unwrap());
        std::os::unix::fs::symlink(&target.0, &link.0).unwrap();
        let error = Notice::post_in(&link.0, &SESSION, 4_711).unwrap_err();
        fs::remove_file(&link.0).unwrap();
        assert!(is_not_private(&error, "it is not a folder"), "{error}");
    }

    /// Crashes leave files behind; what is not a hint is not ours to remove.
    #[tokio::test]
    async fn old_hints_are_swept_and_strange_files_left_alone() {
        let root = Root::new("swept");
        let first = Notice::post_in(&root.0, &SESSION, 1).unwrap();
        let file = first.file.lock().unwrap().clone().unwrap();
        let strange = root.0.join("notes.txt");
        fs::write(&strange, "mine").unwrap();
        for path in [&file, &strange] {
            File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() - 2 * LEFT_BEHIND).unwrap();
        }
        let _second = Notice::post_in(&root.0, &SESSION, 2).unwrap();
        assert!(!file.exists() && strange.exists());
    }

    /// Half-written or tampered files lead nowhere.
    #[tokio::test]
    async fn file_without_a_port_is_ignored() {
        let root = Root::new("garbage");
        let notice = Notice::post_in(&root.0, &SESSION, 4_711).unwrap();
        let file = notice.file.lock().unwrap().clone().unwrap();
        for text in ["", "0", "65536", "-1", "4711\n", "471147114711", "port"] {
            fs::write(&file, text).unwrap();
            assert_eq!(find_in(&root.0, &SESSION), [], "{text:?}");
        }
    }

    fn is_not_private(error: &RendezvousError, why: &str) -> bool {
        matches!(error, RendezvousError::Private(PrivateError::NotPrivate { reason, .. }) if *reason == why)
    }

    struct Root(PathBuf);

    impl Root {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("cahoots-rendezvous-{name}-{}", std::process::id())))
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
