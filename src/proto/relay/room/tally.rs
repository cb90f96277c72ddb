//! What is counted of a session, and who may be told without joining. PROTOCOL.md 20.
//!
//! Always: counted are members, bytes and moments; nothing here looks into an entry.

use super::super::stats::{Counts, SessionStats};
use super::super::store::Store;
use super::Room;
use super::seats::Seat;
use crate::proto::id::ShareId;
use crate::proto::limits::CLOCK_SKEW_MS_MAX;
use crate::proto::share::{ShareCert, ShareFlags};
use crate::proto::time::Wall;
use crate::proto::verify::PublicKey;
use crate::proto::wire::Standing;

/// What has happened in a room so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub since: Wall,
    pub members_most: usize,
    pub views: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

impl Tally {
    pub(super) const fn new(now: Wall) -> Self {
        Self { since: now, members_most: 0, views: 0, bytes_in: 0, bytes_out: 0 }
    }
}

impl Room {
    /// Notes bytes that a member has sent.
    pub(in super::super) const fn note_received(&mut self, bytes: usize) {
        self.tally.bytes_in += bytes as u64;
    }

    /// Notes that somebody has come in.
    pub(super) fn note_members(&mut self) {
        self.tally.members_most = self.tally.members_most.max(self.members_here());
    }

    fn members_here(&self) -> usize {
        self.seats.values().filter(|seat| !seat.is_waiting).count()
    }

    /// Returns how many are in.
    pub(in super::super) fn counts(&self) -> Counts {
        Counts {
            members: self.members_here(),
            members_most: self.tally.members_most,
            watching: self.seats.values().filter(|seat| seat.outbox.is_watching()).count(),
            views: self.tally.views,
        }
    }

    /// Returns what the operator may know.
    pub(in super::super) fn stats(&self, store: &dyn Store) -> SessionStats {
        SessionStats {
            session: self.session,
            since: self.tally.since,
            empty_since: self.empty.map(|now| now.wall),
            ended: self.ended.map(|now| now.wall),
            is_host_here: self.log.host().is_some_and(|host| self.conns.contains_key(&host)),
            counts: self.counts(),
            waiting: self.seats.values().filter(|seat: &&Seat| seat.is_waiting).count(),
            log_records: self.log.next_seq(),
            bytes_stored: store.entry_bytes(&self.session),
            bytes_live: self.live_bytes,
            bytes_in: self.tally.bytes_in,
            bytes_out: self.tally.bytes_out,
        }
    }

    /// Says whether a share's name is nobody's, as far as the session is known to be one.
    pub(in super::super) fn is_unknown(&self, share: &ShareId) -> bool {
        self.standing(share) == Standing::ShareUnknown
    }

    /// Returns the key whose holders may ask how many are here: that of a share by which they could come in at this
    /// time without being looked at first.
    pub(in super::super) fn asking_key(&self, share: &ShareId, now: Wall) -> Option<PublicKey> {
        let is_over = self.log.is_ended() || self.log.host().is_none() || self.is_below_closed(share);
        let certs = if is_over { &[][..] } else { self.certs_of(share) };
        let may_ask = |cert: &ShareCert| {
            !self.log.is_closed(&cert.share)
                && !cert.flags.contains(ShareFlags::APPROVE)
                && cert.rights.may_read()
                && cert.not_before <= now.after_ms(CLOCK_SKEW_MS_MAX)
                && now < cert.expires
        };
        certs.first().filter(|_| certs.iter().all(may_ask)).map(|leaf| leaf.public)
    }
}
