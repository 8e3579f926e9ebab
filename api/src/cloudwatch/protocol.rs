//! The three protocols of the service. An operation knows none of them.
//!
//! Source: "AWS query protocol", "AWS JSON 1.0 protocol", "Smithy RPC v2 CBOR protocol" and "awsQueryCompatible" of the
//! Smithy specification.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use uuid::Uuid;

use crate::{
    http::{body, error::ApiError},
    query::{Output, Parameters, QueryApi, query_code},
    wire::{Members, Shape, Value, Wrong, aws_json, cbor, form, json, xml},
};

/// The service in the query protocol.
const API: QueryApi = QueryApi {
    version: "2010-08-01",
    namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
};
/// The path before the operation of a call in CBOR.
const RPC_PATH: &str = "/service/GraniteServiceVersion20100801/operation/";
/// The target before the operation of a call in JSON.
const TARGET: &str = "GraniteServiceVersion20100801.";
/// The namespace of the service's model, in which errors are named.
const MODEL: &str = "com.amazonaws.cloudwatch#";

const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");
/// By which clients ask for the codes of the query protocol, and where they find them.
const QUERY_MODE: HeaderName = HeaderName::from_static("x-amzn-query-mode");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// In which form a request comes and is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A form, answered in XML: SDKs and tools before December 2025.
    Query,
    /// AWS JSON 1.0: boto3, the AWS CLI, JavaScript.
    Json,
    /// Smithy's RPC: Go, Java, Rust, Ruby.
    Cbor,
}

/// How a request is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Protocol {
    form: Form,
    /// Whether errors are to have the codes of the query protocol beside their names.
    tells_query_errors: bool,
}

impl Protocol {
    /// That of a request.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        let form = if path.starts_with(RPC_PATH) {
            Form::Cbor
        } else if headers.contains_key("x-amz-target") {
            Form::Json
        } else {
            Form::Query
        };
        let asked = headers.get(QUERY_MODE).is_some_and(|mode| mode.as_bytes() == b"true");
        Self { form, tells_query_errors: asked }
    }

    /// The operation that a call names, and its input.
    pub(super) fn call(
        self,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(String, Value), ApiError> {
        match self.form {
            Form::Query => {
                if is_compressed(headers) {
                    // Only PutMetricData is sent so.
                    return Ok(("PutMetricData".to_owned(), Value::Absent));
                }
                let parameters = Parameters::parse(body)?;
                let operation = API.operation(&parameters)?.to_owned();
                let input = form::read(&parameters).map_err(|form::Contradiction(name)| {
                    not_serialized(format!("The parameter {} can't be read.", name.escape_debug()))
                })?;
                Ok((operation, input))
            }
            Form::Json => {
                let operation = aws_json::operation(headers, TARGET);
                let operation = operation.ok_or_else(|| self.unknown(""))?;
                let input =
                    if is_compressed(headers) { Some(Value::Absent) } else { json::read(body) };
                let input = input.ok_or_else(|| not_serialized("The body is no JSON object."))?;
                Ok((operation.to_owned(), input))
            }
            Form::Cbor => {
                let operation = path.strip_prefix(RPC_PATH).unwrap_or_default();
                let input =
                    if is_compressed(headers) { Ok(Value::Absent) } else { cbor::read(body) };
                let input = input.map_err(|cbor::NotCbor| {
                    not_serialized("The body is not a structure in CBOR.")
                })?;
                Ok((operation.to_owned(), input))
            }
        }
    }

    /// The refusal of a call that names an operation which is not there.
    pub(super) fn unknown(self, operation: &str) -> ApiError {
        match self.form {
            Form::Query => API.unknown(operation),
            Form::Json | Form::Cbor => ApiError::named(
                StatusCode::BAD_REQUEST,
                "UnknownOperationException",
                "The request names no operation of the service.",
            ),
        }
    }

    /// The answer of an operation; none: it has no output.
    pub(super) fn answer(self, operation: &str, output: Option<Value>, id: Uuid) -> Response {
        match self.form {
            Form::Query => {
                let output = output.map_or(Output::Nothing, |value| {
                    Output::of(|xml| xml::write_members(xml, &value))
                });
                API.answer(operation, output, id)
            }
            Form::Json => {
                let output = output.unwrap_or_else(|| Value::Structure(Members::default()));
                self.document(StatusCode::OK, &output)
            }
            Form::Cbor => match output {
                Some(output) => self.document(StatusCode::OK, &output),
                None => {
                    let mut response = Response::new(Body::empty());
                    add_smithy_protocol(&mut response);
                    response
                }
            },
        }
    }

    /// A refusal.
    pub(crate) fn refuse(self, error: ApiError, request_id: Uuid) -> Response {
        if self.form == Form::Query {
            return API.refuse(error, request_id);
        }
        let code = query_code(&error);
        let (status, name) = match error.status() {
            status @ (StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE) => {
                (status, shape_of(error.code()))
            }
            status @ StatusCode::INTERNAL_SERVER_ERROR => (status, "InternalServiceFault"),
            // All else that callers can cause has this status in these protocols.
            _ => (StatusCode::BAD_REQUEST, shape_of(error.code())),
        };
        let error = error.called(status, name);
        let mut document = Members::default();
        document.put("__type", Value::Text(format!("{MODEL}{name}")));
        document.put("message", Value::Text(error.message(request_id).into_owned()));
        let mut response = self.document(status, &Value::Structure(document));
        let headers = response.headers_mut();
        if self.tells_query_errors {
            let fault = if status.is_client_error() { "Sender" } else { "Receiver" };
            if let Ok(told) = HeaderValue::from_str(&format!("{code};{fault}")) {
                headers.insert(QUERY_ERROR, told);
            }
        }
        if let Some(seconds) = error.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        error.rendered_as(response)
    }

    fn document(self, status: StatusCode, value: &Value) -> Response {
        if self.form == Form::Cbor {
            let mut response = body::with_type(status, "application/cbor", cbor::written(value));
            add_smithy_protocol(&mut response);
            return response;
        }
        let document = json::written(value).to_string();
        body::with_type(status, "application/x-amz-json-1.0", document)
    }
}

/// The input of an operation.
///
/// # Errors
/// A member is of another type.
pub(super) fn input<T: Shape>(value: Value) -> Result<T, ApiError> {
    T::read(value).map_err(|wrong: Wrong| not_serialized(wrong.to_string()))
}

fn not_serialized(message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::named(StatusCode::BAD_REQUEST, "SerializationException", message)
}

fn is_compressed(headers: &HeaderMap) -> bool {
    headers.contains_key(header::CONTENT_ENCODING)
}

fn add_smithy_protocol(response: &mut Response) {
    response.headers_mut().insert(SMITHY_PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
}

/// The name of the structure that an error has in the model, whose code in the query protocol may be another one.
///
/// Source: the trait `awsQueryError` of the service's model.
fn shape_of(code: &'static str) -> &'static str {
    match code {
        "InvalidParameterValue" => "InvalidParameterValueException",
        "InvalidParameterCombination" => "InvalidParameterCombinationException",
        "MissingParameter" => "MissingRequiredParameterException",
        "LimitExceeded" => "LimitExceededFault",
        "InvalidFormat" => "InvalidFormatFault",
        "TooManyRequestsException" => "ThrottlingException",
        other => other,
    }
}
