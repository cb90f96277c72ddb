//! Members let in one by one, and links for one member alone.

use super::*;

fn approving(wire: &mut Wire) -> Token {
    wire.share_by(&ShareTerms { lasts_ms: HOUR_MS, approve: true, ..ShareTerms::new(Access::Interact) })
}

/// A link that leaked gets its finder as far as the door.
#[test]
fn nobody_sees_anything_before_it_is_let_in() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = approving(&mut wire);
    wire.say(0, "for members");
    let ben = wire.join(&token);
    wire.peers[ben].watch(pane);
    wire.pass(6_000_000);
    let id = wire.id(ben);
    assert_eq!(wire.host().waiting(), [id]);
    assert!(wire.events(0).contains(&Event::Knocked(id)));
    let events = wire.events(ben);
    assert!(events.contains(&Event::Waiting), "{events:?}");
    assert!(!events.iter().any(|event| matches!(event, Event::Message(_) | Event::Terminal(..) | Event::Joined(_))));
    assert_eq!((wire.peers[ben].epochs.len(), wire.host().roster().here_count()), (0, 1));
    assert_eq!(wire.peers[ben].type_bytes(pane, b"knock knock"), Err(TypeError::NotJoined));
    wire.pass(100_000);
    assert_eq!(typed(&wire.events(0)), b"");

    let now = wire.now;
    wire.host().let_in(id, now).unwrap();
    wire.pass(6_000_000);
    assert!(wire.host().waiting().is_empty());
    let events = wire.events(ben);
    assert!(events.contains(&Event::LetIn), "{events:?}");
    assert_eq!(wire.assert_equal(&[ben]), ["for members"]);
    assert_eq!(show(&events).snapshot(), wire.host().screen(pane).unwrap().snapshot());
    wire.say(ben, "thanks");
    assert_eq!(typed(&wire.events(0)), b"", "what is typed blindly does not run once the door opens");
    wire.pass(6_000_000);
    assert_eq!(wire.assert_equal(&[ben]), ["for members", "thanks"]);
    assert_eq!((wire.alarms(0), wire.alarms(ben)), (vec![], vec![]));
}

/// Who waits by a link that is revoked cannot be let in any more, and nobody is asked about it.
#[test]
fn nobody_waits_at_a_closed_door() {
    let mut wire = Wire::new();
    let token = approving(&mut wire);
    let ben = wire.join(&token);
    wire.pass(100_000);
    assert_eq!(wire.host().waiting(), [wire.id(ben)]);
    wire.revoke(share_of(&token));
    assert_eq!(wire.host().waiting(), []);
}

/// Kicking somebody who never came in costs nobody else a place in the queue.
#[test]
fn kicking_who_is_not_in_turns_away_nobody_else() {
    let mut wire = Wire::new();
    let token = approving(&mut wire);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.pass(100_000);
    let (now, gone) = (wire.now, wire.id(ben));
    for _ in 0..2 {
        assert_eq!(wire.host().kick(gone, now), Ok(share_of(&token)));
        wire.pass(100_000);
        assert_eq!(wire.host().waiting(), [wire.id(cat)]);
        assert_eq!(wire.host().log().epoch(), Some(Epoch(0)));
    }
    assert_eq!(wire.peers[ben].ended(), Some(Ending::TurnedAway));
    assert_eq!(wire.peers[cat].ended(), None);
}

/// Being let in lasts: over a new epoch, and over a lost connection.
#[test]
fn let_in_is_for_good() {
    let mut wire = Wire::new();
    let token = approving(&mut wire);
    let ben = wire.join(&token);
    wire.pass(100_000);
    let (id, now) = (wire.id(ben), wire.now);
    wire.host().let_in(id, now).unwrap();
    wire.pass(1_000_000);
    wire.host().rekey(now).unwrap();
    wire.say(0, "one");
    wire.pass(1_000_000);
    assert_eq!(wire.assert_equal(&[ben]), ["one"]);
    wire.cut(ben);
    wire.host().rekey(now).unwrap();
    wire.say(0, "two");
    wire.pass(40_000_000);
    wire.connect(ben);
    wire.pass(15_000_000);
    assert_eq!(wire.assert_equal(&[ben]), ["one", "two"]);
    assert_eq!((wire.alarms(0), wire.alarms(ben)), (vec![], vec![]));
}

/// Whoever is not wanted is told so, and does not ring again.
#[test]
fn turned_away_member_is_told_and_gone() {
    let mut wire = Wire::new();
    let token = approving(&mut wire);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.pass(100_000);
    let (ids, now) = ([wire.id(ben), wire.id(cat)], wire.now);
    wire.host().turn_away(ids[0], now).unwrap();
    wire.settle();
    assert_eq!(wire.peers[ben].ended(), Some(Ending::TurnedAway));
    assert_eq!(wire.host().waiting(), [ids[1]]);
    assert_eq!(wire.host().turn_away(ids[0], now), Err(OwnerError::NotWaiting(ids[0])));
    wire.host().kick(ids[1], now).unwrap();
    wire.settle();
    assert_eq!(wire.peers[cat].ended(), Some(Ending::TurnedAway));
    assert_eq!(wire.host().log().epoch(), Some(Epoch(0)), "nobody had a key");
}

/// A link for one is closed behind the first who comes, who does not notice.
#[test]
fn link_for_one_is_closed_behind_the_first() {
    let mut wire = Wire::new();
    let token = wire.share_by(&ShareTerms { lasts_ms: HOUR_MS, once: true, ..ShareTerms::new(Access::Interact) });
    let ben = wire.join(&token);
    wire.pass(100_000);
    let late = wire.join(&token);
    assert_eq!(wire.peers[late].ended(), Some(Ending::Revoked));
    wire.say(ben, "mine");
    wire.say(0, "yours");
    wire.pass(6_000_000);
    assert_eq!(wire.assert_equal(&[ben]), ["mine", "yours"]);
    wire.connect(ben);
    wire.say(ben, "still mine");
    wire.pass(6_000_000);
    assert_eq!(wire.assert_equal(&[ben]), ["mine", "yours", "still mine"]);
    assert_eq!((wire.alarms(0), wire.alarms(ben)), (vec![], vec![]));
}

/// A door is of no use if those whom it lets in hand the key out to all who knock by their links, without meaning to.
#[test]
fn share_passed_on_below_a_door_gives_no_key_before_the_owner_says_yes() {
    let mut wire = Wire::new();
    let terms = ShareTerms { approve: true, may_pass_on: true, lasts_ms: HOUR_MS, ..ShareTerms::new(Access::Interact) };
    let token = wire.share_by(&terms);
    let ben = wire.join(&token);
    wire.pass(100_000);
    let (id, now) = (wire.id(ben), wire.now);
    wire.host().let_in(id, now).unwrap();
    wire.settle();
    wire.say(ben, "inside");
    let below = wire.peers[ben].pass_on(&ShareTerms::new(Access::View), wire.now).unwrap();
    wire.settle();
    assert!(wire.host().shares().iter().any(|info| info.share == share_of(&below)), "the owner knows its key");
    let cat = wire.join(&below);
    wire.pass(1_000_000);
    let id = wire.id(cat);
    assert_eq!(wire.host().waiting(), [id]);
    assert_eq!(wire.peers[cat].epochs.len(), 0, "a relay in league could show it everything");
    let now = wire.now;
    wire.host().let_in(id, now).unwrap();
    wire.pass(5_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["inside"]);
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.say(0, "after");
    wire.pass(5_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["inside", "after"]);
    for index in [0, ben, cat] {
        assert_eq!(wire.alarms(index), []);
    }
}
