//! AWS CloudTrail: LookupEvents, by AWS JSON 1.1.

mod lookup_events;
pub(crate) mod protocol;

use axum::{http::HeaderMap, response::Response};
use brokerd_store::PgStore;
use uuid::Uuid;

use crate::{auth::Signed, http::error::ApiError};

/// What every operation of the service is called after, in the header `X-Amz-Target`.
const PREFIX: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.";

/// Answers a call of the service.
pub(crate) async fn answer(
    store: &PgStore,
    signed: &Signed,
    headers: &HeaderMap,
    request_id: Uuid,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let answered = match target.and_then(|target| target.strip_prefix(PREFIX)) {
        Some("LookupEvents") => lookup_events::lookup_events(store, signed).await,
        // Other operations of the service, and no operation at all.
        Some(_) => Err(protocol::unsupported()),
        None => Err(protocol::unknown_operation()),
    };
    match answered {
        Ok(output) => protocol::answer(&output),
        Err(refused) => refuse(refused, request_id),
    }
}

/// A refusal in the form of the service's protocol.
pub(crate) fn refuse(error: ApiError, request_id: Uuid) -> Response {
    protocol::refuse(error, request_id)
}
