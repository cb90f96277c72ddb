//! Which way to a session: what to dial when, and which link to use.

use std::fmt;

/// Which way a link goes, for people.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PathKind {
    /// Inside this machine.
    Loopback,
    /// Straight to the host over the local network.
    Lan,
    /// Through a relay.
    Relay,
    /// Over a transport that the application brought along.
    Other,
}

impl fmt::Display for PathKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "this machine",
            Self::Lan => "lan",
            Self::Relay => "relay",
            Self::Other => "other",
        })
    }
}
