//! A hostile host's entries: events stay in order and within their bounds.

use crate::cast;
use cahoots::proto::limits::{KEYFRAME_BYTES_MAX, OUTPUT_BYTES_MAX};
use cahoots::proto::terminal::{Screen, Size, StreamDecoder, StreamEvent};

/// Entries, each behind its length as a `u16`: kind, then plaintext.
pub fn run(data: &[u8]) {
    let (mut decoder, mut screen) = (StreamDecoder::new(), Screen::new(Size::default()));
    let mut next = None;
    for entry in cast::pieces(data) {
        let Some((&kind, plaintext)) = entry.split_first() else { continue };
        let Ok(events) = decoder.push(kind, plaintext) else {
            assert!(decoder.is_lost(), "after an error only a keyframe helps");
            next = None;
            continue;
        };
        for event in events {
            match event {
                StreamEvent::Keyframe { size, offset, data } => {
                    assert!(data.len() <= KEYFRAME_BYTES_MAX && size == size.clamped());
                    screen.restore(size, &data);
                    next = Some(offset);
                }
                StreamEvent::Output { offset, data } => {
                    assert!(data.len() <= OUTPUT_BYTES_MAX && !data.is_empty());
                    assert_eq!(next, Some(offset), "no gap");
                    screen.write(&data);
                    next = Some(offset + data.len() as u64);
                }
                StreamEvent::Past { .. } => unreachable!("lines above a screen come by another way"),
                StreamEvent::End { .. } => assert!(next.is_some(), "an end comes after a beginning"),
            }
        }
    }
}
