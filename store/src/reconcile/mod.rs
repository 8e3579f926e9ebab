//! Reconciliation: the queue with its leases and owners, the input and the record of a pass, the memory of the host.

mod leases;
mod materials;
mod overview;
mod ownership;
mod record;
mod reservations;
mod work;

pub use overview::{Overview, PassState, PassStatus, ProvisionerStatus};
pub use ownership::HeartbeatOutcome;
pub use work::Work;
