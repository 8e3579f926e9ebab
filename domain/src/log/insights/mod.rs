//! The query language of CloudWatch Logs Insights, as far as it is used most: `fields`, `display`, `filter`, `parse`,
//! `stats`, `sort`, `limit` and `dedup`.
//!
//! Source: "CloudWatch Logs Insights language query syntax" of the Amazon CloudWatch Logs user guide. A [`Query`] is read
//! from its text, and [`Query::begin`] runs it on events that are handed to it one by one.

mod aggregate;
mod command;
mod expression;
mod lexer;
mod record;
mod run;
#[cfg(test)]
mod tests;
mod value;

pub use command::Query;
pub use record::LogRecord;
pub use run::{Execution, QueryResults, ResultField, fields_of};

/// The longest query, in characters.
///
/// Source: StartQuery of the CloudWatch Logs API reference.
const MAX_LENGTH: usize = 10_000;

/// Why a query can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Malformed query: {0}")]
pub struct InvalidQuery(String);

impl InvalidQuery {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}
