//! The syntax check of message selectors.
//!
//! Source: the grammar of ActiveMQ's selector parser (`StrictParser.jj`) and what its expressions say of their
//! operands.

/// The maximum nesting of expressions, because the engine's parser is recursive.
const MAX_DEPTH: usize = 64;

/// Whether the text is a selector of the engine.
pub(super) fn is_selector(text: &str) -> bool {
    let text = text.strip_prefix("convert_string_expressions:").unwrap_or(text);
    let Some(tokens) = tokens(text) else { return false };
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    parser.or().is_some_and(Kind::is_boolean) && parser.at == tokens.len()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A name, or a keyword as its capitals.
    Word(String),
    /// A string literal, by its number of characters.
    Text(usize),
    Number,
    Sign(&'static str),
}

const KEYWORDS: &[&str] = &[
    "NOT", "AND", "OR", "BETWEEN", "LIKE", "ESCAPE", "IN", "IS", "TRUE", "FALSE", "NULL", "XPATH",
    "XQUERY",
];

const SIGNS: &[&str] = &["<>", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "%"];

/// The functions of selectors, with their minimum and maximum numbers of arguments.
const FUNCTIONS: &[(&str, usize, usize)] =
    &[("INLIST", 2, 2), ("MAKELIST", 0, 64), ("REGEX", 2, 2), ("REPLACE", 3, 3), ("SPLIT", 2, 3)];

/// The tokens of a text without its comments; none if the text has something else.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        let Some(first) = rest.chars().next() else { return Some(found) };
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once(['\n', '\r']).map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/")?.1;
        } else if first == '\'' {
            let (length, after) = quoted(&rest[1..])?;
            found.push(Token::Text(length));
            rest = after;
        } else if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(is_digit)) {
            rest = number(rest)?;
            found.push(Token::Number);
        } else if is_name(first) {
            let end = rest.find(|c| !is_name(c) && !is_digit(c)).unwrap_or(rest.len());
            let capitals = rest[..end].to_ascii_uppercase();
            let is_keyword = KEYWORDS.contains(&capitals.as_str());
            found.push(Token::Word(if is_keyword { capitals } else { rest[..end].to_owned() }));
            rest = &rest[end..];
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
            found.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
    }
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '$')
}

/// The number of characters before the closing quote, and the rest.
fn quoted(text: &str) -> Option<(usize, &str)> {
    let (mut length, mut rest) = (0, text);
    loop {
        let end = rest.find('\'')?;
        length += rest[..end].chars().count();
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => (length, rest) = (length + 1, after),
            None => return Some((length, rest)),
        }
    }
}

/// The rest after a number.
fn number(text: &str) -> Option<&str> {
    let digits = |text: &str| text.find(|c| !is_digit(c)).unwrap_or(text.len());
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        return i64::from_str_radix(&hex[..end], 16).ok().map(|_| &hex[end..]);
    }
    let whole = digits(text);
    let mut rest = &text[whole..];
    let mut is_fraction = false;
    if let Some(after) = rest.strip_prefix('.') {
        (is_fraction, rest) = (true, &after[digits(after)..]);
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        let after = after.strip_prefix(['+', '-']).unwrap_or(after);
        let exponent = digits(after);
        if exponent > 0 {
            (is_fraction, rest) = (true, &after[exponent..]);
        }
    }
    if !is_fraction {
        let whole = &text[..whole];
        // A leading zero makes it octal.
        if whole.len() > 1 && whole.starts_with('0') {
            i64::from_str_radix(whole, 8).ok()?;
        } else {
            rest = rest.strip_prefix(['l', 'L']).unwrap_or(rest);
        }
    }
    Some(rest)
}

/// The type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// True, false, or unknown while messages are compared.
    Boolean,
    /// `TRUE` or `FALSE`.
    Truth,
    Null,
    Text,
    Number,
    Property,
    /// The result of arithmetic.
    Computed,
}

impl Kind {
    const fn is_boolean(self) -> bool {
        matches!(self, Self::Boolean | Self::Truth | Self::Null | Self::Property)
    }

    /// Whether values of the type are ordered.
    const fn has_order(self) -> bool {
        matches!(self, Self::Number | Self::Property | Self::Computed)
    }

    const fn is_constant(self) -> bool {
        matches!(self, Self::Truth | Self::Null | Self::Text | Self::Number)
    }

    /// Whether the two types can be compared for equality.
    fn compares(self, other: Self) -> bool {
        let mixed = self == Self::Truth && other.is_constant() && other != Self::Truth;
        self != Self::Null && other != Self::Null && !mixed
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn takes_sign(&mut self, sign: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if *s == sign);
        self.at += usize::from(there);
        there
    }

    fn takes(&mut self, word: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some(Token::Word(w)) if w == word);
        self.at += usize::from(there);
        there
    }

    fn text(&mut self) -> Option<usize> {
        let Some(Token::Text(length)) = self.tokens.get(self.at) else { return None };
        self.at += 1;
        Some(*length)
    }

    fn or(&mut self) -> Option<Kind> {
        let mut left = self.and()?;
        while self.takes("OR") {
            let right = self.and()?;
            left = (left.is_boolean() && right.is_boolean()).then_some(Kind::Boolean)?;
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Kind> {
        let mut left = self.equality()?;
        while self.takes("AND") {
            let right = self.equality()?;
            left = (left.is_boolean() && right.is_boolean()).then_some(Kind::Boolean)?;
        }
        Some(left)
    }

    fn equality(&mut self) -> Option<Kind> {
        let mut left = self.comparison()?;
        loop {
            if self.takes_sign("=") || self.takes_sign("<>") {
                let right = self.comparison()?;
                left = left.compares(right).then_some(Kind::Boolean)?;
            } else if self.takes("IS") {
                self.takes("NOT");
                left = self.takes("NULL").then_some(Kind::Boolean)?;
            } else {
                return Some(left);
            }
        }
    }

    fn comparison(&mut self) -> Option<Kind> {
        let mut left = self.sum()?;
        loop {
            if ["<=", ">=", "<", ">"].iter().any(|sign| self.takes_sign(sign)) {
                let right = self.sum()?;
                left = (left.has_order() && right.has_order()).then_some(Kind::Boolean)?;
                continue;
            }
            let before = self.at;
            let is_negated = self.takes("NOT");
            if self.takes("LIKE") {
                self.text()?;
                if self.takes("ESCAPE") && self.text()? != 1 {
                    return None;
                }
            } else if self.takes("BETWEEN") {
                let low = self.sum()?;
                let high = self.takes("AND").then(|| self.sum())??;
                if ![left, low, high].into_iter().all(Kind::has_order) {
                    return None;
                }
            } else if self.takes("IN") {
                if left != Kind::Property || !self.takes_sign("(") {
                    return None;
                }
                self.text()?;
                while self.takes_sign(",") {
                    self.text()?;
                }
                if !self.takes_sign(")") {
                    return None;
                }
            } else {
                if is_negated {
                    self.at = before;
                }
                return Some(left);
            }
            left = Kind::Boolean;
        }
    }

    fn sum(&mut self) -> Option<Kind> {
        let mut left = self.product()?;
        while self.takes_sign("+") || self.takes_sign("-") {
            self.product()?;
            left = Kind::Computed;
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Kind> {
        let mut left = self.unary()?;
        while ["*", "/", "%"].iter().any(|sign| self.takes_sign(sign)) {
            self.unary()?;
            left = Kind::Computed;
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Kind> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let kind = if self.takes_sign("+") {
            self.unary()
        } else if self.takes_sign("-") {
            self.unary().map(|_| Kind::Computed)
        } else if self.takes("NOT") {
            self.unary().filter(|kind| kind.is_boolean()).map(|_| Kind::Boolean)
        } else if self.takes("XPATH") || self.takes("XQUERY") {
            self.text().map(|_| Kind::Boolean)
        } else {
            self.primary()
        };
        self.depth -= 1;
        kind
    }

    fn primary(&mut self) -> Option<Kind> {
        if self.takes_sign("(") {
            return self.or().filter(|_| self.takes_sign(")"));
        }
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        match token {
            Token::Text(_) => Some(Kind::Text),
            Token::Number => Some(Kind::Number),
            Token::Sign(_) => None,
            Token::Word(word) => match word.as_str() {
                "TRUE" | "FALSE" => Some(Kind::Truth),
                "NULL" => Some(Kind::Null),
                word if KEYWORDS.contains(&word) => None,
                word if self.takes_sign("(") => self.call(word),
                _ => Some(Kind::Property),
            },
        }
    }

    fn call(&mut self, name: &str) -> Option<Kind> {
        let (_, fewest, most) = FUNCTIONS.iter().find(|(function, ..)| *function == name)?;
        let mut arguments = 0;
        if !self.takes_sign(")") {
            loop {
                self.or()?;
                arguments += 1;
                if !self.takes_sign(",") {
                    break;
                }
            }
            self.takes_sign(")").then_some(())?;
        }
        (*fewest..=*most).contains(&arguments).then_some(Kind::Boolean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_what_the_engine_reads_as_such() {
        // All of these were asked of ActiveMQ 5.19.
        for right in [
            "a=1",
            "a='x'",
            "a LIKE 'x%'",
            "a LIKE 'x%' ESCAPE '\\'",
            "a IN ('x','y')",
            "a BETWEEN 1 AND 2",
            "a IS NULL",
            "a IS NOT NULL",
            "NOT a",
            "TRUE",
            "a",
            "a <> 1",
            "-a > 1",
            "a+1*2/3-4=5",
            "a % 2 = 0",
            "XPATH 'x'",
            "INLIST(a,'b')",
            "0x1F=a",
            "1.5e3>a",
            "a='it''s'",
            "$a=1",
            "a-b=1",
            "a NOT IN ('x')",
            "a NOT LIKE 'x'",
            "a NOT BETWEEN 1 AND 2",
            "true=a",
            "a=1 OR b=2 AND c=3",
            "1L=a",
            "+1=a",
            "a=1 -- c",
            "a=1 /* c */",
            "convert_string_expressions:a=1",
            "a=017",
            "a+'b'=1",
            "TRUE = FALSE",
            "NOT NOT a",
            "(a)",
            "a = b = c",
            "a IS NULL IS NULL",
        ] {
            assert!(is_selector(right), "{right}");
        }
        let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
        for wrong in [
            "",
            "  ",
            "1",
            "'x'",
            "a=1 AND",
            "a == 1",
            "a != 1",
            "(a=1",
            "a=1)",
            "foo(1)",
            "regex('x',a)",
            "a IN ()",
            "a IN (1)",
            "a.b=1",
            "a LIKE b",
            "a=NULL",
            "a BETWEEN 'a' AND 'b'",
            "a=1;",
            "a=\"x\"",
            "\u{e9}=1",
            "no_convert_string_expressions:a=1",
            "a AND 1",
            "NOT 1",
            "'a' > 1",
            "a > TRUE",
            "TRUE > FALSE",
            "a LIKE 'x' ESCAPE 'xx'",
            "a < b < c",
            "not ! sql",
            &deep,
        ] {
            assert!(!is_selector(wrong), "{wrong}");
        }
    }
}
