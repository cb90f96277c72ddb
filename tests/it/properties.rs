//! The properties of the design, P1 to P27, and where each is checked.
//!
//! [`PROPERTIES`] is the table; that it tells the truth about names is a test, that the tests keep their promise is not.
//! Here are the checks that take whole sessions: [`play`] draws them and compares with [`model`], which knows maps and
//! rights alone. `CAHOOTS_CASES=n` sets how many are drawn.

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

use crate::tidy;
use play::Play;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// How many sessions a plain `cargo test` draws.
const SESSIONS: u32 = 12;

/// One property.
struct Property {
    says: &'static str,
    /// `file::test`, the file by the end of its path.
    tests: &'static [&'static str],
    /// What no test checks of it, if anything.
    lacks: &'static str,
}

const WHOLE: &str = "it/properties::sessions_go_as_their_rights_say";
const SIMULATED: &str = "it/sim::members_see_what_the_model_says_whatever_the_network_does";

const PROPERTIES: [Property; 27] = [
    Property {
        says: "P1 any bit flip in token, certificate, entry, wrap or log record is refused",
        tests: &[
            "token/tests::every_flipped_bit_and_every_other_letter_is_refused",
            "member/tests::every_flipped_bit_of_the_certificates_is_refused",
            "seal/tests::every_flipped_bit_of_an_entry_is_refused",
            "seal/tests/direct::every_flipped_bit_is_refused",
            "proto/epoch::every_flipped_bit_of_a_wrap_is_refused",
            "authlog/tests::every_flipped_bit_of_a_record_is_refused",
            "proof/tests::every_flipped_bit_of_a_proof_is_refused",
            "seal/tests/share_kek::every_flipped_bit_of_a_passed_on_share_is_refused",
        ],
        lacks: "",
    },
    Property {
        says: "P2 rights(child) are within rights(parent) for every generated chain",
        tests: &[
            "member/tests::chain_holds_exactly_if_each_link_is_narrower",
            "authlog/tests/doors::share_passed_on_never_has_more_than_the_one_above",
            "session/tests/passing::nobody_passes_on_more_than_it_has",
        ],
        lacks: "",
    },
    Property {
        says: "P3 who lacks a right, with every epoch key and a helpful relay, changes no honest peer's state",
        tests: &["properties/rights::every_message_under_every_set_of_rights_does_what_they_say", WHOLE],
        lacks: "",
    },
    Property {
        says: "P4 relay and reader together cannot produce a frame that a third peer shows",
        tests: &[
            "properties/rights::every_message_under_every_set_of_rights_does_what_they_say",
            "threats/read_only_holder::output_cannot_be_forged",
            "threats/malicious_relay::documents_cannot_be_forged",
            "seal/tests::member_cannot_write_for_another",
        ],
        lacks: "",
    },
    Property {
        says: "P5 an AUTH recorded on one connection fails on every other",
        tests: &[
            "properties/handshakes::auth_of_one_connection_fails_on_every_other",
            "threats/malicious_relay/keys::auth_cannot_be_replayed",
        ],
        lacks: "",
    },
    Property {
        says: "P6 after an epoch begins no key that a removed member knows opens any later record",
        tests: &["session/tests/revoke::revoked_member_can_read_nothing_sent_after", SIMULATED],
        lacks: "",
    },
    Property {
        says: "P7 what a removed member wrote above the cut is refused by all, in any delivery order",
        tests: &[
            "properties/removed::nothing_behind_the_cut_counts_in_any_order",
            "doc/tests/cuts::replicas_agree_after_a_cut_and_nothing_of_those_who_stay_is_lost",
            "relay/tests/ends::entries_behind_a_cut_are_dropped_and_refused",
            WHOLE,
        ],
        lacks: "",
    },
    Property {
        says: "P8 no live admission after expires + 120 s by the node's clock; a relay's clock never goes back",
        tests: &[
            "relay/tests/restart::too_late_is_too_late_whatever_the_clock_does",
            "relay/tests/restart::time_never_goes_back",
            "relay/tests/admission::expiry_keeps_newcomers_out_and_cuts_members_after_the_skew",
            "member/tests::time_counts_with_the_skew_bound",
            WHOLE,
        ],
        lacks: "restarts are those of a store in memory",
    },
    Property {
        says: "P9 all honest peers reach the same admitted set whatever their clocks",
        tests: &["authlog/tests/replicas::same_records_give_the_same_verdicts", WHOLE, SIMULATED],
        lacks: "",
    },
    Property {
        says: "P10 a share below never outlives or outranks its parent; closing the parent closes it",
        tests: &[
            "authlog/tests/doors::share_passed_on_never_has_more_than_the_one_above",
            "authlog/tests/doors::closing_a_share_closes_all_below_it",
            "session/tests/passing::closing_a_share_closes_those_below",
            WHOLE,
        ],
        lacks: "",
    },
    Property {
        says: "P11 two sessions with the same passphrase share no derived bytes",
        tests: &["key/tests::one_passphrase_gives_nothing_in_common"],
        lacks: "",
    },
    Property {
        says: "P12 secrets never appear in logs, panics, metrics or argv",
        tests: &[
            "cli/secrets::logs_and_socket_names_hold_no_secret",
            "cli/secrets::passphrase_is_no_argument",
            "key/tests::debug_shows_no_secret",
            "key/tests::shown_secrets_would_be_noticed",
        ],
        lacks: "no soak whose whole output is searched",
    },
    Property {
        says: "P13 keystrokes cannot be opened by any key set but the host's",
        tests: &[
            "session/tests/hardening::keystrokes_open_with_the_keys_of_nobody_else",
            "threats/read_only_holder::input_cannot_be_read",
            "threats/interactive_holder::keys_typed_by_others_cannot_be_read",
        ],
        lacks: "",
    },
    Property {
        says: "P14 the same admitted set gives the same heads and the same view",
        tests: &["doc/tests/merge::replicas_that_hold_the_same_payloads_agree", WHOLE, SIMULATED],
        lacks: "",
    },
    Property {
        says: "P15 any delivery order, duplication or batching gives P14",
        tests: &[
            "doc/tests/merge::replicas_that_hold_the_same_payloads_agree",
            "seal/tests::durable_lane_reads_as_a_prefix",
            WHOLE,
        ],
        lacks: "",
    },
    Property {
        says: "P16 offline edits survive a re-key",
        tests: &[
            "session/tests/rekey::line_written_offline_over_two_epochs_is_not_lost",
            "doc/tests/cuts::replicas_agree_after_a_cut_and_nothing_of_those_who_stay_is_lost",
            WHOLE,
            SIMULATED,
        ],
        lacks: "",
    },
    Property {
        says: "P17 one equivocator never stops two honest peers; the proof reaches all within two heartbeats",
        tests: &[
            "attacks/disturb::two_histories_cost_no_link",
            "session/tests/proofs::two_histories_are_proven_to_everybody_and_end_with_one",
            "relay/tests/proofs::proof_is_passed_on_once_and_told_to_newcomers",
        ],
        lacks: "",
    },
    Property {
        says: "P18 after any accepted bytes a rebuild succeeds, and all refuse the same",
        tests: &[
            "properties/poison::replicas_refuse_the_same_and_load_again",
            "doc/tests/mutants::changes_with_wild_references_are_harmless",
            "doc/tests/mutants::changes_with_wild_bytes_are_harmless",
            "doc/tests/hostile::a_change_on_which_automerge_panics_is_taken_back_alone",
        ],
        lacks: "",
    },
    Property {
        says: "P19 a checkpoint and the tail are the full log",
        tests: &[
            "doc/tests/checkpoints::a_checkpoint_and_the_tail_are_the_full_log",
            "session/tests/checkpoints::newcomer_takes_the_checkpoint_and_goes_on_from_there",
        ],
        lacks: "",
    },
    Property {
        says: "P20 a checkpoint that leaves a head out is flagged by whoever holds it",
        tests: &[
            "doc/tests/checkpoints::a_checkpoint_that_leaves_something_out_shows_by_its_heads",
            "session/tests/checkpoints::checkpoint_that_leaves_something_out_is_noticed",
        ],
        lacks: "",
    },
    Property {
        says: "P21 compaction never removes an entry above the frontier",
        tests: &[
            "relay/tests/checkpoints::late_checkpoint_takes_nothing_of_its_own_epoch",
            "relay/tests/checkpoints::wrong_digest_or_missing_segment_forgets_nothing",
            "session/tests/checkpoints::nothing_of_the_newest_epoch_is_forgotten",
            WHOLE,
        ],
        lacks: "",
    },
    Property {
        says: "P22 chat order is total and equal on all peers",
        tests: &["doc/tests::chat_lines_come_in_one_order_with_their_numbers", WHOLE, SIMULATED],
        lacks: "",
    },
    Property {
        says: "P23 an acknowledged entry survives kill -9 and a power cut of the relay",
        tests: &[
            "relay/tests/durable::failed_store_moves_no_lane",
            "relay/tests/durable::failed_store_moves_no_log",
            "relay/tests/restart::hall_with_the_old_store_continues",
            WHOLE,
        ],
        lacks: "there is no store on disk: checked is that nothing is acknowledged before the store has it, and that a \
                relay which comes back with its store has all of it",
    },
    Property {
        says: "P24 no gap in a lane is ever shown as complete",
        tests: &[
            "seal/tests::durable_lane_takes_exactly_the_next_entry",
            "seal/tests::live_lane_never_goes_back",
            "session/tests/holdings::relay_that_withholds_entries_is_named_within_ten_seconds",
            WHOLE,
        ],
        lacks: "",
    },
    Property {
        says: "P25 a rolled-back or forked relay is named within 10 s",
        tests: &[
            "properties/backups::relay_with_an_old_backup_is_named_and_filled",
            "session/tests/holdings::relay_that_was_rolled_back_is_named_and_mended",
            "session/tests/holdings::relay_that_tells_two_stories_is_named_within_ten_seconds",
            "session/tests/holdings::honest_relay_is_never_named",
        ],
        lacks: "backups are those of a store in memory",
    },
    Property {
        says: "P26 output shown is the host's stream from a keyframe on, never interleaved, never altered",
        tests: &[
            "relay/ring/tests::pulled_frames_can_be_played",
            "stream/tests::loss_heals_at_the_next_keyframe",
            "threats/malicious_relay::output_cannot_be_forged",
            WHOLE,
            SIMULATED,
        ],
        lacks: "",
    },
    Property {
        says: "P27 input is applied exactly once, in order per member, across reconnections",
        tests: &[
            "session/tests/hardening::typing_arrives_once_and_in_order_across_reconnections",
            "seal/tests/direct::host_reads_a_prefix",
            WHOLE,
            SIMULATED,
        ],
        lacks: "",
    },
];

/// A property without a test is a wish, and a test that was renamed is none.
#[test]
fn every_property_names_tests_that_exist() {
    let mut tests: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, name) in ["src", "tests"].into_iter().flat_map(tidy::tests_in) {
        tests.entry(name).or_default().push(file);
    }
    for (n, property) in PROPERTIES.iter().enumerate() {
        assert!(property.says.starts_with(&format!("P{} ", n + 1)), "{} stands at {}", property.says, n + 1);
        assert!(!property.tests.is_empty(), "nothing checks that {}", property.says);
        assert!(!property.lacks.ends_with('.'), "{}: no full stops", property.lacks);
        for named in property.tests {
            let (file, name) = named.rsplit_once("::").expect("a file and a test");
            let is_there = |found: &&String| found.trim_end_matches(".rs").ends_with(&format!("/{file}"));
            let found = tests.get(name).into_iter().flatten().filter(is_there).count();
            assert_eq!(found, 1, "{}: there is no test {named}, or more than one", property.says);
        }
    }
}

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
