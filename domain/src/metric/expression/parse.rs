//! From texts to expressions: recursive descent, by precedence.

use super::{
    Expression, ExpressionError, Function, MAX_EXPRESSION_LENGTH, Operator, Search,
    token::{Token, tokens},
    wrong,
};
use crate::metric::search::SearchPattern;

/// How deep parentheses and functions may be nested.
const MAX_DEPTH: usize = 48;

/// Operators by precedence, those that bind least first.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or), ("OR", Operator::Or)],
    &[("&&", Operator::And), ("AND", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence. Metrics Insights queries (`SELECT …`) and functions that are not there are
    /// refused by their names.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.chars().count() > MAX_EXPRESSION_LENGTH {
            return wrong(format!("It is longer than {MAX_EXPRESSION_LENGTH} characters"));
        }
        let tokens = tokens(text)?;
        if let Some(Token::Word(word)) = tokens.first()
            && word.eq_ignore_ascii_case("SELECT")
        {
            return wrong("Metrics Insights queries are not supported");
        }
        let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
        let expression = parser.level(0)?;
        match parser.peek() {
            None => Ok(expression),
            Some(token) => wrong(format!("Unexpected {}", shown(token))),
        }
    }
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

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Symbol(next)) if *next == symbol);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ExpressionError> {
        if self.takes(symbol) {
            return Ok(());
        }
        match self.peek() {
            Some(token) => wrong(format!("Expected '{symbol}', not {}", shown(token))),
            None => wrong(format!("Expected '{symbol}' at the end")),
        }
    }

    /// Operands between operators of this level, from the left.
    fn level(&mut self, level: usize) -> Result<Expression, ExpressionError> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.level(level + 1)?;
            left = Expression::Operation(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let spelling = match self.peek()? {
            Token::Symbol(symbol) => *symbol,
            Token::Word(word) => word.as_str(),
            Token::Number(_) | Token::Text(_) => return None,
        };
        let (_, operator) = operators.iter().find(|(known, _)| *known == spelling)?;
        self.at += 1;
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Expression, ExpressionError> {
        if self.takes("-") {
            let operand = self.nested(Self::unary)?;
            return Ok(Expression::Negated(Box::new(operand)));
        }
        if self.takes("+") {
            return self.nested(Self::unary);
        }
        let base = self.primary()?;
        if !self.takes("^") {
            return Ok(base);
        }
        let exponent = self.nested(Self::unary)?;
        Ok(Expression::Operation(Operator::Power, Box::new(base), Box::new(exponent)))
    }

    fn primary(&mut self) -> Result<Expression, ExpressionError> {
        match self.next() {
            None => wrong("It ends where a value is expected"),
            Some(Token::Number(number)) => Ok(Expression::Number(*number)),
            Some(Token::Text(text)) => Ok(Expression::Text(text.clone())),
            Some(Token::Symbol("(")) => {
                let inner = self.nested(|parser| parser.level(0))?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Token::Symbol("[")) => Ok(Expression::Array(self.list("]")?)),
            Some(Token::Word(word)) if self.takes("(") => {
                let arguments = self.list(")")?;
                call(word, arguments)
            }
            Some(Token::Word(word)) => Ok(Expression::Name(word.clone())),
            Some(token @ Token::Symbol(_)) => wrong(format!("Unexpected {}", shown(token))),
        }
    }

    /// Values between commas, up to the symbol that closes the list.
    fn list(&mut self, close: &str) -> Result<Vec<Expression>, ExpressionError> {
        let mut items = Vec::new();
        if self.takes(close) {
            return Ok(items);
        }
        loop {
            items.push(self.nested(|parser| parser.level(0))?);
            if !self.takes(",") {
                self.expect(close)?;
                return Ok(items);
            }
        }
    }

    fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        if self.depth >= MAX_DEPTH {
            return wrong(format!("It is nested deeper than {MAX_DEPTH} levels"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}

fn call(name: &str, arguments: Vec<Expression>) -> Result<Expression, ExpressionError> {
    if name.eq_ignore_ascii_case("SEARCH") {
        return search(arguments);
    }
    let function = Function::named(name)?;
    if !function.takes(arguments.len()) {
        return wrong(format!("{function} does not take {} arguments", arguments.len()));
    }
    Ok(Expression::Call(function, arguments))
}

fn search(arguments: Vec<Expression>) -> Result<Expression, ExpressionError> {
    let mut arguments = arguments.into_iter();
    let (pattern, statistic, period) = (arguments.next(), arguments.next(), arguments.next());
    let (Some(Expression::Text(text)), Some(Expression::Text(statistic)), None) =
        (pattern, statistic, arguments.next())
    else {
        return wrong("SEARCH takes a pattern and a statistic in quotes, and a period");
    };
    let period = match period {
        None => None,
        Some(Expression::Number(seconds)) if is_period(seconds) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number between 1 and a day"
            )]
            let seconds = seconds as u32;
            Some(seconds)
        }
        Some(_) => return wrong("The period of SEARCH must be a number of seconds"),
    };
    let pattern = SearchPattern::parse(&text).map_err(|error| ExpressionError(error.0))?;
    Ok(Expression::Search(Search { text, pattern, statistic, period }))
}

fn is_period(seconds: f64) -> bool {
    seconds.fract() == 0.0 && (1.0..=86_400.0).contains(&seconds)
}

fn shown(token: &Token) -> String {
    match token {
        Token::Number(number) => format!("'{number}'"),
        Token::Word(word) => format!("'{word}'"),
        Token::Text(text) => format!("the text '{}'", text.escape_debug()),
        Token::Symbol(symbol) => format!("'{symbol}'"),
    }
}
