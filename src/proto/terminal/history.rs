//! The lines above a screen on their way to one newcomer: the screen and they at one moment, in parts.
//!
//! [`Screen`] -> [`History`] -> [`HistoryPart`]s ~~ direct channel ~~> [`HistoryParts`] -> [`History`]
//!
//! Always: whatever a host sends, no more is held than a part's bound times their number, and no more is inflated than
//! an honest host could have deflated. PROTOCOL.md 15.2.

use super::{Screen, Size};
use crate::proto::id::{Epoch, PaneId};
use crate::proto::limits::{HISTORY_BYTES_MAX, HISTORY_PART_BYTES_MAX, HISTORY_PARTS_MAX, KEYFRAME_BYTES_MAX};
use crate::proto::wire::{DecodeError, Reader, varint};
use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Most bytes of an answer in parts.
const DEFLATED_BYTES_MAX: usize = HISTORY_PART_BYTES_MAX * HISTORY_PARTS_MAX as usize;
/// Most bytes of it inflated: offset, size and length take 20 at most.
const INFLATED_BYTES_MAX: usize = HISTORY_BYTES_MAX + KEYFRAME_BYTES_MAX + 20;

/// A place in the lane of a terminal: an epoch, and the seq of the entry that comes next.
pub type LanePlace = (Epoch, u64);

/// A screen at one moment and the lines above it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct History {
    /// The screen's size.
    pub size: Size,
    /// Output bytes before it.
    pub offset: u64,
    /// The lines that scrolled off, as escape sequences.
    pub lines: Vec<u8>,
    /// Escape sequences that rebuild the screen itself.
    pub keyframe: Vec<u8>,
}

/// Why the parts of an answer are none; the host has to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The fields are not those of section 15.2.
    #[error("lines above a screen: {0}")]
    Decode(#[from] DecodeError),
    /// The deflated data is none, or is longer than it may be.
    #[error("lines above a screen do not inflate to {INFLATED_BYTES_MAX} bytes or less")]
    Inflate,
}

impl History {
    /// Returns what scrolled off `screen`, and the screen, deflated; with fewer lines where all would be too much.
    ///
    /// Nothing if even the screen alone is: who has one so colourful does without.
    #[must_use]
    pub fn deflated(screen: &Screen, offset: u64) -> Option<Bytes> {
        let size = screen.size();
        let keyframe = screen.keyframe();
        let mut bytes_max = HISTORY_BYTES_MAX;
        loop {
            let lines = screen.past(bytes_max);
            let is_last = lines.is_empty();
            let history = Self { size, offset, lines, keyframe: keyframe.clone() };
            if let Some(deflated) = deflate(&history.encode()).filter(|deflated| deflated.len() <= DEFLATED_BYTES_MAX) {
                return Some(deflated.into());
            }
            if is_last {
                return None;
            }
            bytes_max /= 4;
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.lines.len() + self.keyframe.len() + 20);
        varint::put(&mut out, self.offset);
        out.extend_from_slice(&self.size.cols.to_le_bytes());
        out.extend_from_slice(&self.size.rows.to_le_bytes());
        varint::put(&mut out, self.lines.len() as u64);
        out.extend_from_slice(&self.lines);
        out.extend_from_slice(&self.keyframe);
        out
    }

    /// Reads the parts of an answer, joined.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] if they are none.
    pub fn inflated(deflated: &[u8]) -> Result<Self, HistoryError> {
        let inflated = inflate(deflated).ok_or(HistoryError::Inflate)?;
        let mut reader = Reader::new(&inflated);
        let offset = reader.varint()?;
        let size = Size { cols: reader.u16()?, rows: reader.u16()? }.clamped();
        let bytes = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        if bytes > HISTORY_BYTES_MAX {
            return Err(DecodeError::TooLong { what: "lines", bytes, bytes_max: HISTORY_BYTES_MAX }.into());
        }
        let lines = reader.bytes(bytes)?.to_vec();
        let keyframe = reader.rest().to_vec();
        if keyframe.len() > KEYFRAME_BYTES_MAX {
            let (bytes, bytes_max) = (keyframe.len(), KEYFRAME_BYTES_MAX);
            return Err(DecodeError::TooLong { what: "keyframe", bytes, bytes_max }.into());
        }
        Ok(Self { size, offset, lines, keyframe })
    }
}

fn deflate(data: &[u8]) -> Option<Vec<u8>> {
    let mut deflate = Compress::new(Compression::fast(), false);
    // Room for the worst case, 9 bits per byte and the end.
    let mut out = Vec::with_capacity(data.len() + data.len() / 8 + 64);
    let status = deflate.compress_vec(data, &mut out, FlushCompress::Finish).ok()?;
    (status == Status::StreamEnd).then_some(out)
}

fn inflate(data: &[u8]) -> Option<Vec<u8>> {
    let mut inflate = Decompress::new(false);
    let mut out = Vec::new();
    loop {
        // Grown as it goes: a few bytes do not make a host's guests take a megabyte.
        out.reserve(HISTORY_PART_BYTES_MAX);
        let rest = data.get(usize::try_from(inflate.total_in()).ok()?..)?;
        let before = (inflate.total_in(), out.len());
        let status = inflate.decompress_vec(rest, &mut out, FlushDecompress::None).ok()?;
        if out.len() > INFLATED_BYTES_MAX {
            return None;
        }
        match status {
            Status::StreamEnd => return (inflate.total_in() == data.len() as u64).then_some(out),
            _ if (inflate.total_in(), out.len()) == before => return None,
            _ => {}
        }
    }
}

/// One part of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryPart {
    /// The pane.
    pub pane: PaneId,
    /// Where its lane goes on from the answer.
    pub place: LanePlace,
    /// Which part this is, from 0.
    pub part: u8,
    /// How many there are, 1 to 16.
    pub parts: u8,
    /// A piece of the answer, 1 to 16,384 bytes.
    pub piece: Bytes,
}

impl HistoryPart {
    /// Returns the part with this number of a deflated answer, if it has so many.
    #[must_use]
    pub fn cut(pane: PaneId, place: LanePlace, deflated: &Bytes, part: u8) -> Option<Self> {
        let parts = u8::try_from(deflated.len().div_ceil(HISTORY_PART_BYTES_MAX)).ok()?;
        let begin = usize::from(part) * HISTORY_PART_BYTES_MAX;
        let end = deflated.len().min(begin + HISTORY_PART_BYTES_MAX);
        (part < parts).then(|| Self { pane, place, part, parts, piece: deflated.slice(begin..end) })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pane.0.to_le_bytes());
        varint::put(out, self.place.0.0.into());
        varint::put(out, self.place.1);
        out.extend_from_slice(&[self.part, self.parts]);
        out.extend_from_slice(&self.piece);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let pane = PaneId(reader.u16()?);
        let epoch = reader.varint()?;
        let epoch = u32::try_from(epoch).map_err(|_| DecodeError::Value { what: "epoch", found: epoch })?;
        let place = (Epoch(epoch), reader.varint()?);
        let (part, parts) = (reader.u8()?, reader.u8()?);
        if part >= parts || parts > HISTORY_PARTS_MAX {
            return Err(DecodeError::Value { what: "part of lines above a screen", found: part.into() });
        }
        let piece = reader.rest();
        let (bytes, bytes_max) = (piece.len(), HISTORY_PART_BYTES_MAX);
        match bytes {
            0 => Err(DecodeError::Truncated { missing: 1 }),
            _ if bytes > bytes_max => Err(DecodeError::TooLong { what: "part", bytes, bytes_max }),
            _ => Ok(Self { pane, place, part, parts, piece: Bytes::copy_from_slice(piece) }),
        }
    }
}

/// The parts of one answer, as they come.
#[derive(Debug, Default)]
pub struct HistoryParts {
    place: LanePlace,
    parts: u8,
    next: u8,
    joined: Vec<u8>,
}

/// What came of a part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proto) enum Taken {
    /// More are to come.
    Some,
    /// The answer is whole.
    All,
    /// One before it is missing: nothing of this answer is of use.
    Gap,
}

impl HistoryParts {
    /// Takes the next part; one with number 0 begins another answer.
    pub(in crate::proto) fn take(&mut self, part: &HistoryPart) -> Taken {
        if part.part == 0 {
            *self = Self { place: part.place, parts: part.parts, next: 0, joined: Vec::new() };
        }
        if (part.place, part.parts, part.part) != (self.place, self.parts, self.next) {
            // What else comes of that answer is no further gap.
            let is_known = self.parts == 0;
            *self = Self::default();
            return if is_known { Taken::Some } else { Taken::Gap };
        }
        self.joined.extend_from_slice(&part.piece);
        self.next += 1;
        if self.next == self.parts { Taken::All } else { Taken::Some }
    }

    /// Returns where the lane goes on from the answer.
    pub(in crate::proto) const fn place(&self) -> LanePlace {
        self.place
    }

    /// Returns the answer, once it is whole.
    pub(in crate::proto) fn finish(&self) -> Result<History, HistoryError> {
        History::inflated(&self.joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: LanePlace = (Epoch(2), 77);

    /// Numbers that do not repeat: what deflate makes nothing of.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 1u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(next).take(bytes).collect()
    }

    fn cut(deflated: &Bytes) -> Vec<HistoryPart> {
        (0..).map_while(|part| HistoryPart::cut(PaneId(1), PLACE, deflated, part)).collect()
    }

    /// A thousand lines reach a newcomer as they are.
    #[test]
    fn answer_comes_out_as_it_went_in() {
        let mut screen = Screen::new(Size::new(80, 24));
        let text: String =
            noise(60_000).iter().map(|byte| if *byte < 8 { "\r\n".into() } else { byte.to_string() }).collect();
        screen.write(text.as_bytes());
        let deflated = History::deflated(&screen, 12_345).unwrap();
        let parts = cut(&deflated);
        assert!(parts.len() > 1);
        let mut taken = HistoryParts::default();
        let results: Vec<_> = parts.iter().map(|part| taken.take(part)).collect();
        assert!(results.iter().rev().skip(1).all(|result| *result == Taken::Some));
        assert_eq!(results.last(), Some(&Taken::All));
        let history = taken.finish().unwrap();
        assert_eq!((history.size, history.offset, taken.place()), (screen.size(), 12_345, PLACE));
        assert_eq!((history.lines, history.keyframe), (screen.past(HISTORY_BYTES_MAX), screen.keyframe()));
    }

    /// A relay may lose parts with a connection: half an answer is none, and is told once.
    #[test]
    fn parts_out_of_order_make_no_answer() {
        let deflated = Bytes::from(noise(HISTORY_PART_BYTES_MAX * 3));
        let parts = cut(&deflated);
        let mut taken = HistoryParts::default();
        assert_eq!([0, 2, 1, 2].map(|n| taken.take(&parts[n])), [Taken::Some, Taken::Gap, Taken::Some, Taken::Some]);
        assert_eq!([0, 1].map(|n| taken.take(&parts[n])), [Taken::Some, Taken::Some]);
        let later = HistoryPart { place: (Epoch(2), 78), ..parts[2].clone() };
        assert_eq!(taken.take(&later), Taken::Gap, "of another answer");
        assert_eq!([0, 1, 2].map(|n| taken.take(&parts[n])), [Taken::Some, Taken::Some, Taken::All]);
    }

    /// A few kilobytes that become gigabytes are a known way to end a browser's tab.
    #[test]
    fn bomb_is_refused_and_so_is_nonsense() {
        let bomb = deflate(&vec![b' '; INFLATED_BYTES_MAX + 1]).unwrap();
        assert!(bomb.len() < HISTORY_PART_BYTES_MAX);
        assert_eq!(History::inflated(&bomb), Err(HistoryError::Inflate));
        let whole = History { size: Size::default(), offset: 3, lines: b"1\r\n".to_vec(), keyframe: vec![] };
        let good = deflate(&whole.encode()).unwrap();
        assert_eq!(History::inflated(&good), Ok(whole.clone()));
        for bad in [&good[..good.len() - 1], &[&good[..], b"x"].concat(), b"", b"\xff\xff"] {
            assert_eq!(History::inflated(bad), Err(HistoryError::Inflate), "{bad:?}");
        }
        let lines = vec![b' '; HISTORY_BYTES_MAX + 1];
        let long = deflate(&History { lines, ..whole }.encode()).unwrap();
        assert!(matches!(History::inflated(&long), Err(HistoryError::Decode(DecodeError::TooLong { .. }))));
    }

    /// Lines in every colour do not shrink: the newest that fit are better than none.
    #[test]
    fn answer_is_bounded_whatever_the_lines_are() {
        let mut screen = Screen::new(Size::new(200, 10));
        for line in noise(250_000 * 3).chunks(200 * 3) {
            for rgb in line.chunks(3) {
                screen.write(
                    format!("\x1b[38;2;{};{};{}m{}", rgb[0], rgb[1], rgb[2], (b'a' + rgb[0] % 26) as char).as_bytes(),
                );
            }
            screen.write(b"\r\n");
        }
        let deflated = History::deflated(&screen, 0).unwrap();
        assert!(deflated.len() <= DEFLATED_BYTES_MAX);
        assert!(History::inflated(&deflated).unwrap().lines.len() > 10_000);
    }
}
