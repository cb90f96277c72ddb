//! The audit: who did what in a session, in a file that anybody can check offline.
//!
//! [`Peer::export_audit`](crate::proto::session::Peer::export_audit) --> bytes --[`read`]--> [`Audit`]: checked facts in
//! the order of their times
//!
//! Always: what [`read`] tells was signed by whom it names as its source. PROTOCOL.md 19.

mod event;
mod file;
mod journal;
mod people;
mod read;
mod receipt;
mod tell;
mod text;

pub use event::{Audit, AuditEvent, Edits, Source, What};
pub use people::Person;
pub use read::{AuditError, JournalError, LaneError, read};

pub(crate) use file::{LaneOf, Writer};
pub(crate) use journal::{Drove, Journal, Note};
pub(crate) use receipt::Receipt;

/// Whether an exported file tells what was said and edited, or only who did what and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Contents {
    /// Chat and edits stay out, and so do the keys.
    LeftOut,
    /// Chat and edits, with the keys that open them, and nothing else: neither screens nor what was typed.
    Included,
}
