//! The broker: its specification, its status, its state, and the operations on it.

mod action;
mod checks;
mod create;
mod data_replication;
mod endpoint;
mod event;
mod network;
mod pending;
mod permitted_in_state;
mod problems;
mod resources;
mod spec;
mod state;
mod status;
mod update;

use crate::{
    access::{PendingChange, Tags, Username},
    catalogue::{DeploymentMode, EngineType, HostInstanceType},
    configuration::{ConfigurationRef, Configurations},
    kernel::{Arn, BrokerId, BrokerName, Scope, Timestamp},
    maintenance::WindowChanges,
};

pub use action::{ActionCode, ActionRequired};
pub use create::{CreateBroker, CreateBrokerInput, Users};
pub use data_replication::{DataReplicationMode, PromoteMode};
pub use endpoint::{BrokerInstance, Endpoint, Protocol, Target, endpoint_host};
pub use event::{Event, EventKind};
pub use network::NetworkDefaults;
pub use pending::PendingChanges;
pub use permitted_in_state::BrokerOperation;
pub use problems::CreationContext;
pub use resources::BrokerResources;
pub use spec::{BrokerSpec, EncryptionOptions, Generation, Logs};
pub use state::{BrokerState, Creation, Intent};
pub use status::{
    Availability, BrokerStatus, DownLink, Health, InstanceCondition, OutOfMemory, ReportedReasons,
};
pub use update::{BrokerUpdate, UpdateBrokerInput, UpdateContext, UpdatedMember};

/// A broker, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// The identifier.
    pub id: BrokerId,
    /// The owner.
    pub scope: Scope,
    /// The name.
    pub name: BrokerName,
    /// When it was asked for.
    pub created: Timestamp,
    /// The specification in force.
    pub spec: BrokerSpec,
    /// The pending changes.
    pub pending: PendingChanges,
    /// How often its maintenance window was changed.
    pub window_changes: WindowChanges,
    /// Its configurations.
    pub configurations: Configurations,
    /// Its tags.
    pub tags: Tags,
    /// Names of its users, with what awaits them; empty for RabbitMQ, which owns its users.
    pub users: Vec<(Username, Option<PendingChange>)>,
    /// Whether it should exist.
    pub intent: Intent,
    /// Counts accepted changes.
    pub generation: Generation,
    /// Counts accepted reboots.
    pub reboots_requested: u32,
    /// Why what waits was not applied when it was last tried. It goes on waiting, and is tried again when its
    /// owner reboots the broker.
    pub not_applied: Option<String>,
    /// The codes that the service itself has for that, if it has any.
    pub not_applied_actions: Vec<ActionRequired>,
    /// The status that the provisioner last recorded.
    pub status: BrokerStatus,
    /// Where clients connect; empty until addresses are allocated.
    pub instances: Vec<BrokerInstance>,
}

/// A broker in the answer of ListBrokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerSummary {
    /// The identifier.
    pub id: BrokerId,
    /// The name.
    pub name: BrokerName,
    /// When it was asked for.
    pub created: Timestamp,
    /// The state the service reports.
    pub state: BrokerState,
    /// The engine.
    pub engine_type: EngineType,
    /// How many instances.
    pub deployment_mode: DeploymentMode,
    /// The tier.
    pub host_instance_type: HostInstanceType,
}

impl From<&Broker> for BrokerSummary {
    fn from(broker: &Broker) -> Self {
        Self {
            id: broker.id,
            name: broker.name.clone(),
            created: broker.created,
            state: broker.state(),
            engine_type: broker.spec.engine_type,
            deployment_mode: broker.spec.deployment_mode,
            host_instance_type: broker.spec.host_instance_type,
        }
    }
}

impl Broker {
    /// The ARN.
    pub fn arn(&self) -> Arn {
        Arn::broker(&self.scope, &self.name, self.id)
    }

    /// The state the service reports.
    pub fn state(&self) -> BrokerState {
        let creation = match (self.status.observed_generation, &self.status.failure) {
            (Some(_), _) => Creation::Done,
            (None, Some(_)) => Creation::Failed,
            (None, None) => Creation::UnderWay,
        };
        let action_required = !self.actions_required().is_empty();
        BrokerState::of(self.intent, creation, self.is_rebooting(), action_required)
    }

    /// The actions that the owner must take: those of the status, and those of a failed creation or failed changes.
    pub fn actions_required(&self) -> Vec<ActionRequired> {
        let failed = self.status.failure.as_ref().filter(|_| self.intent == Intent::Run);
        let failed = failed.map(|why| ActionRequired {
            code: ActionCode::BrokerCreationFailed,
            info: format!("The broker could not be created: {why}"),
        });
        let not_applied = self.not_applied.as_ref().filter(|_| self.has_pending());
        let own_codes = not_applied.map_or(&[][..], |_| &self.not_applied_actions);
        let not_applied = not_applied.map(|why| ActionRequired {
            code: ActionCode::BrokerChangesNotApplied,
            info: format!(
                "The broker runs as before, because what waits could not be applied: {why} Change it back or \
                 choose other values; rebooting the broker tries it again."
            ),
        });
        let mut actions = self.status.actions_required.clone();
        actions.retain(|action| own_codes.iter().all(|own| own.code != action.code));
        actions.extend(own_codes.iter().cloned().chain(failed).chain(not_applied));
        actions
    }

    /// Whether a reboot is outstanding. Pending changes are frozen meanwhile: nothing may be added to them.
    pub const fn is_rebooting(&self) -> bool {
        self.reboots_requested > self.status.reboots_done
    }

    /// Whether the outstanding reboot, if there is one, puts what waits in force: all of it, when it is done.
    /// A reboot after which the broker is to be as it was does not.
    pub const fn applies_pending(&self) -> bool {
        self.is_rebooting() && self.not_applied.is_none()
    }

    /// The broker as if the outstanding reboot had not been asked for, while there is nothing to begin it with: what
    /// runs is what should run.
    #[must_use]
    pub fn before_reboot(mut self) -> Self {
        self.reboots_requested = self.reboots_requested.min(self.status.reboots_done);
        self
    }

    /// The specification to make instances from: with the pending changes while a reboot is outstanding that applies
    /// them.
    #[must_use]
    pub fn wanted_spec(&self) -> BrokerSpec {
        if self.applies_pending() { self.pending.applied_to(&self.spec) } else { self.spec.clone() }
    }

    /// The configuration revision the instances are to be made from.
    pub fn wanted_configuration(&self) -> Option<ConfigurationRef> {
        let Configurations { current, pending, .. } = &self.configurations;
        if self.applies_pending() { pending.or(*current) } else { current.or(*pending) }
    }

    /// Whether anything waits for a reboot.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
            || self.configurations.pending.is_some()
            || self.users.iter().any(|(_, pending)| pending.is_some())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{configuration::ConfigurationRef, example, kernel::ConfigurationId};

    /// A RabbitMQ broker with the first revision of a configuration.
    pub(crate) fn broker() -> Broker {
        let mut new = example::broker(EngineType::RabbitMq);
        let id = ConfigurationId::from(new.id.uuid());
        new.configurations.pending = Some(ConfigurationRef { id, revision: 1 });
        new
    }

    #[test]
    fn the_state_follows_from_intent_generation_counters_and_conditions() {
        let mut b = broker();
        assert_eq!(b.state(), BrokerState::CreationInProgress);
        b.status.failure = Some("no image".to_owned());
        assert_eq!(b.state(), BrokerState::CreationFailed);
        b.status.failure = None;
        b.status.observed_generation = Some(Generation(1));
        assert_eq!(b.state(), BrokerState::Running);
        b.generation = Generation(2);
        assert_eq!(b.state(), BrokerState::Running, "a pending change keeps a broker running");
        b.reboots_requested = 1;
        assert_eq!(b.state(), BrokerState::RebootInProgress);
        b.status.reboots_done = 1;
        b.status.actions_required =
            vec![ActionRequired { code: ActionCode::BrokerOom, info: String::new() }];
        assert_eq!(b.state(), BrokerState::CriticalActionRequired);
        b.intent = Intent::Delete;
        assert_eq!(b.state(), BrokerState::DeletionInProgress);
    }

    #[test]
    fn the_codes_of_what_was_not_applied_are_gone_when_it_is_taken_back() {
        let mut b = broker();
        let action = |code| ActionRequired { code, info: String::new() };
        b.status.observed_generation = Some(Generation(1));
        b.status.actions_required =
            vec![action(ActionCode::RabbitmqInvalidArnLdap), action(ActionCode::BrokerOom)];
        b.not_applied = Some("denied.".to_owned());
        b.not_applied_actions = vec![action(ActionCode::RabbitmqInvalidArnLdap)];
        let codes =
            |b: &Broker| b.actions_required().into_iter().map(|a| a.code).collect::<Vec<_>>();
        assert_eq!(
            codes(&b),
            ["BROKER_OOM", "RABBITMQ_INVALID_ARN_LDAP", "BROKER_CHANGES_NOT_APPLIED"]
        );
        b.not_applied = None;
        assert_eq!(codes(&b), ["RABBITMQ_INVALID_ARN_LDAP", "BROKER_OOM"]);
        b.not_applied = Some("denied.".to_owned());
        b.configurations.pending = None;
        assert_eq!(codes(&b), ["RABBITMQ_INVALID_ARN_LDAP", "BROKER_OOM"], "nothing waits");
    }

    #[test]
    fn before_its_reboot_a_broker_is_what_runs() {
        let mut b = broker();
        let current = ConfigurationRef { id: ConfigurationId::from(b.id.uuid()), revision: 3 };
        b.configurations.current = Some(current);
        (b.reboots_requested, b.status.reboots_done) = (3, 2);
        assert_eq!(b.wanted_configuration(), b.configurations.pending);
        let before = b.before_reboot();
        assert!(!before.is_rebooting());
        assert_eq!(before.wanted_configuration(), Some(current));
    }
}
