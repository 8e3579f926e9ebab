//! What is counted.

use axum::http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{
    auth::sigv4::SignatureError,
    error::TOO_MANY_UNKNOWN_KEYS,
    operation::{OPERATIONS, Operation},
};

/// From half a millisecond, where DescribeBroker should be, to the deadline.
const BUCKETS: [f64; 13] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectionLabels {
    reason: &'static str,
}

impl RouteLabels {
    /// Requests that are no operation share one label, so that strangers can't make new series.
    fn of(operation: Option<&Operation>) -> Self {
        operation.map_or(Self { method: "other", route: "other" }, |o| Self {
            method: method(o),
            route: o.path,
        })
    }
}

fn method(operation: &Operation) -> &'static str {
    ["GET", "POST", "PUT", "DELETE"]
        .into_iter()
        .find(|m| *m == operation.method.as_str())
        .unwrap_or("other")
}

/// The counters of the API.
#[derive(Debug, Clone)]
pub struct ApiMetrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    rejections: Family<RejectionLabels, Counter>,
    throttled: Counter,
    pub(crate) body_bytes: Gauge,
    pub(crate) bodies_given_up: Counter,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// Adds the API's metrics to a registry, each at 0 from the start, so that dashboards exist before
/// the first request.
pub fn register_metrics(registry: &mut Registry) -> ApiMetrics {
    let metrics = ApiMetrics {
        requests: Family::default(),
        durations: Family::new_with_constructor(histogram as fn() -> Histogram),
        rejections: Family::default(),
        throttled: Counter::default(),
        body_bytes: Gauge::default(),
        bodies_given_up: Counter::default(),
    };
    for operation in OPERATIONS.iter().map(Some).chain([None]) {
        let RouteLabels { method, route } = RouteLabels::of(operation);
        let status = if operation.is_some() { 200 } else { 404 };
        drop(metrics.requests.get_or_create(&RequestLabels { method, route, status }));
        drop(metrics.durations.get_or_create(&RouteLabels { method, route }));
    }
    for &reason in SignatureError::REASONS.iter().chain([&TOO_MANY_UNKNOWN_KEYS]) {
        drop(metrics.rejections.get_or_create(&RejectionLabels { reason }));
    }
    registry.register(
        "brokerd_api_requests",
        "HTTP requests answered, by route and status",
        metrics.requests.clone(),
    );
    registry.register_with_unit(
        "brokerd_api_request_duration",
        "Time from the head of a request to that of its answer, by route",
        Unit::Seconds,
        metrics.durations.clone(),
    );
    registry.register(
        "brokerd_api_authentication_rejections",
        "Requests whose signature was refused, by reason",
        metrics.rejections.clone(),
    );
    registry.register(
        "brokerd_api_throttled_requests",
        "Requests refused because an account had used up its allowance",
        metrics.throttled.clone(),
    );
    registry.register_with_unit(
        "brokerd_api_body",
        "Bytes of requests' bodies held now",
        Unit::Bytes,
        metrics.body_bytes.clone(),
    );
    registry.register(
        "brokerd_api_bodies_given_up",
        "Bodies of requests given up because all together were too large",
        metrics.bodies_given_up.clone(),
    );
    metrics
}

impl ApiMetrics {
    pub(crate) fn answered(&self, operation: Option<&Operation>, status: StatusCode, seconds: f64) {
        let labels = RouteLabels::of(operation);
        let RouteLabels { method, route } = labels;
        let status = status.as_u16();
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
        self.durations.get_or_create(&labels).observe(seconds);
    }

    pub(crate) fn authentication_rejected(&self, reason: &'static str) {
        self.rejections.get_or_create(&RejectionLabels { reason }).inc();
    }

    pub(crate) fn throttled(&self) {
        self.throttled.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_exists_before_the_first_request() {
        let mut registry = Registry::default();
        register_metrics(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
        for line in [
            r#"brokerd_api_requests_total{method="GET",route="/v1/brokers/{broker-id}",status="200"} 0"#,
            r#"brokerd_api_requests_total{method="other",route="other",status="404"} 0"#,
            r#"brokerd_api_request_duration_seconds_count{method="POST",route="/v1/brokers"} 0"#,
            r#"brokerd_api_authentication_rejections_total{reason="mismatch"} 0"#,
            r#"brokerd_api_authentication_rejections_total{reason="too-many-unknown-keys"} 0"#,
            "brokerd_api_throttled_requests_total 0",
            "brokerd_api_body_bytes 0",
            "brokerd_api_bodies_given_up_total 0",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
