//! Patterns for events of columns: `[ip, user, ..., status = 4* || status = 5*, bytes > 1000]`.

use super::{
    comparison::Comparison,
    scanner::{InvalidPattern, Scanner, invalid},
};

#[derive(Debug, Clone)]
pub(super) struct ColumnPattern {
    /// Of the first columns.
    head: Vec<Condition>,
    /// Of the last columns, if there are any number of them in between.
    tail: Option<Vec<Condition>>,
}

#[derive(Debug, Clone)]
enum Condition {
    /// Whatever it is.
    None,
    Compares(Comparison),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Condition {
    fn holds_for(&self, column: &str) -> bool {
        match self {
            Self::None => true,
            Self::Compares(comparison) => comparison.holds_for(column),
            Self::All(parts) => parts.iter().all(|part| part.holds_for(column)),
            Self::Any(parts) => parts.iter().any(|part| part.holds_for(column)),
        }
    }
}

impl ColumnPattern {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut scanner = Scanner::new(text);
        scanner.expect("[")?;
        let mut pattern = Self { head: Vec::new(), tail: None };
        loop {
            scanner.skip_space();
            if scanner.take("...") {
                if pattern.tail.is_some() {
                    return Err(invalid("[...] appears more than once"));
                }
                pattern.tail = Some(Vec::new());
            } else {
                let condition = any(&mut scanner, 0)?;
                pattern.tail.as_mut().unwrap_or(&mut pattern.head).push(condition);
            }
            scanner.skip_space();
            if scanner.take("]") {
                break;
            }
            scanner.expect(",")?;
        }
        scanner.skip_space();
        if scanner.is_at_end() {
            Ok(pattern)
        } else {
            Err(invalid("there is something behind []]"))
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let columns = columns(text);
        let hold = |conditions: &[Condition], columns: &[&str]| {
            conditions.iter().zip(columns).all(|(condition, column)| condition.holds_for(column))
        };
        match &self.tail {
            None => columns.len() == self.head.len() && hold(&self.head, &columns),
            Some(tail) => {
                columns.len() >= self.head.len() + tail.len()
                    && hold(&self.head, &columns)
                    && hold(tail, &columns[columns.len() - tail.len()..])
            }
        }
    }
}

/// The columns of an event. What is in brackets or quotes is one.
fn columns(text: &str) -> Vec<&str> {
    let mut columns = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '[' => Some(']'),
            '"' => Some('"'),
            _ => None,
        };
        let closed = close.and_then(|close| rest[1..].find(close).map(|at| at + 1));
        let (column, after) = match closed {
            Some(end) => (&rest[1..end], &rest[end + 1..]),
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        columns.push(column);
        rest = after.trim_start();
    }
    columns
}

fn any(scanner: &mut Scanner<'_>, depth: u32) -> Result<Condition, InvalidPattern> {
    scanner.alternatives(depth, condition, [Condition::Any, Condition::All])
}

/// A column's name, and what it has to be. Names are for people: conditions are about the column that they stand in.
fn condition(scanner: &mut Scanner<'_>, depth: u32) -> Result<Condition, InvalidPattern> {
    scanner.skip_space();
    if scanner.take("(") {
        let inner = any(scanner, depth + 1)?;
        scanner.expect(")")?;
        return Ok(inner);
    }
    let name = scanner.take_while(|c| c.is_alphanumeric() || "_-.$".contains(c));
    if name.is_empty() {
        return Err(invalid("the name of a column is missing"));
    }
    scanner.skip_space();
    if ["=", "!=", "<", ">"].iter().any(|operator| scanner.is_at(operator)) {
        return Ok(Condition::Compares(Comparison::read(scanner, "[](),")?));
    }
    Ok(Condition::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str =
        r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;

    #[test]
    fn brackets_and_quotes_hold_a_column_together() {
        let expected = [
            "127.0.0.1",
            "-",
            "frank",
            "10/Oct/2000:13:25:15 -0700",
            "GET /index.html HTTP/1.0",
            "404",
            "1534",
        ];
        assert_eq!(columns(EVENT), expected);
        assert_eq!(columns("  a  [open \"b"), ["a", "[open", "\"b"]);
        assert_eq!(columns(""), Vec::<&str>::new());
        assert_eq!(columns("[] x"), ["", "x"]);
    }

    #[test]
    fn each_column_has_its_condition() {
        for (pattern, matches) in [
            ("[ip, user, username, timestamp, request, status_code, bytes]", true),
            ("[ip, user, username, timestamp, request, status_code]", false),
            ("[ip, user, username, timestamp, request, status_code, bytes > 1000]", true),
            ("[ip, user, username, timestamp, request, status_code, bytes > 2000]", false),
            ("[ip, user, username, timestamp, request =*.html*, status_code = 4*, ...]", true),
            ("[ip, user, username, timestamp, request =*.html*, status_code = 5*, ...]", false),
            ("[..., status = 4* || status = 5*, bytes]", true),
            ("[..., status = 404 && status != 405, bytes]", true),
            ("[..., (status = 1 || status = 404) && status < 500, bytes]", true),
            ("[ip = %127\\.0\\.0\\.[0-9]%, ..., bytes]", true),
            ("[ip, ..., bytes]", true),
            ("[...]", true),
            ("[a, b, c, d, e, f, g, h, ...]", false),
            ("[..., request = \"GET /index.html HTTP/1.0\", status, bytes]", true),
            ("[ip=127.0.0.1,...]", true),
        ] {
            let parsed = ColumnPattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.matches(EVENT), matches, "{pattern}");
        }
    }
}
