//! What the runner prints.

use std::{io::Write as _, time::Duration};

use crate::schedule::Ended;

/// Shorter programs are summed up in one line of the table.
const SHORT: Duration = Duration::from_secs(5);

/// What a program has printed.
pub(crate) fn output(title: &str, lines: &[&str]) {
    let mut text = format!("\n{title}\n");
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    write(&text);
}

/// A line for a program that has ended.
pub(crate) fn progress(ended: usize, all: usize, program: Option<&Ended>) {
    let Some(Ended { name, took, passed, .. }) = program else { return };
    let result = if *passed { "passed" } else { "FAILED" };
    write(&format!("[{ended}/{all}] {result} in {:.1} s: {name}\n", took.as_secs_f64()));
}

/// Where the time went, what was skipped, each program's own summary, and what failed.
pub(crate) fn print(ended: &[Ended]) {
    write(&table(ended));
    let mut skipped: Vec<&str> =
        ended.iter().flat_map(|program| &program.skipped).map(String::as_str).collect();
    skipped.sort_unstable();
    skipped.dedup();
    if !skipped.is_empty() {
        write(&format!("SKIPPED {} checks: {}\n", skipped.len(), skipped.join("; ")));
    }
    let mut text = String::new();
    for program in ended {
        text.push_str(&format!("{}\n", program.title));
        for line in &program.summary {
            text.push_str(&format!("{line}\n"));
        }
    }
    text.push_str(&failed(ended));
    write(&text);
}

/// Which tests failed and why; the last line names their programs.
fn failed(ended: &[Ended]) -> String {
    let failed: Vec<&Ended> = ended.iter().filter(|program| !program.passed).collect();
    if failed.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for program in &failed {
        for line in &program.failures {
            let name = if line.starts_with(' ') { "" } else { "FAILED " };
            text.push_str(&format!("{name}{line}\n"));
        }
    }
    let names: Vec<&str> = failed.iter().map(|program| program.name.as_str()).collect();
    text + &format!("failed programs: {}\n", names.join(", "))
}

fn table(ended: &[Ended]) -> String {
    let mut sorted: Vec<_> = ended.iter().collect();
    sorted.sort_by_key(|program| std::cmp::Reverse(program.took));
    let (long, short): (Vec<&Ended>, Vec<&Ended>) =
        sorted.into_iter().partition(|program| program.took >= SHORT);
    let mut text = "\nwhere the time went, side by side:\n".to_owned();
    for program in &long {
        text.push_str(&format!("{:8.1} s  {}\n", program.took.as_secs_f64(), program.name));
    }
    let rest: Duration = short.iter().map(|program| program.took).sum();
    text.push_str(&format!("{:8.1} s  {} others\n", rest.as_secs_f64(), short.len()));
    text
}

fn write(text: &str) {
    // A closed standard output is ignored.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, seconds: u64, failures: &[&str]) -> Ended {
        Ended {
            name: name.to_owned(),
            title: String::new(),
            took: Duration::from_secs(seconds),
            passed: failures.is_empty(),
            summary: Vec::new(),
            skipped: Vec::new(),
            failures: failures.iter().map(|&line| line.to_owned()).collect(),
        }
    }

    #[test]
    fn the_table_begins_with_what_took_longest_and_sums_up_what_took_no_time() {
        let programs = [("a", 1), ("b", 6), ("c", 60), ("d", 2)];
        let table = table(&programs.map(|(name, seconds)| program(name, seconds, &[])));
        assert_eq!(
            table,
            "\nwhere the time went, side by side:\n    60.0 s  c\n     6.0 s  b\n     3.0 s  2 others\n"
        );
    }

    #[test]
    fn the_end_tells_which_tests_failed_and_why_and_then_their_programs() {
        let passed = program("a", 1, &[]);
        assert_eq!(failed(std::slice::from_ref(&passed)), "");
        let ended = [passed, program("b", 1, &["one", "    why", "two"]), program("c", 1, &["x"])];
        assert_eq!(
            failed(&ended),
            "FAILED one\n    why\nFAILED two\nFAILED x\nfailed programs: b, c\n"
        );
    }
}
