//! Records of the auth log that are kept back: what the host signs says that there are more. PROTOCOL.md 13.

use super::{Alarm, Event, Peer};
use crate::proto::id::Class;
use crate::proto::lane::verify::verify_at;
use crate::proto::member::VerifiedMember;
use crate::proto::time::Mono;
use crate::proto::wire::WireEntry;

/// How long records may be on their way, in microseconds: another link may bring the host's word sooner.
const ON_THE_WAY_US_MAX: u64 = 5_000_000;

/// What this peer knows of records that it does not have.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// How many records the host has, as it says.
    next: u64,
    /// Since when the log is known to lack some.
    since: Option<Mono>,
    is_told: bool,
    /// The host's log was found to be another one; each of its heartbeats would say so again.
    is_forked: bool,
}

impl Hidden {
    /// Tells whether a log of `next` records is all that the host is known to have.
    pub(super) const fn is_whole(&self, next: u64) -> bool {
        next >= self.next
    }

    fn note(&mut self, next: u64, now: Mono) {
        self.next = next;
        self.since.get_or_insert(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.since.filter(|_| !self.is_told).map(|since| since.after_us(ON_THE_WAY_US_MAX))
    }
}

impl Peer {
    /// Compares the log with what the host says of its own.
    pub(super) fn compare_log(&mut self, (next, head): (u64, [u8; 32]), now: Mono) {
        if next > self.log.next_seq() {
            self.hidden.note(next, now);
        } else if next == self.log.next_seq() && head != self.log.head() && !self.hidden.is_forked {
            self.hidden.is_forked = true;
            self.events.push_back(Event::Alarm(Alarm::LogForked));
        }
    }

    /// Takes what the host sealed for an epoch that the log does not know as proof that a record is missing.
    pub(super) fn note_unknown_epoch(&mut self, entry: &WireEntry, member: &VerifiedMember, now: Mono) {
        let is_unknown = self.log.epoch().is_some_and(|epoch| entry.lane.epoch > epoch);
        // The others' word is not enough: a member could accuse any relay with it.
        let is_hosts = self.log.host() == Some(member.author());
        // Such an entry builds on no other: it can be checked without the key.
        let stands_alone = entry.lane.channel.class() == Class::Latest;
        let is_news = self.hidden.is_whole(self.log.next_seq());
        if is_unknown && is_hosts && stands_alone && is_news {
            let key = member.verify_key();
            if verify_at(&self.session, &entry.lane, key, entry, &[0; 32]).is_some() {
                self.hidden.note(self.log.next_seq() + 1, now);
            }
        }
    }

    /// Notes that the log has grown.
    pub(super) fn note_log_grown(&mut self) {
        if self.hidden.is_whole(self.log.next_seq()) {
            (self.hidden.since, self.hidden.is_told) = (None, false);
        }
    }

    /// Says that records are kept back once they can be on their way no longer.
    pub(super) fn check_hidden(&mut self, now: Mono) {
        if self.hidden.poll_timeout().is_some_and(|at| at <= now) {
            self.hidden.is_told = true;
            self.events.push_back(Event::Alarm(Alarm::LogWithheld));
        }
    }
}
