//! Somebody with a copy of a member's disk: nothing is kept by default, so there is nothing to steal but what people
//! put there themselves: a link in a file, a shell's history, a password manager.

use super::canary::{Canary, contains, found};
use super::held::{Held, Trial};
use super::relay_disk_thief::read_all;
use super::stage::{OUTPUT, SAID, TYPED};
use crate::attacks::eve::Eve;
use crate::attacks::table::{ADA, Table};
use crate::e2e::stage::Stage as Processes;
use cahoots::Access;
use serde_json::json;

const DAY_MS: u64 = 86_400_000;

/// Plays a session with real programs, and returns all that is on the disk then, by name and by contents: once while it
/// lasts, and once after it.
async fn disk_of_members() -> (Vec<u8>, Vec<u8>, Vec<Canary>) {
    let stage = Processes::new();
    let relay = stage.relay().await;
    let script = format!("echo {OUTPUT}; read line; echo seen; read more");
    let mut share = stage.share(Some(&relay), &["--title", "title-of-the-badger"], &["sh", "-c", &script]).await;
    let token = cahoots::Link::parse(share.link("interact")).unwrap().token;
    let mut ben = stage.join(share.link("interact"), &["--no-lan", "--json", "--name", "name-of-the-ocelot"]);
    ben.shows(OUTPUT).await;
    ben.ask(&json!({ "do": "say", "text": SAID }));
    ben.types(&format!("{TYPED}\r"));
    ben.shows("seen").await;
    share.process.record("the words", |record| record["text"] == SAID).await;
    let during = read_all(&stage.path(""));
    ben.types("\r");
    assert_eq!((share.process.end().await.code, ben.end().await.code), (Some(0), Some(0)));
    let canaries = vec![
        Canary::text("output", OUTPUT),
        Canary::text("chat", SAID),
        Canary::text("input", TYPED),
        Canary::text("title", "title-of-the-badger"),
        Canary::text("name", "name-of-the-ocelot"),
        Canary::text("token", &token.reveal()[31..]),
        Canary::new("kek", token.secret().unwrap().kek().expose()),
    ];
    (during, read_all(&stage.path("")), canaries)
}

async fn is_not_kept(names: &[&str]) -> Held {
    let mut trial = Trial::default();
    let (during, after, canaries) = disk_of_members().await;
    let wanted: Vec<Canary> = canaries.into_iter().filter(|canary| names.contains(&canary.name)).collect();
    assert_eq!(wanted.len(), names.len());
    trial.works("there was a disk to read", contains(&during, b"PRIVATE KEY"));
    trial.gets_nothing("it is on the disk meanwhile", found(&wanted, &during));
    trial.gets_nothing("it is on the disk afterwards", found(&wanted, &after));
    let kept = [&after[..], TYPED.as_bytes(), OUTPUT.as_bytes(), SAID.as_bytes()].concat();
    let shown = wanted.iter().filter(|canary| !["title", "name", "token", "kek"].contains(&canary.name));
    trial.works("it would be found", shown.clone().all(|canary| canary.is_in(&kept)));
    trial.held()
}

/// No scrollback, no recording: a guest's screen is gone with its program.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_beyond_what_was_kept_cannot_be_read() -> Held {
    is_not_kept(&["output", "input"]).await
}

/// No chat log, no notes, no names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_beyond_what_was_kept_cannot_be_read() -> Held {
    is_not_kept(&["chat", "title", "name", "token", "kek"]).await
}

/// A link found on a disk is worth what it is worth to the owner: revoked, it types nothing and opens nothing.
#[test]
fn input_cannot_be_forged_after_revocation() -> Held {
    let mut trial = Trial::default();
    let mut table = Table::new();
    let found = table.share(Access::Interact, DAY_MS);
    let thief = Eve::join(&mut table, &found).unwrap();
    for entry in thief.seal_direct(3, &super::helped::input()) {
        table.send(thief.conn, &crate::attacks::eve::frame(&entry));
    }
    trial.works("before, it types", table.inputs().len() == 1);
    table.revoke(&found);
    trial.fails("a revoked link joins", Eve::join(&mut table, &found).err().is_some(), true);
    let again = thief.another([9; 32]);
    super::helped::past_relay(&mut table, ADA, &again, &again.seal_direct(3, &super::helped::input()));
    trial.fails("a revoked link types", table.inputs().len(), 1);
    trial.held()
}

/// Half of a link is nothing: without the passphrase the share cannot even be named, and each guess costs a visit.
#[test]
fn keys_cannot_be_derived_without_the_passphrase() -> Held {
    use cahoots::proto::key::{PassphraseHash, ShareSecret};
    use cahoots::proto::share::ShareFlags;
    use cahoots::{SessionId, Token, TokenError};
    let mut trial = Trial::default();
    let (session, seed) = (SessionId([7; 16]), [9; 16]);
    let token = Token::new(Access::Interact, &session, seed, ShareFlags::PASSPHRASE);
    let hash = |passphrase: &str| PassphraseHash::derive(passphrase, &session, &seed);
    let secret = token.secret_with(Some(&hash("correct horse battery staple"))).unwrap();
    trial.fails("a token is enough", token.secret().err(), Some(TokenError::Passphrase));
    for guess in ["", "correct horse battery", "Correct horse battery staple"] {
        let guessed = token.secret_with(Some(&hash(guess))).unwrap();
        trial.fails("a wrong guess names the share", guessed.share_id() == secret.share_id(), false);
        trial.fails("a wrong guess gives its key", guessed.kek().expose() == secret.kek().expose(), false);
    }
    let without = ShareSecret::new(&session, seed, ShareFlags::PASSPHRASE, None);
    trial.fails("the seed alone names the share", without.share_id() == secret.share_id(), false);
    let again = token.secret_with(Some(&hash(" correct  horse battery staple\n"))).unwrap();
    trial.works("the passphrase gives it", again.share_id() == secret.share_id());
    trial.held()
}
