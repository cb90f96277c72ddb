//! The gate: decides about one change at a time whether Automerge may see it.
//!
//! author, payload --`admit`--> Automerge change, chat lines | GateError
//!
//! Always: the decision depends on the change and on what it builds on, never on the order of arrival, so every replica
//! decides alike. What passes is written by its author, in canonical form, and refers only to what it had seen and what
//! is of the right kind; Automerge 0.12 corrupts itself or panics on less. PROTOCOL.md 12.

mod clock;
mod index;
mod rules;
pub(super) mod scan;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::Change;

use super::DocKind;
use super::chat::{Message, Pages};
use crate::proto::id::AuthorId;
use crate::proto::limits::AUTHOR_OPS_MAX;
use crate::proto::wire::DecodeError;
use clock::Clock;
use index::{Entry, Index, Learned, Object, OpId, Place};
use scan::Scan;

pub use scan::ScanError;

/// The author of the genesis change, which nobody is.
pub(super) const GENESIS_AUTHOR: AuthorId = AuthorId([0; 16]);

/// Why a change was refused; its author has to act. The rest of its lane is refused with it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The bytes are not a change of ours at all.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The change names somebody else as its actor.
    #[error("change claims to be by {claimed:?}")]
    Author {
        /// Who it claims to be by.
        claimed: AuthorId,
    },
    /// The author has said something else under this number.
    #[error("change {seq} of its author has two contents")]
    Equivocation {
        /// The number.
        seq: u64,
    },
    /// The number is not the author's next.
    #[error("change {found} is out of turn, {next} is next")]
    Seq {
        /// The number.
        found: u64,
        /// The author's next one.
        next: u64,
    },
    /// It does not build on the genesis change, on its author's last one, or on what is there.
    #[error("change does not build on what it must")]
    Dependencies,
    /// Its first operation counter is not one above all that it builds on.
    #[error("change starts at operation {found}, not {expected}")]
    StartOp {
        /// The counter.
        found: u32,
        /// What it must be.
        expected: u32,
    },
    /// An operation refers to something that is not there, unseen by the change, or of the wrong kind.
    #[error("operation {counter} refers to a {what} that it cannot")]
    Reference {
        /// The operation's counter.
        counter: u32,
        /// What it refers to.
        what: &'static str,
    },
    /// An operation does what this document does not allow.
    #[error("operation {counter} breaks a rule: {rule}")]
    Rule {
        /// The operation's counter.
        counter: u32,
        /// The rule.
        rule: &'static str,
    },
    /// The author has written too much.
    #[error("{ops} operations of one author are over the limit of {AUTHOR_OPS_MAX}")]
    Operations {
        /// How many it would be.
        ops: u32,
    },
    /// A chat message or a presence value does not decode.
    #[error("value does not decode: {0}")]
    Value(#[from] DecodeError),
    /// Encoding what was decoded gives other bytes.
    #[error("change is not in canonical form")]
    NotCanonical,
    /// Too much of this author waits for changes that did not come.
    #[error("{bytes} bytes wait for changes that did not come")]
    Waiting {
        /// How much.
        bytes: usize,
    },
    /// Automerge failed on it, although it passed: a bug of ours or of Automerge.
    #[error("change was taken back after a failure inside")]
    Failed,
}

/// A change that passed, parsed.
#[derive(Debug)]
pub(super) struct Admission {
    /// For the view, of a document that has one.
    pub(super) change: Option<Change>,
    pub(super) hash: [u8; 32],
    /// How many operations it has.
    pub(super) ops: u32,
    /// The chat lines that it adds.
    pub(super) messages: Vec<Message>,
}

/// Judges changes of one document and remembers those that it admitted.
#[derive(Debug)]
pub(super) struct Gate {
    index: Index,
    rules: Rules,
}

/// What the operations of a document may do, and what has to be known to tell.
#[derive(Debug)]
enum Rules {
    State,
    /// The pages of every author, as far as they are written.
    Chat(HashMap<AuthorId, Pages>),
}

impl Gate {
    /// Starts with the genesis change alone.
    pub(super) fn new(kind: DocKind, genesis: &Change) -> Self {
        let mut index = Index::default();
        let roots = kind.genesis_objects();
        let mut learned = Learned::default();
        let mut clock = Clock::default();
        if kind == DocKind::State {
            clock = clock.with(0, 1);
            for (counter, &(key, kind)) in (1..).zip(roots) {
                let place = Place::Key(index.key(key));
                learned.entries.push(Entry { object: None, place, replaceable: true });
                learned.objects.push((OpId { author: 0, counter }, Object { kind, depth: 1 }));
            }
        }
        index.insert(GENESIS_AUTHOR, genesis.hash().0, &[], 1..1 + genesis.len() as u32, clock, learned);
        let rules = match kind {
            DocKind::State => Rules::State,
            DocKind::Chat => Rules::Chat(HashMap::new()),
        };
        Self { index, rules }
    }

    /// Returns whether the change was admitted.
    pub(super) fn knows(&self, hash: &[u8; 32]) -> bool {
        self.index.change(hash).is_some()
    }

    /// Returns the number that the author's next change must have.
    pub(super) fn next_seq(&self, author: AuthorId) -> u64 {
        u64::from(self.index.admitted(author)) + 1
    }

    /// Returns the hashes of the changes that nothing builds on yet, ascending.
    pub(super) fn heads(&self) -> Vec<[u8; 32]> {
        self.index.heads().collect()
    }

    /// Returns the counter of the last operation of an admitted change.
    pub(super) fn max_op(&self, hash: &[u8; 32]) -> Option<u32> {
        self.index.change(hash).map(|(_, _, row)| row.counters.end - 1)
    }

    /// Returns how far the author's pages are written.
    pub(super) fn pages(&self, author: AuthorId) -> Pages {
        match &self.rules {
            Rules::State => Pages::default(),
            Rules::Chat(pages) => pages.get(&author).copied().unwrap_or_default(),
        }
    }

    /// Judges the author's next change; all that it builds on must be admitted already.
    pub(super) fn admit(&mut self, author: AuthorId, payload: &[u8]) -> Result<Admission, GateError> {
        let scan = Scan::parse(payload)?;
        if scan.actor != author || author == GENESIS_AUTHOR {
            return Err(GateError::Author { claimed: scan.actor });
        }
        let next = self.next_seq(author);
        if scan.seq != next {
            return Err(GateError::Seq { found: scan.seq, next });
        }
        let clock = self.clock_of(&scan)?;
        let ops = self.index.ops(author) + scan.ops;
        if ops > AUTHOR_OPS_MAX {
            return Err(GateError::Operations { ops });
        }
        let (clock, learned, admission) = match &mut self.rules {
            Rules::State => {
                let learned = rules::State::new(&mut self.index, &scan, &clock)?.check()?;
                let change = parse_canonical(payload)?;
                let clock = clock.with(self.index.number_or_next(author), scan.seq as u32);
                let hash = change.hash().0;
                (clock, learned, Admission { change: Some(change), hash, ops: scan.ops, messages: Vec::new() })
            }
            Rules::Chat(all) => {
                let mut pages = all.get(&author).copied().unwrap_or_default();
                let messages = rules::check_chat(&scan, &mut pages)?;
                let hash = rules::canonical_chat_hash(&scan, payload)?;
                all.insert(author, pages);
                // Chat needs no clocks: its changes refer to nothing but their author's own.
                (Clock::default(), Learned::default(), Admission { change: None, hash, ops: scan.ops, messages })
            }
        };
        let counters = scan.start_op..scan.start_op + scan.ops;
        self.index.insert(author, admission.hash, scan.deps, counters, clock, learned);
        Ok(admission)
    }

    /// Checks what the change builds on and returns what it has seen.
    fn clock_of(&self, scan: &Scan<'_>) -> Result<Clock, GateError> {
        let mut clock = Clock::default();
        let (mut expected, mut last_own) = (None, 0);
        for dep in scan.deps {
            let (author, seq, row) = self.index.change(dep).ok_or(GateError::Dependencies)?;
            clock.merge(&row.clock);
            expected = expected.max(Some(row.counters.end));
            if Some(author) == self.index.number(scan.actor) {
                last_own = last_own.max(u64::from(seq));
            }
        }
        // Automerge names the author's last change even where another dependency implies it.
        let expected = expected.filter(|_| last_own + 1 == scan.seq).ok_or(GateError::Dependencies)?;
        if scan.start_op == expected { Ok(clock) } else { Err(GateError::StartOp { found: scan.start_op, expected }) }
    }
}

/// Hands scanned bytes to Automerge's reader and checks that its writer gives them back.
pub(super) fn parse_canonical(payload: &[u8]) -> Result<Change, GateError> {
    let parse = || {
        let change = Change::from_bytes(payload.to_vec()).ok()?;
        let again = Change::from(change.decode());
        (again.raw_bytes() == payload && change.raw_bytes() == payload).then_some(change)
    };
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or(None).ok_or(GateError::NotCanonical)
}

#[cfg(test)]
mod tests {
    use automerge::legacy::{Key, ObjectId, Op, OpType};
    use automerge::{ActorId, ChangeHash, ExpandedChange};

    use super::*;
    use crate::proto::doc::view::View;

    /// A hundred bytes can hold four thousand operations, and all replicas must stop at the same one.
    #[test]
    fn an_author_has_so_many_operations_and_no_more() {
        let eve = AuthorId([0xee; 16]);
        for left in [0, 1] {
            let (_, genesis) = View::new(DocKind::State, eve);
            let mut gate = Gate::new(DocKind::State, &genesis);
            let counters = 5..5 + AUTHOR_OPS_MAX - left;
            let start = u64::from(counters.end);
            gate.index.insert(eve, [1; 32], &[], counters, Clock::default().with(1, 1), Learned::default());
            let op = Op {
                action: OpType::Put("x".into()),
                obj: ObjectId::Root,
                key: Key::Map("title".into()),
                pred: Vec::new().into(),
                insert: false,
            };
            let change = Change::from(ExpandedChange {
                operations: vec![op],
                actor_id: ActorId::from(eve.0),
                hash: None,
                seq: 2,
                start_op: start.try_into().unwrap(),
                time: 0,
                message: None,
                deps: vec![ChangeHash([1; 32])],
                extra_bytes: Vec::new(),
                author: None,
            });
            let refused = gate.admit(eve, change.raw_bytes()).err();
            let expected = (left == 0).then_some(GateError::Operations { ops: AUTHOR_OPS_MAX + 1 });
            assert_eq!(refused, expected);
        }
    }
}
