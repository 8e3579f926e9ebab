//! Comparisons of a value with what a pattern says.

use regex::{Regex, RegexBuilder};

use super::scanner::{InvalidPattern, Scanner, invalid};

/// The largest regular expression, compiled, in bytes.
const MAX_REGEX_BYTES: usize = 256 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone)]
enum Operand {
    /// With `*` for any characters.
    Text(String),
    Regex(Regex),
}

/// An operator and what stands behind it.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    operator: Operator,
    operand: Operand,
    /// The operand, if it is a number.
    number: Option<f64>,
}

/// A regular expression.
pub(super) fn regex(text: &str) -> Result<Regex, InvalidPattern> {
    let built = RegexBuilder::new(text).size_limit(MAX_REGEX_BYTES).build();
    built.map_err(|_| invalid(format!("[%{text}%] is not a regular expression that is supported")))
}

impl Comparison {
    /// Reads an operator and a value, which ends where one of `ends` or white space is.
    pub(super) fn read(scanner: &mut Scanner<'_>, ends: &str) -> Result<Self, InvalidPattern> {
        scanner.skip_space();
        let operator = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::More),
        ];
        let operator = operator.into_iter().find(|(text, _)| scanner.take(text));
        let (_, operator) = operator.ok_or_else(|| invalid("an operator is missing"))?;
        scanner.skip_space();
        let (operand, number) = if scanner.take("\"") {
            (Operand::Text(scanner.quoted('"')?), None)
        } else if scanner.take("%") {
            (Operand::Regex(regex(&scanner.quoted('%')?)?), None)
        } else {
            let text = scanner
                .take_while(|c| !c.is_whitespace() && !ends.contains(c) && !"\"=<>!&|".contains(c));
            if text.is_empty() {
                return Err(invalid("a value is missing"));
            }
            (Operand::Text(text.to_owned()), text.parse::<f64>().ok())
        };
        let compares_size = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if compares_size && number.is_none() {
            return Err(invalid("only numbers are larger or smaller"));
        }
        Ok(Self { operator, operand, number })
    }

    /// Whether it holds for a text. One that is a number is compared as such with a number.
    pub(super) fn holds_for(&self, text: &str) -> bool {
        match (self.number, text.parse::<f64>().ok()) {
            (Some(number), Some(value)) => self.compares(value, number),
            _ => self.holds_for_text(text),
        }
    }

    /// Whether it holds for a number, which is written so.
    pub(super) fn holds_for_number(&self, value: f64, text: &str) -> bool {
        match self.number {
            Some(number) => self.compares(value, number),
            None => self.holds_for_text(text),
        }
    }

    /// Whether it holds for a text, whatever it looks like.
    pub(super) fn holds_for_text(&self, text: &str) -> bool {
        let alike = match &self.operand {
            Operand::Text(pattern) => is_like(pattern, text),
            Operand::Regex(regex) => regex.is_match(text),
        };
        match self.operator {
            Operator::Equal => alike,
            Operator::NotEqual => !alike,
            Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => false,
        }
    }

    fn compares(&self, value: f64, number: f64) -> bool {
        match self.operator {
            Operator::Equal => value == number,
            Operator::NotEqual => value != number,
            Operator::Less => value < number,
            Operator::AtMost => value <= number,
            Operator::More => value > number,
            Operator::AtLeast => value >= number,
        }
    }
}

/// Whether a text is as the pattern says, in which `*` is any characters.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Comparison {
        Comparison::read(&mut Scanner::new(text), "})").expect(text)
    }

    #[test]
    fn stars_are_any_characters() {
        for (pattern, text, like) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "a", false),
            ("aa*aa", "aaa", false),
            ("*b*", "abc", true),
            ("*b*d*", "abcdef", true),
            ("*b*d", "abdcd", true),
            ("*", "", true),
            ("**", "x", true),
            ("ä*", "äö", true),
        ] {
            assert_eq!(is_like(pattern, text), like, "{pattern} {text}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_texts_as_texts() {
        for (comparison, text, holds) in [
            ("= 400", "400", true),
            ("= 400", "400.0", true),
            ("= 400", "four", false),
            ("!= 400", "four", true),
            ("= 4*", "404", true),
            ("= \"400\"", "400.0", false),
            ("> 1e3", "1001", true),
            ("> 1000", "many", false),
            ("<= -1", "-1", true),
            (">= 2", "1.99", false),
            ("< 2", "1.99", true),
            ("= %^4[0-9]+$%", "404", true),
            ("!= %^4%", "404", false),
            ("= x}", "x", true),
        ] {
            assert_eq!(read(comparison).holds_for(text), holds, "{comparison} {text}");
        }
    }
}
