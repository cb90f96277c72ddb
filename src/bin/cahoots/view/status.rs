//! The status line: what is shared, what one may do, who is here, over which path, and which keys help.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::app::{App, Facts, Switch};
use super::draw::Theme;
use super::wrap::cut;
use crate::text;
use cahoots::proto::time::Mono;
use cahoots::{Connection, Status};

/// Longest title in the line, in columns.
const TITLE_COLS_MAX: usize = 30;

/// Says what there is to wait for while no screen has come.
pub(crate) fn waiting(facts: &Facts) -> String {
    let said = match facts.status.connection {
        Connection::Closed => "the session is over",
        _ if facts.status.waiting => {
            return format!("waiting to be let in: the host is asked, and sees your key {}", facts.key);
        }
        Connection::Searching => "searching for the session…",
        Connection::Connecting => "connecting…",
        Connection::Lost => "connection lost, reconnecting…",
        Connection::Ready if facts.status.live => "waiting for the first screen…",
        Connection::Ready => "waiting for the host…",
    };
    said.to_owned()
}

/// Says how the host is reached, and how far away it is.
pub(crate) fn path(status: &Status) -> String {
    match status.connection {
        Connection::Searching => "searching…".to_owned(),
        Connection::Connecting => "connecting…".to_owned(),
        Connection::Lost => "reconnecting…".to_owned(),
        Connection::Closed => "closed".to_owned(),
        Connection::Ready if status.waiting => "not let in yet".to_owned(),
        Connection::Ready if !status.live => "host is away".to_owned(),
        Connection::Ready => {
            let kind = status.path.map_or_else(String::new, |path| path.to_string());
            let rtt = status.rtt.map_or_else(String::new, text::round_trip);
            format!("{kind} {rtt}").trim().to_owned()
        }
    }
}

/// Lays the line out; what does not fit is left out from the right, the hints first.
pub(crate) fn line(app: &App, width: u16, theme: Theme, now: Mono) -> Line<'static> {
    let width = usize::from(width);
    let bar = theme.bar();
    let mut spans = facts(app, theme);
    if let Some(alarm) = app.alarms.line() {
        spans.push(Span::styled(format!(" {alarm} "), theme.alarm()));
    } else if let Some(notice) = app.notice(now.0) {
        spans.push(Span::styled(format!(" {notice} "), bar.add_modifier(Modifier::BOLD)));
    } else if !app.armed {
        // After the prefix the commands are what one looks for.
        spans.extend(details(app, bar));
    }
    let mut line = Line::from(fitting(spans, width)).style(bar);
    let free = width.saturating_sub(line.width());
    let hints = hints(app, free);
    if hints.width() < free {
        line.push_span(Span::raw(" ".repeat(free - hints.width() - 1)));
        line.push_span(Span::styled(hints, bar.add_modifier(Modifier::DIM)));
    }
    line
}

fn facts(app: &App, theme: Theme) -> Vec<Span<'static>> {
    let bar = theme.bar();
    let rights = app.facts.rights;
    let color = if rights.may_type() { Color::Indexed(214) } else { Color::Indexed(80) };
    let access = match theme {
        Theme::Colour => bar.fg(color),
        Theme::Plain => bar,
    };
    let title = cut(&app.facts.title, TITLE_COLS_MAX);
    vec![
        Span::styled(format!(" {title} "), bar.add_modifier(Modifier::BOLD)),
        Span::styled(format!(" {rights} "), access),
    ]
}

fn details(app: &App, bar: Style) -> Vec<Span<'static>> {
    let facts = &app.facts;
    let unread = app.chat.unread;
    let said = [
        (!facts.status.waiting).then(|| format!("{} here", facts.members.len())),
        Some(path(&facts.status)),
        app.driver().map(|driver| {
            if app.is_me(driver) { "you drive".to_owned() } else { format!("{} drives", app.name_of(driver)) }
        }),
        (unread > 0).then(|| format!("{unread} unread")),
        app.exit.map(|code| format!("ended with {code}")),
        (app.back > 0).then(|| format!("{} lines back", app.back)),
        app.layout.is_clipped().then(|| "part of the screen".to_owned()),
        (app.pointing == Switch::On).then(|| "pointing".to_owned()),
        (facts.panes.len() > 1).then(|| format!("pane {}", pane_number(app))),
    ];
    said.into_iter().flatten().map(|text| Span::styled(format!(" {text} "), bar)).collect()
}

fn pane_number(app: &App) -> String {
    let at = app.facts.panes.iter().position(|(pane, _)| Some(*pane) == app.pane);
    format!("{} of {}", at.map_or(0, |at| at + 1), app.facts.panes.len())
}

/// The commands after the prefix, each with its rank: what has no room is given up from the highest rank down.
const COMMANDS: [(&str, u8); 9] = [
    ("c chat", 1),
    ("p people", 2),
    ("n notes", 5),
    ("m pointer", 6),
    ("d drive", 3),
    ("s pass on", 4),
    ("q leave", 0),
    ("] send ^]", 7),
    ("? help", 0),
];

/// Returns as many commands as fit below `free` columns, the most wanted ones.
fn commands(free: usize) -> String {
    let upto = |rank| {
        let kept = COMMANDS.iter().filter(|(_, needed)| *needed <= rank).map(|(hint, _)| *hint);
        kept.collect::<Vec<_>>().join("  ")
    };
    (0..=7).rev().map(upto).find(|hints| hints.width() < free).unwrap_or_default()
}

fn hints(app: &App, free: usize) -> String {
    if app.armed {
        commands(free)
    } else if app.alarms.line().is_some() {
        if app.may_type() { "^] x seen" } else { "x seen" }.to_owned()
    } else if app.may_type() {
        "^] ? help  ^] q leave".to_owned()
    } else {
        "c chat  p people  ? help  q leave".to_owned()
    }
}

/// Keeps the first spans that fit; the one that does not is cut.
fn fitting(spans: Vec<Span<'static>>, width: usize) -> Vec<Span<'static>> {
    let mut free = width;
    let mut kept = Vec::new();
    for span in spans {
        let columns = span.content.width();
        if columns > free {
            kept.push(Span::styled(cut(&span.content, free), span.style));
            break;
        }
        free -= columns;
        kept.push(span);
    }
    kept
}
