//! The properties of the design, and where each is checked.
//!
//! `CAHOOTS_CASES=n` sets how many sessions are drawn.

mod backups;
mod disk;
mod handshakes;
mod member;
mod model;
mod play;
mod poison;
mod removed;
mod rights;
mod verdict;
mod wires;

use play::Play;
use proptest::prelude::*;

/// How many sessions a plain `cargo test` draws.
const SESSIONS: u32 = 12;

fn sessions() -> ProptestConfig {
    let cases = std::env::var("CAHOOTS_CASES").map_or(SESSIONS, |text| text.parse().expect("a number"));
    ProptestConfig { max_shrink_iters: 600, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(sessions())]

    /// Whatever happens in whatever order, everybody who is in sees the same, and nobody else sees or does a thing.
    #[test]
    fn sessions_go_as_their_rights_say(acts in play::session()) {
        Play::play(&acts);
    }
}
