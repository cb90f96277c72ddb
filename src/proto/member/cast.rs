//! The people of the tests: Ada owns the session and hosts, Ben and Eve are guests of one share.

use super::{Chain, MemberCert, VerifiedMember};
use crate::proto::id::SessionId;
use crate::proto::key::{MemberKeys, SessionRoot, ShareSecret};
use crate::proto::share::{Rights, ShareCert, ShareFlags, ShareTerms};
use crate::proto::time::Wall;
use crate::proto::verify::derive;

/// From when on shares and members hold.
pub(crate) const START: Wall = Wall(1_000_000);
/// Until when.
pub(crate) const END: Wall = Wall(2_000_000);

pub(crate) fn root() -> SessionRoot {
    SessionRoot::from_seed([1; 32])
}

pub(crate) fn session() -> SessionId {
    root().session_id()
}

pub(crate) fn share(seed: u8) -> ShareSecret {
    ShareSecret::new(&session(), [seed; 16], ShareFlags::NONE, None)
}

pub(crate) fn terms(rights: Rights, depth_left: u8) -> ShareTerms {
    ShareTerms { rights, depth_left, not_before: START, expires: END, max_members: 0, flags: ShareFlags::NONE }
}

pub(crate) fn share_cert(secret: &ShareSecret) -> ShareCert {
    ShareCert::issue_root(&root(), secret, terms(Rights::OWN, 3))
}

pub(crate) fn keys(seed: u8) -> MemberKeys {
    MemberKeys::from_seed([seed; 32])
}

/// A chain of one share under the root.
pub(crate) fn chain(secret: &ShareSecret, keys: &MemberKeys, rights: Rights) -> Chain {
    let member = MemberCert::issue(secret, keys, rights, START, END);
    Chain { member, shares: vec![share_cert(secret)] }
}

/// A chain of shares passed on, each below the one before; the first is one of the owner's with depth 3.
pub(crate) fn chain_below(secrets: &[ShareSecret], keys: &MemberKeys, rights: Rights) -> Chain {
    let mut shares: Vec<ShareCert> = Vec::new();
    for (at, secret) in secrets.iter().enumerate() {
        let cert = match shares.first() {
            None => share_cert(secret),
            Some(parent) => {
                let terms = terms(Rights::INTERACT.union(Rights::DELEGATE), parent.depth_left - 1);
                ShareCert::issue_below(parent, &secrets[at - 1], secret, terms)
            }
        };
        shares.insert(0, cert);
    }
    let member = MemberCert::issue(&secrets[secrets.len() - 1], keys, rights, START, END);
    Chain { member, shares }
}

pub(crate) fn verified(keys: &MemberKeys) -> VerifiedMember {
    chain(&share(2), keys, Rights::OWN).verify(&session()).expect("the fixture's chain holds")
}

/// A share certificate as a hostile issuer could make it: `edit` changes the bytes, `sign` signs them again.
pub(crate) fn resigned(
    cert: &ShareCert,
    edit: impl FnOnce(&mut [u8]),
    sign: impl FnOnce(&[u8; 32]) -> [u8; 64],
) -> ShareCert {
    let mut bytes = cert.as_bytes().to_vec();
    edit(&mut bytes[..153]);
    let signature = sign(&derive("share certificate", &[&bytes[..153]]));
    bytes[153..].copy_from_slice(&signature);
    ShareCert::decode(&bytes).expect("the edit keeps it well formed")
}

/// Calls `check` with each way to flip one bit of `bytes`.
pub(crate) fn for_each_flip(bytes: &[u8], mut check: impl FnMut(usize, Vec<u8>)) {
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        check(bit, other);
    }
}
