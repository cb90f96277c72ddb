//! A relay's list of its sessions, put together from its answers.
//!
//! Always: each answer leads further than the one before, and there are so many at most: who lies neither sends us round
//! in circles nor fills our memory.

use super::SESSIONS_MAX;
use super::answer::SessionList;
use crate::proto::id::SessionId;
use crate::proto::relay::SessionStats;

/// Answers that one list can have: a hundred times what a relay holds that its operator left alone.
const ANSWERS_MAX: usize = 1_000;

/// What has come of the list.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) sessions: Vec<SessionStats>,
    answers: usize,
}

impl Listing {
    /// Takes the next answer, and returns behind which session to go on, unless that was all.
    ///
    /// # Errors
    ///
    /// What shows that whoever answers is no relay.
    pub(super) fn take(&mut self, answer: SessionList) -> Result<Option<SessionId>, &'static str> {
        let SessionList { sessions, next } = answer;
        let name = |sessions: &[SessionStats]| sessions.last().map(|last| last.session);
        let (before, last) = (name(&self.sessions), name(&sessions));
        self.answers += 1;
        if sessions.len() > SESSIONS_MAX {
            return Err("it lists more sessions at once than were asked for");
        }
        if next.is_some() && (next != last || last <= before) {
            return Err("its list leads nowhere");
        }
        if next.is_some() && self.answers >= ANSWERS_MAX {
            return Err("its list has no end");
        }
        self.sessions.extend(sessions);
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::relay::Counts;
    use crate::proto::time::Wall;

    fn id(number: usize) -> SessionId {
        SessionId(u128::try_from(number).unwrap().to_be_bytes())
    }

    fn answer(sessions: impl IntoIterator<Item = usize>, next: Option<usize>) -> SessionList {
        let stats = |number| SessionStats {
            session: id(number),
            since: Wall(0),
            empty_since: None,
            ended: None,
            is_host_here: true,
            counts: Counts { members: 1, members_most: 1, watching: 0, views: 0 },
            waiting: 0,
            log_records: 4,
            bytes_stored: 0,
            bytes_live: 0,
            bytes_in: 0,
            bytes_out: 0,
        };
        SessionList { sessions: sessions.into_iter().map(stats).collect(), next: next.map(id) }
    }

    /// An operator has to see all of it, however many answers it takes.
    #[test]
    fn list_is_put_together() {
        let mut listing = Listing::default();
        assert_eq!(listing.take(answer([1, 2], Some(2))), Ok(Some(id(2))));
        assert_eq!(listing.take(answer([7], Some(7))), Ok(Some(id(7))));
        assert_eq!(listing.take(answer([], None)), Ok(None), "the others have ended meanwhile");
        assert_eq!(listing.sessions.iter().map(|stats| stats.session).collect::<Vec<_>>(), [1, 2, 7].map(id));
    }

    /// Somebody in the relay's place must not keep a script busy for ever, nor have it fill its machine.
    #[test]
    fn list_that_cannot_be_one_is_refused() {
        let after = |first: SessionList, next: SessionList| {
            let mut listing = Listing::default();
            listing.take(first).unwrap();
            listing.take(next)
        };
        assert!(after(answer([3], Some(3)), answer([3], Some(3))).is_err(), "the same again");
        assert!(after(answer([3], Some(3)), answer([2], Some(2))).is_err(), "backwards");
        assert!(after(answer([3], Some(3)), answer([], Some(4))).is_err(), "on and on with nothing in it");
        assert!(after(answer([3], Some(3)), answer([4], Some(5))).is_err(), "past some that are not shown");
        assert!(Listing::default().take(answer(0..=SESSIONS_MAX, None)).is_err());
        let mut endless = Listing::default();
        let taken = (0..).map_while(|number| endless.take(answer([number], Some(number))).ok()).take(2 * ANSWERS_MAX);
        assert_eq!(taken.count(), ANSWERS_MAX - 1);
    }
}
