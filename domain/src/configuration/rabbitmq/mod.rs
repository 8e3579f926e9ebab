//! RabbitMQ configurations: what UpdateConfiguration takes, what a broker may be given, and what
//! applies to it.
//!
//! Source: "Configuring a RabbitMQ broker", "Configuring resource limits" and "Authentication and
//! authorization" of the developer guide. The texts of most refusals are not published.

mod authentication;
mod permitted;
mod query;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;

use crate::{
    catalogue::{
        AuthenticationStrategy, DeploymentMode, EngineVersion, HostInstanceType, QueueLimits,
    },
    kernel::{ConfigurationId, Error},
};
use syntax::{Setting, invalid};

/// A configuration revision for RabbitMQ that was found valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RabbitMqConfiguration {
    settings: Vec<Setting>,
}

impl RabbitMqConfiguration {
    /// Checks a text as UpdateConfiguration does; the version is the configuration's.
    ///
    /// # Errors
    /// A 400 on `data` that names the line and the key, and what would be valid.
    pub fn parse(version: EngineVersion, text: &str) -> Result<Self, Error> {
        let mut settings = syntax::read(text)?;
        for setting in &mut settings {
            setting.value = check(setting, version).map_err(|why| invalid(setting.line, why))?;
        }
        authentication::check(&settings).map_err(|(line, why)| invalid(line, why))?;
        Ok(Self { settings })
    }

    /// The keys that a configuration for this version may set: `#` stands for a number from 1 on, `$` for any word.
    pub fn permitted_keys(version: EngineVersion) -> impl Iterator<Item = &'static str> {
        permitted::keys(version)
    }

    /// The roles that it names, for whichever brokers.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        let is_role = |setting: &&Setting| setting.key.strip_prefix(permitted::ARNS) == Some(ROLE);
        self.settings.iter().filter(is_role).map(|setting| setting.value.as_str())
    }

    /// Whether it has a key that says how clients prove who they are: by which backend or mechanism, or by certificates.
    pub fn configures_authentication(&self) -> bool {
        self.settings.iter().any(|setting| {
            let key = setting.key.strip_prefix(permitted::ARNS).unwrap_or(&setting.key);
            let word = key.split('.').next().unwrap_or_default();
            word.starts_with("auth_") || word == "ssl_options"
        })
    }

    /// What a broker's authentication strategy becomes with this configuration: client certificates
    /// alone, without logging in by them, leave it simple.
    pub fn authentication_strategy(&self) -> AuthenticationStrategy {
        // The last one counts.
        let values: BTreeMap<_, _> =
            self.settings.iter().map(|s| (s.key.as_str(), s.value.as_str())).collect();
        let managed = values.iter().any(|(key, value)| match key.split('.').next() {
            Some("auth_backends") => *value != "internal",
            Some("auth_mechanisms") => *value == "EXTERNAL",
            _ => false,
        });
        if managed { AuthenticationStrategy::ConfigManaged } else { AuthenticationStrategy::Simple }
    }

    /// Whether a broker may be given this configuration: the rest of the checks, which CreateBroker
    /// and UpdateBroker make because they depend on the broker.
    ///
    /// # Errors
    /// A 400. The sentence on limits is the service's own.
    pub fn check_association(
        &self,
        configuration: ConfigurationId,
        revision: i32,
        version: EngineVersion,
        host: HostInstanceType,
        mode: DeploymentMode,
    ) -> Result<(), Error> {
        for setting in &self.settings {
            check(setting, version).map_err(|why| {
                Error::bad_request(
                    "configuration",
                    format!(
                        "Revision [{revision}] of configuration [{configuration}] can't be used by a \
                         broker with engine version [{version}]: line {}: {why}.",
                        setting.line
                    ),
                )
            })?;
        }
        let Some(maxima) = host.queue_limit_maxima(version, mode) else { return Ok(()) };
        let applying = self.effective(host, mode, version);
        for key in permitted::LIMITS {
            let (Some(value), Some(most)) = (applying.number(key), limit(&maxima, key)) else {
                continue;
            };
            if value > u64::from(most) {
                return Err(Error::bad_request_overall(format!(
                    "Configuration Revision {revision} for configuration:{key} has limit: of value: \
                     {value} larger than maximum allowed limit:{most}"
                )));
            }
        }
        Ok(())
    }

    /// What applies to a broker of this type and mode whose engine really has this version.
    ///
    /// Of a key that is set more than once, in a section for this broker or outside of sections, the
    /// last one in the text counts. Keys without an effect in the version are left out.
    pub fn effective(
        &self,
        host: HostInstanceType,
        mode: DeploymentMode,
        version: EngineVersion,
    ) -> RabbitMqSettings {
        let applies = |setting: &&Setting| {
            setting.section.is_none_or(|s| s.host == host && s.mode == mode)
                && permitted::has_effect(&setting.key, version)
        };
        let settings = self.settings.iter().filter(applies);
        RabbitMqSettings { values: settings.map(|s| (s.key.clone(), s.value.clone())).collect() }
    }
}

/// The key of the role as which everything else is fetched.
const ROLE: &str = "assume_role_arn";

/// The settings that apply to one broker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RabbitMqSettings {
    values: BTreeMap<String, String>,
}

impl RabbitMqSettings {
    /// Every key with its value, sorted by key.
    ///
    /// Words of keys are as they were written, with a backslash before a dot that belongs to a word.
    /// LDAP queries are Erlang terms on one line, without the dot at their end.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Every key that starts with this word, with its words after it and its value.
    pub fn below(&self, word: &str) -> impl Iterator<Item = (Vec<&str>, &str)> {
        self.iter().filter_map(move |(key, value)| {
            let words = syntax::words(key);
            let (first, rest) = words.split_first()?;
            (*first == word).then(|| (rest.to_vec(), value))
        })
    }

    /// What is kept elsewhere: for which key, and its ARN.
    pub fn references(&self) -> impl Iterator<Item = (&str, &str)> {
        let named =
            self.iter().filter_map(|(k, arn)| Some((k.strip_prefix(permitted::ARNS)?, arn)));
        named.filter(|(key, _)| *key != ROLE)
    }

    /// The role as which that is fetched.
    pub fn assumed_role(&self) -> Option<&str> {
        self.iter().find_map(|(k, arn)| (k.strip_prefix(permitted::ARNS)? == ROLE).then_some(arn))
    }

    /// Whether logins or permissions are asked of this backend, directly or through the cache.
    pub fn uses_backend(&self, backend: &str) -> bool {
        let cached = self.below("auth_cache").filter(|(w, _)| w.first() == Some(&"cached_backend"));
        self.below("auth_backends").chain(cached).any(|(_, value)| value == backend)
    }

    /// Whether clients may log in by this mechanism because the configuration says so.
    pub fn uses_mechanism(&self, mechanism: &str) -> bool {
        self.below("auth_mechanisms").any(|(_, value)| value == mechanism)
    }

    /// The limits of the broker, given those it has when nothing is configured.
    pub fn limits(&self, defaults: QueueLimits) -> QueueLimits {
        let or = |key: &str, default: u32| {
            self.number(key).and_then(|n| u32::try_from(n).ok()).unwrap_or(default)
        };
        QueueLimits {
            connections: or("connection_max", defaults.connections),
            channels: or("channel_max_per_node", defaults.channels),
            consumers_per_channel: or("consumer_max_per_channel", defaults.consumers_per_channel),
            queues: or("cluster_queue_limit", defaults.queues),
            vhosts: or("vhost_max", defaults.vhosts),
            shovels: or("runtime_parameters.limits.shovel", defaults.shovels),
            exchanges: defaults.exchanges.map(|n| or("cluster_exchange_limit", n)),
            message_bytes: or("max_message_size", defaults.message_bytes),
        }
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.get(key).and_then(|value| value.parse().ok())
    }
}

/// One of the limits by its key.
fn limit(limits: &QueueLimits, key: &str) -> Option<u32> {
    match key {
        "connection_max" => Some(limits.connections),
        "channel_max_per_node" => Some(limits.channels),
        "consumer_max_per_channel" => Some(limits.consumers_per_channel),
        "cluster_queue_limit" => Some(limits.queues),
        "vhost_max" => Some(limits.vhosts),
        "runtime_parameters.limits.shovel" => Some(limits.shovels),
        "cluster_exchange_limit" => limits.exchanges,
        "max_message_size" => Some(limits.message_bytes),
        _ => None,
    }
}

/// Checks one setting for a version and gives its value in the form for the broker.
fn check(setting: &Setting, version: EngineVersion) -> Result<String, String> {
    if setting.section.is_some() {
        if version.major < 4 {
            return Err("sections need RabbitMQ 4.0 or later".to_owned());
        }
        if !permitted::LIMITS.contains(&setting.key.as_str()) {
            return Err(format!(
                "[{}] can't be set in a section. Valid keys: [{}]",
                setting.key,
                permitted::LIMITS.join(", ")
            ));
        }
    }
    permitted::kind(&setting.key, version)?.check(&setting.key, &setting.value, version)
}
