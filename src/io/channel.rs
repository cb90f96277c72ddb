//! What every transport gives: a reliable, ordered stream of bytes in both directions, and what binds proofs to it.
//!
//! quic, duplex, anything else ──▶ [`Channel`] ──▶ the loops that speak frames. PROTOCOL.md 10.
//!
//! Always: when both halves are gone, so is the link; what was written before is still delivered if the path allows.

use std::fmt;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::proto::id::SessionId;
use crate::proto::path::PathKind;
use crate::proto::relay::Network;

/// The half of a channel that bytes come from.
pub type BoxRead = Box<dyn AsyncRead + Send + Unpin>;
/// The half of a channel that bytes go to.
pub type BoxWrite = Box<dyn AsyncWrite + Send + Unpin>;

/// A link to another process, ready for HELLO.
pub struct Channel {
    /// Bytes from the other side; its end means that the other side writes no more.
    pub reader: BoxRead,
    /// Bytes to the other side. Shut it down or drop it to say that no more follow.
    pub writer: BoxWrite,
    /// Ties a proof of possession to this very link.
    pub binder: Binder,
    /// Who is at the other end, for people: an address or a name.
    pub remote: String,
    /// Which way the link goes, for people.
    pub path: PathKind,
    /// Where the other end is, as far as the transport knows: who tries too much is known by it.
    pub network: Option<Network>,
}

impl Channel {
    /// Wraps any reliable, ordered transport; it gives no channel binding.
    #[must_use]
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
        remote: impl Into<String>,
    ) -> Self {
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            binder: Binder::none(),
            remote: remote.into(),
            path: PathKind::Other,
            network: None,
        }
    }

    /// Makes two ends in memory that buffer at most `capacity` bytes in each direction.
    #[must_use]
    pub fn pair(capacity: usize) -> (Self, Self) {
        // One duplex per direction, so that dropping a writer alone ends the peer's reader, as on every transport.
        let (there, from_here) = tokio::io::duplex(capacity);
        let (back, from_there) = tokio::io::duplex(capacity);
        let end = |reader, writer| Self { path: PathKind::Loopback, ..Self::new(reader, writer, "memory") };
        (end(from_there, there), end(from_here, back))
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({} by {})", self.remote, self.path)
    }
}

/// Where channels come in, until it is closed.
pub(crate) trait Accept: Send + 'static {
    /// Returns the next channel, or `None` when no more can come. Cancelling loses nothing.
    fn accept(&mut self) -> impl Future<Output = Option<Channel>> + Send;

    /// Takes no more, and waits until what was written to those given out, and dropped since, has left.
    fn close(self) -> impl Future<Output = ()> + Send;
}

type Export = dyn Fn(&SessionId) -> Option<[u8; 32]> + Send + Sync;

/// Gives both ends of one secure connection, and nobody else, the same 32 bytes.
///
/// A proof that covers them is worth nothing on any other connection, so whoever relays a handshake gains no
/// access by it. PROTOCOL.md 10.
#[derive(Clone)]
pub struct Binder(Option<Arc<Export>>);

impl Binder {
    /// Returns the binder of a transport that has nothing to bind to.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Makes a binder for a transport that can export secrets.
    #[must_use]
    pub fn new(export: impl Fn(&SessionId) -> Option<[u8; 32]> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(export)))
    }

    /// Returns the exported secret for `session`, or `None` if the transport has none or is gone.
    #[must_use]
    pub fn exporter(&self, session: &SessionId) -> Option<[u8; 32]> {
        self.0.as_ref().and_then(|export| export(session))
    }
}

impl fmt::Debug for Binder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Binder(exporter)" } else { "Binder(none)" })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Embedding and tests rely on it: half a link can end while the other half goes on.
    #[tokio::test]
    async fn pair_ends_one_direction_at_a_time() {
        let (mut ada, mut ben) = Channel::pair(16);
        ada.writer.write_all(b"hello").await.unwrap();
        drop(ada.writer);
        let mut heard = Vec::new();
        ben.reader.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"hello");

        ben.writer.write_all(b"yes").await.unwrap();
        drop(ben);
        heard.clear();
        ada.reader.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"yes");
    }

    /// A link in memory cannot be taken for a bound one.
    #[tokio::test]
    async fn pair_has_no_exporter() {
        let (ada, _ben) = Channel::pair(16);
        assert_eq!(ada.binder.exporter(&SessionId([7; 16])), None);
    }
}
