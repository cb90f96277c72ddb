//! Answers to a program that asks its terminal something.
//!
//! Only the host answers, once, and only while no real terminal stands beside it: an editor started in a headless
//! share would else wait for its time-out. Nobody else ever does: a viewer's answer would be typed into the program.

use super::csi::Csi;
use super::modes::Modes;

/// Answers that wait for the host, in bytes; a program that asks without reading gets no more.
const REPLY_BYTES_MAX: usize = 1_024;

/// The answers not yet taken.
#[derive(Debug, Default)]
pub(super) struct Replies {
    bytes: Vec<u8>,
}

impl Replies {
    /// Returns the answers since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Answers `csi` if it is a question; `cursor` is row and column from 0.
    pub(super) fn answer(&mut self, csi: &Csi<'_>, cursor: (u16, u16), modes: Modes, cursor_visible: bool) {
        let reply = match (csi.marker, csi.intermediate, csi.last, csi.number(0)) {
            (None, None, b'n', 5) => "\x1b[0n".to_owned(),
            (None, None, b'n', 6) => format!("\x1b[{};{}R", cursor.0 + 1, cursor.1 + 1),
            // A VT220 with colours.
            (None, None, b'c', 0) => "\x1b[?62;22c".to_owned(),
            // An xterm that is new enough for mouse reports in decimal numbers, which editors read from the number.
            (Some(b'>'), None, b'c', 0) => "\x1b[>0;277;0c".to_owned(),
            (Some(b'?'), Some(b'$'), b'p', mode) => {
                format!("\x1b[?{mode};{}$y", setting(mode, modes, cursor_visible))
            }
            _ => return,
        };
        if self.bytes.len() + reply.len() <= REPLY_BYTES_MAX {
            self.bytes.extend_from_slice(reply.as_bytes());
        }
    }
}

/// Returns 1 for a mode that is set, 2 for one that is not, 0 for one that we do not know (DECRPM).
fn setting(mode: u16, modes: Modes, cursor_visible: bool) -> u8 {
    let set = match mode {
        1 => modes.app_cursor,
        25 => cursor_visible,
        47 | 1047 | 1049 => modes.alternate,
        66 => modes.app_keypad,
        1004 => modes.focus_events,
        2004 => modes.bracketed_paste,
        9 | 1000 | 1002 | 1003 => modes.mouse.number() == Some(mode),
        1005 | 1006 | 1015 => modes.mouse_encoding.number() == Some(mode),
        _ => return 0,
    };
    if set { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::super::{Screen, Size};
    use super::*;

    fn replies(output: &[u8]) -> String {
        let mut screen = Screen::new(Size::new(80, 24)).answering();
        screen.write(output);
        String::from_utf8(screen.take_replies()).unwrap()
    }

    /// Editors ask where the cursor is, in the middle of their output; the answer is about that very moment.
    #[test]
    fn cursor_report_tells_the_place_at_the_question() {
        assert_eq!(replies(b"\r\nab\x1b[6ncd"), "\x1b[2;3R");
        assert_eq!(replies(b"\x1b[5n\x1b[c\x1b[>c"), "\x1b[0n\x1b[?62;22c\x1b[>0;277;0c");
    }

    /// A program that knows which modes are set leaves them as it found them.
    #[test]
    fn mode_report_follows_the_modes() {
        assert_eq!(
            replies(b"\x1b[?2004h\x1b[?2004$p\x1b[?1006$p\x1b[?2026$p"),
            "\x1b[?2004;1$y\x1b[?1006;2$y\x1b[?2026;0$y"
        );
    }

    /// A file full of questions is shown with `cat`: nobody reads the answers, and they must not pile up.
    #[test]
    fn answers_are_bounded_and_off_unless_asked_for() {
        assert!(replies(&b"\x1b[6n".repeat(10_000)).len() <= REPLY_BYTES_MAX);
        let mut viewer = Screen::new(Size::default());
        viewer.write(b"\x1b[6n\x1b[c");
        assert_eq!(viewer.take_replies(), b"");
    }
}
