//! Searches for metrics, as `SEARCH` of metric math takes them.
//!
//! Source: "CloudWatch search expression syntax" of the Amazon CloudWatch user guide.

mod parse;
mod pattern;
mod term;
#[cfg(test)]
mod tests;

pub use pattern::{MAX_PATTERN_LENGTH, SearchError, SearchPattern};
pub use term::SearchedMetric;

impl SearchPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        parse::pattern(text)
    }
}
