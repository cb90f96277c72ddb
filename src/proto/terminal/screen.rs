//! A terminal's screen as its program has left it.
//!
//! program bytes -> tokens -> emulator -> [`Cell`]s
//!
//! Always: the same bytes give the same screen, wherever they were cut; only what is listed here and in `csi`
//! reaches the emulator; no byte costs more than the work of [`REPEAT_MAX`] characters or of clearing the screen.

use super::cluster::{Class, Clusters, classify};
use super::csi::Csi;
use super::modes::{Modes, Switch};
use super::reply::Replies;
use super::token::{Token, Tokeniser};
use super::{Size, sanitise_line};
use crate::proto::limits::TITLE_BYTES_MAX;
use avt::parser::{AnsiMode, DecMode, Function};
use avt::{Charset, ScreenKind, Terminal};
use scrollback::Scrollback;
use std::fmt;

mod cell;
mod scrollback;

pub use cell::{Cell, Color, Row, Snapshot, Style};

/// Characters that one REP may print: 7 bytes must not cost a millisecond. LIMITS: finding H.
const REPEAT_MAX: u16 = 4_096;
/// Titles that a program may put aside; xterm keeps ten.
const TITLES_MAX: usize = 8;
/// Lines that [`Screen::new`] keeps after they scrolled off.
const SCROLLBACK_LINES: usize = 1_000;

/// A terminal's screen, its modes and its title, with the lines that scrolled off.
pub struct Screen {
    pub(super) tokeniser: Tokeniser,
    pub(super) display: Display,
}

/// What whole tokens act on.
pub(super) struct Display {
    pub(super) terminal: Terminal,
    pub(super) clusters: Clusters,
    /// Without the two that the emulator knows: `app_cursor` and `alternate`.
    pub(super) modes: Modes,
    /// Insert mode, which the emulator does not tell.
    insert: Switch,
    pub(super) title: String,
    pub(super) titles: Vec<String>,
    replies: Option<Replies>,
    pub(super) scrollback: Scrollback,
}

impl Screen {
    /// Makes an empty screen of the nearest allowed size, with room for 1,000 lines of scrollback.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self::with_scrollback(size, SCROLLBACK_LINES)
    }

    /// Makes an empty screen that keeps `lines_max` lines after they scrolled off.
    #[must_use]
    pub fn with_scrollback(size: Size, lines_max: usize) -> Self {
        let size = size.clamped();
        let terminal = Terminal::with_scrollback(size.cols.into(), size.rows.into(), Some(lines_max));
        #[expect(clippy::expect_used, reason = "a clamped size has at least 2 columns and 2 rows")]
        let terminal = terminal.expect("the size is not zero");
        let display = Display {
            terminal,
            clusters: Clusters::default(),
            modes: Modes::default(),
            insert: Switch::Off,
            title: String::new(),
            titles: Vec::new(),
            replies: None,
            scrollback: Scrollback { lines_max, forgotten: 0 },
        };
        Self { tokeniser: Tokeniser::default(), display }
    }

    /// Answers the program's queries from now on; [`take_replies`](Self::take_replies) hands the answers out.
    ///
    /// Only for the host, and only if no real terminal stands beside it: a viewer never answers.
    #[must_use]
    pub fn answering(mut self) -> Self {
        self.display.replies = Some(Replies::default());
        self
    }

    /// Returns the bytes to type into the program in answer to its queries since the last call.
    pub fn take_replies(&mut self) -> Vec<u8> {
        self.display.replies.as_mut().map(Replies::take).unwrap_or_default()
    }

    /// Applies what the program wrote; `bytes` may begin and end anywhere.
    pub fn write(&mut self, bytes: &[u8]) {
        let Self { tokeniser, display } = self;
        tokeniser.write(bytes, &mut |token| display.apply(token));
    }

    /// Changes the size to the nearest allowed one; long lines of the primary screen wrap anew.
    pub fn resize(&mut self, size: Size) {
        self.display.resize(size.clamped());
    }

    /// Returns the size.
    #[must_use]
    pub fn size(&self) -> Size {
        self.display.size()
    }

    /// Returns the row and column of the cursor, from 0, or `None` if it is hidden.
    #[must_use]
    pub fn cursor(&self) -> Option<(u16, u16)> {
        self.display.terminal.cursor().visible.then(|| self.display.cursor())
    }

    /// Returns the title that the program has set, as one line that is safe to print.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.display.title
    }

    /// Returns what a viewer needs to know to send the right bytes.
    #[must_use]
    pub fn modes(&self) -> Modes {
        self.display.modes()
    }

    /// Returns the row at `n` from the top, or `None` below the last.
    #[must_use]
    pub fn row(&self, n: usize) -> Option<Row<'_>> {
        self.display.terminal.screen().line(n).map(|line| Row::new(line, &self.display.clusters))
    }

    /// Returns the rows that are shown, from the top.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.display.terminal.screen().visible_lines().map(|line| Row::new(line, &self.display.clusters))
    }

    /// Returns the text of the rows that are shown, without spaces at their ends.
    #[must_use]
    pub fn text(&self) -> Vec<String> {
        self.rows().map(|row| row.text().trim_end().to_owned()).collect()
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("size", &self.size()).field("text", &self.text()).finish_non_exhaustive()
    }
}

impl Display {
    pub(super) fn size(&self) -> Size {
        let (cols, rows) = self.terminal.size();
        Size { cols: as_u16(cols), rows: as_u16(rows) }
    }

    /// Returns row and column; a cursor that waits to wrap stands on the last column.
    pub(super) fn cursor(&self) -> (u16, u16) {
        let cursor = self.terminal.cursor();
        (as_u16(cursor.row), as_u16(cursor.col).min(self.size().cols - 1))
    }

    pub(super) fn modes(&self) -> Modes {
        Modes {
            app_cursor: self.terminal.cursor_key_app_mode(),
            alternate: self.terminal.active_screen_kind() == ScreenKind::Alternate,
            ..self.modes
        }
    }

    fn apply(&mut self, token: Token<'_>) {
        match token {
            Token::Text(text) => self.print(text),
            Token::Control(byte) => self.control(byte),
            Token::Escape { intermediate, last } => self.escape(intermediate, last),
            Token::Csi(csi) => self.csi(&csi),
            Token::Osc(body) => self.osc(body),
        }
    }

    fn print(&mut self, text: &str) {
        if text.is_ascii() {
            return self.feed(text);
        }
        let mut plain = text;
        while let Some((at, character, class)) = first_special(plain) {
            let (before, rest) = plain.split_at(at);
            self.feed(before);
            match class {
                Class::Mark => self.mark(character),
                Class::Replace => self.feed('\u{fffd}'),
                Class::Plain | Class::Drop => {}
            }
            plain = rest.get(character.len_utf8()..).unwrap_or_default();
        }
        self.feed(plain);
    }

    /// Adds a mark to the character left of the cursor by printing the two as one.
    fn mark(&mut self, mark: char) {
        let cursor = self.terminal.cursor();
        let Some(line) = self.terminal.screen().line(cursor.row) else { return };
        let before = line.cells().iter().enumerate().take(cursor.col);
        let Some((col, cell)) = before.rev().find(|(_, cell)| cell.width() > 0) else { return };
        let Some(both) = self.clusters.add(cell.char(), mark) else { return };
        let inserting = self.insert == Switch::On;
        let insert = || vec![AnsiMode::Insert].into();
        self.execute(inserting.then(|| Function::Rm(insert())));
        self.execute([Function::Cha(as_u16(col + 1)), Function::Print(both)]);
        self.execute(inserting.then(|| Function::Sm(insert())));
    }

    fn control(&mut self, byte: u8) {
        self.execute(match byte {
            0x08 => Some(Function::Bs),
            0x09 => Some(Function::Ht),
            0x0a..=0x0c => Some(Function::Lf),
            0x0d => Some(Function::Cr),
            0x0e => Some(Function::So),
            0x0f => Some(Function::Si),
            _ => None,
        });
    }

    /// The alignment pattern, `ESC # 8`, is left out: three bytes would print every cell.
    fn escape(&mut self, intermediate: Option<u8>, last: u8) {
        let charset = if last == b'0' { Charset::Drawing } else { Charset::Ascii };
        let function = match (intermediate, last) {
            (None, b'7') => Function::Decsc,
            (None, b'8') => Function::Decrc,
            (None, b'D') => Function::Lf,
            (None, b'E') => Function::Nel,
            (None, b'H') => Function::Hts,
            (None, b'M') => Function::Ri,
            (None, b'c') => return self.reset(),
            (None, b'=') => return self.modes.app_keypad = true,
            (None, b'>') => return self.modes.app_keypad = false,
            (Some(b'('), _) => Function::Gzd4(charset),
            (Some(b')'), _) => Function::G1d4(charset),
            _ => return,
        };
        self.execute(function);
    }

    fn reset(&mut self) {
        self.execute(Function::Ris);
        self.scrollback.forgotten = 0;
        self.clusters.clear();
        self.modes = Modes::default();
        self.insert = Switch::Off;
    }

    pub(super) fn soft_reset(&mut self) {
        let cursor_keys = vec![DecMode::CursorKeys].into();
        self.execute([Function::Decstr, Function::Decrst(cursor_keys)]);
        self.modes = Modes::default();
        self.insert = Switch::Off;
    }

    fn csi(&mut self, csi: &Csi<'_>) {
        match (csi.marker, csi.intermediate, csi.last) {
            (Some(b'?'), None, b'h') => csi.numbers().for_each(|mode| self.private_mode(mode, Switch::On)),
            (Some(b'?'), None, b'l') => csi.numbers().for_each(|mode| self.private_mode(mode, Switch::Off)),
            (None, Some(b'!'), b'p') => self.soft_reset(),
            (None, None, b'b') => {
                let cells = u16::try_from(self.size().cells()).unwrap_or(u16::MAX);
                self.execute(Function::Rep(csi.number(0).min(REPEAT_MAX).min(cells)));
            }
            (None, None, b't') => self.window(csi),
            (None, None, b'J') if csi.number(0) == 3 => self.forget_scrollback(),
            _ => {
                match csi.function() {
                    Some(Function::Sm(modes)) if modes.as_slice().contains(&AnsiMode::Insert) => {
                        self.insert = Switch::On;
                    }
                    Some(Function::Rm(modes)) if modes.as_slice().contains(&AnsiMode::Insert) => {
                        self.insert = Switch::Off;
                    }
                    _ => {}
                }
                self.execute(csi.function());
                self.answer(csi);
            }
        }
    }

    pub(super) fn private_mode(&mut self, mode: u16, switch: Switch) {
        let modes = match mode {
            1 => DecMode::CursorKeys,
            6 => DecMode::Origin,
            7 => DecMode::AutoWrap,
            25 => DecMode::TextCursorEnable,
            47 | 1047 => DecMode::AltScreenBuffer,
            1048 => DecMode::SaveCursor,
            1049 => DecMode::SaveCursorAltScreenBuffer,
            _ => return self.modes.switch(mode, switch),
        };
        let modes = vec![modes].into();
        self.execute(match switch {
            Switch::On => Function::Decset(modes),
            Switch::Off => Function::Decrst(modes),
        });
    }

    /// Puts the title aside or brings it back: editors do so on their way in and out.
    fn window(&mut self, csi: &Csi<'_>) {
        match (csi.number(0), csi.number(1)) {
            (22, 0 | 2) if self.titles.len() < TITLES_MAX => self.titles.push(self.title.clone()),
            (23, 0 | 2) => self.title = self.titles.pop().unwrap_or_default(),
            _ => {}
        }
    }

    fn osc(&mut self, body: &[u8]) {
        if let [b'0' | b'2', b';', title @ ..] = body {
            self.title = sanitise_line(&String::from_utf8_lossy(title), TITLE_BYTES_MAX);
        }
    }

    fn answer(&mut self, csi: &Csi<'_>) {
        let (cursor, modes, visible) = (self.cursor(), self.modes(), self.terminal.cursor().visible);
        if let Some(replies) = &mut self.replies {
            replies.answer(csi, cursor, modes, visible);
        }
    }
}

fn first_special(text: &str) -> Option<(usize, char, Class)> {
    let classes = text.char_indices().map(|(at, character)| (at, character, classify(character)));
    classes.into_iter().find(|(_, _, class)| *class != Class::Plain)
}

/// Narrows a column or row of the emulator: both are at most 1,000.
fn as_u16(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}
