//! P5: an AUTH is worth something on the connection that it was made for, and on no other.

use crate::attacks::eve::Eve;
use crate::attacks::table::Table;
use cahoots::proto::token::{Access, Token};
use cahoots::proto::wire::{CloseCode, Frame};

const DAY_MS: u64 = 86_400_000;

/// A connection that was greeted and waits for its AUTH.
struct Greeted {
    relay: usize,
    conn: u64,
    binding: [u8; 32],
}

/// Opens connections with two relays of one session, where Eve is a member who keeps a record of them all.
fn stage() -> ([Table; 2], Token, Eve) {
    let mut tables = [Table::new(), Table::new()];
    // The owner draws the same seeds for both, so it is one session with one link.
    let tokens = tables.each_mut().map(|table| table.share(Access::Interact, DAY_MS));
    let [token, other] = tokens;
    assert_eq!(token.reveal(), other.reveal());
    let eve = Eve::join(&mut tables[0], &token).unwrap();
    // No two connections of the world export the same.
    for _ in 0..100 {
        let _ = tables[1].connect_hand();
    }
    (tables, token, eve)
}

fn greet(tables: &mut [Table; 2], relay: usize, token: &Token) -> Greeted {
    let secret = token.secret().unwrap();
    let (conn, binding) = tables[relay].greet_by_hand(secret.session(), secret.share_id()).expect("a known share");
    Greeted { relay, conn, binding }
}

/// Every record of a handshake is played on every other connection, of the same relay and of another.
#[test]
fn auth_of_one_connection_fails_on_every_other() {
    let (mut tables, token, eve) = stage();
    for made_for in 0..4 {
        for played_on in 0..4 {
            let greeted: Vec<_> = [0, 0, 1, 1].map(|relay| greet(&mut tables, relay, &token)).into();
            let auth = eve.auth(&eve.chain, &greeted[made_for].binding);
            let Greeted { relay, conn, .. } = greeted[played_on];
            tables[relay].send(conn, &auth);
            let answers = tables[relay].read(conn);
            let is_in = answers.iter().any(|frame| matches!(frame, Frame::Ready(_)));
            let is_refused = answers.contains(&Frame::Close(CloseCode::AuthFailed));
            assert_eq!((is_in, is_refused), (made_for == played_on, made_for != played_on), "{made_for}, {played_on}");
        }
    }
}
