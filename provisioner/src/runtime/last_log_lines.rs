//! What of a container's output explains its end.

/// How much of a container's last output is kept.
const MAX_BYTES: usize = 2048;

/// How many of its last lines are kept.
const MAX_LINES: usize = 20;

/// How many lines are to be read for it: the stack traces of an engine that does not start are long.
pub(super) const LINES_READ: u32 = 200;

/// How much is to be read of lines that can be megabytes each.
pub(super) const BYTES_READ: usize = 64 * 1024;

/// The last lines that a container printed, of its last output.
pub(super) fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let text: String =
        text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let text = match root_cause(&lines) {
        Some(cause) => cause,
        None => lines[lines.len().saturating_sub(MAX_LINES)..].join("\n"),
    };
    let text = text.trim();
    text[text.ceil_char_boundary(text.len().saturating_sub(MAX_BYTES))..].to_owned()
}

/// When the output ends with a stack trace of Java: the line it follows, and the exception that caused all
/// others. Everything before was printed by what still worked, and the others only repeat that one.
fn root_cause(lines: &[&str]) -> Option<String> {
    lines.last().filter(|line| is_frame(line))?;
    let thrown =
        |index: usize| !is_frame(lines[index]) && lines.get(index + 1).is_some_and(|l| is_frame(l));
    let root = (0..lines.len()).rev().find(|index| thrown(*index))?;
    // The outermost exception is the first above it that was caused by none.
    let outermost =
        (0..=root).rev().find(|i| !is_frame(lines[*i]) && !lines[*i].starts_with(CAUSED_BY));
    let before = outermost.and_then(|index| index.checked_sub(1)).map(|index| lines[index]);
    let cause = lines[root].strip_prefix(CAUSED_BY).unwrap_or(lines[root]);
    Some(before.into_iter().chain([cause]).collect::<Vec<_>>().join("\n"))
}

const CAUSED_BY: &str = "Caused by: ";

fn is_frame(line: &str) -> bool {
    let line = line.trim_start();
    (line.starts_with("at ") && line.ends_with(')'))
        || (line.starts_with("... ") && line.ends_with(" more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_the_end_of_the_text_and_bounded() {
        let long = format!("{}end\n", "ä".repeat(5000));
        let words = excerpt(long.as_bytes());
        assert!(words.ends_with("end") && words.len() <= MAX_BYTES && words.len() > MAX_BYTES - 4);
        let many: String = (1..=100).map(|n| format!("line {n}\n\n")).collect();
        let words = excerpt(many.as_bytes());
        assert!(words.starts_with("line 81\n") && words.ends_with("\nline 100"), "{words}");
        assert_eq!(excerpt(b""), "");
    }

    #[test]
    fn of_a_stack_trace_the_root_cause_is_told() {
        let trace = "INFO starting
SEVERE it failed: outer
java.lang.Outer: outer; nested: inner
\tat a.B.c(B.java:1)
Caused by: java.lang.Inner: inner
\tat a.B.d(B.java:2)
\t... 1 more

brokerd: the broker did not start
java.lang.Outer: outer; nested: inner
\tat a.B.c(B.java:1)
\tat a.B.main(B.java:9)
Caused by: java.lang.Middle: middle
\tat a.B.d(B.java:3)
\t... 1 more
Caused by: java.lang.Inner: as much as there is
\tat a.B.d(B.java:2)
\t... 2 more
";
        let expected = "brokerd: the broker did not start\njava.lang.Inner: as much as there is";
        assert_eq!(excerpt(trace.as_bytes()), expected);
        // Where the beginning is lost, the root is not.
        let (_, rest) = trace.rsplit_once("main").expect("a frame");
        assert_eq!(
            excerpt(format!("at main{rest}").as_bytes()),
            "java.lang.Inner: as much as there is"
        );
        let single = "dying\njava.lang.Only: cause\n\tat a.B.c(B.java:1)\n";
        assert_eq!(excerpt(single.as_bytes()), "dying\njava.lang.Only: cause");
        assert_eq!(excerpt(b"\tat a.B.c(B.java:1)\n"), "at a.B.c(B.java:1)");
    }
}
