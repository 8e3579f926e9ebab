//! Answers and refusals of the query protocol.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use uuid::Uuid;

use super::{parameters::Parameters, xml::Xml};
use crate::http::{body, error::ApiError};

const MEDIA_TYPE: &str = "text/xml";

/// What an operation answers.
#[derive(Debug)]
pub(crate) enum Output {
    /// It has no output.
    Nothing,
    /// The members of its output.
    Members(Xml),
}

impl Output {
    /// The members that `fill` writes.
    pub(crate) fn of(fill: impl FnOnce(&mut Xml)) -> Self {
        Self::Members(Xml::new(fill))
    }
}

/// A service of the query protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueryApi {
    /// The version that calls name.
    pub(crate) version: &'static str,
    /// The namespace of its answers.
    pub(crate) namespace: &'static str,
}

impl QueryApi {
    /// The operation that a call names.
    ///
    /// # Errors
    /// 400s of the service: no operation is named, or another version of the service.
    pub(crate) fn operation(self, parameters: &Parameters) -> Result<&str, ApiError> {
        let Some(action) = parameters.text("Action") else {
            return Err(ApiError::named(
                StatusCode::BAD_REQUEST,
                "MissingAction",
                "The request must contain the parameter Action.",
            ));
        };
        match parameters.text("Version") {
            Some(version) if version == self.version => Ok(action),
            other => Err(unknown_operation(action, other)),
        }
    }

    /// The refusal of a call that names an operation which is not there.
    pub(crate) fn unknown(self, operation: &str) -> ApiError {
        unknown_operation(operation, Some(self.version))
    }

    /// The answer of an operation.
    pub(crate) fn answer(self, operation: &str, output: Output, request_id: Uuid) -> Response {
        let root = format!("{operation}Response");
        let document = Xml::document(&root, self.namespace, |xml| {
            if let Output::Members(members) = output {
                xml.element(&format!("{operation}Result"), |xml| xml.append(&members));
            }
            xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
        });
        body::with_type(StatusCode::OK, MEDIA_TYPE, document)
    }

    /// A refusal in the protocol's form, with the code that its services have.
    pub(crate) fn refuse(self, error: ApiError, request_id: Uuid) -> Response {
        let error = in_query_terms(error);
        let document = Xml::document("ErrorResponse", self.namespace, |xml| {
            xml.element("Error", |xml| {
                let is_callers = error.status().is_client_error();
                xml.text("Type", if is_callers { "Sender" } else { "Receiver" });
                xml.text("Code", error.code());
                xml.text("Message", error.message(request_id));
            });
            xml.text("RequestId", request_id);
        });
        let mut response = body::with_type(error.status(), MEDIA_TYPE, document);
        if let Some(seconds) = error.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        error.rendered_as(response)
    }
}

fn unknown_operation(action: &str, version: Option<&str>) -> ApiError {
    // Shown to whoever sent it, but no longer than any operation's name is.
    let action: String = action.chars().take(128).collect();
    let version: String = version
        .map_or_else(|| "NO_VERSION_SPECIFIED".to_owned(), |text| text.chars().take(32).collect());
    ApiError::named(
        StatusCode::BAD_REQUEST,
        "InvalidAction",
        format!("Could not find operation {action} for version {version}"),
    )
}

/// The errors that all services have are called otherwise in this protocol.
///
/// Source: "Common errors" of the IAM and AWS STS API references.
fn in_query_terms(error: ApiError) -> ApiError {
    match common(error.code()) {
        Some((status, code)) => error.called(status, code),
        None => error,
    }
}

/// The code that an error has in this protocol.
pub(crate) fn query_code(error: &ApiError) -> &'static str {
    common(error.code()).map_or_else(|| error.code(), |(_, code)| code)
}

fn common(code: &str) -> Option<(StatusCode, &'static str)> {
    Some(match code {
        "AccessDeniedException" => (StatusCode::FORBIDDEN, "AccessDenied"),
        "MissingAuthenticationTokenException" => {
            (StatusCode::FORBIDDEN, "MissingAuthenticationToken")
        }
        "IncompleteSignatureException" => (StatusCode::BAD_REQUEST, "IncompleteSignature"),
        "UnrecognizedClientException" => (StatusCode::FORBIDDEN, "InvalidClientTokenId"),
        "InvalidSignatureException" => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
        "ExpiredTokenException" => (StatusCode::FORBIDDEN, "ExpiredToken"),
        "TooManyRequestsException" => (StatusCode::BAD_REQUEST, "Throttling"),
        "ServiceUnavailableException" => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        "InternalServerErrorException" => (StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure"),
        "BadRequestException" => (StatusCode::BAD_REQUEST, "ValidationError"),
        "SerializationException" => (StatusCode::BAD_REQUEST, "MalformedInput"),
        "RequestEntityTooLargeException" => {
            (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")
        }
        "RequestTimeoutException" => (StatusCode::REQUEST_TIMEOUT, "RequestTimeout"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    const API: QueryApi = QueryApi { version: "2010-05-08", namespace: "https://example/" };

    async fn text(response: Response) -> (u16, String) {
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
    }

    #[tokio::test]
    async fn answers_have_the_form_of_the_protocol() {
        let answer = API.answer("GetX", Output::of(|xml| xml.text("X", "<1>")), Uuid::nil());
        assert_eq!(answer.headers()["content-type"], "text/xml");
        assert_eq!(
            text(answer).await.1,
            "<GetXResponse xmlns=\"https://example/\"><GetXResult><X>&lt;1&gt;</X></GetXResult>\
             <ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></GetXResponse>"
        );
        let answer = text(API.answer("DeleteX", Output::Nothing, Uuid::nil())).await.1;
        assert!(!answer.contains("Result"), "{answer}");
    }

    #[tokio::test]
    async fn refusals_are_called_as_the_services_call_them() {
        let denied = ApiError::access_denied("a & b".to_owned());
        let (status, text_of) = text(API.refuse(denied, Uuid::nil())).await;
        assert_eq!(status, 403);
        assert_eq!(
            text_of,
            "<ErrorResponse xmlns=\"https://example/\"><Error><Type>Sender</Type><Code>AccessDenied</Code>\
             <Message>a &amp; b</Message></Error>\
             <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
        );
        let (status, answer) = text(API.refuse(ApiError::internal("secret"), Uuid::nil())).await;
        assert!(status == 500 && answer.contains("<Type>Receiver</Type><Code>InternalFailure<"));
        assert!(!answer.contains("secret"), "{answer}");
        let throttled = ApiError::too_many_requests(std::time::Duration::from_secs(3));
        let response = API.refuse(throttled, Uuid::nil());
        assert_eq!(response.headers()["retry-after"], "3");
        assert!(text(response).await.1.contains("<Code>Throttling</Code>"));
    }

    #[test]
    fn operations_are_named_with_the_version_of_the_service() {
        let call = |form: &str| {
            let parameters = Parameters::parse(form.as_bytes()).expect("a form");
            let operation = API.operation(&parameters).map(str::to_owned);
            operation.map_err(|error| (error.code(), error.message(Uuid::nil()).into_owned()))
        };
        assert_eq!(call("Action=A&Version=2010-05-08"), Ok("A".to_owned()));
        let text = "Could not find operation A for version ";
        let unknown = |version: &str| Err(("InvalidAction", format!("{text}{version}")));
        assert_eq!(call("Action=A"), unknown("NO_VERSION_SPECIFIED"));
        assert_eq!(call("Action=A&Version=2011-06-15"), unknown("2011-06-15"));
        assert_eq!(call("Version=2010-05-08").expect_err("no action").0, "MissingAction");
    }
}
