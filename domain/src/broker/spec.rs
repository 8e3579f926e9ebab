//! What was asked for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    AuthenticationStrategy, DeploymentMode, EngineType, EngineVersion, Error, HostInstanceType,
    LdapServerMetadata, MaintenanceWindow, StorageType,
};

/// A broker's name: 1–50 letters, digits, hyphens and underscores; unique per account and region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BrokerName(String);

impl BrokerName {
    /// Checks a caller's name.
    ///
    /// # Errors
    /// A 400 on `brokerName`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.is_empty() || text.chars().count() > 50 {
            return Err(Error::bad_request(
                "brokerName",
                "Broker name is invalid. Enter a name 1 to 50 characters long.",
            ));
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(Error::bad_request(
                "brokerName",
                "Make sure your Broker name only contains valid characters.",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BrokerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is asked of the encryption at rest.
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

/// What runs, or should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerSpec {
    /// The engine.
    pub engine_type: EngineType,
    /// Its version.
    pub engine_version: EngineVersion,
    /// How many instances.
    pub deployment_mode: DeploymentMode,
    /// The tier.
    pub host_instance_type: HostInstanceType,
    /// What holds the messages.
    pub storage_type: StorageType,
    /// Whether endpoints are reachable from other machines.
    pub publicly_accessible: bool,
    /// Whether patch upgrades are installed in the maintenance window.
    pub auto_minor_version_upgrade: bool,
    /// Who decides about logins.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broker_names_follow_the_rules() {
        for good in ["a", "A-b_9", &"x".repeat(50)] {
            assert!(BrokerName::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "a.b", "a~b", "a b", "ä", &"x".repeat(51)] {
            assert!(BrokerName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
