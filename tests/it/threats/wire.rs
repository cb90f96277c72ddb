//! A network between real processes' sockets: every datagram of real QUIC heard, and altered, repeated or dropped at will.

use super::canary::{contains, hex};
use super::held::{Held, Trial};
use cahoots::io::quic::{Endpoint, Target};
use cahoots::io::tls::Trust;
use cahoots::{Access, Channel, Guest, Host, Lan, Link, Relay, RelayAddress, Terms};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// Long after everything should have happened.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(15);

/// Which way a datagram goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// What somebody on the way makes of a datagram: none, one or many.
type Meddle = dyn Fn(Way, &[u8]) -> Vec<Vec<u8>> + Send + Sync;

/// The datagrams that passed, in order, and which way.
type Heard = Arc<Mutex<Vec<(Way, Vec<u8>)>>>;

/// Somebody on the way between clients and one server.
pub(crate) struct Middle {
    pub(crate) address: SocketAddr,
    /// All that was heard, before anything was done to it.
    pub(crate) heard: Heard,
    _tasks: JoinSet<()>,
}

impl Middle {
    /// Stands before `server`, which sees its clients come from `ip`.
    pub(crate) async fn new(
        server: SocketAddr,
        ip: Ipv4Addr,
        meddle: impl Fn(Way, &[u8]) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let front = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
        let address = front.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (log, meddle): (_, Arc<Meddle>) = (heard.clone(), Arc::new(meddle));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut clients: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
            let mut answers = JoinSet::new();
            let mut buffer = vec![0; 65_536];
            while let Ok((length, client)) = front.recv_from(&mut buffer).await {
                if let Entry::Vacant(entry) = clients.entry(client) {
                    let back = Arc::new(UdpSocket::bind((ip, 0)).await.unwrap());
                    back.connect(server).await.unwrap();
                    entry.insert(back.clone());
                    answers.spawn(pass_back(back, front.clone(), client, meddle.clone(), log.clone()));
                }
                log.lock().unwrap().push((Way::ToServer, buffer[..length].to_vec()));
                for datagram in meddle(Way::ToServer, &buffer[..length]) {
                    let _ = clients[&client].send(&datagram).await;
                }
            }
        });
        Self { address, heard, _tasks: tasks }
    }

    /// All bytes that passed, in a row.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.heard.lock().unwrap().iter().flat_map(|(_, datagram)| datagram.clone()).collect()
    }
}

async fn pass_back(back: Arc<UdpSocket>, front: Arc<UdpSocket>, client: SocketAddr, meddle: Arc<Meddle>, log: Heard) {
    let mut buffer = vec![0; 65_536];
    loop {
        // A refused port shows as an error of the next call; the client finds out for itself.
        let Ok(length) = back.recv(&mut buffer).await else { continue };
        log.lock().unwrap().push((Way::ToClient, buffer[..length].to_vec()));
        for datagram in meddle(Way::ToClient, &buffer[..length]) {
            let _ = front.send_to(&datagram, client).await;
        }
    }
}

/// Starts a relay for this process.
pub(crate) async fn relay() -> Relay {
    Relay::builder().listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).start().await.unwrap()
}

/// Returns the relay's address as a link would name it, but with another port.
pub(crate) fn relay_at(relay: &Relay, port: u16) -> RelayAddress {
    RelayAddress { port, ..relay.address("127.0.0.1") }
}

/// Starts a host that knows its relay by this address.
pub(crate) async fn host(relay: RelayAddress) -> Host {
    Host::builder().name("ada").title("quiet").lan(Lan::Off).relay(relay).start().await.unwrap()
}

/// Waits until a host has brought its session to the relay; true if it has. Its entries come after all that newcomers
/// are told apart by, and before that the relay has to say that there is no such session.
pub(crate) async fn is_brought_to(relay: &Relay) -> bool {
    comes_true(|| relay.stats().bytes_stored > 0, PATIENCE).await
}

/// Joins by a link, of which only the address of the relay is another.
pub(crate) async fn guest(link: &Link, relay: RelayAddress) -> Guest {
    let link = Link { token: link.token.clone(), relay: Some(relay) };
    Guest::builder(link).name("ben").lan(Lan::Off).patience(PATIENCE).start().await.unwrap()
}

/// Waits until `holds` does; true if it ever did.
pub(crate) async fn comes_true(mut holds: impl FnMut() -> bool, patience: Duration) -> bool {
    let start = Instant::now();
    while !holds() {
        if start.elapsed() > patience {
            return false;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    true
}

/// Keeps all that is read through it.
struct Tee {
    inner: Box<dyn AsyncRead + Send + Unpin>,
    read: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Tee {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let news = buf.filled()[before..].to_vec();
        self.read.lock().unwrap().extend(news);
        polled
    }
}

/// Ada comes to the relay from an address of her own, and Eve keeps every byte that the relay sends to her.
pub(crate) fn addresses_cannot_be_learned(access: Access) -> Held {
    const ADAS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut trial = Trial::default();
        let relay = relay().await;
        let server = relay.local_addrs()[0];
        let middle = Middle::new(server, ADAS, |_, datagram| vec![datagram.to_vec()]).await;
        let ada = host(relay_at(&relay, middle.address.port())).await;
        let token = ada.share(Terms::new(access)).unwrap().token;
        assert!(is_brought_to(&relay).await, "Ada is at the relay");

        let address = relay.address("127.0.0.1");
        let trust = Trust::fingerprint(address.fingerprint.unwrap());
        let channel = Endpoint::new().dial(&Target::relay("127.0.0.1", address.port, trust)).await.unwrap();
        let read = Arc::new(Mutex::new(Vec::new()));
        let reader = Box::new(Tee { inner: channel.reader, read: read.clone() });
        let channel = Channel { reader, ..channel };
        let link = Link { token, relay: None };
        let eve = Guest::builder(link).lan(Lan::Off).channel(channel).patience(PATIENCE).start().await.unwrap();
        ada.session().say("hello").unwrap();
        let sees = || eve.session().messages().len() == 1 && eve.session().members().len() == 2;
        trial.works("Eve sees Ada", comes_true(sees, PATIENCE).await);
        let read = read.lock().unwrap().clone();
        let ada_is = ada.session().me().unwrap();
        trial.works("what the relay sends is at hand", contains(&read, ada_is.as_bytes()));
        let found = [ADAS.octets().to_vec(), ADAS.to_string().into_bytes(), hex(&ADAS.octets()).into_bytes()];
        trial.gets_nothing("Ada's address is told", found.iter().filter(|guise| contains(&read, guise)));
        let told = format!("{:?} {:?}", eve.session().members(), eve.session().status());
        trial
            .gets_nothing("the program knows it", contains(told.as_bytes(), ADAS.to_string().as_bytes()).then_some(()));
        assert_eq!(server.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        trial.held()
    })
}
