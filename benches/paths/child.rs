//! This binary in another role: a server whose CPU time and memory are its own.

use crate::{Outcome, bare, ours};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;

const ROLE: &str = "CAHOOTS_BENCH_ROLE";

/// Returns the role that this process was started in, if it is a child.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Serves in a role until the parent goes.
pub(crate) async fn play(role: &str) -> Outcome {
    let parent_gone = async {
        let mut nothing = [0];
        let _ = tokio::io::stdin().read(&mut nothing).await;
    };
    match role {
        "relay" => ours::serve(parent_gone).await,
        "bare" => bare::serve(parent_gone).await,
        _ => Err(format!("no role is called {role}").into()),
    }
}

/// A running child. Ends when dropped.
pub(crate) struct Child {
    process: std::process::Child,
    /// The line that it printed when it was ready.
    pub(crate) greeting: String,
}

impl Child {
    /// Starts this binary in a role and waits until it is ready.
    pub(crate) fn start(role: &str) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut greeting = String::new();
        let stdout = process.stdout.take().ok_or("the child has no output")?;
        BufReader::new(stdout).read_line(&mut greeting)?;
        Ok(Self { process, greeting: greeting.trim().to_owned() })
    }

    /// Returns the CPU time that all its threads have used, to the nanosecond where Linux counts it.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let mut total_ns = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            total_ns += text.split_whitespace().next().ok_or("empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(total_ns))
    }

    /// Returns its resident memory in bytes.
    pub(crate) fn resident_bytes(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1_024)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
