//! The front door of a viewer of one's own: the page from this very program, for a browser on this machine.

use crate::host::Lan;
use crate::io::bridge::Bridge;
use crate::io::gateway::Gateway;
use crate::io::quic::BindError;
use crate::io::tls::TrustError;
use crate::proto::hex::Hex;
use crate::proto::token::Link;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of the folder's name: nobody guesses it.
const FOLDER_BYTES: usize = 16;

/// Why there is no page. Each variant says who has to act.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewerError {
    /// The user: the port is taken.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// This machine: it trusts no certificates, and the relay has no fingerprint.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// This machine gives no random numbers.
    #[error("no randomness from the operating system: {0}")]
    Random(#[from] getrandom::Error),
}

impl ViewerError {
    /// Returns what the person can do about it; nothing where the message says it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Bind(error) => error.hint(),
            Self::Trust(error) => error.hint(),
            Self::Random(_) => "check the system's random source",
        }
    }
}

/// Prepares a [`Viewer`].
#[derive(Debug)]
#[must_use = "nothing happens before `start`"]
pub struct ViewerBuilder {
    link: Link,
    lan: Lan,
    port: u16,
}

impl ViewerBuilder {
    /// Says whether to look for the host on this machine and on the local network; it does unless told otherwise.
    pub const fn lan(mut self, lan: Lan) -> Self {
        self.lan = lan;
        self
    }

    /// Sets the TCP port on 127.0.0.1; 0, as at first, takes any.
    pub const fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts to serve the page. The session is looked for when a page asks for it.
    ///
    /// # Errors
    ///
    /// [`ViewerError`] if this machine cannot do its part.
    pub async fn start(self) -> Result<Viewer, ViewerError> {
        let bridge = Arc::new(Bridge::new(&self.link, self.lan)?);
        let mut folder = [0; FOLDER_BYTES];
        getrandom::fill(&mut folder)?;
        let folder = Hex(&folder).to_string();
        let gateway = Gateway::bind_viewer(self.port, &folder, bridge.clone()).await?;
        Ok(Viewer { link: self.link, folder, gateway, bridge })
    }
}

/// The viewer for one link, served by this process to browsers on this machine alone.
///
/// Keys are in the page, which nobody else can change; this process finds the session, nearby or through the link's
/// relay, and carries bytes. Dropping it ends that.
///
/// ```no_run
/// use cahoots::{Link, Viewer};
///
/// # async fn run(link: Link) -> Result<(), Box<dyn std::error::Error>> {
/// let viewer = Viewer::builder(link).start().await?;
/// println!("open {}", *viewer.reveal());
/// # std::future::pending::<()>().await;
/// # Ok(())
/// # }
/// ```
pub struct Viewer {
    link: Link,
    folder: String,
    gateway: Gateway,
    bridge: Arc<Bridge>,
}

impl Viewer {
    /// Starts to describe a viewer.
    pub const fn builder(link: Link) -> ViewerBuilder {
        ViewerBuilder { link, lan: Lan::On, port: 0 }
    }

    /// Returns the address to open in a browser, with the link in it. Whoever sees it can join.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let address = self.gateway.local_addresses().first().map(SocketAddr::to_string).unwrap_or_default();
        Zeroizing::new(self.link.reveal_at(&format!("http://{address}/{}", self.folder)))
    }

    /// Takes no more pages, and waits until what they said last was delivered, for a few seconds at most.
    pub async fn close(self) {
        self.gateway.close().await;
        self.bridge.wait_idle().await;
    }
}

impl fmt::Debug for Viewer {
    /// Shows neither the folder nor the link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewer").field("gateway", &self.gateway).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::channel::Channel;
    use crate::io::quic::{ListenLimits, Listener};
    use crate::io::tls::Identity;
    use crate::proto::id::SessionId;
    use crate::proto::share::ShareFlags;
    use crate::proto::token::{Access, Relay, Token};
    use futures_util::{SinkExt, StreamExt};
    use std::net::Ipv4Addr;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

    /// A page of one viewer, led to a relay that says nothing.
    struct Stage {
        viewer: Viewer,
        socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
        there: Channel,
        _relay: Listener,
    }

    impl Stage {
        async fn open() -> Self {
            let identity = Identity::generate().unwrap();
            let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let mut relay = Listener::bind(&[loopback], &identity, ListenLimits::default()).unwrap();
            let fingerprint = Some(identity.fingerprint());
            let address = Relay { host: "127.0.0.1".to_owned(), port: relay.local_port(), fingerprint };
            let token = Token::new(Access::View, &SessionId([7; 16]), [1; 16], ShareFlags::NONE);
            let link = Link { token, relay: Some(address) };
            let viewer = Viewer::builder(link).lan(Lan::Off).start().await.unwrap();

            let page = format!("ws://{}/{}/ws", viewer.gateway.local_addresses()[0], viewer.folder);
            let mut request = page.into_client_request().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", "cahoots.bound".parse().unwrap());
            let (mut socket, _) = connect_async(request).await.unwrap();
            assert!(socket.next().await.unwrap().unwrap().into_text().unwrap().ends_with(" relay"));
            socket.send(Message::Binary(b"h".to_vec().into())).await.unwrap();
            let mut there = relay.accept().await.unwrap();
            assert_eq!(there.reader.read_u8().await.unwrap(), b'h');
            Self { viewer, socket, there, _relay: relay }
        }
    }

    /// Neither the page nor the session may take somebody for present whose program has ended.
    #[tokio::test]
    async fn sockets_end_with_their_viewer() {
        let Stage { viewer, mut socket, mut there, _relay } = Stage::open().await;
        drop(viewer);
        while let Some(Ok(_)) = socket.next().await {}
        assert_eq!(there.reader.read(&mut [0; 8]).await.unwrap(), 0);
    }

    /// Ctrl-C with a page open is the usual end: what it waits for is the page's goodbye, and not the page.
    #[tokio::test]
    async fn closing_ends_the_sockets_and_takes_no_more() {
        let Stage { viewer, mut socket, mut there, _relay } = Stage::open().await;
        let address = viewer.gateway.local_addresses()[0];
        let ((), ()) = tokio::join!(viewer.close(), async {
            assert_eq!(there.reader.read(&mut [0; 8]).await.unwrap(), 0);
            drop(there);
        });
        while let Some(Ok(_)) = socket.next().await {}
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}
