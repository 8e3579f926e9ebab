//! Errors of runtimes, each on one bounded line.

use super::{RuntimeError, RuntimeErrorClass};

/// The longest message that is passed on: some repeat a whole command line or object.
pub(super) const MAX_LENGTH: usize = 500;

/// An error of our own.
pub(super) fn error(
    class: RuntimeErrorClass,
    operation: &'static str,
    message: impl Into<String>,
) -> RuntimeError {
    RuntimeError { class, operation, message: one_line(&message.into()) }
}

/// What an error says, with what its causes add to that.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = words.join(" ");
    if line.len() > MAX_LENGTH {
        line.truncate(line.floor_char_boundary(MAX_LENGTH));
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_bounded_line_that_names_the_operation() {
        let said = |text: &str| error(RuntimeErrorClass::Transient, "try", text);
        assert_eq!(said("first\n\tsecond\r\n").to_string(), "try: first second");
        assert!(said(&"ä".repeat(5000)).message.len() <= MAX_LENGTH + '…'.len_utf8());
    }

    #[test]
    fn causes_are_told_that_are_not_told_already() {
        let cause = std::io::Error::other("no route to host");
        let error = anyhow::Error::new(cause).context("can't connect");
        assert_eq!(with_causes(error.as_ref()), "can't connect: no route to host");
        let again = std::io::Error::other(std::io::Error::other("refused"));
        assert_eq!(with_causes(&again), "refused");
    }
}
