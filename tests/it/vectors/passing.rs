//! Shares passed on: the KEK that a holder seals to the host, and the frame that carries it.

use super::fields::{Fields, bytes};
use super::identity::share_secret;
use super::vectors;
use bytes::Bytes;
use cahoots::proto::epoch::{EpochSecret, open_wrap};
use cahoots::proto::id::{Epoch, SessionId, ShareId};
use cahoots::proto::key::{MemberKeys, Secret32};
use cahoots::proto::seal::{open_share_kek, seal_share_kek};
use cahoots::proto::share::ShareCert;
use cahoots::proto::wire::{Frame, PassedOn};
use serde_json::Value;

/// Only with this key can the owner wrap later epochs for a share that it did not make.
#[test]
fn sealed_keys_have_their_bytes() {
    let file = vectors!("passedon");
    let session = SessionId(file.array("session_id"));
    let host = MemberKeys::from_seed(file.array("host_seed"));
    assert_eq!(host.kem_public(), file.array("host_kem_public"));
    for case in file.list("cases") {
        let (share, kek) = (ShareId(case.array("share_id")), Secret32::from_bytes(case.array("kek")));
        let sealed = seal_share_kek(&host.kem_public(), &session, &share, &kek, file.array("ephemeral_seed"));
        assert_eq!(sealed.expect("the host's key is one").to_vec(), case.bytes("sealed_kek"), "{case}");
        let opened = open_share_kek(&host, &session, &share, &case.array("sealed_kek")).expect("the seal is good");
        assert_eq!(opened.expose(), kek.expose());
    }
    for case in file.list("refused_keks") {
        let share = ShareId(case.array("share_id"));
        open_share_kek(&host, &session, &share, &case.array("sealed_kek")).map(drop).expect_err(case.text("why"));
    }
}

/// A relay takes the frame of a member of any build, and hands it to owners and dialers of any other.
#[test]
fn share_frames_carry_chain_wrap_and_key() {
    let file = vectors!("passedon");
    let session = SessionId(file.array("session_id"));
    for case in file.list("cases") {
        let passed = PassedOn {
            certs: case.list("certs").iter().map(certificate).collect(),
            wrap: case.bytes("wrap").into(),
            sealed_kek: case.array("sealed_kek"),
        };
        let body = Bytes::from(case.bytes("body"));
        assert_eq!(Frame::decode(18, body), Ok(Frame::Share(passed)), "{case}");

        let secret = share_secret(&session, case, "share_seed", "flags");
        assert_eq!(secret.share_id().as_bytes(), &case.array("share_id"));
        let epoch = EpochSecret::from_bytes(case.array("epoch_secret"));
        let wrap = epoch.wrap(Epoch(case.small("epoch")), secret.kek(), &case.array("share_id"), &session);
        assert_eq!(wrap, case.bytes("wrap"), "{case}");
        let opened = open_wrap(&wrap, secret.kek(), &session, &epoch.commit()).expect("the wrap is good");
        assert_eq!(opened.commit(), epoch.commit());
    }
}

fn certificate(case: &Value) -> ShareCert {
    ShareCert::decode(&bytes(case)).expect("the certificate is good")
}
