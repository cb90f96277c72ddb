//! A member who cannot get in anywhere and so tries to drive the others out: what honest relays pass on of it must not
//! cost anybody a link.

use super::eve::{Eve, frame};
use super::table::{ADA, Table};
use cahoots::proto::doc::Presence;
use cahoots::proto::id::Channel;
use cahoots::proto::token::Access;
use cahoots::proto::wire::WireEntry;

const DAY_MS: u64 = 86_400_000;

/// Relays pass presence on unchecked: if receivers left the relay for a bad one, any viewer could empty the session.
#[test]
fn badly_signed_presence_drives_nobody_out() {
    let mut table = Table::new();
    let token = table.share(Access::View, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    let mut presence = eve.seal_as(eve.me(), Channel::PRESENCE, 1, &Presence::default().encode(eve.me()));
    for seq in 0..3 {
        presence = WireEntry::encode(1, presence.lane, seq, presence.body(), &[7; 64]);
        table.send(eve.conn, &frame(&presence));
    }
    table.pass(1_000_000);
    for index in [ADA, ben] {
        assert!(table.peers[index].is_linked(), "{:?}", table.unlinked(index));
        assert_eq!(table.peers[index].roster().here().count(), 2, "and Eve is not there");
    }
}
