//! P3, without chance: every one of the 128 sets of rights, every kind of message, with an honest relay and past it.
//!
//! Eve has a link that the owner recorded with just these rights, and the newest epoch's key. What she has no right to
//! must change nothing at anybody honest; what she has the right to must, or the test would show nothing.

use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::{ADA, START, Table};
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::doc::{DocKind, Document, Draft, Presence};
use cahoots::proto::epoch::EpochSecret;
use cahoots::proto::id::{AuthorId, Channel, Epoch, PaneId};
use cahoots::proto::key::{SessionRoot, ShareSecret};
use cahoots::proto::seal::{pad_durable, seal_share_kek};
use cahoots::proto::session::Event;
use cahoots::proto::share::{Rights, ShareCert, ShareFlags, ShareTerms};
use cahoots::proto::terminal::{DirectUp, Screen, Size, StreamEncoder, StreamEvent, Wish};
use cahoots::proto::time::Wall;
use cahoots::proto::token::Access;
use cahoots::proto::wire::{Ack, CloseCode, Frame, Have, LaneNext, PassedOn, WireEntry};
use std::collections::BTreeSet;

const DAY_MS: u64 = 86_400_000;
const PANE: PaneId = PaneId(0);
/// Sets of rights tried in one session: the more, the fewer sessions have to be set up.
const SETS_PER_SESSION: u8 = 16;

/// The root that [`Table::new`] gives the owner.
fn owner_root() -> SessionRoot {
    SessionRoot::from_seed([1; 32])
}

/// What a message needs to change something.
#[derive(Clone, Copy, Debug)]
enum Needs {
    /// These rights; with them, it does.
    Right(Rights),
    /// To be the host, the owner or the author: no right is enough.
    MoreThanRights,
}

/// A kind of message that Eve sends.
struct Attempt {
    what: &'static str,
    needs: Needs,
    make: fn(&Stage, &Eve) -> Vec<Frame>,
}

impl Attempt {
    fn is_allowed(&self, rights: Rights) -> bool {
        matches!(self.needs, Needs::Right(right) if rights.contains(right))
    }

    const fn is_somebodys_right(&self) -> bool {
        matches!(self.needs, Needs::Right(_))
    }
}

const ATTEMPTS: [Attempt; 21] = [
    Attempt { what: "a line", needs: Needs::Right(Rights::CHAT), make: |_, eve| vec![frame(&line_of(eve))] },
    Attempt { what: "an edit", needs: Needs::Right(Rights::CONTROL), make: |_, eve| vec![frame(&edit_of(eve))] },
    Attempt {
        what: "presence",
        needs: Needs::Right(Rights::PRESENCE),
        make: |_, eve| vec![presence_of(eve, eve.me())],
    },
    Attempt { what: "a window's size", needs: Needs::Right(Rights::READ), make: |_, eve| direct(eve, 2, &SIZE) },
    Attempt { what: "keys", needs: Needs::Right(TYPING), make: |_, eve| direct(eve, 3, &input()) },
    Attempt { what: "a share passed on", needs: Needs::Right(Rights::DELEGATE), make: |_, eve| vec![passed_on(eve)] },
    Attempt { what: "keys as a request", needs: Needs::MoreThanRights, make: |_, eve| direct(eve, 2, &input()) },
    Attempt { what: "a wish to drive", needs: Needs::MoreThanRights, make: |_, eve| direct(eve, 2, &DRIVE) },
    Attempt { what: "a screen", needs: Needs::MoreThanRights, make: |_, eve| screen(eve, eve.me()) },
    Attempt { what: "a screen as the host", needs: Needs::MoreThanRights, make: |stage, eve| screen(eve, stage.ada()) },
    Attempt { what: "an answer", needs: Needs::MoreThanRights, make: |stage, eve| vec![answer(stage, eve)] },
    Attempt { what: "a checkpoint", needs: Needs::MoreThanRights, make: |_, eve| segments(eve) },
    Attempt { what: "a line as Ada", needs: Needs::MoreThanRights, make: |stage, eve| vec![line_as(eve, stage.ada())] },
    Attempt {
        what: "presence as Ben",
        needs: Needs::MoreThanRights,
        make: |stage, eve| vec![presence_of(eve, stage.ben())],
    },
    Attempt { what: "a wider certificate", needs: Needs::MoreThanRights, make: |_, eve| widened(eve) },
    Attempt { what: "a record of the log", needs: Needs::MoreThanRights, make: |stage, _| vec![forged_record(stage)] },
    Attempt { what: "a key of her own", needs: Needs::MoreThanRights, make: |stage, _| vec![wrap(stage)] },
    Attempt {
        what: "a proof",
        needs: Needs::MoreThanRights,
        make: |_, _| vec![Frame::Proof(Bytes::from_static(&[0; 360]))],
    },
    Attempt { what: "what she has", needs: Needs::MoreThanRights, make: |stage, _| have(stage) },
    Attempt { what: "receipts", needs: Needs::MoreThanRights, make: |stage, _| receipts(stage) },
    Attempt { what: "wishes", needs: Needs::MoreThanRights, make: |_, _| wishes() },
];

/// Whoever types has to open the channel to the host, too.
const TYPING: Rights = Rights::READ.union(Rights::INPUT);
const SIZE: DirectUp = DirectUp::Size { pane: PANE, size: Size { cols: 77, rows: 33 } };
const DRIVE: DirectUp = DirectUp::Drive { pane: PANE, wish: Wish::Take };

fn input() -> DirectUp {
    DirectUp::Input { pane: PANE, bytes: b"rm -rf /\n".to_vec() }
}

fn payload(kind: DocKind, eve: &Eve, as_whom: AuthorId) -> Bytes {
    let mut document = Document::new(kind, as_whom);
    let text = format!("by {}", eve.me());
    let made = match kind {
        DocKind::Chat => document.say(&Draft::from(text.as_str()), START.wall),
        DocKind::State => document.set_app(&text, "1"),
    };
    made.unwrap().unwrap()
}

fn line_of(eve: &Eve) -> WireEntry {
    eve.seal(Channel::CHAT, 1, &payload(DocKind::Chat, eve, eve.me()))
}

fn edit_of(eve: &Eve) -> WireEntry {
    eve.seal(Channel::STATE, 1, &payload(DocKind::State, eve, eve.me()))
}

fn line_as(eve: &Eve, author: AuthorId) -> Frame {
    frame(&eve.seal_as(author, Channel::CHAT, 1, &pad_durable(&payload(DocKind::Chat, eve, author))))
}

fn presence_of(eve: &Eve, author: AuthorId) -> Frame {
    let presence = Presence { name: "Eve".into(), ..Presence::default() };
    frame(&eve.seal_as(author, Channel::PRESENCE, 1, &presence.encode(author)))
}

fn direct(eve: &Eve, kind: u8, message: &DirectUp) -> Vec<Frame> {
    eve.seal_direct(kind, message).iter().map(frame).collect()
}

fn screen(eve: &Eve, author: AuthorId) -> Vec<Frame> {
    let mut screen = Screen::new(Size::new(20, 5));
    screen.write(b"password: ");
    let channel = Channel::terminal(PANE).unwrap();
    let parts = StreamEncoder::new().keyframe(&screen);
    parts.iter().map(|part| frame(&eve.seal_as(author, channel, part.kind, &part.plaintext))).collect()
}

fn answer(stage: &Stage, eve: &Eve) -> Frame {
    let sealed = eve.seal_direct(2, &SIZE);
    let body = [stage.ben().as_bytes(), sealed[1].body()].concat();
    frame(&WireEntry::encode(1, eve.lane(Channel::FROM_HOST, eve.me()), 0, &body, sealed[1].signature()))
}

fn segments(eve: &Eve) -> Vec<Frame> {
    let channels = [Channel::STATE_CHECKPOINT, Channel::CHAT_CHECKPOINT];
    channels.map(|channel| frame(&eve.seal(channel, 1, b"\x01 nothing was ever said"))).into()
}

/// Passes Eve's share on as one to look on by.
fn passed_on(eve: &Eve) -> Frame {
    let (parent, session) = (&eve.chain.shares[0], eve.secret.session());
    let secret = ShareSecret::new(&session, eve.me().0, ShareFlags::NONE, None);
    let terms = ShareTerms {
        rights: parent.rights.intersection(Rights::READ),
        depth_left: 0,
        not_before: parent.not_before,
        expires: parent.expires,
        max_members: 0,
        flags: ShareFlags::NONE,
    };
    let cert = ShareCert::issue_below(parent, &eve.secret, &secret, terms);
    let host = eve.log.host_member().unwrap();
    let kek = seal_share_kek(host.kem_public(), &session, &secret.share_id(), secret.kek(), [6; 32]).unwrap();
    let wrap = eve.epoch_secret().wrap(Epoch(0), secret.kek(), &secret.share_id().0, &session);
    Frame::Share(PassedOn { certs: vec![cert, parent.clone()], wrap, sealed_kek: kek })
}

/// A certificate with all rights, signed with the share's key as it should be, and a line by it.
fn widened(eve: &Eve) -> Vec<Frame> {
    let mut wide = eve.chain.shares[0].clone();
    wide.rights = Rights::OWN;
    let eve = eve.by_share(eve.secret.clone(), wide, [0xe0; 32]);
    // With all rights there is nothing wider.
    let is_wider = eve.chain.shares[0].rights != Rights::OWN || !eve.chain.shares[0].is_signed();
    let frames = [eve.member_frame(), frame(&line_of(&eve)), frame(&edit_of(&eve))];
    frames.into_iter().filter(|_| is_wider).collect()
}

fn forged_record(stage: &Stage) -> Frame {
    let eve = SessionRoot::from_seed([0xee; 32]);
    let mut forged = AuthLog::new(eve.session_id());
    forged.write(&eve, &Record::Genesis { root: eve.public() }, START.wall).unwrap();
    let mut raw = forged.write(&eve, &Record::End, START.wall).unwrap().to_vec();
    // All but the signature is as it would have to be.
    let log = stage.table.peers[ADA].log();
    raw[2..18].copy_from_slice(log.session().as_bytes());
    raw[18..26].copy_from_slice(&log.next_seq().to_le_bytes());
    raw[26..58].copy_from_slice(&log.head());
    Frame::Log(raw.into())
}

fn wrap(stage: &Stage) -> Frame {
    let session = stage.table.peers[ADA].session();
    let kek = stage.interact.kek();
    Frame::Wrap(EpochSecret::from_bytes([7; 32]).wrap(Epoch(1), kek, &stage.interact.share_id().0, &session))
}

fn have(stage: &Stage) -> Vec<Frame> {
    let lane = LaneNext { author: stage.ben(), epoch: Epoch(0), next: 1_000 };
    Channel::DURABLE.map(|channel| Frame::Have(Have { channel, last: true, lanes: vec![lane] })).into()
}

/// What a relay alone may say; Eve's relay says it for her.
fn receipts(stage: &Stage) -> Vec<Frame> {
    let lane = |author, channel| cahoots::proto::id::LaneId { channel, author, epoch: Epoch(0) };
    let acks = [stage.ada(), stage.ben()].map(|author| Frame::Ack(Ack { lane: lane(author, Channel::CHAT), next: 9 }));
    acks.into_iter().chain([Frame::WantKeyframe(Channel::terminal(PANE).unwrap())]).collect()
}

fn wishes() -> Vec<Frame> {
    let channel = Channel::terminal(PANE).unwrap();
    let unknown = Frame::Unknown { kind: 99 };
    vec![Frame::Watch(channel), Frame::Unwatch(channel), Frame::Ping([7; 8]), Frame::Pong([7; 8]), unknown]
}

/// What of an honest peer Eve might change.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Likeness {
    log: [u8; 32],
    /// Of the documents, which follow from them.
    heads: Vec<Vec<[u8; 32]>>,
    shares: usize,
    waiting: usize,
    /// Events that only content makes.
    content: usize,
    /// What was shown: the same again to who dials again.
    shown: BTreeSet<Vec<u8>>,
    names: BTreeSet<(AuthorId, String)>,
    is_over: bool,
}

fn shown(event: &Event) -> Option<Vec<u8>> {
    match event {
        Event::Terminal(_, StreamEvent::Keyframe { data, .. } | StreamEvent::Output { data, .. }) => Some(data.clone()),
        Event::Terminal(_, StreamEvent::Past { lines, keyframe, .. }) => Some([&lines[..], keyframe].concat()),
        _ => None,
    }
}

impl Likeness {
    fn of(table: &Table, index: usize) -> Self {
        let peer = &table.peers[index];
        let is_content = |event: &&Event| {
            let is_said = matches!(event, Event::Input(..) | Event::WindowSize(..) | Event::InputRefused(..));
            let is_driven = matches!(event, Event::DriverChanged(..) | Event::DriveWished(..));
            is_said || is_driven || matches!(event, Event::Rekeyed(_) | Event::CheckpointTaken(_))
        };
        let here = peer.roster().here().map(|(member, presence)| (member.author(), presence.name.clone()));
        Self {
            log: peer.log().head(),
            heads: Channel::DURABLE.map(|channel| peer.document(channel).unwrap().heads()).into(),
            shares: peer.shares().len(),
            waiting: peer.waiting().len(),
            content: table.events[index].iter().filter(is_content).count(),
            shown: table.events[index].iter().filter_map(shown).collect(),
            names: here.collect(),
            is_over: peer.ended().is_some(),
        }
    }

    /// Tells whether Eve has changed something since `before`. Who falls silent goes by itself.
    fn differs_from(&self, before: &Self) -> bool {
        let came = self.names.difference(&before.names).next();
        let rest = |likeness: &Self| Self { names: BTreeSet::new(), ..likeness.clone() };
        came.is_some() || rest(self) != rest(before)
    }
}

/// Ada and Ben, who are honest; Cat, who gives Eve all that she knows; and Eve.
struct Stage {
    table: Table,
    ben: usize,
    interact: ShareSecret,
    cat: Eve,
    members: u64,
}

impl Stage {
    fn new() -> Self {
        let mut table = Table::new();
        let tokens = (table.share(Access::Interact, DAY_MS), table.share(Access::View, DAY_MS));
        let ben = table.join(&tokens.0);
        table.peers[ben].watch(PANE);
        table.pass(1_000_000);
        let cat = Eve::join(&mut table, &tokens.1).unwrap();
        Self { table, ben, interact: tokens.0.secret().unwrap(), cat, members: 0 }
    }

    fn ada(&self) -> AuthorId {
        self.table.peers[ADA].me().unwrap()
    }

    fn ben(&self) -> AuthorId {
        self.table.peers[self.ben].me().unwrap()
    }

    fn likenesses(&self) -> [Likeness; 2] {
        [ADA, self.ben].map(|index| Likeness::of(&self.table, index))
    }

    /// Has the owner record a share with these rights.
    fn record(&mut self, rights: Rights) -> (ShareSecret, ShareCert) {
        let session = self.table.peers[ADA].session();
        let secret = ShareSecret::new(&session, [rights.bits(); 16], ShareFlags::NONE, None);
        let terms = ShareTerms {
            rights,
            depth_left: 1,
            not_before: Wall(START.wall.0 - DAY_MS),
            expires: START.wall.after_ms(DAY_MS),
            max_members: 0,
            flags: ShareFlags::NONE,
        };
        let cert = ShareCert::issue_root(&owner_root(), &secret, terms);
        let mut log = self.table.peers[ADA].log().clone();
        let record = log.write(&owner_root(), &Record::Share(cert.clone()), START.wall).unwrap();
        // A record of the owner's is true, whoever brings it.
        self.table.send(self.cat.conn, &Frame::Log(record));
        assert_eq!(self.table.peers[ADA].log().head(), log.head());
        self.cat.log = log;
        (secret, cert)
    }

    /// Makes another member of a share: one that has said nothing yet.
    fn eve(&mut self, share: &(ShareSecret, ShareCert)) -> Eve {
        self.members += 1;
        let seed = *blake3::hash(&self.members.to_le_bytes()).as_bytes();
        self.cat.by_share(share.0.clone(), share.1.clone(), seed)
    }

    /// Puts frames on the links of all who are honest, as a relay that helps Eve can.
    fn past_relay(&mut self, eve: &Eve, frames: &[Frame]) {
        for index in [ADA, self.ben] {
            for frame in std::iter::once(&eve.member_frame()).chain(frames) {
                if self.table.peers[index].is_linked() {
                    self.table.inject(index, frame.clone());
                }
            }
        }
    }

    /// Sends frames as a member of an honest relay.
    fn through_relay(&mut self, eve: &Eve, frames: &[Frame]) {
        let (session, share) = (eve.secret.session(), eve.secret.share_id());
        let (conn, binding) = self.table.greet_by_hand(session, share).expect("the share is known");
        self.table.send(conn, &eve.auth(&eve.chain, &binding));
        frames.iter().for_each(|frame| self.table.send(conn, frame));
        self.table.send(conn, &Frame::Close(CloseCode::Bye));
    }

    /// Makes attempts, each by a member of her own, in both ways; tells whether anything has changed by them. What the
    /// honest relay thinks of those that no right allows is the relay's own tests' matter.
    fn changes(&mut self, share: &(ShareSecret, ShareCert), attempts: &[&Attempt], way: Way) -> bool {
        let before = self.likenesses();
        for attempt in attempts {
            let eve = self.eve(share);
            let frames = (attempt.make)(self, &eve);
            match way {
                Way::PastRelay => self.past_relay(&eve, &frames),
                Way::ThroughRelay => self.through_relay(&eve, &frames),
            }
            self.dial_again();
        }
        self.table.pass(100_000);
        self.likenesses().iter().zip(&before).any(|(after, before)| after.differs_from(before))
    }

    /// Has those dial again who left the relay for what it passed on.
    fn dial_again(&mut self) {
        for index in [ADA, self.ben] {
            if !self.table.peers[index].is_linked() {
                self.table.connect(index);
            }
        }
    }
}

/// How Eve's messages get to others.
#[derive(Clone, Copy, Debug)]
enum Way {
    PastRelay,
    ThroughRelay,
}

/// Nobody does a thing that its rights do not say, however its relay helps; and everybody does what they say.
#[test]
fn every_message_under_every_set_of_rights_does_what_they_say() {
    for first in (0..128).step_by(SETS_PER_SESSION.into()) {
        let mut stage = Stage::new();
        for bits in first..first + SETS_PER_SESSION {
            let rights = Rights::parse(bits).unwrap();
            let share = stage.record(rights);
            let (may, may_not): (Vec<_>, Vec<_>) = ATTEMPTS.iter().partition(|attempt| attempt.is_allowed(rights));
            let by_right: Vec<_> = may_not.iter().copied().filter(|attempt| attempt.is_somebodys_right()).collect();
            for way in [Way::PastRelay, Way::ThroughRelay] {
                for attempt in &may {
                    let what = attempt.what;
                    assert!(stage.changes(&share, &[attempt], way), "{what} does nothing with {rights}, {way:?}");
                }
            }
            for (way, attempts) in [(Way::PastRelay, &may_not), (Way::ThroughRelay, &by_right)] {
                if stage.changes(&share, attempts, way) {
                    let does = |attempt: &&&Attempt| stage.changes(&share, &[**attempt], way);
                    let what = attempts.iter().find(does).map(|attempt| attempt.what);
                    panic!("{what:?} changes something with {rights} ({bits}), {way:?}");
                }
            }
        }
    }
}
