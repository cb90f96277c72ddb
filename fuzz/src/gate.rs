//! The gate before Automerge: whatever strangers send, the document stays loadable, and replicas that took the same
//! lanes in another order show the same.

use crate::cast;
use cahoots::proto::doc::{DocKind, Document};
use cahoots::proto::id::AuthorId;
use std::collections::BTreeMap;

/// The first byte chooses the document. Then changes, each behind its length as a `u16`: a byte that chooses the author
/// (low bits) and whether to make the checksum right (high bit), then the chunk.
pub fn run(data: &[u8]) {
    let Some((&kind, rest)) = data.split_first() else { return };
    let kind = if kind & 1 == 0 { DocKind::State } else { DocKind::Chat };
    let authors = [cast::ada(), cast::ben(), AuthorId([9; 16])];
    let payloads: Vec<(AuthorId, Vec<u8>)> = cast::pieces(rest)
        .filter_map(|piece| {
            let (&mode, chunk) = piece.split_first()?;
            Some((authors[usize::from(mode & 0x7f) % authors.len()], cast::chunk(mode & 0x80 != 0, chunk)))
        })
        .collect();

    let mut at_once = Document::new(kind, AuthorId([1; 16]));
    for (author, payload) in &payloads {
        at_once.handle_payload(*author, payload.clone().into());
    }
    at_once.flush();

    let mut lanes: BTreeMap<AuthorId, Vec<Vec<u8>>> = BTreeMap::new();
    payloads.into_iter().for_each(|(author, payload)| lanes.entry(author).or_default().push(payload));
    let mut lane_by_lane = Document::new(kind, AuthorId([2; 16]));
    for (author, payload) in
        lanes.into_iter().rev().flat_map(|(author, lane)| lane.into_iter().map(move |p| (author, p)))
    {
        lane_by_lane.handle_payload(author, payload.into());
        lane_by_lane.flush();
    }

    assert_eq!(lane_by_lane.heads(), at_once.heads(), "the order between lanes does not show");
    assert_eq!(lane_by_lane.len_changes(), at_once.len_changes());
    assert_eq!(lane_by_lane.messages(), at_once.messages());
    assert_eq!(lane_by_lane.state(), at_once.state());
    assert!(authors.iter().all(|author| lane_by_lane.is_muted(*author) == at_once.is_muted(*author)));
    assert!(at_once.save().is_some(), "what was admitted can be loaded");
}
