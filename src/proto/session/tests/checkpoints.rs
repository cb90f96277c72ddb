//! Coming late: all that was said before comes as one checkpoint.

use super::*;
use crate::proto::authlog::{AuthLog, Checkpoint, Record};
use crate::proto::epoch::EpochSecret;
use crate::proto::key::SessionRoot;

fn rekey(wire: &mut Wire) {
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.settle();
}

/// Whoever joins in the third epoch has the key of that one alone, and must see what was said in the first.
#[test]
fn newcomer_takes_the_checkpoint_and_goes_on_from_there() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    for round in 0..3 {
        wire.say(ben, &format!("line {round}"));
        wire.peers[ben].edit_notes(0, 0, "note ").unwrap();
        wire.pass(100_000);
        rekey(&mut wire);
    }
    wire.say(ben, "in the last epoch");
    let cat = wire.join(&token);
    wire.pass(2_000_000);
    let all = ["line 0", "line 1", "line 2", "in the last epoch"];
    assert_eq!(wire.assert_equal(&[ben, cat]), all);
    assert_eq!(wire.peers[cat].state(), wire.host().state());
    let events = wire.events(cat);
    for document in Channel::DURABLE {
        assert!(events.contains(&Event::CheckpointTaken(document)), "{events:?}");
    }
    let told = events.iter().filter(|event| matches!(event, Event::Message(_))).count();
    assert_eq!((told, wire.peers[cat].epochs.len()), (4, 1));
    wire.say(cat, "hello");
    wire.peers[cat].edit_notes(0, 4, "NOTE").unwrap();
    wire.pass(100_000);
    wire.assert_equal(&[ben, cat]);
    assert_eq!(wire.host().state().notes, "NOTE note note ");
    assert_eq!((wire.alarms(0), wire.alarms(ben), wire.alarms(cat)), (vec![], vec![], vec![]));
}

/// Many a member comes back after an epoch and lacks but a little: it waits for that, and asks for all if it must.
#[test]
fn returning_member_takes_the_checkpoint_for_what_it_lacks() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "one");
    wire.cut(cat);
    wire.say(ben, "two");
    rekey(&mut wire);
    wire.pass(40_000_000);
    wire.events(cat);
    wire.connect(cat);
    wire.pass(1_000_000);
    assert_eq!(lines(&wire.peers[cat]), ["one"]);
    wire.pass(5_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["one", "two"]);
    assert!(wire.events(cat).contains(&Event::CheckpointTaken(Channel::CHAT)));
}

/// Nobody who has everything downloads it again.
#[test]
fn members_who_lack_nothing_take_no_checkpoint() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.say(ben, "one");
    // Said in the very moment of the change, and sealed before it.
    let now = wire.now;
    wire.host().say(&Draft::from("two"), now).unwrap();
    wire.host().rekey(now).unwrap();
    wire.pass(10_000_000);
    assert_eq!(wire.assert_equal(&[ben]), ["one", "two"]);
    let events = wire.events(ben);
    assert!(!events.iter().any(|event| matches!(event, Event::CheckpointTaken(_))), "{events:?}");
}

/// What is forgotten is covered: of the newest epoch every entry stays, with relay and members.
#[test]
fn nothing_of_the_newest_epoch_is_forgotten() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.say(ben, "old");
    rekey(&mut wire);
    wire.say(ben, "new");
    wire.say(0, "new");
    wire.pass(40_000_000);
    for index in [0, ben] {
        let lanes: Vec<_> = wire.peers[index].replica.lanes_of(Channel::CHAT).collect();
        assert_eq!(lanes.len(), 2, "peer {index}: {lanes:?}");
        assert!(lanes.iter().all(|(lane, next)| lane.epoch == Epoch(1) && *next == 1), "{lanes:?}");
    }
    // The relay, too, has it for who comes now, and for a relay that comes after it.
    wire.hall = Hall::new(HallLimits::default(), [4; 32]);
    let now = wire.now;
    for index in [0, ben] {
        wire.conns[index] = None;
        wire.peers[index].handle_link_close(link(index), now);
        wire.connect(index);
    }
    let cat = wire.join(&token);
    wire.pass(1_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["old", "new", "new"]);
}

/// An owner that leaves something out of what it vouches for is found out by those who were there.
#[test]
fn checkpoint_that_leaves_something_out_is_noticed() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.say(0, "inconvenient");
    wire.pass(100_000);
    wire.events(ben);
    // The records of an owner with another program, signed with the same key.
    let (root, mut log): (_, AuthLog) = (SessionRoot::from_seed([1; 32]), wire.host().log().clone());
    let lane = wire.peers[ben].replica.lanes_of(Channel::CHAT).next().unwrap().0;
    let digest = wire.peers[ben].replica.digest_before(&lane, 1).unwrap();
    let commit = EpochSecret::from_bytes([5; 32]).commit();
    let checkpoint = Checkpoint { channel: Channel::CHAT, epoch: Epoch(1), segments: 1, last: [1; 32], heads: [2; 32] };
    let records = [
        Record::Cut(vec![crate::proto::authlog::Cut { lane, next: 1, digest }]),
        Record::Epoch { epoch: Epoch(1), commit },
        Record::Checkpoint(checkpoint),
    ];
    let now = wire.now;
    for record in records {
        let raw = log.write(&root, &record, now.wall).unwrap();
        wire.peers[ben].handle_frame(link(ben), Frame::Log(raw), now);
    }
    wire.peers[ben].handle_timeout(now);
    assert_eq!(wire.alarms(ben), [Alarm::CheckpointOmits(Channel::CHAT)]);
    assert_eq!(lines(&wire.peers[ben]), ["inconvenient"], "it goes on with its own");
}

/// A session with a past, and a newcomer to it.
fn with_newcomer(wire: &mut Wire) -> usize {
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.say(ben, "long ago");
    wire.pass(1_000_000);
    rekey(wire);
    wire.pass(40_000_000);
    wire.add(&token)
}

fn is_of_the_past(frame: &Frame) -> bool {
    let Frame::Entry(raw) = frame else { return false };
    let lane = WireEntry::decode(raw.clone()).unwrap().lane;
    lane.channel.is_checkpoint() || Channel::DURABLE.contains(&lane.channel) && lane.epoch < Epoch(1)
}

/// A relay that keeps back all that was said before the newcomer came makes it look as if nothing had been.
#[test]
fn newcomer_is_told_of_a_past_that_is_kept_back() {
    let mut wire = Wire::new();
    let cat = with_newcomer(&mut wire);
    wire.sieve = Some(Box::new(move |index, frame| index != cat || !is_of_the_past(frame)));
    wire.connect(cat);
    wire.pass(10_000_000);
    assert_eq!(wire.alarms(cat), [Alarm::PastWithheld(Channel::CHAT)]);
    wire.sieve = None;
    wire.connect(cat);
    wire.pass(2_000_000);
    assert_eq!(lines(&wire.peers[cat]), ["long ago"]);
}

/// Networks stand still now and then: whoever asked for the past just before is told nothing of anybody.
#[test]
fn network_that_stands_still_is_no_relay_that_keeps_back() {
    for stall_us in (1_000_000..16_000_000).step_by(1_000_000) {
        let mut wire = Wire::new();
        let cat = with_newcomer(&mut wire);
        wire.sieve = Some(Box::new(move |index, frame| index != cat || !is_of_the_past(frame)));
        wire.connect(cat);
        wire.sieve = Some(Box::new(move |index, _| index != cat));
        wire.pass(stall_us);
        wire.sieve = None;
        wire.connect(cat);
        wire.pass(10_000_000);
        assert_eq!(wire.alarms(cat), vec![], "stalled for {stall_us} us");
        assert_eq!(lines(&wire.peers[cat]), ["long ago"]);
    }
}

/// Saving a long chat may take half a second: who is cut off is cut off before, and what is said meanwhile is not lost.
#[test]
fn new_key_does_not_wait_for_the_checkpoint() {
    let mut wire = Wire::new();
    let (token, other) = (wire.share(Access::Interact), wire.share(Access::View));
    let (ben, eve) = (wire.join(&token), wire.join(&other));
    wire.say(ben, "before");
    wire.pass(1_000_000);
    let now = wire.now;
    wire.host().revoke(other.secret().unwrap().share_id(), now).unwrap();
    wire.settle();
    assert_eq!(wire.peers[eve].ended(), Some(Ending::Revoked));
    assert_eq!(wire.peers[ben].log().epoch(), Some(Epoch(1)));
    assert!(wire.host().log().checkpoint(Channel::CHAT).is_none());
    wire.say(ben, "meanwhile");
    wire.pass(5_000_000);
    assert!(wire.host().log().checkpoint(Channel::CHAT).is_some());
    let cat = wire.join(&token);
    wire.pass(2_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["before", "meanwhile"]);
    assert_eq!((wire.alarms(0), wire.alarms(ben), wire.alarms(cat)), (vec![], vec![], vec![]));
}

/// The next epoch may begin before the last one's checkpoint is made: then there is one for the newest alone.
#[test]
fn two_new_keys_in_a_row_make_one_checkpoint() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.say(ben, "before");
    rekey(&mut wire);
    wire.say(ben, "between");
    rekey(&mut wire);
    wire.pass(5_000_000);
    assert_eq!(wire.host().log().checkpoint(Channel::CHAT).map(|vouched| vouched.epoch), Some(Epoch(2)));
    let cat = wire.join(&token);
    wire.pass(2_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["before", "between"]);
    assert_eq!((wire.alarms(0), wire.alarms(ben), wire.alarms(cat)), (vec![], vec![], vec![]));
}
