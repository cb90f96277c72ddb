//! Where lanes end.

use super::*;

const SOME: [u8; 32] = [7; 32];

fn ben() -> VerifiedMember {
    chain(&share(2), &keys(20), Rights::INTERACT).verify(&session()).expect("holds")
}

fn lane(channel: Channel, number: u32) -> LaneId {
    LaneId { channel, author: ben().author(), epoch: Epoch(number) }
}

fn cut(lane: LaneId, next: u64) -> Cut {
    Cut { lane, next, digest: if next == 0 { [0; 32] } else { SOME } }
}

fn checkpoint(channel: Channel, number: u32, segments: u32) -> Record {
    Record::Checkpoint(Checkpoint { channel, epoch: Epoch(number), segments, last: SOME, heads: [9; 32] })
}

fn write(log: &mut AuthLog, record: &Record) -> Result<(), LogError> {
    log.write(&root(), record, NOW).map(drop)
}

/// Once an epoch is over nothing joins it: who was offline finds its entries cut, and says them again.
#[test]
fn only_the_newest_epoch_is_open() {
    let mut log = log();
    for channel in Channel::DURABLE {
        assert_eq!(log.end_of(&lane(channel, 0), &ben()), LaneEnd::Open);
        assert_eq!(log.end_of(&lane(channel, 1), &ben()), LaneEnd::NOTHING, "it has not begun");
    }
    write(&mut log, &Record::Cut(vec![cut(lane(Channel::STATE, 0), 4)])).expect("holds");
    write(&mut log, &epoch(1)).expect("holds");
    assert_eq!(log.end_of(&lane(Channel::STATE, 0), &ben()), LaneEnd::At { next: 4, digest: Some(SOME) });
    assert_eq!(log.end_of(&lane(Channel::CHAT, 0), &ben()), LaneEnd::NOTHING, "the owner holds nothing of it");
    assert_eq!(log.end_of(&lane(Channel::CHAT, 1), &ben()), LaneEnd::Open);
    assert!(LaneEnd::Open.takes(u64::MAX) && !LaneEnd::NOTHING.takes(0));
    let end = log.end_of(&lane(Channel::STATE, 0), &ben());
    assert!(end.takes(3) && !end.takes(4));
}

/// What a member wrote before it was cut off is part of the document; what it writes after is nothing to anybody.
#[test]
fn member_that_was_cut_off_keeps_what_the_owner_held() {
    let mut log = log();
    write(&mut log, &Record::Cut(vec![cut(lane(Channel::CHAT, 0), 2)])).expect("holds");
    write(&mut log, &close(share(2).share_id())).expect("holds");
    assert_eq!(log.end_of(&lane(Channel::CHAT, 0), &ben()), LaneEnd::At { next: 2, digest: Some(SOME) });
    assert_eq!(log.end_of(&lane(Channel::STATE, 0), &ben()), LaneEnd::NOTHING);
    write(&mut log, &epoch(1)).expect("holds");
    assert_eq!(log.end_of(&lane(Channel::CHAT, 1), &ben()), LaneEnd::NOTHING);
}

/// Two ends of one lane would be two documents.
#[test]
fn lane_ends_once_for_good() {
    let mut log = log();
    let (first, second) = (lane(Channel::STATE, 0), lane(Channel::CHAT, 0));
    write(&mut log, &Record::Cut(vec![cut(first, 4)])).expect("holds");
    let twice = Err(LogError::CutTwice { author: ben().author() });
    assert_eq!(write(&mut log, &Record::Cut(vec![cut(first, 4)])), twice);
    assert_eq!(write(&mut log, &Record::Cut(vec![cut(first, 5), cut(second, 5)])), twice);
    assert_eq!(log.end_of(&second, &ben()), LaneEnd::Open, "a refused record leaves nothing behind");
    assert_eq!(log.cuts(Channel::STATE).collect::<Vec<_>>(), [&cut(first, 4)]);
    assert_eq!(log.cuts(Channel::CHAT).count(), 0);
}

/// A cut of a time to come would silence a member before it speaks.
#[test]
fn cuts_are_of_epochs_that_began() {
    let mut log = log();
    let later = write(&mut log, &Record::Cut(vec![cut(lane(Channel::STATE, 1), 0)]));
    assert_eq!(later, Err(LogError::CutEpoch { found: 1 }));
    let mut young = AuthLog::new(session());
    write(&mut young, &genesis()).expect("holds");
    let none = write(&mut young, &Record::Cut(vec![cut(lane(Channel::STATE, 0), 0)]));
    assert_eq!(none, Err(LogError::CutEpoch { found: 0 }));
}

/// One record, one spelling; and nothing in it that no lane of a document can have.
#[test]
fn malformed_cuts_are_refused() {
    let mut log = log();
    let of = |channel, seed: u8, next| cut(LaneId { author: AuthorId([seed; 16]), ..lane(channel, 0) }, next);
    let (a, b) = (of(Channel::STATE, 1, 1), of(Channel::STATE, 2, 1));
    let order = Err(LogError::Decode(DecodeError::Order { what: "cuts" }));
    assert_eq!(write(&mut log, &Record::Cut(vec![b, a])), order);
    assert_eq!(write(&mut log, &Record::Cut(vec![a, a])), order);
    assert_eq!(write(&mut log, &Record::Cut(vec![of(Channel::CHAT, 1, 1), b])), order);
    for wrong in [
        vec![],
        vec![of(Channel::PRESENCE, 1, 1)],
        vec![of(Channel::STATE_CHECKPOINT, 1, 1)],
        vec![Cut { digest: SOME, ..of(Channel::STATE, 1, 0) }],
    ] {
        let refused = write(&mut log, &Record::Cut(wrong));
        assert!(matches!(refused, Err(LogError::Decode(DecodeError::Value { .. }))), "{refused:?}");
    }
    let many = |count: u16| {
        let author = |number: u16| AuthorId(u128::from(number).to_be_bytes());
        Record::Cut(
            (0..count).map(|number| cut(LaneId { author: author(number), ..lane(Channel::CHAT, 0) }, 1)).collect(),
        )
    };
    assert!(matches!(write(&mut log, &many(1_001)), Err(LogError::Decode(DecodeError::Value { .. }))));
    write(&mut log, &many(1_000)).expect("a thousand lanes in one record");
    assert_eq!(log.cuts(Channel::CHAT).count(), 1_000);
}

/// A newcomer starts from what the host vouches for: one thing per document and epoch.
#[test]
fn checkpoint_is_of_the_newest_epoch_and_once() {
    let mut log = log();
    assert_eq!(log.checkpoint(Channel::STATE), None);
    write(&mut log, &checkpoint(Channel::STATE, 0, 1)).expect("holds");
    assert_eq!(write(&mut log, &checkpoint(Channel::STATE, 0, 2)), Err(LogError::CheckpointTwice { epoch: 0 }));
    assert_eq!(write(&mut log, &checkpoint(Channel::CHAT, 1, 1)), Err(LogError::CheckpointEpoch { found: 1 }));
    write(&mut log, &checkpoint(Channel::CHAT, 0, 1)).expect("the other document has its own");
    write(&mut log, &epoch(1)).expect("holds");
    assert_eq!(write(&mut log, &checkpoint(Channel::STATE, 0, 1)), Err(LogError::CheckpointEpoch { found: 0 }));
    write(&mut log, &checkpoint(Channel::STATE, 1, 3)).expect("holds");
    assert_eq!(log.checkpoint(Channel::STATE).map(|it| (it.epoch, it.segments)), Some((Epoch(1), 3)));
    assert_eq!(log.checkpoint(Channel::CHAT).map(|it| it.epoch), Some(Epoch(0)));
    for (channel, segments) in [(Channel::PRESENCE, 1), (Channel::STATE_CHECKPOINT, 1), (Channel::CHAT, 0)] {
        let refused = write(&mut log, &checkpoint(channel, 1, segments));
        assert!(matches!(refused, Err(LogError::Decode(DecodeError::Value { .. }))), "{refused:?}");
    }
}

/// Between an epoch's beginning and its checkpoint the one before is all that a newcomer has to go by.
#[test]
fn segments_stay_until_there_are_newer_ones() {
    let mut log = log();
    let segments = |number| lane(Channel::STATE_CHECKPOINT, number);
    assert_eq!(log.end_of(&segments(0), &ben()), LaneEnd::Open);
    write(&mut log, &checkpoint(Channel::STATE, 0, 3)).expect("holds");
    assert_eq!(log.end_of(&segments(0), &ben()), LaneEnd::Open);
    write(&mut log, &epoch(1)).expect("holds");
    assert_eq!(log.end_of(&segments(0), &ben()), LaneEnd::At { next: 3, digest: Some(SOME) });
    assert_eq!(log.end_of(&lane(Channel::CHAT_CHECKPOINT, 0), &ben()), LaneEnd::NOTHING, "it never had any");
    assert_eq!(log.end_of(&segments(1), &ben()), LaneEnd::Open);
    write(&mut log, &checkpoint(Channel::STATE, 1, 2)).expect("holds");
    assert_eq!(log.end_of(&segments(0), &ben()), LaneEnd::NOTHING);
}

/// All must make the same base at the same place, or none is the same document.
#[test]
fn document_begins_anew_with_the_next_epoch_alone() {
    let mut log = log();
    let roll = |channel, number| Record::Roll(Roll { channel, epoch: Epoch(number), lines: 7 });
    assert_eq!(write(&mut log, &roll(Channel::CHAT, 0)), Err(LogError::RollEpoch { found: 0 }));
    assert_eq!(write(&mut log, &roll(Channel::CHAT, 2)), Err(LogError::RollEpoch { found: 2 }));
    write(&mut log, &roll(Channel::CHAT, 1)).expect("holds");
    assert_eq!(write(&mut log, &roll(Channel::CHAT, 1)), Err(LogError::RollTwice { epoch: 1 }));
    let generations = |log: &AuthLog| Channel::DURABLE.map(|document| log.generation(document, Epoch(1)));
    assert_eq!((generations(&log), log.rolls(Channel::CHAT).count()), ([0, 0], 0), "the epoch has not begun");
    write(&mut log, &epoch(1)).expect("holds");
    write(&mut log, &epoch(2)).expect("holds");
    assert_eq!((generations(&log), log.generation(Channel::CHAT, Epoch(0))), ([0, 1], 0));
    assert_eq!(log.rolls(Channel::CHAT).map(|roll| (roll.epoch, roll.lines)).collect::<Vec<_>>(), [(Epoch(1), 7)]);
    let raw = log.records().last().expect("there are some").clone();
    let (mut copy, mut other) = (AuthLog::new(session()), log.records().to_vec());
    assert!(other.drain(..).all(|record| copy.append(record).is_ok()) && copy.holds(&raw));
    assert_eq!(generations(&copy), [0, 1]);
}
