//! Availability on the wire.

use std::time::Duration;

use brokerd_domain::{price::amount, report::AvailabilitySummary};
use serde::Serialize;
use utoipa::ToSchema;

/// How available a broker was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AvailabilityView {
    /// The minutes of the clock in all of which every endpoint answered.
    pub(crate) available_minutes: u64,
    /// The minutes in a part of which an endpoint did not.
    pub(crate) unavailable_minutes: u64,
    /// The minutes of which a part is not known: nobody watched the broker, or could see it.
    pub(crate) unknown_minutes: u64,
    /// The available minutes in percent of those that are known, to four digits after the point, rounded down; absent: no
    /// minute is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "99.9953")]
    pub(crate) percentage: Option<String>,
    /// How long an endpoint did not answer, in seconds.
    pub(crate) unavailable_seconds: f64,
    /// How long it is not known, in seconds.
    pub(crate) unknown_seconds: f64,
}

impl From<AvailabilitySummary> for AvailabilityView {
    fn from(summary: AvailabilitySummary) -> Self {
        Self {
            available_minutes: summary.available_minutes,
            unavailable_minutes: summary.unavailable_minutes,
            unknown_minutes: summary.unknown_minutes,
            percentage: summary.percentage().map(amount),
            unavailable_seconds: seconds(summary.unavailable),
            unknown_seconds: seconds(summary.unknown),
        }
    }
}

/// As exact as anybody can tell: to the millisecond.
pub(crate) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
