//! What the API server's failures mean to a caller.

use std::{future::Future, time::Duration};

use kube::Error as KubeError;

pub(super) use crate::runtime::failure::error;
use crate::runtime::{RuntimeError, RuntimeErrorClass, failure::with_causes};

/// How long a request may take that should take milliseconds.
pub(super) const SHORT: Duration = Duration::from_secs(30);

/// The error for something in a reply that can't be.
pub(super) fn odd(operation: &'static str, what: &str) -> RuntimeError {
    let message = format!("the cluster's reply has no usable {what}");
    error(RuntimeErrorClass::Transient, operation, message)
}

/// The error for an instance that was removed or replaced.
pub(super) fn gone(operation: &'static str) -> RuntimeError {
    error(RuntimeErrorClass::Gone, operation, "the instance is not there any more")
}

/// Makes one request, which takes at most [`SHORT`], and classes its failure. The client has no timeout of its own for
/// replies, because some go on for hours.
pub(super) async fn request<T>(
    operation: &'static str,
    call: impl Future<Output = Result<T, KubeError>>,
) -> Result<T, RuntimeError> {
    answered(call).await.map_err(|cause| cause.named(operation))
}

/// As [`request`]; none: the object is not there.
pub(super) async fn request_opt<T>(
    operation: &'static str,
    call: impl Future<Output = Result<T, KubeError>>,
) -> Result<Option<T>, RuntimeError> {
    match answered(call).await {
        Ok(answer) => Ok(Some(answer)),
        Err(cause) if cause.is_missing_object() => Ok(None),
        Err(cause) => Err(cause.named(operation)),
    }
}

/// As [`request`], with the failure as it was.
pub(super) async fn answered<T>(
    call: impl Future<Output = Result<T, KubeError>>,
) -> Result<T, Failure> {
    answered_within(SHORT, call).await
}

async fn answered_within<T>(
    time_limit: Duration,
    call: impl Future<Output = Result<T, KubeError>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(time_limit, call).await {
        Ok(result) => result.map_err(Failure::from),
        Err(_) => Err(Failure { code: None, message: "the cluster did not answer in time".into() }),
    }
}

/// Why a request failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The HTTP status, if the server answered.
    pub(super) code: Option<u16>,
    /// What it said, or what kept it from saying something.
    pub(super) message: String,
}

impl From<KubeError> for Failure {
    fn from(cause: KubeError) -> Self {
        match cause {
            KubeError::Api(status) => {
                let message = if status.message.is_empty() {
                    format!("the cluster answered {} {}", status.code, status.reason)
                } else {
                    status.message.clone()
                };
                Self { code: Some(status.code), message }
            }
            other => Self { code: None, message: with_causes(&other) },
        }
    }
}

impl Failure {
    /// Whether what was asked for is not there, while the namespace is.
    pub(super) fn is_missing_object(&self) -> bool {
        self.code == Some(404) && !self.is_missing_namespace()
    }

    fn is_missing_namespace(&self) -> bool {
        self.code == Some(404) && self.message.starts_with("namespaces ")
    }

    /// Whether something of that name is there already, or is another one than it was.
    pub(super) fn is_conflict(&self) -> bool {
        self.code == Some(409)
    }

    fn class(&self) -> RuntimeErrorClass {
        // Source: the API conventions of Kubernetes, "HTTP Status codes".
        match self.code {
            Some(404) if self.is_missing_namespace() => RuntimeErrorClass::Blocked,
            Some(404 | 410) => RuntimeErrorClass::Gone,
            // A moment after a namespace was made it has no service account yet, without which nothing starts.
            Some(403) if self.message.contains("serviceaccount") && self.is_about_absence() => {
                RuntimeErrorClass::Transient
            }
            Some(401 | 403) => RuntimeErrorClass::Blocked,
            Some(408 | 409 | 429) => RuntimeErrorClass::Transient,
            Some(400..=499) => RuntimeErrorClass::Rejected,
            _ => RuntimeErrorClass::Transient,
        }
    }

    fn is_about_absence(&self) -> bool {
        self.message.contains("not found")
    }

    /// The error of that operation.
    pub(super) fn named(self, operation: &'static str) -> RuntimeError {
        error(self.class(), operation, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, message: &str) -> RuntimeErrorClass {
        Failure { code: Some(code), message: message.to_owned() }.named("try").class
    }

    #[test]
    fn answers_are_classed_by_what_to_do_about_them() {
        for (code, message, class) in [
            (404, "pods \"b-1\" not found", RuntimeErrorClass::Gone),
            (404, "namespaces \"x\" not found", RuntimeErrorClass::Blocked),
            (409, "pods \"b-1\" already exists", RuntimeErrorClass::Transient),
            (403, "pods is forbidden: User \"u\" cannot list", RuntimeErrorClass::Blocked),
            (403, "violates PodSecurity \"restricted:latest\"", RuntimeErrorClass::Blocked),
            (
                403,
                "error looking up service account x/default: serviceaccount \"default\" not found",
                RuntimeErrorClass::Transient,
            ),
            (401, "Unauthorized", RuntimeErrorClass::Blocked),
            (422, "Pod \"b-1\" is invalid", RuntimeErrorClass::Rejected),
            (413, "too large", RuntimeErrorClass::Rejected),
            (429, "too many requests", RuntimeErrorClass::Transient),
            (500, "etcdserver: leader changed", RuntimeErrorClass::Transient),
            (503, "", RuntimeErrorClass::Transient),
        ] {
            assert_eq!(said(code, message), class, "{code} {message}");
        }
        let silent = Failure { code: None, message: "connection refused".to_owned() };
        assert_eq!(silent.named("try").class, RuntimeErrorClass::Transient);
    }

    #[tokio::test]
    async fn a_call_that_hangs_ends_with_its_time_and_is_worth_trying_again() {
        let hangs = std::future::pending::<Result<(), KubeError>>();
        let ended = answered_within(Duration::from_millis(10), hangs).await;
        let class = ended.map_err(|failure| failure.named("try").class);
        assert_eq!(class, Err(RuntimeErrorClass::Transient));
    }
}
