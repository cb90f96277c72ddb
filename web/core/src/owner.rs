//! What a holder of an own link can do from a page: links, the door, who drives. The host does it. PROTOCOL.md 15.1.
//!
//! Each command returns a number; a notice `answered` of that number says what came of it.

use crate::{Viewer, error, to_js};
use cahoots::proto::id::{AuthorId, PaneId, ShareId};
use cahoots::proto::session::{Peer, ShareInfo};
use cahoots::proto::share::{Rights, ShareFlags};
use cahoots::proto::terminal::{Command, Desk, Driving, Outcome, Seed, Wanted};
use cahoots::proto::token::{Access, Link};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// A link of the session, as everybody may know it; not its secret.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkLine {
    share: String,
    access: &'static str,
    /// Until when, in milliseconds since 1970.
    expires: f64,
    members_max: Option<u32>,
    passphrase: bool,
    approve: bool,
    once: bool,
    is_closed: bool,
    /// The one that this guest came by.
    is_mine: bool,
    passed_on: bool,
    here: usize,
}

impl LinkLine {
    fn of(share: &ShareInfo, peer: &Peer) -> Self {
        let has = |flag| share.flags.contains(flag);
        Self {
            share: share.share.to_string(),
            access: if share.rights.contains(Rights::ADMIN) {
                "own"
            } else if share.rights.contains(Rights::INPUT) {
                "interact"
            } else {
                "view"
            },
            expires: share.expires.0 as f64,
            members_max: share.members_max,
            passphrase: has(ShareFlags::PASSPHRASE),
            approve: has(ShareFlags::APPROVE),
            once: has(ShareFlags::ONCE),
            is_closed: share.is_closed,
            is_mine: peer.me().and_then(|me| peer.share_of(&me)) == Some(share.share),
            passed_on: share.passed_on_below.is_some(),
            here: share.here,
        }
    }
}

/// What waits for an owner's word.
#[derive(Serialize)]
pub(crate) struct DeskView {
    waiting: Vec<String>,
    wishes: Vec<(u16, String)>,
    lines: Vec<(u16, String, String)>,
}

impl DeskView {
    pub(crate) fn of(desk: Desk) -> Self {
        Self {
            waiting: desk.waiting.iter().map(ToString::to_string).collect(),
            wishes: desk.wishes.iter().map(|(pane, author)| (pane.0, author.to_string())).collect(),
            lines: desk.lines.into_iter().map(|(pane, author, line)| (pane.0, author.to_string(), line)).collect(),
        }
    }
}

/// What came of a command.
#[derive(Serialize)]
#[serde(tag = "what", rename_all = "camelCase")]
pub(crate) enum Answer {
    Done,
    /// A link was made: whole, and so a secret.
    Made {
        link: String,
        share: String,
    },
    Not {
        reason: String,
    },
}

impl Viewer {
    /// Makes of an answer what a page shows: a new link leads where the one leads that this guest came by.
    pub(crate) fn answer(&self, outcome: Outcome) -> Answer {
        match outcome {
            Outcome::Done => Answer::Done,
            Outcome::Made { access, seed } => self.made(access, seed),
            Outcome::Not(objection) => Answer::Not { reason: objection.to_string() },
        }
    }

    fn made(&self, access: Access, seed: Seed) -> Answer {
        let token = self.peer.made(access, seed);
        let share = token.secret().map(|secret| secret.share_id().to_string()).unwrap_or_default();
        Answer::Made { link: Link { token, relay: self.link.relay.clone() }.reveal(), share }
    }

    fn command(&mut self, command: Command) -> Result<f64, JsError> {
        self.peer.command(command).map(|seq| seq as f64).map_err(error)
    }
}

fn share(text: &str) -> Result<ShareId, JsError> {
    ShareId::parse(text).ok_or_else(|| error("not the name of a link"))
}

fn author(text: &str) -> Result<AuthorId, JsError> {
    AuthorId::parse(text).ok_or_else(|| error("not the name of a member"))
}

#[wasm_bindgen]
impl Viewer {
    /// Returns the links of the session.
    ///
    /// # Errors
    ///
    /// Only if the engine's memory is at its end.
    pub fn links(&self) -> Result<JsValue, JsError> {
        let shares = self.peer.shares();
        let others = shares.iter().filter(|share| !share.is_own);
        to_js(&others.map(|share| LinkLine::of(share, &self.peer)).collect::<Vec<_>>())
    }

    /// Asks to be shown what waits for an owner's word; again after every new link.
    ///
    /// # Errors
    ///
    /// As all commands: why nothing was sent.
    #[wasm_bindgen(js_name = showDesk)]
    pub fn show_desk(&mut self) -> Result<f64, JsError> {
        self.command(Command::ShowDesk)
    }

    /// Has a link made; `members_max` 0 leaves that to the session.
    ///
    /// # Errors
    ///
    /// As all commands.
    #[wasm_bindgen(js_name = makeLink)]
    pub fn make_link(
        &mut self,
        may_type: bool,
        lasts_s: u32,
        members_max: u32,
        approve: bool,
        once: bool,
    ) -> Result<f64, JsError> {
        let access = if may_type { Access::Interact } else { Access::View };
        self.command(Command::Share(Wanted { access, lasts_s, members_max, approve, once }))
    }

    /// Has a link closed and its holders cut off.
    ///
    /// # Errors
    ///
    /// As all commands.
    pub fn revoke(&mut self, link: &str) -> Result<f64, JsError> {
        self.command(Command::Revoke(share(link)?))
    }

    /// Has every link closed, this guest's own too.
    ///
    /// # Errors
    ///
    /// As all commands.
    #[wasm_bindgen(js_name = revokeAll)]
    pub fn revoke_all(&mut self) -> Result<f64, JsError> {
        self.command(Command::RevokeAll)
    }

    /// Has a member removed.
    ///
    /// # Errors
    ///
    /// As all commands.
    pub fn kick(&mut self, member: &str) -> Result<f64, JsError> {
        self.command(Command::Kick(author(member)?))
    }

    /// Has somebody let in who waits, or not.
    ///
    /// # Errors
    ///
    /// As all commands.
    pub fn admit(&mut self, member: &str, accept: bool) -> Result<f64, JsError> {
        let author = author(member)?;
        self.command(if accept { Command::LetIn(author) } else { Command::TurnAway(author) })
    }

    /// Says whose keys reach a pane: `all`, `one` or `line`.
    ///
    /// # Errors
    ///
    /// As all commands.
    #[wasm_bindgen(js_name = setPolicy)]
    pub fn set_policy(&mut self, pane: u16, policy: &str) -> Result<f64, JsError> {
        let driving = match policy {
            "one" => Driving::One,
            "line" => Driving::Lines,
            "all" => Driving::All,
            _ => return Err(error("no such policy")),
        };
        self.command(Command::Drive(PaneId(pane), driving))
    }

    /// Has a member drive a pane, or nobody.
    ///
    /// # Errors
    ///
    /// As all commands.
    pub fn grant(&mut self, pane: u16, member: Option<String>) -> Result<f64, JsError> {
        let driver = member.map(|member| author(&member)).transpose()?;
        self.command(Command::Grant(PaneId(pane), driver))
    }

    /// Answers whether a member's line is written: the one that was read, no other.
    ///
    /// # Errors
    ///
    /// As all commands.
    #[wasm_bindgen(js_name = answerLine)]
    pub fn answer_line(&mut self, pane: u16, member: &str, line: &str, accept: bool) -> Result<f64, JsError> {
        self.command(Command::Answer { pane: PaneId(pane), author: author(member)?, accept, line: line.to_owned() })
    }
}
