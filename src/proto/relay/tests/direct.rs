//! Between one guest and the host.

use super::*;
use crate::proto::limits::DIRECT_QUEUE_BYTES_MAX;
use crate::proto::seal::{DirectGuest, DirectHost};

pub(super) fn open_direct(world: &World, guest: &Person) -> (DirectGuest, WireEntry) {
    let kem = world.ada.chain.member.kem_public;
    let mut direct = DirectGuest::new(world.session.id(), guest.author(), world.ada.author(), &kem, [8; 32])
        .expect("the host's key is a key");
    let opening = direct.seal(1, &guest.keys, &[0]);
    (direct, opening)
}

/// Keystrokes are for the host's eyes alone, and answers for the one who asked.
#[test]
fn direct_entries_reach_their_addressee_alone() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let (sender, other) = (world.connect(&ben), world.connect(&cat));
    let (mut direct, opening) = open_direct(&world, &ben);
    let typed = direct.seal(3, &ben.keys, b"\x01\0\0ls");
    for entry in [&opening, &typed] {
        assert_eq!(world.send_entry(sender, entry), Flow::Continue);
    }
    world.drain(other);
    assert_eq!(world.drain(world.host).entries(), [opening.clone(), typed]);

    let verified = ben.chain.verify(&world.session.id()).expect("Ben's chain holds");
    let (session, ada) = (world.session.id(), world.ada.clone());
    let (host_end, _) = DirectHost::accept(session, &ada.keys, ada.author(), &verified, &opening).expect("Ben opens");
    let answer = { host_end }.seal(0, ada.author(), &ada.keys, &[1, 1]);
    assert_eq!(world.send_entry(world.host, &answer), Flow::Continue);
    assert_eq!(world.drain(sender).entries(), [answer]);
    assert_eq!(world.drain(other).entries(), []);
}

/// `view` means that no key can be pressed, even by a changed client.
#[test]
fn viewer_may_ask_but_not_type() {
    let mut world = World::new();
    let cat = world.viewer();
    let conn = world.connect(&cat);
    let (mut direct, opening) = open_direct(&world, &cat);
    assert_eq!(world.send_entry(conn, &opening), Flow::Continue);
    let asked = direct.seal(2, &cat.keys, &[3, 0, 0]);
    assert_eq!(world.send_entry(conn, &asked), Flow::Continue);
    let typed = direct.seal(3, &cat.keys, &[1, 0, 0]);
    world.assert_closed_by(conn, Frame::Entry(typed.as_bytes().clone()), CloseCode::NoRight);
}

/// Only the host answers, and nobody types as somebody else, the host included.
#[test]
fn direct_channels_have_one_writer_each() {
    let mut world = World::new();
    let (ben, eve) = (world.guest(), world.guest());
    world.connect(&ben);
    let (_, opening) = open_direct(&world, &ben);
    let conn = world.connect(&eve);
    world.assert_closed_by(conn, Frame::Entry(opening.as_bytes().clone()), CloseCode::NoRight);

    let conn = world.connect(&eve);
    let answer = WireEntry::encode(1, eve.lane(Channel::FROM_HOST), 0, &[0; 32], &[0; 64]);
    world.assert_closed_by(conn, Frame::Entry(answer.as_bytes().clone()), CloseCode::NoRight);

    let host = world.host;
    assert_eq!(world.send_entry(host, &opening), Flow::Stop);
    assert_eq!(world.drain(host).close, Some(CloseCode::NoRight));
}

/// Without a host nobody listens: the guest keeps its input and sends it again.
#[test]
fn input_without_a_host_is_dropped() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    world.hall.handle_close(world.host, world.now);
    let (_, opening) = open_direct(&world, &ben);
    assert_eq!(world.send_entry(conn, &opening), Flow::Continue);
    world.host = world.connect_host();
    assert_eq!(world.drain(world.host).entries(), []);
    assert_eq!(world.send_entry(conn, &opening), Flow::Continue);
    assert_eq!(world.drain(world.host).entries(), [opening]);
}

/// One guest that does not read must not cost the host its memory or its pace.
#[test]
fn guest_that_reads_no_answers_is_cut() {
    let mut world = World::new();
    let ben = world.guest();
    let (conn, host) = (world.connect(&ben), world.host);
    let mut body = vec![0; 60_000];
    body[..16].copy_from_slice(ben.author().as_bytes());
    for seq in 0..(DIRECT_QUEUE_BYTES_MAX / 60_000) as u64 + 1 {
        let entry = WireEntry::encode(1, world.ada.lane(Channel::FROM_HOST), seq, &body, &[0; 64]);
        assert_eq!(world.send_entry(host, &entry), Flow::Continue);
    }
    let mail = world.drain(conn);
    assert_eq!((mail.close, mail.entries().len()), (Some(CloseCode::TooSlow), 0));
    assert_eq!(world.drain(host).close, None);
}

/// A host on a slow uplink slows its guests down before anything is lost.
#[test]
fn guests_of_a_slow_host_are_paused_and_then_sent_away() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let mut flows = Vec::new();
    for seq in 0..60 {
        let entry = WireEntry::encode(3, ben.lane(Channel::TO_HOST), seq, &[0; 60_000], &[0; 64]);
        flows.push(world.send_entry(conn, &entry));
    }
    let paused = flows.iter().position(|flow| matches!(flow, Flow::Pause { .. }));
    assert!(paused.is_some_and(|at| (1..10).contains(&at)), "{flows:?}");
    assert_eq!(flows.last(), Some(&Flow::Stop), "who goes on all the same goes");
    assert_eq!(world.drain(conn).close, Some(CloseCode::Busy));
    assert!(world.drain(world.host).bytes < DIRECT_QUEUE_BYTES_MAX + 100_000);
}
