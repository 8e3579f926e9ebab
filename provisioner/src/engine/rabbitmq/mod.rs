//! RabbitMQ.
//!
//! Sources: "RabbitMQ broker defaults", "Resource limits" and "Default policies" of the developer
//! guide for what the service sets; the schema files of RabbitMQ 3.10.8, 4.0.5 and 4.3.6 for which
//! keys exist.

mod accounts;
mod advanced;
mod cluster;
mod configuration;
mod definitions;
mod listeners;
mod metrics_page;
mod node;
mod resolved_arns;
mod terms;

use std::time::Duration;

use brokerd_domain::{
    BrokerSpec, EngineVersion, Protocol, RabbitMqConfiguration, RabbitMqSettings,
    instance::{InstanceSpec, Limits},
};

use self::{
    node::{TRUSTED, add_arguments, is_cluster, version},
    resolved_arns::ResolvedArns,
};
use super::{
    blueprint::{Blueprint, Engine, Sizing, Unsupported},
    common,
    identity::instances,
};
use crate::{pki::tls, runtime::Capacity};

/// RabbitMQ is one process with a few dozen threads; the rest is for its scripts.
const PIDS: u32 = 1024;

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

/// The service switches these on when the configuration uses them: the plugin, the backend or the
/// mechanism that needs it, and the keys that only it knows.
const PLUGINS_ON_DEMAND: &[(&str, &str, &str)] = &[
    ("rabbitmq_auth_backend_oauth2", "oauth2", "auth_oauth2"),
    ("rabbitmq_auth_backend_ldap", "ldap", "auth_ldap"),
    ("rabbitmq_auth_backend_http", "http", "auth_http"),
    ("rabbitmq_auth_backend_cache", "cache", "auth_cache"),
];

/// Images say `-`, and then RabbitMQ does not look at what its configuration says of the format.
const LOGS_AS_CONFIGURED: &str = "RABBITMQ_LOGS=";

/// What a new broker of 4.0 begins with: what it begins with anyway, and Khepri, which the service and
/// every later version have. The step from Mnesia to it takes nodes that all run, and a later version can't
/// make it while the nodes of a cluster boot. A node reads this before it has data, and never again.
const FEATURES_OF_4_0: &str = "RABBITMQ_FEATURE_FLAGS=detailed_queues_endpoint,\
    message_containers_deaths_v2,quorum_queue_non_voters,rabbit_exchange_type_local_random,\
    rabbitmq_4.0.0,khepri_db";

/// RabbitMQ.
#[derive(Debug, Clone, Copy, Default)]
pub struct RabbitMq;

impl Engine for RabbitMq {
    fn desired(&self, blueprint: &Blueprint<'_>) -> Result<Vec<InstanceSpec>, Unsupported> {
        let spec = &blueprint.broker.spec;
        let configured = RabbitMqConfiguration::parse(spec.engine_version, blueprint.configuration)
            .map_err(|error| Unsupported(error.message))?;
        let settings =
            configured.effective(spec.host_instance_type, spec.deployment_mode, version(blueprint));
        // The tier's limits are those of the version that was asked for, whatever runs it.
        let Some(queue_limits) =
            spec.host_instance_type.queue_limits(spec.engine_version, spec.deployment_mode)
        else {
            return Err(Unsupported(format!(
                "RabbitMQ {} does not run on {}",
                spec.engine_version, spec.host_instance_type
            )));
        };
        let resolved_arns = ResolvedArns::of(blueprint, &settings)?;
        let limits = self.limits(spec, blueprint.sizing, blueprint.capacity)?;
        let materials = blueprint.materials;
        let cookie = materials
            .erlang_cookie
            .as_deref()
            .ok_or_else(|| Unsupported("the broker's Erlang cookie is missing".to_owned()))?;
        let seed = match &materials.seed {
            Some(seed) => seed.clone(),
            None => definitions::render(blueprint)?,
        };
        let (conf, data) = (&blueprint.image.config_root, &blueprint.image.data_root);
        let [certificate, key] = listeners::ECDSA;
        // RabbitMQ itself adds what the chain needs from ca.pem.
        let mut files = vec![
            common::file(
                conf,
                "rabbitmq.conf",
                0o640,
                configuration::render(blueprint, limits, queue_limits, &settings, &resolved_arns),
            ),
            common::file(conf, "enabled_plugins", 0o640, plugins(version(blueprint), &settings)),
            common::file(conf, "definitions.json", 0o640, seed),
            common::file(conf, "tls/ca.pem", 0o640, materials.trusted().as_bytes()),
            common::file(conf, certificate, 0o640, materials.certificate_pem.as_bytes()),
            common::file(conf, key, 0o400, materials.private_key_pem.as_bytes()),
            // Passwords are in it.
            common::file(
                conf,
                "advanced.config",
                0o400,
                advanced::render(blueprint, &settings, &resolved_arns),
            ),
            common::file(
                conf,
                TRUSTED,
                0o640,
                format!("{}{}", materials.trusted(), tls::public_authorities_pem()),
            ),
            common::file(data, ".erlang.cookie", 0o400, cookie),
        ];
        if let Some(rsa) = &materials.rsa {
            let [certificate, key] = listeners::RSA;
            files.push(common::file(conf, certificate, 0o640, rsa.certificate_pem.as_bytes()));
            files.push(common::file(conf, key, 0o400, rsa.private_key_pem.as_bytes()));
        }
        files.extend(resolved_arns.files(materials.trusted()));
        let accounts = accounts::program(blueprint);
        let keeps_accounts = accounts.is_some();
        files.extend(accounts.map(|program| common::file(conf, accounts::FILE, 0o640, program)));
        let nodes = instances(blueprint.broker).into_iter();
        Ok(nodes
            .map(|identity| {
                let mut node = common::instance(blueprint, identity, limits, files.clone());
                node.environment.push(LOGS_AS_CONFIGURED.to_owned());
                if keeps_accounts {
                    add_arguments(&mut node.environment, &accounts::argument(conf));
                }
                if version(blueprint) == EngineVersion::new(4, 0) {
                    node.environment.push(FEATURES_OF_4_0.to_owned());
                }
                if is_cluster(blueprint) {
                    cluster::environment(&mut node.environment);
                }
                node
            })
            .collect())
    }

    fn seed(&self, blueprint: &Blueprint<'_>) -> Result<Option<String>, Unsupported> {
        definitions::render(blueprint).map(Some)
    }

    fn limits(
        &self,
        spec: &BrokerSpec,
        sizing: Sizing,
        capacity: Capacity,
    ) -> Result<Limits, Unsupported> {
        common::limits(spec, sizing, capacity, PIDS)
    }

    fn probes(&self) -> &'static [Protocol] {
        &[Protocol::Amqp]
    }

    fn boot_deadline(&self) -> Duration {
        Duration::from_mins(2)
    }
}

fn plugins(version: EngineVersion, settings: &RabbitMqSettings) -> String {
    let mut names = PLUGINS.to_vec();
    if version.major >= 4 {
        names.push(PLUGIN_OF_4);
    }
    for (plugin, backend, keys) in PLUGINS_ON_DEMAND {
        if settings.uses_backend(backend) || settings.below(keys).next().is_some() {
            names.push(plugin);
        }
    }
    if settings.uses_mechanism("EXTERNAL") {
        names.push("rabbitmq_auth_mechanism_ssl");
    }
    format!("[{}].\n", names.join(","))
}
