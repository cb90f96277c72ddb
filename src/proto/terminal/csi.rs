//! Control sequences: their parts, and the ones that may reach the emulator.
//!
//! Always: a number saturates at 65,535; a sequence that is not on the list does nothing.

use super::sgr;
use avt::parser::{AnsiMode, AnsiModes, CtcOp, EdScope, ElScope, Function, TbcScope};

/// A control sequence, cut into its parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Csi<'a> {
    /// One of `<=>?` at the beginning.
    pub(super) marker: Option<u8>,
    params: &'a [u8],
    /// A byte from space to `/` before the last.
    pub(super) intermediate: Option<u8>,
    /// What to do.
    pub(super) last: u8,
}

impl<'a> Csi<'a> {
    /// Cuts the bytes between `ESC [` and the final byte; `None` if they are in no order that means anything.
    pub(super) fn parse(body: &'a [u8], last: u8) -> Option<Self> {
        let (marker, body) = match body {
            [marker @ b'<'..=b'?', rest @ ..] => (Some(*marker), rest),
            _ => (None, body),
        };
        let (params, intermediate) = match body {
            [params @ .., intermediate @ b' '..=b'/'] => (params, Some(*intermediate)),
            params => (params, None),
        };
        let plain = params.iter().all(|byte| matches!(byte, b'0'..=b';'));
        plain.then_some(Self { marker, params, intermediate, last })
    }

    /// Returns the parameters, each as it stands, with its subparameters.
    pub(super) fn params(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.params.split(|byte| *byte == b';')
    }

    /// Returns the parameters as numbers, without their subparameters.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.params().map(|param| number(param.split(|byte| *byte == b':').next().unwrap_or_default()))
    }

    /// Returns the parameter at `index`, 0 if there is none.
    pub(super) fn number(&self, index: usize) -> u16 {
        self.numbers().nth(index).unwrap_or(0)
    }

    /// Returns what the emulator has to do, or `None` if it is nothing that a screen shows.
    ///
    /// Private modes, repetitions, titles and queries are not here: the screen looks at them itself.
    pub(super) fn function(&self) -> Option<Function> {
        use Function as F;
        if self.marker.is_some() || self.intermediate.is_some() {
            return None;
        }
        let n = self.number(0);
        Some(match self.last {
            b'@' => F::Ich(n),
            b'A' => F::Cuu(n),
            b'B' => F::Cud(n),
            b'C' | b'a' => F::Cuf(n),
            b'D' => F::Cub(n),
            b'E' => F::Cnl(n),
            b'F' => F::Cpl(n),
            b'G' | b'`' => F::Cha(n),
            b'H' | b'f' => F::Cup(n, self.number(1)),
            b'I' => F::Cht(n),
            b'J' => F::Ed(match n {
                0 => EdScope::Below,
                1 => EdScope::Above,
                2 => EdScope::All,
                _ => return None,
            }),
            b'K' => F::El(match n {
                0 => ElScope::ToRight,
                1 => ElScope::ToLeft,
                2 => ElScope::All,
                _ => return None,
            }),
            b'L' => F::Il(n),
            b'M' => F::Dl(n),
            b'P' => F::Dch(n),
            b'S' => F::Su(n),
            b'T' => F::Sd(n),
            b'W' => F::Ctc(match n {
                0 => CtcOp::Set,
                2 => CtcOp::ClearCurrentColumn,
                5 => CtcOp::ClearAll,
                _ => return None,
            }),
            b'X' => F::Ech(n),
            b'Z' => F::Cbt(n),
            b'd' => F::Vpa(n),
            b'e' => F::Vpr(n),
            b'g' => F::Tbc(match n {
                0 => TbcScope::CurrentColumn,
                3 => TbcScope::All,
                _ => return None,
            }),
            b'h' => F::Sm(self.ansi_modes()),
            b'l' => F::Rm(self.ansi_modes()),
            b'm' => F::Sgr(sgr::decode(self.params())),
            b'r' => F::Decstbm(n, self.number(1)),
            b's' => F::Scosc,
            b'u' => F::Scorc,
            _ => return None,
        })
    }

    fn ansi_modes(&self) -> AnsiModes {
        let known = self.numbers().filter_map(|mode| match mode {
            4 => Some(AnsiMode::Insert),
            20 => Some(AnsiMode::NewLine),
            _ => None,
        });
        known.collect::<Vec<_>>().into()
    }
}

/// Reads decimal digits; 65,535 for anything larger.
pub(super) fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0u16, |value, digit| value.saturating_mul(10).saturating_add(u16::from(digit & 0x0f)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A count is a program's choice: a huge one must not wrap around to a small one, nor overflow.
    #[test]
    fn huge_numbers_saturate() {
        let csi = Csi::parse(b"99999999999999999999;65536;7:8", b'A').unwrap();
        assert_eq!(csi.numbers().collect::<Vec<_>>(), [u16::MAX, u16::MAX, 7]);
        assert_eq!(csi.number(9), 0);
    }

    /// Private sequences share their final bytes with public ones: `CSI > 4 m` is no colour.
    #[test]
    fn marked_sequences_never_pass_as_plain_ones() {
        for (body, last) in [(&b">4;2"[..], b'm'), (b"?2", b'J'), (b">1", b'u'), (b"2 ", b'A'), (b"!", b'p')] {
            assert_eq!(Csi::parse(body, last).unwrap().function(), None);
        }
        assert_eq!(Csi::parse(b"1?2", b'h'), None);
    }
}
