//! Presence of a stranger: what decodes has one form.

use crate::cast;
use cahoots::proto::doc::Presence;

/// The first byte says whether to make the chunk's checksum right; the rest is the plaintext.
pub fn run(data: &[u8]) {
    let Some((&mode, chunk)) = data.split_first() else { return };
    let chunk = cast::chunk(mode & 1 == 1, chunk);
    let author = cast::ben();
    if let Ok(presence) = Presence::decode(author, &chunk) {
        assert_eq!(presence.encode(author), chunk, "one form");
    }
}
