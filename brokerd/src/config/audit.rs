//! The section of the audit.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::sections::{InvalidSetting, in_range};

/// Events of every call and of what brokerd does on its own, see [Audit](audit.md).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// A file that gets every event as a line of JSON, beside the database.
    pub(crate) file: Option<PathBuf>,
    /// The size at which that file is rotated, from 1 to 10000 megabytes.
    pub(crate) file_megabytes: u32,
    /// How many rotated files stay, up to 1000; `<file>.1` is the newest.
    pub(crate) files_kept: u32,
    /// Whether standard output gets every event as a line of JSON.
    pub(crate) stdout: bool,
    /// How long the database keeps events, from 1 to 3650 days.
    pub(crate) keep_days: u32,
    /// How much the database keeps of them, from 1 to 10000000 megabytes, roughly: the oldest go first.
    pub(crate) keep_megabytes: u32,
    /// How many events of reads and refusals wait in memory while the database is away, from 1 to 1000000. What is more
    /// is lost, and counted.
    pub(crate) buffer: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            file: None,
            file_megabytes: 100,
            files_kept: 10,
            stdout: false,
            // Source: LookupEvents of the CloudTrail API reference.
            keep_days: 90,
            keep_megabytes: 4000,
            buffer: 20_000,
        }
    }
}

impl Audit {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        in_range("audit.file_megabytes", self.file_megabytes, 1..=10_000)?;
        in_range("audit.files_kept", self.files_kept, 0..=1000)?;
        in_range("audit.keep_days", self.keep_days, 1..=3650)?;
        in_range("audit.keep_megabytes", self.keep_megabytes, 1..=10_000_000)?;
        in_range("audit.buffer", self.buffer, 1..=1_000_000)
    }

    /// How long events are kept.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.keep_days))
    }
}
