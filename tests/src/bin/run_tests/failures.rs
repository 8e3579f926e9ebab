//! Which tests of a program failed and why, in few lines: who sees only the end of a long output finds the fault there.

/// How many lines of a reason are told, and how many characters of each.
const LINES: usize = 4;
const CHARACTERS: usize = 300;

/// The failures in what a program has printed, as cargo's tests or those of Node.js print them: a line that names the
/// test, and below it the beginning of the reason, indented.
pub(crate) fn of(output: &[&str]) -> Vec<String> {
    let mut told = of_cargo(output);
    told.extend(of_node(output));
    told
}

/// Each begins with a line `---- NAME stdout ----`, after which comes what the test printed, the panic's words among it.
fn of_cargo(output: &[&str]) -> Vec<String> {
    let title = |line: &str| {
        let name = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
        Some(name.strip_suffix(" stdout").unwrap_or(name).to_owned())
    };
    let mut told = Vec::new();
    for (at, line) in output.iter().enumerate() {
        let Some(name) = title(line) else { continue };
        let printed = output[at + 1..].iter().take_while(|line| {
            title(line).is_none() && **line != "failures:" && **line != "successes:"
        });
        let printed: Vec<&str> = printed.copied().collect();
        // The last one is what ended the test.
        let panic = printed.iter().rposition(|line| line.contains(" panicked at "));
        let reason = panic.map_or(&printed[..], |panic| &printed[panic..]);
        let is_note = |line: &&&str| {
            line.starts_with("note: ") || line.to_lowercase().starts_with("stack backtrace")
        };
        let reason = reason.iter().take_while(|line| !is_note(line)).copied();
        told.push(name);
        told.extend(beginning(reason));
    }
    told
}

/// All come after a line `✖ failing tests:`, each with a line `✖ NAME (TIME)`.
fn of_node(output: &[&str]) -> Vec<String> {
    let Some(at) = output.iter().position(|line| *line == "✖ failing tests:") else {
        return Vec::new();
    };
    let rest = &output[at + 1..];
    let mut told = Vec::new();
    for (at, line) in rest.iter().enumerate() {
        let Some(name) = line.trim_start().strip_prefix("✖ ") else { continue };
        let reason = rest[at + 1..].iter().copied();
        told.push(name.to_owned());
        told.extend(beginning(reason.take_while(|line| {
            !line.trim_start().starts_with("✖ ") && !line.starts_with("test at ")
        })));
    }
    told
}

fn beginning<'a>(reason: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let lines = reason.map(str::trim).filter(|line| !line.is_empty()).take(LINES);
    lines.map(|line| format!("    {}", line.chars().take(CHARACTERS).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(output: &str) -> Vec<String> {
        of(&output.lines().collect::<Vec<_>>())
    }

    #[test]
    fn each_failed_test_of_cargo_is_named_with_the_words_of_its_panic() {
        let output = "
running 3 tests
test a::one ... FAILED
test b::two ... ok

failures:

---- a::one stdout ----
it works up to here

thread 'helper' (7) panicked at src/a.rs:1:1:
that was caught
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

thread 'a::one' (8) panicked at src/a.rs:12:9:
assertion `left == right` failed
  left: 1
 right: 2
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace

---- c stdout ----
Error: \"it ended with an error\"


failures:
    a::one
    c
";
        assert_eq!(
            told(output),
            [
                "a::one",
                "    thread 'a::one' (8) panicked at src/a.rs:12:9:",
                "    assertion `left == right` failed",
                "    left: 1",
                "    right: 2",
                "c",
                "    Error: \"it ended with an error\"",
            ]
        );
    }

    #[test]
    fn each_failed_test_of_node_is_named_with_the_beginning_of_its_reason() {
        let output = "✖ the list is sorted (12.5ms)
✔ the page has a title (3ms)
✖ failing tests:

test at tests/list.test.mjs:3:1
✖ the list is sorted (12.5ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

test at tests/page.test.mjs:9:1
✖ the page opens (7ms)
  Error: no answer
";
        assert_eq!(
            told(output),
            [
                "the list is sorted (12.5ms)",
                "    AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:",
                "the page opens (7ms)",
                "    Error: no answer",
            ]
        );
    }

    #[test]
    fn a_long_reason_is_cut_and_what_passed_has_none() {
        let output = format!("---- a stdout ----\n{}\nb\nc\nd\ne\n", "é".repeat(1000));
        let told = told(&output);
        assert_eq!(told.len(), 1 + LINES);
        assert_eq!(told[1].chars().count(), 4 + CHARACTERS);
        assert_eq!(self::told("running 1 test\ntest a ... ok\n"), Vec::<String>::new());
    }
}
