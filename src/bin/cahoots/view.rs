//! The full-screen viewer without its terminal: what is known, what a key does, what it looks like.
//!
//! events, facts of the session -> `app::App` -> `draw::draw` -> cells
//!
//! Always: nothing here waits, reads a clock or writes anywhere; what should happen outside comes back as an `Action`.

pub(crate) mod alarms;
pub(crate) mod app;
pub(crate) mod chat;
pub(crate) mod draw;
pub(crate) mod input;
pub(crate) mod keys;
pub(crate) mod mouse;
pub(crate) mod people;
pub(crate) mod screen;
pub(crate) mod status;
pub(crate) mod wrap;
