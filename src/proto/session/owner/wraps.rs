//! Who gets the key of an epoch: shares by their own KEK, and members alone where their share does not speak for them.
//!
//! Always: nobody whom the log does not admit gets one. PROTOCOL.md 6, 10.1.

use super::super::hosting::Hosting;
use super::super::link::LinkId;
use super::{Owner, Peer};
use crate::proto::epoch::{EpochSecret, open_wrap, wrap_epoch};
use crate::proto::id::AuthorId;
use crate::proto::key::{Secret32, ShareSecret};
use crate::proto::limits::{CLOCK_SKEW_MS_MAX, MEMBERS_MAX, PASSED_ON_MAX};
use crate::proto::member::{VerifiedMember, VerifiedShare};
use crate::proto::seal::open_share_kek;
use crate::proto::share::{ShareCert, ShareFlags};
use crate::proto::sorted::SortedMap;
use crate::proto::time::Wall;
use crate::proto::wire::{Frame, PassedOn};

/// A share that a member passed on.
pub(in super::super) struct Below {
    pub(super) share: VerifiedShare,
    kek: Secret32,
    frame: PassedOn,
}

impl Below {
    /// Returns the share's own certificate.
    #[expect(clippy::expect_used, reason = "a share that was verified has at least one certificate")]
    pub(super) fn cert(&self) -> &ShareCert {
        self.share.certs().first().expect("a verified share has a certificate")
    }

    /// Tells whether its time is over, by whatever clock.
    fn is_over(&self, now: Wall) -> bool {
        now > self.cert().expires.after_ms(CLOCK_SKEW_MS_MAX)
    }
}

/// Tells whether members by these shares are let in one by one.
pub(in super::super) fn wants_approval(certs: &[ShareCert]) -> bool {
    certs.iter().any(|cert| cert.flags.contains(ShareFlags::APPROVE))
}

impl Peer {
    /// Returns what an acceptor may lack of the owner's: passed-on shares, then wraps of the newest epoch.
    pub(in super::super) fn uploads(&self) -> Vec<Frame> {
        let Some(owner) = self.owner.as_ref() else { return Vec::new() };
        let below = owner.below.values().filter(|below| self.log.admits_share(&below.share).is_ok());
        let shares: Vec<_> = below.map(|below| Frame::Share(below.frame.clone())).collect();
        shares.into_iter().chain(self.wraps(owner)).collect()
    }

    /// Makes the wraps of the newest epoch for everybody who stays.
    pub(super) fn wrap_for_all(&mut self) -> Vec<Frame> {
        let Some(epoch) = self.log.epoch() else { return Vec::new() };
        let known = self.hosting.iter().flat_map(Hosting::direct_members);
        let needy = known.filter(|author| self.wrap_for_member(author).is_some()).map(|author| (*author, epoch));
        // Whoever finds no room gets its own with the next word on its direct channel.
        let wrapped: SortedMap<_, _> = needy.take(MEMBERS_MAX).collect();
        if let Some(owner) = self.owner.as_mut() {
            owner.wrapped = wrapped;
        }
        self.owner.as_ref().map(|owner| self.wraps(owner)).unwrap_or_default()
    }

    fn wraps(&self, owner: &Owner) -> Vec<Frame> {
        let shares = owner.shares.iter().filter_map(|secret| self.wrap_for_share(secret));
        let below = owner.below.values().filter_map(|below| self.wrap_for_below(below));
        let members = owner.wrapped.keys().filter_map(|author| self.wrap_for_member(author));
        shares.chain(below).chain(members).collect()
    }

    /// Makes the wrap for one of the owner's shares, if its holders are to have one.
    pub(super) fn wrap_for_share(&self, secret: &ShareSecret) -> Option<Frame> {
        let cert = self.log.share(&secret.share_id())?;
        let is_open = !self.log.is_closed(&cert.share) && !wants_approval(std::slice::from_ref(cert));
        self.wrap(secret.kek(), cert.share.as_bytes()).filter(|_| is_open)
    }

    fn wrap_for_below(&self, below: &Below) -> Option<Frame> {
        let is_open = self.log.admits_share(&below.share).is_ok() && !wants_approval(below.share.certs());
        self.wrap(&below.kek, below.cert().share.as_bytes()).filter(|_| is_open)
    }

    /// Makes the wrap for a member alone, if it needs one and its direct channel is open.
    fn wrap_for_member(&self, author: &AuthorId) -> Option<Frame> {
        let member = self.roster.member(author).filter(|member| self.needs_own_wrap(member))?;
        self.wrap(self.hosting.as_ref()?.kek_of(&member.author())?, author.as_bytes())
    }

    fn wrap(&self, kek: &Secret32, recipient: &[u8; 16]) -> Option<Frame> {
        let (epoch, secret) = self.newest_secret()?;
        Some(Frame::Wrap(secret.wrap(epoch, kek, recipient, &self.session)))
    }

    /// Tells whether a member that stays is not served by the wrap of its share.
    fn needs_own_wrap(&self, member: &VerifiedMember) -> bool {
        let shares = &member.chain().shares;
        let is_known = |share| {
            self.log.share(&share).is_some()
                || self.owner.as_ref().is_some_and(|owner| owner.below.contains_key(&share))
        };
        // Of a share that was passed on, and of which a relay or its maker did not tell, the key is not known here.
        let is_by_itself = wants_approval(shares)
            || shares.iter().any(|cert| self.log.is_closed(&cert.share))
            || !is_known(member.share());
        is_by_itself && self.log.admits(member).is_ok()
    }

    /// Sends the newest epoch's wrap to a member that needs one of its own and was not sent it.
    pub(super) fn wrap_if_needed(&mut self, member: &VerifiedMember) {
        let (author, epoch) = (member.author(), self.log.epoch());
        let has_it = self.owner.as_ref().is_none_or(|owner| owner.wrapped.get(&author).copied() == epoch);
        if has_it || !self.needs_own_wrap(member) {
            return;
        }
        let Some(wrap) = self.wrap_for_member(&author) else { return };
        if let (Some(owner), Some(epoch)) = (self.owner.as_mut(), epoch) {
            owner.wrapped.insert(author, epoch);
        }
        self.tell_ready(&wrap);
    }

    /// Takes a share that a member passed on, and lets its holders have every epoch from now on.
    pub(in super::super) fn take_passed_on(&mut self, link: LinkId, frame: PassedOn, now: Wall) {
        let Some(owner) = self.owner.as_mut() else { return };
        let Some(leaf) = frame.certs.first().map(|cert| cert.share) else { return };
        if owner.below.contains_key(&leaf) || self.log.share(&leaf).is_some() {
            return;
        }
        if owner.below.len() >= PASSED_ON_MAX {
            let log = &self.log;
            owner.below.retain(|_, below| log.admits_share(&below.share).is_ok() && !below.is_over(now));
        }
        if owner.below.len() >= PASSED_ON_MAX {
            return;
        }
        let Some(below) = self.check_passed_on(frame) else { return };
        let (frame, wrap) = (Frame::Share(below.frame.clone()), self.wrap_for_below(&below));
        let is_stale = wrap_epoch(&below.frame.wrap) != self.log.epoch();
        if let Some(owner) = self.owner.as_mut() {
            owner.below.insert(leaf, below);
        }
        let others = self.links.iter_mut().filter(|(id, state)| **id != link && state.is_ready());
        others.for_each(|(_, state)| state.send(&frame));
        if let Some(wrap) = wrap.filter(|_| is_stale) {
            self.tell_ready(&wrap);
        }
    }

    /// Checks that a share was passed on by who may, and that its key is the one that its holders have.
    fn check_passed_on(&self, frame: PassedOn) -> Option<Below> {
        let share = VerifiedShare::verify(&frame.certs, &self.session).ok()?;
        self.log.admits_share(&share).ok()?;
        let leaf = share.certs().first()?.share;
        let kek = open_share_kek(&self.keys, &self.session, &leaf, &frame.sealed_kek).ok()?;
        let commit = self.log.commit(wrap_epoch(&frame.wrap)?)?;
        let commit = if wants_approval(share.certs()) { EpochSecret::blank().commit() } else { commit };
        open_wrap(&frame.wrap, &kek, &self.session, &commit).ok()?;
        Some(Below { share, kek, frame })
    }
}
