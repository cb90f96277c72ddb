//! Members who knock: shares whose members the owner lets in one by one.

use super::direct::open_direct;
use super::*;

/// A world with a share that bears flag 8, and what goes on in it while somebody knocks.
fn world_with_door() -> (World, Share) {
    let mut world = World::new();
    let share = world.new_share(ShareTerms { flags: ShareFlags::APPROVE, ..Session::terms(Rights::INTERACT) });
    (world, share)
}

/// Lets a guest, and the host, write to every channel that others read.
fn make_noise(world: &mut World, seq: usize) {
    let (ben, host) = (world.guest(), world.host);
    let conn = world.connect(&ben);
    for channel in [Channel::CHAT, Channel::STATE, Channel::PRESENCE] {
        let entry = world.session.first_entry(&ben, channel);
        assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
    }
    let ada = world.ada.clone();
    let mut writer = world.session.writer(&ada, terminal(0));
    let screens: Vec<_> = (0..=seq).map(|_| writer.seal(5, &ada.keys, b"screen")).collect();
    let _ = world.send_entry(host, &screens[seq]);
    world.hall.handle_close(conn, world.now);
}

fn is_for_waiters(frame: &Frame) -> bool {
    matches!(frame, Frame::Log(_) | Frame::Wrap(_) | Frame::Ready(_) | Frame::Welcome(_))
}

/// An open door with a bell must not be an open door: whatever the knocker asks for, it gets log and wraps.
#[test]
fn waiting_member_sees_log_and_wraps_alone() {
    let (mut world, share) = world_with_door();
    make_noise(&mut world, 0);
    let eve = world.session.person(&share);
    let (conn, mail) = world.dial(&eve);
    assert!(mail.is_ready(), "{mail:?}");
    assert!(mail.frames.iter().all(is_for_waiters), "{mail:?}");
    world.announce(conn, &[]);
    for channel in [terminal(0), terminal(1), Channel::STATE_CHECKPOINT, Channel::CHAT_CHECKPOINT] {
        assert_eq!(world.send(conn, Frame::Watch(channel)), Flow::Continue);
    }
    let host = world.host;
    let asked = world.drain(host).count(|frame| matches!(frame, Frame::WantKeyframe(_)));
    assert_eq!(asked, 0, "it cannot make the host work either");
    make_noise(&mut world, 1);
    let record = world.record(&Record::Admit(AuthorId([9; 16])));
    let mail = world.drain(conn);
    assert_eq!((mail.frames, mail.close), (vec![Frame::Log(record)], None));
    assert_eq!(world.hall.poll_ready().filter(|ready| *ready == conn), None, "nothing waits for it");
}

/// What it sends is worth nothing before it is let in, and costs it nothing: the record may be on its way.
#[test]
fn waiting_member_writes_nothing_that_others_see() {
    let (mut world, share) = world_with_door();
    let (eve, ben) = (world.session.person(&share), world.guest());
    let reader = world.connect_unread(&ben);
    world.drain(reader);
    let conn = world.connect(&eve);
    assert_eq!(world.drain(reader).frames, [], "its coming is the host's business");
    world.drain(conn);
    let frames = [
        world.session.first_entry(&eve, Channel::CHAT),
        world.session.first_entry(&eve, Channel::STATE),
        world.session.first_entry(&eve, Channel::PRESENCE),
        world.session.first_entry(&eve, terminal(0)),
    ];
    world.send_all(conn, &frames);
    for frame in [ben.member_frame(), world.session.wrap(&share), Frame::Proof(vec![0; 360].into())] {
        assert_eq!(world.send(conn, frame), Flow::Continue);
    }
    assert_eq!(world.drain(conn).frames, []);
    assert_eq!(world.drain(reader).frames, []);
    assert_eq!(world.hall.stats().bytes_stored, 0);
    let host = world.host;
    let _ = world.send_entry(host, &frames[2]);
    assert_eq!(world.drain(reader).frames, [], "nor through the host");
    world.hall.handle_close(conn, world.now);
    assert_eq!(world.drain(reader).frames, []);
}

/// The host has to hear who knocks, and be able to answer; an administrator as well.
#[test]
fn waiting_member_and_host_can_talk() {
    let (mut world, share) = world_with_door();
    let (eve, admin) = (world.session.person(&share), world.session.person(&world.own));
    let (host, second) = (world.host, world.connect(&admin));
    world.drain(host);
    let conn = world.connect(&eve);
    let (_, knock) = open_direct(&world, &eve);
    assert_eq!(world.send_entry(conn, &knock), Flow::Continue);
    let here = Frame::Peer(eve.author(), Whereabouts::Here);
    let mail = world.drain(host);
    assert_eq!(mail.entries(), [knock]);
    assert!(mail.frames.contains(&here) && mail.frames.contains(&eve.member_frame()), "{mail:?}");
    assert!(world.drain(second).frames.contains(&here));

    let mut body = eve.author().0.to_vec();
    body.extend_from_slice(b"in good time, good time");
    let answer = WireEntry::encode(1, world.ada.lane(Channel::FROM_HOST), 0, &body, &[0; 64]);
    assert_eq!(world.send_entry(host, &answer), Flow::Continue);
    let frames = world.drain(conn).frames;
    assert_eq!(frames, [world.ada.member_frame(), Frame::Entry(answer.as_bytes().clone())]);
    world.hall.handle_close(conn, world.now);
    assert!(world.drain(host).frames.contains(&Frame::Peer(eve.author(), Whereabouts::Gone)));
}

/// From the record on all goes on as after READY, with what it asked for meanwhile.
#[test]
fn admitted_member_gets_what_it_waited_for() {
    let (mut world, share) = world_with_door();
    make_noise(&mut world, 0);
    let (ben, cat) = (world.session.person(&share), world.viewer());
    let reader = world.connect(&cat);
    let conn = world.connect(&ben);
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    world.drain(reader);
    let record = world.record(&Record::Admit(ben.author()));
    let mail = world.drain(conn);
    assert_eq!(mail.frames[0], Frame::Log(record), "why, before what");
    assert_eq!(mail.count(|frame| matches!(frame, Frame::Have(_))), 2);
    let channels: Vec<_> = mail.entries().iter().map(|entry| entry.lane.channel).collect();
    for channel in [Channel::CHAT, Channel::STATE, terminal(0)] {
        assert!(channels.contains(&channel), "{channels:?}");
    }
    assert!(mail.frames.contains(&Frame::Peer(cat.author(), Whereabouts::Here)));
    assert!(world.drain(reader).frames.contains(&Frame::Peer(ben.author(), Whereabouts::Here)));
    let entry = world.session.first_entry(&ben, Channel::CHAT);
    assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
    assert_eq!(world.drain(reader).entries(), [entry]);

    world.restart();
    let (_, mail) = world.dial(&ben);
    assert!(mail.count(|frame| matches!(frame, Frame::Have(_))) > 0, "let in for good");
}

/// The owner may say no by closing the share for those outside.
#[test]
fn closing_the_share_sends_who_waits_away() {
    let (mut world, share) = world_with_door();
    let (ben, eve) = (world.session.person(&share), world.session.person(&share));
    let conns = [world.connect(&ben), world.connect(&eve)];
    world.record(&Record::Admit(ben.author()));
    world.close_share(share.secret.share_id(), &[ben.author()]);
    assert_eq!(world.drain(conns[0]).close, None);
    assert_eq!(world.drain(conns[1]).close, Some(CloseCode::ShareClosed));
}
