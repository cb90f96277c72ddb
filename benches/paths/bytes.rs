//! What a key, a chat line and a move of the cursor weigh at a guest: as frames, and as UDP with all that QUIC adds.

use crate::figures::{head, row};
use crate::keystroke::{Pair, echo_pane};
use crate::{Effort, Outcome, ours};
use cahoots::{Access, Channel, CursorAt, Guest, Host, Lan, RelayAddress, Terms, View};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UdpSocket;

/// Interval between two things: as people type, so that nothing shares a packet by chance.
const PACE: Duration = Duration::from_millis(120);

/// Bytes seen in each direction.
#[derive(Debug, Default)]
struct Scale {
    up: AtomicU64,
    down: AtomicU64,
    packets_up: AtomicU64,
    packets_down: AtomicU64,
}

impl Scale {
    fn read(&self) -> [f64; 4] {
        [&self.up, &self.down, &self.packets_up, &self.packets_down].map(|count| count.load(Ordering::Relaxed) as f64)
    }
}

/// Passes packets between one client and `to`, and weighs them.
async fn weigh_packets(to: &RelayAddress) -> Outcome<(RelayAddress, Arc<Scale>)> {
    let outside = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let inside = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    inside.connect((to.host.as_str(), to.port)).await?;
    let (port, scale) = (outside.local_addr()?.port(), Arc::new(Scale::default()));
    let weigh = Arc::clone(&scale);
    tokio::spawn(async move {
        let (mut there, mut back) = (vec![0; 65_536], vec![0; 65_536]);
        let mut client: Option<SocketAddr> = None;
        loop {
            tokio::select! {
                got = outside.recv_from(&mut there) => {
                    let Ok((count, from)) = got else { return };
                    // The dialer asks with a single byte from another port whether anybody listens.
                    if count > 1 {
                        client = Some(from);
                        weigh.up.fetch_add(count as u64, Ordering::Relaxed);
                        weigh.packets_up.fetch_add(1, Ordering::Relaxed);
                        let _ = inside.send(there.get(..count).unwrap_or_default()).await;
                    }
                }
                Ok(count) = inside.recv(&mut back) => {
                    weigh.down.fetch_add(count as u64, Ordering::Relaxed);
                    weigh.packets_down.fetch_add(1, Ordering::Relaxed);
                    if let Some(client) = client {
                        let _ = outside.send_to(back.get(..count).unwrap_or_default(), client).await;
                    }
                }
            }
        }
    });
    Ok((RelayAddress { host: Ipv4Addr::LOCALHOST.to_string(), port, fingerprint: to.fingerprint }, scale))
}

/// A half of a channel that weighs what passes.
struct Weighed<T> {
    half: T,
    scale: Arc<Scale>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Weighed<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let done = Pin::new(&mut self.half).poll_read(cx, buf);
        self.scale.down.fetch_add((buf.filled().len() - before) as u64, Ordering::Relaxed);
        done
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Weighed<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.half).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = done {
            self.scale.up.fetch_add(count as u64, Ordering::Relaxed);
        }
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_shutdown(cx)
    }
}

/// What a guest does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Deed {
    Nothing,
    Key,
    Line,
    Move,
}

impl Deed {
    fn run(self, guest: &Guest, view: &View, n: usize) -> Outcome {
        match self {
            Self::Nothing => {}
            Self::Key => view.type_bytes(b"x")?,
            Self::Line => guest.session().say("forty characters are a usual line, so so")?,
            Self::Move => {
                let cursor = CursorAt { pane: view.pane(), row: (n % 24) as u16, col: (n * 7 % 80) as u16 };
                guest.session().set_cursor(Some(cursor));
            }
        }
        Ok(())
    }
}

/// Does it so many times and returns what one weighs, without what flows anyway.
async fn weigh(scale: &Scale, guest: &Guest, view: &View, deed: Deed, count: usize) -> Outcome<[f64; 4]> {
    let mut weights = [[0.0; 4]; 2];
    for (weight, deed) in weights.iter_mut().zip([Deed::Nothing, deed]) {
        tokio::time::sleep(2 * PACE).await;
        let before = scale.read();
        for n in 0..count {
            deed.run(guest, view, n)?;
            tokio::time::sleep(PACE).await;
        }
        let after = scale.read();
        *weight = std::array::from_fn(|at| after[at] - before[at]);
    }
    let [idle, busy] = weights;
    Ok(std::array::from_fn(|at| (busy[at] - idle[at]) / count as f64))
}

/// Joins a guest through memory, where nothing but frames passes.
async fn join_by_frames(host: &Arc<Host>) -> Outcome<(Guest, View, Arc<Scale>)> {
    let (pane, link) = (echo_pane(host)?, host.share(Terms::new(Access::Interact))?);
    // Until the relay in the host's own process knows the session and the link.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let scale = Arc::new(Scale::default());
    let (near, far) = Channel::pair(65_536);
    let reader = Weighed { half: near.reader, scale: Arc::clone(&scale) };
    let writer = Weighed { half: near.writer, scale: Arc::clone(&scale) };
    let host_too = Arc::clone(host);
    tokio::spawn(async move { host_too.attach(far).await });
    let guest = Guest::builder(link).name("ben").channel(Channel::new(reader, writer, "scales")).start().await?;
    let mut view = guest.watch(pane);
    while !view.is_live() && view.changed().await {}
    Ok((guest, view, scale))
}

/// Runs this part.
pub(crate) async fn run(effort: Effort) -> Outcome {
    let count = effort.pick(30, 5);
    let relay = ours::Server::start()?;
    let (detour, packets) = weigh_packets(&relay.address).await?;
    let pair = Pair::start(&relay.address, &detour).await?;
    let host = Arc::new(Host::builder().name("ada").lan(Lan::Off).start().await?);
    let (guest, view, frames) = join_by_frames(&host).await?;
    head(&["one", "frames up", "frames down", "UDP up", "UDP down", "packets up", "packets down"]);
    for (name, deed) in [("key and its echo", Deed::Key), ("chat line of 40", Deed::Line), ("cursor move", Deed::Move)]
    {
        let (framed, sent) = tokio::try_join!(
            weigh(&frames, &guest, &view, deed, count),
            weigh(&packets, &pair.guest, &pair.view, deed, count),
        )?;
        let bytes = |bytes: f64| format!("{bytes:.0} B");
        let [up, down, packets_up, packets_down] = sent;
        let (packets_up, packets_down) = (format!("{packets_up:.1}"), format!("{packets_down:.1}"));
        row(&[&name, &bytes(framed[0]), &bytes(framed[1]), &bytes(up), &bytes(down), &packets_up, &packets_down]);
    }
    Ok(())
}
