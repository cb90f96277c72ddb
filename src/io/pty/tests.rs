//! Real programs on real terminals; the bounds on time are only there so that a failure is seen.

use super::*;
use crate::proto::terminal::Screen;
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

fn command(program: &str, args: &[&str]) -> PtyCommand {
    PtyCommand {
        program: Some(program.into()),
        args: args.iter().map(OsString::from).collect(),
        size: Size::new(80, 24),
        ..PtyCommand::default()
    }
}

fn shell(script: &str) -> Pty {
    Pty::spawn(command("sh", &["-c", script])).expect("sh is everywhere")
}

async fn read(pty: &mut Pty) -> Option<Bytes> {
    timeout(PATIENCE, pty.read()).await.expect("the program answers")
}

/// Reads until `text` has come.
async fn read_until(pty: &mut Pty, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let chunk = read(pty).await.unwrap_or_else(|| panic!("ended before {text:?}: {seen:?}"));
        seen.push_str(&String::from_utf8_lossy(&chunk));
    }
    seen
}

async fn read_to_end(pty: &mut Pty) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = read(pty).await {
        all.extend_from_slice(&chunk);
    }
    all
}

async fn exit_code(pty: &Pty) -> i32 {
    timeout(PATIENCE, pty.wait()).await.expect("the program ends").0
}

/// What a program said last is often why it ended.
#[tokio::test]
async fn output_comes_before_the_end_and_the_end_tells_how() {
    let mut pty = shell("printf hello; exit 7");
    assert_eq!(read_to_end(&mut pty).await, b"hello");
    assert_eq!(exit_code(&pty).await, 7);
    assert_eq!(read(&mut pty).await, None);
}

/// Much output must not be lost at the end, nor pile up before it is read.
#[tokio::test]
async fn output_of_any_length_is_complete() {
    let mut pty = shell("seq 1 200000");
    let output = read_to_end(&mut pty).await;
    assert!(output.ends_with(b"199999\r\n200000\r\n"));
    assert_eq!(output.iter().filter(|byte| **byte == b'\n').count(), 200_000);
}

/// Programs draw for the size they are told.
#[tokio::test]
async fn program_sees_its_size_and_every_change() {
    let mut pty = shell("stty size; read line; stty size");
    assert!(read_until(&mut pty, "\n").await.contains("24 80"));
    pty.resize(Size { cols: 9_999, rows: 1 }).unwrap();
    assert!(pty.writer().try_write(Bytes::from_static(b"\n")));
    assert!(read_until(&mut pty, "1000").await.contains("2 1000"), "clamped");
}

/// A program knows where it runs by its environment.
#[tokio::test]
async fn environment_and_folder_are_as_asked() {
    let mut asked = command("sh", &["-c", "echo $TERM $CAHOOTS $EXTRA; pwd"]);
    asked.env = vec![("EXTRA".into(), "more".into())];
    asked.cwd = Some("/".into());
    let mut pty = Pty::spawn(asked).unwrap();
    assert_eq!(read_to_end(&mut pty).await, b"xterm-256color 1 more\r\n/\r\n");
}

/// A host's typing error must be told, not run as something else somewhere else.
#[tokio::test]
async fn missing_program_or_folder_is_an_error() {
    assert!(Pty::spawn(command("/no/such/program", &[])).is_err());
    let mut nowhere = command("sh", &[]);
    nowhere.cwd = Some("/no/such/folder".into());
    assert!(Pty::spawn(nowhere).is_err());
}

/// Whoever ends a share expects the program to be gone, also one that ignores the hang-up.
#[tokio::test]
async fn killed_program_ends_with_its_signal() {
    let pty = Pty::spawn(command("sleep", &["1000"])).unwrap();
    pty.kill();
    assert_eq!(exit_code(&pty).await, 128 + 1);

    let mut stubborn = shell("trap '' HUP; echo ready; while :; do sleep 1; done");
    read_until(&mut stubborn, "ready").await;
    stubborn.kill();
    assert_eq!(exit_code(&stubborn).await, 128 + 9);
}

/// A closed terminal window takes its programs along.
#[tokio::test]
async fn dropped_terminal_ends_its_program() {
    let mut pty = shell("echo $$; exec sleep 1000");
    let pid = read_until(&mut pty, "\n").await.trim().to_owned();
    let exit = pty.exit.clone();
    drop(pty);
    timeout(PATIENCE, exited(&mut exit.clone())).await.expect("the program ends");
    assert!(!std::path::Path::new(&format!("/proc/{pid}/stat")).exists());
}

/// A job left in the background keeps the terminal open; the session ends with its shell all the same.
#[tokio::test]
async fn job_in_the_background_does_not_hold_the_end_back() {
    let mut pty = shell("trap '' HUP; sleep 2 & echo started; exit 3");
    assert_eq!(read_to_end(&mut pty).await, b"started\r\n");
    assert_eq!(exit_code(&pty).await, 3);
}

/// Nor does one that never stops talking.
#[tokio::test]
async fn flood_from_the_background_ends_with_the_shell() {
    let mut pty = shell("trap '' HUP; yes & sleep 0; exit 4");
    assert!(read_to_end(&mut pty).await.len() < 100 * DRAIN_BYTES_MAX);
    assert_eq!(exit_code(&pty).await, 4);
}

/// A stopped program reads nothing: what is typed must not grow without a bound, nor block anybody.
#[tokio::test]
async fn input_to_a_stopped_program_is_refused_at_the_bound() {
    let mut pty = shell("stty raw -echo; echo ready; exec sleep 1000");
    read_until(&mut pty, "ready").await;
    let writer = pty.writer();
    let input = Bytes::from(vec![b'x'; 16_384]);
    let taken = (0..10_000).take_while(|_| writer.try_write(input.clone())).count();
    assert!((1..=INPUT_QUEUE_LEN + 2).contains(&taken), "{taken} inputs were taken");
}

/// Runs `program` on a terminal that answers queries, types `keys` as it goes quiet, and checks every keyframe.
///
/// Returns the last screen, after `drawn` was to be seen on some screen before.
async fn record(program: &str, args: &[&str], keys: &[&str], drawn: &str) -> Screen {
    let mut asked = command(program, args);
    asked.env = vec![("LC_ALL".into(), "C.UTF-8".into()), ("LESSHISTFILE".into(), "-".into())];
    let mut pty = Pty::spawn(asked).unwrap();
    let writer = pty.writer();
    let mut screen = Screen::new(Size::new(80, 24)).answering();
    let mut seen = false;
    // The last key ends the program: it is typed again should the program have thrown it away while it started.
    let mut keys = keys.iter().chain(keys.last().into_iter().cycle().take(100));
    loop {
        match timeout(Duration::from_millis(100), pty.read()).await {
            Ok(Some(chunk)) => chunk.chunks(511).for_each(|piece| write_checked(&mut screen, piece)),
            Ok(None) => break,
            Err(_) => {
                let key = keys.next().expect("the program ends at its last key");
                assert!(writer.try_write(Bytes::from((*key).to_owned())));
            }
        }
        seen |= screen.text().join("\n").contains(drawn);
        let replies = screen.take_replies();
        assert!(replies.is_empty() || writer.try_write(replies.into()));
    }
    assert!(seen, "{program} has not drawn {drawn:?}");
    screen
}

fn write_checked(screen: &mut Screen, piece: &[u8]) {
    screen.write(piece);
    let mut viewer = Screen::new(screen.size());
    viewer.write(&screen.keyframe());
    assert_eq!(viewer.snapshot(), screen.snapshot());
}

fn is_installed(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
}

/// Keyframes were made for editors and pagers: late joiners must see what those have drawn.
#[tokio::test]
async fn keyframes_of_real_programs_rebuild_their_screens() {
    // What is not on this machine is not tried; `sh` stands in for all of them.
    record("sh", &["-c", "printf '\\033[31mred\\n'; read line"], &["\n"], "red").await;
    if is_installed("ls") {
        record("ls", &["-l", "--color=always", "/usr/bin"], &["q"], "root").await;
    }
    if is_installed("less") {
        let keys = [" ", "/serde\n", "G", "g", "q"];
        let pager = record("less", &["-N", "Cargo.toml"], &keys, "1 [package]").await;
        assert!(!pager.modes().alternate);
    }
    if is_installed("vim") {
        let keys = ["ihello wörld 界 e\u{301}\x1b", "yy20p", "gg", "\x16jjd", ":syntax on\r", "\x1b:q!\r"];
        let editor = record("vim", &["-u", "NONE", "-i", "NONE", "-n"], &keys, "hello wörld 界 e\u{301}").await;
        assert!(!editor.modes().alternate && !editor.modes().bracketed_paste);
    }
}
