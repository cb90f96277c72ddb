//! Who comes in, who stays, and what closing a share closes.

use super::*;
use crate::proto::member::cast::chain_below;
use crate::proto::share::ShareFlags;

fn member(keys_seed: u8) -> VerifiedMember {
    chain(&share(2), &keys(keys_seed), Rights::INTERACT).verify(&session()).expect("holds")
}

fn close_but_for(share: ShareId, stay: &[u8]) -> Record {
    let stay: BTreeSet<_> = stay.iter().map(|seed| member(*seed).author()).collect();
    Record::Close { share, stay: stay.into_iter().collect() }
}

/// Sending one person of a shared link away must not send the others away with it.
#[test]
fn share_can_be_closed_but_for_some() {
    let (mut log, door) = (log(), share(2).share_id());
    let (ben, eve, late) = (member(20), member(21), member(22));
    assert_eq!((log.is_closed(&door), log.stays_open_for_some(&door)), (false, false));
    log.write(&root(), &close_but_for(door, &[20]), NOW).expect("holds");
    let closed = Err(ChainError::Closed { share: door });
    assert_eq!((log.admits(&ben), log.admits(&eve), log.admits(&late)), (Ok(()), closed, closed));
    assert!(log.is_closed(&door) && log.stays_open_for_some(&door));
    assert!(!log.is_closed_to(&door, &ben.author()) && log.is_closed_to(&door, &eve.author()));
    assert!(!log.is_closed_to(&share(9).share_id(), &ben.author()), "another share");
}

/// What one record took, none gives back: else an old record of a stolen backup could.
#[test]
fn later_closing_cuts_off_more_and_never_less() {
    let (mut log, door) = (log(), share(2).share_id());
    log.write(&root(), &close_but_for(door, &[20, 21]), NOW).expect("holds");
    log.write(&root(), &close_but_for(door, &[21, 22]), NOW).expect("holds");
    let closed = Err(ChainError::Closed { share: door });
    assert_eq!([20, 21, 22].map(|seed| log.admits(&member(seed))), [closed, Ok(()), closed]);
    log.write(&root(), &close(door), NOW).expect("holds");
    log.write(&root(), &close_but_for(door, &[20, 21, 22]), NOW).expect("holds");
    assert_eq!([20, 21, 22].map(|seed| log.admits(&member(seed))), [closed; 3]);
    assert!(!log.stays_open_for_some(&door));
}

/// Of a member that nobody here has seen a name says nothing: the owner has seen more than we have.
#[test]
fn strangers_may_stay() {
    let mut log = log();
    let stay = vec![AuthorId([0; 16]), AuthorId([0xff; 16])];
    log.write(&root(), &Record::Close { share: share(2).share_id(), stay }, NOW).expect("holds");
}

/// One record, one spelling; a name twice could hide from who reads the log that two were meant.
#[test]
fn names_of_those_who_stay_ascend() {
    let (mut log, share) = (log(), share(2).share_id());
    for stay in [[[1; 16], [1; 16]], [[2; 16], [1; 16]]] {
        let stay = stay.map(AuthorId).to_vec();
        let refused = log.write(&root(), &Record::Close { share, stay }, NOW);
        assert_eq!(refused, Err(LogError::Decode(DecodeError::Order { what: "authors" })));
    }
    let stay: Vec<_> = (0..5_000_u32).map(|number| AuthorId(u128::from(number).to_be_bytes())).collect();
    let refused = log.write(&root(), &Record::Close { share, stay }, NOW);
    assert!(matches!(refused, Err(LogError::Decode(DecodeError::TooLong { .. }))), "{refused:?}");
}

/// Knocking: who holds the link is not in yet, and stays in for good once the owner said so.
#[test]
fn members_of_some_shares_are_let_in_one_by_one() {
    let (mut log, door) = (log(), share(3));
    let knock = ShareTerms { flags: ShareFlags::APPROVE, ..terms(Rights::INTERACT, 0) };
    let cert = ShareCert::issue_root(&root(), &door, knock);
    log.write(&root(), &Record::Share(cert.clone()), NOW).expect("holds");
    let [ben, eve] = [20, 21].map(|seed| {
        let member = MemberCert::issue(&door, &keys(seed), Rights::VIEW, START, END);
        Chain { member, shares: vec![cert.clone()] }.verify(&session()).expect("holds")
    });
    let knocks = Err(ChainError::NotLetIn { share: door.share_id() });
    assert_eq!((log.admits(&ben), log.admits(&eve)), (knocks, knocks));
    for _ in 0..2 {
        log.write(&root(), &Record::Admit(ben.author()), NOW).expect("saying it twice does no harm");
        assert_eq!((log.admits(&ben), log.admits(&eve)), (Ok(()), knocks));
    }
    assert!(log.is_let_in(&ben.author()) && !log.is_let_in(&eve.author()));
    log.write(&root(), &close(door.share_id()), NOW).expect("holds");
    let closed = Err(ChainError::Closed { share: door.share_id() });
    assert_eq!((log.admits(&ben), log.admits(&eve)), (closed, closed), "closed doors are said to be closed");
}

/// Ben was let in by name; whom he passes his link on to was not, whatever the new certificate leaves out.
#[test]
fn guests_of_a_guest_knock_as_well() {
    let (mut log, door, sub) = (log(), share(3), share(4));
    let knock = ShareTerms { flags: ShareFlags::APPROVE, ..terms(Rights::OWN, 1) };
    let above = ShareCert::issue_root(&root(), &door, knock);
    log.write(&root(), &Record::Share(above.clone()), NOW).expect("holds");
    let below = ShareCert::issue_below(&above, &door, &sub, terms(Rights::VIEW, 0));
    let member = MemberCert::issue(&sub, &keys(20), Rights::VIEW, START, END);
    let guest = Chain { member, shares: vec![below, above] }.verify(&session()).expect("holds");
    assert_eq!(log.admits(&guest), Err(ChainError::NotLetIn { share: door.share_id() }));
    log.write(&root(), &Record::Admit(guest.author()), NOW).expect("holds");
    assert_eq!(log.admits(&guest), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Ben passes his link on, and so do they: whichever link is closed, all below it are, and none above it.
    #[test]
    fn closing_a_share_closes_all_below_it(depth in 1..=4_usize, closed in 0..4_usize, stays: bool) {
        let secrets: Vec<_> = (40..).take(depth).map(share).collect();
        let mut log = log();
        log.write(&root(), &Record::Share(share_cert(&secrets[0])), NOW).expect("holds");
        let people: Vec<_> = (1..=depth).map(|length| {
            let chain = chain_below(&secrets[..length], &keys(20), Rights::VIEW);
            chain.verify(&session()).expect("each link is narrower")
        }).collect();
        let shares: Vec<_> = people.iter().map(|who| {
            VerifiedShare::verify(&who.chain().shares, &session()).expect("the shares hold by themselves")
        }).collect();
        prop_assert!(people.iter().all(|who| log.admits(who).is_ok()));
        prop_assert!(shares.iter().all(|share| log.admits_share(share).is_ok()));

        let closed = closed % depth;
        let last = people[depth - 1].author();
        let stay = if stays { vec![last] } else { Vec::new() };
        let id = secrets[closed].share_id();
        log.write(&root(), &Record::Close { share: id, stay }, NOW).expect("holds");
        for (at, (who, share)) in people.iter().zip(&shares).enumerate() {
            let is_out = at >= closed && !(stays && who.author() == last);
            prop_assert_eq!(log.admits(who).is_err(), is_out, "link {}", at);
            prop_assert_eq!(log.admits_share(share).is_err(), at >= closed, "nobody comes anew by link {}", at);
        }
    }

    /// A link passed on neither outlives nor outranks the one it was passed on from, whatever its issuer writes.
    #[test]
    fn share_passed_on_never_has_more_than_the_one_above(
        rights in 0..128_u8, from in 0..3_000_000_u64, until in 0..3_000_000_u64, depth in 0..4_u8, flags in 0..32_u8,
        above_rights in 0..128_u8, above_depth in 0..4_u8, now in 0..3_000_000_u64,
    ) {
        let (mut log, door, sub) = (log(), share(40), share(41));
        let rights = Rights::parse(rights).expect("7 bits");
        let above_rights = Rights::parse(above_rights).expect("7 bits");
        let above = ShareCert::issue_root(&root(), &door, terms(above_rights, above_depth));
        log.write(&root(), &Record::Share(above.clone()), NOW).expect("holds");
        let greedy = ShareTerms {
            rights, depth_left: depth, not_before: Wall(from), expires: Wall(until), max_members: 0,
            flags: ShareFlags::parse(flags).expect("5 bits"),
        };
        let below = ShareCert::issue_below(&above, &door, &sub, greedy);
        let member = MemberCert::issue(&sub, &keys(20), rights, Wall(from), Wall(until));
        let shares = vec![below, above];
        let share = VerifiedShare::verify(&shares, &session());
        let verified = Chain { member, shares }.verify(&session());
        prop_assert_eq!(share.is_ok(), verified.is_ok(), "a share holds exactly if its members can");
        if let Ok(who) = verified {
            prop_assert!(above_rights.contains(who.rights()) && above_rights.may_delegate());
            prop_assert!(who.not_before() >= START && who.expires() <= END && depth < above_depth);
            prop_assert!(flags & 2 == 0 || Rights::VIEW.contains(rights), "public and harmful");
            let top = chain(&door, &keys(20), Rights::NONE).verify(&session()).expect("holds");
            prop_assert!(who.may_join_at(Wall(now)).is_err() || top.may_join_at(Wall(now)).is_ok());
        }
    }
}
