//! What scripts rely on: exit statuses, one link with `-q`, records that parse; and that no secret shows.

use std::fs;

use cahoots::{Access, Size};
use serde_json::json;

use super::stage::{Ada, Stage, found, text, until};

/// `if cahoots share -- make test; then …` must do what `if make test` does, on either side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_status_of_the_command_is_everybodys() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    for (script, code) in
        [("read go; echo done", 0), ("read go; echo done; exit 42", 42), ("read go; echo done; kill -9 $$", 137)]
    {
        let mut share = stage.share(Some(&relay), &[], &["sh", "-c", script]).await;
        let mut shows = stage.join(share.link("view"), &["--no-lan", "--json", "--until-exit"]);
        let mut tells = stage.join(share.link("interact"), &["--no-lan", "--json"]);
        for guest in [&shows, &tells] {
            guest.record("its membership", |record| record["event"] == "in").await;
        }
        tells.types("\r");

        let host = share.process.end().await;
        assert_eq!(host.code, Some(code), "{script}: {}", host.err);
        let last: serde_json::Value = serde_json::from_str(host.out.last().unwrap()).unwrap();
        assert_eq!((&last["event"], &last["exit"]), (&json!("ended"), &json!(code)));
        let (shown, told) = (shows.end().await, tells.end().await);
        assert_eq!((shown.code, told.code), (Some(code), Some(code)), "{script}: {shown:?} {told:?}");
        let screen = shows.records().into_iter().find(|record| record["event"] == "screen");
        let lines = screen.expect("the last screen is printed")["lines"].to_string();
        assert!(lines.contains("done"), "{lines}");
        let ended: serde_json::Value = serde_json::from_str(told.out.last().unwrap()).unwrap();
        assert_eq!((&ended["event"], &ended["exit"]), (&json!("ended"), &json!(code)));
    }
}

/// Who comes after the end still wants to read how it went: the last screen, and the exit status.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latecomer_reads_the_last_screen() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let mut ada = Ada::bash(&stage, &relay, Size::new(40, 10)).await;
    ada.types("clear; echo all' tests' passed; exit 3\r").await;
    assert_eq!(ada.terminal.wait().await, 3);
    let mut late = stage.join(&ada.link(Access::View).reveal(), &["--no-lan", "--until-exit"]);
    let end = late.end().await;
    assert_eq!((end.code, end.err.as_str()), (Some(3), ""));
    assert_eq!(end.out, ["all tests passed", "exit"]);
}

/// `link=$(cahoots share -q …)`: anything else on stdout would be part of the link.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_share_prints_one_link_and_nothing_else() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let address = relay.address.to_string();
    // Without a terminal it is headless by itself.
    let command = ["share", "-q", "--no-lan", "--relay", &address, "--", "sh", "-c", "echo out; read go; exit 5"];
    let mut share = stage.start(&command);
    let link = found("the link", || share.lines().first().cloned()).await;
    let mut typist = stage.join(&link, &["--no-lan", "--type"]);
    typist.write("go");
    typist.close_stdin();
    let typed = typist.end().await;
    assert_eq!((typed.code, typed.out.len(), typed.err.as_str()), (Some(0), 0, ""));
    let end = share.end().await;
    assert_eq!(end.code, Some(5));
    assert_eq!(end.out, std::slice::from_ref(&link));
    assert_eq!(end.err, "");
    assert!(cahoots::Link::parse(&link).is_ok_and(|link| link.token.access == Access::Interact));
}

/// Chat, members and refusals drive other programs: what one side says, the other side's records tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_tell_what_happens() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let mut share = stage
        .share(Some(&relay), &["--title", "demo"], &["sh", "-c", "read line; echo got $line; read more; exit"])
        .await;
    let mut ben = stage.join(share.link("interact"), &["--no-lan", "--json", "--name", "ben"]);
    ben.record("its membership", |record| record["event"] == "in").await;
    share.process.record("ben", |record| record["event"] == "joined" && record["name"] == "ben").await;
    ben.ask(&json!({ "do": "say", "text": "hello host" }));
    let heard = share.process.record("ben's words", |record| record["event"] == "message").await;
    assert_eq!(heard["text"], "hello host");
    ben.write("this is no json");
    ben.record("a complaint", |record| record["event"] == "error").await;
    ben.ask(&json!({ "do": "fly" }));
    ben.ask(&json!({ "do": "type", "text": "a line\r" }));
    ben.shows("got a line").await;
    ben.types("\r");
    assert_eq!(share.process.end().await.code, Some(0));
    assert_eq!(ben.end().await.code, Some(0));
    assert_eq!(ben.records().iter().filter(|record| record["event"] == "error").count(), 2, "no json, no request");
}

/// A chat line sent right before leaving is the one that says why: it must arrive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn last_words_of_a_guest_arrive() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let share = stage.share(Some(&relay), &[], &["sleep", "1000"]).await;
    let mut ben = stage.join(share.link("view"), &["--no-lan", "--json", "--name", "ben"]);
    ben.record("its membership", |record| record["event"] == "in").await;
    ben.ask(&json!({ "do": "say", "text": "have to go" }));
    ben.ask(&json!({ "do": "leave" }));
    assert_eq!(ben.end().await.code, Some(0));
    share.process.record("the last words", |record| record["text"] == "have to go").await;
    share.process.record("ben's leaving", |record| record["event"] == "left" && record["name"] == "ben").await;
}

/// Everybody on a machine can list its processes, and logs are mailed around: a token in either is a leak.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_in_no_process_list_and_no_log() {
    let stage = Stage::new().logging("trace");
    let relay = stage.relay().await;
    let address = relay.address.to_string();
    let mut share = stage.start(&["share", "--json", "--relay", &address, "--", "sh", "-c", "read go; exit 0"]);
    let sharing = share.record("the links", |record| record["event"] == "sharing").await;
    let links: Vec<String> = ["view", "interact"].map(|access| text(&sharing["links"][access]).to_owned()).into();
    let mut join = stage.join(&links[1], &["--no-lan", "--json"]);
    join.record("its membership", |record| record["event"] == "in").await;

    let tokens = links.iter().map(|link| cahoots::Link::parse(link).unwrap().token.reveal());
    // A part of it is worth hiding as well; the first 31 characters only name the session.
    let secrets: Vec<String> = tokens.map(|token| token[31..].to_owned()).collect();
    for process in [relay.process.id(), share.id(), join.id()] {
        for file in ["cmdline", "comm"] {
            let shown = fs::read(format!("/proc/{process}/{file}")).unwrap();
            let shown = String::from_utf8_lossy(&shown);
            assert!(!secrets.iter().any(|secret| shown.contains(secret)), "{file}: {shown}");
        }
    }
    join.types("\r");
    let (share, join) = (share.end().await, join.end().await);
    assert_eq!((share.code, join.code), (Some(0), Some(0)), "{} {}", share.err, join.err);
    for (who, log) in [("relay", relay.process.errors()), ("share", share.err), ("join", join.err)] {
        assert!(!log.is_empty(), "{who} logs at all");
        assert!(!secrets.iter().any(|secret| log.contains(secret)), "a token in the log of {who}");
    }
}

/// People stop a shared job with Ctrl-C or `kill`: everybody is told, and nothing of it stays behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signal_ends_the_session_for_everybody() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let child = stage.path("child");
    let script = format!("echo $$ > {}; echo up; exec sleep 1000", child.display());
    let mut share = stage.share(Some(&relay), &[], &["sh", "-c", &script]).await;
    let mut join = stage.join(share.link("view"), &["--no-lan", "--json"]);
    join.record("its membership", |record| record["event"] == "in").await;
    join.shows("up").await;
    share.process.signal(rustix::process::Signal::TERM);
    assert_eq!(share.process.end().await.code, Some(143));
    let ended = join.record("the end", |record| record["event"] == "ended").await;
    assert_eq!(ended["why"], "the owner ended the session");
    join.end().await;
    let pid = fs::read_to_string(child).unwrap();
    until("the command ends", || !fs::exists(format!("/proc/{}", pid.trim())).unwrap()).await;
}
