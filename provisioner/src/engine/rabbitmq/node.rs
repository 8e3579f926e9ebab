//! What several files of a node are made from.

use brokerd_domain::{DeploymentMode, EngineVersion, instance::Limits};

use crate::engine::{
    blueprint::Blueprint,
    common::{self, GIB, MIB},
};

/// Below this an idle node is over its watermark and blocks publishers for ever: an idle 4.3 node
/// uses about 170 MB.
const MIN_WATERMARK: u64 = 256 * MIB;

/// RabbitMQ's own default, in bytes.
const MIN_FREE_DISK: u64 = 50_000_000;

/// The authorities that RabbitMQ trusts as a client: the installation's own and the public ones.
pub(super) const TRUSTED: &str = "tls/trusted.pem";

/// Where the scripts take arguments of the Erlang machine from.
const ERLANG_ARGUMENTS: &str = "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=";

/// The version that really runs, which may stand in for the one that was asked for.
pub(super) fn version(blueprint: &Blueprint<'_>) -> EngineVersion {
    blueprint.image.version
}

pub(super) fn is_cluster(blueprint: &Blueprint<'_>) -> bool {
    blueprint.broker.spec.deployment_mode == DeploymentMode::ClusterMultiAz
}

/// Adds arguments to those of the Erlang machine.
pub(super) fn add_arguments(environment: &mut Vec<String>, arguments: &str) {
    match environment.iter_mut().find(|variable| variable.starts_with(ERLANG_ARGUMENTS)) {
        Some(variable) => {
            variable.push(' ');
            variable.push_str(arguments);
        }
        None => environment.push(format!("{ERLANG_ARGUMENTS}{arguments}")),
    }
}

pub(super) fn trusted_path(root: &str) -> String {
    format!("{root}/{TRUSTED}")
}

/// How much memory RabbitMQ may use before it blocks publishers: the tier's share of the container.
pub(super) fn watermark(blueprint: &Blueprint<'_>, limits: Limits) -> u64 {
    let tier = blueprint.broker.spec.host_instance_type;
    let share = limits.memory_bytes as f64 / tier.memory_bytes() as f64;
    common::scaled(tier.memory_watermark_bytes(), share).max(MIN_WATERMARK)
}

/// How much free disk RabbitMQ keeps before it blocks publishers.
///
/// On a disk of the broker's own that is the tier's. The tiers' 10 GiB and more are a twentieth of such
/// disks. Where brokers share the host's disk, the same number would block every publisher on a small
/// host: an eighth of the container's memory is kept, at most 1 GiB, and never more than the tier's own.
pub(super) fn free_disk(blueprint: &Blueprint<'_>, limits: Limits) -> u64 {
    let (tier, mode) =
        (blueprint.broker.spec.host_instance_type, blueprint.broker.spec.deployment_mode);
    if blueprint.materials.own_disk {
        return tier.disk_free_limit_bytes(mode).max(MIN_FREE_DISK);
    }
    let tier = tier.disk_free_limit_bytes(DeploymentMode::SingleInstance);
    (limits.memory_bytes / 8)
        .min(GIB)
        .min(common::scaled(tier, blueprint.sizing.scale))
        .max(MIN_FREE_DISK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_the_arguments_it_has() {
        let mut environment = vec!["A=b".to_owned(), format!("{ERLANG_ARGUMENTS}+sbwt none")];
        add_arguments(&mut environment, "-a b");
        assert_eq!(environment, ["A=b", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+sbwt none -a b"]);
        let mut none = Vec::new();
        add_arguments(&mut none, "-a b");
        assert_eq!(none, ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-a b"]);
    }
}
