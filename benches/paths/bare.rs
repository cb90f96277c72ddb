//! The same work by bare quinn, without frames, checks or rooms: what the transport alone costs.
//!
//! A client opens a stream and says in its first byte what it wants: an echo, to be one of the two ends of a hop, to
//! publish, to subscribe.

use crate::{Outcome, child::Child};
use bytes::{Bytes, BytesMut};
use quinn::{ClientConfig, Endpoint, RecvStream, SendStream, ServerConfig};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Bytes of a frame that is fanned out.
pub(crate) const FRAME_BYTES: usize = 256;
const ECHO: u8 = b'e';
const ANSWERER: u8 = b'a';
const CALLER: u8 = b'c';
const PUBLISHER: u8 = b'p';
const SUBSCRIBER: u8 = b's';

type Streams = (SendStream, RecvStream);

/// What the connections of the server share.
#[derive(Default)]
struct Shared {
    answerer: Mutex<Option<Streams>>,
    subscribers: Mutex<Vec<mpsc::UnboundedSender<Bytes>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until `over`.
pub(crate) async fn serve(over: impl Future<Output = ()>) -> Outcome {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(Arc::new(tls))?;
    let config = ServerConfig::with_crypto(Arc::new(crypto));
    let endpoint = Endpoint::server(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let certificate: String = made.cert.der().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{} {certificate}", endpoint.local_addr()?);
    let shared = Arc::new(Shared::default());
    let accept = async {
        while let Some(incoming) = endpoint.accept().await {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { welcome(incoming, &shared).await });
        }
    };
    tokio::select! {
        () = accept => {}
        () = over => {}
    }
    Ok(())
}

async fn welcome(incoming: quinn::Incoming, shared: &Shared) -> Outcome {
    let connection = incoming.await?;
    let (send, mut recv) = connection.accept_bi().await?;
    let mut wish = [0];
    recv.read_exact(&mut wish).await?;
    match wish[0] {
        ECHO => pump(recv, send).await,
        ANSWERER => {
            *lock(&shared.answerer) = Some((send, recv));
            connection.closed().await;
            Ok(())
        }
        CALLER => {
            let (to, from) = lock(&shared.answerer).take().ok_or("nobody answers")?;
            tokio::try_join!(pump(recv, to), pump(from, send)).map(|_| ())
        }
        PUBLISHER => fan_out(recv, shared).await,
        _ => {
            let (sender, frames) = mpsc::unbounded_channel();
            lock(&shared.subscribers).push(sender);
            deliver(send, frames).await
        }
    }
}

async fn pump(mut from: RecvStream, mut to: SendStream) -> Outcome {
    while let Some(chunk) = from.read_chunk(usize::MAX, true).await? {
        to.write_chunk(chunk.bytes).await?;
    }
    Ok(())
}

async fn fan_out(mut recv: RecvStream, shared: &Shared) -> Outcome {
    let mut buffer = BytesMut::new();
    while let Some(chunk) = recv.read_chunk(usize::MAX, true).await? {
        buffer.extend_from_slice(&chunk.bytes);
        while buffer.len() >= FRAME_BYTES {
            let frame = buffer.split_to(FRAME_BYTES).freeze();
            lock(&shared.subscribers).retain(|subscriber| subscriber.send(frame.clone()).is_ok());
        }
    }
    Ok(())
}

/// Writes what waits in one go, as a good server does.
async fn deliver(mut send: SendStream, mut frames: mpsc::UnboundedReceiver<Bytes>) -> Outcome {
    let mut waiting = Vec::new();
    while frames.recv_many(&mut waiting, 256).await > 0 {
        send.write_all_chunks(&mut waiting).await?;
        waiting.clear();
    }
    Ok(())
}

/// A client's end. The connection lives as long as this does.
pub(crate) struct Line {
    pub(crate) send: SendStream,
    pub(crate) recv: RecvStream,
    _connection: quinn::Connection,
    _endpoint: Endpoint,
}

/// The server in a process of its own.
pub(crate) struct Server {
    pub(crate) child: Child,
    address: SocketAddr,
    config: ClientConfig,
}

impl Server {
    pub(crate) fn start() -> Outcome<Self> {
        let child = Child::start("bare")?;
        let (address, certificate) = child.greeting.split_once(' ').ok_or("no greeting")?;
        let certificate = (0..certificate.len() / 2)
            .map(|at| u8::from_str_radix(&certificate[2 * at..2 * at + 2], 16))
            .collect::<Result<Vec<_>, _>>()?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(certificate))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(Arc::new(tls))?;
        let (address, config) = (address.parse()?, ClientConfig::new(Arc::new(crypto)));
        Ok(Self { child, address, config })
    }

    /// Dials from a socket of its own, as people do.
    async fn dial(&self, wish: u8) -> Outcome<Line> {
        let endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        let connection = endpoint.connect_with(self.config.clone(), self.address, "localhost")?.await?;
        let (mut send, recv) = connection.open_bi().await?;
        send.write_all(&[wish]).await?;
        Ok(Line { send, recv, _connection: connection, _endpoint: endpoint })
    }

    /// Returns a line on which the server sends back what it gets.
    pub(crate) async fn echo(&self) -> Outcome<Line> {
        self.dial(ECHO).await
    }

    /// Returns a line through the server to an echo in this process.
    pub(crate) async fn echo_behind_a_hop(&self) -> Outcome<Line> {
        let answerer = self.dial(ANSWERER).await?;
        tokio::spawn(async move {
            let Line { send, recv, _connection, _endpoint } = answerer;
            pump(recv, send).await
        });
        // The server has to have the answerer before the caller comes.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        self.dial(CALLER).await
    }

    pub(crate) async fn publisher(&self) -> Outcome<Line> {
        self.dial(PUBLISHER).await
    }

    pub(crate) async fn subscriber(&self) -> Outcome<Line> {
        self.dial(SUBSCRIBER).await
    }
}
