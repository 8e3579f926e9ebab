//! The history of alarms.

use serde_json::{Value, json};

use super::{
    definition::MetricAlarm,
    state::{AlarmState, AlarmStatus},
};
use crate::kernel::{Timestamp, wire_enum::wire_enum};

/// The longest summary, and the longest data.
///
/// Source: `HistorySummary` and `HistoryData` of the service's model.
const MAX_SUMMARY_LENGTH: usize = 255;
const MAX_DATA_LENGTH: usize = 4095;

wire_enum!(
    /// What an item of the history is about.
    HistoryItemType, "HistoryItemType", {
        /// The alarm was created, changed or deleted.
        ConfigurationUpdate = "ConfigurationUpdate",
        /// Its state became another one.
        StateUpdate = "StateUpdate",
        /// An action was executed, or was not.
        Action = "Action",
    }
);

/// An item of the history of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryItem {
    /// The name of the alarm.
    pub alarm: String,
    /// When.
    pub at: Timestamp,
    /// What it is about.
    pub kind: HistoryItemType,
    /// What happened, for a person.
    pub summary: String,
    /// What happened, as JSON.
    pub data: String,
}

impl HistoryItem {
    fn new(alarm: &str, at: Timestamp, kind: HistoryItemType, summary: &str, data: &Value) -> Self {
        let mut text = data.to_string();
        if text.chars().count() > MAX_DATA_LENGTH {
            text = json!({"version": "1.0", "truncated": true}).to_string();
        }
        let summary = summary.chars().take(MAX_SUMMARY_LENGTH).collect();
        Self { alarm: alarm.to_owned(), at, kind, summary, data: text }
    }

    /// The alarm was created, or changed.
    pub fn configured(alarm: &MetricAlarm, is_new: bool, at: Timestamp) -> Self {
        let name = &alarm.name;
        let (summary, kind, member) = if is_new {
            (format!("Alarm \"{name}\" created"), "Create", "createdAlarm")
        } else {
            (format!("Alarm \"{name}\" updated"), "Update", "updatedAlarm")
        };
        let data = json!({"version": "1.0", "type": kind, member: alarm});
        Self::new(name, at, HistoryItemType::ConfigurationUpdate, &summary, &data)
    }

    /// The alarm was deleted.
    pub fn deleted(name: &str, at: Timestamp) -> Self {
        let data = json!({"version": "1.0", "type": "Delete", "deletedAlarm": {"name": name}});
        let summary = format!("Alarm \"{name}\" deleted");
        Self::new(name, at, HistoryItemType::ConfigurationUpdate, &summary, &data)
    }

    /// The state became another one.
    pub fn state_changed(name: &str, old: &AlarmStatus, new: &AlarmStatus) -> Self {
        let state = |status: &AlarmStatus| {
            let mut state =
                json!({"stateValue": status.value.as_str(), "stateReason": status.reason});
            let data =
                status.reason_data.as_deref().and_then(|data| serde_json::from_str(data).ok());
            if let Some(data) = data {
                state["stateReasonData"] = data;
            }
            state
        };
        let data = json!({"version": "1.0", "oldState": state(old), "newState": state(new)});
        let summary = format!("Alarm updated from {} to {}", old.value, new.value);
        Self::new(name, new.updated, HistoryItemType::StateUpdate, &summary, &data)
    }

    /// An action was executed; or was not, for that reason.
    pub fn acted(
        name: &str,
        action: &str,
        state: AlarmState,
        failure: Option<&str>,
        at: Timestamp,
    ) -> Self {
        let summary = match failure {
            None => format!("Successfully executed action {action}"),
            Some(_) => format!("Failed to execute action {action}"),
        };
        let mut data = json!({
            "actionState": if failure.is_none() { "Succeeded" } else { "Failed" },
            "stateUpdateStateValue": state.as_str(),
            "notificationResource": action,
        });
        if let Some(failure) = failure {
            data["error"] = failure.into();
        }
        Self::new(name, at, HistoryItemType::Action, &summary, &data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::message::tests::input;

    #[test]
    fn items_say_what_happened() {
        let now = Timestamp::from_micros(1_790_000_000_000_000);
        let alarm = input("long").parse().expect("an alarm");
        let created = HistoryItem::configured(&alarm, true, now);
        assert_eq!(created.summary, "Alarm \"long\" created");
        let data: Value = serde_json::from_str(&created.data).expect("JSON");
        assert_eq!(
            (&data["type"], &data["createdAlarm"]["threshold"]),
            (&json!("Create"), &json!(3.0))
        );
        assert_eq!(HistoryItem::configured(&alarm, false, now).summary, "Alarm \"long\" updated");
        assert_eq!(HistoryItem::deleted("long", now).summary, "Alarm \"long\" deleted");

        let old = AlarmStatus::initial(now);
        let new = AlarmStatus {
            value: AlarmState::Alarm,
            reason: "because".to_owned(),
            reason_data: Some("{\"version\":\"1.0\"}".to_owned()),
            ..old.clone()
        };
        let changed = HistoryItem::state_changed("long", &old, &new);
        assert_eq!(changed.summary, "Alarm updated from INSUFFICIENT_DATA to ALARM");
        let data: Value = serde_json::from_str(&changed.data).expect("JSON");
        assert_eq!(data["newState"]["stateReasonData"], json!({"version": "1.0"}));

        let topic = "arn:aws:sns:us-east-1:000000000000:x";
        let acted = |failure| HistoryItem::acted("long", topic, AlarmState::Ok, failure, now);
        assert_eq!(acted(None).summary, format!("Successfully executed action {topic}"));
        assert_eq!(acted(Some("timeout")).summary, format!("Failed to execute action {topic}"));
        assert!(acted(Some("timeout")).data.contains("timeout"));
    }

    #[test]
    fn items_are_never_longer_than_they_may_be() {
        let now = Timestamp::from_micros(0);
        let long = "x".repeat(5000);
        let item = HistoryItem::acted(&long, &long, AlarmState::Ok, Some(&long), now);
        assert!(item.summary.len() <= MAX_SUMMARY_LENGTH && item.data.len() <= MAX_DATA_LENGTH);
        assert!(serde_json::from_str::<Value>(&item.data).is_ok(), "it is still JSON");
    }
}
