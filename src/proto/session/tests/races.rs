//! Re-keys, revocations and joins that get into each other's way: nothing is lost, nobody comes in who is out, and nobody
//! is accused.

use super::*;

fn rekey(wire: &mut Wire) {
    let now = wire.now;
    wire.host().rekey(now).unwrap();
}

fn interact(wire: &mut Wire) -> Token {
    wire.share_by(&ShareTerms { may_pass_on: true, lasts_ms: HOUR_MS, ..ShareTerms::new(Access::Interact) })
}

fn assert_no_alarms(wire: &mut Wire, all: &[usize]) {
    for index in all {
        assert_eq!(wire.alarms(*index), [], "peer {index}");
    }
}

/// Says something of which nothing has left the peer yet.
fn say_and_keep(wire: &mut Wire, index: usize, text: &str) {
    let now = wire.now;
    wire.peers[index].say(&Draft::from(text), now).unwrap();
    wire.peers[index].edit_notes(0, 0, text).unwrap();
}

/// Hands the relay no more than so many bytes of what the host has to say, and then the connection breaks.
fn break_after(wire: &mut Wire, bytes: usize) {
    let (now, conn) = (wire.now, ConnId(wire.conns[0].unwrap()));
    let mut out = Vec::new();
    wire.peers[0].pop(link(0), bytes, &mut out);
    for frame in decode(&out) {
        let _ = wire.hall.handle_frame(conn, frame, now);
    }
    wire.cut(0);
}

/// The owner's finger slips: two keys in one breath, and lines of everybody are on their way meanwhile.
#[test]
fn two_new_keys_at_once_lose_no_line() {
    let mut wire = Wire::new();
    let token = interact(&mut wire);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(ben, "before");
    for round in 0..4 {
        for index in [0, ben, cat] {
            say_and_keep(&mut wire, index, &format!("{round}{index} "));
        }
        rekey(&mut wire);
        say_and_keep(&mut wire, ben, &format!("{round}b "));
        rekey(&mut wire);
        wire.pass(50_000);
    }
    wire.pass(15_000_000);
    let mut said: Vec<_> = wire.assert_equal(&[ben, cat]).into_iter().map(str::to_owned).collect();
    said.sort();
    let mut wanted: Vec<_> =
        (0..4).flat_map(|round| ["0", "1", "2", "b"].map(|who| format!("{round}{who} "))).collect();
    wanted.push("before".into());
    wanted.sort();
    assert_eq!(said, wanted);
    let notes = wire.host().state().notes;
    assert!(wanted.iter().filter(|text| *text != "before").all(|text| notes.contains(text.as_str())), "{notes}");
    assert_eq!(wire.host().log().epoch(), Some(Epoch(8)));
    assert_no_alarms(&mut wire, &[0, ben, cat]);
}

/// The train is in a tunnel when the owner cuts somebody off. Those who stay go on talking, and keep every word.
#[test]
fn revocation_while_the_owner_is_offline_counts_when_it_is_back() {
    let mut wire = Wire::new();
    let tokens = [interact(&mut wire), interact(&mut wire)];
    let (eve, ben) = (wire.join(&tokens[0]), wire.join(&tokens[1]));
    wire.say(eve, "one");
    wire.say(ben, "two");
    wire.pass(6_000_000);
    wire.cut(0);
    let now = wire.now;
    wire.host().revoke(share_of(&tokens[0]), now).unwrap();
    wire.say(0, "from the tunnel");
    wire.say(eve, "too late");
    wire.say(ben, "I answer that");
    wire.peers[ben].edit_notes(0, 0, "note").unwrap();
    wire.pass(1_000_000);
    wire.connect(0);
    assert_eq!(wire.peers[eve].ended(), Some(Ending::Revoked));
    wire.pass(15_000_000);
    let mut said = wire.assert_equal(&[ben]);
    said.sort_unstable();
    assert_eq!(said, ["I answer that", "from the tunnel", "one", "two"]);
    assert_eq!(wire.peers[ben].state().notes, "note");
    assert_no_alarms(&mut wire, &[0, ben]);
}

/// Wherever the connection breaks in the middle of a new epoch, the next one brings the rest.
#[test]
fn new_epoch_survives_a_break_at_any_byte() {
    for bytes in (0..3_000).step_by(97) {
        let mut wire = Wire::new();
        let tokens = [interact(&mut wire), interact(&mut wire)];
        let (eve, ben) = (wire.join(&tokens[0]), wire.join(&tokens[1]));
        let below = wire.peers[ben].pass_on(&ShareTerms::new(Access::View), wire.now).unwrap();
        wire.settle();
        let cat = wire.join(&below);
        wire.say(eve, "one");
        wire.say(ben, "two");
        let now = wire.now;
        wire.host().revoke(share_of(&tokens[0]), now).unwrap();
        break_after(&mut wire, bytes);
        wire.say(ben, "three");
        wire.pass(500_000);
        wire.connect(0);
        wire.pass(8_000_000);
        let mut said = wire.assert_equal(&[ben, cat]);
        said.sort_unstable();
        assert_eq!(said, ["one", "three", "two"], "{bytes} bytes");
        assert_eq!(wire.peers[eve].ended(), Some(Ending::Revoked));
        let dan = wire.join(&tokens[1]);
        wire.pass(3_000_000);
        wire.assert_equal(&[dan]);
        assert_no_alarms(&mut wire, &[0, ben, cat, dan]);
    }
}

/// The segments of one checkpoint are on their way when the next epoch makes them void.
#[test]
fn revocation_during_a_checkpoint_leaves_the_next_one() {
    let mut wire = Wire::new();
    let tokens = [interact(&mut wire), interact(&mut wire)];
    let (eve, ben) = (wire.join(&tokens[0]), wire.join(&tokens[1]));
    for number in 0..40 {
        wire.say(eve, &format!("{number} {}", "long ".repeat(700)));
    }
    for wait in [0, 1_000_000, 1_490_000, 1_500_000, 1_510_000] {
        rekey(&mut wire);
        wire.pass(wait);
        rekey(&mut wire);
        wire.settle();
        let cat = wire.join(&tokens[1]);
        wire.pass(200_000);
        rekey(&mut wire);
        wire.pass(8_000_000);
        wire.assert_equal(&[ben, cat]);
        assert_no_alarms(&mut wire, &[0, ben, cat]);
        let now = wire.now;
        wire.peers[cat].leave(now);
        wire.settle();
    }
    wire.revoke(share_of(&tokens[0]));
    let dan = wire.join(&tokens[1]);
    wire.pass(8_000_000);
    assert_eq!(wire.assert_equal(&[ben, dan]).len(), 40);
}

/// Steps through the handshake of a newcomer, and has `act` done after so many exchanges.
fn join_while(steps: usize, act: impl FnOnce(&mut Wire, usize, &Token)) -> (Wire, usize, usize, Token) {
    let mut wire = Wire::new();
    let token = interact(&mut wire);
    let ben = wire.join(&token);
    let below = wire.peers[ben].pass_on(&ShareTerms::new(Access::Interact), wire.now).unwrap();
    wire.say(ben, "before");
    let cat = wire.add(&below);
    wire.conns[cat] = Some(wire.conns_ever);
    let conn = ConnId(wire.conns_ever);
    wire.conns_ever += 1;
    let now = wire.now;
    wire.hall.handle_open(conn, now);
    wire.peers[cat].handle_link_open(link(cat), None, now);
    for _ in 0..steps {
        let (mut out, mut answers) = (Vec::new(), Vec::new());
        wire.peers[cat].pop(link(cat), usize::MAX, &mut out);
        for frame in decode(&out) {
            match frame {
                Frame::Hello(hello) => drop(wire.hall.handle_hello(conn, hello, None, now)),
                frame => drop(wire.hall.handle_frame(conn, frame, now)),
            }
        }
        while wire.hall.pop(conn, 65_536, &mut answers).has_more {}
        for frame in decode(&answers) {
            wire.peers[cat].handle_frame(link(cat), frame, now);
        }
    }
    act(&mut wire, ben, &token);
    wire.settle();
    wire.pass(4_000_000);
    (wire, ben, cat, below)
}

/// Tells whether a relay refused to let somebody in.
fn is_refused(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Unlinked(_, CloseCode::ShareUnknown | CloseCode::ShareClosed)))
}

/// Whoever is half way through the door when it closes stays outside, and knows why.
#[test]
fn revocation_of_the_share_above_hits_who_is_joining() {
    for steps in 0..4 {
        let (mut wire, _, cat, _) = join_while(steps, |wire, _, token| {
            let now = wire.now;
            wire.host().revoke(share_of(token), now).unwrap();
        });
        let from = wire.sent.len();
        wire.say(0, "secret");
        wire.pass(6_000_000);
        assert!(wire.sent.len() > from);
        assert!(wire.peers[cat].epochs.get(Epoch(1)).is_none(), "after {steps} steps");
        assert_eq!(lines(&wire.peers[cat]).iter().filter(|line| **line == "secret").count(), 0);
        // Before it was told which shares its own stands below, it has but the relay's word for it, which is not enough.
        let events = wire.events(cat);
        let is_told = wire.peers[cat].ended() == Some(Ending::Revoked) || is_refused(&events);
        assert!(is_told, "after {steps} steps: {events:?}");
        assert_eq!(wire.host().roster().here_count(), 1);
        assert_no_alarms(&mut wire, &[0]);
    }
}

/// A new key while somebody comes in must not leave it in the dark.
#[test]
fn newcomer_is_not_lost_between_two_epochs() {
    for steps in 0..4 {
        let (mut wire, ben, cat, _) = join_while(steps, |wire, _, _| {
            rekey(wire);
            rekey(wire);
        });
        wire.say(0, "now");
        wire.pass(6_000_000);
        assert_eq!(wire.assert_equal(&[ben, cat]), ["before", "now"], "after {steps} steps");
        assert_no_alarms(&mut wire, &[0, ben, cat]);
    }
}

/// One of two who came by one link is removed while the other is still coming: it is out or in, and knows which.
#[test]
fn kick_of_another_while_somebody_joins_leaves_nobody_in_between() {
    for steps in 0..4 {
        let (mut wire, ben, cat, _) = join_while(steps, |wire, ben, _| {
            let (now, id) = (wire.now, wire.id(ben));
            wire.host().kick(id, now).unwrap();
        });
        assert!(matches!(wire.peers[ben].ended(), Some(Ending::Kicked | Ending::Revoked)));
        wire.say(0, "for those who stay");
        wire.pass(6_000_000);
        let is_in = wire.peers[cat].ended().is_none() && wire.conns[cat].is_some();
        assert_eq!(lines(&wire.peers[cat]).contains(&"for those who stay"), is_in, "after {steps} steps");
        let is_told = wire.peers[cat].ended() == Some(Ending::Revoked) || is_refused(&wire.events(cat));
        assert!(is_in || is_told, "after {steps} steps");
        assert_no_alarms(&mut wire, &[0]);
    }
}

/// Whoever stays after a kick stays as this very program: started anew, it is somebody else, and the link is closed.
#[test]
fn program_started_anew_does_not_come_back_by_a_closed_link() {
    let mut wire = Wire::new();
    let token = interact(&mut wire);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.pass(1_000_000);
    let (now, id) = (wire.now, wire.id(ben));
    wire.host().kick(id, now).unwrap();
    wire.pass(1_000_000);
    assert!(wire.peers[cat].ended().is_none());
    let again = wire.join(&token);
    wire.pass(1_000_000);
    assert_eq!(wire.peers[again].ended(), Some(Ending::Revoked));
    assert!(wire.peers[cat].ended().is_none(), "the program that stayed is still in");
}

/// A share runs out in the very moment of a new key, and while the owner is away.
#[test]
fn expiry_during_a_new_epoch_closes_the_share_once() {
    let mut wire = Wire::new();
    let short = wire.share_by(&ShareTerms { lasts_ms: 10_000, ..ShareTerms::new(Access::Interact) });
    let long = wire.share(Access::Interact);
    let (eve, ben) = (wire.join(&short), wire.join(&long));
    wire.say(eve, "early");
    wire.pass(135_000_000);
    wire.cut(0);
    rekey(&mut wire);
    wire.pass(20_000_000);
    rekey(&mut wire);
    let records = wire.host().log().next_seq();
    wire.connect(0);
    wire.pass(20_000_000);
    assert!(wire.host().log().is_closed(&share_of(&short)));
    assert!(wire.host().log().next_seq() <= records + 5, "closed once");
    wire.say(ben, "late");
    wire.pass(6_000_000);
    assert_eq!(wire.assert_equal(&[ben]), ["early", "late"]);
    assert_eq!(wire.peers[eve].ended(), Some(Ending::Expired));
    assert_no_alarms(&mut wire, &[0, ben]);
}
