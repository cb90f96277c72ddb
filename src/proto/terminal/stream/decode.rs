//! The viewer's side: checks, inflates, and waits for a keyframe where something is missing.

use super::super::Size;
use super::{
    FLAG_DEFLATED, FLAG_ENDED, FLAG_WINDOW_ANEW, FLUSH_TAIL, KIND_KEYFRAME_FIRST, KIND_KEYFRAME_LAST,
    KIND_KEYFRAME_MIDDLE, KIND_KEYFRAME_WHOLE, KIND_OUTPUT,
};
use crate::proto::limits::{KEYFRAME_BYTES_MAX, OUTPUT_BYTES_MAX};
use crate::proto::wire::{DecodeError, Reader};
use flate2::{Decompress, FlushDecompress, Status};

/// What a viewer has to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StreamEvent {
    /// Make the screen what `data` says: [`Screen::restore`](super::super::Screen::restore).
    Keyframe {
        /// Its size.
        size: Size,
        /// Output bytes before it.
        offset: u64,
        /// Escape sequences.
        data: Vec<u8>,
    },
    /// Write `data` to the screen.
    Output {
        /// Output bytes before it.
        offset: u64,
        /// What the program wrote, never empty.
        data: Vec<u8>,
    },
    /// Begin anew: the lines above the screen are here. [`Screen::begin_anew`](super::super::Screen::begin_anew); what
    /// comes after it goes on from there, also where that was shown before.
    Past {
        /// The screen's size.
        size: Size,
        /// Output bytes before it.
        offset: u64,
        /// The lines that scrolled off, as escape sequences.
        lines: Vec<u8>,
        /// Escape sequences that rebuild the screen itself.
        keyframe: Vec<u8>,
    },
    /// The program has ended.
    End {
        /// Its exit status; 128 and the signal's number if one ended it.
        code: i32,
    },
}

/// Why an entry was refused; its author, the host, has to act. The decoder then waits for the next keyframe.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The fields are not those of section 14.
    #[error("terminal entry: {0}")]
    Decode(#[from] DecodeError),
    /// An entry does not begin where the one before it ended.
    #[error("output at byte {found}, expected {expected}")]
    Offset {
        /// Where it begins.
        found: u64,
        /// Where it should.
        expected: u64,
    },
    /// A part of a keyframe without its beginning, or output inside one.
    #[error("entry of kind {kind} out of order")]
    Order {
        /// The kind.
        kind: u8,
    },
    /// The deflated data is none, or belongs to another window.
    #[error("data does not inflate")]
    Inflate,
    /// The data is longer than an entry or a keyframe may be.
    #[error("{what} is over the limit of {bytes_max} bytes")]
    TooLong {
        /// The data or the keyframe.
        what: &'static str,
        /// The bound.
        bytes_max: usize,
    },
    /// Something comes after the end of the program.
    #[error("output after the end")]
    Ended,
}

/// Reads the entries of one pane's lane.
#[derive(Debug)]
pub struct StreamDecoder {
    state: State,
    inflate: Decompress,
}

#[derive(Debug)]
enum State {
    /// Nothing can be shown before the next keyframe.
    Lost,
    /// Some parts of a keyframe are here.
    Keyframe { size: Size, offset: u64, data: Vec<u8> },
    /// All before `offset` was handed out.
    Live { offset: u64 },
    /// The program has ended at `offset`.
    Ended { offset: u64 },
}

/// The fields of an entry before its data.
struct Head {
    flags: u8,
    offset: u64,
    size: Option<Size>,
    ended: Option<i32>,
}

impl Default for StreamDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamDecoder {
    /// Starts in front of a lane, waiting for a keyframe.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Lost, inflate: Decompress::new(false) }
    }

    /// Notes that entries are missing: nothing comes out before the next keyframe.
    pub fn lost(&mut self) {
        self.state = State::Lost;
    }

    /// Tells whether the viewer should ask for a keyframe.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost)
    }

    /// Takes the plaintext of the lane's next entry.
    ///
    /// # Errors
    ///
    /// [`StreamError`] if the host broke the protocol; the decoder then waits for the next keyframe.
    pub fn push(&mut self, kind: u8, plaintext: &[u8]) -> Result<Vec<StreamEvent>, StreamError> {
        let result = self.take(kind, plaintext);
        if result.is_err() {
            self.lost();
        }
        result
    }

    fn take(&mut self, kind: u8, plaintext: &[u8]) -> Result<Vec<StreamEvent>, StreamError> {
        let mut reader = Reader::new(plaintext);
        let head = Head::read(kind, &mut reader)?;
        let starts = head.size.is_some();
        if self.is_lost() && !starts {
            return Ok(Vec::new());
        }
        self.check_place(kind, &head)?;
        if starts || head.flags & FLAG_WINDOW_ANEW != 0 {
            self.inflate.reset(false);
        }
        let data = self.data(&head, reader.rest())?;
        let mut events = match kind {
            KIND_OUTPUT => self.output(&head, data),
            _ => self.keyframe_part(kind, &head, data)?,
        };
        if let Some(code) = head.ended {
            self.state = State::Ended { offset: self.offset() };
            events.push(StreamEvent::End { code });
        }
        Ok(events)
    }

    /// Returns how many output bytes the viewer has seen or skipped.
    fn offset(&self) -> u64 {
        match self.state {
            State::Lost => 0,
            State::Keyframe { offset, .. } | State::Live { offset } | State::Ended { offset } => offset,
        }
    }

    fn check_place(&self, kind: u8, head: &Head) -> Result<(), StreamError> {
        let (found, expected) = (head.offset, self.offset());
        let in_order = match (kind, &self.state) {
            (KIND_KEYFRAME_FIRST | KIND_KEYFRAME_WHOLE, _) => {
                return if found < expected { Err(StreamError::Offset { found, expected }) } else { Ok(()) };
            }
            (KIND_OUTPUT, State::Ended { .. }) => return Err(StreamError::Ended),
            (KIND_OUTPUT, State::Live { .. }) => true,
            (KIND_KEYFRAME_MIDDLE | KIND_KEYFRAME_LAST, State::Keyframe { .. }) => true,
            _ => false,
        };
        match in_order {
            false => Err(StreamError::Order { kind }),
            true if found != expected => Err(StreamError::Offset { found, expected }),
            true => Ok(()),
        }
    }

    fn output(&mut self, head: &Head, data: Vec<u8>) -> Vec<StreamEvent> {
        self.state = State::Live { offset: head.offset + data.len() as u64 };
        if data.is_empty() { Vec::new() } else { vec![StreamEvent::Output { offset: head.offset, data }] }
    }

    fn keyframe_part(&mut self, kind: u8, head: &Head, part: Vec<u8>) -> Result<Vec<StreamEvent>, StreamError> {
        let (size, data) = match (head.size, std::mem::replace(&mut self.state, State::Lost)) {
            (Some(size), _) => (size, part),
            (None, State::Keyframe { size, mut data, .. }) => {
                data.extend_from_slice(&part);
                (size, data)
            }
            _ => return Err(StreamError::Order { kind }),
        };
        if data.len() > KEYFRAME_BYTES_MAX {
            return Err(StreamError::TooLong { what: "keyframe", bytes_max: KEYFRAME_BYTES_MAX });
        }
        let offset = head.offset;
        if matches!(kind, KIND_KEYFRAME_FIRST | KIND_KEYFRAME_MIDDLE) {
            self.state = State::Keyframe { size, offset, data };
            return Ok(Vec::new());
        }
        self.state = State::Live { offset };
        Ok(vec![StreamEvent::Keyframe { size, offset, data }])
    }

    fn data(&mut self, head: &Head, data: &[u8]) -> Result<Vec<u8>, StreamError> {
        let data = if head.flags & FLAG_DEFLATED == 0 { data.to_vec() } else { self.inflate(data)? };
        if data.len() > OUTPUT_BYTES_MAX {
            return Err(StreamError::TooLong { what: "data", bytes_max: OUTPUT_BYTES_MAX });
        }
        Ok(data)
    }

    /// Inflates one flush, and stops one byte beyond what an entry may hold.
    fn inflate(&mut self, data: &[u8]) -> Result<Vec<u8>, StreamError> {
        let mut out = Vec::with_capacity(OUTPUT_BYTES_MAX + 1);
        for piece in [data, &FLUSH_TAIL] {
            let before = self.inflate.total_in();
            let status = self.inflate.decompress_vec(piece, &mut out, FlushDecompress::Sync);
            let used = self.inflate.total_in() - before;
            match status {
                _ if out.len() > OUTPUT_BYTES_MAX => break,
                Ok(Status::Ok | Status::BufError) if used == piece.len() as u64 => {}
                _ => return Err(StreamError::Inflate),
            }
        }
        Ok(out)
    }
}

impl Head {
    fn read(kind: u8, reader: &mut Reader<'_>) -> Result<Self, StreamError> {
        if !(KIND_OUTPUT..=KIND_KEYFRAME_WHOLE).contains(&kind) {
            return Err(DecodeError::Value { what: "kind of a terminal entry", found: kind.into() }.into());
        }
        let flags = reader.u8()?;
        let known = FLAG_DEFLATED | FLAG_WINDOW_ANEW | FLAG_ENDED;
        let anew_alone = flags & FLAG_WINDOW_ANEW != 0 && flags & FLAG_DEFLATED == 0;
        let ends_early = flags & FLAG_ENDED != 0 && matches!(kind, KIND_KEYFRAME_FIRST | KIND_KEYFRAME_MIDDLE);
        if flags & !known != 0 || anew_alone || ends_early {
            return Err(DecodeError::Value { what: "flags of a terminal entry", found: flags.into() }.into());
        }
        let offset = reader.varint()?;
        let size = match kind {
            KIND_KEYFRAME_FIRST | KIND_KEYFRAME_WHOLE => {
                Some(Size { cols: reader.u16()?, rows: reader.u16()? }.clamped())
            }
            _ => None,
        };
        let ended = if flags & FLAG_ENDED == 0 { None } else { Some(reader.i32()?) };
        Ok(Self { flags, offset, size, ended })
    }
}
