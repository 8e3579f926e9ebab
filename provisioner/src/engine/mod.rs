//! What brokerd knows of the engines: rendered files, limits, what proves that one serves.
//!
//! Pure: the same broker, materials and image give the same [`InstanceSpec`], byte for byte.

pub mod activemq;
mod common;
pub mod rabbitmq;

use std::time::Duration;

use brokerd_domain::{Broker, BrokerSpec, BrokerUser, EngineType, InstallationId, Protocol};
use secrecy::SecretString;

use crate::{
    catalogue::Image,
    materials::{self, Materials},
    runtime::{Capacity, InstanceSpec, Limits},
};

/// How tiers are mapped to the host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizing {
    /// Factor on the memory and processors of the tier, above 0 and at most 1.
    pub scale: f64,
    /// How many files an instance may have open.
    pub open_files: u64,
    /// Whether new brokers get disks of their own of the tier's size.
    pub sized_volumes: bool,
}

/// Everything an instance is rendered from.
#[derive(Debug)]
pub struct Blueprint<'a> {
    /// The installation.
    pub installation: &'a InstallationId,
    /// The broker.
    pub broker: &'a Broker,
    /// Its users with their passwords.
    pub users: &'a [BrokerUser],
    /// The password of its directory's service account.
    pub ldap_password: Option<&'a SecretString>,
    /// The configuration revision in force.
    pub configuration: &'a str,
    /// What was issued for it.
    pub materials: &'a Materials,
    /// What runs it.
    pub image: &'a Image,
    /// How the tier is mapped.
    pub sizing: Sizing,
    /// What the host has.
    pub capacity: Capacity,
}

/// Why a broker can't run here, in a sentence for its owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsupported(pub String);

/// One kind of engine.
pub trait Engine: Send + Sync + 'static {
    /// The instances that should exist, in order of their ordinals.
    ///
    /// # Errors
    /// [`Unsupported`] when this host can't run them.
    fn desired(&self, blueprint: &Blueprint<'_>) -> Result<Vec<InstanceSpec>, Unsupported>;

    /// What a new broker begins with, to be stored with it; none: the engine needs nothing of the kind.
    ///
    /// # Errors
    /// [`Unsupported`] when it can't be rendered.
    fn seed(&self, _: &Blueprint<'_>) -> Result<Option<String>, Unsupported> {
        Ok(None)
    }

    /// What each instance may use when it serves.
    ///
    /// # Errors
    /// [`Unsupported`] when this host has not got that.
    fn limits(
        &self,
        spec: &BrokerSpec,
        sizing: Sizing,
        capacity: Capacity,
    ) -> Result<Limits, Unsupported>;

    /// The protocols that must answer before an instance counts as ready.
    fn probes(&self) -> &'static [Protocol];

    /// How long a boot may take before it counts as hung.
    fn boot_deadline(&self) -> Duration;
}

/// What is known of an instance without rendering it: all that it takes to keep it alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceIdentity {
    /// From 1 on.
    pub ordinal: u8,
    /// The host name inside the broker's network, by which its peers call it.
    pub hostname: String,
    /// The engine's ports.
    pub ports: Vec<u16>,
    /// How long an orderly stop may take.
    pub stop_grace: Duration,
}

/// The instances of a broker, in order of their ordinals.
pub fn instances(broker: &Broker) -> Vec<InstanceIdentity> {
    let kind = broker.spec.engine_type;
    let ports: Vec<u16> =
        Protocol::of(kind).iter().map(|protocol| protocol.engine_port(kind)).collect();
    let stop_grace = match kind {
        EngineType::ActiveMq => activemq::STOP_GRACE,
        EngineType::RabbitMq => rabbitmq::STOP_GRACE,
    };
    let identity = |ordinal| InstanceIdentity {
        ordinal,
        hostname: materials::host_name(broker, ordinal),
        ports: ports.clone(),
        stop_grace,
    };
    (1..=broker.spec.deployment_mode.instances()).map(identity).collect()
}

/// The engines as a provisioner was told to run them.
#[derive(Debug, Clone, Default)]
pub struct Engines {
    /// ActiveMQ Classic.
    pub activemq: activemq::ActiveMq,
    /// RabbitMQ.
    pub rabbitmq: rabbitmq::RabbitMq,
}

impl Engines {
    /// The engine of that type.
    pub fn of(&self, kind: EngineType) -> &dyn Engine {
        match kind {
            EngineType::ActiveMq => &self.activemq,
            EngineType::RabbitMq => &self.rabbitmq,
        }
    }
}
