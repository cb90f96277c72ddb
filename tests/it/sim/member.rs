//! One simulated member: its machine, its clocks, and what a person in front of it would see.

use super::model::Model;
use cahoots::proto::id::{AuthorId, PaneId};
use cahoots::proto::session::{Alarm, Ending, Event, LinkId, Peer};
use cahoots::proto::terminal::{Screen, StreamEvent};
use cahoots::proto::time::Now;
use cahoots::proto::token::Access;
use std::collections::{BTreeMap, BTreeSet};

/// A terminal as a viewer shows it.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) screen: Option<Screen>,
    pub(crate) offset: u64,
    pub(crate) exit: Option<i32>,
    /// Whether it began anew with the lines above it: what was shown since comes again.
    pub(crate) is_anew: bool,
}

/// One member.
pub(crate) struct Member {
    pub(crate) index: usize,
    pub(crate) peer: Peer,
    pub(crate) access: Access,
    /// Where its monotonic clock stood when the run began, in microseconds.
    pub(crate) origin_us: u64,
    pub(crate) skew_ms: i64,
    pub(crate) asleep_until_us: u64,
    pub(crate) timer_at_us: Option<u64>,
    pub(crate) spins: u32,
    pub(crate) spun_at_us: u64,
    pub(crate) halls: Vec<usize>,
    pub(crate) wires: BTreeMap<LinkId, u64>,
    pub(crate) backoff_us: BTreeMap<usize, u64>,
    pub(crate) has_left: bool,
    pub(crate) ended: Option<Ending>,
    pub(crate) views: BTreeMap<PaneId, View>,
    /// Whether there may be a terminal that it does not watch.
    pub(crate) may_watch: bool,
    /// Messages told as events, to catch one told twice.
    told: BTreeSet<(AuthorId, u64)>,
    /// The chat as it was last looked at, to catch a line that vanishes or moves.
    chat: Vec<(AuthorId, u64)>,
    /// The newest record of the auth log at that time.
    log_head: [u8; 32],
    joined: BTreeSet<AuthorId>,
    /// What it was warned of since the last trial began.
    pub(crate) alarms: Vec<Alarm>,
}

impl Member {
    pub(crate) fn new(index: usize, peer: Peer, access: Access, skew_ms: i64) -> Self {
        Self {
            index,
            peer,
            access,
            origin_us: 77_000_000 * index as u64,
            skew_ms,
            asleep_until_us: 0,
            timer_at_us: None,
            spins: 0,
            spun_at_us: 0,
            halls: Vec::new(),
            wires: BTreeMap::new(),
            backoff_us: BTreeMap::new(),
            has_left: false,
            ended: None,
            views: BTreeMap::new(),
            may_watch: true,
            told: BTreeSet::new(),
            chat: Vec::new(),
            log_head: [0; 32],
            joined: BTreeSet::new(),
            alarms: Vec::new(),
        }
    }

    pub(crate) const fn is_asleep(&self, now_us: u64) -> bool {
        self.asleep_until_us > now_us
    }

    /// Tells whether it takes part and should see everything.
    pub(crate) const fn is_in(&self) -> bool {
        !self.has_left && self.ended.is_none()
    }

    pub(crate) fn may_control(&self) -> bool {
        self.access != Access::View
    }

    /// Tells the model this member's name once it has one.
    pub(crate) fn model_me(&self, model: &mut Model) {
        if let Some(me) = self.peer.me() {
            model.authors.insert(me, self.index);
        }
    }

    /// Takes one event, and checks all that can be checked at once.
    pub(crate) fn take(&mut self, event: Event, model: &mut Model, now: Now) {
        let who = self.index;
        let is_content = matches!(event, Event::Message(_) | Event::Terminal(..) | Event::Input(..) | Event::State);
        assert!(!is_content || self.ended.is_none(), "member {who} was shown something after its end: {event:?}");
        match event {
            Event::Message(message) => {
                let id = (message.author, message.n);
                let is_news = self.told.insert(id) || model.is_false(message.author);
                assert!(is_news, "member {who} was told message {id:?} twice");
                model.check_message(who, &message);
            }
            Event::Terminal(pane, event) => self.show(pane, event, model),
            Event::Input(pane, author, bytes) => {
                assert_eq!(who, 0, "only the host takes input");
                model.check_heard(author, now.wall);
                model.take_input(pane, author, &bytes);
            }
            Event::Joined(author) => {
                assert!(self.joined.insert(author), "{author} joined twice at member {who}");
                model.check_heard(author, now.wall);
            }
            Event::Presence(author) => model.check_heard(author, now.wall),
            Event::Left(author) => assert!(self.joined.remove(&author), "{author} left twice at member {who}"),
            Event::State => self.may_watch = true,
            Event::Ended(ending) => self.ended = Some(ending),
            Event::Alarm(alarm) => {
                let is_loss = matches!(alarm, Alarm::RolledBack { .. }) && model.has_lost;
                let is_delay = matches!(alarm, Alarm::Diverged(_)) && model.has_slow_path;
                let is_deserved = model.has_lied || is_loss || is_delay || model.is_about_false_members(who, &alarm);
                assert!(is_deserved, "member {who} raises a false alarm: {alarm}");
                model.check_alarm(who, &alarm);
                self.alarms.push(alarm);
            }
            Event::InputLost { bytes } => panic!("member {who} lost {bytes} typed bytes, but the host never changed"),
            _ => {}
        }
    }

    fn show(&mut self, pane: PaneId, event: StreamEvent, model: &Model) {
        let who = self.index;
        let view = self.views.entry(pane).or_default();
        match event {
            StreamEvent::Keyframe { size, offset, data } => {
                assert!(offset >= view.offset, "member {who} is taken back from {} to {offset}", view.offset);
                model.check_offset(pane, offset);
                view.screen.get_or_insert_with(|| Screen::new(size)).restore(size, &data);
                view.offset = offset;
            }
            StreamEvent::Output { offset, data } => {
                assert!(view.exit.is_none() || view.is_anew, "member {who} sees output of {pane} after its end");
                assert_eq!(offset, view.offset, "member {who}: output of {pane} does not follow on");
                model.check_output(pane, offset, &data);
                let screen = view.screen.as_mut().expect("a keyframe comes first");
                screen.write(&data);
                view.offset += data.len() as u64;
            }
            StreamEvent::Past { size, offset, lines, keyframe } => {
                model.check_offset(pane, offset);
                view.screen.as_mut().expect("a keyframe comes first").begin_anew(size, &lines, &keyframe);
                // What was shown since comes again.
                (view.offset, view.is_anew) = (offset, true);
            }
            StreamEvent::End { code } => {
                model.check_end(pane, code);
                view.exit = Some(code);
            }
        }
    }

    /// Checks that no line of the chat has vanished or changed places since the last look. A new epoch takes lines back
    /// that were on their way; their authors say them again.
    pub(crate) fn look_at_chat(&mut self) {
        let now: Vec<_> = self.peer.messages().iter().map(|message| (message.author, message.n)).collect();
        let log_head = std::mem::replace(&mut self.log_head, self.peer.log().head());
        let mut rest = now.iter();
        for before in self.chat.iter().filter(|_| log_head == self.log_head) {
            assert!(rest.any(|id| id == before), "member {}: line {before:?} has vanished or moved", self.index);
        }
        self.chat = now;
    }
}
