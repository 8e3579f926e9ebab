//! The weekly maintenance window: its definition, its schedule, and the limit on its changes.

mod changes;
mod schedule;
mod window;

pub use changes::WindowChanges;
pub use schedule::{Occurrence, due_in_window};
pub use window::{DayOfWeek, MaintenanceWindow};
