//! The program as people and scripts meet it: real processes, a relay on loopback, pseudo-terminals.

mod asking;
mod audit;
mod door;
mod links;
mod scrollback;
mod secrets;
mod sessions;
mod stage;

use stage::{Relay, Running, Window, errors, file, run, run_with_stdin};

/// Ctrl-], which begins the viewer's own commands.
const PREFIX: &str = "\x1d";

/// The whole story: a guest sees what runs, types into it, talks, and leaves with its exit status.
#[test]
fn guest_sees_types_and_gets_the_exit_status() {
    let relay = Relay::start();
    let mut host = Running::start(&["share", "--json", "--no-lan", "--relay", &relay.address, "--", "cat"]);
    let links = host.wait_for("sharing")["links"].clone();
    let mut guest =
        Running::start(&["join", "--json", "--until-exit", "--no-lan", "--file", &file("story", &links["interact"])]);
    assert_eq!(guest.wait_for("in")["access"], "interact");
    assert_eq!(host.wait_for("joined")["access"], "interact");

    guest.ask(r#"{"do":"type","text":"hello\r"}"#);
    guest.wait_for_line("hello");
    guest.ask(r#"{"do":"say","text":"bye"}"#);
    assert_eq!(host.wait_for("message")["text"], "bye");
    guest.ask(r#"{"do":"type","text":"\u0004"}"#);
    assert_eq!(guest.wait_for("ended")["exit"], 0);
    assert_eq!(host.wait_for("ended")["exit"], 0);
    assert_eq!((guest.status(), host.status()), (0, 0));
}

/// Scripts and shells act on the status: it has to be the shared command's own.
#[test]
fn share_passes_the_exit_status_on() {
    let output = run(&["share", "-q", "--headless", "--no-lan", "--", "sh", "-c", "exit 7"]);
    assert_eq!(output.status.code(), Some(7));
}

/// `link=$(cahoots share -q …)` must get a link and not a word more.
#[test]
fn quiet_share_prints_one_link_and_nothing_else() {
    for (access, prefix) in [("view", "cahoots://join#chr1"), ("interact", "cahoots://join#chi1")] {
        let output = run(&["share", "-q", "--access", access, "--headless", "--no-lan", "--", "true"]);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.starts_with(prefix) && printed.ends_with('\n') && printed.lines().count() == 1, "{printed}");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Who may only look is told so, by words and by status, and nothing reaches the program.
#[test]
fn view_link_shows_but_does_not_type() {
    let relay = Relay::start();
    let program = "printf 'only for\\nlooking'; exec cat";
    let mut host =
        Running::start(&["share", "--json", "--no-lan", "--relay", &relay.address, "--", "sh", "-c", program]);
    let link = file("view", &host.wait_for("sharing")["links"]["view"]);
    let screen = run(&["join", "--dump", "--no-lan", "--file", &link]);
    assert_eq!(String::from_utf8(screen.stdout).unwrap(), "only for\nlooking\n");

    let typing = run_with_stdin(&["join", "--type", "--no-lan", "--file", &link], "x\n");
    assert_eq!(typing.status.code(), Some(1));
    let told = ["error: this link is for viewing: it cannot type", "hint: ask the host for an interact link"];
    assert_eq!(errors(&typing), told);
    let after = run(&["join", "--dump", "--no-lan", "--file", &link]);
    assert_eq!(String::from_utf8(after.stdout).unwrap(), "only for\nlooking\n");
}

/// An error says what happened and what to do; whoever is wrong on the command line gets status 2.
#[test]
fn errors_come_with_a_hint_and_a_status() {
    let wrong = run_with_stdin(&["join", "--dump"], "chr1zqjk7smm\n");
    assert_eq!(wrong.status.code(), Some(1));
    let lines = errors(&wrong);
    assert!(lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with("hint: "), "{lines:?}");
    assert_eq!(run(&["share", "--expires", "30"]).status.code(), Some(2));
    assert_eq!(run(&["share", "-q", "--headless", "--no-lan", "--", "/nonexistent"]).status.code(), Some(1));
}

/// The host works on as ever: what it types reaches the program, and its terminal is itself again at the end.
#[tokio::test]
async fn share_is_transparent_and_gives_the_terminal_back() {
    let program = r"printf '\033[?2004h\033[?1049h\033[?25lready'; read line; exit $(( ${#line} ))";
    let mut host = Window::open(&["share", "--no-lan", "--", "sh", "-c", program]);
    host.wait_for("ready").await;
    assert!(host.screen.modes().alternate);
    host.send("four\r").await;
    assert_eq!(host.closed().await, 4);
    let modes = host.screen.modes();
    assert!(!modes.alternate && !modes.bracketed_paste && host.screen.cursor().is_some());
    assert!(host.screen.text().iter().any(|line| line == "session ended"), "{:?}", host.screen.text());
}

/// The viewer shows, types and talks, and leaves nothing behind on the guest's terminal.
#[tokio::test]
async fn viewer_shows_types_and_leaves_without_a_trace() {
    let relay = Relay::start();
    let mut host =
        Running::start(&["share", "--json", "--no-lan", "--relay", &relay.address, "--size", "40x6", "--", "cat"]);
    let link = file("viewer", &host.wait_for("sharing")["links"]["interact"]);
    let mut guest = Window::open(&["join", "--no-lan", "--name", "Ben", "--file", &link]);
    guest.wait_for("└──").await;
    guest.send("typed by a guest\r").await;
    guest.wait_for("typed by a guest").await;
    assert_eq!(host.wait_for("joined")["name"], "Ben");

    guest.send(&format!("{PREFIX}c")).await;
    guest.wait_for("nothing was said yet").await;
    guest.send("hello\r").await;
    assert_eq!(host.wait_for("message")["text"], "hello");
    guest.send(&format!("{PREFIX}q")).await;
    assert_eq!(guest.closed().await, 0);
    assert!(!guest.screen.modes().alternate && !guest.screen.modes().bracketed_paste);
    assert_eq!(guest.screen.text().concat(), "", "nothing of the session stays on the screen");
}

/// A service manager sends SIGTERM; a window that is closed sends SIGHUP. Neither may leave a raw terminal.
#[tokio::test]
async fn signal_puts_the_terminal_right() {
    let mut host = Window::open(&["share", "--no-lan", "--", "sh", "-c", "kill -TERM $PPID; exec cat"]);
    assert_eq!(host.closed().await, 128 + 15);
    assert!(!host.screen.modes().bracketed_paste);
}
