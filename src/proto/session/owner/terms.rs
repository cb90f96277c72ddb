//! What a share is to be, what it has become, and why the owner could not do something.

use crate::proto::authlog::LogError;
use crate::proto::id::{AuthorId, ShareId};
use crate::proto::limits::SHARES_MAX;
use crate::proto::share::{Rights, ShareFlags};
use crate::proto::time::Wall;
use crate::proto::token::Access;

/// How far before its issue a certificate is valid, in milliseconds: clocks of members may be behind.
const BACKDATE_MS: u64 = 3_600_000;
/// How long a share lasts unless said otherwise, in milliseconds.
const LASTS_MS: u64 = 24 * 3_600_000;

/// What a share allows, to whom, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShareTerms {
    /// View, interact or own.
    pub access: Access,
    /// How long it can be joined and used, in milliseconds from now.
    pub lasts_ms: u64,
    /// How many members may be connected by it at one time; `None` leaves it to the session's limit.
    pub members_max: Option<u32>,
    /// Whether the owner lets members in one by one.
    pub approve: bool,
    /// Whether it is for the first member that comes, and nobody after it.
    pub once: bool,
    /// Whether its holders may pass on narrower shares below it.
    pub may_pass_on: bool,
}

impl ShareTerms {
    /// Returns the usual terms: 24 hours, any number of people, who may come as they like.
    #[must_use]
    pub const fn new(access: Access) -> Self {
        Self { access, lasts_ms: LASTS_MS, members_max: None, approve: false, once: false, may_pass_on: false }
    }

    /// Returns the flags of the share's certificate.
    pub(in super::super) fn flags(&self, has_passphrase: bool) -> ShareFlags {
        let wanted = [
            (has_passphrase, ShareFlags::PASSPHRASE),
            (self.approve, ShareFlags::APPROVE),
            (self.once, ShareFlags::ONCE),
        ];
        let set = wanted.into_iter().filter(|(is_wanted, _)| *is_wanted);
        set.fold(ShareFlags::NONE, |flags, (_, flag)| flags.union(flag))
    }

    /// Returns what the certificate says.
    pub(in super::super) fn certified(&self, flags: ShareFlags, now: Wall) -> crate::proto::share::ShareTerms {
        let delegate = if self.may_pass_on { Rights::DELEGATE } else { Rights::NONE };
        crate::proto::share::ShareTerms {
            rights: self.access.rights().union(delegate),
            depth_left: u8::from(self.may_pass_on),
            not_before: Wall(now.0.saturating_sub(BACKDATE_MS)),
            expires: now.after_ms(self.lasts_ms),
            max_members: if self.once { 1 } else { self.members_max.unwrap_or(0) },
            flags,
        }
    }
}

impl Default for ShareTerms {
    fn default() -> Self {
        Self::new(Access::View)
    }
}

/// A share as it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShareInfo {
    /// The share.
    pub share: ShareId,
    /// The most that its members may do.
    pub rights: Rights,
    /// Until when.
    pub expires: Wall,
    /// How many members may be connected by it at one time; `None` for no bound of its own.
    pub members_max: Option<u32>,
    /// What kind of share.
    pub flags: ShareFlags,
    /// Whether nobody comes by it any more; some who came before may still be here.
    pub is_closed: bool,
    /// The share above it, if a member passed it on.
    pub passed_on_below: Option<ShareId>,
    /// How many members are here by it.
    pub here: usize,
    /// Whether it is the owner's own, by which nobody else comes.
    pub is_own: bool,
    /// The member by whose command the host made it, as far as the host knows; nobody else does.
    pub made_by: Option<AuthorId>,
}

/// Why the owner could not do it; the caller has to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// Only the owner can.
    #[error("only the owner of the session can do this")]
    NotOwner,
    /// There are too many shares; the host's own is one of them.
    #[error("{} links are the most a session can have", SHARES_MAX - 1)]
    TooManyShares,
    /// The record cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There is no such share.
    #[error("no link {0} was issued for this session")]
    NoShare(ShareId),
    /// There is no such member.
    #[error("no member {0} is known in this session")]
    NoMember(AuthorId),
    /// Nobody of this name waits to be let in.
    #[error("{0} does not wait to be let in")]
    NotWaiting(AuthorId),
    /// The owner cannot cut itself off.
    #[error("this is the owner's own; end the session instead")]
    Own,
    /// What a document shows is too large to begin anew with.
    #[error("the document is too large to begin anew")]
    Document,
    /// The session is over.
    #[error("the session is over")]
    Ended,
}

impl OwnerError {
    /// Returns what the person can do about it; nothing where the message says it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooManyShares => "links that were revoked count, too: share anew for more",
            Self::NoShare(_) => "list the links to see which there are",
            Self::NoMember(_) | Self::NotWaiting(_) => "list the members to see who is here",
            Self::Log(LogError::Full) => "the session's record has no room left: end the session and share anew",
            Self::NotOwner | Self::Log(_) | Self::Own | Self::Document | Self::Ended => "",
        }
    }
}
