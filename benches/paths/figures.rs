//! Samples and how they are shown.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Durations of the same thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, sample: Duration) {
        self.push_us(sample.as_secs_f64() * 1e6);
    }

    pub(crate) fn push_us(&mut self, us: f64) {
        self.0.push(us);
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns the value below which a share of the samples lies, in microseconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let index = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
        sorted.get(index).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

/// Times `count` runs of `work`, in microseconds each.
pub(crate) fn time_us(count: usize, mut work: impl FnMut(usize)) -> f64 {
    let start = Instant::now();
    (0..count).for_each(&mut work);
    start.elapsed().as_secs_f64() * 1e6 / count as f64
}

/// Prints the head of a table.
pub(crate) fn head(columns: &[&str]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", "---|".repeat(columns.len()));
}

/// Prints a row of a table.
pub(crate) fn row(cells: &[&dyn Display]) {
    let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
    println!("| {} |", cells.join(" | "));
}

/// Shows microseconds with three digits that count.
pub(crate) fn us(value: f64) -> String {
    match value {
        10_000.0.. => format!("{:.1} ms", value / 1e3),
        1_000.0.. => format!("{:.2} ms", value / 1e3),
        100.0.. => format!("{value:.0} µs"),
        10.0.. => format!("{value:.1} µs"),
        _ => format!("{value:.2} µs"),
    }
}

/// Shows how many times as much as `base`.
pub(crate) fn times(value: f64, base: f64) -> String {
    format!("{:.2}x", value / base)
}

/// Shows bytes in kilobytes.
pub(crate) fn kilobytes(bytes: f64) -> String {
    format!("{:.1} kB", bytes / 1e3)
}
