//! The section of the log.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::sections::{InvalidSetting, in_range};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What is logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// The format of log lines.
    pub(crate) format: LogFormat,
    /// A level, or directives such as `info,brokerd_provisioner=debug`, which shows every step.
    pub(crate) filter: String,
    /// The log file. Without it, lines go to standard error. `make run` sets it.
    pub(crate) file: Option<PathBuf>,
    /// The size at which the log file is rotated, from 1 to 10000 megabytes.
    pub(crate) file_megabytes: u32,
    /// How many rotated files stay, up to 1000; `<file>.1` is the newest.
    pub(crate) files_kept: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
            file: None,
            file_megabytes: 10,
            files_kept: 5,
        }
    }
}

impl Log {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.filter) {
            return Err(("log.filter", error.to_string()));
        }
        in_range("log.file_megabytes", self.file_megabytes, 1..=10_000)?;
        in_range("log.files_kept", self.files_kept, 0..=1000)
    }
}
