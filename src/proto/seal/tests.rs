//! What a lane lets through, told by readers and by the verifier that a relay has.

mod direct;
mod share_kek;

use super::*;
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{Channel, Epoch, LaneId, PaneId};
use crate::proto::key::MemberKeys;
use crate::proto::lane::verify::LaneVerifier;
use crate::proto::limits::DURABLE_PAYLOAD_BYTES_MAX;
use crate::proto::member::VerifiedMember;
use crate::proto::member::cast::{for_each_flip, keys, session, verified};
use crate::proto::wire::{DecodeError, WireEntry};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

/// Ada, who writes; Eve is a member too and knows the epoch secret.
const ADA: u8 = 10;
const EVE: u8 = 66;

fn terminal() -> Channel {
    Channel::terminal(PaneId(3)).expect("panes go to 63")
}

fn secret() -> EpochSecret {
    EpochSecret::from_bytes([0x5e; 32])
}

fn lane(channel: Channel, member: &VerifiedMember) -> LaneId {
    LaneId { channel, author: member.author(), epoch: Epoch(0) }
}

/// Ada's keys with one lane of hers, from all sides.
struct Bench {
    keys: MemberKeys,
    writer: LaneWriter,
    reader: LaneReader,
    verifier: LaneVerifier,
}

impl Bench {
    fn new(channel: Channel) -> Self {
        let (keys, member) = (keys(ADA), verified(&keys(ADA)));
        let (lane, key) = (lane(channel, &member), member.verify_key().clone());
        Self {
            keys,
            writer: LaneWriter::new(session(), lane, &secret()),
            reader: LaneReader::new(session(), lane, key.clone(), &secret()),
            verifier: LaneVerifier::new(session(), lane, key),
        }
    }

    fn seal(&mut self, kind: u8, plaintext: &[u8]) -> WireEntry {
        self.writer.seal(kind, &self.keys, plaintext)
    }

    /// Seals one entry of each kind, in this order.
    fn seal_kinds(&mut self, kinds: &[u8]) -> Vec<WireEntry> {
        kinds.iter().zip(0_u8..).map(|(kind, at)| self.seal(*kind, &[at])).collect()
    }

    /// Reads and verifies: both must come to the same judgement of place and signature.
    fn open(&mut self, entry: &WireEntry) -> Result<Vec<u8>, EntryError> {
        let opened = self.reader.open(entry);
        let checked = self.verifier.check(entry);
        match opened {
            Ok(_) | Err(EntryError::Seal { .. }) => assert!(checked.is_ok(), "{checked:?}"),
            Err(error) => assert_eq!(checked, Err(error)),
        }
        assert_eq!(self.reader.next_seq(), self.verifier.position().0);
        opened
    }
}

/// The one primitive: what Ada writes, others read, in order, on every class of channel.
#[test]
fn entries_open_to_what_was_sealed() {
    for channel in [Channel::STATE, Channel::CHAT, Channel::PRESENCE, terminal()] {
        let mut bench = Bench::new(channel);
        for text in [&b"first"[..], b"", b"third"] {
            let entry = bench.seal(1, text);
            let received = WireEntry::decode(entry.as_bytes().clone()).expect("what was encoded decodes");
            assert_eq!(received, entry);
            assert_eq!(bench.open(&received), Ok(text.to_vec()), "{channel:?}");
        }
        assert_eq!((bench.writer.next_seq(), bench.reader.next_seq()), (3, 3));
    }
}

/// Equal texts must not look equal to a relay, nor share a key stream.
#[test]
fn equal_texts_seal_to_different_bytes() {
    let bodies = [Channel::CHAT, Channel::STATE].map(|channel| {
        let mut bench = Bench::new(channel);
        [(); 2].map(|()| bench.seal(1, &[0; 32]).body()[..32].to_vec())
    });
    let different: std::collections::BTreeSet<_> = bodies.iter().flatten().collect();
    assert_eq!(different.len(), 4);
}

/// No relay, and nobody on the way, may alter one bit of what is shared.
#[test]
fn every_flipped_bit_of_an_entry_is_refused() {
    for (channel, kind) in [(Channel::STATE, 1), (Channel::PRESENCE, 1), (terminal(), 1), (terminal(), 5)] {
        let mut bench = Bench::new(channel);
        let first = bench.seal(1, b"before");
        bench.open(&first).expect("the true entry");
        let entry = bench.seal(kind, b"content");
        for_each_flip(entry.as_bytes(), |bit, other| {
            if let Ok(other) = WireEntry::decode(other.into()) {
                assert!(bench.open(&other).is_err(), "{channel:?}, bit {bit}");
            }
        });
        assert_eq!(bench.open(&entry), Ok(b"content".to_vec()), "refusing leaves the lane as it was");
    }
}

/// Documents count every entry: a relay that repeats, leaves out or swaps some is found out.
#[test]
fn durable_lane_takes_exactly_the_next_entry() {
    let mut bench = Bench::new(Channel::CHAT);
    let entries = bench.seal_kinds(&[1, 1, 1]);
    assert_eq!(bench.open(&entries[1]), Err(EntryError::Gap { seq: 1, next: 0 }));
    assert_eq!(bench.open(&entries[0]), Ok(vec![0]));
    assert_eq!(bench.open(&entries[0]), Err(EntryError::Duplicate { seq: 0, next: 1 }));
    assert_eq!(bench.open(&entries[2]), Err(EntryError::Gap { seq: 2, next: 1 }));
    assert_eq!(bench.open(&entries[1]), Ok(vec![1]));
    assert_eq!(bench.open(&entries[2]), Ok(vec![2]));
    assert_eq!(bench.open(&entries[1]), Err(EntryError::Duplicate { seq: 1, next: 3 }));
}

/// An author that writes two histories convinces each reader of one at most.
#[test]
fn forked_history_does_not_join() {
    let (mut one, mut other) = (Bench::new(Channel::STATE), Bench::new(Channel::STATE));
    let first = one.seal(1, b"to Ben");
    one.open(&first).expect("holds");
    other.seal(1, b"to Eve");
    let second = other.seal(1, b"after what Eve saw");
    assert_eq!(one.open(&second), Err(EntryError::Signature { seq: 1 }));
}

/// A viewer comes late or misses output: it goes on at a keyframe, never in between.
#[test]
fn live_lane_skips_to_keyframes_only() {
    let mut bench = Bench::new(terminal());
    let entries = bench.seal_kinds(&[1, 1, 5, 1, 1, 2, 3, 4, 1]);
    assert_eq!(bench.open(&entries[1]), Err(EntryError::Gap { seq: 1, next: 0 }));
    assert_eq!(bench.open(&entries[2]), Ok(vec![2]), "a keyframe in one part");
    assert_eq!(bench.open(&entries[3]), Ok(vec![3]));
    assert_eq!(bench.open(&entries[6]), Err(EntryError::Gap { seq: 6, next: 4 }), "not into a keyframe");
    assert_eq!(bench.open(&entries[5]), Ok(vec![5]));
    for at in [6, 7, 8] {
        assert_eq!(bench.open(&entries[at]), Ok(vec![at as u8]));
    }
    assert_eq!(bench.open(&entries[2]), Err(EntryError::Duplicate { seq: 2, next: 9 }), "no old screen again");
}

/// Cursors: any later one replaces the last, an older one never does.
#[test]
fn latest_lane_takes_rising_entries() {
    let mut bench = Bench::new(Channel::PRESENCE);
    let entries = bench.seal_kinds(&[1, 1, 1, 1]);
    assert_eq!(bench.open(&entries[2]), Ok(vec![2]));
    assert_eq!(bench.open(&entries[1]), Err(EntryError::Duplicate { seq: 1, next: 3 }));
    assert_eq!(bench.open(&entries[2]), Err(EntryError::Duplicate { seq: 2, next: 3 }));
    assert_eq!(bench.open(&entries[3]), Ok(vec![3]));
}

/// What was said in one place must not be shown in another: session, author, channel, epoch are all signed.
#[test]
fn entry_counts_in_its_own_lane_only() {
    let ada = verified(&keys(ADA));
    let entry = Bench::new(Channel::CHAT).seal(1, b"hello");
    let reader = |session, lane, secret: &EpochSecret| {
        LaneReader::new(session, lane, ada.verify_key().clone(), secret).open(&entry)
    };
    let here = lane(Channel::CHAT, &ada);
    assert_eq!(reader(session(), here, &secret()), Ok(b"hello".to_vec()));
    assert_eq!(reader(session(), LaneId { channel: Channel::STATE, ..here }, &secret()), Err(EntryError::Lane));
    assert_eq!(reader(session(), LaneId { epoch: Epoch(1), ..here }, &secret()), Err(EntryError::Lane));
    assert_eq!(reader(session(), lane(Channel::CHAT, &verified(&keys(EVE))), &secret()), Err(EntryError::Lane));
    let elsewhere = crate::proto::key::SessionRoot::from_seed([9; 32]).session_id();
    assert_eq!(reader(elsewhere, here, &secret()), Err(EntryError::Signature { seq: 0 }));
    let newer = EpochSecret::from_bytes([6; 32]);
    assert_eq!(reader(session(), here, &newer), Err(EntryError::Seal { seq: 0 }));

    // Moved to another lane on the wire, the signature no longer fits.
    let moved = LaneId { channel: Channel::STATE, ..here };
    let forged = WireEntry::encode(1, moved, 0, entry.body(), entry.signature());
    let mut state = LaneReader::new(session(), moved, ada.verify_key().clone(), &secret());
    assert_eq!(state.open(&forged), Err(EntryError::Signature { seq: 0 }));
}

/// Eve, a member with the epoch secret and perhaps the relay's friend, cannot write as Ada or adopt Ada's words.
#[test]
fn member_cannot_write_for_another() {
    let (ada, eve) = (verified(&keys(ADA)), verified(&keys(EVE)));
    let hers = lane(Channel::CHAT, &ada);
    let forged = LaneWriter::new(session(), hers, &secret()).seal(1, &keys(EVE), b"as Ada");
    let mut reader = LaneReader::new(session(), hers, ada.verify_key().clone(), &secret());
    assert_eq!(reader.open(&forged), Err(EntryError::Signature { seq: 0 }));

    let mine = lane(Channel::CHAT, &eve);
    let entry = Bench::new(Channel::CHAT).seal(1, b"hello");
    let header = crate::proto::wire::header(&session(), 1, &mine, 0, &[0; 32], entry.body().len());
    let signature = keys(EVE).sign(&crate::proto::lane::verify::entry_digest(&header, entry.body()));
    let adopted = WireEntry::encode(1, mine, 0, entry.body(), &signature);
    let mut reader = LaneReader::new(session(), mine, eve.verify_key().clone(), &secret());
    assert_eq!(reader.open(&adopted), Err(EntryError::Seal { seq: 0 }));
}

/// A relay counts what it cannot open; a reader that did not would take all that follows for a gap.
#[test]
fn entry_that_does_not_open_keeps_its_place() {
    let mut bench = Bench::new(Channel::CHAT);
    let lane = bench.writer.lane();
    let mut other_key = LaneWriter::new(session(), lane, &EpochSecret::from_bytes([6; 32]));
    let nonsense = other_key.seal(1, &bench.keys, b"?");
    let next = other_key.seal(1, &bench.keys, b"?");
    assert_eq!(bench.open(&nonsense), Err(EntryError::Seal { seq: 0 }));
    assert_eq!(bench.open(&nonsense), Err(EntryError::Duplicate { seq: 0, next: 1 }));
    assert_eq!(bench.open(&next), Err(EntryError::Seal { seq: 1 }));
}

/// Kinds that a channel does not have could hide something from those who do not know them.
#[test]
fn unknown_kinds_are_refused() {
    for (channel, kinds) in [(Channel::STATE, 1..=1), (Channel::PRESENCE, 1..=1), (terminal(), 1..=5)] {
        for kind in (0..=255).filter(|kind| !kinds.contains(kind)) {
            let mut bench = Bench::new(channel);
            let entry = bench.seal(1, b"x");
            let forged = WireEntry::encode(kind, entry.lane, 0, entry.body(), entry.signature());
            let number = channel.number();
            assert_eq!(bench.open(&forged), Err(EntryError::Kind { found: kind, channel: number }));
        }
    }
}

/// A relay that starts anew goes on from its disk.
#[test]
fn verifier_resumes_where_it_stood() {
    let mut bench = Bench::new(Channel::CHAT);
    let entries = bench.seal_kinds(&[1, 1]);
    bench.open(&entries[0]).expect("holds");
    let (next, prev) = bench.verifier.position();
    let key = verified(&keys(ADA)).verify_key().clone();
    let mut resumed = LaneVerifier::resume(session(), bench.verifier.lane(), key.clone(), next, prev);
    assert_eq!(resumed.check(&entries[0]), Err(EntryError::Duplicate { seq: 0, next: 1 }));
    let mut forgetful = LaneVerifier::resume(session(), bench.verifier.lane(), key, next, [0; 32]);
    assert_eq!(forgetful.check(&entries[1]), Err(EntryError::Signature { seq: 1 }));
    resumed.check(&entries[1]).expect("the next entry");
    assert_eq!(resumed.position().0, 2);
}

/// Sizes of the paper's algorithm: the relay learns the exponent and a few bits of each length.
#[test]
fn padding_follows_padme() {
    for (length, padded) in [(0, 0), (1, 1), (2, 2), (9, 10), (100, 104), (1000, 1024), (65_000, 65_536)] {
        let bytes = crate::proto::wire::varint::len(length as u64) + padded;
        assert_eq!(pad_durable(&vec![7; length]).len(), bytes, "{length}");
    }
}

/// Spare bytes and other sizes would carry what nobody checks.
#[test]
fn other_padding_is_refused() {
    let padded = pad_durable(&[7; 9]);
    let mut dirty = padded.clone();
    dirty[10] = 1;
    assert_eq!(unpad_durable(&dirty), Err(DecodeError::Value { what: "padding", found: 1 }));
    assert_eq!(unpad_durable(&padded[..10]), Err(DecodeError::Truncated { missing: 1 }));
    assert_eq!(unpad_durable(&[&padded[..], &[0]].concat()), Err(DecodeError::Trailing { bytes: 1 }));
    assert_eq!(unpad_durable(&[]), Err(DecodeError::Truncated { missing: 1 }));
    let long = pad_durable(&vec![7; DURABLE_PAYLOAD_BYTES_MAX + 1]);
    assert!(matches!(unpad_durable(&long), Err(DecodeError::TooLong { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever the network does to the order, a durable lane reads as a prefix of what was written.
    #[test]
    fn durable_lane_reads_as_a_prefix(arrivals in vec(0..8_usize, 0..40)) {
        let mut bench = Bench::new(Channel::STATE);
        let entries = bench.seal_kinds(&[1; 8]);
        let mut read = Vec::new();
        for at in arrivals {
            let expected = at.cmp(&read.len());
            let opened = bench.open(&entries[at]);
            prop_assert_eq!(opened.is_ok(), expected.is_eq());
            read.extend(opened.unwrap_or_default());
        }
        let written: Vec<u8> = (0..read.len() as u8).collect();
        prop_assert_eq!(read, written);
    }

    /// Whatever is lost, a live lane never goes back and never crosses a gap but to a keyframe.
    #[test]
    fn live_lane_never_goes_back(kinds in vec(1..=5_u8, 1..12), arrivals in vec(0..12_usize, 0..24)) {
        let mut bench = Bench::new(terminal());
        let entries = bench.seal_kinds(&kinds);
        let mut next = 0;
        for at in arrivals.into_iter().filter(|at| *at < kinds.len()) {
            let may_open = at == next || at > next && matches!(kinds[at], 2 | 5);
            prop_assert_eq!(bench.open(&entries[at]).is_ok(), may_open);
            if may_open {
                next = at + 1;
            }
        }
    }

    /// Every length of content survives, padded and sealed.
    #[test]
    fn padded_content_survives(payload in vec(any::<u8>(), 0..3000)) {
        let mut bench = Bench::new(Channel::CHAT);
        let padded = pad_durable(&payload);
        let entry = bench.seal(1, &padded);
        let opened = bench.open(&entry).expect("the true entry");
        prop_assert_eq!(unpad_durable(&opened), Ok(&payload[..]));
    }

    /// What is accepted as padded is what padding makes.
    #[test]
    fn accepted_padding_is_ours(length in 0..70_u8, spare in vec(0..2_u8, 0..80)) {
        let padded = [vec![length], spare].concat();
        if let Ok(payload) = unpad_durable(&padded) {
            prop_assert_eq!(pad_durable(payload), padded);
        }
    }

    /// Entries come from relays: any bytes, in any lane.
    #[test]
    fn any_bytes_are_refused_quietly(bytes in vec(any::<u8>(), 0..200), kind in 0..6_u8, seq in 0..3_u64) {
        let mut bench = Bench::new(terminal());
        let _ = WireEntry::decode(Bytes::from(bytes.clone())).map(|entry| bench.open(&entry));
        let signature = std::array::from_fn(|at| bytes.get(at).copied().unwrap_or_default());
        let forged = WireEntry::encode(kind, bench.writer.lane(), seq, &bytes, &signature);
        prop_assert!(bench.open(&forged).is_err());
    }
}
