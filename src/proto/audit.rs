//! The audit: who did what in a session, in a file that anybody can check offline. PROTOCOL.md 19.

mod journal;
mod receipt;

pub(crate) use journal::{Drove, Journal, Note};
pub(crate) use receipt::Receipt;
