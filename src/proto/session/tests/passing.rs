//! Shares passed on: without network, narrower, and over with the one above.

use super::*;

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
