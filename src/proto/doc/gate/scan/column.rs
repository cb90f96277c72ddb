//! The columns of a change chunk, read row by row without allocating.
//!
//! column bytes --`next`--> one cell per operation
//!
//! Always: a cell costs constant time and no memory, whatever a run claims; a run over [`ROWS_MAX`] is refused unread.

use super::ScanError;
use crate::proto::limits::CHANGE_PREDS_MAX;

/// Longest run that any column of an admissible change can hold: its predecessors.
const ROWS_MAX: u64 = CHANGE_PREDS_MAX as u64;

/// Takes bytes off the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8], count: u64, what: &'static str) -> Result<&'a [u8], ScanError> {
    let count = usize::try_from(count).map_err(|_| ScanError::Truncated { what })?;
    let (head, tail) = bytes.split_at_checked(count).ok_or(ScanError::Truncated { what })?;
    *bytes = tail;
    Ok(head)
}

/// Reads an unsigned LEB128 number in its shortest form.
pub(super) fn uleb(bytes: &mut &[u8], what: &'static str) -> Result<u64, ScanError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1, what)?[0];
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && byte > 1 {
            return Err(ScanError::NotCanonical { what });
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            let shortest = byte != 0 || shift == 0;
            return if shortest { Ok(value) } else { Err(ScanError::NotCanonical { what }) };
        }
    }
    Err(ScanError::NotCanonical { what })
}

/// Reads a signed LEB128 number in its shortest form.
pub(super) fn sleb(bytes: &mut &[u8], what: &'static str) -> Result<i64, ScanError> {
    let (mut value, mut last) = (0_i64, None);
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1, what)?[0];
        if shift == 63 && byte != 0 && byte != 0x7f {
            return Err(ScanError::NotCanonical { what });
        }
        value |= i64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            // The last byte says nothing if it only repeats the sign bit of the one before it.
            let negative_before = last.map(|last: u8| last & 0x40 != 0);
            let idle = matches!((byte, negative_before), (0, Some(false)) | (0x7f, Some(true)));
            if idle {
                return Err(ScanError::NotCanonical { what });
            }
            if byte & 0x40 != 0 && shift + 7 < 64 {
                value |= -1 << (shift + 7);
            }
            return Ok(value);
        }
        last = Some(byte);
    }
    Err(ScanError::NotCanonical { what })
}

/// What a run-length encoded column can hold.
pub(super) trait Cell<'a>: Copy {
    /// Reads one value off the front.
    fn read(bytes: &mut &'a [u8], what: &'static str) -> Result<Self, ScanError>;
}

impl Cell<'_> for u64 {
    fn read(bytes: &mut &[u8], what: &'static str) -> Result<Self, ScanError> {
        uleb(bytes, what)
    }
}

impl Cell<'_> for i64 {
    fn read(bytes: &mut &[u8], what: &'static str) -> Result<Self, ScanError> {
        sleb(bytes, what)
    }
}

impl<'a> Cell<'a> for &'a str {
    fn read(bytes: &mut &'a [u8], what: &'static str) -> Result<Self, ScanError> {
        let length = uleb(bytes, what)?;
        std::str::from_utf8(take(bytes, length, what)?).map_err(|_| ScanError::Text { what })
    }
}

#[derive(Clone, Copy, Debug)]
enum Run<V> {
    Same(Option<V>),
    Literal,
}

/// A run-length encoded column. One that is absent is null in every row.
#[derive(Clone, Debug)]
pub(super) struct Runs<'a, V> {
    what: &'static str,
    bytes: &'a [u8],
    absent: bool,
    run: Run<V>,
    left: u64,
}

impl<'a, V: Cell<'a>> Runs<'a, V> {
    pub(super) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, bytes, absent: bytes.is_empty(), run: Run::Same(None), left: 0 }
    }

    /// Returns the cell of the next row, `None` for null.
    pub(super) fn next(&mut self) -> Result<Option<V>, ScanError> {
        let what = self.what;
        if self.absent {
            return Ok(None);
        }
        if self.left == 0 {
            let count = sleb(&mut self.bytes, what)?;
            self.left = count.unsigned_abs();
            self.run = match count {
                1.. => Run::Same(Some(V::read(&mut self.bytes, what)?)),
                0 => {
                    self.left = uleb(&mut self.bytes, what)?;
                    Run::Same(None)
                }
                _ => Run::Literal,
            };
            match self.left {
                0 => return Err(ScanError::NotCanonical { what }),
                1..=ROWS_MAX => (),
                found => return Err(ScanError::Limit { what, found, max: ROWS_MAX }),
            }
        }
        self.left -= 1;
        match self.run {
            Run::Same(value) => Ok(value),
            Run::Literal => V::read(&mut self.bytes, what).map(Some),
        }
    }

    /// Returns the cell of the next row of a column that has no nulls.
    pub(super) fn value(&mut self) -> Result<V, ScanError> {
        self.next()?.ok_or(ScanError::Truncated { what: self.what })
    }

    /// Checks that every row was read.
    pub(super) const fn finish(&self) -> Result<(), ScanError> {
        if self.bytes.is_empty() && self.left == 0 { Ok(()) } else { Err(ScanError::Trailing { what: self.what }) }
    }
}

/// A column of differences between one operation counter and the next.
#[derive(Clone, Debug)]
pub(super) struct Deltas<'a> {
    runs: Runs<'a, i64>,
    value: i64,
}

impl<'a> Deltas<'a> {
    pub(super) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { runs: Runs::new(what, bytes), value: 0 }
    }

    /// Returns the counter of the next row, `None` for null.
    pub(super) fn next(&mut self) -> Result<Option<u64>, ScanError> {
        let Some(delta) = self.runs.next()? else { return Ok(None) };
        let what = self.runs.what;
        let value = self.value.checked_add(delta).ok_or(ScanError::NotCanonical { what })?;
        self.value = value;
        u64::try_from(value).map(Some).map_err(|_| ScanError::NotCanonical { what })
    }

    /// Checks that every row was read.
    pub(super) const fn finish(&self) -> Result<(), ScanError> {
        self.runs.finish()
    }
}

/// A column of flags: lengths of runs, false and true by turns.
#[derive(Clone, Debug)]
pub(super) struct Flags<'a> {
    what: &'static str,
    bytes: &'a [u8],
    flag: bool,
    left: u64,
}

impl<'a> Flags<'a> {
    pub(super) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        // The first run is of `false`, so the one before it was of `true`.
        Self { what, bytes, flag: true, left: 0 }
    }

    /// Returns the flag of the next row.
    pub(super) fn next(&mut self) -> Result<bool, ScanError> {
        while self.left == 0 {
            self.left = uleb(&mut self.bytes, self.what)?;
            self.flag = !self.flag;
            if self.left > ROWS_MAX {
                return Err(ScanError::Limit { what: self.what, found: self.left, max: ROWS_MAX });
            }
        }
        self.left -= 1;
        Ok(self.flag)
    }

    /// Checks that every row was read.
    pub(super) const fn finish(&self) -> Result<(), ScanError> {
        if self.bytes.is_empty() && self.left == 0 { Ok(()) } else { Err(ScanError::Trailing { what: self.what }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Automerge's own reader is lax in places; two encodings of one number would be two hashes of one change.
    #[test]
    fn numbers_are_read_in_their_shortest_form_only() {
        for (bytes, value) in [(&[0x00][..], 0), (&[0x7f], 127), (&[0x80, 0x01], 128)] {
            assert_eq!(uleb(&mut &bytes[..], "n"), Ok(value));
        }
        let max = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(uleb(&mut &max[..], "n"), Ok(u64::MAX));
        for bytes in [&[0x80, 0x00][..], &[0xff, 0x80, 0x00], &[0xff; 10], &[0xff; 11]] {
            assert_eq!(uleb(&mut &bytes[..], "n"), Err(ScanError::NotCanonical { what: "n" }));
        }
        for (bytes, value) in [(&[0x00][..], 0), (&[0x7f], -1), (&[0xc0, 0x00], 64), (&[0xbf, 0x7f], -65)] {
            assert_eq!(sleb(&mut &bytes[..], "n"), Ok(value));
        }
        let min = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f];
        assert_eq!(sleb(&mut &min[..], "n"), Ok(i64::MIN));
        for bytes in [&[0x80, 0x00][..], &[0xff, 0x7f], &[0x80; 11]] {
            assert_eq!(sleb(&mut &bytes[..], "n"), Err(ScanError::NotCanonical { what: "n" }));
        }
    }

    /// Six bytes that claim 2^40 rows must cost six bytes of work.
    #[test]
    fn run_over_the_bound_is_refused_unread() {
        let bomb = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x01];
        let mut runs = Runs::<u64>::new("action", &bomb);
        assert!(matches!(runs.next(), Err(ScanError::Limit { found: 0x100_0000_0000, .. })));
        let literal = [0x80, 0x80, 0x80, 0x80, 0x80, 0x60, 0x01];
        assert!(matches!(Runs::<u64>::new("action", &literal).next(), Err(ScanError::Limit { .. })));
        let flags = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
        assert!(matches!(Flags::new("insert", &flags).next(), Err(ScanError::Limit { .. })));
    }
}
