//! 256-byte frames from one publisher to many: what the relay's CPU does per delivery, next to bare quinn's.
//!
//! Nobody opens anything here: publisher and guests have proven who they are, then the one writes entries that nobody
//! could open and the others count them, so that what is measured is the relay.

use crate::figures::{Samples, head, row, times, us};
use crate::{Effort, Outcome, bare, ours};
use bytes::Bytes;
use cahoots::Access;
use cahoots::proto::id::{AuthorId, Channel, Epoch, LaneId, PaneId};
use cahoots::proto::session::{Peer, ShareTerms};
use cahoots::proto::wire::{Frame, WireEntry};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Interval between frames at 200 a second.
const TICK: Duration = Duration::from_millis(5);
/// Frames published at once when saturated; the next come when everybody has them.
const BURST: usize = 64;
/// Pause between bursts that come one by one.
const REST: Duration = Duration::from_millis(200);
/// Frames after which a relay is given a new start for late comers.
const KEYFRAME_EVERY: u64 = 1_024;
const FRAME_BYTES: usize = bare::FRAME_BYTES;

/// What the subscribers of one server have seen.
pub(crate) struct Crowd {
    start: Instant,
    /// When each frame was published, in microseconds.
    published: Mutex<Vec<u64>>,
    delivered: AtomicU64,
    /// How many deliveries complete what was published.
    expected: AtomicU64,
    complete: Notify,
    latencies: Mutex<Samples>,
    /// Whether the guests move their cursors.
    is_moving: AtomicBool,
    /// Cursors seen, by all together.
    moves: AtomicU64,
    pub(crate) tasks: Mutex<JoinSet<Outcome>>,
}

impl Crowd {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            published: Mutex::default(),
            delivered: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            complete: Notify::new(),
            latencies: Mutex::default(),
            is_moving: AtomicBool::new(false),
            moves: AtomicU64::new(0),
            tasks: Mutex::default(),
        })
    }

    fn now_us(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    /// Notes that `frames` more are on their way to `guests`; returns the number of the first.
    fn publish(&self, frames: usize, guests: usize) -> u64 {
        let mut published = lock(&self.published);
        let first = published.len();
        published.resize(first + frames, self.now_us());
        self.expected.fetch_add((frames * guests) as u64, Ordering::SeqCst);
        first as u64
    }

    /// Notes that one subscriber has a frame.
    fn take(&self, number: u64) {
        let published = lock(&self.published).get(number as usize).copied();
        let waited_us = self.now_us().saturating_sub(published.unwrap_or(0));
        // One in sixteen tells as much and costs less.
        if number.is_multiple_of(16) {
            lock(&self.latencies).push_us(waited_us as f64);
        }
        let delivered = self.delivered.fetch_add(1, Ordering::SeqCst) + 1;
        if delivered == self.expected.load(Ordering::SeqCst) {
            self.complete.notify_one();
        }
    }

    /// Waits until everybody has everything.
    async fn drained(&self) -> Outcome {
        let all = async {
            while self.delivered.load(Ordering::SeqCst) < self.expected.load(Ordering::SeqCst) {
                self.complete.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), all).await.map_err(|_| "frames were lost".into())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who publishes, and how a frame looks there.
enum Publisher {
    Ours { line: cahoots::io::channel::BoxWrite, author: AuthorId },
    Bare(bare::Line),
}

impl Publisher {
    /// Publishes frames with these numbers in one write.
    async fn write(&mut self, numbers: std::ops::Range<u64>) -> Outcome {
        match self {
            Self::Ours { line, author } => {
                let frames = numbers.map(|number| entry(*author, number)).collect::<Outcome<Vec<Bytes>>>()?;
                line.write_all(&frames.concat()).await?;
                Ok(line.flush().await?)
            }
            Self::Bare(line) => {
                let frames = numbers.map(|number| [&number.to_le_bytes()[..], &[0; FRAME_BYTES - 8]].concat());
                Ok(line.send.write_all(&frames.collect::<Vec<_>>().concat()).await?)
            }
        }
    }
}

/// Makes an ENTRY frame of [`FRAME_BYTES`] bytes that looks like a terminal's output to whoever cannot open it.
fn entry(author: AuthorId, number: u64) -> Outcome<Bytes> {
    let lane = LaneId { channel: terminal()?, author, epoch: Epoch(0) };
    let kind = if number.is_multiple_of(KEYFRAME_EVERY) { 5 } else { 1 };
    let shortest = Frame::Entry(WireEntry::encode(kind, lane, number, &[], &[0; 64]).as_bytes().clone()).encode().len();
    // One byte more of length once the body is there.
    let body = vec![0; FRAME_BYTES - shortest - 1];
    Ok(Frame::Entry(WireEntry::encode(kind, lane, number, &body, &[0; 64]).as_bytes().clone()).encode())
}

/// Makes an ENTRY frame of the size of a cursor's move.
fn cursor(author: AuthorId, seq: u64) -> Bytes {
    let lane = LaneId { channel: Channel::PRESENCE, author, epoch: Epoch(0) };
    let entry = WireEntry::encode(1, lane, seq, &[0; 90], &[0; 64]);
    Frame::Entry(entry.as_bytes().clone()).encode()
}

fn terminal() -> Outcome<Channel> {
    Channel::terminal(PaneId(0)).ok_or_else(|| "there is a first pane".into())
}

/// A server with its publisher and subscribers.
struct Side {
    name: &'static str,
    crowd: Arc<Crowd>,
    publisher: Publisher,
    guests: usize,
}

impl Side {
    /// Publishes at 200 frames a second.
    async fn pace(&mut self, frames: usize) -> Outcome {
        let mut tick = tokio::time::interval(TICK);
        for _ in 0..frames {
            tick.tick().await;
            let number = self.crowd.publish(1, self.guests);
            self.publisher.write(number..number + 1).await?;
        }
        self.crowd.drained().await
    }

    /// Publishes burst after burst, as fast as all get them.
    async fn saturate(&mut self, frames: usize) -> Outcome {
        for _ in 0..frames / BURST {
            let number = self.crowd.publish(BURST, self.guests);
            self.publisher.write(number..number + BURST as u64).await?;
            self.crowd.drained().await?;
        }
        Ok(())
    }

    /// Publishes a burst now and then, as a terminal that is at rest and redraws its screen.
    async fn rest_and_burst(&mut self, frames: usize) -> Outcome {
        for _ in 0..frames / BURST {
            tokio::time::sleep(REST).await;
            self.saturate(BURST).await?;
        }
        Ok(())
    }

    /// Measures one load: CPU microseconds and latencies per delivery, and deliveries a second.
    async fn measure(&mut self, child: &crate::child::Child, load: Load, frames: usize) -> Outcome<Measured> {
        *lock(&self.crowd.latencies) = Samples::default();
        let (cpu, start) = (child.cpu()?, Instant::now());
        match load {
            Load::Paced => self.pace(frames).await?,
            Load::Bursts => self.rest_and_burst(frames).await?,
            Load::Saturated => self.saturate(frames).await?,
        }
        let (wall, cpu) = (start.elapsed(), child.cpu()? - cpu);
        let deliveries = (frames * self.guests) as f64;
        let latencies = std::mem::take(&mut *lock(&self.crowd.latencies));
        Ok(Measured { cpu_us: cpu.as_secs_f64() * 1e6 / deliveries, rate: deliveries / wall.as_secs_f64(), latencies })
    }
}

#[derive(Clone, Copy, Debug)]
enum Load {
    Paced,
    Bursts,
    Saturated,
}

struct Measured {
    cpu_us: f64,
    rate: f64,
    latencies: Samples,
}

/// Seats a publisher and `guests` who watch it at our relay.
pub(crate) async fn seat_ours(relay: &ours::Server, guests: usize, crowd: &Arc<Crowd>) -> Outcome<(Peer, ours::Line)> {
    let mut host = Peer::host(seed()?, seed()?, ours::now())?;
    let terms = ShareTerms { lasts_ms: 3_600_000, ..ShareTerms::new(Access::View) };
    let token = host.share(&terms, ours::now())?;
    let line = relay.seat(&mut host).await?;
    for _ in 0..guests {
        let mut peer = Peer::guest(token.secret()?, seed()?);
        peer.watch(PaneId(0));
        let line = relay.seat(&mut peer).await?;
        let (taker, mover, author) = (Arc::clone(crowd), Arc::clone(crowd), ours::author(&peer)?);
        let take = move |raw| match WireEntry::decode(raw) {
            Ok(entry) if entry.lane.channel.pane().is_some() => taker.take(entry.seq),
            Ok(entry) if entry.lane.channel == Channel::PRESENCE => {
                taker.moves.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        };
        let mut seq = 0;
        let say = move || {
            seq += 1;
            mover.is_moving.load(Ordering::Relaxed).then(|| cursor(author, seq))
        };
        lock(&crowd.tasks).spawn(line.stay(take, say));
    }
    Ok((host, line))
}

fn seed() -> Outcome<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}

async fn start_ours(relay: &ours::Server, guests: usize) -> Outcome<Side> {
    let crowd = Crowd::new();
    let (host, line) = seat_ours(relay, guests, &crowd).await?;
    let author = ours::author(&host)?;
    let (line, rest) = line.split();
    lock(&crowd.tasks).spawn(rest);
    Ok(Side { name: "cahoots relay", crowd, publisher: Publisher::Ours { line, author }, guests })
}

async fn start_bare(server: &bare::Server, guests: usize) -> Outcome<Side> {
    let crowd = Crowd::new();
    for _ in 0..guests {
        let mut line = server.subscriber().await?;
        let crowd_too = Arc::clone(&crowd);
        lock(&crowd.tasks).spawn(async move {
            let mut frame = [0; FRAME_BYTES];
            let mut filled = 0;
            while let Some(chunk) = line.recv.read_chunk(16_384, true).await? {
                let mut bytes = &chunk.bytes[..];
                while !bytes.is_empty() {
                    let count = bytes.len().min(FRAME_BYTES - filled);
                    frame[filled..filled + count].copy_from_slice(&bytes[..count]);
                    (bytes, filled) = (&bytes[count..], filled + count);
                    if filled == FRAME_BYTES {
                        filled = 0;
                        let number = frame.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                        crowd_too.take(number);
                    }
                }
            }
            Ok(())
        });
    }
    let publisher = Publisher::Bare(server.publisher().await?);
    Ok(Side { name: "bare quinn", crowd, publisher, guests })
}

/// Runs this part.
pub(crate) async fn run(effort: Effort) -> Outcome {
    let (guests, rounds) = (effort.pick(100, 10), effort.pick(5, 1));
    let (relay, server) = (ours::Server::start()?, bare::Server::start()?);
    let mut sides = [start_ours(&relay, guests).await?, start_bare(&server, guests).await?];
    let children = [&relay.child, &server.child];
    tokio::time::sleep(Duration::from_millis(500)).await;
    head(&["load", "server", "CPU per delivery", "to bare", "p50", "p99", "deliveries/s"]);
    let loads = [
        (format!("{guests} guests, 200 frames/s"), Load::Paced, effort.pick(600, 40)),
        (format!("{guests} guests, 16 KiB now and then"), Load::Bursts, effort.pick(8, 2) * BURST),
        (format!("{guests} guests, saturated"), Load::Saturated, effort.pick(128, 2) * BURST),
    ];
    for (name, load, frames) in loads {
        let mut all: [(Samples, Samples, Samples); 2] = Default::default();
        for _ in 0..rounds {
            for ((side, child), (cpu, rate, latencies)) in sides.iter_mut().zip(children).zip(&mut all) {
                let measured = side.measure(child, load, frames).await?;
                cpu.push_us(measured.cpu_us);
                rate.push_us(measured.rate);
                latencies.append(measured.latencies);
            }
        }
        let base = all[1].0.median();
        for (side, (cpu, rate, latencies)) in sides.iter().zip(&all) {
            let (p50, p99) = (us(latencies.median()), us(latencies.quantile(0.99)));
            let cpu = cpu.median();
            row(&[&name, &side.name, &us(cpu), &times(cpu, base), &p50, &p99, &format!("{:.0}", rate.median())]);
        }
    }
    let [ours, _] = &sides;
    point(&ours.crowd, &relay.child, Duration::from_secs(effort.pick(10, 2) as u64)).await
}

/// Has all guests move their cursors for a while.
async fn point(crowd: &Crowd, relay: &crate::child::Child, duration: Duration) -> Outcome {
    let cpu = relay.cpu()?;
    crowd.is_moving.store(true, Ordering::Relaxed);
    tokio::time::sleep(duration).await;
    crowd.is_moving.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (cpu, moves) = (relay.cpu()? - cpu, crowd.moves.load(Ordering::Relaxed) as f64);
    let each = us(cpu.as_secs_f64() * 1e6 / moves);
    let rate = format!("{:.0}", moves / duration.as_secs_f64());
    row(&[&"all move their cursors", &"cahoots relay", &each, &"", &"", &"", &rate]);
    Ok(())
}
