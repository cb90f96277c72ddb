//! Documents that begin anew: each member makes the base itself, and what was said on top of it waits for that.
//!
//! Roll and Epoch records --`begin_anew`--> the base --> entries that came early, own edits said anew
//!
//! Always: nothing is taken into a document of an earlier generation than its entry's, and nothing is sealed from one.
//! PROTOCOL.md 12.2.

use super::Peer;
use crate::proto::authlog::Roll;
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId};
use crate::proto::seal::{LaneReader, lane_key};
use crate::proto::time::Mono;
use std::collections::BTreeMap;

/// How long an own reply waits for the line that it replies to and that is said again, too, in microseconds.
const REPLY_US: u64 = 2_000_000;

impl Peer {
    /// Returns the epoch since which the document here counts its changes: that of its base, or of the checkpoint that
    /// was taken last.
    pub(super) fn since(&self, document: Channel) -> Epoch {
        self.lanes.past(document).map_or(Epoch(0), |past| past.since)
    }

    /// Returns when the document here has to begin anew next.
    pub(super) fn next_roll(&self, document: Channel) -> Option<Roll> {
        let generation = self.document(document)?.generation();
        self.log.rolls(document).nth(generation as usize).copied()
    }

    /// Tells whether the document here is of an earlier generation than the entries of `epoch`.
    pub(super) fn is_before(&self, document: Channel, epoch: Epoch) -> bool {
        self.next_roll(document).is_some_and(|roll| roll.epoch <= epoch)
    }

    /// Returns how many changes of each author the cuts of the epochs before `epoch` leave.
    pub(super) fn left_before(&self, document: Channel, epoch: Epoch) -> BTreeMap<AuthorId, u64> {
        let since = self.since(document);
        let mut left = self.document(document).map(|document| document.based().clone()).unwrap_or_default();
        for cut in self.log.cuts(document).filter(|cut| cut.lane.epoch >= since && cut.lane.epoch < epoch) {
            let kept = left.entry(cut.lane.author).or_default();
            *kept = cut.next.saturating_add(*kept);
        }
        left
    }

    /// Lets a document begin anew as often as it has to, as long as all that it needs for that is here.
    pub(super) fn begin_anew(&mut self, document: Channel, now: Mono) {
        while let Some(roll) = self.next_roll(document) {
            let left = self.left_before(document, roll.epoch);
            let is_lacking =
                self.lanes.past(document).is_some_and(|past| past.missing.keys().any(|lane| lane.epoch < roll.epoch));
            let Some(documents) = self.documents.as_mut().filter(|_| !is_lacking) else { break };
            if documents.of_mut(document).roll(&left, roll.lines).is_err() {
                break;
            }
            self.lanes.past_mut(document).since = roll.epoch;
            self.enter_generation(document, now);
        }
        let is_behind = self.next_roll(document).is_some();
        self.lanes.past_mut(document).is_behind = is_behind;
    }

    /// Goes on after the document has begun anew: takes what came early, and says own edits again.
    pub(super) fn enter_generation(&mut self, document: Channel, now: Mono) {
        let Some(documents) = &mut self.documents else { return };
        documents.forget_unsaid(document);
        documents.flush_soon(now);
        self.take_early(document, now);
        let Some(documents) = &mut self.documents else { return };
        if documents.of(document).can_resay() {
            self.resay(document);
        } else {
            let past = self.lanes.past_mut(document);
            (past.resay_at, past.cut_at) = (Some(now.after_us(REPLY_US)), now);
        }
    }

    /// Hands the entries of a generation that has begun to the document; they came before it had.
    fn take_early(&mut self, document: Channel, now: Mono) {
        let since = self.since(document);
        let is_early = |lane: &LaneId| lane.epoch >= since && !self.is_before(document, lane.epoch);
        let lanes: Vec<_> = self.replica.lanes_of(document).filter(|(lane, _)| is_early(lane)).collect();
        for (lane, next) in lanes {
            let (Some(member), Some(secret)) = (self.roster.member(&lane.author), self.epochs.get(lane.epoch)) else {
                continue;
            };
            let key = lane_key(&lane, secret);
            let mut reader = LaneReader::with_key(self.session, lane, member.verify_key().clone(), key);
            for seq in 0..next {
                let Some(entry) = self.replica.entry(&lane, seq).cloned() else { break };
                let plaintext = reader.open(&entry).ok();
                self.take_payload(&entry, plaintext.as_deref(), now);
            }
        }
    }
}
