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
use crate::proto::wire::DecodeError;
use clock::Clock;
use index::{Entry, Index, Object, OpId, Place, Row};
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
    /// A chat message or a presence value does not decode.
    #[error("value does not decode: {0}")]
    Value(#[from] DecodeError),
    /// Encoding what was decoded gives other bytes.
    #[error("change is not in canonical form")]
    NotCanonical,
    /// Too many changes of this author wait for others that did not come.
    #[error("{waiting} changes wait for others that did not come")]
    Waiting {
        /// How many.
        waiting: usize,
    },
    /// Automerge failed on it, although it passed: a bug of ours or of Automerge.
    #[error("change was taken back after a failure inside")]
    Failed,
}

/// A change that passed, parsed.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) change: Change,
    pub(super) hash: [u8; 32],
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
        let entries = roots.iter().map(|(key, _)| {
            let place = Place::Key(index.key(key));
            Entry { object: None, place, replaceable: true }
        });
        let entries = entries.collect();
        let clock = if kind == DocKind::State { Clock::default().with(0, 1) } else { Clock::default() };
        let objects =
            (1..).zip(roots).map(|(counter, &(_, kind))| (OpId { author: 0, counter }, Object { kind, depth: 1 }));
        let objects = objects.collect();
        let row = Row { start_op: 1, ops: genesis.len() as u32, entries, clock };
        index.insert(GENESIS_AUTHOR, genesis.hash().0, row, objects);
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

    /// Returns the counter of the last operation of an admitted change.
    pub(super) fn max_op(&self, hash: &[u8; 32]) -> Option<u32> {
        self.index.change(hash).map(|(_, _, row)| row.max_op())
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
        let (entries, objects, messages, pages) = match &self.rules {
            Rules::State => {
                let (entries, objects) = rules::State::new(&mut self.index, &scan, &clock)?.check()?;
                (entries, objects, Vec::new(), None)
            }
            Rules::Chat(pages) => {
                let mut pages = pages.get(&author).copied().unwrap_or_default();
                let messages = rules::check_chat(&scan, &mut pages)?;
                (Box::default(), Vec::new(), messages, Some(pages))
            }
        };
        let change = parse_canonical(payload)?;
        let hash = change.hash().0;
        if let (Rules::Chat(all), Some(pages)) = (&mut self.rules, pages) {
            all.insert(author, pages);
        }
        // Chat needs no clocks: its changes refer to nothing but their author's own.
        let clock = match self.rules {
            Rules::State => clock.with(self.index.number_or_next(author), scan.seq as u32),
            Rules::Chat(_) => Clock::default(),
        };
        self.index.insert(author, hash, Row { start_op: scan.start_op, ops: scan.ops, entries, clock }, objects);
        Ok(Admission { change, hash, messages })
    }

    /// Checks what the change builds on and returns what it has seen.
    fn clock_of(&self, scan: &Scan<'_>) -> Result<Clock, GateError> {
        let mut clock = Clock::default();
        let (mut max_op, mut last_own) = (None, 0);
        for dep in scan.deps {
            let (author, seq, row) = self.index.change(dep).ok_or(GateError::Dependencies)?;
            clock.merge(&row.clock);
            max_op = max_op.max(Some(row.max_op()));
            if Some(author) == self.index.number(scan.actor) {
                last_own = last_own.max(u64::from(seq));
            }
        }
        // Automerge names the author's last change even where another dependency implies it.
        let max_op = max_op.filter(|_| last_own + 1 == scan.seq).ok_or(GateError::Dependencies)?;
        let expected = max_op + 1;
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
