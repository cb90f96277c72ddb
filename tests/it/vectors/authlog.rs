//! The auth log.

use super::fields::{Fields, bytes};
use super::vectors;
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::id::{AuthorId, Epoch, SessionId, ShareId};
use cahoots::proto::key::{PublicKey, SessionRoot};
use cahoots::proto::member::MemberCert;
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
    assert_eq!(log.epoch(), Some(Epoch(0)));
    assert_eq!(log.commit(Epoch(0)), Some(file.array("commit")));
    assert_eq!(log.host().map(|host| *host.as_bytes()), Some(file.array("host")));
    let closed: Vec<ShareId> = log.shares().map(|cert| cert.share).filter(|share| log.is_closed(share)).collect();
    let expected: Vec<Vec<u8>> = file.list("closed").iter().map(bytes).collect();
    assert_eq!(closed.iter().map(|share| share.as_bytes().to_vec()).collect::<Vec<_>>(), expected);
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
            let stay = stay.as_chunks().0.iter().copied().map(AuthorId).collect();
            Record::Close { share: ShareId(*share), stay }
        }
        6 => Record::End,
        kind => Record::Unknown { kind },
    }
}
