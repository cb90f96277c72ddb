//! The ways to a host: its own hall for guests nearby, and the relay for the others.

use super::{FAREWELL, Host, HostError, POLL};
use crate::io::channel::{Accept, Channel};
use crate::io::core::{Acceptor, Core, LinkState};
use crate::io::quic::{Endpoint, ListenLimits, Listener, Target};
use crate::io::relay_server::Node;
use crate::io::rendezvous;
use crate::io::retry::Backoff;
use crate::io::tls::Identity;
use crate::proto::id::SessionId;
use crate::proto::wire::CloseCode;
use crate::session::{Event, RelayReach};
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Bytes in flight between the host and its own relay, in memory.
const PAIR_BYTES: usize = 262_144;

impl Host {
    /// Links the host to the relay in its own process, which serves guests nearby.
    pub(super) fn link_to_own_hall(&mut self) {
        let (mine, theirs) = Channel::pair(PAIR_BYTES);
        let hall = self.hall.clone();
        self.tasks.spawn(async move { hall.serve(theirs).await });
        let core = self.session.core.clone();
        self.tasks.spawn(async move {
            core.run_link(mine, Acceptor::own_hall(), |_, _| {}).await;
        });
    }

    pub(super) fn serve_nearby(&mut self, port: u16) -> Result<(), HostError> {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let listener = Listener::bind(&[any], &Identity::generate()?, ListenLimits::default())?;
        let port = listener.local_port();
        self.port = Some(port);
        self.nearby = Some(Entrance::open(self, listener));
        self.tasks.spawn(announce(self.session.id(), port));
        Ok(())
    }
}

/// A way in for guests, for as long as this lives.
pub(super) struct Entrance {
    stop: oneshot::Sender<()>,
    closed: JoinHandle<()>,
}

impl Entrance {
    /// Serves who comes by `door` in the host's own hall.
    pub(super) fn open(host: &Host, mut door: impl Accept) -> Self {
        let (core, hall) = (host.session.core.clone(), host.hall.clone());
        let (stop, mut stopped) = oneshot::channel::<()>();
        let closed = tokio::spawn(async move {
            let mut guests = JoinSet::new();
            loop {
                tokio::select! {
                    channel = door.accept() => {
                        let Some(channel) = channel else { return };
                        let (core, hall) = (core.clone(), hall.clone());
                        guests.spawn(async move { receive(&core, &hall, channel).await });
                    }
                    Some(_) = guests.join_next() => {}
                    _ = &mut stopped => break,
                }
            }
            guests.shutdown().await;
            door.close().await;
        });
        Self { stop, closed }
    }

    /// Takes no more guests, and waits until the others have heard all that there is to tell.
    pub(super) async fn close(self) {
        drop(self.stop);
        let _ = self.closed.await;
    }
}

/// Serves a guest in the host's own hall, once that knows the guest's link: it may have been issued a moment ago.
pub(super) async fn receive(core: &Core, hall: &Node, channel: Channel) {
    let (session, records) = core.read(|inner, _| (inner.peer.session(), inner.peer.log().next_seq()));
    let told = async {
        while hall.records(&session) < records {
            tokio::time::sleep(POLL).await;
        }
    };
    // The hall refuses whom it does not know.
    let _ = tokio::time::timeout(FAREWELL, told).await;
    hall.serve(channel).await;
}

/// Lets guests on this machine and on the LAN find the port, until it is dropped.
async fn announce(session: SessionId, port: u16) {
    let notice = rendezvous::Notice::post(&session, port);
    if let Err(error) = &notice {
        tracing::warn!(%error, "guests on this machine will not find the session by its token alone");
    }
    #[cfg(feature = "lan")]
    let _announcer = crate::io::lan::Announcer::start(session, port);
    std::future::pending::<()>().await;
}

/// What a relay has been told of a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Told {
    /// Nothing: it was never reached.
    Nothing,
    /// That it has begun.
    Beginning,
    /// That it is over.
    End,
}

/// What goes out about the way to a relay.
pub(super) struct Reports {
    pub(super) reach: watch::Sender<RelayReach>,
    pub(super) told: watch::Sender<Told>,
}

impl Reports {
    /// Notes what became of a link as soon as its handshake is over.
    async fn note_settled(&self, core: &Core, mut state: watch::Receiver<LinkState>) {
        let settled = state.wait_for(|state| *state != LinkState::Connecting).await;
        if settled.is_ok_and(|state| *state == LinkState::Ready) {
            self.told.send_replace(Told::Beginning);
            note_reach(core, &self.reach, RelayReach::Linked);
        }
    }
}

/// Keeps a link to a relay for as long as the session lasts, and until the relay knows that it is over.
pub(super) async fn keep_linked(
    core: Arc<Core>,
    endpoint: Endpoint,
    acceptor: Acceptor,
    target: Target,
    reports: Reports,
) {
    let (reports, mut ended) = (Arc::new(reports), core.ended());
    let mut backoff = Backoff::new();
    while ended.borrow().is_none() || *reports.told.borrow() == Told::Beginning {
        let trouble = match endpoint.dial(&target).await {
            Ok(channel) => {
                let (settling, teller) = (reports.clone(), core.clone());
                let opened = |_, state: watch::Receiver<LinkState>| {
                    tokio::spawn(async move { settling.note_settled(&teller, state).await });
                };
                let code = core.run_link(channel, acceptor, opened).await;
                if *reports.reach.borrow() == RelayReach::Linked {
                    backoff.reset();
                }
                if ended.borrow().is_some() && code == CloseCode::Ended {
                    reports.told.send_replace(Told::End);
                    return;
                }
                code.to_string()
            }
            Err(error) => error.to_string(),
        };
        if ended.borrow().is_none() {
            note_reach(&core, &reports.reach, RelayReach::Unreachable { reason: trouble });
        }
        // Whoever goes has no time to lose.
        tokio::select! {
            () = backoff.wait() => {}
            _ = ended.changed() => backoff.reset(),
        }
    }
}

fn note_reach(core: &Core, reach: &watch::Sender<RelayReach>, next: RelayReach) {
    if reach.send_if_modified(|now| std::mem::replace(now, next.clone()) != next) {
        tracing::info!(reach = ?next, "relay");
        core.tell(Event::Relay(next));
    }
}
