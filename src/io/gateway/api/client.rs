//! The asking side of the API: for holders of links, and for operators.
//!
//! Always: what the relay says is numbers and ids, read as such; its text is shown to nobody.

use super::answer::{ChallengeAnswer, InquiryBody};
use super::exchange::{Answer, Question, ask};
use super::listing::Listing;
use super::operator::OperatorToken;
use super::{BASE, COUNTS_REQUEST, SESSIONS_MAX};
use crate::io::tls::{Refusal, Trust, TrustError, web_client_config};
use crate::passphrase::Passphrase;
use crate::proto::hex::{self, Hex};
use crate::proto::inquiry::{Challenge, Inquiry, Place};
use crate::proto::key::ShareSecret;
use crate::proto::relay::{Counts, HallStats, SessionStats};
use crate::proto::token::{Relay, Token};
use rustls::pki_types::ServerName;
use serde::de::DeserializeOwned;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long one question may take, all in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a relay did not tell. Each variant says who has to act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The network, or the relay: nobody answers there by TCP.
    #[error("no answer from {host}, tcp: {source}")]
    Unreachable {
        /// Whom we asked.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever gave the address or link: the certificate is not the one that it names, or nobody vouches for it.
    #[error("certificate of {host} is not trusted: {reason}")]
    Untrusted {
        /// Whom we asked.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The user: without TLS the token would be everybody's on the way.
    #[error("{address} is not on this machine")]
    NotHere {
        /// The address.
        address: SocketAddr,
    },
    /// This machine trusts no certificates.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Whoever gave the link: it needs words besides.
    #[error("this link needs a passphrase")]
    PassphraseNeeded,
    /// Nobody: the session is its own network's alone, and relays are not to hear of it.
    #[error("this link is for the host's own network: no relay knows the session")]
    LanOnly,
    /// Whoever gave the link: it is not known there, revoked, expired, or not good for this. The relay does not say which.
    #[error("the relay knows no such session, or this link may not ask about it")]
    Refused,
    /// The operator: the token is another one.
    #[error("the relay takes this operator's token for none")]
    NotTheOperator,
    /// The user, or others in the same network: too much was asked.
    #[error("too many questions came from this network, again in {wait_s} s")]
    TooMany {
        /// How long to wait, in seconds.
        wait_s: u64,
    },
    /// The operator: the relay does not go by the name that it was asked by.
    #[error("{host} does not go by that name")]
    WrongName {
        /// Whom we asked.
        host: String,
    },
    /// The user: something else than a cahoots relay of this version answers there.
    #[error("{host} is no cahoots relay of this version: {reason}")]
    Strange {
        /// Whom we asked.
        host: String,
        /// What gives it away.
        reason: String,
    },
}

impl AskError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "check the network, and whether the relay serves browsers: it may not, by --no-web"
            }
            Self::Untrusted { .. } => "use the relay's address with its #fp=…, as it prints it when it starts",
            Self::NotHere { .. } => "without TLS ask on the relay's own machine, or by https through its proxy",
            Self::Trust(error) => error.hint(),
            Self::PassphraseNeeded => "ask the owner for the passphrase; it came by another way than the link",
            Self::LanOnly => "join to see who is there",
            Self::Refused => "ask the owner for a new link; one whose guests are let in one by one cannot ask",
            Self::NotTheOperator => "name the relay's own folder with --state, or its --operator-token-file",
            Self::TooMany { .. } => "wait, then ask less often",
            Self::WrongName { .. } => "ask by the name that the relay was given with --host",
            Self::Strange { .. } => "check the address, and update cahoots on both sides",
        }
    }
}

/// Asks one relay by its HTTP API. PROTOCOL.md 20.
#[derive(Clone, Debug)]
pub struct RelayClient {
    door: Door,
    /// The relay as it is asked for: name and port.
    host: String,
}

#[derive(Clone, Debug)]
enum Door {
    Secure { name: String, port: u16, trust: Trust },
    Plain(SocketAddr),
}

impl RelayClient {
    /// Asks the relay at this address, over TLS: TCP at the port that it has for UDP.
    ///
    /// # Errors
    ///
    /// [`AskError::Trust`] if its certificate is not pinned and this machine trusts no authority.
    pub fn new(relay: &Relay) -> Result<Self, AskError> {
        let trust = relay.fingerprint.map_or_else(Trust::system, |pinned| Ok(Trust::fingerprint(pinned)))?;
        let host = authority(&relay.host, relay.port, 443);
        Ok(Self { door: Door::Secure { name: relay.host.clone(), port: relay.port, trust }, host })
    }

    /// Asks a relay of this machine that leaves TLS to a proxy.
    ///
    /// # Errors
    ///
    /// [`AskError::NotHere`] for an address elsewhere.
    pub fn without_tls(address: SocketAddr) -> Result<Self, AskError> {
        if !address.ip().to_canonical().is_loopback() {
            return Err(AskError::NotHere { address });
        }
        Ok(Self { door: Door::Plain(address), host: authority(&address.ip().to_string(), address.port(), 80) })
    }

    /// Asks how many are in the session that `token` is for, without joining it.
    ///
    /// # Errors
    ///
    /// [`AskError`]; [`AskError::Refused`] for every reason that lies in the link, but [`AskError::LanOnly`] without asking.
    pub async fn counts(&self, token: &Token, passphrase: Option<Passphrase>) -> Result<Counts, AskError> {
        if token.is_lan_only() {
            return Err(AskError::LanOnly);
        }
        let hash = match passphrase {
            Some(passphrase) if token.needs_passphrase() => Some(passphrase.hash(token.clone()).await),
            _ => None,
        };
        let secret = token.secret_with(hash.as_ref()).map_err(|_| AskError::PassphraseNeeded)?;
        self.counts_for(&secret).await
    }

    async fn counts_for(&self, secret: &ShareSecret) -> Result<Counts, AskError> {
        let answer: ChallengeAnswer = self.ask("POST", "/challenges", None, "").await?;
        let challenge = hex::parse(&answer.challenge).map(Challenge);
        let challenge = challenge.ok_or_else(|| self.strange(&"its challenge is none"))?;
        let place = Place { host: &self.host, request: COUNTS_REQUEST };
        let Inquiry { session, share, challenge: Challenge(challenge), signature } =
            Inquiry::sign(secret, challenge, place);
        let body = InquiryBody {
            session: session.to_string(),
            share: share.to_string(),
            challenge: Hex(&challenge).to_string(),
            signature: Hex(&signature).to_string(),
        };
        let body = serde_json::to_string(&body).map_err(|error| self.strange(&error))?;
        self.ask("POST", "/counts", None, &body).await
    }

    /// Lists all sessions of the relay, as its operator.
    ///
    /// # Errors
    ///
    /// [`AskError`]; [`AskError::NotTheOperator`] for another token than the relay's.
    pub async fn sessions(&self, operator: &OperatorToken) -> Result<Vec<SessionStats>, AskError> {
        let (mut listing, mut path) = (Listing::default(), format!("/sessions?limit={SESSIONS_MAX}"));
        loop {
            let answer = self.ask("GET", &path, Some(operator), "").await?;
            let next = listing.take(answer).map_err(|reason| self.strange(&reason))?;
            let Some(next) = next else { return Ok(listing.sessions) };
            path = format!("/sessions?limit={SESSIONS_MAX}&after={next}");
        }
    }

    /// Returns the figures of the relay, as its operator.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions).
    pub async fn node(&self, operator: &OperatorToken) -> Result<HallStats, AskError> {
        self.ask("GET", "/node", Some(operator), "").await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        operator: Option<&OperatorToken>,
        body: &str,
    ) -> Result<T, AskError> {
        let path = format!("{BASE}{path}");
        let question = Question { method, path: &path, host: &self.host, operator, body };
        let late = || self.unreachable(io::ErrorKind::TimedOut.into());
        let answer = timeout(PATIENCE, self.exchange(&question)).await.map_err(|_| late())??;
        self.read(&answer)
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, AskError> {
        match answer.status {
            200 => serde_json::from_slice(&answer.body).map_err(|error| self.strange(&error)),
            401 => Err(AskError::NotTheOperator),
            403 => Err(AskError::Refused),
            421 => Err(AskError::WrongName { host: self.host.clone() }),
            429 | 503 => Err(AskError::TooMany { wait_s: answer.retry_after_s.unwrap_or(60) }),
            status => Err(self.strange(&format!("it answers {status}"))),
        }
    }

    async fn exchange(&self, question: &Question<'_>) -> Result<Answer, AskError> {
        let failed = |source| self.unreachable(source);
        match &self.door {
            Door::Plain(address) => {
                let stream = TcpStream::connect(address).await.map_err(failed)?;
                ask(stream, question).await.map_err(|error| self.failed(error))
            }
            Door::Secure { name, port, trust } => {
                let (config, refusal) = web_client_config(trust).map_err(|error| self.strange(&error))?;
                let server = ServerName::try_from(name.clone()).map_err(|error| self.strange(&error))?;
                let stream = TcpStream::connect((name.as_str(), *port)).await.map_err(failed)?;
                let greeted = TlsConnector::from(Arc::new(config)).connect(server, stream).await;
                let refusal = refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
                let stream =
                    greeted.map_err(|error| refusal.map_or_else(|| self.failed(error), |why| self.untrusted(&why)))?;
                ask(stream, question).await.map_err(|error| self.failed(error))
            }
        }
    }

    fn untrusted(&self, refusal: &Refusal) -> AskError {
        let reason = match refusal {
            Refusal::Fingerprint { expected, found } => format!("found {}, expected {}", Hex(found), Hex(expected)),
            Refusal::Untrusted(reason) => reason.clone(),
        };
        AskError::Untrusted { host: self.host.clone(), reason }
    }

    fn unreachable(&self, source: io::Error) -> AskError {
        AskError::Unreachable { host: self.host.clone(), source }
    }

    fn failed(&self, error: io::Error) -> AskError {
        match error.kind() {
            io::ErrorKind::InvalidData => self.strange(&error),
            _ => self.unreachable(error),
        }
    }

    fn strange(&self, reason: &impl ToString) -> AskError {
        AskError::Strange { host: self.host.clone(), reason: reason.to_string() }
    }
}

/// Writes a host as it stands in a request: the protocol's own port is left out.
fn authority(host: &str, port: u16, usual: u16) -> String {
    let is_ipv6 = matches!(host.parse(), Ok(IpAddr::V6(_)));
    let host = if is_ipv6 { format!("[{host}]") } else { host.to_ascii_lowercase() };
    if port == usual { host } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::id::SessionId;
    use crate::proto::share::ShareFlags;
    use crate::proto::token::Access;

    /// Both sides sign and check this text: it has to be what stands in the request.
    #[test]
    fn host_is_written_as_browsers_write_it() {
        assert_eq!(authority("Relay.example", 4433, 443), "relay.example:4433");
        assert_eq!(authority("relay.example", 443, 443), "relay.example");
        assert_eq!(authority("2001:db8::1", 4433, 443), "[2001:db8::1]:4433");
        assert_eq!(authority("::1", 80, 80), "[::1]");
    }

    /// A link that is for one network alone says so that nobody elsewhere learns of the session, by any question.
    #[tokio::test]
    async fn relay_is_not_asked_about_what_is_for_one_network() {
        let nobody = RelayClient::without_tls("127.0.0.1:9".parse().unwrap()).unwrap();
        let token = Token::new(Access::View, &SessionId([7; 16]), [1; 16], ShareFlags::LAN_ONLY);
        assert!(matches!(nobody.counts(&token, None).await, Err(AskError::LanOnly)));
    }

    /// The operator's token must not cross a network in plain text because of a typing mistake.
    #[test]
    fn nothing_is_asked_without_tls_but_on_this_machine() {
        for here in ["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            assert!(RelayClient::without_tls(here.parse().unwrap()).is_ok(), "{here}");
        }
        let there = RelayClient::without_tls("192.0.2.1:80".parse().unwrap());
        assert!(matches!(there, Err(AskError::NotHere { .. })));
    }
}
