use std::sync::Arc;

use super::super::app::tests::{ADA, ME, app, facts, member, press, said};
use super::super::screen::{Layout, Origin};
use super::*;
use cahoots::proto::time::Mono;
use cahoots::{Connection, CursorAt, PaneId, Rights, Size, Wall};

const NOW: Now = Now { mono: Mono(0), wall: Wall(10 * 60_000) };

fn screen(cols: u16, rows: u16, bytes: &str) -> Screen {
    let mut screen = Screen::new(Size { cols, rows });
    screen.write(bytes.as_bytes());
    screen
}

/// Draws into a window of this size.
fn drawn(app: &mut App, screen: Option<&Screen>, width: u16, height: u16) -> Picture {
    let area = Rect { x: 0, y: 0, width, height };
    let (size, cursor) = (screen.map(Screen::size), screen.and_then(Screen::cursor));
    app.layout = Layout::new(area, app.panel.is_some(), size, cursor, app.pan);
    let mut picture = Picture::empty(area);
    draw(&mut picture, app, screen, Theme::Colour, NOW);
    picture
}

fn lines(picture: &Picture) -> Vec<String> {
    let buffer = &picture.buffer;
    let line = |y| {
        let (mut line, mut x) = (String::new(), 0);
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(symbol.width().max(1)).unwrap();
        }
        line
    };
    (0..buffer.area.height).map(|y| line(y).trim_end().to_owned()).collect()
}

/// One look must tell what it is, what I may do, who is here, how it is reached, and the way out.
#[test]
fn status_line_tells_all_that_matters() {
    let mut app = app(Rights::INTERACT);
    let screen = screen(70, 3, "$ ls");
    let lines = lines(&drawn(&mut app, Some(&screen), 70, 4));
    assert_eq!(lines, ["$ ls", "", "", " deploy  interact  2 here  lan 0.4 ms           ^] ? help  ^] q leave"]);
}

/// Who has pressed the prefix looks for the commands: they may push the rest aside.
#[test]
fn prefix_shows_the_commands() {
    let mut app = app(Rights::INTERACT);
    press(&mut app, "^");
    let mut hints = |cols| lines(&drawn(&mut app, None, cols, 2))[1].trim().to_owned();
    let all = "c chat  p people  n notes  m pointer  d drive  s pass on  q leave  ] send ^]  ? help";
    assert!(hints(110).ends_with(all));
    assert!(hints(80).ends_with("  c chat  p people  d drive  s pass on  q leave  ? help"), "{}", hints(80));
    assert!(hints(42).ends_with(" c chat  q leave  ? help"), "{}", hints(42));
    assert_eq!(hints(20), "deploy  interact");
}

/// A narrow window loses the hints first, then details, never the access.
#[test]
fn narrow_status_line_keeps_the_access() {
    let mut app = app(Rights::VIEW);
    assert_eq!(lines(&drawn(&mut app, None, 20, 2))[1], " deploy  view  2 he…");
    assert_eq!(lines(&drawn(&mut app, None, 3, 2))[1], " d…");
}

/// A small shared terminal shows its edges, or nobody knows where its lines end.
#[test]
fn small_terminal_stands_in_a_frame() {
    let mut app = app(Rights::VIEW);
    let screen = screen(6, 2, "ab界\r\n$ ");
    let picture = drawn(&mut app, Some(&screen), 12, 7);
    let lines = lines(&picture);
    assert_eq!(lines[..6], ["", "  ┌──────┐", "  │ab界  │", "  │$     │", "  └──────┘", ""]);
    assert_eq!(picture.cursor, Some(Position { x: 5, y: 3 }));
}

/// Colours and attributes are half of what a terminal says.
#[test]
fn cells_keep_their_colours() {
    let mut app = app(Rights::VIEW);
    let screen = screen(10, 2, "\x1b[1;31;48;5;200mR\x1b[0;3;38;2;1;2;3mG\x1b[0;7;4mI\x1b[0mD");
    let picture = drawn(&mut app, Some(&screen), 10, 3);
    let buffer = &picture.buffer;
    let style = |x| (buffer[(x, 0)].fg, buffer[(x, 0)].bg, buffer[(x, 0)].modifier);
    assert_eq!(style(0), (Color::Indexed(1), Color::Indexed(200), Modifier::BOLD));
    assert_eq!(style(1), (Color::Rgb(1, 2, 3), Color::Reset, Modifier::ITALIC));
    assert_eq!(style(2), (Color::Reset, Color::Reset, Modifier::REVERSED | Modifier::UNDERLINED));
    assert_eq!(style(3), (Color::Reset, Color::Reset, Modifier::empty()));
}

/// Half of a wide character would shift the rest of its row by one column.
#[test]
fn wide_character_at_the_edge_is_left_out() {
    let mut app = app(Rights::VIEW);
    let screen = screen(12, 2, "abc界def界\x1b[1;1H");
    assert_eq!(lines(&drawn(&mut app, Some(&screen), 4, 3))[0], "abc");
    app.pan = Some(Origin { row: 0, col: 4 });
    assert_eq!(lines(&drawn(&mut app, Some(&screen), 8, 3))[0], " def界");
}

/// Chat names people, groups what belongs together, and shows the newest when there is too much.
#[test]
fn chat_panel_shows_the_newest_messages() {
    let mut app = app(Rights::VIEW);
    let mut with = facts(Rights::VIEW);
    let minute = 60_000;
    with.messages = Arc::new(vec![
        said(ADA, 0, "the build is red", Wall(minute)),
        said(ADA, 1, "since this morning, I think it is the new linker", Wall(2 * minute)),
        said(ME, 0, "looking\x1b[31m at \u{202e}it", Wall(10 * minute)),
    ]);
    with.members[0].typing = true;
    app.update(with);
    press(&mut app, "cdra");
    let picture = drawn(&mut app, None, 80, 12);
    let panel: Vec<_> = lines(&picture).iter().map(|line| line.chars().skip(46).collect::<String>()).collect();
    assert_eq!(
        panel[..11],
        [
            "┌ chat ───────────────────────────",
            "│",
            "│",
            "│ Ada 9 min",
            "│ the build is red",
            "│ since this morning, I think it ",
            "│ is the new linker",
            "│ Ben now",
            "│ looking[31m at it",
            "│ Ada is typing…",
            "│ > dra",
        ]
        .map(str::trim_end)
    );
    assert_eq!(picture.cursor, Some(Position { x: 53, y: 10 }));

    let small = lines(&drawn(&mut app, None, 40, 6));
    assert_eq!(
        small[..5],
        ["┌ chat ─────────────────────────────────", "│ Ben now", "│ looking[31m at it", "│ Ada is typing…", "│ > dra"]
    );
}

/// Whom one types in front of, and who else may type.
#[test]
fn people_panel_lists_rights_and_roles() {
    let mut app = app(Rights::VIEW);
    let mut with = facts(Rights::VIEW);
    with.members.extend((3..9).map(|n| member(cahoots::AuthorId([n; 16]), "Eve", Rights::INTERACT)));
    app.update(with);
    press(&mut app, "p");
    let panel = lines(&drawn(&mut app, None, 40, 7));
    assert_eq!(
        panel[..6],
        [
            "┌ people · 8 ───────────────────────────",
            "│ ● Ada  own, host",
            "│ ● Ben  view, you",
            "│ ● Eve  interact",
            "│ ● Eve  interact",
            "│ and 4 more"
        ]
    );
}

/// A pointer must show whose it is without hiding what it points at.
#[test]
fn members_pointers_are_drawn_in_their_colour() {
    let mut app = app(Rights::VIEW);
    let mut with = facts(Rights::VIEW);
    with.members[0].cursor = Some(CursorAt { pane: PaneId(0), row: 0, col: 3 });
    app.update(with);
    let free = screen(20, 2, "$ ls");
    let picture = drawn(&mut app, Some(&free), 20, 3);
    assert_eq!(lines(&picture)[0], "$ ls Ada");
    assert_eq!(picture.buffer[(3, 0)].bg, Color::Indexed(PEOPLE[2]));

    let full = screen(20, 2, "$ ls --all -- /home");
    assert_eq!(lines(&drawn(&mut app, Some(&full), 20, 3))[0], "$ ls --all -- /home");
}

/// While there is nothing to see, it must be said what is being waited for.
#[test]
fn empty_screen_says_what_it_waits_for() {
    let mut app = app(Rights::VIEW);
    let cases = [
        (Connection::Searching, "searching for the session…", "searching…"),
        (Connection::Lost, "connection lost, reconnecting…", "reconnecting…"),
        (Connection::Ready, "waiting for the first screen…", "lan 0.4 ms"),
    ];
    for (connection, middle, status) in cases {
        app.facts.status.connection = connection;
        let lines = lines(&drawn(&mut app, None, 80, 5));
        assert_eq!(lines[2].trim(), middle);
        assert!(lines[4].contains(status), "{}", lines[4]);
    }
}

/// Help and questions lie on top, also on a window that is too small for them.
#[test]
fn popups_fit_any_window() {
    let mut app = app(Rights::INTERACT);
    press(&mut app, "^?");
    let help = lines(&drawn(&mut app, None, 70, 20));
    assert!(help.iter().any(|line| line.contains("c  chat")), "{help:?}");
    for (width, height) in [(1, 1), (3, 2), (10, 5)] {
        drawn(&mut app, None, width, height);
    }
}
