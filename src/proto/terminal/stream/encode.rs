//! The host's side: cuts, compresses, counts.

use super::super::{Screen, Size};
use super::{
    FLAG_DEFLATED, FLAG_ENDED, FLAG_WINDOW_ANEW, FLUSH_TAIL, KIND_KEYFRAME_FIRST, KIND_KEYFRAME_LAST,
    KIND_KEYFRAME_MIDDLE, KIND_KEYFRAME_WHOLE, KIND_OUTPUT, Part,
};
use crate::proto::limits::{KEYFRAME_BYTES_MAX, OUTPUT_BYTES_MAX};
use crate::proto::wire::varint;
use flate2::{Compress, Compression, FlushCompress};

/// Output shorter than this goes out as it is: an echoed key does not shrink by enough to pay for its reset.
const DEFLATE_BYTES_MIN: usize = 64;

/// Makes the entries of one pane's lane.
#[derive(Debug)]
pub struct StreamEncoder {
    offset: u64,
    deflate: Compress,
    window: Window,
    ended: Option<i32>,
}

/// What the other side's window holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Window {
    /// The same as ours.
    Shared,
    /// Something that the next deflated entry must not refer to.
    Stale,
}

impl Default for StreamEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamEncoder {
    /// Starts a lane at offset 0.
    #[must_use]
    pub fn new() -> Self {
        Self { offset: 0, deflate: Compress::new(Compression::fast(), false), window: Window::Stale, ended: None }
    }

    /// Returns the number of output bytes so far.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Makes the entries for what the program wrote.
    pub fn output(&mut self, bytes: &[u8]) -> Vec<Part> {
        let chunks = bytes.chunks(OUTPUT_BYTES_MAX);
        chunks
            .map(|chunk| {
                let part = self.part(KIND_OUTPUT, None, None, chunk);
                self.offset += chunk.len() as u64;
                part
            })
            .collect()
    }

    /// Passes over output that nobody will get as bytes; only a keyframe may come next.
    pub const fn skip_output(&mut self, bytes: u64) {
        self.offset += bytes;
        self.window = Window::Stale;
    }

    /// Makes the entries of a keyframe of `screen`, which has seen all output so far.
    pub fn keyframe(&mut self, screen: &Screen) -> Vec<Part> {
        self.keyframe_of(screen.size(), &screen.keyframe())
    }

    pub(super) fn keyframe_of(&mut self, size: Size, data: &[u8]) -> Vec<Part> {
        debug_assert!(data.len() <= KEYFRAME_BYTES_MAX, "a screen bounds its keyframe");
        self.window = Window::Stale;
        let count = data.len().div_ceil(OUTPUT_BYTES_MAX).max(1);
        let mut chunks = data.chunks(OUTPUT_BYTES_MAX);
        (1..=count)
            .map(|n| {
                let kind = match n {
                    1 if count == 1 => KIND_KEYFRAME_WHOLE,
                    1 => KIND_KEYFRAME_FIRST,
                    _ if n == count => KIND_KEYFRAME_LAST,
                    _ => KIND_KEYFRAME_MIDDLE,
                };
                let size = (n == 1).then_some(size);
                let ended = self.ended.filter(|_| n == count);
                self.part(kind, size, ended, chunks.next().unwrap_or_default())
            })
            .collect()
    }

    /// Makes the entry that tells the program's end; keyframes made later tell it too.
    pub fn end(&mut self, code: i32) -> Part {
        self.ended = Some(code);
        self.part(KIND_OUTPUT, None, Some(code), &[])
    }

    /// Notes that a guest has typed: what follows must not be compressed against what was before.
    ///
    /// Its length would else tell whoever sees the ciphertext whether the guess in the input was right.
    pub const fn note_input(&mut self) {
        self.window = Window::Stale;
    }

    fn part(&mut self, kind: u8, size: Option<Size>, ended: Option<i32>, data: &[u8]) -> Part {
        let anew = if self.window == Window::Stale { FLAG_WINDOW_ANEW } else { 0 };
        let deflated = self.deflate(data);
        let mut flags = if ended.is_some() { FLAG_ENDED } else { 0 };
        if deflated.is_some() {
            flags |= FLAG_DEFLATED | anew;
        }
        let mut plaintext = vec![flags];
        varint::put(&mut plaintext, self.offset);
        if let Some(size) = size {
            plaintext.extend_from_slice(&size.cols.to_le_bytes());
            plaintext.extend_from_slice(&size.rows.to_le_bytes());
        }
        if let Some(code) = ended {
            plaintext.extend_from_slice(&code.to_le_bytes());
        }
        plaintext.extend_from_slice(deflated.as_deref().unwrap_or(data));
        Part { kind, plaintext }
    }

    /// Returns `data` deflated if that is shorter; if not, our window holds what the other's does not.
    fn deflate(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        if data.len() < DEFLATE_BYTES_MIN {
            return None;
        }
        if self.window == Window::Stale {
            self.deflate.reset();
        }
        self.window = Window::Stale;
        // Room for the worst case, 9 bits per byte and the flush: zlib-rs 0.6 panics if it has to stop half way.
        let mut out = Vec::with_capacity(data.len() + data.len() / 8 + 64);
        let before = self.deflate.total_in();
        self.deflate.compress_vec(data, &mut out, FlushCompress::Sync).ok()?;
        let whole = self.deflate.total_in() - before == data.len() as u64 && out.ends_with(&FLUSH_TAIL);
        out.truncate(out.len().saturating_sub(FLUSH_TAIL.len()));
        if !whole || out.len() >= data.len() {
            return None;
        }
        self.window = Window::Shared;
        Some(out)
    }
}
