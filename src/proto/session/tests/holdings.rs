//! Relays that keep things back, tell two stories or forget are named within 10 s, honest ones never.

use super::*;
use crate::proto::id::LaneId;
use crate::proto::wire::WireEntry;

/// How soon people are to know, in microseconds.
const SOON_US: u64 = 10_000_000;

/// Keeps entries by `author` on channels that `hides` names from a peer.
fn hide(from: usize, author: AuthorId, hides: impl Fn(&LaneId) -> bool + 'static) -> Sieve {
    Box::new(move |index, frame| match frame {
        Frame::Entry(raw) => {
            let lane = WireEntry::decode(raw.clone()).unwrap().lane;
            index != from || lane.author != author || !hides(&lane)
        }
        _ => true,
    })
}

fn with_two_guests() -> (Wire, usize, usize) {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "before");
    wire.pass(12_000_000);
    for index in [0, ben, cat] {
        assert_eq!(wire.alarms(index), [], "peer {index}");
    }
    (wire, ben, cat)
}

/// "Did nobody answer?" A relay that swallows one member's lines is named to who misses them.
#[test]
fn relay_that_withholds_entries_is_named_within_ten_seconds() {
    let (mut wire, ben, cat) = with_two_guests();
    let id = wire.id(cat);
    wire.sieve = Some(hide(ben, id, |lane| lane.channel == Channel::CHAT));
    wire.say(cat, "swallowed");
    wire.say(cat, "this, too");
    wire.pass(SOON_US);
    assert!(wire.alarms(ben).contains(&Alarm::Withheld { author: id, entries: 2 }));
    // Once is enough, however long it lasts and whatever others say.
    for _ in 0..6 {
        wire.say(0, "hello?");
        wire.pass(SOON_US);
    }
    let again = wire.alarms(ben).into_iter().filter(|alarm| matches!(alarm, Alarm::Withheld { .. })).count();
    assert_eq!(again, 0);
}

/// Chatter of others does not hide what is missing.
#[test]
fn chatter_does_not_hide_what_is_withheld() {
    let (mut wire, ben, cat) = with_two_guests();
    let id = wire.id(cat);
    wire.sieve = Some(hide(ben, id, |lane| lane.channel == Channel::CHAT));
    wire.say(cat, "swallowed");
    for _ in 0..20 {
        wire.say(0, "chatter");
        wire.pass(SOON_US / 20);
    }
    assert!(wire.alarms(ben).contains(&Alarm::Withheld { author: id, entries: 1 }));
}

/// A relay that hides a member altogether is told on by the others, who have heard her.
#[test]
fn relay_that_tells_two_stories_is_named_within_ten_seconds() {
    let (mut wire, ben, cat) = with_two_guests();
    let (id, host) = (wire.id(cat), wire.id(0));
    wire.sieve = Some(hide(ben, id, |_| true));
    wire.say(cat, "swallowed");
    wire.pass(SOON_US);
    assert!(wire.alarms(ben).contains(&Alarm::Diverged(host)));
    assert!(wire.alarms(0).contains(&Alarm::Diverged(wire.id(ben))));
}

/// A relay restored from an old backup has lost what it had confirmed. It gets it again, and people know.
#[test]
fn relay_that_was_rolled_back_is_named_and_mended() {
    let (mut wire, ben, cat) = with_two_guests();
    wire.say(cat, "after");
    wire.say(0, "after");
    wire.pass(1_000_000);
    wire.hall = Hall::new(HallLimits::default(), [4; 32]);
    let now = wire.now;
    for index in [0, ben, cat] {
        wire.conns[index] = None;
        wire.peers[index].handle_link_close(link(index), now);
    }
    wire.connect(0);
    let alarms = wire.alarms(0);
    assert!(matches!(alarms[..], [Alarm::RolledBack { entries }] if entries >= 3), "{alarms:?}");
    wire.connect(cat);
    let late = {
        let token = wire.share(Access::View);
        wire.join(&token)
    };
    wire.pass(1_000_000);
    assert_eq!(wire.assert_equal(&[cat, late]), ["before", "after", "after"]);
}

/// A connection that breaks under what was just sent is no fault of the relay.
#[test]
fn records_that_never_came_are_not_lost() {
    let (mut wire, ben, cat) = with_two_guests();
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.cut(0);
    wire.connect(0);
    wire.say(cat, "after");
    wire.pass(1_000_000);
    assert_eq!(wire.alarms(0), []);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["before", "after"]);
}

/// Sleep, bad weather, newcomers, new epochs and those who wait are no reason to accuse anybody.
#[test]
fn honest_relay_is_never_named() {
    let (mut wire, ben, cat) = with_two_guests();
    let approve = wire.share_by(&ShareTerms { lasts_ms: HOUR_MS, approve: true, ..ShareTerms::new(Access::View) });
    let waiting = wire.join(&approve);
    for round in 0..6 {
        wire.say(ben, "a line");
        wire.peers[cat].edit_notes(0, 0, "a note").unwrap();
        wire.pass(7_000_000);
        let now = wire.now;
        match round {
            0 => wire.cut(ben),
            1 => wire.say(ben, "offline"),
            2 => wire.connect(ben),
            3 => {
                wire.host().rekey(now).unwrap();
            }
            4 => {
                let token = wire.share(Access::View);
                wire.join(&token);
            }
            _ => wire.connect(cat),
        }
        wire.pass(12_000_000);
    }
    wire.assert_equal(&[ben, cat]);
    for index in 0..wire.peers.len() {
        assert_eq!(wire.alarms(index), [], "peer {index}");
    }
    assert_eq!(wire.host().waiting(), [wire.id(waiting)]);
}
