//! Certificates and chains.

use super::fields::Fields;
use super::identity::share_secret;
use super::vectors;
use cahoots::proto::id::SessionId;
use cahoots::proto::key::{MemberKeys, SessionRoot};
use cahoots::proto::member::{Chain, MemberCert, VerifiedMember};
use cahoots::proto::share::{Rights, ShareCert, ShareTerms};
use cahoots::proto::time::Wall;
use serde_json::Value;

/// The owner's signature covers these bytes and no others.
#[test]
fn share_certificates_have_their_bytes() {
    let file = vectors!("certificates");
    let session = SessionId(file.array("session_id"));
    let root = SessionRoot::from_seed(file.array("root_seed"));
    let mut parents: Vec<(ShareCert, Value)> = Vec::new();
    for case in file.list("share_certs") {
        let name = case.text("name");
        let secret = share_secret(&session, case, "share_seed", "flags");
        let parent = parents.iter().find(|(cert, _)| cert.hash() == case.array("parent"));
        let issued = match parent {
            None => ShareCert::issue_root(&root, &secret, terms(case)),
            Some((parent, holder)) => {
                let holder = share_secret(&session, holder, "share_seed", "flags");
                ShareCert::issue_below(parent, &holder, &secret, terms(case))
            }
        };
        assert_eq!(issued.as_bytes(), &case.array("bytes"), "{name}");

        let decoded = ShareCert::decode(&case.bytes("bytes")).expect(name);
        assert_eq!(decoded, issued, "{name}");
        assert_eq!(decoded.hash(), case.array("hash"), "{name}");
        assert_eq!(decoded.session, session, "{name}");
        assert_eq!(decoded.share.as_bytes(), &case.array("share_id"), "{name}");
        assert_eq!(decoded.public.as_bytes(), &case.array("public"), "{name}");
        assert_eq!(decoded.parent, case.array("parent"), "{name}");
        assert_eq!(decoded.issuer.as_bytes(), &case.array("issuer"), "{name}");
        let again = ShareTerms {
            rights: decoded.rights,
            depth_left: decoded.depth_left,
            not_before: decoded.not_before,
            expires: decoded.expires,
            max_members: decoded.max_members,
            flags: decoded.flags,
        };
        assert_eq!(again, terms(case), "{name}");
        parents.push((decoded, case.clone()));
    }
}

/// A member's id is the hash of these bytes: one other bit is another person.
#[test]
fn member_certificates_have_their_bytes() {
    let file = vectors!("certificates");
    let session = SessionId(file.array("session_id"));
    for case in file.list("member_certs") {
        let name = case.text("name");
        let secret = share_secret(&session, case, "share_seed", "share_flags");
        let keys = MemberKeys::from_seed(case.array("member_seed"));
        let window = (Wall(case.number("not_before")), Wall(case.number("expires")));
        let issued = MemberCert::issue(&secret, &keys, rights(case), window.0, window.1);
        assert_eq!(issued.as_bytes(), &case.array("bytes"), "{name}");

        let decoded = MemberCert::decode(&case.bytes("bytes")).expect(name);
        assert_eq!(decoded, issued, "{name}");
        assert_eq!(decoded.author().as_bytes(), &case.array("author_id"), "{name}");
        assert_eq!(decoded.session, session, "{name}");
        assert_eq!(decoded.share.as_bytes(), &case.array("share_id"), "{name}");
        assert_eq!(decoded.sign_public.as_bytes(), &case.array("sign_public"), "{name}");
        assert_eq!(decoded.kem_public, case.array("kem_public"), "{name}");
        assert_eq!((decoded.rights, decoded.not_before, decoded.expires), (rights(case), window.0, window.1));
        assert_eq!(decoded.incarnation, case.array("incarnation"), "{name}");
    }
}

/// Bytes that no issuer makes have no meaning that two builds could share.
#[test]
fn malformed_certificates_are_refused() {
    for case in vectors!("certificates").list("refused_certs") {
        let bytes = case.bytes("bytes");
        let why = case.text("why");
        match case.text("type") {
            "share" => ShareCert::decode(&bytes).map(drop).expect_err(why),
            _ => MemberCert::decode(&bytes).map(drop).expect_err(why),
        };
    }
}

/// Whoever is let in by one build is let in by all.
#[test]
fn good_chains_hold() {
    let file = vectors!("certificates");
    let session = SessionId(file.array("session_id"));
    for case in file.list("chains") {
        let name = case.text("name");
        let chain = Chain::decode(&case.bytes("body")).expect(name);
        assert_eq!(chain.encode(), case.bytes("body"), "{name}");
        assert_eq!(chain.shares.len(), case.small::<usize>("shares"), "{name}");
        let member = chain.verify(&session).expect(name);
        assert_eq!(member.author().as_bytes(), &case.array("author_id"), "{name}");
        assert_eq!(member.rights(), rights(case), "{name}");
        assert_eq!(member.root().as_bytes(), &file.array("root_public"), "{name}");
    }
}

/// Each of these would be a way to more than one was given.
#[test]
fn broken_chains_are_refused() {
    for case in vectors!("certificates").list("refused_chains") {
        verified(case).map(|member| member.author()).expect_err(case.text("why"));
    }
}

/// Clocks differ by up to two minutes among honest people.
#[test]
fn live_admission_tolerates_the_skew_to_the_millisecond() {
    let file = vectors!("certificates");
    let live = file.field("live");
    let chain = Chain::decode(&live.bytes("body")).expect("the chain is good");
    let member = chain.verify(&SessionId(file.array("session_id"))).expect("the chain holds");
    for case in live.list("at") {
        assert_eq!(member.live_at(Wall(case.number("now"))).is_ok(), case.holds("live"), "{case}");
    }
}

fn verified(case: &Value) -> Result<VerifiedMember, Box<dyn std::error::Error>> {
    let chain = Chain::decode(&case.bytes("body"))?;
    Ok(chain.verify(&SessionId(case.array("session_id")))?)
}

fn terms(case: &Value) -> ShareTerms {
    ShareTerms {
        rights: rights(case),
        depth_left: case.small("depth_left"),
        not_before: Wall(case.number("not_before")),
        expires: Wall(case.number("expires")),
        max_members: case.small("max_members"),
        flags: cahoots::proto::share::ShareFlags::parse(case.small("flags")).expect("the flags exist"),
    }
}

fn rights(case: &Value) -> Rights {
    Rights::parse(case.small("rights")).expect("the rights exist")
}
