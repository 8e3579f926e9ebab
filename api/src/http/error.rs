//! Refusals, with a message for the caller and a cause for the log.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use brokerd_domain::{Error, ErrorKind, identity::IamError};
use brokerd_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body;

/// The header from which SDKs take the exception.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Error)]
pub(crate) struct ErrorBody<'a> {
    /// The invalid member, path or query parameter, if it is a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error_attribute: Option<&'a str>,
    /// The reason, for a person.
    message: &'a str,
}

/// A refusal. The middleware renders it, because it knows the request's identifier.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    attribute: Option<Cow<'static, str>>,
    message: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
    authentication_failure: Option<&'static str>,
    /// For the log, never for the caller.
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            attribute: None,
            message: message.into(),
            retry_after_seconds: None,
            authentication_failure: None,
            source: None,
        }
    }

    /// A 400 that names no member.
    pub(crate) fn bad_request(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequestException", message)
    }

    /// The body is longer than any request to this operation.
    pub(crate) fn body_too_long(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            format!("Request body is too long. Send at most [{limit}] bytes."),
        )
    }

    /// The body did not come in time.
    pub(crate) fn body_too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeoutException",
            "The request body took too long.",
        )
    }

    /// No operation has this path.
    pub(crate) fn unknown_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "UnknownOperationException",
            "No operation of the service has this path.",
        )
    }

    /// No operation has this method on this path.
    pub(crate) fn unknown_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UnknownOperationException",
            "No operation of the service has this method on this path.",
        )
    }

    /// A 503: something that the request needs is away.
    pub(crate) fn unavailable(message: &'static str) -> Self {
        let mut error =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException", message);
        error.retry_after_seconds = Some(1);
        error
    }

    /// A 503: this process is not ready.
    pub(crate) fn not_ready(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { message: reason.into(), ..Self::unavailable("") }
    }

    /// A 503: other requests change the broker all the time.
    pub(crate) fn busy() -> Self {
        Self::unavailable("The broker is busy. Try again.")
    }

    /// A 429: the caller has used up its allowance and may send the next request after `wait`.
    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            "Too Many Requests",
        );
        let seconds = wait.as_micros().div_ceil(1_000_000).max(1);
        error.retry_after_seconds = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        error
    }

    /// A refusal of a service that names its errors itself.
    pub(crate) fn named(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(status, code, message)
    }

    /// The same refusal with another name.
    #[must_use]
    pub(crate) const fn called(mut self, status: StatusCode, code: &'static str) -> Self {
        self.status = status;
        self.code = code;
        self
    }

    /// A 403: the caller is not authenticated.
    pub(crate) fn unauthenticated(code: &'static str, message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// A 403: the caller is known and may not do this.
    pub(crate) fn access_denied(message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDeniedException", message)
    }

    /// The same refusal, counted as a failed authentication for this reason.
    #[must_use]
    pub(crate) const fn because_of_authentication(mut self, reason: &'static str) -> Self {
        self.authentication_failure = Some(reason);
        self
    }

    /// A 500: a defect of brokerd.
    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let mut error =
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerErrorException", "");
        error.source = Some(source.into());
        error
    }

    /// The reason of a failed authentication, as metrics name it.
    pub(crate) const fn authentication_failure(&self) -> Option<&'static str> {
        self.authentication_failure
    }

    /// Whether a sender without an access key can cause it. Such refusals are not logged one by one.
    pub(crate) fn is_from_anybody(&self) -> bool {
        self.authentication_failure.is_some()
            || matches!(
                self.status,
                StatusCode::PAYLOAD_TOO_LARGE
                    | StatusCode::REQUEST_TIMEOUT
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::METHOD_NOT_ALLOWED
            )
            || self.code == "UnknownOperationException"
    }

    /// The exception's name.
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// The cause, for the log.
    pub(crate) fn source(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.source.as_deref()
    }

    /// The status of the answer.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence for the caller, which never tells about the inside.
    pub(crate) fn message(&self, request_id: Uuid) -> Cow<'_, str> {
        if self.status == StatusCode::INTERNAL_SERVER_ERROR {
            return format!(
                "An internal error occurred. Report it with request ID [{request_id}]."
            )
            .into();
        }
        Cow::Borrowed(&self.message)
    }

    /// After how many seconds the caller should try again.
    pub(crate) const fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// The response of a service with refusals of another form. The middleware leaves it as it is.
    pub(crate) fn rendered_as(self, mut response: Response) -> Response {
        response.extensions_mut().insert(Rendered(Arc::new(self)));
        response
    }

    /// The response that the caller gets.
    pub(crate) fn render(&self, request_id: Uuid) -> Response {
        let message = self.message(request_id);
        let body = ErrorBody { error_attribute: self.attribute.as_deref(), message: &message };
        let mut response =
            body::json(self.status, &body).unwrap_or_else(|_| self.status.into_response());
        let headers = response.headers_mut();
        headers.insert(ERROR_TYPE, HeaderValue::from_static(self.code));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A refusal whose response is written already.
#[derive(Debug, Clone)]
pub(crate) struct Rendered(pub(crate) Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind {
            ErrorKind::BadRequest => (StatusCode::BAD_REQUEST, "BadRequestException"),
            ErrorKind::Unauthorized => (StatusCode::UNAUTHORIZED, "UnauthorizedException"),
            ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "ForbiddenException"),
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "NotFoundException"),
            ErrorKind::Conflict => (StatusCode::CONFLICT, "ConflictException"),
            ErrorKind::TooManyRequests => {
                (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException")
            }
            ErrorKind::Internal => {
                return Self::internal(error);
            }
        };
        Self { attribute: error.attribute, ..Self::new(status, code, error.message) }
    }
}

impl From<IamError> for ApiError {
    fn from(error: IamError) -> Self {
        match StatusCode::from_u16(error.kind.status()) {
            Ok(status) => Self::new(status, error.kind.code(), error.message),
            Err(wrong) => Self::internal(wrong),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                let mut refused =
                    Self::unavailable("The service is temporarily unavailable. Try again.");
                refused.source = Some(error.into());
                refused
            }
            StoreError::Text(_) => {
                let mut refused = Self::bad_request(
                    "The request is invalid. A text has a character that can't be kept.",
                );
                refused.source = Some(error.into());
                refused
            }
            // A key that is remembered outlives its account for some seconds.
            StoreError::AccountDeleted => Self::unauthenticated(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.".to_owned(),
            ),
            StoreError::LeaseLost
            | StoreError::NoPorts(..)
            | StoreError::Inconsistent { .. }
            | StoreError::Seal(_)
            | StoreError::Newer(_)
            | StoreError::Other(_) => Self::internal(error),
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn rendered(error: &ApiError) -> (u16, String, String) {
        let response = error.render(Uuid::nil());
        let code = response.headers()[ERROR_TYPE].to_str().expect("text").to_owned();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("body").to_bytes();
        (status, code, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    #[tokio::test]
    async fn each_refusal_has_the_form_of_the_service() {
        for (error, status, code, body) in [
            (
                ApiError::from(Error::broker_not_found("b-1")),
                404,
                "NotFoundException",
                r#"{"errorAttribute":"broker-id","message":"Cannot find broker ID [b-1]. Verify that your broker exists or check broker permissions."}"#,
            ),
            (
                ApiError::from(Error::bad_request_overall("No.")),
                400,
                "BadRequestException",
                r#"{"message":"No."}"#,
            ),
            (
                ApiError::too_many_requests(Duration::from_millis(67)),
                429,
                "TooManyRequestsException",
                r#"{"message":"Too Many Requests"}"#,
            ),
            (
                ApiError::from(StoreError::Seal("secret")),
                500,
                "InternalServerErrorException",
                r#"{"message":"An internal error occurred. Report it with request ID [00000000-0000-0000-0000-000000000000]."}"#,
            ),
        ] {
            assert_eq!(rendered(&error).await, (status, code.to_owned(), body.to_owned()));
        }
    }

    #[test]
    fn who_was_too_fast_is_asked_to_wait_whole_seconds() {
        for (millis, seconds) in [(0, "1"), (67, "1"), (1000, "1"), (1001, "2"), (60_000, "60")] {
            let error = ApiError::too_many_requests(Duration::from_millis(millis));
            assert_eq!(error.render(Uuid::nil()).headers()[header::RETRY_AFTER], seconds);
        }
    }

    #[tokio::test]
    async fn an_unavailable_store_asks_the_caller_to_come_back() {
        let error = ApiError::from(StoreError::Unavailable("connection refused".into()));
        let response = error.render(Uuid::nil());
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(
            error.source().map(chain).as_deref(),
            Some("the database is unavailable: connection refused")
        );
        let (_, _, body) = rendered(&error).await;
        assert!(!body.contains("refused"), "{body}");
    }
}
