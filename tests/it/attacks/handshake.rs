//! Getting in without the right to: wrong, old, closed and foreign tokens, replayed proofs, broken frames.

use super::eve::Eve;
use super::table::{ADA, Heading, START, Table, exporter};
use cahoots::proto::limits::{FRAME_BODY_BYTES_MAX, UNPROVEN_BYTES_MAX};
use cahoots::proto::session::{Ending, Peer};
use cahoots::proto::share::ShareFlags;
use cahoots::proto::time::Wall;
use cahoots::proto::token::{Access, Token};
use cahoots::proto::verify::channel_binding;
use cahoots::proto::wire::{CloseCode, Frame, FrameDecoder, Hello, varint};
use std::cell::RefCell;
use std::rc::Rc;

const DAY_MS: u64 = 86_400_000;
/// Every how many bytes of a handshake a bit is flipped.
const STRIDE: usize = 3;

/// Guessing a share's secret must tell nothing and lead nowhere.
#[test]
fn wrong_token_is_an_unknown_share() {
    let mut table = Table::new();
    let guess = Token::new(Access::Own, &table.peers[ADA].session(), [3; 16], ShareFlags::NONE);
    let eve = table.join(&guess);
    assert_eq!(table.unlinked(eve), [CloseCode::ShareUnknown]);
    assert_eq!((table.peers[eve].me(), table.peers[eve].log().next_seq()), (None, 0));
    assert_eq!(Eve::join(&mut table, &guess).err(), Some(CloseCode::ShareUnknown));
}

/// One relay serves many sessions: a token of one opens none of the others.
#[test]
fn token_of_another_session_at_the_same_relay_opens_only_its_own() {
    let mut table = Table::new();
    table.peers[ADA].say(&"for us".into(), START).unwrap();
    let other = table.add(Peer::host([3; 32], [4; 32], START).unwrap());
    table.connect(other);
    let terms = cahoots::proto::session::ShareTerms {
        lasts_ms: DAY_MS,
        ..cahoots::proto::session::ShareTerms::new(Access::Own)
    };
    let token = table.peers[other].share(&terms, table.now).unwrap();
    table.settle();
    let eve = table.join(&token);
    table.pass(1_000_000);
    assert!(table.peers[eve].is_linked());
    assert_eq!((table.chat(eve), table.peers[eve].session()), (vec![], table.peers[other].session()));

    let conn = table.connect_hand();
    let (session, share) = (table.peers[ADA].session(), token.secret().unwrap().share_id());
    table.send(conn, &Frame::Hello(Hello { nonce: [8; 32], session, share }));
    assert_eq!(table.closed_with(conn), Some(CloseCode::ShareUnknown));
}

/// A link that was good for an hour is good for an hour.
#[test]
fn expired_token_does_not_join() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, 1_000);
    table.now.wall = Wall(table.now.wall.0 + 1_000);
    let ben = table.join(&token);
    assert_eq!(table.peers[ben].ended(), Some(Ending::Expired));
    assert!(!table.peers[ben].is_linked());
    // Eve's own clock says what she likes; the relay's does not.
    assert_eq!(Eve::join(&mut table, &token).err(), Some(CloseCode::Expired));
}

/// Who is in when the time is up is cut off, after the tolerated skew, and hears nothing more.
#[test]
fn member_is_cut_off_when_its_link_expires() {
    let mut table = Table::new();
    let token = table.share(Access::View, 10_000);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    for _ in 0..14 {
        assert!(table.now.wall >= START.wall.after_ms(120_000) || table.peers[ben].is_linked(), "clocks may be wrong");
        table.send(eve.conn, &Frame::Ping([0; 8]));
        table.pass(10_000_000);
    }
    assert_eq!(table.peers[ben].ended(), Some(Ending::Expired));
    assert_eq!(table.closed_with(eve.conn), Some(CloseCode::Expired));
    let now = table.now;
    table.peers[ADA].say(&"alone at last".into(), now).unwrap();
    table.pass(1_000_000);
    assert_eq!((table.chat(ben), table.read(eve.conn)), (vec![], vec![]));
}

/// Closed is closed: at once for who is in, and for good.
#[test]
fn closed_share_cuts_off_and_admits_nobody() {
    let mut table = Table::new();
    let (open, closed) = (table.share(Access::View, DAY_MS), table.share(Access::Interact, DAY_MS));
    let (ben, cat) = (table.join(&open), table.join(&closed));
    let eve = Eve::join(&mut table, &closed).unwrap();
    let now = table.now;
    table.peers[ADA].revoke(closed.secret().unwrap().share_id(), now).unwrap();
    table.settle();
    assert_eq!(table.peers[cat].ended(), Some(Ending::Revoked));
    assert_eq!(table.closed_with(eve.conn), Some(CloseCode::ShareClosed));
    table.peers[ADA].say(&"without them".into(), now).unwrap();
    table.pass(1_000_000);
    assert_eq!((table.chat(ben), table.chat(cat), table.read(eve.conn)), (vec!["without them".into()], vec![], vec![]));
    let late = table.join(&closed);
    assert_eq!(table.peers[late].ended(), Some(Ending::Revoked));
    assert_eq!(Eve::join(&mut table, &closed).err(), Some(CloseCode::ShareClosed));
}

/// A proof is worth something on the connection that it was made for, and on no other.
#[test]
fn replayed_auth_is_refused() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let heard = Rc::new(RefCell::new(Vec::new()));
    let tape = heard.clone();
    table.tap = Some(Box::new(move |_, heading, frame| {
        if heading == Heading::ToRelay && matches!(frame, Frame::Hello(_) | Frame::Auth(_)) {
            tape.borrow_mut().push(frame.clone());
        }
        vec![frame]
    }));
    let ben = table.join(&token);
    assert!(table.peers[ben].is_linked());
    let replayed = table.connect_hand();
    for frame in heard.borrow().iter() {
        table.send(replayed, frame);
    }
    assert_eq!(table.closed_with(replayed), Some(CloseCode::AuthFailed));
    assert!(table.peers[ben].is_linked(), "Ben's own connection stays");
}

/// A proof for the right nonces but another TLS connection is a relay in the middle.
#[test]
fn auth_made_for_another_tls_connection_is_refused() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let eve = Eve::join(&mut table, &token).unwrap();
    let conn = table.connect_hand();
    let hello = Hello { nonce: [8; 32], session: eve.secret.session(), share: eve.secret.share_id() };
    table.send(conn, &Frame::Hello(hello));
    let frames = table.read(conn);
    let Some(Frame::Welcome(welcome)) = frames.first() else { panic!("no WELCOME") };
    let other_tls = channel_binding(&exporter(conn + 1), &hello.nonce, &welcome.nonce);
    table.send(conn, &eve.auth(&eve.chain, &other_tls));
    assert_eq!(table.closed_with(conn), Some(CloseCode::AuthFailed));
}

/// A chain is public: showing somebody else's must not be enough.
#[test]
fn chain_of_another_member_is_no_proof() {
    let mut table = Table::new();
    let token = table.share(Access::Own, DAY_MS);
    let ben = table.join(&token);
    let viewer = table.share(Access::Interact, DAY_MS);
    let eve = Eve::join(&mut table, &viewer).unwrap();
    let stolen = table.peers[ADA].roster().member(&table.peers[ben].me().unwrap()).unwrap().chain().clone();
    let conn = table.connect_hand();
    let hello = Hello { nonce: [8; 32], session: eve.secret.session(), share: stolen.member.share };
    table.send(conn, &Frame::Hello(hello));
    let frames = table.read(conn);
    let Some(Frame::Welcome(welcome)) = frames.first() else { panic!("no WELCOME") };
    let binding = channel_binding(&exporter(conn), &hello.nonce, &welcome.nonce);
    table.send(conn, &eve.auth(&stolen, &binding));
    assert_eq!(table.closed_with(conn), Some(CloseCode::AuthFailed));
}

/// More rights than the share has must not come from signing oneself a better certificate.
#[test]
fn certificate_with_more_rights_than_the_share_is_refused() {
    use cahoots::proto::member::{Chain, MemberCert};
    use cahoots::proto::share::Rights;
    let mut table = Table::new();
    let token = table.share(Access::View, DAY_MS);
    let eve = Eve::join(&mut table, &token).unwrap();
    let share = eve.chain.shares[0].clone();
    let member = MemberCert::issue(&eve.secret, &eve.keys, Rights::OWN, share.not_before, share.expires);
    let wider = Chain { member, shares: vec![share] };
    let conn = table.connect_hand();
    let hello = Hello { nonce: [8; 32], session: eve.secret.session(), share: eve.secret.share_id() };
    table.send(conn, &Frame::Hello(hello));
    let frames = table.read(conn);
    let Some(Frame::Welcome(welcome)) = frames.first() else { panic!("no WELCOME") };
    let binding = channel_binding(&exporter(conn), &hello.nonce, &welcome.nonce);
    table.send(conn, &eve.auth(&wider, &binding));
    assert_eq!(table.closed_with(conn), Some(CloseCode::AuthFailed));
}

/// A stranger gets 4 KiB and three seconds, and costs nobody else anything.
#[test]
fn stranger_is_bounded_in_bytes_and_time() {
    let mut table = Table::new();
    let talker = table.connect_hand();
    table.send(talker, &Frame::Unknown { kind: 4_000 });
    let flow = table.hall.handle_received(cahoots::proto::relay::ConnId(talker), UNPROVEN_BYTES_MAX, table.now);
    assert_eq!(flow, cahoots::proto::relay::Flow::Stop);
    table.settle();
    assert_eq!(table.closed_with(talker), Some(CloseCode::Protocol));
    let silent = table.connect_hand();
    table.pass(5_000_000);
    assert_eq!(table.closed_with(silent), Some(CloseCode::TooSlow));
    assert!(table.peers[ADA].is_linked());
}

/// A length is a promise to allocate: one over the bound is refused before a byte of the body has come.
#[test]
fn oversize_frame_is_refused_by_its_length() {
    for kind in 0..20 {
        let mut decoder = FrameDecoder::new();
        let mut bytes = Vec::new();
        varint::put(&mut bytes, kind);
        varint::put(&mut bytes, FRAME_BODY_BYTES_MAX as u64 + 1);
        decoder.push(&bytes);
        assert!(decoder.next_frame().is_err(), "kind {kind}");
    }
}

/// Whatever one bit does to any byte of a handshake, the guest is in as before or it is not in at all.
#[test]
fn flipped_bit_in_a_handshake_leads_to_the_honest_result_or_to_none() {
    let honest = handshake_with_flip(None);
    assert!(honest.is_in);
    let mut joined = 0;
    // A stride that is prime to the eight bits and to every field: all fields and all bits get their turn.
    for flip in (0..honest.bytes).step_by(STRIDE) {
        let result = handshake_with_flip(Some(flip));
        assert_eq!(result.ended, None, "byte {flip}: nobody has ended anything");
        if result.is_in {
            joined += 1;
            assert_eq!((result.rights, result.log_head), (honest.rights, honest.log_head), "byte {flip}");
        }
    }
    assert!(joined * STRIDE < honest.bytes / 10, "{joined} of {} flipped bytes went unnoticed", honest.bytes);
}

struct Outcome {
    is_in: bool,
    rights: u8,
    log_head: [u8; 32],
    ended: Option<Ending>,
    /// Bytes that passed in both directions until READY.
    bytes: usize,
}

/// Joins while one bit of the byte number `flip` of all that passes is flipped.
fn handshake_with_flip(flip: Option<usize>) -> Outcome {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let passed = Rc::new(RefCell::new((0, false)));
    let counter = passed.clone();
    table.tap = Some(Box::new(move |conn, _, frame| {
        let (bytes, is_over) = &mut *counter.borrow_mut();
        if conn == 1 || *is_over {
            return vec![frame];
        }
        *is_over = matches!(frame, Frame::Ready(_));
        let mut raw = frame.encode().to_vec();
        let start = *bytes;
        *bytes += raw.len();
        if let Some(at) = flip.and_then(|flip| flip.checked_sub(start)).filter(|at| *at < raw.len()) {
            raw[at] ^= 1 << (at % 8);
        }
        let mut decoder = FrameDecoder::new();
        decoder.push(&raw);
        std::iter::from_fn(|| decoder.next_frame().ok().flatten()).collect()
    }));
    let ben = table.join(&token);
    let peer = &table.peers[ben];
    Outcome {
        is_in: peer.is_linked(),
        rights: peer.rights().bits(),
        log_head: peer.log().head(),
        ended: peer.ended(),
        bytes: passed.borrow().0,
    }
}
