//! What a viewer draws: rows, cells, styles.

use super::super::cluster::Clusters;
use super::super::{Modes, Size};
use super::Screen;

/// A colour as the program has named it; the viewer's palette decides how it looks.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Color {
    /// The viewer's own foreground or background.
    #[default]
    Default,
    /// One of the 256 of the palette.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Style {
    /// Foreground.
    pub fg: Color,
    /// Background.
    pub bg: Color,
    /// Bold.
    pub bold: bool,
    /// Faint; never together with bold.
    pub faint: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined, in whatever shape.
    pub underline: bool,
    /// Struck through.
    pub strike: bool,
    /// Blinking.
    pub blink: bool,
    /// Foreground and background exchanged.
    pub inverse: bool,
}

/// One cell of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cell<'a> {
    /// The character, a space in an empty cell.
    pub base: char,
    /// Combining characters on it, mostly none.
    pub marks: &'a str,
    /// Columns that it takes: 1, or 2; 0 for the right half of the wide cell before it, which is not drawn.
    pub width: u8,
    /// How it looks.
    pub style: Style,
}

impl Cell<'_> {
    /// Appends the character and its marks; nothing for the right half of a wide cell.
    pub fn push_to(&self, text: &mut String) {
        if self.width > 0 {
            text.push(self.base);
            text.push_str(self.marks);
        }
    }
}

/// One row of a screen or of its scrollback.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    line: &'a avt::Line,
    clusters: &'a Clusters,
}

impl<'a> Row<'a> {
    pub(in super::super) const fn new(line: &'a avt::Line, clusters: &'a Clusters) -> Self {
        Self { line, clusters }
    }

    /// Returns the cells, one per column.
    pub fn cells(self) -> impl Iterator<Item = Cell<'a>> {
        self.line.cells().iter().map(move |cell| {
            let (base, marks) = self.clusters.parts(cell.char());
            Cell { base, marks, width: cell.width(), style: Style::of(cell.pen()) }
        })
    }

    /// Returns the text with the spaces of empty cells.
    #[must_use]
    pub fn text(self) -> String {
        let mut text = String::new();
        self.cells().for_each(|cell| cell.push_to(&mut text));
        text
    }

    /// Tells whether the next row continues this one: a copied text has no line break here.
    #[must_use]
    pub fn is_wrapped(self) -> bool {
        self.line.is_wrapped()
    }
}

impl Style {
    pub(in super::super) fn of(pen: &avt::Pen) -> Self {
        Self {
            fg: Color::of(pen.foreground()),
            bg: Color::of(pen.background()),
            bold: pen.is_bold(),
            faint: pen.is_faint(),
            italic: pen.is_italic(),
            underline: pen.is_underline(),
            strike: pen.is_strikethrough(),
            blink: pen.is_blink(),
            inverse: pen.is_inverse(),
        }
    }
}

impl Color {
    fn of(color: Option<avt::Color>) -> Self {
        match color {
            None => Self::Default,
            Some(avt::Color::Indexed(index)) => Self::Indexed(index),
            Some(avt::Color::RGB(rgb)) => Self::Rgb(rgb.r, rgb.g, rgb.b),
        }
    }
}

/// All that can be seen of a screen, and all that it will act by: for comparing two of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snapshot {
    size: Size,
    cursor: (u16, u16),
    visible: bool,
    modes: Modes,
    title: String,
    /// Rows of the screen that is shown, then of the primary one if that is another.
    rows: Vec<SnapshotRow>,
    /// A keyframe also tells what cannot be seen: tab stops, margins, saved cursors, unfinished input.
    keyframe: String,
}

/// Text, wrapping, and the style of each cell.
type SnapshotRow = (String, bool, Vec<(u8, Style)>);

impl Screen {
    /// Returns all that can be compared of this screen, but not its scrollback.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let terminal = &self.display.terminal;
        let modes = self.modes();
        let hidden = modes.alternate.then(|| terminal.primary_screen().visible_lines());
        let lines = terminal.screen().visible_lines().chain(hidden.into_iter().flatten());
        let rows = lines.map(|line| {
            let row = Row::new(line, &self.display.clusters);
            (row.text(), row.is_wrapped(), row.cells().map(|cell| (cell.width, cell.style)).collect())
        });
        Snapshot {
            size: self.size(),
            cursor: self.display.cursor(),
            visible: terminal.cursor().visible,
            modes,
            title: self.title().to_owned(),
            rows: rows.collect(),
            keyframe: self.keyframe().escape_ascii().to_string(),
        }
    }
}
