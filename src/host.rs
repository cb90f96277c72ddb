//! The host's front door: share terminals, and serve guests on this machine, on the LAN and through a relay.

mod driving;
mod links;
mod pane;
mod reach;
mod terminal;
#[cfg(feature = "web")]
mod web;

use links::Issued;
pub use links::{LinkInfo, SHARE_LASTS, Terms};
pub use pane::Pane;
use reach::{Entrance, Reports, Told};
pub use terminal::{Mirror, Snapshot, Terminal};

use crate::io::channel::Channel;
use crate::io::clock::Clock;
use crate::io::core::{Acceptor, Core};
use crate::io::pty::PtyCommand;
use crate::io::quic::{BindError, Endpoint};
use crate::io::relay_server::Node;
use crate::io::seek::relay_target;
use crate::io::tls::{IdentityError, TrustError};
use crate::proto::limits::TITLE_BYTES_MAX;
use crate::proto::relay::{Hall, HallLimits};
use crate::proto::session::{EditRefused, HostingError, OwnerError, Peer};
use crate::proto::terminal::{Size, sanitise_line};
use crate::proto::token::Relay;
use crate::session::{Connection, RelayReach, Session};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long [`Host::end`] waits for the others to hear of it, and of all that comes before: half a megabyte at most on
/// a link of 1 Mbit/s.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often it looks whether they have.
const POLL: Duration = Duration::from_millis(5);

/// Whether guests on this machine and on the local network find the host without a relay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lan {
    /// They do.
    On,
    /// They do not.
    Off,
}

/// Who knows that a session is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Farewell {
    /// All that there was to tell was told.
    Told,
    /// The relay was out of reach. Guests there see the host fall silent, and the relay forgets the session after a day
    /// without connections.
    RelayUntold,
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

/// Prepares a [`Host`].
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct HostBuilder {
    name: String,
    title: String,
    relay: Option<Relay>,
    lan: Lan,
    port: u16,
    #[cfg(feature = "web")]
    web: Option<web::Place>,
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
            nearby: None,
            tasks: JoinSet::new(),
            port: None,
            #[cfg(feature = "web")]
            browsers: None,
            reach: None,
            told: None,
            issued: Issued::default(),
        };
        host.link_to_own_hall();
        if self.lan == Lan::On {
            host.serve_nearby(self.port)?;
        }
        #[cfg(feature = "web")]
        if let Some(place) = self.web {
            host.serve_browsers(place).await?;
        }
        if let Some(relay) = host.relay.clone() {
            let reach = watch::Sender::new(RelayReach::Dialling);
            host.reach = Some(reach.subscribe());
            let told = watch::Sender::new(Told::Nothing);
            host.told = Some(told.subscribe());
            let reports = Reports { reach, told };
            let (core, endpoint) = (host.session.core.clone(), host.endpoint.clone());
            let acceptor = Acceptor::relay(&relay);
            let link = reach::keep_linked(core, endpoint, acceptor, relay_target(relay)?, reports);
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
    nearby: Option<Entrance>,
    tasks: JoinSet<()>,
    port: Option<u16>,
    #[cfg(feature = "web")]
    browsers: Option<web::Browsers>,
    reach: Option<watch::Receiver<RelayReach>>,
    told: Option<watch::Receiver<Told>>,
    issued: Issued,
}

impl Host {
    /// Starts to describe a host.
    pub fn builder() -> HostBuilder {
        HostBuilder {
            name: String::new(),
            title: String::new(),
            relay: None,
            lan: Lan::On,
            port: 0,
            #[cfg(feature = "web")]
            web: None,
        }
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
        reach::receive(&self.session.core, &self.hall, channel).await;
    }

    /// Ends the session for everybody, and waits until they were told, for 5 s at most.
    pub async fn end(mut self) -> Farewell {
        let core = self.session.core.clone();
        if let Err(error) = core.with(|inner, now| inner.peer.end_session(now)) {
            tracing::debug!(%error, "ending a session that is over");
        }
        let mut told = self.told.take();
        let farewell = async {
            if let Some(told) = &mut told {
                // A relay that has just been lost may be back in a moment, and then hears of it.
                let _ = told.wait_for(|told| *told != Told::Beginning).await;
            }
            while core.read(|inner, _| inner.has_links()) {
                tokio::time::sleep(POLL).await;
            }
            self.hall.wait_empty().await;
            // Written is not delivered: a process that exits now takes the last packets with it.
            #[cfg(feature = "web")]
            if let Some(browsers) = self.browsers.take() {
                browsers.entrance.close().await;
            }
            if let Some(nearby) = self.nearby.take() {
                nearby.close().await;
            }
            self.endpoint.wait_idle().await;
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::debug!("not everybody heard that the session is over");
        }
        self.tasks.shutdown().await;
        let is_untold = told.is_some_and(|told| *told.borrow() == Told::Beginning);
        if is_untold { Farewell::RelayUntold } else { Farewell::Told }
    }
}

pub(crate) fn random() -> Result<[u8; 32], HostError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(HostError::Random)?;
    Ok(bytes)
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
