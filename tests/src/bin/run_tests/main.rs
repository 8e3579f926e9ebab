//! Runs the test programs that `cargo test --no-run --message-format=json` has built, several side by side, since most of them wait for
//! engines. Each test of a program with engines runs by itself. Reads cargo's messages from standard input.
//!
//! What a program prints is shown when it ends, whole. At the end comes where the time went, what was skipped, and each program's own
//! summary line, as cargo prints them. Exit status 1 says that a program failed or took too long.

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
    if let Some(command) = machine::variable("BROKERD_TEST_BESIDE") {
        programs.insert(0, programs::beside(&command)?);
    }
    let jobs = jobs()?;
    machine::say(&format!(
        "run-tests: {} programs and tests with engines, {jobs} of these and one without side by side",
        programs.len()
    ));
    let ended = schedule::run(programs, jobs)?;
    report::print(&ended);
    Ok(ended.iter().all(|program| program.passed))
}

/// How many tests that run engines run side by side: `BROKERD_TEST_JOBS`, or one for each processor. Of the programs without
/// engines, one more runs beside them.
fn jobs() -> Result<usize> {
    let Some(jobs) = machine::variable("BROKERD_TEST_JOBS") else {
        return Ok(std::thread::available_parallelism().map_or(1, usize::from));
    };
    let number = jobs.parse().with_context(|| format!("BROKERD_TEST_JOBS={jobs}"))?;
    ensure!(number > 0, "BROKERD_TEST_JOBS={jobs}: at least one");
    Ok(number)
}
