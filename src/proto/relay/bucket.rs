//! A token bucket: how fast one author may write.
//!
//! Always: a member is delayed and never refused, and the caller stops reading until the debt is paid; who asks by HTTP
//! is refused and gets into no debt.

use crate::proto::limits::Rate;
use crate::proto::time::Mono;

/// Tokens in thousandths, so that a slow rate loses nothing between two close readings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: Rate,
    milli: i64,
    read: Mono,
}

impl Bucket {
    /// Starts full.
    pub(super) fn new(rate: Rate, now: Mono) -> Self {
        Self { rate, milli: milli(rate.burst), read: now }
    }

    /// Takes `tokens`, going into debt if it must; returns when the debt will be paid.
    pub(super) fn take(&mut self, tokens: u64, now: Mono) -> Option<Mono> {
        let refill = now.since_us(self.read).saturating_mul(self.rate.per_s) / 1_000;
        if refill > 0 {
            let refill = i64::try_from(refill).unwrap_or(i64::MAX);
            self.milli = self.milli.saturating_add(refill).min(milli(self.rate.burst));
            self.read = now;
        }
        self.milli = self.milli.saturating_sub(milli(tokens));
        let debt = u64::try_from(self.milli.saturating_neg()).unwrap_or(0);
        (debt > 0).then(|| now.after_us(debt.saturating_mul(1_000).div_ceil(self.rate.per_s.max(1))))
    }

    /// Takes `tokens` if they are there.
    ///
    /// # Errors
    ///
    /// When they will be.
    pub(super) fn try_take(&mut self, tokens: u64, now: Mono) -> Result<(), Mono> {
        match self.take(tokens, now) {
            None => Ok(()),
            Some(until) => {
                self.milli = self.milli.saturating_add(milli(tokens));
                Err(until)
            }
        }
    }
}

fn milli(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Rate = Rate { per_s: 50, burst: 3 };

    /// A paste is a burst: it must pass; what follows must not go faster than the rate.
    #[test]
    fn burst_passes_and_debt_is_paid_at_the_rate() {
        let mut bucket = Bucket::new(SLOW, Mono(0));
        assert_eq!([0; 3].map(|_| bucket.take(1, Mono(0))), [None; 3]);
        assert_eq!(bucket.take(1, Mono(0)), Some(Mono(20_000)));
        assert_eq!(bucket.take(1, Mono(20_000)), Some(Mono(40_000)));
    }

    /// A clock that is read often must not round the refill away.
    #[test]
    fn frequent_readings_lose_no_token() {
        let mut bucket = Bucket::new(SLOW, Mono(0));
        let _ = bucket.take(3, Mono(0));
        for us in 0..20_000 {
            let _ = bucket.take(0, Mono(us));
        }
        assert_eq!(bucket.take(1, Mono(20_000)), None);
    }

    /// A member who was quiet for a day may not flood for a minute.
    #[test]
    fn rest_fills_no_more_than_the_burst() {
        let mut bucket = Bucket::new(SLOW, Mono(0));
        assert_eq!(bucket.take(3, Mono(86_400_000_000)), None);
        assert!(bucket.take(1, Mono(86_400_000_000)).is_some());
    }
}
