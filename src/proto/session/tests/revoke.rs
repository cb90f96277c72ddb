//! Cutting off: at once, for good, and nobody else notices.

use super::*;
use crate::proto::id::Class;
use crate::proto::wire::WireEntry;

/// Checks that of the entries that the relay was sent since `from`, `index` can open none with the keys it has.
fn assert_reads_nothing_since(wire: &Wire, from: usize, index: usize) {
    let peer = &wire.peers[index];
    let later = wire.sent[from..].iter().map(|raw| WireEntry::decode(raw.clone()).unwrap());
    let sealed: Vec<_> = later.filter(|entry| entry.lane.channel.class() != Class::Direct).collect();
    assert!(!sealed.is_empty(), "something was said");
    for entry in sealed {
        let commit = wire.peers[0].log().commit(entry.lane.epoch).unwrap();
        assert!(peer.epochs.get(entry.lane.epoch).is_none(), "{:?} can be read", entry.lane);
        assert!(!peer.epochs.knows(&commit), "the key of {:?} is known", entry.lane.epoch);
    }
}

/// Whoever is revoked keeps what it had read, and not one byte more, whatever the relay gives it.
#[test]
fn revoked_member_can_read_nothing_sent_after() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let tokens = [wire.share(Access::Interact), wire.share(Access::Interact)];
    let (ben, cat) = (wire.join(&tokens[0]), wire.join(&tokens[1]));
    wire.peers[cat].watch(pane);
    wire.peers[ben].watch(pane);
    wire.say(ben, "from ben");
    wire.pass(300_000);
    let from = wire.sent.len();
    wire.revoke(share_of(&tokens[0]));
    assert_eq!(wire.peers[ben].ended(), Some(Ending::Revoked));
    let now = wire.now;
    wire.host().output(pane, b"secret", now).unwrap();
    wire.host().set_title("secret").unwrap();
    wire.say(0, "secret");
    wire.say(cat, "secret, too");
    wire.pass(6_000_000);
    assert_reads_nothing_since(&wire, from, ben);
    assert_eq!(wire.assert_equal(&[cat]), ["from ben", "secret", "secret, too"]);
    assert!(wire.peers[cat].is_live(wire.now));
    let events = wire.events(cat);
    assert!(events.contains(&Event::Rekeyed(Epoch(1))), "{events:?}");
    assert_eq!(show(&events).text()[0].trim_end(), "secret");
    assert_eq!((wire.alarms(0), wire.alarms(cat)), (vec![], vec![]));
}

/// The key that was pressed as the owner pressed the panic key must not reach the shell.
#[test]
fn input_of_a_revoked_member_is_refused_in_the_very_call() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.pass(100_000);
    wire.peers[ben].type_bytes(pane, b"rm -rf").unwrap();
    let (mut out, now) = (Vec::new(), wire.now);
    wire.peers[ben].pop(link(ben), usize::MAX, &mut out);
    let typed_frames = decode(&out);
    assert!(!typed_frames.is_empty());
    wire.host().revoke(share_of(&token), now).unwrap();
    for frame in typed_frames {
        wire.host().handle_frame(link(0), frame, now);
    }
    wire.pass(100_000);
    assert_eq!(typed(&wire.events(0)), b"");
    assert_eq!(wire.host().roster().here_count(), 1);
}

/// Revoking is for good: neither the old member nor a new one comes back by the link.
#[test]
fn revoked_link_admits_nobody() {
    let mut wire = Wire::new();
    let token = wire.share(Access::View);
    let ben = wire.join(&token);
    wire.revoke(share_of(&token));
    assert_eq!(wire.peers[ben].ended(), Some(Ending::Revoked));
    let eve = wire.join(&token);
    assert_eq!(wire.peers[eve].ended(), Some(Ending::Revoked));
    let (own, now) = (wire.host().shares()[0], wire.now);
    assert!(own.is_own && wire.host().shares()[1].is_closed);
    assert_eq!(wire.host().revoke(own.share, now), Err(OwnerError::Own));
    let nobody = ShareId([9; 16]);
    assert_eq!(wire.host().revoke(nobody, now), Err(OwnerError::NoShare(nobody)));
    let records = wire.host().log().next_seq();
    wire.revoke(share_of(&token));
    assert_eq!(wire.host().log().next_seq(), records, "once is enough");
}

/// One troublemaker among friends who share a link: they stay, it goes, and the link is of no use to it.
#[test]
fn kicked_member_goes_and_the_others_of_its_link_stay() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.pass(1_000_000);
    let (from, now, id) = (wire.sent.len(), wire.now, wire.id(ben));
    assert_eq!(wire.host().kick(id, now), Ok(share_of(&token)));
    wire.settle();
    assert_eq!(wire.peers[ben].ended(), Some(Ending::Kicked));
    wire.say(cat, "still here");
    wire.say(0, "good");
    wire.pass(6_000_000);
    assert_reads_nothing_since(&wire, from, ben);
    assert_eq!(wire.assert_equal(&[cat]), ["still here", "good"]);
    // It finds its way back in, and nobody new comes by the link.
    wire.connect(cat);
    wire.say(cat, "back again");
    wire.pass(1_000_000);
    assert_eq!(wire.assert_equal(&[cat]), ["still here", "good", "back again"]);
    let late = wire.join(&token);
    assert_eq!(wire.peers[late].ended(), Some(Ending::Revoked));
    assert_eq!((wire.alarms(0), wire.alarms(cat)), (vec![], vec![]));
    let (now, nobody) = (wire.now, AuthorId([7; 16]));
    assert_eq!(wire.host().kick(nobody, now), Err(OwnerError::NoMember(nobody)));
}

/// The panic key leaves the owner alone in its session.
#[test]
fn revoking_all_leaves_the_owner_alone() {
    let mut wire = Wire::new();
    let tokens = [wire.share(Access::Interact), wire.share(Access::View), wire.share(Access::Own)];
    let guests: Vec<usize> = tokens.iter().map(|token| wire.join(token)).collect();
    wire.pass(100_000);
    let (from, now) = (wire.sent.len(), wire.now);
    assert_eq!(wire.host().revoke_all(now), Ok(3));
    assert_eq!(wire.host().revoke_all(now), Ok(0));
    wire.say(0, "alone");
    wire.pass(6_000_000);
    for guest in guests {
        assert_eq!(wire.peers[guest].ended(), Some(Ending::Revoked));
        assert_reads_nothing_since(&wire, from, guest);
    }
    assert_eq!(wire.host().roster().here_count(), 1);
}

/// Nothing that a passer-by could do to a session is asked of anybody but its owner.
#[test]
fn only_the_owner_has_the_powers() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Own);
    let ben = wire.join(&token);
    let (now, id) = (wire.now, wire.id(ben));
    let peer = &mut wire.peers[ben];
    let refused = [
        peer.revoke(share_of(&token), now),
        peer.kick(id, now).map(drop),
        peer.revoke_all(now).map(drop),
        peer.rekey(now).map(drop),
        peer.let_in(id, now),
        peer.turn_away(id, now),
        peer.share(&ShareTerms::default(), now).map(drop),
    ];
    assert!(refused.iter().all(|refused| *refused == Err(OwnerError::NotOwner)), "{refused:?}");
}

/// A link that has expired is closed by the owner, so that nobody goes on reading who kept its key.
#[test]
fn expired_member_can_read_nothing_sent_after() {
    let mut wire = Wire::new();
    let short = wire.share_by(&ShareTerms { lasts_ms: 10_000, ..ShareTerms::new(Access::View) });
    let long = wire.share(Access::View);
    let (ben, cat) = (wire.join(&short), wire.join(&long));
    wire.pass(141_000_000);
    assert_eq!(wire.peers[ben].ended(), Some(Ending::Expired));
    assert_eq!(wire.host().log().epoch(), Some(Epoch(1)));
    assert!(wire.host().log().is_closed(&share_of(&short)));
    let from = wire.sent.len();
    wire.say(0, "for those who stay");
    wire.pass(6_000_000);
    assert_reads_nothing_since(&wire, from, ben);
    assert_eq!(wire.assert_equal(&[cat]), ["for those who stay"]);
    assert_eq!((wire.alarms(0), wire.alarms(cat)), (vec![], vec![]));
}

/// A session that lives for weeks must not remember every key and lane that it ever had.
#[test]
fn hundred_revocations_leave_no_more_than_one() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let cat = wire.join(&token);
    let mut sizes = Vec::new();
    for round in 0..20 {
        wire.say(cat, "hello");
        wire.host().set_title(&format!("round {round}")).unwrap();
        let now = wire.now;
        wire.host().rekey(now).unwrap();
        wire.pass(35_000_000);
        let sizes_of = |peer: &Peer| {
            let lanes: usize = Channel::RECONCILED.map(|channel| peer.replica.lanes_of(channel).count()).iter().sum();
            let links: usize = peer.links.values().map(|link| link.feed.lanes() + link.stored.len()).sum();
            (peer.epochs.len(), peer.readers.len(), peer.writers.len(), lanes, links)
        };
        sizes.push((sizes_of(&wire.peers[0]), sizes_of(&wire.peers[cat])));
    }
    assert_eq!(sizes[3..].iter().max(), sizes[3..].iter().min(), "{sizes:?}");
    wire.assert_equal(&[cat]);
}

/// Whoever filled the host's memory with channels is gone with them, and others can knock and type again.
#[test]
fn nothing_of_who_is_cut_off_is_kept_at_the_host() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let approving = ShareTerms { approve: true, lasts_ms: HOUR_MS, ..ShareTerms::new(Access::Interact) };
    let tokens = [wire.share(Access::Interact), wire.share(Access::Interact), wire.share_by(&approving)];
    let (eve, ben, dan) = (wire.join(&tokens[0]), wire.join(&tokens[1]), wire.join(&tokens[2]));
    wire.pass(1_000_000);
    let ids = [eve, ben, dan].map(|index| wire.id(index));
    assert_eq!(wire.host().waiting(), [ids[2]]);
    wire.revoke(share_of(&tokens[0]));
    wire.cut(0);
    wire.revoke(share_of(&tokens[2]));
    assert_eq!(wire.host().waiting(), []);
    let kept: Vec<_> = wire.peers[0].hosting.as_ref().unwrap().direct_members().copied().collect();
    assert_eq!(kept, [ids[1]]);
    wire.connect(0);
    wire.peers[ben].type_bytes(pane, b"still here").unwrap();
    wire.pass(1_000_000);
    assert_eq!(typed(&wire.events(0)), b"still here");
}

/// Whoever finds the host's memory later must not get at keys that were thrown away.
#[test]
fn what_is_drawn_cannot_be_drawn_again() {
    let mut wire = Wire::new();
    let before = wire.host().seed.expose().to_owned();
    let drawn = *wire.host().draw().expose();
    assert_ne!(*wire.host().seed.expose(), before);
    assert_ne!(*wire.host().draw().expose(), drawn);
}
