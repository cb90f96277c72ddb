//! What is typed, in the hands of a relay that keeps, repeats, shuffles and redirects it: it reaches the one program
//! that it was typed for, once and in order, or none.

use super::*;
use crate::proto::authlog::Record;
use crate::proto::key::{Secret32, SessionRoot};
use crate::proto::member::{Chain, MemberCert};
use crate::proto::seal::{DirectGuest, DirectHost, aead};
use crate::proto::share::{ShareCert, ShareFlags};
use crate::proto::terminal::DirectUp;
use crate::proto::wire::WireEntry;
use proptest::collection::vec;
use proptest::prelude::*;

const ROOT_SEED: [u8; 32] = [1; 32];
const PANE: PaneId = PaneId(0);

/// A host with a terminal and Ben, who may type.
fn stage() -> (Wire, usize, Token) {
    let (wire, ben, token, _) = recorded_stage();
    (wire, ben, token)
}

/// As [`stage`], with what Ben sent so far: the opening of his channel, and a first key.
fn recorded_stage() -> (Wire, usize, Token, Vec<Frame>) {
    let mut wire = Wire::new();
    assert_eq!(wire.host().open_pane("shell", "sh", SIZE).unwrap(), PANE);
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let sent = type_and_capture(&mut wire, ben, &[b"0"]);
    let (now, conn) = (wire.now, ConnId(wire.conns[ben].unwrap()));
    for frame in &sent {
        let _ = wire.hall.handle_frame(conn, frame.clone(), now);
    }
    wire.pass(300_000);
    assert_eq!(typed(&wire.events(0)), b"0");
    (wire, ben, token, sent)
}

/// Takes all that a peer sends, as a relay does that passes nothing on.
fn capture(wire: &mut Wire, index: usize) -> Vec<Frame> {
    let mut out = Vec::new();
    wire.peers[index].pop(link(index), usize::MAX, &mut out);
    decode(&out)
}

fn type_and_capture(wire: &mut Wire, index: usize, texts: &[&[u8]]) -> Vec<Frame> {
    texts.iter().for_each(|text| wire.peers[index].type_bytes(PANE, text).unwrap());
    let frames = capture(wire, index).into_iter();
    frames.filter(|frame| matches!(frame, Frame::Entry(_))).collect()
}

/// Hands frames to the host, as a relay can that does what it likes, and returns what reaches a program.
fn deliver(wire: &mut Wire, frames: &[Frame]) -> Vec<u8> {
    let now = wire.now;
    for frame in frames {
        wire.host().handle_frame(link(0), frame.clone(), now);
    }
    typed(&wire.events(0))
}

fn entry_of(frame: &Frame) -> WireEntry {
    let Frame::Entry(raw) = frame else { panic!("{frame:?} is no entry") };
    WireEntry::decode(raw.clone()).unwrap()
}

/// `rm` that was sent again must not run twice, today or in an hour.
#[test]
fn replayed_input_is_applied_once() {
    let (mut wire, ben, _) = stage();
    let frames = type_and_capture(&mut wire, ben, &[b"a", b"b"]);
    assert_eq!(deliver(&mut wire, &frames), b"ab");
    assert_eq!(deliver(&mut wire, &frames), b"");
    wire.pass(60_000_000);
    wire.connect(0);
    wire.events(0);
    assert_eq!(deliver(&mut wire, &frames), b"", "nor over another link");
}

/// In whatever order a relay brings the keys, the program reads them as they were typed, or a beginning of that.
#[test]
fn reordered_input_stays_in_order() {
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (mut wire, ben, _) = stage();
        let frames = type_and_capture(&mut wire, ben, &[b"a", b"b", b"c"]);
        let shuffled = order.map(|at| frames[at].clone());
        let taken = deliver(&mut wire, &shuffled);
        assert!(b"abc".starts_with(&taken), "{order:?}: {taken:?}");
        wire.pass(3_000_000);
        let rest = typed(&wire.events(0));
        assert_eq!([taken, rest].concat(), b"abc", "Ben sends again what was lost");
    }
}

/// The terminal that it is for stands inside the seal: a relay can spoil a key, and cannot turn it.
#[test]
fn altered_input_reaches_no_terminal() {
    let (mut wire, ben, _) = stage();
    wire.host().open_pane("production", "sh", SIZE).unwrap();
    let frames = type_and_capture(&mut wire, ben, &[b"drop table"]);
    let Frame::Entry(raw) = &frames[0] else { panic!("{frames:?}") };
    for at in 0..raw.len() {
        let mut other = raw.to_vec();
        other[at] ^= 1;
        wire.host().links.get_mut(&link(0)).unwrap().phase = Phase::Ready;
        assert_eq!(deliver(&mut wire, &[Frame::Entry(other.into())]), b"", "byte {at}");
    }
    wire.host().links.get_mut(&link(0)).unwrap().phase = Phase::Ready;
    assert_eq!(deliver(&mut wire, &frames), b"drop table");
}

/// A recorded session, played to another one: even with the same owner, terminal and link.
#[test]
fn input_for_another_session_or_host_is_refused() {
    let (mut wire, ben, token, sent) = recorded_stage();
    let mut frames = vec![Frame::Member(wire.peers[ben].me.clone().unwrap().chain().encode())];
    frames.extend(sent);
    frames.extend(type_and_capture(&mut wire, ben, &[b"rm -rf ~\r"]));

    let cert = wire.peers[0].log.share(&token.secret().unwrap().share_id()).unwrap().clone();
    for (root_seed, seed) in [(ROOT_SEED, [77; 32]), ([78; 32], [2; 32])] {
        let now = wire.now;
        let host = Peer::host(root_seed, seed, now).unwrap();
        let mut other = Wire::new();
        other.cut(0);
        (other.hall, other.peers[0], other.now) = (Hall::new(HallLimits::default(), [6; 32]), host, now);
        other.connect(0);
        other.host().open_pane("shell", "sh", SIZE).unwrap();
        // The owner goes on with the links it had.
        let recorded =
            other.peers[0].log.write(&SessionRoot::from_seed(root_seed), &Record::Share(cert.clone()), now.wall);
        assert_eq!(recorded.is_ok(), root_seed == ROOT_SEED);
        assert_eq!(deliver(&mut other, &frames), b"");
        let author = wire.peers[ben].me().unwrap();
        assert_eq!(other.peers[0].roster.member(&author).is_some(), root_seed == ROOT_SEED, "known, and yet not heard");
    }
}

/// What was typed before the door closed does not come through it after.
#[test]
fn stale_input_of_who_is_out_is_refused() {
    let (mut wire, ben, token) = stage();
    let frames = type_and_capture(&mut wire, ben, &[b"late"]);
    let now = wire.now;
    wire.host().revoke(token.secret().unwrap().share_id(), now).unwrap();
    assert_eq!(deliver(&mut wire, &frames), b"", "revoked");

    let (mut wire, ben, _) = stage();
    let frames = type_and_capture(&mut wire, ben, &[b"late"]);
    wire.now.wall = wire.now.wall.after_ms(HOUR_MS + crate::proto::limits::CLOCK_SKEW_MS_MAX + 1);
    assert_eq!(deliver(&mut wire, &frames), b"", "expired");
}

/// A key that the driver pressed, held back until somebody else drives, is no longer the driver's.
#[test]
fn input_held_back_until_another_drives_is_refused() {
    let (mut wire, ben, token) = stage();
    let eve = wire.join(&token);
    let now = wire.now;
    wire.host().set_driver_policy(PANE, DriverPolicy::ONE, now).unwrap();
    let [ben_id, eve_id] = [ben, eve].map(|index| wire.peers[index].me().unwrap());
    wire.host().grant(PANE, Some(ben_id), now).unwrap();
    let frames = type_and_capture(&mut wire, ben, &[b"late"]);
    wire.host().grant(PANE, Some(eve_id), now).unwrap();
    assert_eq!(deliver(&mut wire, &frames), b"");
}

/// Somebody with a link, all keys that come with it, and a machine that keeps no rule.
struct Cheat {
    keys: MemberKeys,
    chain: Chain,
    direct: DirectGuest,
}

impl Cheat {
    fn new(wire: &mut Wire, rights: Rights, flags: ShareFlags) -> Self {
        let (now, session) = (wire.now, wire.peers[0].session);
        let secret = ShareSecret::new(&session, [66; 16], flags.for_token(), None);
        let expires = now.wall.after_ms(HOUR_MS);
        let terms = crate::proto::share::ShareTerms {
            rights,
            depth_left: 0,
            not_before: now.wall,
            expires,
            max_members: 0,
            flags,
        };
        let root = SessionRoot::from_seed(ROOT_SEED);
        let cert = ShareCert::issue_root(&root, &secret, terms);
        wire.host().log.write(&root, &Record::Share(cert.clone()), now.wall).unwrap();
        let keys = MemberKeys::from_seed([67; 32]);
        let member = MemberCert::issue(&secret, &keys, rights, now.wall, expires);
        let chain = Chain { member, shares: vec![cert] };
        let host = wire.peers[0].me.clone().unwrap();
        let author = chain.member.author();
        let direct = DirectGuest::new(session, author, host.author(), host.kem_public(), [68; 32]).unwrap();
        Self { keys, chain, direct }
    }

    fn introduction(&mut self) -> [Frame; 2] {
        let opening = self.direct.seal(1, &self.keys, &DirectUp::Nothing.encode());
        [Frame::Member(self.chain.encode()), Frame::Entry(opening.as_bytes().clone())]
    }

    fn types(&mut self, kind: u8) -> Frame {
        let input = DirectUp::Input { pane: PANE, bytes: b"rm -rf ~\r".to_vec() };
        Frame::Entry(self.direct.seal(kind, &self.keys, &input.encode()).as_bytes().clone())
    }
}

/// A view link with real keys and a relay that helps: neither under its own kind nor under another does a key pass.
#[test]
fn viewer_with_a_helpful_relay_types_nothing() {
    let (mut wire, _, _) = stage();
    for kind in [2, 3] {
        let mut eve = Cheat::new(&mut wire, Rights::VIEW, ShareFlags::NONE);
        let [member, opening] = eve.introduction();
        let typing = eve.types(kind);
        assert_eq!(deliver(&mut wire, &[member, opening, typing]), b"");
        (wire, ..) = stage();
    }
}

/// Whoever stands before the door may knock, and types nothing; once let in, the same member does.
#[test]
fn member_that_is_not_let_in_types_nothing() {
    let (mut wire, _, _) = stage();
    let mut eve = Cheat::new(&mut wire, Rights::INTERACT, ShareFlags::APPROVE);
    let [member, opening] = eve.introduction();
    let typing = eve.types(3);
    assert_eq!(deliver(&mut wire, &[member, opening, typing.clone()]), b"");
    let (now, author) = (wire.now, eve.chain.member.author());
    wire.host().log.write(&SessionRoot::from_seed(ROOT_SEED), &Record::Admit(author), now.wall).unwrap();
    assert_eq!(deliver(&mut wire, &[typing]), b"rm -rf ~\r");
}

/// P13. A password is typed here: no key that anybody but the host and its author ever held opens it, neither those of
/// another guest nor those that everybody with the link has.
#[test]
fn keystrokes_open_with_the_keys_of_nobody_else() {
    let (mut wire, ben, token, sent) = recorded_stage();
    let eve = wire.join(&token);
    wire.peers[eve].type_bytes(PANE, b"x").unwrap();
    wire.pass(300_000);
    wire.events(0);
    let opening = entry_of(&sent[0]);
    let frames = type_and_capture(&mut wire, ben, &[b"hunter2\r"]);
    let entry = entry_of(&frames[0]);
    let (session, host, author) = (wire.peers[0].session, wire.peers[0].me().unwrap(), wire.peers[ben].me().unwrap());
    let ben_member = wire.peers[ben].me.clone().unwrap();
    let header = entry.header(&session, &[0; 32]);
    let nonce = |seq: u64| [&[0; 4][..], &seq.to_le_bytes()].concat().try_into().unwrap();

    // As the host does: with Eve's keys, for her or in the host's name.
    for addressee in [wire.peers[eve].me().unwrap(), host] {
        let eve_keys = &wire.peers[eve].keys;
        assert!(DirectHost::accept(session, eve_keys, addressee, &ben_member, &opening).is_err());
    }
    // With every secret of hers, and with every key that follows from the epoch's.
    let secret = token.secret().unwrap();
    let mut held = vec![secret.kek().clone(), wire.peers[eve].seed.clone()];
    for (_, epoch) in wire.peers[eve].epochs.iter() {
        held.push(Secret32::from_bytes(*epoch.expose()));
        for channel in (1..80).filter_map(Channel::parse) {
            for writer in [author, host, wire.peers[eve].me().unwrap()] {
                let parts: [&[u8]; 3] = [epoch.expose(), writer.as_bytes(), &channel.number().to_le_bytes()];
                held.push(Secret32::derive("entry key", &parts));
            }
        }
    }
    held.extend(wire.peers[eve].typing.kek().cloned());
    for key in &held {
        assert!(aead::open(key, nonce(entry.seq), &header, entry.body()).is_err());
    }
    assert!(held.len() > 200, "{} keys were tried", held.len());
    // The body, and all that travels, shows nothing of it either.
    assert!(!entry.as_bytes().windows(7).any(|window| window == b"hunter2"));
    assert_eq!(deliver(&mut wire, &frames), b"hunter2\r", "the host's own keys do");
}

/// What can befall two typists.
#[derive(Clone, Copy, Debug)]
enum Step {
    Type(bool),
    Cut(bool),
    CutHost,
    LoseRelay,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Type),
        2 => any::<bool>().prop_map(Step::Cut),
        1 => Just(Step::CutHost),
        1 => Just(Step::LoseRelay),
        2 => (1u64..40).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// P27. Whatever breaks on the way and however often: each key of each member arrives once, in its order.
    #[test]
    fn typing_arrives_once_and_in_order_across_reconnections(steps in vec(step(), 1..24)) {
        let (mut wire, ben, token) = stage();
        let eve = wire.join(&token);
        let (mut typed_by, mut letters) = ([Vec::new(), Vec::new()], (b'a'..=b'z').cycle());
        for step in steps {
            match step {
                Step::Type(is_eve) => {
                    let letter = letters.next().unwrap();
                    wire.peers[if is_eve { eve } else { ben }].type_bytes(PANE, &[letter]).unwrap();
                    typed_by[usize::from(is_eve)].push(letter);
                }
                Step::Cut(is_eve) => wire.connect(if is_eve { eve } else { ben }),
                Step::CutHost => wire.connect(0),
                Step::LoseRelay => {
                    [0, ben, eve].into_iter().for_each(|index| wire.cut(index));
                    wire.hall = Hall::new(HallLimits::default(), [5; 32]);
                    [0, ben, eve].into_iter().for_each(|index| wire.connect(index));
                }
                Step::Wait(ticks) => wire.pass(ticks * 10_000),
            }
        }
        wire.pass(20_000_000);
        let events = wire.events(0);
        for (index, expected) in [ben, eve].into_iter().zip(&typed_by) {
            let author = wire.peers[index].me().unwrap();
            let arrived: Vec<u8> = events
                .iter()
                .filter_map(|event| match event {
                    Event::Input(_, by, bytes) if *by == author => Some(bytes.clone()),
                    _ => None,
                })
                .flatten()
                .collect();
            prop_assert_eq!(&arrived, expected);
        }
    }
}
