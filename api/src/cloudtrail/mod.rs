//! AWS CloudTrail: LookupEvents, by AWS JSON 1.1.

mod lookup_events;

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use brokerd_store::PgStore;
use uuid::Uuid;

use crate::{
    auth::Signed,
    http::error::ApiError,
    wire::aws_json::{self, Refusals},
};

/// What every operation of the service is called after, in the header `X-Amz-Target`.
const PREFIX: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.";

/// Answers a call of the service.
pub(crate) async fn answer(
    store: &PgStore,
    signed: &Signed,
    headers: &HeaderMap,
    request_id: Uuid,
) -> Response {
    let answered = match aws_json::operation(headers, PREFIX) {
        Some("LookupEvents") => lookup_events::lookup_events(store, signed).await,
        // Other operations of the service, and no operation at all.
        Some(_) => Err(unsupported()),
        None => Err(aws_json::unknown_operation()),
    };
    match answered {
        Ok(output) => aws_json::answer(&output),
        Err(refused) => Refusals::COMMON.refuse(refused, request_id),
    }
}

/// An operation that brokerd does not have.
fn unsupported() -> ApiError {
    ApiError::named(
        StatusCode::BAD_REQUEST,
        "UnsupportedOperationException",
        "brokerd has no other operation of CloudTrail than LookupEvents.",
    )
}
