//! Reading of patterns.

/// Why a pattern can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid filter pattern: {0}")]
pub struct InvalidPattern(String);

/// How deep parentheses may be nested.
const MAX_DEPTH: u32 = 32;

pub(super) fn invalid(why: impl Into<String>) -> InvalidPattern {
    InvalidPattern(why.into())
}

/// Reads one condition, within that many parentheses.
type Read<'a, C> = fn(&mut Scanner<'a>, u32) -> Result<C, InvalidPattern>;

/// Makes one condition of several.
type Join<C> = fn(Vec<C>) -> C;

/// What is left of a pattern.
pub(super) struct Scanner<'a>(&'a str);

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) fn skip_space(&mut self) {
        self.0 = self.0.trim_start();
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    /// Whether it goes on with that text.
    pub(super) fn is_at(&self, text: &str) -> bool {
        self.0.starts_with(text)
    }

    /// Takes that text if it goes on with it.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Takes that text, after white space.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), InvalidPattern> {
        self.skip_space();
        if self.take(text) { Ok(()) } else { Err(invalid(format!("[{text}] is missing"))) }
    }

    /// Takes that word, whatever its letter case.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let Some(head) = self.0.get(..word.len()) else { return false };
        let rest = &self.0[word.len()..];
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        if head.eq_ignore_ascii_case(word) && ends {
            self.0 = rest;
            return true;
        }
        false
    }

    /// Takes characters as long as they are wanted.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !wanted(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    /// Takes what is between two `quote`s, of which the first is taken already. A backslash stands before a quote that
    /// does not end it.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, InvalidPattern> {
        let mut text = String::new();
        let mut characters = self.0.char_indices();
        while let Some((at, c)) = characters.next() {
            if c == quote {
                self.0 = &self.0[at + c.len_utf8()..];
                return Ok(text);
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match characters.next() {
                Some((_, escaped)) if escaped == quote || escaped == '\\' => {
                    // Regular expressions have backslashes of their own.
                    if quote == '%' && escaped == '\\' {
                        text.push('\\');
                    }
                    text.push(escaped);
                }
                Some((_, other)) => text.extend(['\\', other]),
                None => break,
            }
        }
        Err(invalid(format!("[{quote}] is not closed")))
    }

    /// Reads conditions that `&&` and `||` join, of which `&&` binds closer, within so many parentheses.
    pub(super) fn alternatives<C>(
        &mut self,
        depth: u32,
        condition: Read<'a, C>,
        [any, all]: [Join<C>; 2],
    ) -> Result<C, InvalidPattern> {
        if depth > MAX_DEPTH {
            return Err(invalid("parentheses are nested too deep"));
        }
        self.joined("||", any, |scanner| {
            scanner.joined("&&", all, |scanner| condition(scanner, depth))
        })
    }

    fn joined<C>(
        &mut self,
        operator: &str,
        join: Join<C>,
        part: impl Fn(&mut Self) -> Result<C, InvalidPattern>,
    ) -> Result<C, InvalidPattern> {
        let mut parts = vec![part(self)?];
        loop {
            self.skip_space();
            if !self.take(operator) {
                return Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) });
            }
            parts.push(part(self)?);
        }
    }
}
