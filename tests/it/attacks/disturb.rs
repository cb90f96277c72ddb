//! A member who cannot get in anywhere and so tries to drive the others out: what honest relays pass on of it must not
//! cost anybody a link.

use super::eve::{Eve, frame};
use super::table::{ADA, Table};
use cahoots::proto::doc::Presence;
use cahoots::proto::id::{Channel, PaneId};
use cahoots::proto::limits::AUTHORS_MAX;
use cahoots::proto::session::{Event, LinkId};
use cahoots::proto::token::Access;
use cahoots::proto::wire::{CloseCode, Frame, Ready, Standing, Welcome, WireEntry};

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

/// Eve gives one history to the relay and another to the host's own network. The host must not leave either for it: it
/// has one connection to its own relay, and for good.
#[test]
fn two_histories_cost_no_link() {
    let mut table = Table::new();
    let token = table.share(Access::View, DAY_MS);
    let eve = Eve::join(&mut table, &token).unwrap();
    let history = |text: &[u8]| {
        let mut writer = eve.writer(Channel::CHAT);
        [0; 3].map(|_| writer.seal(1, &eve.keys, text))
    };
    history(b"yes").iter().take(2).for_each(|entry| table.send(eve.conn, &frame(entry)));
    history(b"no").iter().for_each(|entry| table.inject(ADA, frame(entry)));
    assert!(table.peers[ADA].is_linked(), "{:?}", table.unlinked(ADA));
    let forks = table.alarms(ADA).iter().filter(|alarm| alarm.contains("two histories")).count();
    assert_eq!(forks, 1, "{:?}", table.alarms(ADA));
    let (ben, now) = (table.join(&token), table.now);
    table.peers[ben].say(&"still here".into(), now).unwrap();
    table.pass(1_000_000);
    assert_eq!(table.chat(ADA), ["still here"]);
}

/// Whoever has a link can certify any number of members. They come, they go, and there must still be room for Ben.
#[test]
fn crowd_by_one_link_leaves_room_for_others() {
    let mut table = Table::new();
    let tokens = (table.share(Access::View, DAY_MS), table.share(Access::Interact, DAY_MS));
    let eve = Eve::join(&mut table, &tokens.0).unwrap();
    for seed in 0..AUTHORS_MAX as u64 {
        let seed = *blake3::hash(&seed.to_le_bytes()).as_bytes();
        table.inject(ADA, eve.another(seed).member_frame());
    }
    assert_eq!(table.peers[ADA].roster().known(), AUTHORS_MAX, "the attack is under way");
    let ben = table.join(&tokens.1);
    table.peers[ben].type_bytes(PaneId(0), b"ls\n").unwrap();
    table.pass(1_000_000);
    assert_eq!(table.inputs(), [(PaneId(0), b"ls\n".to_vec())]);
    assert!(table.peers[ADA].roster().member(&table.peers[ben].me().unwrap()).is_some());
}

/// Who was thrown out is gone from everybody's list at once, not when its silence is noticed.
#[test]
fn revoked_member_leaves_the_list_at_once() {
    let mut table = Table::new();
    let tokens = (table.share(Access::View, DAY_MS), table.share(Access::View, DAY_MS));
    let (ben, dan) = (table.join(&tokens.0), table.join(&tokens.1));
    table.pass(1_000_000);
    let (gone, now) = (table.peers[dan].me().unwrap(), table.now);
    table.peers[ADA].revoke(tokens.1.secret().unwrap().share_id(), now).unwrap();
    table.settle();
    for index in [ADA, ben] {
        assert_eq!(table.peers[index].roster().here().count(), 2);
        assert!(table.events[index].contains(&Event::Left(gone)));
    }
}

/// Somebody on the network repeats the host's announcement with an address of its own. It proves nothing and knows
/// nothing, and must not lead Ben off the relay.
#[test]
fn bystander_in_the_hosts_place_is_not_taken_for_it() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let ben = table.join(&token);
    table.pass(1_000_000);
    let (way, now) = (LinkId(99), table.now);
    let welcome = Welcome { nonce: [1; 32], standing: Standing::Known, records: 0, shares: 0, wraps: 0 };
    let peer = &mut table.peers[ben];
    peer.handle_link_open(way, None, now);
    peer.expect_host(way);
    peer.handle_frame(way, Frame::Welcome(welcome), now);
    peer.handle_frame(way, Frame::Ready(Ready { log_next: 5 }), now);
    table.pass(6_000_000);
    assert!(!table.events[ben].contains(&Event::Linked(way)));
    assert!(table.events[ben].contains(&Event::Unlinked(way, CloseCode::TooSlow)));
    assert!(table.peers[ben].is_linked(), "by the relay");
}
