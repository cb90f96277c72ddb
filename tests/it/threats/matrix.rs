//! The matrix: 12 actors by 6 assets. What an actor must not be able to do to an asset is a letter of its cell (r read,
//! f forge or alter, s steal or derive, l link or learn more than stated, x exhaust or stop for others), and each letter
//! names the tests that try it.
//!
//! Always: what is here is what the suites have, no more and no less: the compiled one, and that of the viewer for
//! browsers in `web/e2e/threats`, which a real browser runs.

use self::Letter::{InBrowser, Tried};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// One thing that an actor must not be able to do.
#[derive(Clone, Copy, Debug)]
enum Letter {
    /// Tests of this actor's module try it.
    Tried(&'static str, &'static [&'static str]),
    /// Tests of this actor's file in `web/e2e/threats` try it, by these titles.
    InBrowser(&'static str, &'static [&'static str]),
}

/// One asset, before one actor.
#[derive(Clone, Copy, Debug)]
enum Cell {
    /// Nothing must be possible of this.
    Never(&'static [Letter]),
    /// Allowed, or out of reach by definition: why.
    Open(&'static str),
}

use Cell::{Never, Open};

const ASSETS: [&str; 6] = ["terminal output", "input", "documents", "keys and tokens", "metadata", "availability"];

/// Somebody to be afraid of: the module of its tests, and its cells in the order of [`ASSETS`].
struct Actor {
    module: &'static str,
    cells: [Cell; 6],
}

const ACTORS: [Actor; 12] = [
    Actor {
        module: "curious_relay",
        cells: [
            Never(&[Tried("r", &["output_cannot_be_read"])]),
            Never(&[Tried("r", &["input_cannot_be_read"])]),
            Never(&[Tried("r", &["documents_cannot_be_read"])]),
            Never(&[Tried("s", &["keys_cannot_be_learned", "memory_of_a_relay_holds_no_secret"])]),
            Never(&[Tried("l beyond the list", &["metadata_stays_within_the_list"])]),
            Open("who only listens stops nobody"),
        ],
    },
    Actor {
        module: "malicious_relay",
        cells: [
            Never(&[
                Tried("r", &["output_cannot_be_read"]),
                Tried("f", &["output_cannot_be_forged"]),
                Tried("replay", &["output_cannot_be_replayed", "host_cannot_be_played_back"]),
                Tried("truncate unseen", &["output_cannot_be_truncated_unseen"]),
            ]),
            Never(&[
                Tried("r", &["input_cannot_be_read"]),
                Tried("f", &["input_cannot_be_forged"]),
                Tried("replay", &["input_cannot_be_replayed"]),
            ]),
            Never(&[
                Tried("r", &["documents_cannot_be_read"]),
                Tried("f", &["documents_cannot_be_forged", "rights_cannot_be_granted"]),
                Tried(
                    "roll back unseen",
                    &[
                        "documents_cannot_be_rolled_back_unseen",
                        "log_cannot_be_truncated_unseen",
                        "newcomer_cannot_be_shown_an_old_log",
                    ],
                ),
            ]),
            Never(&[
                Tried(
                    "s",
                    &["keys_cannot_be_stolen", "keys_cannot_be_swapped_for_the_relays_own", "auth_cannot_be_replayed"],
                ),
                Tried("substitute owner", &["owner_cannot_be_substituted"]),
            ]),
            Never(&[Tried("l beyond the list", &["metadata_stays_within_the_list"])]),
            Never(&[Tried("allowed, but named", &["availability_is_denied_visibly"])]),
        ],
    },
    Actor {
        module: "relay_serving_viewer",
        cells: [
            Never(&[
                Tried("r for native", &["output_of_other_sessions_cannot_be_read"]),
                Tried("f for native", &["output_cannot_be_forged_for_natives"]),
                Tried("replay for native", &["output_cannot_be_replayed_to_natives"]),
                Tried("truncate unseen for native", &["output_cannot_be_truncated_unseen_by_natives"]),
            ]),
            Never(&[
                Tried("r for native", &["input_of_natives_cannot_be_read"]),
                Tried("f for native", &["input_cannot_be_forged"]),
                Tried("replay for native", &["input_of_natives_cannot_be_replayed"]),
            ]),
            Never(&[
                Tried("r for native", &["documents_of_other_sessions_cannot_be_read"]),
                Tried("f for native", &["documents_of_natives_cannot_be_forged"]),
                Tried("roll back unseen for native", &["documents_cannot_be_rolled_back_unseen_by_natives"]),
            ]),
            Never(&[
                Tried("s of native members", &["keys_of_natives_cannot_be_stolen"]),
                InBrowser(
                    "s by a viewer of its own origin",
                    &["a relay that lies about the viewer learns no link from a copy elsewhere"],
                ),
            ]),
            Never(&[Tried("l", &["metadata_stays_within_the_list"])]),
            Open("a relay may cut anybody off; that it is named is the malicious relay's cell"),
        ],
    },
    Actor {
        module: "network_attacker",
        cells: [
            Never(&[Tried("r", &["output_cannot_be_read"]), Tried("f", &["output_cannot_be_forged"])]),
            Never(&[Tried("r", &["input_cannot_be_read"]), Tried("f", &["input_cannot_be_forged"])]),
            Never(&[Tried("r", &["documents_cannot_be_read"]), Tried("f", &["documents_cannot_be_forged"])]),
            Never(&[Tried("s", &["keys_cannot_be_stolen", "protocol_cannot_be_downgraded"])]),
            Never(&[Tried("l names, tokens", &["names_and_tokens_cannot_be_learned"])]),
            Never(&[Tried("x beyond its own bandwidth", &["relay_spends_no_more_than_its_attacker"])]),
        ],
    },
    Actor {
        module: "read_only_holder",
        cells: [
            Never(&[Tried("f", &["output_cannot_be_forged"])]),
            Never(&[Tried("f", &["input_cannot_be_forged"]), Tried("r of others", &["input_cannot_be_read"])]),
            Never(&[
                Tried("f state", &["state_cannot_be_forged", "terminals_cannot_be_opened_resized_or_closed"]),
                Tried("f others' chat", &["chat_of_others_cannot_be_forged"]),
            ]),
            Never(&[Tried("s wider or later share", &["wider_or_later_share_cannot_be_made"])]),
            Never(&[Tried("l others' addresses via the relay", &["addresses_of_others_cannot_be_learned"])]),
            Never(&[Tried("x", &["session_cannot_be_stopped", "flood_does_not_reach_others"])]),
        ],
    },
    Actor {
        module: "interactive_holder",
        cells: [
            Never(&[Tried("f as host", &["output_cannot_be_forged_as_host"])]),
            Never(&[Tried("r others' keys typed", &["keys_typed_by_others_cannot_be_read"])]),
            Never(&[
                Tried("f others' entries", &["entries_of_others_cannot_be_forged"]),
                Tried("f history", &["history_cannot_be_rewritten"]),
            ]),
            Never(&[
                Tried("s owner", &["owner_cannot_be_impersonated"]),
                Tried("s longer share", &["longer_share_cannot_be_made"]),
            ]),
            Never(&[Tried("l others' addresses via the relay", &["addresses_of_others_cannot_be_learned"])]),
            Never(&[Tried("x by crafted bytes", &["crafted_bytes_stop_nobody"])]),
        ],
    },
    Actor {
        module: "revoked_holder",
        cells: [
            Never(&[Tried("r new", &["output_cannot_be_read"]), Tried("f", &["output_cannot_be_forged"])]),
            Never(&[Tried("f", &["input_cannot_be_forged"])]),
            Never(&[
                Tried("r new", &["documents_cannot_be_read"]),
                Tried("f", &["documents_cannot_be_forged", "history_of_others_cannot_be_rewritten"]),
                Tried("back-date", &["changes_cannot_be_back_dated", "back_dated_changes_vanish_when_the_news_comes"]),
            ]),
            Never(&[
                Tried("s new epoch", &["keys_of_the_new_epoch_cannot_be_stolen"]),
                Tried("rejoin by the same token", &["same_link_cannot_be_joined_again", "old_log_lets_nobody_in"]),
            ]),
            Never(&[Tried("l new members", &["new_members_cannot_be_learned"])]),
            Never(&[Tried("x", &["session_cannot_be_stopped", "others_cannot_be_kept_busy"])]),
        ],
    },
    Actor {
        module: "lan_bystander",
        cells: [
            Never(&[Tried("r", &["output_cannot_be_read"]), Tried("f", &["output_cannot_be_forged"])]),
            Never(&[Tried("f", &["input_cannot_be_forged"])]),
            Never(&[Tried("r", &["documents_cannot_be_read"]), Tried("f", &["documents_cannot_be_forged"])]),
            Never(&[Tried("s", &["keys_cannot_be_derived"])]),
            Never(&[
                Tried("l session", &["session_cannot_be_learned"]),
                Tried("l person", &["sessions_of_one_person_cannot_be_linked"]),
            ]),
            Never(&[Tried("x by a flood of announcements", &["discovery_cannot_be_stopped"])]),
        ],
    },
    Actor {
        module: "hostile_page",
        cells: [
            Never(&[
                Tried("r", &["output_cannot_be_read"]),
                InBrowser("r by a frame", &["a page elsewhere cannot frame the viewer"]),
                InBrowser("r by a socket", &["a page elsewhere cannot open the viewer's socket"]),
            ]),
            Never(&[
                Tried("f", &["input_cannot_be_forged"]),
                InBrowser("f by a frame", &["a click on a framed viewer types nothing"]),
            ]),
            Never(&[
                Tried("r", &["documents_cannot_be_read"]),
                Tried("f", &["documents_cannot_be_forged"]),
                InBrowser("r f by a rebound name", &["a name rebound to the relay's address is refused"]),
            ]),
            Never(&[
                Tried("s fragment", &["fragment_cannot_be_stolen"]),
                InBrowser(
                    "s fragment from the viewer",
                    &["the viewer takes the link off the address bar and sends no Referer"],
                ),
            ]),
            Never(&[Tried("l session exists", &["existence_of_a_session_cannot_be_learned"])]),
            Never(&[Tried("x", &["session_cannot_be_stopped"])]),
        ],
    },
    Actor {
        module: "hostile_program",
        cells: [
            Never(&[
                Tried("f viewer UI", &["viewers_own_lines_cannot_be_drawn_on"]),
                InBrowser(
                    "f viewer UI in a browser",
                    &[
                        "what a program writes is text to a browser, and nothing else",
                        "a program cannot name a browser's tab",
                    ],
                ),
            ]),
            Never(&[
                Tried("f via replies", &["replies_cannot_be_made_to_type"]),
                InBrowser("f via replies of a browser", &["a program cannot make a browser type"]),
            ]),
            Never(&[Tried("f chat, names", &["chat_and_names_cannot_be_forged"])]),
            Never(&[
                Tried("s clipboard", &["clipboard_cannot_be_stolen"]),
                InBrowser("s clipboard of a browser", &["a program cannot touch a browser's clipboard"]),
            ]),
            Never(&[Tried("l viewer's terminal data", &["viewers_terminal_cannot_be_questioned"])]),
            Never(&[Tried("x viewer", &["viewers_cannot_be_stopped"])]),
        ],
    },
    Actor {
        module: "relay_disk_thief",
        cells: [
            Never(&[Tried("r", &["output_cannot_be_read"])]),
            Open("nobody can type by a copy of a disk"),
            Never(&[Tried("r", &["documents_cannot_be_read"])]),
            Never(&[Tried("s", &["keys_cannot_be_stolen"])]),
            Never(&[Tried("l beyond the list", &["metadata_stays_within_the_list"])]),
            Open("a copy of a disk stops nothing"),
        ],
    },
    Actor {
        module: "member_disk_thief",
        cells: [
            Never(&[Tried("r beyond what was kept", &["output_beyond_what_was_kept_cannot_be_read"])]),
            Never(&[Tried("f after revocation", &["input_cannot_be_forged_after_revocation"])]),
            Never(&[Tried("r beyond what was kept", &["documents_beyond_what_was_kept_cannot_be_read"])]),
            Never(&[Tried("s with a passphrase set", &["keys_cannot_be_derived_without_the_passphrase"])]),
            Open("a member's disk tells what that member knew"),
            Open("a copy of a disk stops nothing"),
        ],
    },
];

impl Actor {
    fn letters(&self) -> impl Iterator<Item = &Letter> {
        self.cells.iter().flat_map(|cell| match cell {
            Never(letters) => *letters,
            Open(_) => &[],
        })
    }
}

/// Asks this very program for its tests: by module of the actor, the names of its tests.
fn compiled_tests() -> BTreeMap<String, BTreeSet<String>> {
    let itself = std::env::current_exe().unwrap();
    let listed = Command::new(itself).args(["--list", "--format=terse", "threats::"]).output().unwrap();
    assert!(listed.status.success());
    let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(listed.stdout).unwrap().lines() {
        let path: Vec<&str> = line.trim_end_matches(": test").split("::").collect();
        let ["threats", module, .., name] = path[..] else { panic!("unexpected: {line}") };
        assert!(tests.entry(module.into()).or_default().insert(name.into()), "two tests of one name: {line}");
    }
    tests
}

/// A cell without a test is a promise that nobody checks; a test without a cell is one that nobody looks for.
#[test]
fn every_letter_has_its_tests_and_every_test_its_letter() {
    let mut compiled = compiled_tests();
    for actor in &ACTORS {
        let module = actor.module;
        let tests = compiled.remove(module).unwrap_or_default();
        let mut named = BTreeSet::new();
        for letter in actor.letters() {
            let Tried(letter, tries) = letter else { continue };
            assert!(!tries.is_empty(), "nothing tries {letter:?} of {module}");
            for name in *tries {
                assert!(tests.contains(*name), "no test {name} tries {letter:?} of {module}");
                assert!(named.insert(name.to_string()), "{name} of {module} stands for two letters");
            }
        }
        let loose: Vec<_> = tests.difference(&named).collect();
        assert!(loose.is_empty(), "in no cell of {module}: {loose:?}");
    }
    // What is left are the tools' own tests.
    let tools: Vec<_> = compiled.into_keys().collect();
    assert_eq!(tools, ["canary", "held", "matrix", "overheard"]);
}

/// Returns the titles of an actor's tests in a browser.
///
/// Each takes a `trial`, which fails a test that did not both attack and control.
fn browser_tests(module: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/e2e/threats");
    let text = fs::read_to_string(folder.join(format!("{module}.e2e.ts"))).unwrap_or_default();
    let mut titles = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("attack(")) {
        let (title, rest) = line["attack(".len()..].strip_prefix('"').and_then(|line| line.split_once('"')).unwrap();
        assert!(rest.contains("trial }"), "{title} of {module} shows nothing");
        assert!(titles.insert(title.to_owned()), "two tests of one title: {title}");
    }
    titles
}

/// What only a browser can try is tried by one; these tests run apart, but the table is one.
#[test]
fn every_letter_for_browsers_has_its_tests_and_every_test_its_letter() {
    for actor in &ACTORS {
        let tests = browser_tests(actor.module);
        let mut named = BTreeSet::new();
        for letter in actor.letters() {
            let InBrowser(letter, tries) = letter else { continue };
            assert!(!tries.is_empty(), "nothing tries {letter:?} of {}", actor.module);
            named.extend(tries.iter().map(ToString::to_string));
        }
        assert_eq!(named, tests, "letters and tests of {}", actor.module);
    }
}

/// The table is the one of the threat model.
#[test]
fn matrix_is_complete() {
    let cells = || ACTORS.iter().flat_map(|actor| actor.cells);
    let open = cells().filter(|cell| matches!(cell, Open(why) if !why.is_empty())).count();
    let letters = || ACTORS.iter().flat_map(Actor::letters);
    let tests_of = |letter: &Letter| match letter {
        Tried(_, tests) => (tests.len(), 0),
        InBrowser(_, tests) => (0, tests.len()),
    };
    let (here, in_browser) = letters().map(tests_of).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(cells().all(|cell| !matches!(cell, Never([]))), "a cell without letters says why it is open");
    assert_eq!(cells().count(), ACTORS.len() * ASSETS.len());
    assert_eq!((open, letters().count(), here, in_browser), (6, 105, 110, 10));
}

/// A test of a cell has to show an attack and a control: it returns what only these can make.
#[test]
fn every_test_of_a_cell_attacks_and_controls() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/threats");
    for actor in &ACTORS {
        let (file, parts) = (folder.join(format!("{}.rs", actor.module)), folder.join(actor.module));
        let parts = fs::read_dir(parts).into_iter().flatten().map(|part| part.unwrap().path());
        let mut found = 0;
        for path in parts.chain([file]) {
            let source = fs::read_to_string(&path).unwrap();
            let mut lines = source.lines();
            while let Some(line) = lines.next() {
                if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                    let head = lines.by_ref().find(|line| line.contains("fn ")).unwrap_or_default();
                    assert!(head.contains("-> Held"), "{}: {head}", path.display());
                    found += 1;
                }
            }
        }
        let named: usize =
            actor.letters().map(|letter| if let Tried(_, tests) = letter { tests.len() } else { 0 }).sum();
        assert_eq!(found, named, "{}", actor.module);
    }
}
