//! The section of prices.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What brokers cost, see [Reports](reports.md#prices).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prices {
    /// A file with the price list: it replaces the one that comes with brokerd, as a whole.
    pub(crate) file: Option<PathBuf>,
}
