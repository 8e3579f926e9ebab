//! InspectBroker.

use axum::extract::State;
use brokerd_domain::RunningEngine;
use brokerd_store::PgStore;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::Signed,
    http::{
        path::PathParams,
        respond::{Answer, Reply},
    },
    openapi::{NotFound, OfBroker, ServiceErrors},
};

/// What DescribeBroker does not tell of a broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InspectBrokerResponse {
    /// The identifier.
    broker_id: String,
    /// The name.
    broker_name: String,
    /// `ActiveMQ` or `RabbitMQ`.
    #[schema(value_type = String, example = "RabbitMQ")]
    engine_type: &'static str,
    /// The requested version, as DescribeBroker shows it.
    #[schema(example = "3.13")]
    engine_version: String,
    /// The engine that runs; absent until an instance of the broker has served.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    running: Option<RunningEngineView>,
}

/// The engine that runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunningEngineView {
    /// `major.minor`.
    #[schema(example = "4.3")]
    engine_version: String,
    /// The exact version, as far as the image tells it.
    #[schema(example = "4.3.6")]
    full_version: String,
    /// Whether this version stands in for the requested one.
    stands_in: bool,
    /// The name of the image.
    #[schema(example = "brokerd/rabbitmq:4.3")]
    image: String,
    /// The image's identifier in the container engine.
    image_id: String,
    /// Since when it runs, ISO 8601 in UTC.
    #[schema(format = DateTime)]
    since: String,
}

impl From<RunningEngine> for RunningEngineView {
    fn from(running: RunningEngine) -> Self {
        Self {
            engine_version: running.version.to_string(),
            stands_in: running.stands_in(),
            full_version: running.true_version,
            image: running.image,
            image_id: running.image_id,
            since: running.since.to_string(),
        }
    }
}

/// Describes the engine that runs for a broker: its exact version and its image.
#[utoipa::path(
    get,
    path = "/brokerd/v1/brokers/{broker-id}",
    operation_id = "InspectBroker",
    tag = "brokerd",
    params(OfBroker),
    responses(
        (status = 200, description = "The broker.", body = InspectBrokerResponse),
        NotFound,
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn inspect_broker(
    State(store): State<PgStore>,
    path: PathParams,
    signed: Signed,
) -> Answer<InspectBrokerResponse> {
    let broker = path.broker(&store, &signed).await?;
    let running = store.running_engine(broker.id).await?;
    Ok(Reply(InspectBrokerResponse {
        broker_id: broker.id.to_string(),
        broker_name: broker.name.to_string(),
        engine_type: broker.spec.engine_type.display_name(),
        engine_version: broker.spec.engine_version.to_string(),
        running: running.map(Into::into),
    }))
}
