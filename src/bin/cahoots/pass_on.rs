//! `cahoots pass-on`: joins for as long as it takes to make a narrower link, and prints that.

use std::process::ExitCode;
use std::time::Duration;

use cahoots::{Guest, Lan, Link, PassOnError, Terms};
use serde_json::json;

use crate::args;
use crate::join::link;
use crate::record;
use crate::secret;
use crate::text::{Failure, print_line, span};

pub(crate) async fn run(args: args::PassOn) -> Result<ExitCode, Failure> {
    let place = link::Place { argument: args.link.as_deref(), file: args.file.as_deref(), quiet: args.quiet };
    let own = link::read(place)?;
    let conditions = &args.conditions;
    let needs_passphrase = own.token.needs_passphrase();
    let their = needs_passphrase.then(|| secret::their_passphrase(args.own_passphrase_file.as_deref())).transpose()?;
    let new = secret::new_passphrase(conditions.passphrase, conditions.passphrase_file.as_deref())?;

    let relay = own.relay.clone().or_else(|| args.reach.relay.clone());
    let mut builder = Guest::builder(Link { relay, ..own })
        .lan(if args.reach.no_lan { Lan::Off } else { Lan::On })
        .name(crate::own_name(args.reach.name.as_deref()))
        .patience(args.patience);
    if let Some(passphrase) = their {
        builder = builder.passphrase(passphrase);
    }
    let guest = builder.start().await.map_err(|error| Failure::new(&error).hint(error.hint()))?;
    guest.let_in().await.map_err(|error| Failure::new(&error).hint(error.hint()))?;

    let mut terms = Terms::new(args.access.into()).lasting(conditions.expires);
    (terms.members_max, terms.approve, terms.once) = (conditions.max_members, conditions.approve, conditions.once);
    let link = match new {
        Some(passphrase) => guest.pass_on_with_passphrase(terms, passphrase).await,
        None => guest.pass_on(terms),
    };
    let link = link.map_err(failed);
    // What was made reaches the relay before the goodbye does.
    guest.leave().await;
    print(&args, &link?)?;
    Ok(ExitCode::SUCCESS)
}

/// Says who could allow what this link does not.
pub(crate) fn failed(error: PassOnError) -> Failure {
    let hint = match error {
        PassOnError::NoRight(_) => "the owner can make one that may: `cahoots links add … --may-pass-on`",
        PassOnError::TooDeep => "it was passed on to you already; ask the owner for a link of its own",
        PassOnError::Wider { .. } => "make it narrower, or ask the owner for another link",
        PassOnError::Expired | PassOnError::TooMany => "ask the owner for a link",
        _ => "",
    };
    Failure::new(error).hint(hint)
}

fn print(args: &args::PassOn, link: &Link) -> Result<(), Failure> {
    let access = link.token.access.to_string();
    let lasts: Duration = args.conditions.expires;
    if args.json.json {
        return Ok(record::print(&json!({ "event": "link", "access": access, "url": link.reveal() }))?);
    }
    if !args.quiet {
        eprintln!("{access} link, works for {} at most, and no longer than yours:", span(lasts));
    }
    Ok(print_line(link.reveal())?)
}
