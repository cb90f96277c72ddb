//! `cahoots relay sessions`: what the operator of a relay may see of it, which is ids, sizes and times.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cahoots::io::tls::Identity;
use cahoots::{OperatorToken, RelayAddress, RelayClient, SessionStats, Wall};

use crate::args;
use crate::owner::of;
use crate::record;
use crate::table;
use crate::text::{Failure, ago, print_line};

pub(crate) async fn run(args: args::RelaySessions) -> Result<ExitCode, Failure> {
    let token = read_token(&args)?;
    let client = client(&args)?;
    let sessions = client.sessions(&token).await.map_err(|error| Failure::new(&error).hint(error.hint()))?;
    if args.json.json {
        sessions.iter().try_for_each(|stats| record::print(&of(stats, "session")?).map_err(Failure::from))?;
    } else if sessions.is_empty() {
        print_line("nobody shares a session at this relay")?;
    } else {
        print(&sessions, now())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_token(args: &args::RelaySessions) -> Result<OperatorToken, Failure> {
    let in_state = args.state.as_ref().map(|state| state.join(super::OPERATOR_TOKEN));
    let missing =
        || Failure::new("whose relay is it").hint("--state names its folder, --operator-token-file its token");
    let file = args.operator_token_file.clone().or(in_state).ok_or_else(missing)?;
    OperatorToken::read(&file).map_err(|error| Failure::new(&error).hint(error.hint()))
}

fn client(args: &args::RelaySessions) -> Result<RelayClient, Failure> {
    let client = match args.http {
        Some(address) => RelayClient::without_tls(address),
        None => RelayClient::new(&address(args)?),
    };
    client.map_err(|error| Failure::new(&error).hint(error.hint()))
}

/// Returns where the relay is: on this machine unless said otherwise, with the certificate that its folder holds.
fn address(args: &args::RelaySessions) -> Result<RelayAddress, Failure> {
    let here = || RelayAddress { host: "localhost".to_owned(), port: cahoots::RELAY_PORT, fingerprint: None };
    let mut relay = args.relay.clone().unwrap_or_else(here);
    if let (None, Some(state)) = (relay.fingerprint, &args.state) {
        relay.fingerprint = Some(fingerprint(state)?);
    }
    Ok(relay)
}

fn fingerprint(state: &Path) -> Result<[u8; 32], Failure> {
    let identity = Identity::open(state).map_err(|error| Failure::new(&error).hint(error.hint()))?;
    Ok(identity.fingerprint())
}

fn now() -> Wall {
    Wall(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64)
}

fn print(sessions: &[SessionStats], now: Wall) -> Result<(), Failure> {
    let rows = sessions.iter().map(|stats| {
        let counts = stats.counts;
        vec![
            table::short(&stats.session.to_string()),
            since(stats.since, now),
            counts.members.to_string(),
            counts.watching.to_string(),
            counts.views.to_string(),
            amount(stats.bytes_stored + stats.bytes_live),
            amount(stats.bytes_in),
            amount(stats.bytes_out),
            state(stats, now),
        ]
    });
    Ok(table::print(&["SESSION", "SINCE", "HERE", "WATCHING", "VIEWS", "HELD", "IN", "OUT", "STATE"], rows)?)
}

fn since(then: Wall, now: Wall) -> String {
    ago(Duration::from_millis(now.since_ms(then)))
}

fn state(stats: &SessionStats, now: Wall) -> String {
    match stats {
        SessionStats { ended: Some(ended), .. } => format!("ended, {}", since(*ended, now)),
        SessionStats { empty_since: Some(empty), .. } => format!("empty, {}", since(*empty, now)),
        SessionStats { is_host_here: false, .. } => "host away".to_owned(),
        SessionStats { waiting: 1.., .. } => format!("{} at the door", stats.waiting),
        _ => String::new(),
    }
}

/// Says an amount of bytes in its largest unit.
fn amount(bytes: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fitting = units.into_iter().find(|(_, size)| bytes >= *size);
    fitting.map_or_else(|| format!("{bytes} B"), |(unit, size)| format!("{:.1} {unit}", bytes as f64 / size as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes are compared at a glance down a column: one unit each, and no digit more than it takes.
    #[test]
    fn amounts_use_their_largest_unit() {
        let cases = [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (64 << 20, "64.0 MiB"), (4 << 30, "4.0 GiB")];
        for (bytes, said) in cases {
            assert_eq!(amount(bytes), said);
        }
    }
}
