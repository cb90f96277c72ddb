//! The shell of one [`Peer`]: locks it, feeds it frames and time, and tells what it says to whoever listens.
//!
//! channels --`run_link`--> Peer --> frames back, [`Event`](crate::Event)s, screens of views, input of panes
//!
//! It decides nothing: every decision is the machine's. Locks are held for one call into the machine, never over an
//! await.

use crate::io::channel::{BoxRead, BoxWrite, Channel};
use crate::io::clock::Clock;
use crate::proto::id::PaneId;
use crate::proto::path::PathKind;
use crate::proto::session::{self as machine, LinkId, Peer};
use crate::proto::time::{Mono, Now};
use crate::proto::token::Relay;
use crate::proto::verify::derive;
use crate::proto::wire::{CloseCode, FrameDecoder};
use crate::session::{Connection, Ending, Event, Input, Member};
use crate::view::ViewState;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::time::{sleep, timeout};

/// Bytes written in one go: what waits is coalesced up to here, so that packets are full.
const WRITE_BYTES: usize = 65_536;
/// Bytes read in one go.
const READ_BYTES: usize = 65_536;
/// How long the other side may take to read the last words of a link.
const CLOSE_GRACE: Duration = Duration::from_secs(5);
/// Events that a slow listener may be behind before it misses some.
const EVENTS_MAX: usize = 1_024;

/// How one link is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LinkState {
    /// The handshake is under way.
    Connecting,
    /// Entries flow.
    Ready,
    /// It is over; with the reason, where the machines gave one.
    Over(CloseCode),
}

/// Who a link leads to, the same whenever it is dialled again: who comes back with less than it had is found out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Acceptor([u8; 32]);

impl Acceptor {
    /// The hall in a host's own process.
    pub(crate) fn own_hall() -> Self {
        Self(derive("acceptor", &[b"hall"]))
    }

    /// The host, found nearby: its hall lasts as long as the session.
    pub(crate) fn host() -> Self {
        Self(derive("acceptor", &[b"host"]))
    }

    pub(crate) fn relay(relay: &Relay) -> Self {
        let pinned = relay.fingerprint.as_ref().map_or(&[][..], |hash| hash);
        Self(derive("acceptor", &[b"relay", relay.host.as_bytes(), &relay.port.to_le_bytes(), pinned]))
    }

    /// Whatever a transport of the embedding program leads to.
    pub(crate) fn channel(channel: &Channel) -> Self {
        Self(derive("acceptor", &[b"channel", channel.remote.as_bytes()]))
    }
}

struct LinkInfo {
    path: PathKind,
    remote: String,
    wake: Arc<Notify>,
    state: watch::Sender<LinkState>,
}

/// The path that is in use.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PathInUse {
    pub(crate) link: LinkId,
    pub(crate) path: PathKind,
    pub(crate) remote: String,
    pub(crate) rtt_us: Option<u64>,
}

/// What is under the lock.
pub(crate) struct Inner {
    pub(crate) peer: Peer,
    pub(crate) views: BTreeMap<PaneId, Arc<ViewState>>,
    /// Bounded by the machine, which takes no more than programs have read.
    pub(crate) inputs: BTreeMap<PaneId, mpsc::UnboundedSender<Input>>,
    links: BTreeMap<LinkId, LinkInfo>,
    next_link: u64,
    /// What the program was last told about the connection.
    connection: Connection,
    /// Whether the owner has not let this peer in yet.
    is_waiting: bool,
    /// The last refusal by a relay, which explains why nothing works.
    refusal: Option<CloseCode>,
    timer_at: Option<Mono>,
    /// Views that got something in this call.
    fed: Vec<Arc<ViewState>>,
    /// How it ended, to be told once all views show the last that came.
    over: Option<Ending>,
}

/// One peer, shared by everything that touches it.
pub(crate) struct Core {
    inner: Mutex<Inner>,
    pub(crate) clock: Clock,
    timer: Notify,
    events: broadcast::Sender<Event>,
    ended: watch::Sender<Option<Ending>>,
}

impl Core {
    /// Starts the shell of `peer`; its timer runs until the last handle is gone.
    pub(crate) fn start(peer: Peer, clock: Clock, connection: Connection) -> Arc<Self> {
        let inner = Inner {
            peer,
            views: BTreeMap::new(),
            inputs: BTreeMap::new(),
            links: BTreeMap::new(),
            next_link: 0,
            connection,
            is_waiting: false,
            refusal: None,
            timer_at: None,
            fed: Vec::new(),
            over: None,
        };
        let core = Arc::new(Self {
            inner: Mutex::new(inner),
            clock,
            timer: Notify::new(),
            events: broadcast::Sender::new(EVENTS_MAX),
            ended: watch::Sender::new(None),
        });
        tokio::spawn(run_timer(Arc::downgrade(&core)));
        core
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic in one call into the machine must not take the others down: it left no half-done state that
        // signatures and chains would not catch.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls into the machine, and then does whatever that call made due.
    pub(crate) fn with<R>(&self, call: impl FnOnce(&mut Inner, Now) -> R) -> R {
        let now = self.clock.now();
        let mut inner = self.lock();
        let result = call(&mut inner, now);
        self.settle(&mut inner);
        let (fed, over) = (std::mem::take(&mut inner.fed), inner.over.take());
        // Parsing takes its time, and whoever looks at a screen may call into the session.
        drop(inner);
        fed.iter().for_each(|view| view.catch_up());
        if let Some(ending) = over {
            self.ended.send_replace(Some(ending));
            self.tell(Event::Ended(ending));
        }
        result
    }

    /// Reads from the machine without changing it.
    pub(crate) fn read<R>(&self, call: impl FnOnce(&Inner, Now) -> R) -> R {
        call(&self.lock(), self.clock.now())
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    pub(crate) fn ended(&self) -> watch::Receiver<Option<Ending>> {
        self.ended.subscribe()
    }

    pub(crate) fn tell(&self, event: Event) {
        // Nobody listening is fine: the state can be asked for at any time.
        let _ = self.events.send(event);
    }

    fn settle(&self, inner: &mut Inner) {
        while let Some(event) = inner.peer.poll_event() {
            self.dispatch(inner, event);
        }
        while let Some(link) = inner.peer.poll_ready() {
            if let Some(info) = inner.links.get(&link) {
                info.wake.notify_one();
            }
        }
        let due = inner.peer.poll_timeout();
        if due != inner.timer_at {
            inner.timer_at = due;
            self.timer.notify_one();
        }
    }

    fn dispatch(&self, inner: &mut Inner, event: machine::Event) {
        match event {
            machine::Event::Linked(link) => {
                inner.refusal = None;
                inner.note(link, LinkState::Ready);
                self.set_connection(inner, Connection::Ready);
            }
            machine::Event::Unlinked(link, code) => {
                inner.refusal = Some(code).filter(|code| *code != CloseCode::Bye).or(inner.refusal);
                inner.note(link, LinkState::Over(code));
                if let Some(info) = inner.links.get(&link) {
                    info.wake.notify_one();
                }
                self.note_lost(inner);
            }
            machine::Event::Joined(author) => {
                if let Some(member) = Member::find(&inner.peer, &author) {
                    self.tell(Event::Joined(member));
                }
            }
            machine::Event::Left(author) => self.tell(Event::Left(Member::outside(&inner.peer, author))),
            machine::Event::Presence(author) => self.tell(Event::Presence(author)),
            machine::Event::Message(message) => self.tell(Event::Message(message)),
            machine::Event::State => self.tell(Event::State),
            machine::Event::Terminal(pane, event) => {
                if let Some(view) = inner.views.get(&pane) {
                    view.push(event);
                    inner.fed.push(view.clone());
                }
            }
            machine::Event::Input(pane, author, bytes) => {
                let (count, reader) = (bytes.len(), inner.inputs.get(&pane));
                if reader.is_none_or(|reader| reader.send(Input { author, bytes }).is_err()) {
                    // Its program is gone, and with it all that anybody typed.
                    inner.peer.handle_input_read(count);
                }
            }
            machine::Event::DriveWished(pane, author) => self.tell(Event::DriveWished { pane, author }),
            machine::Event::DriverChanged(pane, driver) => self.tell(Event::DriverChanged { pane, driver }),
            machine::Event::LineProposed(pane, author, line) => {
                self.tell(Event::LineProposed { pane, author, line });
            }
            machine::Event::InputWaits(pane, what) => self.tell(Event::Waits { pane, what }),
            machine::Event::InputRefused(pane, reason) => self.tell(Event::Refused { pane, reason }),
            machine::Event::Knocked(author) => self.tell(Event::Knocked(Member::outside(&inner.peer, author))),
            machine::Event::Commanded(author, deed) => self.tell(Event::commanded(&inner.peer, author, deed)),
            // For pages, which alone command the host so far, and for terminals without a size of their own.
            machine::Event::Answered(..) | machine::Event::Desk(_) | machine::Event::WindowSize(..) => {}
            machine::Event::Waiting => {
                inner.is_waiting = true;
                self.tell(Event::Waiting);
            }
            machine::Event::LetIn => {
                inner.is_waiting = false;
                self.tell(Event::LetIn);
            }
            machine::Event::Rekeyed(epoch) => self.tell(Event::Rekeyed(epoch)),
            machine::Event::CheckpointTaken(channel) => tracing::debug!(?channel, "document taken from a checkpoint"),
            machine::Event::InputLost { bytes } => self.tell(Event::InputLost { bytes }),
            machine::Event::Alarm(alarm) => {
                tracing::warn!(%alarm);
                self.tell(Event::Alarm(alarm));
            }
            machine::Event::Ended(ending) => {
                inner.over = Some(ending);
                inner.views.values().for_each(|view| view.close());
                inner.fed.extend(inner.views.values().cloned());
            }
        }
    }

    fn set_connection(&self, inner: &mut Inner, connection: Connection) {
        if inner.connection != connection {
            inner.connection = connection;
            self.tell(Event::Connection(connection));
        }
    }

    fn note_lost(&self, inner: &mut Inner) {
        if !inner.peer.is_linked() && inner.connection == Connection::Ready {
            let next = if inner.peer.ended().is_some() { Connection::Closed } else { Connection::Lost };
            self.set_connection(inner, next);
        }
    }

    /// Notes where the search for a way stands, as long as there is none.
    pub(crate) fn note_search(&self, connection: Connection) {
        self.with(|inner, _| {
            if !inner.peer.is_linked() && inner.connection != Connection::Lost {
                self.set_connection(inner, connection);
            }
        });
    }

    /// Runs a link over `channel` until it is over, and returns why, where the machines know.
    ///
    /// `opened` gets the link's name, and how it does, as soon as it has one.
    pub(crate) async fn run_link(
        self: &Arc<Self>,
        channel: Channel,
        acceptor: Acceptor,
        opened: impl FnOnce(LinkId, watch::Receiver<LinkState>),
    ) -> CloseCode {
        let Channel { mut reader, mut writer, binder, remote, path, network: _ } = channel;
        let wake = Arc::new(Notify::new());
        let state = watch::Sender::new(LinkState::Connecting);
        let follow = state.subscribe();
        let link = self.with(|inner, now| {
            inner.next_link += 1;
            let link = LinkId(inner.next_link);
            inner.links.insert(link, LinkInfo { path, remote, wake: wake.clone(), state });
            let exporter = binder.exporter(&inner.peer.session());
            inner.peer.handle_link_open(link, exporter, now);
            inner.peer.name_link(link, acceptor.0);
            link
        });
        // Also when this future is dropped half way: a link that nobody serves must not look like one.
        let _cleanup = Cleanup { core: self, link };
        opened(link, follow.clone());
        // Whoever does not read would keep a link for ever that is over.
        let mut state = follow.clone();
        let over = async {
            let _ = state.wait_for(|state| matches!(state, LinkState::Over(_))).await;
            sleep(CLOSE_GRACE).await;
        };
        let mut read = pin!(self.read_link(link, &mut reader));
        tokio::select! {
            () = &mut read => {}
            written = self.write_link(link, &mut writer, &wake) => match written {
                Ok(()) => {
                    let _ = timeout(CLOSE_GRACE, writer.shutdown()).await;
                }
                // The other side reads no more; what it said before, perhaps why, still counts.
                Err(_) => {
                    let _ = timeout(CLOSE_GRACE, read).await;
                }
            },
            () = over => {}
        }
        match *follow.borrow() {
            LinkState::Over(code) => code,
            LinkState::Connecting | LinkState::Ready => CloseCode::GoingAway,
        }
    }

    /// Reads until the other side ends; for ever once the machine has refused what it said.
    async fn read_link(&self, link: LinkId, reader: &mut BoxRead) {
        let mut decoder = FrameDecoder::new();
        let mut buffer = vec![0; READ_BYTES];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            decoder.push(buffer.get(..count).unwrap_or_default());
            if !self.handle_bytes(link, &mut decoder) {
                // CLOSE is queued: the writer ends the link once it is sent.
                return std::future::pending().await;
            }
        }
    }

    /// Writes what the machine has for the link until CLOSE is written.
    async fn write_link(&self, link: LinkId, writer: &mut BoxWrite, wake: &Notify) -> io::Result<()> {
        let mut frames: Vec<Bytes> = Vec::new();
        let mut batch = Vec::with_capacity(WRITE_BYTES * 2);
        loop {
            let popped = self.with(|inner, _| inner.peer.pop(link, WRITE_BYTES, &mut frames));
            if frames.is_empty() && !popped.close {
                wake.notified().await;
                continue;
            }
            frames.drain(..).for_each(|frame| batch.extend_from_slice(&frame));
            writer.write_all(&batch).await?;
            writer.flush().await?;
            if popped.close {
                return Ok(());
            }
            batch.clear();
        }
    }

    /// Hands all whole frames to the machine under one lock; false if the stream cannot go on.
    fn handle_bytes(&self, link: LinkId, decoder: &mut FrameDecoder) -> bool {
        self.with(|inner, now| {
            loop {
                match decoder.next_frame() {
                    Ok(Some(frame)) => inner.peer.handle_frame(link, frame, now),
                    Ok(None) => return true,
                    Err(error) => {
                        tracing::debug!(%error, "link sent what is no frame");
                        inner.peer.close_link(link, CloseCode::from(&error));
                        return false;
                    }
                }
            }
        })
    }

    /// Closes a link that another one replaces.
    pub(crate) fn close_link(&self, link: LinkId) {
        self.with(|inner, _| inner.peer.close_link(link, CloseCode::Bye));
    }
}

/// Takes a link out of the machine when nobody serves it any more.
struct Cleanup<'a> {
    core: &'a Core,
    link: LinkId,
}

impl Drop for Cleanup<'_> {
    fn drop(&mut self) {
        self.core.with(|inner, now| {
            inner.peer.handle_link_close(self.link, now);
            inner.links.remove(&self.link);
            self.core.note_lost(inner);
        });
    }
}

impl Inner {
    fn note(&self, link: LinkId, state: LinkState) {
        if let Some(info) = self.links.get(&link) {
            info.state.send_replace(state);
        }
    }

    /// Tells whether any link is left, ready or not.
    pub(crate) fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// Returns the connection as the program was last told.
    pub(crate) const fn connection(&self) -> Connection {
        self.connection
    }

    /// Tells whether the owner has not let this peer in yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.is_waiting && self.peer.ended().is_none()
    }

    /// Returns why a relay last refused, while nothing else works.
    pub(crate) const fn refusal(&self) -> Option<CloseCode> {
        self.refusal
    }

    /// Tells whether a link to the host itself exchanges entries.
    pub(crate) fn is_direct(&self) -> bool {
        self.path_in_use().is_some_and(|path| path.path != PathKind::Relay)
    }

    /// Returns the newest link that exchanges entries.
    pub(crate) fn path_in_use(&self) -> Option<PathInUse> {
        let mut ready = self.links.iter().filter(|(_, info)| *info.state.borrow() == LinkState::Ready);
        ready.next_back().map(|(link, info)| PathInUse {
            link: *link,
            path: info.path,
            remote: info.remote.clone(),
            rtt_us: self.peer.rtt_us(*link),
        })
    }
}

/// Calls the machine's timer until nobody holds the core any more.
async fn run_timer(core: std::sync::Weak<Core>) {
    /// How long a core that nobody uses may linger.
    const LINGER: Duration = Duration::from_secs(1);
    while let Some(core) = core.upgrade() {
        let (due, latest) = (core.read(|inner, _| inner.timer_at), tokio::time::Instant::now() + LINGER);
        let due = due.map_or(latest, |when| core.clock.at(when).min(latest));
        let is_due = tokio::select! {
            () = tokio::time::sleep_until(due) => true,
            () = core.timer.notified() => false,
        };
        if is_due {
            core.with(|inner, now| inner.peer.handle_timeout(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::id::SessionId;
    use crate::proto::token::{Access, Token};

    /// A relay that keeps a connection alive and reads nothing must not hold a link that is over: who seeks another
    /// way waits for its end.
    #[tokio::test(start_paused = true)]
    async fn link_that_is_over_ends_though_nobody_reads() {
        let token = Token::new(Access::View, &SessionId([7; 16]), [1; 16], crate::proto::share::ShareFlags::NONE);
        let core = Core::start(Peer::guest(token.secret().unwrap(), [3; 32]), Clock::start(), Connection::Searching);
        let (mine, _theirs) = Channel::pair(8);
        let code = core.run_link(mine, Acceptor::host(), |link, _| core.close_link(link)).await;
        assert_eq!(code, CloseCode::Bye);
    }
}
