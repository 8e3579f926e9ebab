//! UpdateBroker: the checks of a change, and its split into what is in force at once and what is pending.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};

use super::{
    Broker,
    action::ActionCode,
    checks::{ldap_required, ldap_without_strategy, oldest_forced, parse_security_group_ids},
    data_replication::{self, Candidate},
    pending::{PendingChanges, set},
    permitted_in_state::BrokerOperation,
    spec::{BrokerSpec, Logs},
};
use crate::{
    access::{LdapServerMetadata, LdapServerMetadataInput},
    catalogue::{
        AuthenticationStrategy, DeploymentMode, EngineType, HostInstanceType, Offerings,
        storage_size, upgrade,
    },
    configuration::{
        ConfigurationRevision, Configurations,
        association::{self, TargetBroker},
    },
    kernel::{Error, Timestamp, required},
    maintenance::{MaintenanceWindow, WindowChanges},
};

/// Most resource shares a broker may name.
///
/// Source: quota page of the developer guide.
const MAX_RESOURCE_SHARES: usize = 10;

/// The request as it was sent: only the types of its members are checked.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the members are those of UpdateBroker, name by name")]
pub struct UpdateBrokerInput {
    pub authentication_strategy: Option<String>,
    pub auto_minor_version_upgrade: Option<bool>,
    pub data_replication_mode: Option<String>,
    pub engine_version: Option<String>,
    pub host_instance_type: Option<String>,
    pub ldap_server_metadata: Option<LdapServerMetadataInput>,
    pub logs: Option<(Option<bool>, Option<bool>)>,
    pub maintenance_window: Option<(Option<String>, Option<String>, Option<String>)>,
    pub resource_share_arns: Option<Vec<String>>,
    pub security_groups: Option<Vec<String>>,
    pub storage_size: Option<i64>,
}

/// A member that a request changed; the answer shows these and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the members are those of UpdateBroker, name by name")]
pub enum UpdatedMember {
    AuthenticationStrategy,
    AutoMinorVersionUpgrade,
    Configuration,
    EngineVersion,
    HostInstanceType,
    LdapServerMetadata,
    Logs,
    MaintenanceWindow,
    SecurityGroups,
    StorageSize,
}

impl UpdatedMember {
    /// The name of the member in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthenticationStrategy => "authenticationStrategy",
            Self::AutoMinorVersionUpgrade => "autoMinorVersionUpgrade",
            Self::Configuration => "configuration",
            Self::EngineVersion => "engineVersion",
            Self::HostInstanceType => "hostInstanceType",
            Self::LdapServerMetadata => "ldapServerMetadata",
            Self::Logs => "logs",
            Self::MaintenanceWindow => "maintenanceWindowStartTime",
            Self::SecurityGroups => "securityGroups",
            Self::StorageSize => "storageSize",
        }
    }
}

/// A valid UpdateBroker: the broker as it is afterwards.
#[derive(Debug, Clone)]
pub struct BrokerUpdate {
    /// The specification in force.
    pub spec: BrokerSpec,
    /// The pending changes.
    pub pending: PendingChanges,
    /// The configurations; a new one is pending.
    pub configurations: Configurations,
    /// How often the maintenance window was changed.
    pub window_changes: WindowChanges,
    /// The password of the directory's service account, when it was given.
    pub ldap_password: Option<SecretString>,
    /// The members that the request changed.
    pub changed: BTreeSet<UpdatedMember>,
}

/// The context of an update, beside the broker.
#[derive(Debug, Clone, Copy)]
pub struct UpdateContext<'a> {
    /// The configuration revision that the caller names, as it was found.
    pub revision: Option<&'a ConfigurationRevision>,
    /// The revision that waits or, if none does, is in force, when the caller names none.
    pub kept_revision: Option<&'a ConfigurationRevision>,
    /// The password of the directory that is in force, when the caller names a directory.
    pub ldap_password: Option<&'a SecretString>,
    /// The engine versions that can run.
    pub offerings: &'a Offerings,
    /// The present moment.
    pub now: Timestamp,
}

impl Broker {
    /// Checks a caller's changes and works out what they make of the broker. Absent members, and members
    /// that repeat what is, change nothing; going back to what is in force takes back what waits.
    ///
    /// # Errors
    /// A 409 in a state in which brokers can't be updated, a 400 on the first member at fault.
    pub fn update(
        &self,
        input: UpdateBrokerInput,
        context: UpdateContext<'_>,
    ) -> Result<BrokerUpdate, Error> {
        self.check_state(BrokerOperation::UpdateBroker)?;
        let mut update = BrokerUpdate {
            spec: self.spec.clone(),
            pending: self.pending.clone(),
            configurations: self.configurations.clone(),
            window_changes: self.window_changes,
            ldap_password: None,
            changed: BTreeSet::new(),
        };
        update.engine(self, &input, context)?;
        update.logins(self, &input, context)?;
        update.rest(input, context.now)?;
        self.check_required_actions(&update)?;
        Ok(update)
    }

    /// Source: the pages on RABBITMQ_MEMORY_ALARM and RABBITMQ_DISK_ALARM of the developer guide.
    fn check_required_actions(&self, update: &BrokerUpdate) -> Result<(), Error> {
        let raised = |code| self.status.actions_required.iter().any(|a| a.code == code);
        let target = update.pending.applied_to(&update.spec).host_instance_type;
        let current = self.spec.host_instance_type;
        let refuse = |code: ActionCode| {
            Err(Error::bad_request(
                "hostInstanceType",
                format!("The instance type can't be changed while action [{code}] is required."),
            ))
        };
        if !update.changed.contains(&UpdatedMember::HostInstanceType) || target == current {
            return Ok(());
        }
        if raised(ActionCode::RabbitmqDiskAlarm) {
            return refuse(ActionCode::RabbitmqDiskAlarm);
        }
        let grows = target.memory_bytes() > current.memory_bytes();
        let is_cluster = self.spec.deployment_mode == DeploymentMode::ClusterMultiAz;
        if raised(ActionCode::RabbitmqMemoryAlarm) && (is_cluster || !grows) {
            return refuse(ActionCode::RabbitmqMemoryAlarm);
        }
        Ok(())
    }
}

impl BrokerUpdate {
    fn note(&mut self, member: UpdatedMember, changed: bool) {
        if changed {
            self.changed.insert(member);
        }
    }

    /// Version, tier, storage.
    fn engine(
        &mut self,
        broker: &Broker,
        input: &UpdateBrokerInput,
        context: UpdateContext<'_>,
    ) -> Result<(), Error> {
        let spec = &broker.spec;
        let engine = spec.engine_type;
        if let Some(text) = input.engine_version.as_deref() {
            // What runs may have left the offer since.
            let wanted = match text.parse() {
                Ok(version) if version == spec.engine_version => version,
                _ => context.offerings.version(engine, Some(text))?,
            };
            upgrade::check_version(engine, spec.engine_version, wanted, context.offerings)?;
            let changed = set(&mut self.pending.engine_version, &spec.engine_version, wanted);
            self.note(UpdatedMember::EngineVersion, changed);
        }
        if let Some(name) = input.host_instance_type.as_deref() {
            let wanted = HostInstanceType::parse(engine, name)?;
            upgrade::check_host(engine, spec.host_instance_type, wanted)?;
            let changed =
                set(&mut self.pending.host_instance_type, &spec.host_instance_type, wanted);
            self.note(UpdatedMember::HostInstanceType, changed);
        }
        let target = self.pending.applied_to(spec);
        let (version, host) = (target.engine_version, target.host_instance_type);
        if version != spec.engine_version || host != spec.host_instance_type {
            let (storage, mode) = (spec.storage_type, spec.deployment_mode);
            context.offerings.check(engine, version, host, storage, mode)?;
        }
        if let Some(size) = input.storage_size {
            let wanted = match size {
                0 => None,
                size => storage_size::parse(size, engine, version, spec.deployment_mode, host)?,
            };
            let changed = set(&mut self.pending.storage_size, &spec.storage_size, wanted);
            self.note(UpdatedMember::StorageSize, changed);
        } else if let Some(kept) = target.storage_size
            && (input.host_instance_type.is_some() || input.engine_version.is_some())
        {
            // What was chosen for one instance type may be too little or too much for another, and versions before 4.2
            // have no choice.
            storage_size::parse(kept.into(), engine, version, spec.deployment_mode, host)?;
        }
        let upgrades = input.auto_minor_version_upgrade.unwrap_or(spec.auto_minor_version_upgrade);
        let forced = (version.major, version.minor) >= oldest_forced(engine);
        if !upgrades && forced {
            let what = match (input.auto_minor_version_upgrade, version == spec.engine_version) {
                (Some(false), _) => "on",
                (_, false) => "upgrading to",
                (_, true) => return Ok(()),
            };
            return Err(Error::bad_request(
                "autoMinorVersionUpgrade",
                format!(
                    "Brokers {what} [{}] version [{version}] must have [autoMinorVersionUpgrade] set to [true].",
                    engine.display_name()
                ),
            ));
        }
        self.note(
            UpdatedMember::AutoMinorVersionUpgrade,
            upgrades != self.spec.auto_minor_version_upgrade,
        );
        self.spec.auto_minor_version_upgrade = upgrades;
        Ok(())
    }

    /// The configuration and the authentication strategy.
    fn logins(
        &mut self,
        broker: &Broker,
        input: &UpdateBrokerInput,
        context: UpdateContext<'_>,
    ) -> Result<(), Error> {
        let spec = &broker.spec;
        let engine = spec.engine_type;
        let target = self.pending.applied_to(spec);
        let target_broker = TargetBroker {
            engine,
            versions: [spec.engine_version, target.engine_version],
            host: target.host_instance_type,
            mode: spec.deployment_mode,
        };
        let asked = input.authentication_strategy.as_deref();
        let is_for_another = self.changed.contains(&UpdatedMember::EngineVersion)
            || self.changed.contains(&UpdatedMember::HostInstanceType);
        let mut brought = None;
        if let Some(revision) = context.revision {
            let wanted = revision.reference();
            let is_current = broker.configurations.current == Some(wanted);
            let next = (!is_current).then_some(wanted);
            let changed = next != self.configurations.pending;
            let kept = asked.map_or(Ok(target.authentication_strategy), |asked| {
                AuthenticationStrategy::parse(asked)
            })?;
            brought = match (is_current, engine) {
                // One that waits already was checked when it came, for the version and tier that it came for.
                (false, _) if changed || is_for_another => {
                    Some(association::check(revision, target_broker)?)
                }
                // The authentication strategy is taken back with it.
                (true, EngineType::RabbitMq) => Some(spec.authentication_strategy),
                // What is in force goes together, however that came about.
                (true, EngineType::ActiveMq) if changed && kept != spec.authentication_strategy => {
                    Some(revision.configuration.authentication_strategy)
                }
                _ => None,
            };
            self.configurations.pending = next;
            self.note(UpdatedMember::Configuration, changed);
        } else if self.changed.contains(&UpdatedMember::EngineVersion)
            && let Some(kept) = context.kept_revision
            && self.configurations.pending == Some(kept.reference())
        {
            // It may have come for a version that does not wait any more.
            association::check(kept, target_broker)?;
        }
        if asked.is_some() || brought.is_some() {
            let kept = target.authentication_strategy;
            let wanted = match (engine, asked) {
                // An ActiveMQ configuration must fit the strategy, a RabbitMQ configuration makes it.
                (EngineType::ActiveMq, None) => {
                    association::strategy(engine, Some(kept.as_str()), brought)?
                }
                (EngineType::ActiveMq, Some(asked)) if brought.is_none() => {
                    let waiting = context.kept_revision;
                    let waiting =
                        waiting.filter(|w| self.configurations.pending == Some(w.reference()));
                    let waiting = waiting.map(|w| w.configuration.authentication_strategy);
                    association::strategy(engine, Some(asked), waiting)?
                }
                (EngineType::RabbitMq, Some(asked)) if brought.is_none() => {
                    association::strategy(engine, Some(asked), Some(kept))?
                }
                (_, asked) => association::strategy(engine, asked, brought)?,
            };
            let current = spec.authentication_strategy;
            let changed = set(&mut self.pending.authentication_strategy, &current, wanted);
            self.note(UpdatedMember::AuthenticationStrategy, changed && asked.is_some());
        }
        let target = self.pending.applied_to(spec);
        let (version, strategy) = (target.engine_version, target.authentication_strategy);
        let is_new = version != spec.engine_version
            || strategy != spec.authentication_strategy
            || target.host_instance_type != spec.host_instance_type;
        if is_new && let Some(revision) = context.revision.or(context.kept_revision) {
            // Else it would be the reboot that finds out.
            match engine {
                EngineType::ActiveMq => association::check_document(revision, version, strategy)?,
                EngineType::RabbitMq => {
                    association::check_settings(revision, version, target_broker)?;
                }
            }
        }
        self.ldap(broker, input, context.ldap_password)
    }

    fn ldap(
        &mut self,
        broker: &Broker,
        input: &UpdateBrokerInput,
        current_password: Option<&SecretString>,
    ) -> Result<(), Error> {
        let strategy = self.pending.applied_to(&broker.spec).authentication_strategy;
        if let Some(ldap) = input.ldap_server_metadata.clone() {
            if strategy != AuthenticationStrategy::Ldap {
                return Err(ldap_without_strategy());
            }
            let (metadata, password) = LdapServerMetadata::parse(ldap)?;
            let is_current = broker.spec.ldap.as_ref() == Some(&metadata)
                && current_password
                    .is_some_and(|current| current.expose_secret() == password.expose_secret());
            let changed = match is_current {
                true => self.pending.ldap.take().is_some(),
                // A password that waits is not compared: the directory waits anew.
                false => {
                    self.pending.ldap = Some(metadata);
                    self.ldap_password = Some(password);
                    true
                }
            };
            self.note(UpdatedMember::LdapServerMetadata, changed);
        }
        if strategy != AuthenticationStrategy::Ldap {
            self.pending.ldap = None;
        }
        let target = self.pending.applied_to(&broker.spec);
        if strategy == AuthenticationStrategy::Ldap && target.ldap.is_none() {
            return Err(ldap_required());
        }
        Ok(())
    }

    /// The members that depend on no other: logs, maintenance window, security groups, replication, shares.
    fn rest(&mut self, input: UpdateBrokerInput, now: Timestamp) -> Result<(), Error> {
        let engine = self.spec.engine_type;
        if let Some((general, audit)) = input.logs {
            let current = self.spec.logs;
            let waiting = self.pending.logs.unwrap_or(current);
            if engine == EngineType::RabbitMq && audit.is_some() {
                return Err(Error::bad_request(
                    "logs.audit",
                    "Audit logs are not supported for RabbitMQ brokers.",
                ));
            }
            let wanted = Logs {
                general: general.unwrap_or(waiting.general),
                audit: audit.unwrap_or(waiting.audit),
            };
            let changed = match engine {
                EngineType::ActiveMq => set(&mut self.pending.logs, &current, wanted),
                // Source: "No other steps are required" after toggling them for RabbitMQ.
                EngineType::RabbitMq => std::mem::replace(&mut self.spec.logs, wanted) != wanted,
            };
            self.note(UpdatedMember::Logs, changed);
        }
        if let Some((day, time, zone)) = input.maintenance_window {
            let wanted = MaintenanceWindow::parse(
                &required("maintenanceWindowStartTime.dayOfWeek", day)?,
                &required("maintenanceWindowStartTime.timeOfDay", time)?,
                zone.as_deref(),
            )?;
            let changes =
                self.window_changes.change(&self.spec.maintenance_window, &wanted, now)?;
            if let Some(changes) = changes {
                self.window_changes = changes;
                self.spec.maintenance_window = wanted;
                self.note(UpdatedMember::MaintenanceWindow, true);
            }
        }
        // Terraform says what it read when nothing was set: that a broker without groups has none.
        let groups = input.security_groups;
        if let Some(groups) = groups.filter(|groups| *groups != self.spec.security_groups) {
            if engine == EngineType::RabbitMq {
                return Err(Error::bad_request(
                    "securityGroups",
                    "Changing security groups is not supported for RabbitMQ brokers.",
                ));
            }
            if groups.is_empty() {
                return Err(Error::bad_request(
                    "securityGroups",
                    "Specify at least [1] security group.",
                ));
            }
            let groups = parse_security_group_ids(groups)?;
            // Source: Terraform reads the new groups back without a reboot.
            self.spec.security_groups = groups;
            self.note(UpdatedMember::SecurityGroups, true);
        }
        if let Some(mode) = input.data_replication_mode {
            let candidate = Candidate {
                engine,
                version: self.spec.engine_version,
                mode: self.spec.deployment_mode,
                host: self.spec.host_instance_type,
            };
            data_replication::check_update(&mode, candidate)?;
        }
        input.resource_share_arns.map_or(Ok(()), |arns| check_resource_shares(engine, &arns))
    }
}

/// Source: "Private networking" of the RabbitMQ pages: shares come from AWS Resource Access Manager, which
/// nobody has here, so every share is one that can't be found.
fn check_resource_shares(engine: EngineType, arns: &[String]) -> Result<(), Error> {
    let refuse = |message: String| Err(Error::bad_request("resourceShareArns", message));
    if engine != EngineType::RabbitMq {
        return refuse("Resource shares are supported only for RabbitMQ brokers.".to_owned());
    }
    if arns.len() > MAX_RESOURCE_SHARES {
        return refuse(format!("Specify at most [{MAX_RESOURCE_SHARES}] resource shares."));
    }
    match arns.first() {
        None => Ok(()),
        Some(arn) => refuse(format!("Resource share [{arn}] can't be found.")),
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod back_tests;
