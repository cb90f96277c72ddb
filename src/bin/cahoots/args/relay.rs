//! What can be said to a relay: how it is to run, and questions for its operator and for holders of links.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Json;
use cahoots::RelayAddress;

pub(super) const RELAY_EXAMPLES: &str = "\
Examples:
  cahoots relay                                         with a certificate of its own, pinned by its hash
  cahoots relay --state /var/lib/cahoots                the same certificate after a restart
  cahoots relay --cert fullchain.pem --key privkey.pem  with a certificate that others trust
  cahoots relay sessions --state /var/lib/cahoots       what sessions there are: ids, sizes, times

The relay cannot read what it carries. It prints the address that `cahoots share --relay` takes.";

pub(super) const STATS_EXAMPLES: &str = "\
Examples:
  cahoots stats                  asks for the link, which stays out of the process list
  cahoots stats < link.txt
  cahoots stats --json --file link.txt

The relay is shown that you hold the link, and not the link. Those whom the host serves nearby are not counted.";

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Relay {
    #[command(subcommand)]
    pub(crate) command: Option<RelayCommand>,
    /// UDP address to listen at; may be given more than once
    #[arg(long, value_name = "ADDR", default_value = "[::]:4433")]
    pub(crate) listen: Vec<SocketAddr>,
    /// Name or address under which others reach this relay [default: this host's]
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Let no browsers in: no page, no HTTP API, no TCP
    #[arg(long)]
    pub(crate) no_web: bool,
    /// Let browsers in without TLS at this address, for a proxy in front that does TLS
    #[arg(long, value_name = "ADDR", conflicts_with = "no_web")]
    pub(crate) http: Vec<SocketAddr>,
    /// Address of that proxy, to be believed for whom it comes, by the last address in its X-Forwarded-For
    #[arg(long, value_name = "ADDR", requires = "http")]
    pub(crate) trust_proxy: Vec<IpAddr>,
    /// Another site whose pages may open sockets here, such as https://view.example
    #[arg(long, value_name = "ORIGIN", conflicts_with = "no_web")]
    pub(crate) origin: Vec<String>,
    /// Another site whose pages may ask the HTTP API, such as https://board.example
    #[arg(long, value_name = "ORIGIN", conflicts_with = "no_web")]
    pub(crate) cors_origin: Vec<String>,
    /// Folder that keeps the relay's own certificate, and the operator's token
    #[arg(long, value_name = "DIR", conflicts_with = "cert")]
    pub(crate) state: Option<PathBuf>,
    /// Keep the token for `cahoots relay sessions` in this file; it is made if it is not there
    #[arg(long, value_name = "FILE", conflicts_with = "no_web")]
    pub(crate) operator_token_file: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RelayCommand {
    /// List the sessions at a relay that you operate: ids, sizes and times
    Sessions(RelaySessions),
}

#[derive(Args, Debug)]
pub(crate) struct RelaySessions {
    /// Relay to ask: HOST[:PORT][#fp=HASH] [default: the one of this machine]
    #[arg(long, value_name = "ADDR", value_parser = RelayAddress::parse)]
    pub(crate) relay: Option<RelayAddress>,
    /// Ask without TLS, at an address of this machine: what the relay got as --http
    #[arg(long, value_name = "ADDR", conflicts_with = "relay")]
    pub(crate) http: Option<SocketAddr>,
    /// The relay's folder, with its certificate and the operator's token
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// File with the operator's token
    #[arg(long, value_name = "FILE")]
    pub(crate) operator_token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Args, Debug)]
pub(crate) struct Stats {
    /// Link; `-` reads it from stdin [default: CAHOOTS_LINK, else stdin, else asks]
    pub(crate) link: Option<String>,
    /// Read the link from a file
    #[arg(long, value_name = "FILE", conflicts_with = "link")]
    pub(crate) file: Option<PathBuf>,
    /// Relay to ask if the link names none: HOST[:PORT][#fp=HASH]
    #[arg(long, env = "CAHOOTS_RELAY", hide_env_values = true, value_name = "ADDR", value_parser = RelayAddress::parse)]
    pub(crate) relay: Option<RelayAddress>,
    /// Read the link's passphrase from the first line of a file [default: asks, if the link needs one]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Do not warn about a link on the command line
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[cfg(test)]
mod tests {
    use super::super::{Cli, Command};
    use super::*;
    use clap::Parser;

    fn relay(words: &[&str]) -> Result<Relay, ()> {
        match Cli::try_parse_from(["cahoots", "relay"].iter().chain(words)).map(|cli| cli.command) {
            Ok(Command::Relay(args)) => Ok(args),
            _ => Err(()),
        }
    }

    /// A question to a relay must not start another one, nor take its options for its own.
    #[test]
    fn questions_and_options_of_a_relay_are_kept_apart() {
        assert!(relay(&["--state", "a"]).is_ok_and(|args| args.command.is_none()));
        let asked = relay(&["sessions", "--state", "a", "--json"]).unwrap();
        assert!(matches!(asked.command, Some(RelayCommand::Sessions(args)) if args.json.json && args.state.is_some()));
        assert!(relay(&["--no-web", "sessions"]).is_err());
        assert!(relay(&["--http", "127.0.0.1:80", "--trust-proxy", "::1", "--trust-proxy", "127.0.0.1"]).is_ok());
        assert!(relay(&["--trust-proxy", "127.0.0.1"]).is_err(), "there is none in front");
        assert!(relay(&["--no-web", "--operator-token-file", "a"]).is_err());
    }
}
