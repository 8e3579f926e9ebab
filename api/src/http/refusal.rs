//! Refusals that [`Error`] itself has no constructor for.

use brokerd_domain::{Error, ErrorKind};

/// A 404 that blames `attribute`.
pub(crate) fn not_found(attribute: &'static str, message: String) -> Error {
    Error { kind: ErrorKind::NotFound, attribute: Some(attribute.into()), message }
}

/// A 404 for which no single member is to blame.
pub(crate) fn not_found_overall(message: impl Into<String>) -> Error {
    Error { kind: ErrorKind::NotFound, attribute: None, message: message.into() }
}

/// A 409 for which no single member is to blame.
pub(crate) fn conflict_overall(message: impl Into<String>) -> Error {
    Error { kind: ErrorKind::Conflict, attribute: None, message: message.into() }
}

/// A 403 of what nobody may do here, whatever policies say.
pub(crate) fn forbidden(message: impl Into<String>) -> Error {
    Error { kind: ErrorKind::Forbidden, attribute: None, message: message.into() }
}

/// A 400 that blames `place`, which the request chose, such as a member of a member.
pub(super) fn bad_request_at(place: String, message: String) -> Error {
    Error { kind: ErrorKind::BadRequest, attribute: Some(place.into()), message }
}
