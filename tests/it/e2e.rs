//! Whole sessions: real processes, real sockets, real pseudo-terminals.
//!
//! Each test stands on a [`Stage`](stage::Stage) of its own: a folder, and an environment that knows no other session.
//! Nothing is timed: a test waits for what must come, and gives up long after that.

mod asleep;
mod browsers;
mod embed;
pub(crate) mod nearby;
mod owner;
mod program;
mod refusals;
mod restart;
mod session;
pub(crate) mod stage;
