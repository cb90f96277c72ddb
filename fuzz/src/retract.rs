//! Cuts: what is left of a document depends on what was kept alone, and what comes again brings all of it back.

use crate::cast;
use cahoots::proto::doc::{DocKind, Document};
use cahoots::proto::id::AuthorId;
use std::collections::BTreeMap;

const AUTHORS: usize = 3;

/// The first byte chooses the document (1) and whose lanes are cut (2, 4, 8), three more how much of them is kept. Then
/// changes as in [`gate`](crate::gate).
pub fn run(data: &[u8]) {
    let Some((&[mode, keep @ ..], rest)) = data.split_first_chunk::<{ 1 + AUTHORS }>() else { return };
    let kind = if mode & 1 == 0 { DocKind::State } else { DocKind::Chat };
    let authors = [cast::ada(), cast::ben(), AuthorId([9; 16])];
    let cut = (0..AUTHORS).filter(|n| mode >> (n + 1) & 1 == 1);
    let keep: BTreeMap<AuthorId, u64> = cut.map(|n| (authors[n], u64::from(keep[n] % 16))).collect();

    let mut lanes: BTreeMap<AuthorId, Vec<Vec<u8>>> = BTreeMap::new();
    let mut whole = Document::new(kind, AuthorId([1; 16]));
    for piece in cast::pieces(rest) {
        let Some((&mode, chunk)) = piece.split_first() else { continue };
        let author = authors[usize::from(mode & 0x7f) % AUTHORS];
        let payload = cast::chunk(mode & 0x80 != 0, chunk);
        whole.handle_payload(author, payload.clone().into());
        lanes.entry(author).or_default().push(payload);
    }
    whole.flush();
    let (heads, is_clean) = (whole.heads(), authors.iter().all(|author| !whole.is_muted(*author)));

    let mut never_more = Document::new(kind, AuthorId([2; 16]));
    for (author, lane) in lanes.iter().rev() {
        let kept = keep.get(author).map_or(usize::MAX, |kept| *kept as usize);
        lane.iter().take(kept).for_each(|payload| never_more.handle_payload(*author, payload.clone().into()));
        never_more.flush();
    }
    let lost = whole.retract(&keep);
    whole.flush();
    assert!(lost.iter().all(|(author, seq, _)| keep.get(author).is_some_and(|kept| seq > kept)), "only what was cut");
    assert_eq!(whole.heads(), never_more.heads(), "what was cut leaves no trace");
    assert_eq!((whole.messages(), whole.state()), (never_more.messages(), never_more.state()));
    assert!(whole.save().is_some(), "what is left can be loaded");
    assert!(whole.retract(&keep).is_empty(), "a cut takes once");

    for (author, _, payload) in lost {
        whole.handle_payload(author, payload);
    }
    whole.flush();
    if is_clean {
        assert_eq!(whole.heads(), heads, "what comes again is the same");
    }
}
