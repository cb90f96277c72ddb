//! Whatever a connection sends, the hall stands and the others stay.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// A body that a frame of this type could almost have.
fn body(kind: u64) -> BoxedStrategy<Vec<u8>> {
    let entry = (0u8..7, prop_oneof![1u8..6, 16u8..64], 0u8..2, any::<bool>(), 0u8..8, vec(any::<u8>(), 60..120))
        .prop_map(|(kind, channel, epoch, is_ours, seq, tail)| {
            let author = if is_ours { hostile_author() } else { AuthorId([7; 16]) };
            [&[kind, channel, epoch][..], author.as_bytes(), &[seq], &tail].concat()
        });
    match kind {
        11 => (1u8..3, 0u8..2, vec(any::<u8>(), 0..60)).prop_map(|(a, b, c)| [&[a, b][..], &c].concat()).boxed(),
        12 => prop_oneof![entry, vec(any::<u8>(), 0..200)].boxed(),
        14..=16 => prop_oneof![1u8..6, 16u8..64].prop_map(|number| vec![number]).boxed(),
        _ => vec(any::<u8>(), 0..300).boxed(),
    }
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let frame = (1u64..20).prop_flat_map(|kind| {
        body(kind).prop_map(move |body| Frame::decode(kind, body.into()).unwrap_or(Frame::Unknown { kind }))
    });
    vec(frame, 0..12)
}

fn world_with_eve() -> (World, Person) {
    let mut world = World::new();
    let eve = world.guest();
    (world, eve)
}

fn hostile_author() -> AuthorId {
    world_with_eve().1.author()
}

/// Sends the frames, lets time pass, takes what comes, and looks whether Ada is still served.
fn abuse(world: &mut World, conn: ConnId, frames: Vec<Frame>) -> Result<(), TestCaseError> {
    for frame in frames {
        let _ = world.send(conn, frame);
        let _ = world.pop(conn, 200);
    }
    world.advance(SECOND_US);
    world.drain(conn);
    world.hall.handle_close(conn, world.now);
    let host = world.host;
    prop_assert_eq!(world.drain(host).close, None);
    let _ = world.send(host, Frame::Ping([1; 8]));
    prop_assert!(world.drain(host).frames.contains(&Frame::Pong([1; 8])));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A stranger.
    #[test]
    fn random_frames_of_a_stranger_harm_nobody(frames in frames()) {
        let (mut world, _) = world_with_eve();
        let conn = world.open();
        abuse(&mut world, conn, frames)?;
    }

    /// Between HELLO and AUTH.
    #[test]
    fn random_frames_after_hello_harm_nobody(frames in frames()) {
        let (mut world, eve) = world_with_eve();
        let conn = world.open();
        world.hello(conn, &eve);
        abuse(&mut world, conn, frames)?;
    }

    /// A member.
    #[test]
    fn random_frames_of_a_member_harm_nobody(frames in frames()) {
        let (mut world, eve) = world_with_eve();
        let conn = world.connect(&eve);
        abuse(&mut world, conn, frames)?;
    }

    /// Connections may go at any moment, in any order, and leave nothing behind.
    #[test]
    fn nothing_is_left_of_connections_that_went(steps in vec((0u8..4, 0usize..4), 0..24)) {
        let mut world = World::new();
        let people: Vec<_> = (0..4).map(|_| world.guest()).collect();
        let mut conns = Vec::new();
        for (step, who) in steps {
            match step {
                0 => conns.push(world.open()),
                1 => conns.push(world.dial(&people[who]).0),
                2 if !conns.is_empty() => {
                    let conn = conns.remove(who % conns.len());
                    world.hall.handle_close(conn, world.now);
                }
                _ => world.advance(SECOND_US / 2),
            }
            while let Some(conn) = world.hall.poll_ready() {
                world.drain(conn);
            }
        }
        for conn in conns {
            world.hall.handle_close(conn, world.now);
        }
        let stats = world.hall.stats();
        prop_assert_eq!((stats.connections, stats.members), (1, 1));
        prop_assert_eq!(world.hall.poll_ready().filter(|conn| *conn != world.host), None);
    }
}

/// A crowd that one link certifies passes by at the host's place, which introduces each here: the host's connection
/// carries the terminals of everybody and must survive it, and newcomers must still get in.
#[test]
fn crowd_at_the_hosts_place_costs_neither_host_nor_newcomers() {
    use crate::proto::limits::AUTHORS_MAX;
    let mut world = World::new();
    let host = world.host;
    let mut last = None;
    for n in 0..AUTHORS_MAX as u32 + 10 {
        let eve = passer_by(&world, n);
        assert_eq!(world.send(host, eve.member_frame()), Flow::Continue);
        last = Some(eve);
    }
    let presence = world.session.first_entry(&last.unwrap(), Channel::PRESENCE);
    assert_eq!(world.send_entry(host, &presence), Flow::Continue);
    let ben = world.guest();
    let conn = world.connect(&ben);
    assert_eq!(world.drain(conn).close, None);
    assert_eq!(world.drain(host).close, None);
}

/// Certifies one of any number of members that a link can have.
fn passer_by(world: &World, n: u32) -> Person {
    let keys = MemberKeys::from_seed(*blake3::hash(&n.to_le_bytes()).as_bytes());
    let ShareCert { rights, not_before, expires, .. } = world.view.cert;
    let member = MemberCert::issue(&world.view.secret, &keys, rights, not_before, expires);
    Person { keys, chain: Chain { member, shares: vec![world.view.cert.clone()] } }
}

/// Somebody who does not read, and a friend who comes and goes for ever, each time as somebody else: what waits for the
/// one must not grow with the other's visits.
#[test]
fn visits_leave_no_notes_for_who_does_not_read() {
    let mut world = World::new();
    let cat = world.viewer();
    let sleeper = world.connect(&cat);
    for n in 0..400 {
        let eve = passer_by(&world, n);
        let (conn, mail) = world.dial(&eve);
        assert!(mail.is_ready());
        let presence = world.session.first_entry(&eve, Channel::PRESENCE);
        assert_eq!(world.send_entry(conn, &presence), Flow::Continue);
        world.hall.handle_close(conn, world.now);
    }
    let mail = world.drain(sleeper);
    assert_eq!(mail.count(|frame| matches!(frame, Frame::Peer(..))), 0, "who came and went unheard is not told");
    let goodbyes = mail.entries().len();
    assert!((100..=256).contains(&goodbyes), "{goodbyes} goodbyes");
    // Who was heard of is told to be gone, whatever came between.
    let ben = world.guest();
    let here = world.connect(&ben);
    world.drain(sleeper);
    world.hall.handle_close(here, world.now);
    let again = world.connect(&ben);
    world.hall.handle_close(again, world.now);
    let gone = Frame::Peer(ben.author(), Whereabouts::Gone);
    assert_eq!(world.drain(sleeper).frames, [gone]);
}
