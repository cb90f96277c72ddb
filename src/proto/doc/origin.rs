//! Who wrote what is in the state document now.
//!
//! Always: the author is the one whose signed change put the value there, as the document's operations name it.
//! PROTOCOL.md 12.

use automerge::{Automerge, AutomergeError, ObjId, ObjType, Prop, ROOT, ReadDoc, Value};

use super::Document;
use super::gate::GENESIS_AUTHOR;
use super::state::{app, drivers, notes, panes};
use crate::proto::id::{AuthorId, PaneId};

/// Something in the state document that somebody wrote.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StateItem<'a> {
    /// The session's title.
    Title,
    /// How the size of shared panes is chosen.
    SizePolicy,
    /// What is said about a pane: whatever of it was changed last.
    Pane(PaneId),
    /// Whose keys reach a pane.
    Policy(PaneId),
    /// Who drives a pane.
    Driver(PaneId),
    /// A value of the application, by its key.
    App(&'a str),
    /// The code point of the notes at this position.
    Note(usize),
}

/// The operation that put a value where it is: counter and author.
type Put = (u64, AuthorId);

/// Returns the operation behind the value that is shown.
fn put_at(doc: &Automerge, object: &ObjId, prop: impl Into<Prop>) -> Result<Option<Put>, AutomergeError> {
    let Some((_, ObjId::Id(counter, actor, _))) = doc.get(object, prop)? else { return Ok(None) };
    let author = <[u8; 16]>::try_from(actor.to_bytes()).ok().map(AuthorId);
    Ok(author.filter(|author| *author != GENESIS_AUTHOR).map(|author| (counter, author)))
}

fn pane_put(doc: &Automerge, pane: PaneId, fields: &[&str]) -> Result<Option<Put>, AutomergeError> {
    let Some((Value::Object(ObjType::Map), object)) = doc.get(panes(), pane.to_string())? else { return Ok(None) };
    let mut newest = None;
    for field in fields {
        newest = newest.max(put_at(doc, &object, *field)?);
    }
    Ok(newest)
}

impl Document {
    /// Returns who wrote what the state document says about something: the author of the newest of the changes that it
    /// shows. Nothing of what is not there, and in a chat document.
    #[must_use]
    pub fn author_of(&self, item: StateItem<'_>) -> Option<AuthorId> {
        let read = |doc: &Automerge| match item {
            StateItem::Title => put_at(doc, &ROOT, "title"),
            StateItem::SizePolicy => put_at(doc, &ROOT, "size_policy"),
            StateItem::Pane(pane) => pane_put(doc, pane, &["title", "command", "size", "status"]),
            StateItem::Policy(pane) => pane_put(doc, pane, &["policy"]),
            StateItem::Driver(pane) => put_at(doc, &drivers(), pane.to_string()),
            StateItem::App(key) => put_at(doc, &app(), key),
            StateItem::Note(position) => put_at(doc, &notes(), position),
        };
        self.view.as_ref()?.read(read).ok()?.map(|(_, author)| author)
    }
}
