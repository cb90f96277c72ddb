//! The reference: maps and rights, and so what everybody has to see. It knows no keys, lanes, epochs or entries.
//!
//! what was done --[`Model`]--> who is in, what each said, what of it counts

use cahoots::proto::doc::Message;
use cahoots::proto::id::{AuthorId, ShareId};
use cahoots::proto::session::Alarm;
use cahoots::proto::share::Rights;
use cahoots::proto::time::Wall;
use std::collections::{BTreeMap, BTreeSet};

/// A link that somebody was given.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) rights: Rights,
    pub(crate) expires: Wall,
    /// The link that it was passed on from.
    pub(crate) above: Option<ShareId>,
    /// Whether the owner lets its members in one by one.
    pub(crate) has_door: bool,
    /// Closed, but for these.
    pub(crate) stay: Option<BTreeSet<usize>>,
}

/// What one member did.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    pub(crate) share: Option<ShareId>,
    pub(crate) said: Vec<String>,
    pub(crate) app: Option<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) typed: Vec<u8>,
    pub(crate) applied: Vec<u8>,
    pub(crate) is_let_in: bool,
    pub(crate) has_left: bool,
    /// How much of what it said the owner had when it was cut off.
    pub(crate) kept: Option<usize>,
}

/// Where a member stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    In,
    Waiting,
    Out,
}

/// All that was done, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) links: BTreeMap<ShareId, Link>,
    pub(crate) deeds: Vec<Deeds>,
    authors: BTreeMap<AuthorId, usize>,
    /// All that the program in the terminal wrote.
    pub(crate) written: Vec<u8>,
    /// Whether the relay ever lost what it had confirmed.
    pub(crate) has_lost: bool,
}

impl Model {
    /// Notes a member's name.
    pub(crate) fn name(&mut self, index: usize, author: AuthorId) {
        self.authors.insert(author, index);
    }

    pub(crate) fn index_of(&self, author: &AuthorId) -> usize {
        *self.authors.get(author).unwrap_or_else(|| panic!("{author} is nobody"))
    }

    pub(crate) fn rights(&self, who: usize) -> Rights {
        let share = self.deeds[who].share.and_then(|share| self.links.get(&share));
        share.map_or(Rights::OWN, |link| link.rights)
    }

    /// Returns a link and those above it.
    fn way(&self, share: ShareId) -> impl Iterator<Item = &Link> {
        std::iter::successors(self.links.get(&share), |link| self.links.get(&link.above?))
    }

    /// P10: whoever came by a link that is closed, or by one below it, is out.
    pub(crate) fn standing(&self, who: usize) -> Standing {
        let deeds = &self.deeds[who];
        let Some(share) = deeds.share else { return Standing::In };
        if self.way(share).any(|link| link.stay.as_ref().is_some_and(|stay| !stay.contains(&who))) {
            Standing::Out
        } else if self.way(share).any(|link| link.has_door) && !deeds.is_let_in {
            Standing::Waiting
        } else {
            Standing::In
        }
    }

    /// Tells whether a newcomer could come by a link.
    pub(crate) fn is_open(&self, share: ShareId) -> bool {
        self.way(share).all(|link| link.stay.is_none())
    }

    /// Closes a link but for some; who was out already stays out.
    pub(crate) fn close(&mut self, share: ShareId, stay: &BTreeSet<usize>) {
        let Some(link) = self.links.get_mut(&share) else { return };
        let before = link.stay.take();
        link.stay = Some(before.map_or_else(|| stay.clone(), |before| &before & stay));
    }

    /// P27 and P7: what the host applies is what was typed, once and in order, by somebody who is in and may.
    pub(crate) fn take_input(&mut self, author: AuthorId, bytes: &[u8]) {
        let who = self.index_of(&author);
        assert!(self.rights(who).may_type(), "member {who} may not type, and did");
        assert_eq!(self.standing(who), Standing::In, "member {who} typed");
        let deeds = &mut self.deeds[who];
        deeds.applied.extend_from_slice(bytes);
        assert!(deeds.typed.starts_with(&deeds.applied), "member {who}: applied is not what was typed");
    }

    /// P25 the other way round: nobody is accused where nobody lied.
    pub(crate) fn check_alarm(&self, who: usize, alarm: &Alarm) {
        let is_right = matches!(alarm, Alarm::RolledBack { .. }) && self.has_lost;
        assert!(is_right, "member {who} raises a false alarm: {alarm}");
    }

    /// P24: of everybody the chat shows a beginning of what they said, whenever one looks; and of nobody what is cut off.
    pub(crate) fn check_chat(&self, at: usize, messages: &[Message]) {
        let mut shown: BTreeMap<usize, usize> = BTreeMap::new();
        for message in messages {
            let who = self.index_of(&message.author);
            let count = shown.entry(who).or_default();
            let said = self.deeds[who].said.get(*count);
            assert_eq!(Some(&message.text), said, "member {at} is shown a line of {who} out of its place");
            assert_eq!(message.n, *count as u64, "member {at} is shown a line under another number");
            *count += 1;
        }
    }
}
