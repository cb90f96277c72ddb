//! `cahoots join`: finds the session, then shows it or does what was asked without a screen.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use cahoots::{Ending, Guest, Lan, Link, PaneId, PaneStatus, View};

use crate::args;
use crate::record;
use crate::secret;
use crate::text::{self, Failure};

/// How long a program waits for its user to be let in; somebody at a terminal waits as long as they like.
const LET_IN: Duration = Duration::from_secs(600);
/// How long a screen has to stand still to count as caught up: longer than a round trip and the host's tick.
const STILL: Duration = Duration::from_millis(250);

pub(crate) mod link;
mod plain;
mod viewer;

/// How it ended for this side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Outcome {
    /// Why the session is over; `None` if the user left.
    pub(crate) ending: Option<Ending>,
    /// Exit status of the shared program, if it has ended.
    pub(crate) exit: Option<i32>,
}

pub(crate) async fn run(args: args::Join) -> Result<ExitCode, Failure> {
    let headless = args.dump || args.typing || args.json || args.until_exit;
    // The keyboard is read from the terminal itself where stdin is a link's file.
    if !headless && !io::stdout().is_terminal() {
        return Err(Failure::new("the viewer needs a terminal").hint("use --dump, --json, --type or --until-exit"));
    }
    let place = link::Place { argument: args.link.as_deref(), file: args.file.as_deref(), quiet: args.quiet };
    let link = link::read(place)?;
    let guest = join(&args, link).await?;
    let outcome = if headless { plain::run(&guest, &args).await } else { viewer::run(&guest).await };
    guest.leave().await;
    finish(outcome?, &args)
}

async fn join(args: &args::Join, link: Link) -> Result<Guest, Failure> {
    let needs_passphrase = link.token.needs_passphrase();
    let passphrase = needs_passphrase.then(|| secret::their_passphrase(args.passphrase_file.as_deref())).transpose()?;
    let says = io::stderr().is_terminal() && !args.json;
    if says {
        eprint!("looking for the session…");
    }
    let mut builder = Guest::builder(with_relay(link, args))
        .lan(if args.reach.no_lan { Lan::Off } else { Lan::On })
        .name(crate::own_name(args.reach.name.as_deref()))
        .patience(args.patience)
        // The first terminal of a session.
        .watch(PaneId(0));
    if let Some(passphrase) = passphrase {
        builder = builder.passphrase(passphrase);
    }
    let joined = builder.start().await;
    if says {
        eprint!("\r\x1b[K");
    }
    joined.map_err(|error| Failure::new(&error).hint(error.hint()))
}

/// A bare token says nothing about a relay: the option fills the gap, and only that.
fn with_relay(link: Link, args: &args::Join) -> Link {
    let relay = link.relay.clone().or_else(|| args.reach.relay.clone());
    Link { relay, ..link }
}

/// Returns the exit status of the shared program, if it has ended: the stream tells, or the state document.
fn exit_of(guest: &Guest, view: &View) -> Option<i32> {
    view.exit().or_else(|| match guest.session().state().panes.get(&view.pane())?.status {
        PaneStatus::Exited { code } => Some(code),
        _ => None,
    })
}

/// Waits for the first terminal and its first screen.
async fn first_view(guest: &Guest, patience: Duration) -> Result<View, Failure> {
    let look = async {
        let mut events = guest.session().events();
        let pane: PaneId = loop {
            if let Some(pane) = guest.session().state().panes.keys().next() {
                break *pane;
            }
            if events.next().await.is_none() {
                std::future::pending::<()>().await;
            }
        };
        let mut view = guest.watch(pane);
        while !view.is_live() {
            if !view.changed().await {
                // It ended before there was anything to see; so did the session.
                std::future::pending::<()>().await;
            }
        }
        // What a relay has kept comes in several pieces.
        view.settled(STILL).await;
        view
    };
    tokio::select! {
        biased;
        view = look => Ok(view),
        ending = guest.session().ended() => Err(over(ending)),
        () = tokio::time::sleep(patience) => {
            Err(Failure::new(format!("no screen came within {}", text::span(patience))).hint("is the host still there?"))
        }
    }
}

/// Says how it ended, and with which status.
fn finish(outcome: Outcome, args: &args::Join) -> Result<ExitCode, Failure> {
    match (outcome.ending, outcome.exit) {
        (None | Some(Ending::Left), exit) if args.until_exit => Ok(crate::exit_code(exit.unwrap_or(0))),
        (None | Some(Ending::Left), _) => Ok(ExitCode::SUCCESS),
        (Some(Ending::ByOwner), Some(code)) => {
            say(args, &format!("session ended, exit status {code}"));
            Ok(crate::exit_code(code))
        }
        (Some(Ending::ByOwner), None) => {
            say(args, "the host ended the session");
            Ok(ExitCode::SUCCESS)
        }
        (Some(ending), _) => Err(over(ending)),
    }
}

/// Says that the session was over too early.
fn over(ending: Ending) -> Failure {
    Failure::new(ending).hint(match ending {
        Ending::Kicked | Ending::TurnedAway => "ask the owner",
        _ => "ask the owner for a new link",
    })
}

/// Waits to be let in, where the owner decides, and says so meanwhile.
async fn let_in(guest: &Guest, args: &args::Join) -> Result<(), Failure> {
    let key = guest.session().key().unwrap_or_default();
    if !guest.session().status().waiting {
        return Ok(());
    }
    if args.json {
        record::print(&serde_json::json!({ "event": "waiting", "key": key }))?;
    }
    say(args, &format!("waiting to be let in: the host is asked, and sees your key {key}"));
    tokio::select! {
        answer = guest.let_in() => answer.map_err(|error| Failure::new(&error).hint(error.hint())),
        () = tokio::time::sleep(LET_IN) => {
            Err(Failure::new(format!("nobody let you in within {}", text::span(LET_IN))).hint("ask the owner, and try again"))
        }
    }
}

fn say(args: &args::Join, line: &str) {
    if !args.quiet && !args.json {
        eprintln!("{line}");
    }
}
