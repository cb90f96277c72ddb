//! The reference model: plain sets of what was done, and so of what everybody must see in the end.

mod shares;

pub(crate) use shares::{Share, Shares};

use super::net::World;
use cahoots::proto::doc::{Document, Message};
use cahoots::proto::id::{AuthorId, Channel, PaneId};
use cahoots::proto::limits::{KEYFRAME_BYTES_MAX, LIVE_QUEUE_BYTES_MAX};
use cahoots::proto::session::{Alarm, Ending, Peer};
use cahoots::proto::time::Wall;
use std::collections::{BTreeMap, BTreeSet};

/// A word in the notes.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) by: usize,
    pub(crate) text: String,
    pub(crate) is_deleted: bool,
}

/// A terminal: all that its program ever wrote.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    pub(crate) exit: Option<i32>,
}

/// What was done, by whom.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) authors: BTreeMap<AuthorId, usize>,
    /// Lines that were said, by whom; each text is unique.
    pub(crate) said: Vec<(usize, String)>,
    pub(crate) words: Vec<Word>,
    /// Values that one member alone sets.
    pub(crate) app: BTreeMap<String, (usize, String)>,
    pub(crate) written: BTreeMap<PaneId, Written>,
    pub(crate) typed: BTreeMap<(usize, PaneId), Vec<u8>>,
    pub(crate) applied: BTreeMap<(usize, PaneId), Vec<u8>>,
    pub(crate) shares: Shares,
    /// Members that break the rules.
    pub(crate) false_members: BTreeSet<usize>,
    /// Whether there was a path on which news takes so long that people may see different things for a while.
    pub(crate) has_slow_path: bool,
    /// Whether a relay has ever lost what it had confirmed.
    pub(crate) has_lost: bool,
    /// Whether a relay has ever lied: alarms are then right.
    pub(crate) has_lied: bool,
}

impl Model {
    fn index(&self, author: AuthorId) -> usize {
        *self.authors.get(&author).unwrap_or_else(|| panic!("{author} is nobody"))
    }

    /// Nobody is heard who is nobody, waits to be let in, or whose time is over by the clock of who hears.
    pub(crate) fn check_heard(&self, author: AuthorId, wall: Wall) {
        let index = self.index(author);
        assert!(!self.shares.must_wait(index), "member {index} is heard, but was never let in");
        assert!(self.shares.is_live(index, wall.0), "member {index} is heard at {wall:?}, long after its time");
    }

    pub(crate) fn check_message(&self, at: usize, message: &Message) {
        let said = (self.index(message.author), message.text.clone());
        assert!(self.said.contains(&said), "member {at} sees what nobody said: {said:?}");
        assert!(
            at == said.0 || !self.shares.must_wait(said.0),
            "member {at} sees {said:?}, whose author was never let in"
        );
    }

    /// A relay can lie about others, but no honest member can be made to look like a cheat.
    pub(crate) fn check_alarm(&self, at: usize, alarm: &Alarm) {
        let accuses = matches!(alarm, Alarm::Muted(_) | Alarm::Equivocated(_));
        assert!(!accuses || self.is_about_false_members(at, alarm), "an honest member is accused: {alarm}");
    }

    /// Tells whether an alarm names somebody who broke the rules, or is raised by one: it sees what it brought about.
    pub(crate) fn is_about_false_members(&self, at: usize, alarm: &Alarm) -> bool {
        let author = match alarm {
            Alarm::Forged(author) | Alarm::Forked(author) | Alarm::Equivocated(author) | Alarm::Muted(author) => author,
            Alarm::Diverged(author) | Alarm::Withheld { author, .. } => author,
            _ => return self.false_members.contains(&at),
        };
        self.false_members.contains(&at) || self.is_false(*author)
    }

    /// Tells whether an author breaks the rules: it may write two things in one place, say.
    pub(crate) fn is_false(&self, author: AuthorId) -> bool {
        self.false_members.contains(&self.index(author))
    }

    pub(crate) fn check_offset(&self, pane: PaneId, offset: u64) {
        let written = self.written.get(&pane).map_or(0, |written| written.bytes.len());
        assert!(offset <= written as u64, "a keyframe of {pane} at {offset}, only {written} bytes were written");
    }

    pub(crate) fn check_output(&self, pane: PaneId, offset: u64, data: &[u8]) {
        let written = &self.written.get(&pane).expect("shown panes exist").bytes;
        let from = usize::try_from(offset).unwrap();
        assert_eq!(
            written.get(from..from + data.len()),
            Some(data),
            "output of {pane} at {offset} is not what was written"
        );
    }

    pub(crate) fn check_end(&self, pane: PaneId, code: i32) {
        assert_eq!(
            self.written.get(&pane).and_then(|written| written.exit),
            Some(code),
            "{pane} has not ended like that"
        );
    }

    /// Takes what the host applied: at every moment a beginning of what the member typed there.
    pub(crate) fn take_input(&mut self, pane: PaneId, author: AuthorId, bytes: &[u8]) {
        let key = (self.index(author), pane);
        assert!(!self.shares.must_wait(key.0), "{key:?} types, but was never let in");
        let applied = self.applied.entry(key).or_default();
        applied.extend_from_slice(bytes);
        let typed = self.typed.get(&key).map_or(&[][..], Vec::as_slice);
        assert!(typed.starts_with(applied), "{key:?}: what was applied is not what was typed");
    }
}

/// Says what still differs from what must be; `Ok` once nothing does.
pub(crate) fn verdict(world: &World) -> Result<(), String> {
    who_is_out_knows(world)?;
    let everybody_in = everybody_in(world);
    for index in &everybody_in {
        let index = *index;
        let wrong = |what: String| format!("member {index}: {what}");
        is_up_to_date(world, index).map_err(wrong)?;
        roster_is(world, index, &everybody_in).map_err(wrong)?;
        chat_is_complete(world, index, &everybody_in).map_err(wrong)?;
        state_is_right(world, index, &everybody_in).map_err(wrong)?;
        screens_are_equal(world, index).map_err(wrong)?;
        input_was_applied(world, index).map_err(wrong)?;
    }
    Ok(())
}

/// Returns who takes part, keeps the rules and should see everything.
pub(crate) fn everybody_in(world: &World) -> Vec<usize> {
    let honest = (0..world.members.len()).filter(|index| !world.model.false_members.contains(index));
    honest
        .filter(|index| world.members[*index].is_in() && !is_out(world, *index) && !came_for_nothing(world, *index))
        .collect()
}

/// Checks that who is out can have no key of what was said since, whoever helps it.
pub(crate) fn nobody_reads_on(world: &World) {
    let (log, everybody_in) = (world.members[0].peer.log(), everybody_in(world));
    for member in &world.members[1..] {
        world.spy.check(&world.model.shares, log, member.index, &member.peer, everybody_in.contains(&member.index));
    }
}

fn is_out(world: &World, index: usize) -> bool {
    world.model.shares.is_out(index, world.now_of(0).wall.0)
}

/// Tells whether a member came by a share that was passed on, and of which neither owner nor relays can know any more:
/// who made it was gone before it could say so.
fn came_for_nothing(world: &World, index: usize) -> bool {
    let shares = &world.model.shares;
    let Some(share) = shares.of.get(&index).map(|share| &shares.all[*share]) else { return false };
    let is_unknown = !world.members[0].peer.shares().iter().any(|info| info.share == share.id());
    share.parent.is_some_and(|(_, by)| is_unknown && !world.members[by].is_in())
}

fn who_is_out_knows(world: &World) -> Result<(), String> {
    for (index, member) in world.members.iter().enumerate() {
        let is_out = is_out(world, index);
        let must_be_out =
            matches!(member.ended, Some(Ending::Revoked | Ending::Kicked | Ending::TurnedAway | Ending::Expired));
        let share = world.model.shares.of.get(&index).map(|share| &world.model.shares.all[*share]);
        // A relay that has forgotten a share that was passed on cannot say that it is closed, only that it is none.
        let is_before_the_door = share.is_some_and(|share| share.parent.is_some()) && !member.peer.is_linked();
        if is_out && !member.has_left && !must_be_out && !is_before_the_door {
            return Err(format!("member {index} is out and does not know: {:?}", member.ended));
        }
        if must_be_out && !is_out && !came_for_nothing(world, index) {
            return Err(format!("member {index} is thrown out for no reason: {:?}", member.ended));
        }
    }
    let waiting = world.members[0].peer.waiting();
    if waiting.is_empty() { Ok(()) } else { Err(format!("{waiting:?} wait to be let in")) }
}

fn is_up_to_date(world: &World, index: usize) -> Result<(), String> {
    let (host, peer) = (&world.members[0].peer, &world.members[index].peer);
    if !peer.is_linked() {
        return Err("not linked".into());
    }
    if peer.log().head() != host.log().head() {
        return Err(format!("log has {} records of {}", peer.log().next_seq(), host.log().next_seq()));
    }
    let now = world.now_of(index);
    if !peer.is_live(now) {
        return Err("not live".into());
    }
    Ok(())
}

fn roster_is(world: &World, index: usize, everybody_in: &[usize]) -> Result<(), String> {
    let here = world.members[index].peer.roster().here();
    let mut here: Vec<usize> = here.map(|(member, _)| world.model.authors[&member.author()]).collect();
    here.sort_unstable();
    if here == everybody_in { Ok(()) } else { Err(format!("sees {here:?} here, but {everybody_in:?} are")) }
}

fn chat_is_complete(world: &World, index: usize, everybody_in: &[usize]) -> Result<(), String> {
    let lines = |of: usize| {
        let messages = world.members[of].peer.messages().iter();
        messages.map(|message| (world.model.authors[&message.author], message.text.clone())).collect::<Vec<_>>()
    };
    let seen = lines(index);
    if seen != lines(0) {
        return Err(format!("chat differs from the host's: {seen:?}, host {:?}", lines(0)));
    }
    let messages = world.members[index].peer.messages();
    for (at, message) in messages.iter().enumerate() {
        let is_before = |id| messages[..at].iter().any(|before| (before.author, before.n) == id);
        if message.reply.is_some_and(|answered| !is_before(answered))
            || message.n > 0 && !is_before((message.author, message.n - 1))
        {
            return Err(format!("line {:?} stands before what it follows", message.text));
        }
    }
    let lost = world.model.said.iter().find(|said| everybody_in.contains(&said.0) && !seen.contains(said));
    lost.map_or(Ok(()), |said| Err(format!("line {said:?} is lost")))
}

fn state_is_right(world: &World, index: usize, everybody_in: &[usize]) -> Result<(), String> {
    let (host, peer) = (&world.members[0].peer, &world.members[index].peer);
    for channel in Channel::DURABLE {
        let heads = |peer: &Peer| peer.document(channel).map(Document::heads);
        if heads(peer) != heads(host) {
            return Err(format!("other heads of {channel:?} than the host"));
        }
    }
    let state = peer.state();
    if state != host.state() {
        return Err("equal heads, other state than the host".into());
    }
    for word in world.model.words.iter().filter(|word| everybody_in.contains(&word.by)) {
        if state.notes.contains(&word.text) == word.is_deleted {
            return Err(format!("notes are wrong about {word:?}: {:?}", state.notes));
        }
    }
    let wrong = world
        .model
        .app
        .iter()
        .find(|(key, (by, value))| everybody_in.contains(by) && state.app.get(*key) != Some(value));
    wrong.map_or(Ok(()), |(key, value)| Err(format!("app {key} is {:?}, not {value:?}", state.app.get(key))))
}

fn screens_are_equal(world: &World, index: usize) -> Result<(), String> {
    let (host, member) = (&world.members[0], &world.members[index]);
    if index == 0 {
        return Ok(());
    }
    for (pane, written) in &world.model.written {
        let Some(view) = member.views.get(pane) else { return Err(format!("does not watch {pane}")) };
        let Some(screen) = &view.screen else { return Err(format!("has no keyframe of {pane}")) };
        if view.offset != written.bytes.len() as u64 {
            return Err(format!("has {} of {} bytes of {pane}", view.offset, written.bytes.len()));
        }
        let truth = host.peer.screen(*pane).expect("the host has every pane").snapshot();
        if screen.snapshot() != truth {
            return Err(format!("another screen of {pane}: {:?}\nhost: {truth:?}", screen.snapshot()));
        }
        if view.exit != written.exit {
            return Err(format!("{pane} has exit {:?}, not {:?}", view.exit, written.exit));
        }
    }
    Ok(())
}

fn input_was_applied(world: &World, index: usize) -> Result<(), String> {
    let model = &world.model;
    let waiting = world.members[index].peer.unconfirmed_bytes();
    if waiting > 0 {
        return Err(format!("{waiting} bytes typed wait to be confirmed"));
    }
    let own = model.typed.iter().filter(|((by, _), _)| *by == index);
    for (key, typed) in own {
        let has_ended = model.written.get(&key.1).is_some_and(|written| written.exit.is_some());
        let applied = model.applied.get(key).map_or(0, Vec::len);
        if !has_ended && applied != typed.len() {
            return Err(format!("{applied} of {} bytes typed into {} were applied", typed.len(), key.1));
        }
    }
    Ok(())
}

/// Bytes that may wait for one link: live entries, a keyframe, what is typed, and the small frames around them.
const QUEUED_BYTES_MAX: usize = LIVE_QUEUE_BYTES_MAX + KEYFRAME_BYTES_MAX + 2 * 262_144;

/// Bounds and rules that hold at every moment, faults or not.
pub(crate) fn check_bounds(world: &mut World) {
    for node in &world.nodes {
        let stats = node.hall.stats();
        assert!(stats.bytes_live <= 64 * 1_048_576, "live entries at a relay are bounded");
        assert!(stats.connections <= 64, "gone connections are forgotten");
    }
    let queued_max = QUEUED_BYTES_MAX * world.nodes.len();
    for member in &mut world.members {
        let queued = member.peer.queued_bytes();
        assert!(queued <= queued_max, "member {} has {queued} bytes waiting, at most {queued_max} may", member.index);
        member.look_at_chat();
    }
}
