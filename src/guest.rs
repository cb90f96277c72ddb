//! The guest's front door: join a session by a link, watch and type.

use crate::host::{Lan, Terms};
use crate::io::channel::Channel;
use crate::io::clock::Clock;
use crate::io::core::{Acceptor, Core};
use crate::io::quic::Endpoint;
use crate::io::seek::{Findings, Seeker};
use crate::passphrase::Passphrase;
use crate::proto::id::PaneId;
use crate::proto::key::ShareSecret;
use crate::proto::session::{PassOnError, Peer, TypeError};
use crate::proto::share::ShareFlags;
use crate::proto::token::{Link, Relay, Token};
use crate::proto::wire::CloseCode;
use crate::session::{Connection, Ending, Session};
use crate::view::View;
use std::fmt;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long to look for a session unless said otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long [`Guest::leave`] waits for its goodbye to go out.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why nobody was joined. Each variant says who has to act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The host is not there, or not reachable from here.
    #[error("session not found: looked {looked}")]
    NotFound {
        /// Where was looked.
        looked: Looked,
    },
    /// The relay does not answer, and the host is not nearby.
    #[error("relay {}:{} is unreachable: {reason}", relay.host, relay.port)]
    RelayUnreachable {
        /// The relay.
        relay: Relay,
        /// What came of dialling it.
        reason: String,
    },
    /// Whoever answers is not the relay that the link means; nothing was told to it.
    #[error("relay {}:{} cannot be trusted: {reason}", relay.host, relay.port)]
    RelayUntrusted {
        /// The relay.
        relay: Relay,
        /// What is wrong with its certificate.
        reason: String,
    },
    /// The link's time is up; the owner has to give another.
    #[error("the link has expired")]
    Expired,
    /// The owner closed the link.
    #[error("the link was revoked")]
    Revoked,
    /// The owner ended the session.
    #[error("the session has ended")]
    Ended,
    /// Others are in by this link, and it has no room for more.
    #[error("as many people are in by this link as it allows")]
    Full,
    /// The session exists, but never had this link.
    #[error("this link was never issued for its session")]
    ShareUnknown,
    /// The link asks for a passphrase besides, and there was none.
    #[error("this link needs a passphrase")]
    PassphraseNeeded,
    /// The session knows no link with this passphrase. It cannot tell which of the two is wrong.
    #[error("the passphrase is wrong or the link is no longer known")]
    PassphraseWrong,
    /// The owner removed this member, or closed its link to it alone.
    #[error("the owner removed you from the session")]
    Kicked,
    /// The owner looked and did not let this side in.
    #[error("the owner did not let you in")]
    TurnedAway,
    /// The other side refused.
    #[error("refused: {0}")]
    Refused(CloseCode),
    /// This machine gives no random numbers, or trusts no certificates.
    #[error("this machine cannot join: {0}")]
    Machine(String),
}

impl JoinError {
    /// Says why there is nothing to join, of a session that is over for this side.
    const fn of(ending: Ending) -> Self {
        match ending {
            Ending::Expired => Self::Expired,
            Ending::Revoked => Self::Revoked,
            Ending::Kicked => Self::Kicked,
            Ending::TurnedAway => Self::TurnedAway,
            _ => Self::Ended,
        }
    }

    /// Returns what the person can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotFound { looked: Looked { relay: None, .. } } => {
                "is `cahoots share` still running? without a relay both must be on one machine or one network"
            }
            Self::NotFound { .. } => {
                "is `cahoots share` still running? ask the owner for a new link if it was restarted"
            }
            Self::RelayUnreachable { .. } => "check the network, and whether udp to the relay's port is let through",
            Self::RelayUntrusted { .. } => {
                "copy the link again, whole, with its fp=; if it is right, somebody may sit in between: ask the owner"
            }
            Self::Expired | Self::Revoked => "ask the owner for a new link",
            Self::Ended => "ask the owner to share again",
            Self::Full => "try again when somebody has left, or ask the owner for another link",
            Self::ShareUnknown => "copy the link again, whole; if it is right, ask the owner for a new one",
            Self::PassphraseNeeded => "ask the owner for the passphrase; it came by another way than the link",
            Self::PassphraseWrong => {
                "type the passphrase again, after several tries in a minute; if it is right, ask the owner for a new link"
            }
            Self::Kicked | Self::TurnedAway => "ask the owner",
            Self::Refused(CloseCode::Busy | CloseCode::GoingAway | CloseCode::TooFast) => "try again in a minute",
            Self::Refused(CloseCode::Version) => "update cahoots on both sides",
            Self::Refused(_) => "ask the owner for a new link",
            Self::Machine(_) => "check the system's random source and certificates",
        }
    }
}

/// Where a guest has looked for its session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Looked {
    /// Whether on this machine and the local network.
    pub nearby: bool,
    /// At which relay.
    pub relay: Option<Relay>,
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.relay, self.nearby) {
            (Some(relay), true) => {
                write!(f, "at relay {}:{}, on this machine and on the local network", relay.host, relay.port)
            }
            (Some(relay), false) => write!(f, "at relay {}:{}", relay.host, relay.port),
            (None, true) => f.write_str("on this machine and on the local network"),
            (None, false) => f.write_str("nowhere: the link names no relay, and looking nearby is off"),
        }
    }
}

/// Prepares a [`Guest`].
#[derive(Debug)]
#[must_use = "nothing happens before `start`"]
pub struct GuestBuilder {
    link: Link,
    passphrase: Option<Passphrase>,
    name: String,
    lan: Lan,
    channel: Option<Channel>,
    patience: Duration,
    watched: Vec<PaneId>,
}

impl GuestBuilder {
    /// Sets what the guest is called in the list of members.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Gives the passphrase that the link needs beside it; a link without one does not look at it.
    pub fn passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// Says whether to look on this machine and on the local network; it does unless told otherwise.
    pub const fn lan(mut self, lan: Lan) -> Self {
        self.lan = lan;
        self
    }

    /// Uses a transport of one's own instead of looking for the host. When it ends, so does the session.
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Watches a terminal from the first contact on: its screen comes a round trip sooner than by [`Guest::watch`], and
    /// whoever sees this guest join knows that it sees the screen.
    pub fn watch(mut self, pane: PaneId) -> Self {
        self.watched.push(pane);
        self
    }

    /// Sets how long to look before giving up; 10 s unless said otherwise. Once joined, a guest never gives up.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Joins. Returns once the session is there, with its members and the way to it.
    ///
    /// By a link whose members are let in one by one it returns when the owner has been asked:
    /// [`Guest::let_in`] waits for the answer.
    ///
    /// # Errors
    ///
    /// [`JoinError`], with what to do in [`JoinError::hint`].
    pub async fn start(self) -> Result<Guest, JoinError> {
        let flags = self.link.token.flags;
        let secret = derive_secret(&self.link.token, self.passphrase).await?;
        let relay = self.link.relay.clone().filter(|_| !self.link.token.is_lan_only());
        if self.channel.is_none() && self.lan == Lan::Off && relay.is_none() {
            return Err(JoinError::NotFound { looked: Looked { nearby: false, relay } });
        }
        let seed = crate::host::random().map_err(|error| JoinError::Machine(error.to_string()))?;
        let peer = Peer::guest(secret, seed);
        let session = Session { core: Core::start(peer, Clock::start(), Connection::Searching) };
        session.set_name(&self.name);
        // Kept by the session, for `Guest::watch` to find.
        self.watched.iter().for_each(|pane| drop(View::open(session.core.clone(), *pane)));
        let mut tasks = JoinSet::new();
        let endpoint = Endpoint::new();
        let looked = Looked { nearby: self.lan == Lan::On, relay };
        let core = session.core.clone();
        let is_guess = flags.contains(ShareFlags::PASSPHRASE);
        let findings = if is_guess { Findings::of_guess() } else { Findings::default() };
        match self.channel {
            Some(channel) => {
                let findings = findings.clone();
                tasks.spawn(async move {
                    let acceptor = Acceptor::channel(&channel);
                    let code = core.run_link(channel, acceptor, |_, _| {}).await;
                    findings.note_last_refusal(code);
                    core.note_search(Connection::Closed);
                });
            }
            None => {
                let seeker = Seeker::new(core, endpoint.clone(), looked.clone(), findings.clone())
                    .map_err(|error| JoinError::Machine(error.to_string()))?;
                tasks.spawn(seeker.run());
            }
        }
        let guest = Guest { session, relay: self.link.relay.clone(), endpoint, tasks };
        let joined = guest.joined(self.patience, &findings, looked).await;
        joined.map_err(|error| match error {
            // Since the words decide which link it is, nobody can tell a wrong word from a strange link.
            JoinError::ShareUnknown if flags.contains(ShareFlags::PASSPHRASE) => JoinError::PassphraseWrong,
            error => error,
        })?;
        Ok(guest)
    }
}

async fn derive_secret(token: &Token, passphrase: Option<Passphrase>) -> Result<ShareSecret, JoinError> {
    let hash = match passphrase {
        Some(passphrase) if token.needs_passphrase() => Some(passphrase.hash(token.clone()).await),
        _ => None,
    };
    token.secret_with(hash.as_ref()).map_err(|_| JoinError::PassphraseNeeded)
}

/// A session that this process has joined. Dropping it leaves without a word.
pub struct Guest {
    session: Session,
    /// Where those meet who join by a link that this side passes on.
    relay: Option<Relay>,
    endpoint: Endpoint,
    tasks: JoinSet<()>,
}

impl Guest {
    /// Starts to describe a guest.
    pub fn builder(link: Link) -> GuestBuilder {
        GuestBuilder {
            link,
            passphrase: None,
            name: String::new(),
            lan: Lan::On,
            channel: None,
            patience: PATIENCE,
            watched: Vec::new(),
        }
    }

    /// Returns what host and guests have in common: members, chat, state, events.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Starts to watch a terminal, which need not exist yet.
    #[must_use]
    pub fn watch(&self, pane: PaneId) -> View {
        View::open(self.session.core.clone(), pane)
    }

    /// Types into a terminal. What the host has not confirmed is sent again on every new way; it is applied once.
    ///
    /// # Errors
    ///
    /// [`TypeError`] at once where the link has no right to type; nothing was sent then.
    pub fn type_bytes(&self, pane: PaneId, bytes: &[u8]) -> Result<(), TypeError> {
        self.session.core.with(|inner, _| inner.peer.type_bytes(pane, bytes))
    }

    /// Returns how many typed bytes the host has not confirmed yet.
    #[must_use]
    pub fn unconfirmed_bytes(&self) -> usize {
        self.session.core.read(|inner, _| inner.peer.unconfirmed_bytes())
    }

    /// Waits until the owner has let this side in; returns at once where nobody is asked.
    ///
    /// # Errors
    ///
    /// [`JoinError::TurnedAway`] if the owner said no, or why else the session was over before the answer.
    pub async fn let_in(&self) -> Result<(), JoinError> {
        let mut events = self.session.events();
        let mut ended = self.session.core.ended();
        loop {
            if let Some(ending) = *ended.borrow() {
                return Err(JoinError::of(ending));
            }
            if !self.session.core.read(|inner, _| inner.is_waiting()) {
                return Ok(());
            }
            tokio::select! {
                _ = events.next() => {}
                _ = ended.changed() => {}
            }
        }
    }

    /// Makes a narrower link out of the one that this side came by: for fewer rights or a shorter time, and not for
    /// longer than that one. It needs no network, and works for others once this side has been connected after it.
    ///
    /// # Errors
    ///
    /// [`PassOnError`] if the own link may not be passed on, or the terms are wider than its own.
    pub fn pass_on(&self, terms: Terms) -> Result<Link, PassOnError> {
        let (terms, _) = terms.into_certified();
        let token = self.session.core.with(|inner, now| inner.peer.pass_on(&terms, now))?;
        Ok(Link { token, relay: self.relay.clone() })
    }

    /// Makes a narrower link that needs a passphrase beside it; see [`pass_on`](Self::pass_on).
    ///
    /// Takes a good part of a second, on a thread of its own.
    ///
    /// # Errors
    ///
    /// As [`pass_on`](Self::pass_on).
    pub async fn pass_on_with_passphrase(&self, terms: Terms, passphrase: Passphrase) -> Result<Link, PassOnError> {
        let core = &self.session.core;
        let (session, seed) = core.with(|inner, _| (inner.peer.session(), inner.peer.draw_share_seed()));
        let hash = passphrase.hash(Token::new(terms.access, &session, seed, ShareFlags::PASSPHRASE)).await;
        let (terms, _) = terms.into_certified();
        let token = core.with(|inner, now| inner.peer.pass_on_with(&terms, seed, Some(&hash), now))?;
        Ok(Link { token, relay: self.relay.clone() })
    }

    /// Asks to drive a terminal; the host, or who drives it, decides. [`Session::state`] says who drives.
    ///
    /// # Errors
    ///
    /// [`TypeError`] where the link has no right to type.
    pub fn ask_to_drive(&self, pane: PaneId) -> Result<(), TypeError> {
        self.session.core.with(|inner, now| inner.peer.ask_to_drive(pane, now))
    }

    /// Gives a terminal back to who waits for it, or waits for it no longer.
    ///
    /// # Errors
    ///
    /// As [`ask_to_drive`](Self::ask_to_drive).
    pub fn stop_driving(&self, pane: PaneId) -> Result<(), TypeError> {
        self.session.core.with(|inner, now| inner.peer.stop_driving(pane, now))
    }

    /// Leaves: says goodbye, waits until that is sent, for 1 s at most.
    pub async fn leave(mut self) {
        let core = self.session.core.clone();
        core.with(|inner, now| inner.peer.leave(now));
        let sent = async {
            while core.read(|inner, _| inner.has_links()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // Written is not delivered: a process that exits now takes the last packets with it.
            self.endpoint.wait_idle().await;
        };
        // Whoever is not reached sees the silence.
        let _ = tokio::time::timeout(FAREWELL, sent).await;
        self.tasks.shutdown().await;
    }

    /// Waits for the first way to the session, or for the reason why there is none.
    async fn joined(&self, patience: Duration, findings: &Findings, looked: Looked) -> Result<(), JoinError> {
        let core = &self.session.core;
        let mut events = self.session.events();
        let mut ended = core.ended();
        let wait = async {
            loop {
                if let Some(ending) = *ended.borrow() {
                    return Err(JoinError::of(ending));
                }
                if core.read(|inner, _| inner.peer.is_linked() || inner.is_waiting()) {
                    return Ok(());
                }
                tokio::select! {
                    _ = events.next() => {}
                    _ = ended.changed() => {}
                    () = findings.hopeless() => return Err(findings.reason(looked.clone())),
                }
            }
        };
        tokio::time::timeout(patience, wait).await.unwrap_or_else(|_| Err(findings.reason(looked.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::id::SessionId;
    use crate::proto::token::Access;

    fn link(flags: ShareFlags) -> Link {
        let relay = Relay::parse("127.0.0.1:9").unwrap();
        Link { token: Token::new(Access::View, &SessionId([7; 16]), [1; 16], flags), relay: Some(relay) }
    }

    /// Without its passphrase the token leads to another share: looking for that would end in a wrong explanation.
    #[tokio::test]
    async fn link_with_a_passphrase_is_refused_at_once() {
        let builder = Guest::builder(link(ShareFlags::PASSPHRASE.union(ShareFlags::PUBLIC)));
        let error = builder.start().await.err().unwrap();
        assert!(matches!(error, JoinError::PassphraseNeeded), "{error}");
    }

    /// Who marks a link as one for the network does not want a relay to hear of it, whatever else the link says.
    #[tokio::test(start_paused = true)]
    async fn link_for_the_network_alone_asks_no_relay() {
        let builder = Guest::builder(link(ShareFlags::LAN_ONLY)).lan(Lan::Off);
        let error = builder.start().await.err().unwrap();
        assert!(matches!(error, JoinError::NotFound { looked: Looked { relay: None, .. } }), "{error}");
    }
}
