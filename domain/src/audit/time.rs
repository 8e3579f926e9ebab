//! Moments as events have them.

use crate::kernel::Timestamp;

/// A moment in whole seconds, UTC.
pub(super) fn seconds(at: Timestamp) -> String {
    let whole = jiff::Timestamp::from_second(at.as_seconds());
    whole.map_or_else(|_| at.to_string(), |whole| whole.to_string())
}
