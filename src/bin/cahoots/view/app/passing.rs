//! Making a narrower link out of the own one: which is to be chosen, then the link itself, to be copied.

use cahoots::Access;
use crossterm::event::{KeyCode, KeyEvent};

use super::Action;

/// Where making a narrower link stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Passing {
    /// Which one is to be chosen.
    Asking,
    /// The link, to be copied.
    Made(String),
}

impl Passing {
    /// Returns what a key asks for; any other one puts this away.
    pub(super) const fn answered(&self, key: KeyEvent) -> Option<Action> {
        match (self, key.code) {
            (Self::Asking, KeyCode::Char('v')) => Some(Action::PassOn(Access::View)),
            (Self::Asking, KeyCode::Char('i')) => Some(Action::PassOn(Access::Interact)),
            _ => None,
        }
    }
}
