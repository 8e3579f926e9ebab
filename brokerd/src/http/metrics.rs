//! The metrics of HTTP connections.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// The metrics of HTTP connections; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    pub(super) active: Gauge,
    pub(super) refused: Counter,
    pub(super) evicted: Counter,
}

impl Metrics {
    /// Metrics under `brokerd_http_` of `registry`, all present from the start.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let r = registry.sub_registry_with_prefix("brokerd_http");
        r.register("connections", "Connections open now", metrics.active.clone());
        r.register(
            "connections_refused",
            "Connections refused because all that may be open were at work",
            metrics.refused.clone(),
        );
        r.register(
            "connections_evicted",
            "Connections without a signed request closed in favour of others",
            metrics.evicted.clone(),
        );
        metrics
    }
}
