//! Offerings: the engine versions that can run here, and on which instance types.

use std::collections::BTreeMap;

use super::{
    engine::{DeploymentMode, EngineType, EngineVersion, StorageType},
    instance_type::{HostInstanceType, instance_types, unsupported},
};
use crate::kernel::Error;

/// The engine versions that can run: those whose image is present, and those that one of them stands in for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offerings {
    /// With the version that really runs.
    versions: BTreeMap<(EngineType, EngineVersion), EngineVersion>,
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
        versions.into_iter().map(|(engine, version)| (engine, version, version)).collect()
    }
}

impl FromIterator<(EngineType, EngineVersion, EngineVersion)> for Offerings {
    /// From the engine, the version as callers name it, and the version that serves it.
    fn from_iter<I>(versions: I) -> Self
    where
        I: IntoIterator<Item = (EngineType, EngineVersion, EngineVersion)>,
    {
        let served = |(engine, asked, runs)| ((engine, asked), runs);
        Self { versions: versions.into_iter().map(served).collect() }
    }
}

impl Offerings {
    /// Whether nothing can be created.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The versions of an engine, newest first.
    pub fn versions(&self, engine: EngineType) -> Vec<EngineVersion> {
        self.versions.keys().rev().filter(|(e, _)| *e == engine).map(|(_, v)| *v).collect()
    }

    /// The version that serves brokers of this one: another one if that stands in for it.
    pub fn serving(&self, engine: EngineType, version: EngineVersion) -> EngineVersion {
        self.versions.get(&(engine, version)).copied().unwrap_or(version)
    }

    /// Reads a caller's version, or takes the newest one.
    ///
    /// # Errors
    /// The service's 400 on `engineVersion` that lists the valid values; of a version that another one could
    /// stand in for it says how.
    pub fn version(&self, engine: EngineType, text: Option<&str>) -> Result<EngineVersion, Error> {
        let versions = self.versions(engine);
        let found = match text {
            None => versions.first().copied(),
            Some(text) => text.parse().ok().filter(|v| versions.contains(v)),
        };
        found.ok_or_else(|| {
            let valid: Vec<String> = versions.iter().map(ToString::to_string).collect();
            let asked = text.unwrap_or_default();
            let mut message = format!(
                "Broker engine version [{asked}] is invalid for broker engine type [{engine}]. Valid values: [{}].",
                valid.join(", ")
            );
            if let Some(other) = self.could_serve(engine, asked) {
                message.push_str(&format!(
                    " Here [{other}] can stand in for it, if brokerd's operator sets engines.stand_in = \
                     {{ \"{asked}\" = \"{other}\" }} (or BROKERD_ENGINES_STAND_IN={asked}={other})."
                ));
            }
            Error::bad_request("engineVersion", message)
        })
    }

    /// The oldest version here that is newer than this one, which is not offered, and can run it.
    fn could_serve(&self, engine: EngineType, asked: &str) -> Option<EngineVersion> {
        let asked: EngineVersion = asked.parse().ok()?;
        let newer = |((e, version), runs): (&(EngineType, EngineVersion), &EngineVersion)| {
            (*e == engine && version == runs && *version > asked).then_some(*version)
        };
        self.versions.iter().find_map(newer)
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
                        let here = host.deployment_modes(*engine, version, *storage);
                        if !here.is_empty() {
                            modes = here.to_vec();
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
        Ok(())
    }
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

    fn served(versions: &[(EngineType, &str, &str)]) -> Offerings {
        let version = |text: &str| text.parse::<EngineVersion>().expect("a version");
        versions.iter().map(|(e, asked, runs)| (*e, version(asked), version(runs))).collect()
    }

    #[test]
    fn what_another_version_could_stand_in_for_is_refused_with_the_setting_that_permits_it() {
        let (amq, rabbit) = (EngineType::ActiveMq, EngineType::RabbitMq);
        let here = served(&[(amq, "5.18", "5.18"), (rabbit, "4.2", "4.3"), (rabbit, "4.3", "4.3")]);
        for (engine, asked, other) in [
            (rabbit, "3.13", Some("4.3")),
            (amq, "5.17", Some("5.18")),
            // Newer than everything here, no version at all, or a patch.
            (amq, "5.19", None),
            (rabbit, "latest", None),
            (amq, "5.17.6", None),
        ] {
            let refused = here.version(engine, Some(asked)).expect_err(asked).message;
            let service = format!(
                "Broker engine version [{asked}] is invalid for broker engine type [{engine}]. Valid values: ["
            );
            assert!(refused.starts_with(&service), "{refused}");
            match other {
                None => assert!(refused.ends_with("]."), "{refused}"),
                Some(other) => {
                    let setting = format!("engines.stand_in = {{ \"{asked}\" = \"{other}\" }}");
                    assert!(refused.contains(&setting), "{refused}");
                    let variable = format!("BROKERD_ENGINES_STAND_IN={asked}={other}");
                    assert!(refused.contains(&variable), "{refused}");
                }
            }
        }
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
    fn rabbitmq_on_a_micro_is_refused_with_the_services_message() {
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
