//! What a node of a cluster has beyond what a single instance has.
//!
//! Sources: "RabbitMQ broker architecture" and "Default policies" of the developer guide for what the
//! service sets; RabbitMQ's guides on clustering, partitions and net ticks for the keys.

use brokerd_domain::instance::host_name;
use serde_json::{Value, json};

use super::node::{add_arguments, version};
use crate::engine::blueprint::{Blueprint, Unsupported};

/// Seconds until a node that went silent without closing its connections counts as down: a sixth of
/// Erlang's own minute.
const NET_TICK: &str = "-kernel net_ticktime 10";

/// The keys of `rabbitmq.conf`, in order. Every node lists all of them, itself too.
pub(super) fn keys(blueprint: &Blueprint<'_>) -> Vec<(String, String)> {
    let broker = blueprint.broker;
    let mut keys = vec![
        ("cluster_name".to_owned(), broker.id.to_string()),
        ("cluster_partition_handling".to_owned(), "pause_minority".to_owned()),
        ("cluster_formation.peer_discovery_backend".to_owned(), "classic_config".to_owned()),
    ];
    keys.extend((1..=broker.spec.deployment_mode.instances()).map(|ordinal| {
        let key = format!("cluster_formation.classic_config.nodes.{ordinal}");
        (key, format!("rabbit@{}", host_name(broker.id, ordinal)))
    }));
    // Peers are started together and may still be looking for their own names. Version 3 looks as often
    // for somebody to join before the first node begins alone, while the others wait for it.
    let tries = if version(blueprint).major >= 4 { "60" } else { "3" };
    keys.push(("cluster_formation.discovery_retry_limit".to_owned(), tries.to_owned()));
    keys.push(("cluster_formation.discovery_retry_interval".to_owned(), "1000".to_owned()));
    keys
}

/// What a node's environment has beyond that of a single instance.
pub(super) fn environment(environment: &mut Vec<String>) {
    add_arguments(environment, NET_TICK);
}

/// The service's default policies of clusters.
///
/// Version 3 mirrors every classic queue, and does so still when its owner deletes the default policy.
/// Version 4 has no mirrors; there each of the two kinds of queue has a policy of its own, which of one
/// priority must not both fit one queue.
pub(super) fn policies(blueprint: &Blueprint<'_>) -> Result<Vec<Value>, Unsupported> {
    let host = blueprint.broker.spec.host_instance_type;
    let limits = host
        .cluster_limits()
        .ok_or_else(|| Unsupported(format!("RabbitMQ clusters do not run on {host}")))?;
    let policy = |name: &str, apply_to: &str, priority: u32, definition: Value| {
        json!({
            "vhost": "/",
            "name": name,
            "pattern": ".*",
            "apply-to": apply_to,
            "priority": priority,
            "definition": definition,
        })
    };
    let length = limits.queue_length;
    if version(blueprint).major >= 4 {
        return Ok(vec![
            policy(
                "AWS-DEFAULT-POLICY-CLUSTER",
                "classic_queues",
                1,
                json!({ "queue-mode": "lazy", "max-length": length, "overflow": "reject-publish" }),
            ),
            policy(
                "AWS-DEFAULT-QUORUM-QUEUES-POLICY-CLUSTER-MULTI-AZ",
                "quorum_queues",
                1,
                json!({ "max-length": length, "overflow": "reject-publish" }),
            ),
        ]);
    }
    Ok(vec![
        policy(
            "AWS-DEFAULT-POLICY-CLUSTER-MULTI-AZ",
            "queues",
            1,
            json!({
                "ha-mode": "all",
                "ha-sync-mode": "automatic",
                "queue-mode": "lazy",
                "max-length": length,
                "overflow": "reject-publish",
            }),
        ),
        policy(
            "ha-all-AWS-OWNED-DO-NOT-DELETE",
            "queues",
            0,
            json!({ "ha-mode": "all", "ha-sync-mode": "automatic" }),
        ),
    ])
}
