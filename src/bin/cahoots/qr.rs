//! A link as a QR code of half blocks, for the camera of a phone.

use cahoots::Size;
use qrcode::QrCode;
use qrcode::types::{Color, EcLevel};

use crate::text::Paint;

/// Light modules beside the code: ISO/IEC 18004 asks for four.
const MARGIN_COLS: usize = 4;
/// The same above and below it: readers do with two, and a terminal has few rows.
const MARGIN_ROWS: usize = 2;
/// Rows that the caption and the program's first line need.
const ROWS_BESIDE: usize = 3;

/// Draws `link`; nothing if it does not fit a terminal of this size, for half a code is none.
pub(crate) fn draw(link: &str, size: Size, paint: Paint) -> Option<Vec<String>> {
    // A token in capitals needs a third less room, and is the same token.
    let (page, token) = link.split_once('#')?;
    let text = format!("{page}#{}", token.to_ascii_uppercase());
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let cols = code.width() + 2 * MARGIN_COLS;
    let rows = (code.width() + 2 * MARGIN_ROWS).div_ceil(2);
    if cols > usize::from(size.cols) || rows + ROWS_BESIDE > usize::from(size.rows) {
        return None;
    }
    let is_dark = |row: usize, col: usize| {
        let at = row.checked_sub(MARGIN_ROWS).zip(col.checked_sub(MARGIN_COLS));
        at.is_some_and(|(y, x)| y < code.width() && x < code.width() && code[(x, y)] == Color::Dark)
    };
    let line = |row: usize| {
        let halves = (0..cols).map(|col| paint.half(is_dark(2 * row, col), is_dark(2 * row + 1, col)));
        paint.black_on_white(&halves.collect::<String>())
    };
    Some((0..rows).map(line).collect())
}

impl Paint {
    /// Draws two modules, one above the other. Without colour the light ones are drawn: most terminals are dark.
    const fn half(self, upper_is_dark: bool, lower_is_dark: bool) -> char {
        let (upper, lower) =
            if self.is_on() { (upper_is_dark, lower_is_dark) } else { (!upper_is_dark, !lower_is_dark) };
        match (upper, lower) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "http://192.168.178.123:43111/j#chr1zp92x3afyr4enmlpswqyk6hpuqsrqvfjxv6r2d3h8qun5weu85lr7vkdya3";

    fn plain() -> Paint {
        Paint::off()
    }

    /// The smallest terminal that people have still shows it, with the caption and the prompt.
    #[test]
    fn code_fits_the_usual_terminal() {
        let lines = draw(LINK, Size::new(80, 24), plain()).unwrap();
        assert!(lines.len() <= 21, "{} rows", lines.len());
        let cols: Vec<_> = lines.iter().map(|line| line.chars().count()).collect();
        assert!(cols.iter().all(|one| *one == cols[0] && *one <= 80), "{cols:?}");
        assert_eq!(draw(LINK, Size::new(40, 24), plain()), None, "too narrow");
        assert_eq!(draw(LINK, Size::new(80, 20), plain()), None, "too low");
    }

    /// A camera looks for the three corners and the light margin around them.
    #[test]
    fn corners_are_where_cameras_look() {
        let lines = draw(LINK, Size::new(80, 24), plain()).unwrap();
        // Drawn are the light modules: the margin is full, the corner's frame empty.
        assert!(lines[0].chars().all(|half| half == '█'));
        assert!(lines[1].starts_with("████ ▄▄▄▄▄ █") && lines[1].ends_with("█ ▄▄▄▄▄ ████"), "{}", lines[1]);
    }
}
