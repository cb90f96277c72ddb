//! Automerge behind glass: every call is caught, and a view that failed is never used again.
//!
//! gate-checked changes --`apply`--> View --`read`--> values; `edit` --> own changes
//!
//! Always: a panic inside Automerge ends in an error here; the caller rebuilds the view from its log.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{
    ActorId, Automerge, AutomergeError, Change, ChangeHash, ObjType, PatchLog, ROOT, ReadDoc, TextEncoding,
};

use super::DocKind;
use super::edit::{EditError, Tx};
use super::gate::GENESIS_AUTHOR;
use super::gate::scan::Kind;
use crate::proto::id::AuthorId;
use crate::proto::limits::CHANGE_OPS_MAX;

/// Automerge failed or panicked; the view is of no more use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken;

/// One Automerge document.
#[derive(Debug)]
pub(super) struct View {
    kind: DocKind,
    doc: Automerge,
    /// Changes on which `apply` panics, as Automerge would on one that slipped through the gate.
    #[cfg(test)]
    pub(super) poison: std::collections::HashSet<[u8; 32]>,
}

impl View {
    /// Starts with the genesis change alone, and returns that too.
    pub(super) fn new(kind: DocKind, me: AuthorId) -> (Self, Change) {
        #[expect(clippy::expect_used, reason = "the genesis change is a constant; tests make both")]
        let (mut doc, genesis) = genesis(kind).expect("Automerge makes the genesis change");
        doc.set_actor(ActorId::from(me.0));
        let view = Self {
            kind,
            doc,
            #[cfg(test)]
            poison: std::collections::HashSet::new(),
        };
        (view, genesis)
    }

    /// Puts another view in the place of this one, which it returns.
    pub(super) fn replace(&mut self, #[cfg_attr(not(test), expect(unused_mut))] mut view: Self) -> Self {
        #[cfg(test)]
        view.poison.clone_from(&self.poison);
        std::mem::replace(self, view)
    }

    /// Applies changes whose dependencies are all there, at once: Automerge's cost is per call.
    pub(super) fn apply(&mut self, changes: Vec<Change>) -> Result<(), Broken> {
        #[cfg(test)]
        let poison = &self.poison;
        let doc = &mut self.doc;
        catch(|| {
            #[cfg(test)]
            assert!(!changes.iter().any(|change| poison.contains(&change.hash().0)), "poisoned for a test");
            doc.apply_changes(changes)
        })
    }

    /// Makes one change that builds on `deps`, or on all heads; returns nothing if nothing was done.
    ///
    /// After [`EditError::Failed`] the view is broken; any other error left it as it was.
    pub(super) fn edit(
        &mut self,
        deps: Option<&[ChangeHash]>,
        edit: impl FnOnce(&mut Tx<'_>) -> Result<(), EditError>,
    ) -> Result<Option<Change>, EditError> {
        let (kind, doc) = (self.kind, &mut self.doc);
        let attempt = || {
            let raw = match deps {
                None => doc.transaction(),
                Some(deps) => doc.transaction_at(PatchLog::inactive(), deps).map_err(|_| EditError::Failed)?,
            };
            let hash = commit(Tx { raw, kind }, edit)?;
            hash.map(|hash| doc.get_change_by_hash(&hash).ok_or(EditError::Failed)).transpose()
        };
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or(Err(EditError::Failed))
    }

    /// Reads something.
    pub(super) fn read<R>(&self, read: impl FnOnce(&Automerge) -> Result<R, AutomergeError>) -> Result<R, Broken> {
        catch(|| read(&self.doc))
    }
}

/// Makes the change that every replica starts from. It is the same everywhere, to the byte.
fn genesis(kind: DocKind) -> Result<(Automerge, Change), AutomergeError> {
    // Positions in text are counted in code points on every platform.
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    doc.set_actor(ActorId::from(GENESIS_AUTHOR.0));
    let mut tx = doc.transaction();
    for &(key, kind) in kind.genesis_objects() {
        let kind = match kind {
            Kind::Map => ObjType::Map,
            Kind::List => ObjType::List,
            Kind::Text => ObjType::Text,
        };
        tx.put_object(ROOT, key, kind)?;
    }
    if kind == DocKind::Chat {
        tx.put(ROOT, "v", 1_i64)?;
    }
    tx.commit_with(CommitOptions::default().with_time(0));
    let change = doc.get_last_local_change().ok_or(AutomergeError::Fail)?;
    Ok((doc, change))
}

/// Makes the edit and commits it, or undoes it.
fn commit(
    mut tx: Tx<'_>,
    edit: impl FnOnce(&mut Tx<'_>) -> Result<(), EditError>,
) -> Result<Option<ChangeHash>, EditError> {
    if let Err(error) = edit(&mut tx).and_then(|()| expect_ops(tx.raw.pending_ops())) {
        tx.raw.rollback();
        return Err(error);
    }
    let (hash, _) = tx.raw.commit_with(CommitOptions::default().with_time(0));
    Ok(hash)
}

/// Checks that so many operations fit one change.
pub(super) fn expect_ops(ops: usize) -> Result<(), EditError> {
    let ops_max = CHANGE_OPS_MAX;
    if ops > ops_max { Err(EditError::TooMany { ops, ops_max }) } else { Ok(()) }
}

/// Calls into Automerge. What it leaves behind after a panic is thrown away, so nobody sees it half done.
fn catch<R, E>(call: impl FnOnce() -> Result<R, E>) -> Result<R, Broken> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Broken)?.map_err(|_| Broken)
}
