//! A relay that lost everything, or came back with its store.

use super::*;
use crate::proto::limits::CLOCK_SKEW_MS_MAX;
use proptest::collection::vec;
use proptest::prelude::*;

/// A relay without a disk restarts: the host brings the session back, and any guest brings back what it has of others.
#[test]
fn new_hall_is_filled_again_by_those_who_were_there() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.guest());
    let entries = [world.session.first_entry(&ben, Channel::CHAT), world.session.first_entry(&cat, Channel::CHAT)];

    world.hall = Hall::new(HallLimits::default(), [10; 32]);
    world.host = world.connect_host();
    let conn = world.connect(&cat);
    assert_eq!(world.send(conn, ben.member_frame()), Flow::Continue);
    for entry in &entries {
        assert_eq!(world.send_entry(conn, entry), Flow::Continue);
    }
    assert_eq!(world.drain(conn).entries(), [], "what it brought it has");
    let dan = world.viewer();
    let reader = world.connect_unread(&dan);
    assert_eq!(world.drain(reader).entries(), entries);
}

/// Without MEMBER the relay cannot tell whether the author ever existed.
#[test]
fn entry_of_an_author_that_nobody_introduced_is_a_violation() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.guest());
    let conn = world.connect(&cat);
    let entry = world.session.first_entry(&ben, Channel::CHAT);
    world.assert_closed_by(conn, Frame::Entry(entry.as_bytes().clone()), CloseCode::Protocol);
}

/// Later changes stand on what a revoked member wrote in time: a newcomer who could not get it would see nothing of them.
#[test]
fn history_of_a_closed_share_is_brought_back_by_others() {
    let mut world = World::new();
    let (cat, ben, dan) = (world.viewer(), world.guest(), world.guest());
    let entry = world.session.first_entry(&cat, Channel::CHAT);
    world.record(&Record::Cut(vec![world.session.cut(&cat, std::slice::from_ref(&entry))]));
    world.close_share(world.view.secret.share_id(), &[]);
    let conn = world.connect(&ben);
    assert_eq!(world.send(conn, cat.member_frame()), Flow::Continue);
    assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
    assert_eq!(world.drain(conn).close, None);
    let reader = world.connect_unread(&dan);
    assert_eq!(world.drain(reader).entries(), [entry]);
}

/// A chain under some other root must not get in by the back door of MEMBER.
#[test]
fn member_of_another_session_is_refused() {
    let mut world = World::new();
    let mut other = Session::new(100);
    let share = other.share(Session::terms(Rights::OWN));
    let eve = other.person(&share);
    let ben = world.guest();
    let conn = world.connect(&ben);
    world.assert_closed_by(conn, eve.member_frame(), CloseCode::AuthFailed);
}

/// With its store a node goes on as if nothing had happened: no upload, lanes continue, nothing is accepted twice.
#[test]
fn hall_with_the_old_store_continues() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let mut writer = world.session.writer(&ben, Channel::CHAT);
    let entries = [0, 1].map(|n| writer.seal(1, &ben.keys, &[n]));
    let _ = world.send_entry(conn, &entries[0]);

    world.restart();
    let (conn, mail) = world.dial(&ben);
    assert_eq!(mail.welcome().standing, Standing::Known);
    world.announce(conn, &[(ben.lane(Channel::CHAT), 1)]);
    for entry in &entries {
        assert_eq!(world.send_entry(conn, entry), Flow::Continue);
    }
    let cat = world.viewer();
    let reader = world.connect_unread(&cat);
    assert_eq!(world.drain(reader).entries(), entries);
}

/// Sessions share a node and nothing else.
#[test]
fn entries_stay_in_their_session() {
    let mut world = World::new();
    let mut neighbour = World::without_host(HallLimits::default());
    neighbour.session = Session::new(50);
    let root = neighbour.session.root.public();
    neighbour.session.write(&Record::Genesis { root });
    let (own, _) = neighbour.session.record_share(Session::terms(Rights::OWN));
    let commit = neighbour.session.epoch.commit();
    neighbour.session.write(&Record::Epoch { epoch: Epoch(0), commit });
    let eve = neighbour.session.person(&own);
    neighbour.session.write(&Record::Host(eve.chain.member.clone()));

    let (conn, mail) = world.dial(&eve);
    assert!(mail.is_ready());
    for record in neighbour.session.log.records().to_vec() {
        assert_eq!(world.send(conn, Frame::Log(record)), Flow::Continue);
    }
    world.announce(conn, &[]);
    let entry = neighbour.session.first_entry(&eve, Channel::STATE);
    assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
    assert_eq!(world.hall.stats().sessions, 2);
    assert_eq!(world.drain(world.host).frames, []);
}

/// Expiry must hold against an operator's broken clock, restarts included: what was too late once stays so.
#[test]
fn time_never_goes_back() {
    let mut world = World::new();
    let terms = ShareTerms { expires: START.wall.after_ms(20_000), ..Session::terms(Rights::VIEW) };
    let share = world.new_share(terms);
    let eve = world.session.person(&share);
    let host = world.host;
    world.pass_s(21, &[host]);
    world.now.wall = START.wall;
    assert_eq!(world.dial(&eve).1.close, Some(CloseCode::Expired), "the clock was set back");
    world.restart();
    assert_eq!(world.dial(&eve).1.close, Some(CloseCode::Expired), "and the node restarted");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// P8. Whatever an operator's clock does, and however often the node starts anew: nobody gets in after its time, and
    /// who was too late once is too late for good.
    #[test]
    fn too_late_is_too_late_whatever_the_clock_does(
        steps in vec(prop_oneof![
            4 => (0_i64..9_000).prop_map(Clock::Runs),
            2 => (-400_000_i64..400_000).prop_map(Clock::Jumps),
            1 => Just(Clock::Restarts),
        ], 1..24),
    ) {
        let mut world = World::new();
        let expires = START.wall.after_ms(30_000);
        let share = world.new_share(ShareTerms { expires, ..Session::terms(Rights::VIEW) });
        let host_lasts = START.wall.after_ms(HOUR_MS);
        let (mut latest, mut was_late, mut inside) = (START.wall, false, None);
        for step in steps {
            match step {
                Clock::Runs(ms) => world.advance(ms as u64 * 1_000),
                Clock::Jumps(ms) => world.now.wall = Wall(world.now.wall.0.saturating_add_signed(ms)),
                Clock::Restarts => {
                    world.restart();
                    (latest, inside) = (world.now.wall, None);
                }
            }
            prop_assume!(world.now.wall < host_lasts);
            latest = latest.max(world.now.wall);
            world.hall.handle_timeout(world.now);
            if let Some(conn) = inside.filter(|_| latest > expires.after_ms(CLOCK_SKEW_MS_MAX + 1_000)) {
                world.advance(SECOND_US);
                prop_assert!(world.drain(conn).close.is_some(), "it was still in");
                (was_late, inside) = (true, None);
            }
            let eve = world.session.person(&share);
            let (conn, mail) = world.dial(&eve);
            prop_assert!(!(mail.is_ready() && latest >= expires), "in by {latest:?}, which is too late");
            prop_assert!(!(mail.is_ready() && was_late), "in again, after it was too late");
            was_late |= mail.close == Some(CloseCode::Expired);
            inside = mail.is_ready().then_some(conn).or(inside);
        }
    }
}

/// What a clock does next, in milliseconds.
#[derive(Clone, Copy, Debug)]
enum Clock {
    Runs(i64),
    Jumps(i64),
    Restarts,
}
