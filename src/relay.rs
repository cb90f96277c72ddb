//! The front door of a relay: listens, serves, and goes away in good order.

use crate::io::channel::Channel;
use crate::io::clock::Clock;
#[cfg(feature = "web")]
use crate::io::gate::Gate;
#[cfg(feature = "web")]
use crate::io::gateway::{Api, Gateway, GatewayOptions, Names, Offer, OperatorToken, Pages, WebTransport};
use crate::io::quic::{BindError, ListenLimits, Listener};
use crate::io::relay_server::Node;
use crate::io::tls::{Identity, IdentityError};
use crate::proto::relay::{Hall, HallLimits, HallStats};
use crate::proto::token::{PORT_DEFAULT, Relay as RelayAddress};
#[cfg(feature = "web")]
use std::net::IpAddr;
use std::net::{Ipv6Addr, SocketAddr};
#[cfg(feature = "web")]
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// How long connections may take to read that the relay goes away.
const DRAIN: Duration = Duration::from_secs(2);
/// How often any port is asked for before the last answer counts: of the number that UDP has, another program may have
/// TCP's.
#[cfg(feature = "web")]
const PORT_TRIES: usize = 16;

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The operator has to choose another address or certificate.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// No certificate could be made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The system gives no randomness; nothing can be secure on it.
    #[error("no randomness from the system: {0}")]
    Random(#[from] getrandom::Error),
}

impl RelayError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Bind(error) => error.hint(),
            Self::Identity(error) => error.hint(),
            Self::Random(_) => "check the system's random source",
        }
    }
}

/// What a relay is to be like; made by [`Relay::builder`].
#[derive(Debug, Default)]
#[must_use]
pub struct RelayBuilder {
    addresses: Vec<SocketAddr>,
    identity: Option<Identity>,
    hall: HallLimits,
    listen: ListenLimits,
    #[cfg(feature = "web")]
    web: Web,
    #[cfg(feature = "web")]
    proxies: Vec<IpAddr>,
    #[cfg(feature = "web")]
    operator: Option<OperatorToken>,
}

/// Whether browsers can come.
#[cfg(feature = "web")]
#[derive(Debug, Default)]
enum Web {
    #[default]
    No,
    /// By TLS, on the TCP ports of the same numbers.
    Beside(Names),
    /// Without TLS.
    Plain(Vec<SocketAddr>, Names),
}

impl RelayBuilder {
    /// Listens on this UDP address, too. Without any, a relay listens on port 4433 of all addresses.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// Shows this certificate. Without one, a relay makes one that ends with it, and so do the links that pin it.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Holds at most this much.
    pub const fn limits(mut self, limits: HallLimits) -> Self {
        self.hall = limits;
        self
    }

    /// Takes connections no faster than this.
    pub const fn listen_limits(mut self, limits: ListenLimits) -> Self {
        self.listen = limits;
        self
    }

    /// Lets browsers in, too: the viewer and its WebSockets by HTTPS, on the TCP port of the same number.
    ///
    /// Browsers warn of a certificate that no authority signed; [`identity`](Self::identity) takes one that they trust.
    #[cfg(feature = "web")]
    pub fn web(mut self, names: Names) -> Self {
        self.web = Web::Beside(names);
        self
    }

    /// Lets browsers in by HTTP without TLS at `address`: for a proxy that does TLS, or a network that is trusted.
    #[cfg(feature = "web")]
    pub fn web_without_tls(mut self, address: SocketAddr, names: Names) -> Self {
        let mut addresses = match self.web {
            Web::Plain(addresses, _) => addresses,
            _ => Vec::new(),
        };
        addresses.push(address);
        self.web = Web::Plain(addresses, names);
        self
    }

    /// Believes the proxy at this address for whom it comes: the last address that it names in `X-Forwarded-For`. Without
    /// it all who come through a proxy are one network, and what bounds a network bounds all of them together.
    ///
    /// The proxy has to name the other end of its own connection there, whatever that one has named.
    #[cfg(feature = "web")]
    pub fn trust_proxy(mut self, address: IpAddr) -> Self {
        self.proxies.push(address.to_canonical());
        self
    }

    /// Tells whoever has this token, by the HTTP API that goes with [`web`](Self::web), what sessions there are: ids,
    /// sizes and times. Without one nobody is told.
    #[cfg(feature = "web")]
    pub fn operator(mut self, token: OperatorToken) -> Self {
        self.operator = Some(token);
        self
    }

    /// Starts listening. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`RelayError::Bind`] if an address is taken or not ours, or the key does not fit the certificate.
    pub async fn start(self) -> Result<Relay, RelayError> {
        let identity = self.identity.map_or_else(Identity::generate, Ok)?;
        let all = [SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT_DEFAULT))];
        let addresses = if self.addresses.is_empty() { &all[..] } else { &self.addresses };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let node = Node::start(Hall::new(self.hall, seed), Clock::start());
        #[cfg(feature = "web")]
        let (listener, gateway) = {
            let (api, limits) = (Some(Api::new(node.clone(), self.operator)), self.listen);
            let options = GatewayOptions { limits, api, proxies: self.proxies, ..GatewayOptions::default() };
            open_all(addresses, &identity, &self.web, &options).await?
        };
        #[cfg(not(feature = "web"))]
        let listener = Listener::bind(addresses, &identity, self.listen)?;
        let (stop, stopped) = oneshot::channel();
        let doors = Doors {
            listener,
            #[cfg(feature = "web")]
            gateway,
        };
        Ok(Relay {
            fingerprint: identity.fingerprint(),
            addresses: doors.listener.local_addresses().to_vec(),
            #[cfg(feature = "web")]
            web_addresses: doors.gateway.iter().flat_map(Gateway::local_addresses).copied().collect(),
            node: node.clone(),
            stop,
            served: tokio::spawn(serve(node, doors, stopped)),
        })
    }
}

/// Opens the UDP ports, and the ways for browsers if there are to be any.
#[cfg(feature = "web")]
async fn open_all(
    addresses: &[SocketAddr],
    identity: &Identity,
    web: &Web,
    options: &GatewayOptions,
) -> Result<(Listener, Option<Gateway>), RelayError> {
    let is_any_port = addresses.iter().any(|address| address.port() == 0);
    let mut tries = if is_any_port { PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        match open_once(addresses, identity, web, options).await {
            Err(RelayError::Bind(BindError::Tcp { source, .. }))
                if tries > 0 && source.kind() == std::io::ErrorKind::AddrInUse => {}
            opened => return opened,
        }
    }
}

#[cfg(feature = "web")]
async fn open_once(
    addresses: &[SocketAddr],
    identity: &Identity,
    web: &Web,
    options: &GatewayOptions,
) -> Result<(Listener, Option<Gateway>), RelayError> {
    let (names, pages) = match web {
        Web::No => return Ok((Listener::bind(addresses, identity, options.limits)?, None)),
        Web::Beside(names) => (names.clone(), Pages::SamePort),
        Web::Plain(_, names) => (names.clone(), Pages::AnyPort),
    };
    let door = Arc::new(WebTransport::new(names.clone(), pages)?);
    // Whoever fills one way must find no other one empty.
    let gate = Gate::new(options.limits);
    let listener = Listener::bind_for_all(addresses, identity, gate.clone(), &door)?;
    let options = GatewayOptions { names, ..options.clone() };
    let gateway = match web {
        Web::Plain(addresses, _) => {
            let offer = Offer::new(door, Some(listener.local_port()));
            Gateway::bind_offering(addresses, None, options, gate, Some(offer)).await?
        }
        _ => {
            let offer = Offer::new(door, None);
            Gateway::bind_offering(listener.local_addresses(), Some(identity), options, gate, Some(offer)).await?
        }
    };
    Ok((listener, Some(gateway)))
}

/// Where connections come from.
struct Doors {
    listener: Listener,
    #[cfg(feature = "web")]
    gateway: Option<Gateway>,
}

impl Doors {
    /// Returns the next connection, or `None` when the UDP sockets have failed. Cancel safe.
    async fn accept(&mut self) -> Option<Channel> {
        #[cfg(feature = "web")]
        if let Some(gateway) = &mut self.gateway {
            tokio::select! {
                channel = self.listener.accept() => return channel,
                Some(channel) = gateway.accept() => return Some(channel),
            }
        }
        self.listener.accept().await
    }
}

/// A running relay: sessions of people who trust each other and not the relay. It sees who writes when and how much,
/// never what.
///
/// Dropping it ends all connections at once; [`shutdown`](Self::shutdown) tells them first.
///
/// ```no_run
/// use cahoots::Relay;
/// use std::net::SocketAddr;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let relay = Relay::builder().listen(SocketAddr::from(([0, 0, 0, 0], 4433))).start().await?;
/// println!("listening on {:?}", relay.local_addrs());
/// tokio::time::sleep(std::time::Duration::from_secs(60)).await;
/// println!("{} members in {} sessions", relay.stats().members, relay.stats().sessions);
/// relay.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Relay {
    fingerprint: [u8; 32],
    addresses: Vec<SocketAddr>,
    #[cfg(feature = "web")]
    web_addresses: Vec<SocketAddr>,
    node: Node,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Relay {
    /// Starts to describe a relay.
    pub fn builder() -> RelayBuilder {
        RelayBuilder::default()
    }

    /// Returns what hosts take to come here, if `host` is the name or address by which they reach this machine.
    #[must_use]
    pub fn address(&self, host: impl Into<String>) -> RelayAddress {
        let port = self.local_addrs().first().map_or(PORT_DEFAULT, SocketAddr::port);
        RelayAddress { host: host.into(), port, fingerprint: Some(self.fingerprint()) }
    }

    /// Returns the SHA-256 of the certificate, for links that pin it. PROTOCOL.md 3.
    #[must_use]
    pub const fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Returns the addresses listened on, with the ports that the system chose.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the TCP addresses at which browsers can come.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn web_addrs(&self) -> &[SocketAddr] {
        &self.web_addresses
    }

    /// Returns the figures of this node.
    #[must_use]
    pub fn stats(&self) -> HallStats {
        self.node.stats()
    }

    /// Takes no more connections, tells the others to come back later, and ends within a few seconds.
    pub async fn shutdown(self) {
        // Nobody listens if serving has ended already, by itself.
        let _ = self.stop.send(());
        let _ = self.served.await;
    }
}

/// Serves what `doors` take until `stopped` says so or is dropped.
async fn serve(node: Node, mut doors: Doors, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    let order = loop {
        tokio::select! {
            channel = doors.accept() => {
                let Some(channel) = channel else {
                    tracing::error!("no socket is left to listen on");
                    break stopped.await;
                };
                let node = node.clone();
                connections.spawn(async move { node.serve(channel).await });
            }
            Some(_) = connections.join_next() => {}
            order = &mut stopped => break order,
        }
    };
    if order.is_ok() {
        node.shutdown();
        let drained = async { while connections.join_next().await.is_some() {} };
        if timeout(DRAIN, drained).await.is_err() {
            tracing::info!(left = connections.len(), "connections cut that did not read the goodbye");
        }
        connections.shutdown().await;
        #[cfg(feature = "web")]
        if let Some(gateway) = doors.gateway {
            gateway.close().await;
        }
        doors.listener.close().await;
    }
}

#[cfg(feature = "web")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::quic::{Endpoint, Target};
    use crate::io::tls::Trust;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    /// A page finds the UDP port by what the relay tells at its TCP port, wherever a proxy or an operator has put it.
    #[tokio::test]
    async fn page_is_told_of_the_udp_port_that_it_can_come_to() {
        let loopback = "127.0.0.1:0".parse().unwrap();
        let relay =
            Relay::builder().listen(loopback).web_without_tls(loopback, Names::default()).start().await.unwrap();
        let (udp, tcp) = (relay.local_addrs()[0].port(), relay.web_addrs()[0]);
        let told = ask(tcp).await;
        assert!(told.contains(&format!("\"url\":\"https://127.0.0.1:{udp}/wt\"")), "{told}");
        relay.shutdown().await;
    }

    /// A network has its share of a relay, by whichever way it comes.
    #[tokio::test]
    async fn ways_share_one_bound() {
        let limits = ListenLimits { connections_per_network_max: 2, ..ListenLimits::RELAY };
        let (identity, loopback) = (Identity::generate().unwrap(), "127.0.0.1:0".parse().unwrap());
        let node = Node::start(Hall::new(HallLimits::default(), [7; 32]), Clock::start());
        let web = Web::Plain(vec![loopback], Names::default());
        let options = GatewayOptions { limits, api: Some(Api::new(node, None)), ..GatewayOptions::default() };
        let opened = open_all(&[loopback], &identity, &web, &options).await.unwrap();
        let (mut listener, gateway) = opened;
        let tcp = gateway.as_ref().unwrap().local_addresses()[0];
        let target = Target::relay("127.0.0.1", listener.local_port(), Trust::fingerprint(identity.fingerprint()));
        let mut natives = Vec::new();
        for _ in 0..2 {
            let mut native = Endpoint::new().dial(&target).await.unwrap();
            native.writer.write_all(b"hello").await.unwrap();
            natives.push((native, listener.accept().await.unwrap()));
        }
        assert_eq!(try_to_ask(tcp).await.unwrap_or_default(), "", "the network's share is used up");
        natives.pop();
        while listener.connections() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(ask(tcp).await.starts_with("HTTP/1.1 200"));
    }

    async fn ask(address: SocketAddr) -> String {
        try_to_ask(address).await.unwrap()
    }

    async fn try_to_ask(address: SocketAddr) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /webtransport HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}
