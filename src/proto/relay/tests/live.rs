//! Terminals: from the newest keyframe on, whoever falls behind.

use super::*;
use crate::proto::limits::{LIVE_KEPT_BYTES_MAX, LIVE_QUEUE_BYTES_MAX};

const OUTPUT: u8 = 1;
const KEYFRAME: u8 = 5;

/// A terminal lane of Ada's. The relay does not open entries of their own author, so unsigned ones do.
struct Terminal {
    lane: LaneId,
    seq: u64,
}

impl Terminal {
    fn new(world: &World, pane: u16) -> Self {
        Self { lane: world.ada.lane(terminal(pane)), seq: 0 }
    }

    fn write(&mut self, world: &mut World, kind: u8, bytes: usize) {
        let entry = WireEntry::encode(kind, self.lane, self.seq, &vec![0; bytes], &[0; 64]);
        self.seq += 1;
        assert_eq!(world.send_entry(world.host, &entry), Flow::Continue);
    }
}

fn wants(mail: &Mail) -> usize {
    mail.count(|frame| matches!(frame, Frame::WantKeyframe(_)))
}

/// Joining is instant: the screen as it is, then what follows, and nothing of the past.
#[test]
fn watcher_starts_at_the_newest_keyframe() {
    let mut world = World::new();
    let mut shell = Terminal::new(&world, 0);
    for kind in [KEYFRAME, OUTPUT, OUTPUT, KEYFRAME, OUTPUT] {
        shell.write(&mut world, kind, 100);
    }
    let ben = world.guest();
    let conn = world.connect(&ben);
    assert_eq!(world.drain(conn).entries(), [], "nothing before WATCH");
    assert_eq!(world.send(conn, Frame::Watch(terminal(0))), Flow::Continue);
    assert_eq!(world.drain(conn).seqs(), [3, 4]);
    shell.write(&mut world, OUTPUT, 100);
    assert_eq!(world.drain(conn).seqs(), [5]);
    assert_eq!(world.send(conn, Frame::Unwatch(terminal(0))), Flow::Continue);
    shell.write(&mut world, OUTPUT, 100);
    assert_eq!(world.drain(conn).seqs(), [0; 0]);
}

/// The host is gone once its session is over: what a slow watcher has not read by then comes from here or never.
#[test]
fn watcher_gets_the_rest_before_the_end() {
    let mut world = World::new();
    let mut shell = Terminal::new(&world, 0);
    let ben = world.guest();
    let conn = world.connect(&ben);
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    for kind in [KEYFRAME, OUTPUT, OUTPUT] {
        shell.write(&mut world, kind, 60_000);
    }
    let end = world.session.write(&Record::End);
    assert_eq!(world.send(world.host, Frame::Log(end.clone())), Flow::Stop);
    let mail = world.drain(conn);
    assert_eq!(mail.seqs(), [0, 1, 2]);
    assert_eq!(mail.frames[mail.frames.len() - 2..], [Frame::Log(end), Frame::Close(CloseCode::Ended)]);
}

/// Scrollback is kept whole for who keeps up: a keyframe replaces nothing for them.
#[test]
fn watcher_that_keeps_up_sees_every_entry() {
    let mut world = World::new();
    let mut shell = Terminal::new(&world, 0);
    let ben = world.guest();
    let conn = world.connect(&ben);
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    let mut seen = Vec::new();
    for turn in 0..300 {
        shell.write(&mut world, if turn % 100 == 0 { KEYFRAME } else { OUTPUT }, 20_000);
        if turn % 5 == 4 {
            seen.extend(world.drain(conn).seqs());
        }
    }
    assert_eq!(seen, (0..300).collect::<Vec<_>>());
}

/// `yes` on the host and a phone in a tunnel: no queue grows, and the phone is up to date with its next helping.
#[test]
fn laggard_jumps_to_the_newest_keyframe() {
    let mut world = World::new();
    let mut shell = Terminal::new(&world, 0);
    let ben = world.guest();
    let conn = world.connect(&ben);
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    shell.write(&mut world, KEYFRAME, 5_000);
    assert_eq!(world.drain(conn).seqs(), [0]);
    for turn in 1..=1_000u64 {
        shell.write(&mut world, if turn % 100 == 0 { KEYFRAME } else { OUTPUT }, 10_000);
        let held = world.hall.stats().bytes_live;
        assert!(held <= (LIVE_QUEUE_BYTES_MAX + LIVE_KEPT_BYTES_MAX + 20_000) as u64, "{held} bytes held");
    }
    let mail = world.drain(conn);
    assert_eq!(mail.seqs(), [1_000]);
    assert_eq!(world.hall.stats().frames_skipped, 999);
    assert_eq!(mail.close, None, "slow is no crime");
}

/// A laggard without a newer keyframe gets what there is and makes the host draw a new one, once a second at most.
#[test]
fn host_is_asked_for_a_keyframe_at_most_once_a_second() {
    let mut world = World::new();
    let mut shell = Terminal::new(&world, 0);
    let people = [world.guest(), world.guest(), world.guest()];
    let conns = people.map(|person| world.connect(&person));
    world.drain(world.host);
    for conn in conns {
        let _ = world.send(conn, Frame::Watch(terminal(0)));
    }
    assert_eq!(wants(&world.drain(world.host)), 1, "nothing to start from");
    shell.write(&mut world, KEYFRAME, 100);
    for _ in 0..40 {
        shell.write(&mut world, OUTPUT, 10_000);
    }
    world.advance(SECOND_US);
    for conn in conns {
        assert_eq!(world.pop(conn, 4_000).0.seqs(), [0, 1]);
        world.pop(conn, 1_000);
    }
    assert_eq!(wants(&world.drain(world.host)), 1);
    assert_eq!(world.drain(conns[0]).seqs().last(), Some(&40), "nothing is lost while it is asked");
}

/// A host that sends no keyframe for megabytes must not make the relay keep them.
#[test]
fn channel_without_keyframes_stays_bounded() {
    let mut world = World::new();
    let mut shell = Terminal::new(&world, 0);
    let ben = world.guest();
    let conn = world.connect(&ben);
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    shell.write(&mut world, KEYFRAME, 100);
    for _ in 0..200 {
        shell.write(&mut world, OUTPUT, 30_000);
    }
    assert!(world.hall.stats().bytes_live < (LIVE_QUEUE_BYTES_MAX + 60_000) as u64);
    assert!(wants(&world.drain(world.host)) >= 1);
    assert_eq!(world.drain(conn).seqs(), [0; 0], "lost until the next keyframe");
    shell.write(&mut world, KEYFRAME, 100);
    assert_eq!(world.drain(conn).seqs(), [201]);
}

/// Sixty-four busy terminals together have a bound, too.
#[test]
fn all_terminals_of_a_session_share_a_bound() {
    let mut world = World::without_host(HallLimits { live_bytes_max: 500_000, ..HallLimits::default() });
    world.host = world.connect_host();
    let mut shells: Vec<_> = (0..8).map(|pane| Terminal::new(&world, pane)).collect();
    for _ in 0..20 {
        for shell in &mut shells {
            shell.write(&mut world, KEYFRAME, 10_000);
            assert!(world.hall.stats().bytes_live <= 500_000);
        }
    }
}

/// The host's link to the relay may itself jump: watchers then wait for a keyframe instead of seeing garbage.
#[test]
fn gap_in_the_hosts_own_lane_waits_for_a_keyframe() {
    let mut world = World::new();
    let mut shell = Terminal::new(&world, 0);
    let ben = world.guest();
    let conn = world.connect(&ben);
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    shell.write(&mut world, KEYFRAME, 100);
    shell.seq = 5;
    shell.write(&mut world, OUTPUT, 100);
    shell.write(&mut world, OUTPUT, 100);
    shell.write(&mut world, KEYFRAME, 100);
    shell.write(&mut world, OUTPUT, 100);
    assert_eq!(world.drain(conn).seqs(), [7, 8]);
}

/// A keyframe in parts counts when its last part is here; before, a newcomer would see half a screen.
#[test]
fn keyframe_in_parts_counts_once_complete() {
    let mut world = World::new();
    let mut shell = Terminal::new(&world, 0);
    let ben = world.guest();
    let conn = world.connect(&ben);
    for kind in [2, 3] {
        shell.write(&mut world, kind, 100);
    }
    let _ = world.send(conn, Frame::Watch(terminal(0)));
    assert_eq!(world.drain(conn).seqs(), [0; 0]);
    shell.write(&mut world, 4, 100);
    assert_eq!(world.drain(conn).seqs(), [0, 1, 2]);
}

/// A terminal that floods must leave a quiet one, and the chat, their share of a slow link.
#[test]
fn noisy_terminal_leaves_room_for_others_and_for_chat() {
    let mut world = World::new();
    let (mut noisy, mut quiet) = (Terminal::new(&world, 0), Terminal::new(&world, 1));
    let (ben, ada, host) = (world.guest(), world.ada.clone(), world.host);
    let conn = world.connect(&ben);
    for pane in [0, 1] {
        let _ = world.send(conn, Frame::Watch(terminal(pane)));
    }
    for n in 0..20 {
        noisy.write(&mut world, if n == 0 { KEYFRAME } else { OUTPUT }, 10_000);
    }
    quiet.write(&mut world, KEYFRAME, 100);
    let said = world.session.first_entry(&ada, Channel::CHAT);
    assert_eq!(world.send_entry(host, &said), Flow::Continue);
    let (mail, has_more) = world.pop(conn, 65_536);
    assert!(has_more);
    let channels: Vec<_> = mail.entries().iter().map(|entry| entry.lane.channel).collect();
    assert!(channels.contains(&terminal(1)) && channels.contains(&Channel::CHAT), "{channels:?}");
}

/// Terminals are the host's alone: a guest's entry there would be drawn on everybody's screen.
#[test]
fn nobody_but_the_host_writes_terminals() {
    let mut world = World::new();
    for person in [world.viewer(), world.guest(), world.session.person(&world.own)] {
        let conn = world.connect(&person);
        let entry = world.session.writer(&person, terminal(0)).seal(KEYFRAME, &person.keys, b"pwned");
        world.assert_closed_by(conn, Frame::Entry(entry.as_bytes().clone()), CloseCode::NoRight);
        let conn = world.connect(&person);
        let entry = WireEntry::encode(KEYFRAME, world.ada.lane(terminal(0)), 0, &[0; 32], &[0; 64]);
        world.assert_closed_by(conn, Frame::Entry(entry.as_bytes().clone()), CloseCode::NoRight);
    }
}
