//! Stand-ins until the front doors land.
#![allow(dead_code, unused_imports, missing_docs)]
pub(crate) use cahoots::proto::doc::CursorAt;
pub(crate) use cahoots::proto::doc::{Message, MessageKind};
pub(crate) use cahoots::proto::id::{AuthorId, PaneId};
pub(crate) use cahoots::proto::path::PathKind;
pub(crate) use cahoots::proto::session::Ending;
pub(crate) use cahoots::proto::share::Rights;
pub(crate) use cahoots::proto::terminal::{self, Screen, Size, sanitise_line};
pub(crate) use cahoots::proto::time::{Mono, Now, Wall};
pub(crate) use cahoots::proto::token::{Access, Link, Relay as RelayAddress};
use std::time::Duration;
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
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Connection {
    Searching,
    Connecting,
    Ready,
    Lost,
    Closed,
}
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) connection: Connection,
    pub(crate) path: Option<PathKind>,
    pub(crate) remote: Option<String>,
    pub(crate) rtt: Option<Duration>,
    pub(crate) live: bool,
    pub(crate) refusal: Option<cahoots::proto::wire::CloseCode>,
    pub(crate) ended: Option<Ending>,
}
