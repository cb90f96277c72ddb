//! Keeps a connection while its channel is in use, and closes it so that the last bytes arrive.
//!
//! Always: the connection is closed once both halves are dropped, at the latest [`LINGER`] later. A QUIC close makes
//! the other side drop what its application has not read yet, so whoever writes last lets the other side close.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use quinn::{StoppedError, VarInt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;

use super::{Channel, EXPORTER_LABEL, canonical};
use crate::io::channel::Binder;
use crate::io::gate::Seat;
use crate::proto::id::SessionId;
use crate::proto::path::PathKind;
use crate::proto::relay::Network;

/// How long a dropped channel waits for the other side to have read everything.
pub(super) const LINGER: Duration = Duration::from_secs(1);
/// QUIC's own close code; what there is to say was said by a CLOSE frame.
pub(super) const CLOSE_DONE: VarInt = VarInt::from_u32(0);
/// The same in HTTP/3 (RFC 9114, 8.1): no error.
const CLOSE_DONE_HTTP: VarInt = VarInt::from_u32(0x100);

/// What the other end of a connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Peer {
    /// A program of ours, whose proofs are bound to the connection.
    Native,
    /// A browser, whose page cannot export secrets.
    Browser,
}

type Stopped = Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send>>;

/// What both halves share. The last one to go leaves a task behind that closes the connection.
struct Lease {
    connection: quinn::Connection,
    peer: Peer,
    /// Ends when the other side stops reading; there from the drop of the writer on.
    stopped: Mutex<Option<Stopped>>,
    /// What nobody reads any more of a browser, which is not told: Firefox would throw away what its page has not read
    /// yet of the other direction.
    unread: Mutex<Option<quinn::RecvStream>>,
    runtime: Handle,
    /// The place at a listener's table, given back when the connection is closed.
    seat: Option<Seat>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let connection = self.connection.clone();
        let stopped = self.stopped.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let from_browser = self.unread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let seat = self.seat.take();
        let code = if self.peer == Peer::Browser { CLOSE_DONE_HTTP } else { CLOSE_DONE };
        self.runtime.spawn(async move {
            let unread = async {
                if let Some(stopped) = stopped
                    && let Ok(None) = stopped.await
                {
                    // Acknowledged means delivered to the other side's QUIC; its application may still be reading.
                    std::future::pending::<()>().await;
                }
            };
            let over = async {
                tokio::select! {
                    _ = connection.closed() => (),
                    () = unread => (),
                }
            };
            let _ = tokio::time::timeout(LINGER, over).await;
            connection.close(code, b"");
            drop((from_browser, seat));
        });
    }
}

/// Wraps a connection and its stream. Needs a tokio runtime around it.
pub(super) fn channel(
    connection: &quinn::Connection,
    (send, receive): (quinn::SendStream, quinn::RecvStream),
    peer: Peer,
    path: PathKind,
    seat: Option<Seat>,
) -> Channel {
    let lease = Arc::new(Lease {
        connection: connection.clone(),
        peer,
        stopped: Mutex::new(None),
        unread: Mutex::new(None),
        runtime: Handle::current(),
        seat,
    });
    Channel {
        reader: Box::new(Reader { stream: Some(receive), lease: Arc::clone(&lease) }),
        writer: Box::new(Writer { stream: send, lease }),
        binder: match peer {
            Peer::Native => binder(connection.clone()),
            Peer::Browser => Binder::none(),
        },
        remote: canonical(connection.remote_address()).to_string(),
        path,
        network: Some(Network::of(connection.remote_address().ip())),
    }
}

fn binder(connection: quinn::Connection) -> Binder {
    Binder::new(move |session: &SessionId| {
        let mut secret = [0; 32];
        connection.export_keying_material(&mut secret, EXPORTER_LABEL, session.as_bytes()).ok().map(|()| secret)
    })
}

struct Reader {
    /// There until the drop.
    stream: Option<quinn::RecvStream>,
    lease: Arc<Lease>,
}

impl AsyncRead for Reader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Some(stream) => AsyncRead::poll_read(Pin::new(stream), cx, buf),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A program is told by this that nobody reads any more.
        let stream = self.stream.take();
        if self.lease.peer == Peer::Browser {
            *self.lease.unread.lock().unwrap_or_else(PoisonError::into_inner) = stream;
        }
    }
}

struct Writer {
    stream: quinn::SendStream,
    lease: Arc<Lease>,
}

impl AsyncWrite for Writer {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.stream), cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.stream), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Twice is once: a stream that has ended already is what the caller asks for.
        let _ = self.stream.finish();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.stream.finish();
        let stopped = Box::pin(self.stream.stopped());
        *self.lease.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(stopped);
    }
}
