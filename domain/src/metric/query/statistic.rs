//! Statistics.

use super::CloudWatchError;
use crate::{kernel::wire_enum::wire_enum, metric::StatisticSet};

wire_enum!(
    /// A statistic of the values of a metric in a period.
    Statistic, "Statistic", {
        /// How many values there were.
        SampleCount = "SampleCount",
        /// Their average.
        Average = "Average",
        /// Their sum.
        Sum = "Sum",
        /// The smallest one.
        Minimum = "Minimum",
        /// The largest one.
        Maximum = "Maximum",
    }
);

/// How extended statistics begin: percentiles, trimmed means and what is like them.
const EXTENDED: [&str; 11] =
    ["p", "tm", "tc", "ts", "wm", "IQM", "PR(", "TC(", "TM(", "TS(", "WM("];

impl Statistic {
    /// The statistic of values.
    pub fn of(self, set: &StatisticSet) -> f64 {
        match self {
            Self::SampleCount => set.count.into(),
            Self::Average => set.average(),
            Self::Sum => set.sum,
            Self::Minimum => set.minimum,
            Self::Maximum => set.maximum,
        }
    }
}

/// The statistic of that name.
///
/// # Errors
/// `InvalidParameterValue`: there is none, or it is a percentile or another one for which all values would have to be
/// kept.
pub fn parse_statistic(text: &str) -> Result<Statistic, CloudWatchError> {
    if let Some(known) = Statistic::ALL.iter().find(|known| known.as_str() == text) {
        return Ok(*known);
    }
    let valid: Vec<_> = Statistic::ALL.iter().map(|known| known.as_str()).collect();
    let valid = valid.join(", ");
    let is_extended = EXTENDED.iter().any(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|c: char| !c.is_ascii_alphabetic())
        })
    });
    let message = if is_extended {
        format!(
            "The statistic {text} is not supported: of the values of a minute their number, sum, minimum and maximum are kept. Use one of {valid}."
        )
    } else {
        format!("The statistic {} is not valid. Use one of {valid}.", text.escape_debug())
    };
    Err(CloudWatchError::invalid(message))
}
