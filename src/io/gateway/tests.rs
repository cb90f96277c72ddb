//! The gateway as browsers meet it, over loopback.

mod bounds;
mod proxy;

use super::*;
use futures_util::{SinkExt, StreamExt};
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn gateway(identity: Option<&Identity>) -> Gateway {
    let options = GatewayOptions { names: Names::default().host("relay.example"), ..GatewayOptions::default() };
    Gateway::bind(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], identity, options).await.unwrap()
}

/// Asks like a browser, and returns the answer whole.
async fn ask(gateway: &Gateway, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(gateway.local_addresses()[0]).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

async fn dial(gateway: &Gateway, origin: Option<&str>) -> Result<Socket, Error> {
    let address = gateway.local_addresses()[0];
    let mut request = format!("ws://{address}/ws").into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

/// The link is the page's address: the page must come, and must not be able to tell anybody what it holds.
#[tokio::test]
async fn page_is_served_where_links_lead_and_may_talk_to_nobody_else() {
    let gateway = gateway(None).await;
    for path in ["/", "/j"] {
        let answer = ask(&gateway, path, "host: relay.example\r\n").await;
        assert_eq!(status(&answer), "200", "{answer}");
        assert!(answer.contains("<!doctype html>"), "{answer}");
        assert!(answer.contains("connect-src 'self'") && answer.contains("frame-ancestors 'none'"), "{answer}");
        assert!(answer.contains("referrer-policy: no-referrer"), "{answer}");
    }
    assert_eq!(status(&ask(&gateway, "/nothing", "host: 127.0.0.1\r\n").await), "404");
    assert_eq!(status(&ask(&gateway, "/../Cargo.toml", "host: 127.0.0.1\r\n").await), "404");
}

/// A page elsewhere may make its own name mean this address, or open a socket here; neither gets anything.
#[tokio::test]
async fn other_names_and_other_pages_get_nothing() {
    let gateway = gateway(None).await;
    assert_eq!(status(&ask(&gateway, "/", "host: evil.example\r\n").await), "421");
    assert_eq!(status(&ask(&gateway, "/", "").await), "400");
    assert_eq!(status(&ask(&gateway, "/", "host: localhost:4433\r\norigin: https://evil.example\r\n").await), "403");
    for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
        let refused = dial(&gateway, Some(origin)).await;
        assert!(matches!(refused, Err(Error::Http(answer)) if answer.status() == 403), "{origin}");
    }
    let own = format!("http://{}", gateway.local_addresses()[0]);
    assert!(dial(&gateway, Some(&own)).await.is_ok());
    assert!(dial(&gateway, None).await.is_ok(), "no page at all");
}

/// The gateway only carries: what one side writes, the other reads, wherever messages are cut.
#[tokio::test]
async fn socket_carries_bytes_both_ways_and_ends_both_ways() {
    let mut gateway = gateway(None).await;
    let mut socket = dial(&gateway, None).await.unwrap();
    let mut channel = gateway.accept().await.unwrap();
    assert!(channel.network.is_some());
    for part in [&b"one"[..], b" and ", b"two"] {
        socket.send(Message::Binary(part.to_vec().into())).await.unwrap();
    }
    let mut heard = [0; 11];
    channel.reader.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"one and two");

    let sent = vec![7; 300_000];
    let writes = async {
        channel.writer.write_all(&sent).await.unwrap();
        channel.writer.shutdown().await.unwrap();
    };
    let reads = async {
        let mut received = Vec::new();
        while let Some(Ok(Message::Binary(bytes))) = socket.next().await {
            received.extend(bytes);
        }
        received
    };
    let ((), received) = tokio::join!(writes, reads);
    assert!(received == sent, "{} bytes came", received.len());
    assert_eq!(channel.reader.read(&mut heard).await.unwrap(), 0);
}

/// A page cannot see who sent it; people who trust nobody but themselves want to know.
#[tokio::test]
async fn gateway_says_who_it_is() {
    let relay = gateway(None).await;
    assert!(ask(&relay, "/served-by", "host: localhost\r\n").await.ends_with("\r\n\r\nrelay\n"));
    let options = GatewayOptions { served_by: ServedBy::Host, ..GatewayOptions::default() };
    let host = Gateway::bind(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], None, options).await.unwrap();
    assert!(ask(&host, "/served-by", "host: localhost\r\n").await.ends_with("\r\n\r\nhost\n"));
    assert!(!ask(&host, "/", "host: laptop.local\r\n").await.contains("--host"), "a host has no such option");
}

/// Browsers hang up on a server that names none of the protocols that they offer.
#[tokio::test]
async fn socket_names_its_protocol() {
    let gateway = gateway(None).await;
    let mut request = format!("ws://{}/ws", gateway.local_addresses()[0]).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "cahoots.bound, cahoots".parse().unwrap());
    let (_, answer) = connect_async(request).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "cahoots");
}

/// A program that ends right after its last words must not take them along.
#[tokio::test]
async fn closing_waits_for_the_last_words() {
    let mut gateway = gateway(None).await;
    let mut socket = dial(&gateway, None).await.unwrap();
    let mut channel = gateway.accept().await.unwrap();
    channel.writer.write_all(b"goodbye").await.unwrap();
    drop(channel);
    gateway.close().await;
    assert_eq!(socket.next().await.unwrap().unwrap().into_data().as_ref(), b"goodbye");
}

/// A relay lets those wait who send too much, and goes on telling them what others do meanwhile.
#[tokio::test]
async fn page_is_told_things_while_nobody_reads_what_it_sends() {
    let mut gateway = gateway(None).await;
    let mut socket = dial(&gateway, None).await.unwrap();
    let mut channel = gateway.accept().await.unwrap();
    upload_more_than_fits(&mut socket, &mut channel).await;
    channel.writer.write_all(b"news").await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_data().as_ref(), b"news");
}

/// Why somebody is cut off is said while they still send: it must reach them all the same.
#[tokio::test]
async fn last_words_reach_a_page_whose_own_were_not_read() {
    let mut gateway = gateway(None).await;
    let mut socket = dial(&gateway, None).await.unwrap();
    let mut channel = gateway.accept().await.unwrap();
    upload_more_than_fits(&mut socket, &mut channel).await;
    channel.writer.write_all(b"goodbye").await.unwrap();
    drop(channel);
    assert_eq!(socket.next().await.unwrap().unwrap().into_data().as_ref(), b"goodbye");
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
}

/// Has the page send what the channel has no room for, and returns when the first of it has come.
async fn upload_more_than_fits(socket: &mut Socket, channel: &mut Channel) {
    for _ in 0..4 {
        socket.send(Message::Binary(vec![7; 60_000].into())).await.unwrap();
    }
    channel.reader.read_u8().await.unwrap();
}

/// Text is no frames: whoever sends it is cut off, and cannot make the node guess.
#[tokio::test]
async fn text_ends_the_channel() {
    let mut gateway = gateway(None).await;
    let mut socket = dial(&gateway, None).await.unwrap();
    let mut channel = gateway.accept().await.unwrap();
    socket.send(Message::Text("hello".into())).await.unwrap();
    assert_eq!(channel.reader.read(&mut [0; 8]).await.unwrap(), 0);
}

/// People type addresses without the s. What follows the # never comes here, and browsers keep it.
#[tokio::test]
async fn plain_request_is_sent_to_tls() {
    let gateway = gateway(Some(&Identity::generate().unwrap())).await;
    let answer = ask(&gateway, "/j", "host: relay.example:4433\r\n").await;
    assert_eq!(status(&answer), "308", "{answer}");
    assert!(answer.contains("location: https://relay.example:4433/j\r\n"), "{answer}");
    assert_eq!(status(&ask(&gateway, "/j", "host: evil.example\r\n").await), "421");
}
