//! The error of every rule: one of the service's exceptions, without any transport.

use std::borrow::Cow;

/// Which of the service's exceptions an [`Error`] is.
///
/// Source: the error tables of the Amazon MQ API reference; `TooManyRequests` is answered by the
/// service's gateway and has no shape in its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// `BadRequestException`, 400.
    BadRequest,
    /// `UnauthorizedException`, 401.
    Unauthorized,
    /// `ForbiddenException`, 403.
    Forbidden,
    /// `NotFoundException`, 404.
    NotFound,
    /// `ConflictException`, 409.
    Conflict,
    /// `TooManyRequestsException`, 429.
    TooManyRequests,
    /// `InternalServerErrorException`, 500.
    Internal,
}

/// The refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Which exception this is.
    pub kind: ErrorKind,
    /// The single member, path or query parameter at fault, if it is one.
    pub attribute: Option<Cow<'static, str>>,
    /// The sentence for the caller.
    pub message: String,
}

impl Error {
    /// A 400 that blames `attribute`.
    pub fn bad_request(attribute: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::BadRequest,
            attribute: Some(Cow::Borrowed(attribute)),
            message: message.into(),
        }
    }

    /// A 400 for which no single member is to blame.
    pub fn bad_request_overall(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::BadRequest, attribute: None, message: message.into() }
    }

    /// The 400 of an account that may not have more of these things of ours.
    pub fn too_many(things: &str) -> Self {
        Self::bad_request_overall(format!(
            "The account has reached the maximum number of {things} in this region. Delete one and retry the request."
        ))
    }

    /// A 409 that blames `attribute`.
    pub fn conflict(attribute: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Conflict,
            attribute: Some(Cow::Borrowed(attribute)),
            message: message.into(),
        }
    }

    /// The 404 for a broker that does not exist, or not for this caller.
    pub fn broker_not_found(id: &str) -> Self {
        Self {
            kind: ErrorKind::NotFound,
            attribute: Some(Cow::Borrowed("broker-id")),
            message: format!(
                "Cannot find broker ID [{id}]. Verify that your broker exists or check broker permissions."
            ),
        }
    }
}

/// The value of a member that a request must have.
///
/// # Errors
/// A 400 on the member when it is absent.
pub(crate) fn required<T>(attribute: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::bad_request(attribute, format!("[{attribute}] is required.")))
}
