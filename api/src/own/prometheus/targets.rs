//! ListPrometheusTargets: the metrics pages of brokers' nodes, for `http_sd_configs`.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use brokerd_store::{FleetBroker, MetricsPage};
use serde::Serialize;
use utoipa::ToSchema;

use super::token::MetricsReader;
use crate::{
    fleet::{FleetCache, is_asked_for},
    http::{
        query::Query,
        respond::{Answer, Reply},
    },
    openapi::BearerErrors,
};

// Source: "HTTP service discovery" of Prometheus.
/// Addresses with labels in common.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TargetGroup {
    /// The address of the page, `host:port`.
    targets: Vec<String>,
    /// How it is scraped, and which node of which broker it is of: `__scheme__`, `__metrics_path__`,
    /// `__meta_brokerd_account`, `…_region`, `…_broker_id`, `…_broker`, `…_engine`, `…_engine_version`,
    /// `…_deployment_mode`, `…_instance_type` and `…_node`.
    labels: BTreeMap<&'static str, String>,
}

/// The metrics pages of the nodes of all RabbitMQ brokers that serve, in the form of Prometheus' HTTP service
/// discovery. They are at most fifteen seconds old.
#[utoipa::path(
    get,
    path = "/brokerd/v1/prometheus/targets",
    operation_id = "ListPrometheusTargets",
    tag = "brokerd",
    params(("match" = Option<Vec<String>>, Query, description = "Only brokers with this identifier or name.")),
    responses(
        (status = 200, description = "All of them.", body = [TargetGroup]),
        BearerErrors,
    ),
    security(("bearer" = [])),
)]
pub(crate) async fn list_prometheus_targets(
    _: MetricsReader,
    State(fleet): State<Arc<FleetCache>>,
    query: Query,
) -> Answer<Vec<TargetGroup>> {
    let (fleet, wanted) = (fleet.get().await?, query.all("match"));
    let serving = fleet
        .brokers
        .iter()
        .filter(|broker| broker.summary.state.serves() && is_asked_for(broker, &wanted));
    let groups =
        serving.flat_map(|broker| broker.metrics_pages.iter().map(move |page| group(broker, page)));
    Ok(Reply(groups.collect()))
}

fn group(broker: &FleetBroker, page: &MetricsPage) -> TargetGroup {
    let summary = &broker.summary;
    TargetGroup {
        targets: vec![format!("{}:{}", page.host, page.port)],
        labels: BTreeMap::from([
            ("__scheme__", "https".to_owned()),
            ("__metrics_path__", "/metrics".to_owned()),
            ("__meta_brokerd_account", broker.scope.account.to_string()),
            ("__meta_brokerd_region", broker.scope.region.to_string()),
            ("__meta_brokerd_broker_id", summary.id.to_string()),
            ("__meta_brokerd_broker", summary.name.to_string()),
            ("__meta_brokerd_engine", summary.engine_type.as_str().to_owned()),
            ("__meta_brokerd_engine_version", broker.engine_version.to_string()),
            ("__meta_brokerd_deployment_mode", summary.deployment_mode.as_str().to_owned()),
            ("__meta_brokerd_instance_type", summary.host_instance_type.to_string()),
            ("__meta_brokerd_node", page.node.to_string()),
        ]),
    }
}
