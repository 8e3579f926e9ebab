//! References of brokers to configuration revisions.

use serde::{Deserialize, Serialize};

use crate::kernel::ConfigurationId;

/// One immutable revision of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationRef {
    /// The configuration.
    pub id: ConfigurationId,
    /// The revision's number, from 1 on.
    pub revision: i32,
}

/// A broker's configurations: what runs, what will, and what did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configurations {
    /// In force.
    #[serde(default)]
    pub current: Option<ConfigurationRef>,
    /// In force after the next reboot.
    #[serde(default)]
    pub pending: Option<ConfigurationRef>,
    /// Formerly in force, oldest first.
    #[serde(default)]
    pub history: Vec<ConfigurationRef>,
}

impl Configurations {
    /// Every configuration that is referred to.
    pub fn all(&self) -> impl Iterator<Item = ConfigurationRef> {
        self.current.iter().chain(&self.pending).chain(&self.history).copied()
    }

    /// What is referred to once the pending one is in force: the former current one becomes history.
    #[must_use]
    pub fn applied(&self) -> Self {
        let mut after = self.clone();
        if let Some(pending) = after.pending.take()
            && let Some(former) = after.current.replace(pending)
        {
            after.history.push(former);
        }
        after
    }
}
