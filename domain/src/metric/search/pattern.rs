//! What a pattern says, and which metrics are of it.

use super::term::{Property, SearchedMetric, Wanted};

/// The longest pattern, in characters.
///
/// Source: "Search expression limits" of the user guide.
pub const MAX_PATTERN_LENGTH: usize = 1024;

/// Why a pattern can't be read, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SearchError(pub String);

/// Which metrics are searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPattern {
    pub(super) schema: Option<Schema>,
    pub(super) condition: Option<Condition>,
}

/// `{AWS/AmazonMQ,Broker}`: metrics of that namespace with exactly these dimensions. Without dimensions: with any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) namespace: String,
    pub(super) dimensions: Vec<String>,
}

/// What a metric has to have.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// A property, or any of them.
    Has(Option<Property>, Wanted),
}

impl SearchPattern {
    /// Whether a metric is one of them.
    pub fn matches(&self, metric: &SearchedMetric<'_>) -> bool {
        let of_schema = self.schema.as_ref().is_none_or(|schema| schema.matches(metric));
        of_schema && self.condition.as_ref().is_none_or(|condition| condition.matches(metric))
    }

    /// The name that every metric of them has, if the pattern says so: it saves reading all others.
    pub fn metric_name(&self) -> Option<&str> {
        self.condition.as_ref()?.metric_name()
    }
}

impl Schema {
    fn matches(&self, metric: &SearchedMetric<'_>) -> bool {
        if self.namespace != metric.namespace {
            return false;
        }
        let has = |name: &String| metric.dimensions.iter().any(|one| one.name == *name);
        self.dimensions.is_empty()
            || (self.dimensions.len() == metric.dimensions.len() && self.dimensions.iter().all(has))
    }
}

impl Condition {
    fn matches(&self, metric: &SearchedMetric<'_>) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|one| one.matches(metric)),
            Self::Any(conditions) => conditions.iter().any(|one| one.matches(metric)),
            Self::Not(condition) => !condition.matches(metric),
            Self::Has(Some(property), wanted) => property.matches(metric, wanted),
            Self::Has(None, wanted) => wanted.matches_any_property(metric),
        }
    }

    fn metric_name(&self) -> Option<&str> {
        match self {
            Self::All(conditions) => conditions.iter().find_map(Self::metric_name),
            Self::Has(Some(Property::MetricName), Wanted::Exactly(name)) => Some(name),
            Self::Any(_) | Self::Not(_) | Self::Has(..) => None,
        }
    }
}
