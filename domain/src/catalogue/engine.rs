//! Engines, their versions, deployment modes, storage types and authentication strategies.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::kernel::wire_enum::wire_enum;

wire_enum!(
    /// Which software a broker runs.
    EngineType, "engineType", {
        /// Apache ActiveMQ Classic.
        ActiveMq = "ACTIVEMQ",
        /// RabbitMQ.
        RabbitMq = "RABBITMQ",
    }
);

impl EngineType {
    /// The spelling of DescribeBroker, ListBrokers and the configurations.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::ActiveMq => "ActiveMQ",
            Self::RabbitMq => "RabbitMQ",
        }
    }
}

wire_enum!(
    /// How many instances a broker has and how they share the work.
    DeploymentMode, "deploymentMode", {
        /// One instance.
        SingleInstance = "SINGLE_INSTANCE",
        /// An ActiveMQ pair on one store.
        ActiveStandbyMultiAz = "ACTIVE_STANDBY_MULTI_AZ",
        /// Three RabbitMQ nodes.
        ClusterMultiAz = "CLUSTER_MULTI_AZ",
    }
);

impl DeploymentMode {
    /// How many instances run.
    pub const fn instances(self) -> u8 {
        match self {
            Self::SingleInstance => 1,
            Self::ActiveStandbyMultiAz => 2,
            Self::ClusterMultiAz => 3,
        }
    }

    /// How many disks they have: a pair has one together.
    pub const fn disks(self) -> u8 {
        match self {
            Self::SingleInstance | Self::ActiveStandbyMultiAz => 1,
            Self::ClusterMultiAz => 3,
        }
    }
}

wire_enum!(
    /// The storage of a broker's messages.
    StorageType, "storageType", {
        /// A volume of one instance ("throughput optimised").
        Ebs = "EBS",
        /// A volume shared by a broker's instances ("durability optimised").
        Efs = "EFS",
    }
);

impl StorageType {
    /// The spelling of every answer.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Ebs => "ebs",
            Self::Efs => "efs",
        }
    }
}

wire_enum!(
    /// How logins of messaging clients are checked.
    AuthenticationStrategy, "authenticationStrategy", {
        /// The broker's own users.
        Simple = "SIMPLE",
        /// An LDAP directory (ActiveMQ).
        Ldap = "LDAP",
        /// As the configuration says (RabbitMQ).
        ConfigManaged = "CONFIG_MANAGED",
    }
);

impl AuthenticationStrategy {
    /// The spelling of every answer.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Ldap => "ldap",
            Self::ConfigManaged => "config_managed",
        }
    }
}

/// `major.minor`, the only form in which the service names engine versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EngineVersion {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
}

impl EngineVersion {
    /// `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for EngineVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is no `major.minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an engine version is major.minor")]
pub struct InvalidEngineVersion;

impl FromStr for EngineVersion {
    type Err = InvalidEngineVersion;

    fn from_str(text: &str) -> Result<Self, InvalidEngineVersion> {
        let (major, minor) = text.split_once('.').ok_or(InvalidEngineVersion)?;
        let number = |part: &str| part.parse().map_err(|_| InvalidEngineVersion);
        let version = Self { major: number(major)?, minor: number(minor)? };
        // `05.19` and `+5.19` parse as numbers, but are not how anybody writes a version.
        if version.to_string() == text { Ok(version) } else { Err(InvalidEngineVersion) }
    }
}

impl TryFrom<String> for EngineVersion {
    type Error = InvalidEngineVersion;
    fn try_from(text: String) -> Result<Self, InvalidEngineVersion> {
        text.parse()
    }
}

impl From<EngineVersion> for String {
    fn from(version: EngineVersion) -> String {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enumerations_are_read_in_any_letter_case() {
        for text in ["ACTIVEMQ", "ActiveMQ", "activemq"] {
            assert_eq!(EngineType::parse(text), Ok(EngineType::ActiveMq));
        }
        let refused = EngineType::parse("kafka").expect_err("kafka is no engine");
        assert_eq!(refused.attribute.as_deref(), Some("engineType"));
        assert_eq!(
            refused.message,
            "Value [kafka] is invalid for [engineType]. Valid values: [ACTIVEMQ, RABBITMQ]."
        );
    }

    #[test]
    fn engine_versions_are_major_and_minor_only() {
        assert_eq!("5.19".parse(), Ok(EngineVersion::new(5, 19)));
        for wrong in ["5", "5.19.1", "05.19", "5.", ".19", "5.x", "+5.19", ""] {
            assert!(wrong.parse::<EngineVersion>().is_err(), "{wrong}");
        }
        assert!(EngineVersion::new(5, 9) < EngineVersion::new(5, 18));
    }
}
