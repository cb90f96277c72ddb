//! `cahoots share`: starts a session, prints its links, and runs the shared command here or without a terminal.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use cahoots::{
    Access, Event, Events, Host, HostError, Lan, Link, Mirror, PtyCommand, RelayReach, Size, Terminal, Terms,
};

use crate::args::{self, LinkAccess};
use crate::record;
use crate::signals::Signals;
use crate::text::{self, Failure, Paint, print_line, warn};

/// How long links may be held back for the relay.
const RELAY_PATIENCE: Duration = Duration::from_secs(3);

mod ground;
mod local;

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
    let host = start(&args, &command).await?;
    let links = issue(&host, &args)?;
    let size = if shows { local::own_size()? } else { args.size };
    // A terminal of one's own answers what programs ask; without one the session does.
    let mirror = if shows { Mirror::On } else { Mirror::Off };
    let terminal = host.run(pty_command(&host, &command, size), mirror).map_err(|error| failed(&error))?;
    let relay = tokio::time::timeout(RELAY_PATIENCE, host.relay_dialled()).await.unwrap_or_else(|_| host.relay_reach());
    if let Some(trouble) = relay.and_then(trouble).filter(|_| !args.quiet) {
        warn(format!(
            "the relay is not reached yet ({trouble}); it is tried again, and links work for others once it is"
        ));
    }
    // Only now: a command that cannot be started leaves no links behind that lead nowhere.
    announce(&host, &args, &links)?;
    let code = if shows { local::run(&host, terminal).await } else { headless(&host, terminal, &args).await };
    host.end().await;
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
    builder.start().await.map_err(|error| failed(&error))
}

fn failed(error: &HostError) -> Failure {
    Failure::new(error).hint(error.hint())
}

fn issue(host: &Host, args: &args::Share) -> Result<Vec<(Access, Link)>, Failure> {
    let wanted = match (args.access.as_slice(), args.quiet) {
        ([], true) => vec![LinkAccess::Interact],
        ([], false) => vec![LinkAccess::View, LinkAccess::Interact],
        (given, _) => given.to_vec(),
    };
    if args.quiet && wanted.len() > 1 {
        return Err(Failure::new("-q prints one link, but --access asks for more").hint("give --access once"));
    }
    let issue = |access: LinkAccess| {
        let terms = Terms { access: access.into(), lasts: args.expires, members_max: args.max_members };
        host.share(terms).map(|link| (access.into(), link)).map_err(Failure::new)
    };
    wanted.into_iter().map(issue).collect()
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

fn announce(host: &Host, args: &args::Share, links: &[(Access, Link)]) -> Result<(), Failure> {
    if args.json {
        record::print(&record::sharing(host.session().id(), links))?;
    } else if args.quiet {
        links.iter().try_for_each(|(_, link)| print_line(link.reveal()))?;
    } else {
        banner(args, links)?;
    }
    Ok(())
}

fn banner(args: &args::Share, links: &[(Access, Link)]) -> io::Result<()> {
    let paint = Paint::of(&io::stdout());
    for (access, link) in links {
        // At the start of a line of its own: a terminal breaks it, and it can still be copied whole.
        print_line(format!("\n{access} link\n{}", paint.bold(&link.reveal())))?;
    }
    print_line("")?;
    for (access, _) in links {
        print_line(means(*access, paint))?;
    }
    let reach = match (&args.reach.relay, args.reach.no_lan) {
        (Some(_), _) => "",
        (None, false) => ", on this network (--relay reaches others)",
        (None, true) => ", on this machine",
    };
    print_line(format!("Others run `cahoots join` and paste a link{reach}."))?;
    print_line(format!("Links work for {}; all ends with the shared command.", text::span(args.expires)))?;
    print_line("")
}

/// Says in plain words what a link lets its holder do.
fn means(access: Access, paint: Paint) -> String {
    match access {
        Access::View => "Who has the view link can look and chat.".to_owned(),
        Access::Interact => {
            format!("Who has the interact link {} on this machine.", paint.yellow("can run anything as you"))
        }
        Access::Own => {
            format!("Who has the own link {}; give it to nobody else.", paint.yellow("is you in all respects"))
        }
    }
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
