//! Which key is a command of ours, and which bytes a key stands for.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use cahoots::{Key, KeyPress, Modes, Modifiers, encode_key};

/// Ctrl-]: no shell binds it, telnet has taught it.
pub(crate) const PREFIX: KeyEvent = KeyEvent::new(KeyCode::Char(']'), KeyModifiers::CONTROL);

/// What the viewer itself can do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Chat,
    People,
    Notes,
    Help,
    Leave,
    Pointer,
    /// Asks to drive, or gives the terminal back.
    Drive,
    /// Makes a narrower link.
    PassOn,
    /// Takes an alarm that was seen off the status line.
    Dismiss,
    NextPane,
    /// Moves the view over a terminal that is larger than this one.
    Pan(Pan),
    /// Scrolls through what has left the screen.
    Scroll(Scroll),
    /// Lets the view follow the cursor again, at the newest output.
    Follow,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scroll {
    Back,
    On,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pan {
    Up,
    Down,
    Left,
    Right,
}

/// Returns whether this key is the prefix. A terminal sends byte 0x1d for it, which crossterm names Ctrl-5.
pub(crate) fn is_prefix(key: KeyEvent) -> bool {
    key.modifiers == KeyModifiers::CONTROL && matches!(key.code, KeyCode::Char(']' | '5'))
}

/// Returns whether this key, after the prefix, sends the prefix itself.
pub(crate) fn is_literal(key: KeyEvent) -> bool {
    is_prefix(key) || key.code == KeyCode::Char(']')
}

/// Returns the command of a key.
pub(crate) fn command(key: KeyEvent) -> Option<Command> {
    if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    Some(match key.code {
        KeyCode::Char('c') => Command::Chat,
        KeyCode::Char('p') => Command::People,
        KeyCode::Char('n') => Command::Notes,
        KeyCode::Char('m') => Command::Pointer,
        KeyCode::Char('d') => Command::Drive,
        KeyCode::Char('s') => Command::PassOn,
        KeyCode::Char('x') => Command::Dismiss,
        KeyCode::Char('q') => Command::Leave,
        KeyCode::Char('?' | 'h') => Command::Help,
        KeyCode::Char('f') | KeyCode::End => Command::Follow,
        KeyCode::Tab => Command::NextPane,
        KeyCode::PageUp | KeyCode::Char('[') => Command::Scroll(Scroll::Back),
        KeyCode::PageDown => Command::Scroll(Scroll::On),
        KeyCode::Up => Command::Pan(Pan::Up),
        KeyCode::Down => Command::Pan(Pan::Down),
        KeyCode::Left => Command::Pan(Pan::Left),
        KeyCode::Right => Command::Pan(Pan::Right),
        _ => return None,
    })
}

/// What the help shows: keys and what they do.
pub(crate) const HELP: [(&str, &str); 14] = [
    ("c", "chat"),
    ("p", "people"),
    ("n", "notes"),
    ("m", "show your mouse as a pointer to others"),
    ("d", "ask to drive, or give back"),
    ("s", "make a narrower link to pass on"),
    ("x", "put an alarm away that you have seen"),
    ("arrows", "move the view over a larger terminal"),
    ("PgUp", "scroll back, PgDn on"),
    ("f", "follow the cursor again"),
    ("Tab", "next pane"),
    ("]", "send Ctrl-] itself"),
    ("q", "leave"),
    ("?", "this help"),
];

/// Returns the bytes that a key types into a program with these modes; none for a key that types nothing.
pub(crate) fn bytes(key: KeyEvent, modes: Modes) -> Vec<u8> {
    let held = |modifier| key.modifiers.contains(modifier);
    let modifiers = Modifiers {
        shift: held(KeyModifiers::SHIFT),
        alt: held(KeyModifiers::ALT),
        control: held(KeyModifiers::CONTROL),
    };
    named(key.code).map_or_else(Vec::new, |key| encode_key(KeyPress { key, modifiers }, modes))
}

fn named(code: KeyCode) -> Option<Key> {
    Some(match code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Tab | KeyCode::BackTab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Esc => Key::Escape,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Right => Key::Right,
        KeyCode::Left => Key::Left,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Insert => Key::Insert,
        KeyCode::Delete => Key::Delete,
        KeyCode::F(number) => Key::Function(number),
        KeyCode::Null => Key::Char(' '),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same key has two names, by terminal protocol; both must arm the commands, or nobody can leave.
    #[test]
    fn prefix_is_known_by_both_names() {
        for c in [']', '5'] {
            assert!(is_prefix(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)));
        }
        assert!(!is_prefix(KeyEvent::new(KeyCode::Char(']'), KeyModifiers::NONE)));
        assert!(!is_prefix(KeyEvent::new(KeyCode::Char('5'), KeyModifiers::CONTROL | KeyModifiers::ALT)));
    }

    /// Ctrl-C must not open the chat, Alt-q must not leave.
    #[test]
    fn modified_letters_are_no_commands() {
        assert_eq!(command(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::NONE)), Some(Command::Chat));
        assert_eq!(command(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), None);
        assert_eq!(command(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT)), None);
    }

    /// The help is only worth something if it is true.
    #[test]
    fn help_lists_keys_that_exist() {
        for (name, _) in HELP.iter().filter(|(name, _)| name.chars().count() == 1) {
            let key = KeyEvent::new(KeyCode::Char(name.chars().next().unwrap()), KeyModifiers::NONE);
            assert!(command(key).is_some() || is_literal(key), "{name}");
        }
    }

    /// The way of a key through two tables, crossterm's and ours, must end at the byte that the keyboard sent.
    #[test]
    fn keys_type_what_the_own_terminal_sent() {
        let cases: [(KeyCode, KeyModifiers, &[u8]); 9] = [
            (KeyCode::Char('é'), KeyModifiers::NONE, "é".as_bytes()),
            (KeyCode::Char('A'), KeyModifiers::SHIFT, b"A"),
            (KeyCode::Char('c'), KeyModifiers::CONTROL, b"\x03"),
            (KeyCode::Char('5'), KeyModifiers::CONTROL, b"\x1d"),
            (KeyCode::Char(' '), KeyModifiers::CONTROL, b"\0"),
            (KeyCode::Char('b'), KeyModifiers::ALT, b"\x1bb"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, b"\x1b[Z"),
            (KeyCode::Right, KeyModifiers::CONTROL, b"\x1b[1;5C"),
            (KeyCode::CapsLock, KeyModifiers::NONE, b""),
        ];
        for (code, modifiers, expected) in cases {
            assert_eq!(bytes(KeyEvent::new(code, modifiers), Modes::default()), expected, "{code:?}");
        }
        assert_eq!(bytes(PREFIX, Modes::default()), b"\x1d");
    }
}
