//! The shared command in the host's own terminal: bytes pass through as if nothing were in between.
//!
//! keys -> PTY, PTY -> screen; beside that only the window's title is ours, and only between sequences.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use cahoots::io::pty::PtyWriter;
use cahoots::{Event, Host, RelayReach, Size, Terminal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::ground::Ground;
use super::{EXIT_TERMINATED, next};
use crate::guard::Guard;
use crate::signals::Signals;
use crate::text::{Failure, count};

/// Bytes of one read from the keyboard: a large paste comes in a few of these.
const KEYS_BYTES: usize = 4_096;
/// Such reads that may wait for the program.
const KEYS_WAITING: usize = 16;

/// Returns the size of the own terminal, as far as it may be shared.
pub(crate) fn own_size() -> io::Result<Size> {
    let (cols, rows) = crossterm::terminal::size()?;
    Ok(Size::new(cols, rows))
}

/// Shows the command here until it ends; returns its exit status.
pub(crate) async fn run(host: &Host, mut terminal: Terminal) -> Result<i32, Failure> {
    let guard = Guard::raw()?;
    let mut screen = OwnScreen::open(title(host))?;
    read_keys(terminal.writer());
    let mut events = host.session().events();
    let mut resized = signal(SignalKind::window_change())?;
    let mut signals = Signals::new()?;
    loop {
        tokio::select! {
            output = terminal.output() => match output {
                Some(bytes) => {
                    screen.show(&bytes)?;
                    guard.alternate(terminal.with_screen(|screen| screen.modes().alternate).unwrap_or_default());
                }
                None => break,
            },
            _ = resized.recv() => terminal.resize(own_size()?),
            event = next(&mut events) => if changes_title(&event) {
                screen.title(title(host))?;
            },
            () = signals.next() => {
                terminal.kill();
                return Ok(EXIT_TERMINATED);
            }
        }
    }
    Ok(terminal.wait().await)
}

const fn changes_title(event: &Event) -> bool {
    matches!(event, Event::Joined(_) | Event::Left(_) | Event::Relay(_) | Event::Lagged { .. })
}

/// Says who is there, and whether others can still come.
fn title(host: &Host) -> String {
    let guests = host.session().members().iter().filter(|member| !member.is_me).count();
    let is_out_of_reach = host.relay_reach().is_some_and(|reach| reach != RelayReach::Linked);
    let relay = if is_out_of_reach { ", relay not reached" } else { "" };
    format!("cahoots: {}{relay}", count(guests, "guest", "guests"))
}

/// Passes the keyboard on, from a thread that ends with the process, for nothing can wake it.
///
/// Beside the loop above: a program that reads nothing must not stop what it writes.
fn read_keys(writer: PtyWriter) {
    let (sender, mut keys) = mpsc::channel::<Vec<u8>>(KEYS_WAITING);
    std::thread::spawn(move || {
        let mut buffer = [0; KEYS_BYTES];
        while let Ok(read @ 1..) = io::stdin().lock().read(&mut buffer) {
            if sender.blocking_send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(bytes) = keys.recv().await {
            writer.write(bytes.into()).await;
        }
    });
}

/// The own terminal's output, unbuffered, and a title that waits for its place.
struct OwnScreen {
    out: File,
    ground: Ground,
    /// The title that was set last; the window keeps its own until there is news.
    title: String,
    waiting: Option<String>,
}

impl OwnScreen {
    fn open(title: String) -> io::Result<Self> {
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self { out, ground: Ground::default(), title, waiting: None })
    }

    fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.ground.write(bytes);
        self.flush_title()
    }

    fn title(&mut self, title: String) -> io::Result<()> {
        if title != self.title {
            self.waiting = Some(format!("\x1b]2;{title}\x07"));
            self.title = title;
        }
        self.flush_title()
    }

    fn flush_title(&mut self) -> io::Result<()> {
        if self.ground.is_ground()
            && let Some(title) = self.waiting.take()
        {
            self.out.write_all(title.as_bytes())?;
        }
        Ok(())
    }
}
