//! Runs programs side by side.

use std::{
    collections::VecDeque,
    fs::{self, File},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use brokerd_tests::machine::SKIPPED;

use crate::{
    programs::{Phase, Program},
    report,
};

/// How long one program may take: several times what the longest takes on two processors.
const LIMIT: Duration = Duration::from_secs(40 * 60);
/// How often it is asked which of them have ended.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) took: Duration,
    pub(crate) passed: bool,
    /// Its own summary lines.
    pub(crate) summary: Vec<String>,
    /// What it could not check.
    pub(crate) skipped: Vec<String>,
}

struct Running {
    program: Program,
    child: Child,
    began: Instant,
    output: std::path::PathBuf,
}

/// Runs them in their order, `jobs` with engines and one without at a time, then those that don't run beside these, and
/// prints what each says when it ends.
///
/// # Errors
/// When a program can't be started or its output can't be kept.
pub(crate) fn run(programs: Vec<Program>, jobs: usize) -> Result<Vec<Ended>> {
    let directory = std::env::temp_dir().join(format!("brokerd-run-tests-{}", std::process::id()));
    fs::create_dir(&directory).with_context(|| format!("can't make {}", directory.display()))?;
    let ended = run_in(&directory, programs, jobs);
    // Of use to nobody any more; what can't be removed hurts nobody.
    let _ = fs::remove_dir_all(&directory);
    ended
}

fn run_in(directory: &Path, programs: Vec<Program>, jobs: usize) -> Result<Vec<Ended>> {
    let all = programs.len();
    let (late, others): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|program| program.phase != Phase::Parallel);
    let (engines, computing): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|program| program.has_engines);
    let (mut engines, mut computing) = (VecDeque::from(engines), VecDeque::from(computing));
    let mut late = VecDeque::from(late);
    let mut running: Vec<Running> = Vec::new();
    let mut ended = Vec::new();
    loop {
        loop {
            let with_engines = running.iter().filter(|one| one.program.has_engines).count();
            let next = if with_engines < jobs
                && let Some(at) = next(&engines, &running)
            {
                engines.remove(at)
            } else if running.len() == with_engines && !computing.is_empty() {
                computing.pop_front()
            } else if engines.is_empty() && computing.is_empty() {
                let joins =
                    |one: &Program| running.iter().all(|other| one.may_join(&other.program));
                late.iter().position(joins).and_then(|at| late.remove(at))
            } else {
                None
            };
            let Some(program) = next else { break };
            running.push(begin(directory, program, ended.len() + running.len())?);
        }
        let mut still = Vec::new();
        for mut one in running {
            match one.child.try_wait()? {
                Some(status) => {
                    let program = end(one, status.success(), None)?;
                    ended.push(program);
                    report::progress(ended.len(), all, ended.last());
                }
                None if one.began.elapsed() > LIMIT => {
                    one.child.kill()?;
                    one.child.wait()?;
                    ended.push(end(one, false, Some("took too long and was ended"))?);
                    report::progress(ended.len(), all, ended.last());
                }
                None => still.push(one),
            }
        }
        running = still;
        if ended.len() == all {
            return Ok(ended);
        }
        thread::sleep(ASK_EVERY);
    }
}

/// The first test with engines that may run beside those that do: of those that measure, one at a time.
fn next(engines: &VecDeque<Program>, running: &[Running]) -> Option<usize> {
    let is_measured = running.iter().any(|one| one.program.is_timed);
    engines.iter().position(|program| !(is_measured && program.is_timed))
}

fn begin(directory: &Path, program: Program, number: usize) -> Result<Running> {
    let output = directory.join(number.to_string());
    let file = File::create(&output)?;
    let child = program
        .command()
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("can't run {}", program.name))?;
    Ok(Running { program, child, began: Instant::now(), output })
}

fn end(running: Running, passed: bool, why: Option<&str>) -> Result<Ended> {
    let Running { program, began, output, .. } = running;
    let said = fs::read(&output)?;
    fs::remove_file(&output)?;
    let said = String::from_utf8_lossy(&said);
    let (summary, rest): (Vec<_>, Vec<_>) = said.lines().partition(|line| is_summary(line));
    let mut summary: Vec<String> = summary.into_iter().map(str::to_owned).collect();
    if let Some(why) = why {
        summary.push(format!("test result: FAILED. {} {why}", program.name));
    } else if !passed && !summary.iter().any(|line| tells_failures(line)) {
        // As after a signal, or when what tests need could not be had. Who sees the summary alone wants to know why.
        let last = rest.iter().rev().find(|line| !line.trim().is_empty());
        summary.push(format!(
            "test result: FAILED. {} ended without a result, its last words: {}",
            program.name,
            last.unwrap_or(&"none")
        ));
    }
    report::output(&program.title, &rest);
    let skipped = rest.iter().filter_map(|line| line.strip_prefix(SKIPPED)).map(str::to_owned);
    Ok(Ended {
        name: program.name,
        title: program.title,
        took: began.elapsed(),
        passed,
        summary,
        skipped: skipped.collect(),
    })
}

/// Whether it is a line of the summary of cargo's tests or of those of Node.js.
fn is_summary(line: &str) -> bool {
    line.starts_with("test result: ")
        || line.strip_prefix("ℹ ").is_some_and(|rest| {
            let (what, number) = rest.split_once(' ').unwrap_or_default();
            let counts = ["tests", "pass", "fail", "cancelled", "skipped", "todo", "duration_ms"];
            counts.contains(&what) && number.parse::<f64>().is_ok()
        })
}

/// Whether a line of a summary tells that tests failed.
fn tells_failures(line: &str) -> bool {
    let of_node = line.strip_prefix("ℹ fail ").or_else(|| line.strip_prefix("ℹ cancelled "));
    line.contains("FAILED") || of_node.is_some_and(|number| number != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_cargo_and_of_node_are_told_from_what_programs_print() {
        for line in ["test result: ok. 3 passed", "ℹ tests 170", "ℹ fail 0", "ℹ duration_ms 1234.5"]
        {
            assert!(is_summary(line), "{line}");
        }
        for line in
            ["test result", "ℹ a page takes 20 ms", "ℹ tests", "✔ it works (20 ms)", "ℹ suites 0"]
        {
            assert!(!is_summary(line), "{line}");
        }
        assert!(tells_failures("test result: FAILED. 1 passed"));
        assert!(tells_failures("ℹ fail 2") && tells_failures("ℹ cancelled 1"));
        assert!(!tells_failures("ℹ fail 0") && !tells_failures("ℹ pass 20"));
    }
}
