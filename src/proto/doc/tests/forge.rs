//! Eve's workshop: changes that no honest replica writes, in Automerge's own canonical form.

use std::num::NonZeroU64;

use automerge::legacy::{ElementId, Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Change, ChangeHash, ExpandedChange, ObjType, ScalarValue};
use bytes::Bytes;

use crate::proto::doc::Document;
use crate::proto::doc::gate::GENESIS_AUTHOR;
use crate::proto::id::AuthorId;

pub(super) fn actor(author: AuthorId) -> ActorId {
    ActorId::from(author.0)
}

/// Names an operation.
pub(super) fn id(counter: u64, author: AuthorId) -> OpId {
    OpId(counter, actor(author))
}

/// Names the object that operation `counter` of the genesis change made: 1 panes, 2 notes, 3 app, 4 drivers.
pub(super) fn genesis(counter: u64) -> ObjectId {
    ObjectId::Id(id(counter, GENESIS_AUTHOR))
}

/// Puts a string at a key.
pub(super) fn put(obj: ObjectId, key: &str, value: &str) -> Op {
    Op {
        action: OpType::Put(ScalarValue::Str(value.into())),
        obj,
        key: Key::Map(key.into()),
        pred: Vec::new().into(),
        insert: false,
    }
}

/// Inserts a string after an element.
pub(super) fn insert(obj: ObjectId, after: ElementId, value: &str) -> Op {
    Op { key: Key::Seq(after), insert: true, ..put(obj, "", value) }
}

/// Makes an object at a key.
pub(super) fn make(obj: ObjectId, key: &str, kind: ObjType) -> Op {
    Op { action: OpType::Make(kind), ..put(obj, key, "") }
}

/// Returns the author's next change on top of all that `document` shows, as an honest replica would head it.
pub(super) fn next_change(document: &Document, author: AuthorId, seq: u64, operations: Vec<Op>) -> ExpandedChange {
    let heads = document.heads();
    let max_op = heads.iter().filter_map(|head| document.gate.max_op(head)).max().unwrap();
    ExpandedChange {
        operations,
        actor_id: actor(author),
        hash: None,
        seq,
        start_op: NonZeroU64::new(u64::from(max_op) + 1).unwrap(),
        time: 0,
        message: None,
        deps: heads.into_iter().map(ChangeHash).collect(),
        extra_bytes: Vec::new(),
        author: None,
    }
}

/// Encodes a change in canonical form.
pub(super) fn encode(change: ExpandedChange) -> Bytes {
    Bytes::copy_from_slice(Change::from(change).raw_bytes())
}

/// Reads an honest change back, to spoil it.
pub(super) fn decode(payload: &[u8]) -> ExpandedChange {
    Change::from_bytes(payload.to_vec()).unwrap().decode()
}

/// Appends an unsigned LEB128 number.
pub(super) fn uleb(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Wraps a body as a chunk, with a checksum of zeros: the scan leaves it to the canonical form.
pub(super) fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, kind];
    uleb(&mut out, body.len() as u64);
    out.extend_from_slice(body);
    out
}

/// Writes the body of an author's first change with any columns.
pub(super) fn body(author: AuthorId, columns: &[(u64, &[u8])]) -> Vec<u8> {
    let mut out = vec![0, 16];
    out.extend_from_slice(&author.0);
    // seq 1, start op 1, time 0, no message, no other actors.
    out.extend_from_slice(&[1, 1, 0, 0, 0]);
    uleb(&mut out, columns.len() as u64);
    for (spec, column) in columns {
        uleb(&mut out, *spec);
        uleb(&mut out, column.len() as u64);
    }
    for (_, column) in columns {
        out.extend_from_slice(column);
    }
    out
}
