//! A member who wants more than its link gives: typing, editing, publishing, speaking for others.
//!
//! Each is tried twice: through an honest relay, which cuts Eve off, and past it, as if the relay helped her.

use super::eve::{Eve, frame};
use super::table::{ADA, START, Table};
use cahoots::proto::doc::{DocKind, Document, Presence};
use cahoots::proto::id::{AuthorId, Channel, PaneId};
use cahoots::proto::session::Event;
use cahoots::proto::terminal::{DirectUp, Screen, Size, StreamEncoder};
use cahoots::proto::token::Access;
use cahoots::proto::wire::{CloseCode, Frame, WireEntry};

const DAY_MS: u64 = 86_400_000;
const PANE: PaneId = PaneId(0);

fn input() -> DirectUp {
    DirectUp::Input { pane: PANE, bytes: b"rm -rf /\n".to_vec() }
}

/// Lets Eve say it through the relay, and returns how she was thrown out.
fn through_relay(table: &mut Table, eve: &Eve, entries: &[WireEntry]) -> Option<CloseCode> {
    entries.iter().for_each(|entry| table.send(eve.conn, &frame(entry)));
    table.closed_with(eve.conn)
}

/// Puts it on somebody's link directly, as a relay that helps Eve would.
fn past_relay(table: &mut Table, victim: usize, eve: &Eve, entries: &[WireEntry]) {
    table.inject(victim, eve.member_frame());
    entries.iter().for_each(|entry| table.inject(victim, frame(entry)));
    table.pass(1_000_000);
}

/// Read-only means read-only, relay or no relay: this is what sshx leaves to its server.
#[test]
fn view_member_cannot_type() {
    let mut table = Table::new();
    let token = table.share(Access::View, DAY_MS);
    let eve = Eve::join(&mut table, &token).unwrap();
    let typed = eve.seal_direct(3, &input());
    assert_eq!(through_relay(&mut table, &eve, &typed), Some(CloseCode::NoRight));
    past_relay(&mut table, ADA, &eve, &typed);
    assert_eq!(table.inputs(), []);
}

/// The relay sees kinds, not contents: input dressed as a request passes it, and must stop at the host.
#[test]
fn input_smuggled_as_a_request_is_ignored() {
    for access in [Access::View, Access::Interact] {
        let mut table = Table::new();
        let token = table.share(access, DAY_MS);
        let eve = Eve::join(&mut table, &token).unwrap();
        assert_eq!(through_relay(&mut table, &eve, &eve.seal_direct(2, &input())), None);
        table.pass(1_000_000);
        assert_eq!(table.inputs(), []);
    }
}

/// Titles, notes and settings belong to those who may control.
#[test]
fn view_member_cannot_write_state() {
    let mut table = Table::new();
    let tokens = (table.share(Access::View, DAY_MS), table.share(Access::Interact, DAY_MS));
    let ben = table.join(&tokens.1);
    let eve = Eve::join(&mut table, &tokens.0).unwrap();
    let payload = Document::new(DocKind::State, eve.me()).set_title("mine").unwrap().unwrap();
    let entry = [eve.seal(Channel::STATE, 1, &payload)];
    assert_eq!(through_relay(&mut table, &eve, &entry), Some(CloseCode::NoRight));
    for victim in [ADA, ben] {
        past_relay(&mut table, victim, &eve, &entry);
        assert_eq!(table.peers[victim].state().title, "");
    }
}

/// Output is the host's alone: a screen that somebody else could draw on would be a trap.
#[test]
fn guest_cannot_publish_output() {
    let mut table = Table::new();
    let token = table.share(Access::Own, DAY_MS);
    let ben = table.join(&token);
    table.peers[ben].watch(PANE);
    table.pass(1_000_000);
    let eve = Eve::join(&mut table, &token).unwrap();
    let mut screen = Screen::new(Size::new(20, 5));
    screen.write(b"password: ");
    let parts = StreamEncoder::new().keyframe(&screen);
    let channel = Channel::terminal(PANE).unwrap();
    let entries: Vec<_> = parts.iter().map(|part| eve.seal_as(eve.me(), channel, part.kind, &part.plaintext)).collect();
    assert_eq!(through_relay(&mut table, &eve, &entries), Some(CloseCode::NoRight));
    let shown = table.events[ben].len();
    past_relay(&mut table, ben, &eve, &entries);
    let news = table.events[ben][shown..].iter().filter(|event| matches!(event, Event::Terminal(..)));
    assert_eq!(news.count(), 0);
}

/// An answer of the host says that input was taken; nobody else may say so.
#[test]
fn guest_cannot_answer_for_the_host() {
    let mut table = Table::new();
    let token = table.share(Access::Own, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    table.tap = Some(Box::new(|_, _, frame| if is_direct(&frame) { vec![] } else { vec![frame] }));
    table.peers[ben].type_bytes(PANE, b"ls\n").unwrap();
    table.settle();
    let [_, typed] = eve.seal_direct(3, &input());
    let lane = eve.lane(Channel::FROM_HOST, eve.me());
    let body = [table.peers[ben].me().unwrap().as_bytes(), typed.body()].concat();
    let forged = WireEntry::encode(1, lane, 0, &body, typed.signature());
    table.tap = None;
    assert_eq!(through_relay(&mut table, &eve, std::slice::from_ref(&forged)), Some(CloseCode::NoRight));
    table.inject(ben, eve.member_frame());
    table.inject(ben, frame(&forged));
    assert_eq!(table.peers[ben].unconfirmed_bytes(), 3, "Ben still waits for Ada");
}

fn is_direct(frame: &Frame) -> bool {
    let Frame::Entry(raw) = frame else { return false };
    let channel = WireEntry::decode(raw.clone()).unwrap().lane.channel;
    channel == Channel::TO_HOST || channel == Channel::FROM_HOST
}

/// Nobody speaks in another's name: the signature would have to be the other's.
#[test]
fn forged_author_is_refused_and_named() {
    let mut table = Table::new();
    let token = table.share(Access::Own, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    let ada = table.peers[ADA].me().unwrap();
    let payload = Document::new(DocKind::Chat, ada).say(&"I resign".into(), START.wall).unwrap().unwrap();
    let padded = cahoots::proto::seal::pad_durable(&payload);
    let forged = eve.seal_as(ada, Channel::CHAT, 1, &padded);
    assert_eq!(through_relay(&mut table, &eve, std::slice::from_ref(&forged)), Some(CloseCode::Protocol));
    table.inject(ben, frame(&forged));
    table.pass(1_000_000);
    assert_eq!(table.chat(ben), Vec::<String>::new());
    assert_eq!(table.alarms(ben).len(), 1, "{:?}", table.alarms(ben));
    assert!(!table.peers[ben].is_linked(), "who passes forgeries on is left");
}

/// A change that names another actor inside is a forgery too, though Eve signs the outside herself.
#[test]
fn change_in_anothers_name_inside_ones_own_entry_is_refused() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    let ada = table.peers[ADA].me().unwrap();
    let payload = Document::new(DocKind::Chat, ada).say(&"I resign".into(), START.wall).unwrap().unwrap();
    assert_eq!(through_relay(&mut table, &eve, &[eve.seal(Channel::CHAT, 1, &payload)]), None);
    table.pass(1_000_000);
    for index in [ADA, ben] {
        assert_eq!(table.chat(index), Vec::<String>::new());
        assert_eq!(table.alarms(index).len(), 1, "{:?}", table.alarms(index));
    }
    table.peers[ADA].say(&"I stay".into(), START).unwrap();
    table.pass(1_000_000);
    assert_eq!(table.chat(ben), ["I stay"], "nobody else suffers");
}

/// Signing somebody's ciphertext makes it neither readable nor one's own.
#[test]
fn adopted_ciphertext_does_not_open() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    table.read(eve.conn);
    have_nothing(&mut table, &eve);
    let now = table.now;
    table.peers[ben].say(&"my own words".into(), now).unwrap();
    table.settle();
    let original = entries_on(&table.read(eve.conn), Channel::CHAT).pop().unwrap();
    let lane = eve.lane(Channel::CHAT, eve.me());
    let header = cahoots::proto::wire::header(&eve.secret.session(), 1, &lane, 0, &[0; 32], original.body().len());
    let digest = cahoots::proto::lane::verify::entry_digest(&header, original.body());
    let adopted = WireEntry::encode(1, lane, 0, original.body(), &eve.keys.sign(&digest));
    assert_eq!(through_relay(&mut table, &eve, &[adopted]), None, "the relay cannot know");
    table.pass(1_000_000);
    for index in [ADA, ben] {
        assert_eq!(table.chat(index), ["my own words"]);
        assert_eq!(table.alarms(index).len(), 1, "{:?}", table.alarms(index));
    }
}

/// Tells the relay that Eve holds nothing, so that it sends her all.
fn have_nothing(table: &mut Table, eve: &Eve) {
    for channel in Channel::DURABLE {
        let have = cahoots::proto::wire::Have { channel, last: true, lanes: vec![] };
        table.send(eve.conn, &Frame::Have(have));
    }
}

fn entries_on(frames: &[Frame], channel: Channel) -> Vec<WireEntry> {
    let entry = |frame: &Frame| match frame {
        Frame::Entry(raw) => WireEntry::decode(raw.clone()).ok(),
        _ => None,
    };
    frames.iter().filter_map(entry).filter(|entry| entry.lane.channel == channel).collect()
}

/// Two entries in one place of a lane would show two histories to two members.
#[test]
fn equivocation_reaches_nobody_who_has_the_first() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    let said = |text: &str| {
        let payload = Document::new(DocKind::Chat, eve.me()).say(&text.into(), START.wall).unwrap().unwrap();
        eve.seal(Channel::CHAT, 1, &payload)
    };
    let (yes, no) = (said("yes"), said("no"));
    assert_eq!(through_relay(&mut table, &eve, &[yes, no.clone()]), None);
    past_relay(&mut table, ben, &eve, &[no]);
    for index in [ADA, ben] {
        assert_eq!(table.chat(index), ["yes"]);
    }
}

/// Where somebody points and what they are called is theirs to say.
#[test]
fn presence_of_another_cannot_be_made_up() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let ben = table.join(&token);
    table.pass(1_000_000);
    let eve = Eve::join(&mut table, &token).unwrap();
    let victim = table.peers[ben].me().unwrap();
    let presence = Presence { name: "fool".into(), leaving: true, ..Presence::default() };
    let forged = eve.seal_as(victim, Channel::PRESENCE, 1, &presence.encode(victim));
    assert_eq!(through_relay(&mut table, &eve, std::slice::from_ref(&forged)), Some(CloseCode::NoRight));
    table.inject(ADA, frame(&forged));
    let name = |author: AuthorId| {
        let mut here = table.peers[ADA].roster().here();
        here.find(|(member, _)| member.author() == author).map(|(_, presence)| presence.name.clone())
    };
    assert_eq!(name(victim), Some(String::new()));
}

/// The auth log is the owner's: neither a guest nor a co-owner adds a line to it.
#[test]
fn nobody_but_the_owner_writes_the_log() {
    for access in [Access::Interact, Access::Own] {
        let mut table = Table::new();
        let token = table.share(access, DAY_MS);
        let eve = Eve::join(&mut table, &token).unwrap();
        let root = cahoots::proto::key::SessionRoot::from_seed([0xee; 32]);
        let mut forked = cahoots::proto::authlog::AuthLog::new(root.session_id());
        let genesis = cahoots::proto::authlog::Record::Genesis { root: root.public() };
        forked.write(&root, &genesis, START.wall).unwrap();
        let end = forked.write(&root, &cahoots::proto::authlog::Record::End, START.wall).unwrap();
        table.send(eve.conn, &Frame::Log(end));
        assert_eq!(table.closed_with(eve.conn), Some(CloseCode::Protocol));
        assert_eq!(table.peers[ADA].ended(), None);
    }
}
