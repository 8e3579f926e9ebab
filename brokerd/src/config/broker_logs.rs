//! The section of the logs of brokers.

use brokerd_domain::log::LogLimits;
use brokerd_provisioner::telemetry::logs::LogSettings;
use serde::{Deserialize, Serialize};

use super::sections::{InvalidSetting, in_range};

/// For how many seconds of the rate lines may come at once.
const BURST_SECONDS: u32 = 40;

/// Logs of brokers, see [Logs](logs.md).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BrokerLogs {
    /// For how many days log groups keep events that have no retention policy, from 1 to 3653.
    pub(crate) keep_days: u32,
    /// How many lines a second of one broker are kept in the long run, from 1 to 100000. What is more is dropped, and a
    /// line says so.
    pub(crate) lines_per_second: u32,
    /// How much of one broker is kept a day, from 1 to 1000000 megabytes. What is more is dropped, and a line says so.
    pub(crate) megabytes_per_day: u32,
}

impl Default for BrokerLogs {
    fn default() -> Self {
        Self { keep_days: 30, lines_per_second: 500, megabytes_per_day: 100 }
    }
}

impl BrokerLogs {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        in_range("broker_logs.keep_days", self.keep_days, 1..=3653)?;
        in_range("broker_logs.lines_per_second", self.lines_per_second, 1..=100_000)?;
        in_range("broker_logs.megabytes_per_day", self.megabytes_per_day, 1..=1_000_000)
    }

    /// How logs are kept.
    pub(crate) fn settings(&self) -> LogSettings {
        LogSettings {
            limits: LogLimits {
                lines_per_second: self.lines_per_second,
                burst_lines: self.lines_per_second.saturating_mul(BURST_SECONDS),
                bytes_per_day: u64::from(self.megabytes_per_day) * 1_000_000,
            },
            keep_days: self.keep_days,
        }
    }
}
