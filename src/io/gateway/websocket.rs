//! A WebSocket as a [`Channel`]: the same bytes, cut into binary messages wherever it suits.

use super::{House, Visit};
use crate::io::channel::Channel;
use crate::proto::path::PathKind;
use crate::proto::relay::Network;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::BytesMut;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::time::timeout;

/// Bytes of one message, both ways: a browser hands over whole messages.
const MESSAGE_BYTES_MAX: usize = 65_536;
/// How long the browser may take to accept one more message before it counts as dead.
const STALL: Duration = Duration::from_secs(15);

/// What the socket speaks, as WebSocket subprotocols are named. PROTOCOL.md 10.2.
const PROTOCOL: &str = "cahoots";

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
pub(super) async fn upgrade(State(visit): State<Visit>, socket: WebSocketUpgrade) -> Response {
    let socket = socket.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    // A browser that offers names wants one of them back.
    let socket = socket.protocols([PROTOCOL]);
    socket.on_upgrade(async move |socket| {
        let _carrying = Carrying::begin(&visit.house);
        let (inside, outside) = duplex(MESSAGE_BYTES_MAX);
        let (reader, writer) = split(inside);
        let channel = Channel {
            path: PathKind::Relay,
            network: Some(Network::of(visit.remote.ip())),
            ..Channel::new(reader, writer, visit.remote.to_string())
        };
        if visit.house.out.send(channel).await.is_ok() {
            carry(socket, outside).await;
        }
    })
}

/// Passes bytes on until either side ends.
async fn carry(mut socket: WebSocket, inside: DuplexStream) {
    let (mut from_node, mut to_node) = split(inside);
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(MESSAGE_BYTES_MAX);
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    if to_node.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                // Frames are bytes: whoever sends text speaks something else.
                Some(Ok(Message::Text(_) | Message::Close(_)) | Err(_)) | None => break,
            },
            read = from_node.read_buf(&mut buffer) => match read {
                Ok(1..) => {
                    let sent = timeout(STALL, socket.send(Message::Binary(buffer.split().freeze()))).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        break;
                    }
                }
                _ => {
                    let _ = timeout(STALL, socket.send(Message::Close(None))).await;
                    break;
                }
            },
        }
    }
}
