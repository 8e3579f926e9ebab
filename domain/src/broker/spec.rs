//! The specification of a broker: what its owner asked for.

use serde::{Deserialize, Serialize};

use crate::{
    access::LdapServerMetadata,
    catalogue::{
        AuthenticationStrategy, DeploymentMode, EngineType, EngineVersion, HostInstanceType,
        StorageType, storage_size,
    },
    maintenance::MaintenanceWindow,
};

/// Counts the accepted changes of a broker's spec, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub i64);

/// The encryption at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptionOptions {
    /// Whether the service's own key is used.
    pub use_aws_owned_key: bool,
    /// The key, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
}

/// Which logs are published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// The general log.
    pub general: bool,
    /// The audit log (ActiveMQ).
    pub audit: bool,
}

/// The specification of a broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerSpec {
    /// The engine.
    pub engine_type: EngineType,
    /// Its version.
    pub engine_version: EngineVersion,
    /// How many instances.
    pub deployment_mode: DeploymentMode,
    /// The instance type.
    pub host_instance_type: HostInstanceType,
    /// The storage of the messages.
    pub storage_type: StorageType,
    /// Whether endpoints are reachable from other machines.
    pub publicly_accessible: bool,
    /// Whether patch upgrades are installed in the maintenance window.
    pub auto_minor_version_upgrade: bool,
    /// The authentication strategy.
    pub authentication_strategy: AuthenticationStrategy,
    /// The subnets.
    pub subnet_ids: Vec<String>,
    /// The security groups; empty for public RabbitMQ brokers.
    pub security_groups: Vec<String>,
    /// Encryption at rest.
    pub encryption: EncryptionOptions,
    /// When maintenance may happen.
    pub maintenance_window: MaintenanceWindow,
    /// Which logs are published.
    pub logs: Logs,
    /// The directory, for strategy `LDAP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapServerMetadata>,
    /// Gigabytes of a cluster's node; none: the instance type's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_size: Option<u32>,
}

impl BrokerSpec {
    /// How large the disk of each instance is, in bytes; a pair has one together.
    pub fn storage_bytes(&self) -> u64 {
        storage_size::storage_bytes(
            self.host_instance_type,
            self.deployment_mode,
            self.storage_size,
        )
    }
}
