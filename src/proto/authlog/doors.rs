//! Who may come in: shares that are closed, all or but for some, and members let in one by one. PROTOCOL.md 5.
//!
//! Always: nothing reopens; whom one Close record cuts off no later one brings back.

use crate::proto::id::{AuthorId, ShareId};
use crate::proto::sorted::{SortedMap, SortedSet};

/// The Close and Admit records of a log, added up.
#[derive(Clone, Debug, Default)]
pub(super) struct Doors {
    /// Closed shares, and who of their members stays.
    closed: SortedMap<ShareId, SortedSet<AuthorId>>,
    let_in: SortedSet<AuthorId>,
}

impl Doors {
    pub(super) const fn new() -> Self {
        Self { closed: SortedMap::new(), let_in: SortedSet::new() }
    }

    /// Closes `share` but for those in `stay`, of whom only those are left who stayed so far.
    pub(super) fn close(&mut self, share: ShareId, stay: &[AuthorId]) {
        let stay: SortedSet<_> = stay.iter().copied().collect();
        self.closed.entry(share).and_modify(|before| before.retain(|author| stay.contains(author))).or_insert(stay);
    }

    pub(super) fn let_in(&mut self, author: AuthorId) {
        self.let_in.insert(author);
    }

    pub(super) fn is_closed(&self, share: &ShareId) -> bool {
        self.closed.contains_key(share)
    }

    pub(super) fn is_closed_to(&self, share: &ShareId, author: &AuthorId) -> bool {
        self.closed.get(share).is_some_and(|stay| !stay.contains(author))
    }

    pub(super) fn stays_open_for_some(&self, share: &ShareId) -> bool {
        self.closed.get(share).is_some_and(|stay| !stay.is_empty())
    }

    pub(super) fn is_let_in(&self, author: &AuthorId) -> bool {
        self.let_in.contains(author)
    }
}
