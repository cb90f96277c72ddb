//! WebTransport: the same stream of frames for browsers, over the UDP port of QUIC.
//!
//! connection (ALPN `h3`) --SETTINGS, CONNECT `/wt`--> session --its first stream--> reader, writer
//!
//! Always: a connection carries one session and a session one stream, which the page opens; whatever else comes is read
//! and thrown away, within the windows of the connection. PROTOCOL.md 10.2.

use super::Visit;
use super::guard::{Names, is_plain};
use crate::io::tls::{BrowserCertificates, IdentityError};
use crate::proto::hex::Hex;
use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ORIGIN, VARY};
use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use quinn::{Connection, RecvStream, SendStream, VarInt};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncReadExt, copy, sink};
use tokio::task::JoinSet;
use tokio::time::timeout;
use web_transport_proto::{ConnectError, ConnectRequest, ConnectResponse, Frame, Settings, SettingsError};

/// Where pages ask for a session.
const PATH: &str = "/wt";
/// First byte of the stream, both ways. Only its way back shows a page that the path carries bytes.
const PROBE: u8 = 0;
/// How long a page that was turned away may take to read why.
const FAREWELL: Duration = Duration::from_secs(1);
/// HTTP/3's codes for an end in good order and for a request that is refused (RFC 9114, 8.1).
const NO_ERROR: VarInt = VarInt::from_u32(0x100);
const REQUEST_REJECTED: VarInt = VarInt::from_u32(0x10b);

/// Which pages of this machine may open sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pages {
    /// Those of the very port, which TCP serves by the same number.
    SamePort,
    /// Those of any port: a proxy or a plain gateway serves them, and UDP comes here directly.
    AnyPort,
}

/// Takes browsers' connections at a UDP port, and tells pages what they need to come.
#[derive(Debug)]
pub(crate) struct WebTransport {
    names: Names,
    pages: Pages,
    certificates: Arc<BrowserCertificates>,
}

/// Why a connection is no session.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("connection ended: {0}")]
    Ended(#[from] quinn::ConnectionError),
    #[error("no settings: {0}")]
    Settings(#[from] SettingsError),
    #[error("no request: {0}")]
    Request(#[from] ConnectError),
    #[error("stream ended: {0}")]
    Stream(#[from] std::io::Error),
    #[error("a stream begins with {0:#x}, expected a session's")]
    Foreign(u64),
    #[error("the page was answered {0}")]
    TurnedAway(StatusCode),
}

impl WebTransport {
    /// Makes the certificate that browsers will be shown.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Generate`] if the system has no randomness.
    pub(crate) fn new(names: Names, pages: Pages) -> Result<Self, IdentityError> {
        let certificates = Arc::new(BrowserCertificates::generate(SystemTime::now())?);
        Ok(Self { names, pages, certificates })
    }

    /// Returns the certificates, for the handshakes of the port.
    pub(crate) fn certificates(&self) -> Arc<BrowserCertificates> {
        Arc::clone(&self.certificates)
    }

    /// Takes a connection through its session to its stream.
    pub(crate) async fn receive(&self, connection: &Connection) -> Result<(SendStream, RecvStream), Refusal> {
        let mut control = connection.open_uni().await?;
        let mut settings = Settings::default();
        settings.enable_webtransport(1);
        settings.write(&mut control).await?;
        let mut theirs = connection.accept_uni().await?;
        Settings::read(&mut theirs).await?;

        let (mut answer, mut request) = connection.accept_bi().await?;
        let status = self.judge(&ConnectRequest::read(&mut request).await?);
        ConnectResponse::new(status).write(&mut answer).await?;
        if status != StatusCode::OK {
            let _ = answer.finish();
            let _ = timeout(FAREWELL, answer.stopped()).await;
            connection.close(REQUEST_REJECTED, b"");
            return Err(Refusal::TurnedAway(status));
        }

        let (mut writer, mut reader) = connection.accept_bi().await?;
        let (kind, session) = (variable(&mut reader).await?, variable(&mut reader).await?);
        if kind != Frame::WEBTRANSPORT.0.into_inner() || session != VarInt::from(request.id()).into_inner() {
            return Err(Refusal::Foreign(kind));
        }
        let probe = reader.read_u8().await?;
        if probe != PROBE {
            return Err(Refusal::Foreign(probe.into()));
        }
        writer.write_all(&[PROBE]).await.map_err(std::io::Error::from)?;
        tokio::spawn(keep(connection.clone(), Session { _control: control, theirs, _answer: answer, request }));
        Ok((writer, reader))
    }

    /// Says what to answer a page that asks for a session.
    fn judge(&self, request: &ConnectRequest) -> StatusCode {
        let Ok(authority) = request.url.authority().parse::<Authority>() else { return StatusCode::BAD_REQUEST };
        let origin = request.headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
        if !self.names.knows(&authority) {
            StatusCode::MISDIRECTED_REQUEST
        } else if origin.is_some_and(|origin| !self.may_ask(origin, &authority)) {
            StatusCode::FORBIDDEN
        } else if request.url.path() != PATH {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::OK
        }
    }

    fn may_ask(&self, origin: &str, authority: &Authority) -> bool {
        let is_of_this_host = || {
            let page = origin.parse::<axum::http::Uri>().ok();
            page.is_some_and(|page| page.host().is_some_and(|host| host.eq_ignore_ascii_case(authority.host())))
        };
        self.names.may_ask(origin, authority) || (self.pages == Pages::AnyPort && is_of_this_host())
    }
}

/// What of a session has to stay open beside its stream.
struct Session {
    _control: SendStream,
    theirs: RecvStream,
    _answer: SendStream,
    request: RecvStream,
}

/// Reads what has no meaning here until the session is over, then closes the connection.
async fn keep(connection: Connection, session: Session) {
    let mut drains = JoinSet::new();
    drains.spawn(drain(session.theirs));
    let mut over = std::pin::pin!(drain(session.request));
    loop {
        tokio::select! {
            () = &mut over => break,
            // Those of QPACK, which never say anything: there is no dynamic table.
            stream = connection.accept_uni() => match stream {
                Ok(stream) => drop(drains.spawn(drain(stream))),
                Err(_) => return,
            },
            Some(_) = drains.join_next() => {}
        }
    }
    // Browsers leave the connection open. Who wanted its last bytes read has waited for our end of the stream.
    connection.close(NO_ERROR, b"");
}

async fn drain(mut stream: RecvStream) {
    // How it ends says nothing that its end does not.
    let _ = copy(&mut stream, &mut sink()).await;
}

/// Reads one of QUIC's integers (RFC 9000, 16).
async fn variable(reader: &mut (impl AsyncRead + Unpin)) -> std::io::Result<u64> {
    let first = reader.read_u8().await?;
    let mut value = u64::from(first & 0x3f);
    for _ in 1..1 << (first >> 6) {
        value = value << 8 | u64::from(reader.read_u8().await?);
    }
    Ok(value)
}

/// What `/webtransport` answers: how a page comes by WebTransport to the gateway that it was loaded from.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    door: Arc<WebTransport>,
    /// The UDP port, where it is not the one that the page was asked at.
    port: Option<u16>,
}

impl Offer {
    /// Tells of `door`, which is at UDP `port`, or at that of the same number as the gateway's.
    pub(crate) const fn new(door: Arc<WebTransport>, port: Option<u16>) -> Self {
        Self { door, port }
    }

    /// Returns the place to ask for a session, for a page that asked at `authority`.
    pub(super) fn origin(&self, authority: &Authority) -> Option<String> {
        if !is_plain(authority) {
            return None;
        }
        Some(match self.port {
            Some(port) => format!("{}://{}:{port}", Scheme::HTTPS, authority.host()),
            None => format!("{}://{authority}", Scheme::HTTPS),
        })
    }

    /// Returns JSON: `{"url": ..., "hashes": [...]}`.
    fn describe(&self, headers: &HeaderMap) -> Option<String> {
        let url = self.origin(&super::guard::authority(headers)?)? + PATH;
        let hashes = self.door.certificates.hashes(SystemTime::now());
        let hashes: Vec<_> = hashes.iter().map(|hash| Hex(hash).to_string()).collect();
        Some(json!({ "url": url, "hashes": hashes }).to_string() + "\n")
    }
}

/// Answers `/webtransport`.
pub(super) async fn tell(State(visit): State<Visit>, headers: HeaderMap) -> Response {
    let Some(text) = visit.house.offer().and_then(|offer| offer.describe(&headers)) else {
        return (StatusCode::NOT_FOUND, "browsers come by WebSocket here\n").into_response();
    };
    // Hashes change: an old answer leads nowhere.
    let about = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (VARY, "origin")];
    let mut response = (about, text).into_response();
    if let Some(origin) = headers.get(ORIGIN) {
        // Who is let in here at all may read it.
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response
}

#[cfg(test)]
mod tests;
