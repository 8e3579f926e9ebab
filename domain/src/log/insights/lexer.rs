//! The words of a query.

use super::InvalidQuery;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name: of a command, a function, a field or a keyword. With whether it was quoted, and so can only be a field.
    Name(String, bool),
    Number(f64),
    Text(String),
    Regex(String),
    /// A number with a unit of time, in milliseconds.
    Period(i64),
    Symbol(&'static str),
}

/// The longer ones first.
const SYMBOLS: [&str; 19] = [
    "!=", "<=", ">=", "=~", "==", "|", "(", ")", "[", "]", ",", "=", "<", ">", "+", "-", "*", "/",
    "%",
];

/// Takes a query apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, InvalidQuery> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        if first == '#' {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
            continue;
        }
        let (token, after) = match first {
            '"' | '\'' => {
                let (text, after) = quoted(&rest[1..], first)?;
                (Token::Text(text), after)
            }
            '`' => {
                let (name, after) = quoted(&rest[1..], first)?;
                (Token::Name(name, true), after)
            }
            '/' if begins_regex(&tokens) => {
                let (regex, after) = quoted(&rest[1..], '/')?;
                (Token::Regex(regex), after)
            }
            c if c.is_ascii_digit() => number(rest)?,
            c if is_of_name(c) => {
                let end = rest.find(|c| !is_of_name(c) && c != '.').unwrap_or(rest.len());
                (Token::Name(rest[..end].to_owned(), false), &rest[end..])
            }
            c => {
                let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
                let symbol = symbol
                    .ok_or_else(|| InvalidQuery::new(format!("unexpected character [{c}]")))?;
                (Token::Symbol(symbol), &rest[symbol.len()..])
            }
        };
        tokens.push(token);
        rest = after;
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

/// Whether a slash begins a regular expression: behind `like`, `=~` and a parsed field, where nothing is divided.
fn begins_regex(before: &[Token]) -> bool {
    let is_word = |token: &Token, word: &str| matches!(token, Token::Name(name, false) if name.eq_ignore_ascii_case(word));
    match before {
        [.., Token::Symbol("=~")] => true,
        [.., parse, Token::Name(..)] if is_word(parse, "parse") => true,
        [.., last] => is_word(last, "like"),
        [] => false,
    }
}

/// What is in quotes, and what comes behind. A backslash stays, but before a quote.
fn quoted(text: &str, quote: char) -> Result<(String, &str), InvalidQuery> {
    let mut found = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            return Ok((found, &text[at + c.len_utf8()..]));
        }
        if c != '\\' {
            found.push(c);
            continue;
        }
        match characters.next() {
            Some((_, escaped)) if escaped == quote => found.push(quote),
            Some((_, '\\')) if quote != '/' => found.push('\\'),
            Some((_, other)) => found.extend(['\\', other]),
            None => break,
        }
    }
    Err(InvalidQuery::new(format!("[{quote}] is not closed")))
}

fn number(text: &str) -> Result<(Token, &str), InvalidQuery> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let wrong = || InvalidQuery::new(format!("[{digits}] is not a number"));
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(unit_end);
    let millis = match unit {
        "" => return Ok((Token::Number(number), rest)),
        "ms" => 1.0,
        "s" | "sec" | "second" | "seconds" => 1000.0,
        "m" | "min" | "minute" | "minutes" => 60_000.0,
        "h" | "hr" | "hour" | "hours" => 3_600_000.0,
        "d" | "day" | "days" => 86_400_000.0,
        "w" | "week" | "weeks" => 604_800_000.0,
        _ => return Err(InvalidQuery::new(format!("[{digits}{unit}] is not a period"))),
    };
    let period = (number * millis) as i64;
    if period < 1 { Err(wrong()) } else { Ok((Token::Period(period), after)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_taken_apart() {
        let name = |text: &str| Token::Name(text.to_owned(), false);
        let found =
            tokens("fields @timestamp, a.b.0 as `odd name` # comment\n| filter x like /a\\/b/")
                .expect("tokens");
        assert_eq!(
            found,
            [
                name("fields"),
                name("@timestamp"),
                Token::Symbol(","),
                name("a.b.0"),
                name("as"),
                Token::Name("odd name".to_owned(), true),
                Token::Symbol("|"),
                name("filter"),
                name("x"),
                name("like"),
                Token::Regex("a/b".to_owned()),
            ]
        );
        let found = tokens(r#"1.5 5m "say \"hi\"" 'it' a/b != <="#).expect("tokens");
        assert_eq!(
            found,
            [
                Token::Number(1.5),
                Token::Period(300_000),
                Token::Text("say \"hi\"".to_owned()),
                Token::Text("it".to_owned()),
                name("a"),
                Token::Symbol("/"),
                name("b"),
                Token::Symbol("!="),
                Token::Symbol("<="),
            ]
        );
        for bad in ["\"open", "`open", "x like /open", "1.2.3", "5parsecs", "a ; b", "0s"] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
    }
}
