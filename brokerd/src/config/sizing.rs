//! How large instances are, and how many fit on the host.

use std::time::Duration;

use brokerd_provisioner::tasks::CapacitySettings;
use serde::{Deserialize, Serialize};

use super::{
    choice::Choice,
    sections::{InvalidSetting, in_range},
};

/// How instance types are mapped to this machine, and how much of its memory they get, see
/// [Memory of the host](capacity.md).
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sizing {
    /// The factor on memory and processors of instance types, above 0 and at most 1. `auto`: what suits the host,
    /// see [Memory of the host](capacity.md). Containers get more at once; less memory, and engines their settings, at the next reboot.
    pub(crate) scale: Choice<f64>,
    /// How much of the host's memory all instances may use together, as a factor above 0. Above 1 their limits
    /// exceed what there is.
    pub(crate) memory_share: f64,
    /// How much memory all instances may use together, in MiB, at least 512; instead of `sizing.memory_share`.
    pub(crate) memory_megabytes: Option<u32>,
    /// How long a creation waits for memory before it fails, up to 604800 seconds.
    pub(crate) wait_seconds: u32,
}

impl Default for Sizing {
    fn default() -> Self {
        Self { scale: Choice::Auto, memory_share: 0.9, memory_megabytes: None, wait_seconds: 900 }
    }
}

impl Sizing {
    pub(crate) fn validate(self) -> Result<(), InvalidSetting> {
        if let Choice::Chosen(scale) = self.scale
            && !(scale > 0.0 && scale <= 1.0)
        {
            return Err(("sizing.scale", format!("must be above 0 and at most 1, not {scale}")));
        }
        let share = self.memory_share;
        if !(share > 0.0 && share <= 1000.0) {
            let why = format!("must be above 0 and at most 1000, not {share}");
            return Err(("sizing.memory_share", why));
        }
        if let Some(megabytes) = self.memory_megabytes {
            in_range("sizing.memory_megabytes", megabytes, 512..=u32::MAX)?;
        }
        in_range("sizing.wait_seconds", self.wait_seconds, 0..=604_800)
    }

    /// As the provisioner has it.
    pub(crate) fn host_capacity(self) -> CapacitySettings {
        CapacitySettings {
            scale: self.scale.chosen().copied(),
            memory_share: self.memory_share,
            memory_bytes: self.memory_megabytes.map(|megabytes| u64::from(megabytes) << 20),
            wait_limit: Duration::from_secs(self.wait_seconds.into()),
        }
    }
}
