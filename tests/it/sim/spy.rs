//! Who could read what, symbolically: the keys that each party ever held, and a relay that shows everybody everything.
//!
//! frames on any wire --[`Spy::hear`]--> wraps, openings of direct channels --[`Spy::check`]--> verdict
//!
//! Always: nothing here asks a machine what it would show; keys and bytes decide.

use super::model::{Share, Shares};
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::epoch::{EpochSecret, open_wrap, wrap_epoch};
use cahoots::proto::id::{AuthorId, Channel, Class, Epoch, SessionId};
use cahoots::proto::key::{MemberKeys, Secret32};
use cahoots::proto::seal::DirectHost;
use cahoots::proto::session::Peer;
use cahoots::proto::wire::{Frame, FrameDecoder, WireEntry};
use std::collections::{BTreeMap, BTreeSet};

/// Frame types that matter here: WRAP, ENTRY, SHARE.
const HEARD: [u8; 3] = [9, 12, 18];

/// What a machine's own keys are made of.
pub(crate) fn member_keys(seed: [u8; 32]) -> MemberKeys {
    MemberKeys::from_seed(*Secret32::derive("peer member keys", &[&seed]).expose())
}

/// All that ever went over any wire and could open something.
#[derive(Debug, Default)]
pub(crate) struct Spy {
    /// Every wrap, by the epoch it names.
    wraps: BTreeMap<Epoch, BTreeSet<Bytes>>,
    /// The first entry of each member's direct channel.
    openings: BTreeMap<AuthorId, WireEntry>,
    /// Seeds of the members' machines, the host's first.
    pub(crate) seeds: Vec<[u8; 32]>,
}

impl Spy {
    /// Hears what `peer` sends, and checks that it is sealed under what it knows to be the newest key.
    pub(crate) fn hear(&mut self, who: usize, peer: &Peer, frames: &[Bytes]) {
        let mut decoder = FrameDecoder::new();
        for frame in frames.iter().filter(|frame| frame.first().is_some_and(|kind| HEARD.contains(kind))) {
            decoder.push(frame);
            match decoder.next_frame() {
                Ok(Some(Frame::Wrap(raw))) => self.keep(raw),
                Ok(Some(Frame::Share(passed_on))) => self.keep(passed_on.wrap),
                Ok(Some(Frame::Entry(raw))) => self.hear_entry(who, peer, raw),
                _ => {}
            }
        }
    }

    fn keep(&mut self, wrap: Bytes) {
        self.wraps.entry(wrap_epoch(&wrap).unwrap_or_default()).or_default().insert(wrap);
    }

    fn hear_entry(&mut self, who: usize, peer: &Peer, raw: Bytes) {
        let Ok(entry) = WireEntry::decode(raw) else { return };
        let (lane, newest) = (entry.lane, peer.log().epoch().unwrap_or_default());
        if lane.channel == Channel::TO_HOST && entry.seq == 0 {
            self.openings.insert(lane.author, entry);
        } else if lane.channel.class() != Class::Direct && peer.me() == Some(lane.author) && lane.epoch < newest {
            // Of the past only what the owner has had, and has kept.
            let mut cuts = peer.log().cuts(lane.channel);
            let is_old = cuts.any(|cut| cut.lane == lane && entry.seq < cut.next);
            assert!(is_old, "member {who} sends {lane:?} {} under an old key: {newest:?} has begun", entry.seq);
        }
    }

    /// Returns all keys by which wraps can be opened that a member ever held.
    fn keks(&self, shares: &Shares, session: &SessionId, host: AuthorId, member: usize, peer: &Peer) -> Vec<Secret32> {
        let copy = |kek: &Secret32| Secret32::from_bytes(*kek.expose());
        let own = shares.of.get(&member).map(|share| &shares.all[*share]);
        let made = shares.all.iter().filter(|share| share.parent.is_some_and(|(_, by)| by == member));
        let mut keks: Vec<_> = own.into_iter().chain(made).map(|share| copy(share.secret().kek())).collect();
        let opening = peer.me().and_then(|me| self.openings.get(&me));
        let verified = peer.me().and_then(|me| peer.roster().member(&me));
        if let (Some(opening), Some(verified)) = (opening, verified) {
            // Only the two ends can do this; here it stands for the member's own end.
            let keys = member_keys(self.seeds[0]);
            let direct = DirectHost::accept(*session, &keys, host, verified, opening);
            keks.extend(direct.ok().map(|(direct, _)| copy(direct.kek())));
        }
        keks
    }

    /// Returns the secret of an epoch if a member can have it, whoever helps it.
    pub(crate) fn secret(
        &self,
        shares: &Shares,
        log: &AuthLog,
        member: usize,
        peer: &Peer,
        epoch: Epoch,
    ) -> Option<EpochSecret> {
        let (session, commit) = (peer.session(), log.commit(epoch)?);
        let keks = self.keks(shares, &session, log.host()?, member, peer);
        let mut wraps = self.wraps.get(&epoch)?.iter();
        wraps.find_map(|wrap| keks.iter().find_map(|kek| open_wrap(wrap, kek, &session, &commit).ok()))
    }

    /// Checks that who was removed, or never let in, can have no key of what came after, and everybody who stays has.
    pub(crate) fn check(&self, shares: &Shares, log: &AuthLog, member: usize, peer: &Peer, is_in: bool) {
        let Some(newest) = log.epoch() else { return };
        if is_in {
            let has_it = self.secret(shares, log, member, peer, newest).is_some();
            assert!(has_it, "member {member} is in, but nothing on any wire opens {newest:?} for it");
            return;
        }
        let Some(first) = first_closed(shares, log, member, peer) else { return };
        for epoch in (first.0..=newest.0).map(Epoch) {
            let has_it = self.secret(shares, log, member, peer, epoch).is_some();
            assert!(!has_it, "member {member} was out before {epoch:?}, and can have its key");
        }
    }
}

/// Returns the first epoch that a member must not read; `None` if it may read all there are.
fn first_closed(shares: &Shares, log: &AuthLog, member: usize, peer: &Peer) -> Option<Epoch> {
    if shares.must_wait(member) {
        return Some(Epoch(0));
    }
    let me = peer.me();
    let ids: BTreeSet<_> = shares.chain_of(member).map(Share::id).collect();
    let mut next = Epoch(0);
    for (_, _, record) in log.decoded() {
        match record {
            Record::Epoch { epoch, .. } => next = Epoch(epoch.0 + 1),
            Record::Close { share, stay } if ids.contains(&share) && me.is_none_or(|me| !stay.contains(&me)) => {
                return Some(next);
            }
            _ => {}
        }
    }
    None
}
