//! Text from others on its way into a line of ours: names, titles, chat.
//!
//! Always: the result has no control, no line break, no direction override and nothing that cannot be seen, so
//! that it can neither act on a terminal nor pass for other text. SECURITY: terminal escapes.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

/// Characters of one grapheme; more marks than that are drawn over the neighbours.
const GRAPHEME_CHARS_MAX: usize = 6;

/// Returns `text` as one line that is safe to print, cut between graphemes to at most `bytes_max` bytes.
#[must_use]
pub fn sanitise_line(text: &str, bytes_max: usize) -> String {
    let mut line = String::new();
    // Whatever is left out must not join its neighbours into one grapheme, hence two passes.
    let seen: String = text.chars().filter_map(shown).collect();
    for grapheme in seen.trim_start_matches(|first: char| first == ' ' || is_mark(first)).graphemes(true) {
        let bytes: usize = grapheme.chars().take(GRAPHEME_CHARS_MAX).map(char::len_utf8).sum();
        if line.len() + bytes > bytes_max {
            break;
        }
        line.extend(grapheme.chars().take(GRAPHEME_CHARS_MAX));
    }
    line.truncate(line.trim_end().len());
    line
}

fn shown(character: char) -> Option<char> {
    match character {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        _ if character.is_whitespace() => Some(' '),
        _ if is_unseen(character) => None,
        _ => Some(character),
    }
}

fn is_mark(character: char) -> bool {
    character.width() == Some(0)
}

/// Tells whether `character` is a control, or has an effect but no look of its own.
///
/// Unicode's `Cc`, `Default_Ignorable_Code_Point`, `Bidi_Control` and the interlinear marks.
pub(super) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Tells whether `text` can go over the wire as a line that was made safe to print, by a host of any build.
///
/// What [`sanitise_line`] returns is one; it leaves out more, by tables that differ between versions of Unicode.
pub(super) fn is_line(text: &str) -> bool {
    let is_seen = |character: char| character == ' ' || !character.is_whitespace() && !is_unseen(character);
    text.chars().all(is_seen) && text.trim_matches(' ') == text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A name is printed on other people's terminals: it must not colour, move, rename or reverse anything there.
    #[test]
    fn nothing_that_acts_survives() {
        assert_eq!(sanitise_line("a\x1b]0;evil\x07b\x1b[31mc\u{9b}2J", 256), "a]0;evilb[31mc2J");
        assert_eq!(sanitise_line("user\u{202e}txt.exe\u{2066}", 256), "usertxt.exe");
        assert_eq!(sanitise_line("A\u{200b}d\u{feff}a\u{e0041}", 256), "Ada");
        assert_eq!(sanitise_line("  two\r\nlines\t. \n", 256), "two  lines .");
    }

    /// Names are in every script: what belongs to a letter stays with it.
    #[test]
    fn letters_keep_their_marks_within_reason() {
        assert_eq!(sanitise_line("Jose\u{301} กำ", 256), "Jose\u{301} กำ");
        assert_eq!(sanitise_line("\u{301}\u{302}x", 256), "x");
        assert!(sanitise_line(&format!("z{}", "\u{301}".repeat(100)), 256).chars().count() <= GRAPHEME_CHARS_MAX);
    }

    /// A cut inside a letter would show half of it, or a different one.
    #[test]
    fn cut_falls_between_graphemes() {
        assert_eq!(sanitise_line("ae\u{301}", 3), "a");
        assert_eq!(sanitise_line("🇩🇪🇫🇷", 12), "🇩🇪");
    }

    proptest! {
        /// Whatever comes in, what goes out is a short line of seen characters, and stays as it is.
        #[test]
        fn result_is_safe_and_stable(text in "\\PC{0,40}|.{0,40}|[\u{200b}-\u{206f}\u{1b}a]{0,40}", bytes_max in 0usize..80) {
            let line = sanitise_line(&text, bytes_max);
            prop_assert!(line.len() <= bytes_max);
            prop_assert!(!line.chars().any(is_unseen));
            prop_assert!(is_line(&line));
            prop_assert_eq!(sanitise_line(&line, bytes_max), line);
        }
    }
}
