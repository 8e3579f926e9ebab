//! AWS JSON 1.1.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::http::{body, error::ApiError};

const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// A 200.
pub(crate) fn answer(output: &impl Serialize) -> Response {
    match serde_json::to_vec(output) {
        Ok(bytes) => body::with_type(StatusCode::OK, MEDIA_TYPE, bytes),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// A refusal. All that callers can cause have the status 400 in this protocol.
pub(crate) fn refuse(error: ApiError, request_id: Uuid) -> Response {
    let (status, code) = match error.status() {
        StatusCode::INTERNAL_SERVER_ERROR => (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure"),
        StatusCode::SERVICE_UNAVAILABLE => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        _ if error.code() == "TooManyRequestsException" => {
            (StatusCode::BAD_REQUEST, "ThrottlingException")
        }
        _ => (StatusCode::BAD_REQUEST, error.code()),
    };
    let error = error.called(status, code);
    let document = json!({"__type": code, "message": error.message(request_id)});
    let mut response = body::with_type(status, MEDIA_TYPE, document.to_string());
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    error.rendered_as(response)
}

/// The body is no input of the operation.
pub(crate) fn not_serialized() -> ApiError {
    ApiError::named(
        StatusCode::BAD_REQUEST,
        "SerializationException",
        "The request body is not a valid input of the operation.",
    )
}

/// An operation that brokerd does not have.
pub(super) fn unsupported() -> ApiError {
    ApiError::named(
        StatusCode::BAD_REQUEST,
        "UnsupportedOperationException",
        "brokerd has no other operation of CloudTrail than LookupEvents.",
    )
}

/// No operation is named.
pub(crate) fn unknown_operation() -> ApiError {
    ApiError::named(
        StatusCode::BAD_REQUEST,
        "UnknownOperationException",
        "The header X-Amz-Target names no operation of the service.",
    )
}
