//! `cahoots stats`: asks the relay how many are in a session, as the holder of a link and without joining.

use std::process::ExitCode;

use cahoots::{AskError, Counts, RelayClient};

use crate::args;
use crate::join::link;
use crate::owner::of;
use crate::record;
use crate::secret;
use crate::text::{Failure, count, print_line};

pub(crate) async fn run(args: args::Stats) -> Result<ExitCode, Failure> {
    let place = link::Place { argument: args.link.as_deref(), file: args.file.as_deref(), quiet: args.quiet };
    let link = link::read(place)?;
    let failed = |error: &AskError| Failure::new(error).hint(error.hint());
    if link.token.is_lan_only() {
        return Err(failed(&AskError::LanOnly));
    }
    let no_relay = || Failure::new("the link names no relay").hint("there is one to ask if --relay says which");
    let relay = link.relay.clone().or(args.relay).ok_or_else(no_relay)?;
    let needs_passphrase = link.token.needs_passphrase();
    let words = needs_passphrase.then(|| secret::their_passphrase(args.passphrase_file.as_deref())).transpose()?;
    let told = async { RelayClient::new(&relay)?.counts(&link.token, words).await };
    let counts = told.await.map_err(|error| failed(&error))?;
    if args.json.json {
        let mut record = of(&counts, "stats")?;
        record["session"] = link.token.session.to_string().into();
        record::print(&record)?;
    } else {
        print_line(sentence(&counts))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn sentence(counts: &Counts) -> String {
    let Counts { members, members_most, watching, views } = *counts;
    let views_so_far = if views == 1 { "1 view".to_owned() } else { format!("{views} views") };
    let here = count(members, "person", "people");
    format!("{here} here, {watching} watching; {members_most} at one time at most, {views_so_far} so far")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line is read in a prompt or a chat: it has to be one, and right for one person, too.
    #[test]
    fn counts_are_one_line() {
        let some = Counts { members: 3, members_most: 5, watching: 2, views: 17 };
        assert_eq!(sentence(&some), "3 people here, 2 watching; 5 at one time at most, 17 views so far");
        let one = Counts { members: 1, members_most: 1, watching: 0, views: 1 };
        assert_eq!(sentence(&one), "1 person here, 0 watching; 1 at one time at most, 1 view so far");
    }
}
