//! Who starts from a checkpoint is in no way different from who has read everything.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::merge::{World, author, story};
use super::*;
use crate::proto::doc::{CheckpointError, Message};

/// Two authors' chat, one's lines on top of the other's.
fn talk() -> (Document, Vec<(AuthorId, Bytes)>) {
    let [mut ada, mut ben] = [ADA, BEN].map(|author| Document::new(DocKind::Chat, author));
    for n in 0..150 {
        ben.handle_payload(ADA, say(&mut ada, &format!("line {n}")));
        if n % 10 == 0 {
            ben.flush();
            ada.handle_payload(BEN, say(&mut ben, &format!("answer {n}")));
            ada.flush();
        }
    }
    let log = ada.log_for_test();
    (ada, log)
}

/// A newcomer must not pay for every entry of the past, and must miss nothing of it.
#[test]
fn a_checkpoint_holds_all_changes_to_the_byte() {
    let (mut ada, log) = talk();
    let plaintext = ada.save_checkpoint().unwrap();
    let mut eve = Document::new(DocKind::Chat, EVE);
    eve.adopt_checkpoint(&plaintext, &ada.heads_digest()).unwrap();
    assert_eq!((eve.heads(), eve.messages(), eve.log_for_test()), (ada.heads(), ada.messages(), log));
    assert!(eve.flush().changed && eve.take_news().len() == ada.messages().len());
    let reply = say(&mut eve, "hello");
    ada.handle_payload(EVE, reply);
    assert_eq!((ada.flush().refused, ada.heads()), (Vec::new(), eve.heads()));
    let size: usize = eve.log_for_test().iter().map(|(_, payload)| payload.len()).sum();
    assert!(plaintext.len() * 5 < size, "{} of {size}", plaintext.len());
    // Lines of little pattern, longer than any buffer.
    let mut dice = 1_u64;
    for _ in 0..100 {
        let line: String = (0..3_000)
            .map(|_| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b' ' + (dice >> 33) as u8 % 90)
            })
            .collect();
        say(&mut ada, &line);
    }
    let plaintext = ada.save_checkpoint().unwrap();
    assert!(plaintext.len() > 200_000);
    assert_eq!(eve.adopt_checkpoint(&plaintext, &ada.heads_digest()), Ok(()));
    assert_eq!(eve.messages(), ada.messages());
    let empty = Document::new(DocKind::State, ADA).save_checkpoint().unwrap();
    let mut fresh = Document::new(DocKind::State, EVE);
    let heads = fresh.heads_digest();
    assert_eq!(fresh.adopt_checkpoint(&empty, &heads), Ok(()));
}

/// A host that leaves somebody's line out says so itself, in the heads of the record.
#[test]
fn a_checkpoint_that_leaves_something_out_shows_by_its_heads() {
    let (ada, log) = talk();
    let keep: BTreeMap<_, _> = [(ADA, 150), (BEN, 15)].into();
    assert_eq!(ada.heads_digest_at(&keep), Some(ada.heads_digest()));
    assert_eq!(ada.heads_digest_at(&[(ADA, 151)].into()), None);
    let mut less = Document::new(DocKind::Chat, ADA);
    for (author, payload) in log.iter().take(log.len() - 1) {
        less.handle_payload(*author, payload.clone());
    }
    less.flush();
    assert_ne!(less.heads_digest(), ada.heads_digest());
    assert_eq!(ada.heads_digest_at(&[(ADA, 149), (BEN, 15)].into()), Some(less.heads_digest()));
    let mut eve = Document::new(DocKind::Chat, EVE);
    let forged = eve.adopt_checkpoint(&less.save_checkpoint().unwrap(), &ada.heads_digest());
    assert_eq!((forged, eve.len_changes()), (Err(CheckpointError::Heads), 0));
}

/// The host can make up a past, but not one that contradicts what somebody here has signed.
#[test]
fn a_checkpoint_with_another_change_in_the_place_of_one_that_is_here_is_refused() {
    let [mut ada, mut twin] = [ADA, ADA].map(|author| Document::new(DocKind::Chat, author));
    let [mut ben, mut eve] = [BEN, EVE].map(|author| Document::new(DocKind::Chat, author));
    say(&mut twin, "never said");
    let (first, second) = (say(&mut ada, "said"), say(&mut ada, "more"));
    ben.handle_payload(ADA, first);
    ben.flush();
    // Eve has only the second one, which waits.
    eve.handle_payload(ADA, second);
    let plaintext = twin.save_checkpoint().unwrap();
    let refused = ben.adopt_checkpoint(&plaintext, &twin.heads_digest());
    assert_eq!(refused, Err(CheckpointError::Conflict { author: ADA, seq: 1 }));
    assert_eq!(lines(&ben), ["said"]);
    assert_eq!(eve.adopt_checkpoint(&plaintext, &twin.heads_digest()), Ok(()));
    assert_eq!((lines(&eve), eve.len_waiting()), (vec!["never said"], 1));
}

/// Its bytes are signed by the host, who may be anybody: they may cost an error and nothing else.
#[test]
fn spoiled_checkpoints_are_refused_without_harm() {
    let (mut ada, _) = talk();
    let good = ada.save_checkpoint().unwrap();
    let mut state = Document::new(DocKind::State, ADA);
    for n in 0..20 {
        state.edit_notes(n, 0, "note").unwrap();
        state.set_pane(PaneId(n as u16), &PaneInfo::default()).unwrap();
    }
    let other = state.save_checkpoint().unwrap();
    let mut eve = Document::new(DocKind::Chat, EVE);
    let heads = ada.heads_digest();
    assert!(matches!(eve.adopt_checkpoint(&other, &heads), Err(CheckpointError::Change { place: 1, .. })));
    assert_eq!(eve.adopt_checkpoint(&[2], &heads), Err(CheckpointError::Version { found: 2 }));
    assert_eq!(
        eve.adopt_checkpoint(&[1, 0xc0, 0, 0, 0, 0xff, 0, 0, 0], &heads),
        Err(CheckpointError::Limit { what: "bytes", found: 0xff00_0000, max: 1 << 26 })
    );
    let trailing = [&good[..], &[0]].concat();
    assert!(matches!(eve.adopt_checkpoint(&trailing, &heads), Err(CheckpointError::Deflate { .. })));
    assert!(eve.adopt_checkpoint(&good[..good.len() - 1], &heads).is_err());
    let bomb = checkpoint(&vec![0; 10_000_000], 9_999_999);
    assert_eq!(eve.adopt_checkpoint(&bomb, &heads), Err(CheckpointError::Deflate { expected: 9_999_999 }));
    for (document, good, heads) in [(DocKind::Chat, good, heads), (DocKind::State, other, state.heads_digest())] {
        let packed = unpack(&good);
        let mut whole = Document::new(document, EVE);
        assert_eq!(whole.adopt_checkpoint(&checkpoint(&packed, packed.len()), &heads), Ok(()));
        // Most of what decides is at the front: authors, dependencies, lengths.
        for n in (0..packed.len()).step_by(37).chain(0..100) {
            let mut spoiled = packed.clone();
            spoiled[n] = spoiled[n].wrapping_add([1, 0x40, 0x80, 0xff][n % 4]);
            let mut eve = Document::new(document, EVE);
            let spoiled = checkpoint(&spoiled, packed.len());
            if let Ok(()) = eve.adopt_checkpoint(&spoiled, &heads) {
                panic!("byte {n} makes no difference");
            }
            assert_eq!(eve.len_changes(), 0);
        }
    }
    assert_eq!((eve.len_changes(), lines(&eve).len()), (0, 0));
}

fn checkpoint(packed: &[u8], says: usize) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = vec![1];
    crate::proto::wire::varint::put(&mut out, says as u64);
    let mut deflate = flate2::write::DeflateEncoder::new(out, flate2::Compression::fast());
    deflate.write_all(packed).unwrap();
    deflate.finish().unwrap()
}

fn unpack(plaintext: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut reader = crate::proto::wire::Reader::new(&plaintext[1..]);
    reader.varint().unwrap();
    let mut packed = Vec::new();
    flate2::read::DeflateDecoder::new(reader.rest()).read_to_end(&mut packed).unwrap();
    packed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever a checkpoint leaves to the tail, and whatever its taker had before, all end alike and go on together.
    #[test]
    fn a_checkpoint_and_the_tail_are_the_full_log(
        (replicas, steps) in story(), host in any::<u8>(), taker in any::<u8>(),
    ) {
        let mut world = World::new(replicas);
        for (who, step) in steps {
            world.run(usize::from(who) % replicas, step);
        }
        let (host, taker) = (usize::from(host) % replicas, usize::from(taker) % replicas);
        world.flush(taker);
        let mut newcomer = [Document::new(DocKind::State, EVE), Document::new(DocKind::Chat, EVE)];
        let mut read = world.replicas[taker][1].take_news();
        for (kind, newcomer) in newcomer.iter_mut().enumerate() {
            let plaintext = world.replicas[host][kind].save_checkpoint().unwrap();
            let heads = world.replicas[host][kind].heads_digest();
            newcomer.adopt_checkpoint(&plaintext, &heads).unwrap();
            prop_assert_eq!(newcomer.heads_digest(), heads);
            let before = world.replicas[taker][kind].len_changes();
            world.replicas[taker][kind].adopt_checkpoint(&plaintext, &heads).unwrap();
            prop_assert!(world.replicas[taker][kind].len_changes() >= before);
            for (n, lanes) in world.lanes.iter().enumerate() {
                for payload in &lanes[kind] {
                    newcomer.handle_payload(author(n), payload.clone());
                }
            }
            prop_assert_eq!(newcomer.flush().refused, []);
        }
        world.settle();
        let late = [newcomer[0].set_title("late").unwrap().unwrap(), say(&mut newcomer[1], "late")];
        for [state, chat] in &mut world.replicas {
            for (document, late) in [&mut *state, &mut *chat].into_iter().zip(&late) {
                document.handle_payload(EVE, late.clone());
                prop_assert_eq!(document.flush().refused, []);
                prop_assert_eq!(document.len_waiting(), 0);
            }
            prop_assert_eq!((state.heads(), chat.heads()), (newcomer[0].heads(), newcomer[1].heads()));
            prop_assert_eq!(state.state(), newcomer[0].state());
            prop_assert_eq!(chat.messages(), newcomer[1].messages());
        }
        read.extend(world.replicas[taker][1].take_news());
        read.sort_by_key(Message::order);
        prop_assert_eq!(&read[..], newcomer[1].messages());
    }
}
