//! What the log lets in, in which order, and what it says then.

mod doors;
mod ends;
mod replicas;

use super::*;
use crate::proto::member::cast::{
    END, START, chain, for_each_flip, keys, resigned, root, session, share, share_cert, terms,
};
use crate::proto::member::{Certificate, MemberCert};
use crate::proto::share::{Rights, ShareTerms};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

const NOW: Wall = Wall(1_500_000);

fn genesis() -> Record {
    Record::Genesis { root: root().public() }
}

fn epoch(number: u32) -> Record {
    Record::Epoch { epoch: Epoch(number), commit: [number as u8; 32] }
}

fn close(share: ShareId) -> Record {
    Record::Close { share, stay: Vec::new() }
}

fn host(secret_seed: u8, keys_seed: u8) -> MemberCert {
    chain(&share(secret_seed), &keys(keys_seed), Rights::OWN).member
}

/// A log with everything that a session usually has: Ada hosts through share 2.
fn log() -> AuthLog {
    let mut log = AuthLog::new(session());
    for record in [genesis(), Record::Share(share_cert(&share(2))), epoch(0), Record::Host(host(2, 10))] {
        log.write(&root(), &record, NOW).expect("the fixture's log holds");
    }
    log
}

/// As [`log`], and with everything that few sessions have.
fn long_log() -> AuthLog {
    let mut log = log();
    let (ben, eve) = (author(20), author(21));
    let lane = LaneId { channel: Channel::CHAT, author: eve, epoch: Epoch(0) };
    let stay = BTreeSet::from([ben, eve]).into_iter().collect();
    let checkpoint =
        Checkpoint { channel: Channel::STATE, epoch: Epoch(1), segments: 2, last: [8; 32], heads: [9; 32] };
    for record in [
        Record::Admit(ben),
        Record::Close { share: share(2).share_id(), stay },
        Record::Cut(vec![Cut { lane, next: 3, digest: [7; 32] }]),
        Record::Roll(Roll { channel: Channel::CHAT, epoch: Epoch(1), lines: 100 }),
        epoch(1),
        Record::Checkpoint(checkpoint),
        Record::End,
    ] {
        log.write(&root(), &record, NOW).expect("the fixture's log holds");
    }
    log
}

fn author(keys_seed: u8) -> AuthorId {
    chain(&share(2), &keys(keys_seed), Rights::INTERACT).member.author()
}

/// Signs a record of any type, as a later version would.
fn sign_raw(log: &AuthLog, kind: u8, body: &[u8]) -> Bytes {
    let end = Envelope::sign(&root(), &log.session, log.next_seq(), &log.head, NOW, &Record::End).expect("writable");
    let mut raw = end[..66].to_vec();
    raw[1] = kind;
    raw.extend_from_slice(&(body.len() as u16).to_le_bytes());
    raw.extend_from_slice(body);
    let signature = root().sign_digest(&crate::proto::verify::derive("auth log", &[&raw]));
    raw.extend_from_slice(&signature);
    raw.into()
}

/// Guests and relay learn from the bytes alone what the owner's copy says.
#[test]
fn copied_log_says_the_same() {
    let ours = log();
    let mut theirs = AuthLog::new(session());
    for raw in ours.records() {
        theirs.append(raw.clone()).expect("what the owner wrote holds");
    }
    assert_eq!((theirs.head(), theirs.next_seq(), theirs.records()), (ours.head(), 4, ours.records()));
    assert_eq!((theirs.root(), theirs.epoch()), (Some(root().public()), Some(Epoch(0))));
    assert_eq!((theirs.commit(Epoch(0)), theirs.commit(Epoch(1))), (Some([0; 32]), None));
    assert_eq!(theirs.host(), Some(host(2, 10).author()));
    assert_eq!(theirs.share(&share(2).share_id()), Some(&share_cert(&share(2))));
    assert_eq!((theirs.shares().count(), theirs.is_ended()), (1, false));
}

/// The relay holds the log: a bit that it alters must not pass.
#[test]
fn every_flipped_bit_of_a_record_is_refused() {
    let whole = long_log();
    for (seq, raw) in whole.records().iter().enumerate() {
        let mut before = AuthLog::new(session());
        for raw in &whole.records()[..seq] {
            before.append(raw.clone()).expect("holds");
        }
        for_each_flip(raw, |bit, other| {
            assert!(before.append(other.into()).is_err(), "record {seq}, bit {bit}");
        });
        assert_eq!(before.next_seq(), seq as u64, "a refused record leaves the log as it was");
        before.append(raw.clone()).expect("the true record still fits");
    }
}

/// A relay that replays, drops or reorders records must be found out at once.
#[test]
fn replays_gaps_and_forks_are_refused() {
    let whole = log();
    let mut late = AuthLog::new(session());
    assert_eq!(late.append(whole.records()[1].clone()), Err(LogError::Seq { found: 1, next: 0 }));
    for raw in &whole.records()[..2] {
        late.append(raw.clone()).expect("holds");
    }
    assert_eq!(late.append(whole.records()[1].clone()), Err(LogError::Seq { found: 1, next: 2 }));
    assert_eq!(late.append(whole.records()[3].clone()), Err(LogError::Seq { found: 3, next: 2 }));

    late.write(&root(), &close(share(9).share_id()), NOW).expect("holds");
    assert_eq!(late.append(whole.records()[3].clone()), Err(LogError::Prev { seq: 3 }));
}

/// Only the owner writes; a record by anybody else must not be taken even in the right place.
#[test]
fn record_of_another_root_is_refused() {
    let eve = SessionRoot::from_seed([66; 32]);
    let mut log = log();
    assert_eq!(log.write(&eve, &Record::End, NOW), Err(LogError::Signature { seq: 4 }));
    let mut empty = AuthLog::new(session());
    assert_eq!(empty.write(&eve, &Record::Genesis { root: eve.public() }, NOW), Err(LogError::Genesis));
    assert_eq!(empty.write(&eve, &genesis(), NOW), Err(LogError::Signature { seq: 0 }));
    assert_eq!(AuthLog::new(eve.session_id()).append(log.records()[0].clone()), Err(LogError::Session));
}

/// The first record ties the log to the session id of the token, and no later one can untie it.
#[test]
fn genesis_stands_first_and_once() {
    let mut log = AuthLog::new(session());
    assert_eq!(log.write(&root(), &epoch(0), NOW), Err(LogError::Genesis));
    log.write(&root(), &genesis(), NOW).expect("holds");
    assert_eq!(log.write(&root(), &genesis(), NOW), Err(LogError::Genesis));
}

/// Epoch numbers choose keys: skipping or reusing one would split readers.
#[test]
fn epochs_rise_by_one() {
    let mut log = log();
    assert_eq!(log.write(&root(), &epoch(2), NOW), Err(LogError::Epoch { found: 2, next: 1 }));
    assert_eq!(log.write(&root(), &epoch(0), NOW), Err(LogError::Epoch { found: 0, next: 1 }));
    log.write(&root(), &epoch(1), NOW).expect("holds");
    assert_eq!(log.epoch(), Some(Epoch(1)));
}

/// Whoever the Host record names may write to everybody's terminal window.
#[test]
fn host_needs_a_recorded_open_share() {
    let mut log = log();
    let (other, share_id) = (host(3, 11), share(3).share_id());
    let refused = log.write(&root(), &Record::Host(other.clone()), NOW);
    assert_eq!(refused, Err(LogError::Host(ChainError::NotInLog { share: share_id })));

    log.write(&root(), &Record::Share(share_cert(&share(3))), NOW).expect("holds");
    let greedy = MemberCert::issue(&share(3), &keys(11), Rights::OWN, START, END.after_ms(1));
    let refused = log.write(&root(), &Record::Host(greedy), NOW);
    assert_eq!(refused, Err(LogError::Host(ChainError::Window { of: Certificate::Member })));
    assert_eq!(log.host(), Some(host(2, 10).author()), "the host stays");
    log.write(&root(), &Record::Host(other.clone()), NOW).expect("holds");
    assert_eq!(log.host(), Some(other.author()));

    log.write(&root(), &close(share_id), NOW).expect("holds");
    let refused = log.write(&root(), &Record::Host(other), NOW);
    assert_eq!(refused, Err(LogError::Host(ChainError::Closed { share: share_id })));
}

/// Shares of the log are the owner's own, one record each, so that a chain can be compared byte for byte.
#[test]
fn shares_are_issued_by_the_root_and_once() {
    let mut log = log();
    let (known, below) = (share(2).share_id(), share(4));
    let refused = log.write(&root(), &Record::Share(share_cert(&share(2))), NOW);
    assert_eq!(refused, Err(LogError::ShareTwice { share: known }));
    let sub = ShareCert::issue_below(&share_cert(&share(2)), &share(2), &below, terms(Rights::VIEW, 0));
    let refused = log.write(&root(), &Record::Share(sub), NOW);
    assert_eq!(refused, Err(LogError::Share { share: below.share_id() }));

    let fresh = share_cert(&below);
    for odd in [
        resigned(&fresh, |bytes| bytes[89] = 1, |it| root().sign_digest(it)),
        resigned(&fresh, |bytes| bytes[2] ^= 1, |it| root().sign_digest(it)),
        resigned(&fresh, |_| (), |it| below.sign_digest(it)),
    ] {
        let refused = log.write(&root(), &Record::Share(odd), NOW);
        assert_eq!(refused, Err(LogError::Share { share: below.share_id() }));
    }

    for seed in 100..100 + SHARES_MAX as u8 - 1 {
        log.write(&root(), &Record::Share(share_cert(&share(seed))), NOW).expect("holds");
    }
    assert_eq!(log.write(&root(), &Record::Share(share_cert(&share(5))), NOW), Err(LogError::SharesFull));
}

/// Revoking: once a share is closed, neither its members nor those of shares below it count.
#[test]
fn closed_share_admits_nobody() {
    let mut log = log();
    let (door, sub) = (share(2), share(4));
    let ben = chain(&door, &keys(20), Rights::INTERACT).verify(&session()).expect("holds");
    let parent = share_cert(&door);
    let below = ShareCert::issue_below(&parent, &door, &sub, terms(Rights::VIEW, 0));
    let member = MemberCert::issue(&sub, &keys(21), Rights::VIEW, START, END);
    let guest_of_ben = Chain { member, shares: vec![below, parent] }.verify(&session()).expect("holds");
    assert_eq!((log.admits(&ben), log.admits(&guest_of_ben)), (Ok(()), Ok(())));

    log.write(&root(), &close(sub.share_id()), NOW).expect("holds");
    let closed = Err(ChainError::Closed { share: sub.share_id() });
    assert_eq!((log.admits(&ben), log.admits(&guest_of_ben)), (Ok(()), closed));
    log.write(&root(), &close(door.share_id()), NOW).expect("holds");
    assert_eq!(log.admits(&ben), Err(ChainError::Closed { share: door.share_id() }));
    assert!(log.is_closed(&door.share_id()) && log.share(&door.share_id()).is_some());
}

/// A certificate that the owner signed but never recorded, or with other terms, admits nobody.
#[test]
fn unrecorded_certificate_admits_nobody() {
    let log = log();
    let (door, ben) = (share(2), keys(20));
    let member = MemberCert::issue(&door, &ben, Rights::VIEW, START, END);
    let other_terms = ShareTerms { max_members: 5, ..terms(Rights::OWN, 3) };
    let shares = vec![ShareCert::issue_root(&root(), &door, other_terms)];
    let verified = Chain { member, shares }.verify(&session()).expect("holds by itself");
    assert_eq!(log.admits(&verified), Err(ChainError::NotInLog { share: door.share_id() }));
    let ben = chain(&door, &ben, Rights::VIEW).verify(&session()).expect("holds");
    assert_eq!(AuthLog::new(session()).admits(&ben), Err(ChainError::Root));
}

/// A later version may add records: they count as links of the chain and as nothing else.
#[test]
fn unknown_record_is_kept_and_ignored() {
    let mut log = log();
    let before = (log.epoch(), log.host());
    let raw = sign_raw(&log, 200, b"something new");
    assert_eq!(log.append(raw.clone()), Ok(Record::Unknown { kind: 200 }));
    assert_eq!((log.records().last(), (log.epoch(), log.host())), (Some(&raw), before));
    log.write(&root(), &epoch(1), NOW).expect("the chain goes on");
    assert_eq!(log.write(&root(), &Record::Unknown { kind: 200 }, NOW), Err(LogError::Unwritable { kind: 200 }));
}

/// A body with bytes to spare could carry something that nobody checks.
#[test]
fn known_record_with_a_longer_body_is_refused() {
    let mut log = log();
    for (kind, bytes) in [(1, 33), (2, 218), (3, 37), (4, 197), (5, 17), (6, 1), (7, 63), (8, 75), (9, 17)] {
        let raw = sign_raw(&log, kind, &vec![1; bytes]);
        assert!(matches!(log.append(raw), Err(LogError::Decode(_))), "type {kind}");
    }
}

/// After the end nothing is added, not even by the owner.
#[test]
fn nothing_follows_the_end() {
    let mut log = log();
    log.write(&root(), &Record::End, NOW).expect("holds");
    assert!(log.is_ended());
    assert_eq!(log.write(&root(), &epoch(1), NOW), Err(LogError::Ended));
    assert_eq!(log.write(&root(), &Record::End, NOW), Err(LogError::Ended));
}

/// A log is read by everybody at every start: it cannot grow for ever.
#[test]
fn full_log_takes_no_more() {
    let mut log = log();
    let last = log.records.len();
    log.records.resize(LOG_RECORDS_MAX - 1, Bytes::new());
    log.write(&root(), &close(share(9).share_id()), NOW).expect("one more fits");
    assert!(log.records.len() > last);
    assert_eq!(log.write(&root(), &Record::End, NOW), Err(LogError::Full));
}

/// A record can have 64 KiB, so that few of them are as much as all of them were meant to be.
#[test]
fn log_of_too_many_bytes_takes_no_more() {
    let mut log = log();
    let bytes: usize = log.records().iter().map(Bytes::len).sum();
    let body = vec![0; usize::from(u16::MAX)];
    let big = 68 + body.len() + 64;
    for _ in 0..(LOG_BYTES_MAX - bytes) / big {
        log.append(sign_raw(&log, 200, &body)).expect("still fits");
    }
    let left = (LOG_BYTES_MAX - bytes) % big;
    assert!((68 + 64 + 1..big).contains(&left), "{left} bytes are left for a record and a byte");
    let before = log.clone();
    assert_eq!(log.append(sign_raw(&log, 200, &body[..left - 68 - 64 + 1])), Err(LogError::Full));
    log.append(sign_raw(&log, 200, &body[..left - 68 - 64])).expect("the last byte is filled");
    assert_eq!(log.write(&root(), &Record::End, NOW), Err(LogError::Full));
    assert_eq!(before.next_seq() + 1, log.next_seq());
}

/// People look the history of their session up: who was let in, cut off, and when.
#[test]
fn log_reads_back_record_by_record() {
    let log = long_log();
    let all: Vec<_> = log.decoded().collect();
    assert_eq!(all.len() as u64, log.next_seq());
    assert!(all.iter().enumerate().all(|(at, (seq, time, _))| (at as u64, NOW) == (*seq, *time)));
    assert_eq!((&all[0].2, &all[4].2), (&genesis(), &Record::Admit(author(20))));
    assert_eq!((log.time_of(3), log.time_of(log.next_seq()), log.time_of(u64::MAX)), (Some(NOW), None, None));
}

proptest! {
    /// Records come from relays and from whoever speaks to one.
    #[test]
    fn append_takes_any_bytes(
        bytes in vec(any::<u8>(), 0..300),
        kind in 0..10_u8,
        body in vec(any::<u8>(), 0..230),
    ) {
        let mut log = AuthLog::new(session());
        prop_assert!(log.append(bytes.into()).is_err());
        // Signed by the owner, so that the bytes get as far as they can.
        let raw = sign_raw(&log, kind, &body);
        let _ = log.append(raw);
        prop_assert_eq!(log.next_seq(), log.records().len() as u64);
    }
}
