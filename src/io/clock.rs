//! Reads the two clocks that the machines of `proto` take as arguments.

use crate::proto::time::{Mono, Now, Wall};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// A monotonic clock that starts when it is made, and the system's wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// Starts the monotonic clock at 0.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: Mono(self.origin.elapsed().as_micros() as u64), wall: Wall(wall.as_millis() as u64) }
    }

    /// Returns the instant of a monotonic reading, for sleeping until it.
    #[must_use]
    pub fn at(&self, when: Mono) -> Instant {
        // A century is as good as never, and adding it cannot overflow.
        const FAR_US: u64 = 100 * 365 * 24 * 3_600 * 1_000_000;
        self.origin + std::time::Duration::from_micros(when.0.min(FAR_US))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::start()
    }
}
