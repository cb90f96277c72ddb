//! What travels on the direct channels: requests and typed bytes up, receipts and refusals down.
//!
//! Always: a payload decodes only under the entry kind that its right is checked by, and re-encodes to the same
//! bytes. PROTOCOL.md 15.

use super::Size;
use super::command::{Command, Desk, Outcome};
use super::history::HistoryPart;
use crate::proto::id::PaneId;
use crate::proto::limits::INPUT_BYTES_MAX;
use crate::proto::wire::{DecodeError, Reader, varint};

/// Entry kinds of channel 4, by which a member's right is checked.
const KIND_OPEN: u8 = 1;
const KIND_REQUEST: u8 = 2;
const KIND_INPUT: u8 = 3;

/// What a member asks of the host.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DirectUp {
    /// Opens the channel and asks nothing.
    Nothing,
    /// Asks for nothing but an answer, which proves that the host is there now.
    Probe,
    /// Types bytes into a pane.
    Input {
        /// The pane.
        pane: PaneId,
        /// What to type, at most 16,384 bytes.
        bytes: Vec<u8>,
    },
    /// Tells the size that the member can show.
    Size {
        /// The pane.
        pane: PaneId,
        /// The size as the member told it; [`Size::clamped`] before it is used.
        size: Size,
    },
    /// Asks for a keyframe.
    Keyframe {
        /// The pane.
        pane: PaneId,
    },
    /// Asks for the lines above the screen.
    History {
        /// The pane.
        pane: PaneId,
    },
    /// Asks to drive a pane that one member at a time drives, or gives it back.
    Drive {
        /// The pane.
        pane: PaneId,
        /// Which of the two.
        wish: Wish,
    },
    /// Commands the host; only of a member with [`ADMIN`](crate::proto::share::Rights::ADMIN).
    Command(Command),
}

/// What a member wants of a pane's wheel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    /// To drive.
    Take,
    /// To drive no longer, or to wait for it no longer.
    GiveBack,
}

impl Wish {
    const fn code(self) -> u8 {
        match self {
            Self::GiveBack => 0,
            Self::Take => 1,
        }
    }

    const fn parse(code: u8) -> Result<Self, DecodeError> {
        match code {
            0 => Ok(Self::GiveBack),
            1 => Ok(Self::Take),
            _ => Err(DecodeError::Value { what: "wish to drive", found: code as u64 }),
        }
    }
}

impl DirectUp {
    /// Returns the kind of the entry that carries this.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Nothing => KIND_OPEN,
            Self::Probe
            | Self::Size { .. }
            | Self::Keyframe { .. }
            | Self::History { .. }
            | Self::Drive { .. }
            | Self::Command(_) => KIND_REQUEST,
            Self::Input { .. } => KIND_INPUT,
        }
    }

    /// Writes the plaintext of an entry.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Nothing | Self::Probe => out.push(0),
            Self::Input { pane, bytes } => {
                out.push(1);
                out.extend_from_slice(&pane.0.to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Self::Size { pane, size } => {
                out.push(2);
                for number in [pane.0, size.cols, size.rows] {
                    out.extend_from_slice(&number.to_le_bytes());
                }
            }
            Self::Keyframe { pane } => {
                out.push(3);
                out.extend_from_slice(&pane.0.to_le_bytes());
            }
            Self::Drive { pane, wish } => {
                out.push(4);
                out.extend_from_slice(&pane.0.to_le_bytes());
                out.push(wish.code());
            }
            Self::Command(command) => {
                out.push(5);
                command.encode(&mut out);
            }
            Self::History { pane } => {
                out.push(6);
                out.extend_from_slice(&pane.0.to_le_bytes());
            }
        }
        out
    }

    /// Tells whether a plaintext that does not decode is a command all the same: one of a later version, say. Whoever
    /// gave it waits for an answer.
    #[must_use]
    pub fn is_command(kind: u8, plaintext: &[u8]) -> bool {
        kind == KIND_REQUEST && plaintext.first() == Some(&5)
    }

    /// Reads the plaintext of an entry of this `kind`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is not one of section 15, or belongs into an entry of another kind.
    pub fn decode(kind: u8, plaintext: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(plaintext);
        let what = reader.u8()?;
        let up = match what {
            0 if kind == KIND_REQUEST => Self::Probe,
            0 => Self::Nothing,
            1 => Self::Input { pane: PaneId(reader.u16()?), bytes: input(reader.rest())? },
            2 => {
                let pane = PaneId(reader.u16()?);
                let size = Size { cols: reader.u16()?, rows: reader.u16()? };
                Self::Size { pane, size }
            }
            3 => Self::Keyframe { pane: PaneId(reader.u16()?) },
            4 => Self::Drive { pane: PaneId(reader.u16()?), wish: Wish::parse(reader.u8()?)? },
            5 => Self::Command(Command::decode(&mut reader)?),
            6 => Self::History { pane: PaneId(reader.u16()?) },
            _ => return Err(DecodeError::Value { what: "request", found: what.into() }),
        };
        reader.finish()?;
        if up.kind() == kind {
            Ok(up)
        } else {
            Err(DecodeError::Value { what: "kind of a request", found: kind.into() })
        }
    }
}

fn input(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    if bytes.len() > INPUT_BYTES_MAX {
        return Err(DecodeError::TooLong { what: "input", bytes: bytes.len(), bytes_max: INPUT_BYTES_MAX });
    }
    Ok(bytes.to_vec())
}

/// Why the host did not do what a member asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The member may not type.
    NoRight,
    /// There is no such pane.
    NoPane,
    /// The pane's program has ended.
    PaneEnded,
    /// One member at a time drives the pane, and it is not this one.
    Driven,
    /// The owner has not let the member in.
    NotLetIn,
    /// The owner did not let this line pass, or it was too long to be asked about.
    Line,
    /// A reason that this version does not know.
    Other(u8),
}

impl Refusal {
    const fn code(self) -> u8 {
        match self {
            Self::NoRight => 1,
            Self::NoPane => 2,
            Self::PaneEnded => 3,
            Self::Driven => 4,
            Self::NotLetIn => 5,
            Self::Line => 6,
            Self::Other(code) => code,
        }
    }

    const fn of(code: u8) -> Self {
        match code {
            1 => Self::NoRight,
            2 => Self::NoPane,
            3 => Self::PaneEnded,
            4 => Self::Driven,
            5 => Self::NotLetIn,
            6 => Self::Line,
            _ => Self::Other(code),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoRight => f.write_str("this share does not allow typing"),
            Self::NoPane => f.write_str("there is no such pane"),
            Self::PaneEnded => f.write_str("the program in this pane has ended"),
            Self::Driven => f.write_str("you do not drive this pane"),
            Self::NotLetIn => f.write_str("the owner has not let you in"),
            Self::Line => f.write_str("the owner did not let this line pass"),
            Self::Other(code) => write!(f, "refused, reason {code}"),
        }
    }
}

/// What the host answers a member.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DirectDown {
    /// All entries below `next` were applied.
    Ack {
        /// The seq that the host takes next.
        next: u64,
    },
    /// One entry was not.
    Refused {
        /// Why.
        reason: Refusal,
        /// Its seq.
        seq: u64,
    },
    /// Something that the member asked for is up to the owner now.
    Waiting {
        /// What.
        what: Waits,
        /// The pane that it is about; 0 where it is about none.
        pane: PaneId,
    },
    /// A command was carried out, or not.
    Answered {
        /// Its seq.
        seq: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// What waits for an owner's word.
    Desk(Desk),
    /// A part of the lines above a screen, and of the screen.
    History(HistoryPart),
}

/// What a member waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Waits {
    /// To be let in.
    Admission,
    /// That a line which it typed may be written.
    Line,
    /// To drive a pane that somebody else drives.
    Drive,
    /// Something that this version does not know.
    Other(u8),
}

impl Waits {
    const fn code(self) -> u8 {
        match self {
            Self::Admission => 1,
            Self::Line => 2,
            Self::Drive => 3,
            Self::Other(code) => code,
        }
    }

    const fn of(code: u8) -> Self {
        match code {
            1 => Self::Admission,
            2 => Self::Line,
            3 => Self::Drive,
            _ => Self::Other(code),
        }
    }
}

impl std::fmt::Display for Waits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admission => f.write_str("waiting to be let in"),
            Self::Line => f.write_str("the owner is asked about this line"),
            Self::Drive => f.write_str("waiting for the one who drives this pane"),
            Self::Other(code) => write!(f, "waiting for something, number {code}"),
        }
    }
}

impl DirectDown {
    /// Writes the plaintext of an entry.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Ack { next } => {
                out.push(1);
                varint::put(&mut out, *next);
            }
            Self::Refused { reason, seq } => {
                out.extend_from_slice(&[2, reason.code()]);
                varint::put(&mut out, *seq);
            }
            Self::Waiting { what, pane } => {
                out.extend_from_slice(&[3, what.code()]);
                out.extend_from_slice(&pane.0.to_le_bytes());
            }
            Self::Answered { seq, outcome } => {
                out.push(4);
                varint::put(&mut out, *seq);
                outcome.encode(&mut out);
            }
            Self::Desk(desk) => {
                out.push(5);
                desk.encode(&mut out);
            }
            Self::History(part) => {
                out.push(6);
                part.encode(&mut out);
            }
        }
        out
    }

    /// Reads the plaintext of an entry.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if it is not one of section 15.
    pub fn decode(plaintext: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(plaintext);
        let what = reader.u8()?;
        let down = match what {
            1 => Self::Ack { next: reader.varint()? },
            2 => Self::Refused { reason: Refusal::of(reader.u8()?), seq: reader.varint()? },
            3 => Self::Waiting { what: Waits::of(reader.u8()?), pane: PaneId(reader.u16()?) },
            4 => Self::Answered { seq: reader.varint()?, outcome: Outcome::decode(&mut reader)? },
            5 => Self::Desk(Desk::decode(&mut reader)?),
            6 => Self::History(HistoryPart::decode(&mut reader)?),
            _ => return Err(DecodeError::Value { what: "answer", found: what.into() }),
        };
        reader.finish()?;
        Ok(down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// The right to type is checked by the entry's kind: typing may not hide in a request for a keyframe.
    #[test]
    fn input_under_the_kind_of_a_request_is_refused() {
        let input = DirectUp::Input { pane: PaneId(3), bytes: b"rm -rf ~\r".to_vec() };
        assert_eq!(DirectUp::decode(KIND_INPUT, &input.encode()), Ok(input.clone()));
        for kind in [0, KIND_OPEN, KIND_REQUEST, 4] {
            assert!(DirectUp::decode(kind, &input.encode()).is_err());
        }
    }

    /// A paste of any size is cut by its sender; a longer entry than allowed is a broken peer.
    #[test]
    fn oversize_input_is_refused() {
        let input = DirectUp::Input { pane: PaneId(0), bytes: vec![b'x'; INPUT_BYTES_MAX + 1] };
        assert!(matches!(DirectUp::decode(KIND_INPUT, &input.encode()), Err(DecodeError::TooLong { .. })));
    }

    /// A newer page's command is answered; nothing else that is not understood is taken for one.
    #[test]
    fn command_of_a_later_version_is_known_for_one() {
        assert!(DirectUp::decode(KIND_REQUEST, &[5, 200, 1]).is_err());
        assert!(DirectUp::is_command(KIND_REQUEST, &[5, 200, 1]) && DirectUp::is_command(KIND_REQUEST, &[5]));
        for (kind, plaintext) in
            [(KIND_REQUEST, &[200, 5][..]), (KIND_REQUEST, &[]), (KIND_INPUT, &[5, 200]), (KIND_OPEN, &[5])]
        {
            assert!(!DirectUp::is_command(kind, plaintext), "{kind} {plaintext:?}");
        }
    }

    proptest! {
        /// What is accepted re-encodes to the same bytes, and nothing panics.
        #[test]
        fn payloads_round_trip(kind in 0u8..5, first in 0u8..7, rest in vec(any::<u8>(), 0..12)) {
            let bytes = [vec![first], rest].concat();
            if let Ok(up) = DirectUp::decode(kind, &bytes) {
                prop_assert_eq!(up.encode(), bytes.clone());
                prop_assert_eq!(up.kind(), kind);
            }
            if let Ok(down) = DirectDown::decode(&bytes) {
                prop_assert_eq!(down.encode(), bytes);
            }
        }
    }
}
