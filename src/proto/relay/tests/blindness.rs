//! What a thief of a relay's memory and disk finds.

use super::direct::open_direct;
use super::*;

const CANARY: &[u8] = b"the canary sings in plain text";

fn holds(hall: &Hall, wanted: &[u8]) -> bool {
    hall.snoop().windows(wanted.len()).any(|window| window == wanted)
}

/// Nothing that people say, show or type is found in all that a relay holds, nor any key to it.
#[test]
fn relay_holds_no_plaintext_and_no_key() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let (conn, reader) = (world.connect(&ben), world.connect_unread(&cat));
    let _ = world.send(reader, Frame::Watch(terminal(0)));
    let ada = world.ada.clone();
    for (conn, person, channel, kind) in [
        (conn, &ben, Channel::CHAT, 1),
        (conn, &ben, Channel::STATE, 1),
        (conn, &ben, Channel::PRESENCE, 1),
        (world.host, &ada, terminal(0), 5),
        (world.host, &ada, Channel::CHAT_CHECKPOINT, 1),
    ] {
        let entry = world.session.writer(person, channel).seal(kind, &person.keys, CANARY);
        assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
        assert!(holds(&world.hall, entry.body()), "what is held is searched: {channel:?}");
    }
    let (mut direct, opening) = open_direct(&world, &ben);
    let typed = direct.seal(3, &ben.keys, CANARY);
    for entry in [&opening, &typed] {
        let _ = world.send_entry(conn, entry);
    }
    assert!(holds(&world.hall, typed.body()), "what waits for its addressee is searched");
    assert!(!holds(&world.hall, CANARY));
    // The fixture's epoch secret and the seeds of its three shares.
    assert!(!holds(&world.hall, &[1; 32]));
    assert!([[2; 16], [3; 16], [4; 16]].iter().all(|seed| !holds(&world.hall, seed)));
}

/// A search that misses a place would pass for blindness.
#[test]
fn snoop_sees_what_the_relay_was_told() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.open();
    world.hello(conn, &ben);
    assert!(holds(&world.hall, ben.chain.member.share.as_bytes()), "a greeting");
    let conn = world.connect(&ben);
    assert!(holds(&world.hall, ben.chain.member.as_bytes()), "a chain");
    let record = world.record(&Record::Admit(AuthorId([9; 16])));
    assert!(holds(&world.hall, &record), "a record");
    let wrap = world.session.wrap_in(0, &world.view);
    assert!(holds(&world.hall, &wrap), "a wrap");
    world.hall.handle_close(conn, world.now);
}
