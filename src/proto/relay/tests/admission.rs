//! HELLO to READY, and the ways out.

use super::*;
use crate::proto::limits::{CLOCK_SKEW_MS_MAX, SILENCE_US_MAX, UNPROVEN_BYTES_MAX, UNPROVEN_US_MAX};

/// The common way in: everything a guest needs to check the session comes before it proves itself.
#[test]
fn guest_gets_log_and_wrap_with_welcome_then_ready() {
    let mut world = World::new();
    let ben = world.guest();
    let (_, mail) = world.dial(&ben);
    let records = world.session.log.records().len();
    assert_eq!(mail.welcome().standing, Standing::Known);
    assert_eq!((mail.welcome().records, mail.welcome().wraps), (records as u64, 1));
    assert!(mail.frames[1..=records].iter().all(|frame| matches!(frame, Frame::Log(_))));
    assert_eq!(mail.frames[records + 1], world.session.wrap(&world.interact));
    assert_eq!(mail.frames[records + 2], Frame::Ready(Ready { log_next: records as u64 }));
    assert_eq!(mail.close, None);
}

/// A relay has no accounts: the owner's chain alone creates a session, a guest's does not.
#[test]
fn only_an_administrator_creates_a_session() {
    let mut world = World::without_host(HallLimits::default());
    let (ben, ada) = (world.guest(), world.ada.clone());
    let (_, mail) = world.dial(&ben);
    assert_eq!((mail.welcome().standing, mail.close), (Standing::SessionUnknown, Some(CloseCode::SessionUnknown)));
    assert!(world.dial(&ada).1.is_ready());
    // Ada has not sent the log yet: Ben must try again, not give up.
    assert_eq!(world.dial(&ben).1.close, Some(CloseCode::SessionUnknown));
}

/// A chain is no secret, everybody in the session has it: only the key behind it counts.
#[test]
fn copied_chain_without_its_key_is_refused() {
    let mut world = World::new();
    let (ben, eve) = (world.guest(), world.viewer());
    let thief = Person { keys: eve.keys, chain: ben.chain };
    let (_, mail) = world.dial(&thief);
    assert_eq!(mail.close, Some(CloseCode::AuthFailed));
    assert!(!mail.is_ready());
}

/// Whoever passes a handshake on to another relay must gain nothing by it.
#[test]
fn proof_made_for_one_connection_is_refused_on_another() {
    let mut world = World::new();
    let ben = world.guest();
    let (first, second) = (world.open(), world.open());
    let welcome = world.hello(first, &ben).welcome();
    world.hello(second, &ben);
    let proof = World::auth(&ben, &welcome);
    world.assert_closed_by(second, proof.clone(), CloseCode::AuthFailed);
    assert_eq!(world.send(first, proof), Flow::Continue);
    assert!(world.drain(first).is_ready());
}

/// The exporter ties a proof to one TLS connection: the same nonces must not be enough.
#[test]
fn proof_without_the_exporter_of_its_connection_is_refused() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.open();
    let hello = Hello { nonce: [3; 32], session: world.session.id(), share: ben.chain.member.share };
    let _ = world.hall.handle_hello(conn, hello, Some([5; 32]), world.now);
    let welcome = world.drain(conn).welcome();
    world.assert_closed_by(conn, World::auth(&ben, &welcome), CloseCode::AuthFailed);
}

/// A share that the owner never recorded is worth nothing, however well it is signed.
#[test]
fn unrecorded_share_is_unknown() {
    let mut world = World::new();
    let share = world.session.share(Session::terms(Rights::OWN));
    let eve = world.session.person(&share);
    let (_, mail) = world.dial(&eve);
    assert_eq!((mail.welcome().standing, mail.close), (Standing::ShareUnknown, Some(CloseCode::ShareUnknown)));
    assert_eq!(mail.welcome().records, 0, "a stranger learns nothing");
}

/// HELLO names a share to choose the wrap; AUTH by another one would be told the wrong things.
#[test]
fn chain_of_another_share_than_in_hello_is_refused() {
    let mut world = World::new();
    let (ben, eve) = (world.guest(), world.viewer());
    let conn = world.open();
    let welcome = world.hello(conn, &ben).welcome();
    world.assert_closed_by(conn, World::auth(&eve, &welcome), CloseCode::AuthFailed);
}

/// An expired link must not let in, and must not keep in much longer than clocks differ.
#[test]
fn expiry_keeps_newcomers_out_and_cuts_members_after_the_skew() {
    let mut world = World::new();
    let terms = ShareTerms { expires: START.wall.after_ms(10_000), ..Session::terms(Rights::VIEW) };
    let (share, record) = world.session.record_share(terms);
    assert_eq!(world.send(world.host, Frame::Log(record)), Flow::Continue);
    let (ben, eve) = (world.session.person(&share), world.session.person(&share));
    let (conn, host) = (world.connect(&ben), world.host);

    world.pass_s(10, &[conn, host]);
    assert_eq!(world.dial(&eve).1.close, Some(CloseCode::Expired));
    world.pass_s(CLOCK_SKEW_MS_MAX / 1_000, &[conn, host]);
    assert_eq!(world.drain(conn).close, None, "clocks may differ");
    world.pass_s(2, &[conn, host]);
    assert_eq!(world.drain(conn).close, Some(CloseCode::Expired));
}

/// Revocation has to work at once: the guest's terminal must not show one more line.
#[test]
fn closing_a_share_cuts_its_members_and_tells_them_why() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let (ben_conn, cat_conn) = (world.connect(&ben), world.connect(&cat));
    let record = world.session.write(&Record::Close { share: world.interact.secret.share_id(), stay: Vec::new() });
    assert_eq!(world.send(world.host, Frame::Log(record.clone())), Flow::Continue);

    let mail = world.drain(ben_conn);
    assert_eq!(mail.frames, [Frame::Log(record.clone()), Frame::Close(CloseCode::ShareClosed)]);
    assert_eq!(world.drain(cat_conn).close, None);
    let late = world.dial(&ben).1;
    assert_eq!((late.welcome().standing, late.close), (Standing::ShareClosed, Some(CloseCode::ShareClosed)));
    assert!(late.frames.contains(&Frame::Log(record)), "the owner's own word for it");
}

/// A delegated share ends with the share it came from.
#[test]
fn closing_a_share_cuts_those_who_came_by_a_share_below_it() {
    let mut world = World::new();
    let secret = ShareSecret::new(&world.session.id(), [77; 16], ShareFlags::NONE, None);
    let (above, record) = world.session.record_share(Session::terms(Rights::VIEW.union(Rights::DELEGATE)));
    assert_eq!(world.send(world.host, Frame::Log(record)), Flow::Continue);
    let below = ShareTerms { depth_left: 0, ..Session::terms(Rights::VIEW) };
    let cert = ShareCert::issue_below(&above.cert, &above.secret, &secret, below);
    let share = Share { secret, cert };
    let mut ben = world.session.person(&share);
    ben.chain.shares.push(above.cert);
    let wrap = world.session.wrap(&share);
    assert_eq!(world.send(world.host, wrap), Flow::Continue);
    let conn = world.connect(&ben);

    let record = world.session.write(&Record::Close { share: above.secret.share_id(), stay: Vec::new() });
    assert_eq!(world.send(world.host, Frame::Log(record)), Flow::Continue);
    assert_eq!(world.drain(conn).close, Some(CloseCode::ShareClosed));
}

/// People ask "did it crash, or is it over?": the owner's record answers, also to who comes late.
#[test]
fn end_is_told_to_all_and_to_late_comers_for_a_while() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let end = world.session.write(&Record::End);
    let host = world.host;
    assert_eq!(world.send(host, Frame::Log(end.clone())), Flow::Stop);
    assert_eq!(world.drain(conn).frames, [Frame::Log(end.clone()), Frame::Close(CloseCode::Ended)]);
    assert_eq!(world.drain(host).close, Some(CloseCode::Ended));
    for gone in [conn, host] {
        world.hall.handle_close(gone, world.now);
    }

    let (late, mail) = world.dial(&ben);
    assert_eq!((mail.welcome().standing, mail.close), (Standing::Ended, Some(CloseCode::Ended)));
    assert!(mail.frames.contains(&Frame::Log(end)));
    world.hall.handle_close(late, world.now);
    world.advance(HallLimits::default().ended_us_max);
    assert_eq!(world.dial(&ben).1.welcome().standing, Standing::SessionUnknown);
}

/// After a change of network the old connection may look alive for 15 s: the new one must win at once.
#[test]
fn newer_connection_of_a_member_replaces_the_older() {
    let mut world = World::new();
    let ben = world.guest();
    let host = world.host;
    let old = world.connect(&ben);
    world.drain(host);
    let new = world.connect(&ben);
    assert_eq!(world.drain(old).close, Some(CloseCode::Replaced));
    world.hall.handle_close(old, world.now);
    assert_eq!(world.drain(host).count(|frame| matches!(frame, Frame::Peer(..))), 0, "Ben was here all the time");
    let entry = world.session.first_entry(&ben, Channel::CHAT);
    assert_eq!(world.send_entry(new, &entry), Flow::Continue);
}

/// Faces come and go on everybody's screen.
#[test]
fn peers_hear_who_comes_and_goes() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let mail = world.drain(world.host);
    assert_eq!(mail.frames, [ben.member_frame(), Frame::Peer(ben.author(), Whereabouts::Here)]);
    world.hall.handle_close(conn, world.now);
    assert_eq!(world.drain(world.host).frames, [Frame::Peer(ben.author(), Whereabouts::Gone)]);
}

/// "Two people may use this link" has to hold where the owner is not: at the relay.
#[test]
fn share_admits_no_more_members_than_its_bound() {
    let mut world = World::new();
    let terms = ShareTerms { max_members: 1, ..Session::terms(Rights::VIEW) };
    let (share, record) = world.session.record_share(terms);
    assert_eq!(world.send(world.host, Frame::Log(record)), Flow::Continue);
    let (ben, eve) = (world.session.person(&share), world.session.person(&share));
    let conn = world.connect(&ben);
    assert_eq!(world.dial(&eve).1.close, Some(CloseCode::Limit));
    let again = world.connect(&ben);
    assert_eq!(world.drain(conn).close, Some(CloseCode::Replaced));
    world.hall.handle_close(again, world.now);
    assert!(world.dial(&eve).1.is_ready());
}

/// Strangers are cheap: little memory, little time.
#[test]
fn stranger_may_send_little_and_not_for_long() {
    let mut world = World::new();
    let (loud, quiet) = (world.open(), world.open());
    assert_eq!(world.hall.handle_received(loud, UNPROVEN_BYTES_MAX, world.now), Flow::Continue);
    assert_eq!(world.hall.handle_received(loud, 1, world.now), Flow::Stop);
    assert_eq!(world.drain(loud).close, Some(CloseCode::Protocol));
    world.advance(UNPROVEN_US_MAX + SECOND_US);
    assert_eq!(world.drain(quiet).close, Some(CloseCode::TooSlow));
}

/// A full relay says so instead of failing in some other way.
#[test]
fn full_hall_says_busy() {
    let mut world = World::without_host(HallLimits { connections_max: 1, ..HallLimits::default() });
    let ada = world.ada.clone();
    let first = world.open();
    let (_, mail) = world.dial(&ada);
    assert_eq!((mail.welcome().standing, mail.close), (Standing::Busy, Some(CloseCode::Busy)));
    assert_eq!(world.hello(first, &ada).close, None);

    let mut world = World::without_host(HallLimits { unproven_max: 1, ..HallLimits::default() });
    let (first, second) = (world.open(), world.open());
    assert_eq!((world.drain(first).close, world.drain(second).close), (None, Some(CloseCode::Busy)));
}

/// A laptop that was closed says no goodbye: its seat must become free, and who only listens must not be cut.
#[test]
fn silent_member_is_asked_and_then_given_up() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let (silent, alive) = (world.connect(&ben), world.connect(&cat));
    let host = world.host;
    world.pass_s(6, &[alive, host]);
    assert_eq!(world.drain(silent).count(|frame| matches!(frame, Frame::Ping(_))), 1);
    assert_eq!(world.drain(alive).count(|frame| matches!(frame, Frame::Ping(_))), 0);
    world.pass_s(SILENCE_US_MAX / SECOND_US, &[alive, host]);
    assert_eq!(world.drain(silent).close, Some(CloseCode::TooSlow));
    assert_eq!(world.drain(alive).close, None);
}

/// A million PINGs must not become a million queued PONGs.
#[test]
fn unread_pings_cost_one_pong() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    for n in 0..1_000u64 {
        let _ = world.send(conn, Frame::Ping(n.to_le_bytes()));
    }
    assert_eq!(world.drain(conn).frames, [Frame::Pong(999u64.to_le_bytes())]);
}

/// A restart for an update must send people back, not leave them guessing.
#[test]
fn shutdown_tells_everybody_to_come_again() {
    let mut world = World::new();
    let ben = world.guest();
    let (conn, fresh) = (world.connect(&ben), world.open());
    world.hall.handle_shutdown(world.now);
    for conn in [conn, fresh, world.host] {
        assert_eq!(world.drain(conn).close, Some(CloseCode::GoingAway));
    }
}

/// A relay is no archive: what nobody uses goes away.
#[test]
fn empty_session_is_forgotten_after_the_idle_time() {
    let limits = HallLimits { idle_us_max: 60 * SECOND_US, ..HallLimits::default() };
    let mut world = World::without_host(limits);
    let host = world.connect_host();
    world.hall.handle_close(host, world.now);
    world.advance(59 * SECOND_US);
    assert_eq!(world.hall.stats().sessions, 1);
    world.advance(SECOND_US);
    assert_eq!(world.hall.stats().sessions, 0);
    assert_eq!(world.hall.poll_timeout(), None, "an idle node sleeps");
}

/// A record that the owner signed is true whoever brings it; a forged one costs whoever brings it the connection.
#[test]
fn log_is_extended_by_the_owner_alone_whoever_brings_it() {
    let mut world = World::new();
    let (ben, cat, eve) = (world.guest(), world.viewer(), world.session.person(&world.own));
    let (reader, host) = (world.connect(&ben), world.host);
    let record = world.session.write(&Record::Close { share: world.interact.secret.share_id(), stay: Vec::new() });
    let conn = world.connect(&eve);
    let mut forged = record.to_vec();
    forged[70] ^= 1;
    world.assert_closed_by(conn, Frame::Log(forged.into()), CloseCode::Protocol);
    world.drain(host);

    let conn = world.connect(&cat);
    assert_eq!(world.send(conn, Frame::Log(world.session.log.records()[0].clone())), Flow::Continue, "old news");
    assert_eq!(world.send(conn, Frame::Log(record.clone())), Flow::Continue);
    assert!(world.drain(host).frames.contains(&Frame::Log(record.clone())), "everybody hears of it");
    assert_eq!(world.drain(reader).close, Some(CloseCode::ShareClosed));
    assert_eq!(world.drain(conn).count(|frame| matches!(frame, Frame::Log(_))), 0, "its bearer has it");
    assert_eq!(world.send(conn, Frame::Log(record)), Flow::Continue, "and may bring it again");
}

/// A log that goes on somewhere else is not this session's, and one with a hole proves nothing.
#[test]
fn forked_or_foreign_log_is_refused() {
    let mut world = World::new();
    let (log, view) = (world.session.log.clone(), world.view.secret.share_id());
    let other = world.session.write(&Record::Close { share: view, stay: Vec::new() });
    let ahead = world.session.write(&Record::End);
    world.session.log = log;
    world.record(&Record::Admit(AuthorId([1; 16])));
    let mut neighbour = Session::new(100);
    let root = neighbour.root.public();
    let foreign = neighbour.write(&Record::Genesis { root });
    for raw in [other, ahead, foreign] {
        let eve = world.viewer();
        let conn = world.connect(&eve);
        world.assert_closed_by(conn, Frame::Log(raw), CloseCode::Protocol);
    }
    assert_eq!(world.hall.records(&world.session.id()), world.session.log.next_seq());
}
