//! Around every request: identifier, deadline, panics, CORS, common headers, log and metrics.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use brokerd_domain::Timestamp;
use tracing::{Instrument, Span, field::Empty};
use uuid::Uuid;

use crate::{
    ApiState,
    error::{ApiError, chain},
    operation::{self, Kind, Operation},
};

/// A request that takes longer is given up.
const DEADLINE: Duration = Duration::from_secs(30);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Source: recorded answers of the service.
const EXPOSED: &str =
    "x-amzn-errortype,x-amzn-requestid,x-amzn-errormessage,x-amzn-trace-id,x-amz-apigw-id,date";
const NO_CACHE: &str = "no-cache; no-store, must-revalidate, private";
const ACCEPTED: &str = "authorization,content-type,x-amz-content-sha256,x-amz-date,x-amz-security-token,x-amz-user-agent";

/// The middleware.
pub(crate) async fn observe(
    State(api): State<Arc<ApiState>>,
    request: Request,
    next: Next,
) -> Response {
    // Not by the wall clock, which may be put back or forth meanwhile.
    let started = Instant::now();
    let request_id = api.entropy.uuid();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map(MatchedPath::as_str);
    let operation = route.and_then(|route| operation::find(request.method(), route));
    let span = span(request.method(), route, operation, request_id);
    let answer = match route.and_then(operation::allowed) {
        Some(allowed) if request.method() == Method::OPTIONS => preflight(&allowed),
        _ => run(request, next).instrument(span.clone()).await,
    };
    let (mut response, failure) = written(answer, request_id);
    add_common_headers(response.headers_mut(), request_id, failure.is_none());
    let elapsed = started.elapsed();
    api.metrics.answered(operation, response.status(), elapsed.as_secs_f64());
    let _entered = span.enter();
    let unlogged = match &failure {
        // Whether brokerd is ready is asked all the time while it is not: that must not use up what strangers' requests may log.
        Some(failure) if failure.is_anybodys() && !is_probe(operation) => {
            match api.sampler.admit(api.clock.now()) {
                Some(unlogged) => unlogged,
                None => return response,
            }
        }
        Some(_) | None => 0,
    };
    if unlogged > 0 {
        tracing::info!(unlogged, "more requests of strangers were refused and counted");
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
        aws.operation = operation.map_or("none", |o| o.name),
        aws.request_id = %request_id,
        caller.account = Empty,
    )
}

async fn run(request: Request, next: Next) -> Response {
    match tokio::time::timeout(DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable("The request took too long. Try again.").into_response(),
    }
}

/// What a caller gets when a handler panics: the service's form, and nothing of the reason.
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
    match answer.extensions_mut().remove::<Arc<ApiError>>() {
        None => (answer, None),
        Some(failure) => {
            let mut response = failure.render(request_id);
            // `Allow` of a 405 is the router's to know.
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
    if is_success {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_CACHE));
        headers.insert(header::EXPIRES, HeaderValue::from_static("0"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    }
}

/// Chooses the refusals of strangers that are logged: a few in every span of time, and how many there were beside
/// them. All are counted.
#[derive(Debug, Default)]
pub(crate) struct Sampler(Mutex<Sample>);

#[derive(Debug, Default)]
struct Sample {
    since: Option<Timestamp>,
    logged: u32,
    unlogged: u64,
}

impl Sampler {
    const SPAN: Duration = Duration::from_secs(10);
    const LOGGED: u32 = 5;

    /// Whether the refusal at this time is to be logged: how many were not since this was last so.
    fn admit(&self, now: Timestamp) -> Option<u64> {
        let mut sample = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sample.since.is_none_or(|since| now < since || now.since(since) >= Self::SPAN) {
            let unlogged = sample.unlogged;
            *sample = Sample { since: Some(now), logged: 1, unlogged: 0 };
            return Some(unlogged);
        }
        if sample.logged < Self::LOGGED {
            sample.logged += 1;
            return Some(0);
        }
        sample.unlogged += 1;
        None
    }
}

fn is_probe(operation: Option<&Operation>) -> bool {
    operation.is_some_and(|operation| operation.kind == Kind::Probe)
}

/// One line per request; a failure of ours is an error with its causes, a caller's is not.
fn log(operation: Option<&Operation>, status: u16, elapsed: Duration, failure: Option<&ApiError>) {
    let duration_ms = elapsed.as_secs_f64() * 1000.0;
    let name = operation.map_or("request", |o| o.name);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_refusals_a_few_are_logged_and_then_how_many_were_not() {
        let sampler = Sampler::default();
        let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
        let logged = (0..1000).filter(|_| sampler.admit(at(1)).is_some()).count();
        assert_eq!(logged, 5);
        assert_eq!(sampler.admit(at(10)), None);
        assert_eq!(sampler.admit(at(11)), Some(996));
        assert_eq!(sampler.admit(at(11)), Some(0));
        // A clock that was put back silences nobody.
        assert_eq!(sampler.admit(at(3)), Some(0));
    }
}
