//! Watching terminals: live entries in, screens' bytes out. Guests only. PROTOCOL.md 14.

mod newcomer;

use super::{Event, Peer};
use crate::proto::id::{Channel, Epoch, PaneId};
use crate::proto::limits::SILENCE_US_MAX;
use crate::proto::member::VerifiedMember;
use crate::proto::seal::EntryError;
use crate::proto::sorted::SortedMap;
use crate::proto::terminal::{HistoryPart, LanePlace, StreamDecoder, StreamEvent};
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{Frame, WireEntry};
use newcomer::Newcomer;

/// One watched terminal.
#[derive(Debug, Default)]
struct Stream {
    /// The epoch of what came last.
    epoch: Epoch,
    decoder: StreamDecoder,
    /// The host was asked for a keyframe that has not come.
    is_asked: bool,
    /// How far its lane is seen.
    place: LanePlace,
    /// What this viewer does about the lines above the screen.
    newcomer: Newcomer,
}

/// What this peer watches, and whether the host is there.
#[derive(Debug, Default)]
pub(super) struct Viewing {
    streams: SortedMap<PaneId, Stream>,
    host_heard: Option<Mono>,
}

impl Viewing {
    /// Returns the channels to ask a new link for.
    pub(super) fn channels(&self) -> Vec<Channel> {
        self.streams.keys().filter_map(|pane| Channel::terminal(*pane)).collect()
    }

    /// Notes that a link came up: entries may have been missed, unless they follow on.
    ///
    /// Returns the terminals to ask once more about the lines above them: the answer may be lost with the old link.
    pub(super) fn handle_linked(&mut self) -> Vec<PaneId> {
        self.host_heard = None;
        self.streams.values_mut().for_each(|stream| stream.is_asked = false);
        let again = self.streams.iter_mut().filter_map(|(pane, stream)| stream.newcomer.ask_again().then_some(*pane));
        again.collect()
    }

    /// Returns when the host was heard last.
    pub(super) const fn host_heard(&self) -> Option<Mono> {
        self.host_heard
    }

    /// Takes up the place of who was shown a first screen.
    #[cfg(test)]
    pub(super) fn start_asking(&mut self, pane: PaneId) {
        self.streams.entry(pane).or_default().newcomer.begin();
    }

    /// Tells whether the lines above a terminal's screen are still to come.
    #[cfg(test)]
    pub(super) fn is_asking(&self, pane: PaneId) -> bool {
        self.streams.get(&pane).is_some_and(|stream| matches!(stream.newcomer, Newcomer::Asking(_)))
    }

    /// Notes a heartbeat of the host.
    pub(super) fn handle_host_heard(&mut self, now: Mono) {
        self.host_heard = Some(now);
    }
}

impl Peer {
    /// Tells whether what is shown is up to date: the host was heard lately, has answered lately, and no
    /// relay hides a record of its log from us.
    #[must_use]
    pub fn is_live(&self, now: Now) -> bool {
        let heard = self.viewing.host_heard.is_some_and(|heard| now.mono.since_us(heard) < SILENCE_US_MAX);
        self.hosting.is_some() || heard && self.is_host_proven(now) && self.hidden.is_whole(self.log.next_seq())
    }

    /// Starts to watch a terminal: its newest keyframe comes first, then all that follows.
    pub fn watch(&mut self, pane: PaneId) {
        let Some(channel) = Channel::terminal(pane) else { return };
        if !self.viewing.streams.contains_key(&pane) {
            self.viewing.streams.insert(pane, Stream::default());
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

    /// Watches a terminal anew, from its newest keyframe on: whoever cannot follow skips what came in between. The lines
    /// above it are not asked for again.
    pub fn skip_ahead(&mut self, pane: PaneId) {
        let (Some(channel), Some(stream)) = (Channel::terminal(pane), self.viewing.streams.get_mut(&pane)) else {
            return;
        };
        *stream = Stream { place: stream.place, epoch: stream.epoch, newcomer: Newcomer::Settled, ..Stream::default() };
        self.tell_ready(&Frame::Unwatch(channel));
        self.tell_ready(&Frame::Watch(channel));
    }

    pub(super) fn handle_live(&mut self, entry: &WireEntry, member: &VerifiedMember) {
        let Some(pane) = entry.lane.channel.pane() else { return };
        // What is of an epoch that is over was sealed before its last keyframe.
        let is_now = Some(entry.lane.epoch) == self.log.epoch() && self.log.admits(member).is_ok();
        if !is_now || !self.viewing.streams.contains_key(&pane) {
            return;
        }
        self.take_live(pane, entry, member);
        self.ask_for_keyframe_if_lost(pane);
        self.show_past_if_whole(pane);
    }

    fn take_live(&mut self, pane: PaneId, entry: &WireEntry, member: &VerifiedMember) {
        let Some(reader) = self.reader(entry.lane, member) else { return };
        let next = reader.next_seq();
        let opened = reader.open(entry);
        let Some(stream) = self.viewing.streams.get_mut(&pane) else { return };
        if std::mem::replace(&mut stream.epoch, entry.lane.epoch) != entry.lane.epoch {
            stream.decoder.lost();
        }
        let plaintext = match opened {
            Ok(plaintext) => plaintext,
            Err(EntryError::Duplicate { .. }) => return,
            // After a hole, or altered on the way: the next keyframe heals it.
            Err(_) => return stream.decoder.lost(),
        };
        if entry.seq != next {
            stream.decoder.lost();
        }
        let place = (entry.lane.epoch, entry.seq + 1);
        if std::mem::replace(&mut stream.place, place) >= place {
            // Another host: its lane goes on from no answer of the one before.
            stream.newcomer.give_up();
        }
        let mut is_new = false;
        // An error is the host's fault; the decoder then waits for a keyframe.
        for event in stream.decoder.push(entry.kind, &plaintext).into_iter().flatten() {
            let is_keyframe = matches!(event, StreamEvent::Keyframe { .. });
            stream.is_asked &= !is_keyframe;
            stream.newcomer.keep(stream.place, &event);
            is_new |= is_keyframe && stream.newcomer.begin();
            self.events.push_back(Event::Terminal(pane, event));
        }
        if is_new {
            self.request_history(pane);
        }
    }

    /// Takes a part of the host's answer about the lines above a screen.
    pub(super) fn handle_history(&mut self, part: &HistoryPart) {
        let Some(stream) = self.viewing.streams.get_mut(&part.pane) else { return };
        if stream.newcomer.take(part) {
            self.request_history(part.pane);
        }
        self.show_past_if_whole(part.pane);
    }

    /// Begins a terminal anew with the lines above it, once they are here and it is as far as they are.
    fn show_past_if_whole(&mut self, pane: PaneId) {
        let Some(stream) = self.viewing.streams.get_mut(&pane) else { return };
        let anew = stream.newcomer.finish(stream.place);
        self.events.extend(anew.into_iter().map(|event| Event::Terminal(pane, event)));
    }

    /// Asks the host itself for a keyframe, once, where the relay has none that is new to us.
    ///
    /// A lane is never read anew from an older place: a relay could else show the past as the present.
    fn ask_for_keyframe_if_lost(&mut self, pane: PaneId) {
        let Some(stream) = self.viewing.streams.get_mut(&pane) else { return };
        if stream.decoder.is_lost() && !std::mem::replace(&mut stream.is_asked, true) {
            self.request_keyframe(pane);
        }
    }
}
