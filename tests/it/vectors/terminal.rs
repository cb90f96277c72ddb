//! Terminal streams and what travels on the direct channels.

use super::fields::Fields;
use super::vectors;
use cahoots::proto::id::{Epoch, PaneId};
use cahoots::proto::terminal::{
    DirectDown, DirectUp, History, HistoryPart, Refusal, Size, StreamDecoder, StreamEncoder, StreamEvent, Waits, Wish,
};
use serde_json::Value;

/// A viewer of any build shows what the host's program wrote, deflated by whichever library.
#[test]
fn streams_are_read() {
    for stream in vectors!("terminal").list("streams") {
        let (mut decoder, mut parts) = (StreamDecoder::new(), Vec::new());
        for case in stream.list("entries") {
            let seen = decoder.push(case.small("kind"), &case.bytes("plaintext"));
            assert_eq!(seen, Ok(events(case, &mut parts)), "{}: {case}", stream.text("name"));
        }
    }
}

/// An entry with two readings would show two viewers two screens.
#[test]
fn malformed_stream_entries_are_refused() {
    for case in vectors!("terminal").list("refused") {
        let mut decoder = StreamDecoder::new();
        decoder.push(case.small("kind"), &case.bytes("plaintext")).expect_err(case.text("why"));
        assert!(decoder.is_lost());
    }
}

/// A host that leaves out, repeats or mixes shows different viewers different screens.
#[test]
fn streams_out_of_order_are_refused() {
    for case in vectors!("terminal").list("refused_next") {
        let mut decoder = StreamDecoder::new();
        for good in case.list("entries") {
            decoder.push(good.small("kind"), &good.bytes("plaintext")).expect("the entry is good");
        }
        decoder.push(case.small("kind"), &case.bytes("plaintext")).expect_err(case.text("why"));
        assert!(decoder.is_lost(), "{}", case.text("why"));
    }
}

/// Short output goes out as it is: the whole entry is fixed.
#[test]
fn raw_output_has_its_bytes() {
    let file = vectors!("terminal");
    let raw = file.list("streams").iter().find(|stream| stream.text("name") == "raw").expect("a raw stream");
    let mut encoder = StreamEncoder::new();
    for case in raw.list("entries").iter().filter(|case| case.number("kind") == 1) {
        assert_eq!(encoder.offset(), case.number("offset"));
        let part = match case.maybe("exit_status") {
            Some(_) => encoder.end(case.signed("exit_status")),
            None => encoder.output(&case.bytes("data")).remove(0),
        };
        assert_eq!((part.kind, part.plaintext), (1, case.bytes("plaintext")), "{case}");
    }
}

/// Typed bytes must land in the pane they were meant for.
#[test]
fn requests_have_their_bytes() {
    let file = vectors!("directpayload");
    for case in file.list("up") {
        let pane = || PaneId(case.small("pane"));
        let up = match case.text("type") {
            "nothing" if case.number("kind") == 1 => DirectUp::Nothing,
            "nothing" => DirectUp::Probe,
            "input" => DirectUp::Input { pane: pane(), bytes: case.bytes("data") },
            "size" => DirectUp::Size { pane: pane(), size: size(case) },
            "drive" => {
                DirectUp::Drive { pane: pane(), wish: if case.holds("wish") { Wish::Take } else { Wish::GiveBack } }
            }
            "history" => DirectUp::History { pane: pane() },
            _ => DirectUp::Keyframe { pane: pane() },
        };
        assert_eq!(up.kind(), case.small::<u8>("kind"), "{case}");
        assert_eq!(up.encode(), case.bytes("bytes"), "{case}");
        assert_eq!(DirectUp::decode(case.small("kind"), &case.bytes("bytes")), Ok(up), "{case}");
    }
    for case in file.list("refused_up").iter().chain(file.list("refused_up_with_zeros")) {
        let mut bytes = case.bytes("bytes");
        bytes.resize(bytes.len() + case.maybe("zeros").map_or(0, |_| case.small("zeros")), 0);
        DirectUp::decode(case.small("kind"), &bytes).map(drop).expect_err(case.text("why"));
    }
}

/// A receipt read wrongly would lose or repeat a command.
#[test]
fn answers_have_their_bytes() {
    let file = vectors!("directpayload");
    for case in file.list("down") {
        let down = match case.text("type") {
            "ack" => DirectDown::Ack { next: case.number("next") },
            "waiting" => DirectDown::Waiting { what: awaited(case.number("what")), pane: PaneId(case.small("pane")) },
            "history" => DirectDown::History(HistoryPart {
                pane: PaneId(case.small("pane")),
                place: (Epoch(case.small("epoch")), case.number("seq")),
                part: case.small("part"),
                parts: case.small("parts"),
                piece: case.bytes("piece").into(),
            }),
            _ => DirectDown::Refused { reason: refusal(case.number("reason")), seq: case.number("seq") },
        };
        assert_eq!(down.encode(), case.bytes("bytes"), "{case}");
        assert_eq!(DirectDown::decode(&case.bytes("bytes")), Ok(down), "{case}");
    }
    for case in file.list("refused_down") {
        DirectDown::decode(&case.bytes("bytes")).map(drop).expect_err(case.text("why"));
    }
}

/// What scrolled off is the same for newcomers of any build.
#[test]
fn histories_are_read() {
    let file = vectors!("directpayload");
    for case in file.list("histories") {
        let (offset, size) = (case.number("offset"), size(case));
        let history = History { size, offset, lines: case.bytes("lines"), keyframe: case.bytes("keyframe") };
        assert_eq!(History::inflated(&case.bytes("deflated")), Ok(history), "{case}");
    }
    for case in file.list("refused_histories") {
        History::inflated(&case.bytes("deflated")).map(drop).expect_err(case.text("why"));
    }
}

/// What a viewer makes of one entry; `parts` gathers those of a keyframe.
fn events(case: &Value, parts: &mut Vec<Value>) -> Vec<StreamEvent> {
    let (offset, data) = (case.number("offset"), case.bytes("data"));
    let mut events = Vec::new();
    match case.number("kind") {
        1 if data.is_empty() => {}
        1 => events.push(StreamEvent::Output { offset, data }),
        kind => {
            parts.push(case.clone());
            if matches!(kind, 4 | 5) {
                let data = parts.iter().flat_map(|part| part.bytes("data")).collect();
                events.push(StreamEvent::Keyframe { size: size(&parts[0]), offset, data });
                parts.clear();
            }
        }
    }
    if case.maybe("exit_status").is_some() {
        events.push(StreamEvent::End { code: case.signed("exit_status") });
    }
    events
}

fn size(case: &Value) -> Size {
    Size { cols: case.small("cols"), rows: case.small("rows") }
}

/// PROTOCOL.md 15, spelled out so that a reordered enum shows.
fn refusal(reason: u64) -> Refusal {
    match reason {
        1 => Refusal::NoRight,
        2 => Refusal::NoPane,
        3 => Refusal::PaneEnded,
        4 => Refusal::Driven,
        5 => Refusal::NotLetIn,
        6 => Refusal::Line,
        other => Refusal::Other(other.try_into().expect("one byte")),
    }
}

/// PROTOCOL.md 15, spelled out for the same reason.
fn awaited(what: u64) -> Waits {
    match what {
        1 => Waits::Admission,
        2 => Waits::Line,
        3 => Waits::Drive,
        other => Waits::Other(other.try_into().expect("one byte")),
    }
}
