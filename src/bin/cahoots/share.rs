//! `cahoots share`: starts a session, prints its links, and runs the shared command here or without a terminal.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use cahoots::{
    Access, Event, Events, Farewell, Host, HostError, Lan, Link, Mirror, Passphrase, PtyCommand, RelayReach, Size,
    Terminal, Terms, WebNames,
};

use crate::args::{self, LinkAccess};
use crate::audit;
use crate::control;
use crate::control::message::{Greeting, VERSION};
use crate::control::socket::Socket;
use crate::record;
use crate::secret;
use crate::signals::Signals;
use crate::text::{Failure, print_line, warn};

/// How long links may be held back for the relay.
const RELAY_PATIENCE: Duration = Duration::from_secs(3);

mod banner;
mod ground;
mod local;
mod prompt;
mod questions;
mod screen;

/// How a shared program that was ended by a signal to us reports: like a shell, 128 and SIGTERM's number.
const EXIT_TERMINATED: i32 = 128 + 15;

pub(crate) async fn run(args: args::Share) -> Result<ExitCode, Failure> {
    let shows = !args.headless && !args.json && io::stdin().is_terminal() && io::stdout().is_terminal();
    if let Ok(outer) = std::env::var("CAHOOTS_SESSION")
        && !args.quiet
    {
        warn(format!("this shell is shared already, in session {outer}: who is there sees the new links, too"));
    }
    let command = command_line(&args);
    let conditions = &args.conditions;
    let passphrase = secret::new_passphrase(conditions.passphrase, conditions.passphrase_file.as_deref())?;
    if let Some(file) = &args.audit {
        audit::check_new(file)?;
    }
    let host = start(&args, &command).await?;
    let links = issue(&host, &args, passphrase).await?;
    let size = if shows { local::own_size()? } else { args.size };
    // A terminal of one's own answers what programs ask; without one the session does.
    let mirror = if shows { Mirror::On } else { Mirror::Off };
    // Before the command runs, which may ask at once, and before the links are told, whose reader may.
    let control = open_control(&host, &args);
    let terminal = host.run(pty_command(&host, &command, size), mirror).map_err(|error| failed(&error))?;
    let relay = tokio::time::timeout(RELAY_PATIENCE, host.relay_dialled()).await.unwrap_or_else(|_| host.relay_reach());
    if let Some(trouble) = relay.and_then(trouble).filter(|_| !args.quiet) {
        warn(format!(
            "the relay is not reached yet ({trouble}); it is tried again, and links work for others once it is"
        ));
    }
    // Only now: a command that cannot be started leaves no links behind that lead nowhere.
    announce(&host, &args, &links)?;
    let run = async { if shows { local::run(&host, terminal).await } else { headless(&host, terminal, &args).await } };
    let code = tokio::select! {
        code = run => code,
        never = control::act::serve(&host, control) => match never {},
    };
    let session = host.session().clone();
    if host.end().await == Farewell::RelayUntold && !args.quiet {
        warn("the relay could not be told that the session is over: guests there only see that you are gone");
    }
    let audited = args.audit.as_ref().map(|file| audit::export(&session, file, true));
    if let Some((file, Err(error))) = args.audit.as_ref().zip(audited) {
        warn(format!("the audit was not written to {}: {error}", file.display()));
    }
    let code = code?;
    if args.json {
        record::print(&record::ended(None, Some(code)))?;
    } else if shows && !args.quiet {
        eprintln!("session ended");
    }
    Ok(crate::exit_code(code))
}

fn command_line(args: &args::Share) -> Vec<OsString> {
    if !args.command.is_empty() {
        return args.command.clone();
    }
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    vec![shell.unwrap_or_else(|| "/bin/sh".into())]
}

/// Says why the relay cannot be used, if it cannot.
fn trouble(reach: RelayReach) -> Option<String> {
    match reach {
        RelayReach::Linked => None,
        RelayReach::Dialling => Some("no answer so far".to_owned()),
        RelayReach::Unreachable { reason } => Some(reason),
    }
}

/// Returns what others see as the title: the program's name and its arguments.
fn title(command: &[OsString]) -> String {
    let mut words: Vec<_> = command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if let Some(program) = words.first_mut()
        && let Some(name) = Path::new(program.as_str()).file_name().and_then(OsStr::to_str)
    {
        *program = name.to_owned();
    }
    words.join(" ")
}

async fn start(args: &args::Share, command: &[OsString]) -> Result<Host, Failure> {
    let title = args.title.clone().unwrap_or_else(|| title(command));
    let lan = if args.reach.no_lan { Lan::Off } else { Lan::On };
    let mut builder = Host::builder().name(crate::own_name(args.reach.name.as_deref())).title(title);
    builder = builder.lan(lan).port(args.port);
    if let Some(relay) = args.reach.relay.clone() {
        builder = builder.relay(relay);
    }
    if let Some(address) = args.web {
        builder = builder.web(address, WebNames::default());
    }
    builder.start().await.map_err(|error| failed(&error))
}

fn failed(error: &HostError) -> Failure {
    Failure::new(error).hint(error.hint())
}

async fn issue(
    host: &Host,
    args: &args::Share,
    passphrase: Option<Passphrase>,
) -> Result<Vec<(Access, Link)>, Failure> {
    let wanted = match (args.access.as_slice(), args.quiet) {
        ([], true) => vec![LinkAccess::Interact],
        ([], false) => vec![LinkAccess::View, LinkAccess::Interact],
        (given, _) => given.to_vec(),
    };
    if args.quiet && wanted.len() > 1 {
        return Err(Failure::new("-q prints one link, but --access asks for more").hint("give --access once"));
    }
    let mut links = Vec::new();
    for access in wanted {
        let access = access.into();
        let terms = terms(access, args);
        let link = match passphrase.clone() {
            Some(passphrase) => host.share_with_passphrase(terms, passphrase).await,
            None => host.share(terms),
        };
        links.push((access, link.map_err(|error| Failure::new(error).hint(error.hint()))?));
    }
    Ok(links)
}

fn terms(access: Access, args: &args::Share) -> Terms {
    let conditions = &args.conditions;
    let mut terms = Terms::new(access).lasting(conditions.expires);
    (terms.members_max, terms.approve, terms.once) = (conditions.max_members, conditions.approve, conditions.once);
    terms.may_pass_on = args.may_pass_on;
    terms
}

/// Opens the socket for the second terminal. Sharing goes on without it.
fn open_control(host: &Host, args: &args::Share) -> Option<Socket> {
    let session = host.session();
    let greeting = Greeting {
        cahoots: VERSION,
        session: session.id().to_string(),
        title: session.state().title,
        pid: std::process::id(),
    };
    let socket = Socket::open(&greeting);
    match (&socket, args.quiet) {
        (Err(error), false) => warn(format!("`cahoots links` and the like will not find this session: {error}")),
        (Err(error), true) => tracing::warn!(%error, "no control socket"),
        (Ok(_), _) => {}
    }
    socket.ok()
}

fn pty_command(host: &Host, command: &[OsString], size: Size) -> PtyCommand {
    let session = host.session().id().to_string();
    PtyCommand {
        program: command.first().cloned(),
        args: command.iter().skip(1).cloned().collect(),
        cwd: None,
        env: vec![("CAHOOTS".into(), "1".into()), ("CAHOOTS_SESSION".into(), session.into())],
        size,
    }
}

/// Returns a link as it is given to people: the one that most of them can use.
pub(crate) fn text_of(host: &Host, link: &Link) -> String {
    let web = if link.relay.is_none() { host.web_link(link) } else { None };
    web.unwrap_or_else(|| link.reveal())
}

fn announce(host: &Host, args: &args::Share, links: &[(Access, Link)]) -> Result<(), Failure> {
    if args.json {
        record::print(&record::sharing(host, links))?;
    } else if args.quiet {
        links.iter().try_for_each(|(_, link)| print_line(text_of(host, link)))?;
    } else {
        banner::print(host, args, links)?;
    }
    Ok(())
}

/// Runs without a terminal until the command ends or a signal says so.
async fn headless(host: &Host, mut terminal: Terminal, args: &args::Share) -> Result<i32, Failure> {
    let mut events = host.session().events();
    let mut signals = Signals::new()?;
    loop {
        tokio::select! {
            code = terminal.wait() => return Ok(code),
            event = next(&mut events) => if args.json && let Some(record) = record::event(&event) {
                record::print(&record)?;
            },
            () = signals.next() => {
                terminal.kill();
                return Ok(EXIT_TERMINATED);
            }
        }
    }
}

/// Waits for the next event; forever once there are no more.
async fn next(events: &mut Events) -> Event {
    match events.next().await {
        Some(event) => event,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guests see the title: `/usr/bin/bash` says less than `bash`, arguments say what it is about.
    #[test]
    fn title_is_the_programs_name_and_its_arguments() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(title(&words(&["/usr/bin/bash"])), "bash");
        assert_eq!(title(&words(&["make", "-C", "/tmp/x"])), "make -C /tmp/x");
    }
}
