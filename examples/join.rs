//! Joins a session and prints its first terminal as plain text whenever it changes.
//!
//! Run: `cargo run --example join -- LINK`.

use cahoots::{Guest, Link, PaneId, Screen};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let link = std::env::args().nth(1).ok_or("give the link as the only argument")?;
    let guest = Guest::builder(Link::parse(&link)?).name("ben").start().await?;

    let mut view = guest.watch(PaneId(0));
    while view.changed().await {
        let lines = view.with_screen(Screen::text);
        println!("\x1b[H\x1b[2J{}", lines.join("\n"));
    }
    std::process::exit(view.exit().unwrap_or(0));
}
