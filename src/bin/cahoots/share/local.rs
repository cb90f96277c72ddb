//! The shared command in the host's own terminal: bytes pass through as if nothing were in between.
//!
//! keys -> PTY, PTY -> screen; beside that the window's title is ours, and now and then a question on the last line.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use cahoots::io::pty::PtyWriter;
use cahoots::{Event, Host, PaneId, RelayReach, Size, Terminal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::prompt::{About, Answer, Keys, Prompt};
use super::questions;
use super::screen::OwnScreen;
use super::{EXIT_TERMINATED, next};
use crate::guard::Guard;
use crate::signals::Signals;
use crate::text::{Failure, count};

/// Bytes of one read from the keyboard: a large paste comes in a few of these.
const KEYS_BYTES: usize = 4_096;
/// Such reads that may wait for the program.
const KEYS_WAITING: usize = 16;

/// Shortest time between two paintings of a screen that a question covers.
const FRAME: Duration = Duration::from_millis(100);

/// Returns the size of the own terminal, as far as it may be shared.
pub(crate) fn own_size() -> io::Result<Size> {
    let (cols, rows) = crossterm::terminal::size()?;
    Ok(Size::new(cols, rows))
}

/// Shows the command here until it ends; returns its exit status.
pub(crate) async fn run(host: &Host, mut terminal: Terminal) -> Result<i32, Failure> {
    let mut desk = Desk::open(host)?;
    let mut keys = read_keys();
    let typist = type_keys(terminal.writer());
    // Keys that the program has no room for yet.
    let mut held: Option<Bytes> = None;
    let mut events = host.session().events();
    let mut resized = signal(SignalKind::window_change())?;
    let mut signals = Signals::new()?;
    loop {
        let frame_at = desk.frame_at();
        tokio::select! {
            output = terminal.output() => match output {
                Some(bytes) => desk.show(&bytes, &terminal)?,
                None => break,
            },
            room = typist.reserve(), if held.is_some() => {
                if let (Ok(room), Some(keys)) = (room, held.take()) {
                    room.send(keys);
                }
            },
            Some(bytes) = keys.recv(), if held.is_none() || desk.has_keys() => {
                held = desk.handle_keys(bytes, &terminal)?.or(held);
            },
            _ = resized.recv() => desk.resize(&terminal)?,
            event = next(&mut events) => desk.handle_event(&event, &terminal)?,
            () = sleep_until(frame_at.unwrap_or_else(Instant::now)), if frame_at.is_some() => desk.draw(&terminal)?,
            () = signals.next() => {
                terminal.kill();
                return Ok(EXIT_TERMINATED);
            }
        }
    }
    Ok(terminal.wait().await)
}

/// What the owner sees and is asked.
struct Desk<'a> {
    host: &'a Host,
    screen: OwnScreen,
    prompt: Prompt,
    drawn: Instant,
    guard: Guard,
}

impl<'a> Desk<'a> {
    fn open(host: &'a Host) -> Result<Self, Failure> {
        let guard = Guard::raw()?;
        let screen = OwnScreen::open(title(host))?;
        Ok(Self { host, screen, prompt: Prompt::default(), drawn: Instant::now(), guard })
    }

    fn show(&mut self, bytes: &[u8], terminal: &Terminal) -> io::Result<()> {
        self.screen.show(bytes)?;
        self.guard.alternate(terminal.with_screen(|screen| screen.modes().alternate).unwrap_or_default());
        Ok(())
    }

    fn has_keys(&self) -> bool {
        self.prompt.has_keys(Instant::now())
    }

    /// Returns the keys that are the program's.
    fn handle_keys(&mut self, bytes: Bytes, terminal: &Terminal) -> io::Result<Option<Bytes>> {
        match self.prompt.handle_keys(&bytes, Instant::now()) {
            Keys::Pass => return Ok(Some(bytes)),
            Keys::Taken => {}
            Keys::Answered(about, answer) => {
                self.answer(about, answer);
                self.follow(terminal)?;
            }
        }
        Ok(None)
    }

    fn handle_event(&mut self, event: &Event, terminal: &Terminal) -> io::Result<()> {
        if changes_title(event) {
            self.screen.title(title(self.host))?;
        }
        let now = Instant::now();
        if let Some(question) = questions::of(self.host, event) {
            self.prompt.ask(question, now);
        }
        let host = self.host;
        self.prompt.withdraw(now, |about| questions::is_over(host, about));
        if matches!(event, Event::Lagged { .. }) {
            questions::open(host).into_iter().for_each(|question| self.prompt.ask(question, now));
        }
        self.follow(terminal)
    }

    /// Does what the owner has decided. It may be too late: then there is nothing left to decide.
    fn answer(&self, about: About, answer: Answer) {
        let host = self.host;
        let is_yes = answer == Answer::Yes;
        let done = match about {
            About::Knock(member) if is_yes => host.let_in(member).map_err(|error| error.to_string()),
            About::Knock(member) => host.turn_away(member).map_err(|error| error.to_string()),
            About::Line(pane, member) => host.answer_line(pane, member, is_yes).map_err(|error| error.to_string()),
            About::Drive(pane, member) if is_yes => host.grant(pane, Some(member)).map_err(|error| error.to_string()),
            About::Drive(..) | About::Notice => Ok(()),
        };
        if let Err(error) = done {
            tracing::debug!(error, "the answer came too late");
        }
    }

    fn resize(&mut self, terminal: &Terminal) -> io::Result<()> {
        terminal.resize(own_size()?);
        self.screen.touch();
        Ok(())
    }

    /// Makes the screen follow the questions: covers it, or gives it back.
    fn follow(&mut self, terminal: &Terminal) -> io::Result<()> {
        if self.prompt.is_open() {
            self.screen.touch();
            if !self.screen.is_covered() {
                self.draw(terminal)?;
            }
        } else if self.screen.is_covered()
            && let Some(snapshot) = terminal.snapshot()
        {
            self.screen.uncover(&snapshot)?;
        }
        Ok(())
    }

    /// Returns when the covered screen is to be painted anew, if it has changed.
    fn frame_at(&self) -> Option<Instant> {
        self.screen.is_stale().then(|| self.drawn + FRAME)
    }

    fn draw(&mut self, terminal: &Terminal) -> io::Result<()> {
        self.drawn = Instant::now();
        let size = own_size()?;
        match (terminal.snapshot(), self.prompt.line(size.cols)) {
            (Some(snapshot), Some(line)) => self.screen.cover(&snapshot, &line, size),
            _ => Ok(()),
        }
    }
}

const fn changes_title(event: &Event) -> bool {
    matches!(
        event,
        Event::Joined(_)
            | Event::Left(_)
            | Event::Relay(_)
            | Event::Rekeyed(_)
            | Event::Knocked(_)
            | Event::DriverChanged { .. }
            | Event::Lagged { .. }
    )
}

/// Says who is there and who waits, who drives, and whether others can still come.
fn title(host: &Host) -> String {
    let members = host.session().members();
    let guests = members.iter().filter(|member| !member.is_me).count();
    let mut title = format!("cahoots: {}", count(guests, "guest", "guests"));
    let waiting = host.waiting().len();
    if waiting > 0 {
        title = format!("{title}, {waiting} waiting");
    }
    // The first terminal is the one that is shown here.
    let driver = host.driver(PaneId(0)).and_then(|driver| members.iter().find(|member| member.author == driver));
    if let Some(driver) = driver.filter(|driver| !driver.is_me) {
        title = format!("{title}, {} drives", driver.name);
    }
    if host.relay_reach().is_some_and(|reach| reach != RelayReach::Linked) {
        title.push_str(", relay not reached");
    }
    title
}

/// Reads the keyboard, on a thread that ends with the process, for nothing can wake it.
fn read_keys() -> mpsc::Receiver<Bytes> {
    let (sender, keys) = mpsc::channel(KEYS_WAITING);
    std::thread::spawn(move || {
        let mut buffer = [0; KEYS_BYTES];
        while let Ok(read @ 1..) = io::stdin().lock().read(&mut buffer) {
            if sender.blocking_send(Bytes::copy_from_slice(&buffer[..read])).is_err() {
                return;
            }
        }
    });
    keys
}

/// Writes keys to the program, beside all else: one that reads nothing must not stop what it writes.
fn type_keys(writer: PtyWriter) -> mpsc::Sender<Bytes> {
    let (typist, mut keys) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(bytes) = keys.recv().await {
            writer.write(bytes).await;
        }
    });
    typist
}
