use crossterm::event::{MouseButton, MouseEvent};
use ratatui::layout::Rect;

use super::*;
use cahoots::{Connection, MessageKind, Size, Wall};

pub(crate) const ME: AuthorId = AuthorId([1; 16]);
pub(crate) const ADA: AuthorId = AuthorId([2; 16]);
/// When I came.
pub(crate) const CAME: Wall = Wall(10 * 60_000);
const PANE: PaneId = PaneId(0);

/// Me as a guest of Ada's session with these rights.
pub(crate) fn app(rights: Rights) -> App {
    let mut app = App::new(facts(rights), CAME);
    app.layout = Layout::new(
        Rect { x: 0, y: 0, width: 80, height: 24 },
        false,
        Some(Size { cols: 80, rows: 23 }),
        Some((0, 0)),
        None,
    );
    app
}

pub(crate) fn facts(rights: Rights) -> Facts {
    Facts {
        title: "deploy".to_owned(),
        rights,
        members: vec![member(ADA, "Ada", Rights::OWN), member(ME, "Ben", rights)],
        messages: Arc::default(),
        notes: String::new(),
        panes: vec![(PANE, "bash".to_owned())],
        drivers: BTreeMap::new(),
        key: "0101 0101".to_owned(),
        status: Status {
            connection: Connection::Ready,
            path: Some(cahoots::PathKind::Lan),
            remote: None,
            rtt: Some(std::time::Duration::from_micros(400)),
            live: true,
            refusal: None,
            waiting: false,
            ended: None,
        },
    }
}

pub(crate) fn member(author: AuthorId, name: &str, rights: Rights) -> Member {
    Member {
        author,
        name: name.to_owned(),
        colour: author.0[0],
        rights,
        is_me: author == ME,
        is_host: author == ADA,
        link: None,
        cursor: None,
        focus: None,
        typing: false,
    }
}

pub(crate) fn said(author: AuthorId, n: u64, text: &str, time: Wall) -> Message {
    let text = text.to_owned();
    Message { author, n, position: 0, kind: MessageKind::Text, time, text, reply: None, anchor: None, name: None }
}

fn key(code: KeyCode) -> Event {
    Event::Key(code.into())
}

fn ctrl(c: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
}

pub(crate) fn press(app: &mut App, keys: &str) -> Vec<Action> {
    let events = keys.chars().map(|c| match c {
        '^' => ctrl(']'),
        '\n' => key(KeyCode::Enter),
        '\x1b' => key(KeyCode::Esc),
        c => key(KeyCode::Char(c)),
    });
    events.filter_map(|event| app.handle_event(&event, 0)).collect()
}

fn typed(c: char) -> Action {
    Action::Key(KeyCode::Char(c).into())
}

/// Who types must get every letter through, also those that are commands elsewhere.
#[test]
fn interact_link_types_plain_keys() {
    let mut app = app(Rights::INTERACT);
    assert_eq!(press(&mut app, "qc?"), [typed('q'), typed('c'), typed('?')]);
    assert_eq!(
        app.handle_event(&ctrl('c'), 0),
        Some(Action::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)))
    );
    assert!(app.panel.is_none() && !app.help);
}

/// The prefix must not cost the shell its own Ctrl-].
#[test]
fn prefix_runs_commands_and_can_be_sent_itself() {
    let mut app = app(Rights::INTERACT);
    assert_eq!(press(&mut app, "^q"), [Action::Leave]);
    assert_eq!(press(&mut app, "^]"), [Action::Key(keys::PREFIX)]);
    assert_eq!(press(&mut app, "^^"), [Action::Key(keys::PREFIX)]);
    assert_eq!(press(&mut app, "^z"), []);
    assert!(app.notice(0).is_some());
    assert_eq!(press(&mut app, "x"), [typed('x')]);
}

/// Nothing typed may leave a viewer without the right, and it should be said why.
#[test]
fn view_link_takes_plain_keys_as_commands_and_types_nothing() {
    let mut app = app(Rights::VIEW);
    assert_eq!(press(&mut app, "ls\n"), []);
    assert_eq!(app.notice(0), Some("this is a view link: you can look but not type"));
    assert_eq!(app.notice(NOTICE_US), None);
    assert_eq!(press(&mut app, "q"), [Action::Leave]);
    assert_eq!(app.handle_event(&ctrl('c'), 0), Some(Action::Leave));
    assert_eq!(app.handle_event(&Event::Paste("rm".to_owned()), 0), None);
}

/// Chat swallows keys while it is open: a message must never run as a command.
#[test]
fn chat_takes_the_keys_until_it_gives_them_back() {
    let mut app = app(Rights::INTERACT);
    assert_eq!(press(&mut app, "^chi\n"), [Action::Typing, Action::Typing, Action::Say("hi".to_owned())]);
    assert_eq!(press(&mut app, "\n"), [], "an empty message is none");
    assert_eq!(press(&mut app, "^cq"), [typed('q')], "the panel stays, the keys are back");
    assert_eq!(app.panel, Some(Panel::Chat));
    assert_eq!(press(&mut app, "^c\x1b"), []);
    assert_eq!((app.panel, app.focus), (None, Focus::Terminal));
}

/// Several pasted lines are several commands; one stray middle click must not run them.
#[test]
fn paste_of_lines_asks_first() {
    let mut app = app(Rights::INTERACT);
    let lines = "make\nmake install\n";
    assert_eq!(app.handle_event(&Event::Paste("make".to_owned()), 0), Some(Action::Paste("make".to_owned())));
    assert_eq!(app.handle_event(&Event::Paste(lines.to_owned()), 0), None);
    assert_eq!(app.paste_question().unwrap(), "paste 2 lines? Each line end may run a command");
    assert_eq!(press(&mut app, "x\x1b"), []);
    assert_eq!(app.paste_question(), None);

    assert_eq!(app.handle_event(&Event::Paste(lines.replace('\n', "\r")), 0), None);
    assert_eq!(app.paste_question().unwrap(), "paste 2 lines? Each line end may run a command");
    assert_eq!(press(&mut app, "\n"), [Action::Paste(lines.replace('\n', "\r"))]);
}

/// After the end there is nothing to type into: the way out must be one plain key.
#[test]
fn keys_are_commands_once_the_program_has_ended() {
    let mut app = app(Rights::INTERACT);
    app.exit = Some(3);
    assert_eq!(press(&mut app, "z"), []);
    assert_eq!(app.notice(0), Some("the program has ended with 3, q leaves"));
    assert_eq!(press(&mut app, "q"), [Action::Leave]);
}

/// Arrows repeat without the prefix, or moving across a large screen is piano work; typing goes back to the cursor.
#[test]
fn moving_the_view_goes_on_until_another_key() {
    let mut app = app(Rights::INTERACT);
    app.layout = Layout::new(
        Rect { x: 0, y: 0, width: 20, height: 11 },
        false,
        Some(Size { cols: 80, rows: 23 }),
        Some((0, 0)),
        None,
    );
    press(&mut app, "^");
    for _ in 0..2 {
        assert_eq!(app.handle_event(&key(KeyCode::Right), 0), None);
    }
    assert_eq!(app.pan, Some(Origin { row: 0, col: 10 }), "the layout was not drawn anew in between");
    assert_eq!(press(&mut app, "f"), []);
    assert_eq!(app.pan, None);

    press(&mut app, "^[");
    assert_eq!(app.back, 9);
    press(&mut app, "\x1b");
    assert_eq!(press(&mut app, "x"), [typed('x')]);
    assert_eq!(app.back, 0);
}

/// A release, as some terminals report it, is no second press.
#[test]
fn key_releases_type_nothing() {
    let mut app = app(Rights::INTERACT);
    let release = KeyEvent::new_with_kind(KeyCode::Char('a'), KeyModifiers::NONE, KeyEventKind::Release);
    assert_eq!(app.handle_event(&Event::Key(release), 0), None);
}

/// The pointer shows others a cell of the shared terminal, and only when it was asked for.
#[test]
fn mouse_points_only_when_switched_on() {
    let mut app = app(Rights::VIEW);
    let at = |column, row| {
        Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })
    };
    assert_eq!(app.handle_event(&at(3, 2), 0), None);
    assert_eq!((press(&mut app, "m"), app.wants_mouse()), (vec![], Switch::On));
    assert_eq!(app.handle_event(&at(3, 2), 0), Some(Action::Point(Some(CursorAt { pane: PANE, row: 2, col: 3 }))));
    assert_eq!(app.handle_event(&at(3, 23), 0), Some(Action::Point(None)), "the status line");
    assert_eq!((press(&mut app, "m"), app.wants_mouse()), (vec![Action::Point(None)], Switch::Off));
}

/// Who may type may click; who may not must not reach the program by its mouse either.
#[test]
fn mouse_reaches_the_program_only_by_an_interact_link() {
    let click = MouseEvent { kind: MouseEventKind::ScrollUp, column: 3, row: 2, modifiers: KeyModifiers::NONE };
    for (rights, action) in [(Rights::VIEW, None), (Rights::INTERACT, Some(Action::Click(click, (2, 3))))] {
        let mut app = app(rights);
        assert_eq!((app.handle_event(&Event::Mouse(click), 0), app.wants_mouse()), (None, Switch::Off));
        app.mouse = MouseMode::Click;
        assert_eq!(app.handle_event(&Event::Mouse(click), 0), action);
    }
}

/// What was said before one came is history, not unread; what one sees is read.
#[test]
fn unread_counts_what_was_not_seen() {
    let mut app = app(Rights::VIEW);
    app.handle_message(&said(ADA, 0, "an hour ago", Wall(0)), 0);
    app.handle_message(&said(ME, 0, "from my phone", CAME), 0);
    assert_eq!((app.chat.unread, app.notice(0)), (0, None));
    app.handle_message(&said(ADA, 1, "hello", CAME), 0);
    assert_eq!((app.chat.unread, app.notice(0)), (1, Some("Ada: hello")));
    press(&mut app, "c");
    assert_eq!(app.chat.unread, 0);
    app.handle_message(&said(ADA, 2, "again", CAME), NOTICE_US);
    assert_eq!((app.chat.unread, app.notice(NOTICE_US)), (0, None), "the open panel shows it");
}

/// An alarm that scrolls by unseen is none: it stays until it was put away, and the next one comes then.
#[test]
fn alarms_stay_until_they_were_seen() {
    let mut app = app(Rights::INTERACT);
    for alarm in ["a relay lies", "Eve lies", "a relay lies"] {
        app.alarms.raise(alarm.to_owned());
    }
    press(&mut app, "ls\n");
    assert_eq!(app.alarms.line().as_deref(), Some("alarm: a relay lies (1 of 2)"));
    assert_eq!(press(&mut app, "^x"), []);
    assert_eq!(app.alarms.line().as_deref(), Some("alarm: Eve lies"));
    press(&mut app, "^x^x");
    assert_eq!(app.alarms.line(), None);
}

/// The same key asks for the wheel and gives it back; which of the two must be what the line shows.
#[test]
fn drive_key_asks_or_gives_back() {
    let mut app = app(Rights::INTERACT);
    assert_eq!(press(&mut app, "^d"), [Action::Drive(Wheel::Take)]);
    app.facts.drivers.insert(PANE, ADA);
    assert_eq!(press(&mut app, "^d"), [Action::Drive(Wheel::Take)]);
    app.facts.drivers.insert(PANE, ME);
    assert_eq!(press(&mut app, "^d"), [Action::Drive(Wheel::GiveBack)]);
}

/// A link must be asked for in two steps: one stray key makes none, and what is shown goes with the next key.
#[test]
fn passing_on_asks_which_link() {
    let mut app = app(Rights::VIEW);
    assert_eq!(press(&mut app, "s"), []);
    assert_eq!(app.passing, Some(Passing::Asking));
    assert_eq!(press(&mut app, "v"), [Action::PassOn(Access::View)]);
    assert_eq!(press(&mut app, "sq"), [], "any other key makes none");
    app.passing = Some(Passing::Made("cahoots://join#chr1".into()));
    assert_eq!(press(&mut app, "q"), []);
    assert_eq!(app.passing, None);
}
