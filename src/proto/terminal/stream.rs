//! A terminal's output as entries of a live channel, and back.
//!
//! program bytes, screens -> [`StreamEncoder`] -> [`Part`]s ~~ lane ~~> [`StreamDecoder`] -> [`StreamEvent`]s
//!
//! Always: the events of a decoder are a keyframe and then every byte after it, in order and without a gap, or
//! nothing until the next keyframe; an entry makes at most 32,768 bytes and a keyframe 1,048,576. PROTOCOL.md 14.

mod decode;
mod encode;

pub use decode::{StreamDecoder, StreamError, StreamEvent};
pub use encode::StreamEncoder;

/// One entry to seal on a terminal channel.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// The entry's kind.
    pub kind: u8,
    /// The entry's plaintext.
    pub plaintext: Vec<u8>,
}

/// Kinds of entries: output, and a keyframe in parts or in one.
const KIND_OUTPUT: u8 = 1;
const KIND_KEYFRAME_FIRST: u8 = 2;
const KIND_KEYFRAME_MIDDLE: u8 = 3;
const KIND_KEYFRAME_LAST: u8 = 4;
const KIND_KEYFRAME_WHOLE: u8 = 5;

/// The data is deflated.
const FLAG_DEFLATED: u8 = 1;
/// The window starts anew with this entry.
const FLAG_WINDOW_ANEW: u8 = 2;
/// The stream has ended.
const FLAG_ENDED: u8 = 4;

/// What ends every flush, and is left out. RFC 1951: an empty stored block.
const FLUSH_TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

#[cfg(test)]
mod tests;
