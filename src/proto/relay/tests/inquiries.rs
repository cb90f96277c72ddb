//! Holders who ask how many are there, people who would like to be holders, and the operator.

use super::*;
use crate::proto::inquiry::{Challenge, Inquiry, Place};
use crate::proto::limits::{INQUIRIES_REFUSED_PER_MINUTE, SHARE_GUESSES_PER_MINUTE};
use crate::proto::wire::PassedOn;

const PLACE: Place<'_> = Place { host: "relay.example:4433", request: "POST /api/v1/counts" };

fn network(last: u8) -> Network {
    Network::of([192, 0, 2, last].into())
}

impl World {
    fn ask_from(&mut self, network: Network, secret: &ShareSecret) -> Result<Counts, InquiryError> {
        let challenge = self.hall.make_challenge(self.now);
        let inquiry = Inquiry::sign(secret, challenge, PLACE);
        self.hall.handle_inquiry(network, &inquiry, PLACE, self.now)
    }

    /// Asks from a network of which nothing is known.
    fn ask(&mut self, secret: &ShareSecret) -> Result<Counts, InquiryError> {
        self.conns += 1;
        let network = Network::of(std::net::Ipv4Addr::from(0x0a00_0000 + self.conns as u32).into());
        self.ask_from(network, secret)
    }

    /// The owner ends the session, which cuts everybody off.
    fn end(&mut self) {
        let (host, raw) = (self.host, self.session.write(&Record::End));
        assert_eq!(self.send(host, Frame::Log(raw)), Flow::Stop);
    }

    fn stats(&self) -> SessionStats {
        self.hall.session_stats(&self.session.id()).expect("the session is here")
    }
}

fn stranger(session: SessionId) -> ShareSecret {
    ShareSecret::new(&session, [250; 16], ShareFlags::NONE, None)
}

/// A dashboard beside the link: how many look, without being one more who does.
#[test]
fn holder_is_told_how_many_are_there() {
    let mut world = World::new();
    let view = world.view.secret.clone();
    let counts = |members, members_most, watching, views| Counts { members, members_most, watching, views };
    assert_eq!(world.ask(&view), Ok(counts(1, 1, 0, 0)));

    let (ben, cat) = (world.guest(), world.viewer());
    let (ben_conn, cat_conn) = (world.connect(&ben), world.connect(&cat));
    for channel in [terminal(0), terminal(1)] {
        let _ = world.send(cat_conn, Frame::Watch(channel));
    }
    assert_eq!(world.ask(&view), Ok(counts(3, 3, 1, 1)));
    world.hall.handle_close(cat_conn, world.now);
    world.hall.handle_close(ben_conn, world.now);
    let conn = world.connect(&cat);
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    assert_eq!(world.ask(&view), Ok(counts(2, 3, 1, 2)));
    let _ = world.send(conn, Frame::Unwatch(terminal(0)));
    assert_eq!(world.ask(&world.own.secret.clone()), Ok(counts(2, 3, 0, 2)));
}

/// Who may not come in is told one thing, whatever the reason: even that a session exists is its members' business.
#[test]
fn who_proves_nothing_is_told_nothing() {
    let mut world = World::new();
    let session = world.session.id();
    let once_open = world.new_share(Session::terms(Rights::VIEW));
    let with_bell = world.new_share(ShareTerms { flags: ShareFlags::APPROVE, ..Session::terms(Rights::INTERACT) });
    let deaf = world.new_share(Session::terms(Rights::CHAT));
    let expires = Wall(START.wall.0 + 1);
    let short = world.new_share(ShareTerms { expires, ..Session::terms(Rights::VIEW) });
    let later = world.new_share(ShareTerms { not_before: Wall(expires.0 + HOUR_MS), ..Session::terms(Rights::VIEW) });
    let ben = world.session.person(&once_open);
    world.connect(&ben);
    assert!(world.ask(&once_open.secret).is_ok() && world.ask(&short.secret).is_ok());
    world.close_share(once_open.secret.share_id(), &[ben.author()]);
    world.now.wall = expires;
    for (what, secret) in [
        ("a session that is not here", stranger(SessionId([9; 16]))),
        ("a share that nobody issued", stranger(session)),
        ("one that is closed but for some", once_open.secret),
        ("one whose members are let in one by one", with_bell.secret),
        ("one that may not read", deaf.secret),
        ("one that has expired", short.secret),
        ("one whose time has not come", later.secret),
    ] {
        assert_eq!(world.ask(&secret), Err(InquiryError::Refused), "{what}");
    }
    let view = world.view.secret.clone();
    let challenge = world.hall.make_challenge(world.now);
    let good = Inquiry::sign(&view, challenge, PLACE);
    let elsewhere = Place { host: "127.0.0.1:4433", ..PLACE };
    let mut flipped = good;
    flipped.signature[0] ^= 1;
    for (what, inquiry, place) in [
        ("signed for another place", good, elsewhere),
        ("a signature that is none", flipped, PLACE),
        ("another's name", Inquiry { share: world.own.secret.share_id(), ..good }, PLACE),
    ] {
        let told = world.hall.handle_inquiry(network(7), &inquiry, place, world.now);
        assert_eq!(told, Err(InquiryError::Refused), "{what}");
    }
    assert!(world.hall.handle_inquiry(network(7), &good, PLACE, world.now).is_ok(), "all else was right");
    world.end();
    assert_eq!(world.ask(&view), Err(InquiryError::Refused), "a session that has ended");
}

/// Who reads along has nothing of it: what it would say again has served already.
#[test]
fn inquiry_counts_once() {
    let mut world = World::new();
    let challenge = world.hall.make_challenge(world.now);
    let inquiry = Inquiry::sign(&world.view.secret, challenge, PLACE);
    assert!(world.hall.handle_inquiry(network(1), &inquiry, PLACE, world.now).is_ok());
    for from in [1, 2] {
        let again = world.hall.handle_inquiry(network(from), &inquiry, PLACE, world.now);
        assert_eq!(again, Err(InquiryError::Stale));
    }
    let own = Inquiry::sign(&world.view.secret, Challenge([1; 32]), PLACE);
    assert_eq!(world.hall.handle_inquiry(network(1), &own, PLACE, world.now), Err(InquiryError::Stale));
}

/// Trying is cheap by HTTP: after a few refusals nothing is looked at, for a network and a minute.
#[test]
fn network_that_is_refused_has_to_wait() {
    let mut world = World::new();
    let (view, wrong) = (world.view.secret.clone(), stranger(SessionId([9; 16])));
    for _ in 0..INQUIRIES_REFUSED_PER_MINUTE {
        assert!(world.ask_from(network(1), &view).is_ok());
        assert_eq!(world.ask_from(network(1), &wrong), Err(InquiryError::Refused));
    }
    for secret in [&view, &wrong] {
        assert_eq!(world.ask_from(network(1), secret), Err(InquiryError::TooMany { wait_s: 60 }));
    }
    assert!(world.ask_from(network(2), &view).is_ok(), "others are not held up");
    let (host, cat) = (world.host, world.viewer());
    let conn = ConnId(9_999);
    world.hall.handle_open_from(conn, network(1), world.now);
    assert!(world.hello(conn, &cat).close.is_none(), "nor is who joins");
    world.pass_s(60, &[host]);
    assert!(world.ask_from(network(1), &view).is_ok());
}

/// A passphrase must not be found by trying, not even by two doors at once.
#[test]
fn guesses_at_shares_draw_on_one_purse() {
    let mut world = World::new();
    let (session, view) = (world.session.id(), world.view.secret.clone());
    for n in 0..SHARE_GUESSES_PER_MINUTE as u8 {
        let guess = ShareSecret::new(&session, [200 + n; 16], ShareFlags::NONE, None);
        assert_eq!(world.ask_from(network(1), &guess), Err(InquiryError::Refused));
    }
    let (conn, cat) = (ConnId(9_999), world.viewer());
    world.hall.handle_open_from(conn, network(1), world.now);
    assert_eq!(world.hello(conn, &cat).frames, [Frame::Close(CloseCode::ShareUnknown)]);

    for n in 0..SHARE_GUESSES_PER_MINUTE as u8 {
        let conn = ConnId(10_000 + u64::from(n));
        world.hall.handle_open_from(conn, network(2), world.now);
        let _ = world.send(conn, Frame::Hello(Hello { nonce: [3; 32], session, share: ShareId([n; 16]) }));
    }
    assert_eq!(world.ask_from(network(2), &view), Err(InquiryError::Refused), "not even a right one shows");
    assert!(world.ask_from(network(3), &view).is_ok());
}

/// A share that was passed on is one as any other, until one above it is closed.
#[test]
fn holder_of_a_passed_on_share_may_ask() {
    let mut world = World::new();
    let above = world.new_share(Session::terms(Rights::INTERACT.union(Rights::DELEGATE)));
    let ben = world.session.person(&above);
    let conn = world.connect(&ben);
    let secret = ShareSecret::new(&world.session.id(), [70; 16], ShareFlags::NONE, None);
    let terms = ShareTerms { depth_left: 0, ..Session::terms(Rights::VIEW) };
    let cert = ShareCert::issue_below(&above.cert, &above.secret, &secret, terms);
    let share = Share { secret, cert };
    assert_eq!(world.ask(&share.secret), Err(InquiryError::Refused), "it is not known yet");
    let wrap = world.session.wrap_in(0, &share);
    let told = PassedOn { certs: vec![share.cert.clone(), above.cert.clone()], wrap, sealed_kek: [5; 80] };
    assert_eq!(world.send(conn, Frame::Share(told)), Flow::Continue);
    assert!(world.ask(&share.secret).is_ok());
    world.close_share(above.secret.share_id(), &[ben.author()]);
    assert_eq!(world.ask(&share.secret), Err(InquiryError::Refused));
}

/// Who waits at the door is the owner's business: members are not told, and it is not counted among them.
#[test]
fn waiting_member_is_counted_apart() {
    let mut world = World::new();
    let share = world.new_share(ShareTerms { flags: ShareFlags::APPROVE, ..Session::terms(Rights::VIEW) });
    let eve = world.session.person(&share);
    let conn = world.connect(&eve);
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    let SessionStats { counts, waiting, .. } = world.stats();
    assert_eq!((counts.members, counts.members_most, counts.watching, counts.views, waiting), (1, 1, 0, 0, 1));
    world.record(&Record::Admit(eve.author()));
    let SessionStats { counts, waiting, .. } = world.stats();
    assert_eq!((counts.members, counts.members_most, counts.watching, counts.views, waiting), (2, 2, 1, 1, 0));
}

/// The operator sees who takes up room, and since when: never more than sizes and times.
#[test]
fn operator_sees_sizes_and_times() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let entry = world.session.first_entry(&ben, Channel::CHAT);
    let before = world.stats();
    let _ = world.hall.handle_received(conn, 1_000, world.now);
    assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
    let host = world.host;
    world.drain(host);
    let stats = world.stats();
    assert_eq!(stats.bytes_in, before.bytes_in + 1_000);
    assert!(stats.bytes_out > before.bytes_out && stats.bytes_stored > before.bytes_stored);
    assert_eq!((stats.session, stats.since, stats.is_host_here), (world.session.id(), START.wall, true));
    assert_eq!((stats.log_records, stats.empty_since, stats.ended), (world.session.log.next_seq(), None, None));

    world.pass_s(2, &[conn]);
    world.end();
    world.drain(conn);
    [host, conn].into_iter().for_each(|conn| world.hall.handle_close(conn, world.now));
    world.advance(SECOND_US);
    let stats = world.stats();
    let since_end = Some(Wall(START.wall.0 + 2_000));
    assert_eq!((stats.since, stats.ended, stats.empty_since), (START.wall, since_end, since_end));
    assert_eq!((stats.counts.members, stats.counts.members_most, stats.is_host_here), (0, 2, false));
    assert_eq!((stats.bytes_stored, stats.bytes_live), (0, 0));
}

/// A list of ten thousand has to be read in pieces, and no session be missed or doubled between two of them.
#[test]
fn list_is_read_in_pieces() {
    let mut world = World::new();
    for seed in 20..25 {
        let session = Session::new(seed);
        let mut founder = Session::new(seed);
        let own = founder.share(Session::terms(Rights::OWN));
        let person = founder.person(&own);
        assert!(world.dial(&person).1.is_ready(), "{:?}", session.id());
    }
    let all = world.hall.sessions_after(None, 100);
    assert_eq!(all.len(), 6);
    let (mut pieces, mut after) = (Vec::new(), None);
    loop {
        let piece = world.hall.sessions_after(after, 4);
        let Some(last) = piece.last() else { break };
        after = Some(last.session);
        pieces.extend(piece);
    }
    assert_eq!(pieces, all);
    assert!(all.is_sorted_by_key(|stats| stats.session));
    assert_eq!(world.hall.session_stats(&SessionId([9; 16])), None);
}
