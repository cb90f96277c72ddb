//! Watching one terminal of a session.

use crate::io::core::Core;
use crate::proto::id::PaneId;
use crate::proto::terminal::{Screen, Size, StreamEvent};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Lines of scrollback that a view keeps.
const SCROLLBACK_LINES: usize = 2_000;

/// What one watched terminal shows, shared between the link that fills it and the views that show it.
pub(crate) struct ViewState {
    /// What came and is not on the screen yet, in order.
    arrivals: Mutex<VecDeque<Arrival>>,
    screen: Mutex<Screen>,
    /// Counts changes; tells whether the stream is over.
    news: watch::Sender<News>,
}

/// What comes for one view.
enum Arrival {
    Stream(StreamEvent),
    /// The session is over for this side.
    Closed,
}

#[derive(Clone, Copy, Debug, Default)]
struct News {
    changes: u64,
    is_live: bool,
    is_over: bool,
    /// Output bytes that are on the screen.
    offset: u64,
    exit: Option<i32>,
}

impl ViewState {
    pub(crate) fn new() -> Self {
        let size = Size { cols: 80, rows: 24 };
        Self {
            arrivals: Mutex::default(),
            screen: Mutex::new(Screen::with_scrollback(size, SCROLLBACK_LINES)),
            news: watch::Sender::default(),
        }
    }

    pub(crate) fn push(&self, event: StreamEvent) {
        self.arrive(Arrival::Stream(event));
    }

    /// Notes that nothing more will come.
    pub(crate) fn close(&self) {
        self.arrive(Arrival::Closed);
    }

    fn arrive(&self, arrival: Arrival) {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push_back(arrival);
    }

    /// Puts on the screen what has come. Whoever holds the screen takes arrivals in order, on whatever thread.
    pub(crate) fn catch_up(&self) {
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(arrival) = self.next_arrival() {
            self.apply(&mut screen, arrival);
        }
    }

    fn next_arrival(&self) -> Option<Arrival> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn apply(&self, screen: &mut Screen, arrival: Arrival) {
        let mut news = *self.news.borrow();
        news.changes += 1;
        match arrival {
            Arrival::Stream(StreamEvent::Keyframe { size, offset, data }) => {
                // Who followed without a hole has this screen already, and its scrollback with it.
                if !(news.is_live && news.offset == offset && screen.size() == size) {
                    screen.restore(size, &data);
                }
                (news.is_live, news.offset) = (true, offset);
            }
            Arrival::Stream(StreamEvent::Output { offset, data }) => {
                screen.write(&data);
                news.offset = offset + data.len() as u64;
            }
            Arrival::Stream(StreamEvent::Past { size, offset, lines, keyframe }) => {
                screen.begin_anew(size, &lines, &keyframe);
                (news.is_live, news.offset) = (true, offset);
            }
            Arrival::Stream(StreamEvent::End { code }) => (news.exit, news.is_over) = (Some(code), true),
            Arrival::Closed => news.is_over = true,
        }
        self.news.send_replace(news);
    }
}

/// A live view of one terminal. Cloning is cheap; each clone waits for changes by itself.
#[derive(Clone)]
pub struct View {
    core: Arc<Core>,
    pane: PaneId,
    state: Arc<ViewState>,
    news: watch::Receiver<News>,
}

impl View {
    pub(crate) fn open(core: Arc<Core>, pane: PaneId) -> Self {
        let state = core.with(|inner, _| {
            let state = inner.views.entry(pane).or_insert_with(|| Arc::new(ViewState::new())).clone();
            inner.peer.watch(pane);
            state
        });
        let news = state.news.subscribe();
        Self { core, pane, state, news }
    }

    /// Returns which terminal this is.
    #[must_use]
    pub const fn pane(&self) -> PaneId {
        self.pane
    }

    /// Shows the screen to `look`. Keep it short: output waits meanwhile.
    pub fn with_screen<R>(&self, look: impl FnOnce(&Screen) -> R) -> R {
        look(&self.state.screen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the terminal's size, as the host has it.
    #[must_use]
    pub fn size(&self) -> Size {
        self.with_screen(Screen::size)
    }

    /// Tells whether the screen is the host's: a first keyframe has come.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.news.borrow().is_live
    }

    /// Returns how many bytes of output are on the screen, counted from the start of the terminal.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.news.borrow().offset
    }

    /// Returns the exit status of the terminal's program, once it has exited.
    #[must_use]
    pub fn exit(&self) -> Option<i32> {
        self.news.borrow().exit
    }

    /// Waits until something changed since the last call; false once the terminal is over.
    ///
    /// Cancel safe.
    pub async fn changed(&mut self) -> bool {
        if self.news.borrow().is_over && !self.news.has_changed().unwrap_or(false) {
            return false;
        }
        self.news.changed().await.is_ok()
    }

    /// Waits until the screen is the host's and has not changed for `quiet`, for ten times that at the most.
    ///
    /// A newcomer gets a keyframe and then what came after it: a script that looks once should wait for both.
    pub async fn settled(&mut self, quiet: Duration) {
        let settle = async {
            while self.news.borrow_and_update().changes == 0 || !self.is_live() {
                if self.news.changed().await.is_err() {
                    return;
                }
            }
            while tokio::time::timeout(quiet, self.changed()).await == Ok(true) {}
        };
        // A terminal that never rests is shown as it is.
        let _ = tokio::time::timeout(quiet * 10, settle).await;
    }

    /// Types into the terminal.
    ///
    /// # Errors
    ///
    /// [`TypeError`](crate::TypeError) at once where the link has no right to type; nothing was sent then.
    pub fn type_bytes(&self, bytes: &[u8]) -> Result<(), crate::TypeError> {
        self.core.with(|inner, _| inner.peer.type_bytes(self.pane, bytes))
    }
}
