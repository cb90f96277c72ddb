//! Noticing a relay that keeps from a newcomer what was said before the present epoch.
//!
//! what is missing + silence --[`Past::check`]--> `Alarm::PastWithheld`
//!
//! Always: nobody is accused while the host or a link is silent, or while anything of what is missing comes.
//! PROTOCOL.md 11.

use super::link::FLOW_GAP_US;
use super::{Alarm, Event, Peer};
use crate::proto::id::{Channel, Epoch, LaneId};
use crate::proto::sorted::SortedMap;
use crate::proto::time::{Mono, Now};

/// How long nothing of a past that is missing may come, in microseconds: people are to know within 10 s.
const PATIENCE_US: u64 = 7_000_000;
/// What each segment of a checkpoint adds to that, in microseconds: the host may be sending them to the relay still, of
/// 60,000 bytes each.
const PATIENCE_US_PER_SEGMENT: u64 = 1_000_000;
/// After how much silence a link, or the host, is asked for a sign of life, in microseconds.
const SILENCE_US: u64 = 1_000_000;

/// One document that lacks its past.
#[derive(Debug)]
struct Missing {
    epoch: Epoch,
    /// When something of it came last, or could not come.
    since: Mono,
    patience_us: u64,
    is_told: bool,
}

impl Missing {
    fn due(&self) -> Option<Mono> {
        (!self.is_told).then(|| self.since.after_us(self.patience_us))
    }
}

/// The documents that lack their past.
#[derive(Debug, Default)]
pub(super) struct Past {
    missing: SortedMap<Channel, Missing>,
    /// When the host was asked for a sign of life last.
    asked_host: Mono,
}

impl Past {
    fn due(&self) -> Option<Mono> {
        self.missing.values().filter_map(Missing::due).min()
    }

    /// Notes that something of a document came.
    pub(super) fn note_progress(&mut self, document: Channel, now: Mono) {
        if let Some(missing) = self.missing.get_mut(&document) {
            missing.since = now;
        }
    }
}

impl Peer {
    /// Notes an entry of a document if it is of its past.
    pub(super) fn note_past_taken(&mut self, lane: &LaneId, now: Mono) {
        if Some(lane.epoch) != self.log.epoch() {
            self.past.note_progress(lane.channel, now);
        }
    }

    pub(super) fn poll_past(&self) -> Option<Mono> {
        let due = self.past.due()?;
        let silent = self.links.values().filter(|link| link.is_ready() && link.pinged.is_none());
        let host = self.host_heard().max(self.past.asked_host);
        silent.map(|link| link.heard).chain([host]).map(|heard| heard.after_us(SILENCE_US)).chain([due]).min()
    }

    /// Returns when the host gave its last sign of life.
    fn host_heard(&self) -> Mono {
        self.viewing.host_heard().max(self.typing.proven()).unwrap_or_default()
    }

    /// Keeps the links and the host talking: a network that stands still brings nothing, and nobody is to blame for it.
    fn hear_all(&mut self, now: Now) {
        let since = Mono(now.mono.0.saturating_sub(SILENCE_US));
        self.ping_unheard(since, now.mono);
        if self.host_heard().max(self.past.asked_host) <= since {
            self.past.asked_host = now.mono;
            self.probe(now);
        }
    }

    /// Says that a relay keeps the past of a document back, if it must be that.
    pub(super) fn check_past(&mut self, now: Now) {
        if self.past.due().is_some() {
            self.hear_all(now);
        }
        let flows_since = self.flows_since(now.mono);
        // What the host has for the newcomer comes this way, too.
        let is_live = self.is_live(now) && now.mono.since_us(self.host_heard()) <= FLOW_GAP_US;
        for document in Channel::DURABLE {
            let asked = self.links.values().any(|link| link.is_ready() && link.asked.contains(&document));
            let is_missing = asked && self.owner.is_none() && !self.lanes.is_whole(document);
            let Some(vouched) = self.newest_checkpoint(document).filter(|_| is_missing && self.ended.is_none()) else {
                self.past.missing.remove(&document);
                continue;
            };
            let patience_us = PATIENCE_US + PATIENCE_US_PER_SEGMENT * u64::from(vouched.segments);
            let new = || Missing { epoch: vouched.epoch, since: now.mono, patience_us, is_told: false };
            let missing = self.past.missing.entry(document).or_insert_with(new);
            if missing.epoch != vouched.epoch {
                *missing = new();
            } else if missing.is_told {
                continue;
            } else if !is_live {
                missing.since = now.mono;
            } else if missing.due().is_some_and(|due| due <= now.mono) {
                if flows_since.is_some_and(|since| since <= missing.since.after_us(FLOW_GAP_US)) {
                    missing.is_told = true;
                    self.events.push_back(Event::Alarm(Alarm::PastWithheld(document)));
                } else {
                    missing.since = now.mono;
                }
            }
        }
    }
}
