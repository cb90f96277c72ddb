//! Shares that members pass on without the owner.

use super::*;
use crate::proto::limits::{CHAIN_RATE, PASSED_ON_MAX};
use crate::proto::wire::PassedOn;

/// A world with a share that may be passed on, and Ben, who came by it.
struct Town {
    world: World,
    above: Share,
    ben: Person,
    conn: ConnId,
}

impl Town {
    fn new() -> Self {
        let mut world = World::new();
        let terms = ShareTerms { depth_left: 2, ..Session::terms(Rights::INTERACT.union(Rights::DELEGATE)) };
        let above = world.new_share(terms);
        let ben = world.session.person(&above);
        let conn = world.connect(&ben);
        Self { world, above, ben, conn }
    }

    /// A share below Ben's.
    fn below(&self, seed: u8, terms: ShareTerms) -> Share {
        let secret = ShareSecret::new(&self.world.session.id(), [seed; 16], terms.flags, None);
        let cert = ShareCert::issue_below(&self.above.cert, &self.above.secret, &secret, terms);
        Share { secret, cert }
    }

    fn terms() -> ShareTerms {
        ShareTerms { depth_left: 0, ..Session::terms(Rights::VIEW) }
    }

    fn told(&self, share: &Share) -> PassedOn {
        let wrap = self.world.session.wrap_in(0, share);
        PassedOn { certs: vec![share.cert.clone(), self.above.cert.clone()], wrap, sealed_kek: [5; 80] }
    }

    /// Somebody who came by a share below Ben's.
    fn person(&mut self, share: &Share) -> Person {
        let mut person = self.world.session.person(share);
        person.chain.shares.push(self.above.cert.clone());
        person
    }

    #[track_caller]
    fn pass_on(&mut self, share: &Share) -> Frame {
        let frame = Frame::Share(self.told(share));
        assert_eq!(self.world.send(self.conn, frame.clone()), Flow::Continue);
        frame
    }

    #[track_caller]
    fn assert_refused(&mut self, passed_on: PassedOn, code: CloseCode) {
        let conn = self.world.connect(&self.ben.clone());
        self.world.assert_closed_by(conn, Frame::Share(passed_on), code);
    }
}

fn shares(mail: &Mail) -> Vec<Frame> {
    mail.frames.iter().filter(|frame| matches!(frame, Frame::Share(_))).cloned().collect()
}

/// The whole point: Cat has nothing but a token, and the owner is asleep.
#[test]
fn newcomer_by_a_passed_on_share_gets_all_it_needs() {
    let mut town = Town::new();
    let share = town.below(70, Town::terms());
    let frame = town.pass_on(&share);
    for _ in 0..2 {
        let cat = town.person(&share);
        let (_, mail) = town.world.dial(&cat);
        let welcome = mail.welcome();
        assert_eq!((welcome.standing, welcome.shares, welcome.wraps), (Standing::Known, 1, 1));
        let records = welcome.records as usize;
        assert_eq!(mail.frames[records + 1], frame, "behind the log");
        assert_eq!(mail.frames[records + 2], town.world.session.wrap(&share));
        assert!(mail.is_ready(), "{mail:?}");
        town.world.restart();
    }
}

/// The host has to learn of it, or it could not re-key the share; so has whoever else may.
#[test]
fn passed_on_share_goes_to_administrators_now_and_later() {
    let mut town = Town::new();
    let (admin, cat) = (town.world.session.person(&town.world.own), town.world.viewer());
    let (host, other) = (town.world.host, town.world.connect(&cat));
    town.world.drain(host);
    town.world.drain(other);
    let share = town.below(70, Town::terms());
    let frame = town.pass_on(&share);
    let mail = town.world.drain(host);
    assert_eq!((shares(&mail), mail.count(|frame| matches!(frame, Frame::Wrap(_)))), (vec![frame.clone()], 1));
    assert_eq!(town.world.drain(other).frames, []);
    assert_eq!(shares(&town.world.dial(&admin).1), [frame]);
    town.pass_on(&share);
    let news = |frame: &Frame| matches!(frame, Frame::Share(_) | Frame::Wrap(_));
    assert_eq!(town.world.drain(host).count(news), 0, "told again it is none");
    assert_eq!(shares(&town.world.dial(&cat).1), []);
}

/// The host learns of some where the relay does not hear it, and brings them.
#[test]
fn host_brings_what_it_heard_elsewhere() {
    let mut town = Town::new();
    let share = town.below(70, Town::terms());
    let (told, host) = (town.told(&share), town.world.host);
    assert_eq!(town.world.send(host, Frame::Share(told)), Flow::Continue);
    let cat = town.person(&share);
    assert!(town.world.dial(&cat).1.is_ready());
}

/// Nobody passes on more than it has, or what is not its own.
#[test]
fn wider_foreign_or_forged_shares_are_refused() {
    let mut town = Town::new();
    let wider = [
        ShareTerms { rights: Rights::OWN, ..Town::terms() },
        ShareTerms { expires: START.wall.after_ms(2 * HOUR_MS), ..Town::terms() },
        ShareTerms { depth_left: 2, ..Town::terms() },
        ShareTerms { flags: ShareFlags::PUBLIC, rights: Rights::INTERACT, ..Town::terms() },
    ];
    for (seed, terms) in (71..).zip(wider) {
        let share = town.below(seed, terms);
        let told = town.told(&share);
        town.assert_refused(told, CloseCode::AuthFailed);
    }
    let share = town.below(70, Town::terms());
    let eve = ShareSecret::new(&town.world.session.id(), [66; 16], ShareFlags::NONE, None);
    let forged = ShareCert::issue_below(&town.above.cert, &eve, &share.secret, Town::terms());
    let told = town.told(&Share { secret: share.secret.clone(), cert: forged });
    town.assert_refused(told, CloseCode::AuthFailed);
    let told = PassedOn { wrap: town.world.session.wrap_in(0, &town.above), ..town.told(&share) };
    town.assert_refused(told, CloseCode::Protocol);
    let told = PassedOn { wrap: town.world.session.wrap_in(7, &share), ..town.told(&share) };
    town.assert_refused(told, CloseCode::Protocol);

    for stranger in [town.world.guest(), town.world.session.person(&town.world.own)] {
        let conn = town.world.connect(&stranger);
        let told = Frame::Share(town.told(&share));
        town.world.assert_closed_by(conn, told, CloseCode::NoRight);
    }
    let dan = town.person(&share);
    assert_eq!(town.world.dial(&dan).1.welcome().standing, Standing::ShareUnknown, "nothing was kept");
}

/// A share with the owner's name for another, or somebody's that is known, must not push that aside.
#[test]
fn name_of_a_known_share_cannot_be_taken() {
    let mut town = Town::new();
    let (real, fake) = (town.below(70, Town::terms()), town.below(71, Town::terms()));
    let frame = town.pass_on(&real);
    let narrower = ShareTerms { rights: Rights::READ, ..Town::terms() };
    let again = ShareCert::issue_below(&town.above.cert, &town.above.secret, &real.secret, narrower);
    let told = town.told(&Share { secret: real.secret.clone(), cert: again });
    assert_eq!(town.world.send(town.conn, Frame::Share(told)), Flow::Continue);
    let cat = town.person(&real);
    assert_eq!(shares(&town.world.dial(&cat).1), [frame]);

    let owners = ShareCert::issue_below(&town.above.cert, &town.above.secret, &town.world.view.secret, Town::terms());
    let told = PassedOn {
        certs: vec![owners, town.above.cert.clone()],
        wrap: town.world.session.wrap(&town.world.view).encode().slice(3..),
        ..town.told(&fake)
    };
    town.assert_refused(told, CloseCode::Protocol);
}

/// Closing the share above closes what is below, known or not yet.
#[test]
fn shares_below_a_closed_one_are_closed_and_not_taken() {
    let mut town = Town::new();
    let (known, late) = (town.below(70, Town::terms()), town.below(71, Town::terms()));
    let frame = town.pass_on(&known);
    let cat = town.person(&known);
    let cat_conn = town.world.connect(&cat);
    let stays = town.ben.author();
    town.world.close_share(town.above.secret.share_id(), &[stays]);
    assert_eq!(town.world.drain(cat_conn).close, Some(CloseCode::ShareClosed));
    assert_eq!(town.world.drain(town.conn).close, None);
    town.pass_on(&late);
    let dan = town.person(&late);
    assert_eq!(town.world.dial(&dan).1.welcome().standing, Standing::ShareUnknown);

    town.world.close_share(town.above.secret.share_id(), &[]);
    let admin = town.world.session.person(&town.world.own);
    for _ in 0..2 {
        let (_, mail) = town.world.dial(&cat);
        let welcome = mail.welcome();
        assert_eq!((welcome.standing, welcome.shares, welcome.wraps), (Standing::ShareClosed, 1, 0));
        assert_eq!(shares(&mail), std::slice::from_ref(&frame), "which says what it is below");
        assert_eq!(shares(&town.world.dial(&admin).1), [], "it is of no use to anybody else");
        town.world.restart();
    }
}

/// The owner can close what others passed on by its name.
#[test]
fn passed_on_share_is_closed_by_its_own_name() {
    let mut town = Town::new();
    let share = town.below(70, Town::terms());
    town.pass_on(&share);
    let cat = town.person(&share);
    let conn = town.world.connect(&cat);
    town.world.close_share(share.secret.share_id(), &[]);
    assert_eq!(town.world.drain(conn).close, Some(CloseCode::ShareClosed));
    assert_eq!(town.world.dial(&cat).1.welcome().standing, Standing::ShareClosed);
    let ben = town.ben.clone();
    assert!(town.world.dial(&ben).1.is_ready());
}

/// The wrap comes along, but the owner's newer one is not to be undone by who passed the share on.
#[test]
fn owners_wrap_for_a_passed_on_share_counts_more() {
    let mut town = Town::new();
    let share = town.below(70, Town::terms());
    town.pass_on(&share);
    let mut forged = town.told(&share);
    forged.wrap = [&forged.wrap[..20], &[9; 48]].concat().into();
    assert_eq!(town.world.send(town.conn, Frame::Share(forged)), Flow::Continue);
    let epoch = town.world.session.next_epoch();
    town.world.record(&epoch);
    let cat = town.person(&share);
    assert!(town.world.dial(&cat).1.frames.contains(&town.world.session.wrap(&share)), "the first of its epoch");
    let newer = town.world.session.wrap_in(1, &share);
    let host = town.world.host;
    let _ = town.world.send(host, Frame::Wrap(newer.clone()));
    town.pass_on(&share);
    let (_, mail) = town.world.dial(&cat);
    assert!(mail.frames.contains(&Frame::Wrap(newer)) && mail.welcome().wraps == 1);
}

/// A script that passes on without end comes to an end; what has expired makes room.
#[test]
fn flood_of_shares_is_bounded() {
    let mut town = Town::new();
    let soon = ShareTerms { expires: START.wall.after_ms(5_000), ..Town::terms() };
    for seed in 0..PASSED_ON_MAX as u8 {
        let share = town.below(100 + seed, soon);
        town.pass_on(&share);
    }
    let one_more = town.below(200, Town::terms());
    let told = town.told(&one_more);
    town.assert_refused(told, CloseCode::Limit);
    let admin = town.world.session.person(&town.world.own);
    assert_eq!(shares(&town.world.dial(&admin).1).len(), PASSED_ON_MAX);

    town.world.pass_s(130, &[town.world.host]);
    town.conn = town.world.connect(&town.ben.clone());
    town.pass_on(&one_more);
    assert_eq!(shares(&town.world.dial(&admin).1).len(), 1);
}

/// Each new chain costs signatures to check, and whoever holds a link can make any number, or bring one over and over that
/// is no use: they are checked no faster than a rate.
#[test]
fn chains_are_checked_at_a_rate() {
    let mut town = Town::new();
    let over = town.below(70, ShareTerms { expires: START.wall, ..Town::terms() });
    town.world.pass_s(121, &[town.world.host, town.conn]);
    let frame = Frame::Share(town.told(&over));
    for _ in 0..CHAIN_RATE.burst {
        assert_eq!(town.world.send(town.conn, frame.clone()), Flow::Continue);
    }
    let until = town.world.now.mono.after_us(SECOND_US / CHAIN_RATE.per_s);
    assert_eq!(town.world.send(town.conn, frame), Flow::Pause { until });
    let guest = town.world.guest();
    assert_eq!(town.world.send(town.conn, town.ben.member_frame()), Flow::Continue, "who is known costs nothing");
    assert!(matches!(town.world.send(town.conn, guest.member_frame()), Flow::Pause { .. }));
}

/// When it is over nothing is left of it but the owner's record.
#[test]
fn end_clears_shares_and_wraps() {
    let mut town = Town::new();
    let share = town.below(70, Town::terms());
    town.pass_on(&share);
    let end = town.world.session.write(&Record::End);
    let (host, cat) = (town.world.host, town.person(&share));
    let _ = town.world.send(host, Frame::Log(end));
    let (_, mail) = town.world.dial(&cat);
    assert_eq!((mail.welcome().standing, mail.welcome().shares, mail.welcome().wraps), (Standing::Ended, 0, 0));
    let session = town.world.session.id();
    let store = town.world.hall.into_store();
    for shelf in Shelf::ALL {
        assert_eq!(store.items(&session, shelf), Vec::<Bytes>::new());
    }
}
