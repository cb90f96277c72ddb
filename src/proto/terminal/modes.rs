//! The modes of a terminal that decide what its keyboard and mouse send.
//!
//! Always: a hard or soft reset brings them all back to [`Modes::default`].

/// What a mouse reports.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MouseMode {
    /// Nothing.
    #[default]
    Off,
    /// Presses (DEC mode 9).
    Press,
    /// Presses and releases (1000).
    Click,
    /// Those and motion while a button is down (1002).
    Drag,
    /// Those and all motion (1003).
    Motion,
}

/// How a mouse report is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum MouseEncoding {
    /// Three bytes, for the first 223 columns.
    #[default]
    Bytes,
    /// Three characters of UTF-8 (1005).
    Utf8,
    /// Decimal numbers, `CSI < … M` or `m` (1006).
    Sgr,
    /// Decimal numbers, `CSI … M` (1015).
    Urxvt,
}

/// What a viewer has to know in order to send what the program expects.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Modes {
    /// Arrow keys send `ESC O` sequences (DECCKM).
    pub app_cursor: bool,
    /// The keypad sends `ESC O` sequences (DECKPAM).
    pub app_keypad: bool,
    /// Pasted text comes in brackets (2004).
    pub bracketed_paste: bool,
    /// What the mouse reports.
    pub mouse: MouseMode,
    /// How the mouse reports it.
    pub mouse_encoding: MouseEncoding,
    /// Gain and loss of focus are reported (1004).
    pub focus_events: bool,
    /// The alternate screen is shown (47, 1047, 1049).
    pub alternate: bool,
}

/// Whether a mode is switched on or off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Switch {
    On,
    Off,
}

impl Modes {
    /// Follows one private mode; those that the emulator holds itself are left alone.
    pub(super) fn switch(&mut self, mode: u16, switch: Switch) {
        let on = switch == Switch::On;
        match mode {
            66 => self.app_keypad = on,
            1004 => self.focus_events = on,
            2004 => self.bracketed_paste = on,
            _ => {
                if let Some(mouse) = MouseMode::of(mode) {
                    self.mouse = if on { mouse } else { MouseMode::Off };
                }
                if let Some(encoding) = MouseEncoding::of(mode) {
                    self.mouse_encoding = if on { encoding } else { MouseEncoding::Bytes };
                }
            }
        }
    }

    /// Returns the private modes to set so that a terminal at its default has these.
    pub(super) fn numbers(self) -> impl Iterator<Item = u16> {
        [
            self.app_keypad.then_some(66),
            self.focus_events.then_some(1004),
            self.bracketed_paste.then_some(2004),
            self.mouse.number(),
            self.mouse_encoding.number(),
        ]
        .into_iter()
        .flatten()
    }
}

impl MouseMode {
    const fn of(mode: u16) -> Option<Self> {
        match mode {
            9 => Some(Self::Press),
            1000 => Some(Self::Click),
            1002 => Some(Self::Drag),
            1003 => Some(Self::Motion),
            _ => None,
        }
    }

    /// Returns the number of the private mode, if there is one to set.
    pub(super) const fn number(self) -> Option<u16> {
        match self {
            Self::Off => None,
            Self::Press => Some(9),
            Self::Click => Some(1000),
            Self::Drag => Some(1002),
            Self::Motion => Some(1003),
        }
    }
}

impl MouseEncoding {
    const fn of(mode: u16) -> Option<Self> {
        match mode {
            1005 => Some(Self::Utf8),
            1006 => Some(Self::Sgr),
            1015 => Some(Self::Urxvt),
            _ => None,
        }
    }

    /// Returns the number of the private mode, if there is one to set.
    pub(super) const fn number(self) -> Option<u16> {
        match self {
            Self::Bytes => None,
            Self::Utf8 => Some(1005),
            Self::Sgr => Some(1006),
            Self::Urxvt => Some(1015),
        }
    }
}
