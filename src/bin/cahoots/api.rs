//! Stand-ins until the front doors land.
#![allow(dead_code, missing_docs)]
pub(crate) use cahoots::proto::id::{AuthorId, PaneId};
pub(crate) use cahoots::proto::share::Rights;
pub(crate) use cahoots::proto::terminal::{self, Screen, Size, sanitise_line};
pub(crate) use cahoots::proto::time::Wall;
pub(crate) use cahoots::proto::time::{Mono, Now};
pub(crate) use cahoots::proto::token::{Access, Link, Relay as RelayAddress};
use std::time::Duration;
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CursorAt {
    pub(crate) pane: PaneId,
    pub(crate) row: u16,
    pub(crate) col: u16,
}
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Member {
    pub(crate) author: AuthorId,
    pub(crate) name: String,
    pub(crate) colour: u8,
    pub(crate) rights: Rights,
    pub(crate) is_me: bool,
    pub(crate) is_host: bool,
    pub(crate) cursor: Option<CursorAt>,
    pub(crate) focus: Option<PaneId>,
    pub(crate) typing: bool,
}
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Message {
    pub(crate) author: AuthorId,
    pub(crate) n: u64,
    pub(crate) time: Wall,
    pub(crate) text: String,
}
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PathKind {
    Lan,
    Relay,
    Direct,
}
impl std::fmt::Display for PathKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("lan")
    }
}
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Connection {
    Searching,
    Connecting,
    Ready,
    Lost,
    Closed,
}
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    ByOwner,
    Expired,
    Revoked,
    Left,
}
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) connection: Connection,
    pub(crate) path: Option<PathKind>,
    pub(crate) remote: Option<String>,
    pub(crate) rtt: Option<Duration>,
    pub(crate) live: bool,
    pub(crate) ended: Option<Ending>,
}
