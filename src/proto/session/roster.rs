//! Who is in the session: chains that were checked, and who was heard lately.
//!
//! member chain --introduce--> known; presence --hear--> here; silence or goodbye --expire--> gone
//!
//! Always: a member is `here` once before it is gone. Timings: PROTOCOL.md 13.

use crate::proto::doc::Presence;
use crate::proto::id::{AuthorId, Epoch};
use crate::proto::limits::{AUTHORS_MAX, SILENCE_US_MAX};
use crate::proto::member::VerifiedMember;
use crate::proto::sorted::SortedMap;
use crate::proto::time::Mono;

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
    seats: SortedMap<AuthorId, Seat>,
    /// Who wrote something and has no seat any more, or never had one here: chain and last name.
    past: SortedMap<AuthorId, (VerifiedMember, String)>,
    here: usize,
    /// Nobody falls silent before this time, and perhaps nobody does then: asked for with every frame, it is only
    /// worked out anew when it has come.
    silence_at: Option<Mono>,
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

    /// Returns everybody whose chain is known, here or not, in order of their ids.
    pub fn all(&self) -> impl Iterator<Item = &VerifiedMember> {
        self.seats.values().map(|seat| &seat.member)
    }

    /// Takes the seat of the member that is gone for longest among those that `may_go`, and returns who that was.
    pub(super) fn forget_one(&mut self, may_go: impl Fn(&VerifiedMember) -> bool) -> Option<(VerifiedMember, String)> {
        let gone = self.seats.iter().filter(|(_, seat)| seat.presence.is_none() && may_go(&seat.member));
        let author = *gone.min_by_key(|(_, seat)| seat.gone_at)?.0;
        self.seats.remove(&author).map(|seat| (seat.member, seat.name))
    }

    /// Remembers who wrote something that is still there, and what it called itself, without giving it a seat.
    pub(super) fn remember(&mut self, member: VerifiedMember, name: String) {
        if self.past.len() < AUTHORS_MAX {
            self.past.insert(member.author(), (member, name));
        }
    }

    /// Returns the checked chain and the last name of anybody who wrote something, be it here, gone, or from before this
    /// peer came. Of names from before, the host alone has told; none is proven.
    #[must_use]
    pub fn writer(&self, author: &AuthorId) -> Option<(&VerifiedMember, &str)> {
        let past = self.past.get(author).map(|(member, name)| (member, name.as_str()));
        let Some(seat) = self.seats.get(author) else { return past };
        let before = past.map_or("", |(_, name)| name);
        Some((&seat.member, if seat.name.is_empty() { before } else { &seat.name }))
    }

    /// Returns the members that are here, in order of their ids.
    pub fn here(&self) -> impl Iterator<Item = (&VerifiedMember, &Presence)> {
        self.seats.values().filter_map(|seat| Some((&seat.member, seat.presence.as_ref()?)))
    }

    /// Returns how many members are here.
    #[must_use]
    pub const fn here_count(&self) -> usize {
        self.here
    }

    /// Returns the presence of a member that is here.
    #[must_use]
    pub fn presence(&self, author: &AuthorId) -> Option<&Presence> {
        self.seats.get(author)?.presence.as_ref()
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

    /// Takes the name that a member wrote under. It counts as long as the member itself was not heard.
    pub(super) fn learn_name(&mut self, author: &AuthorId, name: &str) {
        if let Some(seat) = self.seats.get_mut(author).filter(|seat| seat.newest.is_none()) {
            name.clone_into(&mut seat.name);
        }
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
            let was_here = seat.presence.take().is_some();
            self.here -= usize::from(was_here);
            return if was_here { Heard::Left } else { Heard::Stale };
        }
        seat.name.clone_from(&presence.name);
        let before = seat.presence.replace(presence);
        let heard = match &before {
            None => Heard::Joined,
            Some(_) if seat.presence == before => Heard::Same,
            Some(_) => Heard::Changed,
        };
        self.here += usize::from(heard == Heard::Joined);
        self.expect_silence(now.after_us(SILENCE_US_MAX));
        heard
    }

    fn expect_silence(&mut self, at: Mono) {
        self.silence_at = Some(self.silence_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Notes that a relay lost a member's connection: it leaves soon unless it is heard again.
    pub(super) fn handle_gone(&mut self, author: &AuthorId, now: Mono) {
        let gone_at = now.after_us(MOVE_US_MAX);
        if let Some(seat) = self.seats.get_mut(author).filter(|seat| seat.presence.is_some()) {
            seat.gone_at = seat.gone_at.min(gone_at);
            self.expect_silence(gone_at);
        }
    }

    /// Forgets the presence of everybody who was silent for too long, and returns who that was.
    pub(super) fn expire(&mut self, now: Mono) -> Vec<AuthorId> {
        if self.silence_at.is_none_or(|at| now < at) {
            return Vec::new();
        }
        let gone = self.take_off(|seat| seat.gone_at <= now);
        let here = self.seats.values().filter(|seat| seat.presence.is_some());
        self.silence_at = here.map(|seat| seat.gone_at).min();
        gone
    }

    /// Takes the members that `must_go` off the list, and returns who that was.
    pub(super) fn dismiss(&mut self, must_go: impl Fn(&VerifiedMember) -> bool) -> Vec<AuthorId> {
        self.take_off(|seat| must_go(&seat.member))
    }

    fn take_off(&mut self, must_go: impl Fn(&Seat) -> bool) -> Vec<AuthorId> {
        let gone = self.seats.values_mut().filter(|seat| seat.presence.is_some() && must_go(seat));
        let gone: Vec<_> = gone
            .map(|seat| {
                seat.presence = None;
                seat.member.author()
            })
            .collect();
        self.here -= gone.len();
        gone
    }

    /// Returns when to look for who has fallen silent.
    pub(super) const fn poll_timeout(&self) -> Option<Mono> {
        self.silence_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::member::cast::{keys, verified};

    const HEARTBEAT_US: u64 = 5_000_000;

    /// The count sets how often everybody may move, and the list is what people look at: both must follow silence
    /// exactly, although nobody looks through the seats before the time has come.
    #[test]
    fn each_falls_silent_at_its_own_time() {
        let mut roster = Roster::default();
        let [ada, ben] = [1, 2].map(|seed| {
            let member = verified(&keys(seed));
            let author = member.author();
            roster.introduce(member, Mono(0));
            author
        });
        let hear =
            |roster: &mut Roster, author, seq, at| roster.hear(author, (Epoch(0), seq), Presence::default(), Mono(at));
        assert_eq!(hear(&mut roster, ada, 0, 0), Heard::Joined);
        assert_eq!(hear(&mut roster, ben, 0, HEARTBEAT_US), Heard::Joined);
        assert_eq!(hear(&mut roster, ada, 1, 2 * HEARTBEAT_US), Heard::Same);

        let steps = [(3, vec![], 2), (4, vec![ben], 1), (5, vec![ada], 0)];
        for (beats, silent, here) in steps {
            let now = Mono(beats * HEARTBEAT_US);
            assert!(roster.poll_timeout().is_some_and(|at| at <= now), "somebody looks by {now:?}");
            assert_eq!(roster.expire(Mono(now.0 - 1)), []);
            assert_eq!(roster.expire(now), silent);
            assert_eq!((roster.here_count(), roster.here().count()), (here, here));
        }
        assert_eq!(roster.poll_timeout(), None);
    }
}
