//! Our relay in a process of its own, and thin clients of it that prove who they are and then only count.

use crate::{Outcome, child::Child};
use bytes::Bytes;
use cahoots::io::channel::{BoxRead, BoxWrite};
use cahoots::io::quic::{Endpoint, ListenLimits, Target};
use cahoots::io::tls::Trust;
use cahoots::proto::id::AuthorId;
use cahoots::proto::session::{LinkId, Peer};
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::wire::{Frame, FrameDecoder};
use cahoots::{Relay, RelayAddress};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long a thin client lets the relay wait for a sign of life.
const SIGN_OF_LIFE: std::time::Duration = std::time::Duration::from_secs(4);
/// How often a guest moves its cursor when a hundred do. PROTOCOL.md 13.
const TURN: std::time::Duration = std::time::Duration::from_millis(500);
const LINK: LinkId = LinkId(1);

/// Serves until `over`.
pub(crate) async fn serve(over: impl Future<Output = ()>) -> Outcome {
    // All guests come from one address here.
    let limits = ListenLimits { connections_per_network_max: 10_000, ..ListenLimits::RELAY };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let relay = Relay::builder().listen(address).listen_limits(limits).start().await?;
    let listening = relay.local_addrs().first().ok_or("the relay listens nowhere")?;
    let fingerprint = Some(relay.fingerprint());
    println!("{}", RelayAddress { host: listening.ip().to_string(), port: listening.port(), fingerprint });
    over.await;
    Ok(())
}

/// Our relay as a child.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: RelayAddress,
}

impl Server {
    pub(crate) fn start() -> Outcome<Self> {
        let child = Child::start("relay")?;
        let address = RelayAddress::parse(&child.greeting)?;
        Ok(Self { child, address })
    }

    /// Dials, proves who `peer` is, and gives back the bare stream.
    pub(crate) async fn seat(&self, peer: &mut Peer) -> Outcome<Line> {
        let fingerprint = self.address.fingerprint.ok_or("the relay has no fingerprint")?;
        let target = Target::relay(self.address.host.clone(), self.address.port, Trust::fingerprint(fingerprint));
        let channel = Endpoint::new().dial(&target).await?;
        let exporter = channel.binder.exporter(&peer.session());
        let mut line = Line { reader: channel.reader, writer: channel.writer, decoder: FrameDecoder::new() };
        peer.handle_link_open(LINK, exporter, now());
        loop {
            let mut frames = Vec::new();
            peer.pop(LINK, usize::MAX, &mut frames);
            line.writer.write_all(&frames.concat()).await?;
            if peer.is_linked() {
                return Ok(line);
            }
            let frame = line.next_frame().await?.ok_or("the relay closed the connection")?;
            peer.handle_frame(LINK, frame, now());
        }
    }
}

/// Reads the clocks for a machine.
pub(crate) fn now() -> Now {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let since_start = START.get_or_init(Instant::now).elapsed();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { mono: Mono(since_start.as_micros() as u64), wall: Wall(since_epoch.as_millis() as u64) }
}

/// A seat at the relay, and nobody on it who would understand a word.
pub(crate) struct Line {
    reader: BoxRead,
    pub(crate) writer: BoxWrite,
    decoder: FrameDecoder,
}

impl Line {
    async fn next_frame(&mut self) -> Outcome<Option<Frame>> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return Ok(Some(frame));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Reads what is there; false at the end.
    async fn fill(&mut self) -> Outcome<bool> {
        let mut buffer = [0; 16_384];
        let count = self.reader.read(&mut buffer).await?;
        self.decoder.push(buffer.get(..count).unwrap_or_default());
        Ok(count > 0)
    }

    /// Gives the writing half away; the other half reads on and drops what comes.
    pub(crate) fn split(self) -> (BoxWrite, impl Future<Output = Outcome> + Send + 'static) {
        let Self { mut reader, writer, .. } = self;
        let rest = async move { Ok(tokio::io::copy(&mut reader, &mut tokio::io::sink()).await.map(|_| ())?) };
        (writer, rest)
    }

    /// Stays until the relay closes, shows every entry to `take`, lets the relay know that it is there, and asks `say`
    /// now and then whether it has something to say.
    pub(crate) async fn stay(mut self, mut take: impl FnMut(Bytes), mut say: impl FnMut() -> Option<Bytes>) -> Outcome {
        let (mut sign, mut turn) = (tokio::time::interval(SIGN_OF_LIFE), tokio::time::interval(TURN));
        loop {
            while let Some(frame) = self.decoder.next_frame()? {
                if let Frame::Entry(raw) = frame {
                    take(raw);
                }
            }
            tokio::select! {
                filled = self.fill() => if !filled? { return Ok(()) },
                _ = turn.tick() => if let Some(frame) = say() { self.writer.write_all(&frame).await? },
                _ = sign.tick() => self.writer.write_all(&Frame::Ping([0; 8]).encode()).await?,
            }
        }
    }
}

/// Returns the member id of a peer that has a seat.
pub(crate) fn author(peer: &Peer) -> Outcome<AuthorId> {
    peer.me().ok_or_else(|| "the peer has not joined".into())
}
