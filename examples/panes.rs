//! Shares several commands at once, each on a terminal of its own; viewers show them as tabs or side by side.
//!
//! Run: `cargo run --example panes -- --relay relay.example.org htop bash 'tail -f log.txt'`.

use cahoots::{Access, Host, Mirror, PtyCommand, RelayAddress, Size, Terms};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut builder = Host::builder().name("ada").title("Several at once");
    if words.first().is_some_and(|word| word == "--relay") && words.len() > 1 {
        builder = builder.relay(RelayAddress::parse(&words[1])?);
        words.drain(..2);
    }
    if words.is_empty() {
        words = vec!["sh".into(), "sh".into()];
    }
    let host = builder.start().await?;
    for access in [Access::View, Access::Interact, Access::Own] {
        println!("{}", host.share(Terms::new(access))?.reveal());
    }
    let mut terminals = Vec::new();
    for line in words {
        let args = vec!["-c".into(), line.into()];
        let command = PtyCommand { program: Some("sh".into()), args, size: Size::new(80, 24), ..PtyCommand::default() };
        terminals.push(host.run(command, Mirror::Off)?);
    }
    // Over once all of them are.
    for terminal in &mut terminals {
        terminal.wait().await;
    }
    host.end().await;
    Ok(())
}
