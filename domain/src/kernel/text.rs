//! Checks of free texts in requests: length, and no control characters. Characters that no request may have are refused
//! where requests are read.

use super::error::{Error, ErrorKind};

/// A text of one line: at most `longest` characters, none of them a control character.
///
/// # Errors
/// A 400 on `attribute`.
pub(crate) fn line(attribute: &str, text: String, longest: usize) -> Result<String, Error> {
    check(attribute, text, longest, char::is_control)
}

/// A text that may have several lines: at most `longest` characters, no control characters but line breaks and tabs.
///
/// # Errors
/// A 400 on `attribute`.
pub(crate) fn lines(attribute: &str, text: String, longest: usize) -> Result<String, Error> {
    check(attribute, text, longest, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn check(
    attribute: &str,
    text: String,
    longest: usize,
    is_refused: fn(char) -> bool,
) -> Result<String, Error> {
    let refuse = |message: String| {
        let attribute = Some(attribute.to_owned().into());
        Err(Error { kind: ErrorKind::BadRequest, attribute, message })
    };
    if text.chars().count() > longest {
        return refuse(format!("[{attribute}] can be at most [{longest}] characters long."));
    }
    if text.chars().any(is_refused) {
        return refuse(format!("[{attribute}] must not contain control characters."));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_in_characters_and_have_no_control_characters() {
        assert_eq!(line("x", "äöü".to_owned(), 3), Ok("äöü".to_owned()));
        assert_eq!(lines("x", "a\n\tb".to_owned(), 4), Ok("a\n\tb".to_owned()));
        for refused in [
            line("x", "äöü".to_owned(), 2),
            line("x", "a\nb".to_owned(), 9),
            lines("x", "a\u{1b}[31mb".to_owned(), 99),
            lines("x", "\0".to_owned(), 9),
        ] {
            assert_eq!(refused.expect_err("refused").attribute.as_deref(), Some("x"));
        }
    }
}
