//! The syntax check of regular expressions.
//!
//! Source: `java.util.regex.Pattern`. Back references, lookbehind and nested character classes are not
//! supported.

use std::{iter::Peekable, str::Chars};

/// The maximum nesting of groups, because Java's parser is recursive.
const MAX_DEPTH: usize = 64;

/// The named character classes.
const CLASSES: &[&str] = &[
    "L", "Lu", "Ll", "N", "Nd", "P", "S", "Z", "Alpha", "Alnum", "ASCII", "Digit", "Lower",
    "Punct", "Space", "Upper",
];

/// Whether the text is a regular expression of Java.
pub(super) fn is_pattern(text: &str) -> bool {
    let mut parser = Parser { rest: text.chars().peekable(), depth: 0, names: Vec::new() };
    parser.alternatives().is_some() && parser.rest.next().is_none()
}

struct Parser<'t> {
    rest: Peekable<Chars<'t>>,
    depth: usize,
    names: Vec<String>,
}

impl Parser<'_> {
    fn takes(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    /// Alternatives up to the end of the text or of the group.
    fn alternatives(&mut self) -> Option<()> {
        while let Some(&next) = self.rest.peek() {
            match next {
                ')' => break,
                '|' => drop(self.rest.next()),
                _ => {
                    self.atom()?;
                    self.quantifier()?;
                }
            }
        }
        Some(())
    }

    fn atom(&mut self) -> Option<()> {
        match self.rest.next()? {
            '(' => self.group(),
            '[' => self.set(),
            '\\' => self.escape(false).map(drop),
            '*' | '+' | '?' | '{' => None,
            _ => Some(()),
        }
    }

    fn quantifier(&mut self) -> Option<()> {
        match self.rest.peek() {
            Some('*' | '+' | '?') => drop(self.rest.next()),
            Some('{') => {
                self.rest.next();
                let fewest = self.number()?;
                if self.takes(',') && !matches!(self.rest.peek(), Some('}')) {
                    (self.number()? >= fewest).then_some(())?;
                }
                self.takes('}').then_some(())?;
            }
            _ => return Some(()),
        }
        let _greed = self.takes('?') || self.takes('+');
        Some(())
    }

    fn number(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        (digits.len() < 10).then(|| digits.parse().ok())?
    }

    fn group(&mut self) -> Option<()> {
        if self.takes('?') {
            match self.rest.next()? {
                ':' | '=' | '!' | '>' => {}
                '<' => self.name()?,
                flag => {
                    let mut next = flag;
                    while matches!(next, 'i' | 'd' | 'm' | 's' | 'u' | 'U' | '-') {
                        next = self.rest.next()?;
                    }
                    match next {
                        ':' => {}
                        ')' => return Some(()),
                        _ => return None,
                    }
                }
            }
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.alternatives()?;
        self.depth -= 1;
        self.takes(')').then_some(())
    }

    fn name(&mut self) -> Option<()> {
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(char::is_ascii_alphanumeric) {
            name.push(c);
        }
        let is_new =
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && !self.names.contains(&name);
        self.names.push(name);
        (is_new && self.takes('>')).then_some(())
    }

    /// An escape after its backslash; the character that it stands for, if it is a single one.
    fn escape(&mut self, in_set: bool) -> Option<Option<char>> {
        match self.rest.next()? {
            'x' => self.code(2),
            'u' => self.code(4),
            'p' | 'P' => {
                self.takes('{').then_some(())?;
                let mut name = String::new();
                while let Some(c) = self.rest.next_if(char::is_ascii_alphabetic) {
                    name.push(c);
                }
                (self.takes('}') && CLASSES.contains(&name.as_str())).then_some(None)
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => Some(None),
            't' => Some(Some('\t')),
            'n' => Some(Some('\n')),
            'r' => Some(Some('\r')),
            'b' | 'B' | 'A' | 'z' | 'Z' if !in_set => Some(None),
            'Q' if !in_set => {
                while let Some(c) = self.rest.next() {
                    if c == '\\' && self.takes('E') {
                        break;
                    }
                }
                Some(None)
            }
            c if c.is_ascii_alphanumeric() => None,
            c => Some(Some(c)),
        }
    }

    fn code(&mut self, digits: usize) -> Option<Option<char>> {
        let mut code = 0;
        for _ in 0..digits {
            code = code * 16 + self.rest.next()?.to_digit(16)?;
        }
        Some(char::from_u32(code))
    }

    /// A character class after its opening bracket.
    fn set(&mut self) -> Option<()> {
        self.takes('^');
        let mut is_first = true;
        loop {
            let first = match self.rest.next()? {
                ']' if !is_first => return Some(()),
                '[' => return None,
                '&' if self.rest.peek() == Some(&'&') => return None,
                '\\' => self.escape(true)?,
                c => Some(c),
            };
            is_first = false;
            if !self.takes('-') {
                continue;
            }
            match (first, self.rest.peek().copied()) {
                (Some(_), Some(']')) => {}
                (Some(low), Some(c)) if !matches!(c, '[' | '&') => {
                    self.rest.next();
                    let high = if c == '\\' { self.escape(true)?? } else { c };
                    (low <= high).then_some(())?;
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_what_java_reads_as_such() {
        // All but the deepest were asked of Java 21.
        for right in [
            "",
            "a*",
            "a|b",
            "a{2}",
            "a{2,}",
            "a{2,3}?",
            "(?<x>a)",
            "^a$",
            "a+?",
            "a++",
            "(?i)a",
            "\\Qa",
            "\\Q*\\E+",
            "()",
            "[]a]",
            "}",
            "]",
            "\\p{L}",
            "(?:a)",
            "(?=a)",
            ".*DLQ.*",
            "ActiveMQ\\.DLQ",
            "[a-z0-9_-]+",
            "[^.]",
            "\\x41",
            "\\u0041",
            "\u{e4}+",
            "|",
            "(a|b)*",
        ] {
            assert!(is_pattern(right), "{right}");
        }
        let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
        for wrong in [
            "*",
            "(a",
            "[a",
            "a{2",
            "\\",
            "\\q",
            "a{2,1}",
            "[z-a]",
            "*a",
            "a**",
            "+",
            "?",
            "a|*",
            "[]",
            "[^]",
            "{",
            "a{",
            ")",
            "\\p{Q}",
            "\\x4",
            "\\u12",
            "[a-\\d]",
            "[[a]",
            "a{99999999999}",
            "a{,2}",
            "(?<x>a)(?<x>b)",
            &deep,
        ] {
            assert!(!is_pattern(wrong), "{wrong}");
        }
    }
}
