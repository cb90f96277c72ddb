//! Runs a relay inside another program, until it is interrupted.
//!
//! Run: `cargo run --example relay`, then `cahoots share --relay ADDRESS` with the address it prints.

use cahoots::Relay;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = Relay::builder().listen("127.0.0.1:0".parse()?).start().await?;
    println!("{}", relay.address("127.0.0.1"));
    tokio::signal::ctrl_c().await?;
    relay.shutdown().await;
    Ok(())
}
