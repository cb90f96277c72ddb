//! What programs write becomes a screen: the same one however it was cut, and a keyframe rebuilds it.

use cahoots::proto::terminal::{Screen, Size};

/// Columns, rows and the length of the pieces take a byte each; the rest is output.
pub fn run(data: &[u8]) {
    let Some((&[cols, rows, piece], output)) = data.split_first_chunk() else { return };
    let size = Size::new(cols.into(), rows.into());
    let (mut whole, mut cut) = (Screen::new(size), Screen::new(size));
    whole.write(output);
    output.chunks(usize::from(piece).max(1)).for_each(|piece| cut.write(piece));
    assert_eq!(cut.snapshot(), whole.snapshot(), "the cut does not show");

    let mut late = Screen::new(size);
    late.write(&whole.keyframe());
    assert_eq!(late.snapshot(), whole.snapshot(), "a keyframe rebuilds the screen");
    assert!(!whole.title().contains(char::is_control));
}
