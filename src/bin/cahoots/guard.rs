//! Gives the user's terminal back as it was, on every way out: return, error, panic, signal.
//!
//! Always: what a guard changed is undone exactly once, by its drop or by the panic hook, whichever comes first.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU8, Ordering};

use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{cursor, execute};

/// What has to be undone: a `Use`, for the panic hook to see.
static USED: AtomicU8 = AtomicU8::new(Use::None as u8);

/// Modes that a program may have left on when it was killed: cursor keys and keypad, mouse, focus events, bracketed
/// paste, attributes, hidden cursor, a scroll region, line drawing. Leaving the alternate screen is not among them:
/// outside of it some terminals would move the cursor.
pub(crate) const RESET: &str =
    "\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[0m\x1b(B\x0f";
const ALTERNATE_OFF: &str = "\x1b[?1049l";
/// Asks the terminal to remember its title, and to take it back (XTWINOPS 22 and 23).
const TITLE_PUSH: &str = "\x1b[22;2t";
const TITLE_POP: &str = "\x1b[23;2t";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
enum Use {
    None,
    Raw,
    RawAlternate,
    Viewer,
}

/// The terminal is ours while this lives.
#[derive(Debug)]
pub(crate) struct Guard(());

impl Guard {
    /// Raw mode, for passing a shell's bytes through.
    pub(crate) fn raw() -> io::Result<Self> {
        restore_on_panic();
        enable_raw_mode()?;
        USED.store(Use::Raw as u8, Ordering::SeqCst);
        let guard = Self(());
        io::stdout().write_all(TITLE_PUSH.as_bytes())?;
        io::stdout().flush()?;
        Ok(guard)
    }

    /// Raw mode on the alternate screen with bracketed paste, for the viewer.
    pub(crate) fn viewer() -> io::Result<Self> {
        restore_on_panic();
        enable_raw_mode()?;
        USED.store(Use::Viewer as u8, Ordering::SeqCst);
        let guard = Self(());
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        Ok(guard)
    }

    /// Notes whether the shared program is on the alternate screen, which a killed one cannot leave by itself.
    pub(crate) fn alternate(&self, on: bool) {
        let now = if on { Use::RawAlternate } else { Use::Raw };
        USED.store(now as u8, Ordering::SeqCst);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Undoes what the guard did; nothing if there is nothing to undo.
fn restore() {
    let used = USED.swap(Use::None as u8, Ordering::SeqCst);
    if used == Use::None as u8 {
        return;
    }
    // The terminal may be gone (SIGHUP): then there is nothing to restore and nobody to tell.
    let mut out = io::stdout();
    if used == Use::Viewer as u8 {
        let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    } else {
        let alternate = if used == Use::RawAlternate as u8 { ALTERNATE_OFF } else { "" };
        let _ = write!(out, "{alternate}{RESET}{TITLE_POP}");
    }
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Puts the terminal right before the panic's message is printed, so that it can be read.
///
/// A panic on another thread is caught and dealt with by the library: it must not tear the screen of a program that
/// goes on.
fn restore_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let owner = std::thread::current().id();
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == owner {
                restore();
            }
            if USED.load(Ordering::SeqCst) == Use::None as u8 {
                print(info);
            }
        }));
    });
}
