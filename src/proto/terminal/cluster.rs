//! Combining characters: a base and its marks as one character that stands for them in the emulator.
//!
//! The emulator keeps one `char` per cell and gives a mark a cell of its own, which shifts the rest of the line.
//! Always: a stand-in is as wide as its base; at most [`CLUSTERS_MAX`] exist, after that marks are left out.

use std::collections::BTreeMap;
use unicode_width::UnicodeWidthChar;

/// Clusters of one screen; Vietnamese and Thai together need about a thousand.
const CLUSTERS_MAX: u32 = 8_192;
/// Longest cluster in bytes; what stacks higher is not writing.
const CLUSTER_BYTES_MAX: usize = 32;
/// First stand-in for a base of one column: private use, plane 16.
const NARROW: u32 = 0x10_0000;
/// First stand-in for a base of two columns: ideographs of plane 3 that Unicode has not given out.
const WIDE: u32 = 0x3_4000;

/// What to do with a character of a program's output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// Print it.
    Plain,
    /// Add it to the character before.
    Mark,
    /// Show that it was no text.
    Replace,
    /// Leave it out.
    Drop,
}

/// Tells what to do with `character`.
pub(super) fn classify(character: char) -> Class {
    match character {
        ' '..='~' => Class::Plain,
        '\0'..='\u{9f}' => Class::Replace,
        '\u{a0}'..='\u{2ff}' => Class::Plain,
        _ if stand_in(character).is_some() => Class::Replace,
        _ if character.width() != Some(0) => Class::Plain,
        // They join letters of Indic scripts and Persian, and pictures: text, though unseen.
        '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' => Class::Mark,
        _ if super::sanitise::is_unseen(character) => Class::Drop,
        _ => Class::Mark,
    }
}

/// Returns how many columns `character` takes: 0 if it joins the one before it, or is left out.
///
/// For those who draw our output by another emulator, which has to agree with [`Screen`](super::Screen).
#[must_use]
pub fn columns(character: char) -> u8 {
    match classify(character) {
        Class::Plain if character > '~' && character.width() == Some(2) => 2,
        Class::Plain | Class::Replace => 1,
        Class::Mark | Class::Drop => 0,
    }
}

/// Returns the index behind a stand-in.
fn stand_in(character: char) -> Option<usize> {
    let code = u32::from(character);
    [NARROW, WIDE].into_iter().find_map(|first| {
        let index = code.checked_sub(first).filter(|index| *index < CLUSTERS_MAX)?;
        usize::try_from(index).ok()
    })
}

/// The clusters of one screen.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    texts: Vec<Box<str>>,
    indices: BTreeMap<Box<str>, u32>,
}

impl Clusters {
    /// Returns the base that `character` shows and the marks on it.
    pub(super) fn parts(&self, character: char) -> (char, &str) {
        let text = stand_in(character).and_then(|index| self.texts.get(index));
        let parts = text.and_then(|text| {
            let mut rest = text.chars();
            rest.next().map(|base| (base, rest.as_str()))
        });
        parts.unwrap_or((character, ""))
    }

    /// Returns the stand-in for what `character` shows with one more mark, or `None` if there is no room.
    pub(super) fn add(&mut self, character: char, mark: char) -> Option<char> {
        let (base, marks) = self.parts(character);
        let text = format!("{base}{marks}{mark}");
        if text.len() > CLUSTER_BYTES_MAX {
            return None;
        }
        let first = if base.width() == Some(2) { WIDE } else { NARROW };
        if let Some(index) = self.indices.get(text.as_str()) {
            return char::from_u32(first + index);
        }
        let index = u32::try_from(self.texts.len()).ok().filter(|index| *index < CLUSTERS_MAX)?;
        self.texts.push(text.as_str().into());
        self.indices.insert(text.into(), index);
        char::from_u32(first + index)
    }

    /// Writes `text` with every stand-in as what it stands for.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            let (base, marks) = self.parts(character);
            out.push(base);
            out.push_str(marks);
        }
        out
    }

    /// Forgets all; only while no cell holds a stand-in.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The emulator asks the same width table: a stand-in of another width would shift the line.
    #[test]
    fn stand_ins_are_as_wide_as_their_bases() {
        for index in 0..CLUSTERS_MAX {
            assert_eq!(char::from_u32(NARROW + index).unwrap().width(), Some(1));
            assert_eq!(char::from_u32(WIDE + index).unwrap().width(), Some(2));
        }
    }

    /// A browser's emulator counts by this; where it differs from the screen, lines are torn.
    #[test]
    fn columns_are_those_that_the_screen_gives() {
        let all = (' '..='\u{7e}').chain('\u{a0}'..=char::MAX);
        let mut last = None;
        // Where the count changes is where two tables would differ.
        for character in all.filter(|character| last.replace(columns(*character)) != Some(columns(*character))) {
            let mut screen = crate::proto::terminal::Screen::new(crate::proto::terminal::Size::new(10, 2));
            screen.write(format!("-{character}").as_bytes());
            assert_eq!(screen.cursor(), Some((0, 1 + u16::from(columns(character)))), "{character:?}");
        }
    }

    /// Endless marks on one letter are a known way to eat memory and to draw over other people's lines.
    #[test]
    fn clusters_are_bounded_in_length_and_number() {
        let mut clusters = Clusters::default();
        let mut character = 'a';
        while let Some(next) = clusters.add(character, '\u{301}') {
            character = next;
        }
        assert!(clusters.parts(character).1.len() < CLUSTER_BYTES_MAX);
        let added = ('\u{4e00}'..='\u{9fff}').filter(|base| clusters.add(*base, '\u{301}').is_some()).count();
        assert!(added < CLUSTERS_MAX as usize);
    }

    /// A program that prints our stand-ins itself must not show somebody else's text.
    #[test]
    fn stand_ins_from_outside_are_replaced() {
        for code in [NARROW, NARROW + CLUSTERS_MAX - 1, WIDE] {
            assert_eq!(classify(char::from_u32(code).unwrap()), Class::Replace);
        }
    }
}
