//! A session from its first prompt to its exit status, through a relay, with everything people do in between.

use std::fmt::Write;
use std::fs;

use cahoots::{Access, Ending, Guest, Screen, Size};

use super::stage::{Ada, PANE, Stage, all_show, join, same_screens, until};

/// The promise of the whole program: whatever runs, everybody sees what the host sees, and hears how it ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_the_hosts_screen_up_to_the_exit_status() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let mut ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    let ben = join(ada.link(Access::Interact), "ben").await;
    let eve = join(ada.link(Access::View), "eve").await;
    let view_link = ada.link(Access::View).reveal();
    let mut process = stage.join(&view_link, &["--json", "--until-exit"]);
    process.record("its membership", |record| record["event"] == "in").await;
    let (bens, eves) = (ben.watch(PANE), eve.watch(PANE));

    types(&ben, "echo rea'd'y\r");
    all_show("ready", &ada, &[&bens, &eves], &mut [&mut process]).await;

    types(&ben, "ls -lR --color=always /usr/share/doc | head -n 3000; echo li'sted'\r");
    all_show("listed", &ada, &[&bens, &eves], &mut [&mut process]).await;

    write_poem(&stage);
    types(&ben, &format!("{} poem.txt\r", editor()));
    ada.shows("line 1 of the poem: été 界 👩 e\u{301}").await;
    // Type a line, jump about, search: inserts, scroll regions, highlights.
    types(&ben, "Oa new first line\x1b:set number hlsearch\r/line 1[0-9]0\r\x06\x06\x02G\x19\x19\x05zt");
    ada.screen("a line with its number", |screen| screen.text()[0].starts_with("298 line 297")).await;
    same_screens("in the editor", &ada, &[&bens, &eves], &mut [&mut process]).await;

    let late = join(ada.link(Access::View), "late").await;
    let lates = late.watch(PANE);
    same_screens("for a latecomer in the editor", &ada, &[&bens, &eves, &lates], &mut [&mut process]).await;
    assert!(lates.with_screen(|screen| screen.modes().alternate), "the editor is on the alternate screen");

    for (cols, rows) in [(50, 12), (132, 43)] {
        ada.terminal.resize(Size::new(cols, rows));
        until("the new size", || bens.size() == Size::new(cols, rows)).await;
        types(&ben, "gg\x06");
        same_screens("after a change of size", &ada, &[&bens, &eves, &lates], &mut [&mut process]).await;
    }
    types(&ben, ":wq\r");
    ada.screen("the primary screen", |screen| !screen.modes().alternate).await;
    // The prompt is amid old text now: the cursor comes back to where it was before the size changed.
    types(&ben, "clear; echo out'side'\r");
    all_show("outside", &ada, &[&bens, &eves, &lates], &mut [&mut process]).await;
    assert!(!lates.with_screen(|screen| screen.modes().alternate), "back on the primary screen");
    let poem = fs::read_to_string(stage.path("poem.txt")).unwrap();
    assert!(poem.starts_with("a new first line\n"), "typed through the editor into the file");

    types(&ben, "seq 2700000; echo flo'oded'\r");
    all_show("flooded", &ada, &[&bens, &eves, &lates], &mut [&mut process]).await;
    assert!(bens.offset() > 20_000_000, "a flood of 20 MB went by");
    ada.terminal.resize(Size::new(80, 24));
    same_screens("after the flood", &ada, &[&bens, &eves, &lates], &mut [&mut process]).await;

    types(&ben, "exit 7\r");
    assert_eq!(ada.terminal.wait().await, 7);
    until("the exit status", || [&bens, &eves, &lates].iter().all(|view| view.exit() == Some(7))).await;
    same_screens("after the end", &ada, &[&bens, &eves, &lates], &mut []).await;
    let end = process.end().await;
    assert_eq!(end.code, Some(7), "{}", end.err);
    let last: Vec<serde_json::Value> = end.out.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(last.last().unwrap()["exit"], 7);
    let screen = last.iter().rfind(|record| record["event"] == "screen").expect("the last screen is printed");
    assert_eq!(screen["lines"], serde_json::json!(ada.terminal.with_screen(Screen::text).unwrap()));

    ada.host.end().await;
    for guest in [ben, eve, late] {
        assert_eq!(guest.session().ended().await, Ending::ByOwner);
    }
}

/// Without this a guest cannot stop what it started: Ctrl-C must not wait behind the flood that it is to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupt_of_a_guest_ends_a_flood() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    let ben = join(ada.link(Access::Interact), "ben").await;
    let view = ben.watch(PANE);
    types(&ben, "yes\r");
    until("a flood", || view.offset() > 1_000_000).await;
    types(&ben, "\x03echo s'topped'\r");
    all_show("stopped", &ada, &[&view], &mut []).await;
    let stopped_at = view.offset();
    types(&ben, "echo q'uiet'\r");
    all_show("quiet", &ada, &[&view], &mut []).await;
    assert!(view.offset() - stopped_at < 200, "nothing but the echo came after the prompt");
}

fn types(guest: &Guest, text: &str) {
    guest.type_bytes(PANE, text.as_bytes()).expect("the link allows typing");
}

/// An editor that draws the whole screen; the smallest build of it will do.
fn editor() -> &'static str {
    let is_there = |program: &&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(program).exists())
    };
    let program = ["vim", "vim.tiny"].into_iter().find(is_there).expect("vim or vim.tiny is installed");
    if program == "vim" { "vim -N -u NONE -i NONE -n" } else { "vim.tiny -N -u NONE -i NONE -n" }
}

fn write_poem(stage: &Stage) {
    let mut poem = String::from("line 1 of the poem: été 界 👩 e\u{301}\n");
    (2..300).for_each(|n| writeln!(poem, "line {n}\tof the poem {}", "la ".repeat(n % 40)).unwrap());
    fs::write(stage.path("poem.txt"), poem).unwrap();
}
