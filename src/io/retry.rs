//! Waiting longer after each failure, so that a relay that comes back is not trampled.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const MAX: Duration = Duration::from_secs(10);

/// Doubles the wait from 250 ms to 10 s, with up to a quarter of jitter.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// Starts over: it worked.
    pub(crate) const fn reset(&mut self) {
        self.next = FIRST;
    }

    /// Waits.
    pub(crate) async fn wait(&mut self) {
        let mut dice = [0; 1];
        // Without randomness the wait is merely not spread.
        let _ = getrandom::fill(&mut dice);
        tokio::time::sleep(self.next + self.next / 4 * u32::from(dice[0]) / 255).await;
        self.next = (self.next * 2).min(MAX);
    }
}
