//! A program on a pseudo-terminal of its own, as the host runs it.
//!
//! [`PtyCommand`] -> [`Pty`]: output comes out of [`Pty::read`], input goes into a [`PtyWriter`]
//!
//! Always: reading and writing block threads of their own, never the runtime; both hand over by bounded channels, so
//! a flood waits in the kernel and a program that reads nothing costs at most 64 inputs. What the
//! program wrote before its end comes out before the end does. A dropped [`Pty`] takes its program along.

use crate::proto::terminal::Size;
use bytes::{Bytes, BytesMut};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc as thread_mpsc};
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Chunks of output that wait for the host, each of at most [`READ_BYTES`].
const OUTPUT_QUEUE_LEN: usize = 16;
/// Inputs that wait for the program, each of at most 16 KiB: see `limits::INPUT_BYTES_MAX`.
const INPUT_QUEUE_LEN: usize = 64;
/// Bytes asked of the kernel at a time; Linux hands out at most 4,096.
const READ_BYTES: usize = 16_384;
/// How often to look whether a program has ended while others hold its terminal open; without them it shows at once.
const LOOK_INTERVAL_MAX: Duration = Duration::from_millis(200);
/// The first of the intervals after news; each is twice the one before.
const LOOK_INTERVAL_MIN: Duration = Duration::from_millis(1);
/// Silence after a program's end that counts as the end of its output, where others keep the terminal open.
const DRAIN_SILENCE: Duration = Duration::from_millis(200);
/// How long to wait for output after a program's end in all; those others may go on for ever, slowly
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// or fast. More than this the kernel does not hold back, so what follows is not the program's.
const DRAIN_BYTES_MAX: usize = 1_048_576;

/// What to run, and where.
#[derive(Clone, Debug, Default)]
pub struct PtyCommand {
    /// The program; the user's shell if there is none.
    pub program: Option<OsString>,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its working folder; ours if there is none.
    pub cwd: Option<PathBuf>,
    /// Variables to set beside those that we have ourselves.
    pub env: Vec<(OsString, OsString)>,
    /// The size of its terminal.
    pub size: Size,
}

/// How a program has ended: its exit status, 128 and the signal's number if one ended it, -1 if nobody can tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExitStatus(pub i32);

/// A program on a terminal.
pub struct Pty {
    master: Mutex<Box<dyn MasterPty + Send>>,
    output: mpsc::Receiver<Bytes>,
    input: PtyWriter,
    keeper: thread_mpsc::Sender<ToKeeper>,
    exit: watch::Receiver<Option<ExitStatus>>,
    /// When the reader noticed the end, and the bytes since.
    ended: Option<(Instant, usize)>,
}

/// Types into a program; cheap to clone.
#[derive(Clone, Debug)]
pub struct PtyWriter(mpsc::Sender<Bytes>);

/// What the thread that keeps a program has to know.
enum ToKeeper {
    /// The terminal has no other end any more.
    OutputEnded,
    /// The program has to end.
    Kill,
}

impl Pty {
    /// Starts a program.
    ///
    /// Its environment is ours with `TERM=xterm-256color` and `CAHOOTS=1`, and what `command` adds.
    ///
    /// # Errors
    ///
    /// What the system says: mostly that there is no such program or no pseudo-terminal left.
    pub fn spawn(command: PtyCommand) -> io::Result<Self> {
        let pair = portable_pty::native_pty_system().openpty(pty_size(command.size)).map_err(io::Error::other)?;
        let child = pair.slave.spawn_command(builder(command)?).map_err(io::Error::other)?;
        // With our copy of the program's end open the output would never end.
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().map_err(io::Error::other)?;
        let writer = pair.master.take_writer().map_err(io::Error::other)?;
        let (output_tx, output) = mpsc::channel(OUTPUT_QUEUE_LEN);
        let (input, input_rx) = mpsc::channel(INPUT_QUEUE_LEN);
        let (keeper, keeper_rx) = thread_mpsc::channel();
        let (exit_tx, exit) = watch::channel(None);
        let output_ended = keeper.clone();
        thread::Builder::new().name("pty-keep".into()).spawn(move || keep(child, &keeper_rx, &exit_tx))?;
        thread::Builder::new().name("pty-read".into()).spawn(move || {
            read_all(reader, &output_tx);
            let _ = output_ended.send(ToKeeper::OutputEnded);
        })?;
        thread::Builder::new().name("pty-write".into()).spawn(move || write_all(writer, input_rx))?;
        Ok(Self { master: Mutex::new(pair.master), output, input: PtyWriter(input), keeper, exit, ended: None })
    }

    /// Waits for output; `None` after the last, and only once the program has ended.
    ///
    /// A caller that does not come back makes the program wait. Cancel safe.
    pub async fn read(&mut self) -> Option<Bytes> {
        if self.ended.is_none() {
            let chunk = tokio::select! {
                biased;
                chunk = self.output.recv() => chunk,
                _ = exited(&mut self.exit) => None,
            };
            if chunk.is_some() {
                return chunk;
            }
            self.wait().await;
        }
        self.drain().await
    }

    /// Reads on after the end, as long as there is something and it is likely the program's own.
    async fn drain(&mut self) -> Option<Bytes> {
        let (ended_at, drained_bytes) = self.ended.get_or_insert_with(|| (Instant::now(), 0));
        let deadline = (Instant::now() + DRAIN_SILENCE).min(*ended_at + DRAIN_MAX);
        let chunk = tokio::select! {
            biased;
            chunk = self.output.recv() => chunk.filter(|_| *drained_bytes < DRAIN_BYTES_MAX),
            () = sleep_until(deadline) => None,
        };
        match &chunk {
            Some(chunk) => *drained_bytes += chunk.len(),
            None => self.output.close(),
        }
        chunk
    }

    /// Returns a writer to the program.
    #[must_use]
    pub fn writer(&self) -> PtyWriter {
        self.input.clone()
    }

    /// Changes the size of the terminal to the nearest allowed one and tells the program.
    ///
    /// # Errors
    ///
    /// What the system says; a program that has ended is no error.
    pub fn resize(&self, size: Size) -> io::Result<()> {
        let master = self.master.lock().unwrap_or_else(PoisonError::into_inner);
        master.resize(pty_size(size)).map_err(io::Error::other)
    }

    /// Waits for the program's end. Its last output may still be unread.
    pub async fn wait(&self) -> ExitStatus {
        exited(&mut self.exit.clone()).await
    }

    /// Hangs up on the program, and ends it for good if it does not go by itself at once.
    ///
    /// Its death tells what runs in the foreground of its terminal, as when a terminal window closes.
    pub fn kill(&self) {
        // Without a keeper the program has ended.
        let _ = self.keeper.send(ToKeeper::Kill);
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        self.kill();
    }
}

impl PtyWriter {
    /// Types `bytes` into the program once there is room, and tells whether it still takes any.
    ///
    /// It does not once it has ended. Cancelled, nothing was typed.
    pub async fn write(&self, bytes: Bytes) -> bool {
        self.0.send(bytes).await.is_ok()
    }

    /// Types `bytes` into the program, and tells whether they were taken.
    ///
    /// They are not if the program has ended, or has not read for so long that too much waits for it already.
    #[must_use]
    pub fn try_write(&self, bytes: Bytes) -> bool {
        self.0.try_send(bytes).is_ok()
    }
}

/// Waits until the status is known.
async fn exited(exit: &mut watch::Receiver<Option<ExitStatus>>) -> ExitStatus {
    let status = exit.wait_for(Option::is_some).await.ok().and_then(|status| *status);
    // The keeper always tells before it goes.
    status.unwrap_or(ExitStatus(-1))
}

fn pty_size(size: Size) -> PtySize {
    let Size { cols, rows } = size.clamped();
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn builder(command: PtyCommand) -> io::Result<CommandBuilder> {
    let PtyCommand { program, args, cwd, env, size: _ } = command;
    let program = program.unwrap_or_else(|| CommandBuilder::new_default_prog().get_shell().into());
    let cwd = cwd.map_or_else(std::env::current_dir, Ok)?;
    if !cwd.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, format!("{} is not a folder", cwd.display())));
    }
    let mut builder = CommandBuilder::new(program);
    builder.args(args);
    builder.cwd(cwd);
    // Ours describe our own terminal, not the program's.
    for stale in ["COLUMNS", "LINES", "TERMCAP"] {
        builder.env_remove(stale);
    }
    builder.env("TERM", "xterm-256color");
    builder.env("CAHOOTS", "1");
    for (name, value) in env {
        builder.env(name, value);
    }
    Ok(builder)
}

/// Reads until nobody holds the program's end of the terminal, or nobody wants the output.
fn read_all(mut reader: Box<dyn Read + Send>, output: &mpsc::Sender<Bytes>) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.resize(READ_BYTES, 0);
        match reader.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                let chunk = buffer.split_to(count).freeze();
                if output.blocking_send(chunk).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Writes until the terminal is gone, or nobody can type any more.
fn write_all(mut writer: Box<dyn Write + Send>, mut input: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = input.blocking_recv() {
        if writer.write_all(&bytes).and_then(|()| writer.flush()).is_err() {
            return;
        }
    }
}

/// Owns the program: tells its end, and brings it about on request.
///
/// Nobody else may wait for it, so no signal can hit a process that got its number later.
fn keep(
    mut child: Box<dyn Child + Send + Sync>,
    orders: &thread_mpsc::Receiver<ToKeeper>,
    exit: &watch::Sender<Option<ExitStatus>>,
) {
    let mut interval = LOOK_INTERVAL_MIN;
    let status = loop {
        match look(child.as_mut()) {
            Ok(None) => {}
            Ok(Some(status)) => break status,
            Err(_) => break ExitStatus(-1),
        }
        match orders.recv_timeout(interval) {
            Ok(ToKeeper::OutputEnded) => interval = LOOK_INTERVAL_MIN,
            Ok(ToKeeper::Kill) => {
                hang_up(child.as_mut());
                interval = LOOK_INTERVAL_MIN;
            }
            Err(thread_mpsc::RecvTimeoutError::Timeout) => interval = (interval * 2).min(LOOK_INTERVAL_MAX),
            Err(thread_mpsc::RecvTimeoutError::Disconnected) => thread::sleep(LOOK_INTERVAL_MAX),
        }
    };
    exit.send_replace(Some(status));
}

/// Tells the program and its group that the terminal is gone, and kills the program if it stays for 200 ms.
fn hang_up(child: &mut dyn Child) {
    // Both fail only if there is nothing left to signal.
    #[cfg(unix)]
    if let Some(group) = child.process_id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::HUP);
    }
    let _ = child.kill();
}

fn look(child: &mut dyn Child) -> io::Result<Option<ExitStatus>> {
    #[cfg(unix)]
    if let Some(child) = child.downcast_mut::<std::process::Child>() {
        use std::os::unix::process::ExitStatusExt;
        let status = child.try_wait()?;
        let number = |status: std::process::ExitStatus| status.code().or(status.signal().map(|signal| 128 + signal));
        return Ok(status.map(|status| ExitStatus(number(status).unwrap_or(-1))));
    }
    let status = child.try_wait()?;
    Ok(status.map(|status| ExitStatus(i32::try_from(status.exit_code()).unwrap_or(-1))))
}

#[cfg(test)]
mod tests;
