//! A node's metrics page: `rabbitmq_prometheus` on a TLS listener of its own. brokerd reads it, and from 4.2 on the
//! broker's users do.
//!
//! Source: "Prometheus metrics" of the developer guide: `/metrics`, `/metrics/detailed` and
//! `/metrics/memory-breakdown`, but not `/metrics/per-object`.

use brokerd_domain::{EngineType, EngineVersion, Protocol};

use super::node::version;
use crate::engine::blueprint::Blueprint;

/// Where it listens, the same on every node.
pub(super) const PORT: u16 = Protocol::PrometheusNode1.engine_port(EngineType::RabbitMq);

/// The first version that knows `prometheus.authentication.enabled`.
const AUTHENTICATION: EngineVersion = EngineVersion::new(4, 0);

/// Whether the node asks for a user with the tag `monitoring`. Where it can't, nobody but brokerd reaches the page.
pub(super) fn asks_for_users(blueprint: &Blueprint<'_>) -> bool {
    version(blueprint) >= AUTHENTICATION
}

/// Whether the broker has endpoints for it.
pub(super) fn is_public(blueprint: &Blueprint<'_>) -> bool {
    Protocol::of_broker(&blueprint.broker.spec).contains(&Protocol::PrometheusNode1)
}

/// What the node does every second, as an Erlang expression: no key closes a single page, so its registry is emptied.
/// Then it is not found.
pub(super) const CLOSE_PER_OBJECT: &str = "catch prometheus_registry:clear('per-object')";
