use super::*;
use crate::proto::id::{Epoch, PaneId};
use proptest::collection::vec;
use proptest::prelude::*;

const LANE: LaneId = LaneId {
    channel: match Channel::terminal(PaneId(0)) {
        Some(channel) => channel,
        None => Channel::STATE,
    },
    author: AuthorId([1; 16]),
    epoch: Epoch(0),
};

fn frame(tag: u64, bytes: usize) -> Bytes {
    let mut frame = vec![0; bytes.max(8)];
    frame[..8].copy_from_slice(&tag.to_le_bytes());
    frame.into()
}

fn tag(frame: &Bytes) -> u64 {
    u64::from_le_bytes(*frame.first_chunk().expect("tagged above"))
}

/// Screens of a thousand columns make keyframes that take a slow link longer than the next one takes to come: it must
/// see a whole one now and then, not only beginnings.
#[test]
fn watcher_inside_a_keyframe_does_not_jump() {
    let mut ring = Ring::default();
    let part_bytes = LIVE_QUEUE_BYTES_MAX / 4;
    for (seq, piece) in [Piece::KeyframeFirst, Piece::KeyframeMiddle, Piece::KeyframeLast].into_iter().enumerate() {
        ring.push(LANE, seq as u64, piece, frame(seq as u64, part_bytes));
    }
    let mut watch = Watch::new(LANE.channel);
    watch.settle(&ring);
    assert_eq!(watch.pull(&ring).as_ref().map(tag), Some(0));
    for seq in 3..8 {
        ring.push(LANE, seq, Piece::Output, frame(seq, part_bytes));
    }
    ring.push(LANE, 8, Piece::KeyframeWhole, frame(8, 100));
    assert_eq!(watch.settle(&ring).skipped, 7, "the keyframe left the ring: there is nothing to finish");

    let mut ring = Ring::default();
    let mut watch = Watch::new(LANE.channel);
    for (seq, piece) in [Piece::KeyframeFirst, Piece::KeyframeLast].into_iter().enumerate() {
        ring.push(LANE, seq as u64, piece, frame(seq as u64, 100));
    }
    watch.settle(&ring);
    assert!(watch.pull(&ring).is_some());
    for seq in 2..6 {
        ring.push(LANE, seq, Piece::KeyframeWhole, frame(seq, part_bytes + 1));
    }
    assert_eq!(watch.settle(&ring), Settled::default());
    assert_eq!(watch.pull(&ring).as_ref().map(tag), Some(1), "the end of what it began");
    assert_eq!(watch.settle(&ring).skipped, 3);
}

proptest! {
    /// Whatever is pushed, what a watcher pulls can be played: it starts with a keyframe, and where entries are missing
    /// the next one starts a keyframe. And the ring stays within its bound.
    #[test]
    fn pulled_frames_can_be_played(
        steps in vec((0u8..8, 0u64..3, 1usize..60_000, 0usize..6), 1..200),
    ) {
        let (mut ring, mut watch) = (Ring::default(), Watch::new(LANE.channel));
        let (mut seq, mut pieces, mut last) = (0u64, Vec::new(), None::<u64>);
        for (kind, skip, bytes, pulls) in steps {
            let piece = Piece::parse(kind).unwrap_or(Piece::Output);
            seq += if skip == 2 { 1 } else { 0 };
            pieces.resize(seq as usize + 1, Piece::Output);
            pieces[seq as usize] = piece;
            ring.push(LANE, seq, piece, frame(seq, bytes));
            seq += 1;
            let kept_max = 2 * KEYFRAME_WIRE_BYTES_MAX + (LIVE_KEPT_BYTES_MAX + LIVE_QUEUE_BYTES_MAX) as u64;
            prop_assert!(ring.kept_bytes() <= kept_max + 60_000);
            watch.settle(&ring);
            for _ in 0..pulls {
                let Some(got) = watch.pull(&ring).as_ref().map(tag) else { break };
                let follows = last.is_some_and(|last| last + 1 == got);
                prop_assert!(follows || pieces[got as usize].starts_keyframe(), "{last:?} then {got}");
                last = Some(got);
            }
        }
    }
}
