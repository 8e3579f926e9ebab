//! What the service sets on a new RabbitMQ broker, as its management API shows it.
//!
//! Source: "RabbitMQ broker defaults" and "Applying policies" of the developer guide; of 3.10 and 4.0, which the
//! service does not offer, what their kin have.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_mq::types::DeploymentMode;
use serde_json::{Value, json};

use crate::{Management, PASSWORD, TIMEOUT, USER, World, clients, retry};

/// Those that every broker has.
const PLUGINS: &[&str] = &[
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_federation",
    "rabbitmq_federation_management",
    "rabbitmq_management",
    "rabbitmq_prometheus",
    "rabbitmq_shovel",
    "rabbitmq_shovel_management",
];

/// What a new broker of `mq.m7g.medium` has.
#[derive(Debug)]
pub struct Defaults {
    is_4: bool,
    is_protected: bool,
    is_cluster: bool,
}

impl Defaults {
    /// That of this version and mode.
    pub fn of(version: &str, mode: &DeploymentMode) -> Self {
        Self {
            is_4: version.starts_with("4."),
            is_protected: version.starts_with("4.") && version != "4.0",
            is_cluster: *mode == DeploymentMode::ClusterMultiAz,
        }
    }

    /// One row per thing that is asked for: its path, the members that are compared, and what they have to be.
    fn table(&self) -> Vec<(&'static str, &'static [&'static str], Value)> {
        let tags = if self.is_protected {
            json!(["monitoring", "protected"])
        } else {
            json!(["monitoring"])
        };
        let mut plugins = PLUGINS.to_vec();
        if self.is_4 {
            plugins.push("rabbitmq_jms_topic_exchange");
        }
        plugins.sort_unstable();
        let operator = if self.is_4 {
            json!([["default_operator_policy_AWS_managed", ".*", "classic_queues", 0, { "queue-version": 2 }]])
        } else {
            json!([])
        };
        let limits = match (self.is_4, self.is_cluster) {
            (true, _) => json!([]),
            (false, _) => json!([["/", { "max-queues": 100, "max-connections": 100 }]]),
        };
        vec![
            ("vhosts", &["name"], json!([["/"]])),
            (
                "users",
                &["name", "tags"],
                json!([[USER, ["administrator"]], ["monitoring-AWS-OWNED-DO-NOT-DELETE", tags]]),
            ),
            (
                "permissions",
                &["user", "vhost", "configure", "write", "read"],
                // brokerd's own user may do what calls of the API take.
                json!([
                    [USER, "/", ".*", ".*", ".*"],
                    ["monitoring-AWS-OWNED-DO-NOT-DELETE", "/", ".*", r"^amq\.default$", ".*"]
                ]),
            ),
            (
                "policies",
                &["name", "pattern", "apply-to", "priority", "definition"],
                self.policies(),
            ),
            (
                "operator-policies",
                &["name", "pattern", "apply-to", "priority", "definition"],
                operator,
            ),
            ("vhost-limits", &["vhost", "value"], limits),
            ("nodes?columns=enabled_plugins", &["enabled_plugins"], {
                let node = json!([plugins]);
                Value::Array(vec![node; if self.is_cluster { 3 } else { 1 }])
            }),
        ]
    }

    fn policies(&self) -> Value {
        let lazy = json!({ "queue-mode": "lazy" });
        let bounded = json!({ "max-length": 500_000, "overflow": "reject-publish" });
        let both =
            json!({ "queue-mode": "lazy", "max-length": 500_000, "overflow": "reject-publish" });
        match (self.is_4, self.is_cluster) {
            (_, false) => {
                json!([["AWS-DEFAULT-POLICY-SINGLE-INSTANCE", ".*", "queues", 0, lazy]])
            }
            (true, true) => json!([
                ["AWS-DEFAULT-POLICY-CLUSTER", ".*", "classic_queues", 1, both],
                [
                    "AWS-DEFAULT-QUORUM-QUEUES-POLICY-CLUSTER-MULTI-AZ",
                    ".*",
                    "quorum_queues",
                    1,
                    bounded
                ],
            ]),
            (false, true) => {
                let mirrored = json!({ "ha-mode": "all", "ha-sync-mode": "automatic" });
                let mut all = both;
                all["ha-mode"] = json!("all");
                all["ha-sync-mode"] = json!("automatic");
                json!([
                    ["AWS-DEFAULT-POLICY-CLUSTER-MULTI-AZ", ".*", "queues", 1, all],
                    ["ha-all-AWS-OWNED-DO-NOT-DELETE", ".*", "queues", 0, mirrored],
                ])
            }
        }
    }

    /// A broker that its owner has not touched has all of it.
    ///
    /// # Errors
    /// When it has something else.
    pub fn hold(&self, world: &World, broker: &str) -> Result<()> {
        let management = Management::of(world, broker, USER, PASSWORD)?;
        for (path, members, expected) in self.table() {
            let expected = sorted(expected);
            // Some nodes tell of themselves only seconds after they have booted.
            retry(path, TIMEOUT, || {
                let found = management.get(path)?;
                let row = |item: &Value| {
                    let values = members.iter().map(|member| sorted(item[*member].clone()));
                    Value::Array(values.collect())
                };
                let found = found.as_array().context("a list")?.iter().map(row).collect();
                let found = sorted(Value::Array(found));
                ensure!(found == expected, "{found}, not {expected}");
                Ok(())
            })?;
        }
        self.features(&management).context("feature flags")?;
        self.queues(&management).context("queues")?;
        mechanisms(world, broker).context("mechanisms")
    }

    /// Khepri from 4 on, as in the service.
    fn features(&self, management: &Management) -> Result<()> {
        let flags = management.get("feature-flags")?;
        let khepri =
            flags.as_array().context("a list")?.iter().find(|flag| flag["name"] == "khepri_db");
        let enabled = khepri.is_some_and(|flag| flag["state"] == "enabled");
        ensure!(enabled == self.is_4, "{khepri:?}");
        Ok(())
    }

    /// What a queue is that does not say.
    fn queues(&self, management: &Management) -> Result<()> {
        let path = "queues/%2F/defaults.probe";
        management.change(&[("PUT", path, json!({ "durable": true }))])?;
        let queue = management.get(path)?;
        let expected = if self.is_4 { "quorum" } else { "classic" };
        ensure!(queue["type"] == expected, "{queue}");
        management.change(&[("DELETE", path, Value::Null)])
    }
}

/// What RabbitMQ offers before anybody has logged in.
fn mechanisms(world: &World, broker: &str) -> Result<()> {
    let offered = clients::mechanisms(&world.ca(), &world.api.endpoint(broker, "amqps")?)?;
    ensure!(offered == ["AMQPLAIN", "PLAIN"], "{offered:?}");
    Ok(())
}

/// Neither lists nor rows have an order here.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items;
            if items.iter().all(|item| item.is_string() || item.is_array())
                && !items.iter().any(Value::is_number)
            {
                items.sort_by_key(Value::to_string);
            }
            Value::Array(items)
        }
        other => other,
    }
}
