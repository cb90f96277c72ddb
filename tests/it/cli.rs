//! The program as people and scripts meet it: real processes, a relay on loopback, pseudo-terminals.

use cahoots::io::pty::Pty;
use cahoots::{PtyCommand, Screen, Size};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

const BIN: &str = env!("CARGO_BIN_EXE_cahoots");
/// How often to look again for something that has to come.
const AGAIN: Duration = Duration::from_millis(20);
/// Ctrl-], which begins the viewer's own commands.
const PREFIX: &str = "\x1d";

/// The whole story: a guest sees what runs, types into it, talks, and leaves with its exit status.
#[test]
fn guest_sees_types_and_gets_the_exit_status() {
    let relay = Relay::start();
    let mut host = Running::start(&["share", "--json", "--no-lan", "--relay", &relay.address, "--", "cat"]);
    let links = host.wait_for("sharing")["links"].clone();
    let mut guest =
        Running::start(&["join", "--json", "--until-exit", "--no-lan", "--file", &file("story", &links["interact"])]);
    assert_eq!(guest.wait_for("in")["access"], "interact");
    assert_eq!(host.wait_for("joined")["access"], "interact");

    guest.ask(r#"{"do":"type","text":"hello\r"}"#);
    guest.wait_for_line("hello");
    guest.ask(r#"{"do":"say","text":"bye"}"#);
    assert_eq!(host.wait_for("message")["text"], "bye");
    guest.ask(r#"{"do":"type","text":"\u0004"}"#);
    assert_eq!(guest.wait_for("ended")["exit"], 0);
    assert_eq!(host.wait_for("ended")["exit"], 0);
    assert_eq!((guest.status(), host.status()), (0, 0));
}

/// Scripts and shells act on the status: it has to be the shared command's own.
#[test]
fn share_passes_the_exit_status_on() {
    let output = run(&["share", "-q", "--headless", "--no-lan", "--", "sh", "-c", "exit 7"]);
    assert_eq!(output.status.code(), Some(7));
}

/// `link=$(cahoots share -q …)` must get a link and not a word more.
#[test]
fn quiet_share_prints_one_link_and_nothing_else() {
    for (access, prefix) in [("view", "cahoots://join#chr1"), ("interact", "cahoots://join#chi1")] {
        let output = run(&["share", "-q", "--access", access, "--headless", "--no-lan", "--", "true"]);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.starts_with(prefix) && printed.ends_with('\n') && printed.lines().count() == 1, "{printed}");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Who may only look is told so, by words and by status, and nothing reaches the program.
#[test]
fn view_link_shows_but_does_not_type() {
    let relay = Relay::start();
    let program = "printf 'only for\\nlooking'; exec cat";
    let mut host =
        Running::start(&["share", "--json", "--no-lan", "--relay", &relay.address, "--", "sh", "-c", program]);
    let link = file("view", &host.wait_for("sharing")["links"]["view"]);
    let screen = run(&["join", "--dump", "--no-lan", "--file", &link]);
    assert_eq!(String::from_utf8(screen.stdout).unwrap(), "only for\nlooking\n");

    let typing = run_with_stdin(&["join", "--type", "--no-lan", "--file", &link], "x\n");
    assert_eq!(typing.status.code(), Some(1));
    let told = ["error: this link is for viewing: it cannot type", "hint: ask the host for an interact link"];
    assert_eq!(errors(&typing), told);
    let after = run(&["join", "--dump", "--no-lan", "--file", &link]);
    assert_eq!(String::from_utf8(after.stdout).unwrap(), "only for\nlooking\n");
}

/// An error says what happened and what to do; whoever is wrong on the command line gets status 2.
#[test]
fn errors_come_with_a_hint_and_a_status() {
    let wrong = run_with_stdin(&["join", "--dump"], "chr1zqjk7smm\n");
    assert_eq!(wrong.status.code(), Some(1));
    let lines = errors(&wrong);
    assert!(lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with("hint: "), "{lines:?}");
    assert_eq!(run(&["share", "--expires", "30"]).status.code(), Some(2));
    assert_eq!(run(&["share", "-q", "--headless", "--no-lan", "--", "/nonexistent"]).status.code(), Some(1));
}

/// The host works on as ever: what it types reaches the program, and its terminal is itself again at the end.
#[tokio::test]
async fn share_is_transparent_and_gives_the_terminal_back() {
    let program = r"printf '\033[?2004h\033[?1049h\033[?25lready'; read line; exit $(( ${#line} ))";
    let mut host = Window::open(&["share", "--no-lan", "--", "sh", "-c", program]);
    host.wait_for("ready").await;
    assert!(host.screen.modes().alternate);
    host.send("four\r").await;
    assert_eq!(host.closed().await, 4);
    let modes = host.screen.modes();
    assert!(!modes.alternate && !modes.bracketed_paste && host.screen.cursor().is_some());
    assert!(host.screen.text().iter().any(|line| line == "session ended"), "{:?}", host.screen.text());
}

/// The viewer shows, types and talks, and leaves nothing behind on the guest's terminal.
#[tokio::test]
async fn viewer_shows_types_and_leaves_without_a_trace() {
    let relay = Relay::start();
    let mut host =
        Running::start(&["share", "--json", "--no-lan", "--relay", &relay.address, "--size", "40x6", "--", "cat"]);
    let link = file("viewer", &host.wait_for("sharing")["links"]["interact"]);
    let mut guest = Window::open(&["join", "--no-lan", "--name", "Ben", "--file", &link]);
    guest.wait_for("└──").await;
    guest.send("typed by a guest\r").await;
    guest.wait_for("typed by a guest").await;
    assert_eq!(host.wait_for("joined")["name"], "Ben");

    guest.send(&format!("{PREFIX}c")).await;
    guest.wait_for("nothing was said yet").await;
    guest.send("hello\r").await;
    assert_eq!(host.wait_for("message")["text"], "hello");
    guest.send(&format!("{PREFIX}q")).await;
    assert_eq!(guest.closed().await, 0);
    assert!(!guest.screen.modes().alternate && !guest.screen.modes().bracketed_paste);
    assert_eq!(guest.screen.text().concat(), "", "nothing of the session stays on the screen");
}

/// A service manager sends SIGTERM; a window that is closed sends SIGHUP. Neither may leave a raw terminal.
#[tokio::test]
async fn signal_puts_the_terminal_right() {
    let mut host = Window::open(&["share", "--no-lan", "--", "sh", "-c", "kill -TERM $PPID; exec cat"]);
    assert_eq!(host.closed().await, 128 + 15);
    assert!(!host.screen.modes().bracketed_paste);
}

/// A command whose end is waited for at the latest when the test is over.
struct Running {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, stdin, stdout: BufReader::new(stdout) }
    }

    /// Reads records up to the next one of this kind.
    fn wait_for(&mut self, event: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended before `{event}`");
            let record: Value = serde_json::from_str(&line).unwrap();
            if record["event"] == event {
                return record;
            }
        }
    }

    fn ask(&mut self, request: &str) {
        writeln!(self.stdin, "{request}").unwrap();
    }

    /// Asks for the screen until it has this line.
    fn wait_for_line(&mut self, line: &str) {
        loop {
            self.ask(r#"{"do":"screen"}"#);
            let screen = self.wait_for("screen");
            if screen["lines"].as_array().unwrap().iter().any(|shown| shown == line) {
                return;
            }
            std::thread::sleep(AGAIN);
        }
    }

    fn status(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Relay {
    _process: Running,
    address: String,
}

impl Relay {
    fn start() -> Self {
        let mut process = Running::start(&["relay", "--json", "--listen", "127.0.0.1:0"]);
        let address = process.wait_for("relay")["address"].as_str().unwrap().to_owned();
        Self { _process: process, address }
    }
}

/// The program in a terminal of its own, with what that terminal shows.
struct Window {
    pty: Pty,
    screen: Screen,
}

impl Window {
    fn open(args: &[&str]) -> Self {
        let size = Size { cols: 100, rows: 30 };
        let pty = Pty::spawn(PtyCommand {
            program: Some(BIN.into()),
            args: args.iter().map(Into::into).collect(),
            size,
            ..PtyCommand::default()
        });
        Self { pty: pty.unwrap(), screen: Screen::new(size) }
    }

    async fn wait_for(&mut self, text: &str) {
        while !self.screen.text().iter().any(|line| line.contains(text)) {
            let output = self.pty.read().await;
            let Some(output) = output else { panic!("ended before `{text}`: {:?}", self.screen.text()) };
            self.screen.write(&output);
        }
    }

    async fn send(&self, text: &str) {
        assert!(self.pty.writer().write(text.to_owned().into()).await);
    }

    /// Waits for the end and returns the exit status.
    async fn closed(&mut self) -> i32 {
        while let Some(output) = self.pty.read().await {
            self.screen.write(&output);
        }
        self.pty.wait().await.0
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(args);
    for name in ["CAHOOTS_LINK", "CAHOOTS_RELAY", "CAHOOTS_SESSION", "CAHOOTS_LOG"] {
        command.env_remove(name);
    }
    command
}

fn run(args: &[&str]) -> Output {
    command(args).stdin(Stdio::null()).output().unwrap()
}

fn run_with_stdin(args: &[&str], stdin: &str) -> Output {
    let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn errors(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
}

/// Writes a link to a file of its own, as a careful user does, and returns the file's name.
fn file(name: &str, link: &Value) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.link"));
    std::fs::write(&path, link.as_str().unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}
