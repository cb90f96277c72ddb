//! A child process that is heard to the last line and never outlives its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{found, text};
use crate::threats::overheard;

/// A running child. Dropping it kills it, whatever state it is in.
pub(crate) struct Process {
    command: String,
    child: Child,
    stdin: Option<ChildStdin>,
    out: Lines,
    err: Lines,
}

/// How a child has ended, and all that it said.
#[derive(Debug)]
pub(crate) struct End {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<String>,
    pub(crate) err: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        overheard::learn_from_args(command.get_args());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (out, err) = (Lines::read(out.expect("it is piped")), Lines::read(err.expect("it is piped")));
        Self { command: format!("{command:?}"), child, stdin, out, err }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line to its stdin.
    pub(crate) fn write(&mut self, line: &str) {
        overheard::learn(line);
        let stdin = self.stdin.as_mut().expect("stdin is open");
        // A child that has ended already says why at its end.
        let _ = writeln!(stdin, "{line}");
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Asks `cahoots join --json` to do something.
    pub(crate) fn ask(&mut self, request: &Value) {
        self.write(&request.to_string());
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.ask(&json!({ "do": "type", "text": text }));
    }

    /// Returns the lines that it has written to stdout so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.out.all()
    }

    /// Returns what it has written to stdout so far, each line parsed.
    pub(crate) fn records(&self) -> Vec<Value> {
        let parse = |line: &String| {
            let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
            assert!(record["event"].is_string(), "a record without a name: {line}");
            record
        };
        self.out.all().iter().map(parse).collect()
    }

    /// Waits for a record.
    pub(crate) async fn record(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.record_after(0, what, is_it).await
    }

    async fn record_after(&self, seen: usize, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut is_over = false;
        found(what, || {
            let record = self.records().into_iter().skip(seen).find(|record| is_it(record));
            assert!(record.is_some() || !is_over, "ended before {what}: {}", self.said());
            // Looked at once more after its end: the last lines are read by another thread.
            is_over = self.out.is_over();
            record
        })
        .await
    }

    /// Asks `cahoots join --json` for its screen.
    pub(crate) async fn screen(&mut self) -> Value {
        let seen = self.out.all().len();
        self.ask(&json!({ "do": "screen" }));
        self.record_after(seen, "the screen", |record| record["event"] == "screen").await
    }

    /// Waits until a line of its screen is `line`.
    pub(crate) async fn shows(&mut self, line: &str) -> Value {
        for _ in 0..2_000 {
            let screen = self.screen().await;
            if screen["lines"].as_array().expect("a screen has lines").iter().any(|shown| text(shown) == line) {
                return screen;
            }
            tokio::time::sleep(super::LOOK_EVERY).await;
        }
        panic!("never shown: {line:?}, but {}", self.said());
    }

    /// Waits for its end.
    pub(crate) async fn end(&mut self) -> End {
        let what = format!("the end of process {}", self.id());
        let status: ExitStatus = found(&what, || self.child.try_wait().expect("it is our child")).await;
        found(&what, || (self.out.is_over() && self.err.is_over()).then_some(())).await;
        End { code: status.code(), out: self.out.all(), err: self.err.all().join("\n") }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the child was not waited for yet");
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn errors(&self) -> String {
        self.err.all().join("\n")
    }

    fn said(&self) -> String {
        let out = self.out.all();
        let last = out.len().saturating_sub(12);
        format!("\nstdout: …\n{}\nstderr:\n{}", out[last..].join("\n"), self.errors())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return self.kill();
        }
        overheard::check_children(self.id());
        self.kill();
        // What it has said last is read by other threads.
        let start = Instant::now();
        while !(self.out.is_over() && self.err.is_over()) && start.elapsed() < super::LOOK_EVERY * 20 {
            std::thread::sleep(super::LOOK_EVERY);
        }
        overheard::check(&self.command, &self.out.all().join("\n"), &self.errors());
    }
}

/// Lines that a thread reads as they come.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<(Vec<String>, bool)>>);

impl Lines {
    fn read(source: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let filled = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
                filled.with(|(all, _)| all.push(String::from_utf8_lossy(&line).into_owned()));
            }
            filled.with(|(_, is_over)| *is_over = true);
        });
        lines
    }

    fn with<R>(&self, call: impl FnOnce(&mut (Vec<String>, bool)) -> R) -> R {
        call(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn all(&self) -> Vec<String> {
        self.with(|(all, _)| all.clone())
    }

    fn is_over(&self) -> bool {
        self.with(|(_, is_over)| *is_over)
    }
}
