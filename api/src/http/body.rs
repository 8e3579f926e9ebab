//! Bodies of responses.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;

/// A response with a JSON body.
///
/// # Errors
/// The error of serde, which wire types never cause.
pub(crate) fn json(
    status: StatusCode,
    body: &impl Serialize,
) -> Result<Response, serde_json::Error> {
    let mut bytes = Vec::with_capacity(2048);
    serde_json::to_writer(&mut bytes, body)?;
    Ok(with_type(status, "application/json", bytes))
}

/// A response of that media type.
pub(crate) fn with_type(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Body>,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
