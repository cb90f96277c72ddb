//! Wraps: only the committed secret comes out.

use crate::cast;
use cahoots::proto::epoch::{open_wrap, wrap_epoch, wrap_recipient};
use cahoots::proto::key::Secret32;

/// All of the input is one wrap.
pub fn run(data: &[u8]) {
    assert_eq!(wrap_epoch(data).is_some(), data.len() == 68);
    assert_eq!(wrap_recipient(data).is_some(), data.len() == 68);
    let commit = cast::epoch_secret().commit();
    for seed in [0x20, 0x30, 0x40] {
        let kek = Secret32::from_bytes(*cast::share(seed).kek().expose());
        if let Ok(secret) = open_wrap(data, &kek, &cast::session(), &commit) {
            assert_eq!(secret.commit(), commit);
        }
    }
}
