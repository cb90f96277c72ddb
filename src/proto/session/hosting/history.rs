//! Telling newcomers what scrolled off, a part at a time. PROTOCOL.md 15.2.
//!
//! asks --`handle_history_ask`--> one answer per terminal for all who wait --`send_history`--> parts, where nothing else
//! waits
//!
//! Always: an answer is made [`BUILD_US`] after the one before at the earliest, whoever asks how often; a part goes out
//! only on a link that has nothing else to say, so that whatever is typed waits behind one part at most.

use super::Hosting;
use crate::proto::id::{AuthorId, Channel, PaneId};
use crate::proto::limits::{HISTORY_BYTES_RATE, HISTORY_PART_BYTES_MAX};
use crate::proto::member::VerifiedMember;
use crate::proto::session::link::Link;
use crate::proto::session::{LinkId, Peer};
use crate::proto::share::Rights;
use crate::proto::terminal::{DirectDown, History, HistoryPart, LanePlace};
use crate::proto::time::{Mono, Now};
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Shortest interval between two answers that are made, in microseconds: each takes a few milliseconds.
const BUILD_US: u64 = 50_000;
/// How far ahead of its rate a guest may be, in microseconds.
const AHEAD_US_MAX: u64 = HISTORY_BYTES_RATE.burst * 1_000_000 / HISTORY_BYTES_RATE.per_s;

/// What newcomers have asked for and were not told yet.
#[derive(Default)]
pub(super) struct Histories {
    /// Who waits for an answer, and by which link it asked.
    asked: BTreeMap<(PaneId, AuthorId), LinkId>,
    /// Answers under way.
    sending: VecDeque<Sending>,
    /// When the last answer was made.
    built: Option<Mono>,
    /// Until when each guest has used up what it may be told; of those who rest nothing is kept.
    used_until: BTreeMap<AuthorId, Mono>,
}

/// One answer to one guest.
struct Sending {
    to: AuthorId,
    by: LinkId,
    pane: PaneId,
    place: LanePlace,
    deflated: Bytes,
    next: u8,
}

impl Histories {
    /// Returns when the asks of a guest may be answered.
    fn free_at(&self, author: &AuthorId) -> Mono {
        self.used_until.get(author).map_or(Mono(0), |until| Mono(until.0.saturating_sub(AHEAD_US_MAX)))
    }

    fn charge(&mut self, author: AuthorId, bytes: usize, now: Mono) {
        let bytes = bytes.max(HISTORY_PART_BYTES_MAX) as u64;
        let until = self.used_until.get(&author).map_or(now, |until| now.max(*until));
        self.used_until.retain(|_, until| *until > now);
        self.used_until.insert(author, until.after_us(bytes * 1_000_000 / HISTORY_BYTES_RATE.per_s));
    }
}

impl Peer {
    /// Notes that a member would like to see what scrolled off.
    pub(super) fn handle_history_ask(&mut self, link: LinkId, member: &VerifiedMember, pane: PaneId) {
        let is_known = self.screen(pane).is_some() && member.rights().contains(Rights::READ);
        if let Some(Hosting { histories, .. }) = self.hosting.as_mut().filter(|_| is_known) {
            histories.asked.insert((pane, member.author()), link);
        }
    }

    /// Tells whether a link has nothing else to say.
    fn is_idle(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|link| link.is_ready() && link.outbox.is_empty())
    }

    pub(in crate::proto::session) fn poll_history(&self) -> Option<Mono> {
        let histories = &self.hosting.as_ref()?.histories;
        let part = histories.sending.iter().any(|sending| self.is_idle(sending.by)).then_some(Mono(0));
        let built = histories.built.map_or(Mono(0), |built| built.after_us(BUILD_US));
        let asked = histories.asked.iter().filter(|(_, link)| self.is_idle(**link));
        let answer = asked.map(|((_, author), _)| histories.free_at(author).max(built));
        part.into_iter().chain(answer).min()
    }

    /// Makes an answer that is due, and sends a part on each link that has nothing else to say.
    pub(in crate::proto::session) fn tell_history_if_due(&mut self, now: Now) {
        if self.poll_history().is_none_or(|due| due > now.mono) {
            return;
        }
        self.answer_history(now);
        self.send_history();
    }

    /// Makes one answer, for all who wait for it by now.
    fn answer_history(&mut self, now: Now) {
        let Some(hosting) = self.hosting.as_ref() else { return };
        let histories = &hosting.histories;
        if histories.built.is_some_and(|built| now.mono.since_us(built) < BUILD_US) {
            return;
        }
        let is_due = |author: &AuthorId, link: LinkId| histories.free_at(author) <= now.mono && self.is_idle(link);
        let due = histories.asked.iter().find(|((_, author), link)| is_due(author, **link));
        let Some(pane) = due.map(|((pane, _), _)| *pane) else { return };
        let asked = histories.asked.range((pane, AuthorId([0; 16]))..=(pane, AuthorId([0xff; 16])));
        let all: Vec<_> =
            asked.filter(|((_, author), link)| is_due(author, **link)).map(|((_, to), by)| (*to, *by)).collect();
        let answer = self.history_of(pane, now);
        let Some(Hosting { histories, .. }) = self.hosting.as_mut() else { return };
        histories.built = Some(now.mono);
        for (to, by) in all {
            histories.asked.remove(&(pane, to));
            if let Some((place, deflated)) = &answer {
                histories.charge(to, deflated.len(), now.mono);
                let (place, deflated) = (*place, deflated.clone());
                histories.sending.push_back(Sending { to, by, pane, place, deflated, next: 0 });
            }
        }
    }

    /// Returns a terminal's screen and what scrolled off it, and where its lane goes on from there.
    fn history_of(&mut self, id: PaneId, now: Now) -> Option<(LanePlace, Bytes)> {
        self.flush_pane(id, now);
        let place = self.writer(Channel::terminal(id)?).map(|(writer, _)| (writer.lane().epoch, writer.next_seq()))?;
        let pane = self.hosting.as_ref()?.panes.get(&id).filter(|pane| pane.waiting.is_empty())?;
        Some((place, History::deflated(&pane.screen, pane.encoder.offset())?))
    }

    /// Sends one part on each link that has nothing else to say.
    fn send_history(&mut self) {
        let Some(Hosting { histories, .. }) = self.hosting.as_mut() else { return };
        let mut left = std::mem::take(&mut histories.sending);
        for _ in 0..left.len() {
            let Some(mut sending) = left.pop_front() else { break };
            match self.links.get(&sending.by).map(Link::is_ready) {
                // It asks again by another link.
                None | Some(false) => continue,
                Some(true) if !self.is_idle(sending.by) => left.push_back(sending),
                Some(true) => {
                    let part = HistoryPart::cut(sending.pane, sending.place, &sending.deflated, sending.next);
                    let Some(part) = part.filter(|_| self.reads(&sending.to)) else { continue };
                    sending.next += 1;
                    let is_last = sending.next == part.parts;
                    self.answer_by(sending.to, &DirectDown::History(part), Some(sending.by));
                    if !is_last {
                        left.push_back(sending);
                    }
                }
            }
        }
        if let Some(Hosting { histories, .. }) = self.hosting.as_mut() {
            histories.sending = left;
        }
    }

    /// Tells whether a member is still one.
    fn reads(&self, author: &AuthorId) -> bool {
        self.roster.member(author).is_some_and(|member| self.log.admits(member).is_ok())
    }
}
