//! The signed history as a file: exported by the owner, checked by anybody.

use super::links::Shared;
use std::os::unix::fs::PermissionsExt;

/// The file tells who did what, and one changed byte anywhere makes it worthless.
#[test]
fn audit_is_exported_verified_and_refused_if_touched() {
    let mut shared = Shared::start("audit", &[]);
    let link = shared.add("ops", &["interact", "--label", "ops"]);
    let mut guest = shared.join("Ben", &link);
    guest.ask(r#"{"do":"type","text":"ls\r"}"#);
    guest.wait_for_line("ls");
    guest.ask(r#"{"do":"say","text":"over and out"}"#);
    shared.host.wait_for("message");
    shared.home.says(&["links", "revoke", "ops"]);

    let file = shared.home.path().join("session.audit");
    let name = file.to_str().unwrap();
    let exported = shared.home.records(&["audit", "export", name, "--json"]);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!((&exported[0]["event"], exported[0]["bytes"].as_u64()), (&"exported".into(), Some(bytes.len() as u64)));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let told = shared.home.says(&["audit", name]);
    for fact in ["the session began", "Ben (", "joined", "typed 3 bytes", "said: over and out", "closed"] {
        assert!(told.contains(fact), "{fact} in {told}");
    }
    assert!(told.lines().last().unwrap().starts_with("verified: 2 members"), "{told}");
    let records = shared.home.records(&["audit", name, "--json"]);
    assert_eq!(records[0]["event"], "audit");
    assert!(records[1..].iter().all(|record| record["event"] == "audit_event" && record["what"].is_string()));

    let again = shared.home.refuses(&["audit", "export", name]);
    assert!(again[0].ends_with("is there already"), "{again:?}");
    let short = shared.home.path().join("short.audit");
    shared.home.says(&["audit", "export", short.to_str().unwrap(), "--without-contents"]);
    assert!(!shared.home.says(&["audit", short.to_str().unwrap()]).contains("over and out"));

    for at in [3, bytes.len() / 3, bytes.len() - 1] {
        let mut touched = bytes.clone();
        touched[at] ^= 1;
        std::fs::write(&file, touched).unwrap();
        let told = shared.home.refuses(&["audit", name]);
        assert!(told[0].contains("does not hold"), "{told:?}");
    }
}

/// A session that ends by itself leaves its history where it was asked to, with the end in it.
#[test]
fn share_writes_its_audit_at_the_end() {
    let mut shared = Shared::start("atend", &[]);
    let file = shared.home.path().join("end.audit");
    let args = ["share", "-q", "--headless", "--no-lan", "--audit", file.to_str().unwrap(), "--", "true"];
    assert!(shared.home.says(&args).starts_with("cahoots://join#chi1"));
    let told = shared.home.says(&["audit", file.to_str().unwrap()]);
    assert!(told.contains("the session ended"), "{told}");
    let refused = shared.home.refuses(&args);
    assert!(refused[0].ends_with("is there already"), "{refused:?}");
    let mut guest = shared.join("Ben", &shared.file("interact"));
    guest.ask(r#"{"do":"type","text":"\u0004"}"#);
    assert_eq!(shared.host.status(), 0);
}
