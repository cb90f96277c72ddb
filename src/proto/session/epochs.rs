//! The keys of epochs: how this peer comes by them, what waits for one, and when old ones are forgotten.
//!
//! WRAP --`handle_wrap`--> [`Epochs`] --> readers and writers; entries that come before their key wait for it
//!
//! Always: what is sealed here is sealed under the newest epoch that the log knows. PROTOCOL.md 6.

use super::link::LinkId;
use super::{Alarm, Event, Peer};
use crate::proto::authlog::LaneEnd;
use crate::proto::epoch::{EpochSecret, open_member_wrap, open_share_wrap, wrap_epoch, wrap_recipient};
use crate::proto::id::{AuthorId, Channel, Class, Epoch, LaneId};
use crate::proto::key::MemberKeys;
use crate::proto::seal::LaneWriter;
use crate::proto::sorted::SortedMap;
use crate::proto::time::{Mono, Now};
use crate::proto::wire::{CloseCode, WireEntry};
use bytes::Bytes;
use std::collections::VecDeque;

/// How long entries wait for the key of their epoch before their link is given up, in microseconds.
const KEY_US_MAX: u64 = 2_000_000;
/// How many bytes of them wait for one link.
const KEY_BYTES_MAX: usize = 262_144;

/// The secrets of epochs that this peer knows.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    secrets: SortedMap<Epoch, EpochSecret>,
    /// Wraps for this peer that came before the record or the key that they need, one per recipient.
    early: SortedMap<[u8; 16], Bytes>,
    /// Since when the newest epoch is known.
    pub(super) begun: Option<Mono>,
    /// The epoch whose key is known to be kept back.
    accused: Option<Epoch>,
    /// The epoch that this peer seals under, as it has told.
    told: Option<Epoch>,
}

impl Epochs {
    pub(super) fn insert(&mut self, epoch: Epoch, secret: EpochSecret) {
        self.secrets.insert(epoch, secret);
    }

    pub(super) fn get(&self, epoch: Epoch) -> Option<&EpochSecret> {
        self.secrets.get(&epoch)
    }

    /// Returns all secrets that are held, by their epochs.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Epoch, &EpochSecret)> {
        self.secrets.iter().map(|(epoch, secret)| (*epoch, secret))
    }

    /// Tells whether any secret held is the one that was committed to.
    #[cfg(test)]
    pub(super) fn knows(&self, commit: &[u8; 32]) -> bool {
        self.secrets.values().any(|secret| secret.commit() == *commit)
    }

    /// Returns how many secrets are held.
    pub(super) fn len(&self) -> usize {
        self.secrets.len()
    }
}

/// Entries of one link whose key has not come.
#[derive(Debug, Default)]
pub(super) struct Held {
    entries: VecDeque<Bytes>,
    bytes: usize,
    since: Option<Mono>,
}

impl Held {
    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        self.since.map(|since| since.after_us(KEY_US_MAX))
    }
}

impl Peer {
    /// Returns the secret of the newest epoch, once it is here.
    pub(super) fn newest_secret(&self) -> Option<(Epoch, &EpochSecret)> {
        let epoch = self.log.epoch()?;
        Some((epoch, self.epochs.get(epoch)?))
    }

    /// Takes a wrap; one for others, or a forged one, is nothing to this peer.
    pub(super) fn take_wrap(&mut self, raw: &[u8], now: Now) {
        let Some(recipient) = wrap_recipient(raw) else { return };
        let is_mine =
            recipient == *self.secret.share_id().as_bytes() || self.me().is_some_and(|me| recipient == *me.as_bytes());
        if is_mine && self.owner.is_none() {
            self.epochs.early.insert(recipient, Bytes::copy_from_slice(raw));
            self.open_wraps(now);
        }
    }

    /// Opens the wraps that can be opened now; the others go on waiting.
    pub(super) fn open_wraps(&mut self, now: Now) {
        for (recipient, raw) in self.epochs.early.clone() {
            let Some(epoch) = wrap_epoch(&raw) else { continue };
            let Some(commit) = self.log.commit(epoch) else { continue };
            let secret = match (self.me(), self.typing.kek()) {
                _ if recipient == *self.secret.share_id().as_bytes() => open_share_wrap(&raw, &self.secret, &commit),
                (Some(me), Some(kek)) => open_member_wrap(&raw, &me, kek, &self.session, &commit),
                _ => continue,
            };
            self.epochs.early.remove(&recipient);
            if let Ok(secret) = secret {
                self.epochs.insert(epoch, secret);
            }
        }
        self.enter_epoch(now);
    }

    /// Goes over to the newest epoch once its secret is here.
    pub(super) fn enter_epoch(&mut self, now: Now) {
        let Some((epoch, _)) = self.newest_secret() else { return };
        if self.epochs.told == Some(epoch) {
            return;
        }
        let is_change = self.epochs.told.replace(epoch).is_some();
        self.writers.retain(|_, writer| writer.lane().epoch == epoch);
        self.comparison.start_anew();
        self.acceptors.start_anew(epoch);
        self.proofs.start_anew();
        self.settle_lanes(now);
        if is_change {
            self.events.push_back(Event::Rekeyed(epoch));
        }
        self.say_unsaid();
        self.presence.make_due();
        self.bring_passed_on(now.wall);
        self.open_held(now);
        self.tidy_epochs();
    }

    /// Tells whether an entry has to wait for the key of its epoch.
    pub(super) fn lacks_key(&self, entry: &WireEntry) -> bool {
        let epoch = entry.lane.epoch;
        entry.lane.channel.class() != Class::Direct
            && Some(epoch) == self.log.epoch()
            && self.epochs.get(epoch).is_none()
    }

    /// Keeps an entry until its key comes, or gives the link up that brings too many.
    pub(super) fn hold(&mut self, link: LinkId, raw: Bytes, now: Mono) {
        let Some(state) = self.links.get_mut(&link) else { return };
        state.held.bytes += raw.len();
        state.held.entries.push_back(raw);
        state.held.since.get_or_insert(now);
        if state.held.bytes > KEY_BYTES_MAX {
            self.close_link(link, CloseCode::GoingAway);
        }
    }

    /// Takes what waited for the key of the newest epoch, as if it came now.
    fn open_held(&mut self, now: Now) {
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            let held = self.links.get_mut(&link).map(|state| std::mem::take(&mut state.held));
            for raw in held.into_iter().flat_map(|held| held.entries) {
                self.handle_entry(link, raw, now);
            }
        }
    }

    /// Gives links up on which the key did not come in time. They are dialled again, and nothing is lost.
    pub(super) fn check_held(&mut self, now: Mono) {
        let late = self.links.iter().filter(|(_, state)| state.held.poll_timeout().is_some_and(|at| at <= now));
        for link in late.map(|(link, _)| *link).collect::<Vec<_>>() {
            if let Some(state) = self.links.get_mut(&link) {
                state.held = Held::default();
            }
            self.close_link(link, CloseCode::GoingAway);
        }
    }

    /// Returns since when the key of the newest epoch should be here, while it is not and nobody was told.
    fn lacks_key_since(&self) -> Option<(Epoch, Mono)> {
        let (epoch, begun) = (self.log.epoch()?, self.epochs.begun?);
        let is_lacking = self.epochs.get(epoch).is_none() && self.epochs.accused != Some(epoch) && self.is_admitted();
        is_lacking.then_some((epoch, begun))
    }

    /// Returns when the host last answered something that was sent after the epoch was known.
    fn answered_since(&self, begun: Mono) -> Option<Mono> {
        self.typing.proven().filter(|proven| *proven >= begun)
    }

    /// Returns when to ask the host for a sign of life, or to say that the key is kept back.
    pub(super) fn poll_key(&self) -> Option<Mono> {
        let (_, begun) = self.lacks_key_since()?;
        match self.answered_since(begun) {
            Some(proven) => Some(proven.after_us(KEY_US_MAX)),
            None => self.may_probe().then_some(Mono(0)),
        }
    }

    /// Says that the key is kept back if the host, which answers, must have sent it long ago.
    pub(super) fn check_key(&mut self, now: Now) {
        let Some((epoch, begun)) = self.lacks_key_since() else { return };
        match self.answered_since(begun) {
            None if self.may_probe() => self.probe(now),
            Some(proven) if now.mono.since_us(proven) >= KEY_US_MAX => {
                self.epochs.accused = Some(epoch);
                self.events.push_back(Event::Alarm(Alarm::KeyWithheld(epoch)));
            }
            _ => {}
        }
    }

    /// Tells whether the log admits this peer.
    pub(super) fn is_admitted(&self) -> bool {
        self.me.as_ref().is_some_and(|me| self.log.admits(me).is_ok())
    }

    /// Returns the writer of one of this peer's own lanes, while it may write there and can seal.
    pub(super) fn writer(&mut self, channel: Channel) -> Option<(&mut LaneWriter, &MemberKeys)> {
        let epoch = self.log.epoch()?;
        let secret = self.epochs.get(epoch)?;
        let me = self.me.as_ref()?;
        let lane = LaneId { channel, author: me.author(), epoch };
        let is_open = match channel.class() {
            Class::Durable => self.log.end_of(&lane, me) == LaneEnd::Open,
            _ => self.log.admits(me).is_ok(),
        };
        if !is_open {
            return None;
        }
        if self.writers.get(&channel).is_none_or(|writer| writer.lane() != lane) {
            self.writers.insert(channel, LaneWriter::new(self.session, lane, secret));
        }
        Some((self.writers.get_mut(&channel)?, &self.keys))
    }

    /// Forgets the keys of epochs that are over once nothing of them is lacking.
    pub(super) fn tidy_epochs(&mut self) {
        let Some((epoch, _)) = self.newest_secret() else { return };
        if self.epochs.len() > 1 && Channel::DURABLE.into_iter().all(|document| self.lanes.is_whole(document)) {
            self.keep_lane_keys();
            self.epochs.secrets.retain(|old, _| *old >= epoch);
            self.readers.retain(|lane, _| lane.epoch >= epoch);
        }
    }

    /// Tells whether `author` is this peer.
    pub(super) fn is_me(&self, author: &AuthorId) -> bool {
        self.me.as_ref().is_some_and(|me| me.author() == *author)
    }
}
