//! The `cahoots` program: shares a terminal, joins one, runs a relay, and says who may do what.
//!
//! Always: it uses the library's public API alone; errors are two lines on stderr, what to know and what to do.

mod args;
mod audit;
mod browse;
mod control;
mod guard;
mod join;
mod owner;
mod pass_on;
mod qr;
mod record;
mod relay;
mod secret;
mod share;
mod signals;
mod stats;
mod table;
mod text;
mod view;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};
use text::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli.command);
    match run(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // On this very thread, so that the guard of the terminal knows whose panic ends the program.
    let result = runtime.block_on(async {
        match command {
            Command::Share(args) => share::run(args).await,
            Command::Join(args) => join::run(args).await,
            Command::View(args) => browse::run(args).await,
            Command::Relay(args) => relay::run(args).await,
            Command::Stats(args) => stats::run(args).await,
            Command::Links(args) => owner::links(args).await,
            Command::Members(args) => owner::members(args).await,
            Command::Panic(args) => owner::panic_key(args).await,
            Command::Rekey(args) => owner::rekey(args).await,
            Command::Drive(args) => owner::drive(args).await,
            Command::Audit(args) => audit::run(args).await,
            Command::PassOn(args) => pass_on::run(args).await,
            Command::Sessions(args) => owner::sessions(args).await,
        }
    });
    // A thread that waits for a key would hold a proper shutdown up forever.
    runtime.shutdown_background();
    result
}

/// Logs to stderr as `CAHOOTS_LOG` says; a relay logs by itself. Nothing is logged over a screen that is in use.
fn start_log(command: &Command) {
    let default = match command {
        Command::Relay(args) if args.command.is_none() => "info",
        _ => "off",
    };
    let full_screen = match command {
        Command::Share(args) => !args.headless && !args.json,
        Command::Join(args) => !(args.json || args.dump || args.typing || args.until_exit),
        _ => false,
    };
    if full_screen && io::stderr().is_terminal() {
        return;
    }
    let filter = EnvFilter::try_from_env("CAHOOTS_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
}

/// Returns the name that others will see.
fn own_name(given: Option<&str>) -> String {
    let user = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    given.map(str::to_owned).or_else(user).filter(|name| !name.trim().is_empty()).unwrap_or_else(|| "guest".to_owned())
}

/// Passes a program's exit status on; one that no process can have becomes 1.
fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
