//! After the storm, when all is well: one relay or one member breaks the rules in one way, and what was promised for
//! that must hold, in time. Then all must be well again among the others.

mod member;
mod relay;

use super::super::dice::Dice;
use super::super::model::{everybody_in, verdict};
use super::super::script::RELAY;
use super::{LOOK_US, Play};
use cahoots::proto::session::Alarm;

/// How soon people know of it, in microseconds.
const SOON_US: u64 = 10_000_000;
/// How long after the faults every link is either up or dialled anew, in microseconds.
const SETTLED_US: u64 = 20_000_000;
/// How soon the others have what they say to each other meanwhile, in microseconds.
const EXCHANGED_US: u64 = 5_000_000;

/// Who breaks the rules, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trial {
    /// A relay keeps what one member writes from another.
    Withhold,
    /// A relay shows one member a session without the others' words, and the others one without its.
    Fork,
    /// A relay comes back as it was some time ago; `true`: from before an epoch.
    RollBack(bool),
    /// A relay keeps the log's new records from a member.
    HideLog,
    /// A relay keeps the key of a new epoch from a member.
    KeepKey,
    /// A member writes two histories; `true`: and the relay gives each member another.
    Equivocate(bool),
    /// A member writes what no honest program writes.
    Poison(Poison),
}

/// What a member writes that nobody can take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Poison {
    /// Bytes without meaning.
    Noise,
    /// A change in somebody else's name.
    ForgedActor,
    /// A change of its own from the past or the future.
    WrongPlace,
    /// A change with some bits turned around.
    Flipped,
    /// The same change once more.
    Repeated,
    /// Nothing wrong but that it is too much.
    Flood,
    /// A few bytes that would unpack to a great many.
    Bomb,
    /// A change in an epoch that is over.
    BackDated,
}

impl Poison {
    const ALL: [Self; 8] = [
        Self::Noise,
        Self::ForgedActor,
        Self::WrongPlace,
        Self::Flipped,
        Self::Repeated,
        Self::Flood,
        Self::Bomb,
        Self::BackDated,
    ];

    /// Tells whether everybody sees that its author is at fault. What is spoilt may look as if it built on something
    /// that is still to come, and what is of the past is not looked at.
    const fn mutes(self) -> bool {
        !matches!(self, Self::Flood | Self::Flipped | Self::BackDated)
    }
}

impl Trial {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        match dice.below(9) {
            0 => Self::Withhold,
            1 => Self::Fork,
            2 | 3 => Self::RollBack(dice.chance(50)),
            4 => Self::HideLog,
            5 => Self::KeepKey,
            6 | 7 => Self::Equivocate(dice.chance(50)),
            _ => Self::Poison(*dice.pick(&Poison::ALL)),
        }
    }
}

impl Play<'_> {
    /// Plays a trial, if there is anybody in to play it with.
    pub(super) fn try_out(&mut self, trial: Trial) {
        self.world.tell(|| format!("--- trial: {trial:?}"));
        // A link that broke unnoticed is dialled anew before, so that what is told late is the trial's.
        self.run_for(SETTLED_US);
        self.world.members.iter_mut().for_each(|member| member.alarms.clear());
        self.world.model.has_slow_path = false;
        match trial {
            Trial::Withhold => self.withhold(),
            Trial::Fork => self.fork(),
            Trial::RollBack(is_over_an_epoch) => self.roll_back(is_over_an_epoch),
            Trial::HideLog => self.hide_log(),
            Trial::KeepKey => self.keep_key(),
            Trial::Equivocate(with_relay) => self.equivocate(with_relay),
            Trial::Poison(poison) => self.poison(poison),
        }
        self.await_verdict(verdict);
    }

    /// Returns a guest that is in and has no way but the relay, and somebody else who is in; the host if it must be.
    fn victim_and_another(&mut self) -> Option<(usize, usize)> {
        let everybody = everybody_in(&self.world);
        let by_relay = |index: &usize| *index > 0 && self.world.members[*index].halls == [RELAY];
        let victims: Vec<_> = everybody.iter().copied().filter(by_relay).collect();
        if victims.is_empty() {
            return None;
        }
        let victim = *self.dice.pick(&victims);
        let others: Vec<_> = everybody.into_iter().filter(|index| *index != victim).collect();
        Some((victim, *self.dice.pick(&others)))
    }

    fn run_for(&mut self, us: u64) {
        let until_us = self.world.now_us + us;
        while self.world.now_us < until_us {
            self.world.run_until(until_us.min(self.world.now_us + LOOK_US));
            self.watch_all();
        }
    }

    /// Has members say a line each.
    fn have_said(&mut self, who: &[usize]) {
        who.iter().for_each(|index| self.say(*index, false));
        self.settle_all();
    }

    /// Waits until somebody of `all` was told something of the kind.
    fn await_alarm(&mut self, all: &[usize], us: u64, is_it: impl Fn(&Alarm) -> bool) {
        let deadline_us = self.world.now_us + us;
        loop {
            self.run_for(LOOK_US);
            let told = |index: &usize| self.world.members[*index].alarms.iter().any(&is_it);
            if all.iter().any(told) {
                return;
            }
            let alarms: Vec<_> = self.world.members.iter().map(|member| &member.alarms).collect();
            assert!(self.world.now_us < deadline_us, "nobody of {all:?} is told within {us} us: {alarms:?}");
        }
    }

    /// Waits until all of these have said something to each other and everyone has it.
    fn exchange(&mut self, all: &[usize]) {
        let before = self.world.model.said.len();
        self.have_said(all);
        let said: Vec<_> = self.world.model.said[before..].iter().map(|(_, text)| text.clone()).collect();
        self.run_for(EXCHANGED_US);
        for index in all {
            let messages = self.world.members[*index].peer.messages();
            let lacks = said.iter().find(|text| !messages.iter().any(|message| message.text == **text));
            assert_eq!(lacks, None, "member {index} lacks what honest members said to each other");
        }
    }
}
