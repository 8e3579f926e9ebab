//! What Docker's failures mean to a caller.

use std::{future::Future, time::Duration};

use bollard::errors::Error as DockerError;

pub(super) use crate::runtime::failure::error;
use crate::runtime::{RuntimeError, RuntimeErrorClass, failure::with_causes};

/// How long a request may take that should take milliseconds.
pub(super) const SHORT: Duration = Duration::from_secs(30);

/// How long a request may take that starts, ends or fills a container.
pub(super) const LONG: Duration = Duration::from_secs(120);

/// The error for something in a reply that can't be.
pub(super) fn odd(operation: &'static str, what: &str) -> RuntimeError {
    error(
        RuntimeErrorClass::Transient,
        operation,
        format!("the engine's reply has no usable {what}"),
    )
}

/// Makes one request, which takes at most `time_limit`. The client's own timeout ends with the header
/// of the reply, so it alone would wait for ever on an engine that stalls in the middle.
pub(super) async fn request<T>(
    time_limit: Duration,
    call: impl Future<Output = Result<T, DockerError>>,
) -> Result<T, DockerError> {
    match tokio::time::timeout(time_limit, call).await {
        Ok(result) => result,
        Err(_) => Err(DockerError::RequestTimeoutError),
    }
}

/// Names the operation that failed and classes the failure.
pub(super) fn named(operation: &'static str) -> impl Fn(DockerError) -> RuntimeError {
    move |cause| {
        let class = match status(&cause) {
            Some(404) if missing_image(&cause) => RuntimeErrorClass::Blocked,
            Some(404) => RuntimeErrorClass::Gone,
            Some(401 | 403) => RuntimeErrorClass::Blocked,
            Some(408 | 409 | 429) => RuntimeErrorClass::Transient,
            Some(400..=499) => RuntimeErrorClass::Rejected,
            _ => RuntimeErrorClass::Transient,
        };
        error(class, operation, message(&cause))
    }
}

/// What the engine said, or what kept it from saying something.
pub(super) fn message(cause: &DockerError) -> String {
    match cause {
        DockerError::DockerResponseServerError { message, .. } if !message.is_empty() => {
            message.clone()
        }
        DockerError::RequestTimeoutError => "the engine did not answer in time".to_owned(),
        other => with_causes(other),
    }
}

/// The HTTP status, if the engine answered.
pub(super) fn status(cause: &DockerError) -> Option<u16> {
    match cause {
        DockerError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Whether what is missing is the image, not the container.
pub(super) fn missing_image(cause: &DockerError) -> bool {
    status(cause) == Some(404) && message(cause).to_ascii_lowercase().contains("no such image")
}

/// Whether what is missing is the network. The engine says so when it starts a container whose
/// network was removed.
pub(super) fn missing_network(cause: &DockerError) -> bool {
    let text = message(cause);
    status(cause) == Some(404) && text.contains("network") && text.contains("not found")
}

/// Ok if the object to remove is not there.
pub(super) fn unless_gone(result: Result<(), DockerError>) -> Result<bool, DockerError> {
    match result {
        Ok(()) => Ok(true),
        Err(cause) if status(&cause) == Some(404) => Ok(false),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status_code: u16, message: &str) -> RuntimeError {
        named("try")(DockerError::DockerResponseServerError {
            status_code,
            message: message.to_owned(),
        })
    }

    #[test]
    fn answers_are_classed_by_what_to_do_about_them() {
        for (status, message, class) in [
            (404, "No such container: x", RuntimeErrorClass::Gone),
            (404, "No such image: x:1", RuntimeErrorClass::Blocked),
            (403, "forbidden", RuntimeErrorClass::Blocked),
            (400, "invalid reference format", RuntimeErrorClass::Rejected),
            (409, "conflict", RuntimeErrorClass::Transient),
            (500, "oops", RuntimeErrorClass::Transient),
            (503, "", RuntimeErrorClass::Transient),
        ] {
            assert_eq!(answered(status, message).class, class, "{status} {message}");
        }
        assert_eq!(
            named("try")(DockerError::RequestTimeoutError).class,
            RuntimeErrorClass::Transient
        );
    }

    #[tokio::test]
    async fn a_call_that_hangs_ends_with_its_time_and_is_worth_trying_again() {
        let hangs = std::future::pending::<Result<(), DockerError>>();
        let ended = request(Duration::from_millis(10), hangs).await.map_err(named("try"));
        assert_eq!(ended.map_err(|error| error.class), Err(RuntimeErrorClass::Transient));
    }
}
