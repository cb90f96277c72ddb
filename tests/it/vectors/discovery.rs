//! Hints on a local network.

use super::fields::Fields;
use super::vectors;
use cahoots::proto::discovery::Hint;
use cahoots::proto::id::SessionId;

/// A guest finds a host of any build, and no other session.
#[test]
fn hints_are_recognised_by_those_who_know_the_session() {
    let file = vectors!("hint");
    for case in file.list("cases") {
        let session = SessionId(case.array("session_id"));
        let hint = Hint::new(&session, case.array("nonce"));
        assert_eq!(hint.encode(), case.array("hint"));
        assert!(Hint::decode(&case.array("hint")).recognises(&session));
        assert_eq!(hint.to_string(), case.text("hint"));
    }
    for case in file.list("strangers") {
        assert!(!Hint::decode(&case.array("hint")).recognises(&SessionId(case.array("session_id"))));
    }
}
