//! `cahoots links`, `members`, `panic`, `rekey`, `drive`, `sessions`: what the owner asks of a running session.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::{self, DriveCommand, LinksCommand, MembersCommand};
use crate::control::act::now;
use crate::control::client::{self, Running};
use crate::control::message::{Added, NewLink, Policy, Reply, Request, Secret};
use crate::record;
use crate::secret;
use crate::table::{self, short};
use crate::text::{Failure, count, print_line};

/// How an answer is to be printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Output {
    People,
    Json,
}

impl Output {
    const fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::People }
    }
}

pub(crate) async fn links(args: args::Links) -> Result<ExitCode, Failure> {
    let output = Output::of(args.target.json);
    match args.command.unwrap_or(LinksCommand::List) {
        LinksCommand::List => {
            let Reply::Links(links) = ask(&args.target, &Request::Links).await? else { return Err(strange()) };
            match output {
                Output::Json => print_all(&links, "link")?,
                Output::People if links.is_empty() => print_line("no link yet; `cahoots links add view` makes one")?,
                Output::People => table::links(&links, now().0)?,
            }
        }
        LinksCommand::Add(link) => add(&args.target, link, output).await?,
        LinksCommand::Revoke { links } => {
            let mut running = client::find(args.target.session.as_deref()).await?;
            for link in links {
                let reply = running.ask(&Request::RevokeLink { link }).await?;
                revoked(reply, output)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(target: &args::Target, link: args::AddLink, output: Output) -> Result<(), Failure> {
    let mut running = client::find(target.session.as_deref()).await?;
    check_unseen(&running)?;
    let conditions = &link.conditions;
    let words = secret::new_passphrase(conditions.passphrase, conditions.passphrase_file.as_deref())?;
    let request = Request::AddLink(Box::new(NewLink {
        access: link.access,
        lasts_s: conditions.expires.as_secs(),
        members_max: conditions.max_members,
        approve: conditions.approve,
        once: conditions.once,
        may_pass_on: link.may_pass_on,
        label: link.label,
        passphrase: words.map(|words| Secret(words.expose().to_owned())),
    }));
    let Reply::Added(added) = running.ask(&request).await? else { return Err(strange()) };
    print_added(&added, output)
}

/// A link printed into the shared terminal is everybody's.
fn check_unseen(running: &Running) -> Result<(), Failure> {
    let is_inside = std::env::var("CAHOOTS_SESSION").is_ok_and(|session| session == running.greeting.session);
    if is_inside && io::stdout().is_terminal() {
        return Err(Failure::new("everybody in the session would see the new link here")
            .hint("run this in another terminal, or send its output to a file"));
    }
    Ok(())
}

fn print_added(added: &Added, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return Ok(record::print(&of(added, "link")?)?);
    }
    let lasts = table::left(added.expires_ms, now().0);
    let label = added.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    eprintln!("{} link {}{label}, works for {lasts}:", added.access, short(&added.link));
    Ok(print_line(&added.url)?)
}

fn revoked(reply: Reply, output: Output) -> Result<(), Failure> {
    let Reply::Revoked { links } = reply else { return Err(strange()) };
    for link in &links {
        match output {
            Output::Json => record::print(&json!({ "event": "revoked", "link": link }))?,
            Output::People => print_line(format!("revoked link {}", short(link)))?,
        }
    }
    Ok(())
}

pub(crate) async fn members(args: args::Members) -> Result<ExitCode, Failure> {
    let output = Output::of(args.target.json);
    match args.command.unwrap_or(MembersCommand::List) {
        MembersCommand::List => {
            let Reply::Members(members) = ask(&args.target, &Request::Members).await? else { return Err(strange()) };
            match output {
                Output::Json => print_all(&members, "member")?,
                Output::People => table::members(&members)?,
            }
        }
        MembersCommand::Kick(kick) => {
            let mut running = client::find(args.target.session.as_deref()).await?;
            if !kick.no_new_link {
                check_unseen(&running)?;
            }
            let request = Request::Kick { member: kick.member, new_link: !kick.no_new_link };
            kicked(running.ask(&request).await?, kick.no_new_link, output)?;
        }
        MembersCommand::Admit { member } => {
            answered(ask(&args.target, &Request::Admit { member }).await?, "let_in", "let in", output)?;
        }
        MembersCommand::Deny { member } => {
            answered(ask(&args.target, &Request::Deny { member }).await?, "turned_away", "turned away", output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn kicked(reply: Reply, is_alone: bool, output: Output) -> Result<(), Failure> {
    let Reply::Kicked { member, name, link, replacement } = reply else { return Err(strange()) };
    if output == Output::Json {
        record::print(&json!({ "event": "kicked", "member": member, "name": name, "link": link }))?;
    } else {
        eprintln!(
            "{name} is out, and link {} closed: others who came by it stay, until their program ends",
            short(&link)
        );
    }
    match replacement {
        Some(added) => print_added(&added, output),
        None if is_alone || output == Output::Json => Ok(()),
        None => {
            eprintln!("nothing replaces that link; `cahoots links add` makes another");
            Ok(())
        }
    }
}

fn answered(reply: Reply, event: &str, said: &str, output: Output) -> Result<(), Failure> {
    let Reply::Answered { member } = reply else { return Err(strange()) };
    match output {
        Output::Json => record::print(&json!({ "event": event, "member": member }))?,
        Output::People => print_line(format!("{said}: {}", short(&member)))?,
    }
    Ok(())
}

pub(crate) async fn panic_key(args: args::Plain) -> Result<ExitCode, Failure> {
    let output = Output::of(args.target.json);
    let reply = ask(&args.target, &Request::Panic).await?;
    let Reply::Revoked { links } = &reply else { return Err(strange()) };
    let said = format!("{} revoked, everybody is out", count(links.len(), "link", "links"));
    match output {
        Output::Json => revoked(reply, output)?,
        Output::People => print_line(said)?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn rekey(args: args::Plain) -> Result<ExitCode, Failure> {
    let Reply::Rekeyed { epoch } = ask(&args.target, &Request::Rekey).await? else { return Err(strange()) };
    match Output::of(args.target.json) {
        Output::Json => record::print(&record::rekeyed(epoch))?,
        Output::People => print_line(format!("the key is new: number {epoch}"))?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn drive(args: args::Drive) -> Result<ExitCode, Failure> {
    let request = match args.command.unwrap_or(DriveCommand::List) {
        DriveCommand::List => {
            let Reply::Drivers(drivers) = ask(&args.target, &Request::Drivers).await? else { return Err(strange()) };
            match Output::of(args.target.json) {
                Output::Json => print_all(&drivers, "driver")?,
                Output::People => table::drivers(&drivers)?,
            }
            return Ok(ExitCode::SUCCESS);
        }
        DriveCommand::Policy { policy, lapse: Some(_), .. } if policy != Policy::One => {
            let problem = "--lapse goes with `one`: only there somebody gives the terminal back";
            return Err(Failure::new(problem).hint("leave --lapse out"));
        }
        DriveCommand::Policy { policy, lapse, pane } => {
            Request::DriverPolicy { pane: pane.pane, policy, lapse_s: lapse.map(|lapse| lapse.as_secs()) }
        }
        DriveCommand::Grant(whom) => Request::Grant { pane: whom.pane.pane, member: Some(whom.member) },
        DriveCommand::TakeBack(pane) => Request::Grant { pane: pane.pane, member: None },
        DriveCommand::Accept(whom) => Request::AnswerLine { pane: whom.pane.pane, member: whom.member, accept: true },
        DriveCommand::Reject(whom) => Request::AnswerLine { pane: whom.pane.pane, member: whom.member, accept: false },
    };
    let Reply::Done = ask(&args.target, &request).await? else { return Err(strange()) };
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn sessions(args: args::Json) -> Result<ExitCode, Failure> {
    let sessions = client::sessions().await;
    for Running { greeting, .. } in &sessions {
        let (session, title) = (&greeting.session, cahoots::sanitise_line(&greeting.title, 256));
        match Output::of(args.json) {
            Output::Json => {
                let pid = greeting.pid;
                record::print(&json!({ "event": "session", "session": session, "title": title, "pid": pid }))?;
            }
            Output::People => print_line(format!("{}  {title}", short(session)))?,
        }
    }
    if sessions.is_empty() && !args.json {
        print_line("you share no session on this machine")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks the session that is meant for one thing.
pub(crate) async fn ask(target: &args::Target, request: &Request) -> Result<Reply, Failure> {
    client::find(target.session.as_deref()).await?.ask(request).await
}

/// The session answers something else than it was asked.
pub(crate) fn strange() -> Failure {
    Failure::new("the session answered something else").hint("is it another version of cahoots?")
}

fn print_all<T: serde::Serialize>(all: &[T], event: &str) -> Result<(), Failure> {
    all.iter().try_for_each(|one| Ok(record::print(&of(one, event)?)?))
}

/// Returns `thing` as a record with its kind.
pub(crate) fn of(thing: &impl serde::Serialize, event: &str) -> Result<Value, Failure> {
    let mut record = serde_json::to_value(thing).map_err(Failure::new)?;
    if let Value::Object(fields) = &mut record {
        fields.insert("event".to_owned(), event.into());
    }
    Ok(record)
}
