//! What the owner decides, and who passes on what: done with the machines, and noted in the model.

use super::super::model::Share;
use super::super::script::{LONG_MS, SharePlan};
use super::{LOOK_US, Play};
use cahoots::proto::id::{AuthorId, Epoch};
use cahoots::proto::session::{OwnerError, PassOnError};

impl Play<'_> {
    pub(super) fn close_share(&mut self, share: usize) {
        let share = share % self.world.model.shares.all.len();
        let (id, now) = (self.world.model.shares.all[share].id(), self.world.now_of(0));
        match self.world.members[0].peer.revoke(id, now) {
            Ok(()) => self.world.model.shares.close(share, []),
            // The owner has not heard of it yet.
            Err(OwnerError::NoShare(_)) if self.world.model.shares.all[share].parent.is_some() => {}
            Err(error) => panic!("share {share} cannot be revoked: {error}"),
        }
    }

    /// Begins an epoch.
    pub(super) fn rekey(&mut self) -> Epoch {
        let now = self.world.now_of(0);
        let epoch = self.world.members[0].peer.rekey(now).unwrap();
        self.settle_all();
        epoch
    }

    /// Lets both documents begin anew, with all of the chat; edits are on their way meanwhile, and none is lost.
    pub(super) fn begin_anew(&mut self) {
        let now = self.world.now_of(0);
        match self.world.members[0].peer.begin_generation(u32::MAX, now) {
            Ok(_) | Err(OwnerError::Document) => self.settle_all(),
            Err(error) => panic!("the documents cannot begin anew: {error}"),
        }
    }

    pub(super) fn revoke_all(&mut self) {
        let now = self.world.now_of(0);
        self.world.members[0].peer.revoke_all(now).unwrap();
        let shares = &mut self.world.model.shares;
        let by_owner: Vec<_> = (0..shares.all.len()).filter(|share| shares.all[*share].parent.is_none()).collect();
        by_owner.into_iter().for_each(|share| shares.close(share, []));
    }

    /// Removes a member, and with it those of its link who are not here.
    pub(super) fn kick(&mut self, who: usize) {
        let Some(author) = self.world.members[who].peer.me().filter(|_| who > 0) else { return };
        let now = self.world.now_of(0);
        let host = &mut self.world.members[0].peer;
        let here: Vec<AuthorId> = host.roster().here().map(|(member, _)| member.author()).collect();
        let is_waiting = host.waiting().contains(&author);
        if host.kick(author, now).is_err() {
            return;
        }
        let model = &mut self.world.model;
        if is_waiting {
            model.shares.turned_away.insert(who);
            return;
        }
        let share = model.shares.of[&who];
        let here = here.iter().map(|author| model.authors[author]);
        let stay: Vec<_> = here.filter(|other| *other != who && model.shares.is_by(*other, share)).collect();
        if !model.shares.is_out(who, 0) && !model.shares.must_wait(who) {
            model.shares.close(share, stay);
        }
    }

    /// Lets the first in that waits, or turns it away.
    pub(super) fn answer_who_waits(&mut self, is_yes: bool) {
        let now = self.world.now_of(0);
        let host = &mut self.world.members[0].peer;
        let Some(author) = host.waiting().first().copied() else { return };
        let index = self.world.model.authors[&author];
        if is_yes {
            host.let_in(author, now).unwrap();
            self.world.model.shares.let_in.insert(index);
        } else {
            host.turn_away(author, now).unwrap();
            self.world.model.shares.turned_away.insert(index);
        }
        self.world.settle_peer(0);
    }

    pub(super) fn pass_on(&mut self, who: usize, plan: &SharePlan) {
        let now = self.world.now_of(who);
        let Some(parent) = self.world.model.shares.of.get(&who).copied() else { return };
        let above = &self.world.model.shares.all[parent];
        let (may_pass_on, expires_ms) = (above.may_pass_on, above.expires_ms.min(now.wall.0 + plan.lasts_ms));
        match self.world.members[who].peer.pass_on(&plan.terms(), now) {
            Ok(token) => {
                assert!(may_pass_on, "member {who} passes on what is not to be passed on");
                self.world.model.shares.all.push(Share::new(token, plan, Some((parent, who)), expires_ms));
            }
            Err(PassOnError::NotJoined | PassOnError::Ended | PassOnError::Expired) => {}
            Err(PassOnError::NoRight(_) | PassOnError::TooDeep) if !may_pass_on => {}
            Err(PassOnError::Wider { .. }) => {}
            // Who stays by a closed share lets nobody in by it.
            Err(PassOnError::Closed) if self.world.model.shares.is_closed_above(who) => {}
            Err(error) => panic!("member {who} cannot pass its share on: {error}"),
        }
    }

    /// Notes which shares for one member alone were taken: the owner closes them behind the first that comes.
    pub(super) fn note_taken_shares(&mut self) {
        let (log, model) = (self.world.members[0].peer.log(), &mut self.world.model);
        for share in 0..model.shares.all.len() {
            let kept = &model.shares.all[share];
            let id = kept.id();
            if !kept.once || kept.stay.is_some() || !log.is_closed(&id) {
                continue;
            }
            let by_it = model.authors.iter().filter(|(_, index)| model.shares.of.get(index) == Some(&share));
            let stay: Vec<_> =
                by_it.filter(|(author, _)| !log.is_closed_to(&id, author)).map(|(_, index)| *index).collect();
            assert!(stay.len() <= 1, "{stay:?} came by a share for one");
            model.shares.close(share, stay);
        }
    }

    /// Lets the time of short shares pass, until the owner has closed them.
    pub(super) fn let_shares_expire(&mut self) {
        let (now, owner) = (self.world.now_us, self.world.now_of(0).wall.0);
        let Some(last_ms) = self.world.model.shares.last_expiry_ms(owner + LONG_MS / 2) else { return };
        let until_us = now + last_ms.saturating_sub(owner) * 1_000;
        while self.world.now_us < until_us {
            self.world.run_until(self.world.now_us + LOOK_US);
            self.watch_all();
            self.note_taken_shares();
            self.answer_who_waits(true);
        }
    }
}
