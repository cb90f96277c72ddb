//! Questions to a relay as operators and holders of links ask them: `cahoots relay sessions` and `cahoots stats`.

use super::stage::{Home, Running};
use cahoots::proto::share::ShareFlags;
use cahoots::proto::token::Token;
use cahoots::{Access, SessionId};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

/// A relay with a folder of its own, and a session at it.
struct Stage {
    home: Home,
    _relay: Running,
    address: String,
    state: String,
    _host: Running,
    session: String,
    links: Value,
}

impl Stage {
    fn start(name: &str, options: &[&str]) -> Self {
        let home = Home::new(name);
        let state = home.path().join("state").to_str().unwrap().to_owned();
        let mut relay = home.start(&["relay", "--json", "--listen", "127.0.0.1:0", "--state", &state]);
        let address = relay.wait_for("relay")["address"].as_str().unwrap().to_owned();
        let mut args = vec!["share", "--json", "--no-lan", "--relay", &address];
        args.extend(options);
        args.extend(["--", "cat"]);
        let mut host = home.start(&args);
        let sharing = host.wait_for("sharing");
        let session = sharing["session"].as_str().unwrap().to_owned();
        let links = sharing["links"].clone();
        Self { home, _relay: relay, address, state, _host: host, session, links }
    }

    fn link(&self, access: &str) -> String {
        self.home.file(access, self.links[access].as_str().unwrap())
    }

    /// The relay's address without the hash that pins its certificate.
    fn bare(&self) -> &str {
        self.address.split('#').next().unwrap()
    }

    /// Joins, so that the relay knows the link from then on.
    fn join(&self, access: &str) -> Running {
        let mut guest = self.home.start(&["join", "--json", "--no-lan", "--file", &self.link(access)]);
        guest.wait_for("in");
        guest
    }
}

/// A prompt, a bot, a door sign: how many look, without one more looking.
#[test]
fn holder_counts_without_joining() {
    let stage = Stage::start("counts", &[]);
    let guest = stage.join("interact");
    let link = stage.link("view");
    let told = stage.home.records(&["stats", "--json", "--file", &link]);
    assert_eq!(
        (told.len(), &told[0]["event"], &told[0]["session"]),
        (1, &"stats".into(), &stage.session.clone().into())
    );
    assert_eq!((&told[0]["members"], &told[0]["members_most"]), (&2.into(), &2.into()), "asking is not joining");
    let said = stage.home.says(&["stats", "--file", &link]);
    assert!(said.starts_with("2 people here, ") && said.lines().count() == 1, "{said}");
    drop(guest);

    let strange = stage.links["view"].as_str().unwrap().split('#').nth(1).unwrap().to_owned();
    let bare = stage.home.file("bare", strange.split('&').next().unwrap());
    let told = stage.home.refuses(&["stats", "--file", &bare]);
    assert_eq!(told[0], "error: the link names no relay");
    assert_eq!(stage.home.records(&["stats", "--json", "--relay", &stage.address, "--file", &bare]).len(), 1);
}

/// Whoever says "here alone" must not tell a relay elsewhere by asking it, not even where one is named.
#[test]
fn link_for_one_network_is_asked_about_nowhere() {
    let home = Home::new("lanonly");
    let token = Token::new(Access::View, &SessionId([7; 16]), [1; 16], ShareFlags::LAN_ONLY);
    let link = home.file("link", &token.reveal());
    for relay in [&[][..], &["--relay", "127.0.0.1:9"]] {
        let told = home.refuses(&[&["stats", "--file", &link], relay].concat());
        assert!(told[0].starts_with("error: this link is for the host's own network"), "{told:?}");
    }
}

/// The operator's word is in a file of the relay's folder, for its owner alone, and on no command line.
#[test]
fn operator_lists_sessions_by_the_relays_folder() {
    let stage = Stage::start("operator", &[]);
    let guest = stage.join("view");
    let asked = ["relay", "sessions", "--relay", stage.bare(), "--state", &stage.state];
    let told = stage.home.records(&[&asked[..], &["--json"]].concat());
    assert_eq!((told.len(), &told[0]["session"]), (1, &stage.session.clone().into()));
    assert_eq!((&told[0]["members"], &told[0]["host_here"]), (&2.into(), &true.into()));
    let said = stage.home.says(&asked);
    let lines: Vec<_> = said.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("SESSION "), "{said}");
    assert!(lines[1].starts_with(&stage.session[..8]), "{said}");
    drop(guest);

    let token = std::path::Path::new(&stage.state).join("operator-token");
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o600);
    let other = stage.home.file("other", &"x".repeat(64));
    std::fs::set_permissions(&other, PermissionsExt::from_mode(0o600)).unwrap();
    let asked = ["relay", "sessions", "--relay", &stage.address, "--operator-token-file"];
    let told = stage.home.refuses(&[&asked[..], &[other.as_str()]].concat());
    assert_eq!(told[0], "error: the relay takes this operator's token for none");
    std::fs::set_permissions(&other, PermissionsExt::from_mode(0o644)).unwrap();
    let told = stage.home.refuses(&[&asked[..], &[other.as_str()]].concat());
    assert!(told[0].ends_with("is readable by other users: mode 644, expected 600"), "{told:?}");
    let told = stage.home.refuses(&["relay", "sessions"]);
    assert_eq!(told[0], "error: whose relay is it");
}

/// A relay that serves no browsers has nothing to ask; who tries has to learn that it is no fault of the link.
#[test]
fn relay_without_web_says_nothing() {
    let home = Home::new("noweb");
    let mut relay = home.start(&["relay", "--json", "--listen", "127.0.0.1:0", "--no-web"]);
    let address = relay.wait_for("relay")["address"].as_str().unwrap().to_owned();
    let mut host = home.start(&["share", "--json", "--no-lan", "--relay", &address, "--", "cat"]);
    let link = home.file("link", host.wait_for("sharing")["links"]["view"].as_str().unwrap());
    let told = home.refuses(&["stats", "--file", &link]);
    assert!(told[0].starts_with("error: no answer from 127.0.0.1:") && told[1].contains("--no-web"), "{told:?}");
}
