//! Hashes, keys, signatures, wraps and proof of possession.

use super::fields::{Fields, bytes};
use super::vectors;
use cahoots::proto::epoch::{EpochSecret, open_wrap, wrap_epoch, wrap_recipient};
use cahoots::proto::id::{Epoch, SessionId};
use cahoots::proto::key::{MemberKeys, PassphraseHash, PublicKey, Secret32, SessionRoot, ShareSecret, derive};
use cahoots::proto::member::{Chain, MemberCert};
use cahoots::proto::share::ShareFlags;
use cahoots::proto::verify::channel_binding;
use cahoots::proto::wire::Frame;
use serde_json::Value;

/// Every id and key hangs on this one function.
#[test]
fn hashes_are_the_same() {
    for case in vectors!("derive").list("cases") {
        let parts: Vec<Vec<u8>> = case.list("parts").iter().map(bytes).collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(derive(case.text("label"), &parts), case.array("hash"), "{case}");
    }
}

/// A token must open the same session with every build.
#[test]
fn secrets_lead_to_the_same_keys() {
    let file = vectors!("keys");
    let root = SessionRoot::from_seed(file.field("root").array("seed"));
    assert_eq!(root.public().as_bytes(), &file.field("root").array("public"));
    assert_eq!(root.session_id().as_bytes(), &file.field("root").array("session_id"));

    for case in file.list("shares") {
        let secret = share_secret(&root.session_id(), case, "seed", "flags");
        assert_eq!(secret.share_id().as_bytes(), &case.array("share_id"));
        assert_eq!(secret.public().as_bytes(), &case.array("public"));
        assert_eq!(secret.kek().expose(), &case.array("kek"));
    }
    for case in file.list("members") {
        let keys = MemberKeys::from_seed(case.array("seed"));
        assert_eq!(keys.sign_public().as_bytes(), &case.array("sign_public"));
        assert_eq!(keys.kem_public(), case.array("kem_public"));
        assert_eq!(keys.incarnation(), case.array("incarnation"));
    }
}

/// Who was told the words must get in, however they were typed; who was told other words must not.
#[test]
fn passphrases_lead_to_the_same_keys() {
    for case in vectors!("keys").list("passphrases") {
        let (session, seed) = (SessionId(case.array("session_id")), case.array("seed"));
        for text in [case.text("passphrase"), case.text("counts")] {
            let hash = PassphraseHash::derive(text, &session, &seed);
            assert_eq!(hash.expose(), &case.array("hash"), "{text:?}");
        }
    }
}

/// Two builds that disagree about one signature disagree about everything after it.
#[test]
fn signatures_are_judged_strictly() {
    for case in vectors!("keys").list("signatures") {
        let holds = PublicKey(case.array("public")).verify(&case.array("digest"), &case.array("signature"));
        assert_eq!(holds, case.holds("holds"), "{}", case.text("name"));
    }
}

/// The wrap is how a newcomer reads anything at all, and how nobody else does.
#[test]
fn wraps_open_for_their_share_alone() {
    let file = vectors!("epoch");
    let session = SessionId(file.array("session_id"));
    for case in file.list("wraps") {
        let secret = EpochSecret::from_bytes(case.array("secret"));
        let commit = case.array("commit");
        assert_eq!(secret.commit(), commit, "{case}");
        let kek = Secret32::from_bytes(case.array("kek"));
        let epoch = Epoch(case.small("epoch"));
        let raw = secret.wrap(epoch, &kek, &case.array("recipient"), &session);
        assert_eq!(raw, case.bytes("wrap"));
        assert_eq!(wrap_epoch(&raw), Some(epoch));
        assert_eq!(wrap_recipient(&raw), Some(case.array("recipient")));
        let opened = open_wrap(&raw, &kek, &session, &commit).expect("the wrap is good");
        assert_eq!(opened.commit(), commit);
    }
    for case in file.list("refused") {
        let kek = Secret32::from_bytes(case.array("kek"));
        open_wrap(&case.bytes("wrap"), &kek, &session, &file.array("commit")).expect_err(case.text("why"));
    }
}

/// AUTH is what keeps a relay from passing a member's proof on as its own.
#[test]
fn proof_of_possession_signs_the_channel() {
    for case in vectors!("auth").list("cases") {
        let nonces = (case.array("dialer_nonce"), case.array("acceptor_nonce"));
        let binding = channel_binding(&case.bytes("exporter"), &nonces.0, &nonces.1);
        assert_eq!(binding, case.array("binding"), "{}", case.text("name"));

        let cert = MemberCert::decode(&case.bytes("member_cert")).expect("the certificate is good");
        let digest = cert.auth_digest(&binding);
        assert_eq!(digest, case.array("digest"), "{}", case.text("name"));
        assert_eq!(MemberKeys::from_seed(case.array("member_seed")).sign(&digest), case.array("signature"));
        auth_frame_carries(case, &digest);
    }
}

fn auth_frame_carries(case: &Value, digest: &[u8; 32]) {
    let Ok(Frame::Auth(auth)) = Frame::decode(3, case.bytes("body").into()) else {
        panic!("{} is an AUTH", case.text("name"));
    };
    let chain = Chain::decode(&auth.chain).expect("the chain is good");
    assert_eq!(chain.member.as_bytes(), &case.array("member_cert"));
    assert!(chain.member.sign_public.verify(digest, &auth.signature));
}

/// Derives the secret of a share from what a token holds and what its owner says, given the names of two fields.
pub(super) fn share_secret(session: &SessionId, case: &Value, seed: &str, flags: &str) -> ShareSecret {
    let seed = case.array(seed);
    let hash = case.maybe("passphrase").map(|_| PassphraseHash::derive(case.text("passphrase"), session, &seed));
    let flags = ShareFlags::parse(case.small(flags)).expect("the flags exist");
    ShareSecret::new(session, seed, flags, hash.as_ref())
}
