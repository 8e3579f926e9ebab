//! What a gateway without the API beside it tells of itself.

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use brokerd_gateway::Gateway;
use prometheus_client::{encoding::text::encode, registry::Registry};

/// Source: the OpenMetrics specification.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Health and metrics, with the paths that the API has for them.
pub(crate) fn router(gateway: Gateway, registry: Registry) -> Router {
    let registry = Arc::new(registry);
    Router::new()
        .route("/health/live", get(|| async { ok() }))
        .route("/health/ready", get(move || ready(gateway)))
        .route("/metrics", get(move || metrics(registry)))
}

fn ok() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], r#"{"status":"ok"}"#).into_response()
}

/// Ready is who serves by a table, though it may be an old one: a database that is away is no reason to send
/// clients elsewhere.
async fn ready(gateway: Gateway) -> Response {
    match check(&gateway) {
        Ok(()) => ok(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

/// Whether the gateway of this process serves, or why it does not.
pub(crate) fn check(gateway: &Gateway) -> Result<(), String> {
    if gateway.ready() {
        return Ok(());
    }
    Err("The gateway has not read its table of routes yet.".to_owned())
}

async fn metrics(registry: Arc<Registry>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics can't be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
