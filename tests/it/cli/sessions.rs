//! The control socket as the user meets it: which session is meant, who may reach it, what is left behind.

use super::links::Shared;
use super::stage::Home;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn sockets(home: &Home) -> Vec<PathBuf> {
    let files = std::fs::read_dir(home.path().join("cahoots")).into_iter().flatten();
    let sockets = files.map(|file| file.unwrap().path());
    sockets.filter(|path| path.extension().is_some_and(|end| end == "sock")).collect()
}

/// Whoever reaches the socket decides who types as the user.
#[test]
fn socket_is_closed_to_others_and_removed() {
    let mut shared = Shared::start("socket", &[]);
    let paths = sockets(&shared.home);
    let mode = |path: &PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((paths.len(), mode(&paths[0]), mode(&shared.home.path().join("cahoots"))), (1, 0o600, 0o700));
    let mut guest = shared.join("Ben", &shared.file("interact"));
    guest.ask(r#"{"do":"type","text":"\u0004"}"#);
    assert_eq!(shared.host.status(), 0);
    assert!(sockets(&shared.home).is_empty());
    let told = shared.home.refuses(&["links"]);
    assert_eq!(told, ["error: you share no session on this machine", "hint: run `cahoots share` first"]);
}

/// Revoking in the wrong one of two sessions would be found out too late.
#[test]
fn of_two_sessions_one_has_to_be_named() {
    let shared = Shared::start("two", &["--title", "first"]);
    let more = ["share", "--json", "--no-lan", "--title", "second", "--", "cat"];
    let mut second = shared.home.start(&more);
    let id = second.wait_for("sharing")["session"].as_str().unwrap().to_owned();
    let told = shared.home.refuses(&["panic"]);
    assert_eq!(told[0], "error: 2 sessions are shared here: --session says which");
    assert!(told[1].contains("(first)") && told[1].contains(&format!("{} (second)", &id[..8])), "{told:?}");
    assert_eq!(shared.home.says(&["panic", "--session", &id[..6]]), "2 links revoked, everybody is out\n");
    let listed = shared.home.records(&["sessions", "--json"]);
    assert!(listed.iter().any(|line| line["title"] == "second" && line["session"] == id.as_str()), "{listed:?}");
    for link in shared.home.records(&["links", "--session", &id, "--json"]) {
        assert_eq!(link["state"], "revoked");
    }
    let told = shared.home.refuses(&["links", "--session", "zz"]);
    assert_eq!(told[0], "error: no session begins with zz");
}

/// A link printed into the shared terminal is everybody's: they see what its owner sees.
#[tokio::test]
async fn new_link_is_not_printed_into_the_session() {
    let home = Home::new("inside");
    let bin = env!("CARGO_BIN_EXE_cahoots");
    let script = format!("{bin} links add own; echo status $?; {bin} links | grep -c view; exec cat");
    let mut host = home.window(&["share", "--no-lan", "--", "sh", "-c", &script]);
    host.wait_for("status 1").await;
    host.wait_for("everybody in the session would see the new link here").await;
    let screen = host.screen.text().join("\n");
    assert!(!screen.contains("cho1"), "{screen}");
}
