//! The ways to a host: its own hall for guests nearby, and the relay for the others.

use super::{FAREWELL, Host, HostError, POLL};
use crate::io::channel::Channel;
use crate::io::core::{Acceptor, Core, LinkState};
use crate::io::quic::{Endpoint, ListenLimits, Listener, Target};
use crate::io::relay_server::Node;
use crate::io::rendezvous;
use crate::io::retry::Backoff;
use crate::io::tls::Identity;
use crate::proto::id::SessionId;
use crate::session::{Event, RelayReach};
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

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
        let mut listener = Listener::bind(&[any], &Identity::generate()?, ListenLimits::default())?;
        let port = listener.local_port();
        self.port = Some(port);
        let (core, hall) = (self.session.core.clone(), self.hall.clone());
        let (stop, mut stopped) = oneshot::channel::<()>();
        let closed = tokio::spawn(async move {
            let mut guests = JoinSet::new();
            loop {
                tokio::select! {
                    channel = listener.accept() => {
                        let Some(channel) = channel else { return };
                        let (core, hall) = (core.clone(), hall.clone());
                        guests.spawn(async move { receive(&core, &hall, channel).await });
                    }
                    Some(_) = guests.join_next() => {}
                    _ = &mut stopped => break,
                }
            }
            guests.shutdown().await;
            listener.close().await;
        });
        self.listening = Some((stop, closed));
        self.tasks.spawn(announce(self.session.id(), port));
        Ok(())
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

/// Keeps a link to a relay for as long as the session lasts.
pub(super) async fn keep_linked(
    core: Arc<Core>,
    endpoint: Endpoint,
    acceptor: Acceptor,
    target: Target,
    reach: watch::Sender<RelayReach>,
) {
    let mut backoff = Backoff::new();
    while core.read(|inner, _| inner.peer.ended().is_none()) {
        match endpoint.dial(&target).await {
            Ok(channel) => {
                let linked = reach.clone();
                let teller = core.clone();
                let opened = |_, mut state: watch::Receiver<LinkState>| {
                    tokio::spawn(async move {
                        let settled = state.wait_for(|state| *state != LinkState::Connecting).await;
                        if settled.is_ok_and(|state| *state == LinkState::Ready) {
                            note_reach(&teller, &linked, RelayReach::Linked);
                        }
                    });
                };
                let code = core.run_link(channel, acceptor, opened).await;
                if *reach.borrow() == RelayReach::Linked {
                    backoff.reset();
                }
                note_reach(&core, &reach, RelayReach::Unreachable { reason: code.to_string() });
            }
            Err(error) => note_reach(&core, &reach, RelayReach::Unreachable { reason: error.to_string() }),
        }
        backoff.wait().await;
    }
}

fn note_reach(core: &Core, reach: &watch::Sender<RelayReach>, next: RelayReach) {
    if reach.send_if_modified(|now| std::mem::replace(now, next.clone()) != next) {
        tracing::info!(reach = ?next, "relay");
        core.tell(Event::Relay(next));
    }
}
