//! The host's front door: share terminals, and serve guests on this machine, on the LAN and through a relay.

mod driving;
mod terminal;

pub use terminal::{Mirror, Terminal};

use crate::io::channel::Channel;
use crate::io::clock::Clock;
use crate::io::core::{Core, LinkState};
use crate::io::pty::PtyCommand;
use crate::io::quic::{BindError, Endpoint, ListenLimits, Listener, Target};
use crate::io::relay_server::Node;
use crate::io::rendezvous;
use crate::io::retry::Backoff;
use crate::io::seek::relay_target;
use crate::io::tls::{Identity, IdentityError, TrustError};
use crate::proto::id::{PaneId, SessionId, ShareId};
use crate::proto::limits::TITLE_BYTES_MAX;
use crate::proto::relay::{Hall, HallLimits};
use crate::proto::session::{EditRefused, HostingError, OwnerError, Peer, ShareTerms};
use crate::proto::terminal::{Size, sanitise_line};
use crate::proto::token::{Access, Link, Relay};
use crate::session::{Connection, Event, Input, RelayReach, Session};
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

/// How long a link lasts unless said otherwise.
pub const SHARE_LASTS: Duration = Duration::from_secs(24 * 3_600);
/// How long [`Host::end`] waits for the others to hear of it, and of all that comes before: half a megabyte at most on
/// a link of 1 Mbit/s.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often it looks whether they have.
const POLL: Duration = Duration::from_millis(5);
/// Bytes in flight between the host and its own relay, in memory.
const PAIR_BYTES: usize = 262_144;

/// Whether guests on this machine and on the local network find the host without a relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lan {
    /// They do.
    On,
    /// They do not.
    Off,
}

/// Why a host could not start. Each variant says who has to act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// This machine gives no random numbers.
    #[error("no randomness from the operating system: {0}")]
    Random(getrandom::Error),
    /// This machine: the certificate for the LAN could not be made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// This machine: the port for the LAN could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// This machine: it trusts no certificates, and the relay has no fingerprint.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The owner's record was refused.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// The state document refused the change.
    #[error(transparent)]
    Edit(#[from] EditRefused),
    /// The terminal could not be published.
    #[error(transparent)]
    Hosting(#[from] HostingError),
    /// The command could not be started.
    #[error("cannot start {program}: {reason}")]
    Command {
        /// What was to be run.
        program: String,
        /// What the system said.
        reason: std::io::Error,
    },
}

impl HostError {
    /// Returns what the person can do about it; nothing where the message says it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Random(_) => "check the system's random source",
            Self::Identity(error) => error.hint(),
            Self::Bind(error) => error.hint(),
            Self::Trust(error) => error.hint(),
            Self::Command { .. } => "check the command's name, and that it may be run",
            Self::Owner(_) | Self::Edit(_) | Self::Hosting(_) => "",
        }
    }
}

/// What a link allows, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// View, interact or own.
    pub access: Access,
    /// How long it can be joined and used.
    pub lasts: Duration,
    /// How many may be connected by it at one time; `None` leaves it to the session's limit.
    pub members_max: Option<u32>,
}

impl Terms {
    /// Returns the usual terms: 24 hours, any number of people.
    #[must_use]
    pub const fn new(access: Access) -> Self {
        Self { access, lasts: SHARE_LASTS, members_max: None }
    }
}

/// Prepares a [`Host`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct HostBuilder {
    name: String,
    title: String,
    relay: Option<Relay>,
    lan: Lan,
    port: u16,
}

impl HostBuilder {
    /// Sets what the host is called in the list of members.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the session's title, cut at 256 bytes.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Connects through a relay too, so that guests elsewhere can join.
    pub fn relay(mut self, relay: Relay) -> Self {
        self.relay = Some(relay);
        self
    }

    /// Says whether guests nearby find the host directly; they do unless told otherwise.
    pub const fn lan(mut self, lan: Lan) -> Self {
        self.lan = lan;
        self
    }

    /// Sets the UDP port for guests nearby; 0 takes any.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Creates the session and starts to serve it. Returns at once: a relay that cannot be reached is tried again
    /// for as long as the host lives.
    ///
    /// # Errors
    ///
    /// [`HostError`] if this machine cannot do its part.
    pub async fn start(self) -> Result<Host, HostError> {
        let clock = Clock::start();
        let peer = Peer::host(random()?, random()?, clock.now())?;
        let session = Session { core: Core::start(peer, clock, Connection::Searching) };
        session.set_name(&self.name);
        session.set_title(&sanitise_line(&self.title, TITLE_BYTES_MAX))?;
        let hall = Node::start(Hall::new(HallLimits { sessions_max: 1, ..HallLimits::default() }, random()?), clock);
        let mut host = Host {
            session,
            relay: self.relay,
            hall,
            endpoint: Endpoint::new(),
            listening: None,
            tasks: JoinSet::new(),
            port: None,
            reach: None,
        };
        host.link_to_own_hall();
        if self.lan == Lan::On {
            host.serve_nearby(self.port)?;
        }
        if let Some(relay) = host.relay.clone() {
            let reach = watch::Sender::new(RelayReach::Dialling);
            host.reach = Some(reach.subscribe());
            let link = keep_linked(host.session.core.clone(), host.endpoint.clone(), relay_target(relay)?, reach);
            host.tasks.spawn(link);
        }
        Ok(host)
    }
}

/// A session that this process owns and publishes terminals in. Dropping it cuts everybody off without a word;
/// [`end`](Self::end) says goodbye.
pub struct Host {
    session: Session,
    relay: Option<Relay>,
    hall: Node,
    endpoint: Endpoint,
    /// What the listener for guests nearby ends by: it closes once this is dropped.
    listening: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    tasks: JoinSet<()>,
    port: Option<u16>,
    reach: Option<watch::Receiver<RelayReach>>,
}

impl Host {
    /// Starts to describe a host.
    pub fn builder() -> HostBuilder {
        HostBuilder { name: String::new(), title: String::new(), relay: None, lan: Lan::On, port: 0 }
    }

    /// Returns what host and guests have in common: members, chat, state, events.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the UDP port that guests nearby come to, unless that is off.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns how it stands with the relay; `None` if there is none.
    #[must_use]
    pub fn relay_reach(&self) -> Option<RelayReach> {
        self.reach.as_ref().map(|reach| reach.borrow().clone())
    }

    /// Waits until the relay was dialled once, and returns what came of it; `None` at once if there is none.
    pub async fn relay_dialled(&self) -> Option<RelayReach> {
        let mut reach = self.reach.clone()?;
        reach.wait_for(|reach| *reach != RelayReach::Dialling).await.ok().map(|reach| reach.clone())
    }

    /// Issues a link. The link is the secret: whoever has it can join by it.
    ///
    /// # Errors
    ///
    /// [`OwnerError`] if the session has too many links.
    pub fn share(&self, terms: Terms) -> Result<Link, OwnerError> {
        let lasts_ms = u64::try_from(terms.lasts.as_millis()).unwrap_or(u64::MAX);
        let terms = ShareTerms { lasts_ms, members_max: terms.members_max, ..ShareTerms::new(terms.access) };
        let token = self.session.core.with(|inner, now| inner.peer.share(&terms, now))?;
        Ok(Link { token, relay: self.relay.clone() })
    }

    /// Revokes a link: its holders are cut off, and nobody joins by it any more.
    ///
    /// What its holders already have, the key of the present epoch too, they keep: a holder with a friend inside
    /// could go on reading. Changing the key is a matter of a later version.
    ///
    /// # Errors
    ///
    /// [`OwnerError::NoShare`] if the link is not of this session.
    pub fn revoke(&self, share: ShareId) -> Result<(), OwnerError> {
        self.session.core.with(|inner, now| inner.peer.revoke(share, now))
    }

    /// Publishes a terminal whose bytes come from this program.
    ///
    /// # Errors
    ///
    /// [`HostingError`] if all 64 terminals are in use.
    pub fn open_pane(&self, title: &str, command: &str, size: Size) -> Result<Pane, HostingError> {
        let (sender, inputs) = mpsc::unbounded_channel();
        let id = self.session.core.with(|inner, _| {
            let id = inner.peer.open_pane(title, command, size)?;
            inner.inputs.insert(id, sender);
            Ok::<_, HostingError>(id)
        })?;
        Ok(Pane { core: self.session.core.clone(), id, inputs })
    }

    /// Runs a command on a new pseudo-terminal and publishes that.
    ///
    /// # Errors
    ///
    /// [`HostError::Command`] if it cannot be started.
    pub fn run(&self, command: PtyCommand, mirror: Mirror) -> Result<Terminal, HostError> {
        Terminal::start(self, command, mirror)
    }

    /// Serves a guest over a transport of your own. Returns when the guest has gone.
    pub async fn attach(&self, channel: Channel) {
        receive(&self.session.core, &self.hall, channel).await;
    }

    /// Ends the session for everybody, and waits until they were told, for 5 s at most.
    pub async fn end(mut self) {
        let core = self.session.core.clone();
        if let Err(error) = core.with(|inner, now| inner.peer.end_session(now)) {
            tracing::debug!(%error, "ending a session that is over");
        }
        let told = async {
            while core.read(|inner, _| inner.has_links()) {
                tokio::time::sleep(POLL).await;
            }
            self.hall.wait_empty().await;
            // Written is not delivered: a process that exits now takes the last packets with it.
            if let Some((stop, closed)) = self.listening.take() {
                drop(stop);
                let _ = closed.await;
            }
            self.endpoint.wait_idle().await;
        };
        if tokio::time::timeout(FAREWELL, told).await.is_err() {
            tracing::debug!("not everybody heard that the session is over");
        }
        self.tasks.shutdown().await;
    }

    /// Links the host to the relay in its own process, which serves guests nearby.
    fn link_to_own_hall(&mut self) {
        let (mine, theirs) = Channel::pair(PAIR_BYTES);
        let hall = self.hall.clone();
        self.tasks.spawn(async move { hall.serve(theirs).await });
        let core = self.session.core.clone();
        self.tasks.spawn(async move {
            core.run_link(mine, |_, _| {}).await;
        });
    }

    fn serve_nearby(&mut self, port: u16) -> Result<(), HostError> {
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
async fn receive(core: &Core, hall: &Node, channel: Channel) {
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
async fn keep_linked(core: Arc<Core>, endpoint: Endpoint, target: Target, reach: watch::Sender<RelayReach>) {
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
                let code = core.run_link(channel, opened).await;
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

pub(crate) fn random() -> Result<[u8; 32], HostError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(HostError::Random)?;
    Ok(bytes)
}

/// A terminal whose bytes come from the program that embeds the library.
pub struct Pane {
    core: Arc<Core>,
    id: PaneId,
    inputs: mpsc::UnboundedReceiver<Input>,
}

impl Pane {
    /// Returns its number in the session.
    #[must_use]
    pub const fn id(&self) -> PaneId {
        self.id
    }

    /// Publishes output.
    ///
    /// # Errors
    ///
    /// [`HostingError::NoPane`] after [`end`](Self::end).
    pub fn write(&self, bytes: &[u8]) -> Result<(), HostingError> {
        self.core.with(|inner, now| inner.peer.output(self.id, bytes, now))
    }

    /// Waits for what members type; `None` when the session is over. Rights, order and repetition are checked.
    ///
    /// Cancel safe.
    pub async fn next_input(&mut self) -> Option<Input> {
        let input = self.inputs.recv().await?;
        self.core.with(|inner, _| inner.peer.handle_input_read(input.bytes.len()));
        Some(input)
    }

    /// Changes the size.
    ///
    /// # Errors
    ///
    /// [`HostingError::NoPane`] after [`end`](Self::end).
    pub fn resize(&self, size: Size) -> Result<(), HostingError> {
        self.core.with(|inner, now| inner.peer.resize_pane(self.id, size, now))
    }

    /// Ends the terminal with an exit status.
    ///
    /// # Errors
    ///
    /// [`HostingError::NoPane`] if it has ended already.
    pub fn end(&self, code: i32) -> Result<(), HostingError> {
        self.core.with(|inner, now| {
            inner.inputs.remove(&self.id);
            inner.peer.end_pane(self.id, code, now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sh -c` with a script of some pages is a command like any other.
    #[tokio::test]
    async fn long_command_can_be_shared() {
        let script = format!("{}exit 5", "true; ".repeat(2_000));
        let host = Host::builder().title(&script).lan(Lan::Off).start().await.unwrap();
        let args = ["-c".into(), script.into()].to_vec();
        let command = PtyCommand { program: Some("/bin/sh".into()), args, ..PtyCommand::default() };
        let mut terminal = host.run(command, Mirror::Off).unwrap();
        assert_eq!(terminal.wait().await, 5);
        let state = host.session().state();
        let pane = &state.panes[&terminal.pane()];
        assert!(pane.command.starts_with("/bin/sh -c true;") && pane.command.len() <= TITLE_BYTES_MAX);
        assert!(state.title.starts_with("true;") && state.title.len() <= TITLE_BYTES_MAX);
        host.end().await;
    }
}
