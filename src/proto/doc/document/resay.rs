//! Own changes that built on something cut away, said anew: the same effect on the document as it is now.
//!
//! owed changes, the document as it was with them --`resay`--> new changes, to be published
//!
//! Always: nothing that its author wrote is lost; positions in text stay beside the same neighbours. PROTOCOL.md 5, 12.

use std::collections::HashMap;

use automerge::transaction::Transactable;
use automerge::{ChangeHash, Cursor, ObjId, ObjType, Patch, PatchAction, Prop, ROOT, ReadDoc, Value};
use bytes::Bytes;

use super::Document;
use super::retract::Owed;
use super::roll::Moved;
use crate::proto::doc::chat::{Draft, Message};
use crate::proto::doc::edit::{EditError, Tx};
use crate::proto::doc::gate::parse_canonical;
use crate::proto::doc::gate::scan::{Action, Scan, Value as Scalar};
use crate::proto::doc::state::notes;
use crate::proto::doc::view::View;
use crate::proto::id::AuthorId;

impl Document {
    /// Says again all own changes that a cut took back: with the same bytes if they can stand as they are, else anew
    /// with the same effect. Returns the payloads to publish, in order.
    ///
    /// Call it when there is nothing more to wait for: what they build on is by a member who was cut off, or who did not
    /// bring it again.
    pub fn resay(&mut self) -> Vec<Bytes> {
        self.admit_ready();
        let mut said = std::mem::take(&mut self.again);
        said.extend(self.restore());
        self.apply_batch();
        if let Some(owed) = self.owed.take() {
            match &owed.before {
                None => self.resay_lines(&owed, &mut said),
                Some(before) => self.resay_edits(before, &owed, &mut said),
            }
        }
        said
    }

    fn resay_lines(&mut self, owed: &Owed, said: &mut Vec<Bytes>) {
        for payload in &owed.payloads {
            for line in lines_of(self.me, payload) {
                let reply = line.reply.filter(|target| self.still_says(*target, owed));
                let draft = Draft { reply, ..line.to_draft() };
                said.extend(self.say_as(&draft, line.name.as_deref(), line.time).ok().flatten());
            }
        }
    }

    /// Returns whether the message is there, and no other one under its number.
    pub(super) fn still_says(&self, target: (AuthorId, u64), owed: &Owed) -> bool {
        let (author, n) = target;
        let Some(lost) = owed.lines.get(&target) else { return n < self.gate.pages(author).next_n() };
        self.messages.iter().any(|line| (line.author, line.n) == target && line.says_the_same(lost))
    }

    fn resay_edits(&mut self, before: &View, owed: &Owed, said: &mut Vec<Bytes>) {
        let mut renamed = Renamed::new();
        let moved = owed.moved.as_ref();
        for payload in &owed.payloads {
            let Some((mut effect, patches)) = Effect::of(before, payload, moved, renamed.clone()) else { continue };
            let whole = self.edit(|tx| patches.iter().try_for_each(|patch| effect.say(tx, patch)));
            if let Ok(payload) = whole {
                said.extend(payload);
            } else if let Some((again, _)) = Effect::of(before, payload, moved, renamed) {
                // It fits no single change any more: in parts, so that what can be said is.
                effect = again;
                for patch in &patches {
                    said.extend(self.edit(|tx| effect.say(tx, patch)).ok().flatten());
                }
            }
            renamed = effect.finish();
        }
    }
}

/// Returns the lines of a chat change. They passed the gate once.
pub(super) fn lines_of(author: AuthorId, payload: &[u8]) -> Vec<Message> {
    let mut lines = Vec::new();
    let Ok(scan) = Scan::parse(payload) else { return lines };
    let mut ops = scan.ops();
    while let Ok(Some(op)) = ops.next() {
        if let Action::Put(Scalar::Bytes(bytes)) = op.action {
            lines.extend(Message::decode(author, 0, 0, bytes));
        }
    }
    lines
}

/// Characters that were said anew: their cursor as it was, written out, to their cursor as it is.
type Renamed = HashMap<String, Cursor>;

/// A character of the notes as the author of a change saw them.
#[derive(Clone, Debug)]
enum Slot {
    /// The one at this place before the change.
    Before(usize),
    /// One that the change inserted, by its name in the document as it is now.
    Anew(Cursor),
}

/// What one change did, as its author saw it.
#[derive(Debug)]
struct Effect<'a> {
    before: &'a View,
    /// What the author saw when it made the change.
    deps: Vec<ChangeHash>,
    hash: ChangeHash,
    /// The notes, as far as the patches have changed them; nothing before the first.
    slots: Option<Vec<Slot>>,
    /// In another generation no character has the name that it had: those that are known there.
    moved: Option<&'a Moved>,
    renamed: Renamed,
}

impl<'a> Effect<'a> {
    /// Returns what the change did in `before`, in order, and the means to do it again.
    fn of(before: &'a View, payload: &[u8], moved: Option<&'a Moved>, renamed: Renamed) -> Option<(Self, Vec<Patch>)> {
        let change = parse_canonical(payload).ok()?;
        let (deps, hash) = (change.deps().to_vec(), change.hash());
        let patches = before.read(|doc| Ok(doc.diff(&deps, &[hash]))).ok()?;
        Some((Self { before, deps, hash, slots: None, moved, renamed }, patches))
    }

    /// Does one patch again.
    fn say(&mut self, tx: &mut Tx<'_>, patch: &Patch) -> Result<(), EditError> {
        match &patch.action {
            PatchAction::PutMap { key, value: (value, _), .. } => {
                let Some(object) = container(tx, &patch.path, Missing::Make)? else { return Ok(()) };
                put(tx, &object, key, value)
            }
            PatchAction::DeleteMap { key } => match container(tx, &patch.path, Missing::Leave)? {
                Some(object) if tx.raw.get(&object, key)?.is_some() => Ok(tx.raw.delete(&object, &**key)?),
                _ => Ok(()),
            },
            PatchAction::SpliceText { index, value, .. } if patch.obj == notes() => {
                self.insert(tx, *index, &value.make_string())
            }
            PatchAction::DeleteSeq { index, length } if patch.obj == notes() => self.delete(tx, *index, *length),
            // No edit of ours does anything else.
            _ => Ok(()),
        }
    }

    /// Returns the characters said anew so far, those of this change too.
    fn finish(self) -> Renamed {
        let Self { before, hash, slots, mut renamed, .. } = self;
        for (index, slot) in slots.into_iter().flatten().enumerate() {
            let Slot::Anew(cursor) = slot else { continue };
            if let Ok(old) = before.read(|doc| doc.get_cursor(notes(), index, Some(&[hash]))) {
                renamed.insert(old.to_string(), cursor);
            }
        }
        renamed
    }

    fn slots(&mut self) -> &mut Vec<Slot> {
        let (before, deps) = (self.before, &self.deps);
        self.slots.get_or_insert_with(|| {
            let length = before.read(|doc| Ok(doc.length_at(notes(), deps))).unwrap_or_default();
            (0..length).map(Slot::Before).collect()
        })
    }

    /// Inserts after the nearest character to the left that is still known.
    fn insert(&mut self, tx: &mut Tx<'_>, index: usize, text: &str) -> Result<(), EditError> {
        let index = index.min(self.slots().len());
        let left: Vec<Slot> = self.slots().iter().take(index).rev().cloned().collect();
        let place = left.iter().find_map(|slot| self.place(tx, slot));
        let place = place.map_or(0, |(place, visible)| place + usize::from(visible));
        tx.raw.splice_text(notes(), place, 0, text)?;
        let anew: Result<Vec<_>, _> = (place..place + text.chars().count())
            .map(|place| tx.raw.get_cursor(notes(), place, None).map(Slot::Anew))
            .collect();
        self.slots().splice(index..index, anew?);
        Ok(())
    }

    /// Deletes those of the characters that are still there.
    fn delete(&mut self, tx: &mut Tx<'_>, index: usize, length: usize) -> Result<(), EditError> {
        let end = index.saturating_add(length).min(self.slots().len());
        let gone: Vec<Slot> = self.slots().drain(index.min(end)..end).collect();
        for slot in gone {
            if let Some((place, true)) = self.place(tx, &slot) {
                tx.raw.splice_text(notes(), place, 1, "")?;
            }
        }
        Ok(())
    }

    /// Returns where the character is now, and whether it is still visible; nothing if it was cut away.
    fn place(&self, tx: &Tx<'_>, slot: &Slot) -> Option<(usize, bool)> {
        let cursor = match slot {
            Slot::Anew(cursor) => cursor.clone(),
            Slot::Before(index) => {
                let old = self.before.read(|doc| doc.get_cursor(notes(), *index, Some(&self.deps))).ok()?;
                let name = old.to_string();
                match (self.renamed.get(&name), self.moved) {
                    (Some(anew), _) => anew.clone(),
                    (None, Some(moved)) => moved.get(&name)?.clone(),
                    (None, None) => old,
                }
            }
        };
        let place = tx.raw.get_cursor_position(notes(), &cursor, None).ok()?;
        let visible = tx.raw.get_cursor(notes(), place, None).is_ok_and(|there| there == cursor);
        Some((place, visible))
    }
}

/// What to do about a map that is not there any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Missing {
    Make,
    Leave,
}

/// Returns the map at the path.
fn container(tx: &mut Tx<'_>, path: &[(ObjId, Prop)], missing: Missing) -> Result<Option<ObjId>, EditError> {
    let mut object = ROOT;
    for (_, prop) in path {
        let Prop::Map(key) = prop else { return Ok(None) };
        object = match (tx.raw.get(&object, key)?, missing) {
            (Some((Value::Object(ObjType::Map), inner)), _) => inner,
            (_, Missing::Make) => tx.raw.put_object(&object, &**key, ObjType::Map)?,
            (_, Missing::Leave) => return Ok(None),
        };
    }
    Ok(Some(object))
}

fn put(tx: &mut Tx<'_>, object: &ObjId, key: &str, value: &Value<'_>) -> Result<(), EditError> {
    let there = tx.raw.get(object, key)?.map(|(there, _)| there.to_owned());
    match value {
        Value::Object(ObjType::Map) if there != Some(Value::Object(ObjType::Map)) => {
            tx.raw.put_object(object, key, ObjType::Map)?;
        }
        Value::Scalar(scalar) if there.as_ref() != Some(value) => {
            tx.raw.put(object, key, scalar.as_ref().clone())?;
        }
        _ => (),
    }
    Ok(())
}
