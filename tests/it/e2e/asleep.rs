//! Laptops are closed and opened again: a process that stood still for longer than anybody waits comes back.

use std::fs;
use std::time::Duration;

use cahoots::{Access, Guest, Link, Size};
use rustix::process::Signal;
use serde_json::json;

use super::stage::{Ada, PANE, Stage, found, join, same_screens, until};

/// Longer than the silence after which the others give somebody up, which is 15 s.
const SLEEP: Duration = Duration::from_secs(20);

/// Who opens the laptop again wants to read on, not to join again, and wants nothing done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guest_that_slept_sees_the_present() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    let mut ben = stage.join(&ada.link(Access::Interact).reveal(), &["--json", "--name", "ben"]);
    ben.record("its membership", |record| record["event"] == "in").await;
    ben.types("echo once >> typed\r");
    until("typing arrives", || stage.path("typed").exists()).await;
    let present = || ada.host.session().members().iter().any(|member| member.name == "ben");
    until("ben is there", present).await;

    ben.signal(Signal::STOP);
    // What is asked while it sleeps is done when it wakes.
    ben.types("echo asleep >> typed\r");
    ben.ask(&json!({ "do": "say", "text": "said asleep" }));
    ada.types("seq 100000; echo grown' up'\r").await;
    ada.host.session().say("to who sleeps").unwrap();
    ada.shows("grown up").await;
    until("ben is given up", || !present()).await;
    tokio::time::sleep(SLEEP.saturating_sub(Duration::from_secs(15))).await;
    ben.signal(Signal::CONT);

    until("ben is back", present).await;
    let said = || ada.host.session().messages().len() == 2;
    until("what ben said", said).await;
    until("what ben typed", || fs::read_to_string(stage.path("typed")).unwrap() == "once\nasleep\n").await;
    same_screens("after the sleep", &ada, &[], &mut [&mut ben]).await;
    let heard = |text: &str| ben.records().iter().filter(|record| record["text"] == text).count();
    until("what was said to ben", || heard("to who sleeps") == 1).await;

    ada.types("echo wide' awake'\r").await;
    ada.shows("wide awake").await;
    same_screens("after all", &ada, &[], &mut [&mut ben]).await;
    assert_eq!(fs::read_to_string(stage.path("typed")).unwrap(), "once\nasleep\n");
    let heard = |text: &str| ben.records().iter().filter(|record| record["text"] == text).count();
    assert_eq!((heard("to who sleeps"), heard("said asleep")), (1, 1), "each message is told once");
}

/// The host's lid closes, too: its guests wait, and what they typed meanwhile is done once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_that_slept_goes_on() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let mut ada = stage.share(Some(&relay), &[], &["bash", "--norc", "--noprofile"]).await;
    let ben = join(Link::parse(ada.link("interact")).unwrap(), "ben").await;
    let mut view = ben.watch(PANE);
    type_line(&ben, "echo once >> typed");
    until("typing arrives", || stage.path("typed").exists()).await;

    ada.process.signal(Signal::STOP);
    type_line(&ben, "echo asleep >> typed");
    ben.session().say("said while the host slept").unwrap();
    until("ben sees that the host is away", || ben.session().members().len() == 1).await;
    assert!(!ben.session().status().live, "what is shown is not called live");
    tokio::time::sleep(SLEEP.saturating_sub(Duration::from_secs(15))).await;
    ada.process.signal(Signal::CONT);

    until("the host is back", || ben.session().members().len() == 2 && ben.session().status().live).await;
    until("what ben typed", || fs::read_to_string(stage.path("typed")).unwrap() == "once\nasleep\n").await;
    until("ben knows that the host has it", || ben.unconfirmed_bytes() == 0).await;
    ada.process.record("what ben said", |record| record["text"] == "said while the host slept").await;
    type_line(&ben, "echo wide' awake'");
    let screen = found("the answer", || {
        let lines = view.with_screen(cahoots::Screen::text);
        lines.iter().any(|line| line == "wide awake").then_some(lines)
    });
    let lines = screen.await;
    assert_eq!(lines.iter().filter(|line| *line == "wide awake").count(), 1);
    type_line(&ben, "exit 3");
    while view.changed().await {}
    assert_eq!(view.exit(), Some(3));
    assert_eq!(ada.process.end().await.code, Some(3));
    assert_eq!(fs::read_to_string(stage.path("typed")).unwrap(), "once\nasleep\n");
}

fn type_line(guest: &Guest, line: &str) {
    guest.type_bytes(PANE, format!("{line}\r").as_bytes()).expect("the link allows typing");
}
