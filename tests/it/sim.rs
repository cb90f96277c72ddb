//! A simulated network in virtual time that drives the real machines, checked against a model of plain sets.
//!
//! seed --[`script`]--> scenario --[`net`] with real `Peer`s and `Hall`s--> what everybody saw --[`model`]--> verdict
//!
//! `CAHOOTS_SEED=n` runs one seed and tells what happens; `CAHOOTS_SEEDS=n` sets how many are run. DESIGN.md 10.

mod dice;
mod liar;
mod member;
mod model;
mod net;
mod pipe;
mod play;
mod script;
mod spy;

use script::Plan;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many seeds a plain `cargo test` runs.
const SEEDS: u64 = 2_000;
/// How many failing seeds are reported before the run stops.
const FAILURES_MAX: usize = 5;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Runs the seed; a failure says which seed it was and what was planned.
fn run(seed: u64, verbose: net::Verbose) -> Result<blake3::Hash, String> {
    let plan = Plan::draw(seed);
    catch_unwind(AssertUnwindSafe(|| play::play(&plan, verbose))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("seed {seed}: {}\n{plan}", text.unwrap_or_default())
    })
}

/// Whatever the network, the relay and the members do, everybody ends up seeing what they may see and nothing else.
#[test]
fn members_see_what_the_model_says_whatever_the_network_does() {
    if let Some(seed) = number("CAHOOTS_SEED") {
        println!("{}", Plan::draw(seed));
        run(seed, net::Verbose::Yes).unwrap();
        return;
    }
    let seeds = number("CAHOOTS_SEEDS").unwrap_or(SEEDS);
    let first = number("CAHOOTS_FIRST").unwrap_or(0);
    let next = AtomicU64::new(first);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || failures.lock().unwrap().len() >= FAILURES_MAX {
                        return;
                    }
                    if let Err(failure) = run(seed, net::Verbose::No) {
                        // At once: a long run may be stopped before its end.
                        eprintln!("seed {seed} failed");
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} seeds failed:\n{}", failures.len(), failures.join("\n"));
}

/// A failing seed is worth nothing if it does not fail again.
#[test]
fn one_seed_gives_one_trace() {
    for seed in (0..2_000).step_by(250) {
        assert_eq!(run(seed, net::Verbose::No), run(seed, net::Verbose::No), "seed {seed}");
    }
}
