//! The shared terminal on the viewer's own: where it goes, which part of it, and its cells.
//!
//! Always: what is drawn are cells of a parsed screen; no byte of the shared program reaches the own terminal.

use std::num::NonZeroU16;

use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::draw::Theme;
use super::keys::Pan;
use super::wrap::cut;
use cahoots::proto::terminal;
use cahoots::{Member, PaneId, Screen, Size};

/// Columns of an open panel, if there is room for the terminal beside it.
const PANEL_COLS: u16 = 34;
/// Fewest columns that are left to the terminal beside a panel.
const BESIDE_COLS_MIN: u16 = 40;
/// Longest name beside a member's cursor, in columns.
const TAG_COLS_MAX: usize = 12;

/// Row and column of the shared terminal that are drawn at the top left.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Origin {
    pub(crate) row: u16,
    pub(crate) col: u16,
}

/// Where everything is on the viewer's own screen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Layout {
    pub(crate) status: Rect,
    pub(crate) panel: Option<Rect>,
    /// What is left for the shared terminal.
    pub(crate) room: Rect,
    /// Where its cells are drawn.
    pub(crate) cells: Rect,
    /// The frame around the cells, if there is room for one.
    pub(crate) frame: Option<Rect>,
    pub(crate) origin: Origin,
    size: Option<Size>,
}

impl Layout {
    /// Divides `area`; `cursor` is kept in view unless the user moved the view to `pan`.
    pub(crate) fn new(
        area: Rect,
        panel: bool,
        size: Option<Size>,
        cursor: Option<(u16, u16)>,
        pan: Option<Origin>,
    ) -> Self {
        let body = Rect { height: area.height.saturating_sub(1), ..area };
        let status = Rect { y: area.y + body.height, height: area.height - body.height, ..area };
        let (room, panel) = match panel {
            false => (body, None),
            true if body.width >= PANEL_COLS + BESIDE_COLS_MIN => {
                let room = Rect { width: body.width - PANEL_COLS, ..body };
                (room, Some(Rect { x: room.right(), width: PANEL_COLS, ..body }))
            }
            true => (Rect { width: 0, ..body }, Some(body)),
        };
        let mut layout = Self { status, panel, room, size, ..Self::default() };
        if let Some(size) = size {
            layout.place(size, cursor, pan);
        }
        layout
    }

    fn place(&mut self, size: Size, cursor: Option<(u16, u16)>, pan: Option<Origin>) {
        let room = self.room;
        let width = size.cols.min(room.width);
        let height = size.rows.min(room.height);
        self.cells =
            Rect { x: room.x + (room.width - width) / 2, y: room.y + (room.height - height) / 2, width, height };
        let framed = room.width >= size.cols + 2 && room.height >= size.rows + 2;
        self.frame =
            framed.then(|| Rect { x: self.cells.x - 1, y: self.cells.y - 1, width: width + 2, height: height + 2 });
        let (row, col) = cursor.unwrap_or((0, 0));
        let followed = Origin { row: follow(row, height, size.rows), col: follow(col, width, size.cols) };
        self.origin = pan.map_or(followed, |pan| Origin {
            row: pan.row.min(size.rows - height),
            col: pan.col.min(size.cols - width),
        });
    }

    /// Returns whether some of the shared terminal is out of view.
    pub(crate) fn is_clipped(&self) -> bool {
        self.size.is_some_and(|size| size.cols > self.cells.width || size.rows > self.cells.height)
    }

    /// Returns the origin half a view further in one direction.
    pub(crate) fn panned(&self, pan: Pan) -> Origin {
        let Origin { row, col } = self.origin;
        let (rows, cols) = ((self.cells.height / 2).max(1), (self.cells.width / 2).max(1));
        match pan {
            Pan::Up => Origin { row: row.saturating_sub(rows), col },
            Pan::Down => Origin { row: row.saturating_add(rows), col },
            Pan::Left => Origin { row, col: col.saturating_sub(cols) },
            Pan::Right => Origin { row, col: col.saturating_add(cols) },
        }
    }

    /// Returns how many lines one page scrolls: a line of the page before stays in sight.
    pub(crate) fn page(&self) -> usize {
        usize::from(self.cells.height.saturating_sub(1).max(1))
    }

    /// Returns the row and column of the shared terminal at a place of the own screen.
    pub(crate) fn cell_at(&self, x: u16, y: u16) -> Option<(u16, u16)> {
        let inside = self.cells.contains(Position { x, y });
        inside.then(|| (self.origin.row + y - self.cells.y, self.origin.col + x - self.cells.x))
    }

    /// Returns where a cell of the shared terminal is drawn, if it is in view.
    pub(crate) fn place_of(&self, row: u16, col: u16) -> Option<Position> {
        let (down, right) = (row.checked_sub(self.origin.row)?, col.checked_sub(self.origin.col)?);
        let visible = down < self.cells.height && right < self.cells.width;
        visible.then(|| Position { x: self.cells.x + right, y: self.cells.y + down })
    }
}

/// Returns the first row or column to show so that `at` is in view.
///
/// The view moves by a third of itself: moved with each key, all of it would be drawn each time.
fn follow(at: u16, shown: u16, total: u16) -> u16 {
    let beyond = (at + 1).saturating_sub(shown);
    let step = (shown / 3).max(1);
    (beyond.div_ceil(step) * step).min(total - shown)
}

/// Draws the part of the screen that the layout shows, scrolled back by `back` lines.
pub(crate) fn draw(buffer: &mut Buffer, layout: &Layout, screen: &Screen, back: usize) {
    let rows = screen.view(back).skip(layout.origin.row.into());
    for (y, row) in (layout.cells.top()..layout.cells.bottom()).zip(rows) {
        let cells = row.cells().skip(layout.origin.col.into());
        for (x, cell) in (layout.cells.left()..layout.cells.right()).zip(cells) {
            draw_cell(buffer, layout, Position { x, y }, &cell);
        }
    }
}

fn draw_cell(buffer: &mut Buffer, layout: &Layout, at: Position, cell: &terminal::Cell<'_>) {
    let edge =
        if cell.width == 0 { at.x == layout.cells.left() } else { at.x + u16::from(cell.width) > layout.cells.right() };
    let Some(target) = buffer.cell_mut(at) else { return };
    target.set_style(style(cell.style));
    // Of a wide character that the edge cuts in two, no half can be drawn.
    if edge || cell.width == 0 {
        return;
    }
    let mut symbol = String::new();
    cell.push_to(&mut symbol);
    // Where the tables of widths differ, the columns of the shared terminal count.
    if symbol.width() != usize::from(cell.width)
        && let Some(width) = NonZeroU16::new(cell.width.into())
    {
        target.set_diff_option(CellDiffOption::ForcedWidth(width));
    }
    target.set_symbol(&symbol);
}

fn style(style: terminal::Style) -> Style {
    let modifiers = [
        (style.bold, Modifier::BOLD),
        (style.faint, Modifier::DIM),
        (style.italic, Modifier::ITALIC),
        (style.underline, Modifier::UNDERLINED),
        (style.strike, Modifier::CROSSED_OUT),
        (style.blink, Modifier::SLOW_BLINK),
        (style.inverse, Modifier::REVERSED),
    ];
    let on = modifiers.into_iter().filter(|(on, _)| *on).fold(Modifier::empty(), |all, (_, one)| all | one);
    Style::new().fg(color(style.fg)).bg(color(style.bg)).add_modifier(on)
}

fn color(color: terminal::Color) -> Color {
    match color {
        terminal::Color::Default => Color::Reset,
        terminal::Color::Indexed(index) => Color::Indexed(index),
        terminal::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}

/// Draws where others point: the cell in their colour, their name beside it where nothing is hidden by it.
pub(crate) fn draw_cursors(buffer: &mut Buffer, layout: &Layout, members: &[Member], pane: PaneId, theme: Theme) {
    for member in members.iter().filter(|member| !member.is_me) {
        let Some(cursor) = member.cursor.filter(|cursor| cursor.pane == pane) else { continue };
        let Some(at) = layout.place_of(cursor.row, cursor.col) else { continue };
        let style = theme.pointer(member.colour);
        if let Some(cell) = buffer.cell_mut(at) {
            cell.set_style(style);
        }
        let tag = format!(" {}", cut(&member.name, TAG_COLS_MAX));
        let width = u16::try_from(tag.width()).unwrap_or(u16::MAX);
        let free = (at.x + 1..=at.x.saturating_add(width)).all(|x| {
            x < layout.cells.right() && buffer.cell(Position { x, y: at.y }).is_some_and(|cell| cell.symbol() == " ")
        });
        if free {
            buffer.set_string(at.x + 1, at.y, tag, style);
        } else if let Some(cell) = buffer.cell_mut(at)
            && cell.symbol() == " "
        {
            let initial: String = member.name.chars().take(1).filter(|c| c.is_alphanumeric() && c.is_ascii()).collect();
            cell.set_symbol(if initial.is_empty() { "•" } else { &initial });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect { x: 0, y: 0, width: 80, height: 24 };

    fn layout(size: Size, cursor: (u16, u16), pan: Option<Origin>) -> Layout {
        Layout::new(AREA, false, Some(size), Some(cursor), pan)
    }

    /// A small terminal in a large window stands in the middle, with a frame that shows where it ends.
    #[test]
    fn small_terminal_is_centred_in_a_frame() {
        let layout = layout(Size { cols: 40, rows: 10 }, (0, 0), None);
        assert_eq!(layout.cells, Rect { x: 20, y: 6, width: 40, height: 10 });
        assert_eq!(layout.frame, Some(Rect { x: 19, y: 5, width: 42, height: 12 }));
        assert!(!layout.is_clipped());
    }

    /// Where one types has to be seen, whatever the size of the host's window.
    #[test]
    fn view_follows_the_cursor_over_a_large_terminal() {
        let size = Size { cols: 200, rows: 60 };
        for cursor in [(0, 0), (22, 79), (23, 80), (40, 100), (59, 199)] {
            let layout = layout(size, cursor, None);
            assert!(layout.place_of(cursor.0, cursor.1).is_some(), "{cursor:?} {layout:?}");
            assert!(layout.is_clipped());
        }
    }

    /// The user looks elsewhere on purpose: output must not drag the view back, and its edge is the terminal's.
    #[test]
    fn moved_view_stays_and_stops_at_the_edge() {
        let size = Size { cols: 200, rows: 60 };
        let far = Origin { row: 500, col: 500 };
        let layout = layout(size, (0, 0), Some(far));
        assert_eq!(layout.origin, Origin { row: 60 - 23, col: 120 });
        assert_eq!(layout.panned(Pan::Up), Origin { row: 60 - 23 - 11, col: 120 });
    }

    /// Others see the pointer on the same character, not on the same place of their window.
    #[test]
    fn mouse_and_cells_agree() {
        let layout = layout(Size { cols: 200, rows: 60 }, (59, 199), None);
        let (row, col) = layout.cell_at(5, 3).unwrap();
        assert_eq!(layout.place_of(row, col), Some(Position { x: 5, y: 3 }));
        assert_eq!(layout.cell_at(5, 23), None, "the status line is not part of the terminal");
    }

    /// On a narrow window the panel takes all: two columns of ten characters help nobody.
    #[test]
    fn panel_covers_a_narrow_window() {
        let narrow = Layout::new(Rect { width: 60, ..AREA }, true, None, None, None);
        assert_eq!(narrow.panel, Some(Rect { width: 60, height: 23, ..AREA }));
        let wide = Layout::new(AREA, true, None, None, None);
        assert_eq!((wide.room.width, wide.panel.unwrap().width), (46, 34));
    }

    /// Windows are dragged to any size, even to nothing.
    #[test]
    fn no_size_of_the_window_is_a_problem() {
        for (width, height) in [(0, 0), (1, 1), (2, 2), (74, 1), (300, 2)] {
            for panel in [false, true] {
                let area = Rect { x: 0, y: 0, width, height };
                let size = Some(Size { cols: 80, rows: 24 });
                let layout = Layout::new(area, panel, size, Some((23, 79)), Some(Origin { row: 9, col: 9 }));
                assert!(layout.cells.right() <= width && layout.cells.bottom() <= height, "{layout:?}");
            }
        }
    }
}
