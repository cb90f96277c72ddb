//! Scenarios drawn from a seed: who takes part, over which paths, what they do, and what goes wrong.

use super::dice::Dice;
use super::pipe::Weather;
use super::play::Trial;
use cahoots::proto::session::ShareTerms;
use cahoots::proto::token::Access;
use std::fmt;

/// Which halls a guest dials. 0 is the relay, 1 the host's own for its LAN.
pub(crate) const RELAY: usize = 0;
/// See [`RELAY`].
pub(crate) const LAN: usize = 1;

/// One share that the owner issues at the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharePlan {
    pub(crate) access: Access,
    pub(crate) lasts_ms: u64,
    pub(crate) approve: bool,
    pub(crate) once: bool,
    pub(crate) may_pass_on: bool,
}

/// One guest.
#[derive(Clone, Debug)]
pub(crate) struct GuestPlan {
    /// Which of the plan's shares it comes by.
    pub(crate) share: usize,
    /// Whether it comes by the share that was passed on last, where there is one.
    pub(crate) by_passed_on: bool,
    pub(crate) halls: Vec<usize>,
    pub(crate) skew_ms: i64,
}

/// What a program writes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Output {
    Text,
    Escapes,
    Wide,
    FullScreen,
    Burst,
}

/// One thing that somebody does or that happens to them. `usize`: a member, 0 the host, taken modulo who is there.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Say(usize),
    React(usize),
    Note(usize),
    Forget(usize),
    App(usize),
    Title(usize),
    Point(usize),
    Name(usize),
    Type(usize, u16, u64),
    Write(u16, Output),
    Resize(u16, u16, u16),
    OpenPane,
    EndPane(u16),
    Join,
    Leave(usize),
    PassOn(usize, SharePlan),
    CloseShare(usize),
    Kick(usize),
    RevokeAll,
    Rekey,
    BeginAnew,
    /// The owner lets the first that waits in, or does not.
    Answer(bool),
    Sleep(usize, u64),
    Silence(usize, usize, u64),
    Hold(usize, usize, u64),
    Cut(usize, usize),
    Blow(usize, usize, Weather),
    Restart(usize, bool),
    Lie(usize),
    Rewatch(usize),
}

/// A whole scenario.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) has_lan: bool,
    pub(crate) host_skew_ms: i64,
    pub(crate) shares: Vec<SharePlan>,
    pub(crate) guests: Vec<GuestPlan>,
    /// How many guests start at once; the others come with [`Act::Join`], or at the end.
    pub(crate) early: usize,
    /// Whether the owner ends the session once all is well.
    pub(crate) ends: bool,
    /// Who breaks the rules once all is well, and how.
    pub(crate) trial: Option<Trial>,
    pub(crate) acts: Vec<(u64, Act)>,
}

/// How far clocks are off at most, in milliseconds: a little less than is allowed for, since messages take time.
const SKEW_MS_MAX: u64 = 118_000;
/// How long a share lasts that outlives the run, in milliseconds.
pub(crate) const LONG_MS: u64 = 86_400_000;

impl SharePlan {
    fn draw(dice: &mut Dice, access: Access) -> Self {
        let (approve, once) = (dice.chance(10), dice.chance(5));
        Self { access, lasts_ms: LONG_MS, approve, once, may_pass_on: !once && dice.chance(40) }
    }

    fn draw_below(dice: &mut Dice) -> Self {
        let access = *dice.pick(&[Access::View, Access::View, Access::Interact]);
        let lasts_ms = if dice.chance(10) { 20_000 } else { LONG_MS };
        Self { access, lasts_ms, approve: dice.chance(10), once: false, may_pass_on: false }
    }

    pub(crate) fn terms(&self) -> ShareTerms {
        let Self { access, lasts_ms, approve, once, may_pass_on } = *self;
        ShareTerms { lasts_ms, approve, once, may_pass_on, ..ShareTerms::new(access) }
    }
}

impl Plan {
    pub(crate) fn draw(seed: u64) -> Self {
        let dice = &mut Dice::new(seed, "plan");
        let has_lan = dice.chance(40);
        let skew = |dice: &mut Dice| {
            if dice.chance(30) { dice.below(2 * SKEW_MS_MAX + 1) as i64 - SKEW_MS_MAX as i64 } else { 0 }
        };
        let mut shares = vec![SharePlan::draw(dice, Access::Interact), SharePlan::draw(dice, Access::View)];
        for _ in 0..dice.below(2) {
            let access = *dice.pick(&[Access::View, Access::Interact, Access::Own]);
            shares.push(SharePlan::draw(dice, access));
        }
        if dice.chance(6) {
            dice.pick_mut(&mut shares).lasts_ms = dice.between(5_000, 90_000);
        }
        let many = dice.chance(5);
        let guests: Vec<_> = (0..dice.between(1, if many { 5 } else { 3 }))
            .map(|_| GuestPlan {
                share: if dice.chance(60) { 0 } else { dice.index(shares.len()) },
                by_passed_on: dice.chance(25),
                halls: match dice.below(4) {
                    0 if has_lan => vec![LAN],
                    1 if has_lan => vec![RELAY, LAN],
                    _ => vec![RELAY],
                },
                skew_ms: skew(dice),
            })
            .collect();
        let early = dice.index(guests.len() + 1);
        let host_skew_ms = skew(dice);
        let ends = dice.chance(20);
        let trial = dice.chance(20).then(|| Trial::draw(dice));
        let mut plan = Self { seed, has_lan, host_skew_ms, shares, guests, early, ends, trial, acts: Vec::new() };
        // Calm runs find other bugs than stormy ones; liars are rare, since little can be required meanwhile.
        let (fault_percent, may_lie) = (*dice.pick(&[0, 10, 25, 50]), dice.chance(15));
        let mut at_us = 0;
        for _ in 0..dice.between(15, 60) {
            at_us += *dice.pick(&[0, 1_000, 20_000, 100_000, 500_000, 2_000_000]);
            let act = if dice.chance(fault_percent) { plan.fault(dice, may_lie) } else { plan.deed(dice) };
            plan.acts.push((at_us, act));
        }
        plan
    }

    fn deed(&self, dice: &mut Dice) -> Act {
        let who = dice.index(self.guests.len() + 1);
        let pane = dice.below(3) as u16;
        match dice.below(100) {
            0..15 => Act::Say(who),
            15..18 => Act::React(who),
            18..26 => Act::Note(who),
            26..29 => Act::Forget(who),
            29..33 => Act::App(who),
            33..35 => Act::Title(who),
            35..38 => Act::Point(who),
            38..40 => Act::Name(who),
            40..57 => Act::Type(who, pane, *dice.pick(&[1, 1, 3, 20, 200, 20_000, 200_000])),
            57..80 => Act::Write(pane, draw_output(dice)),
            80..84 => Act::Resize(pane, dice.between(2, 120) as u16, dice.between(2, 50) as u16),
            84..87 => Act::OpenPane,
            87..88 => Act::EndPane(pane),
            88..93 => Act::Join,
            93..95 => Act::Leave(who.max(1)),
            95 => self.deed_of_owner(dice),
            96 => Act::Answer(dice.chance(75)),
            97 => Act::PassOn(who.max(1), SharePlan::draw_below(dice)),
            _ => Act::Rewatch(who.max(1)),
        }
    }

    fn deed_of_owner(&self, dice: &mut Dice) -> Act {
        match dice.below(20) {
            0..6 => Act::CloseShare(dice.index(self.shares.len() + 2)),
            6..12 => Act::Kick(1 + dice.index(self.guests.len())),
            12..13 => Act::RevokeAll,
            _ if dice.chance(50) => Act::Rekey,
            _ => Act::BeginAnew,
        }
    }

    fn fault(&self, dice: &mut Dice, may_lie: bool) -> Act {
        let who = dice.index(self.guests.len() + 1);
        let hall = if self.has_lan && dice.chance(30) { LAN } else { RELAY };
        let us = *dice.pick(&[50_000, 500_000, 3_000_000, 14_000_000, 20_000_000, 60_000_000]);
        match dice.below(if may_lie { 20 } else { 18 }) {
            0..3 => Act::Sleep(who, us),
            3..6 => Act::Silence(who, hall, us),
            6..8 => Act::Hold(who, hall, us.min(3_000_000)),
            8..12 => Act::Cut(who, hall),
            12..15 => Act::Blow(who, hall, Weather::draw(dice)),
            15..18 => Act::Restart(RELAY, dice.chance(50)),
            _ => Act::Lie(hall),
        }
    }
}

fn draw_output(dice: &mut Dice) -> Output {
    match dice.below(100) {
        0..50 => Output::Text,
        50..70 => Output::Escapes,
        70..80 => Output::Wide,
        80..96 => Output::FullScreen,
        _ => Output::Burst,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan of seed {}: shares {:?}, host skew {} ms", self.seed, self.shares, self.host_skew_ms)?;
        for (index, guest) in self.guests.iter().enumerate() {
            let when = if index < self.early { "early" } else { "late" };
            writeln!(f, "  member {}: {guest:?}, {when}", index + 1)?;
        }
        self.acts.iter().try_for_each(|(at_us, act)| writeln!(f, "  {:>10.3} s {act:?}", *at_us as f64 / 1e6))?;
        self.trial.iter().try_for_each(|trial| writeln!(f, "  at last {trial:?}"))
    }
}
