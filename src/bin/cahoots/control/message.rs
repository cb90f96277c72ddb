//! What goes over the control socket: a greeting, then requests and replies, one JSON object per line.
//!
//! Fields are only ever added: a session that runs since last week must understand today's program.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::args::LinkAccess;

/// Version of what follows the greeting.
pub(crate) const VERSION: u32 = 1;

/// Says which session this is, before any request.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Greeting {
    pub(crate) cahoots: u32,
    pub(crate) session: String,
    pub(crate) title: String,
    pub(crate) pid: u32,
}

/// What the owner asks of the session.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Request {
    /// List the links.
    Links,
    /// Issue a link.
    AddLink(Box<NewLink>),
    /// Close a link: its id or how that begins, or its label.
    RevokeLink { link: String },
    /// List who is here, and who waits.
    Members,
    /// Cut one member off. Its link is closed for others, too; a new one replaces it unless told otherwise.
    Kick { member: String, new_link: bool },
    /// Let somebody in who waits.
    Admit { member: String },
    /// Turn somebody away who waits.
    Deny { member: String },
    /// Close every link at once.
    Panic,
    /// Change the key.
    Rekey,
    /// List who drives which terminal.
    Drivers,
    /// Say who may type into a terminal.
    DriverPolicy { pane: u16, policy: Policy, lapse_s: Option<u64> },
    /// Give a terminal to a member, or take it back.
    Grant { pane: u16, member: Option<String> },
    /// Run a line that waits for a yes, or drop it.
    AnswerLine { pane: u16, member: String, accept: bool },
    /// Write what happened, signed, to a file.
    ExportAudit { file: PathBuf, contents: bool },
}

/// Terms of a link to issue.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct NewLink {
    pub(crate) access: LinkAccess,
    pub(crate) lasts_s: u64,
    pub(crate) members_max: Option<u32>,
    #[serde(default)]
    pub(crate) approve: bool,
    #[serde(default)]
    pub(crate) once: bool,
    #[serde(default)]
    pub(crate) may_pass_on: bool,
    pub(crate) label: Option<String>,
    pub(crate) passphrase: Option<Secret>,
}

/// Text that no log, panic or debug output shows.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who may type into a terminal, by the names of the command line.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Policy {
    /// Everybody whose link allows it
    All,
    /// One at a time
    One,
    /// Everybody, but each line waits for your yes
    Lines,
}

/// What came of a request.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// It was done; nothing more to say.
    Done,
    /// The links, oldest first.
    Links(Vec<LinkLine>),
    /// A link was issued.
    Added(Added),
    /// Somebody was cut off; the link that replaces theirs for the others, if one does.
    Kicked { member: String, name: String, link: String, replacement: Option<Added> },
    /// Links were closed.
    Revoked { links: Vec<String> },
    /// Who is here, and who waits.
    Members(Vec<MemberLine>),
    /// The key was changed; the number of its epoch.
    Rekeyed { epoch: u32 },
    /// Who drives what.
    Drivers(Vec<DriverLine>),
    /// Somebody was let in or turned away.
    Answered { member: String },
    /// A file of so many bytes was written.
    Exported { bytes: usize },
    /// It was not done.
    Refused(Refusal),
}

impl From<Result<Self, Refusal>> for Reply {
    fn from(result: Result<Self, Refusal>) -> Self {
        result.unwrap_or_else(Self::Refused)
    }
}

/// Why something was not done, and what to do about it.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Refusal {
    pub(crate) error: String,
    pub(crate) hint: String,
}

impl Refusal {
    pub(crate) fn new(error: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self { error: error.to_string(), hint: hint.to_string() }
    }
}

/// One link, without its secret.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct LinkLine {
    pub(crate) link: String,
    pub(crate) access: String,
    pub(crate) label: Option<String>,
    pub(crate) state: LinkState,
    /// Members who are connected by it.
    pub(crate) here: usize,
    pub(crate) members_max: Option<u32>,
    pub(crate) expires_ms: u64,
    pub(crate) passphrase: bool,
    pub(crate) approve: bool,
    pub(crate) once: bool,
    pub(crate) may_pass_on: bool,
    /// The link that it was passed on from.
    pub(crate) passed_on_from: Option<String>,
}

/// Whether a link can be used.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkState {
    Open,
    Expired,
    Revoked,
}

impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        })
    }
}

/// A new link. This alone carries its secret.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
pub(crate) struct Added {
    pub(crate) link: String,
    pub(crate) access: String,
    pub(crate) label: Option<String>,
    pub(crate) expires_ms: u64,
    pub(crate) url: String,
}

impl fmt::Debug for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Added").field("link", &self.link).field("access", &self.access).finish_non_exhaustive()
    }
}

/// Somebody who is here or waits.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct MemberLine {
    pub(crate) member: String,
    /// What they call themselves; nothing is known yet of who waits.
    pub(crate) name: Option<String>,
    pub(crate) access: String,
    pub(crate) link: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) host: bool,
    pub(crate) waiting: bool,
}

/// Who may type into a terminal.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct DriverLine {
    pub(crate) pane: u16,
    pub(crate) title: String,
    pub(crate) policy: Policy,
    pub(crate) driver: Option<String>,
    pub(crate) driver_name: Option<String>,
    /// Names of those who would like to.
    pub(crate) wishes: Vec<String>,
    /// Lines that wait for a yes.
    pub(crate) lines: Vec<Proposed>,
}

/// A line that somebody typed and that waits for a yes.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Proposed {
    pub(crate) member: String,
    pub(crate) name: String,
    pub(crate) line: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A script, or a program of another version, speaks this from its documentation: the words must stay.
    #[test]
    fn requests_are_plain_json() {
        let kick = Request::Kick { member: "3f".into(), new_link: true };
        assert_eq!(serde_json::to_string(&kick).unwrap(), r#"{"do":"kick","member":"3f","new_link":true}"#);
        assert_eq!(serde_json::to_string(&Request::Panic).unwrap(), r#"{"do":"panic"}"#);
        let old = r#"{"do":"add_link","access":"view","lasts_s":60,"new_since":"then"}"#;
        let Request::AddLink(link) = serde_json::from_str(old).unwrap() else { panic!("not a link") };
        assert_eq!((link.access, link.lasts_s, link.once), (LinkAccess::View, 60, false));
    }

    /// A request that fails may end in a log or a panic.
    #[test]
    fn secrets_do_not_show() {
        let added = Added {
            link: "3f".into(),
            access: "view".into(),
            label: None,
            expires_ms: 1,
            url: "cahoots://join#chr1secret".into(),
        };
        let shown = format!("{:?} {:?}", Secret("hunter2".into()), Reply::Added(added));
        assert!(!shown.contains("hunter2") && !shown.contains("secret\""), "{shown}");
        assert!(!shown.contains("chr1"), "{shown}");
    }
}
