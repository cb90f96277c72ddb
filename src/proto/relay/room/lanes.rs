//! Where durable lanes end, what checkpoints cover, and who is not listened to any more. PROTOCOL.md 5, 7, 11.
//!
//! Always: nothing behind the end of a lane is kept or taken; nothing of the newest epoch is ever forgotten; what is
//! forgotten is covered by a whole checkpoint that the owner's record names.

use super::super::members::{Admission, Member};
use super::super::outbox::WholeCheckpoint;
use super::super::store::Shelf;
use super::{ConnId, Context, Room};
use crate::proto::authlog::LaneEnd;
use crate::proto::id::{AuthorId, Channel, LaneId};
use crate::proto::lane::proof::Proof;
use crate::proto::lane::verify::LaneVerifier;
use crate::proto::limits::HAVE_LANES_MAX;
use crate::proto::wire::{CloseCode, LaneNext};
use std::collections::BTreeSet;

/// What to do with the next entry of a lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// Look at its signature; the lane may end behind it.
    Check(LaneEnd),
    /// It is here: all of the lane below `next` is.
    Here { next: u64 },
    /// All of the lane, below `next`, is in the checkpoint.
    Covered { next: u64 },
    /// It does not count, or cannot yet: its bearer may know less than the room, or more.
    PassOver,
}

impl Room {
    /// Judges a durable entry by its place.
    pub(super) fn judge(&self, lane: &LaneId, seq: u64) -> Result<Verdict, CloseCode> {
        let member = self.members.get(lane.author).ok_or(CloseCode::Protocol)?;
        let end = self.log.end_of(lane, &member.verified);
        let is_muted = end == LaneEnd::Open
            && Channel::DURABLE.contains(&lane.channel)
            && member.proof.as_ref().is_some_and(|proof| proof.lane().epoch == lane.epoch);
        if is_muted || !end.takes(seq) {
            return Ok(Verdict::PassOver);
        }
        let next = self.lanes.get(lane).map_or(0, |verifier| verifier.position().0);
        match end {
            LaneEnd::At { next, .. } if self.is_covered(lane) => Ok(Verdict::Covered { next }),
            _ if seq < next => Ok(Verdict::Here { next }),
            _ if seq == next => Ok(Verdict::Check(end)),
            LaneEnd::Open => Err(CloseCode::Protocol),
            // The room may have dropped the beginning when it learned where the lane ends.
            LaneEnd::At { .. } => Ok(Verdict::PassOver),
        }
    }

    fn is_covered(&self, lane: &LaneId) -> bool {
        let whole = lane.channel.checkpoint().and_then(|channel| self.checkpoints.get(&channel));
        whole.is_some_and(|whole| lane.epoch < whole.lane.epoch)
    }

    /// Returns the version vector of `channel`. What the checkpoint covers is not needed either: of that the newest
    /// epochs are named, as far as they fit into what a connection may announce.
    pub(super) fn lanes_of(&self, channel: Channel) -> Vec<LaneNext> {
        let named = |lane: &LaneId, next| LaneNext { author: lane.author, epoch: lane.epoch, next };
        let here = self.lanes.iter().filter(|(lane, _)| lane.channel == channel);
        let here: Vec<_> = here.map(|(lane, verifier)| named(lane, verifier.position().0)).collect();
        let covered = self.log.cuts(channel).filter(|cut| cut.next > 0 && self.is_covered(&cut.lane));
        let mut covered: Vec<_> = covered.map(|cut| named(&cut.lane, cut.next)).collect();
        covered.sort_by_key(|lane| std::cmp::Reverse(lane.epoch));
        covered.truncate((HAVE_LANES_MAX / Channel::DURABLE.len()).saturating_sub(here.len()));
        covered.into_iter().chain(here).collect()
    }

    /// Drops what is behind the ends of lanes.
    pub(super) fn apply_ends(&mut self, cx: &mut Context<'_>) {
        let lanes = self.lanes.iter().filter(|(lane, _)| Channel::DURABLE.contains(&lane.channel));
        let cut_short = lanes.filter_map(|(lane, verifier)| {
            let member = self.members.get(lane.author)?;
            let LaneEnd::At { next, digest } = self.log.end_of(lane, &member.verified) else { return None };
            let (have, head) = verifier.position();
            if have < next {
                // It may be the beginning of another history: that shows when its end comes.
                return None;
            }
            let last = || cx.store.entry(&self.session, lane, next.checked_sub(1)?).map(|entry| entry.digest);
            let found = if have == next { Some(head) } else { last() };
            let keep = if digest.is_none() || found == digest { next } else { 0 };
            (keep < have).then_some((*lane, keep, found.unwrap_or_default()))
        });
        for (lane, keep, digest) in cut_short.collect::<Vec<_>>() {
            self.cut_lane(lane, keep, digest, cx);
        }
        self.forget_silent_authors(cx);
    }

    /// Drops a lane from `keep` on; `digest` is that of the entry before.
    fn cut_lane(&mut self, lane: LaneId, keep: u64, digest: [u8; 32], cx: &mut Context<'_>) {
        // A medium that fails to forget still gives out what nobody takes.
        let truncated = cx.store.truncate(&self.session, &lane, keep);
        let _ = cx.stored(truncated);
        self.lanes.remove(&lane);
        let member = self.members.get(lane.author).filter(|_| keep > 0);
        if let Some(member) = member {
            let key = member.verified.verify_key().clone();
            self.lanes.insert(lane, LaneVerifier::resume(self.session, lane, key, keep, digest));
        } else {
            // Another history of it may come, for those, too, who had this one.
            self.seats.values_mut().for_each(|seat| seat.outbox.forget_lane(&lane));
        }
    }

    /// Drops a lane whose end turned out to be that of another history.
    pub(super) fn drop_lane(&mut self, lane: LaneId, cx: &mut Context<'_>) {
        self.cut_lane(lane, 0, [0; 32], cx);
        self.forget_silent_authors(cx);
    }

    /// Keeps no chains of authors of whom nothing is left: newcomers need the room.
    fn forget_silent_authors(&mut self, cx: &mut Context<'_>) {
        let authors: BTreeSet<AuthorId> = self.lanes.keys().map(|lane| lane.author).collect();
        for member in self.members.iter_mut() {
            let author = member.verified.author();
            if member.is_stored && !authors.contains(&author) {
                member.is_stored = false;
                cx.discard(&self.session, Shelf::Members, author.as_bytes());
                cx.discard(&self.session, Shelf::Proofs, author.as_bytes());
            }
        }
    }

    /// Forgets what the newest checkpoint of `document` covers, once the owner's record and all segments are here.
    pub(super) fn settle_checkpoint(&mut self, document: Channel, cx: &mut Context<'_>) {
        let (Some(vouched), Some(channel)) = (self.log.checkpoint(document), document.checkpoint()) else { return };
        let (epoch, segments) = (vouched.epoch, u64::from(vouched.segments));
        if self.checkpoints.get(&channel).is_some_and(|whole| whole.lane.epoch >= epoch) {
            return;
        }
        let is_vouched = |lane: &LaneId| {
            let last = cx.store.entry(&self.session, lane, segments.saturating_sub(1));
            last.is_some_and(|entry| entry.digest == vouched.last)
        };
        let lanes = self.lanes.keys().filter(|lane| lane.channel == channel && lane.epoch == epoch);
        let Some(lane) = lanes.copied().find(is_vouched) else { return };
        self.checkpoints.insert(channel, WholeCheckpoint { lane, segments });
        for channel in [document, channel] {
            // A medium that fails to forget keeps more than it must.
            let forgotten = cx.store.forget_below(&self.session, channel, epoch);
            let _ = cx.stored(forgotten);
            self.lanes.retain(|lane, _| lane.channel != channel || lane.epoch >= epoch);
            self.seats.values_mut().for_each(|seat| seat.outbox.forget_below(channel, epoch));
        }
        self.seats.iter_mut().for_each(|(conn, seat)| seat.outbox.list(*conn, cx.ready));
        self.forget_silent_authors(cx);
    }

    /// Takes a proof that an author wrote two histories: nobody is to be shown either before the owner has decided.
    pub(in super::super) fn handle_proof(
        &mut self,
        conn: ConnId,
        raw: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<(), CloseCode> {
        let proof = Proof::decode(raw).map_err(|_| CloseCode::Protocol)?;
        let (author, epoch) = (proof.lane().author, proof.lane().epoch);
        // Of somebody or some epoch that nobody here knows there is nothing to refuse, and of who is out nothing is taken.
        let is_heard = |member: &&mut Member| member.admission != Admission::Out && self.log.commit(epoch).is_some();
        let Some(member) = self.members.get_mut(author).filter(is_heard) else { return Ok(()) };
        if member.proof.as_ref().is_some_and(|known| known.lane().epoch >= epoch) {
            return Ok(());
        }
        if !proof.verify(&self.session, member.verified.verify_key()) {
            return Err(CloseCode::Protocol);
        }
        if member.is_stored {
            let stored = cx.store.put(&self.session, Shelf::Proofs, author.as_bytes(), &proof.encode());
            cx.stored(stored)?;
        }
        member.proof = Some(proof);
        for (other, seat) in self.seats.iter_mut().filter(|(other, _)| **other != conn) {
            seat.outbox.note_proof(author);
            seat.outbox.list(*other, cx.ready);
        }
        Ok(())
    }

    /// Picks up where lanes stand in the store, and brings it in line with the log: a crash may have come between.
    pub(super) fn restore_lanes(&mut self, cx: &mut Context<'_>) {
        for raw in cx.store.items(&self.session, Shelf::Proofs) {
            if let Ok(proof) = Proof::decode(&raw)
                && let Some(member) = self.members.get_mut(proof.lane().author)
                && proof.verify(&self.session, member.verified.verify_key())
            {
                member.proof = Some(proof);
            }
        }
        for head in cx.store.heads(&self.session) {
            if let Some(member) = self.members.get(head.lane.author) {
                let key = member.verified.verify_key().clone();
                let verifier = LaneVerifier::resume(self.session, head.lane, key, head.next, head.digest);
                self.lanes.insert(head.lane, verifier);
            }
        }
        self.apply_ends(cx);
        Channel::DURABLE.into_iter().for_each(|document| self.settle_checkpoint(document, cx));
    }
}
