//! Names of things: sessions, shares, members, panes, channels and places in a lane.
//!
//! Always: ids are public. Secrets live in `key`. PROTOCOL.md 2, 4, 7, 8.

use super::hex::{self, Hex};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

macro_rules! id16 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Returns the 16 bytes as they stand on the wire.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Reads the 32 hexadecimal digits that `Display` writes.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                hex::parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom("an id has 32 lower-case hexadecimal digits"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Hex(&self.0).fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}…)"), &self.to_string()[..8])
            }
        }
    };
}

id16! {
    /// Commits to the owner's root key: the first 16 bytes of `H("session id", root_pub)`.
    SessionId
}
id16! {
    /// Names a share to the relay without telling its secret.
    ShareId
}
id16! {
    /// Names a member: the first 16 bytes of the hash of its certificate; also its Automerge actor id.
    AuthorId
}

/// A period under one content secret.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Epoch(pub u32);

/// A shared terminal of a session, 0 to 63.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PaneId(pub u16);

impl fmt::Display for PaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How entries of a channel are delivered and kept. PROTOCOL.md 8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Class {
    /// All entries, in order per lane; kept.
    Durable,
    /// From the newest keyframe on.
    Live,
    /// Only the newest per lane.
    Latest,
    /// To one addressee; kept by nobody.
    Direct,
}

/// One kind of content inside a session. Only the numbers of PROTOCOL.md 8 exist.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Channel(u16);

impl Channel {
    /// The state document.
    pub const STATE: Self = Self(1);
    /// The chat document.
    pub const CHAT: Self = Self(2);
    /// Cursors, names, heartbeats.
    pub const PRESENCE: Self = Self(3);
    /// From a member to the host.
    pub const TO_HOST: Self = Self(4);
    /// From the host to one member.
    pub const FROM_HOST: Self = Self(5);
    /// What the host vouches for of the state document.
    pub const STATE_CHECKPOINT: Self = Self(6);
    /// What the host vouches for of the chat document.
    pub const CHAT_CHECKPOINT: Self = Self(7);
    /// Number of the first terminal channel.
    const TERMINAL_FIRST: u16 = 16;

    /// The two documents, in the order in which they are reconciled.
    pub const DURABLE: [Self; 2] = [Self::STATE, Self::CHAT];
    /// All channels whose entries are kept: the documents and their checkpoints.
    pub const RECONCILED: [Self; 4] = [Self::STATE, Self::CHAT, Self::STATE_CHECKPOINT, Self::CHAT_CHECKPOINT];

    /// Returns the terminal channel of `pane`, or `None` beyond the last pane number.
    #[must_use]
    pub const fn terminal(pane: PaneId) -> Option<Self> {
        if pane.0 < super::limits::PANES_MAX { Some(Self(Self::TERMINAL_FIRST + pane.0)) } else { None }
    }

    /// Returns the channel with this number, or `None` if version 1 has none.
    #[must_use]
    pub const fn parse(number: u64) -> Option<Self> {
        match number {
            1..=7 => Some(Self(number as u16)),
            16..80 => Some(Self(number as u16)),
            _ => None,
        }
    }

    /// Returns the number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Returns the pane of a terminal channel.
    #[must_use]
    pub const fn pane(self) -> Option<PaneId> {
        if self.0 >= Self::TERMINAL_FIRST { Some(PaneId(self.0 - Self::TERMINAL_FIRST)) } else { None }
    }

    /// Returns the channel that carries the checkpoints of this document; `None` if this is no document.
    #[must_use]
    pub const fn checkpoint(self) -> Option<Self> {
        match self {
            Self::STATE => Some(Self::STATE_CHECKPOINT),
            Self::CHAT => Some(Self::CHAT_CHECKPOINT),
            _ => None,
        }
    }

    /// Says whether this channel carries the checkpoints of a document.
    #[must_use]
    pub const fn is_checkpoint(self) -> bool {
        self.document_of_checkpoint().is_some()
    }

    /// Returns the document whose checkpoints this channel carries.
    #[must_use]
    pub const fn document_of_checkpoint(self) -> Option<Self> {
        match self {
            Self::STATE_CHECKPOINT => Some(Self::STATE),
            Self::CHAT_CHECKPOINT => Some(Self::CHAT),
            _ => None,
        }
    }

    /// Returns how entries of this channel are delivered.
    #[must_use]
    pub const fn class(self) -> Class {
        match self.0 {
            1 | 2 | 6 | 7 => Class::Durable,
            3 => Class::Latest,
            4 | 5 => Class::Direct,
            _ => Class::Live,
        }
    }
}

const _: () = assert!(Channel::TERMINAL_FIRST + super::limits::PANES_MAX == 80, "`parse` spells the end out");

/// One author's sequence on one channel in one epoch.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LaneId {
    /// The channel.
    pub channel: Channel,
    /// Who writes.
    pub author: AuthorId,
    /// The period.
    pub epoch: Epoch,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkpoint stands for its document: taken for that of another it would replace the wrong one.
    #[test]
    fn each_document_has_its_checkpoints() {
        let pairs: Vec<_> = (0..100)
            .filter_map(Channel::parse)
            .filter_map(|channel| Some((channel.number(), channel.checkpoint()?.number())))
            .collect();
        assert_eq!(pairs, [(1, 6), (2, 7)]);
        for document in Channel::DURABLE {
            let checkpoint = document.checkpoint().expect("both have some");
            assert_eq!(checkpoint.document_of_checkpoint(), Some(document));
            assert!(checkpoint.is_checkpoint() && !document.is_checkpoint());
        }
        let kept = (0..100).filter_map(Channel::parse).filter(|channel| channel.class() == Class::Durable);
        assert_eq!(kept.collect::<Vec<_>>(), Channel::RECONCILED);
    }
}
