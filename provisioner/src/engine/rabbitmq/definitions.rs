//! What a new broker begins with: its administrator, virtual host `/`, the default policies.
//!
//! Rendered once and stored with the broker: RabbitMQ imports definitions again when they are not those it
//! imported before, and would undo what the owner has changed since.
//!
//! Source: "RabbitMQ broker defaults" and "Default policies" of the developer guide.

use brokerd_domain::BrokerUser;
use serde_json::{Value, json};

use super::{
    accounts, cluster,
    node::{is_cluster, version},
};
use crate::engine::{
    blueprint::{Blueprint, Unsupported},
    common,
    identity::MONITORING_USER,
};

/// Without users when all of them are elsewhere; there is no `guest` then either.
pub(super) fn render(blueprint: &Blueprint<'_>) -> Result<String, Unsupported> {
    let mut users: Vec<Value> =
        blueprint.users.iter().map(|u| user(blueprint, u)).collect::<Result<_, _>>()?;
    users.extend(monitoring(blueprint));
    let permission = |user: &str, what: &str| json!({ "user": user, "vhost": "/", "configure": what, "write": what, "read": what });
    let mut permissions: Vec<Value> =
        blueprint.users.iter().map(|u| permission(u.username.as_str(), ".*")).collect();
    permissions.extend(monitoring(blueprint).map(|_| {
        let [configure, write, read] = accounts::RIGHTS;
        json!({ "user": MONITORING_USER, "vhost": "/", "configure": configure, "write": write, "read": read })
    }));
    let document = json!({
        "users": users,
        "vhosts": [{ "name": "/" }],
        "permissions": permissions,
        "topic_permissions": [],
        "parameters": parameters(blueprint),
        "global_parameters": [],
        "policies": policies(blueprint)?,
        "queues": [],
        "exchanges": [],
        "bindings": [],
    });
    Ok(format!("{document:#}\n"))
}

fn policies(blueprint: &Blueprint<'_>) -> Result<Vec<Value>, Unsupported> {
    if is_cluster(blueprint) {
        return cluster::policies(blueprint);
    }
    Ok(vec![json!({
        "vhost": "/",
        "name": "AWS-DEFAULT-POLICY-SINGLE-INSTANCE",
        "pattern": ".*",
        "apply-to": "queues",
        "priority": 0,
        // Accepted and without effect from version 4 on, as in the service.
        "definition": { "queue-mode": "lazy" },
    })])
}

fn user(blueprint: &Blueprint<'_>, user: &BrokerUser) -> Result<Value, Unsupported> {
    Ok(json!({
        "name": user.username,
        "password_hash": common::stored_password(blueprint, user.username.as_str())?,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"],
        "limits": {},
    }))
}

/// brokerd's own user, whose rights are those that calls of the API need.
fn monitoring(blueprint: &Blueprint<'_>) -> Option<Value> {
    let monitoring = blueprint.materials.monitoring.as_ref()?;
    Some(json!({
        "name": MONITORING_USER,
        "password_hash": monitoring.stored,
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": accounts::tags(version(blueprint)),
        "limits": {},
    }))
}

/// From version 4 on the service's operator policy, before that its limits on virtual host `/`.
///
/// Before version 4 the operator policy would hold `ha-mode` and `ha-sync-mode`, which mean nothing on
/// a single instance. 3.10 refuses them in operator policies, and silently leaves out everything that
/// stands after the refused one.
fn parameters(blueprint: &Blueprint<'_>) -> Vec<Value> {
    if version(blueprint).major >= 4 {
        return vec![json!({
            "component": "operator_policy",
            "vhost": "/",
            "name": "default_operator_policy_AWS_managed",
            "value": {
                "pattern": ".*",
                "apply-to": "classic_queues",
                "priority": 0,
                "definition": { "queue-version": 2 },
            },
        })];
    }
    let host = blueprint.broker.spec.host_instance_type;
    let limits = if is_cluster(blueprint) {
        host.cluster_limits().map(|limits| (limits.queues, limits.connections))
    } else {
        host.vhost_limits().map(|limits| (limits.queues, limits.connections))
    };
    limits
        .map(|(queues, connections)| {
            json!({
                "component": "vhost-limits",
                "vhost": "/",
                "name": "limits",
                "value": { "max-queues": queues, "max-connections": connections },
            })
        })
        .into_iter()
        .collect()
}
