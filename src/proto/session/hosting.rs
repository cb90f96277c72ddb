//! Publishing terminals and taking input for them. Hosts only. PROTOCOL.md 14, 15.
//!
//! program's bytes --`output`--> screen + frames of one flush --> every link;
//! entries of the direct channel --> `Event::Input`, exactly once and in order per member
//!
//! Always: a program is never slowed by a viewer. When no link has room, output is only fed to the screen, and a
//! keyframe of it is published once there is room again.

mod direct;
mod history;
mod pane;

use super::Peer;
use super::auditing::Archive;
use super::documents::EditRefused;
use super::driving::{Bursts, Wheel};
use super::outbox::Start;
use crate::proto::audit::Journal;
use crate::proto::doc::{PaneInfo, PaneStatus};
use crate::proto::id::{AuthorId, Channel, PaneId};
use crate::proto::key::Secret32;
use crate::proto::lane::verify::starts_keyframe;
use crate::proto::limits::{OUTPUT_BYTES_MAX, PANES_MAX};
use crate::proto::sorted::SortedMap;
use crate::proto::terminal::{Part, Screen, Size};
use crate::proto::time::{Mono, Now, Wall};
use crate::proto::wire::Frame;
use direct::Guest;
use history::Histories;
use pane::Pane;

/// Why a terminal could not be published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostingError {
    /// This peer is not the host.
    #[error("only the host publishes terminals")]
    NotHost,
    /// All pane numbers are in use.
    #[error("{PANES_MAX} terminals are the most a session can have")]
    TooManyPanes,
    /// There is no such terminal, or it has ended.
    #[error("there is no terminal {0}")]
    NoPane(PaneId),
    /// The state document refused the change.
    #[error(transparent)]
    Edit(#[from] EditRefused),
}

/// What only a host has.
#[derive(Default)]
pub(super) struct Hosting {
    panes: SortedMap<PaneId, Pane>,
    guests: SortedMap<AuthorId, Guest>,
    histories: Histories,
    answers: u64,
    ack_at: Option<Mono>,
    /// Typed bytes told as events and not yet read by a program.
    input_bytes: usize,
    /// When the state document was last made to show who drives.
    pub(super) shown: Mono,
    /// How many changes it had then.
    pub(super) shown_changes: usize,
    pub(super) bursts: Bursts,
    pub(super) journal: Journal,
    pub(super) archive: Archive,
    /// The last reading of the wall clock, for what is noted as it is told.
    pub(super) clock: Wall,
}

impl Hosting {
    /// Returns the members whose direct channel was opened.
    pub(super) fn direct_members(&self) -> impl Iterator<Item = &AuthorId> {
        self.guests.keys()
    }

    /// Forgets the direct channel of a member that may not type. Of one that may, it is kept for good: whoever replays
    /// its opening would else have everything after it typed again.
    pub(super) fn forget_viewer(&mut self, author: &AuthorId) {
        if self.guests.get(author).is_some_and(|guest| !guest.may_type) {
            self.guests.remove(author);
        }
    }

    /// Forgets the direct channels of members that `is_out` says of, and their keys: nothing of theirs is taken any more.
    pub(super) fn forget_guests(&mut self, is_out: impl Fn(&AuthorId) -> bool) {
        self.guests.retain(|author, _| !is_out(author));
    }

    /// Returns the key that is known to a member and this host alone, once the member's direct channel is open.
    pub(super) fn kek_of(&self, author: &AuthorId) -> Option<&Secret32> {
        self.guests.get(author).map(Guest::kek)
    }

    /// Returns the wheel of a terminal whose program runs.
    pub(super) fn wheel(&self, pane: PaneId) -> Option<&Wheel> {
        self.panes.get(&pane).filter(|pane| pane.is_running()).map(|pane| &pane.wheel)
    }

    pub(super) fn wheel_mut(&mut self, pane: PaneId) -> Option<&mut Wheel> {
        self.panes.get_mut(&pane).filter(|pane| pane.is_running()).map(|pane| &mut pane.wheel)
    }

    pub(super) fn wheels(&self) -> impl Iterator<Item = (PaneId, &Wheel)> {
        self.panes.iter().map(|(id, pane)| (*id, &pane.wheel))
    }

    pub(super) fn wheels_mut(&mut self) -> impl Iterator<Item = (PaneId, &mut Wheel)> {
        self.panes.iter_mut().map(|(id, pane)| (*id, &mut pane.wheel))
    }
}

impl Peer {
    /// Publishes a terminal.
    ///
    /// # Errors
    ///
    /// [`HostingError`] if this peer is not the host or has no pane number left.
    pub fn open_pane(&mut self, title: &str, command: &str, size: Size) -> Result<PaneId, HostingError> {
        let hosting = self.hosting.as_ref().ok_or(HostingError::NotHost)?;
        let free = (0..PANES_MAX).map(PaneId).find(|pane| !hosting.panes.contains_key(pane));
        let id = free.ok_or(HostingError::TooManyPanes)?;
        let (cols, rows) = (size.cols, size.rows);
        let info = PaneInfo { title: title.into(), command: command.into(), cols, rows, status: PaneStatus::Running };
        self.set_pane(id, &info)?;
        if let Some(hosting) = self.hosting.as_mut() {
            hosting.panes.insert(id, Pane::new(info, size));
        }
        Ok(id)
    }

    fn pane_mut(&mut self, id: PaneId) -> Result<&mut Pane, HostingError> {
        let hosting = self.hosting.as_mut().ok_or(HostingError::NotHost)?;
        let pane = hosting.panes.get_mut(&id).filter(|pane| pane.is_running());
        pane.ok_or(HostingError::NoPane(id))
    }

    /// Returns the screen of a terminal published here.
    #[must_use]
    pub fn screen(&self, id: PaneId) -> Option<&Screen> {
        self.hosting.as_ref()?.panes.get(&id).map(|pane| &pane.screen)
    }

    /// Answers what a terminal's program asks from now on; only where no real terminal stands beside it.
    pub fn answer_queries(&mut self, id: PaneId) {
        if let Ok(pane) = self.pane_mut(id) {
            pane.screen = Screen::new(pane.screen.size()).answering();
        }
    }

    /// Returns the answers to type into a terminal's program, since the last call.
    pub fn take_replies(&mut self, id: PaneId) -> Vec<u8> {
        self.pane_mut(id).map(|pane| pane.screen.take_replies()).unwrap_or_default()
    }

    /// Takes what a terminal's program wrote.
    ///
    /// # Errors
    ///
    /// [`HostingError::NoPane`] if the terminal has ended.
    pub fn output(&mut self, id: PaneId, bytes: &[u8], now: Now) -> Result<(), HostingError> {
        let pane = self.pane_mut(id)?;
        pane.screen.write(bytes);
        pane.waiting.extend_from_slice(bytes);
        if pane.is_quiet(now) || pane.waiting.len() >= OUTPUT_BYTES_MAX {
            self.flush_pane(id, now);
        }
        Ok(())
    }

    /// Changes a terminal's size; everybody gets a keyframe of the new one.
    ///
    /// # Errors
    ///
    /// [`HostingError`] if the terminal has ended.
    pub fn resize_pane(&mut self, id: PaneId, size: Size, now: Now) -> Result<(), HostingError> {
        let pane = self.pane_mut(id)?;
        if pane.screen.size() == size {
            return Ok(());
        }
        self.flush_pane(id, now);
        let pane = self.pane_mut(id)?;
        pane.screen.resize(size);
        let size = pane.screen.size();
        (pane.info.cols, pane.info.rows) = (size.cols, size.rows);
        pane.wants_keyframe = true;
        pane.keyframed = None;
        let info = pane.info.clone();
        self.flush_pane(id, now);
        Ok(self.set_pane(id, &info)?)
    }

    /// Ends a terminal: its program has exited with `code`.
    ///
    /// # Errors
    ///
    /// [`HostingError`] if the terminal has ended already.
    pub fn end_pane(&mut self, id: PaneId, code: i32, now: Now) -> Result<(), HostingError> {
        self.flush_pane(id, now);
        self.end_driving(id, now);
        let pane = self.pane_mut(id)?;
        let mut parts = Vec::new();
        if !pane.waiting.is_empty() || pane.wants_keyframe {
            // The links had no room: the end must still be seen on the right screen.
            parts = pane.take_keyframe(now);
        }
        parts.push(pane.encoder.end(code));
        pane.info.status = PaneStatus::Exited { code };
        let info = pane.info.clone();
        self.publish_parts(id, &parts);
        Ok(self.set_pane(id, &info)?)
    }

    /// Notes that a link or a watcher has nothing to start from.
    pub(super) fn want_keyframe(&mut self, channel: Channel) {
        let pane = channel.pane().and_then(|pane| self.hosting.as_mut()?.panes.get_mut(&pane));
        if let Some(pane) = pane {
            pane.wants_keyframe = true;
        }
    }

    pub(super) fn want_all_keyframes(&mut self) {
        for pane in self.hosting.iter_mut().flat_map(|hosting| hosting.panes.values_mut()) {
            pane.wants_keyframe = true;
            pane.keyframed = None;
        }
    }

    pub(super) fn poll_panes(&self) -> Option<Mono> {
        let hungry = self.links.values().any(|link| link.outbox.hungry().next().is_some());
        let room = self.has_room();
        let panes = self.hosting.as_ref()?.panes.values();
        panes.filter_map(|pane| if room { pane.poll_timeout(hungry) } else { None }).min()
    }

    /// Flushes what is due: output that waited for its tick, keyframes that are wanted.
    pub(super) fn flush_panes(&mut self, now: Now) {
        let hungry: Vec<Channel> = self.links.values().flat_map(|link| link.outbox.hungry()).collect();
        hungry.into_iter().for_each(|channel| self.want_keyframe(channel));
        let panes = self.hosting.iter().flat_map(|hosting| &hosting.panes);
        let due = panes.filter(|(_, pane)| pane.poll_timeout(false).is_some_and(|due| due <= now.mono));
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.flush_pane(id, now);
        }
    }

    pub(super) fn flush_all_panes(&mut self, now: Now) {
        let panes = self.hosting.iter().flat_map(|hosting| hosting.panes.keys().copied());
        for id in panes.collect::<Vec<_>>() {
            self.flush_pane(id, now);
        }
    }

    /// Tells whether output made now could be sent rather than dropped.
    fn has_room(&self) -> bool {
        self.links.values().any(|link| link.is_ready() && !link.outbox.is_congested())
    }

    fn flush_pane(&mut self, id: PaneId, now: Now) {
        let has_room = self.has_room();
        let Some(pane) = self.hosting.as_mut().and_then(|hosting| hosting.panes.get_mut(&id)) else { return };
        let parts = pane.take_parts(has_room, now);
        self.publish_parts(id, &parts);
    }

    /// Seals and queues parts of a terminal's stream on every link.
    fn publish_parts(&mut self, id: PaneId, parts: &[Part]) {
        let Some(channel) = Channel::terminal(id) else { return };
        for part in parts {
            let Some((writer, keys)) = self.writer(channel) else { return };
            let entry = writer.seal(part.kind, keys, &part.plaintext);
            let frame = Frame::Entry(entry.as_bytes().clone()).encode();
            let start = if starts_keyframe(channel, part.kind) { Start::Keyframe } else { Start::Continues };
            let ready = self.links.values_mut().filter(|link| link.is_ready());
            ready.for_each(|link| link.outbox.push_live(channel, start, frame.clone()));
        }
    }
}
