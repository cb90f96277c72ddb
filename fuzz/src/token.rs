//! Text that a person pasted: tokens, links, relay addresses. What parses prints to something that parses to the same.

use cahoots::proto::token::{Link, Relay, Token};

/// All of the input is one text.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(token) = Token::parse(text) {
        assert_eq!(token.reveal(), text.trim().to_ascii_lowercase(), "one form");
    }
    if let Ok(link) = Link::parse(text) {
        assert!(Link::parse(&link.reveal()).is_ok_and(|again| again == link));
    }
    if let Ok(relay) = Relay::parse(text) {
        assert_eq!(Relay::parse(&relay.to_string()), Ok(relay));
    }
}
