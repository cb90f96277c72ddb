//! Records of the auth log that a relay keeps back.

use super::*;

fn is_alarmed(wire: &mut Wire, index: usize) -> bool {
    wire.alarms(index).contains(&Alarm::LogWithheld)
}

/// A guest from whom a relay keeps the record of a revocation.
fn kept_in_the_dark() -> (Wire, usize) {
    let mut wire = Wire::new();
    let (token, other) = (wire.share(Access::View), wire.share(Access::View));
    let ben = wire.join(&token);
    wire.pass(6_000_000);
    wire.sieve = Some(Box::new(move |index, frame| index != ben || !matches!(frame, Frame::Log(_))));
    let now = wire.now;
    wire.host().revoke(other.secret().unwrap().share_id(), now).unwrap();
    (wire, ben)
}

/// Somebody who is shut out of the owner's decisions must know it, even when they change the key that says so.
#[test]
fn records_that_do_not_come_are_noticed_and_then_come() {
    let (mut wire, ben) = kept_in_the_dark();
    wire.pass(1_000_000);
    assert!(!wire.peers[ben].is_live(wire.now));
    wire.pass(9_000_000);
    assert!(is_alarmed(&mut wire, ben));
    wire.sieve = None;
    wire.connect(ben);
    wire.pass(6_000_000);
    assert!(wire.peers[ben].is_live(wire.now));
    assert!(!is_alarmed(&mut wire, ben), "it is over");
}

/// Another link may be faster: its relay is innocent, and nobody is told anything.
#[test]
fn records_that_come_late_alarm_nobody() {
    let (mut wire, ben) = kept_in_the_dark();
    wire.pass(3_000_000);
    wire.sieve = None;
    wire.connect(ben);
    wire.pass(20_000_000);
    assert!(!is_alarmed(&mut wire, ben));
}

/// Any member can sign an entry of an epoch that never was; only the host's word counts.
#[test]
fn guest_cannot_accuse_the_relay() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, eve) = (wire.join(&token), wire.join(&token));
    wire.pass(6_000_000);
    for (liar, is_believed) in [(eve, false), (0, true)] {
        let author = wire.peers[liar].me().unwrap();
        let lane = LaneId { channel: Channel::PRESENCE, author, epoch: Epoch(9) };
        let mut writer = LaneWriter::new(wire.host().session(), lane, &EpochSecret::from_bytes([9; 32]));
        let entry = writer.seal(1, &wire.peers[liar].keys, b"");
        let now = wire.now;
        wire.peers[ben].handle_frame(link(ben), Frame::Entry(entry.as_bytes().clone()), now);
        wire.pass(10_000_000);
        assert_eq!(is_alarmed(&mut wire, ben), is_believed, "member {liar}");
    }
}

/// Somebody runs the session's key twice, or stole it: both logs hold by themselves, and only the host's heartbeat tells
/// them apart. It does so every 5 s, people need it once.
#[test]
fn another_log_than_the_hosts_is_told_once() {
    let mut wire = Wire::new();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    wire.pass(6_000_000);
    let now = wire.now.mono;
    let peer = &mut wire.peers[ben];
    let (next, head) = (peer.log().next_seq(), peer.log().head());
    peer.compare_log((next, head), now);
    peer.compare_log((next - 1, [9; 32]), now);
    assert_eq!(wire.alarms(ben), [], "the same log, and one from before");
    for _ in 0..3 {
        wire.peers[ben].compare_log((next, [9; 32]), now);
    }
    assert_eq!(wire.alarms(ben), [Alarm::LogForked]);
}
