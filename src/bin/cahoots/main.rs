mod api;
mod args;
#[path = "share/ground.rs"]
mod ground;
mod guard;
mod text;
mod view;
fn main() {
    let _ = <args::Cli as clap::Parser>::parse();
}
