//! Rows of alarms.

use brokerd_domain::{
    Tags, Timestamp,
    alarm::{AlarmState, AlarmStatus, MetricAlarm},
};
use uuid::Uuid;

use crate::kernel::{
    StoreError,
    json::{Raw, read_json},
};

/// An alarm as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAlarm {
    /// The alarm.
    pub alarm: MetricAlarm,
    /// Its tags.
    pub tags: Tags,
    /// When it was last configured.
    pub configured: Timestamp,
    /// How often it was configured.
    pub revision: i32,
    /// Its state.
    pub status: AlarmStatus,
}

pub(super) struct AlarmRow {
    pub(super) id: Uuid,
    pub(super) spec: Raw,
    pub(super) tags: Raw,
    pub(super) configured: i64,
    pub(super) revision: i32,
    pub(super) state: String,
    pub(super) state_reason: String,
    pub(super) state_reason_data: Option<String>,
    pub(super) state_updated: i64,
    pub(super) state_transitioned: i64,
}

impl AlarmRow {
    pub(super) fn into_alarm(self) -> Result<StoredAlarm, StoreError> {
        Ok(StoredAlarm {
            alarm: read_json("alarm", self.id, &self.spec)?,
            tags: read_json("alarm", self.id, &self.tags)?,
            configured: Timestamp::from_micros(self.configured),
            revision: self.revision,
            status: AlarmStatus {
                value: state(&self.state)?,
                reason: self.state_reason,
                reason_data: self.state_reason_data,
                updated: Timestamp::from_micros(self.state_updated),
                transitioned: Timestamp::from_micros(self.state_transitioned),
            },
        })
    }
}

pub(super) fn state(text: &str) -> Result<AlarmState, StoreError> {
    let known = AlarmState::ALL.iter().copied().find(|known| known.as_str() == text);
    known.ok_or_else(|| StoreError::Inconsistent { table: "alarm", what: format!("state {text}") })
}
