//! Entries: one form outside, and checking and opening them agree.

use crate::cast;
use cahoots::proto::id::Class;
use cahoots::proto::lane::verify::LaneVerifier;
use cahoots::proto::seal::{LaneReader, pad_durable, unpad_durable};
use cahoots::proto::wire::WireEntry;

/// Entries, each behind its length as a `u16`; all are given to the lane of the first one.
pub fn run(data: &[u8]) {
    let entries: Vec<WireEntry> =
        cast::pieces(data).filter_map(|raw| WireEntry::decode(raw.to_vec().into()).ok()).collect();
    let Some(lane) = entries.first().map(|entry| entry.lane) else { return };
    let key = cast::member(0xa0).sign_public().try_into().expect("a made key is usable");
    let mut verifier = LaneVerifier::new(cast::session(), lane, Clone::clone(&key));
    let mut reader = (lane.channel.class() != Class::Direct)
        .then(|| LaneReader::new(cast::session(), lane, key, &cast::epoch_secret()));
    for entry in &entries {
        let again = WireEntry::encode(entry.kind, entry.lane, entry.seq, entry.body(), entry.signature());
        assert_eq!(again.as_bytes(), entry.as_bytes(), "one form");
        let checked = verifier.check(entry);
        if let Some(Ok(plaintext)) = reader.as_mut().map(|reader| reader.open(entry)) {
            assert!(checked.is_ok(), "what opens was signed");
            if let Ok(payload) = unpad_durable(&plaintext) {
                assert_eq!(pad_durable(payload), plaintext, "one form");
            }
        }
    }
}
