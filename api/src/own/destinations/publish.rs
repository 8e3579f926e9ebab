//! PublishToDestination.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use brokerd_domain::destination::{
    DestinationInput, EngineAnswer, EngineCall, PublishCall, PublishInput,
};
use brokerd_store::PgStore;
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

/// A message to publish.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublishToDestinationRequest {
    /// `QUEUE`, or `TOPIC` of an ActiveMQ broker.
    #[schema(required, nullable = false, example = "QUEUE")]
    kind: Option<String>,
    /// The name: 1 to 255 bytes.
    #[schema(required, nullable = false, example = "orders")]
    name: Option<String>,
    /// The virtual host of a RabbitMQ broker; default `/`.
    virtual_host: Option<String>,
    /// The body: at most 256 KiB.
    #[schema(required, nullable = false)]
    body: Option<String>,
    /// `TEXT`, or `BASE64` if `body` is base64 of the bytes to publish; default `TEXT`.
    #[schema(example = "TEXT")]
    body_encoding: Option<String>,
    /// The media type of the body.
    #[schema(example = "application/json")]
    content_type: Option<String>,
    /// Headers of RabbitMQ, properties of ActiveMQ: at most 64 texts, numbers and truth values.
    properties: Option<BTreeMap<String, Value>>,
    /// Whether the message outlives the engine's process; default `true`.
    persistent: Option<bool>,
}

/// What became of a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublishToDestinationResponse {
    /// Whether it went to a queue, or to a subscriber of a topic. Otherwise it is gone.
    is_routed: bool,
}

/// Publishes a message to a destination that is there.
#[utoipa::path(
    post,
    path = "/brokerd/v1/brokers/{broker-id}/destinations/publish",
    operation_id = "PublishToDestination",
    tag = "brokerd",
    params(OfBroker),
    request_body = PublishToDestinationRequest,
    responses(
        (status = 200, description = "The broker has the message.", body = PublishToDestinationResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn publish_to_destination(
    State(store): State<PgStore>,
    State(calls): State<Arc<EngineCalls>>,
    path: PathParams,
    signed: Signed,
) -> Answer<PublishToDestinationResponse> {
    let broker = path.broker(&store, &signed).await?;
    let wire: PublishToDestinationRequest = signed.json()?;
    let input = PublishInput {
        destination: DestinationInput {
            kind: wire.kind,
            name: wire.name,
            virtual_host: wire.virtual_host,
        },
        body: wire.body,
        body_encoding: wire.body_encoding,
        content_type: wire.content_type,
        properties: wire.properties,
        persistent: wire.persistent,
    };
    let call = PublishCall::parse(broker.spec.engine_type, input)?;
    let asked = EngineRequest { store: &store, signed: &signed, path: &path, broker: &broker };
    match calls.ask(asked, EngineCall::Publish(call)).await? {
        EngineAnswer::Published { is_routed } => {
            Ok(Reply(PublishToDestinationResponse { is_routed }))
        }
        other => Err(refusal(other)),
    }
}
