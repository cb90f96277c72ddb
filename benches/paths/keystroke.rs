//! From a key to its echo on the guest's screen, through the relay; next to bare quinn over as many hops.

use crate::figures::{Samples, head, row, times, us};
use crate::{Effort, Outcome, bare, ours};
use cahoots::{Access, Guest, Host, Lan, PaneId, RelayAddress, RelayReach, Size, Terms, View};
use std::time::{Duration, Instant};

/// Interval between two keys of a fast typist.
const TYPING: Duration = Duration::from_millis(25);
/// A sealed key as it travels: what bare quinn carries in its place.
const KEY_BYTES: usize = 107;

/// A host with a pane that echoes, and a guest who watches it.
pub(crate) struct Pair {
    pub(crate) host: Host,
    pub(crate) guest: Guest,
    pub(crate) view: View,
}

impl Pair {
    /// Joins a guest to a host, both through the relays that are given.
    pub(crate) async fn start(for_host: &RelayAddress, for_guest: &RelayAddress) -> Outcome<Self> {
        let host = Host::builder().name("ada").lan(Lan::Off).relay(for_host.clone()).start().await?;
        let pane = echo_pane(&host)?;
        let mut link = host.share(Terms::new(Access::Interact))?;
        link.relay = Some(for_guest.clone());
        wait_linked(&host).await?;
        let guest = Guest::builder(link).name("ben").lan(Lan::Off).start().await?;
        let mut view = guest.watch(pane);
        while !view.is_live() && view.changed().await {}
        Ok(Self { host, guest, view })
    }

    /// Types one key and waits until it is on the screen.
    pub(crate) async fn echo(&mut self) -> Outcome<Duration> {
        let before = self.view.offset();
        let start = Instant::now();
        self.view.type_bytes(b"x")?;
        while self.view.offset() == before {
            if !self.view.changed().await {
                return Err("the terminal is over".into());
            }
        }
        Ok(start.elapsed())
    }
}

/// Opens a pane that writes what is typed into it.
pub(crate) fn echo_pane(host: &Host) -> Outcome<PaneId> {
    let mut pane = host.open_pane("echo", "built in", Size::new(80, 24))?;
    let id = pane.id();
    tokio::spawn(async move {
        while let Some(input) = pane.next_input().await {
            if pane.write(&input.bytes).is_err() {
                return;
            }
        }
    });
    Ok(id)
}

/// Waits until a host has reached its relay.
pub(crate) async fn wait_linked(host: &Host) -> Outcome {
    match host.relay_dialled().await {
        Some(RelayReach::Linked) => Ok(()),
        reach => Err(format!("the host does not reach its relay: {reach:?}").into()),
    }
}

async fn bare_echo(line: &mut bare::Line) -> Outcome<Duration> {
    let (mut buffer, start) = ([0; KEY_BYTES], Instant::now());
    line.send.write_all(&buffer).await?;
    line.recv.read_exact(&mut buffer).await?;
    Ok(start.elapsed())
}

/// Runs this part.
pub(crate) async fn run(effort: Effort) -> Outcome {
    let (rounds, keys) = (effort.pick(8, 1), effort.pick(50, 10));
    let (relay, server) = (ours::Server::start()?, bare::Server::start()?);
    let mut pair = Pair::start(&relay.address, &relay.address).await?;
    let (mut hop, mut direct) = (server.echo_behind_a_hop().await?, server.echo().await?);
    head(&["keys", "through our relay", "bare quinn, two hops", "bare quinn, one hop", "ours to two hops"]);
    for (name, pause) in [("25 ms apart", Some(TYPING)), ("one after the other", None)] {
        let [mut through, mut two, mut one] = [const { Samples::new() }; 3];
        for _ in 0..rounds {
            for _ in 0..keys {
                rest(pause).await;
                through.push(pair.echo().await?);
            }
            for (line, samples) in [(&mut hop, &mut two), (&mut direct, &mut one)] {
                for _ in 0..keys {
                    rest(pause).await;
                    samples.push(bare_echo(line).await?);
                }
            }
        }
        for (point, share) in [("p50", 0.5), ("p99", 0.99)] {
            let [ours, two, one] = [&through, &two, &one].map(|samples| samples.quantile(share));
            row(&[&format!("{name}, {point}"), &us(ours), &us(two), &us(one), &times(ours, two)]);
        }
    }
    pair.guest.leave().await;
    pair.host.end().await;
    Ok(())
}

async fn rest(pause: Option<Duration>) {
    if let Some(pause) = pause {
        tokio::time::sleep(pause).await;
    }
}
