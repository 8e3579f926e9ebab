//! The section of brokers' metrics.

use std::time::Duration;

use brokerd_provisioner::telemetry::metrics::MetricSettings;
use brokerd_store::MetricRetention;
use serde::{Deserialize, Serialize};

use super::sections::{InvalidSetting, in_range};

/// What brokers measure, once a minute, see [Metrics of brokers](broker-metrics.md).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    /// Whether brokers are measured.
    pub(crate) collect: bool,
    /// How long the values of each minute are kept, from 3 to 1440 hours.
    pub(crate) keep_minutes_hours: u32,
    /// How long the statistics of five minutes are kept, from 1 to 455 days, and the names of queues and topics that are
    /// gone.
    pub(crate) keep_five_minutes_days: u32,
    /// How long the statistics of an hour are kept, from 1 to 3650 days, and the names of everything else that is gone.
    pub(crate) keep_hours_days: u32,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            collect: true,
            keep_minutes_hours: 24,
            keep_five_minutes_days: 15,
            // Source: "Metrics retention" of the CloudWatch user guide.
            keep_hours_days: 455,
        }
    }
}

impl Metrics {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        in_range("metrics.keep_minutes_hours", self.keep_minutes_hours, 3..=1440)?;
        in_range("metrics.keep_five_minutes_days", self.keep_five_minutes_days, 1..=455)?;
        in_range("metrics.keep_hours_days", self.keep_hours_days, 1..=3650)
    }

    /// How the provisioner works with them.
    pub(crate) fn settings(&self) -> MetricSettings {
        let days = |days: u32| Duration::from_hours(24 * u64::from(days));
        MetricSettings {
            collect: self.collect,
            retention: MetricRetention {
                minutes: Duration::from_hours(self.keep_minutes_hours.into()),
                five_minutes: days(self.keep_five_minutes_days),
                hours: days(self.keep_hours_days),
            },
        }
    }
}
