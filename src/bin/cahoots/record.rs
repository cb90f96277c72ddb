//! What `--json` prints: one object per line, each with the field `event`. Fields are only ever added.

use std::io;

use cahoots::{Access, Ending, Event, Host, Link, Member, Message, Screen, SessionId};
use serde_json::{Value, json};

use crate::text::print_line;

/// Prints one record.
pub(crate) fn print(record: &Value) -> io::Result<()> {
    print_line(record)
}

/// The session can be joined by these links; by `web`, where there are some, in a browser on this network.
pub(crate) fn sharing(host: &Host, links: &[(Access, Link)]) -> Value {
    let by_access = |text: &dyn Fn(&Link) -> Option<String>| -> serde_json::Map<_, _> {
        links.iter().filter_map(|(access, link)| Some((access.to_string(), Value::from(text(link)?)))).collect()
    };
    let session = host.session().id().to_string();
    let mut record = json!({ "event": "sharing", "session": session, "links": by_access(&|link| Some(link.reveal())) });
    let web = by_access(&|link| host.web_link(link));
    if !web.is_empty() {
        record["web"] = web.into();
    }
    record
}

/// This side is in.
pub(crate) fn in_session(session: SessionId, access: &str) -> Value {
    json!({ "event": "in", "session": session.to_string(), "access": access })
}

/// The viewer is served at this address, which holds the link.
pub(crate) fn viewing(address: &str) -> Value {
    json!({ "event": "viewing", "address": address })
}

/// The relay listens.
pub(crate) fn relay(listen: &[String], address: &str) -> Value {
    json!({ "event": "relay", "listen": listen, "address": address })
}

/// Something happened; `None` for what is of no use to a program.
pub(crate) fn event(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Joined(member) => of_member("joined", member),
        Event::Left(member) => of_member("left", member),
        Event::Message(message) => of_message(message),
        Event::Connection(connection) => {
            json!({ "event": "connection", "state": format!("{connection:?}").to_lowercase() })
        }
        Event::Refused { pane, reason } => json!({ "event": "refused", "pane": pane.0, "reason": reason.to_string() }),
        Event::InputLost { bytes } => json!({ "event": "input_lost", "bytes": bytes }),
        Event::Knocked(member) => of_member("knocked", member),
        Event::Waiting => json!({ "event": "waiting" }),
        Event::LetIn => json!({ "event": "let_in" }),
        Event::Rekeyed(epoch) => rekeyed(epoch.0),
        Event::DriveWished { pane, author } => {
            json!({ "event": "drive_wished", "pane": pane.0, "author": author.to_string() })
        }
        Event::DriverChanged { pane, driver } => {
            json!({ "event": "driver", "pane": pane.0, "author": driver.map(|author| author.to_string()) })
        }
        Event::LineProposed { pane, author, line } => {
            json!({ "event": "line_proposed", "pane": pane.0, "author": author.to_string(), "text": line })
        }
        Event::Waits { pane, what } => json!({ "event": "waits", "pane": pane.0, "what": what.to_string() }),
        Event::Alarm(alarm) => json!({ "event": "alarm", "what": alarm.to_string() }),
        Event::Lagged { missed } => json!({ "event": "lagged", "missed": missed }),
        _ => return None,
    })
}

/// The key of the session is another one.
pub(crate) fn rekeyed(epoch: u32) -> Value {
    json!({ "event": "rekeyed", "epoch": epoch })
}

fn of_member(event: &str, member: &Member) -> Value {
    json!({
        "event": event,
        "author": member.author.to_string(),
        "name": member.name,
        "access": member.rights.to_string(),
        "link": member.link.map(|link| link.to_string()),
        "host": member.is_host,
        "me": member.is_me,
    })
}

fn of_message(message: &Message) -> Value {
    json!({ "event": "message", "author": message.author.to_string(), "time_ms": message.time.0, "text": message.text })
}

/// The screen as text, without spaces at the ends of its lines.
pub(crate) fn screen(screen: &Screen) -> Value {
    let size = screen.size();
    json!({
        "event": "screen",
        "cols": size.cols,
        "rows": size.rows,
        "cursor": screen.cursor(),
        "title": screen.title(),
        "lines": screen.text(),
    })
}

/// What stands in the shared notes.
pub(crate) fn notes(text: &str) -> Value {
    json!({ "event": "notes", "text": text })
}

/// It is over. `why` is missing if the user left.
pub(crate) fn ended(ending: Option<Ending>, exit: Option<i32>) -> Value {
    json!({ "event": "ended", "why": ending.map(|ending| ending.to_string()), "exit": exit })
}
