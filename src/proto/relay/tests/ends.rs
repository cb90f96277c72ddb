//! Where the owner ends lanes: what is behind goes, and who still brings it is not to blame.

use super::*;

const TEXTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// What a revoked member said behind the owner's cut must reach nobody any more, from whomever it comes.
#[test]
fn entries_behind_a_cut_are_dropped_and_refused() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.guest());
    let (conn, other) = (world.connect(&ben), world.connect(&cat));
    let entries = world.session.entries(&ben, Channel::CHAT, 0, &TEXTS);
    world.send_all(conn, &entries[..4]);
    let bytes = world.hall.stats().bytes_stored;
    world.record(&Record::Cut(vec![world.session.cut(&ben, &entries[..2])]));
    assert_eq!(world.served(Channel::CHAT), entries[..2]);
    assert!(world.hall.stats().bytes_stored < bytes);

    world.send_all(conn, &entries[4..]);
    let _ = world.send(other, ben.member_frame());
    world.send_all(other, &entries);
    assert_eq!((world.drain(conn).close, world.drain(other).close), (None, None), "their logs may be shorter");
    assert_eq!(world.served(Channel::CHAT), entries[..2]);
}

/// Who is told how far it was stored must not take "passed over" for that.
#[test]
fn what_is_passed_over_is_not_acknowledged() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let entries = world.session.entries(&ben, Channel::CHAT, 0, &TEXTS);
    world.record(&Record::Cut(vec![world.session.cut(&ben, &entries[..2])]));
    world.drain(conn);
    world.send_all(conn, &entries);
    let acks = world.drain(conn).frames;
    assert_eq!(acks, [Frame::Ack(Ack { lane: entries[0].lane, next: 2 })]);
}

/// An author of two histories gave one to this relay and the other to the owner, who cut that one: here, too, it counts.
#[test]
fn lane_of_another_history_than_the_cut_is_replaced() {
    let mut world = World::new();
    let (eve, cat, dan) = (world.guest(), world.guest(), world.viewer());
    let (conn, reader) = (world.connect(&eve), world.connect_unread(&dan));
    let here = world.session.entries(&eve, Channel::CHAT, 0, &["a", "here", "here", "here"]);
    let there = world.session.entries(&eve, Channel::CHAT, 0, &["a", "there", "there"]);
    world.send_all(conn, &here[..3]);
    assert_eq!(world.drain(reader).entries(), here[..3]);
    world.record(&Record::Cut(vec![world.session.cut(&eve, &there)]));
    assert_eq!(world.served(Channel::CHAT), []);
    world.send_all(conn, &here[3..]);
    assert_eq!(world.drain(conn).close, None);

    let bearer = world.connect(&cat);
    let _ = world.send(bearer, eve.member_frame());
    world.send_all(bearer, &there);
    assert_eq!(world.drain(reader).entries(), there, "also to those who had the other one");
    assert_eq!(world.served(Channel::CHAT), there);
}

/// The other history can also come after the cut. Only its last entry shows that it is not the one.
#[test]
fn lane_that_ends_otherwise_than_cut_is_not_kept() {
    let mut world = World::new();
    let (eve, cat) = (world.guest(), world.guest());
    let here = world.session.entries(&eve, Channel::CHAT, 0, &["a", "here", "here"]);
    let there = world.session.entries(&eve, Channel::CHAT, 0, &["a", "there", "there"]);
    world.record(&Record::Cut(vec![world.session.cut(&eve, &there)]));
    let conn = world.connect(&eve);
    world.send_all(conn, &here);
    assert_eq!(world.drain(conn).close, None);
    assert_eq!(world.served(Channel::CHAT), []);
    assert_eq!(world.hall.stats().bytes_stored, 0);
    let bearer = world.connect(&cat);
    let _ = world.send(bearer, eve.member_frame());
    world.send_all(bearer, &there);
    assert_eq!(world.served(Channel::CHAT), there);
}

/// A new epoch costs nothing of what was cut before it; what nobody cut is said again in the new one.
#[test]
fn new_epoch_leaves_what_was_cut_and_ends_the_rest() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.guest());
    let conns = [world.connect(&ben), world.connect(&cat)];
    let (bens, cats) = (
        world.session.entries(&ben, Channel::CHAT, 0, &TEXTS[..3]),
        world.session.entries(&cat, Channel::CHAT, 0, &TEXTS[..2]),
    );
    world.send_all(conns[0], &bens);
    world.send_all(conns[1], &cats);
    world.record(&Record::Cut(vec![world.session.cut(&ben, &bens)]));
    let epoch = world.session.next_epoch();
    world.record(&epoch);
    assert_eq!(world.served(Channel::CHAT), bens);

    let again = world.session.entries(&cat, Channel::CHAT, 1, &TEXTS[..2]);
    world.send_all(conns[1], &cats);
    world.send_all(conns[1], &again);
    assert_eq!(world.drain(conns[1]).close, None);
    assert_eq!(world.served(Channel::CHAT), [bens, again].concat());
}

/// Whoever is cut off says nothing more, not even through others; what it said before the cut stays.
#[test]
fn closed_share_ends_its_lanes_where_they_were_cut() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let (conn, other) = (world.connect(&ben), world.connect(&cat));
    let chat = world.session.entries(&ben, Channel::CHAT, 0, &TEXTS);
    let state = world.session.entries(&ben, Channel::STATE, 0, &TEXTS);
    world.send_all(conn, &chat[..4]);
    world.send_all(conn, &state[..1]);
    world.record(&Record::Cut(vec![world.session.cut(&ben, &chat[..3])]));
    world.close_share(world.interact.secret.share_id(), &[]);
    assert_eq!(world.drain(conn).close, Some(CloseCode::ShareClosed));
    let _ = world.send(other, ben.member_frame());
    world.send_all(other, &chat);
    assert_eq!((world.served(Channel::CHAT), world.served(Channel::STATE)), (chat[..3].to_vec(), Vec::new()));
}

/// The record is stored before its consequences: a crash between the two must not bring anything back.
#[test]
fn restarted_relay_knows_its_cuts() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let entries = world.session.entries(&ben, Channel::CHAT, 0, &TEXTS);
    world.send_all(conn, &entries[..4]);
    let cut = world.session.write(&Record::Cut(vec![world.session.cut(&ben, &entries[..2])]));
    let session = world.session.id();
    let old = std::mem::replace(&mut world.hall, Hall::new(HallLimits::default(), [0; 32]));
    let mut store = old.into_store();
    store.put_record(&session, &cut).expect("memory");
    world.hall = Hall::with_store(HallLimits::default(), [11; 32], store, world.now);
    assert_eq!(world.served(Channel::CHAT), entries[..2]);
    let conn = world.connect(&ben);
    world.send_all(conn, &entries);
    assert_eq!(world.drain(conn).close, None);
    world.restart();
    assert_eq!(world.served(Channel::CHAT), entries[..2]);
}

/// Authors of whom a cut leaves nothing must not take the places of newcomers for ever.
#[test]
fn author_without_entries_leaves_no_chain_behind() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let entry = world.session.first_entry(&ben, Channel::CHAT);
    let _ = world.send_entry(conn, &entry);
    let cut = Cut { lane: entry.lane, next: 0, digest: [0; 32] };
    world.record(&Record::Cut(vec![cut]));
    world.hall.handle_close(conn, world.now);
    let store = std::mem::replace(&mut world.hall, Hall::new(HallLimits::default(), [0; 32])).into_store();
    assert_eq!(store.items(&world.session.id(), Shelf::Members), Vec::<Bytes>::new());
    assert_eq!(store.total_bytes(), 0);
}
