//! A host and a guest over a transport of their own: here a channel in memory, in real life whatever carries bytes
//! in order and both ways, such as a serial line, an SSH channel or a game's connection.
//!
//! Run: `cargo run --example own_transport`.

use cahoots::{Access, Channel, Guest, Host, Lan, Screen, Size, Terms};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let host = Host::builder().name("ada").lan(Lan::Off).start().await?;
    let link = host.share(Terms::new(Access::Interact))?;
    let mut pane = host.open_pane("echo", "built in", Size::new(40, 5))?;

    // The two ends of the transport. Everything on it is sealed; it only has to keep order.
    let (at_host, at_guest) = Channel::pair(65_536);
    let pane_id = pane.id();
    let serve = async {
        tokio::join!(host.attach(at_host), async {
            while let Some(input) = pane.next_input().await {
                if pane.write(&input.bytes).is_err() {
                    break;
                }
            }
        })
    };

    let visit = async {
        let guest = Guest::builder(link).name("ben").channel(at_guest).start().await?;
        let mut view = guest.watch(pane_id);
        view.type_bytes(b"over our own wire")?;
        while view.changed().await {
            let line = view.with_screen(Screen::text).swap_remove(0);
            if line.trim_end() == "over our own wire" {
                println!("{line}");
                break;
            }
        }
        guest.leave().await;
        Ok::<_, Box<dyn std::error::Error>>(())
    };

    tokio::select! {
        _ = serve => Ok(()),
        result = visit => result,
    }
}
