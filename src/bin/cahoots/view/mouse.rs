//! The mouse as the shared program wants to hear of it.
//!
//! Source of the sequences: "XTerm Control Sequences", mouse tracking.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use cahoots::proto::terminal::{Modes, MouseEncoding, MouseMode};

/// Added to the button while the mouse moves.
const MOTION: u16 = 32;
/// The button's number where none is down, and for a release that does not say which.
const NO_BUTTON: u16 = 3;

/// Returns the bytes that report this event at a cell of the program's screen; none if it did not ask for such.
pub(crate) fn bytes(mouse: MouseEvent, (row, col): (u16, u16), modes: Modes) -> Vec<u8> {
    if !wants(modes.mouse, mouse.kind) {
        return Vec::new();
    }
    let held = if modes.mouse == MouseMode::Press { 0 } else { held(mouse.modifiers) };
    let released = matches!(mouse.kind, MouseEventKind::Up(_));
    let button = button(mouse.kind) + held;
    let anonymous = if released { NO_BUTTON + held } else { button };
    match modes.mouse_encoding {
        MouseEncoding::Sgr => {
            let last = if released { 'm' } else { 'M' };
            format!("\x1b[<{button};{};{}{last}", col + 1, row + 1).into_bytes()
        }
        MouseEncoding::Urxvt => format!("\x1b[{};{};{}M", anonymous + 32, col + 1, row + 1).into_bytes(),
        MouseEncoding::Utf8 => triple([anonymous, col + 1, row + 1], 2_015, |value, out| {
            let character = char::from_u32(value.into()).unwrap_or(' ');
            out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
        }),
        MouseEncoding::Bytes => triple([anonymous, col + 1, row + 1], 223, |value, out| {
            out.extend(u8::try_from(value));
        }),
    }
}

/// Writes three values, each raised by 32; nothing if one of them has no code.
fn triple(values: [u16; 3], value_max: u16, mut put: impl FnMut(u16, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"\x1b[M".to_vec();
    for value in values {
        if value > value_max {
            return Vec::new();
        }
        put(value + 32, &mut out);
    }
    out
}

const fn wants(mode: MouseMode, kind: MouseEventKind) -> bool {
    match kind {
        MouseEventKind::Down(_) => !matches!(mode, MouseMode::Off),
        MouseEventKind::Drag(_) => matches!(mode, MouseMode::Drag | MouseMode::Motion),
        MouseEventKind::Moved => matches!(mode, MouseMode::Motion),
        _ => !matches!(mode, MouseMode::Off | MouseMode::Press),
    }
}

const fn button(kind: MouseEventKind) -> u16 {
    const fn number(button: MouseButton) -> u16 {
        match button {
            MouseButton::Left => 0,
            MouseButton::Middle => 1,
            MouseButton::Right => 2,
        }
    }
    match kind {
        MouseEventKind::Down(button) | MouseEventKind::Up(button) => number(button),
        MouseEventKind::Drag(button) => number(button) + MOTION,
        MouseEventKind::Moved => NO_BUTTON + MOTION,
        MouseEventKind::ScrollUp => 64,
        MouseEventKind::ScrollDown => 65,
        MouseEventKind::ScrollLeft => 66,
        MouseEventKind::ScrollRight => 67,
    }
}

fn held(modifiers: KeyModifiers) -> u16 {
    let bits = [(KeyModifiers::SHIFT, 4), (KeyModifiers::ALT, 8), (KeyModifiers::CONTROL, 16)];
    bits.into_iter().filter(|(modifier, _)| modifiers.contains(*modifier)).map(|(_, bit)| bit).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(
        kind: MouseEventKind,
        modifiers: KeyModifiers,
        mouse: MouseMode,
        mouse_encoding: MouseEncoding,
    ) -> Vec<u8> {
        let event = MouseEvent { kind, column: 0, row: 0, modifiers };
        bytes(event, (4, 9), Modes { mouse, mouse_encoding, ..Modes::default() })
    }

    const DOWN: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
    const UP: MouseEventKind = MouseEventKind::Up(MouseButton::Left);

    /// Editors match these sequences literally.
    #[test]
    fn reports_are_those_of_an_xterm() {
        let click = |kind, encoding| report(kind, KeyModifiers::NONE, MouseMode::Click, encoding);
        assert_eq!(click(DOWN, MouseEncoding::Sgr), b"\x1b[<0;10;5M");
        assert_eq!(click(UP, MouseEncoding::Sgr), b"\x1b[<0;10;5m");
        assert_eq!(click(DOWN, MouseEncoding::Bytes), b"\x1b[M\x20\x2a\x25");
        assert_eq!(click(UP, MouseEncoding::Bytes), b"\x1b[M\x23\x2a\x25");
        assert_eq!(click(DOWN, MouseEncoding::Urxvt), b"\x1b[32;10;5M");
        assert_eq!(click(MouseEventKind::ScrollDown, MouseEncoding::Sgr), b"\x1b[<65;10;5M");
        let held = report(DOWN, KeyModifiers::CONTROL, MouseMode::Click, MouseEncoding::Sgr);
        assert_eq!(held, b"\x1b[<16;10;5M");
    }

    /// Motion that nobody asked for would be typed into a shell as garbage.
    #[test]
    fn programs_hear_only_what_they_asked_for() {
        let kinds = [DOWN, UP, MouseEventKind::Drag(MouseButton::Left), MouseEventKind::Moved];
        let modes = [
            (MouseMode::Off, 0),
            (MouseMode::Press, 1),
            (MouseMode::Click, 2),
            (MouseMode::Drag, 3),
            (MouseMode::Motion, 4),
        ];
        for (mode, heard) in modes {
            let reported =
                kinds.iter().filter(|kind| !report(**kind, KeyModifiers::NONE, mode, MouseEncoding::Sgr).is_empty());
            assert_eq!(reported.count(), heard, "{mode:?}");
        }
    }

    /// The oldest encoding ends at column 223: a wrapped number would click somewhere else.
    #[test]
    fn cells_without_a_code_are_not_reported() {
        let event = MouseEvent { kind: DOWN, column: 0, row: 0, modifiers: KeyModifiers::NONE };
        let at = |col, mouse_encoding| {
            bytes(event, (0, col), Modes { mouse: MouseMode::Click, mouse_encoding, ..Modes::default() })
        };
        assert_eq!(at(222, MouseEncoding::Bytes), b"\x1b[M\x20\xff\x21");
        assert!(at(223, MouseEncoding::Bytes).is_empty());
        assert_eq!(at(223, MouseEncoding::Utf8), "\x1b[M\x20\u{100}\x21".as_bytes());
    }
}
