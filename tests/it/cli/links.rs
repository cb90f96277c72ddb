//! Links from a second terminal: listed, added, revoked, and what those see who came by them.

use super::stage::{Home, Relay, Running, errors};
use serde_json::Value;

/// A host that runs until its test is over, and its first links.
pub(super) struct Shared {
    pub(super) home: Home,
    pub(super) relay: Relay,
    pub(super) host: Running,
    pub(super) links: Value,
}

impl Shared {
    pub(super) fn start(name: &str, more: &[&str]) -> Self {
        let (home, relay) = (Home::new(name), Relay::start());
        let args = ["share", "--json", "--no-lan", "--name", "Ada", "--relay", &relay.address];
        let mut host = home.start(&[&args[..], more, &["--", "cat"]].concat());
        let links = host.wait_for("sharing")["links"].clone();
        Self { home, relay, host, links }
    }

    /// Adds a link and returns a file that holds it.
    pub(super) fn add(&self, name: &str, terms: &[&str]) -> String {
        let link = self.home.says(&[&["links", "add"], terms].concat());
        assert_eq!(link.lines().count(), 1, "only the link: {link}");
        self.home.file(name, &link)
    }

    pub(super) fn file(&self, access: &str) -> String {
        self.home.file(access, self.links[access].as_str().unwrap())
    }

    /// Joins by a link in a file, and is in.
    pub(super) fn join(&self, name: &str, file: &str) -> Running {
        let mut guest = self.home.start(&["join", "--json", "--no-lan", "--name", name, "--file", file]);
        guest.wait_for("in");
        guest
    }

    /// Tries to join, and returns what comes of it.
    pub(super) fn refused(&self, file: &str) -> Vec<String> {
        self.home.refuses(&["join", "--dump", "--no-lan", "--file", file])
    }
}

/// The everyday life of a link: it is there, it works, it is gone, and whoever holds it is told why.
#[test]
fn links_are_added_listed_and_revoked() {
    let mut shared = Shared::start("links", &[]);
    let ops = shared.add("ops", &["view", "--label", "ops", "--expires", "2h", "--max-members", "2"]);
    let mut guest = shared.join("Ben", &ops);
    shared.host.wait_for("joined");

    let listed = shared.home.records(&["links", "--json"]);
    assert_eq!(listed.len(), 3);
    let line = listed.iter().find(|link| link["label"] == "ops").unwrap();
    assert_eq!((&line["event"], &line["access"], &line["state"]), (&"link".into(), &"view".into(), &"open".into()));
    assert_eq!((line["here"].as_u64(), line["members_max"].as_u64()), (Some(1), Some(2)));
    assert!(line["expires_ms"].is_u64() && line.get("url").is_none(), "{line}");
    let table = shared.home.says(&["links", "list"]);
    let row = table.lines().find(|row| row.ends_with("ops")).unwrap();
    assert!(row.starts_with(&line["link"].as_str().unwrap()[..8]) && row.contains("1 of 2"), "{table}");

    assert!(shared.home.says(&["links", "revoke", "ops"]).starts_with("revoked link "));
    let ended = guest.wait_for("ended");
    assert_eq!((&ended["why"], guest.status()), (&"the owner revoked this link".into(), 1));
    assert_eq!(shared.refused(&ops), ["error: the link was revoked", "hint: ask the owner for a new link"]);
    let told = shared.home.refuses(&["links", "revoke", "nothing"]);
    assert_eq!(told, ["error: there is no link nothing", "hint: `cahoots links` lists them"]);
}

/// Who is thrown out knows the link: it must not let them in again, and the others must not suffer for it.
#[test]
fn kicked_guest_is_out_and_the_others_stay() {
    let mut shared = Shared::start("kick", &[]);
    let link = shared.file("view");
    let (mut ben, mut cleo) = (shared.join("Ben", &link), shared.join("Cleo", &link));
    for _ in 0..2 {
        shared.host.wait_for("joined");
    }
    let output = shared.home.run(&["members", "kick", "ben"]);
    assert!(output.status.success(), "{:?}", errors(&output));
    let told = errors(&output);
    assert!(
        told[0].starts_with("Ben is out, and link ")
            && told[0].ends_with("others who came by it stay, until their program ends"),
        "{told:?}"
    );
    assert_eq!(ben.wait_for("ended")["why"], "the owner removed you from the session");

    cleo.ask(r#"{"do":"say","text":"still here"}"#);
    assert_eq!(shared.host.wait_for("message")["text"], "still here");
    assert_eq!(shared.refused(&link)[0], "error: the link was revoked");
    let replacement = shared.home.file("new", &String::from_utf8(output.stdout).unwrap());
    let mut dan = shared.join("Dan", &replacement);
    shared.host.wait_for("joined");

    let kicked = shared.home.records(&["members", "kick", "dan", "--no-new-link", "--json"]);
    assert_eq!((kicked.len(), &kicked[0]["event"], &kicked[0]["name"]), (1, &"kicked".into(), &"Dan".into()));
    dan.wait_for("ended");
    let members = shared.home.records(&["members", "--json"]);
    let names: Vec<_> = members.iter().map(|member| member["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"Ada") && names.contains(&"Cleo"), "{names:?}");
}

/// The panic key asks nothing and spares nobody; what is shared goes on.
#[test]
fn panic_cuts_everybody_off() {
    let mut shared = Shared::start("panic", &[]);
    let (view, interact) = (shared.file("view"), shared.file("interact"));
    let mut guests = [shared.join("Ben", &view), shared.join("Cleo", &interact)];
    assert_eq!(shared.home.says(&["panic"]), "2 links revoked, everybody is out\n");
    for guest in &mut guests {
        assert_eq!(guest.wait_for("ended")["why"], "the owner revoked this link");
    }
    for link in [view, interact] {
        assert_eq!(shared.refused(&link)[0], "error: the link was revoked");
    }
    let again = shared.add("again", &["view"]);
    let mut back = shared.join("Ben", &again);
    shared.host.wait_for("joined");
    back.ask(r#"{"do":"leave"}"#);
    assert_eq!(back.status(), 0);
}

/// A link for one person must not be a link for two, whoever comes first.
#[test]
fn link_for_one_is_used_up() {
    let mut shared = Shared::start("once", &[]);
    let once = shared.add("once", &["interact", "--once"]);
    let _ben = shared.join("Ben", &once);
    shared.host.wait_for("rekeyed");
    assert_eq!(shared.refused(&once)[0], "error: the link was revoked");
    assert_eq!(shared.home.records(&["members", "--json"]).len(), 2);
}

/// A full link says so, and whoever waits outside gets in when somebody has gone.
#[test]
fn link_has_room_for_as_many_as_it_says() {
    let mut shared = Shared::start("full", &[]);
    let link = shared.add("solo", &["view", "--max-members", "1"]);
    let mut ben = shared.join("Ben", &link);
    shared.host.wait_for("joined");
    let told = shared.refused(&link);
    assert_eq!(told[0], "error: as many people are in by this link as it allows");
    assert!(told[1].starts_with("hint: try again when somebody has left"), "{told:?}");
    ben.ask(r#"{"do":"leave"}"#);
    assert_eq!(ben.status(), 0);
    shared.host.wait_for("left");
    shared.join("Cleo", &link);
}

/// Changing the key disturbs nobody.
#[test]
fn rekeying_goes_unnoticed_but_for_the_notice() {
    let mut shared = Shared::start("rekey", &[]);
    let mut guest = shared.join("Ben", &shared.file("interact"));
    let rekeyed = shared.home.records(&["rekey", "--json"]);
    assert_eq!((rekeyed[0]["event"].as_str(), rekeyed[0]["epoch"].as_u64()), (Some("rekeyed"), Some(1)));
    assert_eq!(guest.wait_for("rekeyed")["epoch"], 1);
    guest.ask(r#"{"do":"type","text":"typed under a new key\r"}"#);
    guest.wait_for_line("typed under a new key");
    shared.host.wait_for("rekeyed");
}

/// A holder makes a narrower link alone; it ends with the one above, which the owner sees and can close.
#[test]
fn link_is_passed_on_and_ends_with_its_parent() {
    let mut shared = Shared::start("pass", &[]);
    let parent = shared.add("parent", &["interact", "--may-pass-on", "--label", "team"]);
    let made = shared.home.says(&["pass-on", "view", "--no-lan", "--file", &parent, "--expires", "30m"]);
    assert!(made.contains("j#chr1") && made.lines().count() == 1, "{made}");
    let child = shared.home.file("child", &made);
    let mut guest = shared.join("Cleo", &child);
    shared.host.wait_for("joined");
    let listed = shared.home.records(&["links", "--json"]);
    let above = listed.iter().find(|link| link["label"] == "team").unwrap()["link"].clone();
    let below = listed.iter().find(|link| link["passed_on_from"] == above).unwrap();
    assert_eq!(below["access"], "view");

    shared.home.says(&["links", "revoke", "team"]);
    assert_eq!(guest.wait_for("ended")["why"], "the owner revoked this link");
    assert_eq!(shared.refused(&child)[0], "error: the link was revoked");
}

/// Who may not pass a link on learns whom to ask; who wants too much learns that, too.
#[test]
fn link_that_may_not_be_passed_on_says_who_could_allow_it() {
    let shared = Shared::start("nopass", &[]);
    let plain = shared.file("interact");
    let told = shared.home.refuses(&["pass-on", "view", "--no-lan", "--file", &plain]);
    let hint = "hint: the owner can make one that may: `cahoots links add … --may-pass-on`";
    assert_eq!(told, ["error: this link may not be passed on: it is for interact", hint]);
    let narrow = shared.add("narrow", &["view", "--may-pass-on"]);
    let told = shared.home.refuses(&["pass-on", "interact", "--no-lan", "--file", &narrow]);
    assert!(told[0].contains("cannot be for interact"), "{told:?}");
    assert!(shared.relay.address.contains("127.0.0.1"), "it lives until here");
}
