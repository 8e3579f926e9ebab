//! The pattern language of FilterLogEvents.
//!
//! Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail" of the Amazon
//! CloudWatch Logs user guide. What it leaves open is decided so: a term may be part of a word, a comparison with what is
//! not there does not hold, and of a list it is enough that one element fulfils a condition.

mod columns;
mod comparison;
mod json;
mod scanner;
mod terms;

use columns::ColumnPattern;
use json::JsonPattern;
pub use scanner::InvalidPattern;
use scanner::invalid;
use terms::Terms;

/// The longest pattern, in characters.
///
/// Source: FilterLogEvents of the CloudWatch Logs API reference.
const MAX_LENGTH: usize = 1024;

/// A pattern, by which events are chosen.
#[derive(Debug, Clone)]
pub struct FilterPattern(Kind);

#[derive(Debug, Clone)]
enum Kind {
    All,
    Terms(Terms),
    Json(JsonPattern),
    Columns(ColumnPattern),
}

impl FilterPattern {
    /// Reads a pattern. An empty one chooses every event.
    ///
    /// # Errors
    /// Why it is no pattern.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.chars().count() > MAX_LENGTH {
            return Err(invalid(format!("it has more than {MAX_LENGTH} characters")));
        }
        let text = text.trim();
        let kind = if text.is_empty() {
            Kind::All
        } else if text.starts_with('{') {
            Kind::Json(JsonPattern::parse(text)?)
        } else if text.starts_with('[') {
            Kind::Columns(ColumnPattern::parse(text)?)
        } else {
            Kind::Terms(Terms::parse(text)?)
        };
        Ok(Self(kind))
    }

    /// Whether it chooses an event of this text.
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::All => true,
            Kind::Terms(terms) => terms.match_text(message),
            Kind::Json(pattern) => pattern.matches(message),
            Kind::Columns(pattern) => pattern.matches(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_says_which_kind_of_pattern_it_is() {
        for all in ["", " \t "] {
            assert!(matches!(FilterPattern::parse(all).expect("all").0, Kind::All));
        }
        let chooses =
            |pattern: &str, text: &str| FilterPattern::parse(pattern).expect(pattern).matches(text);
        assert!(chooses("", "anything"));
        assert!(chooses("ERROR", "an ERROR"));
        assert!(chooses("{ $.a = 1 }", r#"{"a": 1}"#));
        assert!(chooses("[a, b = two]", "one two"));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for bad in [
            "{",
            "{}",
            "{ $.a }",
            "{ $.a = }",
            "{ $.a == 1 }",
            "{ a = 1 }",
            "{ $.a = 1",
            "{ $.a = 1 } x",
            "{ ($.a = 1 }",
            "{ $.a = 1 && }",
            "{ $.a < x }",
            "{ $.a IS BIG }",
            "{ $.a NOT THERE }",
            "{ $.a = \"x }",
            "{ $.a[x] = 1 }",
            "{ $.a = %[% }",
            "[",
            "[a",
            "[a = ]",
            "[a,, b]",
            "[a b]",
            "[a = 1 b]",
            "[..., ...]",
            "[a] x",
            "\"open",
            "%open",
            "%[%",
            "?",
            "-",
            "\"\"",
        ] {
            let refused = FilterPattern::parse(bad).expect_err(bad).to_string();
            assert!(refused.starts_with("Invalid filter pattern: "), "{refused}");
        }
        assert!(FilterPattern::parse(&"x".repeat(1024)).is_ok());
        assert!(FilterPattern::parse(&"x".repeat(1025)).is_err());
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(400), ")".repeat(400));
        assert!(FilterPattern::parse(&deep).is_err(), "too deep");
    }
}
