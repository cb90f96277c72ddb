//! What holders of own links have the host do, which alone holds the root key. PROTOCOL.md 15.1.
//!
//! `command` at a guest --> direct channel --> `handle_command` at the host --> the owner's verbs --> `Event::Answered`
//!
//! Always: a command comes once and in order, as typing does; the host looks at the right itself, whatever a relay let
//! pass; and no link made this way outlasts the own link that asked for it, or is an own link.

use super::{Event, OwnerError, Peer};
use crate::proto::id::{AuthorId, PaneId};
use crate::proto::member::VerifiedMember;
use crate::proto::session::driving::{DriverPolicy, DrivingError};
use crate::proto::session::hosting::Hosting;
use crate::proto::session::owner::ShareTerms;
use crate::proto::session::typing::TypeError;
use crate::proto::share::{Rights, ShareFlags};
use crate::proto::sorted::SortedMap;
use crate::proto::terminal::{
    Command, Deed, Desk, DirectDown, DirectUp, Driving, Objection, Outcome, Refusal, Seed, Wanted,
};
use crate::proto::time::{Mono, Now};
use crate::proto::token::{Access, Token};

/// Shortest interval between two desks, in microseconds: people read them, and others can make them change.
const DESK_US: u64 = 100_000;

/// Who is shown what waits for an owner's word.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    /// Whether each has the newest desk.
    all: SortedMap<AuthorId, bool>,
    shown: Desk,
    not_before: Mono,
}

impl From<OwnerError> for Objection {
    fn from(error: OwnerError) -> Self {
        match error {
            OwnerError::NoShare(_) | OwnerError::NoMember(_) | OwnerError::NotWaiting(_) => Self::Gone,
            OwnerError::TooManyShares | OwnerError::Log(_) | OwnerError::Document => Self::Full,
            OwnerError::Own => Self::Host,
            OwnerError::NotOwner | OwnerError::Ended => Self::NotOwner,
        }
    }
}

impl From<DrivingError> for Objection {
    fn from(error: DrivingError) -> Self {
        match error {
            DrivingError::NotHost => Self::NotOwner,
            DrivingError::NoPane(_) | DrivingError::NoLine { .. } => Self::Gone,
            DrivingError::NoDriver(_) | DrivingError::MayNotDrive(_) => Self::NoDriver,
        }
    }
}

impl Peer {
    /// Has the host do something that only the holder of the root key can; [`Event::Answered`]
    /// with the number that is returned says what came of it. What is sent reaches the host once, over lost connections,
    /// too.
    ///
    /// # Errors
    ///
    /// [`TypeError::NoCommand`] by a link that is no own link, [`TypeError`] before joining or after the end.
    pub fn command(&mut self, command: Command) -> Result<u64, TypeError> {
        if self.me.is_some() && (self.hosting.is_some() || !self.rights().contains(Rights::ADMIN)) {
            return Err(TypeError::NoCommand);
        }
        if self.ended.is_none() && !self.is_admitted() {
            return Err(TypeError::NotJoined);
        }
        self.send_direct(PaneId(0), &DirectUp::Command(command), 0)?;
        self.typing.newest_seq().ok_or(TypeError::NotJoined)
    }

    /// Returns the token of a link that the host made.
    #[must_use]
    pub const fn made(&self, access: Access, seed: Seed) -> Token {
        Token::new(access, &self.session, seed.0, ShareFlags::NONE)
    }

    /// Takes a member's command, whose right was not checked yet; nothing for one that does not decode.
    pub(super) fn handle_command(&mut self, member: &VerifiedMember, command: Option<Command>, seq: u64, now: Now) {
        let author = member.author();
        if !member.rights().contains(Rights::ADMIN) {
            return self.refuse_input(author, Refusal::NoRight, seq);
        }
        let done = match command {
            None => Err(Objection::Unknown),
            Some(Command::ShowDesk) => self.watch_desk(author),
            Some(Command::Share(wanted)) => self.make_link(wanted, member, now),
            Some(command) => {
                let (deed, records) = (self.deed_of(&command), self.log.next_seq());
                self.carry_out(command, now).map(|()| {
                    // What was so before is no news, or one member could fill the journal with it.
                    let is_news = self.log.next_seq() > records || matches!(deed, Some(Deed::TurnedAway(_)));
                    let told = deed.filter(|_| is_news).map(|deed| Event::Commanded(author, deed));
                    self.events.extend(told);
                    Outcome::Done
                })
            }
        };
        // Whoever had itself cut off gets no answer any more.
        self.answer(author, &DirectDown::Answered { seq, outcome: done.unwrap_or_else(Outcome::Not) });
    }

    /// Returns what a command comes to, where the owner is to know who is behind it: the rest shows at the terminal itself.
    fn deed_of(&self, command: &Command) -> Option<Deed> {
        match command {
            Command::Revoke(share) => Some(Deed::Revoked(*share)),
            Command::Kick(author) if self.waiting().contains(author) => Some(Deed::TurnedAway(*author)),
            Command::Kick(author) => Some(Deed::Kicked(*author)),
            Command::LetIn(author) => Some(Deed::LetIn(*author)),
            Command::TurnAway(author) => Some(Deed::TurnedAway(*author)),
            Command::RevokeAll => Some(Deed::RevokedAll),
            _ => None,
        }
    }

    fn carry_out(&mut self, command: Command, now: Now) -> Result<(), Objection> {
        match command {
            Command::Revoke(share) => self.revoke(share, now)?,
            Command::Kick(author) => _ = self.kick(author, now)?,
            Command::LetIn(author) => self.let_in(author, now)?,
            Command::TurnAway(author) => self.turn_away(author, now)?,
            Command::RevokeAll => _ = self.revoke_all(now)?,
            Command::Drive(pane, driving) => self.set_driver_policy(pane, policy_of(driving), now)?,
            Command::Grant(pane, driver) => self.grant(pane, driver, now)?,
            Command::Answer { pane, author, accept, line } => {
                // Somebody else may have answered since: the next line is another one.
                let is_that_one = self.proposed_lines().contains(&(pane, author, line));
                return if is_that_one {
                    Ok(self.answer_line(pane, author, accept, now)?)
                } else {
                    Err(Objection::Gone)
                };
            }
            Command::ShowDesk | Command::Share(_) => {}
        }
        Ok(())
    }

    fn make_link(&mut self, wanted: Wanted, member: &VerifiedMember, now: Now) -> Result<Outcome, Objection> {
        let Wanted { access, lasts_s, members_max, approve, once } = wanted;
        let lasts_ms = (u64::from(lasts_s) * 1_000).min(member.expires().since_ms(now.wall));
        let members_max = Some(members_max).filter(|members| *members > 0);
        let terms = ShareTerms { lasts_ms, members_max, approve, once, ..ShareTerms::new(access) };
        let seed = self.draw_share_seed();
        let token = self.share_with(&terms, seed, None, now)?;
        if let (Ok(secret), Some(owner)) = (token.secret(), self.owner.as_mut()) {
            let share = secret.share_id();
            owner.made_by.insert(share, member.author());
            self.events.push_back(Event::Commanded(member.author(), Deed::MadeLink(share)));
        }
        Ok(Outcome::Made { access, seed: Seed(seed) })
    }

    fn watch_desk(&mut self, author: AuthorId) -> Result<Outcome, Objection> {
        let owner = self.owner.as_mut().ok_or(Objection::NotOwner)?;
        owner.watchers.all.insert(author, false);
        Ok(Outcome::Done)
    }

    /// Returns what waits for an owner's word.
    fn desk(&self) -> Desk {
        let wheels = || self.hosting.iter().flat_map(Hosting::wheels);
        let wishes = wheels().flat_map(|(pane, wheel)| wheel.wishes().map(move |author| (pane, author)));
        let lines = wheels().flat_map(|(pane, wheel)| wheel.all_proposed().map(move |(by, line)| (pane, by, line)));
        Desk::new(self.waiting(), wishes, lines)
    }

    pub(super) fn poll_desk(&self) -> Option<Mono> {
        let watchers = self.owner.as_ref().map(|owner| &owner.watchers).filter(|watchers| !watchers.all.is_empty())?;
        let is_new = watchers.all.values().any(|has_newest| !has_newest) || self.desk() != watchers.shown;
        (is_new && self.ended.is_none()).then_some(watchers.not_before)
    }

    /// Shows who asked for it what waits for an owner's word, if that has changed.
    pub(super) fn show_desk_if_due(&mut self, now: Now) {
        if self.poll_desk().is_none_or(|due| due > now.mono) {
            return;
        }
        let desk = self.desk();
        let Some(owner) = self.owner.as_mut() else { return };
        let is_new = desk != owner.watchers.shown;
        let (log, roster) = (&self.log, &self.roster);
        owner.watchers.all.retain(|author, _| roster.member(author).is_some_and(|member| log.admits(member).is_ok()));
        owner.watchers.not_before = now.mono.after_us(DESK_US);
        owner.watchers.shown = desk.clone();
        let behind = owner.watchers.all.iter_mut().filter(|(_, has_newest)| is_new || !**has_newest);
        let behind: Vec<AuthorId> = behind
            .map(|(author, has_newest)| {
                *has_newest = true;
                *author
            })
            .collect();
        let shown = DirectDown::Desk(desk);
        behind.into_iter().for_each(|author| self.answer(author, &shown));
    }
}

const fn policy_of(driving: Driving) -> DriverPolicy {
    match driving {
        Driving::All => DriverPolicy::Everybody,
        Driving::One => DriverPolicy::ONE,
        Driving::Lines => DriverPolicy::ApproveLines,
    }
}
