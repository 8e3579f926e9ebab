//! Expressions: `not (status >= 400 and @message like /time.*out/) or size / 1024 > 5`.

use regex::{Regex, RegexBuilder};

use super::{InvalidQuery, lexer::Token, record::Row, value::Value};

const MAX_DEPTH: u32 = 32;
const MAX_REGEX_BYTES: usize = 256 * 1024;
/// How many operators of those that can follow each other an expression may have: each is a level of what is evaluated by
/// recursion.
const MAX_OPERATORS: u32 = 200;
/// How many bytes of a text `concat` makes, whose result may be joined again and again. It is cut there.
const MAX_TEXT_BYTES: usize = 256 * 1024;

#[derive(Debug, Clone)]
pub(super) enum Expression {
    Constant(Value),
    Field(String),
    Or(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare(Box<Self>, Comparison, Box<Self>),
    Contains(Box<Self>, String),
    Matches(Box<Self>, Regex),
    In(Box<Self>, Vec<Self>),
    Calculate(Box<Self>, char, Box<Self>),
    Call(Function, Vec<Self>),
    /// The beginning of the period of a moment.
    Bin(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    IsPresent,
    IsEmpty,
    IsBlank,
    Length,
    Upper,
    Lower,
    Trim,
    Concat,
    Coalesce,
    Contains,
    Absolute,
    Floor,
    Ceiling,
}

impl Function {
    fn named(name: &str) -> Option<(Self, std::ops::RangeInclusive<usize>)> {
        Some(match name.to_ascii_lowercase().as_str() {
            "ispresent" => (Self::IsPresent, 1..=1),
            "isempty" => (Self::IsEmpty, 1..=1),
            "isblank" => (Self::IsBlank, 1..=1),
            "strlen" => (Self::Length, 1..=1),
            "toupper" => (Self::Upper, 1..=1),
            "tolower" => (Self::Lower, 1..=1),
            "trim" => (Self::Trim, 1..=1),
            "concat" => (Self::Concat, 1..=20),
            "coalesce" => (Self::Coalesce, 1..=20),
            "strcontains" => (Self::Contains, 2..=2),
            "abs" => (Self::Absolute, 1..=1),
            "floor" => (Self::Floor, 1..=1),
            "ceil" => (Self::Ceiling, 1..=1),
            _ => return None,
        })
    }

    fn of(self, values: &[Value]) -> Value {
        let first = values.first().unwrap_or(&Value::Missing);
        let text = |change: fn(&str) -> String| {
            first.text().map_or(Value::Missing, |t| Value::Text(change(&t)))
        };
        let number = |change: fn(f64) -> f64| {
            first.number().map_or(Value::Missing, |n| Value::Number(change(n)))
        };
        match self {
            Self::IsPresent => Value::Bool(*first != Value::Missing),
            Self::IsEmpty => Value::Bool(first.text().is_none_or(|text| text.is_empty())),
            Self::IsBlank => Value::Bool(first.text().is_none_or(|text| text.trim().is_empty())),
            Self::Length => first
                .text()
                .map_or(Value::Missing, |text| Value::Number(text.chars().count() as f64)),
            Self::Upper => text(str::to_uppercase),
            Self::Lower => text(str::to_lowercase),
            Self::Trim => text(|text| text.trim().to_owned()),
            Self::Concat => Value::Text(joined(values)),
            Self::Coalesce => values
                .iter()
                .find(|value| **value != Value::Missing)
                .cloned()
                .unwrap_or(Value::Missing),
            Self::Contains => match (first.text(), values.get(1).and_then(Value::text)) {
                (Some(text), Some(part)) => Value::Bool(text.contains(&part)),
                _ => Value::Bool(false),
            },
            Self::Absolute => number(f64::abs),
            Self::Floor => number(f64::floor),
            Self::Ceiling => number(f64::ceil),
        }
    }
}

impl Expression {
    pub(super) fn of(&self, row: &Row) -> Value {
        match self {
            Self::Constant(value) => value.clone(),
            Self::Field(name) => row.get(name),
            Self::Or(one, other) => Value::Bool(one.holds(row) || other.holds(row)),
            Self::And(one, other) => Value::Bool(one.holds(row) && other.holds(row)),
            Self::Not(inner) => Value::Bool(!inner.holds(row)),
            Self::Compare(one, comparison, other) => {
                let order = one.of(row).compare(&other.of(row));
                Value::Bool(match (order, comparison) {
                    (None, Comparison::NotEqual) => true,
                    (None, _) => false,
                    (Some(order), Comparison::Equal) => order.is_eq(),
                    (Some(order), Comparison::NotEqual) => order.is_ne(),
                    (Some(order), Comparison::Less) => order.is_lt(),
                    (Some(order), Comparison::AtMost) => order.is_le(),
                    (Some(order), Comparison::More) => order.is_gt(),
                    (Some(order), Comparison::AtLeast) => order.is_ge(),
                })
            }
            Self::Contains(inner, part) => {
                Value::Bool(inner.of(row).text().is_some_and(|text| text.contains(part.as_str())))
            }
            Self::Matches(inner, regex) => {
                Value::Bool(inner.of(row).text().is_some_and(|text| regex.is_match(&text)))
            }
            Self::In(inner, values) => {
                let value = inner.of(row);
                let is_it = |other: &Self| {
                    value.compare(&other.of(row)).is_some_and(std::cmp::Ordering::is_eq)
                };
                Value::Bool(values.iter().any(is_it))
            }
            Self::Calculate(one, operator, other) => {
                let (Some(one), Some(other)) = (one.of(row).number(), other.of(row).number())
                else {
                    return Value::Missing;
                };
                let result = match operator {
                    '+' => one + other,
                    '-' => one - other,
                    '*' => one * other,
                    '/' => one / other,
                    _ => one % other,
                };
                if result.is_finite() { Value::Number(result) } else { Value::Missing }
            }
            Self::Call(function, arguments) => {
                let values: Vec<Value> =
                    arguments.iter().map(|argument| argument.of(row)).collect();
                function.of(&values)
            }
            Self::Bin(period) => match row.get("@timestamp") {
                Value::Moment(millis) => Value::Moment(millis.div_euclid(*period) * period),
                _ => Value::Missing,
            },
        }
    }

    pub(super) fn holds(&self, row: &Row) -> bool {
        self.of(row).is_true()
    }

    /// Whether it may ask for a member of a message that is JSON.
    pub(super) fn needs_json(&self) -> bool {
        match self {
            Self::Field(name) => !name.starts_with('@'),
            Self::Constant(_) | Self::Bin(_) => false,
            Self::Not(inner) | Self::Contains(inner, _) | Self::Matches(inner, _) => {
                inner.needs_json()
            }
            Self::Or(one, other)
            | Self::And(one, other)
            | Self::Compare(one, _, other)
            | Self::Calculate(one, _, other) => one.needs_json() || other.needs_json(),
            Self::In(inner, values) => inner.needs_json() || values.iter().any(Self::needs_json),
            Self::Call(_, arguments) => arguments.iter().any(Self::needs_json),
        }
    }
}

/// The texts behind each other, as far as there is room. What is missing is left out.
fn joined(values: &[Value]) -> String {
    let mut joined = String::new();
    for text in values.iter().filter_map(Value::text) {
        let end = text.floor_char_boundary(MAX_TEXT_BYTES - joined.len());
        joined.push_str(&text[..end]);
        if end < text.len() {
            break;
        }
    }
    joined
}

/// A regular expression.
pub(super) fn regex(text: &str) -> Result<Regex, InvalidQuery> {
    let built = RegexBuilder::new(text).size_limit(MAX_REGEX_BYTES).build();
    built.map_err(|_| {
        InvalidQuery::new(format!("[/{text}/] is not a regular expression that is supported"))
    })
}

/// What is left of a command.
pub(super) struct Words<'a> {
    tokens: &'a [Token],
    /// How deep the expression is nested that is being read.
    depth: u32,
    /// How many operators that can follow each other it has so far.
    operators: u32,
}

impl<'a> Words<'a> {
    pub(super) const fn new(tokens: &'a [Token]) -> Self {
        Self { tokens, depth: 0, operators: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.first()
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(super) const fn left(&self) -> &'a [Token] {
        self.tokens
    }

    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        if is_it {
            self.next();
        }
        is_it
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<(), InvalidQuery> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(InvalidQuery::new(format!("[{symbol}] is missing")))
        }
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Name(name, false)) if name.eq_ignore_ascii_case(word));
        if is_it {
            self.next();
        }
        is_it
    }

    /// A name of a field.
    pub(super) fn name(&mut self) -> Result<String, InvalidQuery> {
        match self.next() {
            Some(Token::Name(name, _)) => Ok(name.clone()),
            _ => Err(InvalidQuery::new("the name of a field is missing")),
        }
    }

    pub(super) fn expression(&mut self) -> Result<Expression, InvalidQuery> {
        if self.depth == 0 {
            self.operators = 0;
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(InvalidQuery::new("an expression is nested too deep"));
        }
        let mut found = self.conjunction()?;
        while self.take_word("or") {
            self.count_operator()?;
            found = Expression::Or(Box::new(found), Box::new(self.conjunction()?));
        }
        self.depth -= 1;
        Ok(found)
    }

    fn count_operator(&mut self) -> Result<(), InvalidQuery> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            let why = format!("an expression has more than {MAX_OPERATORS} operators");
            return Err(InvalidQuery::new(why));
        }
        Ok(())
    }

    fn conjunction(&mut self) -> Result<Expression, InvalidQuery> {
        let mut found = self.negation()?;
        while self.take_word("and") {
            self.count_operator()?;
            found = Expression::And(Box::new(found), Box::new(self.negation()?));
        }
        Ok(found)
    }

    fn negation(&mut self) -> Result<Expression, InvalidQuery> {
        let mut negated = false;
        while self.take_word("not") {
            negated = !negated;
        }
        let found = self.comparison()?;
        Ok(if negated { Expression::Not(Box::new(found)) } else { found })
    }

    fn comparison(&mut self) -> Result<Expression, InvalidQuery> {
        let one = self.sum()?;
        let negated = self.take_word("not");
        let found = if self.take_word("like") || self.take("=~") {
            match self.next() {
                Some(Token::Text(text)) => Expression::Contains(Box::new(one), text.clone()),
                Some(Token::Regex(text)) => Expression::Matches(Box::new(one), regex(text)?),
                _ => {
                    return Err(InvalidQuery::new(
                        "like is followed by a text or /a regular expression/",
                    ));
                }
            }
        } else if self.take_word("in") {
            self.expect("[")?;
            let mut values = vec![self.sum()?];
            while self.take(",") {
                values.push(self.sum()?);
            }
            self.expect("]")?;
            Expression::In(Box::new(one), values)
        } else if negated {
            return Err(InvalidQuery::new("not is followed by like or in here"));
        } else {
            let comparisons = [
                ("=", Comparison::Equal),
                ("==", Comparison::Equal),
                ("!=", Comparison::NotEqual),
                ("<", Comparison::Less),
                ("<=", Comparison::AtMost),
                (">", Comparison::More),
                (">=", Comparison::AtLeast),
            ];
            let Some((_, comparison)) = comparisons.into_iter().find(|(text, _)| self.take(text))
            else {
                return Ok(one);
            };
            return Ok(Expression::Compare(Box::new(one), comparison, Box::new(self.sum()?)));
        };
        Ok(if negated { Expression::Not(Box::new(found)) } else { found })
    }

    fn sum(&mut self) -> Result<Expression, InvalidQuery> {
        let mut found = self.product()?;
        loop {
            let Some(operator) =
                ['+', '-'].into_iter().find(|c| self.take(c.encode_utf8(&mut [0; 4])))
            else {
                return Ok(found);
            };
            self.count_operator()?;
            found = Expression::Calculate(Box::new(found), operator, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expression, InvalidQuery> {
        let mut found = self.atom()?;
        loop {
            let Some(operator) =
                ['*', '/', '%'].into_iter().find(|c| self.take(c.encode_utf8(&mut [0; 4])))
            else {
                return Ok(found);
            };
            self.count_operator()?;
            found = Expression::Calculate(Box::new(found), operator, Box::new(self.atom()?));
        }
    }

    fn atom(&mut self) -> Result<Expression, InvalidQuery> {
        match self.next() {
            Some(Token::Number(number)) => Ok(Expression::Constant(Value::Number(*number))),
            Some(Token::Text(text)) => Ok(Expression::Constant(Value::Text(text.clone()))),
            Some(Token::Symbol("-")) => match self.next() {
                Some(Token::Number(number)) => Ok(Expression::Constant(Value::Number(-number))),
                _ => Err(InvalidQuery::new("[-] is followed by a number here")),
            },
            Some(Token::Symbol("(")) => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Token::Name(name, false)) if name == "true" || name == "false" => {
                Ok(Expression::Constant(Value::Bool(name == "true")))
            }
            Some(Token::Name(name, false)) if matches!(self.peek(), Some(Token::Symbol("("))) => {
                self.call(name)
            }
            Some(Token::Name(name, _)) => Ok(Expression::Field(name.clone())),
            _ => Err(InvalidQuery::new("a value is missing")),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, InvalidQuery> {
        self.expect("(")?;
        if name.eq_ignore_ascii_case("bin") {
            let Some(Token::Period(period)) = self.next() else {
                return Err(InvalidQuery::new("bin needs a period, such as 5m"));
            };
            self.expect(")")?;
            return Ok(Expression::Bin(*period));
        }
        let (function, arity) = Function::named(name)
            .ok_or_else(|| InvalidQuery::new(format!("there is no function [{name}] here")))?;
        let mut arguments = Vec::new();
        if !self.take(")") {
            arguments.push(self.expression()?);
            while self.take(",") {
                arguments.push(self.expression()?);
            }
            self.expect(")")?;
        }
        if arity.contains(&arguments.len()) {
            Ok(Expression::Call(function, arguments))
        } else {
            Err(InvalidQuery::new(format!("[{name}] has another number of arguments")))
        }
    }
}
