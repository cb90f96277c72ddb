//! The shell of a [`Hall`]: one task per connection, one timer, one lock.
//!
//! channels --`serve`--> Hall --> frames back
//!
//! It decides nothing: every decision is the hall's. The lock is held for one call, never over an await. Handshakes and
//! durable entries are verified under it, 50 to 400 µs each; a lock per room is the next step once that shows.

use crate::io::channel::{Binder, BoxRead, BoxWrite, Channel};
use crate::io::clock::Clock;
use crate::proto::id::SessionId;
use crate::proto::inquiry::{Challenge, Inquiry, Place};
use crate::proto::relay::{ConnId, Counts, Flow, Hall, HallStats, InquiryError, Network, SessionStats};
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{CloseCode, Frame, FrameDecoder};
use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

/// Bytes written in one go: what waits is coalesced up to here, so that packets are full.
const WRITE_BYTES: usize = 65_536;
/// Bytes read in one go from a connection that sends little: most are guests, of whom there are many.
const READ_BYTES_MIN: usize = 1_024;
/// The same for one that sends a lot: what is read together is passed on together. A paused connection has no more
/// entries than fit.
const READ_BYTES_MAX: usize = 16_384;
/// How long a connection may take to accept one more byte before it counts as dead.
const WRITE_STALL: Duration = Duration::from_secs(15);
/// How long a connection that did wrong may take to read why it is closed.
const CLOSE_GRACE: Duration = Duration::from_secs(2);
/// How long the timer of a node that nobody holds any more may sleep.
const TIMER_SLEEP_MAX: Duration = Duration::from_secs(1);

/// What is under the lock.
struct Inner {
    hall: Hall,
    wakes: HashMap<ConnId, Arc<Notify>>,
    conns: u64,
    due: Option<Mono>,
}

struct Shared {
    inner: Mutex<Inner>,
    clock: Clock,
    timer: Notify,
    left: Notify,
}

/// A hall that serves channels. Clones are handles of the same node; it lives as long as one of them.
#[derive(Clone)]
pub struct Node(Arc<Shared>);

impl Node {
    /// Starts the timer of `hall`, whose time runs by `clock`. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(hall: Hall, clock: Clock) -> Self {
        let due = hall.poll_timeout();
        let inner = Mutex::new(Inner { hall, wakes: HashMap::new(), conns: 0, due });
        let shared = Arc::new(Shared { inner, clock, timer: Notify::new(), left: Notify::new() });
        tokio::spawn(run_timer(Arc::downgrade(&shared)));
        Self(shared)
    }

    /// Serves one connection until it is over. Dropping the future closes the connection.
    pub async fn serve(&self, channel: Channel) {
        let Channel { reader, mut writer, binder, remote, path, network } = channel;
        let (visit, wake) = self.enter(network);
        let conn = visit.conn;
        tracing::debug!(%remote, %path, conn = conn.0, "connection opened");
        let code = {
            let mut read = pin!(self.read(conn, reader, &binder));
            let mut write = pin!(self.write(conn, &mut writer, &wake));
            tokio::select! {
                flow = &mut read => match flow {
                    // CLOSE is still to be written.
                    Flow::Stop => timeout(CLOSE_GRACE, write).await.ok().flatten(),
                    _ => None,
                },
                code = &mut write => {
                    if code.is_none() {
                        // The other side reads no more; what it said before, such as the session's end, still counts.
                        let _ = timeout(CLOSE_GRACE, read).await;
                    }
                    code
                }
            }
        };
        if let Some(code) = code {
            tracing::debug!(conn = conn.0, %code, "connection closed");
            let _ = timeout(CLOSE_GRACE, writer.shutdown()).await;
        }
    }

    /// Tells every connection to go elsewhere; they end once they have read it.
    pub fn shutdown(&self) {
        self.0.with(|inner, now| inner.hall.handle_shutdown(now));
    }

    /// Waits until no connection is left.
    pub async fn wait_empty(&self) {
        loop {
            let left = self.0.left.notified();
            if self.0.lock().wakes.is_empty() {
                return;
            }
            left.await;
        }
    }

    /// Returns how many records of a session's auth log this node has.
    #[must_use]
    pub fn records(&self, session: &SessionId) -> u64 {
        self.0.lock().hall.records(session)
    }

    /// Returns the figures of this node.
    #[must_use]
    pub fn stats(&self) -> HallStats {
        self.0.lock().hall.stats()
    }

    /// Returns the figures of one session, for the operator.
    #[must_use]
    pub fn session_stats(&self, session: &SessionId) -> Option<SessionStats> {
        self.0.lock().hall.session_stats(session)
    }

    /// Returns the figures of up to `count_max` sessions, by name, from behind `after` on.
    #[must_use]
    pub fn sessions_after(&self, after: Option<SessionId>, count_max: usize) -> Vec<SessionStats> {
        self.0.lock().hall.sessions_after(after, count_max)
    }

    /// Makes what an inquiry has to sign.
    #[must_use]
    pub fn make_challenge(&self) -> Challenge {
        self.0.with(|inner, now| inner.hall.make_challenge(now))
    }

    /// Answers an inquiry that came from `network` and arrived at `place`.
    ///
    /// # Errors
    ///
    /// [`InquiryError`], the same for all that is wrong with the link.
    pub fn inquire(&self, network: Network, inquiry: &Inquiry, place: Place<'_>) -> Result<Counts, InquiryError> {
        self.0.with(|inner, now| inner.hall.handle_inquiry(network, inquiry, place, now))
    }

    fn enter(&self, network: Option<Network>) -> (Visit, Arc<Notify>) {
        let wake = Arc::new(Notify::new());
        let conn = self.0.with(|inner, now| {
            inner.conns += 1;
            let conn = ConnId(inner.conns);
            inner.wakes.insert(conn, Arc::clone(&wake));
            match network {
                Some(network) => inner.hall.handle_open_from(conn, network, now),
                None => inner.hall.handle_open(conn, now),
            }
            conn
        });
        (Visit { shared: Arc::clone(&self.0), conn }, wake)
    }

    /// Reads frames until the other side ends, or the hall says stop.
    async fn read(&self, conn: ConnId, mut reader: BoxRead, binder: &Binder) -> Flow {
        let mut decoder = FrameDecoder::new();
        let mut buffer = vec![0; READ_BYTES_MIN];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            decoder.push(buffer.get(..count).unwrap_or_default());
            fit(&mut buffer, count);
            match self.take(conn, count, &mut decoder, binder) {
                Flow::Continue => {}
                Flow::Pause { until } => sleep_until(self.0.clock.at(until)).await,
                Flow::Stop => return Flow::Stop,
            }
        }
        Flow::Continue
    }

    /// Cuts what has arrived into frames, then hands them to the hall under one lock.
    fn take(&self, conn: ConnId, bytes: usize, decoder: &mut FrameDecoder, binder: &Binder) -> Flow {
        let mut frames = Vec::new();
        let violation = loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let exporter = frames.iter().find_map(|frame| match frame {
            Frame::Hello(hello) => binder.exporter(&hello.session),
            _ => None,
        });
        self.0.with(|inner, now| {
            let mut flow = inner.hall.handle_received(conn, bytes, now);
            for frame in frames {
                let asked = match frame {
                    Frame::Hello(hello) => inner.hall.handle_hello(conn, hello, exporter, now),
                    frame => inner.hall.handle_frame(conn, frame, now),
                };
                flow = slower(flow, asked);
            }
            if let Some(error) = violation {
                tracing::debug!(conn = conn.0, %error, "connection sent what is no frame");
                inner.hall.handle_violation(conn, CloseCode::from(&error), now);
                flow = Flow::Stop;
            }
            flow
        })
    }

    /// Writes what the hall has for the connection; returns the code once CLOSE is written.
    async fn write(&self, conn: ConnId, writer: &mut BoxWrite, wake: &Notify) -> Option<CloseCode> {
        let mut frames = Vec::new();
        loop {
            let popped = self.0.with(|inner, _| inner.hall.pop(conn, WRITE_BYTES, &mut frames));
            if !frames.is_empty() {
                write_frames(writer, &frames).await.ok()?;
                frames.clear();
            }
            if popped.close.is_some() {
                return popped.close;
            }
            if !popped.has_more {
                wake.notified().await;
            }
        }
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in one call must not take all sessions down: it left no half-done state that signatures and chains
        // would not catch.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls into the hall, then wakes whoever has something to write, and the timer if it is due at another time.
    fn with<R>(&self, call: impl FnOnce(&mut Inner, Now) -> R) -> R {
        let now = self.clock.now();
        let mut inner = self.lock();
        let result = call(&mut inner, now);
        while let Some(conn) = inner.hall.poll_ready() {
            if let Some(wake) = inner.wakes.get(&conn) {
                wake.notify_one();
            }
        }
        let due = inner.hall.poll_timeout();
        if due != inner.due {
            inner.due = due;
            self.timer.notify_one();
        }
        result
    }
}

/// A connection's place in the hall; leaves when dropped.
struct Visit {
    shared: Arc<Shared>,
    conn: ConnId,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.shared.with(|inner, now| {
            inner.hall.handle_close(self.conn, now);
            inner.wakes.remove(&self.conn);
        });
        self.shared.left.notify_waiters();
    }
}

async fn write_frames(writer: &mut BoxWrite, frames: &[Bytes]) -> io::Result<()> {
    match frames {
        [frame] => write_all(writer, frame).await?,
        _ => write_all(writer, &frames.concat()).await?,
    }
    writer.flush().await
}

/// Writes `bytes` as fast as the other side reads, as long as it reads at all.
async fn write_all(writer: &mut BoxWrite, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match timeout(WRITE_STALL, writer.write(bytes)).await?? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => bytes = bytes.get(count..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// Makes room for as much as comes at once: more after a read that filled the buffer, less after a small one.
fn fit(buffer: &mut Vec<u8>, count: usize) {
    if count == buffer.len() && count < READ_BYTES_MAX {
        buffer.resize(READ_BYTES_MAX, 0);
    } else if count < READ_BYTES_MIN && buffer.len() > READ_BYTES_MIN {
        *buffer = vec![0; READ_BYTES_MIN];
    }
}

/// Returns what asks for more patience.
fn slower(one: Flow, other: Flow) -> Flow {
    match (one, other) {
        (Flow::Stop, _) | (_, Flow::Stop) => Flow::Stop,
        (Flow::Pause { until }, Flow::Pause { until: later }) => Flow::Pause { until: until.max(later) },
        (Flow::Pause { until }, Flow::Continue) | (Flow::Continue, Flow::Pause { until }) => Flow::Pause { until },
        (Flow::Continue, Flow::Continue) => Flow::Continue,
    }
}

/// Calls the hall's timer until nobody holds the node any more.
async fn run_timer(node: Weak<Shared>) {
    while let Some(shared) = node.upgrade() {
        let latest = Instant::now() + TIMER_SLEEP_MAX;
        let due = shared.lock().due.map_or(latest, |due| shared.clock.at(due).min(latest));
        tokio::select! {
            () = sleep_until(due) => shared.with(|inner, now| inner.hall.handle_timeout(now)),
            () = shared.timer.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests;
