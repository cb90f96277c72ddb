//! The end of the control socket that the running session holds.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::message::{Greeting, Refusal, Reply, Request};
use cahoots::io::private;

/// How the names of sockets begin and end.
const PREFIX: &str = "control-";
const SUFFIX: &str = ".sock";
/// Ends the name of one that does not listen yet.
const UNFINISHED: &str = ".new";
/// Age at which an unfinished one counts as left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(60);
/// Sockets that are looked at; more of them are not ours.
pub(crate) const SOCKETS_MAX: usize = 256;
/// Those who may be connected at one time; the next ones wait.
const CLIENTS_MAX: usize = 8;
/// Longest request, in bytes: a passphrase and a few words fit many times.
const REQUEST_BYTES_MAX: u64 = 65_536;
/// Longest reply: a full session's members and links fit several times.
pub(crate) const REPLY_BYTES_MAX: u64 = 4_194_304;
/// How long a client may take to ask, or to read an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that waits for its reply.
pub(crate) type Asked = (Request, oneshot::Sender<Reply>);

/// A socket that listens. Removed on drop.
#[derive(Debug)]
pub(crate) struct Socket {
    path: PathBuf,
    asked: mpsc::Receiver<Asked>,
    clients: tokio::task::AbortHandle,
}

impl Socket {
    /// Opens a socket in the first of this user's folders that will do.
    pub(crate) fn open(greeting: &Greeting) -> io::Result<Self> {
        let mut result = Err(ErrorKind::NotFound.into());
        for folder in private::folders() {
            result = Self::open_in(&folder, greeting.clone());
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Opens a socket in `folder`, which is made if it is not there. Must be called inside a tokio runtime.
    pub(crate) fn open_in(folder: &Path, greeting: Greeting) -> io::Result<Self> {
        private::make(folder).map_err(io::Error::other)?;
        remove_left_behind(folder, SystemTime::now());
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = random.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let unfinished = folder.join(format!("{PREFIX}{name}{UNFINISHED}"));
        let path = folder.join(format!("{PREFIX}{name}{SUFFIX}"));
        let listener = UnixListener::bind(&unfinished)?;
        // Whoever finds it under its final name finds it listening: one that refuses is dead, and is swept.
        let shown = fs::set_permissions(&unfinished, Permissions::from_mode(0o600))
            .and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = shown {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        let (asker, asked) = mpsc::channel(CLIENTS_MAX);
        let clients = tokio::spawn(accept(listener, greeting, asker)).abort_handle();
        Ok(Self { path, asked, clients })
    }

    /// Waits for the next request. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Asked> {
        self.asked.recv().await
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.clients.abort();
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns the sockets in a folder of this user; none if the folder is not.
pub(crate) fn sockets(folder: &Path) -> Vec<PathBuf> {
    if private::check(folder).is_err() {
        return Vec::new();
    }
    named(folder, SUFFIX)
}

fn named(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let ours = files.filter(|file| {
        file.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(suffix))
    });
    ours.map(|file| file.path()).take(SOCKETS_MAX).collect()
}

/// Removes what crashed processes left: nobody listens there any more.
pub(crate) fn remove_left_behind(folder: &Path, now: SystemTime) {
    for path in sockets(folder) {
        if std::os::unix::net::UnixStream::connect(&path).is_err_and(|error| is_dead(&error)) {
            let _ = fs::remove_file(path);
        }
    }
    for path in named(folder, UNFINISHED) {
        let changed = fs::symlink_metadata(&path).and_then(|file| file.modified()).ok();
        let age = changed.and_then(|date| now.duration_since(date).ok());
        if age.is_some_and(|age| age > LEFT_BEHIND) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Tells whether nobody can be listening any more, as opposed to somebody who is busy.
pub(crate) fn is_dead(error: &io::Error) -> bool {
    error.kind() == ErrorKind::ConnectionRefused
}

async fn accept(listener: UnixListener, greeting: Greeting, asker: mpsc::Sender<Asked>) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if clients.len() < CLIENTS_MAX => match accepted {
                Ok((stream, _)) if is_own(&stream) => {
                    let (greeting, asker) = (greeting.clone(), asker.clone());
                    clients.spawn(async move {
                        // Whoever goes away half way has had the answer, or wants none.
                        if let Err(error) = serve(stream, &greeting, &asker).await {
                            tracing::debug!(%error, "control client");
                        }
                    });
                }
                Ok(_) => tracing::warn!("another user has come to the control socket"),
                // Too many open files, say: it passes.
                Err(error) => {
                    tracing::debug!(%error, "control socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = clients.join_next() => {}
        }
    }
}

/// The folder keeps others out already; this holds even where somebody has opened it.
fn is_own(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|who| who.uid() == private::user_id())
}

async fn serve(stream: UnixStream, greeting: &Greeting, asker: &mpsc::Sender<Asked>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    timeout(PATIENCE, write_line(&mut writer, greeting)).await??;
    while let Some(line) = timeout(PATIENCE, read_line(&mut reader, REQUEST_BYTES_MAX)).await?? {
        let reply = match parse(&line) {
            Ok(request) => {
                let (replier, reply) = oneshot::channel();
                let _ = asker.send((request, replier)).await;
                reply.await.unwrap_or_else(|_| Reply::Refused(Refusal::new("the session is over", "")))
            }
            Err(refusal) => Reply::Refused(refusal),
        };
        timeout(PATIENCE, write_line(&mut writer, &reply)).await??;
    }
    Ok(())
}

fn parse(line: &str) -> Result<Request, Refusal> {
    // The parser's own words could repeat a secret of the request.
    serde_json::from_str(line)
        .map_err(|_| Refusal::new("the session does not know this request", "is it another version of cahoots?"))
}

/// Reads a line of at most `bytes_max`; `None` at the end.
pub(crate) async fn read_line<R: AsyncRead + Unpin>(
    reader: &mut BufReader<R>,
    bytes_max: u64,
) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut limited = (&mut *reader).take(bytes_max);
    limited.read_until(b'\n', &mut line).await?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => String::from_utf8(line).map(Some).map_err(|_| ErrorKind::InvalidData.into()),
        Some(_) => {
            Err(if (line.len() as u64) < bytes_max - 1 { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData }
                .into())
        }
    }
}

/// Writes one object as one line.
pub(crate) async fn write_line<W: AsyncWrite + Unpin>(writer: &mut W, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message).map_err(io::Error::other)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    writer.flush().await
}

/// Parses what the other side said.
pub(crate) fn parsed<T: DeserializeOwned>(line: &str) -> io::Result<T> {
    serde_json::from_str(line).map_err(|_| ErrorKind::InvalidData.into())
}
