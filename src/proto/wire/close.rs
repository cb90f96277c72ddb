//! Why connections end.

use super::frame::VERSION_FIELD;
use super::reader::DecodeError;
use std::fmt;

/// Why a connection ends. PROTOCOL.md 18.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "`Display` says it")]
pub enum CloseCode {
    Bye,
    Protocol,
    Version,
    SessionUnknown,
    ShareUnknown,
    Expired,
    ShareClosed,
    Ended,
    AuthFailed,
    NoRight,
    Limit,
    TooFast,
    Busy,
    TooSlow,
    GoingAway,
    Replaced,
    NotLetIn,
    Other(u64),
}

impl CloseCode {
    const ALL: [Self; 17] = [
        Self::Bye,
        Self::Protocol,
        Self::Version,
        Self::SessionUnknown,
        Self::ShareUnknown,
        Self::Expired,
        Self::ShareClosed,
        Self::Ended,
        Self::AuthFailed,
        Self::NoRight,
        Self::Limit,
        Self::TooFast,
        Self::Busy,
        Self::TooSlow,
        Self::GoingAway,
        Self::Replaced,
        Self::NotLetIn,
    ];

    /// Returns the code with this number.
    #[must_use]
    pub fn parse(number: u64) -> Self {
        usize::try_from(number).ok().and_then(|index| Self::ALL.get(index).copied()).unwrap_or(Self::Other(number))
    }

    /// Returns the number on the wire.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Self::Other(number) => number,
            known => Self::ALL.iter().position(|code| *code == known).unwrap_or_default() as u64,
        }
    }

    /// Tells whether dialling again with the same keys can succeed.
    #[must_use]
    pub const fn is_passing(self) -> bool {
        !matches!(
            self,
            Self::Version
                | Self::ShareUnknown
                | Self::Expired
                | Self::ShareClosed
                | Self::Ended
                | Self::NoRight
                | Self::Replaced
                | Self::NotLetIn
        )
    }
}

impl From<&DecodeError> for CloseCode {
    /// Returns what somebody is told whose bytes are no frame.
    fn from(error: &DecodeError) -> Self {
        match error {
            DecodeError::Value { what: VERSION_FIELD, .. } => Self::Version,
            DecodeError::TooLong { .. } => Self::Limit,
            _ => Self::Protocol,
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bye => "the other side left",
            Self::Protocol => "the other side saw a protocol violation",
            Self::Version => "the other side speaks another protocol version",
            Self::SessionUnknown => "session not found",
            Self::ShareUnknown => "this link was never issued for the session",
            Self::Expired => "the link has expired",
            Self::ShareClosed => "the link was revoked",
            Self::Ended => "the session has ended",
            Self::AuthFailed => "proof of possession failed",
            Self::NoRight => "the link does not carry this right",
            Self::Limit => "over a limit",
            Self::TooFast => "too fast",
            Self::Busy => "too busy, try again",
            Self::TooSlow => "too slow to answer",
            Self::GoingAway => "the relay is restarting",
            Self::Replaced => "replaced by a newer connection of the same member",
            Self::NotLetIn => "the owner did not let this member in",
            Self::Other(number) => return write!(f, "closed with unknown code {number}"),
        })
    }
}
