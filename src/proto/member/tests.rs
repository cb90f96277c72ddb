//! What a chain must prove, and what nobody can slip into one.

use super::cast::{
    END, START, chain, for_each_flip, keys, resigned, root, session, share, share_cert, terms, verified,
};
use super::*;
use crate::proto::key::SessionRoot;
use crate::proto::limits::CLOCK_SKEW_MS_MAX;
use crate::proto::share::{SHARE_CERT_BYTES, ShareCert, ShareFlags, ShareTerms};
use proptest::collection::vec;
use proptest::prelude::*;

/// Joining needs nothing but the token's secret and the owner's certificate.
#[test]
fn chain_of_a_token_holder_holds() {
    let (ben, door) = (keys(10), share(2));
    let made = chain(&door, &ben, Rights::INTERACT);
    assert_eq!((made.member.as_bytes().len(), made.shares[0].as_bytes().len()), (196, 217));

    let bytes = made.encode();
    let read = Chain::decode(&bytes).expect("what was encoded decodes");
    assert_eq!((&read, read.encode()), (&made, bytes));
    let member = read.verify(&session()).expect("Ben holds the token");
    assert_eq!((member.rights(), member.share(), member.root()), (Rights::INTERACT, door.share_id(), root().public()));
    assert_eq!(member.verify_key().public(), ben.sign_public());
    assert_eq!((member.author(), *member.kem_public()), (made.member.author(), ben.kem_public()));
}

/// The relay and the network see chains; no bit of them may be theirs to choose.
#[test]
fn every_flipped_bit_of_the_certificates_is_refused() {
    for_each_flip(&chain(&share(2), &keys(10), Rights::INTERACT).encode(), |bit, other| {
        let accepted = Chain::decode(&other).ok().and_then(|chain| chain.verify(&session()).ok());
        assert_eq!(accepted, None, "bit {bit}");
    });
}

/// A view-only guest cannot write itself more rights, more time, or another share.
#[test]
fn member_wider_than_its_share_is_refused() {
    let (door, ben) = (share(2), keys(10));
    let leaf = ShareCert::issue_root(&root(), &door, terms(Rights::VIEW, 0));
    let verify = |rights, from, until| {
        let member = MemberCert::issue(&door, &ben, rights, from, until);
        Chain { member, shares: vec![leaf.clone()] }.verify(&session()).err()
    };
    let of = Certificate::Member;
    assert_eq!(verify(Rights::VIEW, START, END), None);
    assert_eq!(verify(Rights::READ, START.after_ms(1), Wall(END.0 - 1)), None);
    assert_eq!(verify(Rights::INTERACT, START, END), Some(ChainError::Rights { of }));
    assert_eq!(verify(Rights::VIEW, START, END.after_ms(1)), Some(ChainError::Window { of }));
    assert_eq!(verify(Rights::VIEW, Wall(START.0 - 1), END), Some(ChainError::Window { of }));

    let member = MemberCert::issue(&share(3), &ben, Rights::VIEW, START, END);
    let swapped = Chain { member, shares: vec![leaf] }.verify(&session());
    assert_eq!(swapped, Err(ChainError::Parent { of }));
}

/// Eve owns a session of her own: nothing from there counts here, whatever id it claims.
#[test]
fn certificates_of_another_owner_are_refused() {
    let (eve, door) = (SessionRoot::from_seed([66; 32]), share(2));
    let forged = ShareCert::issue_root(&eve, &door, terms(Rights::OWN, 3));
    let member = MemberCert::issue(&door, &keys(66), Rights::OWN, START, END);
    let chain = Chain { member, shares: vec![forged] };
    assert_eq!(chain.verify(&session()), Err(ChainError::Root));
    assert_eq!(chain.verify(&eve.session_id()), Err(ChainError::Session { of: Certificate::Member }));
}

/// Each link names the next by hash and by key; one of the two alone could be copied from elsewhere.
#[test]
fn share_names_its_parent_by_hash_and_by_key() {
    let (door, sub) = (share(2), share(4));
    let parent = share_cert(&door);
    let below = ShareCert::issue_below(&parent, &door, &sub, terms(Rights::VIEW, 0));
    let member = MemberCert::issue(&sub, &keys(10), Rights::VIEW, START, END);
    let verify = |below: &ShareCert, parent: &ShareCert| {
        Chain { member: member.clone(), shares: vec![below.clone(), parent.clone()] }.verify(&session()).err()
    };
    let of = Certificate::Share(sub.share_id());
    assert_eq!(verify(&below, &parent), None);

    let same_key = ShareCert::issue_root(&root(), &door, ShareTerms { max_members: 1, ..terms(Rights::OWN, 3) });
    assert_eq!(verify(&below, &same_key), Some(ChainError::Parent { of }));
    let eve = share(66);
    let same_hash = resigned(&below, |bytes| bytes[121..].copy_from_slice(&eve.public().0), |it| eve.sign_digest(it));
    assert_eq!(verify(&same_hash, &parent), Some(ChainError::Parent { of }));
    let below_something = resigned(&parent, |bytes| bytes[89] = 1, |it| root().sign_digest(it));
    let below = ShareCert::issue_below(&below_something, &door, &sub, terms(Rights::VIEW, 0));
    assert_eq!(verify(&below, &below_something), Some(ChainError::Root));
    let elsewhere = resigned(&parent, |bytes| bytes[2] ^= 1, |it| root().sign_digest(it));
    let below = ShareCert::issue_below(&elsewhere, &door, &sub, terms(Rights::VIEW, 0));
    let of = Certificate::Share(door.share_id());
    assert_eq!(verify(&below, &elsewhere), Some(ChainError::Session { of }));
}

/// Knowing a share's public key is not holding its secret.
#[test]
fn member_signed_by_another_share_key_is_refused() {
    let (door, ben) = (share(2), keys(10));
    let mut bytes = chain(&door, &ben, Rights::VIEW).member.as_bytes().to_vec();
    let forged = share(3).sign_digest(&digest(&bytes[..SIGNED_BYTES]));
    bytes[SIGNED_BYTES..].copy_from_slice(&forged);
    let member = MemberCert::decode(&bytes).expect("well formed");
    let refused = Chain { member, shares: vec![share_cert(&door)] }.verify(&session());
    assert_eq!(refused, Err(ChainError::Signature { of: Certificate::Member }));
}

/// A hostile chain must be cut off before it costs five signature checks per share.
#[test]
fn chains_without_or_with_five_shares_are_refused() {
    let mut long = chain(&share(2), &keys(10), Rights::VIEW);
    long.shares = vec![long.shares[0].clone(); 5];
    assert_eq!(long.verify(&session()), Err(ChainError::Length { shares: 5 }));
    let what = "number of share certificates";
    assert_eq!(Chain::decode(&long.encode()), Err(DecodeError::Value { what, found: 5 }));
    long.shares.clear();
    assert_eq!(long.verify(&session()), Err(ChainError::Length { shares: 0 }));
    assert_eq!(Chain::decode(&long.encode()), Err(DecodeError::Value { what, found: 0 }));
}

/// Whoever finds a public link may come: it must not be one to type with, whoever signed it.
#[test]
fn public_share_gives_nothing_that_does_harm() {
    let (door, sub) = (share(2), share(4));
    let public = |rights| ShareTerms { flags: ShareFlags::PUBLIC, ..terms(rights, 1) };
    let verify = |shares: Vec<ShareCert>, secret| {
        let member = MemberCert::issue(secret, &keys(10), Rights::READ, START, END);
        let refused = VerifiedShare::verify(&shares, &session()).err();
        assert_eq!(Chain { member, shares }.verify(&session()).err(), refused, "shares and members go together");
        refused
    };
    assert_eq!(verify(vec![ShareCert::issue_root(&root(), &door, public(Rights::VIEW))], &door), None);
    for rights in [Rights::INPUT, Rights::CONTROL, Rights::DELEGATE, Rights::ADMIN] {
        let rights = rights.union(Rights::READ);
        let of = Certificate::Share(door.share_id());
        let top = ShareCert::issue_root(&root(), &door, public(rights));
        assert_eq!(verify(vec![top], &door), Some(ChainError::Public { of }));
        let of = Certificate::Share(sub.share_id());
        let below = ShareCert::issue_below(&share_cert(&door), &door, &sub, public(rights));
        assert_eq!(verify(vec![below, share_cert(&door)], &sub), Some(ChainError::Public { of }));
    }
}

/// A relay that keeps passed-on shares has nothing but their certificates to go by.
#[test]
fn shares_hold_without_a_member() {
    let (door, sub) = (share(2), share(4));
    let parent = share_cert(&door);
    let below = ShareCert::issue_below(&parent, &door, &sub, terms(Rights::VIEW, 0));
    let both = [below, parent.clone()];
    let verify = |certs: &[ShareCert]| VerifiedShare::verify(certs, &session());
    let held = verify(&both).expect("holds");
    assert_eq!((held.certs(), held.parent(), held.root()), (&both[..], Some(&parent), root().public()));
    assert_eq!(verify(&both[1..]).expect("the owner's own").parent(), None);
    assert_eq!(verify(&[]), Err(ChainError::Length { shares: 0 }));
    assert_eq!(verify(&vec![parent; 5]), Err(ChainError::Length { shares: 5 }));
    let of = Certificate::Share(sub.share_id());
    let by_eve = resigned(&both[0], |_| (), |it| share(66).sign_digest(it));
    assert_eq!(verify(&[by_eve, both[1].clone()]), Err(ChainError::Signature { of }));
    assert_eq!(verify(&both[..1]), Err(ChainError::Root));
}

/// Clocks differ, but only so much; joining after the expiry is never a matter of clocks.
#[test]
fn time_counts_with_the_skew_bound() {
    let ben = verified(&keys(10));
    let skew = CLOCK_SKEW_MS_MAX;
    assert_eq!(ben.live_at(Wall(START.0 - skew)), Ok(()));
    assert_eq!(ben.live_at(Wall(START.0 - skew - 1)), Err(ChainError::Early { early_ms: skew + 1 }));
    assert_eq!(ben.live_at(END.after_ms(skew)), Ok(()));
    assert_eq!(ben.live_at(END.after_ms(skew + 1)), Err(ChainError::Expired { ago_ms: skew + 1 }));
    assert_eq!(ben.may_join_at(Wall(END.0 - 1)), Ok(()));
    assert_eq!(ben.may_join_at(END), Err(ChainError::Expired { ago_ms: 0 }));
    assert!(ben.may_join_at(Wall(0)).is_err());
}

/// AUTH is bound to one connection, one session and one member.
#[test]
fn auth_digest_names_channel_and_member() {
    let (ben, eve) = (chain(&share(2), &keys(10), Rights::VIEW), chain(&share(2), &keys(66), Rights::VIEW));
    let here = ben.member.auth_digest(&[1; 32]);
    assert_ne!(here, ben.member.auth_digest(&[2; 32]));
    assert_ne!(here, eve.member.auth_digest(&[1; 32]));
}

const DELEGATE: u8 = Rights::DELEGATE.bits();

/// What one link of a chain grants, in a form that a model can judge.
#[derive(Clone, Copy, Debug)]
struct Grant {
    rights: u8,
    from: u64,
    until: u64,
    depth: u8,
}

impl Grant {
    fn terms(self) -> ShareTerms {
        ShareTerms {
            not_before: Wall(self.from),
            expires: Wall(self.until),
            ..terms(Rights::parse(self.rights).expect("7 bits"), self.depth)
        }
    }

    fn is_inside(self, parent: Self) -> bool {
        self.rights & parent.rights == self.rights && self.from >= parent.from && self.until <= parent.until
    }

    /// A grant below this one; now and then it takes more than it may.
    fn below(self, (rights, from, until, depth): (u8, u64, u64, u8), greed: u8) -> Self {
        let mut grant = Self {
            rights: self.rights & (rights | DELEGATE),
            from: self.from + from % 8,
            until: self.until - until % 8,
            depth: self.depth.saturating_sub(1 + depth % 2),
        };
        match greed {
            0 => grant.rights |= rights,
            1 => grant.from = self.from + from % 8 - 4,
            2 => grant.until = self.until - until % 8 + 4,
            3 => grant.depth = depth,
            4 => grant.rights &= !DELEGATE,
            _ => {}
        }
        grant
    }
}

/// Builds the chain of `grants`, the owner's first, the member's last.
fn chain_of(grants: &[Grant]) -> Chain {
    let (member, shares) = grants.split_last().expect("at least the member's");
    let mut chain: Vec<ShareCert> = Vec::new();
    for (seed, grant) in (100..).zip(shares) {
        let cert = match chain.first() {
            None => ShareCert::issue_root(&root(), &share(seed), grant.terms()),
            Some(parent) => ShareCert::issue_below(parent, &share(seed - 1), &share(seed), grant.terms()),
        };
        chain.insert(0, cert);
    }
    let door = share(99 + shares.len() as u8);
    let rights = member.terms().rights;
    let member = MemberCert::issue(&door, &keys(10), rights, Wall(member.from), Wall(member.until));
    Chain { member, shares: chain }
}

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    let owner = (0..128_u8, 0..4_u8);
    let below = ((0..128_u8, 0..16_u64, 0..16_u64, 0..4_u8), 0..24_u8);
    (owner, vec(below, 1..=4)).prop_map(|((rights, depth), below)| {
        let mut all = vec![Grant { rights: rights | DELEGATE, from: 100, until: 200, depth }];
        for (draw, greed) in below {
            all.push(all[all.len() - 1].below(draw, greed));
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Whoever passes a share on can give less, later, shorter, less far; never more.
    #[test]
    fn chain_holds_exactly_if_each_link_is_narrower(grants in grants()) {
        let shares = &grants[..grants.len() - 1];
        let narrower = grants.windows(2).all(|pair| pair[1].is_inside(pair[0]));
        let shallower = shares.windows(2).all(|pair| pair[1].depth < pair[0].depth && pair[0].rights & DELEGATE != 0);
        let verified = chain_of(&grants).verify(&session());
        prop_assert_eq!(verified.is_ok(), narrower && shallower, "{:?}", verified);
    }

    /// Links of a chain that holds, in another order or with one missing or foreign, prove nothing.
    #[test]
    fn chain_with_wrong_links_is_refused(grants in grants(), at in 0..4_usize, how in 0..3) {
        let mut chain = chain_of(&grants);
        prop_assume!(chain.shares.len() >= 2 && chain.verify(&session()).is_ok());
        let at = at % (chain.shares.len() - 1);
        match how {
            0 => chain.shares.swap(at, at + 1),
            1 => drop(chain.shares.remove(at)),
            // Same terms, same key, but signed by the owner anew: another certificate.
            _ => {
                let old = chain.shares[at + 1].clone();
                let terms = ShareTerms { max_members: 1, ..Grant { depth: old.depth_left, ..grants[0] }.terms() };
                chain.shares[at + 1] = ShareCert::issue_root(&root(), &share(77), terms);
            }
        }
        prop_assert!(chain.verify(&session()).is_err());
    }

    /// These bytes come from anybody who can reach a port.
    #[test]
    fn decoders_take_any_bytes(bytes in vec(any::<u8>(), 0..700)) {
        for length in [bytes.len(), MEMBER_CERT_BYTES, SHARE_CERT_BYTES] {
            let cut = &bytes[..length.min(bytes.len())];
            if let Ok(chain) = Chain::decode(cut) {
                prop_assert_eq!(&chain.encode()[..], cut);
            }
            if let Ok(cert) = MemberCert::decode(cut) {
                prop_assert_eq!(cert.as_bytes().as_slice(), cut);
            }
            if let Ok(cert) = ShareCert::decode(cut) {
                prop_assert_eq!(cert.as_bytes().as_slice(), cut);
            }
        }
    }

    /// One certificate, one encoding: the fields say all that the bytes say.
    #[test]
    fn decoded_fields_lay_out_to_the_same_bytes(
        filler in vec(any::<u8>(), SHARE_CERT_BYTES),
        rights in 0..128_u8,
        depth in 0..4_u8,
        flags in 0..32_u8,
    ) {
        let mut cert = filler.clone();
        cert[..2].copy_from_slice(&[1, 1]);
        (cert[66], cert[67], cert[88]) = (rights, depth, flags);
        let share = ShareCert::decode(&cert).expect("well formed");
        prop_assert_eq!(&share.signed()[..], &cert[..153]);

        let mut cert = filler[..MEMBER_CERT_BYTES].to_vec();
        cert[..2].copy_from_slice(&[1, 2]);
        (cert[98], cert[99]) = (rights, 0);
        let member = MemberCert::decode(&cert).expect("well formed");
        prop_assert_eq!(&member.signed()[..], &cert[..SIGNED_BYTES]);
    }
}
