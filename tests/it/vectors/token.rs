//! Tokens and links.

use super::fields::Fields;
use super::vectors;
use cahoots::proto::id::SessionId;
use cahoots::proto::key::PassphraseHash;
use cahoots::proto::share::ShareFlags;
use cahoots::proto::token::{Access, Link, Relay, Token, TokenError};

/// A token that one build prints must open with every other.
#[test]
fn tokens_have_their_text() {
    for case in vectors!("token").list("valid") {
        let text = case.text("token");
        let access = match case.text("access") {
            "view" => Access::View,
            "interact" => Access::Interact,
            _ => Access::Own,
        };
        let flags = ShareFlags::parse(case.small("flags")).expect("the flags exist");
        let made = Token::new(access, &SessionId(case.array("session_id")), case.array("seed"), flags);
        assert_eq!(made.reveal(), text);

        let parsed = Token::parse(text).expect(text);
        assert!(parsed == made, "{text}");
        assert_eq!((parsed.access, parsed.flags), (access, flags));
        let (session, seed) = (SessionId(case.array("session_id")), case.array("seed"));
        let hash = case.maybe("passphrase").map(|_| PassphraseHash::derive(case.text("passphrase"), &session, &seed));
        assert_eq!(parsed.needs_passphrase(), hash.is_some(), "{text}");
        let secret = parsed.secret_with(hash.as_ref()).expect(text);
        assert_eq!(secret.share_id().as_bytes(), &case.array("share_id"));
    }
}

/// QR codes hold capital letters in half the room.
#[test]
fn capital_letters_are_the_same_token() {
    let file = vectors!("token");
    let upper = Token::parse(file.field("upper").text("text")).expect("capital letters are fine");
    assert_eq!(upper.reveal(), file.field("upper").text("same_as"));
}

/// Each mistake gets its own advice, so it must be told apart.
#[test]
fn mistakes_are_named() {
    for case in vectors!("token").list("refused") {
        let Err(error) = Token::parse(case.text("text")) else { panic!("{case}") };
        let is_named = match case.text("mistake") {
            "length" => matches!(error, TokenError::Empty | TokenError::Short { .. } | TokenError::Long { .. }),
            "character" => matches!(error, TokenError::Character { .. }),
            "prefix" => matches!(error, TokenError::Prefix { .. }),
            "mixed case" => error == TokenError::MixedCase,
            "version" => matches!(error, TokenError::Version { .. }),
            "flags" => matches!(error, TokenError::Flags { .. }),
            "checksum" | "padding" => error == TokenError::Checksum,
            other => panic!("no mistake is called {other}"),
        };
        assert!(is_named, "{error}: {case}");
    }
}

/// A link carries the token and the way to the session through any chat program.
#[test]
fn links_have_their_text() {
    for case in vectors!("token").list("links") {
        let text = case.text("link");
        let relay = case.maybe("host").map(|_| Relay {
            host: case.text("host").to_owned(),
            port: case.small("port"),
            fingerprint: case.maybe("fingerprint").map(|_| case.array("fingerprint")),
        });
        let link = Link { token: Token::parse(case.text("token")).expect("the token is good"), relay };
        assert_eq!(link.reveal(), text);
        assert!(Link::parse(text).expect(text) == link, "{text}");
    }
}
