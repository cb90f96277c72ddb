//! The web's way in: pages and WebSockets over TCP, beside QUIC's port.
//!
//! tcp --(tls)--> http/1.1 --> page, health, `/ws` --> [`Channel`] --> whoever serves channels
//!
//! Always: it carries frames and understands none; a foreign page or name gets nothing. PROTOCOL.md 10.2.

mod api;
mod guard;
mod page;
mod websocket;
mod webtransport;

pub use api::{Api, AskError, OperatorToken, OperatorTokenError, RelayClient};
pub use guard::Names;
pub(crate) use webtransport::{Offer, Pages, WebTransport};

use crate::io::bridge::Bridge;
use crate::io::channel::{Accept, Channel};
use crate::io::gate::{Address, Gate, Seat, Verdict};
use crate::io::quic::{BindError, ListenLimits};
use crate::io::tls::{Identity, web_config};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware;
use axum::routing::{any, get};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Channels waiting for [`Gateway::accept`].
const ACCEPTED_MAX: usize = 64;
/// How long a request's head may take to come.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may bring requests, and how long the last answer may take from then on. Sockets may last.
const VISIT: Duration = Duration::from_secs(60);
const LAST_ANSWER: Duration = Duration::from_secs(120);
/// Bytes of a request's head, and fields in it.
const HEAD_BYTES_MAX: usize = 16_384;
const HEAD_FIELDS_MAX: usize = 64;
/// How long sockets may take to say their last.
const DRAIN: Duration = Duration::from_secs(2);
/// How long to wait after the system gave no connection, for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The first byte of a TLS handshake; no request begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// What a gateway is to be like.
#[derive(Clone, Debug, Default)]
pub struct GatewayOptions {
    /// What it is called, and whose pages may come.
    pub names: Names,
    /// How many connections it takes.
    pub limits: ListenLimits,
    /// Proxies in front, which are believed for whom they come.
    pub proxies: Vec<IpAddr>,
    /// What answers by HTTP beside the page, if anything does.
    pub api: Option<Api>,
    /// Who it says that it is, so that the page can tell people whom they trust.
    pub served_by: ServedBy,
}

/// Who serves the page; people trust each in another way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ServedBy {
    /// A relay, which anybody may run.
    #[default]
    Relay,
    /// The host that shares the terminal.
    Host,
    /// The viewer's own program, on the viewer's own machine.
    Viewer,
}

impl ServedBy {
    /// Answers `/served-by`. PROTOCOL.md 10.2.
    const fn word(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Host => "host",
            Self::Viewer => "viewer",
        }
    }

    /// Says what to do about a name that is not ours.
    const fn unknown_name(self) -> &'static str {
        match self {
            Self::Relay => "this relay does not go by that name; its operator can add it with --host\n",
            Self::Host | Self::Viewer => "ask by the address in the link, not by a name\n",
        }
    }
}

/// Listens on TCP for browsers. Dropping it stops that; channels given out live on, sockets that a bridge carries do not.
pub struct Gateway {
    addresses: Vec<SocketAddr>,
    accepted: mpsc::Receiver<Channel>,
    /// How many sockets still carry something.
    sockets: watch::Receiver<usize>,
    /// Says by its drop that the gateway is no more.
    closing: watch::Sender<()>,
    // Aborted when dropped.
    doors: JoinSet<()>,
}

impl Gateway {
    /// Listens on all of `addresses`, with TLS where there is an identity.
    ///
    /// With one, a plain request is sent on to `https`; without one all requests are plain, for a network that is
    /// trusted or a proxy that does TLS.
    ///
    /// # Errors
    ///
    /// [`BindError::Tcp`] with the address that is taken or not ours, [`BindError::Identity`] for a bad key.
    pub async fn bind(
        addresses: &[SocketAddr],
        identity: Option<&Identity>,
        options: GatewayOptions,
    ) -> Result<Self, BindError> {
        let gate = Gate::new(options.limits);
        Self::bind_offering(addresses, identity, options, gate, None).await
    }

    /// The same, and tells pages how to come by WebTransport; `gate`, not the options, bounds who comes, there and here.
    pub(crate) async fn bind_offering(
        addresses: &[SocketAddr],
        identity: Option<&Identity>,
        options: GatewayOptions,
        gate: Arc<Gate>,
        offer: Option<Offer>,
    ) -> Result<Self, BindError> {
        let tls = identity.map(web_config).transpose()?.map(|config| TlsAcceptor::from(Arc::new(config)));
        let (sender, accepted) = mpsc::channel(ACCEPTED_MAX);
        Self::open(addresses, tls, options, gate, Inside::Node { out: sender, offer }, accepted).await
    }

    /// Serves the viewer to this machine alone, in a folder whose name is the key to it; each socket is carried on by
    /// `bridge`.
    pub(crate) async fn bind_viewer(port: u16, folder: &str, bridge: Arc<Bridge>) -> Result<Self, BindError> {
        let options = GatewayOptions { served_by: ServedBy::Viewer, ..GatewayOptions::default() };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let inside = Inside::Bridge { folder: format!("/{folder}"), bridge };
        let gate = Gate::new(options.limits);
        Self::open(&[address], None, options, gate, inside, mpsc::channel(1).1).await
    }

    async fn open(
        addresses: &[SocketAddr],
        tls: Option<TlsAcceptor>,
        options: GatewayOptions,
        gate: Arc<Gate>,
        inside: Inside,
        accepted: mpsc::Receiver<Channel>,
    ) -> Result<Self, BindError> {
        let carried = watch::Sender::new(0);
        let sockets = carried.subscribe();
        let (closing, open) = watch::channel(());
        let GatewayOptions { names, served_by, api, proxies, .. } = options;
        let house = Arc::new(House { names, proxies, served_by, api, inside, carried, open });
        let (mut bound, mut doors) = (Vec::new(), JoinSet::new());
        for &address in addresses {
            let failed = |source| BindError::Tcp { address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            bound.push(listener.local_addr().map_err(failed)?);
            let door = Door { tls: tls.clone(), gate: gate.clone(), house: house.clone() };
            doors.spawn(door.run(listener));
        }
        Ok(Self { addresses: bound, accepted, sockets, closing, doors })
    }

    /// Returns the next browser's channel, or `None` when the sockets have failed.
    ///
    /// Cancel safe: a channel is not lost when the wait is.
    pub async fn accept(&mut self) -> Option<Channel> {
        self.accepted.recv().await
    }

    /// Takes nobody more, and waits until the open sockets have said their last, for 2 s at most.
    ///
    /// To be called before the process ends: what was written to a channel may not have left yet.
    pub async fn close(self) {
        let Self { addresses: _, accepted, mut sockets, closing, doors } = self;
        drop((accepted, closing, doors));
        let _ = timeout(DRAIN, sockets.wait_for(|sockets| *sockets == 0)).await;
    }

    /// Returns the addresses listened on, with the ports that the system chose.
    #[must_use]
    pub fn local_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Accept for Gateway {
    async fn accept(&mut self) -> Option<Channel> {
        Self::accept(self).await
    }

    async fn close(self) {
        Self::close(self).await;
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gateway({:?})", self.addresses)
    }
}

/// What serves the connections of one socket.
#[derive(Clone)]
struct Door {
    tls: Option<TlsAcceptor>,
    gate: Arc<Gate>,
    house: Arc<House>,
}

/// What all connections have in common.
struct House {
    names: Names,
    proxies: Vec<IpAddr>,
    served_by: ServedBy,
    api: Option<Api>,
    inside: Inside,
    carried: watch::Sender<usize>,
    /// Fails once the gateway is no more.
    open: watch::Receiver<()>,
}

impl House {
    fn trusts(&self, peer: IpAddr) -> bool {
        self.proxies.contains(&peer.to_canonical())
    }

    /// Waits until the gateway is closed or dropped.
    async fn closed(&self) {
        // It never says anything else.
        let _ = self.open.clone().changed().await;
    }

    const fn offer(&self) -> Option<&Offer> {
        match &self.inside {
            Inside::Node { offer, .. } => offer.as_ref(),
            Inside::Bridge { .. } => None,
        }
    }
}

/// Where sockets lead.
enum Inside {
    /// To whoever accepts channels; pages are told how to come by WebTransport, if they can.
    Node { out: mpsc::Sender<Channel>, offer: Option<Offer> },
    /// To a connection of their own, for pages in this folder.
    Bridge { folder: String, bridge: Arc<Bridge> },
}

/// What the answers to one connection's requests need to know.
#[derive(Clone)]
struct Visit {
    remote: SocketAddr,
    /// At which of our addresses it came in.
    local: Option<SocketAddr>,
    house: Arc<House>,
    /// Kept as long as anything of the connection is.
    seat: Arc<Seat>,
}

impl Door {
    async fn run(self, listener: TcpListener) {
        let mut visits = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, remote)) => {
                        let verdict = if self.house.trusts(remote.ip()) {
                            self.gate.admit_proxy()
                        } else {
                            // TCP has shown already that the other side receives at its address.
                            self.gate.admit(remote.ip(), Address::Proven)
                        };
                        if let Verdict::Enter(seat) = verdict {
                            visits.spawn(self.clone().receive(stream, remote, seat));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no connection from the system");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = visits.join_next() => {}
            }
        }
    }

    async fn receive(self, stream: TcpStream, remote: SocketAddr, mut seat: Seat) {
        // Keystrokes do not wait for company.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().ok();
        let greeted = timeout(self.gate.limits().handshake, self.greet(stream)).await;
        seat.sit();
        let visit = Visit { remote, local, house: self.house, seat: Arc::new(seat) };
        match greeted {
            Ok(Ok(Greeting::Plain(stream))) => serve(stream, visit.routes()).await,
            Ok(Ok(Greeting::Secure(stream))) => serve(*stream, visit.routes()).await,
            Ok(Ok(Greeting::Misled(stream))) => serve(stream, visit.way_to_https()).await,
            Ok(Err(error)) => tracing::debug!(%remote, %error, "no handshake"),
            Err(_) => tracing::debug!(%remote, "handshake took too long"),
        }
    }

    async fn greet(&self, stream: TcpStream) -> io::Result<Greeting> {
        let Some(tls) = &self.tls else { return Ok(Greeting::Plain(stream)) };
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first == [TLS_HANDSHAKE] {
            Ok(Greeting::Secure(Box::new(tls.accept(stream).await?)))
        } else {
            Ok(Greeting::Misled(stream))
        }
    }
}

/// How a connection began.
enum Greeting {
    Plain(TcpStream),
    Secure(Box<tokio_rustls::server::TlsStream<TcpStream>>),
    /// In plain text, where there is TLS.
    Misled(TcpStream),
}

impl Visit {
    /// Returns who sent a request: the other end of the connection, or whom a trusted proxy there says.
    fn visitor(&self, headers: &HeaderMap) -> IpAddr {
        let peer = self.remote.ip();
        let behind = self.house.trusts(peer).then(|| guard::forwarded_for(headers));
        behind.flatten().unwrap_or(peer)
    }

    fn routes(self) -> Router {
        let house = self.house.clone();
        let word = house.served_by.word();
        let routes = page::routes().route("/healthz", get(async || "ok\n")).route("/ws", any(websocket::upgrade));
        let routes = routes.route("/served-by", get(async move || format!("{word}\n")));
        let routes = routes.route("/webtransport", get(webtransport::tell));
        let api = api::routes(&self);
        let routes = match &house.inside {
            Inside::Node { .. } => routes.with_state(self),
            Inside::Bridge { folder, .. } => Router::new().nest(folder, routes.with_state(self)),
        };
        let routes = routes.fallback(async || StatusCode::NOT_FOUND);
        routes.layer(middleware::from_fn_with_state(house, guard::check)).merge(api)
    }

    /// Answers everything with the way to the same place over TLS.
    fn way_to_https(self) -> Router {
        let redirect = Router::new().fallback(guard::redirect);
        redirect.layer(middleware::from_fn_with_state(self.house, guard::check))
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, routes: Router) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES_MAX).max_headers(HEAD_FIELDS_MAX);
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection.with_upgrades());
    let ended = tokio::select! {
        ended = &mut connection => Ok(ended),
        () = sleep(VISIT) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_ANSWER, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "connection ended early"),
        Err(_) => tracing::debug!("connection cut that did not read its answer"),
    }
}

#[cfg(test)]
mod tests;
