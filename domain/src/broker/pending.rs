//! Pending changes: accepted, and applied by the next reboot or maintenance window.

use serde::{Deserialize, Serialize};

use super::spec::{BrokerSpec, Logs};
use crate::{
    access::LdapServerMetadata,
    catalogue::{AuthenticationStrategy, EngineVersion, HostInstanceType},
};

/// The changes of a broker's specification that wait. Its configuration waits in
/// [`crate::Configurations::pending`], changes of users with each user.
///
/// Source: "Immediate or pending" follows from the `pending*` members of DescribeBroker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PendingChanges {
    /// The authentication strategy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_strategy: Option<AuthenticationStrategy>,
    /// The engine version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<EngineVersion>,
    /// The instance type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_instance_type: Option<HostInstanceType>,
    /// The directory; its password waits beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ldap: Option<LdapServerMetadata>,
    /// The published logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<Logs>,
    /// Gigabytes per node; an inner none goes back to the default.
    #[serde(skip_serializing_if = "Option::is_none", with = "nullable")]
    pub storage_size: Option<Option<u32>>,
}

impl PendingChanges {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The specification once everything that waits is applied.
    #[must_use]
    pub fn applied_to(&self, spec: &BrokerSpec) -> BrokerSpec {
        let mut spec = spec.clone();
        if let Some(strategy) = self.authentication_strategy {
            spec.authentication_strategy = strategy;
        }
        if let Some(version) = self.engine_version {
            spec.engine_version = version;
        }
        if let Some(host) = self.host_instance_type {
            spec.host_instance_type = host;
        }
        if let Some(ldap) = &self.ldap {
            spec.ldap = Some(ldap.clone());
        }
        if spec.authentication_strategy != AuthenticationStrategy::Ldap {
            spec.ldap = None;
        }
        if let Some(logs) = self.logs {
            spec.logs = logs;
        }
        if let Some(size) = self.storage_size {
            spec.storage_size = size;
        }
        spec
    }
}

/// Sets what waits: a value equal to the one in force waits for nothing. Gives back whether the caller
/// changed anything.
pub(crate) fn set<T: PartialEq + Clone>(pending: &mut Option<T>, current: &T, wanted: T) -> bool {
    let next = (wanted != *current).then_some(wanted);
    let changed = next != *pending;
    *pending = next;
    changed
}

/// A null that was written is told from a member that is missing.
mod nullable {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::option_option, reason = "serde hands over the field's own type")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Option<u32>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.unwrap_or_default().serialize(serializer)
    }

    #[expect(clippy::option_option, reason = "serde takes the field's own type")]
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<u32>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::tests::broker;

    #[test]
    fn what_waits_is_read_back_and_a_default_size_is_told_from_none() {
        for size in [None, Some(None), Some(Some(15))] {
            let pending = PendingChanges { storage_size: size, ..PendingChanges::default() };
            let text = serde_json::to_string(&pending).expect("JSON");
            assert_eq!(serde_json::from_str::<PendingChanges>(&text).expect(&text), pending);
        }
        assert_eq!(serde_json::from_str::<PendingChanges>("{}").ok(), Some(<_>::default()));
    }

    #[test]
    fn everything_that_waits_is_applied_and_nothing_else() {
        let spec = broker().spec;
        assert_eq!(PendingChanges::default().applied_to(&spec), spec);
        let pending = PendingChanges {
            engine_version: Some(EngineVersion::new(4, 9)),
            logs: Some(Logs { general: true, audit: false }),
            storage_size: Some(Some(10)),
            ..PendingChanges::default()
        };
        let applied = pending.applied_to(&spec);
        assert_eq!(applied.engine_version, EngineVersion::new(4, 9));
        assert_eq!((applied.logs.general, applied.storage_size), (true, Some(10)));
        assert_eq!(applied.host_instance_type, spec.host_instance_type);
    }

    #[test]
    fn going_back_to_what_is_in_force_waits_for_nothing() {
        let mut pending = None;
        assert!(!set(&mut pending, &1, 1));
        assert!(set(&mut pending, &1, 2));
        assert!(!set(&mut pending, &1, 2));
        assert_eq!(pending, Some(2));
        assert!(set(&mut pending, &1, 1));
        assert_eq!(pending, None);
    }
}
