//! Metric math: expressions over time series, as GetMetricData and metric alarms take them.
//!
//! [`Expression::parse`] reads one, [`Expression::evaluate`] computes it from the series that others have read.
//!
//! Source: "Using math expressions with CloudWatch metrics" of the Amazon CloudWatch user guide.

mod arithmetic;
mod budget;
mod evaluate;
mod function;
mod parse;
mod reduce;
mod series;
#[cfg(test)]
mod tests;
mod token;

use std::collections::BTreeSet;

pub use budget::Budget;
pub use evaluate::Environment;
pub use function::Function;
pub use series::{SeriesOrigin, TimeRange, TimeSeries, Value};

use super::search::SearchPattern;

/// The longest expression, in characters.
///
/// Source: `MetricExpression` of the service's model.
pub const MAX_EXPRESSION_LENGTH: usize = 2048;

/// Why an expression can't be read or computed, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub String);

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number.
    Number(f64),
    /// A text in quotes, which some functions take.
    Text(String),
    /// The identifier of another query, or a word that a function knows, such as `REPEAT`.
    Name(String),
    /// `[m1, m2]`.
    Array(Vec<Self>),
    /// `-m1`.
    Negated(Box<Self>),
    /// Two operands.
    Operation(Operator, Box<Self>, Box<Self>),
    /// A function of arguments.
    Call(Function, Vec<Self>),
    /// `SEARCH('…', 'Average', 300)`.
    Search(Search),
}

/// What is between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `^`.
    Power,
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `AND`, `&&`.
    And,
    /// `OR`, `||`.
    Or,
}

/// A search for metrics within an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The pattern as it was written, by which its results are found.
    pub text: String,
    /// Which metrics.
    pub pattern: SearchPattern,
    /// The statistic, as it was written.
    pub statistic: String,
    /// Seconds; none: the period of the query.
    pub period: Option<u32>,
}

/// What tells searches apart: the pattern, the statistic, the period.
pub type SearchKey = (String, String, Option<u32>);

impl Search {
    /// What tells it apart from others.
    pub fn key(&self) -> SearchKey {
        (self.text.clone(), self.statistic.clone(), self.period)
    }
}

impl Expression {
    /// Every identifier of another query that it names, without words that only functions know.
    pub fn names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.visit(&mut |part| {
            if let Self::Name(name) = part
                && name.starts_with(|c: char| c.is_ascii_lowercase())
            {
                names.insert(name.as_str());
            }
        });
        names
    }

    /// Every search in it.
    pub fn searches(&self) -> Vec<&Search> {
        let mut searches = Vec::new();
        self.visit(&mut |part| {
            if let Self::Search(search) = part {
                searches.push(search);
            }
        });
        searches
    }

    /// Whether it is computed from all metrics of the request: `METRICS()`.
    pub fn takes_all_metrics(&self) -> bool {
        let mut takes = false;
        self.visit(&mut |part| takes |= matches!(part, Self::Call(Function::Metrics, _)));
        takes
    }

    fn visit<'a>(&'a self, each: &mut impl FnMut(&'a Self)) {
        each(self);
        match self {
            Self::Number(_) | Self::Text(_) | Self::Name(_) | Self::Search(_) => {}
            Self::Negated(operand) => operand.visit(each),
            Self::Operation(_, left, right) => {
                left.visit(each);
                right.visit(each);
            }
            Self::Array(items) | Self::Call(_, items) => {
                items.iter().for_each(|item| item.visit(each));
            }
        }
    }
}

/// An error with this sentence.
fn wrong<T>(message: impl Into<String>) -> Result<T, ExpressionError> {
    Err(ExpressionError(message.into()))
}
