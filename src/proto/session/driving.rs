//! Who types into a terminal: the owner's policy, who drives, and lines that the owner reads first. PROTOCOL.md 15.
//!
//! guests' wishes, the owner's verbs --> one [`Wheel`] per terminal --> events, answers, the state document
//!
//! Always: the host's own machine decides. What the state document shows of it is for people: whoever may control the
//! session can write there, so the host puts it right. The owner's own keyboard is beside all this: its keys always
//! pass and take nobody's turn.

mod burst;
mod lines;
mod wheel;

pub(super) use burst::Bursts;
pub use wheel::{DRIVER_LAPSE_MS, DriverPolicy};
pub(super) use wheel::{Disappointed, Passage, Standing, Wheel};

use super::hosting::Hosting;
use super::typing::TypeError;
use super::{Event, Peer};
use crate::proto::audit::{Note, Receipt};
use crate::proto::id::{AuthorId, Channel, PaneId};
use crate::proto::member::VerifiedMember;
use crate::proto::share::Rights;
use crate::proto::sorted::SortedMap;
use crate::proto::terminal::{DirectDown, Refusal, Waits, Wish};
use crate::proto::time::{Mono, Now};

/// Shortest interval between two corrections of what the state document shows, in microseconds: whoever writes nonsense
/// there is answered once a second.
const CORRECT_US_MIN: u64 = 1_000_000;

/// Why the host could not change who drives; the caller has to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DrivingError {
    /// This peer is not the host.
    #[error("only the host says who drives")]
    NotHost,
    /// There is no such terminal, or it has ended.
    #[error("there is no terminal {0}")]
    NoPane(PaneId),
    /// The terminal has no one driver: the policy has to be changed first.
    #[error("terminal {0} is not driven by one at a time")]
    NoDriver(PaneId),
    /// No such member is here, or its link does not allow typing.
    #[error("{0} cannot drive")]
    MayNotDrive(AuthorId),
    /// No line of this member waits for an answer: it was answered, or its author has gone.
    #[error("no line by {author} waits for terminal {pane}")]
    NoLine {
        /// The terminal.
        pane: PaneId,
        /// The member.
        author: AuthorId,
    },
}

impl Peer {
    /// Says whose keys reach a terminal. Who drives, and lines that wait, are dropped where the kind of policy changes.
    ///
    /// # Errors
    ///
    /// [`DrivingError`] if this peer is not the host or the terminal has ended.
    pub fn set_driver_policy(&mut self, pane: PaneId, policy: DriverPolicy, now: Now) -> Result<(), DrivingError> {
        let wheel = self.wheel_mut(pane)?;
        if wheel.policy() == policy {
            return Ok(());
        }
        let disappointed = wheel.set_policy(policy);
        self.note(&Note::Policy(pane, policy), now.wall);
        self.disappoint(disappointed);
        self.show_driving(now);
        Ok(())
    }

    /// Returns whose keys reach a terminal published here.
    #[must_use]
    pub fn driver_policy(&self, pane: PaneId) -> Option<DriverPolicy> {
        self.hosting.as_ref()?.wheel(pane).map(Wheel::policy)
    }

    /// Returns who drives a terminal: at the host by its own word, elsewhere as the state document shows it.
    #[must_use]
    pub fn driver(&self, pane: PaneId) -> Option<AuthorId> {
        match self.hosting.as_ref() {
            Some(hosting) => hosting.wheel(pane)?.driver(),
            None => self.documents.as_ref()?.of(Channel::STATE).driving().1.get(&pane).copied(),
        }
    }

    /// Returns who waits to drive a terminal published here, first come first.
    #[must_use]
    pub fn wishes(&self, pane: PaneId) -> Vec<AuthorId> {
        let wheel = self.hosting.as_ref().and_then(|hosting| hosting.wheel(pane));
        wheel.map(|wheel| wheel.wishes().collect()).unwrap_or_default()
    }

    /// Returns the lines that the owner is asked about, one of each member and terminal.
    #[must_use]
    pub fn proposed_lines(&self) -> Vec<(PaneId, AuthorId, String)> {
        let wheels = self.hosting.iter().flat_map(Hosting::wheels);
        wheels
            .flat_map(|(pane, wheel)| wheel.all_proposed().map(move |(author, line)| (pane, author, line.to_owned())))
            .collect()
    }

    /// Has a member drive a terminal, whoever did before; or, with `None`, takes it back: it is free, and nobody waits
    /// for it any more. The host may name itself, and then drives until it says otherwise.
    ///
    /// # Errors
    ///
    /// [`DrivingError`]; nothing has changed then.
    pub fn grant(&mut self, pane: PaneId, driver: Option<AuthorId>, now: Now) -> Result<(), DrivingError> {
        let wheel = self.wheel_mut(pane)?;
        if !matches!(wheel.policy(), DriverPolicy::One { .. }) {
            return Err(DrivingError::NoDriver(pane));
        }
        let before = wheel.driver();
        match driver {
            Some(author) if Some(author) != self.me() && self.standing(&author, now) == Standing::Out => {
                return Err(DrivingError::MayNotDrive(author));
            }
            Some(author) => self.wheel_mut(pane)?.seat(author, now.mono),
            None => {
                let wishes = self.wheel_mut(pane)?.take_back();
                self.disappoint(Disappointed { wishes, lines: Vec::new() });
            }
        }
        if before != driver {
            self.tell_driver(pane, now);
        }
        Ok(())
    }

    /// Answers whether the line of [`Event::LineProposed`] is written. The member's next line is asked about then.
    ///
    /// # Errors
    ///
    /// [`DrivingError::NoLine`] if none waits; it may have been dropped with its author's right to type.
    pub fn answer_line(&mut self, pane: PaneId, author: AuthorId, accept: bool, now: Now) -> Result<(), DrivingError> {
        // Whoever was thrown out since has no say, however the answer is.
        let is_out = self.standing(&author, now) == Standing::Out;
        let wheel = self.wheel_mut(pane)?;
        let line = wheel.answer(&author).ok_or(DrivingError::NoLine { pane, author })?;
        let next = wheel.proposed(&author).map(str::to_owned);
        if is_out {
            return Err(DrivingError::NoLine { pane, author });
        }
        if accept {
            self.take_input(pane, line.bytes, line.receipt, now);
        } else {
            self.refuse_input(author, Refusal::Line, line.receipt.seq());
        }
        self.events.extend(next.map(|next| Event::LineProposed(pane, author, next)));
        Ok(())
    }

    /// Asks the host to drive a terminal; at the host itself, drives it. Where everybody's keys pass there is nothing to
    /// ask for. The state document says who drives.
    ///
    /// # Errors
    ///
    /// [`TypeError`] if the link does not allow typing, before joining or after the end.
    pub fn ask_to_drive(&mut self, pane: PaneId, now: Now) -> Result<(), TypeError> {
        self.wish_to_drive(pane, Wish::Take, now)
    }

    /// Gives a terminal back to whoever waits for it, or waits for it no longer.
    ///
    /// # Errors
    ///
    /// As [`ask_to_drive`](Self::ask_to_drive).
    pub fn stop_driving(&mut self, pane: PaneId, now: Now) -> Result<(), TypeError> {
        self.wish_to_drive(pane, Wish::GiveBack, now)
    }

    fn wish_to_drive(&mut self, pane: PaneId, wish: Wish, now: Now) -> Result<(), TypeError> {
        if self.hosting.is_none() {
            return self.send_wish(pane, wish);
        }
        let Some(me) = self.me() else { return Err(TypeError::NotJoined) };
        let turned = match wish {
            Wish::Take => self.grant(pane, Some(me), now),
            Wish::GiveBack => {
                self.handle_wish(pane, me, wish, 0, now);
                Ok(())
            }
        };
        turned.map_err(|_| TypeError::NoDriver(pane))
    }

    /// Takes a member's wish for the wheel, whose right to type was checked.
    pub(super) fn handle_wish(&mut self, pane: PaneId, author: AuthorId, wish: Wish, seq: u64, now: Now) {
        let waiting = self.standings(now);
        let Ok(wheel) = self.wheel_mut(pane) else { return };
        let turn = wheel.handle_wish(author, wish, seq, now.mono, waiting);
        if turn.has_changed {
            self.tell_driver(pane, now);
        }
        if turn.is_queued {
            self.events.push_back(Event::DriveWished(pane, author));
            self.answer(author, &DirectDown::Waiting { what: Waits::Drive, pane });
        }
    }

    /// Lets pass, gathers or refuses what a member typed, whose right to type was checked.
    pub(super) fn handle_input(&mut self, pane: PaneId, bytes: Vec<u8>, receipt: Receipt, now: Now) {
        let (author, seq) = (receipt.author(), receipt.seq());
        let Ok(wheel) = self.wheel_mut(pane) else { return };
        match wheel.handle_input(author, &bytes, &receipt, now.mono) {
            Passage::Through => self.take_input(pane, bytes, receipt, now),
            Passage::NotDriving => self.refuse_input(author, Refusal::Driven, seq),
            Passage::Gathered { proposed, waits, dropped } => {
                self.events.extend(proposed.map(|line| Event::LineProposed(pane, author, line)));
                if waits {
                    self.answer(author, &DirectDown::Waiting { what: Waits::Line, pane });
                }
                if dropped {
                    self.refuse_input(author, Refusal::Line, seq);
                }
            }
        }
    }

    /// Returns how a member stands as far as driving goes.
    fn standing(&self, author: &AuthorId, now: Now) -> Standing {
        let member = self.roster.member(author).filter(|member| {
            let may_type = member.rights().contains(Rights::INPUT) && self.log.admits(member).is_ok();
            may_type && member.live_at(now.wall).is_ok()
        });
        self.standing_of(author, member)
    }

    fn standing_of(&self, author: &AuthorId, may_type: Option<&VerifiedMember>) -> Standing {
        match (may_type, self.roster.presence(author)) {
            (None, _) => Standing::Out,
            (Some(_), None) => Standing::Away,
            (Some(_), Some(_)) => Standing::Here,
        }
    }

    /// Returns how everybody stands with whom a wheel has to do, so that wheels can be changed meanwhile.
    fn standings(&self, now: Now) -> impl Fn(&AuthorId) -> Standing + use<> {
        let concerned = self.hosting.iter().flat_map(Hosting::wheels).flat_map(|(_, wheel)| wheel.concerned());
        let standings: SortedMap<_, _> = concerned.map(|author| (author, self.standing(&author, now))).collect();
        move |author| standings.get(author).copied().unwrap_or(Standing::Out)
    }

    fn wheel_mut(&mut self, pane: PaneId) -> Result<&mut Wheel, DrivingError> {
        let hosting = self.hosting.as_mut().ok_or(DrivingError::NotHost)?;
        hosting.wheel_mut(pane).ok_or(DrivingError::NoPane(pane))
    }

    fn disappoint(&mut self, disappointed: Disappointed) {
        for (author, seq) in disappointed.wishes {
            self.refuse_input(author, Refusal::Driven, seq);
        }
        for (author, seq) in disappointed.lines {
            self.refuse_input(author, Refusal::Line, seq);
        }
    }

    fn tell_driver(&mut self, pane: PaneId, now: Now) {
        let driver = self.driver(pane);
        self.events.push_back(Event::DriverChanged(pane, driver));
        self.show_driving(now);
    }

    /// Frees what nobody can drive any more: its terminal has ended.
    pub(super) fn end_driving(&mut self, pane: PaneId, now: Now) {
        let Ok(wheel) = self.wheel_mut(pane) else { return };
        let had_driver = wheel.driver().is_some();
        let disappointed = wheel.set_policy(DriverPolicy::Everybody);
        self.disappoint(disappointed);
        if had_driver {
            self.tell_driver(pane, now);
        }
    }

    pub(super) fn poll_driving(&self) -> Option<Mono> {
        let (hosting, me) = (self.hosting.as_ref()?, self.me()?);
        // Time is looked at with every heartbeat; the rest of what makes a member go is known without.
        let standing = |author: &AuthorId| {
            let member = self.roster.member(author).filter(|member| self.log.admits(member).is_ok());
            self.standing_of(author, member)
        };
        let wheels = hosting.wheels().filter_map(|(_, wheel)| wheel.poll_timeout(me, standing));
        wheels.chain(self.poll_correction()).chain(hosting.bursts.poll_timeout()).min()
    }

    /// Returns when to look at what the state document shows: something was written there since.
    fn poll_correction(&self) -> Option<Mono> {
        let (hosting, documents) = (self.hosting.as_ref()?, self.documents.as_ref()?);
        let is_new = documents.of(Channel::STATE).len_changes() != hosting.shown_changes;
        is_new.then(|| hosting.shown.after_us(CORRECT_US_MIN))
    }

    /// Frees the wheels of who has left or is idle, ends bursts, and puts right what the state document shows.
    pub(super) fn check_driving(&mut self, now: Now) {
        let (Some(me), standing) = (self.me(), self.standings(now)) else { return };
        let Some(hosting) = self.hosting.as_mut() else { return };
        hosting.clock = now.wall;
        let changed = hosting.wheels_mut().filter_map(|(pane, wheel)| {
            let has_changed = wheel.handle_timeout(me, now.mono, &standing);
            has_changed.then_some(pane)
        });
        let changed: Vec<_> = changed.collect();
        for drove in hosting.bursts.end_idle(now.mono) {
            self.note(&Note::Drove(drove), now.wall);
        }
        changed.into_iter().for_each(|pane| self.tell_driver(pane, now));
        if self.poll_correction().is_some_and(|due| due <= now.mono) {
            self.show_driving(now);
        }
    }

    /// Writes who drives into the state document, where that says something else.
    fn show_driving(&mut self, now: Now) {
        let (Some(hosting), Some(documents)) = (self.hosting.as_mut(), &self.documents) else { return };
        hosting.shown = now.mono;
        let (policies, drivers) = documents.of(Channel::STATE).driving();
        let wrong = hosting.wheels().filter_map(|(pane, wheel)| {
            let (policy, driver) = (wheel.policy().shown(), wheel.driver());
            let is_right = policies.get(&pane).copied().unwrap_or_default() == policy;
            (!is_right || drivers.get(&pane).copied() != driver).then_some((pane, policy, driver))
        });
        let wrong: Vec<_> = wrong.collect();
        if !wrong.is_empty() {
            // An edit that is refused, as the lane may not be complete yet, is tried again with the next change.
            let _ = self.edit(Channel::STATE, Rights::CONTROL, |document| {
                document.edit(|tx| {
                    wrong.iter().try_for_each(|(pane, policy, driver)| {
                        tx.set_policy(*pane, *policy)?;
                        tx.set_driver(*pane, *driver)
                    })
                })
            });
        }
        let changes = self.documents.as_ref().map_or(0, |documents| documents.of(Channel::STATE).len_changes());
        if let Some(hosting) = self.hosting.as_mut() {
            hosting.shown_changes = changes;
        }
    }
}
