//! Thousands of spoiled changes: what the gate lets through is harmless to Automerge, whatever it says.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::Change;
use automerge::legacy::{ElementId, Key, ObjectId};

use super::forge::{chunk, decode, encode, id, next_change};
use super::*;
use crate::proto::doc::gate::GENESIS_AUTHOR;
use crate::proto::doc::gate::scan::Scan;

/// Xorshift: the same mutants every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// Two authors' history with conflicts, deletions and nested objects.
fn history() -> (Document, Vec<Bytes>) {
    let (mut ada, mut ben) = (Document::new(DocKind::State, ADA), Document::new(DocKind::State, BEN));
    let mut payloads = vec![
        ada.set_title("one").unwrap().unwrap(),
        ada.edit_notes(0, 0, "shared notes").unwrap().unwrap(),
        ada.set_pane(PaneId(0), &PaneInfo::default()).unwrap().unwrap(),
    ];
    let bens = [ben.set_title("two").unwrap().unwrap(), ben.edit_notes(0, 0, "Ben: ").unwrap().unwrap()];
    for payload in &bens {
        ada.handle_payload(BEN, payload.clone());
    }
    ada.flush();
    payloads.extend(bens);
    payloads.push(ada.edit_notes(2, 3, "é").unwrap().unwrap());
    payloads.push(ada.set_title("three").unwrap().unwrap());
    payloads.push(ada.remove_pane(PaneId(0)).unwrap().unwrap());
    (ada, payloads)
}

/// What the gate lets through must never bring Automerge down or spoil what it saves.
fn expect_harmless(mut mutant: impl FnMut(&mut Dice, &Document, &[Bytes], AuthorId) -> Option<Bytes>, seed: u64) {
    let mut dice = Dice(seed);
    let (mut admitted, mut judged) = (0, 0);
    for round in 0..12_u8 {
        let (mut document, payloads) = history();
        for n in 0..150_u8 {
            let author = AuthorId([round, n, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
            let Some(payload) = mutant(&mut dice, &document, &payloads, author) else { continue };
            document.handle_payload(author, payload);
            let refused = document.flush().refused;
            assert!(refused.iter().all(|refusal| refusal.reason != GateError::Failed), "{round} {n}");
            judged += 1;
            admitted += usize::from(refused.is_empty() && document.len_waiting() == 0);
        }
        assert!(document.save().is_some(), "round {round} does not load");
        let mut fresh = Document::new(DocKind::State, EVE);
        for entry in document.log_for_test() {
            fresh.handle_payload(entry.0, entry.1);
        }
        fresh.flush();
        assert_eq!((fresh.heads(), fresh.state()), (document.heads(), document.state()));
    }
    assert!(judged > 1_000 && admitted > 30, "{admitted} of {judged}");
}

/// Operations that refer here and there, in canonical form: only the reference index stands in their way.
#[test]
fn changes_with_wild_references_are_harmless() {
    let mutant = |dice: &mut Dice, document: &Document, payloads: &[Bytes], author: AuthorId| {
        let donor = decode(&payloads[dice.roll(payloads.len())]);
        let mut change = next_change(document, author, 1, donor.operations);
        let known = [GENESIS_AUTHOR, ADA, BEN, author];
        for _ in 0..dice.roll(3) {
            let (place, start) = (dice.roll(change.operations.len()), change.start_op.get());
            let counter = 1 + dice.roll(start as usize + 4) as u64;
            let any = id(counter, known[dice.roll(4)]);
            let donor = decode(&payloads[dice.roll(payloads.len())]).operations;
            let op = &mut change.operations[place];
            match dice.roll(8) {
                0 => op.obj = ObjectId::Id(any),
                1 => op.key = Key::Seq(ElementId::Id(any)),
                2 => op.pred = vec![any].into(),
                3 => op.insert = !op.insert,
                4 => op.action = donor[0].action.clone(),
                5 => op.key = donor[0].key.clone(),
                6 => op.obj = donor[0].obj.clone(),
                _ => op.pred = Vec::new().into(),
            }
        }
        catch_unwind(AssertUnwindSafe(|| encode(change))).ok()
    };
    expect_harmless(mutant, 0x5eed);
}

/// Bytes changed at random, with length and checksum put right again.
#[test]
fn changes_with_wild_bytes_are_harmless() {
    let mutant = |dice: &mut Dice, document: &Document, payloads: &[Bytes], author: AuthorId| {
        let donor = decode(&payloads[dice.roll(payloads.len())]);
        let honest = encode(next_change(document, author, 1, donor.operations));
        let header = 10 + usize::from(honest.len() > 10 + 127);
        let mut body = honest[header..].to_vec();
        for _ in 0..dice.roll(3) {
            // Most of the interesting bytes are behind the dependencies and actors.
            let place = body.len() - 1 - dice.roll(body.len().min(90));
            match dice.roll(5) {
                0 => body[place] ^= 1 << dice.roll(8),
                1 => body[place] = dice.roll(256) as u8,
                2 => body.insert(place, dice.roll(128) as u8),
                3 => drop(body.remove(place)),
                _ => body[place] = [0, 1, 0x7f, 0x7e, 0x80, 0xff][dice.roll(6)],
            }
        }
        let mut mutant = chunk(1, &body);
        // Automerge computes the right checksum of whatever it parses; what the scan refuses need not have one.
        if Scan::parse(&mutant).is_ok() {
            let parse = || Change::from_bytes(mutant.clone()).ok().map(|change| change.hash());
            if let Some(hash) = catch_unwind(parse).ok().flatten() {
                mutant[4..8].copy_from_slice(&hash.0[..4]);
            }
        }
        Some(mutant.into())
    };
    expect_harmless(mutant, 0xdead);
}
