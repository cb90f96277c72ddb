//! What acceptors have confirmed: one that comes back with less was rolled back, and people are told.
//!
//! HAVE, ACK, READY --> [`Acceptors`], by the names that the shell gives --> `Alarm::RolledBack`
//!
//! Always: only entries of the newest epoch count; older ones an acceptor may forget. PROTOCOL.md 9, 11.

use super::link::LinkId;
use super::{Alarm, Event, Peer};
use crate::proto::authlog::LaneEnd;
use crate::proto::id::{Channel, Epoch, LaneId};
use crate::proto::sorted::SortedMap;
use crate::proto::time::Mono;

/// Acceptors that are remembered at one time.
const ACCEPTORS_MAX: usize = 16;

/// Names who a link leads to.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct AcceptorName(pub(super) [u8; 32]);

/// What one acceptor has confirmed.
#[derive(Debug, Default)]
struct Confirmed {
    records: u64,
    lanes: SortedMap<LaneId, u64>,
    /// Records that it lacked when it came back, until its lanes were compared, too.
    records_lost: u64,
}

/// The acceptors that this peer has met.
#[derive(Debug, Default)]
pub(super) struct Acceptors {
    known: SortedMap<AcceptorName, Confirmed>,
}

impl Acceptors {
    fn of(&mut self, name: AcceptorName) -> Option<&mut Confirmed> {
        let has_room = self.known.len() < ACCEPTORS_MAX || self.known.contains_key(&name);
        has_room.then(|| self.known.entry(name).or_default())
    }

    /// Forgets what was confirmed of epochs before this one.
    pub(super) fn start_anew(&mut self, epoch: Epoch) {
        self.known.values_mut().for_each(|confirmed| confirmed.lanes.retain(|lane, _| lane.epoch >= epoch));
    }
}

impl Peer {
    /// Compares how many records an acceptor says that it holds with what it was known to.
    pub(super) fn check_records(&mut self, link: LinkId, log_next: u64) {
        if let Some(confirmed) = self.confirmed_by(link) {
            confirmed.records_lost = confirmed.records.saturating_sub(log_next);
            confirmed.records = log_next;
        }
    }

    /// Takes the answer to a PING: the acceptor has read all that the owner had sent before, as far as records go.
    pub(super) fn handle_pong(&mut self, link: LinkId, echo: [u8; 8], now: Mono) {
        let Some(state) = self.links.get_mut(&link) else { return };
        let is_answer = state.pinged.is_some_and(|sent| sent.0.to_le_bytes() == echo);
        state.handle_pong(now);
        let records = state.pinged_behind;
        if is_answer && self.owner.is_some() {
            self.note_records(link, records);
        }
    }

    /// Notes that an acceptor holds this many records, since it has brought the last of them or what needs it. Those
    /// that were merely sent to it may never have come.
    pub(super) fn note_records(&mut self, link: LinkId, records: u64) {
        if let Some(confirmed) = self.confirmed_by(link) {
            confirmed.records = records.max(confirmed.records);
        }
    }

    fn confirmed_by(&mut self, link: LinkId) -> Option<&mut Confirmed> {
        let name = self.links.get(&link)?.acceptor?;
        self.acceptors.of(name)
    }

    /// Compares what an acceptor holds, once it has said all of it, with what it confirmed before.
    pub(super) fn check_rolled_back(&mut self, link: LinkId) {
        let Some(state) = self.links.get(&link) else { return };
        let is_complete = Channel::DURABLE.iter().all(|channel| state.have_at.contains_key(channel));
        let Some(name) = state.acceptor.filter(|_| is_complete) else { return };
        let confirmed = self.acceptors.known.get(&name);
        let counts = |lane: &LaneId, next: u64| match self.roster.member(&lane.author) {
            Some(member) if Some(lane.epoch) == self.log.epoch() => match self.log.end_of(lane, member) {
                LaneEnd::Open => next,
                LaneEnd::At { next: end, .. } => next.min(end),
            },
            _ => 0,
        };
        let lost = confirmed.iter().flat_map(|confirmed| &confirmed.lanes).map(|(lane, next)| {
            let stored = state.stored.get(lane).copied().unwrap_or(0);
            counts(lane, *next).saturating_sub(stored)
        });
        // It can say any number.
        let lost = lost.chain(confirmed.map(|confirmed| confirmed.records_lost));
        let entries = lost.fold(0, u64::saturating_add);
        if let Some(confirmed) = self.acceptors.of(name) {
            confirmed.lanes.clear();
            confirmed.records_lost = 0;
        }
        self.remember_stored(link);
        if entries > 0 {
            self.events.push_back(Event::Alarm(Alarm::RolledBack { entries }));
        }
    }

    /// Remembers what an acceptor says that it stores.
    pub(super) fn remember_stored(&mut self, link: LinkId) {
        let Some(state) = self.links.get(&link) else { return };
        let Some(confirmed) = state.acceptor.and_then(|name| self.acceptors.of(name)) else { return };
        let epoch = self.log.epoch();
        let is_document = |lane: &LaneId| Channel::DURABLE.contains(&lane.channel);
        let newest = state.stored.iter().filter(|(lane, _)| Some(lane.epoch) == epoch && is_document(lane));
        for (lane, next) in newest {
            let before = confirmed.lanes.entry(*lane).or_default();
            *before = (*next).max(*before);
            confirmed.records = confirmed.records.max(self.log.epoch_seq() + 1);
        }
    }
}
