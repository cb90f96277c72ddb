//! A pane on a pseudo-terminal: the program's output is published, what members type is written to it.

use super::{Host, HostError};
use crate::io::core::Core;
use crate::io::pty::{Pty, PtyCommand, PtyWriter};
use crate::proto::id::PaneId;
use crate::proto::limits::TITLE_BYTES_MAX;
use crate::proto::terminal::{Screen, Size, sanitise_line};
use crate::session::Input;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, watch};

/// Chunks of output that a mirror may be behind before the program has to wait, as on any terminal.
const MIRROR_CHUNKS_MAX: usize = 16;

enum Command {
    Resize(Size),
    Kill,
}

/// A published program. Dropping it hangs up on the program.
pub struct Terminal {
    pub(super) core: Arc<Core>,
    pane: PaneId,
    writer: PtyWriter,
    commands: mpsc::UnboundedSender<Command>,
    mirror: Option<mpsc::Receiver<Bytes>>,
    published: Arc<AtomicU64>,
    exit: watch::Receiver<Option<i32>>,
}

impl Terminal {
    pub(super) fn start(host: &Host, command: PtyCommand, mirror: Mirror) -> Result<Self, HostError> {
        let size = command.size;
        let program = command.program.clone().unwrap_or_else(|| "the shell".into()).to_string_lossy().into_owned();
        let words = command.args.iter().map(|word| word.to_string_lossy());
        let line = std::iter::once(program.as_str().into()).chain(words).collect::<Vec<_>>().join(" ");
        let pty = Pty::spawn(command).map_err(|reason| HostError::Command { program: program.clone(), reason })?;
        let core = host.session.core.clone();
        let (sender, inputs) = mpsc::unbounded_channel();
        let pane = core.with(|inner, _| {
            let pane = inner.peer.open_pane(&short(&program), &short(&line), size)?;
            inner.inputs.insert(pane, sender);
            if mirror == Mirror::Off {
                inner.peer.answer_queries(pane);
            }
            Ok::<_, HostError>(pane)
        })?;
        let (commands, orders) = mpsc::unbounded_channel();
        let (exit_sender, exit) = watch::channel(None);
        let (mirror_sender, mirror_receiver) = mpsc::channel(MIRROR_CHUNKS_MAX);
        let is_mirrored = mirror == Mirror::On;
        let published = Arc::new(AtomicU64::new(0));
        let program = Program {
            core: core.clone(),
            pane,
            writer: pty.writer(),
            mirror: is_mirrored.then_some(mirror_sender),
            published: published.clone(),
        };
        let writer = pty.writer();
        tokio::spawn(async move {
            let code = program.run(pty, inputs, orders).await;
            exit_sender.send_replace(Some(code));
        });
        Ok(Self { core, pane, writer, commands, mirror: is_mirrored.then_some(mirror_receiver), published, exit })
    }

    /// Returns its number in the session.
    #[must_use]
    pub const fn pane(&self) -> PaneId {
        self.pane
    }

    /// Waits for output to show on a terminal of one's own; `None` once the program has ended. Only with
    /// [`Mirror::On`].
    ///
    /// The program waits for who does not come back. Cancel safe.
    pub async fn output(&mut self) -> Option<Bytes> {
        self.mirror.as_mut()?.recv().await
    }

    /// Returns a handle for typing into the program as its local user.
    #[must_use]
    pub fn writer(&self) -> PtyWriter {
        self.writer.clone()
    }

    /// Changes the size, for the program and for everybody.
    pub fn resize(&self, size: Size) {
        // A program that has ended has no size to change.
        let _ = self.commands.send(Command::Resize(size));
    }

    /// Shows the screen to `look`.
    pub fn with_screen<R>(&self, look: impl FnOnce(&Screen) -> R) -> Option<R> {
        self.core.read(|inner, _| inner.peer.screen(self.pane).map(look))
    }

    /// Returns what paints the screen anew, for a terminal of one's own that showed something else meanwhile.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.core.read(|inner, _| {
            let keyframe = inner.peer.screen(self.pane)?.keyframe();
            Some(Snapshot { bytes: self.published.load(Ordering::Relaxed), keyframe })
        })
    }

    /// Waits for the end of the program and returns its exit status, 128 and the signal's number if a signal ended it.
    /// Its last output is published by then.
    ///
    /// Cancel safe.
    pub async fn wait(&mut self) -> i32 {
        self.exit.wait_for(Option::is_some).await.ok().and_then(|code| *code).unwrap_or(-1)
    }

    /// Hangs up on the program.
    pub fn kill(&self) {
        let _ = self.commands.send(Command::Kill);
    }
}

/// Cuts a command to what the state document takes: a script on the command line has pages.
fn short(command: &str) -> String {
    sanitise_line(command, TITLE_BYTES_MAX)
}

/// Whether the program's output is also to be shown on a terminal of one's own, which then answers its queries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mirror {
    /// It is: [`Terminal::output`] has to be read.
    On,
    /// It is not: the session answers what programs ask a terminal.
    Off,
}

/// A screen at one moment of its program's output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snapshot {
    /// Bytes of output that are in it, from the start of the program: what [`Terminal::output`] gives may be behind.
    pub bytes: u64,
    /// Escape sequences that paint it on a terminal of its size in its initial state.
    pub keyframe: Vec<u8>,
}

/// What runs between the pseudo-terminal and the session.
struct Program {
    core: Arc<Core>,
    pane: PaneId,
    writer: PtyWriter,
    mirror: Option<mpsc::Sender<Bytes>>,
    /// Bytes of output that the session's emulator has, changed under the session's lock alone.
    published: Arc<AtomicU64>,
}

impl Program {
    async fn run(
        mut self,
        mut pty: Pty,
        mut inputs: mpsc::UnboundedReceiver<Input>,
        mut orders: mpsc::UnboundedReceiver<Command>,
    ) -> i32 {
        let (writer, core) = (self.writer.clone(), self.core.clone());
        // Input has a loop of its own: a program that reads nothing must not stop its own output.
        let typist = tokio::spawn(async move {
            while let Some(input) = inputs.recv().await {
                let count = input.bytes.len();
                writer.write(input.bytes.into()).await;
                core.with(|inner, _| inner.peer.handle_input_read(count));
            }
        });
        let mut is_doomed = false;
        loop {
            tokio::select! {
                chunk = pty.read() => match chunk {
                    Some(chunk) => self.publish(chunk).await,
                    None => break,
                },
                order = orders.recv(), if !is_doomed => match order {
                    Some(Command::Resize(size)) => self.resize(&pty, size),
                    Some(Command::Kill) | None => {
                        pty.kill();
                        is_doomed = true;
                    }
                },
            }
        }
        typist.abort();
        let code = pty.wait().await.0;
        self.core.with(|inner, now| {
            inner.inputs.remove(&self.pane);
            // It fails only where the whole session is over already.
            let _ = inner.peer.end_pane(self.pane, code, now);
        });
        code
    }

    async fn publish(&mut self, chunk: Bytes) {
        let replies = self.core.with(|inner, now| {
            self.published.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            let published = inner.peer.output(self.pane, &chunk, now);
            published.map(|()| inner.peer.take_replies(self.pane)).unwrap_or_default()
        });
        if !replies.is_empty() {
            self.writer.write(replies.into()).await;
        }
        if let Some(mirror) = &self.mirror
            && mirror.send(chunk).await.is_err()
        {
            self.mirror = None;
        }
    }

    fn resize(&self, pty: &Pty, size: Size) {
        if let Err(error) = pty.resize(size) {
            tracing::debug!(%error, "the program's terminal keeps its size");
        }
        let resized = self.core.with(|inner, now| inner.peer.resize_pane(self.pane, size, now));
        if let Err(error) = resized {
            tracing::debug!(%error, "the pane keeps its size");
        }
    }
}
