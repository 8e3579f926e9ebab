//! The sections of what watches the installation from outside.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What Prometheus reads of all brokers, see [Prometheus](prometheus.md).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prometheus {
    /// A file with the tokens that permit to read the metrics and the targets of all brokers, one per line. Without it:
    /// `prometheus-token` in the data directory, which brokerd makes. It is read when brokerd starts.
    pub(crate) token_file: Option<PathBuf>,
}
