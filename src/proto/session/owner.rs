//! The owner's powers: the root key, the shares it issued, and the records it signs. PROTOCOL.md 4-6.
//!
//! verbs --> records, wraps and checkpoints --> every link
//!
//! Always: what the owner decides holds here before the verb returns, and nothing of a new epoch is sent before the
//! records and wraps that it needs.

mod door;
mod rekey;
mod terms;
mod vouch;
mod wraps;

pub use terms::{OwnerError, ShareInfo, ShareTerms};
pub(super) use wraps::wants_approval;

use super::commands::Watchers;
use super::host_only::HostOnly;
use super::hosting::Hosting;
use super::{Ending, Peer};
use crate::proto::authlog::Record;
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{AuthorId, Epoch, ShareId};
use crate::proto::key::{PassphraseHash, Secret32, SessionRoot, ShareSecret};
use crate::proto::limits::SHARES_MAX;
use crate::proto::member::{Chain, MemberCert, VerifiedMember};
use crate::proto::share::{Rights, ShareCert, ShareFlags};
use crate::proto::sorted::SortedMap;
use crate::proto::time::{Mono, Now};
use crate::proto::token::Token;
use crate::proto::verify::derive16;
use crate::proto::wire::Frame;
use door::Door;
use rekey::Pace;
use vouch::Vouching;
use wraps::Below;

/// How long the owner's own certificate lasts, in milliseconds: a year, longer than any process.
const OWN_SHARE_MS: u64 = 365 * 24 * 3_600_000;

/// What only the owner has.
pub(super) struct Owner {
    root: SessionRoot,
    /// The shares it issued, its own first.
    shares: Vec<ShareSecret>,
    /// The shares that members passed on.
    below: SortedMap<ShareId, Below>,
    /// The newest epoch that was wrapped for a member alone.
    wrapped: SortedMap<AuthorId, Epoch>,
    door: Door,
    pace: Pace,
    vouching: Vouching,
    pub(super) watchers: Watchers,
}

impl Peer {
    /// Creates a session, and the peer of its owner, which is also its host.
    ///
    /// `root_seed` is the session's identity; `seed` must be random and used once.
    ///
    /// # Errors
    ///
    /// [`OwnerError::Log`] if the first records cannot be written, which would be a bug; [`OwnerError::NotOwner`] in a
    /// build with `--cfg cahoots_guest_only`, which the browser's viewer is.
    pub fn host(root_seed: [u8; 32], seed: [u8; 32], now: Now) -> Result<Self, OwnerError> {
        let root = SessionRoot::from_seed(root_seed);
        let session = root.session_id();
        let secret = ShareSecret::new(&session, derive16("host own share", &[&seed]), ShareFlags::NONE, None);
        let epoch_secret = EpochSecret::new(Secret32::derive("host epoch secret", &[&seed]));
        let commit = epoch_secret.commit();
        let mut peer = Self::new(session, secret.clone(), seed);
        peer.epochs.insert(Epoch(0), epoch_secret);
        peer.owner = HostOnly::new(Owner {
            root,
            shares: Vec::new(),
            below: SortedMap::new(),
            wrapped: SortedMap::new(),
            door: Door::default(),
            pace: Pace::new(now.mono),
            vouching: Vouching::default(),
            watchers: Watchers::default(),
        });

        let genesis = Record::Genesis { root: peer.owner()?.root.public() };
        peer.write_record(&genesis, now)?;
        peer.write_record(&Record::Epoch { epoch: Epoch(0), commit }, now)?;
        let terms = ShareTerms {
            lasts_ms: OWN_SHARE_MS,
            members_max: Some(1),
            ..ShareTerms::new(crate::proto::token::Access::Own)
        };
        let share = peer.issue(&secret, &terms, ShareFlags::NONE, now)?;
        let member = MemberCert::issue(&secret, &peer.keys, Rights::OWN, share.not_before, share.expires);
        peer.write_record(&Record::Host(member.clone()), now)?;
        let chain = Chain { member, shares: vec![share] };
        #[expect(clippy::expect_used, reason = "this function just signed every part of it")]
        let me = chain.verify(&session).expect("the owner's own chain holds");
        peer.become_member(me);
        peer.hosting = HostOnly::new(Hosting::default());
        peer.enter_epoch(now);
        Ok(peer)
    }

    fn owner(&self) -> Result<&Owner, OwnerError> {
        self.owner.as_ref().ok_or(OwnerError::NotOwner)
    }

    fn owner_mut(&mut self) -> Result<&mut Owner, OwnerError> {
        self.owner.as_mut().ok_or(OwnerError::NotOwner)
    }

    /// Issues a share and returns its token, which is the only copy of its secret that leaves this peer.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner or the session has too many shares.
    pub fn share(&mut self, terms: &ShareTerms, now: Now) -> Result<Token, OwnerError> {
        let seed = self.draw_share_seed();
        self.share_with(terms, seed, None, now)
    }

    /// Draws the seed of a share to be, for which a passphrase can then be hashed: see [`share_with`](Self::share_with).
    pub fn draw_share_seed(&mut self) -> [u8; 16] {
        derive16("share seed", &[self.draw().expose()])
    }

    /// Issues a share of this seed, which was [drawn](Self::draw_share_seed) for it, and joined by its token and this
    /// passphrase only.
    ///
    /// # Errors
    ///
    /// As [`share`](Self::share).
    pub fn share_with(
        &mut self,
        terms: &ShareTerms,
        seed: [u8; 16],
        passphrase: Option<&PassphraseHash>,
        now: Now,
    ) -> Result<Token, OwnerError> {
        if self.owner()?.shares.len() >= SHARES_MAX {
            return Err(OwnerError::TooManyShares);
        }
        let flags = terms.flags(passphrase.is_some());
        let secret = ShareSecret::new(&self.session, seed, flags, passphrase);
        self.issue(&secret, terms, flags, now)?;
        Ok(Token::new(terms.access, &self.session, seed, flags))
    }

    fn issue(
        &mut self,
        secret: &ShareSecret,
        terms: &ShareTerms,
        flags: ShareFlags,
        now: Now,
    ) -> Result<ShareCert, OwnerError> {
        let cert = ShareCert::issue_root(&self.owner()?.root, secret, terms.certified(flags, now.wall));
        self.write_record(&Record::Share(cert.clone()), now)?;
        self.owner_mut()?.shares.push(secret.clone());
        if let Some(wrap) = self.wrap_for_share(secret) {
            self.tell_ready(&wrap);
        }
        Ok(cert)
    }

    /// Returns the shares of the session that are known here, the owner's own first.
    #[must_use]
    pub fn shares(&self) -> Vec<ShareInfo> {
        let below = self.owner.iter().flat_map(|owner| owner.below.values()).map(Below::cert);
        let parent_of = |cert: &ShareCert| {
            let owner = self.owner.as_ref()?;
            owner.below.get(&cert.share).and_then(|below| below.share.parent()).map(|parent| parent.share)
        };
        let is_own = |cert: &ShareCert| self.log.host_member().is_some_and(|host| host.share() == cert.share);
        let info = |cert: &ShareCert| ShareInfo {
            share: cert.share,
            rights: cert.rights,
            expires: cert.expires,
            members_max: (cert.max_members > 0).then_some(cert.max_members),
            flags: cert.flags,
            is_closed: self.log.is_closed(&cert.share),
            passed_on_below: parent_of(cert),
            here: self.roster.here().filter(|(member, _)| member.share() == cert.share).count(),
            is_own: is_own(cert),
        };
        self.log.shares().chain(below).map(info).collect()
    }

    /// Returns the share that a known member came by.
    #[must_use]
    pub fn share_of(&self, author: &AuthorId) -> Option<ShareId> {
        self.roster.member(author).map(VerifiedMember::share)
    }

    /// Ends the session for everybody. An acceptor that has heard of it closes the link with
    /// [`CloseCode::Ended`](crate::proto::wire::CloseCode::Ended).
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

    /// Tells whether this peer is the owner and has ended the session. A link that comes up after that still takes the
    /// record to an acceptor that could not be reached before.
    pub(super) fn has_ended_session(&self) -> bool {
        self.owner.is_some() && self.ended == Some(Ending::ByOwner)
    }

    /// Signs a record, keeps it, and sends it to every link.
    fn write_record(&mut self, record: &Record, now: Now) -> Result<(), OwnerError> {
        let owner = self.owner.as_ref().ok_or(OwnerError::NotOwner)?;
        let raw = self.log.write(&owner.root, record, now.wall)?;
        self.tell_ready(&Frame::Log(raw));
        self.presence.make_due();
        Ok(())
    }

    /// Does what is due for the owner without being asked.
    pub(super) fn tend_session(&mut self, now: Now) {
        if self.owner.is_some() && self.ended.is_none() {
            self.close_expired(now);
            self.rekey_if_due(now);
            self.vouch_if_due(now);
        }
    }

    /// Counts what was said since the epoch began.
    pub(super) fn count_said(&mut self, lane: &crate::proto::id::LaneId, bytes: usize) {
        let is_document = crate::proto::id::Channel::DURABLE.contains(&lane.channel);
        if let Some(owner) = self.owner.as_mut().filter(|_| is_document) {
            owner.pace.count(bytes);
        }
    }

    pub(super) fn poll_session(&self) -> Option<Mono> {
        let owner = self.owner.as_ref().filter(|_| self.ended.is_none())?;
        [owner.pace.poll_timeout(), owner.vouching.poll_timeout()].into_iter().flatten().min()
    }
}
