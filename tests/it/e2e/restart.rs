//! The relay dies and comes back with nothing but its certificate: everybody goes on as if it had been a hiccup.

use std::fs;
use std::path::Path;

use cahoots::{Access, Connection, Ending, Farewell, Guest, RelayReach, Session, Size};

use super::stage::{Ada, PANE, RelayNode, Stage, all_show, join, until};

/// Relays are restarted by people who do not ask first: nobody may have to join again, and nothing typed or said
/// meanwhile may be lost or happen twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_comes_back_when_the_relay_does() {
    let stage = Stage::new();
    let mut relay = stage.relay().await;
    let ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    let ben = join(ada.link(Access::Interact), "ben").await;
    let eve = join(ada.link(Access::View), "eve").await;
    let (bens, eves) = (ben.watch(PANE), eve.watch(PANE));
    let log = stage.path("typed");
    append(&ben, "before");
    holds(&log, &["before"]).await;

    relay.kill();
    append(&ben, "at once");
    let everybody = [ada.host.session(), ben.session(), eve.session()];
    for (n, session) in everybody.iter().enumerate() {
        session.say(format!("{n} while down").as_str()).unwrap();
    }
    ada.types("echo host' types'\r").await;
    for session in &everybody[1..] {
        until("the loss is noticed", || session.status().connection == Connection::Lost).await;
    }
    append(&ben, "while lost");
    relay.start_again(&stage).await;
    is_whole(&ada, &ben, &eve).await;
    holds(&log, &["before", "at once", "while lost"]).await;
    converge(&everybody, 3).await;
    until("ben knows that the host has it", || ben.unconfirmed_bytes() == 0).await;

    append(&ben, "after");
    holds(&log, &["before", "at once", "while lost", "after"]).await;
    ben.type_bytes(PANE, b"echo still' here'\r").unwrap();
    all_show("still here", &ada, &[&bens, &eves], &mut []).await;
}

/// An upgrade that fails at first restarts the relay twice: the second time must be no worse than the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_may_be_restarted_again_and_again() {
    let stage = Stage::new();
    let mut relay = stage.relay().await;
    let ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    let ben = join(ada.link(Access::Interact), "ben").await;
    let eve = join(ada.link(Access::View), "eve").await;
    let (bens, eves) = (ben.watch(PANE), eve.watch(PANE));
    let log = stage.path("typed");
    let mut lines = Vec::new();
    for round in ["first", "second"] {
        relay.kill();
        relay.start_again(&stage).await;
        append(&ben, round);
        eve.session().say(round).unwrap();
        lines.push(round);
        holds(&log, &lines).await;
        is_whole(&ada, &ben, &eve).await;
        ben.type_bytes(PANE, format!("echo {round}' round'\r").as_bytes()).unwrap();
        all_show(&format!("{round} round"), &ada, &[&bens, &eves], &mut []).await;
        converge(&[ada.host.session(), ben.session(), eve.session()], lines.len()).await;
    }
    leaves_in_good_order(&stage, &mut relay).await;
    append(&ben, "third");
    lines.push("third");
    holds(&log, &lines).await;
}

/// Ends the relay as `systemctl restart` does.
async fn leaves_in_good_order(stage: &Stage, relay: &mut RelayNode) {
    relay.process.signal(rustix::process::Signal::TERM);
    let end = relay.process.end().await;
    assert_eq!(end.code, Some(0), "{}", end.err);
    relay.start_again(stage).await;
}

/// Waits until all three are there for each other.
async fn is_whole(ada: &Ada, ben: &Guest, eve: &Guest) {
    for session in [ada.host.session(), ben.session(), eve.session()] {
        until("everybody is back", || session.members().len() == 3).await;
        until("everybody is linked", || session.status().connection == Connection::Ready).await;
    }
}

/// Has the shared shell write a line into a file that only ever grows.
fn append(guest: &Guest, line: &str) {
    guest.type_bytes(PANE, format!("echo '{line}' >> typed\r").as_bytes()).expect("the link allows typing");
}

/// Waits until `file` is these lines, each once and in order; more than them is wrong for good.
pub(super) async fn holds(file: &Path, lines: &[&str]) {
    let read = || fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
    until(&format!("{lines:?} in the file"), || {
        let found = read();
        assert!(lines.starts_with(&found.iter().map(String::as_str).collect::<Vec<_>>()), "typed: {found:?}");
        found.len() == lines.len()
    })
    .await;
}

/// Waits until everybody has the same chat of `count` messages.
async fn converge(sessions: &[&Session], count: usize) {
    for session in sessions {
        until("the whole chat", || session.messages().len() == count).await;
    }
    for session in sessions {
        assert_eq!(session.messages(), sessions[0].messages());
    }
}

/// The relay is away just when the session ends: who sits there must not wait for a host that never comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_that_comes_back_hears_that_the_session_is_over() {
    let stage = Stage::new();
    let mut relay = stage.relay().await;
    let ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    let ben = join(ada.link(Access::View), "ben").await;
    relay.kill();
    until("the loss is noticed", || ben.session().status().connection == Connection::Lost).await;
    until("the host notices, too", || ada.host.relay_reach() != Some(RelayReach::Linked)).await;
    relay.start_again(&stage).await;
    let Ada { host, .. } = ada;
    assert_eq!(host.end().await, Farewell::Told);
    assert_eq!(ben.session().ended().await, Ending::ByOwner);
}

/// Where the relay stays away, the owner is told that guests do not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_that_stays_away_is_named_as_not_told() {
    let stage = Stage::new();
    let mut relay = stage.relay().await;
    let ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    until("the relay knows of the session", || ada.host.relay_reach() == Some(RelayReach::Linked)).await;
    relay.kill();
    let Ada { host, .. } = ada;
    assert_eq!(host.end().await, Farewell::RelayUntold);
}
