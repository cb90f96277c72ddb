//! Varints and frames.

use super::fields::{Fields, bytes};
use super::vectors;
use bytes::Bytes;
use cahoots::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId, ShareId};
use cahoots::proto::share::ShareCert;
use cahoots::proto::wire::{
    Ack, Auth, CloseCode, Frame, FrameDecoder, Have, Hello, LaneNext, PassedOn, Reader, Ready, Standing, Welcome,
    Whereabouts, varint,
};
use serde_json::Value;

/// Every length on the wire is a varint: two readings of one would be two protocols.
#[test]
fn varints_have_one_form() {
    let file = vectors!("varint");
    for case in file.list("valid") {
        let mut out = Vec::new();
        varint::put(&mut out, case.number("value"));
        assert_eq!(out, case.bytes("bytes"), "{case}");
        let mut reader = Reader::new(&out);
        assert_eq!(reader.varint(), Ok(case.number("value")));
        assert_eq!(reader.finish(), Ok(()));
    }
    for case in file.list("refused") {
        Reader::new(&case.bytes("bytes")).varint().expect_err(case.text("why"));
    }
}

/// Two builds talk to each other only if each frame type has exactly these bytes.
#[test]
fn frames_have_their_bytes() {
    for case in vectors!("frames").list("valid") {
        let bytes = case.bytes("frame");
        let decoded = decode(&bytes).expect("the frame is good").expect("the frame is whole");
        assert_eq!(decoded, frame(case), "{}", case.text("name"));
        if !matches!(decoded, Frame::Unknown { .. }) {
            assert_eq!(decoded.encode(), bytes, "{}", case.text("name"));
        }
    }
}

/// A byte that one build ignores and another reads is a hole to smuggle things through.
#[test]
fn malformed_frames_are_refused() {
    for case in vectors!("frames").list("refused") {
        decode(&case.bytes("frame")).expect_err(case.text("why"));
    }
}

fn decode(bytes: &[u8]) -> Result<Option<Frame>, cahoots::proto::wire::DecodeError> {
    let mut decoder = FrameDecoder::new();
    decoder.push(bytes);
    let frame = decoder.next_frame()?;
    assert!(frame.is_none() || decoder.buffered_bytes() == 0, "every byte belongs to the frame");
    Ok(frame)
}

/// Builds the frame that a vector describes.
fn frame(case: &Value) -> Frame {
    let fields = case.field("fields");
    let body = || Bytes::from(case.bytes("body"));
    match case.number("type") {
        1 => Frame::Hello(Hello {
            nonce: fields.array("nonce"),
            session: SessionId(fields.array("session_id")),
            share: ShareId(fields.array("share_id")),
        }),
        2 => Frame::Welcome(Welcome {
            nonce: fields.array("nonce"),
            standing: standing(fields.number("status")),
            records: fields.number("records"),
            shares: fields.number("shares"),
            wraps: fields.number("wraps"),
        }),
        3 => Frame::Auth(Auth { chain: fields.bytes("chain").into(), signature: fields.array("signature") }),
        4 => Frame::Ready(Ready { log_next: fields.number("log_next") }),
        5 => Frame::Close(close_code(fields.number("code"))),
        6 => Frame::Ping(fields.array("payload")),
        7 => Frame::Pong(fields.array("payload")),
        8 => Frame::Log(body()),
        9 => Frame::Wrap(body()),
        10 => Frame::Member(body()),
        11 => Frame::Have(Have {
            channel: channel(fields),
            last: fields.holds("last"),
            lanes: fields.list("lanes").iter().map(lane_next).collect(),
        }),
        12 => Frame::Entry(body()),
        13 => {
            let lane = lane_next(fields);
            let lane_id = LaneId { channel: channel(fields), author: lane.author, epoch: lane.epoch };
            Frame::Ack(Ack { lane: lane_id, next: lane.next })
        }
        14 => Frame::Watch(channel(fields)),
        15 => Frame::Unwatch(channel(fields)),
        16 => Frame::WantKeyframe(channel(fields)),
        17 => {
            let whereabouts = if fields.holds("here") { Whereabouts::Here } else { Whereabouts::Gone };
            Frame::Peer(AuthorId(fields.array("author_id")), whereabouts)
        }
        18 => Frame::Share(PassedOn {
            certs: fields.list("certs").iter().map(certificate).collect(),
            wrap: fields.bytes("wrap").into(),
            sealed_kek: fields.array("sealed_kek"),
        }),
        19 => Frame::Proof(body()),
        kind => Frame::Unknown { kind },
    }
}

fn certificate(case: &Value) -> ShareCert {
    ShareCert::decode(&bytes(case)).expect("the certificate is good")
}

fn lane_next(fields: &Value) -> LaneNext {
    LaneNext {
        author: AuthorId(fields.array("author_id")),
        epoch: Epoch(fields.small("epoch")),
        next: fields.number("next"),
    }
}

fn channel(fields: &Value) -> Channel {
    Channel::parse(fields.number("channel")).expect("the channel exists")
}

/// PROTOCOL.md 9, spelled out so that a reordered enum shows.
fn standing(status: u64) -> Standing {
    match status {
        0 => Standing::Known,
        1 => Standing::SessionUnknown,
        2 => Standing::ShareUnknown,
        3 => Standing::ShareClosed,
        4 => Standing::Ended,
        5 => Standing::Busy,
        other => panic!("no status {other}"),
    }
}

/// PROTOCOL.md 18, spelled out for the same reason.
fn close_code(code: u64) -> CloseCode {
    match code {
        0 => CloseCode::Bye,
        1 => CloseCode::Protocol,
        2 => CloseCode::Version,
        3 => CloseCode::SessionUnknown,
        4 => CloseCode::ShareUnknown,
        5 => CloseCode::Expired,
        6 => CloseCode::ShareClosed,
        7 => CloseCode::Ended,
        8 => CloseCode::AuthFailed,
        9 => CloseCode::NoRight,
        10 => CloseCode::Limit,
        11 => CloseCode::TooFast,
        12 => CloseCode::Busy,
        13 => CloseCode::TooSlow,
        14 => CloseCode::GoingAway,
        15 => CloseCode::Replaced,
        16 => CloseCode::NotLetIn,
        other => CloseCode::Other(other),
    }
}
