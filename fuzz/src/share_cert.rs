//! Share certificates: what decodes has one form.

use cahoots::proto::share::ShareCert;

/// All of the input is one certificate.
pub fn run(data: &[u8]) {
    if let Ok(cert) = ShareCert::decode(data) {
        assert_eq!(&cert.as_bytes()[..], data, "one form");
    }
}
