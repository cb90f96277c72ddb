//! The direct channel: what is typed reaches the host alone, once, in order.

use super::*;
use crate::proto::id::AuthorId;

const BEN: u8 = 20;

/// Ben types, Ada hosts.
struct Pair {
    ben: VerifiedMember,
    ada: VerifiedMember,
    guest: DirectGuest,
}

impl Pair {
    fn new() -> Self {
        let (ben, ada) = (verified(&keys(BEN)), verified(&keys(ADA)));
        let guest = DirectGuest::new(session(), ben.author(), ada.author(), ada.kem_public(), [3; 32]);
        Self { ben, ada, guest: guest.expect("Ada's key is one") }
    }

    fn say(&mut self, kind: u8, text: &[u8]) -> WireEntry {
        self.guest.seal(kind, &keys(BEN), text)
    }

    fn accept(&self, entry: &WireEntry) -> Result<(DirectHost, Vec<u8>), EntryError> {
        DirectHost::accept(session(), &keys(ADA), self.ada.author(), &self.ben, entry)
    }

    /// Opens the channel.
    fn connected() -> (Self, DirectHost) {
        let mut pair = Self::new();
        let hello = pair.say(1, b"hello");
        let (host, text) = pair.accept(&hello).expect("the true opening");
        assert_eq!(text, b"hello");
        (pair, host)
    }

    fn hear(&mut self, entry: &WireEntry) -> Result<Vec<u8>, EntryError> {
        self.guest.open(entry, self.ada.verify_key())
    }
}

fn answer(host: &mut DirectHost, seq: u64, text: &[u8]) -> WireEntry {
    host.seal(seq, verified(&keys(ADA)).author(), &keys(ADA), text)
}

/// Typing into a shared shell, and what comes back.
#[test]
fn both_ends_understand_each_other() {
    let (mut pair, mut host) = Pair::connected();
    assert_eq!(host.guest(), pair.ben.author());
    for (kind, text) in [(2, &b"keyframe, please"[..]), (3, b"ls\n")] {
        let entry = pair.say(kind, text);
        assert_eq!(host.open(&entry), Ok(text.to_vec()));
    }
    assert_eq!((pair.guest.next_seq(), host.next_seq()), (3, 3));
    let reply = answer(&mut host, 7, b"done");
    assert_eq!(pair.hear(&reply), Ok(b"done".to_vec()));
}

/// Whoever stays when its share is closed can be given the next secret, and nobody else reads it.
#[test]
fn host_wraps_an_epoch_for_one_guest_alone() {
    use crate::proto::epoch::{WrapError, open_member_wrap};
    let (pair, host) = Pair::connected();
    assert_eq!(pair.guest.kek().expose(), host.kek().expose());
    let (next, ben, eve) = (EpochSecret::from_bytes([9; 32]), pair.ben.author(), verified(&keys(EVE)).author());
    let wrap = next.wrap(Epoch(1), host.kek(), ben.as_bytes(), &session());
    let open = |who: &AuthorId, kek| open_member_wrap(&wrap, who, kek, &session(), &next.commit());
    assert_eq!(open(&ben, pair.guest.kek()).expect("for Ben").expose(), next.expose());
    assert_eq!(open(&eve, pair.guest.kek()).err(), Some(WrapError::Recipient { found: ben.0 }));
    let other = DirectGuest::new(session(), eve, pair.ada.author(), pair.ada.kem_public(), [4; 32]).expect("a key");
    assert_eq!(open(&ben, other.kek()).err(), Some(WrapError::Seal));
}

/// A password is typed here: every altered bit is noticed, in both directions.
#[test]
fn every_flipped_bit_is_refused() {
    let (mut pair, mut host) = Pair::connected();
    let hello = Pair::new().say(1, b"hello");
    for_each_flip(hello.as_bytes(), |bit, other| {
        if let Ok(other) = WireEntry::decode(other.into()) {
            assert!(pair.accept(&other).is_err(), "opening, bit {bit}");
        }
    });
    let typed = pair.say(3, b"secret");
    for_each_flip(typed.as_bytes(), |bit, other| {
        if let Ok(other) = WireEntry::decode(other.into()) {
            assert!(host.open(&other).is_err(), "input, bit {bit}");
        }
    });
    assert_eq!(host.open(&typed), Ok(b"secret".to_vec()), "refusing leaves the channel as it was");
    let reply = answer(&mut host, 0, b"done");
    for_each_flip(reply.as_bytes(), |bit, other| {
        if let Ok(other) = WireEntry::decode(other.into()) {
            assert!(pair.hear(&other).is_err(), "answer, bit {bit}");
        }
    });
    assert_eq!(pair.hear(&reply), Ok(b"done".to_vec()));
}

/// `rm` sent again after a reconnection must not run twice.
#[test]
fn input_is_taken_once_and_in_order() {
    let (mut pair, mut host) = Pair::connected();
    let typed: Vec<WireEntry> = (0..3).map(|at| pair.say(3, &[at])).collect();
    assert_eq!(host.open(&typed[1]), Err(EntryError::Gap { seq: 2, next: 1 }));
    assert_eq!(host.open(&typed[0]), Ok(vec![0]));
    assert_eq!(host.open(&typed[0]), Err(EntryError::Duplicate { seq: 1, next: 2 }));
    assert_eq!(host.open(&typed[1]), Ok(vec![1]));
    assert_eq!(host.open(&typed[2]), Ok(vec![2]));
}

/// The relay, or another member who claims to host, learns nothing and is not taken for the host.
#[test]
fn wrong_host_neither_reads_nor_answers() {
    let mut pair = Pair::new();
    let hello = pair.say(1, b"hello");
    let eve = verified(&keys(EVE));
    let stolen = DirectHost::accept(session(), &keys(EVE), eve.author(), &pair.ben, &hello);
    assert_eq!(stolen.err(), Some(EntryError::Seal { seq: 0 }));
    let claimed = DirectHost::accept(session(), &keys(EVE), pair.ada.author(), &pair.ben, &hello);
    assert_eq!(claimed.err(), Some(EntryError::Seal { seq: 0 }));
    let renamed = DirectHost::accept(session(), &keys(ADA), eve.author(), &pair.ben, &hello);
    assert_eq!(renamed.err(), Some(EntryError::Seal { seq: 0 }), "keys are bound to the host's name");

    let (mut host, _) = pair.accept(&hello).expect("Ada");
    let by_eve = host.seal(1, eve.author(), &keys(EVE), b"done");
    assert_eq!(pair.hear(&by_eve), Err(EntryError::Lane));
    let as_ada = host.seal(2, pair.ada.author(), &keys(EVE), b"done");
    assert_eq!(pair.hear(&as_ada), Err(EntryError::Signature { seq: 2 }));
}

/// Eve may not take over what Ben opened, nor open in Ben's name.
#[test]
fn opening_counts_for_its_guest_only() {
    let mut pair = Pair::new();
    let hello = pair.say(1, b"hello");
    let eve = verified(&keys(EVE));
    let as_eve = DirectHost::accept(session(), &keys(ADA), pair.ada.author(), &eve, &hello);
    assert_eq!(as_eve.err(), Some(EntryError::Lane));
    let forged = Pair::new().guest.seal(1, &keys(EVE), b"hello");
    assert_eq!(pair.accept(&forged).err(), Some(EntryError::Signature { seq: 0 }));
}

/// The host sends answers to many over one lane; each guest hears its own, rising.
#[test]
fn answers_reach_their_addressee_once() {
    let (mut pair, mut host) = Pair::connected();
    let (first, second) = (answer(&mut host, 4, b"4"), answer(&mut host, 9, b"9"));
    assert_eq!(pair.hear(&second), Ok(b"9".to_vec()));
    assert_eq!(pair.hear(&second), Err(EntryError::Duplicate { seq: 9, next: 10 }));
    assert_eq!(pair.hear(&first), Err(EntryError::Duplicate { seq: 4, next: 10 }));

    let eve = verified(&keys(EVE));
    let mut guest =
        DirectGuest::new(session(), eve.author(), pair.ada.author(), pair.ada.kem_public(), [4; 32]).expect("a key");
    let late = answer(&mut host, 10, b"10");
    assert_eq!(guest.open(&late, pair.ada.verify_key()), Err(EntryError::Addressee { seq: 10 }));
}

/// A channel begins with its keys, and has them once.
#[test]
fn channel_opens_first_and_once() {
    let (mut pair, mut host) = Pair::connected();
    let typed = pair.say(3, b"x");
    assert_eq!(pair.accept(&typed).err(), Some(EntryError::Gap { seq: 1, next: 0 }));
    let again = Pair::new().say(1, b"hello");
    assert_eq!(host.open(&again), Err(EntryError::Duplicate { seq: 0, next: 1 }));
}

/// Only the first entry opens, whatever a guest seals with the right key.
#[test]
fn kind_and_place_of_the_opening_belong_together() {
    let (mut pair, mut host) = Pair::connected();
    let again = pair.guest.forge(1, 1, &keys(BEN));
    assert_eq!(host.open(&again), Err(EntryError::Kind { found: 1, channel: 4 }));
    for kind in [2, 3] {
        let first = pair.guest.forge(kind, 0, &keys(BEN));
        assert_eq!(pair.accept(&first).err(), Some(EntryError::Kind { found: kind, channel: 4 }));
    }
}

/// A certificate can hold any 32 bytes as KEM key; zero would make the secret everybody's.
#[test]
fn small_order_kem_key_is_refused() {
    let (ben, ada) = (AuthorId([1; 16]), AuthorId([2; 16]));
    let refused = DirectGuest::new(session(), ben, ada, &[0; 32], [3; 32]);
    assert_eq!(refused.err(), Some(EntryError::Agreement));
}

/// A nonce used twice would give two answers away.
#[test]
#[should_panic(expected = "rises")]
fn answer_with_a_used_seq_is_a_bug() {
    let (_, mut host) = Pair::connected();
    answer(&mut host, 4, b"4");
    answer(&mut host, 4, b"5");
}

/// The relay forwards without reading: it checks who wrote, and leaves order to the two ends.
#[test]
fn relay_checks_direct_entries_and_lets_them_repeat() {
    let mut pair = Pair::new();
    let entries = [pair.say(1, b"hello"), pair.say(3, b"ls\n")];
    let mut relay = LaneVerifier::new(session(), entries[0].lane, pair.ben.verify_key().clone());
    for entry in [&entries[1], &entries[0], &entries[1]] {
        relay.check(entry).expect("Ben wrote it");
        assert_eq!(relay.position().0, 2, "the position never goes back");
    }
    let mut other = LaneVerifier::new(session(), entries[0].lane, verified(&keys(EVE)).verify_key().clone());
    assert_eq!(other.check(&entries[0]), Err(EntryError::Signature { seq: 0 }));
}

/// States of programs are printed; keys must not be.
#[test]
fn debug_shows_no_key() {
    let (pair, host) = Pair::connected();
    let shown = format!("{:?} {host:?} {:?}", pair.guest, Bench::new(Channel::CHAT).writer);
    assert_eq!(shown.matches("Secret32(…)").count(), 7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is lost, repeated or reordered, the host reads a prefix of what was typed.
    #[test]
    fn host_reads_a_prefix(arrivals in vec(0..6_usize, 0..30)) {
        let (mut pair, mut host) = Pair::connected();
        let typed: Vec<WireEntry> = (0..6).map(|at| pair.say(3, &[at])).collect();
        let mut read = Vec::new();
        for at in arrivals {
            let is_next = at == read.len();
            let opened = host.open(&typed[at]);
            prop_assert_eq!(opened.is_ok(), is_next);
            read.extend(opened.unwrap_or_default());
        }
        let prefix: Vec<u8> = (0..read.len() as u8).collect();
        prop_assert_eq!(read, prefix);
    }

    /// Guests send what they like: any bytes with a true signature.
    #[test]
    fn signed_nonsense_is_refused(body in vec(any::<u8>(), 16..120), kind in 1..4_u8, seq in 0..2_u64) {
        let (pair, mut host) = Pair::connected();
        let lane = LaneId { channel: Channel::TO_HOST, author: pair.ben.author(), epoch: Epoch(0) };
        let header = crate::proto::wire::header(&session(), kind, &lane, seq, &[0; 32], body.len());
        let signature = keys(BEN).sign(&crate::proto::lane::verify::entry_digest(&header, &body));
        let entry = WireEntry::encode(kind, lane, seq, &body, &signature);
        prop_assert!(pair.accept(&entry).is_err());
        prop_assert!(host.open(&entry).is_err());
        prop_assert_eq!(host.next_seq(), 1);
    }
}
