//! What a relay holds in memory when nothing happens: alone, and per connection.

use crate::fanout::{Crowd, seat_ours};
use crate::figures::{head, kilobytes, row, times};
use crate::{Effort, Outcome, bare, ours};
use std::time::Duration;

/// Guests of one session.
const GUESTS: usize = 20;

/// Runs this part.
pub(crate) async fn run(effort: Effort) -> Outcome {
    let (sessions, guests) = (effort.pick(20, 2), GUESTS);
    let members = sessions * (guests + 1);
    let (relay, server) = (ours::Server::start()?, bare::Server::start()?);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let idle = [relay.child.resident_bytes()? as f64, server.child.resident_bytes()? as f64];
    let crowd = Crowd::new();
    let mut hosts = Vec::new();
    for _ in 0..sessions {
        hosts.push(seat_ours(&relay, guests, &crowd).await?);
    }
    let mut lines = Vec::new();
    for _ in 0..members {
        lines.push(server.subscriber().await?);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let full = [relay.child.resident_bytes()? as f64, server.child.resident_bytes()? as f64];
    drop((hosts, lines));
    head(&["server", "idle", "to bare", &format!("per connection of {members}"), "to bare"]);
    let each: [f64; 2] = std::array::from_fn(|at| (full[at] - idle[at]) / members as f64);
    for (at, name) in ["cahoots relay", "bare quinn"].into_iter().enumerate() {
        let (idle_times, each_times) = (times(idle[at], idle[1]), times(each[at], each[1]));
        row(&[&name, &kilobytes(idle[at]), &idle_times, &kilobytes(each[at]), &each_times]);
    }
    Ok(())
}
