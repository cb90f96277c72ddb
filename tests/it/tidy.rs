//! Promises about the repository itself: which part may name what, and that nothing stands alone.
//!
//! Each rule reads the files as they are; a new file is under the rules from its first day.

mod bounds;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The pure storey is what can be simulated, fuzzed and built for a browser: one clock or socket in it ends all three.
#[test]
fn proto_names_nothing_of_the_outside() {
    const OUTSIDE: [&str; 14] = [
        "tokio",
        "quinn",
        "rustls",
        "getrandom",
        "std::fs",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "std::sync::mpsc",
        "Instant",
        "SystemTime",
        "crate::io",
        "crate::session",
    ];
    for source in sources("src/proto") {
        for line in source.code() {
            let named = OUTSIDE.iter().find(|outside| names(line, outside));
            assert_eq!(named, None, "{}: {line}", source.name);
            // An address is a value; whatever else is in there is a socket.
            let is_socket = line.contains("std::net::") && !line.contains("Addr");
            assert!(!is_socket, "{}: {line}", source.name);
        }
    }
}

/// A relay that cannot name a key or what opens an entry cannot be talked into reading one.
#[test]
fn relay_names_nothing_that_opens_entries() {
    const OPENING: [&str; 7] = ["key", "seal", "doc", "terminal", "epoch", "token", "session"];
    let mut files = sources("src/proto/relay");
    files.push(Source::read(&root().join("src/proto/relay.rs")));
    assert!(files.len() > 8, "the relay is where it was");
    for source in files {
        for line in source.code() {
            let named = OPENING.iter().find(|module| names(line, &format!("{module}::")));
            assert_eq!(named, None, "{}: {line}", source.name);
            assert!(!line.contains("proto::{"), "{}: one module per line, so that this test sees it", source.name);
        }
    }
}

/// The program shows what the library is good for: what it needs has to be there for everybody.
#[test]
fn program_uses_the_front_doors() {
    const BESIDE: [&str; 6] = [
        "cahoots::proto::limits::",
        "cahoots::proto::terminal",
        "cahoots::proto::time::",
        "cahoots::io::private",
        "cahoots::io::pty::PtyWriter",
        "cahoots::io::tls::Identity",
    ];
    for source in sources("src/bin/cahoots") {
        for line in source.code().filter(|line| line.contains("cahoots::proto") || line.contains("cahoots::io")) {
            assert!(BESIDE.iter().any(|path| line.contains(path)), "{}: {line}", source.name);
        }
    }
}

/// What does not fit on a few screens is not one idea.
#[test]
fn files_are_short_and_named_by_what_they_are() {
    const LINES_MAX: usize = 500;
    for path in files("src", "rs") {
        let lines = fs::read_to_string(&path).expect("source is text").lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines, the limit is {LINES_MAX}", path.display());
        assert_ne!(path.file_name().unwrap(), "mod.rs", "{}: foo.rs and foo/ say more", path.display());
    }
}

/// A note to oneself is a promise that nobody keeps.
#[test]
fn nothing_is_left_to_be_done() {
    let words = ["TO\u{44}O", "FIX\u{4d}E", "XX\u{58}", "to\u{64}o!", "unimplemente\u{64}!", "#[ignor\u{65}"];
    for folder in ["src", "tests/it", "benches", "examples", "fuzz/src", "fuzz/tests"] {
        for path in files(folder, "rs") {
            let text = fs::read_to_string(&path).expect("source is text");
            let found = words.iter().find(|word| text.contains(*word));
            assert_eq!(found, None, "{}", path.display());
        }
    }
}

/// A target without seeds starts blind; a corpus without a target is never replayed.
#[test]
fn fuzz_targets_and_corpora_belong_together() {
    let targets: BTreeSet<_> = files("fuzz/fuzz_targets", "rs").iter().map(|path| stem(path)).collect();
    let corpora: BTreeSet<_> = entries("fuzz/corpus").iter().map(|path| stem(path)).collect();
    assert!(!targets.is_empty());
    assert_eq!(targets, corpora);
    let list = read("fuzz/src/lib.rs");
    let manifest = read("fuzz/Cargo.toml");
    for target in &targets {
        assert!(list.contains(&format!("(\"{target}\", {target}::run)")), "{target} is replayed on stable");
        assert!(manifest.contains(&format!("name = \"{target}\"\n")), "{target} is a program of cargo-fuzz");
        assert!(!entries(&format!("fuzz/corpus/{target}")).is_empty(), "{target} has a seed");
    }
}

/// The second implementation's word counts only where a test compares it with ours.
#[test]
fn every_vector_file_is_tested() {
    let tests: String = files("tests/it/vectors", "rs").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for path in files("tests/vectors", "json") {
        let name = stem(&path);
        assert!(tests.contains(&format!("vectors!(\"{name}\")")), "no test reads {name}.json");
    }
}

/// The first thing a newcomer types has to be the first thing they see.
#[test]
fn readme_opens_with_the_two_commands() {
    let readme = read("README.md");
    let shell = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("commands come first");
    let commands: Vec<_> = shell.lines().map(|line| line.split('#').next().unwrap().trim()).collect();
    assert_eq!(commands, ["cargo run --release -- share", "bash tests/all.sh"]);
}

/// Whoever updates has to find out what changes for them.
#[test]
fn changelog_has_a_place_for_the_next_change() {
    assert!(read("CHANGELOG.md").contains("\n## [Unreleased]\n"));
}

/// A link to a file that is not there is worse than none.
#[test]
fn documents_link_to_what_exists() {
    for name in ["README.md", "CHANGELOG.md", "PROTOCOL.md", "fuzz/README.md", "tests/vectors/README.md"] {
        let (text, folder) = (read(name), root().join(name));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_file = !target.contains("://") && !target.starts_with('#');
            let path = folder.with_file_name(target.split('#').next().unwrap_or_default());
            assert!(!is_file || path.exists(), "{name} links to {target}");
        }
    }
}

/// One file of source, without its tests.
struct Source {
    name: String,
    text: String,
}

impl Source {
    fn read(path: &Path) -> Self {
        let whole = fs::read_to_string(path).expect("source is text");
        let text = whole.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        Self { name: path.display().to_string(), text }
    }

    /// Returns the lines that are no comment.
    fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(str::trim).filter(|line| !line.starts_with("//"))
    }
}

/// Reads all sources below a folder but those of tests.
fn sources(folder: &str) -> Vec<Source> {
    let is_test = |path: &PathBuf| {
        let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_owned()).collect();
        parts.iter().any(|part| part == "tests" || part == "tests.rs" || part == "cast.rs")
    };
    let all = files(folder, "rs").into_iter().filter(|path| !is_test(&path.strip_prefix(root()).unwrap().to_owned()));
    let sources: Vec<_> = all.map(|path| Source::read(&path)).collect();
    assert!(!sources.is_empty(), "{folder} has sources");
    sources
}

/// Tells whether `line` names `path`, and not only something that ends like it.
fn names(line: &str, path: &str) -> bool {
    let is_part = |before: &str| before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
    line.match_indices(path).any(|(at, _)| !is_part(&line[..at]))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn entries(folder: &str) -> Vec<PathBuf> {
    let folder = root().join(folder);
    let list = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    list.map(|entry| entry.expect("the folder can be read").path()).collect()
}

/// Lists the files below a folder that end like this, deepest folders included.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            let inner =
                path.strip_prefix(root()).expect("below the root").to_str().expect("names are ASCII").to_owned();
            found.extend(files(&inner, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

/// Lists the tests below a folder, each as its file and its name.
pub(crate) fn tests_in(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in files(folder, "rs") {
        let text = fs::read_to_string(&path).expect("source is text");
        let marked = text.split("#[test]\n").skip(1);
        let named = marked.filter_map(|rest| rest.split_once("fn ")?.1.split_once('('));
        found.extend(named.map(|(name, _)| (path.display().to_string(), name.to_owned())));
    }
    found
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a file has a name").to_str().expect("names are ASCII").to_owned()
}
