//! Alarms of Amazon CloudWatch: what they watch, when they change their state, and what they tell then.
//!
//! Source: "Using Amazon CloudWatch alarms" of the Amazon CloudWatch user guide, PutMetricAlarm of the API reference.

mod action;
mod comparison;
mod definition;
mod evaluate;
mod history;
mod input;
mod message;
mod state;
mod words;

pub use action::{AlarmAction, topic_matches};
pub use comparison::{Comparison, MissingData};
pub use definition::{MetricAlarm, Watched};
pub use evaluate::{Datapoint, EvaluationRule, Verdict};
pub use history::{HistoryItem, HistoryItemType};
pub use input::AlarmInput;
pub use message::{AlarmNotification, StateChange};
pub use state::{AlarmState, AlarmStatus};

/// Alarms an account may have in a region.
///
/// Source: "CloudWatch quotas" of the user guide, "Alarms".
pub const MAX_ALARMS: u32 = 5000;
