//! What can be wrong with a link, and what whoever pasted it reads then: what is the matter, and what to do.

use std::time::Duration;

use cahoots::proto::share::ShareFlags;
use cahoots::{Access, Host, Lan, Link, RelayAddress, Size, Terms, Token};

use super::stage::{Ada, End, PANE, Stage, join, text, until};

/// A program in the shared terminal that waits to be ended.
const IDLE: [&str; 3] = ["sh", "-c", "echo here; exec sleep 1000"];

/// Tries to join by `link` and returns what came of it.
async fn try_join(stage: &Stage, link: &str, options: &[&str]) -> End {
    let mut process = stage.join(link, &[&["--no-lan", "--patience", "5s"], options].concat());
    process.close_stdin();
    process.end().await
}

/// Checks that it failed with this sentence and a hint, and nothing else.
fn assert_fails(end: &End, sentence: &str, hint: &str) {
    let lines: Vec<&str> = end.err.lines().collect();
    let [error, advice] = lines[..] else { panic!("not two lines: {end:?}") };
    assert!(error.strip_prefix("error: ").is_some_and(|error| error.contains(sentence)), "{sentence:?} in {error:?}");
    assert!(advice.strip_prefix("hint: ").is_some_and(|advice| advice.contains(hint)), "{hint:?} in {advice:?}");
    assert_eq!((end.code, end.out.len()), (Some(1), 0), "{end:?}");
}

/// Most links go wrong in a clipboard: each mistake has its own sentence, found without any network.
#[tokio::test]
async fn mangled_links_are_told_apart() {
    let stage = Stage::new();
    let session = cahoots::SessionId([7; 16]);
    let token = Token::new(Access::View, &session, [9; 16], ShareFlags::NONE).reveal();
    let other = |c: char| if c == 'q' { 'p' } else { 'q' };
    let last = token.chars().last().unwrap();
    let mistyped = format!("{}{}", &token[..62], other(last));
    let cases = [
        ("", "there is no link", "paste a link"),
        ("hello", "a token begins with", "paste the token"),
        (&token[..60], "too short", "select the whole token"),
        (&format!("{token}q"), "too long", "paste one token alone"),
        (&mistyped, "does not add up", "copy the token instead of typing it"),
        (&token.replace("chr1", "chr1b"), "no token holds", "none of b, i, o and 1"),
        ("https://relay.example.org/j", "ends before its token", "put the link in quotes"),
        (&format!("https://relay.example.org/x#{token}"), "not a cahoots link", "links begin with"),
        (&format!("https://relay.example.org:0x/j#{token}"), "names no relay", "4433"),
        (&format!("https://relay.example.org/j#{token}&fp=12"), "fingerprint", "copy the link or address again, whole"),
        (&format!("https://relay.example.org/j#{token}&x=1"), "unknown parameter `x`", "update cahoots"),
    ];
    for (link, sentence, hint) in cases {
        assert_fails(&try_join(&stage, link, &["--dump"]).await, sentence, hint);
    }
}

/// A link can be whole and still be good for nothing: whether to wait, to ask or to look elsewhere must be clear.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_are_no_longer_good_say_why() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    let good = ada.link(Access::Interact);
    let share = good.token.secret().unwrap().share_id();
    // Whoever sees this one in sees that the relay has the session by now.
    let end = try_join(&stage, &good.reveal(), &["--dump"]).await;
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));

    let session = ada.host.session().id();
    let forged = Token::new(Access::View, &session, [1; 16], ShareFlags::NONE);
    let forged = Link { token: forged, relay: good.relay.clone() };
    assert_fails(&try_join(&stage, &forged.reveal(), &["--dump"]).await, "never issued", "copy the link again");

    let stranger = Host::builder().lan(Lan::Off).start().await.unwrap().share(Terms::new(Access::View)).unwrap();
    let elsewhere = Link { token: stranger.token, relay: good.relay.clone() };
    assert_fails(&try_join(&stage, &elsewhere.reveal(), &["--dump"]).await, "session not found", "still running?");

    let brief = Terms::new(Access::View).lasting(Duration::from_millis(1));
    let brief = ada.host.share(brief).unwrap().reveal();
    assert_fails(&try_join(&stage, &brief, &["--dump"]).await, "the link has expired", "ask the owner for a new link");

    ada.host.revoke(share).unwrap();
    let end = try_join(&stage, &good.reveal(), &["--dump"]).await;
    assert_fails(&end, "the link was revoked", "ask the owner for a new link");

    let over = ada.link(Access::View).reveal();
    ada.host.end().await;
    assert_fails(&try_join(&stage, &over, &["--dump"]).await, "the session has ended", "ask the owner to share again");
}

/// A relay that cannot be reached, and one that is another than the link says, are different troubles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_relays_are_told_apart() {
    let stage = Stage::new();
    let mut relay = stage.relay().await;
    let share = stage.share(Some(&relay), &["--access", "view"], &IDLE).await;
    let link = Link::parse(share.link("view")).unwrap();
    let with = |relay: RelayAddress| Link { relay: Some(relay), ..link.clone() }.reveal();

    let wrong_hash = with(RelayAddress { fingerprint: Some([0; 32]), ..relay.address.clone() });
    let end = try_join(&stage, &wrong_hash, &["--dump"]).await;
    assert_fails(&end, "cannot be trusted: certificate does not match", "somebody may sit in between");

    let no_hash = with(RelayAddress { fingerprint: None, ..relay.address.clone() });
    let end = try_join(&stage, &no_hash, &["--dump"]).await;
    assert_fails(&end, "cannot be trusted", "whole, with its fp=");

    let nowhere = with(RelayAddress { host: "nowhere.invalid".into(), ..relay.address.clone() });
    let end = try_join(&stage, &nowhere, &["--dump"]).await;
    assert_fails(&end, "no address for nowhere.invalid", "check the network");

    let bare = link.token.reveal();
    assert_fails(&try_join(&stage, &bare, &["--dump"]).await, "the link names no relay", "without a relay both");

    relay.kill();
    let end = try_join(&stage, &link.reveal(), &["--dump"]).await;
    assert_fails(&end, "is unreachable", "check the network");

    // A relay that knows nothing of the session, and a host that will never tell it.
    drop(share);
    relay.start_again(&stage).await;
    assert_fails(&try_join(&stage, &link.reveal(), &["--dump"]).await, "session not found", "still running?");
}

/// Who has a view link must learn that it cannot type, not wonder where the keys went.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn view_link_cannot_type() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let share = stage.share(Some(&relay), &[], &IDLE).await;
    let mut process = stage.join(share.link("view"), &["--no-lan", "--type"]);
    process.write("ls");
    process.close_stdin();
    assert_fails(&process.end().await, "this link is for viewing: it cannot type", "ask the host for an interact link");

    let mut process = stage.join(share.link("view"), &["--no-lan", "--json"]);
    let joined = process.record("its membership", |record| record["event"] == "in").await;
    assert_eq!(joined["access"], "view");
    process.types("ls\r");
    let error = process.record("a refusal", |record| record["event"] == "error").await;
    assert!(text(&error["what"]).contains("viewing"), "{error}");
}

/// A host whose machine died says no goodbye: what it showed last is still there, but nobody must take it for now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_that_died_is_called_away() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let mut share = stage.share(Some(&relay), &[], &IDLE).await;
    let link = share.link("interact").to_owned();
    let ben = join(Link::parse(&link).unwrap(), "ben").await;
    let view = ben.watch(PANE);
    until("the screen", || view.with_screen(|screen| screen.text()[0] == "here")).await;
    share.process.kill();
    until("ben sees that the host is gone", || ben.session().members().len() == 1).await;

    // The relay may take a moment longer than ben to give the host up.
    let mut tries = 0..20;
    loop {
        let end = try_join(&stage, &link, &["--dump"]).await;
        assert_eq!((end.code, end.out), (Some(0), vec!["here".to_owned()]), "{}", end.err);
        if end.err.starts_with("warning: the host is away") {
            break;
        }
        assert!(tries.next().is_some(), "never called away: {}", end.err);
    }

    let mut process = stage.join(&link, &["--no-lan", "--patience", "2s", "--type"]);
    process.write("ls");
    process.close_stdin();
    assert_fails(&process.end().await, "the host has not taken 3 of the typed bytes", "is the host still there?");
}

/// A link found in an old mail: it was good once, so "not found" would send people looking in the wrong place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_of_yesterday_has_expired() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let share = stage.share(Some(&relay), &["--expires", "1s"], &IDLE).await;
    let mut tries = 0..20;
    loop {
        let end = try_join(&stage, share.link("interact"), &["--dump"]).await;
        if end.code != Some(0) {
            return assert_fails(&end, "the link has expired", "ask the owner for a new link");
        }
        assert!(tries.next().is_some(), "good for ever");
    }
}

/// Somebody who watches when the owner closes the link must not be left with a frozen screen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoking_a_link_ends_the_visit() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let ada = Ada::bash(&stage, &relay, Size::new(80, 24)).await;
    let link = ada.link(Access::View);
    let mut process = stage.join(&link.reveal(), &["--no-lan", "--json"]);
    process.record("its membership", |record| record["event"] == "in").await;
    ada.host.revoke(link.token.secret().unwrap().share_id()).unwrap();
    let ended = process.record("the end", |record| record["event"] == "ended").await;
    assert_eq!(ended["why"], "the owner revoked this link");
    let end = process.end().await;
    assert_eq!(end.code, Some(1));
    assert!(end.err.contains("hint: ask the owner for a new link"), "{}", end.err);
}

/// Scripts tell wrong usage from failure by the exit code.
#[tokio::test]
async fn wrong_usage_is_exit_code_two() {
    let stage = Stage::new();
    let cases: [&[&str]; 7] = [
        &[],
        &["jion"],
        &["join", "--dump", "--type"],
        &["share", "--size", "1x1"],
        &["share", "--expires", "30"],
        &["share", "--relay", "not a host"],
        &["relay", "--cert", "only.pem"],
    ];
    for args in cases {
        let end = stage.start(args).end().await;
        assert_eq!(end.code, Some(2), "{args:?}: {end:?}");
        assert!(!end.err.contains("panicked"), "{end:?}");
    }
}
