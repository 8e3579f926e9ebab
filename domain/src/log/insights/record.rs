//! Events as queries see them.

use std::collections::BTreeMap;

use super::value::Value;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// When it was, in milliseconds since 1970.
    pub timestamp: i64,
    /// When it was stored, in milliseconds since 1970.
    pub ingested: i64,
    /// Its text.
    pub message: String,
    /// Its stream.
    pub stream: String,
    /// Its group, `<account>:<name>`.
    pub log: String,
    /// What GetLogRecord would find it by.
    pub pointer: String,
}

/// An event, or a row that was made of several, with what has been made of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    fields: BTreeMap<String, Value>,
    json: Option<serde_json::Value>,
}

impl Row {
    pub(super) fn of_event(event: LogRecord, needs_json: bool) -> Self {
        let looks_like_json = needs_json && event.message.trim_start().starts_with('{');
        let json = if looks_like_json { serde_json::from_str(&event.message).ok() } else { None };
        let fields = [
            ("@timestamp", Value::Moment(event.timestamp)),
            ("@ingestionTime", Value::Moment(event.ingested)),
            ("@message", Value::Text(event.message)),
            ("@logStream", Value::Text(event.stream)),
            ("@log", Value::Text(event.log)),
            ("@ptr", Value::Text(event.pointer)),
        ];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { fields, json }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.fields.insert(name.to_owned(), value);
    }

    /// How many bytes its texts have.
    pub(super) fn text_bytes(&self) -> usize {
        let bytes = self.fields.values().map(|value| match value {
            Value::Text(text) => text.len(),
            _ => 0,
        });
        bytes.sum()
    }

    /// The value of a field: one that was made, or one of a message that is JSON, `a.b.0`.
    pub(super) fn get(&self, name: &str) -> Value {
        if let Some(value) = self.fields.get(name) {
            return value.clone();
        }
        let Some(json) = &self.json else { return Value::Missing };
        if let Some(value) = json.get(name) {
            return Value::of_json(value);
        }
        let mut value = json;
        for step in name.split('.') {
            let next = match value {
                serde_json::Value::Array(items) => {
                    step.parse::<usize>().ok().and_then(|at| items.get(at))
                }
                other => other.get(step),
            };
            let Some(next) = next else { return Value::Missing };
            value = next;
        }
        Value::of_json(value)
    }
}
