//! Key presses and pasted text as the bytes that an xterm would send.
//!
//! Always: bytes depend only on the key and the program's [`Modes`]; pasted text cannot leave its brackets.
//! Source of the sequences: "XTerm Control Sequences", PC-style function keys.

use super::Modes;

/// A key that produces bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Key {
    /// A character as the keyboard layout gives it, shift already applied.
    Char(char),
    /// Enter, also that of the keypad.
    Enter,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Escape.
    Escape,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow right.
    Right,
    /// Arrow left.
    Left,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Insert.
    Insert,
    /// Delete.
    Delete,
    /// A function key, 1 to 20.
    Function(u8),
}

/// The keys held down along with a key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Modifiers {
    /// Shift.
    pub shift: bool,
    /// Alt, or option.
    pub alt: bool,
    /// Control.
    pub control: bool,
}

/// A key and what was held down along with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyPress {
    /// The key.
    pub key: Key,
    /// What was held down.
    pub modifiers: Modifiers,
}

impl From<Key> for KeyPress {
    fn from(key: Key) -> Self {
        Self { key, modifiers: Modifiers::default() }
    }
}

impl Modifiers {
    /// Returns xterm's number for these: 1 for none.
    const fn parameter(self) -> u8 {
        1 + self.shift as u8 + 2 * (self.alt as u8) + 4 * (self.control as u8)
    }
}

/// Returns the bytes that `press` types into a program with these `modes`; none for a key that sends none.
#[must_use]
pub fn encode_key(press: KeyPress, modes: Modes) -> Vec<u8> {
    let KeyPress { key, modifiers } = press;
    match key {
        Key::Char(character) => with_alt(modifiers, &character_bytes(character, modifiers)),
        Key::Enter => with_alt(modifiers, b"\r"),
        Key::Tab if modifiers.shift => with_alt(modifiers, b"\x1b[Z"),
        Key::Tab => with_alt(modifiers, b"\t"),
        Key::Backspace => with_alt(modifiers, if modifiers.control { b"\x08" } else { b"\x7f" }),
        Key::Escape => with_alt(modifiers, b"\x1b"),
        Key::Up => letter(b'A', modifiers, modes),
        Key::Down => letter(b'B', modifiers, modes),
        Key::Right => letter(b'C', modifiers, modes),
        Key::Left => letter(b'D', modifiers, modes),
        Key::Home => letter(b'H', modifiers, modes),
        Key::End => letter(b'F', modifiers, modes),
        Key::Insert => tilde(2, modifiers),
        Key::Delete => tilde(3, modifiers),
        Key::PageUp => tilde(5, modifiers),
        Key::PageDown => tilde(6, modifiers),
        Key::Function(number) => function(number, modifiers),
    }
}

/// Returns the bytes that pasting `text` types into a program with these `modes`.
///
/// Line breaks become those of the Enter key. A program that asked for brackets gets them, and no pasted byte can
/// close them early and so pass for typing.
#[must_use]
pub fn encode_paste(text: &str, modes: Modes) -> Vec<u8> {
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    if !modes.bracketed_paste {
        return text.into_bytes();
    }
    // Without ESC there is no end of paste, however the pieces around it are put together.
    let text = text.replace("\x1b[201~", "").replace(['\x1b', '\u{9b}'], "");
    [b"\x1b[200~", text.as_bytes(), b"\x1b[201~"].concat()
}

fn with_alt(modifiers: Modifiers, bytes: &[u8]) -> Vec<u8> {
    let prefix: &[u8] = if modifiers.alt { b"\x1b" } else { b"" };
    [prefix, bytes].concat()
}

fn character_bytes(character: char, modifiers: Modifiers) -> Vec<u8> {
    if modifiers.control
        && let Some(byte) = control_byte(character)
    {
        return vec![byte];
    }
    character.to_string().into_bytes()
}

/// Returns what control makes of a character, as on a VT220.
const fn control_byte(character: char) -> Option<u8> {
    match character {
        'a'..='z' | 'A'..='Z' | '[' | '\\' | ']' | '^' | '_' => Some(character as u8 & 0x1f),
        ' ' | '@' | '2' => Some(0),
        '3'..='7' => Some(character as u8 - b'3' + 0x1b),
        '8' | '?' => Some(0x7f),
        '/' => Some(0x1f),
        _ => None,
    }
}

/// Arrows, home and end.
fn letter(last: u8, modifiers: Modifiers, modes: Modes) -> Vec<u8> {
    match modifiers.parameter() {
        1 if modes.app_cursor => vec![0x1b, b'O', last],
        1 => vec![0x1b, b'[', last],
        parameter => format!("\x1b[1;{parameter}{}", char::from(last)).into_bytes(),
    }
}

fn tilde(number: u8, modifiers: Modifiers) -> Vec<u8> {
    match modifiers.parameter() {
        1 => format!("\x1b[{number}~").into_bytes(),
        parameter => format!("\x1b[{number};{parameter}~").into_bytes(),
    }
}

fn function(number: u8, modifiers: Modifiers) -> Vec<u8> {
    match (number, modifiers.parameter()) {
        (1..=4, 1) => vec![0x1b, b'O', b'P' + number - 1],
        (1..=4, parameter) => format!("\x1b[1;{parameter}{}", char::from(b'P' + number - 1)).into_bytes(),
        // The numbers of the VT220 have gaps where its keyboard had them.
        (5, _) => tilde(15, modifiers),
        (6..=10, _) => tilde(number + 11, modifiers),
        (11..=14, _) => tilde(number + 12, modifiers),
        (15..=16, _) => tilde(number + 13, modifiers),
        (17..=20, _) => tilde(number + 14, modifiers),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(key: Key) -> String {
        pressed(key, Modifiers::default())
    }

    fn pressed(key: Key, modifiers: Modifiers) -> String {
        String::from_utf8(encode_key(KeyPress { key, modifiers }, Modes::default())).unwrap()
    }

    const CONTROL: Modifiers = Modifiers { shift: false, alt: false, control: true };
    const ALT: Modifiers = Modifiers { shift: false, alt: true, control: false };

    /// These are the bytes that terminfo's `xterm-256color` promises; programs match them literally.
    #[test]
    fn keys_send_what_terminfo_says() {
        let expected = [
            (Key::Enter, "\r"),
            (Key::Backspace, "\x7f"),
            (Key::Up, "\x1b[A"),
            (Key::Home, "\x1b[H"),
            (Key::Delete, "\x1b[3~"),
            (Key::PageDown, "\x1b[6~"),
            (Key::Function(1), "\x1bOP"),
            (Key::Function(5), "\x1b[15~"),
            (Key::Function(6), "\x1b[17~"),
            (Key::Function(10), "\x1b[21~"),
            (Key::Function(11), "\x1b[23~"),
            (Key::Function(12), "\x1b[24~"),
            (Key::Function(15), "\x1b[28~"),
            (Key::Function(20), "\x1b[34~"),
            (Key::Function(21), ""),
            (Key::Char('é'), "é"),
        ];
        for (key, bytes) in expected {
            assert_eq!(typed(key), bytes, "{key:?}");
        }
    }

    /// A full-screen editor sets application mode and would else read an arrow as Escape and a letter.
    #[test]
    fn arrows_follow_the_cursor_key_mode_unless_modified() {
        let modes = Modes { app_cursor: true, ..Modes::default() };
        assert_eq!(encode_key(Key::Left.into(), modes), b"\x1bOD");
        assert_eq!(encode_key(KeyPress { key: Key::Left, modifiers: CONTROL }, modes), b"\x1b[1;5D");
    }

    /// Control and alt are how shells and editors are driven.
    #[test]
    fn modifiers_are_encoded_as_on_an_xterm() {
        assert_eq!(pressed(Key::Char('c'), CONTROL), "\x03");
        assert_eq!(pressed(Key::Char(' '), CONTROL), "\0");
        assert_eq!(pressed(Key::Char('7'), CONTROL), "\x1f");
        assert_eq!(pressed(Key::Char('x'), ALT), "\x1bx");
        assert_eq!(pressed(Key::Function(3), ALT), "\x1b[1;3R");
        assert_eq!(pressed(Key::Tab, Modifiers { shift: true, ..Modifiers::default() }), "\x1b[Z");
    }

    proptest! {
        /// Text copied from a web page must not end its own paste and run a command.
        #[test]
        fn pasted_text_cannot_leave_its_brackets(parts in proptest::collection::vec(
            prop_oneof![Just("\x1b[201~"), Just("\x1b[2"), Just("01~"), Just("\x1b"), Just("\u{9b}201~"), Just("rm\n")], 0..8)
        ) {
            let modes = Modes { bracketed_paste: true, ..Modes::default() };
            let bytes = encode_paste(&parts.concat(), modes);
            let inner = bytes.strip_prefix(b"\x1b[200~").and_then(|rest| rest.strip_suffix(b"\x1b[201~")).unwrap();
            prop_assert!(!inner.contains(&0x1b) && !inner.contains(&b'\n'));
        }
    }
}
