//! The door: members that are let in one by one, and shares for one member alone. PROTOCOL.md 5, 15.
//!
//! direct channel opens --`note_direct`--> `Event::Knocked` --`let_in`, `turn_away`--> Admit record, or a refusal

use super::rekey::Closing;
use super::{OwnerError, Peer};
use crate::proto::audit::Note;
use crate::proto::authlog::Record;
use crate::proto::id::{AuthorId, PaneId};
use crate::proto::limits::AUTHORS_MAX;
use crate::proto::member::{ChainError, VerifiedMember};
use crate::proto::session::Event;
use crate::proto::share::ShareFlags;
use crate::proto::sorted::SortedSet;
use crate::proto::terminal::{DirectDown, Refusal, Waits};
use crate::proto::time::Now;

/// Who stands before the door, and whom the owner does not want to hear of again.
#[derive(Debug, Default)]
pub(super) struct Door {
    waiting: SortedSet<AuthorId>,
    turned_away: SortedSet<AuthorId>,
}

impl Door {
    pub(super) fn is_waiting(&self, author: &AuthorId) -> bool {
        self.waiting.contains(author)
    }
}

impl Peer {
    /// Returns who waits to be let in. Only at the owner.
    #[must_use]
    pub fn waiting(&self) -> Vec<AuthorId> {
        self.owner.iter().flat_map(|owner| owner.door.waiting.iter().copied()).collect()
    }

    /// Lets a member in that came by a share whose members are let in one by one.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner, nobody of this name waits, or the log is full.
    pub fn let_in(&mut self, author: AuthorId, now: Now) -> Result<(), OwnerError> {
        self.owner()?;
        let member = self.roster.member(&author).cloned().ok_or(OwnerError::NoMember(author))?;
        match self.log.admits(&member) {
            Ok(()) => return Ok(()),
            Err(ChainError::NotLetIn { .. }) => {}
            Err(_) => return Err(OwnerError::NotWaiting(author)),
        }
        self.write_record(&Record::Admit(author), now)?;
        let door = &mut self.owner_mut()?.door;
        door.waiting.remove(&author);
        door.turned_away.remove(&author);
        self.lanes.note_ends();
        self.close_if_taken(&member, now);
        self.wrap_if_needed(&member);
        Ok(())
    }

    /// Does not let a member in. It is told so, and not heard of again.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if this peer is not the owner, or nobody of this name waits.
    pub fn turn_away(&mut self, author: AuthorId, now: Now) -> Result<(), OwnerError> {
        let door = &mut self.owner_mut()?.door;
        if !door.waiting.remove(&author) {
            return Err(OwnerError::NotWaiting(author));
        }
        if door.turned_away.len() < AUTHORS_MAX {
            door.turned_away.insert(author);
        }
        self.refuse_entry(author);
        self.note(&Note::TurnedAway(author), now.wall);
        Ok(())
    }

    fn refuse_entry(&mut self, author: AuthorId) {
        self.answer(author, &DirectDown::Refused { reason: Refusal::NotLetIn, seq: 0 });
    }

    /// Notes that something came on a member's direct channel, so that its own key is known.
    pub(in super::super) fn note_direct(&mut self, member: &VerifiedMember, now: Now) {
        if self.owner.is_none() {
            return;
        }
        if self.log.admits(member).is_ok() {
            self.close_if_taken(member, now);
            self.wrap_if_needed(member);
        } else {
            self.note_knock(member.author());
        }
    }

    fn note_knock(&mut self, author: AuthorId) {
        let Some(owner) = self.owner.as_mut() else { return };
        if owner.door.turned_away.contains(&author) {
            self.refuse_entry(author);
        } else if owner.door.waiting.insert(author) {
            self.answer(author, &DirectDown::Waiting { what: Waits::Admission, pane: PaneId(0) });
            self.events.push_back(Event::Knocked(author));
        }
    }

    /// Notes that a member has no connection: it knocks again when it is back.
    pub(in super::super) fn note_gone(&mut self, author: &AuthorId) {
        if let Some(owner) = self.owner.as_mut() {
            owner.door.waiting.remove(author);
        }
    }

    /// Forgets those who wait before a door that is closed by now.
    pub(in super::super) fn forget_waiting(&mut self) {
        let (log, roster) = (&self.log, &self.roster);
        let waits = |author: &AuthorId| {
            roster.member(author).is_some_and(|member| matches!(log.admits(member), Err(ChainError::NotLetIn { .. })))
        };
        self.owner.iter_mut().for_each(|owner| owner.door.waiting.retain(waits));
    }

    /// Closes shares for one member alone behind the first that came.
    fn close_if_taken(&mut self, member: &VerifiedMember, now: Now) {
        let once = member.chain().shares.iter().filter(|cert| cert.flags.contains(ShareFlags::ONCE));
        let open = once.filter(|cert| !self.log.is_closed(&cert.share));
        let closing: Vec<Closing> = open.map(|cert| (cert.share, vec![member.author()])).collect();
        if !closing.is_empty() {
            // A log without room leaves the bound on members that are connected at one time.
            let _ = self.begin_epoch(&closing, now);
        }
    }
}
