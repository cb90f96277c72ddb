//! Holders of own links, who have the host do what only the root key can.

use super::*;
use crate::proto::session::DriverPolicy;
use crate::proto::terminal::{Command, Desk, Driving, Objection, Outcome, Wanted};

const WANTED: Wanted = Wanted { access: Access::Interact, lasts_s: 600, members_max: 0, approve: false, once: false };

/// Has a peer command the host, and returns what came of it.
fn command(wire: &mut Wire, index: usize, command: Command) -> Option<Outcome> {
    wire.events(index);
    let seq = wire.peers[index].command(command).unwrap();
    wire.pass(200_000);
    wire.events(index).into_iter().find_map(|event| match event {
        Event::Answered(answered, outcome) if answered == seq => Some(outcome),
        _ => None,
    })
}

fn desk(wire: &mut Wire, index: usize) -> Option<Desk> {
    wire.pass(200_000);
    let mut desks = wire.events(index).into_iter().filter_map(|event| match event {
        Event::Desk(desk) => Some(desk),
        _ => None,
    });
    desks.next_back()
}

/// The owner is on the train with a phone: the link that it makes there works as any other.
#[test]
fn own_link_makes_links_and_closes_them() {
    let mut wire = Wire::new();
    let own = wire.share(Access::Own);
    let phone = wire.join(&own);
    wire.pass(100_000);
    let Some(Outcome::Made { access, seed }) = command(&mut wire, phone, Command::Share(WANTED)) else {
        panic!("no link was made")
    };
    let token = wire.peers[phone].made(access, seed);
    let ben = wire.join(&token);
    wire.pass(100_000);
    assert_eq!(wire.peers[ben].rights(), Rights::INTERACT);

    let listed = wire.peers[phone].shares();
    assert!(listed.iter().any(|share| share.share == share_of(&token) && share.here == 1 && !share.is_closed));
    let revoke = Command::Revoke(share_of(&token));
    assert_eq!(command(&mut wire, phone, revoke.clone()), Some(Outcome::Done));
    assert_eq!(wire.peers[ben].ended(), Some(Ending::Revoked));
    assert_eq!(command(&mut wire, phone, revoke), Some(Outcome::Done), "closing twice is no fault");
    let unknown = Command::Revoke(ShareId([9; 16]));
    assert_eq!(command(&mut wire, phone, unknown), Some(Outcome::Not(Objection::Gone)));
}

/// A link for typing that could close other links would be an owner's.
#[test]
fn other_links_command_nothing() {
    let mut wire = Wire::new();
    let (view, interact) = (wire.share(Access::View), wire.share(Access::Interact));
    let (ben, eve) = (wire.join(&view), wire.join(&interact));
    wire.pass(100_000);
    assert_eq!(wire.peers[eve].command(Command::RevokeAll), Err(TypeError::NoCommand));
    // Her program may say what it likes.
    let forged = crate::proto::terminal::DirectUp::Command(Command::RevokeAll);
    wire.peers[eve].send_direct(PaneId(0), &forged, 0).unwrap();
    wire.pass(100_000);
    assert!(wire.events(eve).contains(&Event::InputRefused(PaneId(0), Refusal::NoRight)));
    assert_eq!(wire.peers[ben].ended(), None);
}

/// A page that waits for an answer for ever looks as if it were dead: what its host cannot read is answered, too.
#[test]
fn command_that_the_host_does_not_understand_is_answered() {
    let mut wire = Wire::new();
    let (own, interact) = (wire.share(Access::Own), wire.share(Access::Interact));
    let (phone, eve) = (wire.join(&own), wire.join(&interact));
    wire.pass(100_000);
    let unreadable =
        || Command::Answer { pane: PaneId(1), author: AuthorId([1; 16]), accept: true, line: "ls\u{202e}".into() };
    assert_eq!(command(&mut wire, phone, unreadable()), Some(Outcome::Not(Objection::Unknown)));
    let forged = crate::proto::terminal::DirectUp::Command(unreadable());
    wire.peers[eve].send_direct(PaneId(0), &forged, 0).unwrap();
    wire.pass(100_000);
    let heard = wire.events(eve);
    assert!(heard.contains(&Event::InputRefused(PaneId(0), Refusal::NoRight)), "{heard:?}");
}

/// Whoever lends an own link for an hour does not lend the session for a year.
#[test]
fn no_link_outlasts_the_own_link_that_made_it() {
    let mut wire = Wire::new();
    let own = wire.share(Access::Own);
    let phone = wire.join(&own);
    wire.pass(100_000);
    let wanted = Wanted { lasts_s: u32::MAX, ..WANTED };
    assert!(matches!(command(&mut wire, phone, Command::Share(wanted)), Some(Outcome::Made { .. })));
    let until = wire.peers[phone].roster().member(&wire.id(phone)).unwrap().expires();
    assert!(wire.host().shares().iter().all(|share| share.is_own || share.expires <= until));
}

/// Who knocks is shown on the phone, too, and let in from there.
#[test]
fn desk_shows_who_waits_until_somebody_answers() {
    let mut wire = Wire::new();
    let own = wire.share(Access::Own);
    let phone = wire.join(&own);
    let token = wire.share_by(&ShareTerms { lasts_ms: HOUR_MS, approve: true, ..ShareTerms::new(Access::View) });
    wire.pass(100_000);
    wire.peers[phone].command(Command::ShowDesk).unwrap();
    assert_eq!(desk(&mut wire, phone), Some(Desk::default()));
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    let mut both = vec![wire.id(ben), wire.id(cat)];
    both.sort();
    assert_eq!(desk(&mut wire, phone).unwrap().waiting, both);
    let (ben_id, cat_id) = (wire.id(ben), wire.id(cat));
    assert_eq!(command(&mut wire, phone, Command::TurnAway(cat_id)), Some(Outcome::Done));
    assert_eq!(command(&mut wire, phone, Command::LetIn(ben_id)), Some(Outcome::Done));
    assert_eq!(command(&mut wire, phone, Command::TurnAway(cat_id)), Some(Outcome::Not(Objection::Gone)));
    assert_eq!(wire.peers[cat].ended(), Some(Ending::TurnedAway));
    assert!(wire.events(ben).contains(&Event::LetIn));
}

/// Two people who read lines must not let one pass that neither has read.
#[test]
fn only_the_line_that_was_read_is_let_pass() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let (own, interact) = (wire.share(Access::Own), wire.share(Access::Interact));
    let (phone, ben) = (wire.join(&own), wire.join(&interact));
    wire.pass(100_000);
    assert_eq!(command(&mut wire, phone, Command::Drive(pane, Driving::Lines)), Some(Outcome::Done));
    wire.peers[phone].command(Command::ShowDesk).unwrap();
    wire.peers[ben].type_bytes(pane, b"ls\rrm -rf ~\r").unwrap();
    let author = wire.id(ben);
    assert_eq!(desk(&mut wire, phone).unwrap().lines, [(pane, author, "ls".to_owned())]);
    // The host's own answer comes first.
    let now = wire.now;
    wire.host().answer_line(pane, author, true, now).unwrap();
    let answer = |line: &str| Command::Answer { pane, author, accept: true, line: line.into() };
    assert_eq!(command(&mut wire, phone, answer("ls")), Some(Outcome::Not(Objection::Gone)));
    assert_eq!(typed(&wire.events(0)), b"ls\r");
    assert_eq!(command(&mut wire, phone, answer("rm -rf ~")), Some(Outcome::Done));
    assert_eq!(typed(&wire.events(0)), b"rm -rf ~\r");
}

/// A wheel that somebody holds on to is taken back from afar.
#[test]
fn wheel_is_granted_and_taken_back() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let (own, interact) = (wire.share(Access::Own), wire.share(Access::Interact));
    let (phone, ben) = (wire.join(&own), wire.join(&interact));
    wire.pass(100_000);
    let author = wire.id(ben);
    let grant = Command::Grant(pane, Some(author));
    assert_eq!(command(&mut wire, phone, grant.clone()), Some(Outcome::Not(Objection::NoDriver)));
    command(&mut wire, phone, Command::Drive(pane, Driving::One));
    assert_eq!(wire.host().driver_policy(pane), Some(DriverPolicy::ONE));
    assert_eq!(command(&mut wire, phone, grant), Some(Outcome::Done));
    assert_eq!(wire.host().driver(pane), Some(author));
    assert_eq!(command(&mut wire, phone, Command::Grant(pane, None)), Some(Outcome::Done));
    assert_eq!(wire.host().driver(pane), None);
}

/// In an emergency everybody goes at once, also the link by which it was said; the host stays.
#[test]
fn panic_from_afar_leaves_the_host_alone() {
    let mut wire = Wire::new();
    let (own, view) = (wire.share(Access::Own), wire.share(Access::View));
    let (phone, ben) = (wire.join(&own), wire.join(&view));
    wire.pass(100_000);
    let host = wire.id(0);
    assert_eq!(command(&mut wire, phone, Command::Kick(host)), Some(Outcome::Not(Objection::Host)));
    assert_eq!(command(&mut wire, phone, Command::RevokeAll), None);
    assert_eq!([phone, ben].map(|index| wire.peers[index].ended()), [Some(Ending::Revoked); 2]);
    assert_eq!(wire.host().ended(), None);
}

/// A command given on a dead line is carried out once, when the line is back.
#[test]
fn command_over_a_lost_connection_is_carried_out_once() {
    let mut wire = Wire::new();
    let own = wire.share(Access::Own);
    let phone = wire.join(&own);
    wire.pass(100_000);
    let before = wire.host().shares().len();
    wire.cut(phone);
    wire.peers[phone].command(Command::Share(WANTED)).unwrap();
    wire.connect(phone);
    wire.pass(100_000);
    wire.cut(phone);
    wire.connect(phone);
    wire.pass(6_000_000);
    assert_eq!(wire.host().shares().len(), before + 1);
}
