//! The section of the web console.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::sections::{InvalidSetting, in_range};

/// The web console, see [Console](console.md).
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Console {
    /// When a session ends that nobody uses: after 1 to 10080 minutes.
    pub(crate) idle_minutes: u32,
    /// When a session ends anyway: after 1 to 10080 minutes.
    pub(crate) session_minutes: u32,
}

impl Default for Console {
    fn default() -> Self {
        Self { idle_minutes: 8 * 60, session_minutes: 24 * 60 }
    }
}

impl Console {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        in_range("console.idle_minutes", self.idle_minutes, 1..=10_080)?;
        in_range("console.session_minutes", self.session_minutes, 1..=10_080)
    }

    /// When a session ends that nobody uses.
    pub(crate) fn idle(self) -> Duration {
        Duration::from_mins(u64::from(self.idle_minutes))
    }

    /// When a session ends anyway.
    pub(crate) fn longest(self) -> Duration {
        Duration::from_mins(u64::from(self.session_minutes))
    }
}
