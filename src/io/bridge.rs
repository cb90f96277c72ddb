//! From a page on this machine to its session: each socket of the page gets a native connection of its own.
//!
//! page --WebSocket--> gateway --[`Bridge::dial`]--> the host nearby | the relay of the link
//!
//! Always: bytes pass as they are, and keys stay in the page. The page learns the exporter of its connection, so that
//! its proofs are bound like those of any native guest. PROTOCOL.md 10.2.

use crate::host::Lan;
use crate::io::channel::Channel;
use crate::io::quic::{DialError, Endpoint, Target};
use crate::io::seek::{look_around, relay_target};
use crate::io::tls::TrustError;
use crate::proto::hex::Hex;
use crate::proto::id::SessionId;
use crate::proto::path::{Candidate, PathKind, Ways};
use crate::proto::token::Link;
use crate::proto::wire::{Frame, FrameDecoder};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// How long the relay is held back where the host may be nearby.
const HEAD_START: Duration = Duration::from_millis(300);
/// How long to look around before there is no way; the page asks again.
const LOOK_AROUND: Duration = Duration::from_secs(3);
/// Ways that are dialled at one time: a laptop's addresses and a relay, or somebody's lies about them.
const DIALS_MAX: usize = 5;
/// How long an address is passed over that answered and was no way to the session. Anybody on the network can name one;
/// and a host that is busy may have room again.
const SHUNNED: Duration = Duration::from_secs(10);
/// Such addresses that are remembered.
const SHUNNED_MAX: usize = 64;

/// Why there is no way to the session now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unreached {
    /// Nobody nearby has it, and the link names no relay.
    Nowhere,
    /// The relay did not answer.
    Relay,
    /// Who answers in the relay's place has another certificate.
    Impostor,
}

impl Unreached {
    fn of(error: &DialError) -> Self {
        match error {
            DialError::Fingerprint { .. } | DialError::Untrusted { .. } => Self::Impostor,
            _ => Self::Relay,
        }
    }

    /// Returns the code that the socket is closed with. PROTOCOL.md 10.2.
    pub(crate) const fn close_code(self) -> u16 {
        match self {
            Self::Nowhere => 4_001,
            Self::Relay => 4_002,
            Self::Impostor => 4_003,
        }
    }
}

/// Dials one session, as often as a page asks for it.
#[derive(Debug)]
pub(crate) struct Bridge {
    session: SessionId,
    ways: Ways,
    relay: Option<Target>,
    endpoint: Endpoint,
    shunned: Mutex<BTreeMap<Candidate, Instant>>,
}

impl Bridge {
    pub(crate) fn new(link: &Link, lan: Lan) -> Result<Self, TrustError> {
        let relay = link.relay.clone().filter(|_| !link.token.is_lan_only()).map(relay_target).transpose()?;
        let ways = match (lan, &relay) {
            (Lan::On, Some(_)) => Ways::Both,
            (Lan::On, None) => Ways::Nearby,
            (Lan::Off, _) => Ways::Relay,
        };
        let (endpoint, shunned) = (Endpoint::new(), Mutex::default());
        Ok(Self { session: link.token.session, ways, relay, endpoint, shunned })
    }

    /// Returns the first way that answers; the host's own has a head start.
    pub(crate) async fn dial(&self) -> Result<Crossing<'_>, Unreached> {
        let mut finds = look_around(self.session, self.ways);
        let (mut dials, mut tried) = (JoinSet::new(), BTreeSet::new());
        let held_back = if self.ways == Ways::Both { HEAD_START } else { Duration::ZERO };
        let (mut relay_due, mut looked_around) = (pin!(sleep(held_back)), pin!(sleep(LOOK_AROUND)));
        let mut relay = self.relay.as_ref();
        let mut trouble = None;
        loop {
            let is_last = self.ways == Ways::Relay || looked_around.is_elapsed();
            if is_last && relay.is_none() && dials.is_empty() {
                return Err(trouble.unwrap_or(Unreached::Nowhere));
            }
            tokio::select! {
                Some(candidate) = finds.recv(), if dials.len() < DIALS_MAX => {
                    if let Some(target) = self.target(candidate).filter(|_| tried.insert(candidate)) {
                        self.spawn(&mut dials, candidate, target);
                    }
                }
                () = &mut relay_due, if relay.is_some() => if let Some(target) = relay.take() {
                    self.spawn(&mut dials, Candidate::Relay, target.clone());
                },
                Some(Ok((candidate, dialled))) = dials.join_next() => match dialled {
                    Ok(channel) => return Ok(Crossing { bridge: self, candidate, channel }),
                    Err(error) => {
                        tracing::debug!(?candidate, %error, "not reached");
                        if candidate == Candidate::Relay {
                            trouble = Some(Unreached::of(&error));
                        }
                    }
                },
                () = &mut looked_around, if !looked_around.is_elapsed() => {}
            }
        }
    }

    /// Waits until all connections have delivered their last bytes.
    pub(crate) async fn wait_idle(&self) {
        self.endpoint.wait_idle().await;
    }

    fn spawn(&self, dials: &mut JoinSet<Dialled>, candidate: Candidate, target: Target) {
        let endpoint = self.endpoint.clone();
        dials.spawn(async move { (candidate, endpoint.dial(&target).await) });
    }

    fn target(&self, candidate: Candidate) -> Option<Target> {
        match candidate {
            Candidate::Loopback(address) | Candidate::Lan(address) if !self.is_shunned(candidate) => {
                Some(Target::direct(address))
            }
            _ => None,
        }
    }

    fn is_shunned(&self, candidate: Candidate) -> bool {
        let shunned = self.shunned.lock().unwrap_or_else(PoisonError::into_inner);
        shunned.get(&candidate).is_some_and(|since| since.elapsed() < SHUNNED)
    }

    fn shun(&self, candidate: Candidate) {
        let mut shunned = self.shunned.lock().unwrap_or_else(PoisonError::into_inner);
        shunned.retain(|_, since| since.elapsed() < SHUNNED);
        if shunned.len() < SHUNNED_MAX {
            shunned.insert(candidate, Instant::now());
        }
    }
}

type Dialled = (Candidate, Result<Channel, DialError>);

/// A connection to the session, to be carried.
#[derive(Debug)]
pub(crate) struct Crossing<'a> {
    bridge: &'a Bridge,
    candidate: Candidate,
    pub(crate) channel: Channel,
}

impl<'a> Crossing<'a> {
    /// Returns what the page has to know before its first byte: the exporter, and which way the connection goes.
    pub(crate) fn greeting(&self) -> Option<String> {
        let way = match self.candidate.kind() {
            PathKind::Loopback => "loopback",
            PathKind::Lan => "lan",
            _ => "relay",
        };
        Some(format!("{} {way}", Hex(&self.channel.binder.exporter(&self.bridge.session)?)))
    }

    /// Starts to listen whether the other side takes the page in.
    pub(crate) fn watch(&self) -> Watch<'a> {
        Watch { bridge: self.bridge, candidate: self.candidate, decoder: Some(FrameDecoder::new()) }
    }
}

/// Looks at what comes for the page up to READY: a direct way whose other side ends it before that, or that the page
/// gives up, is not tried again at once.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    bridge: &'a Bridge,
    candidate: Candidate,
    /// Nothing once READY was there, and as long as the page is content.
    decoder: Option<FrameDecoder>,
}

impl Watch<'_> {
    /// The page gives the connection up: whoever is at its end is not the host.
    pub(crate) fn give_up(&mut self) {
        self.decoder = Some(FrameDecoder::new());
    }

    /// The page goes by itself, as one that is loaded anew: that says nothing about who is at the other end.
    pub(crate) fn let_go(&mut self) {
        self.decoder = None;
    }

    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        let Some(decoder) = &mut self.decoder else { return };
        decoder.push(bytes);
        while let Ok(Some(frame)) = decoder.next_frame() {
            if matches!(frame, Frame::Ready(_)) {
                self.decoder = None;
                return;
            }
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if self.decoder.is_some() && self.candidate.is_direct() {
            self.bridge.shun(self.candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::share::ShareFlags;
    use crate::proto::token::{Access, Relay, Token};
    use crate::proto::wire::Ready;
    use std::net::SocketAddr;

    fn link(relay: Option<&str>) -> Link {
        let token = Token::new(Access::View, &SessionId([7; 16]), [1; 16], ShareFlags::NONE);
        Link { token, relay: relay.map(|relay| Relay::parse(relay).unwrap()) }
    }

    /// Whoever sits in the same network can name any address for a session: each costs one try, not the session.
    #[tokio::test(start_paused = true)]
    async fn way_that_leads_nowhere_is_passed_over_for_a_while() {
        let bridge = Bridge::new(&link(None), Lan::On).unwrap();
        let candidate = Candidate::Lan(SocketAddr::from(([192, 0, 2, 7], 4_433)));
        assert!(bridge.target(candidate).is_some());
        drop(Watch { bridge: &bridge, candidate, decoder: Some(FrameDecoder::new()) });
        assert!(bridge.target(candidate).is_none());
        tokio::time::advance(SHUNNED).await;
        assert!(bridge.target(candidate).is_some());
        let watch = || Watch { bridge: &bridge, candidate, decoder: Some(FrameDecoder::new()) };
        watch().let_go();
        assert!(bridge.target(candidate).is_some(), "a page that was loaded anew meanwhile");
        let mut served = watch();
        served.hear(&Frame::Ready(Ready { log_next: 0 }).encode());
        drop(served);
        assert!(bridge.target(candidate).is_some(), "a session that went well and is over");
        let mut served = watch();
        served.hear(&Frame::Ready(Ready { log_next: 0 }).encode());
        served.give_up();
        drop(served);
        assert!(bridge.target(candidate).is_none(), "somebody who is not the host can say READY");
    }

    /// The page tells people what is wrong: a relay that is down is another matter than a host that is not nearby.
    #[tokio::test]
    async fn reason_is_told_apart() {
        let fingerprint = "#fp=".to_owned() + &"0".repeat(64);
        let nobody = Bridge::new(&link(Some(&format!("127.0.0.1:9{fingerprint}"))), Lan::Off).unwrap();
        assert_eq!(nobody.dial().await.err(), Some(Unreached::Relay));
        let identity = crate::io::tls::Identity::generate().unwrap();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let limits = crate::io::quic::ListenLimits::default();
        let listener = crate::io::quic::Listener::bind(&[loopback], &identity, limits).unwrap();
        let other = Some(format!("127.0.0.1:{}{fingerprint}", listener.local_port()));
        let impostor = Bridge::new(&link(other.as_deref()), Lan::Off).unwrap();
        assert_eq!(impostor.dial().await.err(), Some(Unreached::Impostor));
        let local = Bridge::new(&link(None), Lan::Off).unwrap();
        assert_eq!(local.dial().await.err(), Some(Unreached::Nowhere));
    }
}
