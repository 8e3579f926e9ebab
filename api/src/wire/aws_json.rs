//! AWS JSON 1.1: a call names its operation in a header, and its body is the input.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use uuid::Uuid;

use crate::http::{body, error::ApiError};

const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// The operation that the header `X-Amz-Target` names; none: it names none of the service whose targets begin so.
pub(crate) fn operation<'a>(headers: &'a HeaderMap, service: &str) -> Option<&'a str> {
    headers.get("x-amz-target")?.to_str().ok()?.strip_prefix(service)
}

/// The input of an operation; an empty body has no members. Unknown members are ignored, as in the services.
///
/// # Errors
/// `SerializationException`.
pub(crate) fn input<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, ApiError> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body).map_err(|_| {
        ApiError::named(
            StatusCode::BAD_REQUEST,
            "SerializationException",
            "The request body is not a valid input of the operation.",
        )
    })
}

/// A 200.
pub(crate) fn answer(output: &impl Serialize) -> Response {
    match serde_json::to_vec(output) {
        Ok(bytes) => body::with_type(StatusCode::OK, MEDIA_TYPE, bytes),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// What a service calls the refusals that are no operation's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusals {
    /// The error of a 500.
    pub(crate) internal: &'static str,
    /// The error of a 503.
    pub(crate) unavailable: &'static str,
    /// The error of who asks too often.
    pub(crate) throttled: &'static str,
    /// The member that holds the sentence for the caller.
    pub(crate) message: &'static str,
}

impl Refusals {
    /// Those of most services.
    ///
    /// Source: "Common error types" of the API references of CloudTrail and CloudWatch Logs.
    pub(crate) const COMMON: Self = Self {
        internal: "InternalFailure",
        unavailable: "ServiceUnavailable",
        throttled: "ThrottlingException",
        message: "message",
    };

    /// A refusal. All that callers can cause have the status 400 in this protocol.
    pub(crate) fn refuse(&self, error: ApiError, request_id: Uuid) -> Response {
        let (status, code) = match error.status() {
            status @ StatusCode::INTERNAL_SERVER_ERROR => (status, self.internal),
            status @ StatusCode::SERVICE_UNAVAILABLE => (status, self.unavailable),
            _ if error.code() == "TooManyRequestsException" => {
                (StatusCode::BAD_REQUEST, self.throttled)
            }
            _ => (StatusCode::BAD_REQUEST, error.code()),
        };
        let error = error.called(status, code);
        let document = json!({"__type": code, self.message: error.message(request_id)});
        let mut response = body::with_type(status, MEDIA_TYPE, document.to_string());
        if let Some(seconds) = error.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        error.rendered_as(response)
    }
}

/// No operation is named.
pub(crate) fn unknown_operation() -> ApiError {
    ApiError::named(
        StatusCode::BAD_REQUEST,
        "UnknownOperationException",
        "The header X-Amz-Target names no operation of the service.",
    )
}
