//! New generations: replicas that hold the same make the same base, whatever the order in which it came to them, and the
//! base shows what was shown.

use crate::cast;
use cahoots::proto::doc::{DocKind, Document, Message};
use cahoots::proto::id::AuthorId;
use std::collections::BTreeMap;

/// The first byte chooses the document (1) and how many lines of a chat stay. Then changes as in [`gate`](crate::gate).
pub fn run(data: &[u8]) {
    let Some((&mode, rest)) = data.split_first() else { return };
    let (kind, lines) = (if mode & 1 == 0 { DocKind::State } else { DocKind::Chat }, u32::from(mode >> 1));
    let authors = [cast::ada(), cast::ben(), AuthorId([9; 16])];
    let mut lanes: BTreeMap<AuthorId, Vec<Vec<u8>>> = BTreeMap::new();
    let mut at_once = Document::new(kind, AuthorId([1; 16]));
    for (&mode, chunk) in cast::pieces(rest).filter_map(<[u8]>::split_first) {
        let author = authors[usize::from(mode & 0x7f) % authors.len()];
        let payload = cast::chunk(mode & 0x80 != 0, chunk);
        at_once.handle_payload(author, payload.clone().into());
        lanes.entry(author).or_default().push(payload);
    }
    at_once.flush();
    let mut lane_by_lane = Document::new(kind, AuthorId([2; 16]));
    for (author, lane) in lanes.into_iter().rev() {
        lane.into_iter().for_each(|payload| lane_by_lane.handle_payload(author, payload.into()));
        lane_by_lane.flush();
    }

    let shown = (at_once.state(), at_once.messages().to_vec());
    let keep: BTreeMap<AuthorId, u64> =
        authors.into_iter().map(|author| (author, at_once.admitted_of(author))).collect();
    let began = [&mut at_once, &mut lane_by_lane].map(|document| document.roll(&keep, lines).is_ok());
    assert_eq!(began[0], began[1], "all begin anew, or none does");
    assert_eq!(at_once.heads(), lane_by_lane.heads(), "one base");
    assert_eq!((at_once.state(), at_once.messages()), (lane_by_lane.state(), lane_by_lane.messages()));
    if !began[0] {
        return;
    }
    assert_eq!(at_once.state(), shown.0, "a base shows what was shown");
    let left = at_once.messages();
    assert!(left.len() >= shown.1.len().min(lines as usize), "the newest lines stay");
    let told = |line: &Message| (line.author, line.n, line.kind, line.time, line.text.clone(), line.reply);
    let mut before = shown.1.iter().map(told);
    assert!(left.iter().all(|line| before.any(|said| said == told(line))), "each line is what it was, in its place");
    let heads = at_once.heads_digest();
    let saved = at_once.save_checkpoint().expect("a base can be saved");
    let mut newcomer = Document::new(kind, AuthorId([3; 16]));
    newcomer.adopt_checkpoint(&saved, &heads).expect("what was saved is adopted");
    assert_eq!((newcomer.state(), newcomer.messages()), (at_once.state(), at_once.messages()));
}
