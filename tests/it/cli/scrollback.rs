//! What scrolled off before somebody came.

use super::PREFIX;
use super::stage::{Relay, Running, Window, file};

/// The keys that scroll back and on; after the prefix they go on without it.
const BACK: &str = "\x1b[5~";
const ON: &str = "\x1b[6~";

fn share(relay: &Relay, name: &str, program: &str) -> (Running, String) {
    let args = ["share", "--json", "--no-lan", "--relay", &relay.address, "--size", "60x10", "--", "sh", "-c", program];
    let mut host = Running::start(&args);
    let link = file(name, &host.wait_for("sharing")["links"]["interact"]);
    (host, link)
}

/// The question of everybody who comes late: what led to this?
#[tokio::test]
async fn latecomer_scrolls_back_to_the_first_line() {
    let relay = Relay::start();
    let (_host, link) = share(&relay, "late", "echo where it began; seq 300; exec cat");
    let mut early = Running::start(&["join", "--json", "--no-lan", "--file", &link]);
    early.wait_for_line("300");

    let mut late = Window::open(&["join", "--no-lan", "--name", "Lea", "--file", &link]);
    late.wait_for("300").await;
    late.send(PREFIX).await;
    late.press_until_shown(BACK, "where it began").await;
    early.ask(r#"{"do":"type","text":"and on it goes\r"}"#);
    early.wait_for_line("and on it goes");
    late.press_until_shown(ON, "and on it goes").await;
    late.send("q").await;
    assert_eq!(late.closed().await, 0);
}

/// An editor is open at the join: what was there before it is there once it is left.
#[tokio::test]
async fn lines_from_before_an_editor_are_there_after_it() {
    let relay = Relay::start();
    let program =
        r"echo where it began; seq 50; printf '\033[?1049h\033[Hediting'; read line; printf '\033[?1049l'; exec cat";
    let (_host, link) = share(&relay, "editor", program);
    let mut late = Window::open(&["join", "--no-lan", "--name", "Lea", "--file", &link]);
    late.wait_for("editing").await;
    late.send("\r").await;
    late.wait_for("50").await;
    late.send(PREFIX).await;
    late.press_until_shown(BACK, "where it began").await;
}
