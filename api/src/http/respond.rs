//! The answers of handlers.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{body, error::ApiError};

/// A 200 with a JSON body.
#[derive(Debug)]
pub(crate) struct Reply<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}

/// A 201 with a JSON body.
#[derive(Debug)]
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(StatusCode::CREATED, &self.0)
    }
}

/// The output of an operation, or a refusal.
pub(crate) type Answer<T> = Result<Reply<T>, ApiError>;

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    body::json(status, body).unwrap_or_else(|error| ApiError::internal(error).into_response())
}
