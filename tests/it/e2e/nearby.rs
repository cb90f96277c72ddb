//! Sharing without any relay: on one machine, and on a local network made of namespaces.

pub(crate) mod net;

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::stage::{Process, Stage, text, until};
use net::Net;

/// A cable is pulled for longer than QUIC keeps a silent connection, which is 30 s.
const OUTAGE: Duration = Duration::from_secs(31);

const BASH: [&str; 3] = ["bash", "--norc", "--noprofile"];

/// Starts `cahoots share` without a relay in a namespace; returns it with the bare token of its interact link.
async fn share_in(net: &Net, namespace: &str, stage: &Stage) -> (Process, String) {
    let args = [&["share", "--json", "--name", "ada", "--"], &BASH[..]].concat();
    let share = Process::start(net.within(namespace, &stage.cahoots(&args)));
    let sharing = share.record("the links", |record| record["event"] == "sharing").await;
    let link = cahoots::Link::parse(text(&sharing["links"]["interact"])).expect("share prints links");
    assert_eq!(link.relay, None);
    (share, link.token.reveal())
}

async fn join_in(net: &Net, namespace: &str, stage: &Stage, token: &str, name: &str) -> Process {
    let mut join = Process::start(net.within(namespace, &stage.cahoots(&["join", "--json", "--name", name])));
    join.write(token);
    join.record(&format!("{name}'s membership"), |record| record["event"] == "in").await;
    join
}

/// Two terminals on one laptop in an aeroplane: no network, no relay, and the token alone is enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_alone_finds_the_host_on_the_same_machine() {
    let Some(net) = Net::new(&["alone"]) else { return };
    let stage = Stage::new();
    let (mut share, token) = share_in(&net, "alone", &stage).await;
    let mut ben = join_in(&net, "alone", &stage, &token, "ben").await;
    ben.types("echo no' network'\r");
    ben.shows("no network").await;
    ben.types("exit 6\r");
    assert_eq!((share.end().await.code, ben.end().await.code), (Some(6), Some(6)));
}

/// A relay is for people who are far: those who are near do not even notice that it dies, and still find each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_may_die_under_people_who_are_near() {
    let Some(net) = Net::new(&["alone"]) else { return };
    let stage = Stage::new();
    let mut relay =
        Process::start(net.within("alone", &stage.cahoots(&["relay", "--listen", "127.0.0.1:0", "--json"])));
    let address = relay.record("the relay's address", |record| record["event"] == "relay").await;
    let address = text(&address["address"]).to_owned();
    let args = [&["share", "--json", "--relay", &address, "--"], &BASH[..]].concat();
    let mut share = Process::start(net.within("alone", &stage.cahoots(&args)));
    let sharing = share.record("the links", |record| record["event"] == "sharing").await;
    let link = text(&sharing["links"]["interact"]);
    let mut ben = join_in(&net, "alone", &stage, link, "ben").await;
    ben.types("echo with' relay'\r");
    ben.shows("with relay").await;

    relay.kill();
    ben.types("echo without' relay'\r");
    ben.shows("without relay").await;
    let mut eve = join_in(&net, "alone", &stage, link, "eve").await;
    eve.shows("without relay").await;
    eve.ask(&json!({ "do": "say", "text": "found you" }));
    ben.record("eve's words", |record| record["text"] == "found you").await;
    ben.types("exit 4\r");
    for process in [&mut share, &mut ben, &mut eve] {
        assert_eq!(process.end().await.code, Some(4));
    }
}

/// The office without internet: who is on the same network finds the host by the token, and comes back by itself
/// after the switch was restarted, with nothing lost and nothing done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_find_each_other_and_survive_an_outage() {
    let Some(net) = Net::new(&["ada", "eve"]) else { return };
    let (here, there) = (Stage::new(), Stage::new());
    let (share, token) = share_in(&net, "ada", &here).await;
    let mut eve = join_in(&net, "eve", &there, &token, "eve").await;
    let mut ben = join_in(&net, "ada", &here, &token, "ben").await;
    eve.types("echo once >> typed\r");
    until("typing arrives", || here.path("typed").exists()).await;

    net.pull("eve");
    let back_at = tokio::time::Instant::now() + OUTAGE;
    eve.types("echo cut' off' >> typed\r");
    eve.ask(&json!({ "do": "say", "text": "from eve" }));
    ben.ask(&json!({ "do": "say", "text": "from ben" }));
    ben.types("echo still' here'\r");
    ben.shows("still here").await;
    share.record("eve's absence", |record| record["event"] == "left" && record["name"] == "eve").await;
    eve.record("the loss", |record| record["event"] == "connection" && record["state"] == "lost").await;
    tokio::time::sleep_until(back_at).await;
    net.plug("eve");

    let typed = || fs::read_to_string(here.path("typed")).unwrap();
    until("what eve typed", || typed() == "once\ncut off\n").await;
    let said = |process: &Process| {
        let records = process.records().into_iter().filter(|record| record["event"] == "message");
        let mut texts: Vec<String> = records.map(|record| text(&record["text"]).to_owned()).collect();
        texts.sort();
        texts
    };
    for process in [&share, &ben, &eve] {
        until("the whole chat", || said(process).len() >= 2).await;
        assert_eq!(said(process), ["from ben", "from eve"]);
    }
    eve.types("echo re'united'\r");
    let bens = ben.shows("reunited").await;
    let eves = eve.shows("reunited").await;
    assert_eq!(lines(&bens), lines(&eves));
    assert_eq!(typed(), "once\ncut off\n", "typed once");
}

fn lines(screen: &serde_json::Value) -> &serde_json::Value {
    &screen["lines"]
}

/// Straight over the local network, what everybody sees is the same: in an editor, in a long listing, after a flood.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_see_one_screen_through_editor_listing_and_flood() {
    let Some(net) = Net::new(&["ada", "eve"]) else { return };
    let (here, there) = (Stage::new(), Stage::new());
    let (mut share, token) = share_in(&net, "ada", &here).await;
    let mut eve = join_in(&net, "eve", &there, &token, "eve").await;
    let mut ben = join_in(&net, "ada", &here, &token, "ben").await;
    let steps = [
        ("vim -u NONE -N notes; echo le'ft'\riwritten by' eve\x1b", "written by' eve"),
        // Apart from what follows: an editor that quits takes with it what was typed ahead.
        (":q!\r", "left"),
        ("clear; ls -lR /usr/share | head -n 20000; echo lis'ted'\r", "listed"),
        ("yes 0123456789abcdef | head -c 20000000; echo; echo flo'oded'\r", "flooded"),
    ];
    for (keys, shown) in steps {
        eve.types(keys);
        eve.shows(shown).await;
        ben.shows(shown).await;
        same_screen(&mut ben, &mut eve, shown).await;
    }
    eve.types("exit 7\r");
    assert_eq!((share.end().await.code, ben.end().await.code, eve.end().await.code), (Some(7), Some(7), Some(7)));
}

/// Waits until two guests show the same: the last bytes reach one a moment before the other.
async fn same_screen(ben: &mut Process, eve: &mut Process, when: &str) {
    for _ in 0..200 {
        let (bens, eves) = (ben.screen().await, eve.screen().await);
        if lines(&bens) == lines(&eves) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("two screens differ after {when}");
}
