//! The base of a state document: all values that show, object by object.
//!
//! Always: of values that conflict, the one that shows is taken over and the others are not. PROTOCOL.md 12.2.

use automerge::legacy::{ElementId, Key, ObjectId, OpId, OpType};
use automerge::{ActorId, Automerge, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, Value};

use super::{Base, Scribe, VALUE_BYTES_MAX, action_bytes};
use crate::proto::doc::DocKind;
use crate::proto::doc::gate::GENESIS_AUTHOR;
use crate::proto::id::AuthorId;

/// Returns the base of what the document shows.
pub(in crate::proto::doc) fn write_state(doc: &Automerge, genesis: [u8; 32]) -> Result<Base, AutomergeError> {
    let genesis_ops = DocKind::State.genesis_objects().len() as u64;
    let mut scribe = Scribe::new(genesis, genesis_ops);
    scribe.write_map(doc, &ROOT, &ObjectId::Root)?;
    Ok(scribe.finish())
}

impl Scribe {
    /// Writes a map's values, by their keys as bytes.
    fn write_map(&mut self, doc: &Automerge, from: &ObjId, to: &ObjectId) -> Result<(), AutomergeError> {
        let mut keys: Vec<String> = doc.keys(from).collect();
        keys.sort_unstable();
        for key in keys {
            if let Some((value, id)) = doc.get(from, &*key)? {
                self.write_value(doc, (&value, &id), to, Key::Map(key.into()), false)?;
            }
        }
        Ok(())
    }

    /// Writes a list's or text's elements, each after the one before.
    fn write_list(&mut self, doc: &Automerge, from: &ObjId, to: &ObjectId) -> Result<(), AutomergeError> {
        let mut last = ElementId::Head;
        for item in doc.list_range(from, ..) {
            let (value, id) = (item.value.clone().into(), item.id());
            if let Some(written) = self.write_value(doc, (&value, &id), to, Key::Seq(last.clone()), true)? {
                last = ElementId::Id(written);
            }
        }
        Ok(())
    }

    /// Writes one value and what is in it; returns its name if it was taken over.
    fn write_value(
        &mut self,
        doc: &Automerge,
        (value, id): (&Value<'_>, &ObjId),
        to: &ObjectId,
        key: Key,
        insert: bool,
    ) -> Result<Option<OpId>, AutomergeError> {
        let ObjId::Id(counter, actor, _) = id else { return Ok(None) };
        let Ok(author) = actor.to_bytes().try_into().map(AuthorId) else { return Ok(None) };
        let action = match value {
            Value::Object(kind) => OpType::Make(*kind),
            Value::Scalar(scalar) => OpType::Put(scalar.as_ref().clone()),
        };
        if author == GENESIS_AUTHOR {
            // It is there already.
            let same = ObjectId::Id(OpId(*counter, ActorId::from(GENESIS_AUTHOR.0)));
            self.write_content(doc, value, id, &same)?;
            return Ok(None);
        }
        if action_bytes(&action) > VALUE_BYTES_MAX {
            return Ok(None);
        }
        let written = self.write(author, to, key, insert, action);
        self.write_content(doc, value, id, &ObjectId::Id(written.clone()))?;
        Ok(Some(written))
    }

    fn write_content(
        &mut self,
        doc: &Automerge,
        value: &Value<'_>,
        from: &ObjId,
        to: &ObjectId,
    ) -> Result<(), AutomergeError> {
        match value {
            Value::Object(ObjType::Map) => self.write_map(doc, from, to),
            Value::Object(ObjType::List | ObjType::Text) => self.write_list(doc, from, to),
            _ => Ok(()),
        }
    }
}
