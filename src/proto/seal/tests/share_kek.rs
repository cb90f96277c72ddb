//! A share passed on without a network: what the host learns of it, and what nobody can make of it on the way.

use super::*;
use crate::proto::epoch::{open_share_wrap, open_wrap};
use crate::proto::id::{SessionId, ShareId};
use crate::proto::key::ShareSecret;
use crate::proto::member::VerifiedShare;
use crate::proto::member::cast::{share, share_cert, terms};
use crate::proto::share::{Rights, ShareCert};
use crate::proto::wire::{Frame, PassedOn, Reader, SEALED_KEK_BYTES};

/// The share that Ben passes on, below the one he came by.
fn below() -> ShareSecret {
    share(4)
}

fn sealed() -> [u8; SEALED_KEK_BYTES] {
    let host = verified(&keys(ADA));
    let sealed = seal_share_kek(host.kem_public(), &session(), &below().share_id(), below().kek(), [3; 32]);
    sealed.expect("Ada's key is one")
}

/// What Ben's program tells relay and host once it has a network.
fn passed_on() -> PassedOn {
    let (door, sub) = (share(2), below());
    let parent = share_cert(&door);
    let cert = ShareCert::issue_below(&parent, &door, &sub, terms(Rights::VIEW, 0));
    let wrap = secret().wrap(Epoch(0), sub.kek(), sub.share_id().as_bytes(), &session());
    PassedOn { certs: vec![cert, parent], wrap, sealed_kek: sealed() }
}

/// Without Ben's KEK the owner could not take the guests of Ben's guest along into the next epoch.
#[test]
fn host_wraps_for_a_share_that_it_never_made() {
    let kek = open_share_kek(&keys(ADA), &session(), &below().share_id(), &sealed()).expect("sealed to Ada");
    assert_eq!(kek.expose(), below().kek().expose());
    let next = EpochSecret::from_bytes([9; 32]);
    let wrap = next.wrap(Epoch(1), &kek, below().share_id().as_bytes(), &session());
    let opened = open_share_wrap(&wrap, &below(), &next.commit()).expect("for Ben's guest");
    assert_eq!(opened.expose(), next.expose());
}

/// The relay keeps it: it must be of no use to the relay, to other members, or for another share or session.
#[test]
fn kek_is_sealed_to_one_host_for_one_share() {
    let (sealed, id) = (sealed(), below().share_id());
    let shut = |keys: &MemberKeys, session: &SessionId, share: &ShareId| {
        assert_eq!(open_share_kek(keys, session, share, &sealed).err(), Some(EntryError::Agreement));
    };
    shut(&keys(EVE), &session(), &id);
    shut(&keys(ADA), &SessionId([9; 16]), &id);
    shut(&keys(ADA), &session(), &share(5).share_id());
    for_each_flip(&sealed, |bit, other| {
        let other = other.try_into().expect("80 bytes");
        let opened = open_share_kek(&keys(ADA), &session(), &id, &other);
        // X25519 leaves the highest bit of a public key out; the KEM hashes all of it.
        assert!(opened.is_err(), "bit {bit}");
    });
    assert!(seal_share_kek(&[0; 32], &session(), &id, below().kek(), [3; 32]).is_err(), "a key of small order");
}

/// Relays and hosts get it from members: no bit may be changed on the way and still count.
#[test]
fn every_flipped_bit_of_a_passed_on_share_is_refused() {
    let body = body(&passed_on());
    let decode = |body: &[u8]| Frame::decode(18, Bytes::copy_from_slice(body));
    assert_eq!(decode(&body), Ok(Frame::Share(passed_on())));
    assert!(holds(&passed_on()));
    for_each_flip(&body, |bit, other| {
        if let Ok(Frame::Share(other)) = decode(&other) {
            assert!(!holds(&other), "bit {bit}");
        }
    });
    for length in (0..body.len()).chain([body.len() + 1]) {
        let cut: Vec<u8> = body.iter().copied().chain([0]).take(length).collect();
        assert!(decode(&cut).is_err(), "{length} bytes");
    }
}

/// Between a share of the owner's alone and one passed on four times lies all that a session can have.
#[test]
fn passed_on_share_has_two_to_four_certificates() {
    let good = passed_on();
    for count in [0, 1, 5] {
        let certs = vec![good.certs[0].clone(); count];
        let decoded = Frame::decode(18, body(&PassedOn { certs, ..good.clone() }));
        let what = "number of share certificates";
        assert_eq!(decoded, Err(DecodeError::Value { what, found: count as u64 }));
    }
}

/// Returns the frame without type and length.
fn body(passed_on: &PassedOn) -> Bytes {
    let frame = Frame::Share(passed_on.clone()).encode();
    let mut reader = Reader::new(&frame);
    let head = reader.varint().and_then(|_| reader.varint()).expect("type and length");
    frame.slice(frame.len() - head as usize..)
}

/// Judges as host and holder together do: certificates, the wrap inside, the sealed key.
fn holds(passed_on: &PassedOn) -> bool {
    let Ok(share) = VerifiedShare::verify(&passed_on.certs, &session()) else { return false };
    let id = share.certs()[0].share;
    let opened = open_share_wrap(&passed_on.wrap, &below(), &secret().commit());
    let kek = open_share_kek(&keys(ADA), &session(), &id, &passed_on.sealed_kek);
    kek.is_ok_and(|kek| open_wrap(&passed_on.wrap, &kek, &session(), &secret().commit()).is_ok()) && opened.is_ok()
}
