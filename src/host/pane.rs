//! A terminal that the embedding program fills by itself.

use crate::io::core::Core;
use crate::proto::id::PaneId;
use crate::proto::session::HostingError;
use crate::proto::terminal::Size;
use crate::session::Input;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A terminal whose bytes come from the program that embeds the library.
pub struct Pane {
    pub(super) core: Arc<Core>,
    pub(super) id: PaneId,
    pub(super) inputs: mpsc::UnboundedReceiver<Input>,
}

impl Pane {
    /// Returns its number in the session.
    #[must_use]
    pub const fn id(&self) -> PaneId {
        self.id
    }

    /// Publishes output.
    ///
    /// # Errors
    ///
    /// [`HostingError::NoPane`] after [`end`](Self::end).
    pub fn write(&self, bytes: &[u8]) -> Result<(), HostingError> {
        self.core.with(|inner, now| inner.peer.output(self.id, bytes, now))
    }

    /// Waits for what members type; `None` when the session is over. Rights, order and repetition are checked.
    ///
    /// Cancel safe.
    pub async fn next_input(&mut self) -> Option<Input> {
        let input = self.inputs.recv().await?;
        self.core.with(|inner, _| inner.peer.handle_input_read(input.bytes.len()));
        Some(input)
    }

    /// Changes the size.
    ///
    /// # Errors
    ///
    /// [`HostingError::NoPane`] after [`end`](Self::end).
    pub fn resize(&self, size: Size) -> Result<(), HostingError> {
        self.core.with(|inner, now| inner.peer.resize_pane(self.id, size, now))
    }

    /// Ends the terminal with an exit status.
    ///
    /// # Errors
    ///
    /// [`HostingError::NoPane`] if it has ended already.
    pub fn end(&self, code: i32) -> Result<(), HostingError> {
        self.core.with(|inner, now| {
            inner.inputs.remove(&self.id);
            inner.peer.end_pane(self.id, code, now)
        })
    }
}
