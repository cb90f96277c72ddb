//! Plays a scenario: acts and faults first, then everything is healed and must come right within bounded time.

mod owner;
mod trial;

pub(crate) use trial::Trial;

use super::dice::Dice;
use super::liar::Liar;
use super::member::Member;
use super::model::{Share, Word, check_bounds, nobody_reads_on, verdict};
use super::net::{Verbose, World};
use super::pipe::Weather;
use super::script::{Act, GuestPlan, LAN, LONG_MS, Output, Plan, RELAY};
use cahoots::proto::doc::{CursorAt, Draft, MessageKind};
use cahoots::proto::id::PaneId;
use cahoots::proto::session::{EditRefused, Peer, TypeError};
use cahoots::proto::terminal::Size;
use cahoots::proto::token::Access;

/// How long everything may take to come right after the last fault, in microseconds.
const LIVENESS_US: u64 = 60_000_000;
/// How long it may take until a broken connection was noticed and replaced, in microseconds.
const NOTICE_US: u64 = 15_000_000;
/// How often the verdict is asked for, in microseconds.
const LOOK_US: u64 = 500_000;

/// A scenario under way.
struct Play<'a> {
    plan: &'a Plan,
    world: World,
    joined: usize,
    panes: Vec<PaneId>,
    counter: u64,
    dice: Dice,
}

/// Plays `plan` and returns the hash of all that was delivered.
pub(crate) fn play(plan: &Plan, verbose: Verbose) -> blake3::Hash {
    let mut play = Play::new(plan, verbose);
    for (at_us, act) in &plan.acts {
        play.world.run_until(*at_us);
        play.world.tell(|| format!("--- {act:?}"));
        play.act(act);
        play.watch_all();
        check_bounds(&mut play.world);
    }
    play.heal();
    play.let_shares_expire();
    play.await_verdict(verdict);
    plan.trial.into_iter().for_each(|trial| play.try_out(trial));
    nobody_reads_on(&play.world);
    if plan.ends {
        play.end();
    }
    play.world.trace()
}

impl<'a> Play<'a> {
    fn new(plan: &'a Plan, verbose: Verbose) -> Self {
        let mut world = World::new(plan.seed, verbose);
        let mut dice = Dice::new(plan.seed, "play");
        world.add_hall(plan.seed);
        if plan.has_lan {
            world.add_hall(plan.seed + 1_000_000);
        }
        let now = world.clock_of_host(plan.host_skew_ms);
        let (root_seed, seed) = (dice.array(), dice.array());
        let peer = Peer::host(root_seed, seed, now).unwrap();
        world.spy.seeds.push(seed);
        let mut host = Member::new(0, peer, Access::Own, plan.host_skew_ms);
        host.halls = if plan.has_lan { vec![RELAY, LAN] } else { vec![RELAY] };
        for share in &plan.shares {
            let token = host.peer.share(&share.terms(), now).unwrap();
            world.model.shares.all.push(Share::new(token, share, None, now.wall.0 + share.lasts_ms));
        }
        let first = host.peer.open_pane("shell", "sh", Size::new(20, 6)).unwrap();
        world.members.push(host);
        world.model.written.insert(first, Default::default());
        for hall in 0..world.nodes.len() {
            for member in 0..=plan.guests.len() {
                let weather = if dice.chance(70) { Weather::FINE } else { Weather::draw(&mut dice) };
                world.set_weather(member, hall, weather);
            }
        }
        world.start(0);
        let mut play = Self { plan, world, joined: 0, panes: vec![first], counter: 0, dice };
        (0..plan.early).for_each(|_| play.join());
        play
    }

    fn unique(&mut self, who: usize) -> String {
        self.counter += 1;
        format!("{who}.{}", self.counter)
    }

    /// Returns a member that takes part, by a number that may be too high.
    fn somebody(&self, who: usize) -> usize {
        who % self.world.members.len()
    }

    fn pane(&self, number: u16) -> PaneId {
        self.panes[usize::from(number) % self.panes.len()]
    }

    fn join(&mut self) {
        let Some(guest) = self.plan.guests.get(self.joined) else { return };
        self.joined += 1;
        let passed_on = self.world.model.shares.all.iter().rposition(|share| share.parent.is_some());
        self.join_by(passed_on.filter(|_| guest.by_passed_on).unwrap_or(guest.share), guest);
    }

    /// One more guest comes, if any link of the owner's is still good for it.
    fn join_late(&mut self) {
        let (all, newcomer) = (&self.world.model.shares.all, self.world.members.len());
        let is_good = |share: &Share| !share.once && share.parent.is_none() && share.stay.is_none();
        let owner_ms = self.world.now_of(0).wall.0;
        let Some(by) = all.iter().position(|share| is_good(share) && share.expires_ms > owner_ms + LONG_MS / 2) else {
            return;
        };
        self.world.tell(|| format!("member {newcomer} comes late"));
        self.join_by(by, &GuestPlan { share: by, by_passed_on: false, halls: vec![RELAY], skew_ms: 0 });
    }

    fn join_by(&mut self, by: usize, guest: &GuestPlan) {
        let index = self.world.members.len();
        let shares = &mut self.world.model.shares;
        shares.of.insert(index, by);
        let share = &shares.all[by];
        let seed = self.dice.array();
        let peer = Peer::guest(share.secret(), seed);
        self.world.spy.seeds.push(seed);
        let mut member = Member::new(index, peer, share.access, guest.skew_ms);
        member.halls.clone_from(&guest.halls);
        member.peer.present(|presence| presence.name = format!("member {index}"));
        self.world.members.push(member);
        self.world.start(index);
    }

    /// Every guest watches every terminal that it knows of.
    fn watch_all(&mut self) {
        for index in 1..self.world.members.len() {
            let member = &mut self.world.members[index];
            if !std::mem::take(&mut member.may_watch) {
                continue;
            }
            for pane in member.peer.state().panes.into_keys() {
                if member.is_in() && !member.views.contains_key(&pane) {
                    member.views.entry(pane).or_default();
                    member.peer.watch(pane);
                }
            }
            self.world.settle_peer(index);
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Sleep(who, us) => self.world.sleep(self.somebody(*who), *us),
            Act::Silence(who, hall, us) => self.world.silence(self.somebody(*who), *hall, *us),
            Act::Hold(who, hall, us) => self.world.hold(self.somebody(*who), *hall, *us),
            Act::Cut(who, hall) => self.world.cut(Some(self.somebody(*who)), *hall),
            Act::Blow(who, hall, weather) => self.world.set_weather(self.somebody(*who), *hall, *weather),
            Act::Restart(hall, keeps_store) => self.world.restart(*hall, *keeps_store),
            Act::Lie(hall) => {
                self.world.model.has_lied = true;
                self.world.nodes[*hall].liar = Some(Liar::spoiler(self.plan.seed));
            }
            Act::Join => self.join(),
            Act::CloseShare(share) => self.close_share(*share),
            Act::Kick(who) => self.kick(self.somebody(*who)),
            Act::RevokeAll => self.revoke_all(),
            Act::PassOn(who, share) => self.pass_on(self.somebody(*who), share),
            Act::Answer(is_yes) => self.answer_who_waits(*is_yes),
            Act::Rekey => drop(self.rekey()),
            Act::BeginAnew => self.begin_anew(),
            Act::OpenPane => self.open_pane(),
            Act::Write(pane, output) => self.write(*pane, *output),
            Act::Resize(pane, cols, rows) => {
                let (pane, now) = (self.pane(*pane), self.world.now_of(0));
                // An ended terminal refuses, which is right.
                let _ = self.world.members[0].peer.resize_pane(pane, Size::new(*cols, *rows), now);
            }
            Act::EndPane(pane) => self.end_pane(*pane),
            Act::Leave(who) => self.leave(self.somebody(*who)),
            Act::Say(who) | Act::React(who) => self.say(self.somebody(*who), matches!(act, Act::React(_))),
            Act::Note(who) => self.note(self.somebody(*who)),
            Act::Forget(who) => self.forget(self.somebody(*who)),
            Act::App(who) => self.set_app(self.somebody(*who)),
            Act::Title(who) => self.set_title(self.somebody(*who)),
            Act::Type(who, pane, bytes) => self.type_bytes(self.somebody(*who), *pane, *bytes),
            Act::Point(who) => {
                let (who, pane) = (self.somebody(*who), self.pane(0));
                let cursor = CursorAt { pane, row: self.dice.below(6) as u16, col: self.dice.below(20) as u16 };
                self.world.members[who].peer.point_at(Some(cursor));
            }
            Act::Name(who) => {
                let who = self.somebody(*who);
                let name = self.unique(who);
                self.world.members[who].peer.present(|presence| presence.name = name);
            }
            Act::Rewatch(who) => self.rewatch(self.somebody(*who)),
        }
        self.settle_all();
        self.note_taken_shares();
    }

    fn settle_all(&mut self) {
        (0..self.world.members.len()).for_each(|index| self.world.settle_peer(index));
    }

    fn open_pane(&mut self) {
        if self.panes.len() < 3 {
            let size = Size::new(self.dice.between(2, 90) as u16, self.dice.between(2, 30) as u16);
            let pane = self.world.members[0].peer.open_pane("more", "top", size).unwrap();
            self.panes.push(pane);
            self.world.model.written.insert(pane, Default::default());
        }
    }

    fn write(&mut self, pane: u16, output: Output) {
        let (pane, now) = (self.pane(pane), self.world.now_of(0));
        let bytes = draw_bytes(output, &mut self.dice);
        for piece in bytes.chunks(4_096) {
            if self.world.members[0].peer.output(pane, piece, now).is_ok() {
                self.world.model.written.get_mut(&pane).unwrap().bytes.extend_from_slice(piece);
            }
        }
    }

    fn end_pane(&mut self, pane: u16) {
        let (pane, now) = (self.pane(pane), self.world.now_of(0));
        let code = self.dice.below(256) as i32;
        if self.world.members[0].peer.end_pane(pane, code, now).is_ok() {
            self.world.model.written.get_mut(&pane).unwrap().exit = Some(code);
        }
    }

    fn leave(&mut self, who: usize) {
        let now = self.world.now_of(who);
        let member = &mut self.world.members[who];
        if who != 0 && member.is_in() {
            member.has_left = true;
            member.peer.leave(now);
        }
    }

    fn say(&mut self, who: usize, is_reaction: bool) {
        let (text, now) = (format!("line {}", self.unique(who)), self.world.now_of(who));
        let peer = &mut self.world.members[who].peer;
        let last = peer.messages().last().map(|message| (message.author, message.n));
        let kind = if is_reaction { MessageKind::Reaction } else { MessageKind::Text };
        let draft = Draft { kind, text: text.clone(), reply: last, anchor: None };
        match peer.say(&draft, now) {
            Ok(()) => self.world.model.said.push((who, text)),
            Err(EditRefused::NotJoined | EditRefused::Ended) => {}
            Err(refused) => panic!("member {who} cannot chat: {refused}"),
        }
    }

    /// Does an edit of the state as `who`; true if it was made. Who only looks on must be refused.
    fn edit(&mut self, who: usize, edit: impl FnOnce(&mut Peer) -> Result<(), EditRefused>) -> bool {
        let member = &mut self.world.members[who];
        match edit(&mut member.peer) {
            Ok(()) => {
                assert!(member.may_control(), "member {who} may only look on, but has edited");
                true
            }
            Err(EditRefused::NotJoined | EditRefused::Ended) => false,
            Err(EditRefused::NoRight(_)) if !member.may_control() => false,
            Err(refused) => panic!("member {who} cannot edit: {refused}"),
        }
    }

    fn note(&mut self, who: usize) {
        let text = format!("<{}>", self.unique(who));
        let notes = self.world.members[who].peer.state().notes;
        // Between words only: a word torn apart by the next one could not be looked for.
        let gaps = notes.chars().enumerate().filter(|(_, c)| *c == '>').map(|(at, _)| at + 1);
        let gaps: Vec<_> = std::iter::once(0).chain(gaps).collect();
        let at = *self.dice.pick(&gaps);
        if self.edit(who, |peer| peer.edit_notes(at, 0, &text)) {
            self.world.model.words.push(Word { by: who, text, is_deleted: false });
        }
    }

    fn forget(&mut self, who: usize) {
        let notes = self.world.members[who].peer.state().notes;
        let own = |word: &Word| word.by == who && !word.is_deleted && notes.contains(&word.text);
        let Some(index) = self.world.model.words.iter().position(own) else { return };
        let text = self.world.model.words[index].text.clone();
        let at = notes[..notes.find(&text).unwrap()].chars().count();
        if self.edit(who, |peer| peer.edit_notes(at, text.chars().count(), "")) {
            self.world.model.words[index].is_deleted = true;
        }
    }

    fn set_app(&mut self, who: usize) {
        let (key, value) = (format!("of {who}"), format!("\"{}\"", self.unique(who)));
        if self.edit(who, |peer| peer.set_app(&key, &value)) {
            self.world.model.app.insert(key, (who, value));
        }
    }

    fn set_title(&mut self, who: usize) {
        let title = self.unique(who);
        self.edit(who, |peer| peer.set_title(&title));
    }

    fn type_bytes(&mut self, who: usize, pane: u16, bytes: u64) {
        if who == 0 {
            return;
        }
        let pane = self.pane(pane);
        let mut text = self.unique(who).into_bytes();
        text.resize(text.len() + bytes as usize, b'x');
        let member = &mut self.world.members[who];
        // What is typed must be in the model before the host can say that it took it.
        match member.peer.type_bytes(pane, &text) {
            Ok(()) => {
                assert!(member.may_control(), "member {who} may only look on, but has typed");
                self.world.model.typed.entry((who, pane)).or_default().extend(text);
            }
            Err(TypeError::NotJoined | TypeError::Ended | TypeError::Full { .. }) => {}
            Err(TypeError::NoRight) if !member.may_control() => {}
            Err(refused) => panic!("member {who} cannot type: {refused}"),
        }
    }

    fn rewatch(&mut self, who: usize) {
        let member = &mut self.world.members[who];
        if let Some(pane) = member.views.keys().next().copied()
            && who != 0
            && member.is_in()
        {
            member.peer.unwatch(pane);
            member.views.remove(&pane);
            member.may_watch = true;
        }
    }

    fn heal(&mut self) {
        self.world.tell(|| "--- heal".into());
        while self.joined < self.plan.guests.len() {
            self.join();
        }
        self.world.heal();
    }

    /// Ends the session: everybody who is in it learns so from the owner's own record.
    fn end(&mut self) {
        // A broken link that Ada has not noticed would keep the record from the relay: there is no second try.
        self.world.run_until(self.world.now_us + NOTICE_US);
        self.await_verdict(verdict);
        let now = self.world.now_of(0);
        self.world.members[0].peer.end_session(now).unwrap();
        self.world.settle_peer(0);
        self.await_verdict(|world| {
            let unaware = world.members.iter().find(|member| member.ended.is_none() && !member.has_left);
            unaware.map_or(Ok(()), |member| Err(format!("member {} does not know that it is over", member.index)))
        });
    }

    fn await_verdict(&mut self, verdict: impl Fn(&World) -> Result<(), String>) {
        let deadline_us = self.world.now_us + LIVENESS_US;
        loop {
            self.world.run_until(self.world.now_us + LOOK_US);
            self.watch_all();
            self.note_taken_shares();
            let is_yes = self.dice.chance(80);
            self.answer_who_waits(is_yes);
            check_bounds(&mut self.world);
            match verdict(&self.world) {
                Ok(()) => return,
                Err(why) if self.world.now_us >= deadline_us => panic!("not right after 60 s: {why}"),
                Err(_) => {}
            }
        }
    }
}

/// Makes up what a program may write.
fn draw_bytes(output: Output, dice: &mut Dice) -> Vec<u8> {
    let mut text = Vec::new();
    match output {
        Output::Text => (0..dice.between(1, 40)).for_each(|n| text.extend(format!("{n} plain\r\n").bytes())),
        Output::Burst => (0..30_000).for_each(|n| text.extend(format!("line {n}\r\n").bytes())),
        Output::Wide => {
            (0..30).for_each(|_| text.extend(dice.pick(&["漢", "é", "e\u{301}", "🙂", "a", "\r\n"]).bytes()));
        }
        Output::Escapes => {
            for _ in 0..dice.between(1, 60) {
                let (n, m) = (dice.below(30), dice.below(30));
                let last = *dice.pick(b"ABCDHJKLMPXmrhl@dGf");
                text.extend(format!("\x1b[{n};{m}{}x", char::from(last)).bytes());
                if dice.chance(10) {
                    text.extend((0..4).map(|_| dice.below(256) as u8));
                }
            }
        }
        Output::FullScreen => {
            let switch = *dice.pick(&["\x1b[?1049h", "\x1b[?1049l", "\x1b[2J"]);
            text.extend(switch.bytes());
            for row in 1..dice.between(2, 40) {
                text.extend(format!("\x1b[{row};1H\x1b[3{}m row {row} \x1b[0m", row % 8).bytes());
            }
        }
    }
    text
}
