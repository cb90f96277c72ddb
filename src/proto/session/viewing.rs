//! Watching terminals: live entries in, screens' bytes out. Guests only. PROTOCOL.md 14.

use super::{Event, Peer};
use crate::proto::id::{Channel, PaneId};
use crate::proto::limits::SILENCE_US_MAX;
use crate::proto::member::VerifiedMember;
use crate::proto::seal::EntryError;
use crate::proto::terminal::StreamDecoder;
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{Frame, WireEntry};
use std::collections::BTreeMap;

/// What this peer watches, and whether the host is there.
#[derive(Debug, Default)]
pub(super) struct Viewing {
    streams: BTreeMap<PaneId, StreamDecoder>,
    host_heard: Option<Mono>,
    /// How many auth log records the host has, as it says.
    host_log_next: u64,
}

impl Viewing {
    /// Returns the channels to ask a new link for.
    pub(super) fn channels(&self) -> Vec<Channel> {
        self.streams.keys().filter_map(|pane| Channel::terminal(*pane)).collect()
    }

    /// Notes that a link came up: entries may have been missed, unless they follow on.
    pub(super) fn handle_linked(&mut self) {
        self.host_heard = None;
    }

    /// Notes a heartbeat of the host.
    pub(super) fn handle_host_heard(&mut self, log_head: Option<(u64, [u8; 32])>, now: Mono) {
        self.host_heard = Some(now);
        if let Some((next, _)) = log_head {
            self.host_log_next = next;
        }
    }
}

impl Peer {
    /// Tells whether what is shown is up to date: the host was heard lately and hides no record from us.
    #[must_use]
    pub fn is_live(&self, now: Now) -> bool {
        let heard = self.viewing.host_heard.is_some_and(|heard| now.mono.since_us(heard) < SILENCE_US_MAX);
        self.hosting.is_some() || heard && self.log.next_seq() >= self.viewing.host_log_next
    }

    /// Starts to watch a terminal: its newest keyframe comes first, then all that follows.
    pub fn watch(&mut self, pane: PaneId) {
        let Some(channel) = Channel::terminal(pane) else { return };
        if self.viewing.streams.insert(pane, StreamDecoder::new()).is_none() {
            self.tell_ready(&Frame::Watch(channel));
        }
    }

    /// Stops watching a terminal.
    pub fn unwatch(&mut self, pane: PaneId) {
        let Some(channel) = Channel::terminal(pane) else { return };
        if self.viewing.streams.remove(&pane).is_some() {
            self.tell_ready(&Frame::Unwatch(channel));
        }
    }

    fn tell_ready(&mut self, frame: &Frame) {
        self.links.values_mut().filter(|link| link.is_ready()).for_each(|link| link.send(frame));
    }

    pub(super) fn handle_live(&mut self, entry: &WireEntry, member: &VerifiedMember, _now: Now) {
        let Some(pane) = entry.lane.channel.pane() else { return };
        if !self.viewing.streams.contains_key(&pane) {
            return;
        }
        let Some(reader) = self.reader(entry.lane, member) else { return };
        let next = reader.next_seq();
        let plaintext = match reader.open(entry) {
            Ok(plaintext) => plaintext,
            Err(EntryError::Duplicate { .. }) => return,
            // After a hole, or altered on the way: the next keyframe heals it.
            Err(_) => return self.lose_stream(pane),
        };
        if entry.seq != next {
            self.lose_stream(pane);
        }
        let Some(stream) = self.viewing.streams.get_mut(&pane) else { return };
        match stream.push(entry.kind, &plaintext) {
            Ok(events) => self.events.extend(events.into_iter().map(|event| Event::Terminal(pane, event))),
            Err(_) => self.lose_stream(pane),
        }
    }

    fn lose_stream(&mut self, pane: PaneId) {
        if let Some(stream) = self.viewing.streams.get_mut(&pane) {
            stream.lost();
        }
    }
}
