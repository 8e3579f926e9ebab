//! Audit: events of calls and of brokerd's own acts. [`crate::kernel`] writes the events of calls that write, as rows.
//! This module writes all other events, those of reads in batches; it completes, finds and deletes events.

mod host;
mod lookup;
mod read_batch;
mod retention;
mod trail;
mod write;

pub use lookup::{EventPage, FoundEvent};
pub use retention::AuditRetention;
pub use trail::{AuditLog, AuditTrail};
