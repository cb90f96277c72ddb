//! Who is in the session: chains that were checked, and who was heard lately.
//!
//! member chain --introduce--> known; presence --hear--> here; silence or goodbye --expire--> gone
//!
//! Always: a member is `here` once before it is gone. Timings: PROTOCOL.md 13.

use crate::proto::doc::Presence;
use crate::proto::id::{AuthorId, Epoch};
use crate::proto::limits::SILENCE_US_MAX;
use crate::proto::member::VerifiedMember;
use crate::proto::time::Mono;
use std::collections::BTreeMap;

/// How long a member that lost its connection may take to be heard elsewhere, in microseconds.
///
/// A guest that changes from relay to LAN must not blink in the list.
const MOVE_US_MAX: u64 = 2_000_000;

/// One member, as far as its chain and its presence tell.
#[derive(Debug)]
pub struct Seat {
    /// The checked chain.
    pub member: VerifiedMember,
    /// The newest presence, while the member is here.
    pub presence: Option<Presence>,
    /// What it called itself last.
    name: String,
    /// Place of the newest presence in its lane.
    newest: Option<(Epoch, u64)>,
    gone_at: Mono,
}

/// All members that this peer knows.
#[derive(Debug, Default)]
pub struct Roster {
    seats: BTreeMap<AuthorId, Seat>,
}

/// What a presence changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Heard {
    /// The member was away.
    Joined,
    /// It was here, and something about it changed.
    Changed,
    /// It was here, and nothing changed.
    Same,
    /// It says goodbye.
    Left,
    /// The presence is older than one already seen.
    Stale,
}

impl Roster {
    /// Adds a member whose chain holds. One already known stays as it is.
    pub(super) fn introduce(&mut self, member: VerifiedMember, now: Mono) {
        let seat = Seat { member, presence: None, name: String::new(), newest: None, gone_at: now };
        self.seats.entry(seat.member.author()).or_insert(seat);
    }

    /// Returns a member's checked chain.
    #[must_use]
    pub fn member(&self, author: &AuthorId) -> Option<&VerifiedMember> {
        self.seats.get(author).map(|seat| &seat.member)
    }

    /// Forgets the member that is gone for longest among those that `may_go`, and returns who that was.
    pub(super) fn forget_one(&mut self, may_go: impl Fn(&VerifiedMember) -> bool) -> Option<AuthorId> {
        let gone = self.seats.iter().filter(|(_, seat)| seat.presence.is_none() && may_go(&seat.member));
        let author = *gone.min_by_key(|(_, seat)| seat.gone_at)?.0;
        self.seats.remove(&author);
        Some(author)
    }

    /// Returns the members that are here, in order of their ids.
    pub fn here(&self) -> impl Iterator<Item = (&VerifiedMember, &Presence)> {
        self.seats.values().filter_map(|seat| Some((&seat.member, seat.presence.as_ref()?)))
    }

    /// Returns what a member called itself last, while it is remembered.
    #[must_use]
    pub fn last_name(&self, author: &AuthorId) -> Option<&str> {
        self.seats.get(author).map(|seat| seat.name.as_str())
    }

    /// Returns how many members are known, here or not.
    #[must_use]
    pub fn known(&self) -> usize {
        self.seats.len()
    }

    /// Takes a presence that was checked to be the member's own.
    pub(super) fn hear(&mut self, author: AuthorId, at: (Epoch, u64), presence: Presence, now: Mono) -> Heard {
        let Some(seat) = self.seats.get_mut(&author) else { return Heard::Stale };
        if seat.newest.is_some_and(|newest| at <= newest) {
            return Heard::Stale;
        }
        seat.newest = Some(at);
        seat.gone_at = now.after_us(SILENCE_US_MAX);
        if presence.leaving {
            return if seat.presence.take().is_some() { Heard::Left } else { Heard::Stale };
        }
        seat.name.clone_from(&presence.name);
        match seat.presence.replace(presence) {
            None => Heard::Joined,
            Some(before) if seat.presence.as_ref() == Some(&before) => Heard::Same,
            Some(_) => Heard::Changed,
        }
    }

    /// Notes that a relay lost a member's connection: it leaves soon unless it is heard again.
    pub(super) fn handle_gone(&mut self, author: &AuthorId, now: Mono) {
        if let Some(seat) = self.seats.get_mut(author) {
            seat.gone_at = seat.gone_at.min(now.after_us(MOVE_US_MAX));
        }
    }

    /// Forgets the presence of everybody who was silent for too long, and returns who that was.
    pub(super) fn expire(&mut self, now: Mono) -> Vec<AuthorId> {
        self.take_off(|seat| seat.gone_at <= now)
    }

    /// Takes the members that `must_go` off the list, and returns who that was.
    pub(super) fn dismiss(&mut self, must_go: impl Fn(&VerifiedMember) -> bool) -> Vec<AuthorId> {
        self.take_off(|seat| must_go(&seat.member))
    }

    fn take_off(&mut self, must_go: impl Fn(&Seat) -> bool) -> Vec<AuthorId> {
        let gone = self.seats.values_mut().filter(|seat| seat.presence.is_some() && must_go(seat));
        gone.map(|seat| {
            seat.presence = None;
            seat.member.author()
        })
        .collect()
    }

    /// Returns when somebody may fall silent next.
    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.seats.values().filter(|seat| seat.presence.is_some()).map(|seat| seat.gone_at).min()
    }
}
