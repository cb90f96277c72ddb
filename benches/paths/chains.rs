//! How many strangers a relay can look at: checking a chain of certificates, next to its signatures bare.

use crate::figures::{Samples, head, row, time_us, times, us};
use crate::{Effort, Outcome};
use cahoots::proto::key::{MemberKeys, SessionRoot, ShareSecret};
use cahoots::proto::member::{Chain, MemberCert};
use cahoots::proto::share::{Rights, ShareCert, ShareFlags, ShareTerms};
use cahoots::proto::time::Wall;
use ed25519_dalek::{Signer, SigningKey};
use std::hint::black_box;

const LONGEST: u8 = 4;
const EXPIRES: Wall = Wall(1_000_000_000);

/// Runs this part.
pub(crate) fn run(effort: Effort) -> Outcome {
    let (rounds, count) = (effort.pick(9, 1), effort.pick(400, 10));
    head(&["shares in the chain", "to check it", "chains a second", "as many signatures bare", "ratio"]);
    for shares in [1, 2, LONGEST] {
        let (session, chain) = chain(shares);
        let body = chain.encode();
        let [mut ours, mut bare] = [const { Samples::new() }; 2];
        for _ in 0..rounds {
            ours.push_us(time_us(count, |_| {
                let verified = Chain::decode(black_box(&body)).ok().and_then(|chain| chain.verify(&session).ok());
                assert!(verified.is_some(), "an honest chain holds");
            }));
            bare.push_us(signatures(count, usize::from(shares) + 1));
        }
        let [ours, bare] = [ours, bare].map(|samples| samples.median());
        row(&[&shares, &us(ours), &format!("{:.0}", 1e6 / ours), &us(bare), &times(ours, bare)]);
    }
    Ok(())
}

/// A member who came by a share that was passed on `shares - 1` times.
fn chain(shares: u8) -> (cahoots::proto::id::SessionId, Chain) {
    let root = SessionRoot::from_seed([1; 32]);
    let session = root.session_id();
    let terms = |depth_left| ShareTerms {
        rights: Rights::OWN,
        depth_left,
        not_before: Wall(0),
        expires: EXPIRES,
        max_members: 0,
        flags: ShareFlags::NONE,
    };
    let secret = |n: u8| ShareSecret::new(&session, [n; 16], ShareFlags::NONE, None);
    let mut certs = vec![ShareCert::issue_root(&root, &secret(0), terms(LONGEST - 1))];
    for n in 1..shares {
        certs.insert(0, ShareCert::issue_below(&certs[0], &secret(n - 1), &secret(n), terms(LONGEST - 1 - n)));
    }
    let keys = MemberKeys::from_seed([2; 32]);
    let member = MemberCert::issue(&secret(shares - 1), &keys, Rights::OWN, Wall(0), EXPIRES);
    (session, Chain { member, shares: certs })
}

/// Times the check of `each` signatures, `count` times.
fn signatures(count: usize, each: usize) -> f64 {
    let signer = SigningKey::from_bytes(&[3; 32]);
    let (key, signature) = (signer.verifying_key(), signer.sign(&[4; 32]));
    time_us(count, |_| {
        for _ in 0..each {
            black_box(key.verify_strict(black_box(&[4; 32]), &signature).is_ok());
        }
    })
}
