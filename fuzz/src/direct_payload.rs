//! What member and host say to each other alone: one form, under the kind that its right is checked by.

use cahoots::proto::limits::{HISTORY_BYTES_MAX, KEYFRAME_BYTES_MAX, LINE_BYTES_MAX};
use cahoots::proto::terminal::{Command, Desk, DirectDown, DirectUp, History, Screen, Size};

/// A kind, then a plaintext, which is tried both ways.
pub fn run(data: &[u8]) {
    let Some((&kind, plaintext)) = data.split_first() else { return };
    if let Ok(up) = DirectUp::decode(kind, plaintext) {
        assert_eq!(up.encode(), plaintext);
        assert_eq!(up.kind(), kind);
        if let DirectUp::Command(Command::Answer { line, .. }) = up {
            check_line(&line);
        }
    }
    if let Ok(down) = DirectDown::decode(plaintext) {
        assert_eq!(down.encode(), plaintext);
        if let DirectDown::History(part) = &down {
            if let Ok(history) = History::inflated(&part.piece) {
                assert!(history.lines.len() <= HISTORY_BYTES_MAX && history.keyframe.len() <= KEYFRAME_BYTES_MAX);
                Screen::new(Size::default()).begin_anew(history.size, &history.lines, &history.keyframe);
            }
        }
        if let DirectDown::Desk(desk) = down {
            desk.lines.iter().for_each(|(_, _, line)| check_line(line));
            let lines = desk.lines.iter().map(|(pane, author, line)| (*pane, *author, line.as_str()));
            let made = Desk::new(desk.waiting.clone(), desk.wishes.clone(), lines);
            assert_eq!(made, desk, "no desk is larger than a host makes it");
        }
    }
}

fn check_line(line: &str) {
    assert!(line.len() <= LINE_BYTES_MAX && !line.contains(char::is_control));
}
