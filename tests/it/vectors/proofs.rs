//! Proofs that an author told two histories.

use super::entries::{decode, verify_key};
use super::fields::Fields;
use super::vectors;
use cahoots::proto::id::SessionId;
use cahoots::proto::lane::proof::Proof;

/// What one member saw must convince everybody, in whatever order the two entries came.
#[test]
fn proofs_have_their_bytes() {
    let file = vectors!("proof");
    let session = SessionId(file.array("session_id"));
    for case in file.list("valid") {
        let name = case.text("name");
        let proof = Proof::decode(&case.bytes("proof")).expect(name);
        assert_eq!(proof.encode().to_vec(), case.bytes("proof"), "{name}");
        assert!(proof.verify(&session, &verify_key(case)), "{name}");
        let lane = proof.lane();
        assert_eq!(lane.author.as_bytes(), &case.array("author_id"), "{name}");
        assert_eq!((lane.channel.number(), lane.epoch.0), (case.small("channel"), case.small("epoch")), "{name}");
        assert_eq!(proof.seq(), case.number("seq"), "{name}");
        found_either_way(&session, case, &proof);
    }
}

fn found_either_way(session: &SessionId, case: &serde_json::Value, proof: &Proof) {
    let key = verify_key(case);
    let half = |entry: &serde_json::Value| {
        let wire = decode(entry);
        (wire.header(session, &entry.array("prev")), wire.body().to_vec(), *wire.signature())
    };
    let [one, two] = case.list("entries") else { panic!("two entries") };
    let (one, two) = (half(one), half(two));
    for (a, b) in [(&one, &two), (&two, &one)] {
        let found = Proof::find(session, &key, (&a.0, &a.1, &a.2), (&b.0, &b.1, &b.2)).expect("they contradict");
        assert_eq!(found.encode(), proof.encode());
    }
    assert!(Proof::find(session, &key, (&one.0, &one.1, &one.2), (&one.0, &one.1, &one.2)).is_none());
}

/// One forged proof would silence whom a relay likes.
#[test]
fn broken_proofs_are_refused() {
    let file = vectors!("proof");
    let session = SessionId(file.array("session_id"));
    for case in file.list("refused") {
        let key = verify_key(case);
        let holds = Proof::decode(&case.bytes("proof")).is_ok_and(|proof| proof.verify(&session, &key));
        assert!(!holds, "{}", case.text("why"));
    }
}
