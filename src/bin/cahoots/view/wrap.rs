//! Breaks text into lines of a given width in terminal columns.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Breaks `text` between words where it can, inside a word where it must; never returns fewer than one line.
///
/// A grapheme wider than `width` stands alone on its line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut columns = 0;
    for word in text.split_word_bounds() {
        let blank = word.trim().is_empty();
        if columns > 0 && columns + word.width() > width {
            lines.push(String::new());
            columns = 0;
        }
        if blank && columns == 0 && lines.len() > 1 {
            continue;
        }
        for grapheme in word.graphemes(true) {
            if columns > 0 && columns + grapheme.width() > width {
                lines.push(String::new());
                columns = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(grapheme);
            }
            columns += grapheme.width();
        }
    }
    lines
}

/// Cuts `text` to `width` columns, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut columns = 0;
    for grapheme in text.graphemes(true) {
        if columns + grapheme.width() + 1 > width {
            break;
        }
        kept.push_str(grapheme);
        columns += grapheme.width();
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chat is read, not decoded: words stay whole while they fit.
    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick ", "brown fox"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("a", 1), ["a"]);
    }

    /// A pasted URL has no blanks; it must not vanish behind the panel's edge.
    #[test]
    fn long_words_break_inside() {
        assert_eq!(wrap("aaaaabbbbb", 5), ["aaaaa", "bbbbb"]);
        assert_eq!(wrap("界界界", 4), ["界界", "界"]);
        assert_eq!(wrap("界", 1), ["界"]);
    }

    /// A cut name must be seen to be cut, and never be wider than its place.
    #[test]
    fn cut_text_says_so() {
        assert_eq!(cut("Grace Hopper", 6), "Grace…");
        assert_eq!(cut("Ada", 3), "Ada");
        assert_eq!(cut("界界", 3), "界…");
        assert_eq!(cut("Ada", 0), "");
    }
}
