//! The door: guests whom the owner lets in one by one, at the own terminal or from a second one.

use super::links::Shared;
use super::stage::{Home, Relay, Running};
use serde_json::Value;

/// The record of who waits, once somebody does.
fn waiting(home: &Home) -> Value {
    loop {
        let members = home.records(&["members", "--json"]);
        if let Some(member) = members.into_iter().find(|member| member["waiting"] == true) {
            return member;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn nobody_waits(home: &Home) -> bool {
    home.records(&["members", "--json"]).iter().all(|member| member["waiting"] == false)
}

fn knock(home: &Home, file: &str) -> (Running, String) {
    let mut guest = home.start(&["join", "--json", "--no-lan", "--name", "Ben", "--file", file]);
    let key = guest.wait_for("waiting")["key"].as_str().unwrap().to_owned();
    (guest, key)
}

/// A program without a terminal is asked by records, and answers from elsewhere; both sides see the same key.
#[test]
fn guest_waits_until_it_is_let_in() {
    let mut shared = Shared::start("admit", &["--approve"]);
    let (mut guest, key) = knock(&shared.home, &shared.file("interact"));
    let knocked = shared.host.wait_for("knocked");
    let member = waiting(&shared.home);
    assert_eq!((&knocked["author"], &member["name"]), (&member["member"], &Value::Null));
    assert!(member["member"].as_str().unwrap().starts_with(&key.replace(' ', "")), "{key} {member}");

    let let_in = shared.home.records(&["members", "admit", &key, "--json"]);
    assert_eq!((&let_in[0]["event"], &let_in[0]["member"]), (&"let_in".into(), &member["member"]));
    guest.wait_for("in");
    guest.ask(r#"{"do":"type","text":"hello\r"}"#);
    guest.wait_for_line("hello");
    let told = shared.home.refuses(&["members", "deny", &key]);
    assert!(told[0].starts_with("error: there is no member that waits"), "{told:?}");
}

/// A no is final and says so: the guest must not wait on.
#[test]
fn guest_is_turned_away() {
    let mut shared = Shared::start("deny", &["--approve"]);
    let (mut guest, _) = knock(&shared.home, &shared.file("view"));
    shared.host.wait_for("knocked");
    let member = waiting(&shared.home);
    shared.home.says(&["members", "deny", member["member"].as_str().unwrap()]);
    assert_eq!(guest.status(), 1);
    assert!(nobody_waits(&shared.home));
}

/// The owner is asked where they look: on the last line, with y and n, and the shell is whole again after it.
#[tokio::test]
async fn owner_is_asked_in_the_own_terminal() {
    let (home, relay) = (Home::new("ask"), Relay::start());
    let program = "printf 'shell $ '; exec cat";
    let args = ["share", "--no-lan", "--relay", &relay.address, "--approve", "--", "sh", "-c", program];
    let mut host = home.window(&args);
    host.wait_for("shell $").await;
    let file = home.file("view", &home.says(&["links", "add", "view", "--approve", "--label", "team"]));

    let (mut guest, key) = knock(&home, &file);
    host.wait_for("y lets in, n does not").await;
    let screen = host.screen.text();
    let question = screen.last().unwrap();
    assert!(question.contains(&format!("key {key}")) && question.contains("\"team\""), "{screen:?}");
    host.press_until("y", || nobody_waits(&home)).await;
    guest.wait_for("in");
    // A key that came too early for the question is the program's.
    assert_eq!(host.screen.text()[0].trim_end_matches('y').trim_end(), "shell $");
    assert!(host.screen.text().iter().all(|line| !line.contains("lets in")), "{:?}", host.screen.text());

    let (mut other, _) = knock(&home, &file);
    host.wait_for("y lets in, n does not").await;
    host.press_until("n", || nobody_waits(&home)).await;
    assert_eq!(other.status(), 1);
    host.send("\rtyped after it\r").await;
    host.wait_for("typed after it").await;
    guest.wait_for_line("typed after it");
}

/// Whoever waits sees that they do, and what to read out to the owner.
#[tokio::test]
async fn viewer_says_that_it_waits() {
    let mut shared = Shared::start("wait", &["--approve"]);
    let mut guest = shared.home.window(&["join", "--no-lan", "--file", &shared.file("view")]);
    guest.wait_for("waiting to be let in: the host is asked, and sees your key").await;
    let knocked = shared.host.wait_for("knocked");
    let key = &knocked["author"].as_str().unwrap()[..8];
    guest.wait_for(&format!("{} {}", &key[..4], &key[4..])).await;
    shared.home.says(&["members", "admit", key]);
    guest.wait_for("└──").await;
    guest.send("q").await;
    assert_eq!(guest.closed().await, 0);
}

/// One who types for many: each line is seen before it runs, and a line that was refused never does.
#[test]
fn lines_wait_for_a_yes() {
    let mut shared = Shared::start("lines", &[]);
    let mut guest = shared.join("Ben", &shared.file("interact"));
    shared.home.says(&["drive", "policy", "lines"]);
    guest.ask(r#"{"do":"type","text":"first\r"}"#);
    assert_eq!(shared.host.wait_for("line_proposed")["text"], "first");
    shared.home.says(&["drive", "reject", "ben"]);
    guest.wait_for("refused");
    guest.ask(r#"{"do":"type","text":"second\r"}"#);
    assert_eq!(shared.host.wait_for("line_proposed")["text"], "second");
    let drive = shared.home.records(&["drive", "--json"]);
    assert_eq!((&drive[0]["policy"], &drive[0]["lines"][0]["line"]), (&"lines".into(), &"second".into()));
    shared.home.says(&["drive", "accept", "ben"]);
    guest.wait_for_line("second");
    guest.ask(r#"{"do":"screen"}"#);
    assert!(!guest.wait_for("screen").to_string().contains("first"));
}

/// One at a time: the wheel is asked for, granted and taken back, and who does not have it types nothing.
#[test]
fn one_drives_at_a_time() {
    let mut shared = Shared::start("wheel", &[]);
    let link = shared.file("interact");
    let (mut ben, mut cleo) = (shared.join("Ben", &link), shared.join("Cleo", &link));
    shared.home.says(&["drive", "policy", "one"]);
    shared.home.says(&["drive", "grant", "ben"]);
    shared.host.wait_for("driver");
    cleo.ask(r#"{"do":"type","text":"no\r"}"#);
    cleo.wait_for("refused");
    ben.ask(r#"{"do":"type","text":"yes\r"}"#);
    ben.wait_for_line("yes");
    cleo.ask(r#"{"do":"drive","wish":true}"#);
    shared.host.wait_for("drive_wished");
    let drive = shared.home.records(&["drive", "--json"]);
    assert_eq!((&drive[0]["driver_name"], &drive[0]["wishes"][0]), (&"Ben".into(), &"Cleo".into()));
    shared.home.says(&["drive", "take-back"]);
    assert_eq!(shared.host.wait_for("driver")["author"], Value::Null);
    let told = shared.home.refuses(&["drive", "grant", "nobody"]);
    assert_eq!(told[0], "error: there is no member nobody");
}

/// Who walks away from the keyboard must not keep it: after a while the wheel is free again.
#[test]
fn driver_who_rests_gives_the_wheel_back() {
    let mut shared = Shared::start("lapse", &[]);
    let mut ben = shared.join("Ben", &shared.file("interact"));
    shared.home.says(&["drive", "policy", "one", "--lapse", "1s"]);
    ben.ask(r#"{"do":"drive","wish":true}"#);
    assert!(shared.host.wait_for("driver")["author"].is_string());
    ben.ask(r#"{"do":"type","text":"mine\r"}"#);
    ben.wait_for_line("mine");
    assert_eq!(shared.host.wait_for("driver")["author"], Value::Null);
    let told = shared.home.refuses(&["drive", "policy", "all", "--lapse", "1s"]);
    assert_eq!(told[0], "error: --lapse goes with `one`: only there somebody gives the terminal back");
}
