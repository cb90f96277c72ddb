//! The end of the control socket that `cahoots links` and its siblings hold: finds the session and asks it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::message::{Greeting, Refusal, Reply, Request, VERSION};
use super::socket::{REPLY_BYTES_MAX, is_dead, parsed, read_line, sockets, write_line};
use crate::text::Failure;
use cahoots::io::private;

/// How long a session may take to say who it is.
const GREETING: Duration = Duration::from_secs(2);
/// How long it may take to do what it was asked: a passphrase takes a second, an audit of a long session some more.
const ANSWER: Duration = Duration::from_secs(60);
/// Digits of a session's id that tell it from others.
const SHORT: usize = 8;

/// A session of this user that runs right now.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) greeting: Greeting,
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Running {
    /// Asks for something and waits for the answer. A refusal is an error, as the session words it.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<Reply, Failure> {
        let lost = |_| Failure::new("the session did not answer").hint("is `cahoots share` still running?");
        let exchange = async {
            write_line(&mut self.writer, request).await?;
            let line = read_line(&mut self.reader, REPLY_BYTES_MAX).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            parsed(&line)
        };
        match timeout(ANSWER, exchange).await {
            Ok(Ok(Reply::Refused(Refusal { error, hint }))) => Err(Failure::new(error).hint(hint)),
            Ok(reply) => reply.map_err(lost),
            Err(elapsed) => Err(lost(elapsed.into())),
        }
    }
}

/// Returns the sessions that this user shares on this machine, in the order of their ids.
pub(crate) async fn sessions() -> Vec<Running> {
    sessions_in(&private::folders()).await
}

async fn sessions_in(folders: &[PathBuf]) -> Vec<Running> {
    let mut found = Vec::new();
    for path in folders.iter().flat_map(|folder| sockets(folder)) {
        match timeout(GREETING, greet(&path)).await {
            Ok(Ok(running)) => found.push(running),
            Ok(Err(error)) if is_dead(&error) => drop(fs::remove_file(path)),
            _ => {}
        }
    }
    found.sort_by(|one, other| one.greeting.session.cmp(&other.greeting.session));
    found
}

async fn greet(path: &Path) -> io::Result<Running> {
    let stream = UnixStream::connect(path).await?;
    if stream.peer_cred()?.uid() != private::user_id() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (reader, writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let line = read_line(&mut reader, REPLY_BYTES_MAX).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Running { greeting: parsed(&line)?, reader, writer })
}

/// Finds the session that is meant: the named one, else the one that this shell is in, else the only one.
pub(crate) async fn find(named: Option<&str>) -> Result<Running, Failure> {
    let here = std::env::var("CAHOOTS_SESSION").ok();
    choose(sessions().await, named, here.as_deref())
}

fn choose(sessions: Vec<Running>, named: Option<&str>, here: Option<&str>) -> Result<Running, Failure> {
    let inside = here.filter(|here| sessions.iter().any(|running| running.greeting.session == *here));
    let wanted = named.map(str::to_lowercase).or(inside.map(str::to_owned)).unwrap_or_default();
    let (mut fitting, others): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|running| running.greeting.session.starts_with(&wanted));
    let running = match (fitting.pop(), fitting.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            fitting.push(last);
            let problem = format!("{} sessions are shared here: --session says which", fitting.len());
            return Err(Failure::new(problem).hint(list(&fitting)));
        }
        (None, _) if others.is_empty() => {
            return Err(Failure::new("you share no session on this machine").hint("run `cahoots share` first"));
        }
        (None, _) => return Err(Failure::new(format!("no session begins with {wanted}")).hint(list(&others))),
    };
    if running.greeting.cahoots != VERSION {
        let problem = format!("the session speaks version {} of the control protocol", running.greeting.cahoots);
        return Err(Failure::new(problem).hint(format!("this program speaks version {VERSION}: use the same cahoots")));
    }
    Ok(running)
}

fn list(sessions: &[Running]) -> String {
    let mut list = String::from("--session");
    for (n, Running { greeting, .. }) in sessions.iter().enumerate() {
        let id: String = greeting.session.chars().take(SHORT).collect();
        let title = cahoots::sanitise_line(&greeting.title, 40);
        let _ = write!(list, "{} {id} ({title})", if n == 0 { "" } else { ", or" });
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::socket::{Asked, Socket, remove_left_behind};
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;
    use tokio::io::AsyncWriteExt;

    fn greeting(session: &str) -> Greeting {
        Greeting { cahoots: VERSION, session: session.into(), title: format!("title of {session}"), pid: 1 }
    }

    /// Answers everything with `Done`.
    fn serve(mut socket: Socket) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            while let Some((_, replier)) = socket.next().await {
                let _ = replier.send(Reply::Done);
            }
        })
    }

    /// The socket can change who may type as the user: nobody else may so much as look at it.
    #[tokio::test]
    async fn socket_is_the_users_alone_and_gone_afterwards() {
        let root = Root::new("own");
        let socket = Socket::open_in(&root.0, greeting("3f")).unwrap();
        let paths = sockets(&root.0);
        let [path] = paths.as_slice() else { panic!("one socket: {paths:?}") };
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&root.0), mode(path)), (0o700, 0o600));
        assert!(!path.to_str().unwrap().contains("3f3f"), "its name says nothing");

        fs::set_permissions(&root.0, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(sessions_in(std::slice::from_ref(&root.0)).await.is_empty(), "a folder that others may enter");
        fs::set_permissions(&root.0, fs::Permissions::from_mode(0o700)).unwrap();
        drop(socket);
        assert_eq!(fs::read_dir(&root.0).unwrap().count(), 0);
    }

    /// A session that crashed must neither be found nor be in the way of the next.
    #[tokio::test]
    async fn dead_socket_is_swept() {
        let root = Root::new("dead");
        private::make(&root.0).unwrap();
        for name in ["control-dead.sock", "control-dead.new"] {
            drop(std::os::unix::net::UnixListener::bind(root.0.join(name)).unwrap());
        }
        let strange = root.0.join("control.txt");
        fs::write(&strange, "mine").unwrap();
        let _socket = Socket::open_in(&root.0, greeting("3f")).unwrap();
        assert_eq!(sockets(&root.0).len(), 1);
        assert!(root.0.join("control-dead.new").exists(), "it may be about to listen");
        remove_left_behind(&root.0, SystemTime::now() + Duration::from_secs(3_600));
        assert!(strange.exists() && !root.0.join("control-dead.new").exists());
        assert_eq!(sessions_in(std::slice::from_ref(&root.0)).await.len(), 1);
    }

    /// One is found by itself; of several the person has to say which, and is told how.
    #[tokio::test]
    async fn session_is_found_or_asked_for() {
        let root = Root::new("several");
        let folders = std::slice::from_ref(&root.0);
        let none = choose(sessions_in(folders).await, None, None).unwrap_err();
        assert!(format!("{none:?}").contains("you share no session"), "{none:?}");

        let first = serve(Socket::open_in(&root.0, greeting("3f0123456789")).unwrap());
        let mut only = choose(sessions_in(folders).await, None, Some("elsewhere")).unwrap();
        assert_eq!(only.ask(&Request::Panic).await.unwrap(), Reply::Done);

        let second = serve(Socket::open_in(&root.0, greeting("3fab")).unwrap());
        let several = choose(sessions_in(folders).await, None, None).unwrap_err();
        let told = format!("{several:?}");
        assert!(told.contains("--session 3f012345 (title of 3f0123456789), or 3fab (title of 3fab)"), "{told}");
        for (named, here, found) in
            [(Some("3FA"), None, "3fab"), (None, Some("3fab"), "3fab"), (Some("3f0"), Some("3fab"), "3f0123456789")]
        {
            assert_eq!(choose(sessions_in(folders).await, named, here).unwrap().greeting.session, found);
        }
        assert!(choose(sessions_in(folders).await, Some("77"), None).is_err());
        first.abort();
        second.abort();
    }

    /// A program of the same user that talks nonsense must not stop the session's owner, or fill its memory.
    #[tokio::test]
    async fn nonsense_is_answered_and_endless_lines_are_cut() {
        let root = Root::new("nonsense");
        let _server = serve(Socket::open_in(&root.0, greeting("3f")).unwrap());
        let path = sockets(&root.0).remove(0);
        let mut running = greet(&path).await.unwrap();
        running.writer.write_all(b"{\"do\":\"explode\",\"secret\":\"hunter2\"}\n").await.unwrap();
        let line = read_line(&mut running.reader, REPLY_BYTES_MAX).await.unwrap().unwrap();
        assert!(line.contains("refused") && !line.contains("hunter2"), "{line}");

        let mut endless = greet(&path).await.unwrap();
        let written = endless.writer.write_all(&vec![b'a'; 1 << 20]).await;
        assert!(written.is_err() || read_line(&mut endless.reader, REPLY_BYTES_MAX).await.ok().flatten().is_none());
        assert_eq!(running.ask(&Request::Panic).await.unwrap(), Reply::Done);
    }

    /// Eight windows that hang must not lock the ninth out for longer than they may take.
    #[tokio::test(start_paused = true)]
    async fn silent_clients_make_room() {
        let root = Root::new("silent");
        let (asker, mut asked) = tokio::sync::mpsc::channel::<Asked>(8);
        let mut socket = Socket::open_in(&root.0, greeting("3f")).unwrap();
        let server = tokio::spawn(async move {
            while let Some(request) = socket.next().await {
                asker.send(request).await.unwrap();
            }
        });
        let path = sockets(&root.0).remove(0);
        let mut silent = Vec::new();
        for _ in 0..8 {
            silent.push(greet(&path).await.unwrap());
        }
        let mut ninth = greet(&path).await.unwrap();
        let answer = tokio::spawn(async move { ninth.ask(&Request::Panic).await });
        let (request, replier) = asked.recv().await.unwrap();
        assert_eq!(request, Request::Panic);
        replier.send(Reply::Done).unwrap();
        assert_eq!(answer.await.unwrap().unwrap(), Reply::Done);
        server.abort();
    }

    struct Root(PathBuf);

    impl Root {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("cahoots-control-{name}-{}", std::process::id())))
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
