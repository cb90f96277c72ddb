//! Real QUIC over loopback, against a page that says what it likes.

use super::*;
use crate::io::channel::Channel;
use crate::io::gate::Gate;
use crate::io::gateway::{Gateway, GatewayOptions};
use crate::io::quic::{Endpoint, ListenLimits, Listener, Target};
use crate::io::tls::{ALPN_BROWSER, Identity, Trust, client_config};
use crate::proto::id::SessionId;
use axum::http::HeaderValue;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const SESSION: SessionId = SessionId([7; 16]);

/// The port is that of native peers: neither kind may see anything of the other's.
#[tokio::test]
async fn browsers_and_natives_come_to_one_port() {
    let mut ray = Ray::start(Pages::SamePort);
    let (mut page, mut there) = ray.connect().await;
    assert_eq!(there.binder.exporter(&SESSION), None, "a page has no exporter: both must go without");
    assert!(there.network.is_some());
    page.writer.write_all(b"hello").await.unwrap();
    assert_eq!(read(&mut there, 5).await, b"hello");

    let trust = Trust::fingerprint(ray.identity.fingerprint());
    let target = Target::relay("127.0.0.1", ray.address().port(), trust);
    let mut ben = Endpoint::new().dial(&target).await.unwrap();
    ben.writer.write_all(b"hello").await.unwrap();
    let mut there = ray.listener.accept().await.unwrap();
    assert_eq!(read(&mut there, 5).await, b"hello");
    assert_eq!(there.binder.exporter(&SESSION), ben.binder.exporter(&SESSION));
    assert!(there.binder.exporter(&SESSION).is_some());
}

/// The gateway only carries: what one side writes the other reads, whole, and both learn where it ends.
#[tokio::test]
async fn session_carries_bytes_both_ways_and_ends_both_ways() {
    let mut ray = Ray::start(Pages::SamePort);
    let (mut page, mut there) = ray.connect().await;
    let sent: Vec<u8> = (0..700_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let writes = async {
        there.writer.write_all(&sent).await.unwrap();
        there.writer.shutdown().await.unwrap();
    };
    let (received, ()) = tokio::join!(page.reader.read_to_end(sent.len()), writes);
    assert!(received.unwrap() == sent);

    page.writer.write_all(b"bye").await.unwrap();
    page.writer.finish().unwrap();
    let mut heard = Vec::new();
    there.reader.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"bye");
    drop(there);
    drop(page);
    ray.is_empty().await;
}

/// A relay that says goodbye is heard, and the page's connection is gone soon after without its help.
#[tokio::test]
async fn last_bytes_of_a_dropped_channel_arrive() {
    let mut ray = Ray::start(Pages::SamePort);
    let (mut page, mut there) = ray.connect().await;
    there.writer.write_all(b"going away").await.unwrap();
    drop(there);
    assert_eq!(page.reader.read_to_end(100).await.unwrap(), b"going away");
    // Firefox throws away what its page has not read yet once it is told to write no more.
    let stopped = page.writer.stopped().await;
    assert!(matches!(stopped, Err(quinn::StoppedError::ConnectionLost(_))), "{stopped:?}");
    let closed = page.connection.closed().await;
    assert!(
        matches!(&closed, quinn::ConnectionError::ApplicationClosed(why) if why.error_code == NO_ERROR),
        "{closed}"
    );
    ray.is_empty().await;
}

/// A tab that is closed ends its session and perhaps nothing else: its seat is for the next one.
#[tokio::test]
async fn session_that_ends_takes_its_connection_along() {
    let mut ray = Ray::start(Pages::SamePort);
    let (mut page, mut there) = ray.connect().await;
    page.request.finish().unwrap();
    assert!(there.reader.read_u8().await.is_err(), "cut off, since the stream itself did not end");
    drop(there);
    ray.is_empty().await;
}

/// Pages elsewhere and names that are not ours get nothing, as over TCP.
#[tokio::test]
async fn other_pages_names_and_paths_are_turned_away() {
    let ray = Ray::start(Pages::SamePort);
    let (own, port) = (ray.address(), ray.address().port());
    let local = |path| format!("https://{own}{path}");
    for (status, url, origin) in [
        (403, local("/wt"), Some("https://evil.example")),
        (403, local("/wt"), Some("null")),
        (403, local("/wt"), Some("https://127.0.0.1")),
        (421, format!("https://evil.example:{port}/wt"), Some("https://evil.example")),
        (404, local("/elsewhere"), None),
    ] {
        let refused = ray.ask(&url, origin).await.map(|_| ()).unwrap_err();
        let found = matches!(&refused, ConnectError::WrongStatus(Some(found)) if found.as_u16() == status);
        assert!(found, "{url} of {origin:?}: {refused}");
    }
    for (url, origin) in [
        (local("/wt"), None),
        (local("/wt"), Some(format!("https://{own}"))),
        (local("/wt"), Some("https://view.example".to_owned())),
        (format!("https://relay.example:{port}/wt"), Some(format!("https://relay.example:{port}"))),
    ] {
        assert!(ray.ask(&url, origin.as_deref()).await.is_ok(), "{url} of {origin:?}");
    }
}

/// Behind a proxy the page comes from another port of the same name; from another name it is somebody else's.
#[tokio::test]
async fn page_of_a_proxy_is_known_by_its_name() {
    let ray = Ray::start(Pages::AnyPort);
    let url = format!("https://relay.example:{}/wt", ray.address().port());
    assert!(ray.ask(&url, Some("https://relay.example")).await.is_ok());
    assert!(ray.ask(&url, Some("https://evil.example")).await.is_err());
}

/// Who comes and opens no session holds a place for seconds, not for ever.
#[tokio::test]
async fn silence_is_cut_off() {
    let ray = Ray::start_with(Pages::SamePort, Duration::from_millis(200));
    let silent = ray.dial().await;
    silent.closed().await;
    let halfway = ray.ask(&format!("https://{}/wt", ray.address()), None).await.unwrap();
    halfway.connection.closed().await;
    ray.is_empty().await;
}

/// Only who sends frames by the one stream is given out: anything else is another protocol.
#[tokio::test]
async fn stream_that_is_not_the_sessions_is_refused() {
    for begin in [&[0x40, 0x41, 0x04, PROBE][..], &[0x40, 0x41, 0x00, 7], &[0x01, 0x00, PROBE]] {
        let mut ray = Ray::start(Pages::SamePort);
        let asked = ray.ask(&format!("https://{}/wt", ray.address()), None).await.unwrap();
        let (mut writer, _reader) = asked.connection.open_bi().await.unwrap();
        writer.write_all(begin).await.unwrap();
        tokio::select! {
            _ = asked.connection.closed() => {}
            _ = ray.listener.accept() => panic!("{begin:x?} was taken for a session's stream"),
        }
    }
}

/// The page knows nothing but its own address: what it is told must lead it here, and its policy must let it go there.
#[tokio::test]
async fn page_is_told_where_to_go_and_whom_to_believe() {
    let mut ray = Ray::start(Pages::SamePort);
    let gateway = gateway(Some(Offer::new(Arc::clone(&ray.door), None))).await;
    let answer = ask(&gateway, "/webtransport", &format!("host: {}\r\n", ray.address())).await;
    let told: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(told["url"], format!("https://{}/wt", ray.address()));
    let hashes: Vec<_> = told["hashes"].as_array().unwrap().iter().map(|hash| hash.as_str().unwrap()).collect();
    assert_eq!(hashes, [hex(&ray.hash())]);
    assert!(answer.contains("cache-control: no-store"), "an old hash leads nowhere: {answer}");
    ray.connect().await;

    let from = "host: relay.example:4433\r\norigin: https://view.example\r\n";
    let answer = ask(&gateway, "/webtransport", from).await;
    assert!(answer.contains("access-control-allow-origin: https://view.example\r\n"), "{answer}");
    assert!(answer.contains("https://relay.example:4433/wt"), "{answer}");
    let foreign = ask(&gateway, "/webtransport", "host: relay.example\r\norigin: https://evil.example\r\n").await;
    assert!(foreign.starts_with("HTTP/1.1 403") && !foreign.contains("access-control"), "{foreign}");
}

/// Where a proxy serves the page, the way to UDP is another port, which the page's policy has to name.
#[tokio::test]
async fn other_port_is_told_and_permitted() {
    let ray = Ray::start(Pages::AnyPort);
    let gateway = gateway(Some(Offer::new(Arc::clone(&ray.door), Some(4433)))).await;
    let answer = ask(&gateway, "/webtransport", "host: relay.example\r\n").await;
    assert!(answer.contains("\"https://relay.example:4433/wt\""), "{answer}");
    let page = ask(&gateway, "/", "host: relay.example\r\n").await;
    assert!(page.contains("connect-src 'self' https://relay.example:4433\r\n"), "{page}");
    // A name that would end the sentence is none that the policy may repeat.
    let page = ask(&gateway, "/", "host: a;script-src.localhost\r\n").await;
    assert!(page.contains("connect-src 'self'\r\n"), "{page}");
}

/// A page that is told nothing goes on by WebSocket.
#[tokio::test]
async fn gateway_without_udp_tells_nothing() {
    let answer = ask(&gateway(None).await, "/webtransport", "host: localhost\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains("connect-src 'self'\r\n"), "{answer}");
}

/// A listener of both, and what its page is told.
struct Ray {
    listener: Listener,
    identity: Identity,
    door: Arc<WebTransport>,
    dialer: quinn::Endpoint,
}

/// A page's session, before its stream.
struct Asked {
    connection: Connection,
    request: SendStream,
    // Ends the session when dropped.
    _answer: RecvStream,
    _control: SendStream,
}

/// A page with its stream.
struct Page {
    connection: Connection,
    request: SendStream,
    writer: SendStream,
    reader: RecvStream,
    _answer: RecvStream,
    _control: SendStream,
}

impl Ray {
    fn start(pages: Pages) -> Self {
        Self::start_with(pages, ListenLimits::RELAY.first_stream)
    }

    fn start_with(pages: Pages, first_stream: Duration) -> Self {
        let identity = Identity::generate().unwrap();
        let names = Names::default().host("relay.example").origin("https://view.example");
        let door = Arc::new(WebTransport::new(names, pages).unwrap());
        let limits = ListenLimits { first_stream, ..ListenLimits::RELAY };
        let listener = Listener::bind_for_all(&[LOOPBACK], &identity, Gate::new(limits), &door).unwrap();
        Self { listener, identity, door, dialer: quinn::Endpoint::client(LOOPBACK).unwrap() }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addresses()[0]
    }

    fn hash(&self) -> [u8; 32] {
        self.door.certificates().hashes(SystemTime::now())[0]
    }

    /// Makes the connection, believing nobody but who shows the certificate that pages are told of.
    async fn dial(&self) -> Connection {
        let (mut tls, _) = client_config(&Trust::fingerprint(self.hash())).unwrap();
        tls.alpn_protocols = vec![ALPN_BROWSER.to_vec()];
        let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
        let config = quinn::ClientConfig::new(Arc::new(crypto));
        self.dialer.connect_with(config, self.address(), "127.0.0.1").unwrap().await.unwrap()
    }

    async fn ask(&self, url: &str, origin: Option<&str>) -> Result<Asked, ConnectError> {
        let connection = self.dial().await;
        let mut control = connection.open_uni().await.unwrap();
        let mut settings = Settings::default();
        settings.enable_webtransport(1);
        settings.write(&mut control).await.unwrap();
        let (mut request, mut answer) = connection.open_bi().await.unwrap();
        let mut asked = ConnectRequest::new(url.parse::<url::Url>().unwrap());
        if let Some(origin) = origin {
            asked = asked.with_header(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        asked.write(&mut request).await?;
        ConnectResponse::read(&mut answer).await?;
        Ok(Asked { connection, request, _answer: answer, _control: control })
    }

    async fn connect(&mut self) -> (Page, Channel) {
        let Asked { connection, request, _answer, _control } =
            self.ask(&format!("https://{}/wt", self.address()), None).await.unwrap();
        let (mut writer, mut reader) = connection.open_bi().await.unwrap();
        // The kind of stream, and the number of the session's.
        writer.write_all(&[0x40, 0x41, 0x00, PROBE]).await.unwrap();
        assert_eq!(reader.read_u8().await.unwrap(), PROBE);
        let there = self.listener.accept().await.unwrap();
        (Page { connection, request, writer, reader, _answer, _control }, there)
    }

    /// Waits until nobody has a seat any more.
    async fn is_empty(&self) {
        while self.listener.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn read(channel: &mut Channel, bytes: usize) -> Vec<u8> {
    let mut heard = vec![0; bytes];
    channel.reader.read_exact(&mut heard).await.unwrap();
    heard
}

async fn gateway(offer: Option<Offer>) -> Gateway {
    let names = Names::default().host("relay.example").origin("https://view.example");
    let options = GatewayOptions { names, ..GatewayOptions::default() };
    let gate = Gate::new(options.limits);
    Gateway::bind_offering(&[LOOPBACK], None, options, gate, offer).await.unwrap()
}

async fn ask(gateway: &Gateway, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(gateway.local_addresses()[0]).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
