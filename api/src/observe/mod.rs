//! The middleware around every request: identifier, deadline, panics, CORS, common headers, log and metrics.

mod refusal_log;
mod trace;

use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use brokerd_domain::{Clock, Entropy, audit::AuditEvent};
use brokerd_store::AuditTrail;
use tracing::{Instrument, Span, field::Empty};
use uuid::Uuid;

use self::refusal_log::RefusalLog;
use crate::{
    audit::CallRecord,
    caller::CallerSlot,
    http::error::{ApiError, Rendered, chain},
    metrics::ApiMetrics,
    operation_table::{Kind, Operation, Operations},
};

/// How long a request may take.
const DEADLINE: Duration = Duration::from_secs(30);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Source: recorded answers of the service.
const EXPOSED: &str =
    "x-amzn-errortype,x-amzn-requestid,x-amzn-errormessage,x-amzn-trace-id,x-amz-apigw-id,date";
const NO_CACHE: &str = "no-cache; no-store, must-revalidate, private";
const ACCEPTED: &str = "authorization,content-type,x-amz-content-sha256,x-amz-date,x-amz-security-token,x-amz-user-agent";

/// The parts of the process that the middleware uses.
#[derive(Clone)]
pub(crate) struct Observer {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    metrics: ApiMetrics,
    operations: Arc<Operations>,
    refusals: Arc<RefusalLog>,
    audit: AuditTrail,
}

impl Observer {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        metrics: ApiMetrics,
        operations: Arc<Operations>,
        audit: AuditTrail,
    ) -> Self {
        Self { clock, entropy, metrics, operations, refusals: Arc::default(), audit }
    }
}

/// The identifier of a request, in its extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub(crate) Uuid);

/// The middleware.
pub(crate) async fn observe(
    State(observer): State<Observer>,
    mut request: Request,
    next: Next,
) -> Response {
    // Monotonic, because the wall clock may be set meanwhile.
    let started = Instant::now();
    let request_id = observer.entropy.uuid();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map(MatchedPath::as_str);
    let operations = &observer.operations;
    let operation = route.and_then(|route| operations.find(request.method(), route));
    let span = span(request.method(), route, operation, request_id);
    trace::continue_trace(&span, request.headers());
    let is_options = request.method() == Method::OPTIONS;
    let caller = CallerSlot::default();
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(RequestId(request_id));
    let now = observer.clock.now();
    let event_id = AuditEvent::id_at(now, observer.entropy.uuid());
    let name = operation.map(|operation| operation.name.as_str());
    let record = CallRecord::new(&observer.audit, event_id, request_id, now, name);
    if let Some(recorder) = record.recorder() {
        if let Some(traceparent) = trace::traceparent(&span) {
            recorder.set_trace(traceparent);
        }
        request.extensions_mut().insert(recorder);
    }
    let answer = match route.filter(|_| is_options).and_then(|route| operations.allowed(route)) {
        Some(allowed) => preflight(&allowed),
        None => record.run(run(request, next).instrument(span.clone())).await,
    };
    let (response, failure) = written(answer, request_id);
    let message = failure.as_ref().map(|failure| failure.message(request_id));
    let refusal = failure.as_ref().map(|failure| failure.code()).zip(message.as_deref());
    let mut response = record.end(response, refusal).await;
    add_common_headers(response.headers_mut(), request_id, failure.is_none());
    let elapsed = started.elapsed();
    observer.metrics.answered(operation, response.status(), elapsed.as_secs_f64());
    if let Some(caller) = caller.caller() {
        span.record("caller.arn", caller.principal().arn());
        span.record("caller.access_key", &caller.access_key_id);
    }
    let _entered = span.enter();
    let unlogged = match &failure {
        // Probes are left out, because they fail all the time while brokerd starts and would use up the lines.
        Some(failure) if failure.is_from_anybody() && !is_probe(operation) => {
            match observer.refusals.admit(observer.clock.now()) {
                Some(unlogged) => unlogged,
                None => return response,
            }
        }
        Some(_) | None => 0,
    };
    if unlogged > 0 {
        tracing::info!(unlogged, "refusals of unauthenticated requests not logged");
    }
    log(operation, response.status().as_u16(), elapsed, failure.as_deref());
    response
}

fn span(
    method: &Method,
    route: Option<&str>,
    operation: Option<&Operation>,
    request_id: Uuid,
) -> Span {
    tracing::info_span!(
        "request",
        http.method = method.as_str(),
        http.route = route.unwrap_or("none"),
        aws.operation = operation.map_or("none", |o| o.name.as_str()),
        aws.request_id = %request_id,
        // Of a service without paths: `iam:CreateUser`.
        aws.action = Empty,
        caller.account = Empty,
        caller.arn = Empty,
        caller.access_key = Empty,
    )
}

async fn run(request: Request, next: Next) -> Response {
    match tokio::time::timeout(DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable("The request took too long. Try again.").into_response(),
    }
}

/// The answer when a handler panics: an internal error in the service's form, without the reason.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}

/// Every resource answers `OPTIONS`, as the service's do.
fn preflight(allowed: &str) -> Response {
    let mut response = Response::default();
    let headers = response.headers_mut();
    if let Ok(methods) = HeaderValue::from_str(allowed) {
        headers.insert(header::ALLOW, methods.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ACCEPTED));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    response
}

/// Writes a refusal that a handler returned as a value.
fn written(mut answer: Response, request_id: Uuid) -> (Response, Option<Arc<ApiError>>) {
    if let Some(Rendered(failure)) = answer.extensions_mut().remove::<Rendered>() {
        return (answer, Some(failure));
    }
    match answer.extensions_mut().remove::<Arc<ApiError>>() {
        None => (answer, None),
        Some(failure) => {
            let mut response = failure.render(request_id);
            // Only the router knows the `Allow` of a 405.
            if let Some(allow) = answer.headers_mut().remove(header::ALLOW) {
                response.headers_mut().insert(header::ALLOW, allow);
            }
            (response, Some(failure))
        }
    }
}

fn add_common_headers(headers: &mut HeaderMap, request_id: Uuid, is_success: bool) {
    let mut buffer = Uuid::encode_buffer();
    let id = request_id.hyphenated().encode_lower(&mut buffer);
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    // Files of the console are kept by browsers.
    if is_success && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_CACHE));
        headers.insert(header::EXPIRES, HeaderValue::from_static("0"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    }
}

fn is_probe(operation: Option<&Operation>) -> bool {
    operation.is_some_and(|operation| operation.kind == Kind::Probe)
}

/// One line per request. A failure of brokerd is logged as an error with its causes, a refusal of the caller is not.
fn log(operation: Option<&Operation>, status: u16, elapsed: Duration, failure: Option<&ApiError>) {
    let duration_ms = elapsed.as_secs_f64() * 1000.0;
    let name = operation.map_or("request", |o| o.name.as_str());
    let error = failure.map(ApiError::code);
    if let Some(source) = failure.and_then(ApiError::source) {
        tracing::error!(
            http.status = status,
            duration_ms,
            error,
            cause = chain(source),
            "{name} failed"
        );
    } else if is_probe(operation) {
        tracing::debug!(http.status = status, duration_ms, "{name} answered");
    } else {
        tracing::info!(http.status = status, duration_ms, error, "{name} answered");
    }
}
