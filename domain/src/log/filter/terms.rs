//! Terms: `ERROR "exact phrase" ?either ?or -without %reg.*ex%`.

use regex::Regex;

use super::{
    comparison::regex,
    scanner::{InvalidPattern, Scanner, invalid},
};

#[derive(Debug, Clone)]
enum Term {
    Text(String),
    Regex(Regex),
}

impl Term {
    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Text(term) => text.contains(term.as_str()),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Terms, each of which an event has or has not.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    required: Vec<Term>,
    excluded: Vec<Term>,
    /// One of them has to be there. Beside others they mean nothing, as in the service.
    optional: Vec<Term>,
}

impl Terms {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut scanner = Scanner::new(text);
        let mut terms = Self::default();
        loop {
            scanner.skip_space();
            if scanner.is_at_end() {
                return Ok(terms);
            }
            let to = if scanner.take("?") {
                &mut terms.optional
            } else if scanner.take("-") {
                &mut terms.excluded
            } else {
                &mut terms.required
            };
            to.push(term(&mut scanner)?);
        }
    }

    pub(super) fn match_text(&self, text: &str) -> bool {
        let has = |term: &Term| term.is_in(text);
        if self.excluded.iter().any(has) {
            return false;
        }
        if self.required.is_empty() && self.excluded.is_empty() {
            return self.optional.iter().any(has);
        }
        self.required.iter().all(has)
    }
}

fn term(scanner: &mut Scanner<'_>) -> Result<Term, InvalidPattern> {
    if scanner.take("%") {
        return Ok(Term::Regex(regex(&scanner.quoted('%')?)?));
    }
    let text = if scanner.take("\"") {
        scanner.quoted('"')?
    } else {
        scanner.take_while(|c| !c.is_whitespace()).to_owned()
    };
    if text.is_empty() { Err(invalid("a term is empty")) } else { Ok(Term::Text(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_required_term_has_to_be_there_and_no_excluded_one() {
        for (pattern, text, matches) in [
            ("ERROR", "[ERROR 400] BAD REQUEST", true),
            ("ERROR", "[error]", false),
            ("ERROR", "ERRORS", true),
            ("ERROR REQUEST", "[ERROR 400] BAD REQUEST", true),
            ("ERROR NOTHING", "[ERROR 400] BAD REQUEST", false),
            ("\"BAD REQUEST\"", "[ERROR 400] BAD REQUEST", true),
            ("\"REQUEST BAD\"", "[ERROR 400] BAD REQUEST", false),
            ("ERROR -400", "[ERROR 400]", false),
            ("ERROR -400", "[ERROR 401]", true),
            ("-400", "[ERROR 401]", true),
            ("-\"ERROR 401\"", "[ERROR 401]", false),
            ("?ERROR ?WARN", "WARN: x", true),
            ("?ERROR ?WARN", "INFO: x", false),
            ("?ERROR INFO", "INFO: x", true),
            ("?ERROR -x", "y", true),
            ("%4[0-9]{2}%", "status 404", true),
            ("%4[0-9]{2}%", "status 40", false),
            ("-%^INFO%", "INFO x", false),
            (r#""say \"hi\"""#, r#"they say "hi""#, true),
            (r"%a\%b%", "a%b", true),
            (r"%\d+%", "a1", true),
        ] {
            let terms = Terms::parse(pattern).expect(pattern);
            assert_eq!(terms.match_text(text), matches, "{pattern} in {text}");
        }
    }
}
