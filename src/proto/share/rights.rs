//! What a member may do, and what kind of share it came through. PROTOCOL.md 3, 4.

use std::fmt;

/// A set of rights; a certificate carries it in one byte.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct Rights(u8);

impl Rights {
    /// Read terminals, state and chat.
    pub const READ: Self = Self(1);
    /// Show name, cursor and where one looks.
    pub const PRESENCE: Self = Self(2);
    /// Write chat.
    pub const CHAT: Self = Self(4);
    /// Type into terminals.
    pub const INPUT: Self = Self(8);
    /// Change the state document: titles, notes, sizes.
    pub const CONTROL: Self = Self(16);
    /// Hand out narrower shares.
    pub const DELEGATE: Self = Self(32);
    /// Bring a session to a relay and keep its auth log there.
    pub const ADMIN: Self = Self(64);

    /// None at all.
    pub const NONE: Self = Self(0);
    /// Preset of `chr` tokens.
    pub const VIEW: Self = Self(0x07);
    /// Preset of `chi` tokens.
    pub const INTERACT: Self = Self(0x1f);
    /// Preset of `cho` tokens: all there is.
    pub const OWN: Self = Self(0x7f);

    const VIEW_AND_PASS_ON: Self = Self::VIEW.union(Self::DELEGATE);
    const INTERACT_AND_PASS_ON: Self = Self::INTERACT.union(Self::DELEGATE);

    const NAMES: [(Self, &'static str); 7] = [
        (Self::READ, "read"),
        (Self::PRESENCE, "presence"),
        (Self::CHAT, "chat"),
        (Self::INPUT, "input"),
        (Self::CONTROL, "control"),
        (Self::DELEGATE, "pass on"),
        (Self::ADMIN, "admin"),
    ];

    /// Reads the byte of a certificate; `None` if it has a bit without meaning.
    #[must_use]
    pub const fn parse(bits: u8) -> Option<Self> {
        if bits & !Self::OWN.0 == 0 { Some(Self(bits)) } else { None }
    }

    /// Returns the byte of a certificate.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Says whether all of `other` is in here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Returns what is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns what is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// May it read terminals and documents?
    #[must_use]
    pub const fn may_read(self) -> bool {
        self.contains(Self::READ)
    }

    /// May it be seen?
    #[must_use]
    pub const fn may_appear(self) -> bool {
        self.contains(Self::PRESENCE)
    }

    /// May it write chat?
    #[must_use]
    pub const fn may_chat(self) -> bool {
        self.contains(Self::CHAT)
    }

    /// May it type into terminals?
    #[must_use]
    pub const fn may_type(self) -> bool {
        self.contains(Self::INPUT)
    }

    /// May it change the state document?
    #[must_use]
    pub const fn may_control(self) -> bool {
        self.contains(Self::CONTROL)
    }

    /// May it hand out shares?
    #[must_use]
    pub const fn may_delegate(self) -> bool {
        self.contains(Self::DELEGATE)
    }

    /// May it bring a session and its auth log to a relay?
    #[must_use]
    pub const fn may_administer(self) -> bool {
        self.contains(Self::ADMIN)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::VIEW => f.write_str("view"),
            Self::INTERACT => f.write_str("interact"),
            Self::OWN => f.write_str("own"),
            Self(0) => f.write_str("nothing"),
            Self::VIEW_AND_PASS_ON => f.write_str("view, pass on"),
            Self::INTERACT_AND_PASS_ON => f.write_str("interact, pass on"),
            _ => {
                let mut names = Self::NAMES.iter().filter(|(right, _)| self.contains(*right)).map(|(_, name)| *name);
                f.write_str(names.next().unwrap_or_default())?;
                names.try_for_each(|name| write!(f, ", {name}"))
            }
        }
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

/// What kind of share it is, as its certificate says; its token says a part of it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct ShareFlags(u8);

impl ShareFlags {
    /// Neither of the below.
    pub const NONE: Self = Self(0);
    /// The token alone is not enough: a passphrase is part of the secret.
    pub const PASSPHRASE: Self = Self(1);
    /// Whoever finds it may come.
    pub const PUBLIC: Self = Self(2);
    /// Not through a relay.
    pub const LAN_ONLY: Self = Self(4);
    /// The owner lets members in one by one. Stands in certificates only.
    pub const APPROVE: Self = Self(8);
    /// Meant for one member. Stands in certificates only.
    pub const ONCE: Self = Self(16);

    /// The flags that a token has room for, and that the share's secret depends on.
    const OF_TOKENS: u8 = 7;
    const ALL: u8 = 31;

    /// Reads the byte of a certificate; `None` if it has a bit without meaning in version 1.
    #[must_use]
    pub const fn parse(bits: u8) -> Option<Self> {
        if bits & !Self::ALL == 0 { Some(Self(bits)) } else { None }
    }

    /// Reads the four bits of a token; `None` if one has no meaning there in version 1.
    #[must_use]
    pub const fn parse_token(bits: u8) -> Option<Self> {
        if bits & !Self::OF_TOKENS == 0 { Some(Self(bits)) } else { None }
    }

    /// Returns those that stand in the share's token, too.
    #[must_use]
    pub const fn for_token(self) -> Self {
        Self(self.0 & Self::OF_TOKENS)
    }

    /// Returns the bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Says whether all of `other` is in here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Returns what is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bit without meaning today could mean something tomorrow: nobody may hold it in advance.
    #[test]
    fn unknown_bits_are_refused() {
        assert_eq!((0..=255).filter_map(Rights::parse).count(), 128);
        assert_eq!((0..=255).filter_map(ShareFlags::parse).count(), 32);
        assert_eq!((0..=255).filter_map(ShareFlags::parse_token).count(), 8);
        let all = ShareFlags::parse(31).expect("five bits");
        assert_eq!(Some(all.for_token()), ShareFlags::parse_token(7));
    }

    /// People see these words next to names.
    #[test]
    fn rights_read_as_words() {
        assert_eq!(Rights::INTERACT.to_string(), "interact");
        assert_eq!(Rights::VIEW.union(Rights::DELEGATE).to_string(), "view, pass on");
        assert_eq!(Rights::READ.union(Rights::INPUT).to_string(), "read, input");
        assert_eq!(Rights::default().to_string(), "nothing");
        assert!(Rights::OWN.contains(Rights::INTERACT) && !Rights::VIEW.may_type());
    }
}
