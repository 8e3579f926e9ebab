//! BrowseDestination.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use brokerd_domain::{
    Timestamp,
    destination::{
        BodyEncoding, BrowseCall, BrowseInput, BrowsedMessage, DestinationInput, EngineAnswer,
        EngineCall, MessageBody, PropertyValue,
    },
};
use brokerd_store::PgStore;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::refusal;
use crate::{
    auth::Signed,
    engine_calls::{EngineCalls, EngineRequest},
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{Conflict, NotFound, OfBroker, ServiceErrors},
};

/// The messages to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrowseDestinationRequest {
    /// `QUEUE`, or `TOPIC` of an ActiveMQ broker.
    #[schema(required, nullable = false, example = "QUEUE")]
    kind: Option<String>,
    /// The name: 1 to 255 bytes.
    #[schema(required, nullable = false, example = "orders")]
    name: Option<String>,
    /// The virtual host of a RabbitMQ broker; default `/`.
    virtual_host: Option<String>,
    /// The number of messages: 1 to 100; default 20.
    max_results: Option<i64>,
}

/// Messages of a destination.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BrowseDestinationResponse {
    /// The messages, the next one to be delivered first.
    messages: Vec<MessageView>,
    /// Whether the engine shows these messages as redelivered from now on, as classic queues of RabbitMQ do.
    marks_redelivered: bool,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrowsedMessage)]
pub(crate) struct MessageView {
    /// The place in the answer, from 1.
    position: u64,
    /// The identifier of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    message_id: Option<String>,
    /// The identifier of what the message answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    correlation_id: Option<String>,
    /// Whether it was delivered before, as it was when it was looked at.
    redelivered: bool,
    /// The priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    priority: Option<u8>,
    /// When it was sent, as its sender says, ISO 8601 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    timestamp: Option<String>,
    /// When it ends, ISO 8601 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    expiration: Option<String>,
    /// The media type of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    content_type: Option<String>,
    /// Whether it outlives the engine's process.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    persistent: Option<bool>,
    /// Headers of RabbitMQ, properties of ActiveMQ: texts, numbers and truth values; what is neither is a text.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    properties: BTreeMap<String, PropertyValue>,
    /// The bytes of the whole body.
    size: u64,
    /// The body, or its beginning.
    body: String,
    /// `TEXT`, or `BASE64` of what is no text.
    #[schema(value_type = String, example = "TEXT")]
    body_encoding: &'static str,
    /// Whether `body` is only the beginning of the body.
    is_truncated: bool,
}

impl MessageView {
    fn new(position: u64, message: BrowsedMessage) -> Self {
        let (body, encoding) = match message.body {
            MessageBody::Text(text) => (text, BodyEncoding::Text),
            MessageBody::Base64(text) => (text, BodyEncoding::Base64),
        };
        let moment = |millis: i64| Timestamp::from_micros(millis.saturating_mul(1000)).to_string();
        Self {
            position,
            message_id: message.message_id,
            correlation_id: message.correlation_id,
            redelivered: message.redelivered,
            priority: message.priority,
            timestamp: message.timestamp_millis.map(moment),
            expiration: message.expiration_millis.map(moment),
            content_type: message.content_type,
            persistent: message.persistent,
            properties: message.properties,
            size: message.size,
            body,
            body_encoding: encoding.as_str(),
            is_truncated: message.is_truncated,
        }
    }
}

/// Shows messages of a destination without consuming them. Long bodies are shown in part, and all of an answer has at
/// most 1 MB. Classic queues of RabbitMQ mark what was looked at as redelivered; `marksRedelivered` says so. Topics show
/// what waits for durable subscribers.
#[utoipa::path(
    post,
    path = "/brokerd/v1/brokers/{broker-id}/destinations/browse",
    operation_id = "BrowseDestination",
    tag = "brokerd",
    params(OfBroker),
    request_body = BrowseDestinationRequest,
    responses(
        (status = 200, description = "The messages.", body = BrowseDestinationResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn browse_destination(
    State(store): State<PgStore>,
    State(calls): State<Arc<EngineCalls>>,
    path: PathParams,
    signed: Signed,
) -> Answer<BrowseDestinationResponse> {
    let broker = path.broker(&store, &signed).await?;
    let wire: BrowseDestinationRequest = signed.json()?;
    let BrowseDestinationRequest { kind, name, virtual_host, max_results } = wire;
    let destination = DestinationInput { kind, name, virtual_host };
    let input = BrowseInput { destination, max_results };
    let call = BrowseCall::parse(broker.spec.engine_type, input)?;
    let asked = EngineRequest { store: &store, signed: &signed, path: &path, broker: &broker };
    match calls.ask(asked, EngineCall::Browse(call)).await? {
        EngineAnswer::Browsed { messages, marks_redelivered } => {
            let messages = (1..).zip(messages).map(|(place, m)| MessageView::new(place, m));
            Ok(Reply(BrowseDestinationResponse { messages: messages.collect(), marks_redelivered }))
        }
        other => Err(refusal(other)),
    }
}
