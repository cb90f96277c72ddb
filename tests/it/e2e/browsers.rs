//! Browsers without a relay's page: at the host itself on the local network, and at the viewer's own program.
//!
//! The browser is played by the crate's own guest over a WebSocket that is opened like a page's.

use super::nearby::net::Net;
use super::stage::{PANE, Process, Stage, text, until};
use cahoots::io::channel::Binder;
use cahoots::{Channel, Guest, JoinError, Link};
use futures_util::{SinkExt, StreamExt};
use std::fs;
use std::net::{SocketAddr, TcpStream as StdStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TcpStream>;

/// A page as its address says: where it is served, and the link that stays in it.
struct Page {
    server: SocketAddr,
    /// `/` and the folder's name, or nothing.
    folder: String,
    link: Link,
}

impl Page {
    fn at(address: &str) -> Self {
        let (place, _) = address.split_once("/j#").expect("it is the address of a page with a link");
        let place = place.strip_prefix("http://").expect("it is served without TLS");
        let (server, folder) = place.split_at(place.find('/').unwrap_or(place.len()));
        let link = Link::parse(address).expect("programs read it, too");
        Self { server: server.parse().expect("it is served at an address"), folder: folder.to_owned(), link }
    }

    async fn reach(&self) -> TcpStream {
        TcpStream::connect(self.server).await.unwrap()
    }

    /// Asks for a file, and returns the answer whole.
    async fn get(&self, path: &str) -> String {
        let mut stream = self.reach().await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.server);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Opens a socket as a page of `origin` does that knows `folder`.
    async fn open(&self, stream: TcpStream, folder: &str, origin: &str) -> Result<Socket, Error> {
        let mut request = format!("ws://{}{folder}/ws", self.server).into_client_request()?;
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request.headers_mut().insert("sec-websocket-protocol", "cahoots.bound, cahoots".parse().unwrap());
        client_async(request, stream).await.map(|(socket, _)| socket)
    }

    /// Opens its own socket.
    async fn socket(&self, stream: TcpStream) -> Socket {
        self.open(stream, &self.folder, &format!("http://{}", self.server)).await.unwrap()
    }

    /// Joins over `socket` with proofs that are bound to `exporter`.
    async fn join(&self, socket: Socket, exporter: Option<[u8; 32]>) -> Result<Guest, JoinError> {
        let (reader, writer) = carry(socket);
        let binder = exporter.map_or_else(Binder::none, |exporter| Binder::new(move |_| Some(exporter)));
        let channel = Channel { binder, ..Channel::new(reader, writer, "page") };
        Guest::builder(self.link.clone()).name("ben").channel(channel).watch(PANE).start().await
    }
}

/// Makes a stream of a socket, as the page's worker does.
fn carry(mut socket: Socket) -> (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>) {
    let (inside, outside) = duplex(65_536);
    let (mut from_guest, mut to_guest) = split(outside);
    tokio::spawn(async move {
        let mut buffer = vec![0; 16_384];
        loop {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => if to_guest.write_all(&bytes).await.is_err() { break },
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => break,
                },
                read = from_guest.read(&mut buffer) => match read {
                    Ok(count @ 1..) => {
                        let bytes = buffer[..count].to_vec();
                        if socket.send(Message::Binary(bytes.into())).await.is_err() { break }
                    }
                    _ => break,
                },
            }
        }
        let _ = socket.close(None).await;
    });
    split(inside)
}

/// Reads what a bound socket says first: the exporter, and which way the connection goes.
async fn greeting(socket: &mut Socket) -> ([u8; 32], String) {
    let Some(Ok(Message::Text(greeting))) = socket.next().await else { panic!("it begins with text") };
    let (hex, way) = greeting.split_once(' ').expect("two words");
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex digits");
    assert_eq!(hex.len(), 64);
    (std::array::from_fn(byte), way.to_owned())
}

/// Waits until a line of the guest's screen is `line`.
async fn shows(guest: &Guest, line: &str) {
    let view = guest.watch(PANE);
    until(line, || view.with_screen(|screen| screen.text().iter().any(|shown| shown == line))).await;
}

async fn page_of(view: &Process) -> Page {
    let viewing = view.record("the page's address", |record| record["event"] == "viewing").await;
    Page::at(text(&viewing["address"]))
}

const ECHO: [&str; 3] = ["sh", "-c", "echo up; exec cat"];

/// Somebody in the same room has nothing but a browser, and there is no relay: they see and type all the same.
#[tokio::test]
async fn browser_on_the_network_sees_and_types_at_the_host() {
    let stage = Stage::new();
    let share = stage.share(None, &["--no-lan", "--web", "127.0.0.1"], &ECHO).await;
    let page = Page::at(share.web("interact"));
    assert!(page.get("/j").await.contains("<!doctype html>"));
    assert!(page.get("/served-by").await.ends_with("\r\n\r\nhost\n"));

    let guest = page.join(page.socket(page.reach().await).await, None).await.unwrap();
    shows(&guest, "up").await;
    guest.type_bytes(PANE, b"typed in a browser\r").unwrap();
    shows(&guest, "typed in a browser").await;
    guest.leave().await;
}

/// Who trusts nobody's page has their own: it comes through the relay like a native guest, and its proofs are as bound.
#[tokio::test]
async fn own_viewer_is_bound_to_its_connection() {
    let stage = Stage::new();
    let relay = stage.relay().await;
    let share = stage.share(Some(&relay), &[], &ECHO).await;
    let mut view = stage.start(&["view", "--json", "--no-lan"]);
    view.write(share.link("interact"));
    let page = page_of(&view).await;
    assert_eq!(
        page.link,
        Link::parse(share.link("interact")).unwrap(),
        "the page knows the relay, to pass the link on"
    );
    assert!(page.get(&format!("{}/served-by", page.folder)).await.ends_with("\r\n\r\nviewer\n"));

    let mut socket = page.socket(page.reach().await).await;
    let (exporter, way) = greeting(&mut socket).await;
    assert_eq!(way, "relay");
    let guest = page.join(socket, Some(exporter)).await.unwrap();
    shows(&guest, "up").await;
    guest.type_bytes(PANE, b"typed at home\r").unwrap();
    shows(&guest, "typed at home").await;
    guest.leave().await;

    // The exporter is no decoration: proofs without it, or with another connection's, are refused.
    let mut socket = page.socket(page.reach().await).await;
    let (other, _) = greeting(&mut socket).await;
    assert_ne!(other, exporter);
    assert!(page.join(socket, Some(exporter)).await.is_err());
    let mut socket = page.socket(page.reach().await).await;
    greeting(&mut socket).await;
    assert!(page.join(socket, None).await.is_err());
}

/// Everybody on a machine can reach its ports, and so can every page in its browsers.
#[tokio::test]
async fn own_viewer_serves_nobody_who_does_not_know_its_folder() {
    let stage = Stage::new();
    let share = stage.share(None, &["--no-lan"], &ECHO).await;
    let mut view = stage.start(&["view", "--json", "--no-lan"]);
    view.write(share.link("view"));
    let page = page_of(&view).await;
    for path in ["/", "/j", "/ws", "/served-by", "/healthz", "/0123456789abcdef0123456789abcdef/j"] {
        assert!(page.get(path).await.starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(page.server.ip().is_loopback());
    let own = format!("http://{}", page.server);
    for (folder, origin) in [("", own.as_str()), (&page.folder, "https://evil.example"), (&page.folder, "null")] {
        let refused = page.open(page.reach().await, folder, origin).await;
        assert!(matches!(refused, Err(Error::Http(_))), "{folder} {origin}");
    }
    // Nobody has the session nearby, and the link names no relay: the page is told so by a code.
    let mut socket = page.socket(page.reach().await).await;
    let closed = socket.next().await.unwrap().unwrap();
    assert!(matches!(closed, Message::Close(Some(frame)) if u16::from(frame.code) == 4_001));
}

/// In an aeroplane there is no relay: the viewer finds a host on its own machine as `join` does.
#[tokio::test]
async fn own_viewer_finds_the_host_nearby() {
    let Some(net) = Net::new(&["alone"]) else { return };
    let stage = Stage::new();
    let args = [&["share", "--headless", "--json", "--"], &ECHO[..]].concat();
    let share = Process::start(net.within("alone", &stage.cahoots(&args)));
    let sharing = share.record("the links", |record| record["event"] == "sharing").await;
    let mut view = Process::start(net.within("alone", &stage.cahoots(&["view", "--json"])));
    view.write(text(&sharing["links"]["view"]));
    let page = page_of(&view).await;

    let stream = net.on("alone", || StdStream::connect(page.server).unwrap());
    stream.set_nonblocking(true).unwrap();
    let mut socket = page.socket(TcpStream::from_std(stream).unwrap()).await;
    let (exporter, way) = greeting(&mut socket).await;
    assert!(["loopback", "lan"].contains(&way.as_str()), "{way}");
    let guest = page.join(socket, Some(exporter)).await.unwrap();
    shows(&guest, "up").await;
    guest.leave().await;
}

/// A viewer outlives many sockets of its page: each goes the best way that there is by then, and a page that is merely
/// loaded anew has found no fault with the last one.
#[tokio::test]
async fn own_viewer_looks_for_the_best_way_at_each_socket() {
    let Some(net) = Net::new(&["alone"]) else { return };
    let stage = Stage::new();
    let within = |args: &[&str]| Process::start(net.within("alone", &stage.cahoots(args)));
    let relay = within(&["relay", "--listen", "127.0.0.1:0", "--json"]);
    let relay = relay.record("the relay's address", |record| record["event"] == "relay").await;
    let reach = ["share", "--headless", "--json", "--relay", text(&relay["address"]), "--"];
    let share = within(&[&reach, &ECHO[..]].concat());
    let sharing = share.record("the links", |record| record["event"] == "sharing").await;
    let mut view = within(&["view", "--json"]);
    view.write(text(&sharing["links"]["view"]));
    let page = page_of(&view).await;
    let open = async || {
        let stream = net.on("alone", || StdStream::connect(page.server).unwrap());
        stream.set_nonblocking(true).unwrap();
        let mut socket = page.socket(TcpStream::from_std(stream).unwrap()).await;
        let (exporter, way) = greeting(&mut socket).await;
        (socket, exporter, way)
    };

    // The host is elsewhere at first: nothing here tells where it listens.
    let (here, away) = (stage.path("run").join("cahoots"), stage.path("away"));
    fs::rename(&here, &away).unwrap();
    let (socket, exporter, way) = open().await;
    assert_eq!(way, "relay");
    let guest = page.join(socket, Some(exporter)).await.unwrap();
    shows(&guest, "up").await;
    fs::rename(&away, &here).unwrap();

    // The page notices that it is on another network.
    let (mut socket, _, way) = open().await;
    assert_eq!(way, "loopback");
    guest.leave().await;
    socket.close(None).await.unwrap();
    let (mut socket, _, way) = open().await;
    assert_eq!(way, "loopback", "after a page that left before the host had taken it in");

    let given_up = CloseFrame { code: 4_000.into(), reason: Utf8Bytes::default() };
    socket.close(Some(given_up)).await.unwrap();
    while socket.next().await.is_some() {}
    assert_eq!(open().await.2, "relay", "after a page that found somebody else there");
}
