//! What a relay or a member that keeps no rule sends to an honest peer: it gains nothing, costs little, and accuses
//! nobody else.

use super::*;
use crate::proto::authlog::{Cut, Record};
use crate::proto::id::LaneId;
use crate::proto::key::{SessionRoot, derive};
use crate::proto::lane::proof::Proof;
use crate::proto::limits::{AUTHORS_MAX, HAVE_LANES_MAX};
use crate::proto::member::cast::resigned;
use crate::proto::member::{Chain, MemberCert};
use crate::proto::seal::{LaneWriter, pad_durable};
use crate::proto::share::ShareCert;
use crate::proto::wire::{Ack, Have, LaneNext, WireEntry};

/// Hands frames to a peer, as a relay can that does what it likes.
fn deliver(wire: &mut Wire, index: usize, frames: impl IntoIterator<Item = Frame>) {
    let now = wire.now;
    for frame in frames {
        wire.peers[index].handle_frame(link(index), frame, now);
    }
}

/// The certificates of somebody who came by a share passed on below `token`, and gave it the name of another share.
fn chain_of_usurper(wire: &Wire, token: &Token, name: ShareId) -> (MemberKeys, Chain) {
    let secret = token.secret().unwrap();
    let parent = wire.peers[0].log().share(&secret.share_id()).unwrap().clone();
    let below = ShareSecret::new(&wire.peers[0].session, [66; 16], crate::proto::share::ShareFlags::NONE, None);
    let terms = crate::proto::share::ShareTerms {
        rights: Rights::INTERACT,
        depth_left: 0,
        not_before: parent.not_before,
        expires: parent.expires,
        max_members: 0,
        flags: parent.flags,
    };
    let cert = ShareCert::issue_below(&parent, &secret, &below, terms);
    let rename = |bytes: &mut [u8]| bytes[18..34].copy_from_slice(name.as_bytes());
    let cert = resigned(&cert, rename, |digest| secret.sign_digest(digest));
    let keys = MemberKeys::from_seed([67; 32]);
    let member = MemberCert::issue(&below, &keys, Rights::INTERACT, parent.not_before, parent.expires);
    let mut bytes = member.as_bytes().to_vec();
    rename(&mut bytes);
    let signature = below.sign_digest(&derive("member certificate", &[&bytes[..132]]));
    bytes[132..].copy_from_slice(&signature);
    let member = MemberCert::decode(&bytes).unwrap();
    (keys, Chain { member, shares: vec![cert, parent] })
}

/// Whoever passes a share on may not call it as the owner's own is called: its members could not be removed, and
/// removing them would hit others.
#[test]
fn share_passed_on_under_the_name_of_another_admits_nobody() {
    let mut wire = Wire::new();
    let passable = ShareTerms { lasts_ms: HOUR_MS, may_pass_on: true, ..ShareTerms::new(Access::Interact) };
    let token = wire.share_by(&passable);
    let other = share_of(&wire.share(Access::View));
    let own = wire.host().shares()[0].share;
    for name in [own, other] {
        let (_, chain) = chain_of_usurper(&wire, &token, name);
        let (author, session) = (chain.member.author(), wire.peers[0].session);
        let member = chain.verify(&session).unwrap();
        assert!(wire.host().log().admits(&member).is_err(), "the log knows another share of this name");
        deliver(&mut wire, 0, [Frame::Member(chain.encode())]);
        assert!(wire.host().roster().member(&author).is_none());
    }
}

/// Receipts for what was never written are free to make, and must be free to take.
#[test]
fn receipts_for_nothing_are_not_remembered() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.say(ben, "hello");
    let before = wire.peers[ben].links.get(&link(ben)).unwrap().stored.len();
    let receipts = (0..1_000u32).map(|number| {
        let author = AuthorId(derive("author", &[&number.to_le_bytes()])[..16].try_into().unwrap());
        Frame::Ack(Ack { lane: LaneId { channel: Channel::CHAT, author, epoch: Epoch(0) }, next: 0 })
    });
    deliver(&mut wire, ben, receipts.collect::<Vec<_>>());
    assert_eq!(wire.peers[ben].links.get(&link(ben)).unwrap().stored.len(), before);
}

/// Entries of epochs that never were cost nothing to send: no signature of theirs is looked at.
#[test]
fn entries_of_unknown_epochs_are_not_remembered() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.say(0, "hello");
    let author = wire.id(0);
    let before = wire.peers[ben].links.get(&link(ben)).unwrap().feed.lanes();
    let entries = (1..1_000u32).map(|epoch| {
        let lane = LaneId { channel: Channel::CHAT, author, epoch: Epoch(epoch) };
        Frame::Entry(WireEntry::encode(1, lane, 0, &[0; 16], &[0; 64]).as_bytes().clone())
    });
    deliver(&mut wire, ben, entries.collect::<Vec<_>>());
    assert_eq!(wire.peers[ben].links.get(&link(ben)).unwrap().feed.lanes(), before);
    assert!(before < HAVE_LANES_MAX && wire.peers[ben].is_linked());
}

/// A member that signs two things for a place that nobody has heard of proves nothing that people need to know: else it
/// could have everybody told again and again, and be ignored by some and heard by others.
#[test]
fn proof_about_an_epoch_that_is_unknown_is_passed_over() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (eve, ben) = (wire.join(&token), wire.join(&token));
    wire.say(eve, "hello");
    wire.pass(100_000);
    let peer = &wire.peers[eve];
    let me = peer.me.clone().unwrap();
    let secret = peer.epochs.get(Epoch(0)).unwrap().clone();
    let proofs = (1..20u32).map(|epoch| {
        let lane = LaneId { channel: Channel::CHAT, author: me.author(), epoch: Epoch(epoch) };
        let entries = [b"one", b"two"]
            .map(|text| LaneWriter::new(peer.session, lane, &secret).seal(1, &peer.keys, &pad_durable(text)));
        let proof = Proof::of_fork(&peer.session, me.verify_key(), &[0; 32], &entries[0], &entries[1]);
        Frame::Proof(proof.unwrap().encode())
    });
    let proofs: Vec<_> = proofs.collect();
    deliver(&mut wire, ben, proofs);
    wire.say(eve, "and again");
    wire.pass(100_000);
    assert_eq!(wire.assert_equal(&[eve, ben]), ["hello", "and again"]);
    assert_eq!((wire.alarms(ben), wire.alarms(0)), (vec![], vec![]));
}

/// A relay that keeps a member's lines back must not escape by announcing more than there is, again and again.
#[test]
fn relay_that_announces_what_never_comes_is_named_all_the_same() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "before");
    wire.pass(12_000_000);
    let (id, host) = (wire.id(cat), wire.id(0));
    wire.sieve = Some(Box::new(move |index, frame| match frame {
        Frame::Entry(raw) => {
            let lane = WireEntry::decode(raw.clone()).unwrap().lane;
            index != ben || lane.author != id || lane.channel != Channel::CHAT
        }
        _ => true,
    }));
    wire.say(cat, "does anybody hear me?");
    let mut alarms = Vec::new();
    for _ in 0..30 {
        let lanes = vec![LaneNext { author: host, epoch: Epoch(0), next: 1_000_000 }];
        let have = Have { channel: Channel::CHAT, last: true, lanes };
        deliver(&mut wire, ben, [Frame::Have(have)]);
        wire.say(0, "chatter");
        wire.pass(1_000_000);
        alarms.extend(wire.alarms(ben));
    }
    assert!(alarms.contains(&Alarm::Withheld { author: id, entries: 1 }), "{alarms:?}");
}

/// A connection that breaks before the relay has read the owner's records is no roll-back.
#[test]
fn records_that_never_arrived_are_not_lost() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.pass(1_000_000);
    wire.cut(0);
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    // The relay is reached, and the connection breaks before it has read what READY asks for.
    wire.host().handle_link_open(link(0), None, now);
    wire.host().name_link(link(0), [7; 32]);
    wire.conns[0] = Some(wire.conns_ever);
    let conn = ConnId(wire.conns_ever);
    wire.conns_ever += 1;
    wire.hall.handle_open(conn, now);
    for _ in 0..3 {
        let (mut out, mut answers) = (Vec::new(), Vec::new());
        wire.peers[0].pop(link(0), usize::MAX, &mut out);
        for frame in decode(&out) {
            match frame {
                Frame::Hello(hello) => drop(wire.hall.handle_hello(conn, hello, None, now)),
                Frame::Auth(_) => drop(wire.hall.handle_frame(conn, frame, now)),
                _ => {}
            }
        }
        while wire.hall.pop(conn, 65_536, &mut answers).has_more {}
        deliver(&mut wire, 0, decode(&answers));
    }
    assert!(wire.host().is_linked());
    wire.connect(0);
    wire.pass(2_000_000);
    assert_eq!((wire.alarms(0), wire.alarms(ben)), (vec![], vec![]));
    assert_eq!(wire.peers[ben].log().next_seq(), wire.peers[0].log().next_seq());
}

/// Numbers that no honest side says are no reason to stop.
#[test]
fn absurd_counts_end_nothing() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let guests = [(); 4].map(|()| wire.join(&token));
    for guest in guests {
        wire.say(guest, "hello");
    }
    let largest = (1 << 62) - 1;
    let all = [0, 1, 2, 3, 4].map(|index| wire.id(index));
    let named = Channel::DURABLE.map(|channel| {
        let lanes = all.map(|author| LaneNext { author, epoch: Epoch(0), next: largest }).to_vec();
        Frame::Have(Have { channel, last: true, lanes })
    });
    deliver(&mut wire, guests[0], named);
    wire.connect(guests[0]);
    wire.pass(1_000_000);
    let [alarm] = wire.alarms(guests[0])[..] else { panic!("one roll-back") };
    assert_eq!(alarm, Alarm::RolledBack { entries: u64::MAX });
}

/// Whoever holds a link can certify members without end, and a relay in league introduce them all, each with an entry of
/// an epoch that is over and a proof against it.
#[test]
fn endless_members_take_bounded_memory() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.pass(1_000_000);
    let secret = token.secret().unwrap();
    let cert = wire.peers[0].log().share(&secret.share_id()).unwrap().clone();
    let session = wire.peers[0].session;
    let blank = EpochSecret::from_bytes([0; 32]);
    for number in 0..AUTHORS_MAX as u32 + 200 {
        let keys = MemberKeys::from_seed(derive("member", &[&number.to_le_bytes()]));
        let member = MemberCert::issue(&secret, &keys, Rights::INTERACT, cert.not_before, cert.expires);
        let author = member.author();
        let chain = Chain { member, shares: vec![cert.clone()] };
        let lane = |epoch| LaneId { channel: Channel::CHAT, author, epoch: Epoch(epoch) };
        let entries =
            [b"one", b"two"].map(|text| LaneWriter::new(session, lane(0), &blank).seal(1, &keys, &pad_durable(text)));
        let key = crate::proto::verify::VerifyKey::try_from(keys.sign_public()).unwrap();
        let proof = Proof::of_fork(&session, &key, &[0; 32], &entries[0], &entries[1]).unwrap();
        let past = WireEntry::encode(1, lane(0), 0, &[0; 16], &[0; 64]);
        let frames =
            [Frame::Member(chain.encode()), Frame::Entry(past.as_bytes().clone()), Frame::Proof(proof.encode())];
        deliver(&mut wire, ben, frames);
        wire.events(ben);
    }
    let peer = &wire.peers[ben];
    assert!(peer.is_linked());
    assert!(peer.roster.known() <= AUTHORS_MAX);
    assert!(peer.proofs.len() <= AUTHORS_MAX, "{}", peer.proofs.len());
    assert!(
        peer.links.get(&link(ben)).unwrap().feed.lanes() <= AUTHORS_MAX + 10,
        "{}",
        peer.links.get(&link(ben)).unwrap().feed.lanes()
    );
}

/// An owner can cut lanes where nobody ever got to; its guests go on all the same.
#[test]
fn absurd_cuts_end_nothing() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "hello");
    wire.pass(1_000_000);
    let (now, author) = (wire.now, wire.id(cat));
    let root = SessionRoot::from_seed([1; 32]);
    for epoch in 0..3 {
        let cuts = Channel::DURABLE.map(|channel| {
            let lane = LaneId { channel, author, epoch: Epoch(epoch) };
            Cut { lane, next: u64::MAX - 1, digest: [1; 32] }
        });
        let records =
            [Record::Cut(cuts.to_vec()), Record::Epoch { epoch: Epoch(epoch + 1), commit: [epoch as u8; 32] }];
        for record in records {
            let raw = wire.host().log.write(&root, &record, now.wall).unwrap();
            deliver(&mut wire, ben, [Frame::Log(raw)]);
        }
        let now = wire.now;
        wire.peers[ben].handle_timeout(now);
    }
    let lane = LaneId { channel: Channel::CHAT, author, epoch: Epoch(2) };
    deliver(&mut wire, ben, [Frame::Entry(WireEntry::encode(1, lane, 9, &[0; 16], &[0; 64]).as_bytes().clone())]);
    assert_eq!(wire.peers[ben].ended(), None);
    assert_eq!(wire.peers[ben].base_of(Channel::CHAT, author, Epoch(3)), u64::MAX);
}
