//! Lists for people, in columns as wide as what is in them.

use std::io;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use crate::control::message::{DriverLine, LinkLine, LinkState, MemberLine, Policy};
use crate::text::{print_line, span};

/// Digits of an id that people are shown: enough to tell a few dozen apart, and short enough to type.
const SHORT: usize = 8;

/// Returns the begin of an id.
pub(crate) fn short(id: &str) -> String {
    id.chars().take(SHORT).collect()
}

/// Says how long something still lasts, rounded. A link made for a day has a day just after, not 23 hours.
pub(crate) fn left(until_ms: u64, now_ms: u64) -> String {
    let left = Duration::from_millis(until_ms.saturating_sub(now_ms));
    let unit_s = match left.as_secs() {
        0..60 => 1,
        60..3_600 => 60,
        3_600..172_800 => 3_600,
        _ => 86_400,
    };
    span(left + Duration::from_secs(unit_s) / 2)
}

pub(crate) fn links(links: &[LinkLine], now_ms: u64) -> io::Result<()> {
    let rows = links.iter().map(|link| {
        let here = match link.members_max {
            Some(max) => format!("{} of {max}", link.here),
            None => link.here.to_string(),
        };
        let state = match link.state {
            LinkState::Open => left(link.expires_ms, now_ms),
            other => other.to_string(),
        };
        let label = link.label.clone().unwrap_or_default();
        vec![short(&link.link), link.access.clone(), here, state, conditions(link), label]
    });
    print(&["LINK", "ACCESS", "HERE", "EXPIRES", "CONDITIONS", "LABEL"], rows)
}

fn conditions(link: &LinkLine) -> String {
    let from = link.passed_on_from.as_ref().map(|from| format!("passed on from {}", short(from)));
    let all = [
        link.passphrase.then(|| "passphrase".to_owned()),
        link.approve.then(|| "approve".to_owned()),
        link.once.then(|| "once".to_owned()),
        link.may_pass_on.then(|| "may be passed on".to_owned()),
        from,
    ];
    all.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(crate) fn members(members: &[MemberLine]) -> io::Result<()> {
    let rows = members.iter().map(|member| {
        let link = member.link.as_ref().map(|link| short(link)).unwrap_or_default();
        let label = member.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
        let name = match (&member.name, member.host) {
            _ if member.waiting => "waits to be let in".to_owned(),
            (Some(name), true) => format!("{name} (host)"),
            (Some(name), false) => name.clone(),
            (None, _) => String::new(),
        };
        vec![short(&member.member), name, member.access.clone(), format!("{link}{label}")]
    });
    print(&["MEMBER", "NAME", "ACCESS", "LINK"], rows)
}

pub(crate) fn drivers(drivers: &[DriverLine]) -> io::Result<()> {
    let rows = drivers.iter().map(|line| {
        let policy = match line.policy {
            Policy::All => "all",
            Policy::One => "one",
            Policy::Lines => "lines",
        };
        let driver = line.driver_name.clone().unwrap_or_else(|| "nobody".to_owned());
        let driver = if line.policy == Policy::One { driver } else { String::new() };
        vec![line.pane.to_string(), line.title.clone(), policy.to_owned(), driver, line.wishes.join(", ")]
    });
    print(&["PANE", "TITLE", "POLICY", "DRIVES", "WAITS"], rows)?;
    for line in drivers {
        for proposed in &line.lines {
            print_line(format!(
                "\n{} ({}) proposes in pane {}:\n  {}",
                proposed.name,
                short(&proposed.member),
                line.pane,
                cahoots::sanitise_line(&proposed.line, 4_096)
            ))?;
        }
    }
    Ok(())
}

pub(crate) fn print(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
    lines(heads, rows).iter().try_for_each(print_line)
}

/// Lays a table out. Spaces at the ends of lines are left out.
fn lines(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let table: Vec<_> = std::iter::once(heads).chain(rows).collect();
    let columns = table.first().map_or(0, Vec::len);
    let width = |column: usize| table.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    table.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link made for a day shows a day a minute later; one with half a day left does not.
    #[test]
    fn time_left_is_rounded() {
        let (second, hour) = (1_000, 3_600_000);
        for (left_ms, said) in [
            (24 * hour - 60 * second, "24 h"),
            (12 * hour, "12 h"),
            (hour + 20 * second, "1 h"),
            (90 * second, "2 min"),
            (2 * second, "2 s"),
            (7 * 24 * hour - second, "7 d"),
        ] {
            assert_eq!(left(left_ms, 0), said);
        }
    }

    /// Wide names must not push the columns behind them apart.
    #[test]
    fn columns_stand_below_each_other() {
        let rows = vec![vec!["界界".to_owned(), "view".to_owned()], vec!["a".to_owned(), String::new()]];
        assert_eq!(lines(&["NAME", "ACCESS"], rows.into_iter()), ["NAME  ACCESS", "界界  view", "a"]);
    }
}
