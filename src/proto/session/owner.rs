//! The owner's powers: the root key, the shares it issued, and the records it signs. PROTOCOL.md 4-6.

use super::hosting::Hosting;
use super::{Ending, Peer};
use crate::proto::authlog::{AuthLog, LogError, Record};
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{Epoch, ShareId};
use crate::proto::key::{SessionRoot, ShareSecret};
use crate::proto::limits::SHARES_MAX;
use crate::proto::member::{Chain, MemberCert};
use crate::proto::share::{Rights, ShareCert, ShareFlags};
use crate::proto::time::{Now, Wall};
use crate::proto::token::{Access, Token};
use crate::proto::verify::{derive, derive16};
use crate::proto::wire::Frame;
use bytes::Bytes;

/// How long the owner's own certificate lasts, in milliseconds: a year, longer than any process.
const OWN_SHARE_MS: u64 = 365 * 24 * 3_600_000;
/// How far before its issue a certificate is valid, in milliseconds: clocks of members may be behind.
const BACKDATE_MS: u64 = 3_600_000;

/// What a share allows, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShareTerms {
    /// View, interact or own.
    pub access: Access,
    /// How long it can be joined and used, in milliseconds from now.
    pub lasts_ms: u64,
    /// How many members may be connected by it at one time; `None` leaves it to the session's limit.
    pub members_max: Option<u32>,
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
}

/// What only the owner has.
pub(super) struct Owner {
    root: SessionRoot,
    shares: Vec<ShareSecret>,
    epoch_secret: EpochSecret,
}

impl Owner {
    /// Returns what a relay lacks that holds `log_next` records: the rest of the log, and all wraps.
    pub(super) fn uploads(&self, log: &AuthLog, log_next: u64) -> Vec<Frame> {
        let skip = usize::try_from(log_next).unwrap_or(usize::MAX);
        let records = log.records().iter().skip(skip).cloned().map(Frame::Log);
        records.chain(self.shares.iter().map(|share| Frame::Wrap(self.wrap(share)))).collect()
    }

    fn wrap(&self, share: &ShareSecret) -> Bytes {
        self.epoch_secret.wrap(Epoch(0), share.kek(), share.share_id().as_bytes(), &share.session())
    }
}

impl Peer {
    /// Creates a session, and the peer of its owner, which is also its host.
    ///
    /// `root_seed` is the session's identity; `seed` must be random and used once.
    ///
    /// # Errors
    ///
    /// [`OwnerError::Log`] if the first records cannot be written, which would be a bug.
    pub fn host(root_seed: [u8; 32], seed: [u8; 32], now: Now) -> Result<Self, OwnerError> {
        let root = SessionRoot::from_seed(root_seed);
        let session = root.session_id();
        let secret = ShareSecret::new(&session, derive16("host own share", &[&seed]), ShareFlags::NONE, None);
        let epoch_secret = EpochSecret::from_bytes(derive("host epoch secret", &[&seed]));
        let mut peer = Self::new(session, secret.clone(), seed);
        peer.epochs.insert(Epoch(0), epoch_secret.clone());
        let commit = epoch_secret.commit();
        peer.owner = Some(Owner { root, shares: Vec::new(), epoch_secret });

        let genesis = Record::Genesis { root: peer.owner()?.root.public() };
        peer.write_record(&genesis, now)?;
        let terms = ShareTerms { access: Access::Own, lasts_ms: OWN_SHARE_MS, members_max: Some(1) };
        let share = peer.issue(&secret, terms, now)?;
        peer.write_record(&Record::Epoch { epoch: Epoch(0), commit }, now)?;
        let member = MemberCert::issue(&secret, &peer.keys, Rights::OWN, share.not_before, share.expires);
        peer.write_record(&Record::Host(member.clone()), now)?;
        let chain = Chain { member, shares: vec![share] };
        #[expect(clippy::expect_used, reason = "this function just signed every part of it")]
        let me = chain.verify(&session).expect("the owner's own chain holds");
        peer.become_member(me);
        peer.hosting = Some(Hosting::default());
        Ok(peer)
    }

    fn owner(&self) -> Result<&Owner, OwnerError> {
        self.owner.as_ref().ok_or(OwnerError::NotOwner)
    }

    /// Issues a share and returns its token, which is the only copy of its secret that leaves this peer.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner or the session has too many shares.
    pub fn share(&mut self, terms: ShareTerms, now: Now) -> Result<Token, OwnerError> {
        if self.owner()?.shares.len() >= SHARES_MAX {
            return Err(OwnerError::TooManyShares);
        }
        let seed = derive16("share seed", &[&self.draw()]);
        let token = Token::new(terms.access, &self.session, seed, ShareFlags::NONE);
        self.issue(&ShareSecret::new(&self.session, seed, ShareFlags::NONE, None), terms, now)?;
        Ok(token)
    }

    fn issue(&mut self, secret: &ShareSecret, terms: ShareTerms, now: Now) -> Result<ShareCert, OwnerError> {
        let cert = ShareCert::issue_root(
            &self.owner()?.root,
            secret,
            crate::proto::share::ShareTerms {
                rights: terms.access.rights(),
                depth_left: 0,
                not_before: Wall(now.wall.0.saturating_sub(BACKDATE_MS)),
                expires: now.wall.after_ms(terms.lasts_ms),
                max_members: terms.members_max.unwrap_or(0),
                flags: ShareFlags::NONE,
            },
        );
        self.write_record(&Record::Share(cert.clone()), now)?;
        let Some(owner) = &mut self.owner else { return Err(OwnerError::NotOwner) };
        owner.shares.push(secret.clone());
        let wrap = Frame::Wrap(owner.wrap(secret));
        self.links.values_mut().filter(|link| link.is_ready()).for_each(|link| link.send(&wrap));
        Ok(cert)
    }

    /// Closes a share: its members are cut off, and nobody joins by it any more.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner, or there is no such share.
    pub fn close_share(&mut self, share: ShareId, now: Now) -> Result<(), OwnerError> {
        self.owner()?;
        if self.log.share(&share).is_none() {
            return Err(OwnerError::NoShare(share));
        }
        self.write_record(&Record::Close { share, stay: Vec::new() }, now)?;
        self.see_off_revoked();
        Ok(())
    }

    /// Ends the session for everybody.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner, or the session is over already.
    pub fn end_session(&mut self, now: Now) -> Result<(), OwnerError> {
        self.owner()?;
        self.flush_all_panes(now);
        self.flush_acks();
        // The last screen and the exit status first: whoever reads the record stops listening.
        self.settle_up();
        self.write_record(&Record::End, now)?;
        self.end(Ending::ByOwner);
        Ok(())
    }

    /// Signs a record, keeps it, and sends it to every link.
    fn write_record(&mut self, record: &Record, now: Now) -> Result<(), OwnerError> {
        let owner = self.owner.as_ref().ok_or(OwnerError::NotOwner)?;
        let raw = self.log.write(&owner.root, record, now.wall)?;
        let frame = Frame::Log(raw);
        self.links.values_mut().filter(|link| link.is_ready()).for_each(|link| link.send(&frame));
        self.presence.make_due();
        Ok(())
    }
}
