//! SendTestMessage.

use std::sync::Arc;

use axum::extract::State;
use brokerd_domain::destination::{EngineAnswer, EngineCall, TestedEndpoint};
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

/// Nothing.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SendTestMessageRequest {}

/// How a message went through the broker's endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendTestMessageResponse {
    /// The endpoint, as DescribeBroker names it.
    #[schema(example = "amqps://127.0.0.1:21000")]
    endpoint: String,
    /// `AMQP 0-9-1` of RabbitMQ, `AMQP 1.0` of ActiveMQ.
    #[schema(example = "AMQP 0-9-1")]
    protocol: String,
    /// The address that the message came from, which the broker's security groups admit.
    source_address: String,
    /// Milliseconds to connect: TCP, TLS with the certificate verified, and the login.
    connect_millis: f64,
    /// Milliseconds until the broker had confirmed the message.
    publish_millis: f64,
    /// Milliseconds from there until it was back.
    deliver_millis: f64,
    /// Milliseconds from the beginning until it was back.
    total_millis: f64,
}

impl From<TestedEndpoint> for SendTestMessageResponse {
    fn from(tested: TestedEndpoint) -> Self {
        Self {
            endpoint: tested.endpoint,
            protocol: tested.protocol,
            source_address: tested.source_address,
            connect_millis: tested.connect_millis,
            publish_millis: tested.publish_millis,
            deliver_millis: tested.deliver_millis,
            total_millis: tested.total_millis,
        }
    }
}

/// Sends a message through the endpoint that the broker's clients use, and receives it again from a temporary queue of
/// brokerd's own. The message comes from the host of the broker's provisioner, and the broker's security groups have to
/// admit that: an answer says nothing of what other addresses would see.
#[utoipa::path(
    post,
    path = "/brokerd/v1/brokers/{broker-id}/test-message",
    operation_id = "SendTestMessage",
    tag = "brokerd",
    params(OfBroker),
    request_body = SendTestMessageRequest,
    responses(
        (status = 200, description = "The message came back.", body = SendTestMessageResponse),
        Conflict,
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn send_test_message(
    State(store): State<PgStore>,
    State(calls): State<Arc<EngineCalls>>,
    path: PathParams,
    signed: Signed,
) -> Answer<SendTestMessageResponse> {
    let broker = path.broker(&store, &signed).await?;
    let SendTestMessageRequest {} = signed.json()?;
    let asked = EngineRequest { store: &store, signed: &signed, path: &path, broker: &broker };
    match calls.ask(asked, EngineCall::Test).await? {
        EngineAnswer::Tested(tested) => Ok(Reply(tested.into())),
        other => Err(refusal(other)),
    }
}
