//! Time as an argument: a monotonic and a wall clock reading that somebody else took.
//!
//! Always: nothing in `proto` reads a clock; equal arguments give equal results.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Microseconds on a monotonic clock with an arbitrary origin.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mono(pub u64);

impl Mono {
    /// Returns the reading `us` microseconds later; it never wraps.
    #[must_use]
    pub const fn after_us(self, us: u64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// Returns the microseconds from `earlier` to `self`, 0 if it is not earlier.
    #[must_use]
    pub const fn since_us(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns how long after `earlier` this is, zero if it is not later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.since_us(earlier))
    }
}

/// Milliseconds since 1970-01-01 UTC, as some clock claims.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Wall(pub u64);

impl Wall {
    /// Returns the reading `ms` milliseconds later; it never wraps.
    #[must_use]
    pub const fn after_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Returns the milliseconds from `earlier` to `self`, 0 if it is not earlier.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Now {
    /// For intervals.
    pub mono: Mono,
    /// For expiry and for people.
    pub wall: Wall,
}
