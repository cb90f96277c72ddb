//! Keyframes: a screen as escape sequences, and a screen made from them.
//!
//! Always: a fresh screen of the same size that reads a keyframe equals the screen that wrote it, title, modes and
//! unfinished input included; a keyframe is at most [`KEYFRAME_BYTES_MAX`] bytes. PROTOCOL.md 14.

use super::Size;
use super::modes::Switch;
use super::screen::{Color, Display, Screen, Style};
use super::token::Tokeniser;
use crate::proto::limits::KEYFRAME_BYTES_MAX;
use avt::parser::{CtcOp, DecMode, EdScope, Function};
use std::fmt::Write;

/// Room in a keyframe for all but the rows: cursor moves, modes, titles, unfinished input.
const FRAME_BYTES: usize = 16_384;
/// Most bytes of one character.
const PLAIN_CELL_BYTES: usize = 4;
/// Most bytes of one character and a change of style.
const CELL_BYTES_MAX: usize = 64;

impl Screen {
    /// Returns escape sequences that rebuild this screen on a fresh one of the same size.
    ///
    /// Scrollback is not in it. A screen in so many colours that it would not fit loses the primary screen behind
    /// the alternate one, then marks and the styles of its lower rows, and at last these rows.
    #[must_use]
    pub fn keyframe(&self) -> Vec<u8> {
        let display = &self.display;
        let rows = display.clusters.expand(&with_plain_colours(&display.terminal.dump()));
        let rows = if rows.len() <= KEYFRAME_BYTES_MAX - FRAME_BYTES { rows } else { self.reduced() };
        let mut out = rows.into_bytes();
        for mode in display.modes.numbers() {
            out.extend_from_slice(format!("\x1b[?{mode}h").as_bytes());
        }
        for title in &display.titles {
            out.extend_from_slice(format!("\x1b]2;{title}\x07\x1b[22;2t").as_bytes());
        }
        if !display.title.is_empty() || !display.titles.is_empty() {
            out.extend_from_slice(format!("\x1b]2;{}\x07", display.title).as_bytes());
        }
        out.extend_from_slice(self.tokeniser.pending());
        out
    }

    /// Makes this screen equal to the one that wrote `keyframe`, and keeps the lines that scrolled off.
    pub fn restore(&mut self, size: Size, keyframe: &[u8]) {
        self.resize(size);
        self.tokeniser = Tokeniser::default();
        self.display.blank();
        self.write(keyframe);
    }

    /// Writes the rows that are shown, with styles as long as the rest will fit without.
    fn reduced(&self) -> String {
        let mut out = String::new();
        if self.modes().alternate {
            out.push_str("\x1b[?1047h");
        }
        let (mut style, mut styled) = (Style::default(), true);
        let mut cells_left = self.size().cells();
        for (n, row) in self.rows().enumerate() {
            let cols = usize::from(self.size().cols);
            let room = (KEYFRAME_BYTES_MAX - FRAME_BYTES).saturating_sub(out.len());
            styled &= room > cells_left * PLAIN_CELL_BYTES + cols * CELL_BYTES_MAX;
            if room < cols * PLAIN_CELL_BYTES + CELL_BYTES_MAX {
                break;
            }
            let _ = write!(out, "\x1b[{};1H", n + 1);
            for cell in row.cells() {
                let wanted = if styled { cell.style } else { Style::default() };
                if wanted != style {
                    push_style(&mut out, wanted);
                    style = wanted;
                }
                // Marks are left out: as many as a program likes may sit on one character.
                if cell.width > 0 {
                    out.push(cell.base);
                }
            }
            cells_left -= cols;
        }
        let (row, col) = self.display.cursor();
        let _ = write!(out, "\x1b[m\x1b[{};{}H", row + 1, col + 1);
        if self.cursor().is_none() {
            out.push_str("\x1b[?25l");
        }
        if self.modes().app_cursor {
            out.push_str("\x1b[?1h");
        }
        out
    }
}

impl Display {
    /// Brings all but the scrollback and the size back to what a fresh screen has.
    fn blank(&mut self) {
        let alternate = || vec![DecMode::AltScreenBuffer].into();
        // A reset by RIS would take the scrollback along, and each screen has a saved cursor of its own.
        self.private_mode(1047, Switch::Off);
        self.soft_reset();
        self.execute([Function::Decset(alternate()), Function::Decstr, Function::Decrst(alternate())]);
        self.private_mode(7, Switch::On);
        self.execute(Function::Rm(vec![avt::parser::AnsiMode::NewLine].into()));
        self.execute(Function::Ctc(CtcOp::ClearAll));
        for stop in (8..self.size().cols).step_by(8) {
            self.execute([Function::Cha(stop + 1), Function::Ctc(CtcOp::Set)]);
        }
        self.execute([Function::Cup(1, 1), Function::Ed(EdScope::Below)]);
        self.title.clear();
        self.titles.clear();
    }
}

/// Returns `dump` with the colons of its colours as semicolons.
///
/// With colons emulators disagree: some take the first of three numbers for a colour space.
fn with_plain_colours(dump: &str) -> String {
    let mut inside = false;
    let mut last = ' ';
    let plain = dump.chars().map(|character| {
        inside = (inside && !('@'..='~').contains(&character)) || (last, character) == ('\x1b', '[');
        last = character;
        if inside && character == ':' { ';' } else { character }
    });
    plain.collect()
}

/// Writes the sequence that leads from any style to `style`.
pub(super) fn push_style(out: &mut String, style: Style) {
    out.push_str("\x1b[0");
    let attributes = [
        (style.bold, 1),
        (style.faint, 2),
        (style.italic, 3),
        (style.underline, 4),
        (style.blink, 5),
        (style.inverse, 7),
        (style.strike, 9),
    ];
    for (_, code) in attributes.into_iter().filter(|(set, _)| *set) {
        let _ = write!(out, ";{code}");
    }
    for (plane, color) in [(38, style.fg), (48, style.bg)] {
        let _ = match color {
            Color::Default => Ok(()),
            Color::Indexed(index) => write!(out, ";{plane};5;{index}"),
            Color::Rgb(r, g, b) => write!(out, ";{plane};2;{r};{g};{b}"),
        };
    }
    out.push('m');
}
