//! The base of a document's generation: the shortest history that leads to what the document shows now.
//!
//! visible content --`Scribe`--> changes, each by the author of what is in it, one after the other
//!
//! Always: the same content by the same authors gives the same bytes, so that every replica makes its own base; what is
//! in it still says who wrote it. It passes the gate like any other changes. PROTOCOL.md 12.2.

mod chat;
mod state;

use std::collections::HashMap;
use std::num::NonZeroU64;

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ActorId, Change, ChangeHash, ExpandedChange};
use bytes::Bytes;

use crate::proto::id::AuthorId;

pub(super) use chat::{kept_lines, write_chat};
pub(super) use state::write_state;

/// What an operation counts for beside its key and value, in bytes: no less than it can take in a change.
const OP_BYTES: usize = 24;
/// How much goes into one change, in bytes, unless a single operation is more: the gate takes changes of 65,000 bytes.
const CHANGE_BYTES: usize = 60_000;
/// Longest key or value that a base takes over, in bytes. Our own programs write none that is longer.
const VALUE_BYTES_MAX: usize = 64_000;

/// The changes of a base, in order.
pub(super) type Base = Vec<(AuthorId, Bytes)>;

/// Writes operations, gathered into changes.
#[derive(Debug)]
pub(super) struct Scribe {
    changes: Base,
    /// The hash of the change before; at first that of the genesis change.
    before: ChangeHash,
    /// Number and hash of each author's last change.
    last: HashMap<AuthorId, (u64, ChangeHash)>,
    /// The author of the change that is being written.
    author: AuthorId,
    ops: Vec<Op>,
    bytes: usize,
    /// Counter of the first of them.
    start_op: u64,
}

impl Scribe {
    /// Starts after the genesis change and its operations.
    pub(super) fn new(genesis: [u8; 32], genesis_ops: u64) -> Self {
        Self {
            changes: Vec::new(),
            before: ChangeHash(genesis),
            last: HashMap::new(),
            author: super::gate::GENESIS_AUTHOR,
            ops: Vec::new(),
            bytes: 0,
            start_op: genesis_ops + 1,
        }
    }

    /// Writes one operation that replaces nothing, and returns its name.
    fn write(&mut self, author: AuthorId, object: &ObjectId, key: Key, insert: bool, action: OpType) -> OpId {
        let bytes = OP_BYTES + key_bytes(&key) + action_bytes(&action);
        if author != self.author || self.bytes + bytes > CHANGE_BYTES {
            self.end_change();
        }
        let id = OpId(self.start_op + self.ops.len() as u64, ActorId::from(author.0));
        self.author = author;
        self.bytes += bytes;
        self.ops.push(Op { action, obj: object.clone(), key, pred: Vec::new().into(), insert });
        id
    }

    fn end_change(&mut self) {
        let operations = std::mem::take(&mut self.ops);
        self.bytes = 0;
        let Some(start_op) = NonZeroU64::new(self.start_op).filter(|_| !operations.is_empty()) else { return };
        self.start_op += operations.len() as u64;
        let own = self.last.get(&self.author).copied();
        let mut deps = vec![self.before];
        deps.extend(own.map(|(_, hash)| hash).filter(|hash| *hash != self.before));
        deps.sort_unstable();
        let seq = own.map_or(1, |(seq, _)| seq + 1);
        let change = Change::from(ExpandedChange {
            operations,
            actor_id: ActorId::from(self.author.0),
            hash: None,
            seq,
            start_op,
            time: 0,
            message: None,
            deps,
            extra_bytes: Vec::new(),
            author: None,
        });
        self.before = change.hash();
        self.last.insert(self.author, (seq, change.hash()));
        self.changes.push((self.author, Bytes::copy_from_slice(change.raw_bytes())));
    }

    /// Returns the changes.
    pub(super) fn finish(mut self) -> Base {
        self.end_change();
        self.changes
    }
}

fn key_bytes(key: &Key) -> usize {
    match key {
        Key::Map(key) => key.len(),
        Key::Seq(_) => 0,
    }
}

fn action_bytes(action: &OpType) -> usize {
    match action {
        OpType::Put(automerge::ScalarValue::Str(text)) => text.len(),
        OpType::Put(automerge::ScalarValue::Bytes(bytes)) => bytes.len(),
        _ => 0,
    }
}
