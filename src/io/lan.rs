//! Finding a session on the local network by libp2p's multicast DNS, without a libp2p swarm.
//!
//! host: [`Announcer`] ──▶ peer id = hint, addresses of each interface ──▶ guest: [`Discovery`] ──▶ addresses to dial.
//! PROTOCOL.md 16.
//!
//! Always: nothing on the air names a person, machine or session, and nothing heard is believed beyond "dial this".
//! A network that cannot multicast, or none at all, means that nothing is found until one comes.
//!
//! libp2p-mdns keeps every record that anybody sends and its tasks outlive it, so it lives in a runtime and thread of
//! its own, which is thrown away every hour with the nonce, when too much was heard, and when the network changes:
//! it does not try again to join a network that was not ready yet.

mod known;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

use libp2p_core::Multiaddr;
use libp2p_core::multiaddr::Protocol;
use libp2p_core::transport::ListenerId;
use libp2p_mdns::tokio::Behaviour;
use libp2p_mdns::{Config, Event};
use libp2p_swarm::{FromSwarm, NetworkBehaviour, NewListenAddr, ToSwarm};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use self::known::{Known, peer_id_of};
use crate::proto::discovery::{Hint, NONCE_US_MAX};
use crate::proto::id::SessionId;

/// How long others may remember an announcement. PROTOCOL.md 16.
const TTL: Duration = Duration::from_secs(120);
/// How often a guest asks, once the first quick questions are over.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How often a host asks: its own question makes it answer, so this is how often it announces itself unasked.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(60);
/// How often the interfaces are looked at for addresses that came or went.
const INTERFACES_EVERY: Duration = Duration::from_secs(3);
/// How often a guest is told again what is still there.
const REMIND_EVERY: Duration = Duration::from_secs(10);
/// Peers and addresses that libp2p-mdns may collect, ours or not, before it is thrown away: it has no bound of its own,
/// and its senders choose how long it keeps them.
const RECORDS_MAX: usize = 256;
/// Pause after a flood of records, or when there is no way to listen to the network.
const PAUSE: Duration = Duration::from_secs(5);
/// Pause after a change of the network, whose routes follow its addresses.
const SETTLE: Duration = Duration::from_secs(1);
/// Found addresses that wait for the guest.
const FOUND_MAX: usize = 64;

/// Lets guests on the local network find a host. Stops when dropped.
#[derive(Debug)]
pub struct Announcer {
    _worker: Worker,
}

impl Announcer {
    /// Announces that `session` is served on this UDP port of all interfaces.
    #[must_use]
    pub fn start(session: SessionId, port: u16) -> Self {
        Self { _worker: Worker::start(Role::Announce { session, port }) }
    }
}

/// Looks for a session's host on the local network. Stops when dropped.
#[derive(Debug)]
pub struct Discovery {
    found: mpsc::Receiver<SocketAddr>,
    _worker: Worker,
}

impl Discovery {
    /// Starts to look.
    #[must_use]
    pub fn start(session: SessionId) -> Self {
        let (sender, found) = mpsc::channel(FOUND_MAX);
        Self { found, _worker: Worker::start(Role::Discover { session, found: sender }) }
    }

    /// Returns an address to dial: as soon as it is found, and again every ten seconds while it is announced.
    ///
    /// Cancelling loses nothing.
    pub async fn next(&mut self) -> SocketAddr {
        match self.found.recv().await {
            Some(address) => address,
            // The thread could not be started, which was logged: there is nothing to find.
            None => std::future::pending().await,
        }
    }
}

/// What a worker is for.
enum Role {
    Announce { session: SessionId, port: u16 },
    Discover { session: SessionId, found: mpsc::Sender<SocketAddr> },
}

/// The thread that holds libp2p-mdns.
#[derive(Debug)]
struct Worker {
    // Dropping it is the sign to stop.
    _stop: oneshot::Sender<Infallible>,
}

impl Worker {
    fn start(role: Role) -> Self {
        let (sender, stop) = oneshot::channel();
        let thread = std::thread::Builder::new().name("cahoots-mdns".to_owned()).spawn(move || work(&role, stop));
        if let Err(error) = thread {
            tracing::warn!(%error, "no thread for the local network, nothing will be found there");
        }
        Self { _stop: sender }
    }
}

/// Why a generation ended.
enum Over {
    /// Nobody wants it any more.
    Stopped,
    /// The nonce is an hour old.
    Aged,
    /// Addresses came or went.
    Moved,
    /// More was heard than is worth keeping.
    Flooded,
    /// There is no way to listen now.
    Failed(io::Error),
}

fn work(role: &Role, mut stop: oneshot::Receiver<Infallible>) {
    let mut pause = Duration::ZERO;
    loop {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                return tracing::warn!(%error, "no runtime for the local network, nothing will be found there");
            }
        };
        let over = runtime.block_on(async {
            tokio::select! {
                _ = &mut stop => Over::Stopped,
                over = async {
                    sleep(pause).await;
                    generation(role).await
                } => over,
            }
        });
        // Ends libp2p-mdns' own tasks, which would go on asking and answering.
        drop(runtime);
        pause = match over {
            Over::Stopped => return,
            Over::Aged => Duration::ZERO,
            Over::Moved => SETTLE,
            Over::Flooded => {
                tracing::debug!(RECORDS_MAX, "too many announcements on the local network, starting over");
                PAUSE
            }
            Over::Failed(error) => {
                tracing::debug!(%error, "cannot listen to the local network now");
                PAUSE
            }
        };
    }
}

/// Announces or looks under one nonce, on the network as it is now.
async fn generation(role: &Role) -> Over {
    let network = interfaces();
    let mut radio = match Radio::tune(role, &network) {
        Ok(radio) => radio,
        Err(error) => return Over::Failed(error),
    };
    let mut known = Known::default();
    let (mut looks, mut reminders) = (interval(INTERFACES_EVERY), interval(REMIND_EVERY));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    reminders.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let aged = Instant::now() + Duration::from_micros(NONCE_US_MAX);
    loop {
        tokio::select! {
            event = radio.next() => {
                if radio.records() > RECORDS_MAX {
                    return Over::Flooded;
                }
                if let Role::Discover { session, found } = role {
                    known.handle(event, session).into_iter().for_each(|address| tell(found, address));
                }
            }
            _ = looks.tick() => if interfaces() != network {
                return Over::Moved;
            },
            _ = reminders.tick() => if let Role::Discover { found, .. } = role {
                known.addresses().for_each(|address| tell(found, address));
            },
            () = sleep_until(aged) => return Over::Aged,
        }
    }
}

fn tell(found: &mpsc::Sender<SocketAddr>, address: SocketAddr) {
    // A guest that does not listen now is reminded later.
    let _ = found.try_send(address);
}

/// An interface's address, and whether the interface carries traffic.
type Network = BTreeSet<(IpAddr, bool)>;

fn interfaces() -> Network {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => {
            let reachable = interfaces.iter().filter(|interface| is_reachable(interface.ip()));
            reachable.map(|interface| (interface.ip(), interface.is_oper_up())).collect()
        }
        Err(error) => {
            tracing::debug!(%error, "cannot list the network interfaces");
            Network::new()
        }
    }
}

/// libp2p-mdns on both address families; each instance of it speaks one.
struct Radio {
    families: [Behaviour; 2],
}

impl Radio {
    /// Starts to ask, and to answer if there is something to announce.
    fn tune(role: &Role, network: &Network) -> io::Result<Self> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let (hint, query_interval) = match role {
            Role::Announce { session, .. } => (Hint::new(session, nonce), ANNOUNCE_EVERY),
            // Who only looks has no address to announce, so this is never sent.
            Role::Discover { .. } => (Hint::new(&SessionId([0; 16]), nonce), ASK_EVERY),
        };
        let family = |enable_ipv6| {
            let mut family = Behaviour::new(Config { ttl: TTL, query_interval, enable_ipv6 }, peer_id_of(&hint))?;
            if let Role::Announce { port, .. } = role {
                announce(&mut family, network, *port);
            }
            Ok::<_, io::Error>(family)
        };
        Ok(Self { families: [family(false)?, family(true)?] })
    }

    /// Returns how many records libp2p-mdns keeps now.
    fn records(&self) -> usize {
        self.families.iter().map(|family| family.discovered_nodes().len()).sum()
    }

    async fn next(&mut self) -> Event {
        poll_fn(|cx| {
            for family in &mut self.families {
                while let Poll::Ready(event) = family.poll(cx) {
                    if let ToSwarm::GenerateEvent(event) = event {
                        return Poll::Ready(event);
                    }
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Makes `family` answer with the port on each address; it picks those of the interface that a question came in by.
fn announce(family: &mut Behaviour, network: &Network, port: u16) {
    let listener_id = ListenerId::next();
    for (ip, _) in network {
        let addr = &multiaddr(*ip, port);
        family.on_swarm_event(FromSwarm::NewListenAddr(NewListenAddr { listener_id, addr }));
    }
}

/// An IPv6 link-local address means nothing without the name of an interface, which an announcement cannot carry.
fn is_reachable(ip: IpAddr) -> bool {
    !ip.is_loopback() && !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

fn multiaddr(ip: IpAddr, port: u16) -> Multiaddr {
    Multiaddr::from(ip).with(Protocol::Udp(port)).with(Protocol::QuicV1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs end while they still look: the thread must go with them.
    #[tokio::test]
    async fn dropped_workers_stop() {
        let discovery = Discovery::start(SessionId([7; 16]));
        let Discovery { mut found, _worker } = discovery;
        drop(_worker);
        while found.recv().await.is_some() {}
    }

    /// What one version announces another has to read.
    #[test]
    fn addresses_are_written_as_the_protocol_says() {
        assert_eq!(multiaddr([192, 0, 2, 1].into(), 4_433).to_string(), "/ip4/192.0.2.1/udp/4433/quic-v1");
        assert_eq!(multiaddr("fd00::1".parse().unwrap(), 1).to_string(), "/ip6/fd00::1/udp/1/quic-v1");
    }

    /// Addresses that nobody else can reach are not worth a packet.
    #[test]
    fn only_reachable_addresses_are_announced() {
        let announced = |text: &str| is_reachable(text.parse().unwrap());
        assert!(announced("192.168.1.2") && announced("169.254.3.4") && announced("fd00::1"));
        assert!(!announced("127.0.0.1") && !announced("::1") && !announced("fe80::1"));
    }
}
