//! Bytes from a connection become frames: the same ones however the network cuts them.

use cahoots::proto::wire::{DecodeError, Frame, FrameDecoder};

/// The first byte says how long the pieces are.
pub fn run(data: &[u8]) {
    let Some((&piece, stream)) = data.split_first() else { return };
    let whole = frames(stream, stream.len().max(1));
    assert_eq!(frames(stream, usize::from(piece).max(1)), whole, "frames do not depend on the cut");
    for frame in &whole.0 {
        let again = frames(&frame.encode(), usize::MAX);
        assert!(matches!(frame, Frame::Unknown { .. }) || again == (vec![frame.clone()], None));
    }
}

fn frames(stream: &[u8], piece_bytes: usize) -> (Vec<Frame>, Option<DecodeError>) {
    let (mut decoder, mut frames) = (FrameDecoder::new(), Vec::new());
    for piece in stream.chunks(piece_bytes) {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}
