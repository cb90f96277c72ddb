//! Entries of durable, live and latest lanes.

use super::fields::Fields;
use super::vectors;
use cahoots::proto::epoch::EpochSecret;
use cahoots::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId};
use cahoots::proto::key::{MemberKeys, PublicKey, VerifyKey};
use cahoots::proto::lane::verify::LaneVerifier;
use cahoots::proto::seal::{LaneReader, LaneWriter, pad_durable, unpad_durable};
use cahoots::proto::wire::WireEntry;
use serde_json::Value;

/// All content travels in these bytes; one field moved and nobody reads anybody.
#[test]
fn entries_have_their_bytes() {
    let file = vectors!("entries");
    for lane in file.list("lanes") {
        let keys = MemberKeys::from_seed(lane.array("member_seed"));
        let mut writer = LaneWriter::new(session(&file), lane_id(lane), &epoch_secret(lane));
        for case in lane.list("entries") {
            assert_eq!(writer.next_seq(), case.number("seq"), "{case}");
            let sealed = writer.seal(case.small("kind"), &keys, &case.bytes("plaintext"));
            same_entry(&file, &sealed, case);
        }
    }
}

/// What one implementation seals, the other opens; the verifier comes to the same digests without the key.
#[test]
fn entries_open_to_their_plaintext() {
    let file = vectors!("entries");
    for lane in file.list("lanes") {
        let (mut reader, mut verifier) = (reader(&file, lane), verifier(&file, lane));
        for case in lane.list("entries") {
            let entry = decode(case);
            same_entry(&file, &entry, case);
            assert_eq!(verifier.check(&entry).expect("the entry is good"), case.array("digest"), "{case}");
            assert_eq!(reader.open(&entry).expect("the entry is good"), case.bytes("plaintext"), "{case}");
            assert_eq!(reader.next_seq(), case.number("seq") + 1);
        }
    }
}

/// A viewer comes late: it starts at any keyframe, nowhere else, and needs nothing before it.
#[test]
fn live_lane_is_entered_at_a_keyframe() {
    let file = vectors!("entries");
    let lane = file.list("lanes").iter().find(|lane| lane.text("name") == "live").expect("a live lane");
    for (at, first) in lane.list("entries").iter().enumerate() {
        let (mut reader, mut verifier) = (reader(&file, lane), verifier(&file, lane));
        let starts_keyframe = matches!(first.number("kind"), 2 | 5);
        assert_eq!(verifier.check(&decode(first)).is_ok(), starts_keyframe, "{first}");
        assert_eq!(reader.open(&decode(first)).is_ok(), starts_keyframe, "{first}");
        for case in lane.list("entries").iter().skip(at + 1).filter(|_| starts_keyframe) {
            assert_eq!(verifier.check(&decode(case)).expect("the entry is good"), case.array("digest"));
            assert_eq!(reader.open(&decode(case)).expect("the entry is good"), case.bytes("plaintext"));
        }
    }
}

/// Presence may be lost on the way: any newer one will do, none is taken twice.
#[test]
fn latest_lane_skips_and_never_goes_back() {
    let file = vectors!("entries");
    let lane = file.list("lanes").iter().find(|lane| lane.text("name") == "latest").expect("a latest lane");
    let mut reader = reader(&file, lane);
    let [first, second, third] = lane.list("entries") else { panic!("three entries") };
    assert_eq!(reader.open(&decode(second)).expect("newer than nothing"), second.bytes("plaintext"));
    reader.open(&decode(second)).expect_err("seen before");
    reader.open(&decode(first)).expect_err("older");
    assert_eq!(reader.open(&decode(third)).expect("newer"), third.bytes("plaintext"));
}

/// An entry that one member takes and another refuses splits the session.
#[test]
fn broken_entries_are_refused() {
    let file = vectors!("entries");
    let lane = file.list("lanes").iter().find(|lane| lane.text("name") == "durable").expect("a durable lane");
    for case in file.list("refused_durable") {
        let mut reader = reader(&file, lane);
        for good in lane.list("entries").iter().take(case.small("after")) {
            reader.open(&decode(good)).expect("the entry is good");
        }
        let next = reader.next_seq();
        // A flipped byte in the outside may name another lane; then it never comes to this reader.
        let Ok(entry) = WireEntry::decode(case.bytes("wire").into()) else { continue };
        reader.open(&entry).expect_err(case.text("why"));
        assert_eq!(reader.next_seq(), next, "{}: a refused entry leaves no trace", case.text("why"));
    }
}

/// A relay cannot see that an entry does not open: if members skipped it, they would disagree with the relay.
#[test]
fn unreadable_entries_count_all_the_same() {
    let file = vectors!("entries");
    let lane = file.list("lanes").iter().find(|lane| lane.text("name") == "durable").expect("a durable lane");
    for case in file.list("unreadable_durable") {
        let (mut reader, mut verifier) = (reader(&file, lane), verifier(&file, lane));
        for good in lane.list("entries").iter().take(case.small("after")) {
            reader.open(&decode(good)).expect("the entry is good");
            verifier.check(&decode(good)).expect("the entry is good");
        }
        assert_eq!(verifier.check(&decode(case)).expect("the author signed it"), case.array("digest"));
        reader.open(&decode(case)).expect_err(case.text("why"));
        assert_eq!(reader.next_seq(), case.number("seq") + 1);
    }
}

/// The outside of an entry has one form, up to the largest numbers.
#[test]
fn wire_form_is_the_only_one() {
    let file = vectors!("entries");
    for case in file.list("wire_only") {
        let entry = decode(case);
        assert_eq!((entry.kind, entry.lane, entry.seq), (case.small("kind"), lane_id(case), case.number("seq")));
        same_entry(&file, &entry, case);
        let again = WireEntry::encode(entry.kind, entry.lane, entry.seq, entry.body(), entry.signature());
        assert_eq!(again, entry);
    }
    for case in file.list("refused_wire") {
        WireEntry::decode(case.bytes("wire").into()).expect_err(case.text("why"));
    }
}

/// Padding hides how much one types; two sizes for one length would tell builds apart.
#[test]
fn padding_is_exact() {
    let file = vectors!("entries");
    let padding = file.field("padding");
    for case in padding.list("sizes") {
        let payload = vec![7; case.small("payload")];
        let padded = pad_durable(&payload);
        assert_eq!(padded.len(), case.small::<usize>("plaintext"), "{case}");
        assert_eq!(unpad_durable(&padded).expect("the padding is good"), payload);
    }
    for case in padding.list("cases") {
        assert_eq!(pad_durable(&case.bytes("payload")), case.bytes("plaintext"), "{case}");
    }
    for case in padding.list("refused") {
        unpad_durable(&case.bytes("plaintext")).map(drop).expect_err(case.text("why"));
    }
    for lane in file.list("lanes") {
        for case in lane.list("entries").iter().filter(|case| case.maybe("payload").is_some()) {
            assert_eq!(pad_durable(&case.bytes("payload")), case.bytes("plaintext"));
        }
    }
}

pub(super) fn same_entry(file: &Value, entry: &WireEntry, case: &Value) {
    assert_eq!(entry.header(&session(file), &case.array("prev")).to_vec(), case.bytes("header"), "{case}");
    assert_eq!(entry.body(), case.bytes("body"), "{case}");
    assert_eq!(entry.signature().to_vec(), case.bytes("signature"), "{case}");
    assert_eq!(entry.as_bytes(), &case.bytes("wire"), "{case}");
}

pub(super) fn decode(case: &Value) -> WireEntry {
    WireEntry::decode(case.bytes("wire").into()).unwrap_or_else(|error| panic!("{error}: {case}"))
}

fn session(file: &Value) -> SessionId {
    SessionId(file.array("session_id"))
}

fn epoch_secret(lane: &Value) -> EpochSecret {
    EpochSecret::from_bytes(lane.array("epoch_secret"))
}

fn lane_id(lane: &Value) -> LaneId {
    let channel = Channel::parse(lane.number("channel")).expect("the channel exists");
    LaneId { channel, author: AuthorId(lane.array("author_id")), epoch: Epoch(lane.small("epoch")) }
}

pub(super) fn verify_key(lane: &Value) -> VerifyKey {
    VerifyKey::try_from(PublicKey(lane.array("sign_public"))).expect("the key is one")
}

fn verifier(file: &Value, lane: &Value) -> LaneVerifier {
    LaneVerifier::new(session(file), lane_id(lane), verify_key(lane))
}

fn reader(file: &Value, lane: &Value) -> LaneReader {
    LaneReader::new(session(file), lane_id(lane), verify_key(lane), &epoch_secret(lane))
}
