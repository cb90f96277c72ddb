//! What the owner decides in a second terminal, while a shell runs and people type: it holds at once, and for good.

use std::path::Path;

use cahoots::Link;
use serde_json::{Value, json};

use super::restart::holds;
use super::stage::{End, PANE, Process, Share, Stage, join, text, until};

/// Output that never rests, as of a build, until somebody types a line.
const SCROLL: &str = "while sleep 0.01; do echo tick; done & read -r line; kill $!; echo got $line\r";

/// A session with a shell, and one guest by each of its links.
struct Scene {
    stage: Stage,
    relay: super::stage::RelayNode,
    share: Share,
    /// Came by the interact link.
    ben: Process,
    /// Came by the view link.
    eve: Process,
}

impl Scene {
    async fn new() -> Self {
        let stage = Stage::new();
        let relay = stage.relay().await;
        let share = stage.share(Some(&relay), &[], &["bash", "--norc", "--noprofile"]).await;
        let ben = visit(&stage, &share, "interact").await;
        let eve = visit(&stage, &share, "view").await;
        Self { stage, relay, share, ben, eve }
    }

    /// Both see output that does not end.
    async fn scrolling() -> Self {
        let mut scene = Self::new().await;
        scene.ben.types(SCROLL);
        for guest in [&mut scene.ben, &mut scene.eve] {
            while !guest.screen().await["lines"].to_string().contains("\"tick\"") {}
        }
        scene
    }

    /// Runs a command of the owner's, which has to succeed, and returns its records.
    async fn owner(&self, args: &[&str]) -> Vec<Value> {
        let end = self.stage.start(&[args, &["--json"]].concat()).end().await;
        assert_eq!(end.code, Some(0), "{args:?}: {}", end.err);
        end.out.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Revokes the link that allows `access`.
    async fn revoke(&self, access: &str) {
        let links = self.owner(&["links"]).await;
        let link = links.iter().find(|link| link["access"] == access).expect("there is such a link");
        let revoked = self.owner(&["links", "revoke", text(&link["link"])]).await;
        assert_eq!((&revoked[0]["event"], &revoked[0]["link"]), (&json!("revoked"), &link["link"]));
    }

    /// Tries to join by the link that allows `access`.
    async fn try_again(&self, access: &str) -> End {
        self.stage.join(self.share.link(access), &["--no-lan", "--dump"]).end().await
    }

    /// Eve is out, is told why, and does not get in again; Ben goes on as if nothing had been.
    async fn assert_only_eve_is_out(&mut self) {
        let end = self.eve.end().await;
        assert_eq!(end.code, Some(1), "{}", end.err);
        assert!(
            end.err.contains("error: the owner revoked this link\nhint: ask the owner for a new link"),
            "{}",
            end.err
        );
        let again = self.try_again("view").await;
        assert!(again.code == Some(1) && again.err.contains("error: the link was revoked"), "{again:?}");

        self.ben.types("on we go\r");
        self.ben.shows("got on we go").await;
    }
}

async fn visit(stage: &Stage, share: &Share, access: &str) -> Process {
    let guest = stage.join(share.link(access), &["--no-lan", "--json"]);
    guest.record("its membership", |record| record["event"] == "in").await;
    guest
}

/// The screen of who is thrown out stops, though output never does; the one who stays does not even blink.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoked_guest_is_out_in_mid_output_and_the_other_types_on() {
    let mut scene = Scene::scrolling().await;
    scene.revoke("view").await;
    scene.assert_only_eve_is_out().await;
}

/// The relay may die before it has heard of it: what the owner decided must not depend on that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guest_that_was_revoked_while_the_relay_was_down_stays_out() {
    let mut scene = Scene::scrolling().await;
    scene.relay.kill();
    scene.revoke("view").await;
    scene.relay.start_again(&scene.stage).await;
    scene.assert_only_eve_is_out().await;
}

/// The same where the relay dies right after it was told, and has forgotten everything when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_that_forgets_a_revocation_is_told_again() {
    let mut scene = Scene::scrolling().await;
    scene.revoke("view").await;
    scene.relay.kill();
    scene.relay.start_again(&scene.stage).await;
    scene.assert_only_eve_is_out().await;
}

/// Keys are on their way in every moment that the key changes in: each must arrive, once and in its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_through_new_keys_loses_and_doubles_nothing() {
    let scene = Scene::new().await;
    let typist = join(Link::parse(scene.share.link("interact")).unwrap(), "typist").await;
    let mut typed = Vec::new();
    for epoch in 1..=5_u32 {
        let mut rekeying = scene.stage.start(&["rekey", "--json"]);
        // Until its answer is there, and a little beyond.
        for _ in 0..20 {
            let line = typed.len().to_string();
            for key in format!("echo {line} >> typed\r").bytes() {
                typist.type_bytes(PANE, &[key]).expect("the link allows typing");
            }
            typed.push(line);
        }
        let end = rekeying.end().await;
        let record: Value = serde_json::from_str(&end.out[0]).unwrap();
        assert_eq!((end.code, &record["event"], &record["epoch"]), (Some(0), &json!("rekeyed"), &json!(epoch)));
    }
    let file: &Path = &scene.stage.path("typed");
    holds(file, &typed.iter().map(String::as_str).collect::<Vec<_>>()).await;
    until("the host has confirmed it all", || typist.unconfirmed_bytes() == 0).await;
}

/// The panic key leaves the shell alone with its owner, and the next link works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panic_leaves_the_shell_running_for_those_who_come_next() {
    let mut scene = Scene::new().await;
    scene.ben.types("echo still' here'\r");
    scene.eve.shows("still here").await;
    assert_eq!(scene.owner(&["panic"]).await.len(), 2);
    for guest in [&mut scene.ben, &mut scene.eve] {
        let end = guest.end().await;
        assert!(end.code == Some(1) && end.err.contains("the owner revoked this link"), "{end:?}");
    }
    for access in ["view", "interact"] {
        assert_eq!(scene.try_again(access).await.code, Some(1));
    }
    assert_eq!(scene.owner(&["members"]).await.len(), 1, "the host alone");
    let added = scene.owner(&["links", "add", "interact"]).await;
    let mut next = scene.stage.join(text(&added[0]["url"]), &["--no-lan", "--json"]);
    next.shows("still here").await;
    next.types("exit 5\r");
    assert_eq!(next.end().await.code, Some(5));
    assert_eq!(scene.share.process.end().await.code, Some(5));
}
