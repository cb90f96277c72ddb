//! What a host has done by a member's command, as its owner is told and its journal notes it.
//!
//! Always: it re-encodes to the same bytes. PROTOCOL.md 19.

use crate::proto::id::{AuthorId, ShareId};
use crate::proto::wire::{DecodeError, Reader};

/// What the host has done because the holder of an own link commanded it, as its owner is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Deed {
    /// It made this link.
    MadeLink(ShareId),
    /// It revoked this link.
    Revoked(ShareId),
    /// It removed this member.
    Kicked(AuthorId),
    /// It let this member in.
    LetIn(AuthorId),
    /// It turned this member away.
    TurnedAway(AuthorId),
    /// It revoked all links.
    RevokedAll,
}

impl Deed {
    /// Returns the link that it is about.
    #[must_use]
    pub const fn link(&self) -> Option<ShareId> {
        match self {
            Self::MadeLink(share) | Self::Revoked(share) => Some(*share),
            _ => None,
        }
    }

    /// Returns the member that it was done to.
    #[must_use]
    pub const fn member(&self) -> Option<AuthorId> {
        match self {
            Self::Kicked(author) | Self::LetIn(author) | Self::TurnedAway(author) => Some(*author),
            _ => None,
        }
    }

    /// Returns the number of its command. PROTOCOL.md 15.1.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::MadeLink(_) => 1,
            Self::Revoked(_) => 2,
            Self::Kicked(_) => 3,
            Self::LetIn(_) => 4,
            Self::TurnedAway(_) => 5,
            Self::RevokedAll => 6,
        }
    }

    /// Reads the number of a command and whom or what it was about.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            1 => Self::MadeLink(ShareId(reader.array()?)),
            2 => Self::Revoked(ShareId(reader.array()?)),
            3 => Self::Kicked(AuthorId(reader.array()?)),
            4 => Self::LetIn(AuthorId(reader.array()?)),
            5 => Self::TurnedAway(AuthorId(reader.array()?)),
            6 => Self::RevokedAll,
            found => return Err(DecodeError::Value { what: "command carried out", found: found.into() }),
        })
    }

    /// Writes the same.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.code());
        out.extend(self.link().iter().flat_map(|share| share.0));
        out.extend(self.member().iter().flat_map(|author| author.0));
    }
}
