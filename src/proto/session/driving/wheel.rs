//! Who may type into one pane: the policy, who drives, who would like to, and the lines that the owner reads first.
//!
//! `handle_*`, verbs --> [`Wheel`] --[`Passage`], [`Turn`]--> the host, which tells everybody
//!
//! Always: under [`DriverPolicy::One`] nobody's keys pass but the driver's; under [`DriverPolicy::ApproveLines`]
//! nothing passes that was not answered with yes. PROTOCOL.md 15.

use super::lines::{Line, Lines};
use crate::proto::audit::Receipt;
use crate::proto::doc::PanePolicy;
use crate::proto::id::AuthorId;
use crate::proto::limits::{AUTHORS_MAX, LINE_MEMBERS_MAX};
use crate::proto::sorted::SortedMap;
use crate::proto::terminal::Wish;
use crate::proto::time::Mono;

/// How long a driver may be idle unless said otherwise, in milliseconds.
pub const DRIVER_LAPSE_MS: u64 = 60_000;

/// Whose keys reach a pane's program. The host enforces it; its own keyboard is never asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DriverPolicy {
    /// Those of everybody whose link allows typing.
    #[default]
    Everybody,
    /// Those of one member at a time. Whoever asks first while the pane is free drives it.
    One {
        /// How long a driver may type nothing before the pane is free again, in milliseconds.
        lapse_ms: u64,
    },
    /// Lines that the owner has read and let pass. Keys that are no part of a line do nothing.
    ApproveLines,
}

impl DriverPolicy {
    /// One driver at a time, who loses the pane after [`DRIVER_LAPSE_MS`] without a key.
    pub const ONE: Self = Self::One { lapse_ms: DRIVER_LAPSE_MS };

    /// Returns what everybody is shown of it.
    #[must_use]
    pub const fn shown(self) -> PanePolicy {
        match self {
            Self::Everybody => PanePolicy::Everybody,
            Self::One { .. } => PanePolicy::OneDriver,
            Self::ApproveLines => PanePolicy::ApprovedLines,
        }
    }
}

/// What becomes of something typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::proto::session) enum Passage {
    /// The program gets it.
    Through,
    /// The member does not drive.
    NotDriving,
    /// It is part of a line; what else is to be told.
    Gathered {
        /// The owner is to be asked about this line now.
        proposed: Option<String>,
        /// The member is to be told that the owner is asked.
        waits: bool,
        /// The member is to be told that a line was dropped.
        dropped: bool,
    },
}

/// What asking for the wheel, or letting it go, has changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::proto::session) struct Turn {
    /// Somebody else drives now, or nobody.
    pub(in crate::proto::session) has_changed: bool,
    /// The member has to wait, and did not before.
    pub(in crate::proto::session) is_queued: bool,
}

/// Who drives.
#[derive(Clone, Copy, Debug)]
struct Driver {
    author: AuthorId,
    typed: Mono,
    /// It was seen in the session: if it is not any more, it has left.
    was_here: bool,
}

/// Whether a member still has a claim.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proto::session) enum Standing {
    /// It is in the session.
    Here,
    /// It may type, but was not heard lately, or never.
    Away,
    /// It may not type any more.
    Out,
}

/// The state of one pane.
#[derive(Debug, Default)]
pub(in crate::proto::session) struct Wheel {
    policy: DriverPolicy,
    driver: Option<Driver>,
    /// In the order in which they asked, with the entry that did.
    wishes: Vec<(AuthorId, u64)>,
    lines: SortedMap<AuthorId, Lines>,
}

impl Wheel {
    pub(in crate::proto::session) const fn policy(&self) -> DriverPolicy {
        self.policy
    }

    pub(in crate::proto::session) fn driver(&self) -> Option<AuthorId> {
        self.driver.map(|driver| driver.author)
    }

    /// Returns who waits to drive, first come first.
    pub(in crate::proto::session) fn wishes(&self) -> impl Iterator<Item = AuthorId> {
        self.wishes.iter().map(|(author, _)| *author)
    }

    /// Returns everybody whose standing matters here.
    pub(in crate::proto::session) fn concerned(&self) -> impl Iterator<Item = AuthorId> {
        self.driver().into_iter().chain(self.wishes()).chain(self.lines.keys().copied())
    }

    /// Starts another policy and returns who waited in vain, and for what: the entry that asked.
    pub(in crate::proto::session) fn set_policy(&mut self, policy: DriverPolicy) -> Disappointed {
        let before = std::mem::replace(&mut self.policy, policy);
        if before.shown() == policy.shown() {
            return Disappointed::default();
        }
        self.driver = None;
        let lines = std::mem::take(&mut self.lines);
        let lines = lines.into_iter().filter_map(|(author, mut lines)| Some((author, lines.pop()?.receipt.seq())));
        Disappointed { wishes: std::mem::take(&mut self.wishes), lines: lines.collect() }
    }

    /// Says what becomes of `bytes`; under [`DriverPolicy::One`] the driver's lapse begins anew.
    pub(in crate::proto::session) fn handle_input(
        &mut self,
        author: AuthorId,
        bytes: &[u8],
        receipt: &Receipt,
        now: Mono,
    ) -> Passage {
        match self.policy {
            DriverPolicy::Everybody => Passage::Through,
            DriverPolicy::One { .. } => match self.driver.as_mut().filter(|driver| driver.author == author) {
                Some(driver) => {
                    driver.typed = now;
                    Passage::Through
                }
                None => Passage::NotDriving,
            },
            DriverPolicy::ApproveLines => self.gather(author, bytes, receipt),
        }
    }

    fn gather(&mut self, author: AuthorId, bytes: &[u8], receipt: &Receipt) -> Passage {
        if self.lines.len() >= LINE_MEMBERS_MAX && !self.lines.contains_key(&author) {
            return Passage::Gathered { proposed: None, waits: false, dropped: true };
        }
        let lines = self.lines.entry(author).or_default();
        let was_asked = lines.front().is_some();
        let gathered = lines.push(bytes, receipt);
        let proposed = if was_asked { None } else { lines.front().map(|line| line.shown.clone()) };
        if lines.is_empty() {
            self.lines.remove(&author);
        }
        Passage::Gathered { proposed, waits: gathered.has_ended_a_line, dropped: gathered.has_dropped_a_line }
    }

    /// Takes the line that the owner has answered.
    pub(in crate::proto::session) fn answer(&mut self, author: &AuthorId) -> Option<Line> {
        let lines = self.lines.get_mut(author)?;
        let line = lines.pop();
        if lines.is_empty() {
            self.lines.remove(author);
        }
        line
    }

    /// Returns the line of a member that the owner is asked about.
    pub(in crate::proto::session) fn proposed(&self, author: &AuthorId) -> Option<&str> {
        Some(&self.lines.get(author)?.front()?.shown)
    }

    /// Returns all lines that the owner is asked about.
    pub(in crate::proto::session) fn all_proposed(&self) -> impl Iterator<Item = (AuthorId, &str)> {
        self.lines.iter().filter_map(|(author, lines)| Some((*author, lines.front()?.shown.as_str())))
    }

    /// Takes what a member wants of the wheel. Where everybody drives, or nobody does, there is nothing to want.
    pub(in crate::proto::session) fn handle_wish(
        &mut self,
        author: AuthorId,
        wish: Wish,
        seq: u64,
        now: Mono,
        standing: impl Fn(&AuthorId) -> Standing,
    ) -> Turn {
        if !matches!(self.policy, DriverPolicy::One { .. }) {
            return Turn::default();
        }
        match (wish, self.driver()) {
            (Wish::Take, Some(driver)) if driver == author => Turn::default(),
            (Wish::Take, None) => {
                self.seat(author, now);
                Turn { has_changed: true, is_queued: false }
            }
            (Wish::Take, Some(_)) => {
                let is_new = self.wishes().all(|waiting| waiting != author) && self.wishes.len() < AUTHORS_MAX;
                if is_new {
                    self.wishes.push((author, seq));
                }
                Turn { has_changed: false, is_queued: is_new }
            }
            (Wish::GiveBack, driver) => {
                self.wishes.retain(|(waiting, _)| *waiting != author);
                let drives = driver == Some(author);
                if drives {
                    self.pass_on(now, standing);
                }
                Turn { has_changed: drives, is_queued: false }
            }
        }
    }

    /// Has `author` drive, whoever did before.
    pub(in crate::proto::session) fn seat(&mut self, author: AuthorId, now: Mono) {
        self.wishes.retain(|(waiting, _)| *waiting != author);
        self.driver = Some(Driver { author, typed: now, was_here: false });
    }

    /// Takes the wheel from whoever has it and forgets who waits, whom it returns: the pane is free.
    pub(in crate::proto::session) fn take_back(&mut self) -> Vec<(AuthorId, u64)> {
        self.driver = None;
        std::mem::take(&mut self.wishes)
    }

    /// Hands the wheel to the first who waits and is here.
    fn pass_on(&mut self, now: Mono, standing: impl Fn(&AuthorId) -> Standing) {
        self.driver = None;
        while self.driver.is_none() && !self.wishes.is_empty() {
            let (author, _) = self.wishes.remove(0);
            if standing(&author) == Standing::Here {
                self.driver = Some(Driver { author, typed: now, was_here: true });
            }
        }
    }

    /// Returns when the driver has been idle for too long. Of the host's own keys nothing is seen: `me` does not lapse.
    fn lapses_at(&self, me: AuthorId) -> Option<Mono> {
        let DriverPolicy::One { lapse_ms } = self.policy else { return None };
        let driver = self.driver.filter(|driver| driver.author != me)?;
        Some(driver.typed.after_us(lapse_ms.saturating_mul(1_000)))
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(in crate::proto::session) fn poll_timeout(
        &self,
        me: AuthorId,
        standing: impl Fn(&AuthorId) -> Standing,
    ) -> Option<Mono> {
        let is_gone = |driver: &Driver| match standing(&driver.author) {
            Standing::Here => !driver.was_here,
            Standing::Away => driver.was_here,
            Standing::Out => true,
        };
        let someone_left = self.driver.is_some_and(|driver| driver.author != me && is_gone(&driver));
        let no_claim = self.lines.keys().any(|author| standing(author) == Standing::Out);
        if someone_left || no_claim { Some(Mono(0)) } else { self.lapses_at(me) }
    }

    /// Takes the wheel from who has left or fallen idle, and forgets the lines of who may not type any more; true if
    /// somebody else drives now.
    pub(in crate::proto::session) fn handle_timeout(
        &mut self,
        me: AuthorId,
        now: Mono,
        standing: impl Fn(&AuthorId) -> Standing,
    ) -> bool {
        self.lines.retain(|author, _| standing(author) != Standing::Out);
        self.wishes.retain(|(author, _)| standing(author) != Standing::Out);
        let is_idle = self.lapses_at(me).is_some_and(|at| at <= now);
        let Some(driver) = self.driver.as_mut().filter(|driver| driver.author != me) else { return false };
        let standing_now = standing(&driver.author);
        let has_left = standing_now == Standing::Out || standing_now == Standing::Away && driver.was_here;
        driver.was_here |= standing_now == Standing::Here;
        if is_idle || has_left {
            self.pass_on(now, standing);
        }
        is_idle || has_left
    }
}

/// Who waited for something that will not come, each with the entry that asked.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::proto::session) struct Disappointed {
    pub(in crate::proto::session) wishes: Vec<(AuthorId, u64)>,
    pub(in crate::proto::session) lines: Vec<(AuthorId, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const ADA: AuthorId = AuthorId([1; 16]);
    const BEN: AuthorId = AuthorId([2; 16]);
    const EVE: AuthorId = AuthorId([3; 16]);

    const fn here(_: &AuthorId) -> Standing {
        Standing::Here
    }

    fn one_driver() -> Wheel {
        let mut wheel = Wheel::default();
        wheel.set_policy(DriverPolicy::One { lapse_ms: 10 });
        wheel
    }

    fn types(wheel: &mut Wheel, author: AuthorId, now: Mono) -> bool {
        wheel.handle_input(author, b"x", &Receipt::blank(), now) == Passage::Through
    }

    /// Two people at one keyboard: the first to ask drives, the second waits and comes next.
    #[test]
    fn first_to_ask_drives_and_the_next_one_follows() {
        let mut wheel = one_driver();
        assert!(!types(&mut wheel, BEN, Mono(0)), "a free pane takes nobody's keys");
        let turn = wheel.handle_wish(BEN, Wish::Take, 1, Mono(0), here);
        assert_eq!(turn, Turn { has_changed: true, is_queued: false });
        let turn = wheel.handle_wish(EVE, Wish::Take, 1, Mono(0), here);
        assert_eq!(turn, Turn { has_changed: false, is_queued: true });
        assert_eq!(wheel.handle_wish(EVE, Wish::Take, 2, Mono(0), here), Turn::default(), "told once");
        assert!(types(&mut wheel, BEN, Mono(0)) && !types(&mut wheel, EVE, Mono(0)));
        assert!(wheel.handle_wish(BEN, Wish::GiveBack, 2, Mono(0), here).has_changed);
        assert_eq!(wheel.driver(), Some(EVE));
    }

    /// Who goes for coffee must not hold the pane; who types keeps it.
    #[test]
    fn idle_driver_loses_the_wheel_exactly_at_the_limit() {
        let mut wheel = one_driver();
        wheel.handle_wish(BEN, Wish::Take, 1, Mono(0), here);
        assert!(!wheel.handle_timeout(ADA, Mono(9_000), here));
        assert!(types(&mut wheel, BEN, Mono(9_000)));
        assert_eq!(wheel.poll_timeout(ADA, here), Some(Mono(19_000)));
        assert!(!wheel.handle_timeout(ADA, Mono(18_999), here));
        assert!(wheel.handle_timeout(ADA, Mono(19_000), here));
        assert_eq!(wheel.driver(), None);
        wheel.seat(ADA, Mono(0));
        assert_eq!(wheel.poll_timeout(ADA, here), None, "the host types beside the machine");
    }

    /// Whoever is thrown out, leaves or falls silent frees the pane for the next.
    #[test]
    fn driver_who_left_frees_the_wheel() {
        for gone in [Standing::Out, Standing::Away] {
            let mut wheel = one_driver();
            wheel.handle_wish(BEN, Wish::Take, 1, Mono(0), here);
            wheel.handle_timeout(ADA, Mono(1), here);
            let left = move |author: &AuthorId| if *author == BEN { gone } else { Standing::Here };
            assert_eq!(wheel.poll_timeout(ADA, left), Some(Mono(0)), "at once");
            assert!(wheel.handle_timeout(ADA, Mono(2), left));
            assert_eq!(wheel.driver(), None);
        }
    }

    /// A member that never says that it is here, as its link does not let it, drives until it is idle.
    #[test]
    fn driver_who_was_never_seen_has_not_left() {
        let mut wheel = one_driver();
        wheel.handle_wish(BEN, Wish::Take, 1, Mono(0), here);
        assert!(!wheel.handle_timeout(ADA, Mono(2), |_| Standing::Away));
        assert_eq!(wheel.driver(), Some(BEN));
    }

    /// Another policy is a new start: nobody keeps waiting for what cannot come.
    #[test]
    fn another_policy_disappoints_who_waits() {
        let mut wheel = one_driver();
        wheel.handle_wish(BEN, Wish::Take, 1, Mono(0), here);
        wheel.handle_wish(EVE, Wish::Take, 7, Mono(0), here);
        assert_eq!(wheel.set_policy(DriverPolicy::ONE), Disappointed::default(), "only the lapse differs");
        assert_eq!(wheel.driver(), Some(BEN));
        let disappointed = wheel.set_policy(DriverPolicy::ApproveLines);
        assert_eq!((disappointed.wishes, wheel.driver()), (vec![(EVE, 7)], None));
    }

    proptest! {
        /// Whatever is asked, given back and lost in whatever order: one member at most gets through, and it is the one
        /// that everybody is shown.
        #[test]
        fn only_the_driver_types(steps in vec((0u8..4, 0u8..3, 0u64..15_000), 0..60)) {
            let mut wheel = one_driver();
            let mut now = Mono(0);
            for (what, who, gap) in steps {
                now = now.after_us(gap);
                let author = AuthorId([who + 2; 16]);
                let standing = |other: &AuthorId| if what == 3 && *other == author { Standing::Out } else { Standing::Here };
                match what {
                    0 => {
                        wheel.handle_wish(author, Wish::Take, 1, now, standing);
                    }
                    1 => {
                        wheel.handle_wish(author, Wish::GiveBack, 1, now, standing);
                    }
                    2 => wheel.seat(author, now),
                    _ => {
                        wheel.handle_timeout(ADA, now, standing);
                    }
                }
                let driver = wheel.driver();
                for other in [2, 3, 4].map(|seed| AuthorId([seed; 16])) {
                    prop_assert!(driver == Some(other) || !types(&mut wheel, other, now));
                }
                prop_assert!(wheel.wishes().all(|waiting| Some(waiting) != driver));
            }
        }
    }
}
