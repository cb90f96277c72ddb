//! Browsers without a relay: at the host itself on the local network, and at the viewer's own program.
//!
//! The browser is played by the crate's own guest over a WebSocket that is opened like a page's.

use super::stage::{PANE, Stage, until};
use crate::threats::overheard;
use cahoots::{Channel, Guest, Link};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Splits a page's address into where it is served and what it keeps to itself.
fn split_address(address: &str) -> (&str, &str) {
    address.split_once("/j#").expect("it is the address of a page with a link")
}

/// Opens the socket of the page at `page` as a browser does.
async fn open_socket(page: &str) -> Socket {
    let (scheme, place) = page.split_once("://").unwrap();
    assert_eq!(scheme, "http");
    let authority = place.split('/').next().unwrap();
    let mut request = format!("ws://{place}/ws").into_client_request().unwrap();
    request.headers_mut().insert("origin", format!("http://{authority}").parse().unwrap());
    connect_async(request).await.unwrap().0
}

/// Makes a channel of a socket, as the page's worker does.
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

/// Joins by the address of a page over its WebSocket.
async fn join(address: &str) -> Guest {
    let (page, token) = split_address(address);
    let (reader, writer) = carry(open_socket(page).await);
    let link = Link::parse(token).unwrap();
    Guest::builder(link).name("ben").channel(Channel::new(reader, writer, page)).watch(PANE).start().await.unwrap()
}

/// Waits until a line of the guest's screen is `line`.
async fn shows(guest: &Guest, line: &str) {
    let view = guest.watch(PANE);
    until(line, || view.with_screen(|screen| screen.text().iter().any(|shown| shown == line))).await;
}

/// Asks for a page's file, and returns the answer whole.
async fn get(page: &str, path: &str) -> String {
    let place = page.strip_prefix("http://").unwrap();
    let (authority, prefix) = place.split_once('/').map_or((place, ""), |(authority, prefix)| (authority, prefix));
    let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let request = format!("GET {prefix}{path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Somebody in the same room has nothing but a browser, and there is no relay: they see, type and talk all the same.
#[tokio::test]
async fn browser_on_the_network_sees_and_types_at_the_host() {
    let stage = Stage::new();
    let share = stage.share(None, &["--web", "127.0.0.1"], &["sh", "-c", "echo up; exec cat"]).await;
    let address = share.web("interact").to_owned();
    overheard::learn(&address);
    let (page, _) = split_address(&address);
    assert!(get(page, "/j").await.contains("<!doctype html>"));
    assert!(get(page, "/served-by").await.ends_with("\r\n\r\nhost\n"));

    let guest = join(&address).await;
    shows(&guest, "up").await;
    guest.type_bytes(PANE, b"typed in a browser\r").unwrap();
    shows(&guest, "typed in a browser").await;
    guest.leave().await;

    // Who has the program takes the same address for a link, and needs no network for it.
    let mut native = stage.join(&address, &["--json"]);
    native.shows("typed in a browser").await;
}
