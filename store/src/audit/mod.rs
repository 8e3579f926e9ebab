//! Audit: events of calls and of brokerd's own acts. Those of calls that write are rows, and written by [`crate::kernel`];
//! this room writes the others, those of reads in batches, completes all, finds them and deletes them.

mod host;
mod lookup;
mod read_batch;
mod retention;
mod trail;
mod write;

pub use lookup::{EventPage, FoundEvent};
pub use retention::AuditRetention;
pub use trail::{AuditLog, AuditTrail};
