//! A share passed on: a frame has one form, a sealed key opens for the host and that share alone.

use crate::cast;
use cahoots::proto::epoch::{open_wrap, wrap_recipient};
use cahoots::proto::key::Secret32;
use cahoots::proto::member::Chain;
use cahoots::proto::seal::{open_share_kek, seal_share_kek};
use cahoots::proto::wire::{Frame, PassedOn};

/// The body of a SHARE frame; or, behind a first byte with its high bit set, a share, a seed and what the relay makes of
/// the seal: a place and a byte to put there.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => sealed(rest),
        _ => anything(data),
    }
}

fn anything(data: &[u8]) {
    let Ok(Frame::Share(passed)) = Frame::decode(18, data.to_vec().into()) else { return };
    let encoded = Frame::Share(passed.clone()).encode();
    assert!(encoded.ends_with(data), "one form");
    assert!((2..=4).contains(&passed.certs.len()));
    opened(&passed);
}

/// What the owner does with it.
fn opened(passed: &PassedOn) {
    let (session, host) = (cast::session(), cast::keys_of(0));
    let Some(leaf) = passed.certs.first() else { return };
    let Ok(kek) = open_share_kek(&host, &session, &leaf.share, &passed.sealed_kek) else { return };
    if wrap_recipient(&passed.wrap) == Some(*leaf.share.as_bytes()) {
        let _ = open_wrap(&passed.wrap, &kek, &session, &cast::epoch_secret().commit());
    }
}

fn sealed(data: &[u8]) {
    let Some((&[share, seed, at, byte], rest)) = data.split_first_chunk() else { return };
    let (session, host) = (cast::session(), cast::keys_of(0));
    let (share, kek) = (cast::share(share).share_id(), Secret32::from_bytes([seed; 32]));
    let mut sealed = seal_share_kek(&host.kem_public(), &session, &share, &kek, [seed; 32]).expect("the key is one");
    let good = sealed;
    sealed[usize::from(at) % sealed.len()] ^= byte;
    match open_share_kek(&host, &session, &share, &sealed) {
        Ok(opened) => assert!(opened.expose() == kek.expose() && same_point(&sealed, &good), "another seal opens"),
        Err(_) => assert_ne!(sealed, good, "the seal itself opens"),
    }
    let chain = cast::below(&cast::ada_chain().shares[0], 0x20, 0x50, 0xc0);
    let wrap =
        cast::epoch_secret().wrap(cahoots::proto::id::Epoch(0), &kek, chain.shares[0].share.as_bytes(), &session);
    let passed = PassedOn { certs: chain.shares.clone(), wrap, sealed_kek: sealed };
    let mut body = Frame::Share(passed).encode().split_off(3).to_vec();
    rest.as_chunks().0.iter().for_each(|[at, flip]| {
        let at = usize::from(*at) * 2 % body.len();
        body[at] ^= flip;
    });
    anything(&body);
    assert!(Chain { member: chain.member, shares: chain.shares }.verify(&session).is_ok());
}

/// X25519 does not see the top bit of a point.
fn same_point(one: &[u8; 80], other: &[u8; 80]) -> bool {
    let masked = |mut seal: [u8; 80]| {
        seal[31] &= 0x7f;
        seal
    };
    masked(*one) == masked(*other)
}
