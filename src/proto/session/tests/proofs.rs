//! Two histories by one author: everybody learns of it, and goes on with one of them.

use super::*;
use crate::proto::id::LaneId;
use crate::proto::seal::{LaneWriter, pad_durable};

/// A second history of `eve`'s chat in the present epoch, from its first entry on.
fn other_history(wire: &Wire, eve: usize) -> Frame {
    let peer = &wire.peers[eve];
    let (epoch, secret) = peer.newest_secret().unwrap();
    let lane = LaneId { channel: Channel::CHAT, author: wire.id(eve), epoch };
    let mut writer = LaneWriter::new(peer.session(), lane, secret);
    let mut other = crate::proto::doc::Document::new(crate::proto::doc::DocKind::Chat, wire.id(eve));
    let payload = other.say(&Draft::from("to others: no"), Wall(1)).unwrap().unwrap();
    Frame::Entry(writer.seal(1, &peer.keys, &pad_durable(&payload)).as_bytes().clone())
}

/// Telling one thing here and another there is found out by whoever sees both, and no relay can undo the proof.
#[test]
fn two_histories_are_proven_to_everybody_and_end_with_one() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (eve, ben, cat) = (wire.join(&token), wire.join(&token), wire.join(&token));
    wire.say(eve, "to ben: yes");
    wire.pass(1_000_000);
    let (forged, now, id) = (other_history(&wire, eve), wire.now, wire.id(eve));
    wire.peers[ben].handle_frame(link(ben), forged.clone(), now);
    wire.settle();
    for index in [0, ben, cat] {
        assert_eq!(wire.alarms(index), [Alarm::Equivocated(id)], "peer {index}");
    }
    // The owner has cut her short, everybody has the same, and she may go on.
    wire.pass(100_000);
    assert_eq!(wire.host().log().epoch(), Some(Epoch(1)));
    wire.say(eve, "sorry");
    wire.say(ben, "hm");
    wire.pass(10_000_000);
    assert_eq!(wire.assert_equal(&[eve, ben, cat]), ["to ben: yes", "sorry", "hm"]);
    // Shown again it is no news.
    wire.peers[cat].handle_frame(link(cat), forged, now);
    wire.settle();
    for index in [0, ben, cat] {
        assert_eq!(wire.alarms(index), [], "peer {index}");
    }
}

/// The owner's history is the one that counts, for those, too, who were shown the other.
#[test]
fn who_was_shown_the_other_history_takes_the_owners() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (eve, ben) = (wire.join(&token), wire.join(&token));
    wire.pass(1_000_000);
    let (forged, now, id) = (other_history(&wire, eve), wire.now, wire.id(eve));
    wire.peers[ben].handle_frame(link(ben), forged, now);
    wire.pass(10_000);
    assert_eq!(lines(&wire.peers[ben]), ["to others: no"]);
    wire.say(eve, "to ada: yes");
    wire.pass(10_000_000);
    assert_eq!(wire.assert_equal(&[ben, eve]), ["to ada: yes"]);
    assert!(wire.alarms(ben).contains(&Alarm::Equivocated(id)));
    assert!(wire.alarms(0).contains(&Alarm::Equivocated(id)));
}

/// A proof is two signatures; half of one, or one about nobody, moves no one.
#[test]
fn forged_proof_ends_the_link_that_brings_it_and_accuses_nobody() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (eve, ben) = (wire.join(&token), wire.join(&token));
    wire.say(eve, "yes");
    wire.pass(100_000);
    let now = wire.now;
    wire.peers[ben].handle_frame(link(ben), Frame::Proof(Bytes::from(vec![0; 360])), now);
    assert!(wire.events(ben).contains(&Event::Unlinked(link(ben), CloseCode::Protocol)));
    assert_eq!(wire.alarms(0), []);
}
