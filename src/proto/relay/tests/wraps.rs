//! Wraps: who may bring them, who gets them, which is kept.

use super::*;
use crate::proto::limits::WRAPS_MAX;

fn wraps(mail: &Mail) -> Vec<Bytes> {
    let wraps = mail.frames.iter().filter_map(|frame| match frame {
        Frame::Wrap(raw) => Some(raw.clone()),
        _ => None,
    });
    wraps.collect()
}

/// A wrap as a relay sees one.
fn wrap_for(epoch: u32, recipient: &[u8; 16], filling: u8) -> Bytes {
    [&epoch.to_le_bytes()[..], recipient, &[filling; 48]].concat().into()
}

/// After a re-key everybody needs one frame, and gets no other.
#[test]
fn new_wrap_goes_to_its_recipients_and_administrators() {
    let mut world = World::new();
    let (ben, cat, dan) = (world.guest(), world.guest(), world.session.person(&world.own));
    let eve = world.viewer();
    let conns = [&ben, &cat, &dan, &eve].map(|person| world.connect(person));
    let epoch = world.session.next_epoch();
    world.record(&epoch);
    conns.iter().for_each(|conn| drop(world.drain(*conn)));
    let shares = world.session.wrap_in(1, &world.interact);
    let bens = wrap_for(1, ben.author().as_bytes(), 1);
    for wrap in [&shares, &bens] {
        assert_eq!(world.send(world.host, Frame::Wrap(wrap.clone())), Flow::Continue);
    }
    let got = conns.map(|conn| wraps(&world.drain(conn)).into_iter().collect::<std::collections::BTreeSet<_>>());
    let (both, one) = ([shares.clone(), bens.clone()].into(), [shares.clone()].into());
    assert_eq!(got, [both, one, [shares.clone(), bens.clone()].into(), [].into()]);

    let (_, mail) = world.dial(&ben);
    assert_eq!(wraps(&mail), [shares, bens], "that of the share with WELCOME, the own behind READY");
}

/// Somebody who is let in while a re-key goes on must not start with a key that nobody uses any more.
#[test]
fn wrap_that_came_during_the_handshake_is_not_missed() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.open();
    let welcome = world.hello(conn, &ben).welcome();
    let epoch = world.session.next_epoch();
    world.record(&epoch);
    let wrap = world.session.wrap_in(1, &world.interact);
    let _ = world.send(world.host, Frame::Wrap(wrap.clone()));
    let _ = world.send(conn, World::auth(&ben, &welcome));
    assert_eq!(wraps(&world.drain(conn)), [wrap]);
}

/// Old keys are known to those who were thrown out: a wrap of an older epoch must not come back.
#[test]
fn wraps_are_not_rolled_back() {
    let mut world = World::new();
    let epoch = world.session.next_epoch();
    world.record(&epoch);
    let [old, new] = [0, 1].map(|epoch| world.session.wrap_in(epoch, &world.view));
    let host = world.host;
    for wrap in [&new, &old, &wrap_for(0, world.view.secret.share_id().as_bytes(), 9)] {
        assert_eq!(world.send(host, Frame::Wrap(wrap.clone())), Flow::Continue);
    }
    let cat = world.viewer();
    assert_eq!(wraps(&world.dial(&cat).1), std::slice::from_ref(&new));
    world.restart();
    world.host = world.connect_host();
    assert_eq!(wraps(&world.dial(&cat).1), [new], "the host brought the old one again");
}

/// One wrap from far ahead would keep out all that the owner makes later.
#[test]
fn wrap_of_an_epoch_far_ahead_is_ignored() {
    let mut world = World::new();
    let share = world.view.secret.share_id();
    let host = world.host;
    let _ = world.send(host, Frame::Wrap(wrap_for(u32::MAX, share.as_bytes(), 9)));
    let _ = world.send(host, Frame::Wrap(wrap_for(2, share.as_bytes(), 9)));
    let epoch = world.session.next_epoch();
    world.record(&epoch);
    let wrap = world.session.wrap_in(1, &world.view);
    let _ = world.send(host, Frame::Wrap(wrap.clone()));
    let cat = world.viewer();
    assert_eq!(wraps(&world.dial(&cat).1), [wrap]);
}

/// Keys come from administrators; what others send would at best waste everybody's time.
#[test]
fn wrap_of_a_guest_is_refused() {
    let mut world = World::new();
    let eve = world.guest();
    let conn = world.connect(&eve);
    let wrap = world.session.wrap(&world.view);
    world.assert_closed_by(conn, wrap, CloseCode::NoRight);
    let conn = world.connect(&eve);
    world.assert_closed_by(conn, Frame::Wrap(vec![0; 67].into()), CloseCode::NoRight);
    let host = world.host;
    assert_eq!(world.send(host, Frame::Wrap(vec![0; 67].into())), Flow::Stop);
}

/// Members come and go for months: those who are gone make room, open shares never do, and a flood ends somewhere.
#[test]
fn full_table_drops_old_wraps_of_members_first() {
    let mut world = World::new();
    let host = world.host;
    let member = |n: usize| *blake3::hash(&n.to_le_bytes()).as_bytes().first_chunk::<16>().expect("32 bytes");
    for n in 3..WRAPS_MAX {
        assert_eq!(world.send(host, Frame::Wrap(wrap_for(0, &member(n), 1))), Flow::Continue);
    }
    let epoch = world.session.next_epoch();
    world.record(&epoch);
    for n in 0..100 {
        assert_eq!(world.send(host, Frame::Wrap(wrap_for(1, &member(WRAPS_MAX + n), 1))), Flow::Continue);
    }
    let cat = world.viewer();
    assert_eq!(wraps(&world.dial(&cat).1).len(), 1, "an open share's wrap stays");
    let admin = world.session.person(&world.own);
    // Once with WELCOME and once more with all of them.
    assert_eq!(wraps(&world.dial(&admin).1).len(), WRAPS_MAX + 1);
    let conn = world.connect(&admin);
    world.assert_closed_by(conn, Frame::Wrap(wrap_for(0, &member(9_999), 1)), CloseCode::Limit);
}

/// Who changes a wrap over and over must not fill the memory through somebody who does not read.
#[test]
fn unread_wraps_cost_one_each() {
    let mut world = World::new();
    let (ben, host) = (world.guest(), world.host);
    let conn = world.connect(&ben);
    for filling in 0..200 {
        let _ = world.send(host, Frame::Wrap(wrap_for(0, ben.author().as_bytes(), filling)));
    }
    assert_eq!(wraps(&world.drain(conn)), [wrap_for(0, ben.author().as_bytes(), 199)]);
}
