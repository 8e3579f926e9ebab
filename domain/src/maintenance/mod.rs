//! The weekly maintenance window: what it is, when it is, and how often it may be moved.

mod changes;
mod schedule;
mod window;

pub use changes::WindowChanges;
pub use schedule::{Occurrence, due_in_window};
pub use window::{DayOfWeek, MaintenanceWindow};
