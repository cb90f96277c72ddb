use super::*;
use crate::proto::limits::{KEYFRAME_BYTES_MAX, OUTPUT_BYTES_MAX};
use crate::proto::terminal::{Screen, Size};
use crate::proto::wire::varint;
use proptest::collection::vec;
use proptest::prelude::*;

/// Compressible and incompressible output, short and long.
fn output() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        (any::<u8>(), 0usize..70_000).prop_map(|(byte, count)| vec![byte; count]),
        (any::<u64>(), 0usize..3_000).prop_map(|(seed, count)| noise(seed, count)),
        "[a-z ]{0,30}".prop_map(|word| word.repeat(20).into_bytes()),
    ]
}

fn noise(seed: u64, count: usize) -> Vec<u8> {
    let step = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 56) as u8)
    };
    std::iter::successors(Some(seed), |state| Some(state.wrapping_add(1)))
        .take(1)
        .flat_map(|mut state| std::iter::from_fn(move || step(&mut state)).take(count))
        .collect()
}

fn events(decoder: &mut StreamDecoder, parts: &[Part]) -> Vec<StreamEvent> {
    parts.iter().flat_map(|part| decoder.push(part.kind, &part.plaintext).unwrap()).collect()
}

fn written(events: &[StreamEvent]) -> Vec<u8> {
    let data = events.iter().filter_map(|event| match event {
        StreamEvent::Output { data, .. } => Some(data.as_slice()),
        _ => None,
    });
    data.collect::<Vec<_>>().concat()
}

fn started() -> (StreamEncoder, StreamDecoder) {
    let (mut encoder, mut decoder) = (StreamEncoder::new(), StreamDecoder::new());
    let parts = encoder.keyframe(&Screen::new(Size::default()));
    assert_eq!(events(&mut decoder, &parts).len(), 1);
    (encoder, decoder)
}

/// A viewer that comes late shows nothing rather than half a screen.
#[test]
fn viewer_starts_at_a_keyframe() {
    let (mut encoder, mut decoder) = (StreamEncoder::new(), StreamDecoder::new());
    let mut screen = Screen::new(Size::new(20, 3));
    screen.write(b"before");
    assert_eq!(events(&mut decoder, &encoder.output(b"before")), []);
    let parts = encoder.keyframe(&screen);
    let after = encoder.output(b" after");
    let mut viewer = Screen::new(Size::default());
    for event in events(&mut decoder, &[parts, after].concat()) {
        match event {
            StreamEvent::Keyframe { size, data, .. } => viewer.restore(size, &data),
            StreamEvent::Output { data, offset } => {
                assert_eq!(offset, 6);
                viewer.write(&data);
            }
            StreamEvent::End { .. } | StreamEvent::Past { .. } => panic!("nothing has ended"),
        }
    }
    assert_eq!(viewer.text()[0], "before after");
}

/// Whoever joins after the program's end still learns that it has ended, and how.
#[test]
fn keyframe_after_the_end_tells_it() {
    let (mut encoder, mut decoder) = started();
    assert_eq!(events(&mut decoder, &[encoder.end(-9)]), [StreamEvent::End { code: -9 }]);
    let mut late = StreamDecoder::new();
    let keyframe = encoder.keyframe(&Screen::new(Size::default()));
    assert_eq!(events(&mut late, &keyframe).last(), Some(&StreamEvent::End { code: -9 }));
    assert_eq!(late.push(KIND_OUTPUT, &encoder.output(b"ghost")[0].plaintext), Err(StreamError::Ended));
}

/// The length of a compressed entry tells whether its data occurred before: a guest could guess a secret that way.
#[test]
fn output_after_input_shares_no_window_with_what_was_before() {
    let (mut encoder, _) = started();
    let text = b"the quick brown fox jumps over the lazy dog, and the password is hunter2 ".repeat(3);
    let alone = encoder.output(&text).remove(0);
    let repeated = encoder.output(&text).remove(0);
    encoder.note_input();
    encoder.output(b"echo");
    let after_input = encoder.output(&text).remove(0);
    assert!(repeated.plaintext.len() < alone.plaintext.len());
    assert!(after_input.plaintext.len() >= alone.plaintext.len());
}

/// 32 bytes that inflate to gigabytes are the oldest trick.
#[test]
fn deflate_bomb_is_refused_at_the_bound() {
    let (_, mut decoder) = started();
    let mut bomb = flate2::Compress::new(flate2::Compression::best(), false);
    let mut data = Vec::with_capacity(100_000);
    bomb.compress_vec(&vec![0; 10_000_000], &mut data, flate2::FlushCompress::Sync).unwrap();
    let plaintext = [&[FLAG_DEFLATED | FLAG_WINDOW_ANEW, 0], &data[..data.len() - 4]].concat();
    let error = decoder.push(KIND_OUTPUT, &plaintext).unwrap_err();
    assert_eq!(error, StreamError::TooLong { what: "data", bytes_max: OUTPUT_BYTES_MAX });
    assert!(decoder.is_lost());
}

/// A keyframe that never ends would be kept by every viewer.
#[test]
fn endless_keyframe_is_refused_at_the_bound() {
    let mut decoder = StreamDecoder::new();
    let part = |size: &[u8]| [&[0, 0], size, &[b'x'; OUTPUT_BYTES_MAX]].concat();
    decoder.push(KIND_KEYFRAME_FIRST, &part(&[80, 0, 24, 0])).unwrap();
    let refused = (0..100).find_map(|_| decoder.push(KIND_KEYFRAME_MIDDLE, &part(&[])).err());
    assert_eq!(refused, Some(StreamError::TooLong { what: "keyframe", bytes_max: KEYFRAME_BYTES_MAX }));
}

/// A host that skips or repeats output shows different viewers different screens.
#[test]
fn output_must_continue_where_the_last_ended() {
    for (offset, expected) in [(0, 3), (2, 3), (4, 3)] {
        let (mut encoder, mut decoder) = started();
        events(&mut decoder, &encoder.output(b"abc"));
        let mut plaintext = vec![0];
        varint::put(&mut plaintext, offset);
        plaintext.push(b'd');
        assert_eq!(decoder.push(KIND_OUTPUT, &plaintext), Err(StreamError::Offset { found: offset, expected }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However output is chunked, whatever was typed in between, the viewer gets the program's bytes.
    #[test]
    fn output_survives_compression_and_keyframes(
        steps in vec(prop_oneof![6 => output().prop_map(Some), 1 => Just(None)], 1..12),
        typed in vec(any::<bool>(), 12),
    ) {
        let (mut encoder, mut decoder) = started();
        let (mut expected, mut seen) = (Vec::new(), Vec::new());
        for (step, typed) in steps.iter().zip(typed) {
            if typed {
                encoder.note_input();
            }
            let parts = match step {
                Some(bytes) => {
                    expected.extend_from_slice(bytes);
                    encoder.output(bytes)
                }
                None => encoder.keyframe_of(Size::default(), &noise(7, 100_000)),
            };
            prop_assert!(parts.iter().all(|part| part.plaintext.len() <= OUTPUT_BYTES_MAX + 64));
            seen.extend(events(&mut decoder, &parts));
        }
        prop_assert_eq!(encoder.offset(), expected.len() as u64);
        prop_assert_eq!(written(&seen), expected);
    }

    /// A slow viewer loses entries; from the next keyframe on it has all again, and nothing torn before.
    #[test]
    fn loss_heals_at_the_next_keyframe(before in output(), missing in output(), between in output(), after in output()) {
        let (mut encoder, mut decoder) = started();
        events(&mut decoder, &encoder.output(&before));
        encoder.output(&missing);
        decoder.lost();
        prop_assert_eq!(events(&mut decoder, &encoder.output(&between)), []);
        let keyframe = encoder.keyframe(&Screen::new(Size::default()));
        prop_assert_eq!(events(&mut decoder, &keyframe).len(), 1);
        prop_assert_eq!(written(&events(&mut decoder, &encoder.output(&after))), after);
    }

    /// The host may be hostile: no entry panics, and none makes more than its bound.
    #[test]
    fn hostile_entries_are_bounded(entries in vec((0u8..7, 0u8..8, vec(any::<u8>(), 0..60)), 1..20)) {
        let (mut encoder, mut decoder) = started();
        for (kind, flags, rest) in entries {
            let plaintext = [vec![flags], rest].concat();
            for event in decoder.push(kind, &plaintext).unwrap_or_default() {
                if let StreamEvent::Output { data, .. } = event {
                    prop_assert!(data.len() <= OUTPUT_BYTES_MAX);
                }
            }
            let honest = encoder.output(&[b'a'; 200]).remove(0).plaintext;
            let mutated: Vec<u8> = honest.iter().map(|byte| byte ^ flags).collect();
            let _ = decoder.push(KIND_OUTPUT, &mutated);
        }
    }
}
