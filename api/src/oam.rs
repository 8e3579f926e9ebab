//! Amazon CloudWatch Observability Access Manager: there are no sinks and no links, which is what Grafana wants to know.
//!
//! Source: Observability Access Manager API reference, version 2022-06-10.

use axum::{
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Response,
};
use brokerd_store::PgStore;

use crate::{
    auth::Signed,
    http::{body, error::ApiError},
};

/// The paths of its operations.
pub(crate) const LIST_SINKS: &str = "/ListSinks";
pub(crate) const LIST_ATTACHED_LINKS: &str = "/ListAttachedLinks";

/// An empty list.
pub(crate) async fn list(
    OriginalUri(uri): OriginalUri,
    State(_): State<PgStore>,
    signed: Signed,
) -> Result<Response, ApiError> {
    let operation = uri.path().trim_start_matches('/');
    signed.caller.check(&format!("oam:{operation}"), "*", |_| {})?;
    Ok(body::with_type(StatusCode::OK, "application/json", r#"{"Items":[]}"#))
}
