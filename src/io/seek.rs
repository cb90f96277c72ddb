//! Looks for a session until it is found, and again whenever the way to it is lost.
//!
//! notices, mDNS, the relay's address --`Paths` decides--> dials --> links of the core

use crate::guest::{JoinError, Looked};
use crate::io::core::{Acceptor, Core, LinkState};
use crate::io::quic::{DialError, Endpoint, Target};
use crate::io::rendezvous;
use crate::io::tls::{Trust, TrustError};
use crate::proto::id::SessionId;
use crate::proto::path::{Candidate, Paths, Ways};
use crate::proto::session::LinkId;
use crate::proto::token::Relay;
use crate::proto::wire::CloseCode;
use crate::session::Connection;
use std::collections::BTreeMap;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How long the host may take to be found nearby before a relay's no counts as the answer.
const LOOK_AROUND: Duration = Duration::from_secs(3);
/// How long a relay that could not be reached is tried again before people are told.
const RELAY_PATIENCE: Duration = Duration::from_secs(10);
/// How often to look whether the machine slept.
const PULSE: Duration = Duration::from_secs(1);
/// Addresses found that may wait to be looked at.
const FINDS_MAX: usize = 16;

/// How often a relay may say that it does not know the link before that counts: the host may be about to tell it of one
/// that was issued a moment ago, and a relay takes only a few tries from one network (PROTOCOL.md 17).
const UNKNOWN_MAX: u32 = 2;

/// What came of looking, so far: it explains why nothing was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    seen: Arc<Mutex<Seen>>,
    news: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Seen {
    refusal: Option<CloseCode>,
    /// Somebody on the network said so: it may not be the host.
    is_hearsay: bool,
    /// How often the link was not known, and how often counts.
    unknown: u32,
    unknown_max: Option<u32>,
    relay_trouble: Option<Trouble>,
    /// When something was in the way first that may pass.
    troubled_since: Option<Instant>,
    looked_around: bool,
    /// Since then there was time enough for it to pass.
    waited: bool,
}

/// Why the relay was not reached.
#[derive(Clone, Debug)]
struct Trouble {
    reason: String,
    trust: Trusted,
}

/// Whether whoever answered was found to be somebody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trusted {
    Unknown,
    No,
}

impl Trouble {
    fn of(error: &DialError) -> Self {
        let is_impostor = matches!(error, DialError::Fingerprint { .. } | DialError::Untrusted { .. });
        Self { reason: error.to_string(), trust: if is_impostor { Trusted::No } else { Trusted::Unknown } }
    }
}

impl Findings {
    /// For a link whose passphrase may be wrong: one no counts, so that the next words can be tried at once.
    pub(crate) fn of_guess() -> Self {
        let seen = Seen { unknown_max: Some(1), ..Seen::default() };
        Self { seen: Arc::new(Mutex::new(seen)), ..Self::default() }
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_waiters();
    }

    pub(crate) fn note_refusal(&self, code: CloseCode) {
        self.note(|seen| {
            (seen.refusal, seen.is_hearsay) = (Some(code), false);
            seen.unknown += u32::from(code == CloseCode::ShareUnknown);
            seen.troubled_since.get_or_insert_with(Instant::now);
        });
    }

    fn note_trouble(&self, trouble: Trouble) {
        self.note(|seen| {
            seen.relay_trouble = Some(trouble);
            seen.troubled_since.get_or_insert_with(Instant::now);
        });
    }

    /// Notes that time has passed.
    fn note_time(&self) {
        let has_waited = |seen: &Seen| seen.troubled_since.is_some_and(|since| since.elapsed() >= RELAY_PATIENCE);
        if self.with(|seen| !seen.waited && has_waited(seen)) {
            self.note(|seen| seen.waited = true);
        }
    }

    fn note_hearsay(&self, code: CloseCode) {
        self.note(|seen| (seen.refusal, seen.is_hearsay) = (Some(code), true));
    }

    /// Notes the end of the only way there is.
    pub(crate) fn note_last_refusal(&self, code: CloseCode) {
        self.note(|seen| (seen.refusal, seen.looked_around, seen.waited) = (Some(code), true, true));
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
            // Before READY a relay has no other limit than the share's to name.
            (Some(CloseCode::Limit), ..) => JoinError::Full,
            (Some(CloseCode::SessionUnknown), ..) => JoinError::NotFound { looked },
            (Some(code), ..) => JoinError::Refused(code),
            (None, Some(Trouble { reason, trust }), Some(relay)) => {
                let (relay, reason) = (relay.clone(), reason.clone());
                match trust {
                    Trusted::No => JoinError::RelayUntrusted { relay, reason },
                    Trusted::Unknown => JoinError::RelayUnreachable { relay, reason },
                }
            }
            (None, ..) => JoinError::NotFound { looked },
        })
    }
}

impl Seen {
    /// Nothing that could still come would change the answer.
    fn is_hopeless(&self) -> bool {
        let is_final = self.refusal.is_some_and(|code| match code {
            CloseCode::ShareUnknown => self.unknown >= self.unknown_max.unwrap_or(UNKNOWN_MAX),
            _ => !code.is_passing(),
        });
        let has_failed = self.refusal.is_some() || self.relay_trouble.is_some();
        // What may be over in a moment, as when the relay or this side's network starts anew, is given that moment.
        let may_pass = match (self.refusal, &self.relay_trouble) {
            (Some(code), _) => matches!(code, CloseCode::Busy | CloseCode::GoingAway | CloseCode::TooSlow),
            (None, Some(trouble)) => trouble.trust == Trusted::Unknown,
            (None, None) => false,
        };
        is_final && !self.is_hearsay || has_failed && self.looked_around && (self.waited || !may_pass)
    }
}

/// Looks everywhere it may, and keeps the best way linked, for as long as the session lasts.
pub(crate) struct Seeker {
    core: Arc<Core>,
    relay: Option<(Acceptor, Target)>,
    ways: Ways,
    findings: Findings,
    endpoint: Endpoint,
    /// Direct ways lead to one host, which seats a member once: their handshakes go one after the other.
    door: Arc<Semaphore>,
    attempts: BTreeMap<Candidate, Attempt>,
    dialled: u64,
}

/// One way that is being dialled or in use.
struct Attempt {
    number: u64,
    task: AbortHandle,
    link: Option<LinkId>,
}

/// What an attempt has to say.
enum Outcome {
    Up(LinkId),
    /// The dial failed.
    Failed(Trouble),
    /// There was a link; it is over.
    Over(CloseCode),
}

/// Who says it: a later attempt at the same candidate is another one.
type Report = (Candidate, u64, Outcome);

impl Seeker {
    pub(crate) fn new(
        core: Arc<Core>,
        endpoint: Endpoint,
        looked: Looked,
        findings: Findings,
    ) -> Result<Self, TrustError> {
        let ways = match (looked.nearby, looked.relay.is_some()) {
            (true, true) => Ways::Both,
            (true, false) => Ways::Nearby,
            (false, _) => Ways::Relay,
        };
        let relay = looked.relay.map(|relay| Ok((Acceptor::relay(&relay), relay_target(relay)?))).transpose()?;
        Ok(Self {
            core,
            relay,
            ways,
            findings,
            endpoint,
            door: Arc::new(Semaphore::new(1)),
            attempts: BTreeMap::new(),
            dialled: 0,
        })
    }

    pub(crate) async fn run(mut self) {
        let clock = self.core.clock;
        let seed = crate::host::random().map_or(0, |[a, b, c, d, ..]| u64::from(u32::from_le_bytes([a, b, c, d])));
        let mut paths = Paths::new(self.ways, seed, clock.now().mono);
        let (reporter, mut reports) = mpsc::unbounded_channel();
        let mut finds = look_around(self.core.read(|inner, _| inner.peer.session()), self.ways);
        let mut looked_around = pin!(tokio::time::sleep(LOOK_AROUND));
        let mut pulse = tokio::time::interval(PULSE);
        let mut beat = Instant::now();
        loop {
            while let Some(candidate) = paths.poll_drop() {
                self.drop_attempt(candidate);
            }
            while let Some(candidate) = paths.poll_dial(clock.now().mono) {
                self.dial(candidate, &reporter);
            }
            let searching = if self.attempts.is_empty() { Connection::Searching } else { Connection::Connecting };
            self.core.note_search(searching);
            let due = paths.poll_timeout().map(|when| clock.at(when));
            let timer = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                Some(candidate) = finds.recv() => paths.handle_found(candidate, clock.now().mono),
                Some(report) = reports.recv() => self.handle_report(report, &mut paths),
                () = timer => {}
                () = &mut looked_around, if !looked_around.is_elapsed() => {
                    self.findings.note(|seen| seen.looked_around = true);
                }
                _ = pulse.tick() => {
                    self.findings.note_time();
                    // A pulse that comes late means that the machine slept, or this process did.
                    if beat.elapsed() > PULSE * 3 {
                        paths.handle_wake(clock.now().mono);
                    }
                    beat = Instant::now();
                }
            }
            if self.core.read(|inner, _| inner.peer.ended().is_some()) {
                // Links still say goodbye; they end by themselves.
                while reports.recv().await.is_some() && self.core.read(|inner, _| inner.has_links()) {}
                return;
            }
        }
    }

    fn handle_report(&mut self, (candidate, number, outcome): Report, paths: &mut Paths) {
        let now = self.core.clock.now().mono;
        let current = self.attempts.get_mut(&candidate).filter(|attempt| attempt.number == number);
        match (outcome, current) {
            (Outcome::Up(link), Some(attempt)) => {
                attempt.link = Some(link);
                paths.handle_up(candidate, now);
            }
            (Outcome::Up(link), None) => self.core.close_link(link),
            // An attempt that was dropped has nothing more to say.
            (_, None) => {}
            (Outcome::Failed(trouble), Some(_)) => {
                self.attempts.remove(&candidate);
                paths.handle_failed(candidate, now);
                tracing::debug!(?candidate, reason = trouble.reason, "not reached");
                if candidate == Candidate::Relay {
                    self.findings.note_trouble(trouble);
                }
            }
            (Outcome::Over(code), Some(attempt)) => {
                if attempt.link.is_some() {
                    paths.handle_lost(candidate, now);
                } else {
                    paths.handle_failed(candidate, now);
                }
                self.attempts.remove(&candidate);
                // Anybody on the network can answer in the host's place: only the relay's word counts, if there is one.
                match candidate {
                    Candidate::Relay => self.findings.note_refusal(code),
                    Candidate::Loopback(_) if self.relay.is_none() => self.findings.note_refusal(code),
                    Candidate::Lan(_) if self.relay.is_none() => self.findings.note_hearsay(code),
                    Candidate::Loopback(_) | Candidate::Lan(_) => {}
                }
            }
        }
    }

    fn dial(&mut self, candidate: Candidate, reporter: &mpsc::UnboundedSender<Report>) {
        let (acceptor, target) = match candidate {
            Candidate::Loopback(address) | Candidate::Lan(address) => (Acceptor::host(), Target::direct(address)),
            Candidate::Relay => match &self.relay {
                Some(relay) => relay.clone(),
                None => return,
            },
        };
        self.dialled += 1;
        let number = self.dialled;
        let (core, endpoint, reporter) = (self.core.clone(), self.endpoint.clone(), reporter.clone());
        let door = candidate.is_direct().then(|| self.door.clone());
        let task = tokio::spawn(async move {
            let report = |outcome| {
                // The seeker is gone when the guest is.
                let _ = reporter.send((candidate, number, outcome));
            };
            match endpoint.dial(&target).await {
                Ok(channel) => {
                    let turn = match door {
                        Some(door) => door.acquire_owned().await.ok(),
                        None => None,
                    };
                    if turn.is_some() && core.read(|inner, _| inner.is_direct()) {
                        let reason = "another way to the host was faster".into();
                        return report(Outcome::Failed(Trouble { reason, trust: Trusted::Unknown }));
                    }
                    let up = reporter.clone();
                    let opened = |link, state| {
                        if candidate.is_direct() {
                            core.with(|inner, _| inner.peer.expect_host(link));
                        }
                        let tell = move || up.send((candidate, number, Outcome::Up(link)));
                        tokio::spawn(async move {
                            report_up(state, tell).await;
                            drop(turn);
                        });
                    };
                    report(Outcome::Over(core.run_link(channel, acceptor, opened).await));
                }
                Err(error) => report(Outcome::Failed(Trouble::of(&error))),
            }
        });
        self.attempts.insert(candidate, Attempt { number, task: task.abort_handle(), link: None });
    }

    fn drop_attempt(&mut self, candidate: Candidate) {
        match self.attempts.remove(&candidate) {
            Some(Attempt { link: Some(link), .. }) => self.core.close_link(link),
            Some(Attempt { task, link: None, .. }) => task.abort(),
            None => {}
        }
    }
}

impl Drop for Seeker {
    fn drop(&mut self) {
        self.attempts.values().for_each(|attempt| attempt.task.abort());
    }
}

/// Returns whom to dial for a relay, and whose certificate will do there.
pub(crate) fn relay_target(relay: Relay) -> Result<Target, TrustError> {
    let trust = relay.fingerprint.map_or_else(Trust::system, |pinned| Ok(Trust::fingerprint(pinned)))?;
    Ok(Target::relay(relay.host, relay.port, trust))
}

/// Calls `report` when a link is ready, if it ever is.
async fn report_up<E>(mut state: watch::Receiver<LinkState>, report: impl FnOnce() -> Result<(), E>) {
    let is_ready =
        state.wait_for(|state| *state != LinkState::Connecting).await.map(|state| *state == LinkState::Ready);
    if is_ready.unwrap_or(false) {
        let _ = report();
    }
}

/// Looks on this machine and on the local network, for as long as the receiver lives.
pub(crate) fn look_around(session: SessionId, ways: Ways) -> mpsc::Receiver<Candidate> {
    let (sender, found) = mpsc::channel(FINDS_MAX);
    if ways == Ways::Relay {
        return found;
    }
    let loopback = sender.clone();
    tokio::spawn(async move {
        let mut notices = rendezvous::Discovery::start(session);
        loop {
            let address = tokio::select! {
                address = notices.next() => address,
                () = loopback.closed() => return,
            };
            let _ = loopback.send(Candidate::Loopback(address)).await;
        }
    });
    #[cfg(feature = "lan")]
    tokio::spawn(async move {
        let mut neighbours = crate::io::lan::Discovery::start(session);
        loop {
            let address = tokio::select! {
                address = neighbours.next() => address,
                () = sender.closed() => return,
            };
            let _ = sender.send(Candidate::Lan(address)).await;
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_hopeless(findings: &Findings) -> bool {
        findings.with(Seen::is_hopeless)
    }

    fn unreachable(trust: Trusted) -> Trouble {
        Trouble { reason: "no route".into(), trust }
    }

    /// A relay that is started anew, or a laptop whose network is just coming up, is worth more than one look; a relay
    /// that is somebody else's is not.
    #[tokio::test(start_paused = true)]
    async fn relay_that_is_out_of_reach_is_tried_for_a_while() {
        let findings = Findings::default();
        findings.note_trouble(unreachable(Trusted::Unknown));
        findings.note(|seen| seen.looked_around = true);
        findings.note_time();
        assert!(!is_hopeless(&findings));
        tokio::time::advance(RELAY_PATIENCE).await;
        findings.note_time();
        assert!(is_hopeless(&findings));

        let findings = Findings::default();
        findings.note_trouble(unreachable(Trusted::No));
        assert!(!is_hopeless(&findings), "the host may still be found nearby");
        findings.note(|seen| seen.looked_around = true);
        assert!(is_hopeless(&findings));
    }

    /// Whoever has mistyped a link, or comes too late, hears of it at once.
    #[tokio::test(start_paused = true)]
    async fn answer_that_no_time_changes_is_told_at_once() {
        for (code, at_once, after_looking) in [
            (CloseCode::ShareClosed, true, true),
            (CloseCode::ShareUnknown, false, true),
            (CloseCode::SessionUnknown, false, true),
            (CloseCode::Busy, false, false),
            (CloseCode::GoingAway, false, false),
        ] {
            let findings = Findings::default();
            findings.note_refusal(code);
            assert_eq!(is_hopeless(&findings), at_once, "{code:?}");
            findings.note(|seen| seen.looked_around = true);
            assert_eq!(is_hopeless(&findings), after_looking, "{code:?}");
            findings.note_last_refusal(code);
            assert!(is_hopeless(&findings), "{code:?} on the only way");
        }
    }

    /// A relay takes five tries a minute: who mistypes a passphrase must not use them up with one.
    #[tokio::test]
    async fn unknown_link_is_tried_twice_and_a_passphrase_once() {
        let (link, guess) = (Findings::default(), Findings::of_guess());
        for (findings, at_first) in [(link, false), (guess, true)] {
            findings.note_refusal(CloseCode::ShareUnknown);
            assert_eq!(is_hopeless(&findings), at_first);
            findings.note_refusal(CloseCode::ShareUnknown);
            assert!(is_hopeless(&findings));
        }
    }
}
