//! Member certificates and chains: what decodes has one form, and nothing but the owner's chains hold.

use crate::cast;
use cahoots::proto::member::{Chain, MemberCert};

/// All of the input is one certificate, or one chain.
pub fn run(data: &[u8]) {
    if let Ok(cert) = MemberCert::decode(data) {
        assert_eq!(&cert.as_bytes()[..], data, "one form");
    }
    let Ok(chain) = Chain::decode(data) else { return };
    assert_eq!(chain.encode(), data, "one form");
    if let Ok(member) = chain.verify(&cast::session()) {
        assert_eq!(member.root(), cast::root().public(), "a chain that holds leads to the owner");
        assert!(chain.shares.iter().all(|share| share.rights.contains(member.rights())));
    }
}
