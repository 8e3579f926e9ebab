//! The metrics of the gateway.

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

/// Why a connection was closed before it reached an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Refusal {
    /// The route had no target for [`crate::Options::hold`].
    NoTarget,
    /// No target accepted for [`crate::Options::hold`].
    Unreachable,
    /// The route has as many connections as it may have.
    Limit,
    /// The route was removed, or the gateway stopped, while the connection was held.
    Withdrawn,
    /// No rule of the broker's security groups lets the peer in.
    Forbidden,
    /// The client closed its connection or sent no ClientHello.
    NoHello,
    /// The ClientHello took too long.
    SlowHello,
    /// Evicted before its ClientHello, in favour of newer connections.
    Evicted,
    /// The gateway has as many connections as its descriptors allow.
    Full,
    /// On a shared port: the ClientHello has no server name.
    NoName,
    /// On a shared port: no endpoint there has the name.
    UnknownName,
}

impl Refusal {
    const ALL: [Self; 11] = [
        Self::NoTarget,
        Self::Unreachable,
        Self::Limit,
        Self::Withdrawn,
        Self::Forbidden,
        Self::NoHello,
        Self::SlowHello,
        Self::Evicted,
        Self::Full,
        Self::NoName,
        Self::UnknownName,
    ];
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Ending {
    /// Client and engine closed.
    Closed,
    /// One of the two reset the connection.
    Broken,
    /// The engine is no longer a target of the route.
    Retargeted,
    /// The route was removed, or the gateway stopped.
    Withdrawn,
    /// The engine closed its side and the client did not.
    HalfClosed,
}

impl Ending {
    const ALL: [Self; 5] =
        [Self::Closed, Self::Broken, Self::Retargeted, Self::Withdrawn, Self::HalfClosed];
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: Refusal,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndingLabels {
    cause: Ending,
}

/// The metrics of the gateway; clones share them. No label names a broker: their number has no bound.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// Connections accepted.
    pub connections: Counter,
    /// Connections that have not sent a ClientHello yet.
    pub connections_pending: Gauge,
    /// Sessions that are connected to an engine now.
    pub sessions_active: Gauge,
    /// Sessions ended, by cause.
    sessions_ended: Family<EndingLabels, Counter>,
    /// Connections waiting for an engine now.
    pub connections_held: Gauge,
    /// Connections that had to wait for an engine.
    pub holds: Counter,
    /// Connections closed without reaching an engine, by reason.
    refused: Family<RefusalLabels, Counter>,
    /// Bytes read from clients.
    pub client_bytes: Counter,
    /// Bytes read from engines.
    pub engine_bytes: Counter,
    /// Addresses listened on now.
    pub listeners: Gauge,
    /// Addresses of the table that another program holds.
    pub listeners_blocked: Gauge,
    /// Failed attempts to bind an address.
    pub bind_failures: Counter,
    /// Failed attempts to accept a connection.
    pub accept_failures: Counter,
    /// Readings of the table of routes that succeeded.
    pub table_reads: Counter,
    /// Brokers that were read from the table of routes.
    pub table_rows: Counter,
    /// Readings of the table of routes that failed.
    pub table_read_failures: Counter,
    /// 1 while the table can't be read and an older one is in force.
    pub table_stale: Gauge,
    /// Failed attempts to write the table cache.
    pub table_cache_write_failures: Counter,
    /// Unreadable rows of the newest table of routes.
    pub routes_unreadable: Gauge,
    /// Bytes delayed by injected latency now.
    pub delayed_bytes: Gauge,
}

impl Metrics {
    /// Metrics under `brokerd_gateway_` of `registry`, all present from the start.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        for reason in Refusal::ALL {
            drop(metrics.refused.get_or_create(&RefusalLabels { reason }));
        }
        for cause in Ending::ALL {
            drop(metrics.sessions_ended.get_or_create(&EndingLabels { cause }));
        }
        let r = registry.sub_registry_with_prefix("brokerd_gateway");
        r.register("connections", "Connections accepted", metrics.connections.clone());
        r.register(
            "connections_pending",
            "Connections that have not sent a ClientHello yet",
            metrics.connections_pending.clone(),
        );
        r.register(
            "sessions_active",
            "Sessions that lead to an engine now",
            metrics.sessions_active.clone(),
        );
        r.register("sessions_ended", "Sessions ended, by cause", metrics.sessions_ended.clone());
        r.register(
            "connections_held",
            "Connections waiting for an engine now",
            metrics.connections_held.clone(),
        );
        r.register("holds", "Connections that had to wait for an engine", metrics.holds.clone());
        r.register(
            "connections_refused",
            "Connections closed without reaching an engine, by reason",
            metrics.refused.clone(),
        );
        r.register_with_unit(
            "client",
            "Bytes read from clients",
            Unit::Bytes,
            metrics.client_bytes.clone(),
        );
        r.register_with_unit(
            "engine",
            "Bytes read from engines",
            Unit::Bytes,
            metrics.engine_bytes.clone(),
        );
        r.register("listeners", "Ports listened on now", metrics.listeners.clone());
        r.register(
            "listeners_blocked",
            "Ports of the table that can't be listened on now",
            metrics.listeners_blocked.clone(),
        );
        r.register(
            "bind_failures",
            "Failed attempts to listen on a port",
            metrics.bind_failures.clone(),
        );
        r.register(
            "accept_failures",
            "Failed attempts to accept a connection",
            metrics.accept_failures.clone(),
        );
        r.register(
            "table_reads",
            "Readings of the table of routes that succeeded",
            metrics.table_reads.clone(),
        );
        r.register(
            "table_rows",
            "Brokers read from the table of routes",
            metrics.table_rows.clone(),
        );
        r.register(
            "table_read_failures",
            "Readings of the table of routes that failed",
            metrics.table_read_failures.clone(),
        );
        r.register(
            "table_stale",
            "Whether the table of routes can't be read and an older one is in force",
            metrics.table_stale.clone(),
        );
        r.register(
            "table_cache_write_failures",
            "Failed attempts to write the table cache",
            metrics.table_cache_write_failures.clone(),
        );
        r.register(
            "routes_unreadable",
            "Rows of the newest table of routes that can't be read and are served as they last were",
            metrics.routes_unreadable.clone(),
        );
        r.register_with_unit(
            "delayed",
            "Bytes delayed by injected latency now",
            Unit::Bytes,
            metrics.delayed_bytes.clone(),
        );
        metrics
    }

    /// How many connections were refused for this reason.
    pub fn refused(&self, reason: Refusal) -> u64 {
        self.refused.get_or_create(&RefusalLabels { reason }).get()
    }

    /// How many sessions ended for this cause.
    pub fn ended(&self, cause: Ending) -> u64 {
        self.sessions_ended.get_or_create(&EndingLabels { cause }).get()
    }

    pub(crate) fn count_refusal(&self, reason: Refusal) {
        self.refused.get_or_create(&RefusalLabels { reason }).inc();
    }

    pub(crate) fn count_ending(&self, cause: Ending) {
        self.sessions_ended.get_or_create(&EndingLabels { cause }).inc();
    }
}

/// Counts one more in a gauge until it is dropped.
pub(crate) struct ActiveGuard(Gauge);

impl ActiveGuard {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for ActiveGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_there_at_zero_before_anything_happens() {
        let mut registry = Registry::default();
        Metrics::register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string takes it");
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), 34, "{text}");
        for sample in samples {
            assert!(sample.starts_with("brokerd_gateway_") && sample.ends_with(" 0"), "{sample}");
        }
    }
}
