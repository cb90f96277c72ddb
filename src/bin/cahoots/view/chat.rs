//! The chat panel: who said what, how long ago, and the line being written.
//!
//! Always: only as many messages are laid out as fit the panel, however long the history is.

use std::collections::HashMap;
use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::draw::Theme;
use super::input::Input;
use super::wrap::wrap;
use crate::text::ago;
use cahoots::proto::limits::CHAT_TEXT_BYTES_MAX;
use cahoots::{AuthorId, Member, Message, MessageKind, Wall, sanitise_line};

/// Messages of one author within this time stand under one name, in milliseconds.
const TOGETHER_MS: u64 = 120_000;
/// Messages that one press of PgUp moves.
const SCROLL_MESSAGES: usize = 5;

/// State of the chat panel.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) input: Input,
    /// Messages hidden below the panel; 0 shows the newest.
    back: usize,
    /// Messages that came while the panel was closed.
    pub(crate) unread: usize,
    total: usize,
    /// Names and colours of everybody ever seen: messages outlive their authors' visits.
    people: HashMap<AuthorId, (String, u8)>,
}

impl Chat {
    pub(crate) fn new() -> Self {
        Self { input: Input::new(CHAT_TEXT_BYTES_MAX), back: 0, unread: 0, total: 0, people: HashMap::new() }
    }

    pub(crate) fn remember(&mut self, member: &Member) {
        self.people.insert(member.author, (member.name.clone(), member.colour));
    }

    /// Returns the name and colour of an author; somebody never seen is named by the id.
    pub(crate) fn name_of(&self, author: AuthorId) -> (String, u8) {
        let known = self.people.get(&author).cloned();
        known.unwrap_or_else(|| (author.to_string()[..6].to_owned(), author.as_bytes()[0] % 12))
    }

    /// Notes that all messages so far were on the screen.
    pub(crate) fn read(&mut self, messages: &[Message]) {
        (self.total, self.unread) = (messages.len(), 0);
        self.back = self.back.min(messages.len().saturating_sub(1));
    }

    pub(crate) fn scroll_back(&mut self) {
        self.back = (self.back + SCROLL_MESSAGES).min(self.total.saturating_sub(1));
    }

    pub(crate) fn scroll_on(&mut self) {
        self.back = self.back.saturating_sub(SCROLL_MESSAGES);
    }

    /// Lays the newest messages out that fit `area`, oldest first.
    pub(crate) fn lines(&self, messages: &[Message], area: Rect, theme: Theme, now: Wall) -> Vec<Line<'static>> {
        let height = usize::from(area.height);
        let mut lines: Vec<Line<'static>> = Vec::new();
        let shown = &messages[..messages.len().saturating_sub(self.back)];
        for (at, message) in shown.iter().enumerate().rev() {
            if lines.len() >= height {
                break;
            }
            let before = at.checked_sub(1).and_then(|at| shown.get(at));
            let mut block = Vec::new();
            if !before.is_some_and(|before| stands_together(before, message)) {
                block.push(self.head(message, theme, now));
            }
            let sign = if message.kind == MessageKind::Reaction { "reacts " } else { "" };
            for text in message.text.lines() {
                let wrapped = wrap(&format!("{sign}{}", plain(text)), usize::from(area.width));
                block.extend(wrapped.into_iter().map(Line::from));
            }
            lines.splice(..0, block);
        }
        let surplus = lines.len().saturating_sub(height);
        lines.drain(..surplus);
        lines
    }

    fn head(&self, message: &Message, theme: Theme, now: Wall) -> Line<'static> {
        let (name, colour) = self.name_of(message.author);
        let age = Duration::from_millis(now.since_ms(message.time));
        Line::from(vec![Span::styled(name, theme.person(colour)), Span::styled(format!(" {}", ago(age)), theme.dim())])
    }

    /// Names who is writing right now.
    pub(crate) fn typing_line(members: &[Member], theme: Theme) -> Line<'static> {
        let names: Vec<&str> =
            members.iter().filter(|member| member.typing && !member.is_me).map(|member| member.name.as_str()).collect();
        let said = match names.as_slice() {
            [] => String::new(),
            [one] => format!("{one} is typing…"),
            [one, two] => format!("{one} and {two} are typing…"),
            many => format!("{} people are typing…", many.len()),
        };
        Line::styled(said, theme.dim())
    }
}

fn stands_together(before: &Message, message: &Message) -> bool {
    before.author == message.author && message.time.since_ms(before.time) < TOGETHER_MS
}

/// Removes from a line of somebody else's text what could harm a terminal or mislead its reader.
pub(crate) fn plain(line: &str) -> String {
    sanitise_line(line, CHAT_TEXT_BYTES_MAX)
}
