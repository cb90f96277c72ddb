//! Who may be in, as plain sets: shares and what is below them, who stays of a closed one, who was let in.

use super::super::script::SharePlan;
use cahoots::proto::id::ShareId;
use cahoots::proto::key::ShareSecret;
use cahoots::proto::token::{Access, Token};
use std::collections::{BTreeMap, BTreeSet};

/// How long after its time a share is closed by its owner at the latest, in milliseconds: PROTOCOL.md 5, and one
/// heartbeat.
const CLOSED_AFTER_MS: u64 = 136_000;
/// How far clocks may differ for live admission, in milliseconds. PROTOCOL.md 4.
const SKEW_MS_MAX: u64 = 120_000;

/// What a share is for, and who may still be in by it.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) token: Token,
    pub(crate) access: Access,
    /// The share it was passed on below, and by whom.
    pub(crate) parent: Option<(usize, usize)>,
    pub(crate) approve: bool,
    pub(crate) once: bool,
    pub(crate) may_pass_on: bool,
    /// When its time is up, in milliseconds of the owner's wall clock.
    pub(crate) expires_ms: u64,
    /// Who stays, once it is closed.
    pub(crate) stay: Option<BTreeSet<usize>>,
}

impl Share {
    pub(crate) fn new(token: Token, plan: &SharePlan, parent: Option<(usize, usize)>, expires_ms: u64) -> Self {
        let SharePlan { access, approve, once, may_pass_on, .. } = *plan;
        Self { token, access, parent, approve, once, may_pass_on, expires_ms, stay: None }
    }

    pub(crate) fn secret(&self) -> ShareSecret {
        self.token.secret().unwrap()
    }

    pub(crate) fn id(&self) -> ShareId {
        self.secret().share_id()
    }
}

/// All shares of the session but the owner's own.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    pub(crate) all: Vec<Share>,
    /// By which each member came.
    pub(crate) of: BTreeMap<usize, usize>,
    pub(crate) let_in: BTreeSet<usize>,
    pub(crate) turned_away: BTreeSet<usize>,
}

impl Shares {
    /// Returns a share and those above it.
    fn chain(&self, share: usize) -> impl Iterator<Item = &Share> {
        let above = |index: &usize| self.all[*index].parent.map(|(parent, _)| parent);
        std::iter::successors(Some(share), above).map(|index| &self.all[index])
    }

    pub(crate) fn chain_of(&self, member: usize) -> impl Iterator<Item = &Share> {
        self.of.get(&member).into_iter().flat_map(|share| self.chain(*share))
    }

    /// Closes a share: who stays is who stays by all that was said of it.
    pub(crate) fn close(&mut self, share: usize, stay: impl IntoIterator<Item = usize>) {
        let stay: BTreeSet<usize> = stay.into_iter().collect();
        let share = &mut self.all[share];
        share.stay = Some(share.stay.as_ref().map_or(stay.clone(), |before| before & &stay));
    }

    /// Tells whether a member came by `share` or by one below it.
    pub(crate) fn is_by(&self, member: usize, share: usize) -> bool {
        let id = self.all[share].id();
        self.chain_of(member).any(|above| above.id() == id)
    }

    /// Tells whether the owner has put an end to a member's stay, or will when she comes to it.
    pub(crate) fn is_out(&self, member: usize, owner_ms: u64) -> bool {
        let is_cut = |share: &Share| share.stay.as_ref().is_some_and(|stay| !stay.contains(&member));
        let is_over = |share: &Share| owner_ms > share.expires_ms + CLOSED_AFTER_MS;
        self.turned_away.contains(&member) || self.chain_of(member).any(|share| is_cut(share) || is_over(share))
    }

    /// Tells whether nobody comes in any more by a member's share, or by one above.
    pub(crate) fn is_closed_above(&self, member: usize) -> bool {
        self.chain_of(member).any(|share| share.stay.is_some())
    }

    /// Tells whether a member has yet to be let in.
    pub(crate) fn must_wait(&self, member: usize) -> bool {
        !self.let_in.contains(&member) && self.chain_of(member).any(|share| share.approve)
    }

    /// Tells whether somebody whose clock shows `wall_ms` may still hear a member.
    pub(crate) fn is_live(&self, member: usize, wall_ms: u64) -> bool {
        self.chain_of(member).all(|share| wall_ms <= share.expires_ms + SKEW_MS_MAX)
    }

    /// Returns when the last share is closed whose time is up before `before_ms`, in milliseconds of the owner's clock.
    pub(crate) fn last_expiry_ms(&self, before_ms: u64) -> Option<u64> {
        let expires = self.all.iter().map(|share| share.expires_ms).filter(|expires| *expires < before_ms);
        expires.max().map(|expires| expires + CLOSED_AFTER_MS)
    }
}
