//! A program in the shared terminal that writes whatever it likes: it may draw on its own canvas, and act on nobody's
//! terminal, clipboard, chat or shell.

use super::canary::contains;
use super::held::{Held, Trial};
use super::stage::{DAY_MS, PANE, Stage};
use super::wire::PATIENCE;
use crate::attacks::table::{ADA, Table};
use crate::e2e::stage::Stage as Processes;
use cahoots::io::pty::Pty;
use cahoots::proto::id::Channel;
use cahoots::{Access, PtyCommand, Screen, Size, sanitise_line};
use std::collections::BTreeSet;
use std::time::Instant;

const CLIPBOARD: [&str; 4] =
    ["\x1b]52;c;cm0gLXJmIC8K\x07", "\x1b]52;c;?\x07", "\x1b]52;p;cm0gLXJmIC8K\x1b\\", "\u{9d}52;c;cm0K\u{9c}"];
/// What asks a terminal for an answer, which would be typed into the shell.
const QUERIES: [&str; 16] = [
    "\x1b[c",
    "\x1b[>c",
    "\x1b[=c",
    "\x1b[5n",
    "\x1b[6n",
    "\x1b[?6n",
    "\x1b[?2026$p",
    "\x1b[>q",
    "\x1b[18t",
    "\x1b[21t",
    "\x1b]10;?\x07",
    "\x1b]4;1;?\x07",
    "\x1bP$qm\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x1bZ",
    "\x05",
];
const REST: [&str; 14] = [
    "\x1b]8;;file:///etc/passwd\x07click\x1b]8;;\x07",
    "\x1b]0;title of a liar\x07",
    "\x1b]7;file://evil/\x07",
    "\x1b]9;notify\x07",
    "\x1b]777;notify;a;b\x07",
    "\x1b]1337;File=inline=1:AAAA\x07",
    "\x1bPq#0;2;0;0;0#0~~\x1b\\",
    "\x1b_Ga=T,f=24;AAAA\x1b\\",
    "\x1b^private\x1b\\",
    "\x1bXstring\x1b\\",
    "\x1b[?1003h\x1b[?1006h\x1b[?1004h",
    "\x1b[5i",
    "\x1b[8;1;1t",
    "\x1b]unterminated",
];

/// Everything hostile in a row, each on its own, and the rest of an alphabet after it.
fn hostile() -> Vec<u8> {
    let all = CLIPBOARD.iter().chain(&QUERIES).chain(&REST);
    all.flat_map(|sequence| sequence.bytes().chain(*b"\r\n\x1b\\")).collect()
}

/// What a viewer's terminal was sent, and what it looks like then.
struct Shown {
    raw: Vec<u8>,
    screen: Vec<String>,
}

/// Shows `output` in a shared terminal, and lets somebody look on with the real viewer in a terminal of its own.
async fn shown_by_viewer(output: &[u8]) -> Shown {
    const SIZE: Size = Size { cols: 100, rows: 30 };
    let stage = Processes::new();
    std::fs::write(stage.path("output"), output).unwrap();
    let relay = stage.relay().await;
    // Once before the viewer comes, which gets a screen made of it, and once after.
    let end = "printf '\\033\\\\\\033[0m\\033[2;3H%s\\n'";
    let script =
        format!("cat output; {end} ready; while [ ! -e go ]; do sleep 0.05; done; cat output; {end} marker; read go");
    let share = stage.share(Some(&relay), &["--title", "honest-title"], &["sh", "-c", &script]).await;
    std::fs::write(stage.path("link"), share.link("interact")).unwrap();
    let variable = |name: &str, path: &str| (name.into(), stage.path(path).into_os_string());
    let command = PtyCommand {
        program: Some(env!("CARGO_BIN_EXE_cahoots").into()),
        args: vec!["join".into(), "--no-lan".into(), "--file".into(), stage.path("link").into_os_string()],
        cwd: Some(stage.path("")),
        env: vec![variable("HOME", ""), variable("XDG_RUNTIME_DIR", "run"), ("CAHOOTS_NAME".into(), "cat".into())],
        size: SIZE,
    };
    let mut viewer = Pty::spawn(command).unwrap();
    let (mut raw, mut screen) = (Vec::new(), Screen::new(SIZE));
    let start = Instant::now();
    while !screen.text().iter().any(|line| line.contains("marker")) {
        assert!(start.elapsed() < PATIENCE, "never shown:\n{}", screen.text().join("\n"));
        let bytes = tokio::time::timeout(PATIENCE, viewer.read()).await.expect("it shows something");
        let bytes = bytes.unwrap_or_else(|| panic!("the viewer has ended:\n{}", screen.text().join("\n")));
        screen.write(&bytes);
        raw.extend(bytes);
        if screen.text().iter().any(|line| line.contains("ready")) {
            std::fs::write(stage.path("go"), b"").unwrap();
        }
    }
    viewer.kill();
    Shown { raw, screen: screen.text() }
}

/// Returns which kinds of control sequences are in `raw`: what introduces and what ends each, parameters left out.
fn kinds(raw: &[u8]) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let mut rest = raw.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            0x1b => {
                let introducer = rest.next().map_or(' ', char::from);
                let mut kind = format!("ESC {introducer}");
                if introducer == '[' {
                    while let Some(next) = rest.next_if(|next| !(0x40..=0x7e).contains(next)) {
                        if !next.is_ascii_digit() && next != b';' && next != b':' {
                            kind.push(char::from(next));
                        }
                    }
                    kind.extend(rest.next().map(char::from));
                }
                kinds.insert(kind);
            }
            0..=31 | 127 if !b"\r\n\x08\t".contains(&byte) => {
                kinds.insert(format!("control {byte:#04x}"));
            }
            _ => {}
        }
    }
    kinds
}

/// The viewer's own line at the bottom is where it says who is there and what the link allows: no program draws there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_own_lines_cannot_be_drawn_on() -> Held {
    let mut trial = Trial::default();
    let lie = "\x1b[?1049h\x1b[r\x1b[999;1HFAKE 9 here own\x1b[30;1HFAKE\x1b[1000B\rFAKE\x1b[?6h\x1b[99;1HFAKE";
    let lies = [lie.as_bytes(), &hostile()].concat();
    let (honest, lied) = (shown_by_viewer(b"").await, shown_by_viewer(&lies).await);
    let (own, last) = (honest.screen.last().unwrap(), lied.screen.last().unwrap());
    trial.works("the viewer has a line of its own", own.contains("honest-title") && own.contains("here"));
    trial.fails("a program draws on it", last.contains("FAKE") || last.contains("liar"), false);
    trial.fails("a program hides it", (last.contains("honest-title"), last.contains("here")), (true, true));
    trial.held()
}

/// What a terminal answers to a query is typed into the shell by whoever passes it on: viewers never answer, never ask.
#[test]
fn replies_cannot_be_made_to_type() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let (typed, direct) = (stage.typed(), stage.entries(Channel::TO_HOST).len());
    for query in QUERIES {
        let now = stage.table.now;
        stage.table.peers[ADA].output(PANE, query.as_bytes(), now).unwrap();
        stage.table.pass(100_000);
        let mut screen = Screen::new(Size::new(20, 5));
        screen.write(query.as_bytes());
        trial.gets_nothing("a viewer's screen answers", screen.take_replies());
    }
    trial.fails("a query types", stage.typed(), typed);
    // What they do send meanwhile, every ten seconds, is a sign of life.
    trial.fails("viewers send something for each", stage.entries(Channel::TO_HOST).len() < direct + 6, true);
    let mut host = Screen::new(Size::new(20, 5)).answering();
    QUERIES.iter().for_each(|query| host.write(query.as_bytes()));
    trial.works("the host's own screen answers, once", !host.take_replies().is_empty());
    trial.held()
}

/// Output is output: it says nothing in the chat, calls nobody anything, and names no session.
#[test]
fn chat_and_names_cannot_be_forged() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let names = |stage: &Stage| -> Vec<String> {
        stage.table.peers[stage.cat].roster().here().map(|(_, presence)| presence.name.clone()).collect()
    };
    let before = (stage.said_at(stage.cat), names(&stage), stage.table.peers[stage.cat].state());
    let lie = [&hostile()[..], b"\r\nben: I resign\r\n\x1b]0;ben says yes\x07\x1b]2;x\x07"].concat();
    let now = stage.table.now;
    stage.table.peers[ADA].output(PANE, &lie, now).unwrap();
    stage.table.pass(6_000_000);
    let after = (stage.said_at(stage.cat), names(&stage), stage.table.peers[stage.cat].state());
    trial.fails("output changes chat, names or state", after, before.clone());
    for sequence in CLIPBOARD.iter().chain(&QUERIES).chain(&REST) {
        let line = sanitise_line(&format!("a{sequence}b\u{202e}c\u{200b}"), 256);
        let acts = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{200b}';
        trial.fails("a name or title acts on a terminal", line.chars().any(acts), false);
    }
    let now = stage.table.now;
    stage.table.peers[stage.ben].say(&"I stay".into(), now).unwrap();
    stage.table.pass(1_000_000);
    trial.works("people change the chat", stage.said_at(stage.cat).len() == before.0.len() + 1);
    trial.held()
}

/// A viewer's terminal is never told to fill or read its clipboard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clipboard_cannot_be_stolen() -> Held {
    let mut trial = Trial::default();
    let shown = shown_by_viewer(&hostile()).await;
    for sequence in [&b"]52"[..], b"\x9d52", b"cm0gLXJmIC8K", b"]1337", b"]5522"] {
        trial.fails("a viewer's terminal is told of its clipboard", contains(&shown.raw, sequence), false);
    }
    trial.works("the program's canvas is shown", shown.screen.concat().contains("marker"));
    trial.works("it did try", contains(&hostile(), b"]52"));
    trial.held()
}

/// Which terminal a viewer has, how large, with which colours and title, is asked by nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_terminal_cannot_be_questioned() -> Held {
    let mut trial = Trial::default();
    let (harmless, hostile) = (shown_by_viewer(b"plain\r\n").await, shown_by_viewer(&hostile()).await);
    let (usual, found) = (kinds(&harmless.raw), kinds(&hostile.raw));
    trial.works("a viewer's terminal is sent sequences", usual.len() > 3);
    trial.gets_nothing("a program's sequence is passed on", found.difference(&usual));
    trial.held()
}

/// Endless strings, huge counts, floods: viewers go on, and what comes after is shown.
#[test]
fn viewers_cannot_be_stopped() -> Held {
    let mut trial = Trial::default();
    let mut table = Table::new();
    let token = table.share(Access::View, DAY_MS);
    let cat = table.join(&token);
    table.peers[cat].watch(PANE);
    table.pass(1_000_000);
    let floods: [(&str, Vec<u8>); 7] = [
        ("an endless title", [&b"\x1b]0;"[..], &[b'x'; 300_000]].concat()),
        ("an endless device string", [&b"\x1bP"[..], &[b'x'; 300_000]].concat()),
        ("an endless sequence", [&b"\x1b["[..], &[b'1'; 100_000]].concat()),
        (
            "huge counts",
            b"\x1b[999999999b\x1b[2147483647@\x1b[4294967295L\x1b[99999999999999S\x1b[65536;65536H".to_vec(),
        ),
        ("a flood of resets", b"\x1bc".repeat(20_000)),
        ("combining marks", format!("e\u{301}\u{302}\u{303}{}", "\u{301}".repeat(50_000)).into_bytes()),
        ("malformed text", [0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80].repeat(10_000)),
    ];
    for (what, flood) in floods {
        for piece in flood.chunks(30_000) {
            let now = table.now;
            table.peers[ADA].output(PANE, piece, now).unwrap();
            table.pass(100_000);
        }
        let now = table.now;
        table.peers[ADA].output(PANE, b"\x1b\\\x18\x1bc\x1b[2J\x1b[Halive", now).unwrap();
        table.pass(1_000_000);
        let mut stage = Stage { table, view: token.clone(), interact: token.clone(), ben: cat, cat };
        trial.fails(what, stage.screen_of(cat), stage.true_screen());
        trial.works("what follows is shown", stage.screen_of(cat).concat().contains("alive"));
        let queued = stage.table.peers[cat].queued_bytes();
        trial.fails("a viewer piles up answers", queued < 65_536, true);
        stage.table.events[cat].clear();
        stage.table.peers[cat].unwatch(PANE);
        stage.table.peers[cat].watch(PANE);
        stage.table.pass(1_000_000);
        table = stage.table;
    }
    trial.held()
}
