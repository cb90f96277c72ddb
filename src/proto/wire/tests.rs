use super::*;
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

fn decode_all(bytes: &[u8], piece_bytes: usize) -> Result<Vec<Frame>, DecodeError> {
    let mut decoder = FrameDecoder::new();
    let mut frames = Vec::new();
    for piece in bytes.chunks(piece_bytes.max(1)) {
        decoder.push(piece);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

/// A length may not hide in a longer form: two encodings of one frame would hash differently.
#[test]
fn longer_varint_than_needed_is_refused() {
    for padded in [&[0x40, 0x05][..], &[0x80, 0, 0, 5], &[0xc0, 0, 0, 0, 0, 0, 0, 5]] {
        assert_eq!(Reader::new(padded).varint(), Err(DecodeError::NotShortest));
    }
}

/// An attacker announces four gigabytes: the decoder must say no before it buffers them.
#[test]
fn oversize_frame_is_refused_from_its_head_alone() {
    let mut head = vec![12];
    varint::put(&mut head, 1 << 32);
    assert!(matches!(decode_all(&head, 64), Err(DecodeError::TooLong { .. })));
}

/// A later version may add frames: today's peers must live with them.
#[test]
fn unknown_frame_is_skipped_whole() {
    let mut bytes = vec![63, 3, 1, 2, 3];
    bytes.extend_from_slice(&Frame::Ping([7; 8]).encode());
    assert_eq!(decode_all(&bytes, 1), Ok(vec![Frame::Unknown { kind: 63 }, Frame::Ping([7; 8])]));
}

/// A relay with a long history must be able to say so: a part that no frame holds would close every connection.
#[test]
fn version_vector_of_any_length_fits_its_frames() {
    let lane = LaneNext { author: AuthorId([1; 16]), epoch: Epoch(u32::MAX), next: varint::MAX };
    for count in [0, 1, 2_000, 2_001, 8_192] {
        let parts = Have::parts(Channel::CHAT, &vec![lane; count]);
        assert_eq!(parts.iter().map(|part| part.lanes.len()).sum::<usize>(), count);
        assert_eq!(parts.iter().position(|part| part.last), Some(parts.len() - 1), "the last one and no other");
        let frames: Vec<_> = parts.into_iter().map(Frame::Have).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        assert_eq!(decode_all(&bytes, 4_096), Ok(frames));
    }
}

/// Checkpoints are large and few need them: like terminals they come on request alone, and nothing else does.
#[test]
fn terminals_and_checkpoints_are_watched() {
    for number in 1..80_u8 {
        let body = || Bytes::from(if number < 64 { vec![number] } else { vec![0x40, number] });
        let is_watched = matches!(number, 6 | 7 | 16..80);
        assert_eq!(Frame::decode(14, body()).is_ok(), is_watched, "WATCH {number}");
        assert_eq!(Frame::decode(15, body()).is_ok(), is_watched, "UNWATCH {number}");
        assert_eq!(Frame::decode(16, body()).is_ok(), number >= 16, "WANT_KEYFRAME {number}");
    }
}

/// A dialer counts the frames that follow: more shares than it has, or a proof of another length, are no frames.
#[test]
fn welcome_announces_one_share_at_most() {
    for shares in 0..3_u64 {
        let welcome = Welcome { nonce: [1; 32], standing: Standing::Known, records: 2, shares, wraps: 1 };
        let frames = decode_all(&Frame::Welcome(welcome).encode(), 7);
        match shares {
            2 => assert!(matches!(frames, Err(DecodeError::Value { what: "number of shares", found: 2 }))),
            _ => assert_eq!(frames, Ok(vec![Frame::Welcome(welcome)])),
        }
    }
    for (bytes, is_proof) in [(359, false), (360, true), (361, false)] {
        assert_eq!(Frame::decode(19, vec![7; bytes].into()).is_ok(), is_proof, "{bytes} bytes");
    }
}

/// Each reason to close has one number, so that both sides say the same to people.
#[test]
fn close_codes_have_one_number_each() {
    for number in 0..=16 {
        let code = CloseCode::parse(number);
        assert_eq!((code.number(), matches!(code, CloseCode::Other(_))), (number, false));
    }
    assert_eq!((CloseCode::parse(16), CloseCode::parse(17)), (CloseCode::NotLetIn, CloseCode::Other(17)));
    assert!(!CloseCode::NotLetIn.is_passing(), "who was turned away does not knock for ever");
}

proptest! {
    /// Every value has one encoding, and the length function knows it.
    #[test]
    fn varint_round_trips(value in 0..=varint::MAX) {
        let mut bytes = Vec::new();
        varint::put(&mut bytes, value);
        prop_assert_eq!(bytes.len(), varint::len(value));
        prop_assert_eq!(Reader::new(&bytes).varint(), Ok(value));
    }

    /// The network cuts where it likes.
    #[test]
    fn frames_survive_any_cut(kind in 1u64..=19, body in vec(any::<u8>(), 0..300), piece in 1usize..50) {
        let Ok(frame) = Frame::decode(kind, Bytes::from(body.clone())) else { return Ok(()) };
        let encoded = frame.encode();
        prop_assert_eq!(&encoded[encoded.len() - body.len()..], &body[..], "what is accepted re-encodes alike");
        prop_assert_eq!(decode_all(&encoded, piece), Ok(vec![frame]));
    }

    /// Decoders are total.
    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..400), piece in 1usize..50) {
        let _ = decode_all(&bytes, piece);
        let _ = WireEntry::decode(Bytes::from(bytes));
    }

    /// The wire form loses nothing.
    #[test]
    fn entry_round_trips(
        kind: u8, number in prop_oneof![1u64..=7, 16u64..80], epoch: u32, author: [u8; 16], seq in 0..=varint::MAX,
        body in vec(any::<u8>(), 16..100), sign: u8,
    ) {
        let channel = Channel::parse(number).expect("generated from the table");
        let lane = LaneId { channel, author: AuthorId(author), epoch: Epoch(epoch) };
        let entry = WireEntry::encode(kind, lane, seq, &body, &[sign; 64]);
        prop_assert_eq!(entry.body(), &body[..]);
        prop_assert_eq!(entry.signature(), &[sign; 64]);
        prop_assert_eq!(WireEntry::decode(entry.as_bytes().clone()), Ok(entry.clone()));
        let header = entry.header(&SessionId([1; 16]), &[2; 32]);
        prop_assert_eq!(&header[80..], &(body.len() as u32).to_le_bytes());
    }
}
