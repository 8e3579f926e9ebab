//! The functions, by their names.

use std::{fmt, ops::RangeInclusive};

use super::{ExpressionError, wrong};

macro_rules! functions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $arguments:expr;)+) => {
        /// A function of metric math.
        ///
        /// Source: "Functions supported for metric math" of the Amazon CloudWatch user guide.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Function {
            $($(#[$doc])* $variant,)+
        }

        impl Function {
            /// Every function.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            const fn arguments(self) -> RangeInclusive<usize> {
                match self { $(Self::$variant => $arguments,)+ }
            }
        }
    };
}

functions! {
    /// Absolute values.
    Abs = "ABS", 1..=1;
    /// The average of a series' points, or of several series at each time.
    Avg = "AVG", 1..=1;
    /// Rounds up.
    Ceil = "CEIL", 1..=1;
    /// How many points a series has, or how many of several series have one at each time.
    DatapointCount = "DATAPOINT_COUNT", 1..=1;
    /// The difference between each point and the one before.
    Diff = "DIFF", 1..=1;
    /// The seconds between each point and the one before.
    DiffTime = "DIFF_TIME", 1..=1;
    /// Values where points are missing.
    Fill = "FILL", 2..=2;
    /// The first of several series.
    First = "FIRST", 1..=1;
    /// Rounds down.
    Floor = "FLOOR", 1..=1;
    /// One of two values, by a condition.
    If = "IF", 2..=3;
    /// The last of several series.
    Last = "LAST", 1..=1;
    /// Natural logarithms.
    Log = "LOG", 1..=1;
    /// Logarithms to base 10.
    Log10 = "LOG10", 1..=1;
    /// The greatest of a series' points, or of several series at each time.
    Max = "MAX", 1..=1;
    /// How many series there are.
    MetricCount = "METRIC_COUNT", 1..=1;
    /// Every metric of the request.
    Metrics = "METRICS", 0..=1;
    /// The least of a series' points, or of several series at each time.
    Min = "MIN", 1..=1;
    /// The period in seconds.
    Period = "PERIOD", 1..=1;
    /// The change per second from each point to the next.
    Rate = "RATE", 1..=1;
    /// Those of several series that have points.
    RemoveEmpty = "REMOVE_EMPTY", 1..=1;
    /// The sum of a series' points so far.
    RunningSum = "RUNNING_SUM", 1..=1;
    /// Some of several series.
    Slice = "SLICE", 2..=3;
    /// Several series, sorted.
    Sort = "SORT", 3..=4;
    /// The standard deviation of a series' points, or of several series at each time.
    StdDev = "STDDEV", 1..=1;
    /// The sum of a series' points, or of several series at each time.
    Sum = "SUM", 1..=1;
    /// A number at every time.
    TimeSeries = "TIME_SERIES", 1..=1;
}

/// Functions of the service that are not there.
const UNSUPPORTED: [&str; 13] = [
    "ANOMALY_DETECTION_BAND",
    "DATE",
    "DAY",
    "DB_PERF_INSIGHTS",
    "EPOCH",
    "HOUR",
    "INSIGHT_RULE_METRIC",
    "LAMBDA",
    "LOGS",
    "MINUTE",
    "MONTH",
    "SERVICE_QUOTA",
    "YEAR",
];

impl Function {
    /// The function of that name. Letter case does not matter.
    ///
    /// # Errors
    /// There is no such function, or not here.
    pub(super) fn named(name: &str) -> Result<Self, ExpressionError> {
        let same = |known: &&Self| known.name().eq_ignore_ascii_case(name);
        match Self::ALL.iter().find(same) {
            Some(function) => Ok(*function),
            None if UNSUPPORTED.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
                wrong(format!("The function {} is not supported", name.to_ascii_uppercase()))
            }
            None => wrong(format!("There is no function {name}")),
        }
    }

    /// Whether it takes so many arguments.
    pub(super) fn takes(self, arguments: usize) -> bool {
        self.arguments().contains(&arguments)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
