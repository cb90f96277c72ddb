//! Bytes as hexadecimal digits: in ids, file names and fingerprints.
//!
//! Always: written in lower case; one spelling is read, so that equal text means equal bytes.

use std::fmt;

/// Writes two lower-case digits per byte.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads exactly `2 * N` digits as [`Hex`] writes them.
pub(crate) fn parse<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

const fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two texts for one id would make two entries of one thing in a document.
    #[test]
    fn one_spelling_is_read() {
        let bytes = [0x00, 0x9f, 0xa0, 0xff];
        assert_eq!(Hex(&bytes).to_string(), "009fa0ff");
        assert_eq!(parse("009fa0ff"), Some(bytes));
        for other in ["009FA0FF", "009fa0f", "009fa0ff0", "009fa0ff00", "+09fa0ff", " 09fa0ff", "009fa0fé", ""] {
            assert_eq!(parse::<4>(other), None, "{other}");
        }
    }
}
