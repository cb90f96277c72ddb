//! A WebSocket as a [`Channel`], or beside one: the same bytes, cut into binary messages wherever it suits.

use super::{House, Inside, Visit};
use crate::io::bridge::Bridge;
use crate::io::channel::Channel;
use crate::proto::path::PathKind;
use crate::proto::relay::Network;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What a page closes with that takes whoever it was led to for somebody else. PROTOCOL.md 10.2.
const GIVEN_UP: u16 = 4_000;
/// Bytes of one message, both ways: a browser hands over whole messages.
const MESSAGE_BYTES_MAX: usize = 65_536;
/// How long the browser may take to accept one more message before it counts as dead.
const STALL: Duration = Duration::from_secs(15);
/// How long a page may take to read why the other side has ended it.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the socket speaks, as WebSocket subprotocols are named. PROTOCOL.md 10.2.
const PROTOCOL: &str = "cahoots";
/// The same, behind a first message with the exporter of the connection that the bytes go on by.
const PROTOCOL_BOUND: &str = "cahoots.bound";

/// Counts one socket for as long as it carries anything.
struct Carrying(Arc<House>);

impl Carrying {
    fn begin(house: &Arc<House>) -> Self {
        house.carried.send_modify(|sockets| *sockets += 1);
        Self(house.clone())
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        self.0.carried.send_modify(|sockets| *sockets -= 1);
    }
}

/// Answers `/ws`.
pub(super) async fn upgrade(State(visit): State<Visit>, headers: HeaderMap, socket: WebSocketUpgrade) -> Response {
    let visitor = visit.visitor(&headers);
    if !visit.seat.claim(Network::of(visitor)) {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections from this network\n").into_response();
    }
    let socket = socket.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    // A browser that offers names wants one of them back.
    let socket = match &visit.house.inside {
        Inside::Node { .. } => socket.protocols([PROTOCOL]),
        Inside::Bridge { .. } => socket.protocols([PROTOCOL_BOUND]),
    };
    socket.on_upgrade(async move |socket| visit.lead(socket, visitor).await)
}

impl Visit {
    /// Leads the socket where it is to go. By value: the visit's seat lasts as long as the socket does.
    async fn lead(self, socket: WebSocket, visitor: IpAddr) {
        let _carrying = Carrying::begin(&self.house);
        match &self.house.inside {
            Inside::Node { out, .. } => {
                let is_direct = visitor == self.remote.ip();
                let remote = if is_direct { self.remote.to_string() } else { visitor.to_string() };
                hand_over(socket, out, Network::of(visitor), remote).await;
            }
            Inside::Bridge { bridge, .. } => tokio::select! {
                () = carry_over(socket, bridge) => {}
                // The page's own program ends: nobody is left to carry for it.
                () = self.house.closed() => {}
            },
        }
    }
}

/// Gives the socket as a channel to whoever accepts it.
async fn hand_over(socket: WebSocket, out: &mpsc::Sender<Channel>, network: Network, remote: String) {
    let (inside, outside) = duplex(MESSAGE_BYTES_MAX);
    let (reader, writer) = split(inside);
    let channel = Channel { path: PathKind::Relay, network: Some(network), ..Channel::new(reader, writer, remote) };
    if out.send(channel).await.is_ok() {
        let (reader, writer) = split(outside);
        carry(socket, reader, writer, |_| {}).await;
    }
}

/// Dials the session for the socket, tells the page what the connection is, and passes bytes on.
async fn carry_over(mut socket: WebSocket, bridge: &Bridge) {
    let dialled = tokio::select! {
        dialled = bridge.dial() => dialled,
        // It has nothing to say before it knows the exporter: it went away.
        _ = socket.recv() => return,
    };
    let crossing = match dialled {
        Ok(crossing) => crossing,
        Err(unreached) => {
            let frame = CloseFrame { code: unreached.close_code(), reason: Utf8Bytes::default() };
            let _ = timeout(STALL, socket.send(Message::Close(Some(frame)))).await;
            return;
        }
    };
    let Some(greeting) = crossing.greeting() else { return };
    if matches!(timeout(STALL, socket.send(Message::Text(greeting.into()))).await, Ok(Ok(()))) {
        let mut watch = crossing.watch();
        let Channel { reader, writer, .. } = crossing.channel;
        match carry(socket, reader, writer, |bytes| watch.hear(bytes)).await {
            Ending::ByPage(Some(GIVEN_UP)) => watch.give_up(),
            Ending::ByPage(_) => watch.let_go(),
            Ending::ByOther => {}
        }
    }
}

/// Who ended it.
enum Ending {
    /// The page closed it, with this code if it gave one, or is gone.
    ByPage(Option<u16>),
    /// The other side did.
    ByOther,
}

/// Passes bytes on, each way at its own pace, until either side ends; `hear` is told of those for the browser.
async fn carry(
    socket: WebSocket,
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    hear: impl FnMut(&[u8]),
) -> Ending {
    let (mut to_page, mut from_page) = socket.split();
    let ending = {
        let mut down = pin!(carry_down(reader, &mut to_page, hear));
        let mut up = pin!(carry_up(&mut from_page, writer));
        tokio::select! {
            ending = &mut down => ending,
            ending = &mut up => {
                if matches!(ending, Ending::ByOther) {
                    // The other side reads no more; what it said before, perhaps why, still counts.
                    let _ = timeout(STALL, down).await;
                }
                ending
            }
        }
    };
    if matches!(ending, Ending::ByOther) {
        // A connection that is closed with something unread in it takes along what the page has not read yet.
        let _ = timeout(FAREWELL, async { while let Some(Ok(_)) = from_page.next().await {} }).await;
    }
    ending
}

/// Passes on what comes for the page.
async fn carry_down(
    mut reader: impl AsyncRead + Unpin,
    to_page: &mut SplitSink<WebSocket, Message>,
    mut hear: impl FnMut(&[u8]),
) -> Ending {
    let mut buffer = BytesMut::with_capacity(MESSAGE_BYTES_MAX);
    while let Ok(1..) = reader.read_buf(&mut buffer).await {
        hear(&buffer);
        let sent = timeout(STALL, to_page.send(Message::Binary(buffer.split().freeze()))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return Ending::ByPage(None);
        }
        buffer.reserve(MESSAGE_BYTES_MAX);
    }
    let _ = timeout(STALL, to_page.send(Message::Close(None))).await;
    Ending::ByOther
}

/// Passes on what the page sends.
async fn carry_up(from_page: &mut SplitStream<WebSocket>, mut writer: impl AsyncWrite + Unpin) -> Ending {
    loop {
        match from_page.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                if writer.write_all(&bytes).await.is_err() {
                    return Ending::ByOther;
                }
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(frame))) => return Ending::ByPage(frame.map(|frame| frame.code)),
            // Frames are bytes: whoever sends text speaks something else.
            Some(Ok(Message::Text(_)) | Err(_)) | None => return Ending::ByPage(None),
        }
    }
}
