//! Who is here, and what the session looks like: everything already fit to be shown.

use cahoots::proto::doc::{Message, MessageKind, PaneInfo, PanePolicy, PaneStatus, Presence};
use cahoots::proto::id::{AuthorId, Channel, PaneId};
use cahoots::proto::limits::NAME_BYTES_MAX;
use cahoots::proto::member::VerifiedMember;
use cahoots::proto::session::Peer;
use cahoots::proto::share::Rights;
use cahoots::proto::terminal::sanitise_line;
use cahoots::proto::time::Now;
use serde::Serialize;

/// The longest line of a chat message that is shown as one, in bytes.
const LINE_BYTES_MAX: usize = 4_096;

/// Everything but terminals and chat.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scene {
    /// Whether what is shown is up to date.
    live: bool,
    /// Whether any link is up.
    linked: bool,
    me: Option<String>,
    can_type: bool,
    can_chat: bool,
    can_edit: bool,
    /// Whether it came by an own link, and so may command the host.
    can_command: bool,
    /// When the link that this guest came by ends, in milliseconds since 1970.
    expires: Option<f64>,
    /// When the session began, in milliseconds since 1970.
    since: Option<f64>,
    title: String,
    notes: String,
    members: Vec<Member>,
    panes: Vec<Pane>,
    /// How many messages the chat has.
    messages: usize,
    /// Typed bytes that the host has not confirmed.
    unconfirmed: usize,
}

/// Somebody who is here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    author: String,
    name: String,
    colour: u8,
    is_me: bool,
    is_host: bool,
    can_type: bool,
    typing: bool,
    focus: Option<u16>,
    cursor: Option<Cursor>,
    /// Before which character of the notes it writes.
    notes_cursor: Option<usize>,
    /// The link that it came by.
    share: String,
}

#[derive(Serialize)]
struct Cursor {
    pane: u16,
    row: u16,
    col: u16,
}

#[derive(Serialize)]
struct Pane {
    pane: u16,
    title: String,
    command: String,
    cols: u16,
    rows: u16,
    /// Its exit status once it has ended.
    exit: Option<i32>,
    /// Whose keys reach it: `all`, `one` or `line`.
    policy: &'static str,
    driver: Option<String>,
}

/// A chat message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    author: String,
    name: String,
    n: f64,
    is_mine: bool,
    is_reaction: bool,
    /// As its author's clock claims, in milliseconds since 1970.
    time: f64,
    text: String,
    reply: Option<(String, f64)>,
}

impl Scene {
    pub(crate) fn of(peer: &Peer, now: Now) -> Self {
        let state = peer.state();
        let rights = peer.rights();
        let own = peer.me().and_then(|me| peer.roster().member(&me));
        Self {
            live: peer.is_live(now),
            linked: peer.is_linked(),
            me: peer.me().map(|me| me.to_string()),
            can_type: rights.contains(Rights::INPUT),
            can_chat: rights.contains(Rights::CHAT),
            can_edit: rights.contains(Rights::CONTROL),
            can_command: rights.contains(Rights::ADMIN),
            expires: own.map(|own| own.expires().0 as f64),
            since: peer.log().time_of(0).map(|at| at.0 as f64),
            title: sanitise_line(&state.title, LINE_BYTES_MAX),
            notes: shown_notes(&state.notes),
            members: peer.roster().here().map(|(member, presence)| Member::of(peer, member, presence)).collect(),
            panes: state
                .panes
                .iter()
                .map(|(pane, info)| {
                    let policy = state.policies.get(pane).copied().unwrap_or_default();
                    Pane::of(*pane, info, policy, state.drivers.get(pane))
                })
                .collect(),
            messages: peer.messages().len(),
            unconfirmed: peer.unconfirmed_bytes(),
        }
    }
}

impl Member {
    fn of(peer: &Peer, member: &VerifiedMember, presence: &Presence) -> Self {
        let author = member.author();
        let notes = peer.document(Channel::STATE);
        Self {
            author: author.to_string(),
            name: shown_name(&presence.name, &author),
            colour: presence.colour,
            is_me: peer.me() == Some(author),
            is_host: peer.log().host() == Some(author),
            can_type: member.rights().contains(Rights::INPUT),
            typing: presence.typing,
            focus: presence.focus.map(|pane| pane.0),
            cursor: presence.cursor.map(|at| Cursor { pane: at.pane.0, row: at.row, col: at.col }),
            notes_cursor: presence.notes_cursor.as_deref().and_then(|cursor| notes?.notes_position(cursor)),
            share: member.share().to_string(),
        }
    }
}

impl Pane {
    fn of(pane: PaneId, info: &PaneInfo, policy: PanePolicy, driver: Option<&AuthorId>) -> Self {
        Self {
            pane: pane.0,
            title: sanitise_line(&info.title, NAME_BYTES_MAX),
            command: sanitise_line(&info.command, LINE_BYTES_MAX),
            cols: info.cols,
            rows: info.rows,
            exit: match info.status {
                PaneStatus::Running => None,
                PaneStatus::Exited { code } => Some(code),
            },
            policy: match policy {
                PanePolicy::Everybody => "all",
                PanePolicy::OneDriver => "one",
                PanePolicy::ApprovedLines => "line",
            },
            driver: driver.map(ToString::to_string),
        }
    }
}

impl Line {
    pub(crate) fn of(peer: &Peer, message: &Message) -> Self {
        let name = peer.roster().writer(&message.author).map_or("", |(_, name)| name);
        let lines = message.text.lines().map(|line| sanitise_line(line, LINE_BYTES_MAX));
        Self {
            author: message.author.to_string(),
            name: shown_name(name, &message.author),
            n: message.n as f64,
            is_mine: peer.me() == Some(message.author),
            is_reaction: message.kind == MessageKind::Reaction,
            time: message.time.0 as f64,
            text: lines.collect::<Vec<_>>().join("\n"),
            reply: message.reply.map(|(author, n)| (author.to_string(), n as f64)),
        }
    }
}

/// Nobody is without a name: who gave none is known by the begin of its id.
/// Returns notes as a text field shows them, each character in its place: fields take control characters away or for
/// others, and edits would then be of another text than people see.
fn shown_notes(notes: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\t' => character,
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    notes.chars().map(shown).collect()
}

fn shown_name(name: &str, author: &AuthorId) -> String {
    let name = sanitise_line(name, NAME_BYTES_MAX);
    if name.is_empty() { author.to_string().chars().take(6).collect() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A carriage return moved everybody's caret, and made the next edit overwrite what stood after it.
    #[test]
    fn notes_keep_their_places_and_lose_what_fields_cannot_show() {
        assert_eq!(shown_notes("a\r\nb\u{1b}[2J\tc\u{85}\n字"), "a\u{fffd}\nb\u{fffd}[2J\tc\u{fffd}\n字");
    }
}
