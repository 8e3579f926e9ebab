//! Audit: events of calls and of brokerd's own acts. Those of calls that write are written by [`crate::kernel`]; this room
//! writes the others, completes all, finds them and deletes them.

mod host;
mod lookup;
mod retention;
mod trail;
mod write;

pub use lookup::{EventPage, FoundEvent};
pub use retention::AuditRetention;
pub use trail::{AuditLog, AuditTrail};
