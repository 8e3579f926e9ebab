//! The commands of a query.

use regex::Regex;

use super::{
    InvalidQuery, MAX_LENGTH,
    aggregate::Aggregation,
    expression::{Expression, Words, regex},
    lexer::{Token, tokens},
};

/// The most rows that a query gives, and how many it gives if nothing is said.
///
/// Source: "limit" of the query syntax.
const MAX_ROWS: usize = 10_000;
/// The most commands of a query.
const MAX_COMMANDS: usize = 50;

/// A query.
#[derive(Debug, Clone)]
pub struct Query {
    pub(super) commands: Vec<Command>,
    pub(super) most: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Command {
    Fields(Vec<(String, Expression)>),
    Display(Vec<(String, Expression)>),
    Filter(Expression),
    Parse(Expression, Parsing),
    Stats { aggregations: Vec<(String, Aggregation)>, by: Vec<(String, Expression)> },
    Sort(Vec<(Expression, bool)>),
    Limit(usize),
    Dedup(Vec<Expression>),
}

/// How a field is taken apart.
#[derive(Debug, Clone)]
pub(super) struct Parsing {
    pub(super) regex: Regex,
    /// The names of what is found, in order; none: they are in the expression itself.
    pub(super) names: Option<Vec<String>>,
}

impl Query {
    /// Reads a query, of which at most as many rows are wanted.
    ///
    /// # Errors
    /// Why it is no query.
    pub fn parse(text: &str, most: Option<usize>) -> Result<Self, InvalidQuery> {
        if text.chars().count() > MAX_LENGTH {
            return Err(InvalidQuery::new(format!("it has more than {MAX_LENGTH} characters")));
        }
        let tokens = tokens(text)?;
        let mut commands = Vec::new();
        for part in tokens.split(|token| *token == Token::Symbol("|")) {
            if part.is_empty() {
                if tokens.is_empty() {
                    break;
                }
                return Err(InvalidQuery::new("a command is empty"));
            }
            commands.push(command(part)?);
        }
        if commands.len() > MAX_COMMANDS {
            return Err(InvalidQuery::new(format!("it has more than {MAX_COMMANDS} commands")));
        }
        let most = most.unwrap_or(MAX_ROWS).min(MAX_ROWS);
        Ok(Self { commands, most })
    }

    /// Whether messages that are JSON are to be read.
    pub(super) fn needs_json(&self) -> bool {
        self.commands.iter().any(|command| match command {
            Command::Fields(fields) | Command::Display(fields) => {
                fields.iter().any(|(_, expression)| expression.needs_json())
            }
            Command::Filter(expression) | Command::Parse(expression, _) => expression.needs_json(),
            Command::Stats { aggregations, by } => {
                aggregations.iter().any(|(_, aggregation)| aggregation.needs_json())
                    || by.iter().any(|(_, expression)| expression.needs_json())
            }
            Command::Sort(keys) => keys.iter().any(|(expression, _)| expression.needs_json()),
            Command::Dedup(keys) => keys.iter().any(Expression::needs_json),
            Command::Limit(_) => false,
        })
    }
}

fn command(tokens: &[Token]) -> Result<Command, InvalidQuery> {
    let mut words = Words::new(tokens);
    let name = match words.next() {
        Some(Token::Name(name, false)) => name.to_ascii_lowercase(),
        _ => return Err(InvalidQuery::new("the name of a command is missing")),
    };
    let command = match name.as_str() {
        "fields" => Command::Fields(named_expressions(&mut words)?),
        "display" => Command::Display(named_expressions(&mut words)?),
        "filter" => Command::Filter(words.expression()?),
        "parse" => parse(&mut words)?,
        "stats" => stats(&mut words)?,
        "sort" => sort(&mut words)?,
        "limit" | "head" => match words.next() {
            Some(Token::Number(number)) if number.fract() == 0.0 && *number >= 1.0 => {
                Command::Limit(*number as usize)
            }
            _ => return Err(InvalidQuery::new("limit is followed by a number")),
        },
        "dedup" => {
            let mut keys = vec![words.expression()?];
            while words.take(",") {
                keys.push(words.expression()?);
            }
            Command::Dedup(keys)
        }
        other => return Err(InvalidQuery::new(format!("there is no command [{other}] here"))),
    };
    if words.is_at_end() {
        Ok(command)
    } else {
        Err(InvalidQuery::new(format!("there is something behind [{name}] that it does not know")))
    }
}

/// `a, b.c as d, strlen(e)`.
fn named_expressions(words: &mut Words<'_>) -> Result<Vec<(String, Expression)>, InvalidQuery> {
    let mut found = Vec::new();
    loop {
        let begin = words.left();
        let expression = words.expression()?;
        let text = written(&begin[..begin.len() - words.left().len()]);
        found.push((alias(words)?.unwrap_or(text), expression));
        if !words.take(",") {
            return Ok(found);
        }
    }
}

fn alias(words: &mut Words<'_>) -> Result<Option<String>, InvalidQuery> {
    if words.take_word("as") { words.name().map(Some) } else { Ok(None) }
}

/// As an expression is called that has no other name.
fn written(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        match token {
            Token::Name(name, _) => {
                if text.ends_with(|c: char| c.is_alphanumeric()) {
                    text.push(' ');
                }
                text.push_str(name);
            }
            Token::Number(number) => text.push_str(&number.to_string()),
            Token::Text(inner) => text.push_str(&format!("\"{inner}\"")),
            Token::Regex(inner) => text.push_str(&format!("/{inner}/")),
            Token::Period(millis) => text.push_str(&period(*millis)),
            Token::Symbol(symbol) => text.push_str(symbol),
        }
    }
    text
}

fn period(millis: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let unit = units.into_iter().find(|(length, _)| millis % length == 0);
    unit.map_or_else(
        || format!("{millis}ms"),
        |(length, name)| format!("{}{name}", millis / length),
    )
}

fn stats(words: &mut Words<'_>) -> Result<Command, InvalidQuery> {
    let mut aggregations = Vec::new();
    loop {
        let begin = words.left();
        let aggregation = Aggregation::read(words)?
            .ok_or_else(|| InvalidQuery::new("stats needs aggregations, such as count(*)"))?;
        let text = written(&begin[..begin.len() - words.left().len()]);
        aggregations.push((alias(words)?.unwrap_or(text), aggregation));
        if !words.take(",") {
            break;
        }
    }
    let by = if words.take_word("by") { named_expressions(words)? } else { Vec::new() };
    Ok(Command::Stats { aggregations, by })
}

fn sort(words: &mut Words<'_>) -> Result<Command, InvalidQuery> {
    let mut keys = Vec::new();
    loop {
        // What stats has made is called as it is written.
        let begin = words.left();
        let key = match Aggregation::read(words)? {
            Some(_) => Expression::Field(written(&begin[..begin.len() - words.left().len()])),
            None => {
                let expression = words.expression()?;
                let text = written(&begin[..begin.len() - words.left().len()]);
                if matches!(expression, Expression::Bin(_)) {
                    Expression::Field(text)
                } else {
                    expression
                }
            }
        };
        let descending = words.take_word("desc");
        if !descending {
            words.take_word("asc");
        }
        keys.push((key, descending));
        if !words.take(",") {
            return Ok(Command::Sort(keys));
        }
    }
}

fn parse(words: &mut Words<'_>) -> Result<Command, InvalidQuery> {
    // Without a field it is about the message.
    let field = match words.peek() {
        Some(Token::Name(..)) => Expression::Field(words.name()?),
        _ => Expression::Field("@message".to_owned()),
    };
    match words.next() {
        Some(Token::Regex(text)) => {
            let regex = regex(text)?;
            if regex.capture_names().flatten().next().is_none() {
                return Err(InvalidQuery::new(
                    "a parsed expression names what it finds: (?<name>…)",
                ));
            }
            Ok(Command::Parse(field, Parsing { regex, names: None }))
        }
        Some(Token::Text(glob)) => {
            if !words.take_word("as") {
                return Err(InvalidQuery::new("parse is followed by as and names"));
            }
            let mut names = vec![words.name()?];
            while words.take(",") {
                names.push(words.name()?);
            }
            let parts: Vec<String> = glob.split('*').map(::regex::escape).collect();
            if parts.len() != names.len() + 1 {
                return Err(InvalidQuery::new("parse needs a name for each [*]"));
            }
            let mut pattern = parts.join("(.*?)");
            // The last one takes the rest.
            if glob.ends_with('*') {
                pattern.push('$');
            }
            let regex = regex(&format!("(?s){pattern}"))?;
            Ok(Command::Parse(field, Parsing { regex, names: Some(names) }))
        }
        _ => Err(InvalidQuery::new("parse needs a text with [*] or /a regular expression/")),
    }
}
