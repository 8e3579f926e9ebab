//! The operations listener, which every role has: liveness, readiness, metrics. It is apart from the API's, so that metrics
//! are not public.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use brokerd_api::ReadyCheck;
use prometheus_client::{encoding::text::encode, registry::Registry};
use tower::ServiceExt as _;

/// Source: the OpenMetrics specification.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// How many connections are open at most: scrapers and health checks are few.
pub(super) const MAX_CONNECTIONS: usize = 64;

/// Where the answer to `/health/ready` comes from.
pub(super) enum Readiness {
    /// From the API of this process, so that both listeners answer the same.
    Api(Router),
    /// From these checks, in a process without an API.
    Checks(Vec<ReadyCheck>),
}

/// The routes, with the paths that the API has for health.
pub(super) fn router(registry: Arc<Registry>, readiness: Readiness) -> Router {
    Router::new()
        .route("/health/live", get(|| async { ok() }))
        .route("/health/ready", ready(readiness))
        .route("/metrics", get(move || metrics(registry)))
}

fn ok() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], r#"{"status":"ok"}"#).into_response()
}

fn ready(readiness: Readiness) -> MethodRouter {
    match readiness {
        Readiness::Api(api) => get(move |request: Request| async move {
            let Ok(answer): Result<Response, Infallible> = api.oneshot(request).await;
            answer
        }),
        Readiness::Checks(checks) => {
            let checks: Arc<[ReadyCheck]> = checks.into();
            get(move || async move {
                match checks.iter().try_for_each(|check| check()) {
                    Ok(()) => ok(),
                    Err(reason) => {
                        (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response()
                    }
                }
            })
        }
    }
}

async fn metrics(registry: Arc<Registry>) -> Response {
    let mut text = String::with_capacity(16 * 1024);
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics not encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::body::Body;
    use http_body_util::BodyExt as _;
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    async fn ask(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request).await.expect("infallible");
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn a_process_without_an_api_is_ready_when_all_of_its_checks_are() {
        let mut registry = Registry::default();
        registry.register("brokerd_things", "Things", Counter::<u64>::default());
        let is_well = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&is_well);
        let check: ReadyCheck = Box::new(move || match asked.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err("It is not well yet.".to_owned()),
        });
        let checks = vec![Box::new(|| Ok(())) as ReadyCheck, check];
        let router = router(Arc::new(registry), Readiness::Checks(checks));
        assert_eq!(ask(&router, "/health/live").await.0, StatusCode::OK);
        let (status, reason) = ask(&router, "/health/ready").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reason, "It is not well yet.\n");
        is_well.store(true, Ordering::Relaxed);
        let ready = ask(&router, "/health/ready").await;
        assert_eq!(ready, (StatusCode::OK, r#"{"status":"ok"}"#.to_owned()));
        let (status, text) = ask(&router, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains("brokerd_things_total 0\n") && text.ends_with("# EOF\n"), "{text}");
    }

    #[tokio::test]
    async fn beside_an_api_readiness_is_the_answer_of_the_api() {
        let busy = || async { (StatusCode::SERVICE_UNAVAILABLE, "the API's reason") };
        let api = Router::new().route("/health/ready", get(busy)).route("/v1/brokers", get(busy));
        let router = router(Arc::new(Registry::default()), Readiness::Api(api));
        let answer = ask(&router, "/health/ready").await;
        assert_eq!(answer, (StatusCode::SERVICE_UNAVAILABLE, "the API's reason".to_owned()));
        assert_eq!(ask(&router, "/v1/brokers").await.0, StatusCode::NOT_FOUND);
    }
}
