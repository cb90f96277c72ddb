//! The members of an audited session: who they are, and the link that each came in by.

use super::text::{as_text, as_texts};
use crate::proto::id::{AuthorId, ShareId};
use crate::proto::share::Rights;
use serde::Serialize;
use std::fmt;

/// A member, as its certificate and its own word describe it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Person {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    pub author: AuthorId,
    /// What it called itself when it joined, if the host noted that; not proven.
    pub name: Option<String>,
    /// The link that it came in by.
    #[serde(serialize_with = "as_text")]
    pub share: ShareId,
    /// The links above that one, where it was passed on: the nearest first, up to one that the owner made.
    #[serde(serialize_with = "as_texts", skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<ShareId>,
    /// What it may do.
    #[serde(serialize_with = "as_text")]
    pub rights: Rights,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (author, share) = (self.author.to_string(), self.share.to_string());
        let name = self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("somebody");
        write!(f, "{name} ({}, link {}", &author[..8], &share[..8])?;
        for above in &self.below {
            write!(f, " below {}", &above.to_string()[..8])?;
        }
        write!(f, ", {})", self.rights)
    }
}
