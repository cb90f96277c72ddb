//! A chat without any terminal: what you type is said, what others say is printed.
//!
//! Run: `cargo run --example chat` for a new one, `cargo run --example chat -- LINK` to join it.

use cahoots::{Access, Event, Guest, Host, Link, Session, Terms, sanitise_line};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1) {
        Some(link) => {
            let guest = Guest::builder(Link::parse(&link)?).name("ben").start().await?;
            talk(guest.session()).await?;
            guest.leave().await;
        }
        None => {
            let host = Host::builder().name("ada").title("chat").start().await?;
            println!("{}", host.share(Terms::new(Access::View))?.reveal());
            talk(host.session()).await?;
            host.end().await;
        }
    }
    // tokio reads stdin on a thread that nothing can wake: the runtime would wait for one more line.
    std::process::exit(0);
}

async fn talk(session: &Session) -> Result<(), Box<dyn std::error::Error>> {
    let mut events = session.events();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => session.say(line.as_str())?,
                None => return Ok(()),
            },
            event = events.next() => match event {
                Some(Event::Message(message)) => {
                    let members = session.members();
                    let author = members.iter().find(|member| member.author == message.author);
                    let name = author.map_or("somebody", |member| &member.name);
                    println!("<{name}> {}", sanitise_line(&message.text, 4_096));
                }
                Some(Event::Ended(why)) => {
                    println!("{why}");
                    return Ok(());
                }
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}
