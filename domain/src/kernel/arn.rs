//! Amazon resource names of brokers and configurations.

use std::{fmt, str::FromStr};

use super::{
    id::{BrokerId, ConfigurationId},
    name::BrokerName,
    scope::Scope,
};

/// The resource of an [`Arn`] of service `mq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// `broker:<brokerName>:<brokerId>`.
    Broker {
        /// The broker's name.
        name: BrokerName,
        /// The broker's identifier, which alone decides.
        id: BrokerId,
    },
    /// `configuration:<configurationId>`.
    Configuration {
        /// The configuration's identifier.
        id: ConfigurationId,
    },
}

/// `arn:aws:mq:<region>:<account>:<resource>`.
///
/// Source: service authorization reference, "Resource types defined by Amazon MQ". The partition is
/// always `aws`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arn {
    /// Account and region.
    pub scope: Scope,
    /// The resource.
    pub resource: Resource,
}

impl Arn {
    /// The ARN of a broker.
    pub fn broker(scope: &Scope, name: &BrokerName, id: BrokerId) -> Self {
        Self { scope: scope.clone(), resource: Resource::Broker { name: name.clone(), id } }
    }

    /// The ARN of a configuration.
    pub fn configuration(scope: &Scope, id: ConfigurationId) -> Self {
        Self { scope: scope.clone(), resource: Resource::Configuration { id } }
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:mq:{}:{}:", self.scope.region, self.scope.account)?;
        match &self.resource {
            Resource::Broker { name, id } => write!(f, "broker:{name}:{id}"),
            Resource::Configuration { id } => write!(f, "configuration:{id}"),
        }
    }
}

/// The text is no ARN of a broker or configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the ARN of a broker or configuration")]
pub struct InvalidArn;

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", "aws", "mq", region, account, resource @ ..] = parts.as_slice() else {
            return Err(InvalidArn);
        };
        let scope = Scope {
            account: account.parse().map_err(|_| InvalidArn)?,
            region: region.parse().map_err(|_| InvalidArn)?,
        };
        let resource = match resource {
            ["broker", name, id] => Resource::Broker {
                name: BrokerName::parse(name).map_err(|_| InvalidArn)?,
                id: id.parse().map_err(|_| InvalidArn)?,
            },
            ["configuration", id] => {
                Resource::Configuration { id: id.parse().map_err(|_| InvalidArn)? }
            }
            _ => return Err(InvalidArn),
        };
        Ok(Self { scope, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_back_as_written() {
        for text in [
            "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1234a5b6-78cd-401e-af00-314506001789",
            "arn:aws:mq:eu-west-3:123456789012:configuration:c-1234a5b6-78cd-401e-af00-314506001789",
        ] {
            assert_eq!(text.parse::<Arn>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn other_arns_are_refused() {
        for text in [
            "",
            "arn:aws:s3:::bucket",
            "arn:aws:mq:us-east-1:000000000000:broker:orders",
            "arn:aws:mq:us-east-1:0:broker:orders:b-1234a5b6-78cd-401e-af00-314506001789",
            "arn:aws:mq:us-east-1:000000000000:configuration:x:c-1234a5b6-78cd-401e-af00-314506001789",
        ] {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }
}
