//! P18: bytes that a document has taken never spoil it, and all replicas refuse the same.

use bytes::Bytes;
use cahoots::proto::doc::{DocKind, Document, Draft};
use cahoots::proto::id::AuthorId;
use cahoots::proto::time::Wall;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

const AUTHORS: u8 = 4;
const CHANGES: usize = 4;
/// Where the checksum of a change chunk stands; what it sums follows.
const CHECKSUM: std::ops::Range<usize> = 4..8;

/// Makes the lanes of some authors who hear each other now and then.
fn lanes(kind: DocKind) -> Vec<(AuthorId, Vec<Bytes>)> {
    let mut documents: Vec<_> = (1..=AUTHORS).map(|n| Document::new(kind, AuthorId([n; 16]))).collect();
    let mut lanes: Vec<_> = documents.iter().map(|document| (document.author(), Vec::new())).collect();
    for round in 0..CHANGES {
        for n in 0..documents.len() {
            let payload = match kind {
                DocKind::Chat => documents[n].say(&Draft::from(format!("{n}.{round}").as_str()), Wall(1)),
                DocKind::State if round % 2 == 0 => documents[n].set_app(&format!("key {n}"), &round.to_string()),
                DocKind::State => documents[n].edit_notes(0, 0, &format!("{n}.{round}")),
            };
            let payload = payload.unwrap().unwrap();
            lanes[n].1.push(payload.clone());
            let author = documents[n].author();
            let heard = (round + n) % documents.len();
            documents[heard].handle_payload(author, payload);
            documents[heard].flush();
        }
    }
    lanes
}

/// Changes one byte of a payload, and puts its checksum right again.
fn spoil(payload: &Bytes, at: usize, byte: u8) -> Bytes {
    let mut payload = payload.to_vec();
    let at = CHECKSUM.end + at % (payload.len() - CHECKSUM.end);
    payload[at] = byte;
    let sum = Sha256::digest(&payload[CHECKSUM.end..]);
    payload[CHECKSUM].copy_from_slice(&sum[..4]);
    payload.into()
}

/// Feeds all lanes, each in its order, interleaved as `turns` has it.
fn feed(kind: DocKind, lanes: &[(AuthorId, Vec<Bytes>)], turns: &[usize]) -> (Document, BTreeSet<AuthorId>) {
    let (mut document, mut refused) = (Document::new(kind, AuthorId([9; 16])), BTreeSet::new());
    let mut next = vec![0; lanes.len()];
    let rest = (0..lanes.len()).flat_map(|lane| std::iter::repeat_n(lane, CHANGES));
    for lane in turns.iter().map(|turn| turn % lanes.len()).chain(rest) {
        if let Some(payload) = lanes[lane].1.get(next[lane]) {
            document.handle_payload(lanes[lane].0, payload.clone());
            refused.extend(document.flush().refused.into_iter().map(|refusal| refusal.author));
            next[lane] += 1;
        }
    }
    (document, refused)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Whatever a byte was turned into, two who hear of it in different orders refuse the same authors and hold the
    /// same, it loads again, and a third who hears it all from the start comes to the same.
    #[test]
    fn replicas_refuse_the_same_and_load_again(
        is_chat in any::<bool>(),
        spoilt in prop::collection::vec((0..usize::from(AUTHORS) * CHANGES, any::<usize>(), any::<u8>()), 1..4),
        turns in prop::collection::vec(0..usize::from(AUTHORS), 0..32),
    ) {
        let kind = if is_chat { DocKind::Chat } else { DocKind::State };
        let mut lanes = lanes(kind);
        for (which, at, byte) in spoilt {
            let payload = &mut lanes[which / CHANGES].1[which % CHANGES];
            *payload = spoil(payload, at, byte);
        }
        let (there, refused_there) = feed(kind, &lanes, &turns);
        let (here, refused_here) = feed(kind, &lanes, &[]);
        prop_assert_eq!(refused_here, refused_there);
        prop_assert_eq!((here.heads(), here.len_waiting()), (there.heads(), there.len_waiting()));
        prop_assert_eq!((here.state(), here.messages()), (there.state(), there.messages()));
        prop_assert!(here.save().is_some() && there.save().is_some(), "what was taken loads again");
    }
}
