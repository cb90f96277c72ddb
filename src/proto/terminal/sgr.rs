//! Colours and attributes: SGR parameters as the emulator's operations.
//!
//! Always: the parameters of a colour never read as attributes, also where the colour itself is not drawn.

use super::csi::number;
use avt::Color;
use avt::parser::{SgrOp, SgrOps};

/// Decodes the parameters of `CSI … m`.
pub(super) fn decode<'a>(mut params: impl Iterator<Item = &'a [u8]>) -> SgrOps {
    let mut ops = Vec::new();
    while let Some(param) = params.next() {
        let parts: Vec<u16> = param.split(|byte| *byte == b':').map(number).collect();
        let op = match *parts.as_slice() {
            [plane @ (38 | 48 | 58)] => indirect(&mut params).and_then(|color| set(plane, color)),
            [plane @ (38 | 48 | 58), ref color @ ..] => direct(color).and_then(|color| set(plane, color)),
            // An underline of any shape is drawn as one.
            [4, 0] => Some(SgrOp::ResetUnderline),
            [4, _] => Some(SgrOp::SetUnderline),
            [code] => simple(code),
            _ => None,
        };
        ops.extend(op);
    }
    ops.into()
}

/// Reads a colour in the form with colons: `5:index`, `2:r:g:b` or `2:space:r:g:b`.
fn direct(parts: &[u16]) -> Option<Color> {
    match *parts {
        [5, index] => u8::try_from(index).ok().map(Color::Indexed),
        [2, r, g, b] | [2, _, r, g, b] => rgb(r, g, b),
        _ => None,
    }
}

/// Reads a colour in the form with semicolons, and takes its parameters away whatever they are.
fn indirect<'a>(params: &mut impl Iterator<Item = &'a [u8]>) -> Option<Color> {
    let mut next = || params.next().map(number);
    match next()? {
        5 => u8::try_from(next()?).ok().map(Color::Indexed),
        2 => rgb(next()?, next()?, next()?),
        _ => None,
    }
}

fn rgb(r: u16, g: u16, b: u16) -> Option<Color> {
    let byte = |value: u16| u8::try_from(value).ok();
    Some(Color::rgb(byte(r)?, byte(g)?, byte(b)?))
}

const fn set(plane: u16, color: Color) -> Option<SgrOp> {
    match plane {
        38 => Some(SgrOp::SetForegroundColor(color)),
        48 => Some(SgrOp::SetBackgroundColor(color)),
        // 58 colours the underline, which we do not draw.
        _ => None,
    }
}

const fn simple(code: u16) -> Option<SgrOp> {
    Some(match code {
        0 => SgrOp::Reset,
        1 => SgrOp::SetBoldIntensity,
        2 => SgrOp::SetFaintIntensity,
        3 => SgrOp::SetItalic,
        4 | 21 => SgrOp::SetUnderline,
        5 | 6 => SgrOp::SetBlink,
        7 => SgrOp::SetInverse,
        9 => SgrOp::SetStrikethrough,
        22 => SgrOp::ResetIntensity,
        23 => SgrOp::ResetItalic,
        24 => SgrOp::ResetUnderline,
        25 => SgrOp::ResetBlink,
        27 => SgrOp::ResetInverse,
        29 => SgrOp::ResetStrikethrough,
        30..=37 => SgrOp::SetForegroundColor(Color::Indexed((code - 30) as u8)),
        39 => SgrOp::ResetForegroundColor,
        40..=47 => SgrOp::SetBackgroundColor(Color::Indexed((code - 40) as u8)),
        49 => SgrOp::ResetBackgroundColor,
        90..=97 => SgrOp::SetForegroundColor(Color::Indexed((code - 82) as u8)),
        100..=107 => SgrOp::SetBackgroundColor(Color::Indexed((code - 92) as u8)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ops(params: &str) -> Vec<SgrOp> {
        decode(params.as_bytes().split(|byte| *byte == b';')).as_slice().to_vec()
    }

    /// Editors write colours in three ways; a viewer has to read them alike.
    #[test]
    fn every_form_of_a_colour_is_read() {
        let red = SgrOp::SetForegroundColor(Color::rgb(255, 0, 1));
        for form in ["38;2;255;0;1", "38:2:255:0:1", "38:2::255:0:1"] {
            assert_eq!(ops(form), [red]);
        }
        assert_eq!(ops("48;5;200;1"), [SgrOp::SetBackgroundColor(Color::Indexed(200)), SgrOp::SetBoldIntensity]);
        assert_eq!(ops("97"), [SgrOp::SetForegroundColor(Color::Indexed(15))]);
    }

    /// `58;5;1` colours an underline: read naively it makes the text bold and blinking.
    #[test]
    fn unsupported_colour_leaves_no_attributes_behind() {
        assert_eq!(ops("58;5;1"), []);
        assert_eq!(ops("58;2;1;3;9;4"), [SgrOp::SetUnderline]);
        assert_eq!(ops("38;5;300"), []);
        assert_eq!(ops("38;2;1"), []);
    }

    /// Editors mark misspellings with a curly underline; drawn straight it is still visible.
    #[test]
    fn shaped_underlines_are_underlines() {
        assert_eq!(ops("4:3"), [SgrOp::SetUnderline]);
        assert_eq!(ops("4:0"), [SgrOp::ResetUnderline]);
        assert_eq!(ops(""), [SgrOp::Reset]);
    }
}
