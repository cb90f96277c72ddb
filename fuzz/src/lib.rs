//! What is fuzzed: one plain function per target, for libFuzzer on nightly and for the replay of the corpora on stable.
//!
//! Always: a target panics only if the crate breaks a promise; refusing its input is fine.

mod cast;

pub mod audit;
pub mod authlog;
pub mod checkpoint;
pub mod direct_payload;
pub mod entry;
pub mod frame_decoder;
pub mod gate;
pub mod generation;
pub mod log_growth;
pub mod member_cert;
pub mod passed_on;
pub mod peers;
pub mod presence;
pub mod proof;
pub mod relay_hall;
pub mod retract;
pub mod screen;
pub mod share_cert;
pub mod terminal_stream;
pub mod token;
pub mod wrap;

/// A target's name, which is that of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("audit", audit::run),
    ("authlog", authlog::run),
    ("checkpoint", checkpoint::run),
    ("direct_payload", direct_payload::run),
    ("entry", entry::run),
    ("frame_decoder", frame_decoder::run),
    ("gate", gate::run),
    ("generation", generation::run),
    ("log_growth", log_growth::run),
    ("member_cert", member_cert::run),
    ("passed_on", passed_on::run),
    ("peers", peers::run),
    ("presence", presence::run),
    ("proof", proof::run),
    ("relay_hall", relay_hall::run),
    ("retract", retract::run),
    ("screen", screen::run),
    ("share_cert", share_cert::run),
    ("terminal_stream", terminal_stream::run),
    ("token", token::run),
    ("wrap", wrap::run),
];
