//! Messages of queues.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use brokerd_domain::{
    EngineVersion,
    destination::{
        BrowseCall, BrowsedMessage, Destination, EngineAnswer, MessageBody, PropertyValue,
        PublishCall, RefusalKind,
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{done, encoded, path, virtual_host};
use crate::destinations::{
    bounds::{self, MAX_BODY_BYTES, MAX_BYTES, MAX_PROPERTIES},
    engine::{Engine, Failure, read},
};

/// From which version on a message that is returned to a quorum queue does not come nearer to the queue's limit of
/// deliveries.
///
/// Source: tried with 4.0.5, which counts it in `x-delivery-count`, and 4.3.6, which counts it in `x-acquired-count` alone.
const RETURNS_ARE_FREE: EngineVersion = EngineVersion::new(4, 3);
/// From which version on quorum queues have such a limit where nobody has set one.
///
/// Source: "Quorum queues: poison message handling" of RabbitMQ's documentation.
const LIMITED_BY_DEFAULT: EngineVersion = EngineVersion::new(4, 0);

/// A queue, as far as it decides about browsing.
#[derive(Deserialize)]
struct Queue {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    arguments: Value,
    #[serde(default)]
    effective_policy_definition: Value,
}

#[derive(Deserialize)]
struct Overview {
    rabbitmq_version: String,
}

/// A message that was got.
#[derive(Deserialize)]
struct Got {
    #[serde(default)]
    payload_bytes: u64,
    #[serde(default)]
    redelivered: bool,
    #[serde(default)]
    message_count: u64,
    /// An object, or an empty list where there are none.
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    payload: String,
    #[serde(default)]
    payload_encoding: String,
}

/// Shows messages: they are got and returned, because a queue of RabbitMQ can't be looked at otherwise.
pub(in crate::destinations) async fn browse(
    engine: &Engine<'_>,
    call: &BrowseCall,
) -> Result<EngineAnswer, Failure> {
    check(engine, &call.destination).await?;
    let most = usize::try_from(call.most).unwrap_or(1).max(1);
    let asked = json!({
        "count": most,
        "ackmode": "ack_requeue_true",
        "encoding": "auto",
        "truncate": MAX_BODY_BYTES.min(MAX_BYTES / most),
    });
    let messages = get(engine, &call.destination, &asked).await?;
    let marks_redelivered = !messages.is_empty();
    let messages = messages.into_iter().take(most).map(shown);
    Ok(EngineAnswer::Browsed { messages: messages.collect::<Result<_, _>>()?, marks_redelivered })
}

/// Whether a queue can be looked at without harm.
async fn check(engine: &Engine<'_>, queue: &Destination) -> Result<(), Failure> {
    let columns = "type,arguments,effective_policy_definition";
    let asked = format!("{}?columns={columns}&disable_stats=true", path(queue));
    let answer = engine.exchange("GET", &asked, None).await?;
    done(&answer)?;
    let queue: Queue = read(&answer)?;
    match queue.kind.as_deref() {
        Some("stream") => Err(Failure::refused(
            RefusalKind::BadRequest,
            "A stream can't be browsed: RabbitMQ shows its messages to consumers only.",
        )),
        Some("quorum") => {
            let answer =
                engine.exchange("GET", "/api/overview?columns=rabbitmq_version", None).await?;
            done(&answer)?;
            let overview: Overview = read(&answer)?;
            let version = version(&overview.rabbitmq_version)
                .ok_or_else(|| Failure::Odd("an odd version".to_owned()))?;
            if comes_nearer_to_a_limit(version, &queue) {
                return Err(Failure::refused(
                    RefusalKind::Conflict,
                    "This quorum queue can't be browsed: it has a limit of deliveries, and RabbitMQ before 4.3 counts each look as one.",
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn comes_nearer_to_a_limit(version: EngineVersion, queue: &Queue) -> bool {
    if version >= RETURNS_ARE_FREE {
        return false;
    }
    let argument = queue.arguments.get("x-delivery-limit");
    let policy = queue.effective_policy_definition.get("delivery-limit");
    let limits: Vec<i64> =
        [argument, policy].into_iter().flatten().filter_map(Value::as_i64).collect();
    if limits.is_empty() {
        return version >= LIMITED_BY_DEFAULT;
    }
    limits.iter().any(|limit| *limit >= 0)
}

fn version(text: &str) -> Option<EngineVersion> {
    let mut parts = text.split('.').map(|part| part.parse::<u16>().ok());
    Some(EngineVersion::new(parts.next()??, parts.next()??))
}

async fn get(engine: &Engine<'_>, queue: &Destination, asked: &Value) -> Result<Vec<Got>, Failure> {
    let body = asked.to_string();
    let answer =
        engine.exchange("POST", &format!("{}/get", path(queue)), Some(body.as_bytes())).await?;
    done(&answer)?;
    read(&answer)
}

fn shown(got: Got) -> Result<BrowsedMessage, Failure> {
    let bytes = match got.payload_encoding.as_str() {
        "base64" => STANDARD
            .decode(&got.payload)
            .map_err(|_| Failure::Odd("a body that is not base64".to_owned()))?,
        _ => got.payload.into_bytes(),
    };
    let is_truncated = got.payload_bytes > bytes.len() as u64;
    let size = got.payload_bytes.max(bytes.len() as u64);
    let mut given = match got.properties {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let headers = given.remove("headers");
    let mut text = |name: &str| match given.remove(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(bounds::text(&text)),
        Some(other) => Some(bounds::text(&other.to_string())),
    };
    let (message_id, correlation_id) = (text("message_id"), text("correlation_id"));
    let content_type = text("content_type");
    let mut number = |name: &str| given.remove(name).as_ref().and_then(Value::as_i64);
    let priority = number("priority").and_then(|priority| u8::try_from(priority).ok());
    let timestamp = number("timestamp");
    let persistent = number("delivery_mode").map(|mode| mode == 2);
    let mut properties: BTreeMap<String, PropertyValue> = BTreeMap::new();
    let headers = headers.as_ref().and_then(Value::as_object).into_iter().flatten();
    // Headers come last: they are the sender's own.
    for (name, value) in given.iter().chain(headers).take(MAX_PROPERTIES) {
        properties.insert(bounds::text(name), bounds::property(value));
    }
    Ok(BrowsedMessage {
        message_id,
        correlation_id,
        redelivered: got.redelivered,
        priority,
        timestamp_millis: timestamp.map(|seconds| seconds.saturating_mul(1000)),
        // RabbitMQ knows how long a message may wait, and does not tell since when it does.
        expiration_millis: None,
        content_type,
        persistent,
        properties,
        size,
        body: bounds::body(bytes, is_truncated),
        is_truncated,
    })
}

#[derive(Deserialize)]
struct Published {
    routed: bool,
}

/// Publishes a message to a queue, by the exchange that leads to each queue by its name.
pub(in crate::destinations) async fn publish(
    engine: &Engine<'_>,
    call: PublishCall,
) -> Result<EngineAnswer, Failure> {
    let mut properties = json!({
        "delivery_mode": if call.persistent { 2 } else { 1 },
        "headers": call.properties,
    });
    if let (Some(media_type), Some(members)) = (call.content_type, properties.as_object_mut()) {
        members.insert("content_type".to_owned(), media_type.into());
    }
    let (payload, encoding) = match call.body {
        MessageBody::Text(text) => (text, "string"),
        MessageBody::Base64(text) => (text, "base64"),
    };
    let message = json!({
        "properties": properties,
        "routing_key": call.destination.name,
        "payload": payload,
        "payload_encoding": encoding,
    });
    let virtual_host = encoded(virtual_host(&call.destination));
    let path = format!("/api/exchanges/{virtual_host}/amq.default/publish");
    let answer = engine.exchange("POST", &path, Some(message.to_string().as_bytes())).await?;
    match done(&answer) {
        // There is no such virtual host.
        Err(Failure::Refused(_)) if answer.status == 404 => Err(Failure::not_found()),
        Err(other) => Err(other),
        Ok(()) => {
            let published: Published = read(&answer)?;
            Ok(EngineAnswer::Published { is_routed: published.routed })
        }
    }
}

/// Drops the messages of a queue that wait. RabbitMQ does not tell how many that are; the first one of them, which is
/// dropped by itself, tells how many are behind it.
pub(in crate::destinations) async fn purge(
    engine: &Engine<'_>,
    queue: &Destination,
) -> Result<EngineAnswer, Failure> {
    let first = json!({
        "count": 1,
        "ackmode": "ack_requeue_false",
        "encoding": "auto",
        "truncate": 1,
    });
    let (count, has_begun) = match get(engine, queue, &first).await {
        Ok(got) => (Some(got.first().map_or(0, |got| got.message_count.saturating_add(1))), true),
        // A stream has none to give, and an exclusive consumer permits nobody else to take one.
        Err(Failure::Refused(refusal)) if refusal.kind != RefusalKind::NotFound => (None, false),
        Err(other) => return Err(other),
    };
    let purged = engine.exchange("DELETE", &format!("{}/contents", path(queue)), None).await;
    let purged = purged.and_then(|answer| done(&answer));
    match purged {
        Ok(()) => Ok(EngineAnswer::Purged { count }),
        // One message is gone at least.
        Err(Failure::NotSent(why)) if has_begun => Err(Failure::NoAnswer(why)),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(value: Value) -> Result<BrowsedMessage, Failure> {
        shown(serde_json::from_value(value).expect("a message"))
    }

    #[test]
    fn a_message_is_shown_with_headers_and_properties() {
        let message = got(json!({
            "payload_bytes": 5, "redelivered": true, "message_count": 2,
            "properties": {"message_id": "m0", "delivery_mode": 2, "priority": 7, "timestamp": 1_700_000_000,
                "reply_to": "x", "expiration": "5000", "headers": {"a": 1, "b": [1, 2], "d": 1.5}},
            "payload": "abc", "payload_encoding": "string",
        }))
        .expect("shown");
        assert_eq!(message.message_id.as_deref(), Some("m0"));
        assert_eq!((message.persistent, message.priority), (Some(true), Some(7)));
        assert_eq!(message.timestamp_millis, Some(1_700_000_000_000));
        assert_eq!((message.size, message.is_truncated, message.redelivered), (5, true, true));
        assert_eq!(message.body, MessageBody::Text("abc".to_owned()));
        let names: Vec<_> = message.properties.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "b", "d", "expiration", "reply_to"]);
    }

    #[test]
    fn odd_messages_are_shown_as_far_as_they_go_or_refused() {
        let message =
            got(json!({"properties": [], "payload": "gA==", "payload_encoding": "base64"}));
        let message = message.expect("shown");
        assert_eq!(message.body, MessageBody::Base64("gA==".to_owned()));
        assert_eq!((message.size, message.persistent), (1, None));
        let odd = got(json!({"properties": {"priority": "high", "headers": [1], "message_id": 5},
            "payload": ""}));
        let odd = odd.expect("shown");
        assert_eq!((odd.priority, odd.message_id.as_deref()), (None, Some("5")));
        let refused = got(json!({"payload": "?", "payload_encoding": "base64"}));
        assert!(matches!(refused, Err(Failure::Odd(_))));
    }

    #[test]
    fn quorum_queues_with_a_limit_are_left_alone_where_looks_count() {
        let queue = |argument: Option<i64>, policy: Option<i64>| Queue {
            kind: Some("quorum".to_owned()),
            arguments: argument.map_or(json!({}), |limit| json!({"x-delivery-limit": limit})),
            // Where there is no policy it is an empty list.
            effective_policy_definition: policy
                .map_or(json!([]), |limit| json!({"delivery-limit": limit})),
        };
        for (text, argument, policy, counts) in [
            ("4.3.6", None, Some(5), false),
            ("4.0.5", None, None, true),
            ("4.2.1", Some(-1), None, false),
            ("4.0.5", Some(-1), Some(5), true),
            ("3.10.8", None, None, false),
            ("3.13.7+2", None, Some(0), true),
            ("3.10.8", Some(3), None, true),
        ] {
            let version = version(text).expect("a version");
            assert_eq!(
                comes_nearer_to_a_limit(version, &queue(argument, policy)),
                counts,
                "{text}"
            );
        }
        for wrong in ["", "4", "x.y", "4.-1"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }
}
