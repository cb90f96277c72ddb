//! What the paths that people wait for cost, next to what their parts cost bare, in one run.
//!
//! `cargo bench --bench paths` runs all parts, `cargo bench --bench paths -- fanout join` some of them. With
//! `CAHOOTS_BENCH_QUICK=1` all run once and small, to see that they work.
//!
//! Ours and bare take turns within a run, so that a busy machine is busy for both: trust the ratios. Servers are
//! processes of their own, this binary in another role, so that their CPU time and memory can be told apart.

mod bare;
mod bytes;
mod chains;
mod child;
mod codec;
mod fanout;
mod figures;
mod join;
mod keystroke;
mod memory;
mod newcomer;
mod ours;
mod rekey;
mod revoke;
mod room;

use std::error::Error;
use std::process::ExitCode;

/// What a part gives back: nothing, or why it could not be measured.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How much to measure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Effort {
    /// Enough for figures.
    Full,
    /// Enough to see that it works.
    Quick,
}

impl Effort {
    fn from_environment() -> Self {
        if std::env::var_os("CAHOOTS_BENCH_QUICK").is_some_and(|set| set != "0") { Self::Quick } else { Self::Full }
    }

    /// Chooses between the amounts of a full and a quick run.
    const fn pick(self, full: usize, quick: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

const PARTS: [&str; 10] =
    ["codec", "chains", "keystroke", "fanout", "join", "newcomer", "rekey", "revoke", "bytes", "memory"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(role) = child::role() {
        return runtime.block_on(child::play(&role));
    }
    // Cargo passes `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if let Some(unknown) = asked.iter().find(|name| !PARTS.contains(&name.as_str())) {
        return Err(format!("no part is called {unknown}; there are {}", PARTS.join(", ")).into());
    }
    let effort = Effort::from_environment();
    runtime.block_on(async {
        for part in PARTS.into_iter().filter(|part| asked.is_empty() || asked.iter().any(|name| name == part)) {
            println!("\n## {part}\n");
            match part {
                "codec" => codec::run(effort)?,
                "chains" => chains::run(effort)?,
                "keystroke" => keystroke::run(effort).await?,
                "fanout" => fanout::run(effort).await?,
                "join" => join::run(effort).await?,
                "newcomer" => newcomer::run(effort)?,
                "rekey" => rekey::run(effort)?,
                "revoke" => revoke::run(effort).await?,
                "bytes" => bytes::run(effort).await?,
                _ => memory::run(effort).await?,
            }
        }
        Ok(())
    })
}
