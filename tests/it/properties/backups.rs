//! P25 at the relay: one that comes back with an old backup is named, and is given again what it lost.

use super::disk::Disk;
use super::play::Play;
use super::verdict::HOST;
use cahoots::proto::id::Channel;
use cahoots::proto::relay::Store;
use cahoots::proto::session::Alarm;
use cahoots::proto::token::Access;
use proptest::prelude::*;

/// How long it may take until it is named, in microseconds.
const NAMED_US: u64 = 10_000_000;

/// Returns how many entries of the documents a relay has, of the newest epoch.
fn entries(play: &Play, disk: &Disk) -> u64 {
    let host = &play.wires.members[HOST].peer;
    let heads = disk.heads(&host.session()).into_iter().filter(|head| Some(head.lane.epoch) == host.log().epoch());
    heads.filter(|head| Channel::DURABLE.contains(&head.lane.channel)).map(|head| head.next).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whoever said something that the relay had confirmed and has lost says so within ten seconds, and nothing is lost.
    #[test]
    fn relay_with_an_old_backup_is_named_and_filled(
        guests in 1_usize..5,
        before in prop::collection::vec(0_usize..5, 0..8),
        after in prop::collection::vec(0_usize..5, 1..8),
        rekeys in any::<bool>(),
    ) {
        let mut play = Play::new();
        (0..guests).for_each(|_| play.invite(Access::Interact));
        before.iter().for_each(|who| play.say(*who));
        play.settle();
        let backup = play.wires.disk.copy();
        if rekeys {
            play.rekey();
        }
        after.iter().for_each(|who| play.say(*who));
        play.settle();
        // All that was sent is confirmed once nobody has anything to say.
        play.wires.flush();
        let had = entries(&play, &play.wires.disk);
        play.wires.restart_with_loss(backup);
        let until = play.wires.now.mono.after_us(NAMED_US);
        while play.wires.now.mono < until {
            play.wires.flush();
            play.wires.step(until);
        }
        let speakers = after.iter().map(|who| who % (guests + 1));
        for who in speakers {
            let alarms = &play.wires.members[who].alarms;
            prop_assert!(matches!(alarms[..], [Alarm::RolledBack { entries: 1.. }, ..]), "member {who}: {alarms:?}");
        }
        play.settle();
        prop_assert!(entries(&play, &play.wires.disk) >= had, "what was lost was brought again");
    }
}
