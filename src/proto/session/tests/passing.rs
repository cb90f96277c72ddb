//! Shares passed on: without network, narrower, and over with the one above.

use super::*;
use crate::proto::limits::PASSED_ON_MAX;

fn passable(wire: &mut Wire) -> Token {
    wire.share_by(&ShareTerms { lasts_ms: HOUR_MS, may_pass_on: true, ..ShareTerms::new(Access::Interact) })
}

fn pass_on(wire: &mut Wire, index: usize, access: Access) -> Token {
    let now = wire.now;
    wire.peers[index].pass_on(&ShareTerms::new(access), now).unwrap()
}

/// Ben shows a colleague what he sees, and does not have to ask anybody to do it.
#[test]
fn share_passed_on_without_network_lets_others_in() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    wire.say(ben, "before");
    wire.cut(ben);
    let below = pass_on(&mut wire, ben, Access::View);
    let early = wire.join(&below);
    assert!(wire.peers[early].me().is_none(), "nobody has heard of it");
    wire.connect(ben);
    let cat = wire.join(&below);
    wire.peers[cat].watch(pane);
    wire.pass(1_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["before"]);
    assert_eq!(wire.peers[cat].rights(), Rights::VIEW);
    assert_eq!(wire.peers[cat].type_bytes(pane, b"x"), Err(TypeError::NoRight));
    let info = wire.host().shares().into_iter().find(|info| info.share == share_of(&below)).unwrap();
    assert_eq!((info.passed_on_below, info.here, info.is_closed), (Some(share_of(&token)), 1, false));
    let expires = wire.host().log().share(&share_of(&token)).unwrap().expires;
    assert_eq!(info.expires, expires, "no longer than the one above");
}

/// Where the owner opens the door to each, a link passed on leads no further than to the door.
#[test]
fn link_passed_on_below_an_approving_one_opens_nothing_before_its_holder_is_let_in() {
    let mut wire = Wire::new();
    let terms = ShareTerms { approve: true, lasts_ms: HOUR_MS, may_pass_on: true, ..ShareTerms::new(Access::Interact) };
    let token = wire.share_by(&terms);
    let ben = wire.join(&token);
    wire.pass(100_000);
    let (id, now) = (wire.id(ben), wire.now);
    wire.host().let_in(id, now).unwrap();
    wire.say(0, "for members");
    let below = pass_on(&mut wire, ben, Access::View);
    wire.settle();
    let cat = wire.join(&below);
    wire.pass(1_000_000);
    assert_eq!(wire.peers[cat].epochs.len(), 0, "no key came with the link");
    let (id, now) = (wire.id(cat), wire.now);
    assert_eq!(wire.host().waiting(), [id]);
    wire.host().let_in(id, now).unwrap();
    wire.pass(6_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["for members"]);
}

/// The owner renews the key for those below, whom it never met.
#[test]
fn share_passed_on_lives_through_epochs() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    let below = pass_on(&mut wire, ben, Access::Interact);
    wire.settle();
    let cat = wire.join(&below);
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.settle();
    wire.say(cat, "one");
    let dan = wire.join(&below);
    wire.pass(100_000);
    wire.say(dan, "two");
    wire.pass(6_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat, dan]), ["one", "two"]);
    for index in [0, ben, cat, dan] {
        assert_eq!(wire.alarms(index), []);
    }
}

/// Passed on while the owner was changing the key: the wrap inside is old, and the owner mends it.
#[test]
fn share_passed_on_in_an_earlier_epoch_works() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    wire.say(ben, "before");
    wire.cut(ben);
    let below = pass_on(&mut wire, ben, Access::View);
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.pass(1_000_000);
    wire.connect(ben);
    let cat = wire.join(&below);
    wire.pass(5_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["before"]);
}

/// Whoever passed a link on tells new relays of it in every epoch; once the owner has closed it, the new key must not
/// come to its holders that way.
#[test]
fn closed_share_gets_no_key_from_who_passed_it_on() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    let below = pass_on(&mut wire, ben, Access::View);
    wire.settle();
    let cat = wire.join(&below);
    wire.pass(1_000_000);
    let brought = |wire: &mut Wire| {
        let now = wire.now;
        let peer = &mut wire.peers[ben];
        peer.links.values_mut().for_each(|link| link.brought = 0);
        peer.bring_passed_on(now.wall);
        let mut out = Vec::new();
        peer.pop(link(ben), usize::MAX, &mut out);
        decode(&out).iter().filter(|frame| matches!(frame, Frame::Share(_))).count()
    };
    assert_eq!(brought(&mut wire), 1);
    wire.revoke(share_of(&below));
    wire.pass(1_000_000);
    assert_eq!(wire.peers[cat].ended(), Some(Ending::Revoked));
    assert_eq!(brought(&mut wire), 0);
}

/// Whoever is cut off takes along all whom it let in.
#[test]
fn closing_a_share_closes_those_below() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    let below = pass_on(&mut wire, ben, Access::View);
    wire.settle();
    let cat = wire.join(&below);
    wire.pass(100_000);
    wire.revoke(share_of(&token));
    for index in [ben, cat] {
        assert_eq!(wire.peers[index].ended(), Some(Ending::Revoked), "peer {index}");
    }
    let late = wire.join(&below);
    assert!(wire.peers[late].me().is_none());
    assert_eq!(wire.peers[late].ended(), Some(Ending::Revoked), "the owner's own record tells it");
}

/// Whoever comes by a link below one whose last member was sent away is told by the owner's record as well: the log names
/// the link above alone, and the relay brings what ties the two.
#[test]
fn newcomer_below_a_closed_share_learns_why() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    let below = pass_on(&mut wire, ben, Access::View);
    wire.pass(1_000_000);
    let (id, now) = (wire.id(ben), wire.now);
    wire.host().kick(id, now).unwrap();
    wire.pass(1_000_000);
    let late = wire.join(&below);
    assert_eq!(wire.peers[late].ended(), Some(Ending::Revoked));
}

/// The owner can close a share that it did not issue, and no more than that.
#[test]
fn owner_revokes_a_share_that_was_passed_on() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    let below = pass_on(&mut wire, ben, Access::View);
    wire.settle();
    let cat = wire.join(&below);
    wire.pass(100_000);
    wire.revoke(share_of(&below));
    assert_eq!(wire.peers[cat].ended(), Some(Ending::Revoked));
    wire.say(ben, "still here");
    wire.pass(100_000);
    assert_eq!(wire.assert_equal(&[ben]), ["still here"]);
}

/// What is passed on is never wider, deeper or longer than what is held.
#[test]
fn nobody_passes_on_more_than_it_has() {
    let mut wire = Wire::new();
    let tokens = [passable(&mut wire), wire.share(Access::Interact)];
    let (ben, cat) = (wire.join(&tokens[0]), wire.join(&tokens[1]));
    let now = wire.now;
    let try_it = |wire: &mut Wire, index: usize, terms: ShareTerms| wire.peers[index].pass_on(&terms, now).map(drop);
    let wider = try_it(&mut wire, ben, ShareTerms::new(Access::Own));
    assert!(matches!(wider, Err(PassOnError::Wider { .. })), "{wider:?}");
    let deeper = ShareTerms { may_pass_on: true, ..ShareTerms::new(Access::View) };
    assert_eq!(try_it(&mut wire, ben, deeper), Err(PassOnError::TooDeep));
    let refused = try_it(&mut wire, cat, ShareTerms::new(Access::View));
    assert_eq!(refused, Err(PassOnError::NoRight(Rights::INTERACT)));
    let below = pass_on(&mut wire, ben, Access::View);
    wire.settle();
    let dan = wire.join(&below);
    wire.pass(10_000);
    assert_eq!(try_it(&mut wire, dan, ShareTerms::new(Access::View)), Err(PassOnError::NoRight(Rights::VIEW)));
}

/// Whoever passed on many short links may go on once they are over, and the owner goes on renewing the key for the new
/// ones.
#[test]
fn links_that_are_over_make_room_for_new_ones() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    for round in 0..2 {
        for _ in 0..PASSED_ON_MAX {
            let (now, terms) = (wire.now, ShareTerms { lasts_ms: 60_000, ..ShareTerms::new(Access::View) });
            wire.peers[ben].pass_on(&terms, now).unwrap();
        }
        let now = wire.now;
        let one_more = wire.peers[ben].pass_on(&ShareTerms::new(Access::View), now);
        assert_eq!(one_more.map(drop), Err(PassOnError::TooMany), "round {round}");
        wire.pass(200_000_000);
    }
    let below = pass_on(&mut wire, ben, Access::Interact);
    wire.settle();
    let cat = wire.join(&below);
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.say(cat, "here");
    wire.pass(8_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["here"]);
    assert_eq!((wire.alarms(0), wire.alarms(cat)), (vec![], vec![]));
}

/// A link below one that is closed would be of no use to anybody, and its maker should hear it first.
#[test]
fn closed_share_is_not_passed_on_by_those_who_stay() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.pass(1_000_000);
    let (now, id) = (wire.now, wire.id(cat));
    wire.host().kick(id, now).unwrap();
    wire.pass(1_000_000);
    assert!(wire.peers[ben].ended().is_none());
    let now = wire.now;
    let refused = wire.peers[ben].pass_on(&ShareTerms::new(Access::View), now).map(drop);
    assert_eq!(refused, Err(PassOnError::Closed));
}

/// A relay that hides from the owner what was passed on, or a holder who seals the owner nonsense, must not keep the
/// next key from those who came by it in good faith; and the owner can close what it never heard of.
#[test]
fn members_by_a_share_that_the_owner_never_heard_of_get_keys_and_can_be_cut_off() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    wire.sieve = Some(Box::new(|index, frame| index != 0 || !matches!(frame, Frame::Share(_))));
    let below = pass_on(&mut wire, ben, Access::Interact);
    wire.settle();
    let cat = wire.join(&below);
    wire.say(cat, "one");
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.say(cat, "two");
    wire.pass(8_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["one", "two"]);
    assert_eq!((wire.alarms(0), wire.alarms(cat)), (vec![], vec![]));
    wire.revoke(share_of(&below));
    assert_eq!(wire.peers[cat].ended(), Some(Ending::Revoked));
    let late = wire.join(&below);
    wire.pass(1_000_000);
    assert!(wire.peers[late].me().is_none() || wire.peers[late].ended().is_some());
    assert!(wire.peers[ben].ended().is_none());
}

/// Another's certificates for the name of one's own link, shown first by a relay in league, must not stick.
#[test]
fn certificates_of_anothers_share_are_not_taken_for_ones_own() {
    let mut wire = Wire::new();
    let token = passable(&mut wire);
    let ben = wire.join(&token);
    let below = pass_on(&mut wire, ben, Access::View);
    wire.settle();
    let genuine = wire.peers[0].uploads().into_iter().find_map(|frame| match frame {
        Frame::Share(share) => Some(share),
        _ => None,
    });
    let genuine = genuine.unwrap();
    let mut usurped = genuine.clone();
    let other = ShareSecret::new(&wire.peers[0].session, [66; 16], crate::proto::share::ShareFlags::NONE, None);
    let signer = token.secret().unwrap();
    usurped.certs[0] = crate::proto::member::cast::resigned(
        &genuine.certs[0],
        |bytes| bytes[34..66].copy_from_slice(&other.public().0),
        |digest| signer.sign_digest(digest),
    );
    let cat = wire.add(&below);
    let now = wire.now;
    wire.peers[cat].learn_own_share(usurped, now);
    wire.connect(cat);
    wire.pass(1_000_000);
    assert!(wire.peers[cat].me().is_some(), "its own key says which is its own");
}
