//! Joining without a screen: print it once, type a text, report events to a program.

use std::io::{self, Read};
use std::time::Duration;

use cahoots::proto::limits::INPUT_BYTES_MAX;
use cahoots::{Event, Guest, Terms, TypeError, View};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Outcome, STILL, exit_of, first_view, let_in, over};
use crate::args::{self, LinkAccess};
use crate::record;
use crate::signals::Signals;
use crate::text::{Failure, print_line, span, warn};

/// How often to look whether all that was typed has arrived: no event tells.
const CONFIRMED_POLL: Duration = Duration::from_millis(10);

/// What a program may ask for with `--json`: one object per line on stdin.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Request {
    /// Print the screen.
    Screen,
    /// Type a text, with `\r` for Enter.
    Type { text: String },
    /// Say something in the chat.
    Say { text: String },
    /// Print the shared notes.
    Notes,
    /// Replace so many characters of the notes from one on, counted from 0, by a text.
    EditNotes {
        at: usize,
        #[serde(default)]
        delete: usize,
        #[serde(default)]
        insert: String,
    },
    /// Ask to drive, or give the terminal back.
    Drive { wish: bool },
    /// Make a link that allows no more than the own one, and print it.
    PassOn { access: LinkAccess },
    /// Leave the session.
    Leave,
}

pub(crate) async fn run(guest: &Guest, args: &args::Join) -> Result<Outcome, Failure> {
    let mut signals = Signals::new()?;
    tokio::select! {
        answer = let_in(guest, args) => answer?,
        () = signals.next() => return Ok(Outcome { ending: None, exit: None }),
    }
    let mut view = first_view(guest, args.patience).await?;
    if args.typing {
        type_stdin(guest, &view, args.patience).await?;
    }
    if args.dump {
        if args.typing {
            // What was typed shows once it has come back.
            view.settled(STILL).await;
        }
        if !guest.session().status().live && !args.quiet {
            warn("the host is away: this is the last screen that came from it");
        }
        print_screen(&view, args)?;
    }
    if args.json && !args.dump {
        record::print(&record::in_session(guest.session().id(), &guest.session().rights().to_string()))?;
    }
    let stays = args.until_exit || (args.json && !args.dump && !args.typing);
    let outcome =
        if stays { stay(guest, &mut view, args).await? } else { Outcome { ending: None, exit: exit_of(guest, &view) } };
    if args.until_exit {
        print_screen(&view, args)?;
    }
    if args.json && stays {
        record::print(&record::ended(outcome.ending, outcome.exit))?;
    }
    Ok(outcome)
}

fn print_screen(view: &View, args: &args::Join) -> io::Result<()> {
    if args.json {
        return record::print(&view.with_screen(record::screen));
    }
    let lines = view.with_screen(cahoots::Screen::text);
    let used = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    lines.iter().take(used).try_for_each(print_line)
}

/// Types all of stdin, and waits until the host has it; a line end becomes what the Enter key sends.
async fn type_stdin(guest: &Guest, view: &View, patience: Duration) -> Result<(), Failure> {
    let mut events = guest.session().events();
    let mut chunks = read_stdin();
    while let Some(mut chunk) = chunks.recv().await {
        chunk.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b'\r');
        for piece in chunk.chunks(INPUT_BYTES_MAX) {
            view.type_bytes(piece).map_err(not_typed)?;
        }
    }
    let (mut left, mut progress) = (guest.unconfirmed_bytes(), Instant::now());
    while left > 0 {
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Refused { reason, .. }) => return Err(Failure::new(format!("not typed: {reason}"))),
                // The last line typed may be the one that ends the program, and with it the session.
                Some(Event::Ended(ending)) if guest.unconfirmed_bytes() > 0 => return Err(over(ending)),
                _ => {}
            },
            () = tokio::time::sleep(CONFIRMED_POLL) => {}
        }
        let still_left = guest.unconfirmed_bytes();
        if still_left < left {
            (left, progress) = (still_left, Instant::now());
        } else if progress.elapsed() >= patience {
            let problem = format!("the host has not taken {left} of the typed bytes within {}", span(patience));
            return Err(Failure::new(problem).hint("is the host still there?"));
        }
    }
    Ok(())
}

fn not_typed(error: TypeError) -> Failure {
    let hint = if error == TypeError::NoRight { "ask the host for an interact link" } else { "" };
    Failure::new(error).hint(hint)
}

fn read_stdin() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok(read @ 1..) = io::stdin().lock().read(&mut buffer) {
            if sender.blocking_send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Lines of stdin as requests; an end of stdin is no end of the session.
fn read_requests() -> mpsc::Receiver<Result<Request, String>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            let request = serde_json::from_str(&line).map_err(|error| error.to_string());
            if sender.blocking_send(request).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Stays until the session is over, the program has ended, or a request or signal says to leave.
async fn stay(guest: &Guest, view: &mut View, args: &args::Join) -> Result<Outcome, Failure> {
    let mut events = guest.session().events();
    let mut requests = if args.json { Some(read_requests()) } else { None };
    let mut signals = Signals::new()?;
    let mut live = true;
    loop {
        if args.until_exit && view.exit().is_some() {
            return Ok(Outcome { ending: None, exit: exit_of(guest, view) });
        }
        tokio::select! {
            changed = view.changed(), if live => live = changed,
            event = events.next() => match event {
                Some(Event::Ended(ending)) => return Ok(Outcome { ending: Some(ending), exit: exit_of(guest, view) }),
                None => return Ok(Outcome { ending: guest.session().status().ended, exit: exit_of(guest, view) }),
                Some(event) => if let Some(record) = record::event(&event).filter(|_| args.json) {
                    record::print(&record)?;
                },
            },
            request = next_request(&mut requests) => match request {
                Some(Ok(Request::Leave)) => return Ok(Outcome { ending: None, exit: exit_of(guest, view) }),
                Some(request) => if let Err(error) = answer(guest, view, request) {
                    record::print(&json!({ "event": "error", "what": error }))?;
                },
                None => requests = None,
            },
            () = signals.next() => return Ok(Outcome { ending: None, exit: exit_of(guest, view) }),
        }
    }
}

async fn next_request(
    requests: &mut Option<mpsc::Receiver<Result<Request, String>>>,
) -> Option<Result<Request, String>> {
    match requests {
        Some(requests) => requests.recv().await,
        None => std::future::pending().await,
    }
}

fn answer(guest: &Guest, view: &View, request: Result<Request, String>) -> Result<(), String> {
    match request? {
        Request::Screen => record::print(&view.with_screen(record::screen)).map_err(|error| error.to_string()),
        Request::Type { text } => view.type_bytes(text.as_bytes()).map_err(|refusal| refusal.to_string()),
        Request::Say { text } => guest.session().say(text.as_str()).map_err(|refusal| refusal.to_string()),
        Request::Notes => {
            record::print(&record::notes(&guest.session().state().notes)).map_err(|error| error.to_string())
        }
        Request::EditNotes { at, delete, insert } => {
            guest.session().edit_notes(at, delete, &insert).map_err(|refusal| refusal.to_string())
        }
        Request::Drive { wish } => {
            let asked = if wish { guest.ask_to_drive(view.pane()) } else { guest.stop_driving(view.pane()) };
            asked.map_err(|refusal| refusal.to_string())
        }
        Request::PassOn { access } => {
            let link = guest.pass_on(Terms::new(access.into())).map_err(|error| error.to_string())?;
            let (access, url) = (link.token.access.to_string(), link.reveal());
            let record = json!({ "event": "link", "access": access, "url": url });
            record::print(&record).map_err(|error| error.to_string())
        }
        Request::Leave => Ok(()),
    }
}
