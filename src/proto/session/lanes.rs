//! Where lanes end: what the owner's records leave of what is here, and what was cut off and is said again.
//!
//! records --`note_ends`--> lanes cut short, documents taken back --> own payloads in the newest epoch
//!
//! Always: who holds the same log takes the same entries; nothing that an admitted member said is lost. PROTOCOL.md 5.

use super::Peer;
use crate::proto::authlog::LaneEnd;
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId};
use crate::proto::sorted::{SortedMap, SortedSet};
use crate::proto::time::{Mono, Now};
use std::collections::BTreeMap;

/// How long own changes wait for what they build on to be said again by others, in microseconds.
const RESAY_US: u64 = 2_000_000;
/// How long they wait while entries are missing, in microseconds.
const RESAY_US_MAX: u64 = 10_000_000;
/// How long the lanes of an epoch that is over are kept for a relay that lacks some of it, in microseconds.
const KEEP_US: u64 = 30_000_000;

/// What one document lacks of the epochs that are over, and since when.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Of epochs before this one nothing is needed any more.
    pub(super) covered: Epoch,
    /// The document counts its changes since this one: with it began its base, or the checkpoint that was taken last.
    pub(super) since: Epoch,
    /// The document has to begin anew, and cannot yet.
    pub(super) is_behind: bool,
    /// Lanes that were cut behind what is here.
    pub(super) missing: SortedMap<LaneId, u64>,
    /// The newest epoch whose checkpoint was looked at.
    compared: Option<Epoch>,
    /// Since when the checkpoint of the newest epoch is on record.
    vouched: Option<Mono>,
    /// When to say anew what still waits for others.
    pub(super) resay_at: Option<Mono>,
    /// When something was taken back last.
    pub(super) cut_at: Mono,
}

/// What the log's records have changed about lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    past: SortedMap<Channel, Past>,
    is_dirty: bool,
    /// Lanes were cut or a share was closed, and the epoch that follows has not begun: what is cut off there may be what
    /// own changes build on that end only with the epoch, and all of it has to be taken back at once.
    is_halfway: bool,
    /// When the lanes of epochs that are over may be forgotten.
    forget_at: Option<Mono>,
    /// When the segments of own checkpoints go out.
    show_at: Option<Mono>,
}

impl Lanes {
    pub(super) fn past(&self, document: Channel) -> Option<&Past> {
        self.past.get(&document)
    }

    pub(super) fn past_mut(&mut self, document: Channel) -> &mut Past {
        self.past.entry(document).or_default()
    }

    /// Tells whether nothing of a document's past is lacking.
    pub(super) fn is_whole(&self, document: Channel) -> bool {
        self.past.get(&document).is_none_or(|past| past.missing.is_empty() && !past.is_behind)
    }

    /// Notes a record that can end or reopen lanes.
    pub(super) const fn note_ends(&mut self) {
        self.is_dirty = true;
    }

    /// Notes a record that ends lanes, after which an epoch begins.
    pub(super) const fn note_halfway(&mut self) {
        (self.is_dirty, self.is_halfway) = (true, true);
    }

    /// Takes note that what is here has to be brought in line, if it can be.
    const fn take_dirty(&mut self) -> bool {
        let is_due = self.is_dirty && !self.is_halfway;
        self.is_dirty &= !is_due;
        is_due
    }

    /// Notes that an epoch begins: what is of the one before is kept for a while.
    pub(super) fn note_epoch(&mut self, now: Mono) {
        (self.is_dirty, self.is_halfway) = (true, false);
        self.forget_at = Some(now.after_us(KEEP_US));
        self.past.values_mut().for_each(|past| past.vouched = None);
    }

    pub(super) const fn show_segments_by(&mut self, at: Mono) {
        self.show_at = Some(at);
    }

    /// Notes that the checkpoint of the newest epoch is on record.
    pub(super) fn note_vouched(&mut self, document: Channel, now: Mono) {
        self.past_mut(document).vouched.get_or_insert(now);
        self.forget_at.get_or_insert(now.after_us(KEEP_US));
    }

    pub(super) fn vouched(&self, document: Channel) -> Option<Mono> {
        self.past.get(&document)?.vouched
    }

    pub(super) fn note_compared(&mut self, document: Channel, epoch: Epoch) {
        self.past_mut(document).compared = Some(epoch);
    }

    pub(super) fn is_compared(&self, document: Channel, epoch: Epoch) -> bool {
        self.past.get(&document).is_some_and(|past| past.compared == Some(epoch))
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        let dirty = (self.is_dirty && !self.is_halfway).then_some(Mono(0));
        let resay = self.past.values().filter_map(|past| past.resay_at).min();
        [dirty, resay, self.forget_at, self.show_at].into_iter().flatten().min()
    }
}

impl Peer {
    /// Returns how many changes of `author` the cuts of the epochs before `epoch` leave.
    pub(super) fn base_of(&self, document: Channel, author: AuthorId, epoch: Epoch) -> u64 {
        let since = self.since(document);
        let based = self.document(document).map_or(0, |document| document.based_of(author));
        let cuts = self.log.cuts(document).filter(|cut| cut.lane.author == author);
        let cuts = cuts.filter(|cut| cut.lane.epoch >= since && cut.lane.epoch < epoch);
        // An owner can cut where nobody ever got to.
        cuts.map(|cut| cut.next).fold(based, u64::saturating_add)
    }

    /// Returns the first epoch whose entries the document here may still need.
    fn needed_from(&self, document: Channel) -> Epoch {
        self.lanes.past(document).map_or(Epoch(0), |past| past.covered.max(past.since))
    }

    /// Brings what is here in line with the records that came since the last call.
    pub(super) fn settle_lanes(&mut self, now: Now) {
        if !self.lanes.take_dirty() || self.documents.is_none() || self.ended.is_some() {
            return;
        }
        self.flush_documents();
        for document in Channel::DURABLE {
            let shortened = self.cut_lanes(document);
            self.note_missing(document);
            self.take_back(document, &shortened, now.mono);
            self.begin_anew(document, now.mono);
            self.compare_checkpoint(document);
        }
        for checkpoints in [Channel::STATE_CHECKPOINT, Channel::CHAT_CHECKPOINT] {
            self.cut_lanes(checkpoints);
        }
        self.flush_documents();
        self.say_unsaid();
        self.tidy_epochs();
    }

    /// Drops what is behind the ends of lanes; returns whose lanes became shorter.
    fn cut_lanes(&mut self, channel: Channel) -> SortedSet<AuthorId> {
        let mut shortened = SortedSet::new();
        for (lane, have) in self.replica.lanes_of(channel).collect::<Vec<_>>() {
            let Some(member) = self.roster.member(&lane.author) else { continue };
            let LaneEnd::At { next, digest } = self.log.end_of(&lane, member) else { continue };
            // A shorter lane may be the beginning of another one, too; that shows when its end comes.
            let is_same = have < next || digest.is_none() || self.replica.digest_before(&lane, next) == digest;
            let keep = if is_same { next.min(have) } else { 0 };
            if keep < have {
                self.replica.truncate(&lane, keep);
                self.readers.remove(&lane);
                shortened.insert(lane.author);
            }
        }
        shortened
    }

    /// Notes which lanes were cut behind what is here.
    fn note_missing(&mut self, document: Channel) {
        let from = self.needed_from(document);
        let cuts = self.log.cuts(document).filter(|cut| cut.lane.epoch >= from);
        let missing = cuts.filter(|cut| self.replica.next_seq(&cut.lane) < cut.next);
        let missing = missing.map(|cut| (cut.lane, cut.next)).collect();
        self.lanes.past_mut(document).missing = missing;
    }

    /// Takes back what the document has of lanes that became shorter.
    fn take_back(&mut self, document: Channel, shortened: &SortedSet<AuthorId>, now: Mono) {
        let me = self.me();
        let Some(documents) = &self.documents else { return };
        // What this peer has not sealed may build on what is cut off.
        let is_concerned = documents.of(document).owes() || documents.has_unsaid(document);
        let own = me.filter(|_| is_concerned && !shortened.is_empty());
        let keep: BTreeMap<_, _> =
            shortened.iter().copied().chain(own).map(|author| (author, self.kept_of(document, author))).collect();
        let Some(documents) = self.documents.as_mut().filter(|_| !keep.is_empty()) else { return };
        if me.is_some_and(|me| keep.contains_key(&me)) {
            // The document gives them out again, behind those that were cut off.
            documents.forget_unsaid(document);
        }
        documents.of_mut(document).retract(&keep);
        if documents.of(document).owes() {
            let past = self.lanes.past_mut(document);
            (past.resay_at, past.cut_at) = (Some(now.after_us(RESAY_US)), now);
        }
        documents.flush_soon(now);
    }

    /// Returns how many changes of `author` are left, up to the first gap, in the generation that the document is of.
    pub(super) fn kept_of(&self, document: Channel, author: AuthorId) -> u64 {
        let from = self.needed_from(document);
        let until = self.next_roll(document).map(|roll| roll.epoch);
        let counts =
            |lane: &LaneId| lane.author == author && lane.epoch >= from && until.is_none_or(|until| lane.epoch < until);
        let mut lanes: SortedMap<Epoch, u64> = SortedMap::new();
        let cuts = self.log.cuts(document).filter(|cut| counts(&cut.lane));
        lanes.extend(cuts.map(|cut| (cut.lane.epoch, cut.next)));
        for (lane, have) in self.replica.lanes_of(document).filter(|(lane, _)| counts(lane)) {
            lanes.entry(lane.epoch).or_insert(have);
        }
        let mut kept = self.base_of(document, author, from);
        for (epoch, next) in lanes {
            let have = self.replica.next_seq(&LaneId { channel: document, author, epoch }).min(next);
            kept = kept.saturating_add(have);
            if have < next {
                break;
            }
        }
        kept
    }

    /// Notes that an entry of a lane was taken.
    pub(super) fn note_grown(&mut self, lane: &LaneId, bytes: usize) {
        self.count_said(lane, bytes);
        let next = self.replica.next_seq(lane);
        if let Some(past) = self.lanes.past.get_mut(&lane.channel)
            && past.missing.get(lane).is_some_and(|cut| next >= *cut)
        {
            past.missing.remove(lane);
            // With it the document may begin anew.
            self.lanes.is_dirty |= past.is_behind;
        }
        self.links.values_mut().for_each(|link| link.feed.handle_growth(*lane));
    }

    /// Says anew what waited long enough for others, and forgets what nobody needs any more.
    pub(super) fn tend_lanes(&mut self, now: Now) {
        if self.ended.is_some() {
            return;
        }
        self.settle_lanes(now);
        for document in Channel::DURABLE {
            let past = self.lanes.past_mut(document);
            let Some(at) = past.resay_at.filter(|at| *at <= now.mono) else { continue };
            // What others said again comes with the rest that is missing.
            let may_come = !past.missing.is_empty() && now.mono.since_us(past.cut_at) < RESAY_US_MAX;
            past.resay_at = may_come.then(|| at.after_us(RESAY_US));
            if !may_come {
                self.resay(document);
            }
        }
        if self.lanes.show_at.take_if(|at| *at <= now.mono).is_some() {
            let lanes =
                [Channel::STATE_CHECKPOINT, Channel::CHAT_CHECKPOINT].map(|channel| self.replica.lanes_of(channel));
            let lanes: Vec<LaneId> = lanes.into_iter().flatten().map(|(lane, _)| lane).collect();
            let feeds = self.links.values_mut().map(|link| &mut link.feed);
            feeds.for_each(|feed| lanes.iter().for_each(|lane| feed.handle_growth(*lane)));
        }
        if self.lanes.forget_at.is_some_and(|at| at <= now.mono) {
            self.forget_past();
            let epoch = self.log.epoch();
            let is_left = Channel::DURABLE
                .iter()
                .any(|document| self.replica.lanes_of(*document).any(|(lane, _)| Some(lane.epoch) < epoch));
            self.lanes.forget_at = is_left.then(|| now.mono.after_us(KEEP_US));
        }
        Channel::DURABLE.into_iter().for_each(|document| self.compare_checkpoint(document));
        self.tidy_epochs();
    }

    /// Says again all own changes that a cut took back and that are still owed.
    pub(super) fn resay(&mut self, document: Channel) {
        let Some(documents) = &mut self.documents else { return };
        if documents.of(document).owes() {
            let payloads = documents.of_mut(document).resay();
            payloads.into_iter().for_each(|payload| documents.leave_unsaid(document, payload));
            self.say_unsaid();
            self.tell_document(document);
        }
    }

    /// Forgets the lanes of epochs that are over, of documents that are whole without them.
    pub(super) fn forget_past(&mut self) {
        let Some(epoch) = self.log.epoch() else { return };
        for document in Channel::DURABLE {
            if self.newest_checkpoint(document).is_some() && self.lanes.is_whole(document) {
                self.cover(document, epoch);
            }
        }
    }

    /// Notes that all of a document before `epoch` is here, in the document itself.
    pub(super) fn cover(&mut self, document: Channel, epoch: Epoch) {
        let past = self.lanes.past_mut(document);
        past.covered = epoch;
        past.missing.clear();
        let keep = |lane: &LaneId| lane.channel != document || lane.epoch >= epoch;
        self.archive_lanes(document, epoch);
        self.replica.retain(keep);
        self.readers.retain(|lane, _| keep(lane));
        for link in self.links.values_mut() {
            link.feed.retain(keep);
            link.forked.retain(keep);
            link.stored.retain(|lane, _| keep(lane));
        }
    }
}
