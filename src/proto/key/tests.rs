//! What secrets lead to, and that they show nowhere.

use super::*;
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{Channel, Epoch, LaneId};
use crate::proto::member::cast::verified;
use crate::proto::seal::{DirectGuest, DirectHost, LaneReader, LaneWriter};
use crate::proto::token::{Access, Link, Token};

/// Known vector: an independent prototype computed these ids from the same seeds.
#[test]
fn ids_follow_from_the_seeds() {
    let root = SessionRoot::from_seed([1; 32]);
    let session = root.session_id();
    assert_eq!(session.to_string(), "07fed0c183166c071a3646667eda1c91");
    let share = ShareSecret::new(&session, [2; 16], ShareFlags::NONE, None);
    assert_eq!(share.share_id().to_string(), "bf607c21edb7729307911a61629e03e5");
    assert!(format!("{:?}", share.public()).starts_with("PublicKey(4b1e3b4f"));
}

/// Flags are part of what the seed means: a guest that drops one arrives at another share.
#[test]
fn flags_change_the_share() {
    let session = SessionRoot::from_seed([1; 32]).session_id();
    let plain = ShareSecret::new(&session, [2; 16], ShareFlags::NONE, None);
    let lan_only = ShareSecret::new(&session, [2; 16], ShareFlags::LAN_ONLY, None);
    assert_ne!(plain.share_id(), lan_only.share_id());
    assert_ne!(plain.kek().expose(), lan_only.kek().expose());
}

/// A guest knows the flags of its token alone: what only the certificate says must not lead it elsewhere.
#[test]
fn flags_of_the_certificate_alone_change_nothing() {
    let session = SessionRoot::from_seed([1; 32]).session_id();
    let one_by_one = ShareFlags::LAN_ONLY.union(ShareFlags::APPROVE).union(ShareFlags::ONCE);
    let [of_token, of_cert] =
        [ShareFlags::LAN_ONLY, one_by_one].map(|flags| ShareSecret::new(&session, [2; 16], flags, None));
    assert_eq!(of_token.share_id(), of_cert.share_id());
}

/// Whoever guesses the words of one link must not hold anything of another that has the same words.
#[test]
fn one_passphrase_gives_nothing_in_common() {
    let sessions = [[1; 32], [3; 32]].map(|seed| SessionRoot::from_seed(seed).session_id());
    let flags = ShareFlags::PASSPHRASE;
    // Two sessions, then two shares of one session.
    let places = [(sessions[0], [2; 16]), (sessions[1], [2; 16]), (sessions[0], [4; 16])];
    let made = places.map(|(session, seed)| {
        let hash = PassphraseHash::derive("correct horse battery staple", &session, &seed);
        (ShareSecret::new(&session, seed, flags, Some(&hash)), hash)
    });
    let bytes: Vec<[u8; 32]> = made
        .iter()
        .flat_map(|(share, hash)| [*hash.expose(), *share.kek().expose(), share.sign.to_bytes(), share.public().0])
        .collect();
    for (at, one) in bytes.iter().enumerate() {
        assert!(!bytes[at + 1..].contains(one), "bytes {at} are used twice");
    }
    assert_ne!(made[0].0.share_id(), made[1].0.share_id());
    assert_ne!(made[0].0.share_id(), made[2].0.share_id());
}

/// A wrong or missing passphrase leads to a share that nobody knows, so that its name already tells a relay nothing.
#[test]
fn every_passphrase_names_another_share() {
    let session = SessionRoot::from_seed([1; 32]).session_id();
    let share = |words: Option<&str>| {
        let hash = words.map(|words| PassphraseHash::derive(words, &session, &[2; 16]));
        ShareSecret::new(&session, [2; 16], ShareFlags::PASSPHRASE, hash.as_ref()).share_id()
    };
    let right = share(Some("open sesame"));
    for wrong in [None, Some("Open sesame")] {
        assert_ne!(share(wrong), right, "{wrong:?}");
    }
}

/// Logs and panics print with `Debug`; none of it may help a reader of the logs, however it spells bytes.
#[test]
fn debug_shows_no_secret() {
    let seed = std::array::from_fn(|at| (at as u8).wrapping_mul(7).wrapping_add(0x31));
    let root = SessionRoot::from_seed(seed);
    let session = root.session_id();
    let token_seed = std::array::from_fn(|at| (at as u8).wrapping_mul(11).wrapping_add(0x45));
    let token = Token::new(Access::Interact, &session, token_seed, ShareFlags::PASSPHRASE);
    let hash = token.hash_passphrase("correct horse battery staple");
    let share = token.secret_with(Some(&hash)).expect("the hash is there");
    let (keys, epoch) = (MemberKeys::from_seed(seed), EpochSecret::from_bytes(seed));
    let member = verified(&keys);
    let lane = LaneId { channel: Channel::CHAT, author: member.author(), epoch: Epoch(0) };
    let here = crate::proto::member::cast::session();
    let mut writer = LaneWriter::new(here, lane, &epoch);
    let reader = LaneReader::new(here, lane, member.verify_key().clone(), &epoch);
    let entry = writer.seal(1, &keys, b"correct horse");
    let host = verified(&MemberKeys::from_seed([8; 32]));
    let mut guest = DirectGuest::new(here, member.author(), host.author(), host.kem_public(), seed).expect("a key");
    let opening = guest.seal(1, &keys, b"correct horse");
    let accepted = DirectHost::accept(here, &MemberKeys::from_seed([8; 32]), host.author(), &member, &opening);
    let (direct, _) = accepted.expect("the true opening");
    let link = Link { token: token.clone(), relay: None };

    let shown = format!(
        "{root:?} {share:?} {:?} {keys:?} {epoch:?} {hash:?} {token:?} {link:?} {writer:?} {reader:?} {guest:?} \
         {direct:?} {:?} {entry:?}",
        share.kek(),
        guest.kek(),
    );
    let lane_key = derive("entry key", &[&seed, lane.author.as_bytes(), &2_u16.to_le_bytes()]);
    let secrets: [&[u8]; 10] = [
        &seed,
        &token_seed,
        hash.expose(),
        share.kek().expose(),
        share.sign.as_bytes(),
        keys.sign.as_bytes(),
        keys.kem.expose(),
        guest.kek().expose(),
        &lane_key,
        b"correct horse battery staple",
    ];
    for secret in secrets {
        assert_hides(&shown, secret);
    }
    assert!(!shown.contains(&token.reveal()[8..16]), "{shown}");
}

/// Checks that no five bytes in a row of `secret` show in `shown`, in any spelling that programs use for bytes.
fn assert_hides(shown: &str, secret: &[u8]) {
    let lower = shown.to_lowercase();
    // Whatever stands before it, some five bytes begin where a digit of the encoding begins.
    for bytes in secret.windows(5) {
        let hex = |separator: &str| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator);
        let decimal = bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        for spelled in [hex(""), hex(":"), hex(" "), decimal, digits(bytes, 5, BECH32)] {
            assert!(!lower.contains(&spelled), "{spelled} in {shown}");
        }
        for alphabet in [BASE64, BASE64_URL] {
            // The last digit holds bits of the byte that follows.
            let spelled = &digits(bytes, 6, alphabet)[..6];
            assert!(!shown.contains(spelled), "{spelled} in {shown}");
        }
        assert!(!shown.contains(&*String::from_utf8_lossy(bytes)), "{bytes:?} in {shown}");
    }
}

const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Spells five bytes in digits of `bits` bits, highest first.
fn digits(bytes: &[u8], bits: u32, alphabet: &[u8]) -> String {
    let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let count = 40_u32.div_ceil(bits);
    let digit = |at: u32| (number << 24 >> (64 - bits * (at + 1))) as usize & (alphabet.len() - 1);
    (0..count).map(|at| char::from(alphabet[digit(at)])).collect()
}

/// The net is only as good as its knots.
#[test]
fn shown_secrets_would_be_noticed() {
    let secret: Vec<u8> = (0x51..0x71).collect();
    for shown in
        ["5152535455", "51:52:53:54:55", "[81, 82, 83, 84, 85, 86]", "UVJTVFVWV1hZ", "29f9x4z42et4sk26", "QRSTUV"]
    {
        let caught = std::panic::catch_unwind(|| assert_hides(shown, &secret));
        assert!(caught.is_err(), "{shown}");
    }
    assert_hides("5152535 SecretKey(…)", &secret);
}

/// Wiping is checked on the types that hold bytes of ours; dalek wipes its own.
#[test]
fn secrets_are_wiped() {
    fn assert_wiped<T: ZeroizeOnDrop>(_: &T) {}
    let mut secret = Secret32::from_bytes([5; 32]);
    assert_wiped(&secret);
    assert_wiped(&SessionRoot::from_seed([1; 32]).0);
    assert_wiped(&Token::new(Access::View, &SessionRoot::from_seed([1; 32]).session_id(), [2; 16], ShareFlags::NONE));
    secret.zeroize();
    assert_eq!(secret.expose(), &[0; 32]);
}
