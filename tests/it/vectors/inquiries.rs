//! Questions to a relay by who holds a link.

use super::fields::Fields;
use super::identity::share_secret;
use super::vectors;
use cahoots::proto::id::{SessionId, ShareId};
use cahoots::proto::inquiry::{Challenge, Inquiry, Place};
use cahoots::proto::verify::PublicKey;
use serde_json::Value;

fn place(case: &Value) -> Place<'_> {
    Place { host: case.text("host"), request: case.text("request") }
}

fn inquiry(case: &Value) -> Inquiry {
    Inquiry {
        session: SessionId(case.array("session_id")),
        share: ShareId(case.array("share_id")),
        challenge: Challenge(case.array("challenge")),
        signature: case.array("signature"),
    }
}

/// Operators write dashboards in every language: the signature has to be theirs, too.
#[test]
fn inquiries_have_their_signature() {
    for case in vectors!("inquiry").list("cases") {
        let name = case.text("name");
        let secret = share_secret(&SessionId(case.array("session_id")), case, "share_seed", "flags");
        let made = Inquiry::sign(&secret, Challenge(case.array("challenge")), place(case));
        assert_eq!(made, inquiry(case), "{name}");
        let public = PublicKey(case.array("share_pub"));
        assert_eq!(secret.public(), public, "{name}");
        assert!(public.verify(&case.array("digest"), &made.signature), "{name}");
        assert!(made.holds(&public, place(case)), "{name}");
    }
}

/// What was signed for one relay, request or session must be worth nothing at another.
#[test]
fn inquiries_signed_for_something_else_are_refused() {
    for case in vectors!("inquiry").list("refused") {
        assert!(!inquiry(case).holds(&PublicKey(case.array("share_pub")), place(case)), "{}", case.text("why"));
    }
}
