//! What one guest types where the owner reads every line first: gathered up to Enter, then asked about.
//!
//! typed bytes --`push`--> line in the making --Enter--> queue --`front`--> shown to the owner --`answer`--> bytes to write
//!
//! Always: what is written is what was shown, and Enter; the line that is asked about stays the same until it is
//! answered. So keys that a line cannot show do nothing here: arrows, function keys, Tab, Esc and what goes with Alt.

use crate::proto::audit::Receipt;
use crate::proto::limits::{LINE_BYTES_MAX, LINES_MAX};
use crate::proto::terminal::sanitise_line;
use std::collections::VecDeque;

/// One line, or one key that stands for itself, to be let pass or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::proto::session) struct Line {
    /// What the owner is shown: one line without anything unseen.
    pub(in crate::proto::session) shown: String,
    /// What the program gets.
    pub(in crate::proto::session) bytes: Vec<u8>,
    /// The entry that ended it.
    pub(in crate::proto::session) receipt: Receipt,
}

/// What became of something typed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::proto::session) struct Gathered {
    /// At least one more line waits for the owner.
    pub(in crate::proto::session) has_ended_a_line: bool,
    /// A line was dropped because it was too long, or too many wait.
    pub(in crate::proto::session) has_dropped_a_line: bool,
}

/// The lines of one guest on one pane.
#[derive(Debug, Default)]
pub(in crate::proto::session) struct Lines {
    text: String,
    /// The line in the making is too long: it ends up nowhere.
    is_spoilt: bool,
    /// The first one is what the owner is asked about.
    queue: VecDeque<Line>,
}

impl Lines {
    /// Takes what an entry typed. Sequences of keys do not go on from one entry to the next.
    pub(in crate::proto::session) fn push(&mut self, bytes: &[u8], receipt: &Receipt) -> Gathered {
        let mut gathered = Gathered::default();
        let text: String = bytes.utf8_chunks().map(|chunk| chunk.valid()).collect();
        let mut keys = Keys { left: &text };
        while let Some(key) = keys.next_key() {
            self.press(key, receipt, &mut gathered);
        }
        gathered
    }

    fn press(&mut self, key: Key, receipt: &Receipt, gathered: &mut Gathered) {
        match key {
            Key::Enter => {
                let text = std::mem::take(&mut self.text);
                if std::mem::take(&mut self.is_spoilt) {
                    gathered.has_dropped_a_line = true;
                    return;
                }
                // Shown and written are one and the same, whatever showing leaves out.
                let shown = sanitise_line(&text, LINE_BYTES_MAX);
                let bytes = [shown.as_bytes(), b"\r"].concat();
                self.enqueue(Line { shown, bytes, receipt: receipt.clone() }, gathered);
            }
            Key::Backspace => {
                self.text.pop();
            }
            Key::EraseWord => {
                let kept = self.text.trim_end().rfind(' ').map_or(0, |space| space + 1);
                self.text.truncate(kept);
            }
            Key::EraseLine => (self.text, self.is_spoilt) = (String::new(), false),
            Key::Signal(signal) if self.is_resting() => {
                let shown = signal.shown().to_owned();
                self.enqueue(Line { shown, bytes: vec![signal.0], receipt: receipt.clone() }, gathered);
            }
            // Whoever has second thoughts takes back what the owner has not been asked about.
            Key::Signal(Signal::INTERRUPT) => {
                (self.text, self.is_spoilt) = (String::new(), false);
                self.queue.truncate(1);
            }
            Key::Signal(_) => {}
            Key::Character(character) if self.text.len() + character.len_utf8() <= LINE_BYTES_MAX => {
                self.text.push(character);
            }
            Key::Character(_) => self.is_spoilt = true,
        }
    }

    /// Tells whether there is nothing that the owner has not been asked about.
    fn is_resting(&self) -> bool {
        self.text.is_empty() && !self.is_spoilt && self.queue.len() <= 1
    }

    fn enqueue(&mut self, line: Line, gathered: &mut Gathered) {
        let waiting: usize = self.queue.iter().map(|line| line.bytes.len()).sum();
        if self.queue.len() >= LINES_MAX || waiting + line.bytes.len() > 2 * LINE_BYTES_MAX {
            gathered.has_dropped_a_line = true;
        } else {
            self.queue.push_back(line);
            gathered.has_ended_a_line = true;
        }
    }

    /// Returns the line that the owner is asked about.
    pub(in crate::proto::session) fn front(&self) -> Option<&Line> {
        self.queue.front()
    }

    /// Takes the line that was answered; the next one is asked about then.
    pub(in crate::proto::session) fn pop(&mut self) -> Option<Line> {
        self.queue.pop_front()
    }

    /// Tells whether nothing is kept.
    pub(in crate::proto::session) fn is_empty(&self) -> bool {
        self.text.is_empty() && !self.is_spoilt && self.queue.is_empty()
    }
}

/// A control key that acts at once, and so is asked about by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Signal(u8);

impl Signal {
    const INTERRUPT: Self = Self(0x03);

    /// Nobody can type this as text: the pictures of control characters are left out of lines.
    const fn shown(self) -> &'static str {
        match self.0 {
            0x03 => "␃ Ctrl-C",
            0x04 => "␄ Ctrl-D",
            0x1a => "␚ Ctrl-Z",
            _ => "␜ Ctrl-\\",
        }
    }
}

/// A key, as far as it means something to a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Key {
    Character(char),
    Enter,
    Backspace,
    EraseWord,
    EraseLine,
    Signal(Signal),
}

/// Takes keys off what a terminal sends.
struct Keys<'a> {
    left: &'a str,
}

impl Keys<'_> {
    fn next_key(&mut self) -> Option<Key> {
        while let Some(character) = self.next_char() {
            return Some(match character {
                '\x1b' => {
                    self.skip_sequence();
                    continue;
                }
                '\r' | '\n' => {
                    // A paste from elsewhere may end its lines with both.
                    if character == '\r' {
                        self.left = self.left.strip_prefix('\n').unwrap_or(self.left);
                    }
                    Key::Enter
                }
                '\x08' | '\x7f' => Key::Backspace,
                '\x15' => Key::EraseLine,
                '\x17' => Key::EraseWord,
                '\x03' | '\x04' | '\x1a' | '\x1c' => Key::Signal(Signal(character as u8)),
                '\u{2400}'..='\u{243f}' => continue,
                // Tab would have the shell write what nobody was shown.
                _ if character.is_control() => continue,
                _ if character.is_whitespace() => Key::Character(' '),
                _ => Key::Character(character),
            });
        }
        None
    }

    fn next_char(&mut self) -> Option<char> {
        let mut characters = self.left.chars();
        let character = characters.next()?;
        self.left = characters.as_str();
        Some(character)
    }

    /// Skips what follows an ESC: one character, or a sequence of ECMA-48 with its parameters.
    fn skip_sequence(&mut self) {
        match self.next_char() {
            Some('[') => {
                let is_old_mouse = self.left.starts_with('M');
                while let Some(character) = self.next_char() {
                    if ('@'..='~').contains(&character) {
                        break;
                    }
                }
                // The report of X10: button, column and row as they are.
                if is_old_mouse {
                    for _ in 0..3 {
                        self.next_char();
                    }
                }
            }
            Some('O') => {
                self.next_char();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(entries: &[&[u8]]) -> (Lines, Vec<String>) {
        let mut lines = Lines::default();
        for bytes in entries {
            lines.push(bytes, &Receipt::blank());
        }
        let shown = lines.queue.iter().map(|line| line.shown.clone()).collect();
        (lines, shown)
    }

    /// People mistype: the owner is asked about the line as it came to be, not about every key.
    #[test]
    fn line_is_gathered_and_edited_up_to_enter() {
        let entries: [&[u8]; 5] = [b"ls -lx\x7f", b"a /tmp wrong\x17", b"\x1b[D\x1b[A\x1bOP\t", b"ok", b"\r"];
        assert_eq!(typed(&entries).1, ["ls -la /tmp ok"]);
        assert_eq!(typed(&[b"never mind\x15date\r\n"]).1, ["date"]);
        assert_eq!(typed(&[b"\x1b[200~one\ntwo\x1b[201~\r"]).1, ["one", "two"], "a paste");
        assert_eq!(typed(&[b"\x1b[M !!w\r"]).1, ["w"], "a click");
        let (lines, shown) = typed(&["caf\u{e9}\u{202e} \u{2403}\u{a0}x\r".as_bytes()]);
        assert_eq!(shown, ["café  x"], "nothing unseen, and no picture of a control");
        assert_eq!(lines.front().unwrap().bytes, "café  x\r".as_bytes());
    }

    /// An interrupt kills what runs: it is asked about too; after a line of text it only takes that back.
    #[test]
    fn interrupt_is_asked_about_or_takes_back() {
        let (lines, shown) = typed(&[b"\x03"]);
        assert_eq!((shown, &lines.front().unwrap().bytes[..]), (vec!["␃ Ctrl-C".to_owned()], &b"\x03"[..]));
        assert_eq!(typed(&[b"rm -rf\x03ls\r"]).1, ["ls"]);
        assert_eq!(typed(&[b"first\rsecond\rthird\x03"]).1, ["first"], "the owner is reading that one");
        assert_eq!(typed(&[b"text\x04\r"]).1, ["text"], "the end of a file is none inside a line");
    }

    /// Memory at the host is not the guest's to fill, and no line is cut to mean something else.
    #[test]
    fn long_lines_and_many_are_dropped_whole() {
        let mut lines = Lines::default();
        let long = vec![b'x'; LINE_BYTES_MAX + 1];
        assert_eq!(lines.push(&long, &Receipt::blank()), Gathered::default());
        let expected = Gathered { has_ended_a_line: false, has_dropped_a_line: true };
        assert_eq!(lines.push(b"\r", &Receipt::blank()), expected);
        assert!(lines.is_empty());
        let many = lines.push(&b"y\r".repeat(LINES_MAX + 1), &Receipt::blank());
        assert_eq!(many, Gathered { has_ended_a_line: true, has_dropped_a_line: true });
        assert_eq!(lines.queue.len(), LINES_MAX);
    }

    proptest! {
        /// Whatever is typed, what the program gets is what the owner read, and one key that ends it.
        #[test]
        fn nothing_is_written_that_was_not_shown(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut lines = Lines::default();
            lines.push(&bytes, &Receipt::blank());
            while let Some(line) = lines.pop() {
                prop_assert_eq!(&sanitise_line(&line.shown, LINE_BYTES_MAX), &line.shown);
                let is_line = line.bytes == [line.shown.as_bytes(), b"\r"].concat();
                prop_assert!(is_line || line.bytes.len() == 1 && line.shown.contains("Ctrl-"), "{line:?}");
            }
        }
    }
}
