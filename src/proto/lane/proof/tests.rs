//! What proves that somebody wrote two histories, and what proves nothing.

use super::*;
use crate::proto::epoch::EpochSecret;
use crate::proto::lane::verify::{LaneVerifier, verify_at};
use crate::proto::member::VerifiedMember;
use crate::proto::member::cast::{for_each_flip, keys, session, verified};
use crate::proto::seal::LaneWriter;
use proptest::prelude::*;

/// Eve, who writes two histories, and Ben, who is accused of it.
const EVE: u8 = 66;
const BEN: u8 = 20;

fn lane_of(who: u8, channel: Channel) -> LaneId {
    LaneId { channel, author: verified(&keys(who)).author(), epoch: Epoch(3) }
}

/// One history: an entry per text, each after the one before.
fn history(who: u8, channel: Channel, texts: &[&str]) -> Vec<WireEntry> {
    let mut writer = LaneWriter::new(session(), lane_of(who, channel), &EpochSecret::from_bytes([0x5e; 32]));
    texts.iter().map(|text| writer.seal(1, &keys(who), text.as_bytes())).collect()
}

fn key_of(who: u8) -> VerifyKey {
    VerifiedMember::verify_key(&verified(&keys(who))).clone()
}

/// The digest of the only entry before the fork of the histories below.
fn digest_of_first(channel: Channel) -> [u8; 32] {
    let mut verifier = LaneVerifier::new(session(), lane_of(EVE, channel), key_of(EVE));
    verifier.check(&history(EVE, channel, &["hello"])[0]).expect("the first entry")
}

/// Eve says yes to some and no to others, after the same beginning.
fn proof_on(channel: Channel) -> Proof {
    let [yes, no] = ["yes", "no"].map(|last| history(EVE, channel, &["hello", last])[1].clone());
    Proof::of_fork(&session(), &key_of(EVE), &digest_of_first(channel), &yes, &no).expect("two histories")
}

/// Whoever holds both histories can show it to anybody, without a word of what was written.
#[test]
fn two_histories_prove_themselves_to_all() {
    for channel in Channel::RECONCILED {
        let proof = proof_on(channel);
        let bytes = proof.encode();
        assert_eq!(bytes.len(), PROOF_BYTES);
        let read = Proof::decode(&bytes).expect("what was encoded decodes");
        assert_eq!((&read, read.lane(), read.seq()), (&proof, lane_of(EVE, channel), 1));
        assert!(read.verify(&session(), &key_of(EVE)));
    }
}

/// Witnesses who met the two entries the other way round must spread one proof, not two.
#[test]
fn proof_has_one_spelling() {
    let [yes, no] = ["yes", "no"].map(|text| history(EVE, Channel::CHAT, &[text])[0].clone());
    let of = |a, b| Proof::of_fork(&session(), &key_of(EVE), &[0; 32], a, b);
    assert_eq!(of(&yes, &no), of(&no, &yes));
    let bytes = of(&yes, &no).expect("two histories").encode();
    let swapped = [&bytes[180..], &bytes[..180]].concat();
    assert_eq!(Proof::decode(&swapped), Err(DecodeError::Order { what: "entries of a proof" }));
}

/// An honest author must be safe from everybody: one entry, or two in different places, prove nothing.
#[test]
fn honest_history_proves_nothing() {
    let ben = history(BEN, Channel::STATE, &["hello", "world"]);
    let of = |prev: &[u8; 32], a, b| Proof::of_fork(&session(), &key_of(BEN), prev, a, b);
    assert_eq!(of(&[0; 32], &ben[0], &ben[0]), None, "one entry twice");
    assert_eq!(of(&[0; 32], &ben[0], &ben[1]), None, "two places");
    let elsewhere = history(BEN, Channel::CHAT, &["hello"]);
    assert_eq!(of(&[0; 32], &ben[0], &elsewhere[0]), None, "two lanes");

    let twice = [ben[0].header(&session(), &[0; 32]), ben[0].header(&session(), &[1; 32])];
    let half = |header: &[u8; 84]| [&header[..], blake3::hash(ben[0].body()).as_bytes(), ben[0].signature()].concat();
    for order in [[0, 1], [1, 0]] {
        let forged = Proof::decode(&order.map(|at| half(&twice[at])).concat());
        assert!(forged.is_err() || !forged.expect("checked").verify(&session(), &key_of(BEN)), "another prev");
    }
}

/// Eve cannot pin her own two histories on Ben, nor on herself in another session.
#[test]
fn proof_counts_against_its_author_alone() {
    let proof = proof_on(Channel::CHAT);
    assert!(!proof.verify(&session(), &key_of(BEN)));
    assert!(!proof.verify(&SessionId([9; 16]), &key_of(EVE)));
    let ben = lane_of(BEN, Channel::CHAT).author;
    let mut bytes = proof.encode().to_vec();
    for half in [0, 180] {
        bytes[half + 22..half + 38].copy_from_slice(ben.as_bytes());
    }
    for raw in [bytes.clone(), [&bytes[180..], &bytes[..180]].concat()] {
        assert!(
            Proof::decode(&raw).is_ok_and(|it| !it.verify(&session(), &key_of(BEN))) || Proof::decode(&raw).is_err()
        );
    }
}

/// A relay passes proofs on: no bit of one may be its to choose.
#[test]
fn every_flipped_bit_of_a_proof_is_refused() {
    let bytes = proof_on(Channel::STATE).encode();
    for_each_flip(&bytes, |bit, other| {
        let holds = Proof::decode(&other).is_ok_and(|proof| proof.verify(&session(), &key_of(EVE)));
        assert!(!holds, "bit {bit}");
    });
    for length in (0..PROOF_BYTES).chain([PROOF_BYTES + 1]) {
        let cut: Vec<u8> = bytes.iter().copied().chain([0]).take(length).collect();
        assert!(Proof::decode(&cut).is_err(), "{length} bytes");
    }
}

/// A guest's lane to the host starts anew with each host, and so has two entries of one seq without any fault.
#[test]
fn entries_that_nobody_keeps_prove_nothing() {
    for number in [3_u16, 4, 5, 16] {
        let mut bytes = proof_on(Channel::STATE).encode().to_vec();
        for half in [0, 180] {
            bytes[half + 78..half + 80].copy_from_slice(&number.to_le_bytes());
        }
        let found = u64::from(number);
        assert_eq!(Proof::decode(&bytes), Err(DecodeError::Value { what: "channel of a proof", found }));
    }
}

/// The second history shows as an entry that holds in the place of another.
#[test]
fn entry_is_verified_in_any_place() {
    let lane = lane_of(EVE, Channel::CHAT);
    let entries = history(EVE, Channel::CHAT, &["hello", "yes"]);
    let first = digest_of_first(Channel::CHAT);
    let at = |lane: &LaneId, entry: &WireEntry, prev: &[u8; 32]| verify_at(&session(), lane, &key_of(EVE), entry, prev);
    assert_eq!(at(&lane, &entries[0], &[0; 32]), Some(first));
    let second = at(&lane, &entries[1], &first);
    assert!(second.is_some() && second != Some(first));
    assert_eq!(at(&lane, &entries[1], &[0; 32]), None, "it follows another entry");
    assert_eq!(at(&lane_of(EVE, Channel::STATE), &entries[0], &[0; 32]), None, "it is of another lane");
    assert_eq!(verify_at(&session(), &lane, &key_of(BEN), &entries[0], &[0; 32]), None, "it is Eve's");
}

proptest! {
    /// Proofs come from anybody who can reach a port; what is accepted re-encodes to its bytes.
    #[test]
    fn decode_takes_any_bytes(filler in prop::collection::vec(any::<u8>(), 0..400), tweaks in prop::collection::vec((0..PROOF_BYTES, any::<u8>()), 0..4)) {
        let _ = Proof::decode(&filler);
        let mut bytes = proof_on(Channel::STATE).encode().to_vec();
        for (at, byte) in tweaks {
            bytes[at] = byte;
        }
        if let Ok(proof) = Proof::decode(&bytes) {
            prop_assert_eq!(&proof.encode()[..], &bytes[..]);
        }
    }
}
