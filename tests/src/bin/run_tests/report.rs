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

/// Where the time went, what was skipped, and each program's own summary.
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
    let failed: Vec<_> = ended
        .iter()
        .filter(|program| !program.passed)
        .map(|program| program.name.as_str())
        .collect();
    if !failed.is_empty() {
        text.push_str(&format!("failed programs: {}\n", failed.join(", ")));
    }
    write(&text);
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

    #[test]
    fn the_table_begins_with_what_took_longest_and_sums_up_what_took_no_time() {
        let program = |name: &str, seconds| Ended {
            name: name.to_owned(),
            title: String::new(),
            took: Duration::from_secs(seconds),
            passed: true,
            summary: Vec::new(),
            skipped: Vec::new(),
        };
        let table = table(&[program("a", 1), program("b", 6), program("c", 60), program("d", 2)]);
        assert_eq!(
            table,
            "\nwhere the time went, side by side:\n    60.0 s  c\n     6.0 s  b\n     3.0 s  2 others\n"
        );
    }
}
