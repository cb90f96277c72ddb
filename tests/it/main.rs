//! Everything that is tested from outside the crate, in one binary.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where its expectation fails, helpers included"
)]

mod attacks;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod e2e;
mod properties;
mod sim;
#[cfg(feature = "cli")]
mod threats;
mod tidy;
mod vectors;
