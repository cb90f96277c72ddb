//! Proofs that a member wrote two histories: found here or brought by others, and told to everybody once.
//!
//! second entry for a place | PROOF --> [`Proofs`] --> PROOF on every link, the author silent until its lanes are cut
//!
//! Always: nobody is silenced by less than two entries that it signed for one place. PROTOCOL.md 7, 11.

use super::link::LinkId;
use super::links::introduce;
use super::{Alarm, Event, Peer};
use crate::proto::authlog::LaneEnd;
use crate::proto::id::{AuthorId, LaneId};
use crate::proto::lane::proof::Proof;
use crate::proto::member::{ChainError, VerifiedMember};
use crate::proto::sorted::{SortedMap, SortedSet};
use crate::proto::wire::{CloseCode, Frame, WireEntry};

/// The newest proof against each member.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    standing: SortedMap<AuthorId, Proof>,
    /// Of whom it was told in this epoch that they are not understood.
    muted: SortedSet<AuthorId>,
}

impl Proofs {
    /// Tells whether nothing of a lane that ends like this is taken, because of a proof against its author.
    pub(super) fn silence(&self, lane: &LaneId, end: LaneEnd) -> bool {
        end == LaneEnd::Open && self.concern(lane)
    }

    /// Notes that another epoch begins.
    pub(super) fn start_anew(&mut self) {
        self.muted.clear();
    }

    /// Tells whether there is a proof against the author of a lane that tells of its epoch, or of a later one.
    pub(super) fn concern(&self, lane: &LaneId) -> bool {
        self.standing.get(&lane.author).is_some_and(|proof| proof.lane().epoch >= lane.epoch)
    }

    /// Forgets a member that left no trace.
    pub(super) fn forget(&mut self, author: &AuthorId) {
        self.standing.remove(author);
        self.muted.remove(author);
    }

    /// Returns how many members there are proofs against.
    pub(super) fn len(&self) -> usize {
        self.standing.len()
    }

    pub(super) fn is_known(&self, author: &AuthorId) -> bool {
        self.standing.contains_key(author)
    }
}

impl Peer {
    /// Takes a proof from a link.
    pub(super) fn handle_proof(&mut self, link: LinkId, raw: &[u8]) {
        let Ok(proof) = Proof::decode(raw) else { return self.close_link(link, CloseCode::Protocol) };
        // Of no use are those against somebody who is not known here, or cut off and so heard no more, and those of an
        // epoch that is not: who is out, or any member with its own keys, could keep the others busy with one after the
        // other.
        let LaneId { author, epoch, .. } = proof.lane();
        let Some(member) = self.roster.member(&author).filter(|_| self.log.commit(epoch).is_some()) else { return };
        if matches!(self.log.admits(member), Err(ChainError::Closed { .. })) {
            return;
        }
        if !proof.verify(&self.session, member.verify_key()) {
            return self.close_link(link, CloseCode::Protocol);
        }
        self.note_proof(proof, Some(link));
    }

    /// Says, once an epoch, that a member wrote what nobody can take.
    pub(super) fn tell_muted(&mut self, author: AuthorId) {
        if self.proofs.muted.insert(author) {
            self.events.push_back(Event::Alarm(Alarm::Muted(author)));
        }
    }

    /// Compares an entry with the one that is here in its place.
    pub(super) fn look_for_proof(&mut self, entry: &WireEntry, member: &VerifiedMember) {
        let Some(known) = self.replica.entry(&entry.lane, entry.seq) else { return };
        if known.as_bytes() == entry.as_bytes() {
            return;
        }
        let Some(prev) = self.replica.digest_before(&entry.lane, entry.seq) else { return };
        if let Some(proof) = Proof::of_fork(&self.session, member.verify_key(), &prev, known, entry) {
            self.note_proof(proof, None);
        }
    }

    fn note_proof(&mut self, proof: Proof, from: Option<LinkId>) {
        let LaneId { author, epoch, .. } = proof.lane();
        if self.proofs.standing.get(&author).is_some_and(|before| before.lane().epoch >= epoch) {
            return;
        }
        let frame = Frame::Proof(proof.encode());
        self.proofs.standing.insert(author, proof);
        self.events.push_back(Event::Alarm(Alarm::Equivocated(author)));
        for (id, state) in self.links.iter_mut().filter(|(_, state)| state.has_greeted) {
            if Some(*id) != from {
                let introduction = introduce(&mut state.introduced, &self.roster, &author);
                introduction.into_iter().for_each(|introduction| state.outbox.push_urgent(introduction));
                state.send(&frame);
            }
        }
        if Some(epoch) == self.log.epoch() {
            self.want_cut();
        }
    }

    /// Brings the proofs of the present epoch to links that have just come up.
    pub(super) fn bring_proofs(&mut self) {
        let epoch = self.log.epoch();
        let standing = self.proofs.standing.values().filter(|proof| Some(proof.lane().epoch) == epoch);
        let standing: Vec<_> = standing.map(|proof| (proof.lane().author, Frame::Proof(proof.encode()))).collect();
        for state in self.links.values_mut().filter(|state| state.has_greeted && !state.has_proofs) {
            state.has_proofs = true;
            for (author, frame) in &standing {
                let introduction = introduce(&mut state.introduced, &self.roster, author);
                introduction.into_iter().for_each(|introduction| state.outbox.push_urgent(introduction));
                state.send(frame);
            }
        }
    }
}
