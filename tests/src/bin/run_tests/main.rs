//! Runs the test programs that `cargo test --no-run --message-format=json` has built, several side by side, since most of them wait for
//! engines. Each test of a program with engines runs by itself. Reads cargo's messages from standard input.
//! The pages of the console in a browser are one more program, which runs when the others are over.
//!
//! What a program prints is shown when it ends, whole. At the end comes where the time went, what was skipped, each program's own
//! summary line, as cargo prints them, and once more which tests failed and why. Exit status 1 says that a program failed or took too long.

mod failures;
mod programs;
mod report;
mod schedule;

use std::{io::Read as _, process::ExitCode};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::machine;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            machine::say(&format!("run-tests: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether all programs ended well.
fn run() -> Result<bool> {
    let mut messages = String::new();
    std::io::stdin().read_to_string(&mut messages).context("cargo's messages")?;
    let mut programs = programs::built(&messages)?;
    ensure!(!programs.is_empty(), "cargo has built no test programs");
    programs.push(programs::documentation());
    // Last of those without engines, because it takes longest and keeps the processors busy.
    programs.push(programs::pages());
    let jobs = jobs()?;
    machine::say(&format!(
        "run-tests: {} programs and tests with engines, {} of these beside one without, {} when none is left",
        programs.len(),
        jobs.beside_computing,
        jobs.alone
    ));
    let ended = schedule::run(programs, jobs)?;
    report::print(&ended);
    Ok(ended.iter().all(|program| program.passed))
}

/// As many as there are processors, if there is memory for as many: with more, engines that start take the time from those
/// whose failovers are measured. `BROKERD_TEST_JOBS` says another number.
fn jobs() -> Result<Jobs> {
    let Some(jobs) = machine::variable("BROKERD_TEST_JOBS") else {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        return Ok(Jobs::of(processors, &memory));
    };
    let number = jobs.parse().with_context(|| format!("BROKERD_TEST_JOBS={jobs}"))?;
    ensure!(number > 0, "BROKERD_TEST_JOBS={jobs}: at least one");
    Ok(Jobs { beside_computing: number, alone: number })
}

/// The memory that a test with engines may take: a cluster of three nodes, its brokerd and its clients.
const MEMORY_OF_ONE: u64 = 4 << 30;

/// How many tests that run engines run side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Jobs {
    /// Beside a program without engines.
    beside_computing: usize,
    /// When none of these is left: one more takes its place, if there is memory.
    alone: usize,
}

impl Jobs {
    /// As many as there is work and memory for, by what `/proc/meminfo` tells.
    fn of(processors: usize, meminfo: &str) -> Self {
        let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        let kibibytes =
            line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        let room = kibibytes.map_or(processors, |kibibytes| {
            usize::try_from((kibibytes << 10) / MEMORY_OF_ONE).unwrap_or(usize::MAX)
        });
        let beside_computing = processors.min(room).max(1);
        Self { beside_computing, alone: room.clamp(beside_computing, beside_computing + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_run_side_by_side_as_processors_and_memory_permit() {
        let with = |gib: u64| format!("MemTotal: 1 kB\nMemAvailable:   {} kB\nx: 1\n", gib << 20);
        let jobs = |processors: usize, meminfo: &str| {
            let Jobs { beside_computing, alone } = Jobs::of(processors, meminfo);
            (beside_computing, alone)
        };
        assert_eq!(jobs(2, &with(22)), (2, 3));
        assert_eq!(jobs(2, &with(9)), (2, 2));
        assert_eq!(jobs(2, &with(5)), (1, 1));
        assert_eq!(jobs(16, &with(22)), (5, 5));
        assert_eq!(jobs(4, &with(1)), (1, 1));
        assert_eq!(jobs(2, "nothing"), (2, 2));
    }
}
