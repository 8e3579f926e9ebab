//! What is known of a broker's instances without rendering them, and as whom brokerd asks them.

use std::time::Duration;

use brokerd_domain::{Broker, EngineType, Protocol, instance::host_name};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::{health::Login, pki::materials::Materials, plan::InstanceIdentity};

/// The name of brokerd's own user of a RabbitMQ broker.
///
/// Source: "RabbitMQ broker defaults" of the developer guide.
pub const MONITORING_USER: &str = "monitoring-AWS-OWNED-DO-NOT-DELETE";

/// How long an orderly stop may take.
const ACTIVEMQ_STOP_GRACE: Duration = Duration::from_secs(30);
/// How long an orderly stop may take.
const RABBITMQ_STOP_GRACE: Duration = Duration::from_mins(1);

/// The instances of a broker, in order of their ordinals.
pub fn instances(broker: &Broker) -> Vec<InstanceIdentity> {
    let kind = broker.spec.engine_type;
    let page = match kind {
        // Every node has one on the same port; brokerd reads it also where the broker's users can't.
        EngineType::RabbitMq => Some(&Protocol::PrometheusNode1),
        EngineType::ActiveMq => None,
    };
    let protocols = Protocol::of(kind).iter().chain(page);
    let ports: Vec<u16> = protocols.map(|protocol| protocol.engine_port(kind)).collect();
    let stop_grace = match kind {
        EngineType::ActiveMq => ACTIVEMQ_STOP_GRACE,
        EngineType::RabbitMq => RABBITMQ_STOP_GRACE,
    };
    let identity = |ordinal| InstanceIdentity {
        ordinal,
        hostname: host_name(broker.id, ordinal),
        ports: ports.clone(),
        stop_grace,
    };
    (1..=broker.spec.deployment_mode.instances()).map(identity).collect()
}

/// The monitoring user: a user of RabbitMQ; the launcher of ActiveMQ knows only this name and password.
pub fn login(materials: &Materials) -> Option<Login> {
    if let Some(monitoring) = &materials.monitoring {
        let password = SecretString::from(monitoring.password.clone());
        return Some(Login { username: MONITORING_USER, password });
    }
    let keystore_password = materials.keystore_password.as_deref()?;
    // As long and as random as what it is made from, which the engine has anyway.
    let digest =
        Sha256::new().chain_update("network links\0").chain_update(keystore_password).finalize();
    Some(Login { username: "brokerd", password: SecretString::from(hex::encode(digest)) })
}
