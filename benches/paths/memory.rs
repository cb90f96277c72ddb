//! What a relay holds in memory when nothing happens: alone, and per guest.

use crate::fanout::{Crowd, seat_ours};
use crate::figures::{head, kilobytes, row, times};
use crate::{Effort, Outcome, bare, ours};
use std::time::Duration;

/// Runs this part.
pub(crate) async fn run(effort: Effort) -> Outcome {
    let guests = effort.pick(400, 20);
    let (relay, server) = (ours::Server::start()?, bare::Server::start()?);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let idle = [relay.child.resident_bytes()? as f64, server.child.resident_bytes()? as f64];
    let crowd = Crowd::new();
    let publisher = seat_ours(&relay, guests, &crowd).await?;
    let mut lines = Vec::new();
    for _ in 0..guests {
        lines.push(server.subscriber().await?);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let full = [relay.child.resident_bytes()? as f64, server.child.resident_bytes()? as f64];
    drop((publisher, lines));
    head(&["server", "idle", "to bare", &format!("per guest of {guests}"), "to bare"]);
    let per_guest: [f64; 2] = std::array::from_fn(|at| (full[at] - idle[at]) / guests as f64);
    for (at, name) in ["cahoots relay", "bare quinn"].into_iter().enumerate() {
        let (idle_times, guest_times) = (times(idle[at], idle[1]), times(per_guest[at], per_guest[1]));
        row(&[&name, &kilobytes(idle[at]), &idle_times, &kilobytes(per_guest[at]), &guest_times]);
    }
    Ok(())
}
