//! The reading of a container's output before its removal.

use async_trait::async_trait;
use brokerd_domain::BrokerId;

/// The reader of containers' output.
#[async_trait]
pub trait LogDrain: Send + Sync + 'static {
    /// Waits a limited time until the output of an instance that has exited is stored, because removing its container
    /// removes its output.
    async fn drained(&self, broker: BrokerId, ordinal: u8);
}
