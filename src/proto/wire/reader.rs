//! A cursor over received bytes that never panics and never skips any.

use super::varint;

/// Why bytes were not what PROTOCOL.md says; the sender has to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("truncated: {missing} bytes missing")]
    Truncated {
        /// How many more bytes the field needs.
        missing: usize,
    },
    /// Bytes are left after the last field.
    #[error("{bytes} bytes too many")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A varint is longer than its value needs.
    #[error("varint not in its shortest form")]
    NotShortest,
    /// A field holds a value that does not exist.
    #[error("{what} cannot be {found}")]
    Value {
        /// The field.
        what: &'static str,
        /// What it held.
        found: u64,
    },
    /// Things stand in another order than the one that counts, or one of them twice.
    #[error("{what} not in ascending order")]
    Order {
        /// The things.
        what: &'static str,
    },
    /// Something is over its bound.
    #[error("{what} of {bytes} bytes is over the limit of {bytes_max}")]
    TooLong {
        /// The thing.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
}

/// Reads fields one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// Takes the next `count` bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if there are fewer.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let missing = count.saturating_sub(self.left.len());
        let (head, tail) = self.left.split_at_checked(count).ok_or(DecodeError::Truncated { missing })?;
        self.left = tail;
        Ok(head)
    }

    /// Takes the next `N` bytes as an array.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let missing = N.saturating_sub(self.left.len());
        let (head, tail) = self.left.split_first_chunk().ok_or(DecodeError::Truncated { missing })?;
        self.left = tail;
        Ok(*head)
    }

    /// Takes one byte.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Takes a little-endian `u16`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if fewer than 2 bytes are left.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Takes a little-endian `u32`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if fewer than 4 bytes are left.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Takes a little-endian `u64`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if fewer than 8 bytes are left.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Takes a little-endian `i32`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] if fewer than 4 bytes are left.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_le_bytes)
    }

    /// Takes a varint.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`], or [`DecodeError::NotShortest`] if fewer bytes would have done.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let first = *self.left.first().ok_or(DecodeError::Truncated { missing: 1 })?;
        let (value, bytes) = match first >> 6 {
            0 => (u64::from(self.u8()?), 1),
            1 => (u64::from(u16::from_be_bytes(self.array()?) & 0x3fff), 2),
            2 => (u64::from(u32::from_be_bytes(self.array()?) & 0x3fff_ffff), 4),
            _ => (u64::from_be_bytes(self.array()?) & varint::MAX, 8),
        };
        if varint::len(value) == bytes { Ok(value) } else { Err(DecodeError::NotShortest) }
    }

    /// Takes a varint that must fit a `u32`.
    ///
    /// # Errors
    ///
    /// As [`varint`](Self::varint), and [`DecodeError::Value`] naming `what`.
    pub fn varint_u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let found = self.varint()?;
        u32::try_from(found).map_err(|_| DecodeError::Value { what, found })
    }

    /// Takes all that is left.
    pub const fn rest(&mut self) -> &'a [u8] {
        let rest = self.left;
        self.left = &[];
        rest
    }

    /// Returns how many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.left.len()
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Trailing`] if something is.
    pub const fn finish(self) -> Result<(), DecodeError> {
        match self.left.len() {
            0 => Ok(()),
            bytes => Err(DecodeError::Trailing { bytes }),
        }
    }
}
