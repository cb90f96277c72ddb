//! Passphrases, and that no secret shows where it must not.

use super::links::Shared;
use super::stage::{Home, Relay, command, errors, run};
use std::process::Stdio;

/// The words decide which link it is: right ones open it, wrong ones lead nowhere, and none are asked for.
#[test]
fn passphrase_is_needed_and_has_to_be_right() {
    let shared = Shared::start("words", &[]);
    let (right, wrong) = (shared.home.file("right", "open  sesame \n"), shared.home.file("wrong", "open barley\n"));
    let link = shared.add("link", &["view", "--passphrase-file", &right]);
    let join = |words: &[&str]| shared.home.run(&[&["join", "--dump", "--no-lan", "--file", &link], words].concat());
    assert_eq!(join(&["--passphrase-file", &right]).status.code(), Some(0));
    let told = errors(&join(&["--passphrase-file", &wrong]));
    assert_eq!(told[0], "error: the passphrase is wrong or the link is no longer known");
    assert!(told[1].starts_with("hint: "), "{told:?}");
    for _ in 0..2 {
        assert_eq!(join(&["--passphrase-file", &wrong]).status.code(), Some(1));
    }
    assert_eq!(join(&["--passphrase-file", &right]).status.code(), Some(0), "three slips cost no minute of waiting");
    let told = errors(&join(&[]));
    assert_eq!(told, ["error: this link needs a passphrase", "hint: --passphrase-file says where to read it"]);
    let listed = shared.home.records(&["links", "--json"]);
    assert!(listed.iter().any(|link| link["passphrase"] == true), "{listed:?}");
}

/// What stands on a command line stands in the process list and in the shell's history.
#[test]
fn passphrase_is_no_argument() {
    for args in [
        &["share", "--passphrase", "open sesame"][..],
        &["share", "--passphrase=open"],
        &["links", "add", "view", "--passphrase", "open sesame"],
        &["join", "--passphrase", "open"],
    ] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
}

/// The person at the terminal is asked twice, sees no word, and a slip makes no link.
#[tokio::test]
async fn passphrase_is_asked_for_twice_and_not_shown() {
    let home = Home::new("twice");
    let mut host = home.window(&["share", "--no-lan", "--passphrase", "--", "cat"]);
    host.wait_for("passphrase for the link:").await;
    host.send("open sesame\r").await;
    host.wait_for("once more:").await;
    host.send("open barley\r").await;
    host.wait_for("the two passphrases differ").await;
    assert_eq!(host.closed().await, 1);
    let screen = host.screen.text().join("\n");
    assert!(!screen.contains("sesame") && !screen.contains("barley"), "{screen}");
}

/// Logs are sent to others by people who look for help: at their loudest they must hold no way in.
#[test]
fn logs_and_socket_names_hold_no_secret() {
    let (home, relay) = (Home::new("canary"), Relay::start());
    let words = home.file("words", "plover-xyzzy\n");
    let share = ["share", "--json", "--no-lan", "--relay", &relay.address, "--passphrase-file", &words];
    let mut child = command(&[&share[..], &["--", "cat"]].concat())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("TMPDIR", home.path())
        .env("CAHOOTS_LOG", "trace")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while home.records(&["sessions", "--json"]).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let link = home.says(&["links", "add", "interact", "--passphrase-file", &words]);
    let file = home.file("link", &link);
    let joined = command(&["join", "--dump", "--no-lan", "--file", &file, "--passphrase-file", &words])
        .env("CAHOOTS_LOG", "trace")
        .output()
        .unwrap();
    home.says(&["panic"]);
    let names: Vec<_> =
        std::fs::read_dir(home.path().join("cahoots")).unwrap().map(|file| file.unwrap().file_name()).collect();
    let session = home.records(&["sessions", "--json"])[0]["session"].as_str().unwrap().to_owned();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    child.wait().unwrap();
    let output = child.wait_with_output().unwrap();
    let logs = [&output.stderr, &joined.stderr, &joined.stdout].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(!logs[0].is_empty() && !logs[1].is_empty(), "trace logs something");
    let token = link.trim().split('#').nth(1).unwrap().split('&').next().unwrap();
    for log in &logs {
        for secret in ["plover", "chr1", "chi1", &token[10..40]] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
    let shown = format!("{names:?}");
    assert!(shown.contains("control-") && !shown.contains(&session[..8]), "{shown}");
}
