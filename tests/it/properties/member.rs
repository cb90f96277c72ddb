//! One member under test: its machine, its clock, its connection, and what a person in front of it would see.

use super::model::Model;
use cahoots::proto::id::PaneId;
use cahoots::proto::session::{Alarm, Ending, Event, LinkId, Peer};
use cahoots::proto::terminal::StreamEvent;
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::wire::CloseCode;

/// The one terminal of the session.
pub(crate) const PANE: PaneId = PaneId(0);

/// One member, host or guest.
pub(crate) struct Member {
    pub(crate) index: usize,
    pub(crate) peer: Peer,
    /// How far its clock is from the true time, in milliseconds.
    skew_ms: i64,
    pub(crate) conn: Option<LinkId>,
    /// Whether somebody keeps it connected. A laptop that is closed is not.
    pub(crate) is_online: bool,
    pub(crate) dial_at: Mono,
    pub(crate) ended: Option<Ending>,
    pub(crate) alarms: Vec<Alarm>,
    /// How its last connection ended.
    pub(crate) unlinked: Option<CloseCode>,
    /// Bytes of the terminal seen so far, once there was a keyframe.
    pub(crate) seen: Option<u64>,
}

impl Member {
    pub(crate) const fn new(index: usize, peer: Peer, skew_ms: i64) -> Self {
        let dial_at = Mono(0);
        Self {
            index,
            peer,
            skew_ms,
            conn: None,
            is_online: true,
            dial_at,
            ended: None,
            alarms: Vec::new(),
            unlinked: None,
            seen: None,
        }
    }

    /// Returns the time by this member's clock.
    pub(crate) const fn now(&self, now: Now) -> Now {
        Now { wall: Wall(now.wall.0.saturating_add_signed(self.skew_ms)), ..now }
    }

    /// Takes all events, and checks what can be checked at once.
    pub(crate) fn take_events(&mut self, model: &mut Model) {
        while let Some(event) = self.peer.poll_event() {
            let is_content = matches!(event, Event::Message(_) | Event::Terminal(..) | Event::Input(..) | Event::State);
            assert!(!is_content || self.ended.is_none(), "member {} sees {event:?} after its end", self.index);
            match event {
                Event::Terminal(PANE, event) => self.show(&event, model),
                Event::Input(PANE, author, bytes) => model.take_input(author, &bytes),
                Event::Ended(ending) => self.ended = Some(ending),
                Event::Unlinked(_, code) => self.unlinked = Some(code),
                Event::Alarm(alarm) => {
                    model.check_alarm(self.index, &alarm);
                    self.alarms.push(alarm);
                }
                Event::InputLost { bytes } => panic!("member {} lost {bytes} typed bytes", self.index),
                _ => {}
            }
        }
        if let Some(me) = self.peer.me() {
            model.name(self.index, me);
        }
    }

    /// P26: what is shown is what was written, from a keyframe on and without a gap.
    fn show(&mut self, event: &StreamEvent, model: &Model) {
        let who = self.index;
        match event {
            StreamEvent::Keyframe { offset, .. } => {
                assert!(Some(*offset) >= self.seen, "member {who} is taken back from {:?} to {offset}", self.seen);
                assert!(*offset <= model.written.len() as u64, "member {who} is shown what was not written");
                self.seen = Some(*offset);
            }
            StreamEvent::Past { offset, .. } => {
                assert!(*offset <= model.written.len() as u64, "member {who} is shown what was not written");
                self.seen = Some(*offset);
            }
            StreamEvent::Output { offset, data } => {
                assert_eq!(Some(*offset), self.seen, "member {who}: output does not follow on");
                let from = usize::try_from(*offset).unwrap();
                let written = model.written.get(from..from + data.len());
                assert_eq!(written, Some(&data[..]), "member {who}: other output than was written");
                self.seen = Some(offset + data.len() as u64);
            }
            StreamEvent::End { .. } => panic!("nobody ended the terminal"),
        }
    }
}
