//! Own changes: what a caller may do to a document, and why it may not.
//!
//! Always: an edit is one change or nothing.

use automerge::AutomergeError;
use automerge::transaction::Transaction;

use super::DocKind;
use super::gate::GateError;

/// Why an edit was not made; the document is as it was. The caller has to act, but for [`Failed`](Self::Failed).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The other document has this.
    #[error("no such thing in the {found:?} document")]
    Kind {
        /// The document.
        found: DocKind,
    },
    /// A text is over its bound.
    #[error("{what} of {bytes} bytes is over the limit of {bytes_max}")]
    TooLong {
        /// The text.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// The edit is too large for one change: split it.
    #[error("edit of {ops} operations is over the limit of {ops_max}")]
    TooMany {
        /// How many operations it takes.
        ops: usize,
        /// The bound.
        ops_max: usize,
    },
    /// A position is beyond the end of the text.
    #[error("position {position} is beyond the end at {length}")]
    Position {
        /// The position, in code points.
        position: usize,
        /// The length of the text, in code points.
        length: usize,
    },
    /// Own earlier changes were refused, or are still to come: nothing can follow them.
    #[error("own lane is not complete here")]
    Lane,
    /// The change would be refused by everybody: split the edit.
    #[error("edit would be refused: {0}")]
    Refused(GateError),
    /// Automerge failed; the document was rebuilt without the edit.
    #[error("edit failed inside")]
    Failed,
}

impl From<AutomergeError> for EditError {
    fn from(_: AutomergeError) -> Self {
        Self::Failed
    }
}

/// One change in the making.
#[derive(Debug)]
pub struct Tx<'a> {
    pub(super) raw: Transaction<'a>,
    pub(super) kind: DocKind,
}
