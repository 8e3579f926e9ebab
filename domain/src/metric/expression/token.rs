//! The tokens of expressions.

use super::{ExpressionError, wrong};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    /// An identifier, a function or a word.
    Word(String),
    /// A text in single or double quotes.
    Text(String),
    Symbol(&'static str),
}

/// What is no letter, longer ones first.
const SYMBOLS: [&str; 18] = [
    "==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "^", "<", ">", "(", ")", "[", "]", ",",
];

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first.is_ascii_digit() || first == '.' {
            number(rest)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let length = end.unwrap_or(rest.len());
            (Token::Word(rest[..length].to_owned()), length)
        } else if first == '\'' || first == '"' {
            quoted(rest, first)?
        } else if let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) {
            (Token::Symbol(symbol), symbol.len())
        } else {
            return wrong(format!("Unexpected character '{}'", first.escape_debug()));
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn number(text: &str) -> Result<(Token, usize), ExpressionError> {
    let mut length = 0;
    let mut before = ' ';
    for c in text.chars() {
        let is_sign_of_exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        if !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E') || is_sign_of_exponent) {
            break;
        }
        before = c;
        length += 1;
    }
    match text[..length].parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Token::Number(number), length)),
        Ok(_) | Err(_) => wrong(format!("'{}' is not a number", &text[..length])),
    }
}

/// A text until the same quote again. A backslash keeps the quote behind it.
fn quoted(text: &str, quote: char) -> Result<(Token, usize), ExpressionError> {
    let mut content = String::new();
    let mut is_kept = false;
    for (at, c) in text.char_indices().skip(1) {
        if is_kept {
            if c != quote {
                content.push('\\');
            }
            content.push(c);
            is_kept = false;
        } else if c == '\\' {
            is_kept = true;
        } else if c == quote {
            return Ok((Token::Text(content), at + 1));
        } else {
            content.push(c);
        }
    }
    wrong(format!("A text that begins with {quote} does not end"))
}
