//! What people paste, and what they are told when it is wrong.

use super::*;
use crate::proto::key::SessionRoot;
use proptest::collection::vec;
use proptest::prelude::*;

const TEXT: &str = "chi1zqrla5xpsvtxcpc6xerxvlk6rjgsyqszqgpqyqszqgpqyqszqgpqyeffgyq";
const FINGERPRINT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn token() -> Token {
    Token::new(Access::Interact, &SessionRoot::from_seed([1; 32]).session_id(), [2; 16], ShareFlags::NONE)
}

/// Encodes any payload with a right checksum, as a foreign implementation would.
fn spell(prefix: &'static str, payload: &[u8]) -> String {
    encode(prefix, payload)
}

/// Known vector: tokens of one implementation must open sessions of another.
#[test]
fn token_of_the_vector_reads_both_ways() {
    assert_eq!(token().reveal(), TEXT);
    let read = Token::parse(TEXT).expect("the vector's token");
    assert_eq!(read, token());
    assert_eq!(read.session.to_string(), "07fed0c183166c071a3646667eda1c91");
    assert_eq!(read.secret().expect("no passphrase").share_id().to_string(), "bf607c21edb7729307911a61629e03e5");
    assert_eq!(Token::parse(&TEXT.to_uppercase()), Ok(token()), "QR codes are in capitals");
    assert_eq!(Token::parse(&format!(" {TEXT}\r\n")), Ok(token()));
}

/// A mistyped token must never lead to some other share.
#[test]
fn every_flipped_bit_and_every_other_letter_is_refused() {
    for bit in 0..TEXT.len() * 8 {
        let mut other = TEXT.as_bytes().to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        let parsed = String::from_utf8(other).ok().and_then(|text| Token::parse(&text).ok());
        assert_eq!(parsed, None, "bit {bit}");
    }
    for (at, letter) in (4..TEXT.len()).flat_map(|at| ALPHABET.chars().map(move |letter| (at, letter))) {
        let mut other: Vec<char> = TEXT.chars().collect();
        if std::mem::replace(&mut other[at], letter) != letter {
            assert_eq!(Token::parse(&String::from_iter(other)), Err(TokenError::Checksum), "{letter} at {at}");
        }
    }
}

/// Whoever gets a view token must not make an interact token of it by a letter, nor the reverse.
#[test]
fn prefix_is_part_of_the_sum() {
    for other in ["chr", "cho", "CHI"] {
        assert!(Token::parse(&format!("{other}{}", &TEXT[3..])).is_err(), "{other}");
    }
}

/// Each mistake has its own words and its own way out.
#[test]
fn mistakes_are_named() {
    let parse = |text: &str| Token::parse(text).expect_err("a mistake");
    let tail = &TEXT[4..];
    assert_eq!(parse(" "), TokenError::Empty);
    assert_eq!(parse("hello"), TokenError::Prefix { found: "hello".into() });
    assert_eq!(parse(&format!("bc1{tail}")), TokenError::Prefix { found: "bc".into() });
    assert_eq!(parse(&TEXT[..62]), TokenError::Short { chars: 62 });
    assert_eq!(parse(&format!("{TEXT}q")), TokenError::Long { chars: 64 });
    assert_eq!(parse(&TEXT.replacen('z', "Z", 1)), TokenError::MixedCase);
    assert_eq!(parse(&TEXT.replacen("zq", "z o", 1)), TokenError::Character { found: ' ', position: 6 });
    assert_eq!(parse(&TEXT.replacen("zq", "zb", 1)), TokenError::Character { found: 'b', position: 6 });
    assert_eq!(parse(&format!("{TEXT}é")), TokenError::Character { found: 'é', position: 64 });
    assert_eq!(parse(&TEXT.replacen("zq", "qz", 1)), TokenError::Checksum);
    assert!(parse(&TEXT.replacen("zq", "qz", 1)).to_string().contains("a character is mistyped"));
    assert_eq!(parse("chi1"), TokenError::Short { chars: 4 });
}

/// A token of a later version adds up but means something that we do not know.
#[test]
fn later_versions_and_flags_are_refused() {
    let mut payload = [7; 33];
    payload[0] = 0x20;
    assert_eq!(Token::parse(&spell("chi", &payload)), Err(TokenError::Version { found: 2 }));
    payload[0] = 0x18;
    assert_eq!(Token::parse(&spell("chi", &payload)), Err(TokenError::Flags { found: 8 }));
    payload[0] = 0x17;
    assert_eq!(Token::parse(&spell("cho", &payload)).map(|token| token.flags.bits()), Ok(7));
}

/// The bit that 33 bytes leave over would give each token a second spelling.
#[test]
fn spare_bit_must_be_zero() {
    use bech32::{ByteIterExt, Fe32, Fe32IterExt};
    let hrp = Hrp::parse("chi").expect("small letters");
    let payload: Vec<u8> = CheckedHrpstring::new::<Bech32m>(TEXT).expect("adds up").byte_iter().collect();
    let spell = |spare: u8| -> String {
        let mut digits: Vec<Fe32> = payload.iter().copied().bytes_to_fes().collect();
        let last = digits.pop().expect("53 digits");
        digits.push(Fe32::try_from(last.to_u8() | spare).expect("5 bits"));
        digits.into_iter().with_checksum::<Bech32m>(&hrp).chars().collect()
    };
    assert_eq!(spell(0), TEXT);
    assert_eq!(Token::parse(&spell(1)), Err(TokenError::Checksum));
}

/// Tokens end up in `Debug` of whole states; the seed must not.
#[test]
fn debug_stops_before_the_seed() {
    assert_eq!(format!("{:?}", token()), "Token(chi1zqrl…)");
    let link = Link { token: token(), relay: None };
    assert!(!format!("{link:?}").contains(&TEXT[8..16]));
}

/// A link that leaks without its words must lead nowhere, and say so instead of looking for the wrong session.
#[test]
fn token_with_a_passphrase_is_half_a_secret() {
    let flagged = Token::new(Access::View, &token().session, [2; 16], ShareFlags::PASSPHRASE);
    let read = Token::parse(&flagged.reveal()).expect("any three flags are fine");
    assert!(read.needs_passphrase() && !token().needs_passphrase());
    assert_eq!(read.secret().err(), Some(TokenError::Passphrase));
    let hash = read.hash_passphrase("open sesame");
    let share = read.secret_with(Some(&hash)).expect("both halves").share_id();
    let issued = ShareSecret::new(&flagged.session, [2; 16], flagged.flags, Some(&hash));
    assert_eq!(share, issued.share_id(), "host and guest arrive at one share");
    let needless = token().secret_with(Some(&hash)).expect("one half is all");
    assert_eq!(needless.share_id(), token().secret().expect("no passphrase").share_id());
}

/// What only the owner and the certificate know has no room in a token, and no influence on what it leads to.
#[test]
fn token_has_its_own_flags_alone() {
    let all = ShareFlags::parse(31).expect("five bits");
    let token = Token::new(Access::View, &token().session, [2; 16], all);
    assert_eq!(token.flags.bits(), 7);
    assert_eq!(Token::parse(&token.reveal()), Ok(token));
}

/// The words of the command line and of the screen are the same.
#[test]
fn access_words_read_both_ways() {
    for access in Access::ALL {
        assert_eq!(access.to_string().parse(), Ok(access));
        assert_eq!(access.rights().to_string(), access.to_string());
    }
    assert!("root".parse::<Access>().is_err());
}

/// People paste links out of mails, chats and quoted shell lines.
#[test]
fn link_reads_what_people_paste() {
    let here = Relay { host: "relay.example".into(), port: PORT_DEFAULT, fingerprint: None };
    let pinned = Relay { port: 7, fingerprint: relay::parse_fingerprint(FINGERPRINT).ok(), ..here.clone() };
    let local = Relay { host: "::1".into(), ..here.clone() };
    for (text, relay) in [
        (TEXT.to_string(), None),
        (format!("cahoots://join#{TEXT}"), None),
        (format!("cahoots://join/#{TEXT}"), None),
        (format!("http://192.0.2.7:8080/j#{TEXT}"), None),
        (format!("http://127.0.0.1:8080/9f3a/j#{TEXT}"), None),
        (format!("HTTP://[fd00::7]:8080/j/#{}", TEXT.to_uppercase()), None),
        (format!("<cahoots://JOIN#{}>", TEXT.to_uppercase()), None),
        (format!("\"https://relay.example/j#{TEXT}\"\n"), Some(here.clone())),
        (format!("  'HTTPS://Relay.Example:4433/j/#{TEXT}'"), Some(here.clone())),
        (format!("“https://relay.example:7/j#{TEXT}&fp={FINGERPRINT}”"), Some(pinned)),
        (format!("https://[::1]/j#{TEXT}"), Some(local)),
    ] {
        assert_eq!(Link::parse(&text), Ok(Link { token: token(), relay }), "{text}");
    }
}

/// What is wrong with a link is said, and never guessed around.
#[test]
fn link_mistakes_are_named() {
    let parse = |text: String| Link::parse(&text).expect_err("a mistake");
    assert_eq!(parse("https://relay.example/j".into()), LinkError::NoToken);
    assert_eq!(parse("https://relay.example/j#".into()), LinkError::NoToken);
    assert!(matches!(parse(format!("https://relay.example/#{TEXT}")), LinkError::Foreign { .. }));
    assert!(matches!(parse(format!("http://relay.example/#{TEXT}")), LinkError::Foreign { .. }));
    assert_eq!(parse(format!("http://a/j#{TEXT}&fp={FINGERPRINT}")), LinkError::Parameter { found: "fp".into() });
    assert!(matches!(parse(format!("ftp://relay.example/j#{TEXT}")), LinkError::Foreign { .. }));
    assert!(matches!(parse(format!("cahoots://leave#{TEXT}")), LinkError::Foreign { .. }));
    assert_eq!(parse(format!("https:///j#{TEXT}")), LinkError::Relay(RelayError::Empty));
    assert_eq!(parse(format!("https://a/j#{TEXT}&x=1")), LinkError::Parameter { found: "x".into() });
    assert_eq!(parse(format!("cahoots://join#{TEXT}&fp=1")), LinkError::Parameter { found: "fp".into() });
    let short = LinkError::Relay(RelayError::Fingerprint { chars: 2 });
    assert_eq!(parse(format!("https://a/j#{TEXT}&fp=00")), short);
    let twice = format!("https://a/j#{TEXT}&fp={FINGERPRINT}&fp={FINGERPRINT}");
    assert_eq!(parse(twice), LinkError::Relay(RelayError::Fingerprint { chars: 132 }));
    assert_eq!(parse(TEXT[..60].into()), LinkError::Token(TokenError::Short { chars: 60 }));
}

/// A browser takes port 443 where none is named: the page of a relay is not there.
#[test]
fn link_names_the_port() {
    let link = Link::parse(&format!("https://relay.example/j#{TEXT}")).expect("a link");
    assert_eq!(link.reveal(), format!("https://relay.example:4433/j#{TEXT}"));
    assert_eq!(link.reveal_at_host("http://192.0.2.7:80"), format!("http://192.0.2.7:80/j#{TEXT}"));
    let own = link.reveal_at("http://127.0.0.1:80/9f3a");
    assert_eq!(own, format!("http://127.0.0.1:80/9f3a/j#https://relay.example:4433/j#{TEXT}"));
    assert_eq!(Link::parse(&own), Ok(link), "pasted elsewhere it is still the same link");
}

/// A relay is given on the command line, in the environment and inside links.
#[test]
fn relay_reads_hosts_ports_and_pins() {
    for (text, shown) in [
        ("relay.example", "relay.example"),
        (" https://relay.example:4433/ ", "relay.example"),
        ("10.0.0.1:5000", "10.0.0.1:5000"),
        ("[2001:DB8::1]:5000", "[2001:db8::1]:5000"),
        ("::1", "[::1]"),
        ("build_box", "build_box"),
    ] {
        assert_eq!(Relay::parse(text).map(|relay| relay.to_string()), Ok(shown.to_string()), "{text}");
    }
    let pinned = format!("relay.example:1#fp={FINGERPRINT}");
    assert_eq!(Relay::parse(&pinned).map(|relay| relay.to_string()), Ok(pinned));
}

/// A host that resolves to something unexpected sends the user's traffic there.
#[test]
fn relay_mistakes_are_named() {
    assert_eq!(Relay::parse(""), Err(RelayError::Empty));
    assert_eq!(Relay::parse(":80"), Err(RelayError::Empty));
    for host in ["user@relay", "a b", "bücher.example", "a..b", "[::1", "[relay]:1", "::1:x", &"a".repeat(64)] {
        let refused = Relay::parse(host);
        assert!(matches!(refused, Err(RelayError::Host { .. } | RelayError::Empty)), "{host}: {refused:?}");
    }
    for port in ["relay:", "relay:0", "relay:65536", "relay:+80", "relay:8o", "[::1]x"] {
        assert!(matches!(Relay::parse(port), Err(RelayError::Port { .. })), "{port}");
    }
    assert_eq!(Relay::parse("relay#fp=12"), Err(RelayError::Fingerprint { chars: 2 }));
    assert_eq!(Relay::parse("relay#12"), Err(RelayError::Fingerprint { chars: 2 }));
}

proptest! {
    /// Whatever is shared is read back as it was, with and without a relay.
    #[test]
    fn links_read_back(
        access in prop::sample::select(Access::ALL.to_vec()),
        session in any::<[u8; 16]>(),
        seed in any::<[u8; 16]>(),
        flags in 0..8_u8,
        relay in prop::option::of(("[a-z0-9-]{1,20}(\\.[a-z]{2,5}){0,2}", 1..=u16::MAX, any::<Option<[u8; 32]>>())),
    ) {
        let flags = ShareFlags::parse_token(flags).expect("3 bits");
        let token = Token::new(access, &SessionId(session), seed, flags);
        let relay = relay.map(|(host, port, fingerprint)| Relay { host, port, fingerprint });
        if let Some(relay) = &relay {
            prop_assert_eq!(Relay::parse(&relay.to_string()), Ok(relay.clone()));
        }
        let link = Link { token, relay };
        prop_assert_eq!(link.token.reveal().len(), TOKEN_CHARS);
        prop_assert_eq!(Link::parse(&link.reveal()), Ok(link));
    }

    /// What is accepted has one spelling: it encodes to the text that was read.
    #[test]
    fn accepted_tokens_encode_to_their_text(payload in vec(any::<u8>(), 33), head in 0x10..0x20_u8) {
        let mut payload = payload;
        payload[0] = head;
        let text = spell("chr", &payload);
        if let Ok(token) = Token::parse(&text) {
            prop_assert_eq!(token.reveal(), text);
        }
    }

    /// Any text may be pasted.
    #[test]
    fn parsers_take_any_text(text in any::<String>(), tail in "[a-z0-9#&/:=\\[\\]]{0,80}") {
        for begin in ["", "chi1", "https://", "https://a/j#", "http://a/j#", "http://a/j#http://b/j#", "cahoots://join#"] {
            for rest in [&text, &tail] {
                let _ = Link::parse(&format!("{begin}{rest}")).map_err(|error| error.hint());
                let _ = Relay::parse(&format!("{begin}{rest}")).map_err(|error| error.hint());
            }
        }
    }
}
