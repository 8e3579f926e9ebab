//! Which engine versions can be had here, and on what.

use std::collections::BTreeSet;

use crate::{
    DeploymentMode, EngineType, EngineVersion, Error, HostInstanceType, StorageType,
    instance_type::unsupported, instance_types,
};

/// The deployment modes this brokerd can run. A mode the service has and this list has not is
/// refused by name, never pretended.
pub const SUPPORTED_DEPLOYMENT_MODES: &[DeploymentMode] = &[
    DeploymentMode::SingleInstance,
    DeploymentMode::ActiveStandbyMultiAz,
    DeploymentMode::ClusterMultiAz,
];

/// The engine versions that can run: those whose image is present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offerings {
    versions: BTreeSet<(EngineType, EngineVersion)>,
}

/// One row of DescribeBrokerInstanceOptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceOption {
    /// The engine.
    pub engine: EngineType,
    /// The instance type.
    pub host: HostInstanceType,
    /// The storage.
    pub storage: StorageType,
    /// How brokers may be deployed.
    pub modes: Vec<DeploymentMode>,
    /// Which versions, newest first.
    pub versions: Vec<EngineVersion>,
}

impl FromIterator<(EngineType, EngineVersion)> for Offerings {
    fn from_iter<I: IntoIterator<Item = (EngineType, EngineVersion)>>(versions: I) -> Self {
        Self { versions: versions.into_iter().collect() }
    }
}

impl Offerings {
    /// Whether nothing can be created.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The versions of an engine, newest first.
    pub fn versions(&self, engine: EngineType) -> Vec<EngineVersion> {
        self.versions.iter().rev().filter(|(e, _)| *e == engine).map(|(_, v)| *v).collect()
    }

    /// Reads a caller's version, or takes the newest one.
    ///
    /// # Errors
    /// The service's 400 on `engineVersion` that lists the valid values.
    pub fn version(&self, engine: EngineType, text: Option<&str>) -> Result<EngineVersion, Error> {
        let versions = self.versions(engine);
        let found = match text {
            None => versions.first().copied(),
            Some(text) => text.parse().ok().filter(|v| versions.contains(v)),
        };
        found.ok_or_else(|| {
            let valid: Vec<String> = versions.iter().map(ToString::to_string).collect();
            Error::bad_request(
                "engineVersion",
                format!(
                    "Broker engine version [{}] is invalid for broker engine type [{engine}]. Valid values: [{}].",
                    text.unwrap_or_default(),
                    valid.join(", ")
                ),
            )
        })
    }

    /// Every combination that CreateBroker accepts.
    pub fn instance_options(&self) -> Vec<InstanceOption> {
        let mut options = Vec::new();
        for engine in EngineType::ALL {
            for host in instance_types() {
                for storage in StorageType::ALL {
                    let mut modes = Vec::new();
                    let mut versions = Vec::new();
                    for version in self.versions(*engine) {
                        let here = offered_modes(host, *engine, version, *storage);
                        if !here.is_empty() {
                            modes = here;
                            versions.push(version);
                        }
                    }
                    if !versions.is_empty() {
                        options.push(InstanceOption {
                            engine: *engine,
                            host,
                            storage: *storage,
                            modes,
                            versions,
                        });
                    }
                }
            }
        }
        options
    }

    /// Whether this combination can be created.
    ///
    /// # Errors
    /// A 400 on the member that does not fit the others.
    pub fn check(
        &self,
        engine: EngineType,
        version: EngineVersion,
        host: HostInstanceType,
        storage: StorageType,
        mode: DeploymentMode,
    ) -> Result<(), Error> {
        let by_storage = |s: StorageType| host.deployment_modes(engine, version, s);
        if StorageType::ALL.iter().all(|s| by_storage(*s).is_empty()) {
            return Err(unsupported(engine, host.name()));
        }
        if by_storage(storage).is_empty() {
            return Err(Error::bad_request(
                "storageType",
                format!(
                    "Broker engine type [{}] does not support storage type [{storage}] on host instance type [{host}].",
                    engine.display_name()
                ),
            ));
        }
        if !by_storage(storage).contains(&mode) {
            return Err(Error::bad_request(
                "deploymentMode",
                format!(
                    "Broker engine type [{}] with storage type [{storage}] on host instance type [{host}] does not support deployment mode [{mode}].",
                    engine.display_name()
                ),
            ));
        }
        if !SUPPORTED_DEPLOYMENT_MODES.contains(&mode) {
            return Err(Error::bad_request(
                "deploymentMode",
                format!("Deployment mode [{mode}] is not implemented by this version of brokerd."),
            ));
        }
        Ok(())
    }
}

fn offered_modes(
    host: HostInstanceType,
    engine: EngineType,
    version: EngineVersion,
    storage: StorageType,
) -> Vec<DeploymentMode> {
    host.deployment_modes(engine, version, storage)
        .iter()
        .copied()
        .filter(|mode| SUPPORTED_DEPLOYMENT_MODES.contains(mode))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offerings() -> Offerings {
        [
            (EngineType::ActiveMq, EngineVersion::new(5, 18)),
            (EngineType::ActiveMq, EngineVersion::new(5, 19)),
            (EngineType::RabbitMq, EngineVersion::new(3, 10)),
            (EngineType::RabbitMq, EngineVersion::new(4, 3)),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn the_newest_version_is_the_default() {
        assert_eq!(offerings().version(EngineType::ActiveMq, None), Ok(EngineVersion::new(5, 19)));
        assert_eq!(
            offerings().version(EngineType::RabbitMq, Some("3.10")),
            Ok(EngineVersion::new(3, 10))
        );
    }

    #[test]
    fn a_version_that_is_not_offered_is_refused_with_the_valid_ones() {
        let refused =
            offerings().version(EngineType::ActiveMq, Some("5.18.7")).expect_err("a patch");
        assert_eq!(
            refused.message,
            "Broker engine version [5.18.7] is invalid for broker engine type [ACTIVEMQ]. Valid values: [5.19, 5.18]."
        );
        assert!(Offerings::default().version(EngineType::ActiveMq, None).is_err());
    }

    #[test]
    fn every_option_listed_can_be_created_and_no_other() {
        let offerings = offerings();
        let options = offerings.instance_options();
        assert!(
            options.iter().any(|o| o.host.name() == "mq.t3.micro" && o.storage == StorageType::Efs)
        );
        for engine in EngineType::ALL {
            for version in offerings.versions(*engine) {
                for host in instance_types() {
                    for storage in StorageType::ALL {
                        for mode in DeploymentMode::ALL {
                            let listed = options.iter().any(|o| {
                                o.engine == *engine
                                    && o.host == host
                                    && o.storage == *storage
                                    && o.modes.contains(mode)
                                    && o.versions.contains(&version)
                            });
                            let accepted = offerings.check(*engine, version, host, *storage, *mode);
                            assert_eq!(
                                listed,
                                accepted.is_ok(),
                                "{engine} {version} {host} {storage} {mode}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn rabbitmq_on_a_micro_is_refused_in_the_services_words() {
        let micro = HostInstanceType::from_name("mq.t3.micro").expect("known");
        let refused = offerings()
            .check(
                EngineType::RabbitMq,
                EngineVersion::new(4, 3),
                micro,
                StorageType::Ebs,
                DeploymentMode::SingleInstance,
            )
            .expect_err("no micro");
        assert_eq!(
            refused.message,
            "Broker engine type [RabbitMQ] does not support host instance type [mq.t3.micro]."
        );
    }
}
