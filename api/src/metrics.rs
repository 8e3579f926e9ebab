//! The metrics of the API.

use std::{fmt::Debug, sync::Arc};

use axum::http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric},
    metrics::{TypedMetric, counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::operation_table::{Operation, Operations};

/// From half a millisecond, where DescribeBroker should be, to the deadline.
const BUCKETS: [f64; 13] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RejectionLabels {
    reason: &'static str,
}

impl RouteLabels {
    /// Requests that are no operation share one label, so that unauthenticated callers can't create series.
    fn of(operation: Option<&Operation>) -> Self {
        match operation {
            Some(o) => Self { method: method(&o.method), route: Arc::clone(&o.path) },
            None => Self { method: "other", route: "other".into() },
        }
    }
}

impl RouteLabels {
    fn with(&self, status: u16) -> RequestLabels {
        RequestLabels { method: self.method, route: Arc::clone(&self.route), status }
    }
}

fn method(method: &Method) -> &'static str {
    let known = ["GET", "POST", "PUT", "DELETE"].into_iter().find(|m| *m == method.as_str());
    known.unwrap_or("other")
}

/// The metrics of the API.
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

/// Registers a metric and returns it.
fn registered<M>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    unit: Option<Unit>,
    metric: M,
) -> M
where
    M: Clone + Debug + EncodeMetric + TypedMetric + Send + Sync + 'static,
{
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, metric.clone()),
        None => registry.register(name, help, metric.clone()),
    }
    metric
}

impl ApiMetrics {
    /// Registers the metrics, with a series for each operation and each reason of a failed authentication.
    pub(crate) fn register(
        registry: &mut Registry,
        operations: &Operations,
        rejections: impl IntoIterator<Item = &'static str>,
    ) -> Self {
        let metrics = Self {
            requests: registered(
                registry,
                "brokerd_api_requests",
                "HTTP requests answered, by route and status",
                None,
                Family::default(),
            ),
            durations: registered(
                registry,
                "brokerd_api_request_duration",
                "Time from the head of a request to that of its answer, by route",
                Some(Unit::Seconds),
                Family::new_with_constructor(histogram as fn() -> Histogram),
            ),
            rejections: registered(
                registry,
                "brokerd_api_authentication_rejections",
                "Requests whose signature was refused, by reason",
                None,
                Family::default(),
            ),
            throttled: registered(
                registry,
                "brokerd_api_throttled_requests",
                "Requests refused because an account had used up its allowance",
                None,
                Counter::default(),
            ),
            body_bytes: registered(
                registry,
                "brokerd_api_body",
                "Bytes of requests' bodies held now",
                Some(Unit::Bytes),
                Gauge::default(),
            ),
            bodies_given_up: registered(
                registry,
                "brokerd_api_bodies_given_up",
                "Bodies of requests given up because all together were too large",
                None,
                Counter::default(),
            ),
        };
        for operation in operations.all().map(Some).chain([None]) {
            let labels = RouteLabels::of(operation);
            let status = if operation.is_some() { 200 } else { 404 };
            drop(metrics.requests.get_or_create(&labels.with(status)));
            drop(metrics.durations.get_or_create(&labels));
        }
        for reason in rejections {
            drop(metrics.rejections.get_or_create(&RejectionLabels { reason }));
        }
        metrics
    }

    /// Counts an answered request.
    pub(crate) fn answered(&self, operation: Option<&Operation>, status: StatusCode, seconds: f64) {
        let labels = RouteLabels::of(operation);
        self.requests.get_or_create(&labels.with(status.as_u16())).inc();
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
        drop(crate::register_metrics(&mut registry));
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
