//! The own terminal of who shares: the program's bytes, a title that waits for its place, a question on the last line.
//!
//! bytes of the program -> as they are; while a question covers the last line -> repainted from the session's emulator
//!
//! Always: nothing of ours comes between two bytes of a sequence; after a question the screen is what it would be
//! without it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use super::ground::Ground;
use crate::guard;
use cahoots::{Size, Snapshot};

/// Begins and ends an update that the terminal shows at once, where it knows how.
const UPDATE: (&str, &str) = ("\x1b[?2026h", "\x1b[?2026l");
/// Out of the alternate screen, no margins, no origin mode, no insert mode; then an empty screen.
const BLANK: (&str, &str) = ("\x1b[?1049l\x1b[?6l\x1b[4l\x1b[r", "\x1b[H\x1b[J");

/// Whether a question covers the last line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cover {
    Off,
    /// It is drawn anew when the program has written.
    On {
        is_stale: bool,
    },
}

/// The own terminal's output, unbuffered.
#[derive(Debug)]
pub(crate) struct OwnScreen<W = File> {
    out: W,
    ground: Ground,
    /// The title that was set last; the window keeps its own until there is news.
    title: String,
    waiting: Option<String>,
    cover: Cover,
    /// Bytes of the program that came, shown or not.
    received: u64,
    /// Bytes of the program that the last repaint has shown already.
    painted: u64,
}

impl OwnScreen {
    pub(crate) fn open(title: String) -> io::Result<Self> {
        Ok(Self::new(File::from(io::stdout().as_fd().try_clone_to_owned()?), title))
    }
}

impl<W: Write> OwnScreen<W> {
    fn new(out: W, title: String) -> Self {
        let (ground, cover) = (Ground::default(), Cover::Off);
        Self { out, ground, title, waiting: None, cover, received: 0, painted: 0 }
    }

    /// Shows what the program wrote, unless a question is in the way or the last repaint had it.
    pub(crate) fn show(&mut self, bytes: &[u8]) -> io::Result<()> {
        let seen = self.painted.saturating_sub(self.received);
        self.received += bytes.len() as u64;
        if let Cover::On { is_stale } = &mut self.cover {
            *is_stale = true;
            return Ok(());
        }
        let news = bytes.get(usize::try_from(seen).unwrap_or(usize::MAX)..).unwrap_or_default();
        self.out.write_all(news)?;
        self.ground.write(news);
        self.flush_title()
    }

    /// Sets the window's title as soon as there is a place for it.
    pub(crate) fn title(&mut self, title: String) -> io::Result<()> {
        if title != self.title {
            self.waiting = Some(format!("\x1b]2;{title}\x07"));
            self.title = title;
        }
        self.flush_title()
    }

    fn flush_title(&mut self) -> io::Result<()> {
        if self.ground.is_ground()
            && self.cover == Cover::Off
            && let Some(title) = self.waiting.take()
        {
            self.out.write_all(title.as_bytes())?;
        }
        Ok(())
    }

    /// Returns whether [`cover`](Self::cover) has something to draw.
    pub(crate) fn is_stale(&self) -> bool {
        self.cover == Cover::On { is_stale: true }
    }

    /// Marks what is covered as changed, by a new size or another question.
    pub(crate) fn touch(&mut self) {
        if self.cover != Cover::Off {
            self.cover = Cover::On { is_stale: true };
        }
    }

    /// Draws the program's screen, and a question over its last line.
    pub(crate) fn cover(&mut self, snapshot: &Snapshot, question: &str, size: Size) -> io::Result<()> {
        let frame = paint(snapshot);
        let mut ground = Ground::default();
        ground.write(&frame);
        let was = std::mem::replace(&mut self.cover, Cover::On { is_stale: !ground.is_ground() });
        if !ground.is_ground() {
            // The program is in the middle of a sequence; the rest is on its way.
            return Ok(());
        }
        if was == Cover::Off {
            self.keep_what_is_shown(size)?;
        }
        let line = format!("\x1b[?6l\x1b[?7l\x1b[{};1H\x1b[0;7m{question}\x1b[0m\x1b[?7h\x1b[?25l", size.rows);
        self.write_update(&[&frame, line.as_bytes()])
    }

    /// Scrolls off what stands on the primary screen, where the user finds it again: the links, and what was there
    /// before, which the session's emulator never saw.
    fn keep_what_is_shown(&mut self, size: Size) -> io::Result<()> {
        let rows = "\n".repeat(size.rows.into());
        write!(self.out, "{}\x1b[{};1H{rows}", BLANK.0, size.rows)
    }

    /// Takes the question away: the screen is the program's again.
    pub(crate) fn uncover(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        let frame = paint(snapshot);
        self.cover = Cover::Off;
        self.painted = snapshot.bytes;
        self.ground = Ground::default();
        self.ground.write(&frame);
        self.write_update(&[&frame])?;
        self.flush_title()
    }

    pub(crate) fn is_covered(&self) -> bool {
        self.cover != Cover::Off
    }

    fn write_update(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let mut update = UPDATE.0.as_bytes().to_vec();
        parts.iter().for_each(|part| update.extend_from_slice(part));
        // The end of the update would end up in the program's unfinished sequence.
        if self.ground.is_ground() {
            update.extend_from_slice(UPDATE.1.as_bytes());
        } else {
            let begin = UPDATE.0.len();
            update.drain(..begin);
        }
        self.out.write_all(&update)?;
        self.out.flush()
    }
}

/// Returns what makes any terminal show the snapshot.
fn paint(snapshot: &Snapshot) -> Vec<u8> {
    [BLANK.0.as_bytes(), guard::RESET.as_bytes(), BLANK.1.as_bytes(), &snapshot.keyframe].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cahoots::Screen;

    const SIZE: Size = Size { cols: 20, rows: 4 };

    /// The session's emulator, some bytes ahead of what was handed on, and the own terminal.
    struct Both {
        emulator: Screen,
        published: u64,
        own: OwnScreen<Vec<u8>>,
        terminal: Screen,
    }

    impl Both {
        fn new() -> Self {
            let own = OwnScreen::new(Vec::new(), "title".into());
            Self { emulator: Screen::new(SIZE), published: 0, own, terminal: Screen::new(SIZE) }
        }

        fn publish(&mut self, bytes: &[u8]) {
            self.emulator.write(bytes);
            self.published += bytes.len() as u64;
        }

        fn snapshot(&self) -> Snapshot {
            Snapshot { bytes: self.published, keyframe: self.emulator.keyframe() }
        }

        fn cover(&mut self, question: &str) {
            let snapshot = self.snapshot();
            self.own.cover(&snapshot, question, SIZE).unwrap();
        }

        fn uncover(&mut self) {
            let snapshot = self.snapshot();
            self.own.uncover(&snapshot).unwrap();
        }

        fn shown(&mut self) -> Vec<String> {
            let written = std::mem::take(&mut self.own.out);
            self.terminal.write(&written);
            self.terminal.text()
        }
    }

    /// Output that went on behind the question must neither be lost nor shown twice.
    #[test]
    fn screen_is_the_programs_again_after_a_question() {
        let mut both = Both::new();
        let chunks = ["one\r\n", "two \x1b[1", ";31mred\x1b[m\r\n", "\x1b[?1049hfull", " screen", "\x1b[3;5Hend", "!"];
        // The question comes and goes at every point of the output, handed on with any delay.
        for (from, to, lag) in moments(chunks.len()) {
            both = Both::new();
            for (n, chunk) in chunks.iter().enumerate() {
                both.publish(chunk.as_bytes());
                if let Some(late) = n.checked_sub(lag) {
                    both.own.show(chunks[late].as_bytes()).unwrap();
                }
                if n == from {
                    both.cover("let Ben in?         ");
                }
                if n == to {
                    both.uncover();
                }
            }
            for chunk in &chunks[chunks.len().saturating_sub(lag)..] {
                both.own.show(chunk.as_bytes()).unwrap();
            }
            let expected = both.emulator.text();
            assert_eq!(both.shown(), expected, "{from} {to} {lag}");
            assert_eq!(both.terminal.modes(), both.emulator.modes(), "{from} {to} {lag}");
            assert_eq!(both.terminal.cursor(), both.emulator.cursor(), "{from} {to} {lag}");
        }
        assert!(!both.own.is_covered());
    }

    fn moments(count: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..count).flat_map(move |from| (from..count).flat_map(move |to| (0..3).map(move |lag| (from, to, lag))))
    }

    /// The question has to be seen, whatever the program does meanwhile.
    #[test]
    fn question_stays_on_the_last_line() {
        let mut both = Both::new();
        both.publish(b"shell $ ");
        both.own.show(b"shell $ ").unwrap();
        both.cover("let Ben in?         ");
        assert_eq!(both.shown(), ["shell $", "", "", "let Ben in?"]);
        both.publish(b"\x1b[?1049h\x1b[2Jfull screen");
        both.own.show(b"\x1b[?1049h\x1b[2Jfull screen").unwrap();
        assert!(both.own.is_stale());
        both.cover("let Ben in?         ");
        assert_eq!(both.shown(), ["        full screen", "", "", "let Ben in?"]);
        assert!(!both.own.is_stale());
    }

    /// A title between the halves of a sequence would be garbage on the screen; under a question it would be lost.
    #[test]
    fn title_waits_for_its_place() {
        let mut both = Both::new();
        both.own.show(b"\x1b[1").unwrap();
        both.own.title("news".into()).unwrap();
        assert_eq!(both.own.out, b"\x1b[1");
        both.own.show(b"m").unwrap();
        assert_eq!(both.own.out, b"\x1b[1m\x1b]2;news\x07");
    }
}
