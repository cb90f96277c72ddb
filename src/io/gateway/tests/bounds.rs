//! What nobody can hold for ever: a relay has as many connections as its system gives it.

use super::*;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::client_async;

/// More than is on the way at any time.
const LONG: usize = 1_048_576;

fn visit(routes: Router) -> (DuplexStream, JoinSet<()>) {
    let (page, stream) = duplex(1_024);
    let mut served = JoinSet::new();
    served.spawn(serve(stream, routes));
    (page, served)
}

fn long_answer() -> Router {
    Router::new().route("/", get(async || "x".repeat(LONG)))
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Whoever asks and does not read would keep the answer here, and a place that somebody else wants.
#[tokio::test(start_paused = true)]
async fn connection_that_does_not_read_ends() {
    let (mut page, mut served) = visit(long_answer());
    page.write_all(REQUEST).await.unwrap();
    served.join_next().await.unwrap().unwrap();
}

/// Whoever asks again and again is somebody, but need not be so on one connection.
#[tokio::test(start_paused = true)]
async fn connection_that_always_asks_ends() {
    let (mut page, mut served) = visit(Router::new());
    let asks = async {
        let mut answer = [0; 512];
        while page.write_all(REQUEST).await.is_ok() && !matches!(page.read(&mut answer).await, Ok(0) | Err(_)) {
            sleep(HEAD / 2).await;
        }
    };
    asks.await;
    served.join_next().await.unwrap().unwrap();
}

/// On a slow network a page takes its time; what was begun is not cut in the middle.
#[tokio::test(start_paused = true)]
async fn answer_that_is_being_read_is_finished() {
    let (mut page, _served) = visit(long_answer());
    page.write_all(REQUEST).await.unwrap();
    sleep(VISIT + HEAD).await;
    let mut answer = Vec::new();
    page.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(&[b'x'; LONG]), "{} bytes came", answer.len());
}

/// A session lasts as long as people work together.
#[tokio::test(start_paused = true)]
async fn socket_outlives_its_visit() {
    let echo = async |socket: WebSocketUpgrade| {
        socket.on_upgrade(async |mut socket: WebSocket| {
            while let Some(Ok(message)) = socket.recv().await {
                socket.send(message).await.unwrap();
            }
        })
    };
    let (page, _served) = visit(Router::new().route("/ws", any(echo)));
    let (mut socket, _) = client_async("ws://localhost/ws", page).await.unwrap();
    sleep(10 * (VISIT + LAST_ANSWER)).await;
    socket.send(Message::Binary(b"still here".to_vec().into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_data().as_ref(), b"still here");
}

/// Half a request, or none at all, is the cheapest thing to hold on to.
#[tokio::test(start_paused = true)]
async fn connection_without_a_whole_request_ends() {
    for part in [&b""[..], b"GET / HTTP/1.1\r\nhost: local"] {
        let (mut page, mut served) = visit(long_answer());
        page.write_all(part).await.unwrap();
        served.join_next().await.unwrap().unwrap();
    }
}

async fn limited(identity: Option<&Identity>, limits: ListenLimits) -> Gateway {
    let options = GatewayOptions { limits, ..GatewayOptions::default() };
    Gateway::bind(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], identity, options).await.unwrap()
}

/// Whoever begins a handshake costs a place before anybody knows what they want.
#[tokio::test]
async fn handshake_that_comes_to_nothing_ends() {
    let limits = ListenLimits { handshake: Duration::from_millis(200), ..ListenLimits::RELAY };
    let gateway = limited(Some(&Identity::generate().unwrap()), limits).await;
    for part in [&b""[..], &[TLS_HANDSHAKE], &[TLS_HANDSHAKE, 3, 1, 2, 0, 1]] {
        let mut page = TcpStream::connect(gateway.local_addresses()[0]).await.unwrap();
        page.write_all(part).await.unwrap();
        assert!(matches!(page.read(&mut [0; 8]).await, Ok(0) | Err(_)));
    }
}

/// One script that opens socket after socket must not take the places of everybody, and gives its own back.
#[tokio::test]
async fn network_has_so_many_connections_until_one_ends() {
    let gateway = limited(None, ListenLimits { connections_per_network_max: 2, ..ListenLimits::RELAY }).await;
    let first = dial(&gateway, None).await.unwrap();
    let _second = dial(&gateway, None).await.unwrap();
    assert!(dial(&gateway, None).await.is_err());
    drop(first);
    while dial(&gateway, None).await.is_err() {
        sleep(Duration::from_millis(5)).await;
    }
}
