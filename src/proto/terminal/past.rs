//! Lines that scrolled off, as escape sequences for a newcomer, and a screen made from them.
//!
//! Always: nothing but text, SGR, CR and LF is written, and nothing that the program had erased. A fresh screen that
//! reads the lines and one line feed less than it has rows has exactly these lines scrolled off. PROTOCOL.md 15.

use super::Size;
use super::keyframe::push_style;
use super::screen::{Screen, Style};
use avt::Line;
use avt::parser::Function;

impl Screen {
    /// Returns the newest lines that scrolled off the primary screen, as escape sequences of at most `bytes_max` bytes;
    /// those of before the alternate screen while that is shown.
    #[must_use]
    pub fn past(&self, bytes_max: usize) -> Vec<u8> {
        let display = &self.display;
        sequences(display.past(), bytes_max, |row| display.clusters.expand(row)).into_bytes()
    }

    /// Makes this screen equal to another of `size`: the lines of its [`past`](Self::past) scrolled off, and on it what
    /// its [`keyframe`](Self::keyframe) says. What was here before is gone.
    pub fn begin_anew(&mut self, size: Size, past: &[u8], keyframe: &[u8]) {
        *self = Self::with_scrollback(size, self.display.scrollback.lines_max);
        self.write(past);
        for _ in 1..self.size().rows {
            self.display.execute(Function::Lf);
        }
        self.restore(size, keyframe);
    }
}

/// Writes the newest of `lines` that fit into `bytes_max`; `finish` has the last word on what a row looks like.
///
/// Each row begins and ends in the default style, so that the oldest can be left out.
pub(super) fn sequences<'a>(
    lines: impl Iterator<Item = &'a Line>,
    bytes_max: usize,
    finish: impl Fn(&str) -> String,
) -> String {
    let lines: Vec<&Line> = lines.collect();
    let mut rows = Vec::new();
    let mut bytes = 0;
    for (n, line) in lines.iter().enumerate().rev() {
        let continues = n.checked_sub(1).and_then(|before| lines.get(before)).is_some_and(|before| before.is_wrapped());
        let mut row = finish(&sequence(line, continues));
        match (line.is_wrapped(), n + 1 == lines.len()) {
            (false, _) => row.push_str("\r\n"),
            (true, false) => {}
            // It flows on into the screen: only one character more makes it so.
            (true, true) => row.push_str(" \r"),
        }
        bytes += row.len();
        if bytes > bytes_max {
            break;
        }
        rows.push(row);
    }
    rows.into_iter().rev().collect()
}

/// Writes one row, without the empty cells at the end of a line. `continues`: the row before flows on into this one.
fn sequence(line: &Line, continues: bool) -> String {
    let is_plain = |cell: &avt::Cell| Style::of(cell.pen()) == Style::default();
    let is_empty = |cell: &avt::Cell| cell.char() == ' ' && is_plain(cell);
    let cells = line.cells();
    // A row that begins by wrapping is filled with the style of its first cell.
    let is_filled = continues && !cells.first().is_some_and(is_plain);
    let len = match cells.iter().rposition(|cell| !is_empty(cell)) {
        _ if line.is_wrapped() || is_filled => cells.len(),
        // A row that the one before flows into is only there if something is written.
        last => last.map_or(usize::from(continues), |last| last + 1),
    };
    let (mut out, mut style) = (String::new(), Style::default());
    for cell in cells.iter().take(len).filter(|cell| cell.width() > 0) {
        let wanted = Style::of(cell.pen());
        if wanted != style {
            push_style(&mut out, wanted);
            style = wanted;
        }
        out.push(cell.char());
    }
    if style != Style::default() {
        out.push_str("\x1b[0m");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::limits::KEYFRAME_BYTES_MAX;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const ROOM: usize = 1 << 20;

    fn shown(size: Size, output: &[u8]) -> Screen {
        let mut screen = Screen::new(size);
        screen.write(output);
        screen
    }

    fn newcomer(host: &Screen) -> Screen {
        let mut screen = Screen::new(Size::default());
        screen.write(b"of another time\r\n");
        screen.begin_anew(host.size(), &host.past(ROOM), &host.keyframe());
        screen
    }

    /// Returns text, wrapping and styles of what scrolled off.
    fn above(screen: &Screen) -> Vec<(String, bool, Vec<Style>)> {
        let rows = screen.display.past().map(|line| super::super::screen::Row::new(line, &screen.display.clusters));
        rows.map(|row| (row.text(), row.is_wrapped(), row.cells().map(|cell| cell.style).collect())).collect()
    }

    /// Who comes late scrolls back through what the others have seen, colours and long lines included.
    #[test]
    fn newcomer_has_the_lines_above_the_screen() {
        let mut host = Screen::new(Size::new(10, 3));
        host.write(b"\x1b[1;31mred\x1b[0m one\r\n");
        host.write("long line of cafe\u{301} and 漢字漢字漢字\r\n".as_bytes());
        host.write(b"\x1b[44m   \x1b[0m\r\n\r\nlast\r\n$ ");
        let guest = newcomer(&host);
        assert_eq!(above(&guest), above(&host));
        assert_eq!(guest.snapshot(), host.snapshot());
        assert_eq!(host.scrollback_len(), 6);
    }

    /// Vim is open when somebody joins: what was above the prompt is there once it is left.
    #[test]
    fn alternate_screen_hides_the_past_and_does_not_lose_it() {
        let mut host = shown(Size::new(10, 3), b"1\r\n2\r\n3\r\n4\r\n$ vim\x1b[?1049h\x1b[Hfile");
        let mut guest = newcomer(&host);
        assert_eq!(guest.scrollback_len(), 0);
        for screen in [&mut host, &mut guest] {
            screen.write(b"\x1b[?1049l");
        }
        assert_eq!((above(&guest), guest.snapshot()), (above(&host), host.snapshot()));
        assert_eq!(guest.scrollback_len(), 2);
    }

    /// What somebody has erased because it was not for others must not come back for those who join later.
    #[test]
    fn erased_lines_are_told_to_nobody() {
        let mut host = shown(Size::new(20, 3), &b"secret\r\n".repeat(9));
        host.write(b"\x1b[H\x1b[2J\x1b[3J");
        assert_eq!((host.past(ROOM), host.scrollback_len()), (vec![], 0));
        host.write(b"1\r\n2\r\n3\r\n4");
        let last_words = |screen: &Screen| String::from_utf8(screen.past(ROOM)).unwrap();
        assert_eq!(last_words(&host), "1\r\n");
        assert_eq!(host.view(9).next().unwrap().text().trim_end(), "1");
        host.resize(Size::new(12, 9));
        assert_eq!(host.text(), ["1", "2", "3", "4", "", "", "", "", ""], "a larger window brings nothing back");
        host.write(b"\x1bc");
        assert_eq!(host.past(ROOM), b"");
    }

    /// A line that wraps at the edge between what scrolled off and the screen is still one line after a resize.
    #[test]
    fn line_across_the_edge_stays_one_line() {
        let mut host = shown(Size::new(4, 2), b"abcdefghijkl");
        let mut guest = newcomer(&host);
        for screen in [&mut host, &mut guest] {
            screen.resize(Size::new(12, 2));
        }
        assert_eq!(guest.text()[0], "abcdefghijkl");
        assert_eq!(guest.snapshot(), host.snapshot());
    }

    /// The answer to one newcomer has a bound; it is the newest that people look for.
    #[test]
    fn newest_lines_that_fit_are_told() {
        let lines: String = (0..900).map(|n| format!("{n}\r\n")).collect();
        let host = shown(Size::new(20, 3), lines.as_bytes());
        assert_eq!(host.past(12), b"896\r\n897\r\n");
        assert_eq!(host.past(0), b"");
    }

    /// Escape sequences, text of all widths, line feeds: what moves lines off the screen.
    fn soups() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop_oneof![
            6 => "[a-c ]{0,12}",
            2 => "(漢|e\u{301}|界\u{301}){1,9}",
            6 => Just("\r\n".to_owned()),
            1 => Just("\n\n\n".to_owned()),
            2 => "\x1b\\[(1|4|7|0|38;2;1;2;3|48;5;9)m",
            1 => "\x1b\\[[0-9]?(J|K|S|T|A|L|M|P|@)",
            1 => "\x1b\\[[12];[3-5]r|\x1b\\[r",
            1 => "\x1b\\[\\?(1049|7)[hl]",
            1 => "\x1b\\[[1-5];[1-5]H",
        ];
        vec(pieces, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
    }

    fn sizes() -> impl Strategy<Value = Size> {
        (2u16..12, 2u16..6).prop_map(|(cols, rows)| Size::new(cols, rows))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Whatever a program does, a newcomer has the same lines above the same screen, and so it stays.
        #[test]
        fn past_and_keyframe_rebuild_all(size in sizes(), other in sizes(), output in soups(), next in soups()) {
            let mut host = shown(size, &output);
            host.resize(other);
            host.write(&next);
            let mut guest = newcomer(&host);
            prop_assert_eq!(above(&guest), above(&host));
            prop_assert_eq!(guest.snapshot(), host.snapshot());
            for screen in [&mut host, &mut guest] {
                screen.write(&output);
            }
            prop_assert_eq!(above(&guest), above(&host));
            prop_assert_eq!(guest.snapshot(), host.snapshot());
        }

        /// Lines are text and colours: nothing in them acts on whatever shows them.
        #[test]
        fn past_holds_nothing_that_acts(size in sizes(), output in soups(), bytes_max in 0usize..200) {
            let host = shown(size, &output);
            let past = String::from_utf8(host.past(bytes_max)).unwrap();
            prop_assert!(past.len() <= bytes_max.min(KEYFRAME_BYTES_MAX));
            let mut rest = past.as_str();
            while let Some(at) = rest.find('\x1b') {
                let sequence = rest[at..].strip_prefix("\x1b[").unwrap();
                let end = sequence.find(|byte: char| !matches!(byte, '0'..='9' | ';')).unwrap();
                prop_assert!(sequence[end..].starts_with('m'));
                rest = &sequence[end..];
            }
            let controls = past.chars().filter(|character| character.is_control());
            prop_assert!(controls.into_iter().all(|control| matches!(control, '\x1b' | '\r' | '\n')));
        }
    }
}
