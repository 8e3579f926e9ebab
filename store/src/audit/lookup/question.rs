//! What is looked for, and what was found.

use brokerd_domain::{
    Scope, Timestamp,
    audit::{EventPosition, LookupAttribute},
};
use serde_json::Value;
use uuid::Uuid;

/// An event that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundEvent {
    /// `EventId`.
    pub id: Uuid,
    /// `EventTime`.
    pub at: Timestamp,
    /// `EventName`.
    pub name: String,
    /// `EventSource`.
    pub source: String,
    /// `ReadOnly`.
    pub read_only: bool,
    /// `Username`.
    pub username: Option<String>,
    /// `AccessKeyId`.
    pub access_key_id: Option<String>,
    /// `Resources`, as LookupEvents has them.
    pub resources: Value,
    /// `CloudTrailEvent`.
    pub record: String,
}

impl FoundEvent {
    pub(super) fn position(&self) -> EventPosition {
        EventPosition { at: self.at, id: self.id }
    }
}

/// What is looked for.
pub(super) struct Question<'a> {
    pub(super) scope: &'a Scope,
    pub(super) attribute: Option<&'a LookupAttribute>,
    /// Events from then on.
    pub(super) start: Timestamp,
    /// Events that are older than this one.
    pub(super) before: EventPosition,
    /// How many at most.
    pub(super) most: usize,
}

/// The events of a kind that were found so far.
pub(super) struct Found {
    /// All that are not older than `through`, and maybe others.
    pub(super) events: Vec<FoundEvent>,
    /// How far they were looked for; none: there are no others.
    pub(super) through: Option<EventPosition>,
}

impl Found {
    /// None so far.
    pub(super) const fn nothing(before: EventPosition) -> Self {
        Self { events: Vec::new(), through: Some(before) }
    }

    pub(super) fn through(&self, bound: Option<EventPosition>) -> usize {
        let is_known = |event: &&FoundEvent| bound.is_none_or(|bound| event.position() >= bound);
        self.events.iter().filter(is_known).count()
    }
}
