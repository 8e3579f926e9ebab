//! The metrics of the whole process.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use prometheus_client::{encoding::text::encode, registry::Registry};

use crate::http::{body, error::ApiError};

/// Source: the OpenMetrics text format, version 1.0.0.
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn metrics(State(registry): State<Arc<Registry>>) -> Result<Response, ApiError> {
    let mut text = String::with_capacity(16 * 1024);
    encode(&mut text, &registry).map_err(ApiError::internal)?;
    Ok(body::with_type(StatusCode::OK, MEDIA_TYPE, text))
}
