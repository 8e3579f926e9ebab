//! What came of a call.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    call::{EngineCallKind, MessageBody, PropertyValue},
    name::Destination,
    page::DestinationPosition,
};
use crate::kernel::Timestamp;

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EngineAnswer {
    /// A page of destinations.
    Listed {
        /// The destinations.
        destinations: Vec<DestinationStatus>,
        /// Where the next page begins; none: this is the last one.
        next: Option<DestinationPosition>,
        /// When the engine was asked.
        sampled_at: Timestamp,
    },
    /// Messages, the oldest first.
    Browsed {
        /// The messages.
        messages: Vec<BrowsedMessage>,
        /// Whether the engine shows them as redelivered from now on.
        marks_redelivered: bool,
    },
    /// A message was taken.
    Published {
        /// Whether it went somewhere.
        is_routed: bool,
    },
    /// Messages were dropped.
    Purged {
        /// How many, if the engine tells.
        count: Option<u64>,
    },
    /// The destination is gone.
    Deleted,
    /// A message went through the broker's endpoint.
    Tested(TestedEndpoint),
    /// It was not done.
    Refused(EngineRefusal),
}

/// A destination, as its engine tells of it. What it does not tell is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationStatus {
    /// Which one.
    pub destination: Destination,
    /// RabbitMQ's type of queue.
    pub queue_type: Option<String>,
    /// How many messages wait for a consumer.
    pub ready: Option<u64>,
    /// How many consumers have and have not acknowledged.
    pub unacknowledged: Option<u64>,
    /// How many consumers there are.
    pub consumers: Option<u64>,
    /// How many producers there are.
    pub producers: Option<u64>,
    /// Messages per second that are published.
    pub publish_rate: Option<f64>,
    /// Messages per second that are delivered.
    pub deliver_rate: Option<f64>,
    /// Messages per second that are acknowledged.
    pub acknowledge_rate: Option<f64>,
    /// The node of a cluster that has it, or its leader.
    pub node: Option<String>,
}

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrowsedMessage {
    /// Its identifier.
    pub message_id: Option<String>,
    /// That of what it answers.
    pub correlation_id: Option<String>,
    /// Whether it was delivered before.
    pub redelivered: bool,
    /// Its priority.
    pub priority: Option<u8>,
    /// When it was sent, milliseconds since 1970.
    pub timestamp_millis: Option<i64>,
    /// When it ends, milliseconds since 1970.
    pub expiration_millis: Option<i64>,
    /// The media type of its body.
    pub content_type: Option<String>,
    /// Whether it outlives the engine's process.
    pub persistent: Option<bool>,
    /// What else it tells.
    pub properties: BTreeMap<String, PropertyValue>,
    /// The bytes of its body.
    pub size: u64,
    /// The body, or its beginning.
    pub body: MessageBody,
    /// Whether that is not all of it.
    pub is_truncated: bool,
}

/// How a message went through an endpoint. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestedEndpoint {
    /// The endpoint, as the broker publishes it.
    pub endpoint: String,
    /// The protocol and its version.
    pub protocol: String,
    /// The address that the broker's security groups have seen.
    pub source_address: String,
    /// To connect, with TLS and login.
    pub connect_millis: f64,
    /// Until the engine had confirmed the message.
    pub publish_millis: f64,
    /// From there until it was back.
    pub deliver_millis: f64,
    /// From the beginning until it was back.
    pub total_millis: f64,
}

/// Why a call was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineRefusal {
    /// What kind of refusal it is.
    pub kind: RefusalKind,
    /// The member at fault, if it is one.
    #[serde(default)]
    pub attribute: Option<String>,
    /// The sentence for the caller.
    pub message: String,
}

/// Kinds of refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusalKind {
    /// The engine has no such destination.
    NotFound,
    /// The engine can't do it.
    BadRequest,
    /// The engine does not do it as things are.
    Conflict,
    /// The engine was not reached, and nothing was done.
    Unavailable,
    /// Nobody knows whether it was done.
    Unknown,
}

impl EngineAnswer {
    /// A refusal of that kind.
    pub fn refused(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self::Refused(EngineRefusal { kind, attribute: None, message: message.into() })
    }

    /// What is said of a call that was begun and whose end nobody saw.
    pub fn unknown(kind: EngineCallKind) -> Self {
        let what = match kind {
            EngineCallKind::Publish => "the message was published",
            EngineCallKind::Purge => "the destination was purged",
            EngineCallKind::Delete => "the destination was deleted",
            EngineCallKind::List | EngineCallKind::Browse | EngineCallKind::Test => {
                return Self::refused(
                    RefusalKind::Unavailable,
                    "The broker did not answer in time. Try again.",
                );
            }
        };
        let message = format!(
            "The broker did not answer in time. It is not known whether {what}. Check the destination before you retry."
        );
        Self::refused(RefusalKind::Unknown, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        for answer in [
            EngineAnswer::Published { is_routed: true },
            EngineAnswer::Purged { count: None },
            EngineAnswer::Deleted,
            EngineAnswer::Browsed { messages: Vec::new(), marks_redelivered: true },
            EngineAnswer::refused(RefusalKind::NotFound, "no"),
        ] {
            let text = serde_json::to_string(&answer).expect("JSON");
            assert_eq!(serde_json::from_str::<EngineAnswer>(&text).expect("read"), answer);
        }
    }

    #[test]
    fn only_of_what_changes_something_the_outcome_can_be_unknown() {
        for kind in EngineCallKind::ALL {
            let EngineAnswer::Refused(refusal) = EngineAnswer::unknown(kind) else {
                panic!("a refusal")
            };
            assert_eq!(refusal.kind == RefusalKind::Unknown, kind.is_write(), "{kind:?}");
        }
    }
}
