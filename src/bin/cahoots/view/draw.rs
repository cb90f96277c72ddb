//! Draws the viewer: terminal, panel, status line, whatever lies on top.
//!
//! App + Screen + time -> frame; nothing is remembered between frames but the layout.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Widget};
use unicode_width::UnicodeWidthStr;

use super::app::{App, Focus, Panel, Passing};
use super::chat::Chat;
use super::input::Input;
use super::wrap::{cut, wrap};
use super::{keys, people, screen, status};
use cahoots::Screen;
use cahoots::proto::time::Now;

/// Colours of members, from the palette that every terminal with 256 colours has; all are readable on black and white.
const PEOPLE: [u8; 12] = [33, 166, 35, 162, 37, 136, 99, 160, 70, 130, 63, 168];

/// How our own text looks; the shared terminal keeps its colours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Theme {
    Colour,
    /// `NO_COLOR`: bold, dim and reverse only.
    Plain,
}

impl Theme {
    pub(crate) fn person(self, colour: u8) -> Style {
        self.fg(Color::Indexed(PEOPLE[usize::from(colour) % PEOPLE.len()])).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn pointer(self, colour: u8) -> Style {
        match self {
            Self::Colour => {
                Style::new().fg(Color::Indexed(231)).bg(Color::Indexed(PEOPLE[usize::from(colour) % PEOPLE.len()]))
            }
            Self::Plain => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(crate) fn bar(self) -> Style {
        match self {
            Self::Colour => Style::new().fg(Color::Indexed(252)).bg(Color::Indexed(236)),
            Self::Plain => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// What must not be overlooked.
    pub(crate) fn alarm(self) -> Style {
        match self {
            Self::Colour => Style::new().fg(Color::Indexed(231)).bg(Color::Indexed(160)).add_modifier(Modifier::BOLD),
            Self::Plain => Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    pub(crate) fn fg(self, color: Color) -> Style {
        match self {
            Self::Colour => Style::new().fg(color),
            Self::Plain => Style::new(),
        }
    }
}

/// One frame, ready to be written to the terminal once the screen is no longer borrowed.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) buffer: Buffer,
    pub(crate) cursor: Option<Position>,
}

impl Picture {
    pub(crate) fn empty(area: Rect) -> Self {
        Self { buffer: Buffer::empty(area), cursor: None }
    }

    fn put(&mut self, widget: impl Widget, area: Rect) {
        widget.render(area.intersection(self.buffer.area), &mut self.buffer);
    }
}

/// Draws everything; `screen` is `None` until the first keyframe has come.
pub(crate) fn draw(picture: &mut Picture, app: &App, screen: Option<&Screen>, theme: Theme, now: Now) {
    let layout = &app.layout;
    match screen {
        Some(screen) => {
            if let Some(area) = layout.frame {
                picture.put(Block::new().borders(Borders::ALL).border_style(theme.dim()), area);
            }
            screen::draw(&mut picture.buffer, layout, screen, app.back);
            if let Some(pane) = app.pane.filter(|_| app.back == 0) {
                screen::draw_cursors(&mut picture.buffer, layout, &app.facts.members, pane, theme);
            }
            show_cursor(picture, app, screen);
        }
        None => centred(&mut picture.buffer, layout.room, &status::waiting(&app.facts), theme),
    }
    if let (Some(area), Some(panel)) = (layout.panel, app.panel) {
        draw_panel(picture, app, panel, area, theme, now);
    }
    picture.put(status::line(app, layout.status.width, theme, now.mono), layout.status);
    if app.help {
        draw_help(picture, app, theme);
    }
    if let Some(passing) = &app.passing {
        draw_passing(picture, passing, theme);
    }
    if let Some(question) = app.paste_question() {
        let lines = [Line::from(question), Line::styled("Enter pastes, Esc does not", theme.dim())];
        popup(picture, " paste ", &lines, theme);
    }
}

fn draw_passing(picture: &mut Picture, passing: &Passing, theme: Theme) {
    match passing {
        Passing::Asking => {
            let lines = [
                Line::from("make a link that allows no more than yours, and ends with it"),
                Line::default(),
                Line::from(vec![Span::styled("v", Modifier::BOLD), Span::raw("  to look and chat")]),
                Line::from(vec![Span::styled("i", Modifier::BOLD), Span::raw("  to type as well")]),
                Line::styled("any other key makes none", theme.dim()),
            ];
            popup(picture, " pass on ", &lines, theme);
        }
        Passing::Made(link) => draw_link(picture, link, theme),
    }
}

/// A link starts at the left edge and is broken at the right one alone, so that it can be copied whole.
fn draw_link(picture: &mut Picture, link: &str, theme: Theme) {
    let area = picture.buffer.area;
    let chars: Vec<char> = link.chars().collect();
    let rows = chars.chunks(usize::from(area.width.max(1))).map(|row| Line::from(row.iter().collect::<String>()));
    let mut lines = vec![Line::styled("a link to pass on; any key closes this", theme.dim()), Line::default()];
    lines.extend(rows);
    let height = u16::try_from(lines.len() + 1).unwrap_or(u16::MAX).min(area.height);
    let area = Rect { y: (area.height - height) / 2, height, ..area };
    picture.put(Clear, area);
    picture.put(Paragraph::new(lines), area);
}

/// The own terminal's cursor stands where the shared one does, so that it blinks and is shaped as the user likes it.
fn show_cursor(picture: &mut Picture, app: &App, screen: &Screen) {
    if app.focus == Focus::Terminal
        && app.back == 0
        && let Some(at) = screen.cursor().and_then(|(row, col)| app.layout.place_of(row, col))
    {
        picture.cursor = Some(at);
    }
}

fn centred(buffer: &mut Buffer, area: Rect, text: &str, theme: Theme) {
    let text = cut(text, area.width.into());
    let width = u16::try_from(text.width()).unwrap_or(area.width);
    let line =
        Rect { x: area.x + (area.width - width.min(area.width)) / 2, y: area.y + area.height / 2, width, height: 1 };
    Line::styled(text, theme.dim()).render(line.intersection(area), buffer);
}

fn draw_panel(picture: &mut Picture, app: &App, panel: Panel, area: Rect, theme: Theme, now: Now) {
    let facts = &app.facts;
    let title = match panel {
        Panel::Chat => " chat ".to_owned(),
        Panel::People => format!(" people · {} ", facts.members.len()),
        Panel::Notes => " notes ".to_owned(),
    };
    let block = Block::new().borders(Borders::LEFT | Borders::TOP).border_style(theme.dim()).title(title);
    let inside = block.inner(area);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(1), ..inside };
    picture.put(Clear, area);
    picture.put(block, area);
    let (text, below) = split_input(inside, app.has_input(panel));
    let lines = match panel {
        Panel::Chat => {
            let said = Rect { height: text.height.saturating_sub(1), ..text };
            let mut lines = app.chat.lines(&facts.messages, said, theme, now.wall);
            if facts.messages.is_empty() {
                lines.push(Line::styled("nothing was said yet", theme.dim()));
            }
            // The newest stands right above the line being written.
            let above = usize::from(said.height).saturating_sub(lines.len());
            lines.splice(..0, vec![Line::default(); above]);
            lines.push(Chat::typing_line(&facts.members, theme));
            lines
        }
        Panel::People => people::lines(&facts.members, text.width.into(), text.height.into(), theme),
        Panel::Notes => note_lines(&facts.notes, text, theme),
    };
    picture.put(Paragraph::new(lines), text);
    match panel {
        Panel::Chat => draw_input(picture, app, &app.chat.input, below, theme),
        Panel::Notes => draw_input(picture, app, &app.note, below, theme),
        Panel::People => {}
    }
}

fn split_input(area: Rect, input: bool) -> (Rect, Rect) {
    let below = u16::from(input).min(area.height);
    let text = Rect { height: area.height - below, ..area };
    (text, Rect { y: text.bottom(), height: below, ..area })
}

fn note_lines(notes: &str, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    if notes.trim().is_empty() {
        return vec![Line::styled("no notes yet", theme.dim())];
    }
    let lines: Vec<_> = notes.lines().flat_map(|line| wrap(&super::chat::plain(line), area.width.into())).collect();
    let surplus = lines.len().saturating_sub(area.height.into());
    lines.into_iter().skip(surplus).map(Line::from).collect()
}

fn draw_input(picture: &mut Picture, app: &App, input: &Input, area: Rect, theme: Theme) {
    if area.is_empty() || area.width < 3 {
        return;
    }
    let focused = app.focus == Focus::Panel;
    let (text, column) = input.window(area.width - 2);
    let line = if input.is_empty() {
        Line::styled(if focused { "> ".to_owned() } else { how_to_write(app) }, theme.dim())
    } else {
        Line::from(vec![Span::styled("> ", theme.dim()), Span::raw(text)])
    };
    picture.put(line, area);
    if focused {
        picture.cursor = Some(Position { x: area.x + 2 + column, y: area.y });
    }
}

fn how_to_write(app: &App) -> String {
    let prefix = if app.may_type() { "Ctrl-] " } else { "" };
    let key = if app.panel == Some(Panel::Notes) { "n" } else { "c" };
    format!("> {prefix}{key} to write")
}

fn draw_help(picture: &mut Picture, app: &App, theme: Theme) {
    let mut lines: Vec<Line<'_>> = keys::HELP
        .iter()
        .map(|(key, does)| Line::from(vec![Span::styled(format!("{key:>9}  "), Modifier::BOLD), Span::raw(*does)]))
        .collect();
    let how = if app.may_type() { "all after Ctrl-]" } else { "with or without Ctrl-] before" };
    lines.push(Line::default());
    lines.push(Line::styled(format!("{:>11}{how}; any key closes this", ""), theme.dim()));
    popup(picture, " keys ", &lines, theme);
}

/// Draws lines in a box in the middle, over all else.
fn popup(picture: &mut Picture, title: &str, lines: &[Line<'_>], theme: Theme) {
    let area = picture.buffer.area;
    let width = lines.iter().map(Line::width).max().unwrap_or(0) + 4;
    let width = u16::try_from(width).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let area = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    let block = Block::bordered().title(title).border_style(theme.fg(Color::Indexed(37)));
    let inside = block.inner(area);
    picture.put(Clear, area);
    picture.put(block, area);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    picture.put(Paragraph::new(lines.to_vec()), inside.intersection(area));
}

#[cfg(test)]
mod tests;
