//! The loop around the viewer: keys and session events in, frames and typed bytes out.
//!
//! Always: a change is drawn at once if the last frame is 16 ms ago, else as soon as it is; the screen is not
//! borrowed while the terminal is written to.

use std::io::{self, BufWriter, Stdout};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cahoots::{
    Event, Guest, Message, Modes, PaneId, Refusal, Screen, Session, Terms, Typing, View, Wall, encode_paste,
    sanitise_line,
};
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Outcome, exit_of};
use cahoots::proto::limits::TITLE_BYTES_MAX;
use cahoots::proto::time::{Mono, Now};

use crate::guard::Guard;
use crate::signals::Signals;
use crate::text::{Failure, alarm_text, colour_wanted};
use crate::view::app::{Action, App, Facts, Passing, Switch, Wheel};
use crate::view::draw::{Picture, Theme, draw};
use crate::view::screen::Layout;
use crate::view::{keys, mouse};

/// Shortest time between two frames: 60 per second are more than anybody reads.
const FRAME: Duration = Duration::from_millis(16);
/// How often ages and round-trip time are drawn anew.
const TICK: Duration = Duration::from_secs(1);
/// How long after the last key others see that one is typing.
const TYPING: Duration = Duration::from_secs(3);
/// How long after one's own arrival others are not announced, in microseconds.
const ARRIVAL_US: u64 = 2_000_000;
/// Events from the terminal that may wait.
const EVENTS_WAITING: usize = 256;

/// Shows the session until it is over or the user leaves.
pub(crate) async fn run(guest: &Guest) -> Result<Outcome, Failure> {
    let mut events = guest.session().events();
    let mut stage = Stage::open(guest)?;
    let mut inputs = read_events();
    let mut signals = Signals::new()?;
    let mut tick = tokio::time::interval(TICK);
    loop {
        let frame_at = stage.frame_at();
        tokio::select! {
            input = inputs.recv() => match input {
                Some(input) => if stage.handle_input(&input) == Go::Leave { return Ok(stage.outcome(None)) },
                None => return Ok(stage.outcome(None)),
            },
            over = changed(&mut stage.view) => stage.handle_screen(over),
            event = events.next() => match event {
                Some(Event::Ended(ending)) => return Ok(stage.outcome(Some(ending))),
                Some(event) => stage.handle_event(event),
                None => return Ok(stage.outcome(guest.session().status().ended)),
            },
            () = until(frame_at) => stage.draw()?,
            _ = tick.tick() => stage.handle_tick(),
            () = signals.next() => return Ok(stage.outcome(None)),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Go {
    On,
    Leave,
}

/// Whether a watched terminal goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stream {
    Live,
    Over,
}

/// Waits for the next change of the screen; forever without one, or once it is over.
async fn changed(view: &mut Option<Watched>) -> Stream {
    match view {
        Some(Watched { view, stream: Stream::Live }) => match view.changed().await {
            true => Stream::Live,
            false => Stream::Over,
        },
        _ => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Reads the own terminal on a thread of its own: its reads block, and nothing can wake them at the end.
fn read_events() -> mpsc::Receiver<crossterm::event::Event> {
    let (sender, receiver) = mpsc::channel(EVENTS_WAITING);
    std::thread::spawn(move || {
        while let Ok(event) = crossterm::event::read() {
            if sender.blocking_send(event).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What a frame has to ask the session for. A burst of events costs one answer per frame, not one each.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum News {
    None,
    Facts,
    /// The chat too, which is long.
    Chat,
}

struct Watched {
    view: View,
    stream: Stream,
}

/// What the viewer needs besides its state: the terminal, the session, the time.
struct Stage<'a> {
    guest: &'a Guest,
    app: App,
    view: Option<Watched>,
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    theme: Theme,
    started: Instant,
    drawn: Option<Instant>,
    /// Whether something on the screen has changed since the last frame.
    stale: bool,
    /// Whether the own terminal reports its mouse.
    captured: Switch,
    /// Which of the session's facts have changed since the last frame.
    news: News,
    typing_until: Option<Instant>,
    _guard: Guard,
}

impl<'a> Stage<'a> {
    fn open(guest: &'a Guest) -> Result<Self, Failure> {
        // The shared program's colours are its content: NO_COLOR is about our own text.
        crossterm::style::force_color_output(true);
        let guard = Guard::viewer()?;
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(65_536, io::stdout())))?;
        let started = Instant::now();
        Ok(Self {
            guest,
            app: App::new(facts(guest.session(), Arc::default()), wall()),
            view: None,
            terminal,
            theme: if colour_wanted() { Theme::Colour } else { Theme::Plain },
            started,
            drawn: None,
            stale: true,
            captured: Switch::Off,
            news: News::Chat,
            typing_until: None,
            _guard: guard,
        })
    }

    fn session(&self) -> &'a Session {
        self.guest.session()
    }

    fn now(&self) -> Now {
        Now { mono: Mono(micros(self.started.elapsed())), wall: wall() }
    }

    /// Returns when the next frame is due, if anything has changed.
    fn frame_at(&self) -> Option<Instant> {
        self.stale.then(|| self.drawn.map_or(self.started, |drawn| drawn + FRAME))
    }

    /// Takes over what is new in the session.
    fn refresh(&mut self) {
        let news = std::mem::replace(&mut self.news, News::None);
        if news == News::None {
            return;
        }
        let chat = (news == News::Chat).then(|| Arc::new(self.session().messages()));
        let messages = chat.unwrap_or_else(|| self.app.facts.messages.clone());
        self.app.update(facts(self.session(), messages));
        if self.view.is_none()
            && let Some(pane) = self.app.pane
        {
            self.watch(pane);
        }
    }

    fn watch(&mut self, pane: PaneId) {
        self.app.show(pane);
        self.session().set_focus(Some(pane));
        self.view = Some(Watched { view: self.guest.watch(pane), stream: Stream::Live });
        self.stale = true;
    }

    fn handle_screen(&mut self, stream: Stream) {
        if let Some(watched) = &mut self.view {
            watched.stream = stream;
            self.app.exit = watched.view.exit();
        }
        self.stale = true;
    }

    fn handle_tick(&mut self) {
        if self.typing_until.is_some_and(|until| until <= Instant::now()) {
            self.stop_typing();
        }
        self.session().ping();
        self.hear(News::Facts);
    }

    fn hear(&mut self, news: News) {
        self.news = self.news.max(news);
        self.stale = true;
    }

    fn handle_event(&mut self, event: Event) {
        let now_us = self.now().mono.0;
        self.hear(if matches!(event, Event::Message(_) | Event::Lagged { .. }) { News::Chat } else { News::Facts });
        match event {
            // Who was there before shows up one by one in the first moment.
            Event::Joined(_) if now_us < ARRIVAL_US => {}
            Event::Joined(member) if !member.is_me => self.app.handle_joined(&member, now_us),
            Event::Left(member) if !member.is_me => self.app.handle_left(&member, now_us),
            Event::Message(message) => self.app.handle_message(&message, now_us),
            Event::Refused { reason: Refusal::Driven, .. } => {
                self.app.notify("not typed: you do not drive, Ctrl-] d asks to", now_us);
            }
            Event::Refused { reason, .. } => self.app.notify(format!("not typed: {reason}"), now_us),
            Event::InputLost { bytes } => self.app.notify(format!("lost what was typed: {bytes} bytes"), now_us),
            Event::Alarm(alarm) => self.app.alarms.raise(alarm_text(&alarm, &self.session().members())),
            Event::LetIn => self.app.notify("you are let in", now_us),
            Event::Rekeyed(_) => self.app.notify("the session has a new key", now_us),
            Event::Waits { what, .. } => self.app.notify(what.to_string(), now_us),
            _ => {}
        }
    }

    fn handle_input(&mut self, input: &crossterm::event::Event) -> Go {
        self.stale = true;
        let now_us = self.now().mono.0;
        let Some(action) = self.app.handle_event(input, now_us) else { return Go::On };
        if action == Action::Leave {
            return Go::Leave;
        }
        if let Err(refusal) = self.act(action) {
            self.app.notify(refusal, now_us);
        }
        Go::On
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Key(key) => {
                self.type_with(|modes| keys::bytes(key, modes))?;
                if !self.session().status().live {
                    return Err("the host is away: what you type waits".to_owned());
                }
            }
            Action::Click(event, cell) => self.type_with(|modes| mouse::bytes(event, cell, modes))?,
            Action::Paste(text) => self.type_with(|modes| encode_paste(&text, modes))?,
            Action::Say(text) => {
                self.stop_typing();
                self.session().say(text.as_str()).map_err(|refusal| refusal.to_string())?;
                self.hear(News::Chat);
            }
            Action::Typing => {
                self.typing_until = Some(Instant::now() + TYPING);
                self.session().set_typing(Typing::Now);
            }
            Action::Note(line) => {
                let end = self.app.facts.notes.chars().count();
                let separator = if self.app.facts.notes.ends_with('\n') || end == 0 { "" } else { "\n" };
                let added = format!("{separator}{line}\n");
                self.session().edit_notes(end, 0, &added).map_err(|refusal| refusal.to_string())?;
                self.hear(News::Facts);
            }
            Action::Point(cursor) => self.session().set_cursor(cursor),
            Action::Drive(wheel) => self.drive(wheel)?,
            Action::PassOn(access) => {
                let link = self.guest.pass_on(Terms::new(access)).map_err(|error| error.to_string())?;
                self.app.passing = Some(Passing::Made(link.reveal()));
            }
            Action::Show(pane) => self.watch(pane),
            Action::Leave => {}
        }
        Ok(())
    }

    fn drive(&self, wheel: Wheel) -> Result<(), String> {
        let pane = self.app.pane.ok_or("there is nothing to drive yet")?;
        let asked = match wheel {
            Wheel::Take => self.guest.ask_to_drive(pane),
            Wheel::GiveBack => self.guest.stop_driving(pane),
        };
        asked.map_err(|refusal| refusal.to_string())
    }

    fn type_with(&self, encode: impl FnOnce(Modes) -> Vec<u8>) -> Result<(), String> {
        let Some(Watched { view, .. }) = &self.view else { return Err("there is nothing to type into yet".to_owned()) };
        let bytes = encode(view.with_screen(Screen::modes));
        view.type_bytes(&bytes).map_err(|refusal| refusal.to_string())
    }

    fn stop_typing(&mut self) {
        if self.typing_until.take().is_some() {
            self.session().set_typing(Typing::Not);
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        self.refresh();
        (self.stale, self.drawn) = (false, Some(Instant::now()));
        self.terminal.autoresize()?;
        let mut picture = Picture::empty(self.terminal.get_frame().area());
        let (now, theme) = (self.now(), self.theme);
        let app = &mut self.app;
        match self.view.as_ref().filter(|watched| watched.view.is_live()) {
            Some(watched) => watched.view.with_screen(|screen| {
                app.back = app.back.min(screen.scrollback_len());
                app.mouse = screen.modes().mouse;
                app.layout = Layout::new(
                    picture.buffer.area,
                    app.panel.is_some(),
                    Some(screen.size()),
                    screen.cursor(),
                    app.pan,
                );
                draw(&mut picture, app, Some(screen), theme, now);
            }),
            None => {
                app.layout = Layout::new(picture.buffer.area, app.panel.is_some(), None, None, None);
                draw(&mut picture, app, None, theme, now);
            }
        }
        self.capture_mouse()?;
        self.show(picture)
    }

    fn capture_mouse(&mut self) -> io::Result<()> {
        let wanted = self.app.wants_mouse();
        if wanted == self.captured {
            return Ok(());
        }
        self.captured = wanted;
        match wanted {
            Switch::On => queue!(self.terminal.backend_mut(), EnableMouseCapture),
            Switch::Off => queue!(self.terminal.backend_mut(), DisableMouseCapture),
        }
    }

    /// Writes what differs from the frame before, as one update where the terminal knows such.
    fn show(&mut self, picture: Picture) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            if let Some(cursor) = picture.cursor {
                frame.set_cursor_position(cursor);
            }
            *frame.buffer_mut() = picture.buffer;
        })?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    fn outcome(&self, ending: Option<cahoots::Ending>) -> Outcome {
        Outcome { ending, exit: self.view.as_ref().and_then(|watched| exit_of(self.guest, &watched.view)) }
    }
}

fn facts(session: &Session, messages: Arc<Vec<Message>>) -> Facts {
    let state = session.state();
    let line = |text: &str| sanitise_line(text, TITLE_BYTES_MAX);
    Facts {
        title: line(&state.title),
        rights: session.rights(),
        members: session.members(),
        messages,
        notes: state.notes,
        drivers: state.drivers,
        key: session.key().unwrap_or_default(),
        panes: state.panes.into_iter().map(|(pane, info)| (pane, line(&info.title))).collect(),
        status: session.status(),
    }
}

fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
