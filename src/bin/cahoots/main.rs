//! The `cahoots` program: shares a terminal, joins one, or runs a relay.

mod api;
mod args;
mod guard;
mod text;
mod view;

fn main() {
    let _ = <args::Cli as clap::Parser>::parse();
}
