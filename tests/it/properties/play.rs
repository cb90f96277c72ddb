//! Sessions drawn at random: two hundred steps of up to eight members, the owner's powers and the relay's mishaps.
//!
//! Every step can be taken at any time (numbers are taken modulo what there is, and what is not possible is left out),
//! so a failing session shrinks to the few steps that matter.

use super::disk::Disk;
use super::member::PANE;
use super::model::{Deeds, Link, Standing};
use super::verdict::HOST;
use super::wires::{Way, Wires};
use cahoots::proto::id::ShareId;
use cahoots::proto::session::{EditRefused, OwnerError, Peer, ShareTerms, TypeError};
use cahoots::proto::terminal::Size;
use cahoots::proto::time::Now;
use cahoots::proto::token::{Access, Token};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt;

/// Members that take part at one time, the host included.
const MEMBERS_MAX: usize = 8;
/// Links issued in one session.
const LINKS_MAX: usize = 24;
/// How long short and long links last, in milliseconds: the short ones longer than a session takes by itself.
const SHORT_MS: u64 = 2 * 3_600_000;
const LONG_MS: u64 = 10 * 24 * 3_600_000;
/// More than a short link, the tolerated skew, the owner's patience and the wrong clocks here together.
const JUMP_MS: u64 = SHORT_MS + 120_000 + 10_000 + 2 * SKEW_MS as u64;
const SKEW_MS: i64 = 100_000;
/// For how long frames may wait on their wires, in microseconds. Who gets nothing for longer may well say that a relay
/// keeps something back.
const STALL_US_MAX: u64 = 2_000_000;
/// How long it may take until all is right, in microseconds.
const LIVENESS_US: u64 = 60_000_000;

/// How a link is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    access: Access,
    has_door: bool,
    may_pass_on: bool,
    is_short: bool,
}

/// One step. Numbers choose among those that there are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Share(Wish),
    Join(usize, i64),
    Leave(usize),
    Say(usize),
    Set(usize),
    Note(usize, usize),
    Type(usize, usize),
    Write(usize),
    Revoke(usize),
    Kick(usize),
    Rekey,
    RevokeAll,
    LetIn(usize),
    PassOn(usize, Access),
    Usurp(usize),
    Expire,
    Cut(usize, bool),
    Return(usize),
    Restart(bool),
    Replay(usize),
    Deliver(usize, Way, usize),
    Wait(u64),
    Settle,
}

/// Draws sessions: of two hundred steps on the average, and of fewer as they shrink.
pub(crate) fn session() -> impl Strategy<Value = Acts> {
    proptest::collection::vec(act(), 1..=400).prop_map(Acts)
}

/// The steps of a session; prints as one can paste it.
#[derive(Clone)]
pub(crate) struct Acts(Vec<Act>);

impl fmt::Debug for Acts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|act| write!(f, "{act:?}, "))
    }
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..MEMBERS_MAX;
    let access = prop_oneof![Just(Access::View), Just(Access::Interact), Just(Access::Own)];
    let way = prop_oneof![Just(Way::ToRelay), Just(Way::FromRelay)];
    let wish = (access.clone(), prop::bool::weighted(0.2), prop::bool::weighted(0.4), prop::bool::weighted(0.2));
    let wish =
        wish.prop_map(|(access, has_door, may_pass_on, is_short)| Wish { access, has_door, may_pass_on, is_short });
    let people = prop_oneof![
        3 => wish.prop_map(Act::Share),
        9 => (0..LINKS_MAX, -SKEW_MS..=SKEW_MS).prop_map(|(link, skew)| Act::Join(link, skew)),
        1 => who.clone().prop_map(Act::Leave),
        3 => who.clone().prop_map(Act::LetIn),
        2 => (who.clone(), access).prop_map(|(who, access)| Act::PassOn(who, access)),
    ];
    let deeds = prop_oneof![
        6 => who.clone().prop_map(Act::Say),
        3 => who.clone().prop_map(Act::Set),
        2 => (who.clone(), 0..20_usize).prop_map(|(who, at)| Act::Note(who, at)),
        4 => (who.clone(), 1..300_usize).prop_map(|(who, bytes)| Act::Type(who, bytes)),
        3 => (1..3_000_usize).prop_map(Act::Write),
    ];
    let powers = prop_oneof![
        4 => (0..LINKS_MAX).prop_map(Act::Revoke),
        4 => who.clone().prop_map(Act::Kick),
        4 => Just(Act::Rekey),
        1 => Just(Act::RevokeAll),
        2 => Just(Act::Expire),
        2 => who.clone().prop_map(Act::Usurp),
    ];
    let mishaps = prop_oneof![
        4 => (who.clone(), any::<bool>()).prop_map(|(who, stays_away)| Act::Cut(who, stays_away)),
        5 => who.clone().prop_map(Act::Return),
        1 => prop::bool::weighted(0.8).prop_map(Act::Restart),
        4 => (0..64_usize).prop_map(Act::Replay),
    ];
    let course = prop_oneof![
        20 => (0..64_usize, way, 1..12_usize).prop_map(|(pick, way, frames)| Act::Deliver(pick, way, frames)),
        4 => (1..STALL_US_MAX).prop_map(Act::Wait),
        4 => Just(Act::Settle),
    ];
    prop_oneof![18 => people, 34 => deeds, 6 => powers, 10 => mishaps, 32 => course]
}

/// A session under way.
pub(crate) struct Play {
    pub(crate) wires: Wires,
    tokens: Vec<Token>,
    counter: u64,
    stalled_us: u64,
}

impl Play {
    pub(crate) fn new() -> Self {
        let mut wires = Wires::new();
        wires.model.deeds.push(Deeds::default());
        wires.tell(HOST, |peer, _| peer.open_pane("shell", "sh", Size::new(20, 5)).unwrap());
        Self { wires, tokens: Vec::new(), counter: 0, stalled_us: 0 }
    }

    /// Plays it all; in the end everybody is there and all must be right, and stay so.
    pub(crate) fn play(acts: &Acts) {
        let mut play = Self::new();
        for act in &acts.0 {
            play.act(*act);
            play.wires.check_always();
        }
        play.finish();
    }

    fn finish(&mut self) {
        self.wires.members.iter_mut().for_each(|member| member.is_online = true);
        self.settle();
        let until = self.wires.now.mono.after_us(20_000_000);
        while self.wires.now.mono < until {
            self.wires.flush();
            self.wires.step(until);
            self.wires.check_always();
        }
        self.settle();
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Share(wish) => self.share(wish),
            Act::Join(link, skew_ms) => self.join(link, skew_ms),
            Act::Leave(who) => self.leave(who),
            Act::Say(who) => self.say(who),
            Act::Set(who) => self.set(who),
            Act::Note(who, at) => self.note(who, at),
            Act::Type(who, bytes) => self.type_bytes(who, bytes),
            Act::Write(bytes) => self.write(bytes),
            Act::Revoke(link) => self.revoke(link),
            Act::Kick(who) => self.kick(who),
            Act::Rekey => self.rekey(),
            Act::RevokeAll => self.revoke_all(),
            Act::LetIn(pick) => self.let_in(pick),
            Act::PassOn(who, access) => self.pass_on(who, access),
            Act::Usurp(who) => self.usurp(who),
            Act::Expire => self.expire(),
            Act::Cut(who, stays_away) => {
                // Without the host nothing can be required: that comes up, but not often.
                let stays_away = stays_away && (who != HOST || self.counter.is_multiple_of(4));
                self.with(who, |play, who| play.wires.cut(who, stays_away));
            }
            Act::Return(pick) => self.come_back(pick),
            Act::Restart(true) => self.wires.restart(),
            Act::Restart(false) => self.wires.restart_with_loss(Disk::new()),
            Act::Replay(pick) => self.wires.replay(pick),
            Act::Deliver(pick, way, frames) => drop(self.wires.deliver(pick, way, frames)),
            Act::Wait(us) => self.wait(us),
            Act::Settle => self.settle(),
        }
    }

    /// Has somebody come by a link of its own.
    pub(crate) fn invite(&mut self, access: Access) {
        self.share(Wish { access, has_door: false, may_pass_on: false, is_short: false });
        self.join(self.tokens.len() - 1, 0);
        self.settle();
    }

    pub(crate) fn rekey(&mut self) {
        self.wires.tell(HOST, |peer, now| peer.rekey(now).unwrap());
    }

    /// Lets time pass while frames wait.
    fn wait(&mut self, us: u64) {
        if self.stalled_us + us > STALL_US_MAX {
            self.wires.flush();
            self.stalled_us = 0;
        }
        self.stalled_us += us;
        self.wires.let_pass(us);
    }

    /// Waits until all is right.
    pub(crate) fn settle(&mut self) {
        let deadline = self.wires.now.mono.after_us(LIVENESS_US);
        self.stalled_us = 0;
        loop {
            self.watch();
            self.wires.flush();
            self.wires.check_always();
            match self.wires.verdict() {
                Ok(()) => return,
                Err(why) if self.wires.now.mono >= deadline => panic!("not right after 60 s: {why}"),
                Err(_) => self.wires.step(deadline),
            }
        }
    }

    /// Everybody looks at the terminal.
    fn watch(&mut self) {
        for who in 1..self.wires.members.len() {
            if self.wires.members[who].peer.me().is_some() {
                self.wires.tell(who, |peer, _| peer.watch(PANE));
            }
        }
    }

    fn unique(&mut self, who: usize) -> String {
        self.counter += 1;
        format!("<{who}.{}>", self.counter)
    }

    /// Does something with one of those who take part.
    fn with(&mut self, pick: usize, deed: impl FnOnce(&mut Self, usize)) {
        let active: Vec<usize> = (0..self.wires.members.len()).filter(|who| self.takes_part(*who)).collect();
        deed(self, active[pick % active.len()]);
    }

    fn takes_part(&self, who: usize) -> bool {
        self.wires.members[who].ended.is_none() && self.wires.model.standing(who) != Standing::Out
    }

    fn share(&mut self, wish: Wish) {
        if self.tokens.len() >= LINKS_MAX {
            return;
        }
        let lasts_ms = if wish.is_short { SHORT_MS } else { LONG_MS };
        let Wish { access, has_door, may_pass_on, .. } = wish;
        let terms = ShareTerms { lasts_ms, approve: has_door, may_pass_on, ..ShareTerms::new(access) };
        let token = self.wires.tell(HOST, |peer, now| peer.share(&terms, now).unwrap());
        self.note_link(token, None, has_door);
    }

    fn note_link(&mut self, token: Token, above: Option<ShareId>, has_door: bool) {
        let share = token.secret().unwrap().share_id();
        let host = &self.wires.members[HOST].peer;
        let own = host.log().share(&share).map(|cert| (cert.rights, cert.expires));
        let links = &mut self.wires.model.links;
        // A link passed on is as wide as its words and lasts as long as the one above.
        let expires = above.and_then(|above| links.get(&above)).map(|above| above.expires);
        let (rights, expires) = own.or(expires.map(|expires| (token.access.rights(), expires))).unwrap();
        links.insert(share, Link { rights, expires, above, has_door, stay: None });
        self.tokens.push(token);
    }

    fn join(&mut self, pick: usize, skew_ms: i64) {
        let active = (0..self.wires.members.len()).filter(|who| self.takes_part(*who)).count();
        if self.tokens.is_empty() || active >= MEMBERS_MAX {
            return;
        }
        let secret = self.tokens[pick % self.tokens.len()].secret().unwrap();
        let share = secret.share_id();
        // By a link that is closed people are sent away, which does not take eight of them.
        if !self.wires.model.is_open(share) && !pick.is_multiple_of(4) {
            return;
        }
        let seed = *blake3::hash(&(self.wires.members.len() as u64).to_le_bytes()).as_bytes();
        self.wires.model.deeds.push(Deeds { share: Some(share), ..Deeds::default() });
        self.wires.add(Peer::guest(secret, seed), skew_ms);
        self.wires.flush();
    }

    fn leave(&mut self, pick: usize) {
        self.with(pick, |play, who| {
            if who != HOST && play.wires.members[who].peer.me().is_some() {
                play.wires.model.deeds[who].has_left = true;
                play.wires.tell(who, Peer::leave);
            }
        });
    }

    pub(crate) fn say(&mut self, pick: usize) {
        self.with(pick, |play, who| {
            let text = play.unique(who);
            if play.edits(who, |peer, now| peer.say(&text.as_str().into(), now)) {
                play.wires.model.deeds[who].said.push(text);
                assert!(play.wires.model.rights(who).may_chat(), "member {who} may not chat, and did");
            }
        });
    }

    fn set(&mut self, pick: usize) {
        self.with(pick, |play, who| {
            let (key, value) = (format!("of {who}"), format!("\"{}\"", play.unique(who)));
            if play.edits(who, |peer, _| peer.set_app(&key, &value)) {
                play.wires.model.deeds[who].app = Some(value);
                assert!(play.wires.model.rights(who).may_control(), "member {who} may not edit, and did");
            }
        });
    }

    fn note(&mut self, pick: usize, at: usize) {
        self.with(pick, |play, who| {
            let word = play.unique(who);
            let notes = play.wires.members[who].peer.state().notes;
            // Between words only: one torn apart by the next could not be looked for.
            let gaps = notes.chars().enumerate().filter(|(_, c)| *c == '>').map(|(at, _)| at + 1);
            let gaps: Vec<usize> = std::iter::once(0).chain(gaps).collect();
            if play.edits(who, |peer, _| peer.edit_notes(gaps[at % gaps.len()], 0, &word)) {
                play.wires.model.deeds[who].notes.push(word);
                assert!(play.wires.model.rights(who).may_control(), "member {who} may not edit, and did");
            }
        });
    }

    /// Makes an edit; tells whether it was made. Refused is who may not, and nobody else.
    fn edits(&mut self, who: usize, edit: impl FnOnce(&mut Peer, Now) -> Result<(), EditRefused>) -> bool {
        match self.wires.tell(who, edit) {
            Ok(()) => true,
            Err(EditRefused::NotJoined | EditRefused::Ended) => false,
            Err(EditRefused::NoRight(rights)) => {
                assert_eq!(rights, self.wires.model.rights(who), "member {who} is refused");
                assert!(!rights.may_control(), "member {who} may edit, and was refused");
                false
            }
            Err(refused) => panic!("member {who} cannot edit: {refused}"),
        }
    }

    fn type_bytes(&mut self, pick: usize, bytes: usize) {
        self.with(pick, |play, who| {
            if who == HOST {
                return;
            }
            let mut text = play.unique(who).into_bytes();
            text.resize(text.len() + bytes, b'x');
            let may_type = play.wires.model.rights(who).may_type();
            match play.wires.tell(who, |peer, _| peer.type_bytes(PANE, &text)) {
                Ok(()) => {
                    assert!(may_type, "member {who} may not type, and did");
                    play.wires.model.deeds[who].typed.extend(text);
                }
                Err(TypeError::NotJoined | TypeError::Ended) => {}
                Err(TypeError::NoRight) => assert!(!may_type, "member {who} may type, and was refused"),
                Err(refused) => panic!("member {who} cannot type: {refused}"),
            }
        });
    }

    fn write(&mut self, bytes: usize) {
        let mut text = self.unique(HOST).into_bytes();
        text.resize(text.len() + bytes, b'.');
        self.wires.model.written.extend(&text);
        self.wires.tell(HOST, |peer, now| peer.output(PANE, &text, now).unwrap());
    }

    fn revoke(&mut self, pick: usize) {
        if self.tokens.is_empty() {
            return;
        }
        let share = self.tokens[pick % self.tokens.len()].secret().unwrap().share_id();
        match self.wires.tell(HOST, |peer, now| peer.revoke(share, now)) {
            Ok(()) => self.note_closed(&[share], &BTreeSet::new()),
            Err(OwnerError::NoShare(_)) => {}
            Err(error) => panic!("cannot revoke: {error}"),
        }
    }

    fn kick(&mut self, pick: usize) {
        self.with(pick, |play, who| {
            let Some(me) = play.wires.members[who].peer.me().filter(|_| who != HOST) else { return };
            let Some(share) = play.wires.model.deeds[who].share else { return };
            if play.wires.model.standing(who) != Standing::In {
                return;
            }
            let here = play.wires.members[HOST].peer.roster().here();
            let others = here.filter(|(other, _)| other.chain().shares.iter().any(|cert| cert.share == share));
            let others = others.map(|(other, _)| play.wires.model.index_of(&other.author()));
            let stay: BTreeSet<usize> = others.filter(|other| *other != who).collect();
            match play.wires.tell(HOST, |peer, now| peer.kick(me, now)) {
                Ok(_) => play.note_closed(&[share], &stay),
                Err(OwnerError::NoMember(_)) => {}
                Err(error) => panic!("cannot kick: {error}"),
            }
        });
    }

    fn revoke_all(&mut self) {
        self.wires.tell(HOST, |peer, now| peer.revoke_all(now).unwrap());
        let shares: Vec<ShareId> = self.wires.model.links.keys().copied().collect();
        self.note_closed(&shares, &BTreeSet::new());
    }

    /// Closes links in the model, and looks at what the owner has of those who are cut off by it.
    fn note_closed(&mut self, shares: &[ShareId], stay: &BTreeSet<usize>) {
        let wires = &mut self.wires;
        shares.iter().for_each(|share| wires.model.close(*share, stay));
        for who in 1..wires.members.len() {
            if wires.model.standing(who) == Standing::Out && wires.model.deeds[who].kept.is_none() {
                wires.model.deeds[who].kept = Some(wires.lines_of(HOST, who));
            }
        }
    }

    fn let_in(&mut self, pick: usize) {
        let waiting = self.wires.members[HOST].peer.waiting();
        if waiting.is_empty() {
            return;
        }
        let author = waiting[pick % waiting.len()];
        if self.wires.tell(HOST, |peer, now| peer.let_in(author, now)).is_ok() {
            let who = self.wires.model.index_of(&author);
            self.wires.model.deeds[who].is_let_in = true;
        }
    }

    fn pass_on(&mut self, pick: usize, access: Access) {
        self.with(pick, |play, who| {
            if play.tokens.len() >= LINKS_MAX || who == HOST {
                return;
            }
            let terms = ShareTerms { lasts_ms: LONG_MS, ..ShareTerms::new(access) };
            let made = play.wires.tell(who, |peer, now| peer.pass_on(&terms, now));
            let rights = play.wires.model.rights(who);
            if let Ok(token) = made {
                assert!(rights.may_delegate() && rights.contains(access.rights()), "member {who} may not pass that on");
                play.note_link(token, play.wires.model.deeds[who].share, false);
            }
        });
    }

    /// P3: what only the owner can do nobody else does, by whatever link it came.
    fn usurp(&mut self, pick: usize) {
        self.with(pick, |play, who| {
            let Some(me) = play.wires.members[who].peer.me().filter(|_| who != HOST) else { return };
            let share = play.wires.members[HOST].peer.me();
            play.wires.tell(who, |peer, now| {
                assert_eq!(peer.rekey(now), Err(OwnerError::NotOwner));
                assert_eq!(peer.revoke_all(now), Err(OwnerError::NotOwner));
                assert_eq!(peer.kick(share.unwrap(), now), Err(OwnerError::NotOwner));
                assert_eq!(peer.let_in(me, now), Err(OwnerError::NotOwner));
                assert_eq!(peer.end_session(now), Err(OwnerError::NotOwner));
            });
        });
    }

    /// P8: everybody's clock runs on until the short links are over.
    fn expire(&mut self) {
        self.wires.jump(JUMP_MS);
        let now = self.wires.now.wall;
        let links = self.wires.model.links.iter();
        let over: Vec<ShareId> = links.filter(|(_, link)| link.expires < now).map(|(share, _)| *share).collect();
        self.note_closed(&over, &BTreeSet::new());
    }

    fn come_back(&mut self, pick: usize) {
        let away: Vec<usize> = self.wires.members.iter().filter(|it| !it.is_online).map(|it| it.index).collect();
        if let Some(who) = away.get(pick % away.len().max(1)) {
            self.wires.members[*who].is_online = true;
        }
    }
}
