//! The viewer's state: what is known about the session, what is open on the screen, and what an event does to it.
//!
//! crossterm event -> handle_event -> Action (for the shell around it), session -> `facts` and `handle_*` notices
//!
//! Always: a key reaches the shared program only if the link allows it and no panel has the keys.

mod passing;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent, MouseEventKind};

pub(crate) use passing::Passing;

use super::alarms::Alarms;
use super::chat::Chat;
use super::input::Input;
use super::keys::{self, Command, Scroll};
use super::screen::{Layout, Origin};
use crate::text;
use cahoots::proto::terminal::MouseMode;
use cahoots::{Access, AuthorId, CursorAt, Member, Message, PaneId, Rights, Status, Wall};

/// How long a notice stays, in microseconds: long enough to read ten words twice.
const NOTICE_US: u64 = 4_000_000;
/// Longest note that is added at once, in bytes.
const NOTE_BYTES_MAX: usize = 1_000;
/// How far the clocks of two people who chat may be apart, in milliseconds.
const CLOCK_SKEW_MS: u64 = 60_000;

/// What the session says; replaced as a whole whenever it changed.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) title: String,
    pub(crate) rights: Rights,
    pub(crate) members: Vec<Member>,
    pub(crate) messages: Arc<Vec<Message>>,
    pub(crate) notes: String,
    /// Every pane with its title, in order.
    pub(crate) panes: Vec<(PaneId, String)>,
    /// Who drives which of them, where one at a time does.
    pub(crate) drivers: BTreeMap<PaneId, AuthorId>,
    /// What the host sees of this side while it waits to be let in.
    pub(crate) key: String,
    pub(crate) status: Status,
}

/// What the shell around the view has to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Type one key into the pane that is shown.
    Key(KeyEvent),
    /// Report the mouse at a row and column to it.
    Click(MouseEvent, (u16, u16)),
    /// Type a text into it.
    Paste(String),
    /// Send a chat message.
    Say(String),
    /// Tell others that a message is being written.
    Typing,
    /// Add a line to the notes.
    Note(String),
    /// Show the own pointer at a cell to others, or no longer.
    Point(Option<CursorAt>),
    /// Ask to drive the pane that is shown, or give it back.
    Drive(Wheel),
    /// Make a narrower link.
    PassOn(Access),
    /// Show another pane.
    Show(PaneId),
    /// Leave the session.
    Leave,
}

/// What one wants with the wheel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wheel {
    Take,
    GiveBack,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Switch {
    On,
    Off,
}

/// What is open beside the terminal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Panel {
    Chat,
    People,
    Notes,
}

/// Where keys go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Focus {
    /// To the shared program, or to our commands if it may not be typed into.
    Terminal,
    /// To the input line of the open panel.
    Panel,
}

#[derive(Debug)]
struct Notice {
    text: String,
    until_us: u64,
}

/// The whole state of the viewer.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) facts: Facts,
    pub(crate) pane: Option<PaneId>,
    /// Exit status of the program in that pane, once it has ended.
    pub(crate) exit: Option<i32>,
    pub(crate) panel: Option<Panel>,
    pub(crate) focus: Focus,
    pub(crate) help: bool,
    /// The prefix key was pressed: the next key is a command.
    pub(crate) armed: bool,
    /// A paste of several lines that waits for a yes.
    pub(crate) paste: Option<String>,
    pub(crate) passing: Option<Passing>,
    pub(crate) alarms: Alarms,
    pub(crate) pointing: Switch,
    pub(crate) chat: Chat,
    pub(crate) note: Input,
    /// Where the user has moved the view to; `None` follows the cursor.
    pub(crate) pan: Option<Origin>,
    /// Lines scrolled back; 0 shows the newest.
    pub(crate) back: usize,
    /// What was drawn last: tells which cell the mouse is on.
    pub(crate) layout: Layout,
    /// What the shared program wants to hear of the mouse.
    pub(crate) mouse: MouseMode,
    notice: Option<Notice>,
    /// When the user came: what was said before is history.
    came: Wall,
}

impl App {
    pub(crate) fn new(facts: Facts, now: Wall) -> Self {
        let mut app = Self {
            facts,
            pane: None,
            exit: None,
            panel: None,
            focus: Focus::Terminal,
            help: false,
            armed: false,
            paste: None,
            passing: None,
            alarms: Alarms::default(),
            pointing: Switch::Off,
            chat: Chat::new(),
            note: Input::new(NOTE_BYTES_MAX),
            pan: None,
            back: 0,
            layout: Layout::default(),
            mouse: MouseMode::Off,
            notice: None,
            came: now,
        };
        app.take_facts();
        app
    }

    /// Takes the session's state over.
    pub(crate) fn update(&mut self, facts: Facts) {
        self.facts = facts;
        self.take_facts();
    }

    fn take_facts(&mut self) {
        for member in &self.facts.members {
            self.chat.remember(member);
        }
        if self.panel == Some(Panel::Chat) {
            self.chat.read(&self.facts.messages);
        }
        if self.pane.is_none() {
            self.pane = self.facts.panes.first().map(|(pane, _)| *pane);
        }
    }

    /// Returns whether keys reach the shared program.
    pub(crate) fn may_type(&self) -> bool {
        self.facts.rights.may_type() && self.exit.is_none()
    }

    /// Shows one line for some seconds, instead of the one before.
    pub(crate) fn notify(&mut self, text: impl Into<String>, now_us: u64) {
        self.notice = Some(Notice { text: text.into(), until_us: now_us.saturating_add(NOTICE_US) });
    }

    /// Returns the line to show at `now_us`.
    pub(crate) fn notice(&self, now_us: u64) -> Option<&str> {
        self.notice.as_ref().filter(|notice| now_us < notice.until_us).map(|notice| notice.text.as_str())
    }

    /// Returns the name that a member has or had.
    pub(crate) fn name_of(&self, author: AuthorId) -> String {
        self.chat.name_of(author).0
    }

    /// Decides what a key, a paste or the mouse means.
    pub(crate) fn handle_event(&mut self, event: &Event, now_us: u64) -> Option<Action> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.handle_key(*key, now_us),
            Event::Paste(text) => self.handle_paste(text, now_us),
            Event::Mouse(mouse) => self.handle_mouse(*mouse),
            _ => None,
        }
    }

    fn handle_key(&mut self, key: KeyEvent, now_us: u64) -> Option<Action> {
        if let Some(text) = self.paste.take() {
            return self.answer_paste(text, key);
        }
        if std::mem::take(&mut self.help) {
            return None;
        }
        if let Some(passing) = self.passing.take() {
            return passing.answered(key);
        }
        if std::mem::take(&mut self.armed) {
            return self.handle_armed(key, now_us);
        }
        if keys::is_prefix(key) {
            self.armed = true;
            return None;
        }
        match self.focus {
            Focus::Panel => self.handle_panel_key(key),
            Focus::Terminal if self.may_type() => {
                self.follow();
                Some(Action::Key(key))
            }
            Focus::Terminal => self.handle_watching_key(key, now_us),
        }
    }

    fn handle_armed(&mut self, key: KeyEvent, now_us: u64) -> Option<Action> {
        if keys::is_literal(key) {
            return self.may_type().then_some(Action::Key(keys::PREFIX));
        }
        let command = keys::command(key);
        // Moving the view takes several steps: these keys go on without the prefix.
        self.armed = matches!(command, Some(Command::Pan(_) | Command::Scroll(_)));
        match command {
            Some(command) => self.run(command),
            None => {
                self.notify("no such command, Ctrl-] ? lists them", now_us);
                None
            }
        }
    }

    /// Keys of somebody who cannot type are commands without a prefix.
    fn handle_watching_key(&mut self, key: KeyEvent, now_us: u64) -> Option<Action> {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Some(Action::Leave);
        }
        if key.code == KeyCode::Esc {
            self.panel = None;
            return None;
        }
        match keys::command(key) {
            Some(command) => self.run(command),
            None => {
                self.notify(self.why_not_type(), now_us);
                None
            }
        }
    }

    /// Says why a key did nothing.
    pub(crate) fn why_not_type(&self) -> String {
        match self.exit {
            Some(code) => format!("the program has ended with {code}, q leaves"),
            None => "this is a view link: you can look but not type".to_owned(),
        }
    }

    fn run(&mut self, command: Command) -> Option<Action> {
        match command {
            Command::Chat => self.toggle(Panel::Chat),
            Command::People => self.toggle(Panel::People),
            Command::Notes => self.toggle(Panel::Notes),
            Command::Help => self.help = true,
            Command::Leave => return Some(Action::Leave),
            Command::Pan(pan) => self.pan = Some(self.layout.panned(pan)),
            Command::Scroll(Scroll::Back) => self.back = self.back.saturating_add(self.layout.page()),
            Command::Scroll(Scroll::On) => self.back = self.back.saturating_sub(self.layout.page()),
            Command::Follow => self.follow(),
            Command::Pointer => return self.toggle_pointer(),
            Command::Drive => return Some(Action::Drive(if self.drives() { Wheel::GiveBack } else { Wheel::Take })),
            Command::PassOn => self.passing = Some(Passing::Asking),
            Command::Dismiss => self.alarms.dismiss(),
            Command::NextPane => return self.next_pane(),
        }
        None
    }

    fn follow(&mut self) {
        (self.pan, self.back) = (None, 0);
    }

    /// Opens a panel, gives it the keys, or takes them back; a panel without an input line closes instead.
    fn toggle(&mut self, panel: Panel) {
        if self.panel != Some(panel) {
            self.panel = Some(panel);
            self.focus = if self.has_input(panel) { Focus::Panel } else { Focus::Terminal };
        } else if self.has_input(panel) && self.focus == Focus::Terminal {
            self.focus = Focus::Panel;
        } else {
            self.focus = Focus::Terminal;
            if !self.has_input(panel) {
                self.panel = None;
            }
        }
        if self.panel == Some(Panel::Chat) {
            self.chat.read(&self.facts.messages);
        }
    }

    /// Returns whether the user may write in this panel.
    pub(crate) fn has_input(&self, panel: Panel) -> bool {
        match panel {
            Panel::Chat => self.facts.rights.may_chat(),
            Panel::People => false,
            Panel::Notes => self.facts.rights.may_control(),
        }
    }

    fn toggle_pointer(&mut self) -> Option<Action> {
        match self.pointing {
            Switch::Off => {
                self.pointing = Switch::On;
                None
            }
            Switch::On => {
                self.pointing = Switch::Off;
                Some(Action::Point(None))
            }
        }
    }

    fn next_pane(&mut self) -> Option<Action> {
        let at = self.facts.panes.iter().position(|(pane, _)| Some(*pane) == self.pane)?;
        let (next, _) = self.facts.panes.get(at + 1).or(self.facts.panes.first())?;
        (Some(*next) != self.pane).then_some(Action::Show(*next))
    }

    /// Notes that another pane is shown from now on.
    pub(crate) fn show(&mut self, pane: PaneId) {
        (self.pane, self.exit) = (Some(pane), None);
        self.follow();
    }

    fn handle_panel_key(&mut self, key: KeyEvent) -> Option<Action> {
        let input = match self.panel {
            Some(Panel::Chat) => &mut self.chat.input,
            Some(Panel::Notes) => &mut self.note,
            Some(Panel::People) | None => {
                self.focus = Focus::Terminal;
                return None;
            }
        };
        match key.code {
            KeyCode::Esc => {
                (self.panel, self.focus) = (None, Focus::Terminal);
                None
            }
            KeyCode::Enter if input.is_empty() => None,
            KeyCode::Enter => {
                let text = input.take();
                Some(if self.panel == Some(Panel::Chat) { Action::Say(text) } else { Action::Note(text) })
            }
            KeyCode::PageUp => {
                self.chat.scroll_back();
                None
            }
            KeyCode::PageDown => {
                self.chat.scroll_on();
                None
            }
            _ => (input.handle_key(key) && self.panel == Some(Panel::Chat)).then_some(Action::Typing),
        }
    }

    fn handle_paste(&mut self, text: &str, now_us: u64) -> Option<Action> {
        if self.focus == Focus::Panel {
            match self.panel {
                Some(Panel::Chat) => self.chat.input.paste(text),
                _ => self.note.paste(text),
            }
            return None;
        }
        if !self.may_type() {
            self.notify(self.why_not_type(), now_us);
            return None;
        }
        // Each line end may run a command on somebody else's machine.
        if text.contains(['\n', '\r']) {
            self.paste = Some(text.to_owned());
            return None;
        }
        Some(Action::Paste(text.to_owned()))
    }

    fn answer_paste(&mut self, text: String, key: KeyEvent) -> Option<Action> {
        match key.code {
            KeyCode::Enter | KeyCode::Char('y' | 'Y') => Some(Action::Paste(text)),
            KeyCode::Esc | KeyCode::Char('n' | 'N') => None,
            _ => {
                self.paste = Some(text);
                None
            }
        }
    }

    /// Returns who drives the pane that is shown, where one at a time does.
    pub(crate) fn driver(&self) -> Option<AuthorId> {
        self.facts.drivers.get(&self.pane?).copied()
    }

    fn drives(&self) -> bool {
        self.driver().is_some_and(|driver| self.is_me(driver))
    }

    pub(crate) fn is_me(&self, author: AuthorId) -> bool {
        self.facts.members.iter().any(|member| member.is_me && member.author == author)
    }

    fn handle_mouse(&mut self, mouse: MouseEvent) -> Option<Action> {
        let pane = self.pane?;
        let cell = self.layout.cell_at(mouse.column, mouse.row);
        if self.pointing == Switch::On {
            return match mouse.kind {
                MouseEventKind::Moved | MouseEventKind::Down(_) | MouseEventKind::Drag(_) => {
                    Some(Action::Point(cell.map(|(row, col)| CursorAt { pane, row, col })))
                }
                _ => None,
            };
        }
        cell.filter(|_| self.clicks()).map(|cell| Action::Click(mouse, cell))
    }

    /// Returns whether the mouse belongs to the shared program.
    fn clicks(&self) -> bool {
        self.may_type() && self.mouse != MouseMode::Off && self.back == 0
    }

    /// Returns whether mouse events are of use at all. Otherwise the mouse selects text, as always.
    pub(crate) fn wants_mouse(&self) -> Switch {
        if self.pointing == Switch::On || self.clicks() { Switch::On } else { Switch::Off }
    }

    /// Says who came.
    pub(crate) fn handle_joined(&mut self, member: &Member, now_us: u64) {
        self.chat.remember(member);
        self.notify(format!("{} joined", member.name), now_us);
    }

    /// Says who went.
    pub(crate) fn handle_left(&mut self, member: &Member, now_us: u64) {
        self.notify(format!("{} left", member.name), now_us);
    }

    /// Says that somebody wrote, unless the chat is open and shows it.
    pub(crate) fn handle_message(&mut self, message: &Message, now_us: u64) {
        let mine = self.is_me(message.author);
        let old = message.time.after_ms(CLOCK_SKEW_MS) < self.came;
        if self.panel != Some(Panel::Chat) && !mine && !old {
            self.chat.unread += 1;
            self.notify(format!("{}: {}", self.name_of(message.author), super::chat::plain(&message.text)), now_us);
        }
    }

    /// Says how many lines wait for a yes.
    pub(crate) fn paste_question(&self) -> Option<String> {
        let text = self.paste.as_ref()?;
        // Terminals paste a line end as the Enter key sends it.
        let lines = text.replace("\r\n", "\n").trim_end().split(['\n', '\r']).count();
        Some(format!("paste {}? Each line end may run a command", text::count(lines, "line", "lines")))
    }
}

#[cfg(test)]
pub(crate) mod tests;
