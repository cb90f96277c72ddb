//! `cahoots relay`: runs the node until a signal says so, then lets everybody know.

mod sessions;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use cahoots::io::tls::Identity;
use cahoots::{OperatorToken, Relay, RelayAddress, RelayBuilder, WebNames};

use crate::args;
use crate::record;
use crate::signals::Signals;
use crate::text::{Failure, print_line};

/// The file of the operator's token, in the relay's folder.
const OPERATOR_TOKEN: &str = "operator-token";

pub(crate) async fn run(mut args: args::Relay) -> Result<ExitCode, Failure> {
    match args.command.take() {
        Some(args::RelayCommand::Sessions(args)) => sessions::run(args).await,
        None => serve(args).await,
    }
}

async fn serve(args: args::Relay) -> Result<ExitCode, Failure> {
    let mut signals = Signals::new()?;
    let mut builder = Relay::builder();
    for address in &args.listen {
        builder = builder.listen(*address);
    }
    if let Some(identity) = identity(&args)? {
        builder = builder.identity(identity);
    }
    if !args.no_web {
        builder = with_web(builder, &args);
    }
    if let Some(file) = operator_token_file(&args) {
        let token = OperatorToken::open(&file).map_err(|error| Failure::new(&error).hint(error.hint()))?;
        builder = builder.operator(token);
    }
    let relay = builder.start().await.map_err(|error| Failure::new(&error).hint(error.hint()))?;
    announce(&args, &relay)?;
    signals.next().await;
    tracing::info!("going away");
    relay.shutdown().await;
    if args.json {
        record::print(&record::ended(None, None))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn with_web(builder: RelayBuilder, args: &args::Relay) -> RelayBuilder {
    let named = args.host.iter().fold(WebNames::default(), |names, host| names.host(host));
    let named = args.origin.iter().fold(named, |names, origin| names.origin(origin));
    let names = args.cors_origin.iter().fold(named, |names, origin| names.cors_origin(origin));
    let builder = args.trust_proxy.iter().fold(builder, |builder, proxy| builder.trust_proxy(*proxy));
    let plain = args.http.iter().copied();
    if args.http.is_empty() {
        return builder.web(names);
    }
    plain.fold(builder, |builder, address| builder.web_without_tls(address, names.clone()))
}

/// Returns where the operator's token is kept. A relay without a place for it has no operator, by HTTP at least.
fn operator_token_file(args: &args::Relay) -> Option<PathBuf> {
    let in_state = args.state.as_ref().filter(|_| !args.no_web).map(|state| state.join(OPERATOR_TOKEN));
    args.operator_token_file.clone().or(in_state)
}

/// Returns the certificate to show, or `None` for one that ends with this process.
fn identity(args: &args::Relay) -> Result<Option<Identity>, Failure> {
    let identity = match (&args.cert, &args.key, &args.state) {
        (Some(cert), Some(key), _) => Identity::from_pem(cert, key),
        (_, _, Some(state)) => Identity::open(state),
        _ => return Ok(None),
    };
    identity.map(Some).map_err(|error| Failure::new(&error).hint(error.hint()))
}

fn announce(args: &args::Relay, relay: &Relay) -> Result<(), Failure> {
    let address = address(args, relay);
    let listen: Vec<_> = relay.local_addrs().iter().map(ToString::to_string).collect();
    if args.json {
        return Ok(record::print(&record::relay(&listen, &address.to_string()))?);
    }
    print_line(format!("relay listening on udp {}", listen.join(", ")))?;
    print_line("")?;
    print_line(format!("  cahoots share --relay '{address}'"))?;
    print_line("")?;
    if args.host.is_none() {
        print_line("  --host names the relay as others reach it, if not by this address")?;
    }
    if args.cert.is_none() && args.state.is_none() {
        print_line("  after a restart the address is another one; --state keeps it")?;
    }
    let place = match (&args.operator_token_file, &args.state) {
        (Some(file), _) => Some(("operator-token-file", file)),
        (None, Some(state)) if !args.no_web => Some(("state", state)),
        _ => None,
    };
    if let Some((option, place)) = place {
        print_line(format!("  `cahoots relay sessions --{option} {}` lists its sessions", place.display()))?;
    }
    Ok(())
}

/// Returns what hosts need to know. A certificate from files is one that others trust: then no hash is pinned.
fn address(args: &args::Relay, relay: &Relay) -> RelayAddress {
    let listening = relay.local_addrs().first();
    let host = args.host.clone().unwrap_or_else(|| {
        let bound = listening.map(std::net::SocketAddr::ip).filter(|ip| !ip.is_unspecified());
        bound.unwrap_or_else(own_address).to_string()
    });
    RelayAddress {
        host,
        port: listening.map_or(0, std::net::SocketAddr::port),
        fingerprint: args.cert.is_none().then(|| relay.fingerprint()),
    }
}

/// Returns an address of this machine that others on its network can reach; IPv4 first, which people can type.
fn own_address() -> IpAddr {
    let mut addresses: Vec<_> =
        if_addrs::get_if_addrs().unwrap_or_default().iter().map(if_addrs::Interface::ip).collect();
    addresses.retain(|ip| !ip.is_loopback() && !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()));
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.first().copied().unwrap_or(IpAddr::from([127, 0, 0, 1]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn parse(words: &[&str]) -> args::Relay {
        match args::Cli::parse_from(["cahoots", "relay"].iter().chain(words)).command {
            args::Command::Relay(args) => args,
            other => panic!("{other:?} is another command"),
        }
    }

    /// Links last as long as what they pin: a certificate that others vouch for is renewed every few months.
    #[tokio::test]
    async fn only_an_own_certificate_is_pinned() {
        let relay = Relay::builder().listen("127.0.0.1:0".parse().unwrap()).start().await.unwrap();
        let port = relay.local_addrs()[0].port();
        let own = address(&parse(&[]), &relay);
        assert_eq!(own, RelayAddress { host: "127.0.0.1".into(), port, fingerprint: Some(relay.fingerprint()) });
        let named = parse(&["--cert", "a.pem", "--key", "b.pem", "--host", "relay.example.org"]);
        assert_eq!(address(&named, &relay).to_string(), format!("relay.example.org:{port}"));
        relay.shutdown().await;
    }
}
