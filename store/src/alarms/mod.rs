//! Alarms of Amazon CloudWatch, their history, and notifications that are to be delivered.

mod change;
mod deliveries;
mod evaluation;
mod history;
mod read;
mod row;
mod transition;

pub use change::{DeleteAlarmsOutcome, PutAlarmOutcome};
pub use deliveries::AlarmDelivery;
pub use evaluation::DueAlarm;
pub use history::{HistoryFilter, HistoryPage, HistoryPosition};
pub use read::AlarmFilter;
pub use row::StoredAlarm;
