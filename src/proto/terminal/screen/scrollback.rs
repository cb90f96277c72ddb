//! The lines that scrolled off the primary screen, those that the program had erased left out.
//!
//! Always: a line that was erased is not shown again, not told to a newcomer, and no larger window brings it back.

use super::super::{Size, past};
use super::{Display, Row, Screen};
use avt::{IntoInputs, IntoOperations, Line, Observation, Observer, ScreenKind, Terminal};

/// How much is kept of what scrolled off.
pub(in super::super) struct Scrollback {
    /// Lines that the emulator keeps.
    pub(in super::super) lines_max: usize,
    /// The oldest of these that are erased: the emulator itself keeps them until they make room.
    pub(super) forgotten: usize,
}

/// Counts down as the emulator gives up its oldest lines.
struct Forgotten<'a>(&'a mut usize);

impl Observer for Forgotten<'_> {
    type Output = ();

    fn evicted(&mut self, _: &mut Observation<'_>, _: &Line) {
        *self.0 = self.0.saturating_sub(1);
    }

    fn end(&mut self, _: &mut Observation<'_>) {}
}

impl Screen {
    /// Returns the number of lines that scrolled off and are kept; 0 on the alternate screen.
    #[must_use]
    pub fn scrollback_len(&self) -> usize {
        if self.display.terminal.active_screen_kind() == ScreenKind::Alternate {
            0
        } else {
            self.display.past().count()
        }
    }

    /// Returns the rows that a viewer sees who has scrolled back by `back` lines, or as far as there are.
    pub fn view(&self, back: usize) -> impl Iterator<Item = Row<'_>> {
        let kept = self.scrollback_len();
        let lines = self.display.terminal.screen().all_lines();
        let skipped = lines.count().saturating_sub(usize::from(self.size().rows) + kept);
        let top = skipped + kept.saturating_sub(back);
        let lines = self.display.terminal.screen().all_lines().skip(top).take(self.size().rows.into());
        lines.map(|line| Row::new(line, &self.display.clusters))
    }
}

impl Display {
    /// Returns the lines that scrolled off the primary screen, oldest first, whichever screen is shown.
    pub(in super::super) fn past(&self) -> impl Iterator<Item = &Line> {
        let primary = self.terminal.primary_screen();
        let off = primary.all_lines().count().saturating_sub(self.size().rows.into());
        primary.all_lines().take(off).skip(self.scrollback.forgotten)
    }

    /// Erases what scrolled off, on whatever screen the program asks for it.
    pub(super) fn forget_scrollback(&mut self) {
        self.scrollback.forgotten += self.past().count();
    }

    pub(super) fn resize(&mut self, size: Size) {
        if self.scrollback.forgotten > 0 && size != self.size() {
            self.drop_forgotten();
        }
        let Self { terminal, scrollback, .. } = self;
        terminal.resize_with(size.cols.into(), size.rows.into(), Forgotten(&mut scrollback.forgotten));
    }

    /// Makes the emulator anew without what is erased: a larger screen would bring that back, and lines that wrap anew
    /// are no longer as many.
    fn drop_forgotten(&mut self) {
        let (cols, rows) = self.terminal.size();
        let Ok(mut fresh) = Terminal::with_scrollback(cols, rows, Some(self.scrollback.lines_max)) else { return };
        let off = past::sequences(self.past(), usize::MAX, str::to_owned);
        for part in [off, "\n".repeat(rows - 1), "\x1b[H\x1b[J".to_owned(), self.terminal.dump()] {
            fresh.feed(part.as_str());
        }
        self.terminal = fresh;
        self.scrollback.forgotten = 0;
    }

    pub(in super::super) fn feed<Kind>(&mut self, text: impl IntoInputs<Kind>) {
        self.terminal.feed_with(text, Forgotten(&mut self.scrollback.forgotten));
    }

    pub(in super::super) fn execute<Kind>(&mut self, operations: impl IntoOperations<Kind>) {
        self.terminal.execute_with(operations, Forgotten(&mut self.scrollback.forgotten));
    }
}
