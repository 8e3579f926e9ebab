//! ActiveMQ: the page of the image's launcher (`docker/activemq/src/brokerd/DestinationsPage.java`), which is told a call
//! as the domain writes it.

use std::collections::BTreeMap;

use brokerd_domain::{
    Timestamp,
    destination::{
        BrowseCall, BrowsedMessage, Destination, DestinationKind, DestinationPosition,
        DestinationStatus, EngineAnswer, EngineCall, ListCall, MessageBody, PropertyValue,
        PublishCall, RefusalKind,
    },
};
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    bounds::{self, MAX_PROPERTIES},
    engine::{Engine, Failure, read, words},
};

const PAGE: &str = "/brokerd/destinations";

/// A refusal of the page.
#[derive(Deserialize)]
struct Refusal {
    refused: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    destinations: Vec<Status>,
    has_more: bool,
}

#[derive(Deserialize)]
struct Status {
    kind: DestinationKind,
    name: String,
    ready: Option<u64>,
    unacknowledged: Option<u64>,
    consumers: Option<u64>,
    producers: Option<u64>,
}

#[derive(Deserialize)]
struct Browsed {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    message_id: Option<String>,
    correlation_id: Option<String>,
    redelivered: bool,
    priority: Option<u8>,
    timestamp: Option<i64>,
    expiration: Option<i64>,
    content_type: Option<String>,
    persistent: Option<bool>,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
    size: u64,
    body: MessageBody,
    is_truncated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    is_routed: bool,
}

#[derive(Deserialize)]
struct Purged {
    purged: u64,
}

#[derive(Deserialize)]
struct Deleted {
    deleted: bool,
}

#[derive(Deserialize)]
struct Given {
    username: String,
    password: String,
}

/// A login for a test message.
pub(super) struct TestLogin {
    pub(super) username: String,
    pub(super) password: SecretString,
}

/// Lists destinations.
pub(super) async fn list(
    engine: &Engine<'_>,
    call: ListCall,
    now: Timestamp,
) -> Result<EngineAnswer, Failure> {
    let most = usize::try_from(call.most).unwrap_or(usize::MAX);
    let listed: Listed = ask(engine, &EngineCall::List(call)).await?;
    let destinations: Vec<DestinationStatus> = listed
        .destinations
        .into_iter()
        .take(most)
        .map(|status| DestinationStatus {
            destination: Destination { kind: status.kind, name: status.name, virtual_host: None },
            queue_type: None,
            ready: status.ready,
            unacknowledged: status.unacknowledged,
            consumers: status.consumers,
            producers: status.producers,
            publish_rate: None,
            deliver_rate: None,
            acknowledge_rate: None,
            node: None,
        })
        .collect();
    let next = destinations.last().filter(|_| listed.has_more).map(|last| DestinationPosition {
        name: last.destination.name.clone(),
        virtual_host: String::new(),
        kind: last.destination.kind.as_str().to_owned(),
        rank: 0,
    });
    Ok(EngineAnswer::Listed { destinations, next, sampled_at: now })
}

/// Shows messages.
pub(super) async fn browse(engine: &Engine<'_>, call: BrowseCall) -> Result<EngineAnswer, Failure> {
    let most = usize::try_from(call.most).unwrap_or(usize::MAX);
    let browsed: Browsed = ask(engine, &EngineCall::Browse(call)).await?;
    let messages = browsed.messages.into_iter().take(most).map(shown).collect();
    Ok(EngineAnswer::Browsed { messages, marks_redelivered: false })
}

fn shown(message: Message) -> BrowsedMessage {
    let text = |text: String| bounds::text(&text);
    let properties = message.properties.iter().take(MAX_PROPERTIES);
    let properties: BTreeMap<String, PropertyValue> =
        properties.map(|(name, value)| (bounds::text(name), bounds::property(value))).collect();
    BrowsedMessage {
        message_id: message.message_id.map(text),
        correlation_id: message.correlation_id.map(text),
        redelivered: message.redelivered,
        priority: message.priority,
        timestamp_millis: message.timestamp,
        expiration_millis: message.expiration,
        content_type: message.content_type.map(text),
        persistent: message.persistent,
        properties,
        size: message.size,
        body: message.body,
        is_truncated: message.is_truncated,
    }
}

/// Publishes a message.
pub(super) async fn publish(
    engine: &Engine<'_>,
    call: PublishCall,
) -> Result<EngineAnswer, Failure> {
    let published: Published = ask(engine, &EngineCall::Publish(call)).await?;
    Ok(EngineAnswer::Published { is_routed: published.is_routed })
}

/// Drops the messages of a queue.
pub(super) async fn purge(
    engine: &Engine<'_>,
    queue: Destination,
) -> Result<EngineAnswer, Failure> {
    let purged: Purged = ask(engine, &EngineCall::Purge(queue)).await?;
    Ok(EngineAnswer::Purged { count: Some(purged.purged) })
}

/// Deletes a destination.
pub(super) async fn delete(
    engine: &Engine<'_>,
    destination: Destination,
) -> Result<EngineAnswer, Failure> {
    let Deleted { deleted } = ask(engine, &EngineCall::Delete(destination)).await?;
    if deleted {
        Ok(EngineAnswer::Deleted)
    } else {
        Err(Failure::Odd("an unexpected answer".to_owned()))
    }
}

/// A login for the next test message.
pub(super) async fn test_login(engine: &Engine<'_>) -> Result<TestLogin, Failure> {
    let Given { username, password } = ask(engine, &EngineCall::Test).await?;
    Ok(TestLogin { username, password: SecretString::from(password) })
}

async fn ask<T: DeserializeOwned>(engine: &Engine<'_>, call: &EngineCall) -> Result<T, Failure> {
    let call = serde_json::to_vec(call).map_err(|error| Failure::NotSent(error.to_string()))?;
    let answer = engine.exchange("POST", PAGE, Some(&call)).await?;
    match answer.status {
        200 => {}
        // An image of before there was such a page, or one that is not ours.
        301..=308 | 404 | 405 => {
            return Err(Failure::refused(
                RefusalKind::Conflict,
                "The broker's image can't do this. It can after an update of the image and a reboot of the broker.",
            ));
        }
        401 => return Err(Failure::NotSent("the engine does not know brokerd's user".to_owned())),
        503 => return Err(Failure::NoAnswer("it is starting or stopping".to_owned())),
        status => return Err(Failure::Odd(format!("answered status {status}"))),
    }
    if let Ok(Refusal { refused, message }) = serde_json::from_slice::<Refusal>(&answer.body) {
        let message = words(&message);
        return Err(match refused.as_str() {
            "notFound" => Failure::not_found(),
            "conflict" => Failure::refused(RefusalKind::Conflict, message),
            _ => Failure::refused(RefusalKind::BadRequest, message),
        });
    }
    read(&answer)
}
