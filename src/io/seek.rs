//! Looks for a session until it is found, and again whenever the way to it is lost.

use crate::guest::{JoinError, Looked};
use crate::io::core::{Core, LinkState};
use crate::io::quic::{Endpoint, Target};
use crate::io::retry::Backoff;
use crate::io::tls::{Trust, TrustError};
use crate::proto::wire::CloseCode;
use crate::session::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// What came of looking, so far: it explains why nothing was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    seen: Arc<Mutex<Seen>>,
    news: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Seen {
    refusal: Option<CloseCode>,
    relay_trouble: Option<String>,
}

impl Findings {
    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_waiters();
    }

    pub(crate) fn note_refusal(&self, code: CloseCode) {
        self.note(|seen| seen.refusal = Some(code));
    }

    pub(crate) fn note_relay_trouble(&self, reason: String) {
        self.note(|seen| seen.relay_trouble = Some(reason));
    }
}

impl Findings {
    /// Waits until it is clear that looking on is useless.
    pub(crate) async fn hopeless(&self) {
        loop {
            let news = self.news.notified();
            if self.with(Seen::is_hopeless) {
                return;
            }
            news.await;
        }
    }

    fn with<R>(&self, read: impl FnOnce(&Seen) -> R) -> R {
        read(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts into words why nothing was found.
    pub(crate) fn reason(&self, looked: Looked) -> JoinError {
        self.with(|seen| match (seen.refusal, &seen.relay_trouble, &looked.relay) {
            (Some(CloseCode::ShareUnknown), ..) => JoinError::ShareUnknown,
            (Some(CloseCode::Expired), ..) => JoinError::Expired,
            (Some(CloseCode::ShareClosed), ..) => JoinError::Revoked,
            (Some(CloseCode::Ended), ..) => JoinError::Ended,
            (Some(CloseCode::SessionUnknown), ..) => JoinError::NotFound { looked },
            (Some(code), ..) => JoinError::Refused(code),
            (None, Some(reason), Some(relay)) => {
                JoinError::RelayUnreachable { relay: relay.clone(), reason: reason.clone() }
            }
            (None, ..) => JoinError::NotFound { looked },
        })
    }
}

impl Seen {
    /// A refusal that dialling again cannot change.
    fn is_hopeless(&self) -> bool {
        self.refusal.is_some_and(|code| !code.is_passing())
    }
}

/// Looks everywhere it may, and keeps the best way linked.
pub(crate) struct Seeker {
    core: Arc<Core>,
    relay: Option<Target>,
    nearby: bool,
    findings: Findings,
    endpoint: Endpoint,
}

impl Seeker {
    pub(crate) fn new(core: Arc<Core>, looked: Looked, findings: Findings) -> Result<Self, TrustError> {
        let target = |relay: crate::proto::token::Relay| {
            let trust = relay.fingerprint.map_or_else(Trust::system, |pinned| Ok(Trust::fingerprint(pinned)))?;
            Ok::<_, TrustError>(Target::relay(relay.host, relay.port, trust))
        };
        let relay = looked.relay.map(target).transpose()?;
        Ok(Self { core, relay, nearby: looked.nearby, findings, endpoint: Endpoint::new() })
    }

    pub(crate) async fn run(self) {
        let Some(target) = &self.relay else { return std::future::pending().await };
        let mut backoff = Backoff::new();
        while self.core.read(|inner, _| inner.peer.ended().is_none()) {
            self.core.note_search(Connection::Connecting);
            match self.endpoint.dial(target).await {
                Ok(channel) => {
                    let mut follow = None;
                    let code = self.core.run_link(channel, |_, state| follow = Some(state)).await;
                    self.findings.note_refusal(code);
                    if follow.is_some_and(|state| *state.borrow() == LinkState::Ready) {
                        backoff.reset();
                    }
                }
                Err(error) => self.findings.note_relay_trouble(error.to_string()),
            }
            backoff.wait().await;
        }
    }
}
