//! Everything that is tested from outside the crate, in one binary.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where its expectation fails, helpers included"
)]

#[cfg(feature = "cli")]
mod cli;
mod sim;
mod vectors;
