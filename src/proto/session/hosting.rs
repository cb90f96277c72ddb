//! Publishing terminals and taking input for them. Hosts only. PROTOCOL.md 14, 15.
//!
//! program's bytes --`output`--> screen + frames of one flush --> every link;
//! entries of the direct channel --> `Event::Input`, exactly once and in order per member
//!
//! Always: a program is never slowed by a viewer. When no link has room, output is only fed to the screen, and a
//! keyframe of it is published once there is room again.

use super::documents::EditRefused;
use super::outbox::Start;
use super::{Event, Peer};
use crate::proto::doc::{PaneInfo, PaneStatus};
use crate::proto::id::{AuthorId, Channel, PaneId};
use crate::proto::key::Secret32;
use crate::proto::lane::verify::starts_keyframe;
use crate::proto::limits::{AUTHORS_MAX, OUTPUT_BYTES_MAX, PANES_MAX, TYPED_UNREAD_BYTES_MAX};
use crate::proto::member::{ChainError, VerifiedMember};
use crate::proto::seal::{DirectHost, EntryError};
use crate::proto::share::Rights;
use crate::proto::terminal::{DirectDown, DirectUp, Part, Refusal, Screen, Size, StreamEncoder};
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{Frame, WireEntry};
use std::collections::BTreeMap;

/// Interval between two flushes of a busy terminal, in microseconds. A quiet one is flushed at once, and so is the
/// first output after a key.
const FLUSH_US: u64 = 8_000;
/// Output after which a newcomer should find a fresh keyframe, in bytes.
const KEYFRAME_EVERY_BYTES: u64 = 262_144;
/// Shortest interval between two keyframes that somebody asked for, in microseconds.
const KEYFRAME_US_MIN: u64 = 250_000;
/// How long acknowledgements wait for company, in microseconds: they only stop a guest from sending again.
const ACK_US: u64 = 50_000;

/// Kind of an entry that types. PROTOCOL.md 15.
const INPUT_KIND: u8 = 3;

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

/// One published terminal.
struct Pane {
    info: PaneInfo,
    screen: Screen,
    encoder: StreamEncoder,
    waiting: Vec<u8>,
    /// When output last went out; `None` if the next goes out at once.
    flushed: Option<Mono>,
    keyframe_at: u64,
    keyframed: Option<Mono>,
    wants_keyframe: bool,
}

/// A member's direct channel, as the host keeps it.
struct Guest {
    direct: DirectHost,
    may_type: bool,
    next: u64,
    owes_ack: bool,
}

/// What only a host has.
#[derive(Default)]
pub(super) struct Hosting {
    panes: BTreeMap<PaneId, Pane>,
    guests: BTreeMap<AuthorId, Guest>,
    answers: u64,
    ack_at: Option<Mono>,
    /// Typed bytes told as events and not yet read by a program.
    input_bytes: usize,
}

impl Hosting {
    /// Returns the members whose direct channel was opened.
    pub(super) fn direct_members(&self) -> impl Iterator<Item = &AuthorId> {
        self.guests.keys()
    }

    /// Returns the key that is known to a member and this host alone, once the member's direct channel is open.
    pub(super) fn kek_of(&self, author: &AuthorId) -> Option<&Secret32> {
        self.guests.get(author).map(|guest| guest.direct.kek())
    }

    /// Forgets the direct channel of a member that may not type. Of one that may, it is kept for good: whoever replays
    /// its opening would else have everything after it typed again.
    pub(super) fn forget_viewer(&mut self, author: &AuthorId) {
        if self.guests.get(author).is_some_and(|guest| !guest.may_type) {
            self.guests.remove(author);
        }
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
        let pane = Pane {
            info,
            screen: Screen::new(size),
            encoder: StreamEncoder::new(),
            waiting: Vec::new(),
            flushed: None,
            keyframe_at: 0,
            keyframed: None,
            wants_keyframe: true,
        };
        if let Some(hosting) = &mut self.hosting {
            hosting.panes.insert(id, pane);
        }
        Ok(id)
    }

    fn pane_mut(&mut self, id: PaneId) -> Result<&mut Pane, HostingError> {
        let hosting = self.hosting.as_mut().ok_or(HostingError::NotHost)?;
        let pane = hosting.panes.get_mut(&id).filter(|pane| pane.info.status == PaneStatus::Running);
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
        let is_quiet = pane.flushed.is_none_or(|flushed| now.mono.since_us(flushed) >= FLUSH_US);
        if is_quiet || pane.waiting.len() >= OUTPUT_BYTES_MAX {
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

    /// Takes an entry that a member sealed to this host.
    pub(super) fn handle_typed(&mut self, entry: &WireEntry, member: &VerifiedMember, now: Now) {
        let author = member.author();
        let verdict = self.log.admits(member);
        // Who waits to be let in may say that it is there, and nothing else.
        let is_waiting = matches!(verdict, Err(ChainError::NotLetIn { .. })) && entry.kind != INPUT_KIND;
        let is_heard = member.live_at(now.wall).is_ok() && (verdict.is_ok() || is_waiting);
        let Some(hosting) = self.hosting.as_mut().filter(|_| is_heard) else { return };
        if entry.kind == INPUT_KIND && hosting.input_bytes >= TYPED_UNREAD_BYTES_MAX {
            // Not taken, so not acknowledged: the guest sends it again.
            return;
        }
        let opened = match hosting.guests.get_mut(&author) {
            Some(guest) => guest.direct.open(entry),
            None => {
                let Some(me) = &self.me else { return };
                if hosting.guests.len() >= AUTHORS_MAX {
                    return;
                }
                DirectHost::accept(self.session, &self.keys, me.author(), member, entry).map(|(direct, plaintext)| {
                    let may_type = member.rights().contains(Rights::INPUT);
                    hosting.guests.insert(author, Guest { direct, may_type, next: 0, owes_ack: false });
                    plaintext
                })
            }
        };
        let Some(guest) = hosting.guests.get_mut(&author) else { return };
        match &opened {
            Ok(_) => guest.next = entry.seq + 1,
            // Sent again because our acknowledgement was lost: acknowledge again.
            Err(EntryError::Duplicate { .. }) => {}
            Err(_) => return,
        }
        guest.owes_ack = true;
        // Whoever does not type waits for the answer itself.
        let due = if entry.kind == INPUT_KIND { now.mono.after_us(ACK_US) } else { now.mono };
        hosting.ack_at = Some(hosting.ack_at.map_or(due, |at| at.min(due)));
        self.note_direct(member, now);
        if is_waiting {
            return;
        }
        if let Some(message) = opened.ok().and_then(|plaintext| DirectUp::decode(entry.kind, &plaintext).ok()) {
            self.handle_direct(entry, member, message);
        }
    }

    fn handle_direct(&mut self, entry: &WireEntry, member: &VerifiedMember, message: DirectUp) {
        let author = member.author();
        match message {
            DirectUp::Nothing | DirectUp::Probe | DirectUp::Drive { .. } => {}
            DirectUp::Input { .. } if !member.rights().contains(Rights::INPUT) => {
                self.refuse_input(author, Refusal::NoRight, entry.seq);
            }
            DirectUp::Input { pane, bytes } => match self.pane_mut(pane) {
                Ok(target) => {
                    target.encoder.note_input();
                    // Who typed waits for the echo: it goes out at once, whatever was flushed before.
                    target.flushed = None;
                    let waiting = self.hosting.as_mut().map(|hosting| &mut hosting.input_bytes);
                    waiting.into_iter().for_each(|waiting| *waiting += bytes.len());
                    self.events.push_back(Event::Input(pane, author, bytes));
                }
                Err(_) => {
                    let is_known = self.screen(pane).is_some();
                    let reason = if is_known { Refusal::PaneEnded } else { Refusal::NoPane };
                    self.refuse_input(author, reason, entry.seq);
                }
            },
            DirectUp::Size { pane, size } => self.events.push_back(Event::WindowSize(pane, author, size)),
            DirectUp::Keyframe { pane } => {
                Channel::terminal(pane).into_iter().for_each(|channel| self.want_keyframe(channel));
            }
        }
    }

    /// Notes that a program has read so many typed bytes: as many more may come.
    pub fn handle_input_read(&mut self, bytes: usize) {
        if let Some(hosting) = &mut self.hosting {
            hosting.input_bytes = hosting.input_bytes.saturating_sub(bytes);
        }
    }

    fn refuse_input(&mut self, author: AuthorId, reason: Refusal, seq: u64) {
        self.answer(author, &DirectDown::Refused { reason, seq });
    }

    pub(super) fn answer(&mut self, author: AuthorId, message: &DirectDown) {
        let Some(me) = self.me.as_ref().map(VerifiedMember::author) else { return };
        let Some(hosting) = &mut self.hosting else { return };
        let Some(guest) = hosting.guests.get_mut(&author) else { return };
        let entry = guest.direct.seal(hosting.answers, me, &self.keys, &message.encode());
        hosting.answers += 1;
        let frame = Frame::Entry(entry.as_bytes().clone());
        self.links.values_mut().filter(|link| link.is_ready()).for_each(|link| link.send(&frame));
    }

    pub(super) fn poll_acks(&self) -> Option<Mono> {
        self.hosting.as_ref()?.ack_at
    }

    pub(super) fn flush_acks_if_due(&mut self, now: Now) {
        if self.poll_acks().is_some_and(|due| due <= now.mono) {
            self.flush_acks();
        }
    }

    pub(super) fn flush_acks(&mut self) {
        let Some(hosting) = &mut self.hosting else { return };
        hosting.ack_at = None;
        let owed = hosting.guests.iter_mut().filter(|(_, guest)| guest.owes_ack);
        let owed: Vec<_> = owed
            .map(|(author, guest)| {
                guest.owes_ack = false;
                (*author, guest.next)
            })
            .collect();
        for (author, next) in owed {
            self.answer(author, &DirectDown::Ack { next });
        }
    }
}

impl Pane {
    /// Returns when [`take_parts`](Self::take_parts) has something, given room. `is_hungry`: a link waits for a keyframe.
    fn poll_timeout(&self, is_hungry: bool) -> Option<Mono> {
        let wants_keyframe = self.wants_keyframe || is_hungry;
        let keyframe = wants_keyframe.then(|| self.keyframed.map_or(Mono(0), |at| at.after_us(KEYFRAME_US_MIN)));
        let output = (!self.waiting.is_empty() && !self.wants_keyframe)
            .then(|| self.flushed.map_or(Mono(0), |at| at.after_us(FLUSH_US)));
        [keyframe, output].into_iter().flatten().min()
    }

    /// Takes what is to be published now: output, or a keyframe instead where output was skipped or one is wanted.
    fn take_parts(&mut self, has_room: bool, now: Now) -> Vec<Part> {
        if !has_room {
            if self.waiting.len() > OUTPUT_BYTES_MAX {
                // The screen has it; bytes that nobody will get need not be kept.
                self.encoder.skip_output(self.waiting.len() as u64);
                self.waiting.clear();
                self.wants_keyframe = true;
            }
            return Vec::new();
        }
        let is_keyframe_due = self.keyframed.is_none_or(|at| now.mono.since_us(at) >= KEYFRAME_US_MIN);
        if self.wants_keyframe && is_keyframe_due || self.encoder.offset() >= self.keyframe_at + KEYFRAME_EVERY_BYTES {
            // Output first: who follows without a hole keeps every byte of it.
            let mut parts = self.take_output(now);
            parts.append(&mut self.take_keyframe(now));
            return parts;
        }
        self.take_output(now)
    }

    fn take_output(&mut self, now: Now) -> Vec<Part> {
        if self.waiting.is_empty() || self.keyframed.is_none() {
            return Vec::new();
        }
        self.flushed = Some(now.mono);
        let waiting = std::mem::take(&mut self.waiting);
        waiting.chunks(OUTPUT_BYTES_MAX).flat_map(|piece| self.encoder.output(piece)).collect()
    }

    fn take_keyframe(&mut self, now: Now) -> Vec<Part> {
        self.encoder.skip_output(self.waiting.len() as u64);
        self.waiting.clear();
        self.wants_keyframe = false;
        self.flushed = Some(now.mono);
        self.keyframed = Some(now.mono);
        self.keyframe_at = self.encoder.offset();
        self.encoder.keyframe(&self.screen)
    }
}
