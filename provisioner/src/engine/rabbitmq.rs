//! RabbitMQ.
//!
//! Sources: "RabbitMQ broker defaults", "Resource limits" and "Default policies" of the developer
//! guide for what the service sets; the schema files of RabbitMQ 3.10.8, 4.0.5 and 4.3.6 for which
//! keys exist.

use std::{fmt::Write as _, time::Duration};

use brokerd_domain::{
    BrokerUser, DeploymentMode, EngineType, EngineVersion, Protocol, QueueLimits,
};
use serde_json::{Value, json};

use super::{
    Blueprint, Engine, Unsupported,
    common::{self, GIB, MIB},
};
use crate::runtime::{InstanceSpec, Limits};

/// RabbitMQ is one process with a few dozen threads; the rest is for its scripts.
const PIDS: u32 = 1024;

/// Below this an idle node is over its watermark and blocks publishers for ever: an idle 4.3 node
/// uses about 170 MB.
const LEAST_WATERMARK: u64 = 256 * MIB;

/// RabbitMQ's own default, in bytes.
const LEAST_FREE_DISK: u64 = 50_000_000;

/// The service switches these on for every broker. Each costs a little at boot.
const PLUGINS: &[&str] = &[
    "rabbitmq_management",
    "rabbitmq_prometheus",
    "rabbitmq_shovel",
    "rabbitmq_shovel_management",
    "rabbitmq_federation",
    "rabbitmq_federation_management",
    "rabbitmq_consistent_hash_exchange",
];

/// This one too, from version 4 on.
const PLUGIN_OF_4: &str = "rabbitmq_jms_topic_exchange";

/// RabbitMQ.
#[derive(Debug, Clone, Copy)]
pub struct RabbitMq;

impl Engine for RabbitMq {
    fn desired(&self, blueprint: &Blueprint<'_>) -> Result<Vec<InstanceSpec>, Unsupported> {
        let spec = &blueprint.broker.spec;
        if spec.deployment_mode != DeploymentMode::SingleInstance {
            return Err(Unsupported("RabbitMQ clusters can't be run yet".to_owned()));
        }
        only_comments(blueprint.configuration)?;
        let Some(queue_limits) =
            spec.host_instance_type.queue_limits(version(blueprint), spec.deployment_mode)
        else {
            return Err(Unsupported(format!(
                "RabbitMQ {} does not run on {}",
                version(blueprint),
                spec.host_instance_type
            )));
        };
        let limits = common::limits(blueprint, PIDS)?;
        let materials = blueprint.materials;
        let cookie = materials
            .erlang_cookie
            .as_deref()
            .ok_or_else(|| Unsupported("the broker's Erlang cookie is missing".to_owned()))?;
        let (conf, data) = (&blueprint.image.config_root, &blueprint.image.data_root);
        // RabbitMQ itself adds what the chain needs from ca.pem.
        let files = vec![
            common::file(
                conf,
                "rabbitmq.conf",
                0o640,
                configuration(blueprint, limits, queue_limits),
            ),
            common::file(conf, "enabled_plugins", 0o640, plugins(version(blueprint))),
            common::file(conf, "definitions.json", 0o640, definitions(blueprint)?),
            common::file(conf, "tls/ca.pem", 0o640, materials.authority_pem.as_bytes()),
            common::file(conf, "tls/server.pem", 0o640, materials.certificate_pem.as_bytes()),
            common::file(conf, "tls/server.key", 0o400, materials.private_key_pem.as_bytes()),
            common::file(data, ".erlang.cookie", 0o400, cookie),
        ];
        Ok(vec![common::instance(blueprint, 1, limits, files, Duration::from_mins(1))])
    }

    fn probes(&self) -> &'static [Protocol] {
        &[Protocol::Amqp]
    }

    fn boot_deadline(&self) -> Duration {
        Duration::from_mins(2)
    }
}

/// The version that really runs, which may stand in for the one that was asked for.
fn version(blueprint: &Blueprint<'_>) -> EngineVersion {
    blueprint.image.version
}

fn only_comments(configuration: &str) -> Result<(), Unsupported> {
    let setting =
        configuration.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'));
    setting.map_or(Ok(()), |line| {
        let key = line.split('=').next().unwrap_or(line).trim();
        Err(Unsupported(format!(
            "the configuration sets {key}, but brokerd can't apply RabbitMQ settings yet"
        )))
    })
}

fn plugins(version: EngineVersion) -> String {
    let mut names = PLUGINS.to_vec();
    if version.major >= 4 {
        names.push(PLUGIN_OF_4);
    }
    format!("[{}].\n", names.join(","))
}

/// How much memory RabbitMQ may use before it blocks publishers: the tier's share of the container.
fn watermark(blueprint: &Blueprint<'_>, limits: Limits) -> u64 {
    let tier = blueprint.broker.spec.host_instance_type;
    let share = limits.memory_bytes as f64 / tier.memory_bytes() as f64;
    common::scaled(tier.memory_watermark_bytes(), share).max(LEAST_WATERMARK)
}

/// How much free disk RabbitMQ keeps before it blocks publishers.
///
/// The tiers' 10 GiB and more are a twentieth of the service's own disks. Here brokers share the
/// host's disk, and the same number would block every publisher on a small host: an eighth of the
/// container's memory is kept, at most 1 GiB, and never more than the tier's own.
fn free_disk(blueprint: &Blueprint<'_>, limits: Limits) -> u64 {
    let tier = blueprint.broker.spec.host_instance_type.disk_free_limit_bytes();
    (limits.memory_bytes / 8)
        .min(GIB)
        .min(common::scaled(tier, blueprint.sizing.scale))
        .max(LEAST_FREE_DISK)
}

fn configuration(blueprint: &Blueprint<'_>, limits: Limits, queue_limits: QueueLimits) -> String {
    let root = &blueprint.image.config_root;
    let mut text =
        String::from("# Written by brokerd; changes are lost when the broker is rebooted.\n");
    let mut set = |key: &str, value: &dyn std::fmt::Display| {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{key} = {value}");
    };
    set("listeners.tcp", &"none");
    set("listeners.ssl.default", &Protocol::Amqp.engine_port(EngineType::RabbitMq));
    set("management.ssl.port", &Protocol::Console.engine_port(EngineType::RabbitMq));
    for prefix in ["ssl_options", "management.ssl"] {
        set(&format!("{prefix}.cacertfile"), &format_args!("{root}/tls/ca.pem"));
        set(&format!("{prefix}.certfile"), &format_args!("{root}/tls/server.pem"));
        set(&format!("{prefix}.keyfile"), &format_args!("{root}/tls/server.key"));
        set(&format!("{prefix}.versions.1"), &"tlsv1.3");
        set(&format!("{prefix}.versions.2"), &"tlsv1.2");
        set(&format!("{prefix}.honor_cipher_order"), &true);
    }
    set("ssl_options.verify", &"verify_none");
    set("ssl_options.fail_if_no_peer_cert", &false);
    // The headers of the service's `secure.management.http.headers.enabled`.
    set("management.headers.content_type_options", &"nosniff");
    set("management.headers.frame_options", &"DENY");
    set("management.hsts.policy", &"max-age=47304000; includeSubDomains");
    if version(blueprint).major >= 4 {
        // Only the service changes operator policies; 3.10 has no such key.
        set("management.restrictions.operator_policy_changes.disabled", &true);
    }
    set("prometheus.tcp.ip", &"127.0.0.1");
    set("prometheus.tcp.port", &15692);
    // Imported once and not again at the next start, so that users and policies changed by the owner
    // stay changed. With definitions there is neither a guest user nor a default vhost.
    set("definitions.import_backend", &"local_filesystem");
    set("definitions.local.path", &format_args!("{root}/definitions.json"));
    set("definitions.skip_if_unchanged", &true);
    // RabbitMQ does not see every kind of container limit and would take the host's memory.
    set("total_memory_available_override_value", &limits.memory_bytes);
    set("vm_memory_high_watermark.absolute", &watermark(blueprint, limits));
    set("disk_free_limit.absolute", &free_disk(blueprint, limits));
    set("log.console", &true);
    set("log.console.level", &"info");
    set("log.file", &false);
    set("heartbeat", &60);
    set("consumer_timeout", &1_800_000);
    for (key, value) in limit_keys(version(blueprint), queue_limits) {
        set(key, &value);
    }
    text
}

/// The tier's limits by the keys that the version knows; an unknown key would keep it from booting.
///
/// 3.10 knows no others; 4.0 lacks `cluster_exchange_limit`, which 4.3 has. Of the versions in
/// between, that are not known, only what both neighbours have is assumed.
fn limit_keys(version: EngineVersion, limits: QueueLimits) -> Vec<(&'static str, u32)> {
    let mut keys =
        vec![("connection_max", limits.connections), ("max_message_size", limits.message_bytes)];
    if version >= EngineVersion::new(4, 0) {
        keys.extend([
            ("channel_max_per_node", limits.channels),
            ("consumer_max_per_channel", limits.consumers_per_channel),
            ("cluster_queue_limit", limits.queues),
            ("vhost_max", limits.vhosts),
            ("runtime_parameters.limits.shovel", limits.shovels),
        ]);
    }
    if version >= EngineVersion::new(4, 3)
        && let Some(exchanges) = limits.exchanges
    {
        keys.push(("cluster_exchange_limit", exchanges));
    }
    keys
}

fn definitions(blueprint: &Blueprint<'_>) -> Result<String, Unsupported> {
    let users: Vec<Value> =
        blueprint.users.iter().map(|u| user(blueprint, u)).collect::<Result<_, _>>()?;
    let permissions: Vec<Value> = blueprint
        .users
        .iter()
        .map(|u| {
            json!({
                "user": u.username, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*",
            })
        })
        .collect();
    let document = json!({
        "users": users,
        "vhosts": [{ "name": "/" }],
        "permissions": permissions,
        "topic_permissions": [],
        "parameters": parameters(blueprint),
        "global_parameters": [],
        "policies": [{
            "vhost": "/",
            "name": "AWS-DEFAULT-POLICY-SINGLE-INSTANCE",
            "pattern": ".*",
            "apply-to": "queues",
            "priority": 0,
            // Accepted and without effect from version 4 on, as in the service.
            "definition": { "queue-mode": "lazy" },
        }],
        "queues": [],
        "exchanges": [],
        "bindings": [],
    });
    Ok(format!("{document:#}\n"))
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
    let limits = blueprint.broker.spec.host_instance_type.vhost_limits();
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
