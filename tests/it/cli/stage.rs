//! What the tests of the program have in common: processes, a relay, terminals, and a home that each test has alone.

use crate::threats::overheard;
use cahoots::io::pty::Pty;
use cahoots::{PtyCommand, Screen, Size};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

const BIN: &str = env!("CARGO_BIN_EXE_cahoots");
/// How often to look again for something that has to come.
const AGAIN: Duration = Duration::from_millis(20);

/// A command whose end is waited for at the latest when the test is over.
pub(super) struct Running {
    command: String,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// What was read of stdout.
    heard: String,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    pub(super) fn start(args: &[&str]) -> Self {
        Self::spawn(command(args))
    }

    fn spawn(mut command: Command) -> Self {
        overheard::learn_from_args(command.get_args());
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let stderr = child.stderr.take().unwrap();
        let stderr = Some(std::thread::spawn(move || std::io::read_to_string(stderr).unwrap_or_default()));
        Self { command: format!("{command:?}"), child, stdin, stdout, heard: String::new(), stderr }
    }

    /// Reads records up to the next one of this kind.
    pub(super) fn wait_for(&mut self, event: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it ended before `{event}`");
            self.heard.push_str(&line);
            let record: Value = serde_json::from_str(&line).unwrap();
            if record["event"] == event {
                return record;
            }
        }
    }

    pub(super) fn ask(&mut self, request: &str) {
        writeln!(self.stdin, "{request}").unwrap();
    }

    /// Asks for the screen until it has this line.
    pub(super) fn wait_for_line(&mut self, line: &str) {
        loop {
            self.ask(r#"{"do":"screen"}"#);
            let screen = self.wait_for("screen");
            if screen["lines"].as_array().unwrap().iter().any(|shown| shown == line) {
                return;
            }
            std::thread::sleep(AGAIN);
        }
    }

    pub(super) fn status(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let is_failing = std::thread::panicking();
        if !is_failing {
            overheard::check_children(self.child.id());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !is_failing {
            let _ = self.stdout.read_to_string(&mut self.heard);
            let stderr = self.stderr.take().and_then(|stderr| stderr.join().ok()).unwrap_or_default();
            overheard::check(&self.command, &self.heard, &stderr);
        }
    }
}

pub(super) struct Relay {
    _process: Running,
    pub(super) address: String,
}

impl Relay {
    pub(super) fn start() -> Self {
        let mut process = Running::start(&["relay", "--json", "--listen", "127.0.0.1:0"]);
        let address = process.wait_for("relay")["address"].as_str().unwrap().to_owned();
        Self { _process: process, address }
    }
}

/// The program in a terminal of its own, with what that terminal shows.
pub(super) struct Window {
    pty: Pty,
    pub(super) screen: Screen,
}

impl Window {
    pub(super) fn open(args: &[&str]) -> Self {
        Self::open_with(args, Vec::new())
    }

    fn open_with(args: &[&str], env: Vec<(OsString, OsString)>) -> Self {
        let size = Size { cols: 100, rows: 30 };
        let pty = Pty::spawn(PtyCommand {
            program: Some(BIN.into()),
            args: args.iter().map(Into::into).collect(),
            env,
            size,
            ..PtyCommand::default()
        });
        Self { pty: pty.unwrap(), screen: Screen::new(size) }
    }

    pub(super) async fn wait_for(&mut self, text: &str) {
        while !self.screen.text().iter().any(|line| line.contains(text)) {
            let output = self.pty.read().await;
            let Some(output) = output else { panic!("ended before `{text}`: {:?}", self.screen.text()) };
            self.screen.write(&output);
        }
    }

    pub(super) async fn send(&self, text: &str) {
        assert!(self.pty.writer().write(text.to_owned().into()).await);
    }

    /// Answers a question on the last line with a key until it counts: a question takes no key at first.
    pub(super) async fn press_until(&mut self, key: &str, is_done: impl Fn() -> bool) {
        while !is_done() {
            self.send(key).await;
            let rest = tokio::time::sleep(Duration::from_secs(1));
            tokio::pin!(rest);
            loop {
                tokio::select! {
                    output = self.pty.read() => self.screen.write(&output.expect("it goes on")),
                    () = &mut rest => break,
                }
            }
        }
    }

    /// Presses a key again and again until a text is shown.
    pub(super) async fn press_until_shown(&mut self, key: &str, text: &str) {
        while !self.screen.text().iter().any(|line| line.contains(text)) {
            self.send(key).await;
            // The answer to the key, or nothing: then what is to come is still under way.
            if let Ok(output) = tokio::time::timeout(AGAIN * 5, self.pty.read()).await {
                self.screen.write(&output.expect("it goes on"));
            }
        }
    }

    /// Waits for the end and returns the exit status.
    pub(super) async fn closed(&mut self) -> i32 {
        while let Some(output) = self.pty.read().await {
            self.screen.write(&output);
        }
        self.pty.wait().await.0
    }
}

pub(super) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(args);
    for name in ["CAHOOTS_LINK", "CAHOOTS_RELAY", "CAHOOTS_SESSION", "CAHOOTS_LOG"] {
        command.env_remove(name);
    }
    command
}

pub(super) fn run(args: &[&str]) -> Output {
    finish(&mut command(args))
}

/// Runs a command to its end, and has all that it said searched for secrets.
fn finish(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    overheard::check_output(command, &output);
    output
}

/// A folder that stands for a user's runtime folder: the sessions of one test are not found by another.
pub(super) struct Home(PathBuf);

impl Home {
    pub(super) fn new(name: &str) -> Self {
        // Short: the path of a socket has 108 bytes.
        let path = std::env::temp_dir().join(format!("ch-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        // The second is where sessions are looked for besides.
        command.env("XDG_RUNTIME_DIR", &self.0).env("TMPDIR", &self.0);
        command
    }

    pub(super) fn start(&self, args: &[&str]) -> Running {
        Running::spawn(self.command(args))
    }

    pub(super) fn run(&self, args: &[&str]) -> Output {
        finish(&mut self.command(args))
    }

    /// Runs a command that has to succeed, and returns what it printed.
    pub(super) fn says(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", errors(&output).join("\n"));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that has to succeed, and returns its records.
    pub(super) fn records(&self, args: &[&str]) -> Vec<Value> {
        self.says(args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs a command that has to fail, and returns its two lines.
    pub(super) fn refuses(&self, args: &[&str]) -> Vec<String> {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        errors(&output)
    }

    pub(super) fn window(&self, args: &[&str]) -> Window {
        let env = ["XDG_RUNTIME_DIR", "TMPDIR"].map(|name| (name.into(), self.0.clone().into()));
        Window::open_with(args, env.to_vec())
    }

    /// Writes a secret to a file, as a careful user does, and returns the file's name.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        overheard::learn(text);
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn run_with_stdin(args: &[&str], stdin: &str) -> Output {
    overheard::learn(stdin);
    let mut command = command(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    overheard::check_output(&command, &output);
    output
}

pub(super) fn errors(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
}

/// Writes a link to a file of its own, as a careful user does, and returns the file's name.
pub(super) fn file(name: &str, link: &Value) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.link"));
    std::fs::write(&path, link.as_str().unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}
