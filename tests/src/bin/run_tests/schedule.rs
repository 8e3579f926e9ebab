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
    Jobs, failures,
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
    /// Which of its tests failed and why, if it has not passed.
    pub(crate) failures: Vec<String>,
}

struct Running {
    program: Program,
    child: Child,
    began: Instant,
    output: std::path::PathBuf,
}

/// Runs them in their order, as many at a time as `jobs` says, and each in its phase, and prints what each says when it ends.
///
/// # Errors
/// When a program can't be started or its output can't be kept.
pub(crate) fn run(programs: Vec<Program>, jobs: Jobs) -> Result<Vec<Ended>> {
    let directory = std::env::temp_dir().join(format!("brokerd-run-tests-{}", std::process::id()));
    fs::create_dir(&directory).with_context(|| format!("can't make {}", directory.display()))?;
    let ended = run_in(&directory, programs, jobs);
    // Of use to nobody any more; what can't be removed hurts nobody.
    let _ = fs::remove_dir_all(&directory);
    ended
}

fn run_in(directory: &Path, programs: Vec<Program>, jobs: Jobs) -> Result<Vec<Ended>> {
    let all = programs.len();
    let mut waiting = Waiting::new(programs);
    let mut running: Vec<Running> = Vec::new();
    let mut ended = Vec::new();
    loop {
        loop {
            let beside: Vec<&Program> = running.iter().map(|one| &one.program).collect();
            let Some(program) = waiting.next(&beside, jobs) else { break };
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

/// The programs that were not begun yet, each kind in its order.
#[derive(Debug, Default)]
struct Waiting {
    engines: VecDeque<Program>,
    computing: VecDeque<Program>,
    late: VecDeque<Program>,
    exclusive: VecDeque<Program>,
}

impl Waiting {
    fn new(programs: Vec<Program>) -> Self {
        let mut waiting = Self::default();
        for program in programs {
            let kind = match (program.phase, program.has_engines) {
                (Phase::Parallel, true) => &mut waiting.engines,
                (Phase::Parallel, false) => &mut waiting.computing,
                (Phase::Late, _) => &mut waiting.late,
                (Phase::Exclusive, _) => &mut waiting.exclusive,
            };
            kind.push_back(program);
        }
        waiting
    }

    /// The one to begin beside those that run: as many with engines as `jobs` says, of which one measures, and
    /// one without.
    fn next(&mut self, running: &[&Program], jobs: Jobs) -> Option<Program> {
        if running.iter().any(|program| program.phase == Phase::Exclusive) {
            return None;
        }
        let with_engines = running.iter().filter(|program| program.has_engines).count();
        let is_measured = running.iter().any(|program| program.is_timed);
        let is_late = running.iter().any(|program| program.phase == Phase::Late);
        let fits = |program: &Program| !(is_measured && program.is_timed);
        if with_engines < jobs.beside_computing
            && !is_late
            && let Some(at) = self.engines.iter().position(fits)
        {
            return self.engines.remove(at);
        }
        if running.len() == with_engines
            && let Some(program) = self.computing.pop_front()
        {
            return Some(program);
        }
        if running.len() == with_engines
            && with_engines < jobs.alone
            && !is_late
            && let Some(at) = self.engines.iter().position(fits)
        {
            return self.engines.remove(at);
        }
        if self.engines.is_empty()
            && with_engines == 0
            && let Some(program) = self.late.pop_front()
        {
            return Some(program);
        }
        let is_last = self.engines.is_empty() && self.late.is_empty() && running.is_empty();
        if is_last { self.exclusive.pop_front() } else { None }
    }
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
        failures: if passed { Vec::new() } else { failures::of(&rest) },
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
    use crate::programs::{documentation, pages};

    fn with_engines(name: &str, phase: Phase) -> Program {
        let is_timed = name.starts_with("timed");
        let mut program = documentation();
        program.name = name.to_owned();
        (program.phase, program.has_engines, program.is_timed) = (phase, true, is_timed);
        program
    }

    /// Begins what may begin, and then ends what has begun first, until all have ended: what ran side by side each time.
    fn side_by_side(programs: Vec<Program>) -> Vec<String> {
        let jobs = Jobs { beside_computing: 2, alone: 3 };
        let mut waiting = Waiting::new(programs);
        let mut running: Vec<Program> = Vec::new();
        let mut seen = Vec::new();
        loop {
            while let Some(next) = waiting.next(&running.iter().collect::<Vec<_>>(), jobs) {
                running.push(next);
            }
            if running.is_empty() {
                return seen;
            }
            let names: Vec<_> = running.iter().map(|program| program.name.as_str()).collect();
            seen.push(names.join(", "));
            running.remove(0);
        }
    }

    #[test]
    fn two_programs_with_engines_run_beside_one_that_computes_and_of_those_that_measure_one() {
        let programs = ["timed a", "timed b", "c", "d"];
        let mut programs = programs.map(|name| with_engines(name, Phase::Parallel)).to_vec();
        programs.extend([documentation(), pages()]);
        assert_eq!(
            side_by_side(programs),
            [
                "timed a, c, documentation",
                "c, documentation, timed b",
                "documentation, timed b, d",
                "timed b, d, console pages",
                "d, console pages",
                "console pages",
            ]
        );
    }

    #[test]
    fn when_nothing_computes_any_more_a_third_with_engines_takes_its_place() {
        let mut programs = ["a", "b", "timed c", "timed d", "e", "f"]
            .map(|name| with_engines(name, Phase::Parallel))
            .to_vec();
        programs.push(documentation());
        programs.push(with_engines("cluster", Phase::Late));
        assert_eq!(
            side_by_side(programs),
            [
                "a, b, documentation",
                "b, documentation, timed c",
                "documentation, timed c, e",
                "timed c, e, f",
                "e, f, timed d",
                "f, timed d",
                "timed d",
                "cluster",
            ]
        );
    }

    #[test]
    fn what_takes_a_cluster_waits_for_engines_and_not_for_the_pages_and_what_stops_all_is_last() {
        let programs = vec![
            pages(),
            with_engines("restart", Phase::Exclusive),
            with_engines("cluster", Phase::Late),
            with_engines("second cluster", Phase::Late),
            with_engines("a", Phase::Parallel),
        ];
        assert_eq!(
            side_by_side(programs),
            ["a, console pages", "console pages, cluster", "cluster", "second cluster", "restart",]
        );
    }

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
