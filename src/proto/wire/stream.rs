//! Cuts a byte stream into frames, whatever pieces it comes in.

use super::frame::Frame;
use super::reader::{DecodeError, Reader};
use crate::proto::limits::FRAME_BODY_BYTES_MAX;
use bytes::{Buf, BytesMut};

/// Holds at most one frame and what was pushed after it.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
}

impl FrameDecoder {
    /// Starts at a frame boundary.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends received bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next whole frame, or `None` until more bytes come.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the stream is not ours; nothing after it can be trusted to be a boundary.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, DecodeError> {
        let mut reader = Reader::new(&self.buffer);
        let head = (|| Ok((reader.varint()?, reader.varint()?)))();
        let (kind, bytes) = match head {
            Ok(head) => head,
            Err(DecodeError::Truncated { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes_max = FRAME_BODY_BYTES_MAX;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if bytes > bytes_max {
            return Err(DecodeError::TooLong { what: "frame body", bytes, bytes_max });
        }
        if reader.remaining() < bytes {
            return Ok(None);
        }
        let head_bytes = self.buffer.len() - reader.remaining();
        self.buffer.advance(head_bytes);
        Frame::decode(kind, self.buffer.split_to(bytes).freeze()).map(Some)
    }

    /// Returns how many bytes wait for the rest of their frame.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }
}
