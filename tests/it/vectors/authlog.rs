//! The auth log.

use super::fields::{Fields, bytes};
use super::vectors;
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, Checkpoint, Cut, LaneEnd, Record, Roll};
use cahoots::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId, ShareId};
use cahoots::proto::key::{PublicKey, SessionRoot};
use cahoots::proto::member::{Chain, ChainError, MemberCert, VerifiedMember};
use cahoots::proto::share::ShareCert;
use cahoots::proto::time::Wall;
use serde_json::Value;

/// Members and relays that read one log differently would disagree about who is let in.
#[test]
fn a_log_reads_the_same_for_all() {
    let file = vectors!("authlog");
    let log = read(&file, file.list("records").len());
    assert_eq!(log.head(), file.array("head"));
    assert_eq!(log.next_seq(), file.number("next_seq"));
    let commits = file.list("commits");
    assert_eq!(log.epoch(), Some(Epoch(commits.len() as u32 - 1)));
    for (epoch, commit) in (0..).zip(commits) {
        assert_eq!(log.commit(Epoch(epoch)).map(Vec::from), Some(bytes(commit)));
    }
    assert_eq!(log.host().map(|host| *host.as_bytes()), Some(file.array("host")));
    let named = |name: &str| file.list(name).iter().map(bytes).collect::<Vec<_>>();
    let shares: Vec<ShareId> = log.shares().map(|cert| cert.share).collect();
    assert_eq!(shares.iter().map(|share| share.as_bytes().to_vec()).collect::<Vec<_>>(), named("shares"));
    let closed = shares.iter().filter(|share| log.is_closed(share));
    assert_eq!(closed.map(|share| share.as_bytes().to_vec()).collect::<Vec<_>>(), named("closed"));
    assert!(log.is_ended());
}

/// The owner's program writes what the other implementation wrote.
#[test]
fn records_have_their_bytes() {
    let file = vectors!("authlog");
    let root = SessionRoot::from_seed(file.array("root_seed"));
    for (at, case) in file.list("records").iter().enumerate() {
        let name = case.text("name");
        let mut log = read(&file, at);
        assert_eq!(log.head(), case.array("prev"), "{name}");
        let record = record(case);
        let taken = log.append(case.bytes("bytes").into()).expect(name);
        assert_eq!(taken, record, "{name}");
        assert_eq!(log.head(), case.array("digest"), "{name}");
        assert_eq!(log.records().last(), Some(&Bytes::from(case.bytes("bytes"))), "{name}");

        let written = read(&file, at).write(&root, &record, Wall(case.number("time")));
        match record {
            Record::Unknown { .. } => assert!(written.is_err(), "nobody writes what it does not know"),
            _ => assert_eq!(written.expect(name), case.bytes("bytes"), "{name}"),
        }
    }
}

/// One forged record would hand the session over.
#[test]
fn broken_records_are_refused() {
    let file = vectors!("authlog");
    for case in file.list("refused") {
        let mut log = read(&file, case.small("after"));
        let (head, next) = (log.head(), log.next_seq());
        log.append(case.bytes("bytes").into()).map(drop).expect_err(case.text("why"));
        assert_eq!((log.head(), log.next_seq()), (head, next), "a refused record leaves no trace");
    }
}

/// Two relays that disagree about who is let in are two sessions.
#[test]
fn members_are_admitted_by_the_log_alone() {
    let file = vectors!("authlog");
    for case in file.list("admits") {
        let log = read(&file, case.small("after"));
        let verdict = match log.admits(&member(&file, case)) {
            Ok(()) => "yes",
            Err(ChainError::Root | ChainError::NotInLog { .. }) => "unknown share",
            Err(ChainError::Closed { .. }) => "closed",
            Err(ChainError::NotLetIn { .. }) => "not let in",
            Err(other) => panic!("{other}: {case}"),
        };
        assert_eq!(verdict, case.text("verdict"), "{case}");
    }
}

/// An entry that one replica keeps and another drops splits the documents for good.
#[test]
fn lanes_end_where_the_log_says() {
    let file = vectors!("authlog");
    for case in file.list("ends") {
        let log = read(&file, case.small("after"));
        let member = member(&file, case);
        let channel = Channel::parse(case.number("channel")).expect("the channel exists");
        let lane = LaneId { channel, author: member.author(), epoch: Epoch(case.small("epoch")) };
        let expected = case.maybe("end").map_or(LaneEnd::Open, |end| LaneEnd::At {
            next: end.number("next"),
            digest: end.maybe("digest").map(|_| end.array("digest")),
        });
        assert_eq!(log.end_of(&lane, &member), expected, "{case}");
    }
}

fn member(file: &Value, case: &Value) -> VerifiedMember {
    let chain = Chain::decode(&case.bytes("chain")).expect("the chain is good");
    chain.verify(&SessionId(file.array("session_id"))).expect("the chain holds")
}

/// Reads the first `count` records.
fn read(file: &Value, count: usize) -> AuthLog {
    let mut log = AuthLog::new(SessionId(file.array("session_id")));
    for case in file.list("records").iter().take(count) {
        let name = case.text("name");
        log.append(case.bytes("bytes").into()).expect(name);
    }
    log
}

/// Builds the record that a vector describes.
fn record(case: &Value) -> Record {
    let body = case.bytes("body");
    match case.small::<u8>("type") {
        1 => Record::Genesis { root: PublicKey(case.array("body")) },
        2 => Record::Share(ShareCert::decode(&body).expect("the certificate is good")),
        3 => {
            let (epoch, commit) = body.split_first_chunk().expect("an epoch and a commitment");
            let commit = commit.try_into().expect("32 bytes");
            Record::Epoch { epoch: Epoch(u32::from_le_bytes(*epoch)), commit }
        }
        4 => Record::Host(MemberCert::decode(&body).expect("the certificate is good")),
        5 => {
            let (share, stay) = body.split_first_chunk().expect("a share");
            Record::Close { share: ShareId(*share), stay: stay.as_chunks().0.iter().map(|id| AuthorId(*id)).collect() }
        }
        6 => Record::End,
        7 => Record::Cut(body.as_chunks().0.iter().map(cut).collect()),
        8 => Record::Checkpoint(checkpoint(&body)),
        10 => Record::Roll(roll(&case.array("body"))),
        9 => Record::Admit(AuthorId(case.array("body"))),
        kind => Record::Unknown { kind },
    }
}

/// One lane of a Cut record, PROTOCOL.md 5.
fn cut(raw: &[u8; 62]) -> Cut {
    let author = AuthorId(raw[2..18].try_into().expect("16 bytes"));
    let epoch = Epoch(u32::from_le_bytes(raw[18..22].try_into().expect("4 bytes")));
    Cut {
        lane: LaneId { channel: channel(&raw[..2]), author, epoch },
        next: u64::from_le_bytes(raw[22..30].try_into().expect("8 bytes")),
        digest: raw[30..].try_into().expect("32 bytes"),
    }
}

pub(super) fn checkpoint(body: &[u8]) -> Checkpoint {
    Checkpoint {
        channel: channel(&body[..2]),
        epoch: Epoch(u32::from_le_bytes(body[2..6].try_into().expect("4 bytes"))),
        segments: u32::from_le_bytes(body[6..10].try_into().expect("4 bytes")),
        last: body[10..42].try_into().expect("32 bytes"),
        heads: body[42..].try_into().expect("32 bytes"),
    }
}

fn roll(body: &[u8; 10]) -> Roll {
    Roll {
        channel: channel(&body[..2]),
        epoch: Epoch(u32::from_le_bytes(body[2..6].try_into().expect("4 bytes"))),
        lines: u32::from_le_bytes(body[6..].try_into().expect("4 bytes")),
    }
}

fn channel(raw: &[u8]) -> Channel {
    let number = u16::from_le_bytes(raw.try_into().expect("2 bytes"));
    Channel::parse(number.into()).expect("the channel exists")
}
