//! From a member certificate up to the owner's key. PROTOCOL.md 4.

use super::{MEMBER_CERT_BYTES, MemberCert};
use crate::proto::id::{AuthorId, SessionId, ShareId};
use crate::proto::limits::CLOCK_SKEW_MS_MAX;
use crate::proto::share::{Rights, SHARE_CERT_BYTES, ShareCert, ShareFlags};
use crate::proto::time::Wall;
use crate::proto::verify::{PublicKey, VerifyKey};
use crate::proto::wire::{DecodeError, Reader};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// Most share certificates in one chain: one under the root and three below it.
pub const CHAIN_SHARES_MAX: usize = 4;

/// Says which certificate of a chain an error is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certificate {
    /// The member's own.
    Member,
    /// That of a share.
    Share(ShareId),
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member => f.write_str("member certificate"),
            Self::Share(share) => write!(f, "certificate of share {share}"),
        }
    }
}

/// Why a member is not let in. The member has to act, except where it says the owner.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No share, or too many.
    #[error("chain of {shares} share certificates, expected 1 to {CHAIN_SHARES_MAX}")]
    Length {
        /// How many there are.
        shares: usize,
    },
    /// A certificate of some other session.
    #[error("{of} is for another session")]
    Session {
        /// Which one.
        of: Certificate,
    },
    /// Its issuer did not sign these bytes.
    #[error("{of} has a wrong signature")]
    Signature {
        /// Which one.
        of: Certificate,
    },
    /// The member's signing key is not a key.
    #[error("member certificate has an unusable signing key")]
    Key,
    /// The chain does not end at this session's owner.
    #[error("chain does not lead to the owner of the session")]
    Root,
    /// It does not name the next certificate as its parent and issuer.
    #[error("{of} does not belong under the certificate that follows it")]
    Parent {
        /// Which one.
        of: Certificate,
    },
    /// It gives rights that its parent does not have.
    #[error("{of} has wider rights than its parent")]
    Rights {
        /// Which one.
        of: Certificate,
    },
    /// It holds longer or earlier than its parent.
    #[error("{of} holds outside the time of its parent")]
    Window {
        /// Which one.
        of: Certificate,
    },
    /// The share may not be passed on, or not this often.
    #[error("{of} is passed on further than its parent allows")]
    Depth {
        /// Which one.
        of: Certificate,
    },
    /// Whoever finds a public share may come: it cannot give rights that do harm.
    #[error("{of} is public and gives more than reading, presence and chat")]
    Public {
        /// Which one.
        of: Certificate,
    },
    /// The time has not come, by more than clocks may differ.
    #[error("not valid for another {early_ms} ms")]
    Early {
        /// Milliseconds until it has.
        early_ms: u64,
    },
    /// The time is over.
    #[error("expired {ago_ms} ms ago")]
    Expired {
        /// Milliseconds since.
        ago_ms: u64,
    },
    /// The owner never recorded this certificate.
    #[error("share {share} is not in the auth log")]
    NotInLog {
        /// The share.
        share: ShareId,
    },
    /// Its members are let in one by one, and this one was not yet; the owner has to act.
    #[error("the owner has not let this member of share {share} in")]
    NotLetIn {
        /// The share.
        share: ShareId,
    },
    /// The owner closed the share.
    #[error("share {share} was closed by the owner")]
    Closed {
        /// The share.
        share: ShareId,
    },
}

/// A member certificate and the shares above it; what it claims is not checked yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chain {
    /// The member.
    pub member: MemberCert,
    /// The shares, the member's own first.
    pub shares: Vec<ShareCert>,
}

impl Chain {
    /// Parses the body of a MEMBER frame: `MemberCert ‖ n u8 ‖ n × ShareCert`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for malformed certificates, or if n is not 1 to [`CHAIN_SHARES_MAX`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let member = MemberCert::decode(reader.bytes(MEMBER_CERT_BYTES)?)?;
        let count = reader.u8()?;
        if !(1..=CHAIN_SHARES_MAX).contains(&usize::from(count)) {
            return Err(DecodeError::Value { what: "number of share certificates", found: u64::from(count) });
        }
        let shares =
            (0..count).map(|_| ShareCert::decode(reader.bytes(SHARE_CERT_BYTES)?)).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { member, shares })
    }

    /// Returns the body of a MEMBER frame.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(MEMBER_CERT_BYTES + 1 + self.shares.len() * SHARE_CERT_BYTES);
        out.extend_from_slice(self.member.as_bytes());
        out.push(self.shares.len() as u8);
        for share in &self.shares {
            out.extend_from_slice(share.as_bytes());
        }
        out.into()
    }

    /// Checks that the chain holds in `session`; time and the auth log are not asked.
    ///
    /// # Errors
    ///
    /// [`ChainError`] names the first rule of PROTOCOL.md 4 that is broken.
    pub fn verify(&self, session: &SessionId) -> Result<VerifiedMember, ChainError> {
        // Cheap rules first: a hostile chain costs no signature check until all else is in order.
        if self.member.session != *session {
            return Err(ChainError::Session { of: Certificate::Member });
        }
        let leaf = self.shares.first().ok_or(ChainError::Length { shares: 0 })?;
        if self.member.share != leaf.share {
            return Err(ChainError::Parent { of: Certificate::Member });
        }
        Scope::of_member(&self.member).check_inside(&Scope::of_share(leaf))?;
        let root = check_shares(&self.shares, session)?;
        check_share_signatures(&self.shares)?;
        if !self.member.is_signed(&leaf.public) {
            return Err(ChainError::Signature { of: Certificate::Member });
        }
        let verify_key = VerifyKey::try_from(self.member.sign_public).map_err(|_| ChainError::Key)?;
        Ok(VerifiedMember { author: self.member.author(), root, verify_key, chain: Arc::new(self.clone()) })
    }
}

/// A share, passed on or not, whose certificates hold up to the owner's key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedShare {
    root: PublicKey,
    certs: Vec<ShareCert>,
}

impl VerifiedShare {
    /// Checks that the certificates, the share's own first, hold in `session`; time and the auth log are not asked.
    ///
    /// # Errors
    ///
    /// [`ChainError`] names the first rule of PROTOCOL.md 4 that is broken.
    pub fn verify(certs: &[ShareCert], session: &SessionId) -> Result<Self, ChainError> {
        let root = check_shares(certs, session)?;
        check_share_signatures(certs)?;
        Ok(Self { root, certs: certs.to_vec() })
    }

    /// Returns the certificates, the share's own first.
    #[must_use]
    pub fn certs(&self) -> &[ShareCert] {
        &self.certs
    }

    /// Returns the share that this one was passed on below, or `None` for one of the owner's.
    #[must_use]
    pub fn parent(&self) -> Option<&ShareCert> {
        self.certs.get(1)
    }

    /// Returns the owner's key, at which the chain ends.
    #[must_use]
    pub const fn root(&self) -> PublicKey {
        self.root
    }
}

/// Checks all but signatures, from the leaf up; returns the owner's key.
fn check_shares(shares: &[ShareCert], session: &SessionId) -> Result<PublicKey, ChainError> {
    let (Some(top), 1..=CHAIN_SHARES_MAX) = (shares.last(), shares.len()) else {
        return Err(ChainError::Length { shares: shares.len() });
    };
    for share in shares {
        let of = Certificate::Share(share.share);
        if share.session != *session {
            return Err(ChainError::Session { of });
        }
        if share.flags.contains(ShareFlags::PUBLIC) && !Rights::VIEW.contains(share.rights) {
            return Err(ChainError::Public { of });
        }
    }
    for (child, parent) in shares.iter().zip(shares.iter().skip(1)) {
        let of = Certificate::Share(child.share);
        if child.parent != parent.hash() || child.issuer != parent.public {
            return Err(ChainError::Parent { of });
        }
        Scope::of_share(child).check_inside(&Scope::of_share(parent))?;
        if !parent.rights.may_delegate() || child.depth_left >= parent.depth_left {
            return Err(ChainError::Depth { of });
        }
    }
    if top.parent != [0; 32] || top.issuer.session_id() != *session {
        return Err(ChainError::Root);
    }
    Ok(top.issuer)
}

fn check_share_signatures(shares: &[ShareCert]) -> Result<(), ChainError> {
    let forged = shares.iter().rev().find(|share| !share.is_signed());
    forged.map_or(Ok(()), |share| Err(ChainError::Signature { of: Certificate::Share(share.share) }))
}

/// What a certificate must not have more of than its parent.
struct Scope {
    of: Certificate,
    rights: Rights,
    not_before: Wall,
    expires: Wall,
}

impl Scope {
    const fn of_member(cert: &MemberCert) -> Self {
        Self { of: Certificate::Member, rights: cert.rights, not_before: cert.not_before, expires: cert.expires }
    }

    const fn of_share(cert: &ShareCert) -> Self {
        let of = Certificate::Share(cert.share);
        Self { of, rights: cert.rights, not_before: cert.not_before, expires: cert.expires }
    }

    fn check_inside(&self, parent: &Self) -> Result<(), ChainError> {
        if !parent.rights.contains(self.rights) {
            return Err(ChainError::Rights { of: self.of });
        }
        if self.not_before < parent.not_before || self.expires > parent.expires {
            return Err(ChainError::Window { of: self.of });
        }
        Ok(())
    }
}

/// A member whose chain holds. Cloning shares the chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedMember {
    author: AuthorId,
    root: PublicKey,
    verify_key: VerifyKey,
    chain: Arc<Chain>,
}

impl VerifiedMember {
    /// Returns the member's name.
    #[must_use]
    pub const fn author(&self) -> AuthorId {
        self.author
    }

    /// Returns what the member may do.
    #[must_use]
    pub fn rights(&self) -> Rights {
        self.chain.member.rights
    }

    /// Returns the share that it came through.
    #[must_use]
    pub fn share(&self) -> ShareId {
        self.chain.member.share
    }

    /// Returns the key that its entries are signed with.
    #[must_use]
    pub const fn verify_key(&self) -> &VerifyKey {
        &self.verify_key
    }

    /// Returns the key to seal to for this member alone.
    #[must_use]
    pub fn kem_public(&self) -> &[u8; 32] {
        &self.chain.member.kem_public
    }

    /// Returns from when on it is let in.
    #[must_use]
    pub fn not_before(&self) -> Wall {
        self.chain.member.not_before
    }

    /// Returns until when it is let in.
    #[must_use]
    pub fn expires(&self) -> Wall {
        self.chain.member.expires
    }

    /// Returns the certificates.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Returns the owner's key, at which the chain ends.
    #[must_use]
    pub const fn root(&self) -> PublicKey {
        self.root
    }

    /// Checks that a live connection may go on at `now`, with [`CLOCK_SKEW_MS_MAX`] for clocks that differ.
    ///
    /// Durable entries are never judged by time: two members would disagree.
    ///
    /// # Errors
    ///
    /// [`ChainError::Early`] or [`ChainError::Expired`].
    pub fn live_at(&self, now: Wall) -> Result<(), ChainError> {
        if now.after_ms(CLOCK_SKEW_MS_MAX) < self.not_before() {
            return Err(ChainError::Early { early_ms: self.not_before().since_ms(now) });
        }
        if now > self.expires().after_ms(CLOCK_SKEW_MS_MAX) {
            return Err(ChainError::Expired { ago_ms: now.since_ms(self.expires()) });
        }
        Ok(())
    }

    /// Checks that the member may join anew at `now`: as [`live_at`](Self::live_at), but strictly before the expiry.
    ///
    /// # Errors
    ///
    /// [`ChainError::Early`] or [`ChainError::Expired`].
    pub fn may_join_at(&self, now: Wall) -> Result<(), ChainError> {
        if now >= self.expires() {
            return Err(ChainError::Expired { ago_ms: now.since_ms(self.expires()) });
        }
        self.live_at(now)
    }
}
