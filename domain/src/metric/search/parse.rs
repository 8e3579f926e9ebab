//! From texts to patterns.

use super::{
    pattern::{Condition, MAX_PATTERN_LENGTH, Schema, SearchError, SearchPattern},
    term::{Property, Wanted},
};

/// How deep parentheses may be nested.
const MAX_DEPTH: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Without quotes.
    Word(String),
    /// In double quotes, or in single ones.
    Text(String),
    Symbol(char),
}

pub(super) fn pattern(text: &str) -> Result<SearchPattern, SearchError> {
    if text.chars().count() > MAX_PATTERN_LENGTH {
        return wrong(format!("The search is longer than {MAX_PATTERN_LENGTH} characters"));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let schema = if parser.takes('{') { Some(parser.schema()?) } else { None };
    // Older documents have a comma behind the schema.
    parser.takes(',');
    let condition =
        if parser.peek().is_some() { Some(parser.any(&Parser::condition)?) } else { None };
    if let Some(token) = parser.peek() {
        return wrong(format!("The search has an unexpected {}", shown(token)));
    }
    if schema.is_none() && condition.is_none() {
        return wrong("The search is empty");
    }
    Ok(SearchPattern { schema, condition })
}

fn tokens(text: &str) -> Result<Vec<Token>, SearchError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '{' | '}' | ',' | '(' | ')' | '=' => {
                tokens.push(Token::Symbol(first));
                1
            }
            '"' | '\'' => {
                let Some((content, length)) = quoted(rest, first) else {
                    return wrong(format!(
                        "The search has a text that begins with {first} and does not end"
                    ));
                };
                tokens.push(Token::Text(content));
                length
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || "{},()=\"'".contains(c);
                let length = rest.find(ends).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The content of a text in quotes, and how long it is with them.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut is_kept = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            c if is_kept => {
                content.push(c);
                is_kept = false;
            }
            '\\' => is_kept = true,
            c if c == quote => return Some((content, at + 1)),
            c => content.push(c),
        }
    }
    None
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, symbol: char) -> bool {
        let is_next = self.peek() == Some(&Token::Symbol(symbol));
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(next)) if next == word);
        self.at += usize::from(is_next);
        is_next
    }

    /// What is between `{` and `}`.
    fn schema(&mut self) -> Result<Schema, SearchError> {
        let mut names = Vec::new();
        loop {
            match self.peek() {
                Some(Token::Word(name) | Token::Text(name)) => names.push(name.clone()),
                Some(token) => {
                    return wrong(format!(
                        "The schema of the search has an unexpected {}",
                        shown(token)
                    ));
                }
                None => return wrong("The schema of the search does not end"),
            }
            self.at += 1;
            if self.takes('}') {
                break;
            }
            if !self.takes(',') {
                return wrong("The schema of the search needs commas between names");
            }
        }
        let namespace = names.remove(0);
        Ok(Schema { namespace, dimensions: names })
    }

    /// Conditions with `OR` between them.
    fn any(
        &mut self,
        one: &dyn Fn(&mut Self) -> Result<Condition, SearchError>,
    ) -> Result<Condition, SearchError> {
        let mut conditions = vec![self.all(one)?];
        while self.takes_word("OR") {
            conditions.push(self.all(one)?);
        }
        Ok(single(conditions, Condition::Any))
    }

    /// Conditions with `AND`, or with nothing between them.
    fn all(
        &mut self,
        one: &dyn Fn(&mut Self) -> Result<Condition, SearchError>,
    ) -> Result<Condition, SearchError> {
        let mut conditions = vec![self.not(one)?];
        loop {
            let has_and = self.takes_word("AND");
            let is_end = match self.peek() {
                None => true,
                Some(Token::Symbol(symbol)) => *symbol != '(',
                Some(Token::Word(word)) => word == "OR",
                Some(Token::Text(_)) => false,
            };
            if is_end && !has_and {
                return Ok(single(conditions, Condition::All));
            }
            conditions.push(self.not(one)?);
        }
    }

    fn not(
        &mut self,
        one: &dyn Fn(&mut Self) -> Result<Condition, SearchError>,
    ) -> Result<Condition, SearchError> {
        if self.depth >= MAX_DEPTH {
            return wrong(format!("The search is nested deeper than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let condition = if self.takes_word("NOT") {
            Condition::Not(Box::new(self.not(one)?))
        } else if self.takes('(') {
            let inner = self.any(one)?;
            if !self.takes(')') {
                return wrong("The search lacks a closing parenthesis");
            }
            inner
        } else {
            one(self)?
        };
        self.depth -= 1;
        Ok(condition)
    }

    /// A term: a text, or a property and what it is to be.
    fn condition(&mut self) -> Result<Condition, SearchError> {
        let token = self.value()?;
        if !self.takes('=') {
            return Ok(Condition::Has(None, wanted(token)?));
        }
        let (Token::Word(name) | Token::Text(name)) = token else {
            return wrong("The search has no name before =");
        };
        let property = Property::named(name);
        if self.peek() == Some(&Token::Symbol('(')) {
            let of_property = move |parser: &mut Self| {
                let value = wanted(parser.value()?)?;
                Ok(Condition::Has(Some(property.clone()), value))
            };
            return self.not(&of_property);
        }
        Ok(Condition::Has(Some(property), wanted(self.value()?)?))
    }

    fn value(&mut self) -> Result<&'a Token, SearchError> {
        match self.peek() {
            Some(token @ (Token::Word(_) | Token::Text(_))) => {
                self.at += 1;
                Ok(token)
            }
            Some(token) => wrong(format!("The search has an unexpected {}", shown(token))),
            None => wrong("The search ends where a term is expected"),
        }
    }
}

fn wanted(token: &Token) -> Result<Wanted, SearchError> {
    match token {
        Token::Text(text) => Ok(Wanted::Exactly(text.clone())),
        Token::Word(word) => match Wanted::parts_of(word) {
            Some(wanted) => Ok(wanted),
            None => wrong(format!("The search can't look for '{}'", word.escape_debug())),
        },
        Token::Symbol(_) => wrong("The search lacks a term"),
    }
}

fn single(mut conditions: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    if conditions.len() == 1 { conditions.remove(0) } else { many(conditions) }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(text) | Token::Text(text) => format!("'{}'", text.escape_debug()),
        Token::Symbol(symbol) => format!("'{symbol}'"),
    }
}

fn wrong<T>(message: impl Into<String>) -> Result<T, SearchError> {
    Err(SearchError(message.into()))
}
