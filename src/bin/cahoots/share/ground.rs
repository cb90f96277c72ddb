//! Finds the places in a program's output where something may be put in between.
//!
//! Always: between two bytes of an escape sequence or of a character, `is_ground` is false.

/// Where in its output the shared program is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Ground {
    /// Neither in a character nor in a sequence.
    #[default]
    Between,
    /// Within a character: so many bytes are missing.
    Utf8 { missing: u8 },
    /// After ESC.
    Escape,
    /// Within CSI or an escape sequence with intermediates: a final byte ends it.
    Sequence { first_final: u8 },
    /// Within OSC, DCS, APC, PM or SOS.
    Text,
    /// After an ESC within those: a backslash ends them.
    TextEscape,
}

impl Ground {
    /// Follows what the program wrote.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            *self = self.after(byte);
        }
    }

    pub(crate) fn is_ground(self) -> bool {
        self == Self::Between
    }

    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            // CAN and SUB abandon any sequence.
            (_, 0x18 | 0x1a) => Self::Between,
            (Self::Text, 0x07) | (Self::TextEscape, b'\\') => Self::Between,
            (Self::Text, 0x1b) => Self::TextEscape,
            (Self::Text, _) => Self::Text,
            (_, 0x1b) => Self::Escape,
            (Self::Escape | Self::TextEscape, _) => Self::after_escape(byte),
            (Self::Sequence { first_final }, _) if byte < first_final || byte >= 0x7f => self,
            (Self::Sequence { .. }, _) => Self::Between,
            (Self::Utf8 { missing: 2.. }, 0x80..0xc0) => self.one_less(),
            (Self::Between | Self::Utf8 { .. }, _) => Self::after_text(byte),
        }
    }

    fn after_escape(byte: u8) -> Self {
        match byte {
            b'[' => Self::Sequence { first_final: 0x40 },
            b']' | b'P' | b'_' | b'^' | b'X' => Self::Text,
            0x20..0x30 => Self::Sequence { first_final: 0x30 },
            0x00..0x20 => Self::Escape,
            _ => Self::Between,
        }
    }

    fn after_text(byte: u8) -> Self {
        match byte {
            0xc2..0xe0 => Self::Utf8 { missing: 1 },
            0xe0..0xf0 => Self::Utf8 { missing: 2 },
            0xf0..0xf5 => Self::Utf8 { missing: 3 },
            _ => Self::Between,
        }
    }

    fn one_less(self) -> Self {
        match self {
            Self::Utf8 { missing } => Self::Utf8 { missing: missing - 1 },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A title put into the middle of a sequence would print garbage on the host's own screen.
    #[test]
    fn no_place_inside_of_sequences_and_characters() {
        let whole = [
            "a",
            "é",
            "界",
            "👩",
            "\x1b[1;31m",
            "\x1b]0;title\x07",
            "\x1b]8;;x\x1b\\",
            "\x1bPq#0\x1b\\",
            "\x1b(B",
            "\x1b7",
        ];
        for text in whole {
            let mut ground = Ground::default();
            let (last, before) = text.as_bytes().split_last().unwrap();
            for byte in before {
                ground.write(&[*byte]);
                assert!(!ground.is_ground(), "{text:?}");
            }
            ground.write(&[*last]);
            assert!(ground.is_ground(), "{text:?}");
        }
    }

    /// Binary output must not hide the ground for the rest of the session.
    #[test]
    fn broken_output_comes_back_to_ground() {
        for bytes in [b"\xc3a".as_slice(), b"\xff\xfe", b"\x1b[12\x18", b"\x1b]never ends\x1a", b"\x1b[\x1b[m"] {
            let mut ground = Ground::default();
            ground.write(bytes);
            assert!(ground.is_ground(), "{bytes:?}");
        }
    }
}
