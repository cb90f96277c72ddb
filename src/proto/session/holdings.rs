//! What members say that they hold, compared: a relay that keeps something back, or tells two stories, is noticed.
//!
//! heartbeats of others, own lanes --[`Comparison`]--> `Alarm::Withheld`, `Alarm::Diverged`
//!
//! Always: nothing is claimed that no acceptor has confirmed, and nobody is accused while anything is on its way: a
//! difference counts only if two heartbeats of the member tell it, 5 s apart, all links flow meanwhile, and nothing of
//! what is missing comes. PROTOCOL.md 13.

use super::link::{FLOW_GAP_US, LinkId};
use super::{Alarm, Event, Peer};
use crate::proto::authlog::LaneEnd;
use crate::proto::doc::Holdings;
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId};
use crate::proto::limits::HEARTBEAT_US;
use crate::proto::sorted::{SortedMap, SortedSet};
use crate::proto::time::{Mono, Now};
use crate::proto::verify::derive16;

/// How far apart the two heartbeats are at least, in microseconds: a little less than two in a row at rest.
const APART_US_MIN: u64 = HEARTBEAT_US - 500_000;
/// How far apart two in a row are at most, in microseconds; more, and the member was cut off between.
const PAUSE_US_MAX: u64 = HEARTBEAT_US + 1_500_000;
/// How long entries may come behind the second heartbeat, in microseconds: presence overtakes them.
const GRACE_US: u64 = 1_500_000;
/// How long nothing of what a link has announced may come before it counts as kept back, in microseconds.
const CATCH_UP_US: u64 = 10_000_000;
/// How long each byte of it goes on counting as a sign that more is on its way, in microseconds: at less than this pace,
/// 5 KB a second, what comes is what is being said now. A relay can announce more than there is.
const CATCH_UP_US_PER_BYTE: u64 = 200;
/// How often links are asked for a sign of life while something seems wrong, in microseconds.
const ASK_US: u64 = 1_000_000;
/// How soon others are told what is new here, in microseconds.
const TELL_US_MIN: u64 = 1_000_000;
/// What each member adds to that, in microseconds: a session of a hundred tells it with the next heartbeat.
const TELL_US_PER_MEMBER: u64 = 50_000;
/// A member says what it holds only if it heard its link within this time, in microseconds: it may be cut off.
const HEARD_US_MAX: u64 = 3_000_000;
/// When, after a heartbeat, it makes sure of that for the next one, in microseconds.
const SURE_US: u64 = 2_000_000;

/// One thing about a member that is not as it should be.
#[derive(Clone, Copy, Debug, Default)]
struct Suspicion {
    /// When the first heartbeat told it.
    first: Option<Mono>,
    /// When the last of the two did.
    second: Option<Mono>,
    is_told: bool,
}

impl Suspicion {
    /// Takes a heartbeat that tells it again.
    fn note(&mut self, now: Mono) {
        let first = *self.first.get_or_insert(now);
        if now.since_us(first) >= APART_US_MIN {
            self.second.get_or_insert(now);
        }
    }

    /// Starts anew: there is something on its way.
    const fn restart(&mut self) {
        (self.first, self.second) = (None, None);
    }

    const fn clear(&mut self) {
        self.restart();
        self.is_told = false;
    }

    fn due(&self) -> Option<Mono> {
        self.second.filter(|_| !self.is_told).map(|second| second.after_us(GRACE_US))
    }

    fn is_open(&self) -> bool {
        self.first.is_some() && !self.is_told
    }
}

/// What one member says, and how it compares.
#[derive(Debug)]
struct Other {
    holdings: Holdings,
    heard: Mono,
    lacking: Suspicion,
    differing: Suspicion,
    /// What was held here when it was compared.
    mine: [u8; 16],
}

/// By what to tell that nothing has changed: of the replica, the log and the proofs.
type Version = (u64, u64, usize);

/// What members say that they hold.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    others: SortedMap<AuthorId, Other>,
    /// Of these, those with whom something is not as it should be.
    open: SortedSet<AuthorId>,
    /// Own entries that some acceptor has confirmed in the newest epoch.
    confirmed: SortedMap<Channel, (Epoch, u64)>,
    /// What was held at some version of the replica.
    cached: Option<(Version, [u8; 16])>,
    asked: Option<Mono>,
    /// Until when what came of that which a link had announced counts as a sign that more is on its way.
    catching_until: Mono,
}

impl Comparison {
    /// Forgets everything: another epoch begins.
    pub(super) fn start_anew(&mut self) {
        self.others.clear();
        self.open.clear();
        self.cached = None;
    }

    /// Forgets a member that left no trace.
    pub(super) fn forget(&mut self, author: &AuthorId) {
        self.others.remove(author);
        self.open.remove(author);
    }

    pub(super) fn poll_timeout(&self) -> Option<Mono> {
        let open = self.open.iter().filter_map(|author| self.others.get(author));
        let due = open.flat_map(|other| [other.lacking.due(), other.differing.due()]).flatten().min();
        let ask = (!self.open.is_empty()).then(|| self.asked.map_or(Mono(0), |asked| asked.after_us(ASK_US)));
        [due, ask].into_iter().flatten().min()
    }

    /// Notes whether anything about a member is still open.
    fn sort(&mut self, author: &AuthorId) {
        let is_open = |other: &Other| other.lacking.is_open() || other.differing.is_open();
        if self.others.get(author).is_some_and(is_open) {
            self.open.insert(*author);
        } else {
            self.open.remove(author);
        }
    }

    fn start_again(&mut self, author: &AuthorId) {
        if let Some(other) = self.others.get_mut(author) {
            other.lacking.restart();
            other.differing.restart();
        }
        self.open.remove(author);
    }
}

impl Peer {
    /// Returns what this peer holds of the newest epoch, unless it may not know all of it.
    pub(super) fn holdings(&mut self, now: Mono) -> Option<Holdings> {
        let (epoch, _) = self.newest_secret()?;
        let is_heard = self.links.values().any(|link| link.has_greeted && now.since_us(link.heard) <= HEARD_US_MAX);
        if !is_heard || self.is_catching_up(now) {
            return None;
        }
        let held = self.held(epoch);
        let own = |channel| self.confirmed_now(channel, epoch).try_into().unwrap_or(u32::MAX);
        Some(Holdings { epoch, state: own(Channel::STATE), chat: own(Channel::CHAT), held })
    }

    /// Returns how many own entries the acceptors that are linked now have confirmed.
    fn confirmed_now(&self, channel: Channel, epoch: Epoch) -> u64 {
        let Some(author) = self.me() else { return 0 };
        let lane = LaneId { channel, author, epoch };
        let stored = self.links.values().filter_map(|link| link.stored.get(&lane).copied()).max().unwrap_or(0);
        stored.min(self.replica.next_seq(&lane))
    }

    /// Tells whether a link has announced something that has not come yet, and goes on bringing it.
    fn is_catching_up(&self, now: Mono) -> bool {
        let announced = self.links.values().filter_map(|link| link.have_at.values().max().copied()).max();
        let until =
            announced.map(|announced| announced.after_us(CATCH_UP_US)).max(Some(self.comparison.catching_until));
        if until.is_none_or(|until| until <= now) {
            return false;
        }
        self.links.values().any(|link| {
            let stored = link.stored.iter().filter(|(lane, _)| !link.forked.contains(lane) && self.takes_part(lane));
            let mut lacking = stored.filter(|(lane, next)| self.replica.next_seq(lane) < **next);
            lacking.next().is_some()
        })
    }

    /// Tells whether a lane is one that everybody has to hold alike.
    fn takes_part(&self, lane: &LaneId) -> bool {
        let is_now = Some(lane.epoch) == self.log.epoch() && Channel::DURABLE.contains(&lane.channel);
        let member = self.roster.member(&lane.author).filter(|_| is_now && !self.proofs.concern(lane));
        member.is_some_and(|member| self.log.end_of(lane, member) == LaneEnd::Open)
    }

    /// Returns the hash over all lanes of the epoch, own ones as far as others can have them.
    fn held(&mut self, epoch: Epoch) -> [u8; 16] {
        // Records and proofs say which lanes count, entries what is in them.
        let version = (self.replica.version(), self.log.next_seq(), self.proofs.len());
        if let Some((of, held)) = self.comparison.cached
            && of == version
        {
            return held;
        }
        let mut parts = Vec::new();
        for channel in Channel::DURABLE {
            for (lane, have) in self.replica.lanes_of(channel).filter(|(lane, _)| lane.epoch == epoch) {
                let next = if self.is_me(&lane.author) { have.min(self.confirmed_ever(channel, epoch)) } else { have };
                let digest = self.replica.digest_before(&lane, next).filter(|_| next > 0 && self.takes_part(&lane));
                parts.extend(digest.map(|digest| part_of(&lane, next, &digest)));
            }
        }
        let parts: Vec<&[u8]> = parts.iter().map(<[u8; 58]>::as_slice).collect();
        let held = derive16("held", &parts);
        self.comparison.cached = Some((version, held));
        held
    }

    fn confirmed_ever(&self, channel: Channel, epoch: Epoch) -> u64 {
        self.comparison.confirmed.get(&channel).filter(|(of, _)| *of == epoch).map_or(0, |(_, next)| *next)
    }

    /// Notes what a link has confirmed of this peer's own entries.
    pub(super) fn note_confirmed(&mut self, _link: LinkId) {
        let Some(epoch) = self.log.epoch() else { return };
        for channel in Channel::DURABLE {
            let next = self.confirmed_now(channel, epoch);
            if next > self.confirmed_ever(channel, epoch) {
                self.comparison.confirmed.insert(channel, (epoch, next));
                self.comparison.cached = None;
            }
        }
    }

    /// Lets others know before the next heartbeat what is new here.
    pub(super) fn tell_holdings_soon(&mut self, now: Mono) {
        let members = self.roster.here_count() as u64;
        self.presence.expect_by(now.after_us(TELL_US_MIN.max(TELL_US_PER_MEMBER * members)));
    }

    /// Notes that an entry came, of so many bytes.
    pub(super) fn note_taken(&mut self, lane: &LaneId, seq: u64, bytes: usize, now: Mono) {
        self.tell_holdings_soon(now);
        if self.links.values().any(|link| link.stored.get(lane).is_some_and(|next| *next > seq)) {
            let earliest = Mono(now.0.saturating_sub(CATCH_UP_US));
            let until = self.comparison.catching_until.max(earliest).after_us(bytes as u64 * CATCH_UP_US_PER_BYTE);
            self.comparison.catching_until = until.min(now.after_us(CATCH_UP_US));
        }
        let lacks = |other: &Other| other.lacking.is_open();
        let is_awaited = self.comparison.others.get(&lane.author).is_some_and(lacks);
        for author in self.comparison.open.clone() {
            if let Some(other) = self.comparison.others.get_mut(&author) {
                // What comes in order of arrival may stand before what is waited for.
                if is_awaited {
                    other.lacking.restart();
                }
                other.differing.restart();
            }
            self.comparison.sort(&author);
        }
    }

    /// Takes what a member says that it holds.
    pub(super) fn note_holdings(&mut self, author: AuthorId, holdings: Option<Holdings>, now: Mono) {
        let newest = self.newest_secret().map(|(epoch, _)| epoch);
        let Some(holdings) = holdings.filter(|holdings| Some(holdings.epoch) == newest) else {
            return self.comparison.start_again(&author);
        };
        let mine = self.held(holdings.epoch);
        let lacking = self.lacking(&author, &holdings);
        let is_behind = holdings.held != mine && self.is_catching_up(now);
        let new =
            || Other { holdings, heard: now, lacking: Suspicion::default(), differing: Suspicion::default(), mine };
        let other = self.comparison.others.entry(author).or_insert_with(new);
        if now.since_us(other.heard) > PAUSE_US_MAX {
            other.lacking.restart();
            other.differing.restart();
        }
        let is_news = other.holdings.held != holdings.held || other.mine != mine;
        (other.heard, other.holdings, other.mine) = (now, holdings, mine);
        match lacking {
            0 => other.lacking.clear(),
            _ => other.lacking.note(now),
        }
        if holdings.held == mine {
            other.differing.clear();
        } else if is_news || is_behind {
            other.differing.restart();
            other.differing.note(now);
        } else {
            other.differing.note(now);
        }
        let has_begun = [other.lacking.first, other.differing.first].contains(&Some(now));
        self.comparison.sort(&author);
        if has_begun {
            // So that the other side sees the difference as soon.
            self.tell_holdings_soon(now);
        }
    }

    /// Returns how many entries a member says it wrote, which are not here.
    fn lacking(&self, author: &AuthorId, holdings: &Holdings) -> u64 {
        let claims = [(Channel::STATE, holdings.state), (Channel::CHAT, holdings.chat)];
        let lacking = claims.into_iter().map(|(channel, claim)| {
            let lane = LaneId { channel, author: *author, epoch: holdings.epoch };
            let is_asked_for = self.takes_part(&lane);
            if is_asked_for { u64::from(claim).saturating_sub(self.replica.next_seq(&lane)) } else { 0 }
        });
        lacking.sum()
    }

    /// Says what is certain by now, and asks links for a sign of life while anything is not.
    pub(super) fn compare_holdings(&mut self, now: Mono) {
        self.make_sure_of_links(now);
        if self.comparison.poll_timeout().is_none_or(|due| due > now) {
            return;
        }
        self.comparison.asked = Some(now);
        let quiet = self.links.iter().filter(|(_, link)| link.is_ready()).map(|(id, _)| *id).collect::<Vec<_>>();
        quiet.into_iter().for_each(|link| self.ping(link, Now { mono: now, ..Now::default() }));
        let flows_since = self.flows_since(now);
        let is_behind = self.is_catching_up(now);
        let Some((epoch, _)) = self.newest_secret() else { return };
        let mine = self.held(epoch);
        // Who lacks something by its author's own word holds something else than those who have it, and that is all.
        let is_short = self.comparison.others.values().any(|other| other.lacking.is_open());
        for author in self.comparison.open.clone() {
            let Some(other) = self.comparison.others.get(&author) else { continue };
            let entries = self.lacking(&author, &other.holdings);
            let flows = |suspicion: &Suspicion| {
                let first = suspicion.first.filter(|_| !is_behind);
                first.is_some_and(|first| flows_since.is_some_and(|since| since <= first.after_us(FLOW_GAP_US)))
            };
            let is_due = |suspicion: &Suspicion| suspicion.due().is_some_and(|due| due <= now);
            let (lacks, differs) = (is_due(&other.lacking), is_due(&other.differing));
            let (lacks_flow, differs_flow) = (flows(&other.lacking), flows(&other.differing));
            let differs_still = other.holdings.held != mine && other.mine == mine;
            let Some(other) = self.comparison.others.get_mut(&author) else { continue };
            if lacks && !(lacks_flow && entries > 0) {
                other.lacking.restart();
            } else if lacks {
                other.lacking.is_told = true;
                self.events.push_back(Event::Alarm(Alarm::Withheld { author, entries }));
            }
            if differs && (is_short || !(differs_flow && differs_still)) {
                other.differing.restart();
            } else if differs {
                other.differing.is_told = true;
                self.events.push_back(Event::Alarm(Alarm::Diverged(author)));
            }
            self.comparison.sort(&author);
        }
    }

    /// Returns since when all links flow, if they do.
    pub(super) fn flows_since(&self, now: Mono) -> Option<Mono> {
        let ready = self.links.values().filter(|link| link.has_greeted && link.is_ready());
        ready.map(|link| link.flows_since(now)).try_fold(Mono(0), |latest, since| Some(latest.max(since?)))
    }

    /// Hears the links before each heartbeat, so that it can say what is held.
    fn make_sure_of_links(&mut self, now: Mono) {
        let Some(sent) = self.presence.sent() else { return };
        if now.since_us(sent) < SURE_US {
            return;
        }
        self.ping_unheard(sent.after_us(SURE_US), now);
    }

    /// Asks those links for a sign of life that gave none after `since`, unless they owe one.
    pub(super) fn ping_unheard(&mut self, since: Mono, now: Mono) {
        let unheard =
            self.links.iter().filter(|(_, link)| link.is_ready() && link.heard <= since && link.pinged.is_none());
        for link in unheard.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.ping(link, Now { mono: now, ..Now::default() });
        }
    }

    /// Returns when to hear the links before the next heartbeat.
    pub(super) fn poll_sure(&self) -> Option<Mono> {
        let since = self.presence.sent()?.after_us(SURE_US);
        let is_unheard = self.links.values().any(|link| link.is_ready() && link.heard < since && link.pinged.is_none());
        is_unheard.then_some(since)
    }
}

fn part_of(lane: &LaneId, next: u64, digest: &[u8; 32]) -> [u8; 58] {
    let mut part = [0; 58];
    part[..2].copy_from_slice(&lane.channel.number().to_le_bytes());
    part[2..18].copy_from_slice(lane.author.as_bytes());
    part[18..26].copy_from_slice(&next.to_le_bytes());
    part[26..].copy_from_slice(digest);
    part
}
