//! One line of text being written, with the editing keys that shells have.
//!
//! Always: `cursor` is at a grapheme's boundary; the text has no control characters and at most `bytes_max` bytes.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};
use unicode_width::UnicodeWidthStr;

/// The line and where the next character goes, as a byte index.
#[derive(Debug)]
pub(crate) struct Input {
    text: String,
    cursor: usize,
    bytes_max: usize,
}

impl Input {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), cursor: 0, bytes_max }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes the text out and leaves an empty line.
    pub(crate) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    /// Inserts what fits of a paste; line ends become spaces.
    pub(crate) fn paste(&mut self, text: &str) {
        for grapheme in text.trim_end().graphemes(true) {
            let plain = if grapheme.chars().any(char::is_control) { " " } else { grapheme };
            self.insert(plain);
        }
    }

    fn insert(&mut self, text: &str) {
        if self.text.len() + text.len() > self.bytes_max {
            return;
        }
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
        // A combining mark joins the grapheme before it: the boundary is then further on.
        if !GraphemeCursor::new(self.cursor, self.text.len(), true).is_boundary(&self.text, 0).unwrap_or(true) {
            self.cursor = self.after();
        }
    }

    /// Edits the line; returns whether the key meant something here.
    pub(crate) fn handle_key(&mut self, key: KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match (key.code, ctrl, alt) {
            (KeyCode::Char(c), false, false) if !c.is_control() => self.insert(c.encode_utf8(&mut [0; 4])),
            (KeyCode::Left, false, false) | (KeyCode::Char('b'), true, false) => self.cursor = self.before(),
            (KeyCode::Right, false, false) | (KeyCode::Char('f'), true, false) => self.cursor = self.after(),
            (KeyCode::Left, ..) | (KeyCode::Char('b'), false, true) => self.cursor = self.word_before(),
            (KeyCode::Right, ..) | (KeyCode::Char('f'), false, true) => self.cursor = self.word_after(),
            (KeyCode::Home, ..) | (KeyCode::Char('a'), true, false) => self.cursor = 0,
            (KeyCode::End, ..) | (KeyCode::Char('e'), true, false) => self.cursor = self.text.len(),
            (KeyCode::Char('w'), true, false) | (KeyCode::Backspace, _, true) => {
                self.remove(self.word_before(), self.cursor);
            }
            (KeyCode::Backspace, ..) | (KeyCode::Char('h'), true, false) => self.remove(self.before(), self.cursor),
            (KeyCode::Delete, ..) | (KeyCode::Char('d'), true, false) => self.remove(self.cursor, self.after()),
            (KeyCode::Char('u'), true, false) => self.remove(0, self.cursor),
            (KeyCode::Char('k'), true, false) => self.remove(self.cursor, self.text.len()),
            _ => return false,
        }
        true
    }

    /// Returns the part of the line that fits `width` columns around the cursor, and the cursor's column in it.
    pub(crate) fn window(&self, width: u16) -> (&str, u16) {
        let room = usize::from(width).saturating_sub(1);
        let (head, tail) = self.text.split_at(self.cursor);
        let mut start = head.len();
        let mut columns = 0;
        for (at, grapheme) in head.grapheme_indices(true).rev() {
            if columns + grapheme.width() > room {
                break;
            }
            columns += grapheme.width();
            start = at;
        }
        let cursor_column = columns;
        let mut end = self.cursor;
        for (at, grapheme) in tail.grapheme_indices(true) {
            if columns + grapheme.width() > room + 1 {
                break;
            }
            columns += grapheme.width();
            end = self.cursor + at + grapheme.len();
        }
        (&self.text[start..end], u16::try_from(cursor_column).unwrap_or(width))
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |first| self.cursor + first.len())
    }

    fn word_before(&self) -> usize {
        let mut words = self.text[..self.cursor].split_word_bound_indices();
        words.rfind(|(_, word)| !word.trim().is_empty()).map_or(0, |(at, _)| at)
    }

    fn word_after(&self) -> usize {
        let words = self.text[self.cursor..].split_word_bound_indices();
        let first = words.map(|(at, word)| (at + word.len(), word)).find(|(_, word)| !word.trim().is_empty());
        first.map_or(self.text.len(), |(end, _)| self.cursor + end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[KeyEvent]) -> Input {
        let mut input = Input::new(64);
        for key in keys {
            assert!(input.handle_key(*key), "{key:?}");
        }
        input
    }

    fn text(text: &str) -> Vec<KeyEvent> {
        text.chars().map(|c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)).collect()
    }

    fn ctrl(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    fn bare(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    /// Half an emoji or a bare accent is no character: every step is a whole grapheme.
    #[test]
    fn cursor_steps_over_whole_graphemes() {
        let mut keys = text("ae\u{301}👩‍🚀z");
        keys.extend([bare(KeyCode::Left), bare(KeyCode::Backspace), bare(KeyCode::Backspace), bare(KeyCode::Delete)]);
        let mut input = typed(&keys);
        assert_eq!(input.take(), "a");
    }

    /// Fingers know these from the shell.
    #[test]
    fn editing_keys_work_as_in_a_shell() {
        let cases: [(&[KeyEvent], &str); 5] = [
            (&[ctrl('w')], "one two "),
            (&[ctrl('u')], ""),
            (&[ctrl('a'), ctrl('k')], ""),
            (&[KeyEvent::new(KeyCode::Left, KeyModifiers::CONTROL), ctrl('k')], "one two "),
            (&[ctrl('a'), KeyEvent::new(KeyCode::Right, KeyModifiers::ALT), ctrl('u')], " two three"),
        ];
        for (edits, left) in cases {
            let mut keys = text("one two three");
            keys.extend(edits);
            assert_eq!(typed(&keys).take(), left, "{edits:?}");
        }
    }

    /// A message longer than the protocol carries would be refused after it was written.
    #[test]
    fn text_stops_at_its_limit() {
        let mut input = Input::new(4);
        input.paste("ab界d");
        assert_eq!(input.take(), "abd");
    }

    /// A paste is one message, whatever line ends or escapes are in it.
    #[test]
    fn paste_becomes_one_clean_line() {
        let mut input = Input::new(64);
        input.paste("a\r\nb\x1bc\n");
        assert_eq!(input.take(), "a b c");
    }

    /// The cursor has to be seen in a line longer than the panel, wide characters included.
    #[test]
    fn window_follows_the_cursor() {
        let mut input = Input::new(64);
        input.paste("0123456789");
        assert_eq!(input.window(5), ("6789", 4));
        assert!(input.handle_key(bare(KeyCode::Home)));
        assert_eq!(input.window(5), ("01234", 0));

        let mut wide = Input::new(64);
        wide.paste("界界界");
        assert_eq!(wide.window(4), ("界", 2));
    }
}
