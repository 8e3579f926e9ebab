//! States of alarms.

use crate::kernel::{Timestamp, wire_enum::wire_enum};

wire_enum!(
    /// The state of an alarm.
    AlarmState, "StateValue", {
        /// What is watched is within the threshold.
        Ok = "OK",
        /// It is not.
        Alarm = "ALARM",
        /// Nothing is known of it.
        InsufficientData = "INSUFFICIENT_DATA",
    }
);

/// The state of an alarm, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmStatus {
    /// The state.
    pub value: AlarmState,
    /// Why, for a person.
    pub reason: String,
    /// Why, as JSON; none: nothing was evaluated yet.
    pub reason_data: Option<String>,
    /// When the state, or the reason of it, was last set.
    pub updated: Timestamp,
    /// When the state became another one.
    pub transitioned: Timestamp,
}

impl AlarmStatus {
    /// That of an alarm that is created at this moment.
    pub fn initial(now: Timestamp) -> Self {
        Self {
            value: AlarmState::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            updated: now,
            transitioned: now,
        }
    }
}
