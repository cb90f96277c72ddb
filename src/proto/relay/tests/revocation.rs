//! Shares that are closed, all or but for some.

use super::direct::open_direct;
use super::*;

/// One of several who came by a link is thrown out: the others must not notice, today or when they come back.
#[test]
fn who_stays_by_a_closed_share_stays_and_may_return() {
    let mut world = World::new();
    let (ben, cat, eve) = (world.guest(), world.guest(), world.guest());
    let (ben_conn, eve_conn) = (world.connect(&ben), world.connect(&eve));
    world.close_share(world.interact.secret.share_id(), &[ben.author(), cat.author()]);
    assert_eq!(world.drain(eve_conn).close, Some(CloseCode::ShareClosed));
    assert_eq!(world.drain(ben_conn).close, None);
    world.hall.handle_close(ben_conn, world.now);

    for _ in 0..2 {
        let (conn, mail) = world.dial(&ben);
        assert_eq!((mail.welcome().standing, mail.close), (Standing::Known, None));
        let entry = world.session.first_entry(&ben, Channel::CHAT);
        assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
        assert!(world.dial(&cat).1.is_ready(), "wherever it was meanwhile");
        let (_, mail) = world.dial(&eve);
        assert_eq!((mail.welcome().standing, mail.close), (Standing::Known, Some(CloseCode::ShareClosed)));
        assert!(!mail.is_ready());
        let stranger = world.guest();
        assert_eq!(world.dial(&stranger).1.close, Some(CloseCode::ShareClosed), "nobody new");
        world.restart();
    }
}

/// Who stays is who stays by all records: a second one cannot bring anybody back, only cut off more.
#[test]
fn second_close_only_cuts_off_more() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.guest());
    let conns = [world.connect(&ben), world.connect(&cat)];
    let share = world.interact.secret.share_id();
    world.close_share(share, &[ben.author()]);
    assert_eq!(world.drain(conns[1]).close, Some(CloseCode::ShareClosed));
    world.close_share(share, &[ben.author(), cat.author()]);
    assert_eq!(world.dial(&cat).1.close, Some(CloseCode::ShareClosed));
    world.close_share(share, &[]);
    assert_eq!(world.drain(conns[0]).close, Some(CloseCode::ShareClosed));
    assert_eq!(world.dial(&ben).1.welcome().standing, Standing::ShareClosed);
}

/// A link for one person is used up while that person is here.
#[test]
fn share_for_one_admits_one() {
    let mut world = World::new();
    let share = world.new_share(ShareTerms { flags: ShareFlags::ONCE, ..Session::terms(Rights::VIEW) });
    let (ben, eve) = (world.session.person(&share), world.session.person(&share));
    world.connect(&ben);
    assert_eq!(world.dial(&eve).1.close, Some(CloseCode::Limit));
}

/// What a member does after it was cut off must come to nothing even if its frames are on the way already.
#[test]
fn frames_of_a_member_cut_off_come_to_nothing() {
    let mut world = World::new();
    let eve = world.guest();
    let conn = world.connect(&eve);
    world.close_share(world.interact.secret.share_id(), &[]);
    world.drain(world.host);
    let (_, opening) = open_direct(&world, &eve);
    let entries = [Channel::CHAT, Channel::PRESENCE].map(|channel| world.session.first_entry(&eve, channel));
    for entry in entries.into_iter().chain([opening]) {
        assert_eq!(world.send_entry(conn, &entry), Flow::Stop);
    }
    assert_eq!(world.drain(world.host).entries(), []);
    assert_eq!(world.hall.stats().bytes_stored, 0);
}
