//! How values are compared, and what missing ones count as.

use crate::kernel::wire_enum::wire_enum;

wire_enum!(
    /// How a value is compared with the threshold.
    Comparison, "ComparisonOperator", {
        /// `>=`.
        GreaterThanOrEqualToThreshold = "GreaterThanOrEqualToThreshold",
        /// `>`.
        GreaterThanThreshold = "GreaterThanThreshold",
        /// `<`.
        LessThanThreshold = "LessThanThreshold",
        /// `<=`.
        LessThanOrEqualToThreshold = "LessThanOrEqualToThreshold",
    }
);

wire_enum!(
    /// What missing values count as.
    MissingData, "TreatMissingData", {
        /// Beyond the threshold.
        Breaching = "breaching",
        /// Within the threshold.
        NotBreaching = "notBreaching",
        /// They leave the state as it is.
        Ignore = "ignore",
        /// Nothing: if all are missing, the state is not known.
        Missing = "missing",
    }
);

impl Comparison {
    /// Whether a value is beyond the threshold.
    pub fn breaches(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::GreaterThanThreshold => value > threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }

    /// The comparison in words: "greater than".
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::GreaterThanOrEqualToThreshold => "greater than or equal to",
            Self::GreaterThanThreshold => "greater than",
            Self::LessThanThreshold => "less than",
            Self::LessThanOrEqualToThreshold => "less than or equal to",
        }
    }
}
