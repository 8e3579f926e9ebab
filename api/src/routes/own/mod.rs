//! What is brokerd's and nobody's broker.

pub(crate) mod ca;
pub(crate) mod capacity;
mod docs;
pub(crate) mod engine_versions;
mod health;
mod metrics;

use std::sync::Arc;

use axum::{Router, http::StatusCode, response::Response, routing::get};
use bytes::Bytes;
use utoipa::openapi::OpenApi;

use crate::{ApiState, respond};

/// The routes that the OpenAPI document leaves out: itself, and those for machines.
pub(crate) fn unlisted(document: &OpenApi) -> Router<Arc<ApiState>> {
    let json = Bytes::from(crate::openapi::text(document));
    let html = Bytes::from(docs::page(document));
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(move || fixed("application/json", json)))
        .route("/docs", get(move || fixed("text/html; charset=utf-8", html)))
}

async fn fixed(media_type: &'static str, body: Bytes) -> Response {
    respond::with_type(StatusCode::OK, media_type, body)
}
