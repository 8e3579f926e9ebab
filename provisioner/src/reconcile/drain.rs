//! What is waited for before a container is removed.

use async_trait::async_trait;
use brokerd_domain::BrokerId;

/// Whoever reads what containers print.
#[async_trait]
pub trait LogDrain: Send + Sync + 'static {
    /// Waits until the output of an instance that has ended is stored, but not for long: whoever removes its container
    /// removes its output.
    async fn drained(&self, broker: BrokerId, ordinal: u8);
}
