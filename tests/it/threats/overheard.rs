//! What the programs say while the suite runs: all that each process has printed is searched, at its end, for all
//! secrets that the tests have come across.
//!
//! stages of processes --`learn`--> secrets; --`check`, at the end of each process--> a panic if one was said
//!
//! Always: a link may stand where a program was asked for one, alone on a line of stdout or in the record that says so,
//! and nowhere else: not on stderr, not in a log, a panic, another record, or what `ps` shows of a child.

use super::canary::{Canary, found};
use cahoots::{Link, Token};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// Characters of a token that say no more than which session it is for.
const PUBLIC_CHARS: usize = 31;
/// Records that bring links to who asked for them.
const LINK_RECORDS: [&str; 3] = ["sharing", "link", "viewing"];

/// Everything secret that the tests of this run have seen.
static SECRETS: Mutex<(BTreeSet<String>, Vec<Canary>)> = Mutex::new((BTreeSet::new(), Vec::new()));

fn with_secrets<R>(call: impl FnOnce(&mut (BTreeSet<String>, Vec<Canary>)) -> R) -> R {
    call(&mut SECRETS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Takes note of all links and tokens in `text`.
pub(crate) fn learn(text: &str) {
    let words = text.split(|c: char| c.is_whitespace() || c == '"');
    let tokens = words.filter_map(|word| Link::parse(word).map(|link| link.token).or_else(|_| Token::parse(word)).ok());
    for token in tokens {
        learn_secret(&token.reveal(), || secrets_of(&token));
    }
}

/// Takes note of a passphrase.
pub(crate) fn learn_passphrase(text: &str) {
    let words = text.trim();
    if words.len() >= 8 {
        learn_secret(words, || vec![Canary::text("passphrase", words)]);
    }
}

fn learn_secret(name: &str, canaries: impl FnOnce() -> Vec<Canary>) {
    with_secrets(|(known, all)| {
        if known.insert(name.to_owned()) {
            all.extend(canaries());
        }
    });
}

/// What a token is made of, and what is made of it.
fn secrets_of(token: &Token) -> Vec<Canary> {
    let text = token.reveal();
    let mut secrets = vec![
        Canary::text("token", &text[PUBLIC_CHARS..]),
        Canary::text("token in capitals", &text[PUBLIC_CHARS..].to_uppercase()),
        Canary::new("seed of a share", &seed_of(&text)),
    ];
    // One that needs a passphrase has no more secrets by itself.
    if let Ok(secret) = token.secret() {
        secrets.push(Canary::new("key of a share", secret.kek().expose()));
    }
    secrets
}

/// Decodes the last 16 bytes of the payload: the seed. PROTOCOL.md 3.
fn seed_of(token: &str) -> [u8; 16] {
    const ALPHABET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let data = &token.to_lowercase()[4..57];
    let digits = data.chars().map(|digit| ALPHABET.find(digit).expect("a token holds no other"));
    let bits: Vec<bool> = digits.flat_map(|digit| (0..5).rev().map(move |bit| digit >> bit & 1 == 1)).collect();
    let bytes = bits[17 * 8..33 * 8].chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | u8::from(*bit)));
    bytes.collect::<Vec<u8>>().try_into().expect("16 bytes")
}

/// Whether a line of stdout is one that was asked for: a link alone, or the record that has it.
fn is_asked_for(line: &str) -> bool {
    let record = serde_json::from_str::<serde_json::Value>(line).unwrap_or_default();
    let is_record = record["event"].as_str().is_some_and(|event| LINK_RECORDS.contains(&event));
    is_record || Link::parse(line.trim()).is_ok()
}

/// Searches all that a process has said, and panics if a secret is there.
#[track_caller]
pub(crate) fn check(command: &str, out: &str, err: &str) {
    let (asked_for, rest): (Vec<&str>, Vec<&str>) = out.lines().partition(|line| is_asked_for(line));
    learn(&asked_for.join("\n"));
    let said = [rest.join("\n").as_str(), err].join("\n");
    let leaks = with_secrets(|(_, secrets)| found(secrets, said.as_bytes()));
    assert!(leaks.is_empty(), "{command} has told {leaks:?}:\n{said}");
}

/// The same for a process that has ended; passphrases that it was given count, too.
#[track_caller]
pub(crate) fn check_output(command: &Command, output: &Output) {
    learn_from_args(command.get_args());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    check(&format!("{command:?}"), &text(&output.stdout), &text(&output.stderr));
}

/// Reads the files that hold passphrases for a command.
pub(crate) fn learn_from_args<'a>(args: impl Iterator<Item = &'a OsStr>) {
    let args: Vec<&OsStr> = args.collect();
    for pair in args.windows(2).filter(|pair| pair[0] == "--passphrase-file") {
        fs::read_to_string(pair[1]).iter().for_each(|words| learn_passphrase(words));
    }
}

/// Searches the command lines of all that a running process has started: they are everybody's to see.
#[track_caller]
pub(crate) fn check_children(process: u32) {
    for child in children_of(process) {
        let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        let leaks = with_secrets(|(_, secrets)| found(secrets, &line));
        assert!(leaks.is_empty(), "`ps` shows {leaks:?}: {}", String::from_utf8_lossy(&line));
        check_children(child);
    }
}

fn children_of(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    children.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

/// A search that nobody has seen find anything proves nothing.
#[test]
fn told_secrets_are_found() {
    use cahoots::proto::share::ShareFlags;
    use cahoots::{Access, SessionId};
    let seed = *b"seed of a canary";
    let token = Token::new(Access::Interact, &SessionId([0x5c; 16]), seed, ShareFlags::NONE);
    let link = Link { token: token.clone(), relay: None }.reveal();
    check("an honest program", &format!("{{\"event\":\"link\",\"url\":\"{link}\"}}\n{link}\nall is well"), "no news");
    learn_passphrase(" plover xyzzy plugh\n");
    let kek = *token.secret().unwrap().kek().expose();
    let hex = super::canary::hex(&kek);
    for (out, err) in [
        (format!("your link: {link}"), String::new()),
        (format!("{{\"event\":\"joined\",\"by\":\"{link}\"}}"), String::new()),
        (String::new(), format!("thread panicked at {link}")),
        (String::new(), format!("DEBUG kek={hex}")),
        (String::new(), format!("TRACE {kek:?}")),
        (format!("seed {}", super::canary::hex(&seed)), String::new()),
        (String::new(), "passphrase is plover xyzzy plugh".into()),
    ] {
        let told = std::panic::catch_unwind(|| check("a leaky program", &out, &err));
        assert!(told.is_err(), "{out}{err}");
    }
}

/// The same for command lines.
#[test]
fn told_command_lines_are_found() {
    let words = "frotz nitfol gnusto";
    learn_passphrase(words);
    let mut child =
        Command::new("sh").args(["-c", "sleep 60 & sh -c 'sleep 60; : frotz nitfol gnusto'"]).spawn().unwrap();
    let start = std::time::Instant::now();
    let id = child.id();
    let is_seen = || std::panic::catch_unwind(|| check_children(id)).is_err();
    let mut seen = is_seen();
    while !seen && start.elapsed() < super::wire::PATIENCE {
        std::thread::sleep(std::time::Duration::from_millis(10));
        seen = is_seen();
    }
    let children = children_of(child.id());
    for id in children.into_iter().chain([child.id()]) {
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_raw(id as i32).unwrap(),
            rustix::process::Signal::KILL,
        );
    }
    child.wait().unwrap();
    assert!(seen, "a secret on a command line is seen");
}
