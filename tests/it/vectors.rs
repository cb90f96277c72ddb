//! Holds the code to `tests/vectors`, which a second implementation made from PROTOCOL.md alone.
//!
//! Each test reads one JSON file, encodes what it describes, compares byte for byte, and decodes the bytes again.

mod audit;
mod authlog;
mod certificates;
mod checkpoints;
mod direct;
mod discovery;
mod documents;
mod entries;
mod fields;
mod identity;
mod inquiries;
mod owning;
mod passing;
mod proofs;
mod terminal;
mod token;
mod wire;

/// Reads one file of `tests/vectors`.
macro_rules! vectors {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!("../../vectors/", $name, ".json")))
            .expect("the generator writes JSON")
    };
}
use vectors;
