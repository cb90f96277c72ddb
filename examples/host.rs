//! Shares a command on a pseudo-terminal with everybody who has the printed link.
//!
//! Run: `cargo run --example host -- top`, then `cargo run --example join -- LINK` in another terminal.

use cahoots::{Access, Event, Host, Mirror, PtyCommand, Terms};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let program = words.next().unwrap_or_else(|| "sh".into());

    let host = Host::builder().name("ada").title(&program).start().await?;
    println!("{}", host.share(Terms::new(Access::Interact))?.reveal());

    let mut events = host.session().events();
    let command =
        PtyCommand { program: Some(program.into()), args: words.map(Into::into).collect(), ..Default::default() };
    let mut terminal = host.run(command, Mirror::Off)?;
    let code = loop {
        tokio::select! {
            code = terminal.wait() => break code,
            event = events.next() => match event {
                Some(Event::Joined(member)) => eprintln!("{} joined", member.name),
                Some(Event::Left(member)) => eprintln!("{} left", member.name),
                Some(_) => {}
                None => break 0,
            },
        }
    };
    host.end().await;
    std::process::exit(code);
}
