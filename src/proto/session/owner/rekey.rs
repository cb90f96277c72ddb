//! Cutting off and going on: lanes are cut, shares closed, and an epoch begins that only those who stay can read.
//!
//! Always: in this order, Cut, Close, Epoch, wraps, checkpoints, then the first entry of the new epoch; whoever is cut
//! off is heard no more when the verb returns. PROTOCOL.md 5, 6, 12.1.

use super::{OwnerError, Peer};
use crate::proto::authlog::{Cut, LogError, Record, Roll};
use crate::proto::doc::Document;
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{AuthorId, Channel, Epoch, ShareId};
use crate::proto::limits::{CLOCK_SKEW_MS_MAX, CUTS_PER_RECORD_MAX, LOG_BYTES_MAX, LOG_RECORDS_MAX};
use crate::proto::sorted::{SortedMap, SortedSet};
use crate::proto::time::{Mono, Now};

/// Changes after which an epoch is over, so that newcomers take a checkpoint rather than all of them.
const CHANGES_MAX: u64 = 5_000;
/// The bytes of these.
const CHANGES_BYTES_MAX: u64 = 2_097_152;
/// How long an epoch lasts at most, in microseconds: a day.
const EPOCH_US_MAX: u64 = 24 * 3_600_000_000;
/// How long one lasts at least before it ends for the number of its changes, in microseconds: ten minutes. Whoever
/// floods a session must not fill its auth log.
const EPOCH_US_MIN: u64 = 600_000_000;
/// First wait between two epochs that begin because somebody wrote two histories, in microseconds; each is twice the
/// one before.
const PROOF_US_MIN: u64 = 10_000_000;
/// Records of the log that are left for what people decide.
const RECORDS_LEFT_MIN: usize = 1_024;
/// The bytes of these.
const BYTES_LEFT_MIN: usize = 1_048_576;
/// What a record takes beside its body, in bytes.
const ENVELOPE_BYTES: usize = 132;
/// What one cut takes, in bytes.
const CUT_BYTES: usize = 62;
/// What an Epoch record, two checkpoints and two new generations take, in bytes.
const EPOCH_BYTES: usize = 5 * ENVELOPE_BYTES + 36 + 2 * (74 + 10);
/// How long behind that time a share is closed, in milliseconds: relays cut its members off first, and say why.
const EXPIRY_GRACE_MS: u64 = 10_000;
/// The most members that a Close record can let stay.
const STAY_MAX: usize = 4_000;

/// A share to close, and who of its members stays.
pub(super) type Closing = (ShareId, Vec<AuthorId>);

/// When epochs begin by themselves.
#[derive(Debug)]
pub(super) struct Pace {
    began: Mono,
    changes: u64,
    bytes: u64,
    proven: Proven,
    /// A document comes near its bounds.
    is_nearly_full: bool,
    /// Of these documents it was said of this generation.
    full: SortedMap<Channel, u32>,
}

/// What proofs against members ask for.
#[derive(Debug, Default)]
struct Proven {
    /// A lane waits to be cut.
    is_due: bool,
    not_before: Mono,
    times: u32,
}

impl Pace {
    pub(super) fn new(now: Mono) -> Self {
        Self {
            began: now,
            changes: 0,
            bytes: 0,
            proven: Proven::default(),
            is_nearly_full: false,
            full: SortedMap::new(),
        }
    }

    pub(super) const fn count(&mut self, bytes: usize) {
        self.changes += 1;
        self.bytes += bytes as u64;
    }

    /// Notes that a document should begin anew. One that is too large even then is noted once.
    pub(super) fn note_nearly_full(&mut self, document: Channel, generation: u32) {
        self.is_nearly_full |= self.full.insert(document, generation) != Some(generation);
    }

    fn begin(&mut self, now: Mono) {
        (self.began, self.changes, self.bytes, self.is_nearly_full) = (now, 0, 0, false);
        if std::mem::take(&mut self.proven.is_due) {
            let wait_us = PROOF_US_MIN << self.proven.times.min(10);
            self.proven = Proven { is_due: false, not_before: now.after_us(wait_us), times: self.proven.times + 1 };
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        let is_full = self.changes >= CHANGES_MAX || self.bytes >= CHANGES_BYTES_MAX || self.is_nearly_full;
        let full = is_full.then(|| self.began.after_us(EPOCH_US_MIN));
        let proven = self.proven.is_due.then_some(self.proven.not_before);
        [Some(self.began.after_us(EPOCH_US_MAX)), full, proven].into_iter().flatten().min()
    }
}

impl Peer {
    /// Revokes a share: its members are cut off, nobody joins by it any more, and nothing said from now on can be read
    /// with what they know.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner, there is no such share, it is the owner's own, or the log is full.
    pub fn revoke(&mut self, share: ShareId, now: Now) -> Result<(), OwnerError> {
        let known = self.shares_to_close()?.into_iter().find(|(other, _)| *other == share);
        let (_, is_open) = known.ok_or(OwnerError::NoShare(share))?;
        self.check_not_own(&share)?;
        if is_open {
            let closing: Vec<Closing> = self.with_those_below(share).map(|share| (share, Vec::new())).collect();
            self.begin_epoch(&closing, now)?;
        }
        Ok(())
    }

    /// Removes one member: the share that it came by is closed but for the others who came by it and are here. Returns
    /// that share; somebody new needs another one.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke), and [`OwnerError::NoMember`].
    pub fn kick(&mut self, member: AuthorId, now: Now) -> Result<ShareId, OwnerError> {
        self.owner()?;
        let share = self.share_of(&member).ok_or(OwnerError::NoMember(member))?;
        self.check_not_own(&share)?;
        // Who was not let in has no key, and nobody else need suffer for it.
        let is_in = self.roster.member(&member).is_none_or(|member| self.log.admits(member).is_ok());
        if self.owner()?.door.is_waiting(&member) {
            self.turn_away(member, now)?;
        } else if is_in && !self.log.is_closed_to(&share, &member) {
            self.begin_epoch(&[(share, self.others_by(&share, &member))], now)?;
        }
        Ok(share)
    }

    /// Revokes every share but the owner's own, at once; returns how many were open.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner, or the log is full.
    pub fn revoke_all(&mut self, now: Now) -> Result<usize, OwnerError> {
        let open = self.shares_to_close()?.into_iter().filter(|(share, is_open)| *is_open && !self.is_own(share));
        let closing: Vec<Closing> = open.map(|(share, _)| (share, Vec::new())).collect();
        if !closing.is_empty() {
            self.begin_epoch(&closing, now)?;
        }
        Ok(closing.len())
    }

    /// Begins the next epoch: who is cut off already, and whoever stole a key of the last one, reads no more.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner, or the log is full.
    pub fn rekey(&mut self, now: Now) -> Result<Epoch, OwnerError> {
        self.begin_epoch(&[], now)
    }

    /// Begins the next epoch, and with it a new generation of the documents: what was typed over is forgotten, and all of
    /// the chat but its newest `lines` lines. That happens by itself when a document gets long; this is for those who
    /// want it sooner.
    ///
    /// # Errors
    ///
    /// As [`rekey`](Self::rekey), and [`OwnerError::Document`] if a document cannot begin anew.
    pub fn begin_generation(&mut self, lines: u32, now: Now) -> Result<Epoch, OwnerError> {
        self.owner()?;
        self.flush_documents();
        let can_roll = |channel| self.document(channel).is_some_and(|document| document.can_roll(lines));
        if !Channel::DURABLE.into_iter().all(can_roll) {
            return Err(OwnerError::Document);
        }
        self.begin_epoch_rolling(&[], Channel::DURABLE.map(|channel| (channel, lines)).into(), now)
    }

    /// Cuts every lane, closes shares and begins the next epoch.
    pub(super) fn begin_epoch(&mut self, closing: &[Closing], now: Now) -> Result<Epoch, OwnerError> {
        self.owner()?;
        self.flush_documents();
        let Some(documents) = &mut self.documents else { return self.begin_epoch_rolling(closing, Vec::new(), now) };
        let due = Channel::DURABLE.map(|document| documents.of_mut(document).roll_due().map(|lines| (document, lines)));
        self.begin_epoch_rolling(closing, due.into_iter().flatten().collect(), now)
    }

    /// As [`begin_epoch`](Self::begin_epoch), with new generations of these documents, with so many lines.
    fn begin_epoch_rolling(
        &mut self,
        closing: &[Closing],
        rolling: Vec<(Channel, u32)>,
        now: Now,
    ) -> Result<Epoch, OwnerError> {
        if self.ended.is_some() {
            return Err(OwnerError::Ended);
        }
        self.settle_lanes(now);
        self.flush_documents();
        let cuts = self.cuts();
        self.check_log_has_room(cuts.len(), closing)?;
        let secret = EpochSecret::new(self.draw());
        let epoch = Epoch(self.log.epoch().map_or(0, |newest| newest.0 + 1));
        for cuts in cuts.chunks(CUTS_PER_RECORD_MAX) {
            self.write_record(&Record::Cut(cuts.to_vec()), now)?;
        }
        for (share, stay) in closing {
            self.write_record(&Record::Close { share: *share, stay: stay.clone() }, now)?;
        }
        for (channel, lines) in rolling {
            self.write_record(&Record::Roll(Roll { channel, epoch, lines }), now)?;
        }
        self.write_record(&Record::Epoch { epoch, commit: secret.commit() }, now)?;
        self.epochs.insert(epoch, secret);
        self.epochs.begun = Some(now.mono);
        self.owner_mut()?.pace.begin(now.mono);
        self.wrap_for_all().iter().for_each(|wrap| self.tell_ready(wrap));
        // What still waits is sealed under a key of those who were cut off; the newest of it is said again below.
        self.links.values_mut().for_each(|link| link.outbox.drop_passing());
        self.see_off_revoked();
        self.lanes.note_epoch(now.mono);
        self.enter_epoch(now);
        self.vouch_soon(now);
        self.want_all_keyframes();
        self.flush_all_panes(now);
        Ok(epoch)
    }

    /// Returns where the lanes of the epoch end that is to be over: behind the last change that is part of the document
    /// here. What waits for others may wait for something that is cut off; its author says it again.
    fn cuts(&self) -> Vec<Cut> {
        let (Some(epoch), Some(documents)) = (self.log.epoch(), &self.documents) else { return Vec::new() };
        let mut cuts = Vec::new();
        for channel in Channel::DURABLE {
            let document: &Document = documents.of(channel);
            for (lane, have) in self.replica.lanes_of(channel).filter(|(lane, _)| lane.epoch == epoch) {
                let before = self.base_of(channel, lane.author, epoch);
                let next = document.admitted_of(lane.author).saturating_sub(before).min(have);
                let digest = self.replica.digest_before(&lane, next);
                cuts.extend(digest.filter(|_| next > 0).map(|digest| Cut { lane, next, digest }));
            }
        }
        cuts
    }

    /// Makes sure that all the records of one step can be written, or none is.
    fn check_log_has_room(&self, cuts: usize, closing: &[Closing]) -> Result<(), OwnerError> {
        let (records_left, bytes_left) = self.log_room();
        let records = cuts.div_ceil(CUTS_PER_RECORD_MAX) + closing.len() + 5;
        let stay: usize = closing.iter().map(|(_, stay)| 16 * (stay.len() + 1)).sum();
        let bytes = cuts * CUT_BYTES + stay + EPOCH_BYTES + records * ENVELOPE_BYTES;
        if records > records_left || bytes > bytes_left { Err(LogError::Full.into()) } else { Ok(()) }
    }

    /// Returns how many records, and bytes of them, the log has room for.
    fn log_room(&self) -> (usize, usize) {
        let bytes: usize = self.log.records().iter().map(bytes::Bytes::len).sum();
        (LOG_RECORDS_MAX - self.log.records().len(), LOG_BYTES_MAX.saturating_sub(bytes))
    }

    /// Returns all shares, and whether there is anything left to close of each.
    fn shares_to_close(&self) -> Result<Vec<(ShareId, bool)>, OwnerError> {
        let below = self.owner()?.below.keys().copied();
        // Of one that was passed on the owner may have heard by its members alone.
        let of_members = self.roster.all().flat_map(|member| &member.chain().shares).map(|cert| cert.share);
        let all: SortedSet<_> = self.log.shares().map(|cert| cert.share).chain(below).chain(of_members).collect();
        let is_open = |share: &ShareId| !self.log.is_closed(share) || self.log.stays_open_for_some(share);
        Ok(all.into_iter().map(|share| (share, is_open(&share))).collect())
    }

    /// Returns a share and those passed on below it that are open: they end with it anyway, and by its own name each
    /// tells so whoever tries it later.
    fn with_those_below(&self, share: ShareId) -> impl Iterator<Item = ShareId> {
        let below = self.owner.iter().flat_map(|owner| owner.below.iter()).filter(move |(id, below)| {
            **id != share && !self.log.is_closed(id) && below.share.certs().iter().any(|cert| cert.share == share)
        });
        std::iter::once(share).chain(below.map(|(id, _)| *id))
    }

    fn is_own(&self, share: &ShareId) -> bool {
        self.secret.share_id() == *share
    }

    fn check_not_own(&self, share: &ShareId) -> Result<(), OwnerError> {
        if self.is_own(share) { Err(OwnerError::Own) } else { Ok(()) }
    }

    /// Returns who else came by `share`, or by one below it, and is here, in ascending order.
    ///
    /// Those who are not seen would be a way back in for whoever prepared more than one member.
    fn others_by(&self, share: &ShareId, member: &AuthorId) -> Vec<AuthorId> {
        let here = self.roster.here().filter(|(other, _)| other.chain().shares.iter().any(|cert| cert.share == *share));
        here.map(|(other, _)| other.author()).filter(|other| other != member).take(STAY_MAX).collect()
    }

    /// Closes the shares whose time is over, so that who came by them reads no more.
    pub(super) fn close_expired(&mut self, now: Now) {
        let Ok(owner) = self.owner() else { return };
        let below = owner.below.values().map(super::Below::cert);
        let over = self.log.shares().chain(below).filter(|cert| {
            let is_open = !self.log.is_closed(&cert.share) || self.log.stays_open_for_some(&cert.share);
            is_open && now.wall > cert.expires.after_ms(CLOCK_SKEW_MS_MAX + EXPIRY_GRACE_MS)
        });
        let closing: Vec<Closing> =
            over.filter(|cert| !self.is_own(&cert.share)).map(|cert| (cert.share, Vec::new())).collect();
        if !closing.is_empty() {
            // A log without room cannot close them; relays and peers keep them out by their clocks.
            let _ = self.begin_epoch(&closing, now);
        }
    }

    /// Notes that a member wrote two histories: its lanes have to be cut.
    pub(in super::super) fn want_cut(&mut self) {
        if let Some(owner) = self.owner.as_mut() {
            owner.pace.proven.is_due = true;
        }
    }

    /// Notes, at the owner, which documents should begin anew soon.
    pub(in super::super) fn note_nearly_full(&mut self) {
        let (Some(owner), Some(documents)) = (self.owner.as_mut(), &self.documents) else { return };
        for channel in Channel::DURABLE {
            let document = documents.of(channel);
            if document.is_nearly_full() {
                owner.pace.note_nearly_full(channel, document.generation());
            }
        }
    }

    /// Begins an epoch when enough was said in the last one, or somebody's lanes have to be cut.
    pub(super) fn rekey_if_due(&mut self, now: Now) {
        let is_due = self.owner().is_ok_and(|owner| owner.pace.poll_timeout().is_some_and(|due| due <= now.mono));
        let (records_left, bytes_left) = self.log_room();
        if !is_due {
            return;
        }
        if records_left > RECORDS_LEFT_MIN && bytes_left > BYTES_LEFT_MIN {
            let _ = self.begin_epoch(&[], now);
        } else if let Some(owner) = self.owner.as_mut() {
            // What is left of the log is for people to decide about; look again later.
            owner.pace.begin(now.mono);
        }
    }
}
