//! The operations that a broker's state permits: one table, and the service's words for a refusal.

use super::{Broker, action::ActionCode, state::BrokerState};
use crate::{
    access::rabbitmq_owns_its_users,
    catalogue::EngineType,
    kernel::{Error, ErrorKind},
};

/// An operation on a broker that not every state permits. All others, those on its tags among them, are permitted
/// while the broker exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the operations are the service's, name by name, and those of brokerd"
)]
pub enum BrokerOperation {
    UpdateBroker,
    RebootBroker,
    DeleteBroker,
    Promote,
    CreateUser,
    UpdateUser,
    DeleteUser,
    CreateFault,
    UseDestinations,
}

impl BrokerOperation {
    /// Whether the service accepts it in that state.
    ///
    /// Sources: the operations of the API reference ("Amazon MQ broker statuses", RebootBroker: "only brokers in
    /// RUNNING"); Terraform's provider, which waits before it deletes, and retries UpdateBroker while a broker is busy.
    pub const fn is_permitted_in(self, state: BrokerState) -> bool {
        use BrokerState as S;
        match self {
            Self::UpdateBroker
            | Self::RebootBroker
            | Self::CreateUser
            | Self::UpdateUser
            | Self::DeleteUser => {
                matches!(state, S::Running | S::CriticalActionRequired | S::Replica)
            }
            Self::DeleteBroker => {
                matches!(state, S::Running | S::CreationFailed | S::CriticalActionRequired)
            }
            Self::Promote => matches!(state, S::Replica),
            Self::CreateFault | Self::UseDestinations => {
                matches!(state, S::Running | S::CriticalActionRequired)
            }
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::UpdateBroker => "updated",
            Self::RebootBroker => "rebooted",
            Self::DeleteBroker => "deleted",
            Self::Promote => "promoted",
            Self::CreateUser | Self::UpdateUser | Self::DeleteUser => "changed",
            Self::CreateFault => "disturbed",
            Self::UseDestinations => "asked for destinations",
        }
    }

    /// The exception of the service model: not every operation has a ConflictException.
    const fn refusal(self) -> ErrorKind {
        match self {
            Self::UpdateBroker | Self::CreateUser | Self::UpdateUser | Self::UseDestinations => {
                ErrorKind::Conflict
            }
            Self::RebootBroker
            | Self::DeleteBroker
            | Self::Promote
            | Self::DeleteUser
            | Self::CreateFault => ErrorKind::BadRequest,
        }
    }
}

impl Broker {
    /// Whether the broker's state permits the operation.
    ///
    /// # Errors
    /// A 409, or a 400 where the operation has no 409, in the service's words.
    pub(crate) fn check_state(&self, operation: BrokerOperation) -> Result<(), Error> {
        if operation.is_permitted_in(self.state()) { Ok(()) } else { Err(self.refused(operation)) }
    }

    /// The refusal of an operation in the broker's present state.
    ///
    /// Source: "Broker [tf-acc-test-…] can't be deleted while in state [REBOOT_IN_PROGRESS]", issue 19067 of
    /// Terraform's provider.
    fn refused(&self, operation: BrokerOperation) -> Error {
        Error {
            kind: operation.refusal(),
            attribute: None,
            message: format!(
                "Broker [{}] can't be {} while in state [{}]",
                self.name,
                operation.verb(),
                self.state()
            ),
        }
    }

    /// Whether users may be created, changed and deleted now.
    ///
    /// # Errors
    /// As the table says, or the service's 400 for RabbitMQ, which owns its users.
    pub fn check_user_change(&self, operation: BrokerOperation) -> Result<(), Error> {
        if self.spec.engine_type == EngineType::RabbitMq {
            return Err(rabbitmq_owns_its_users());
        }
        self.check_state(operation)
    }

    /// Whether RebootBroker may be accepted now. An alarm of RabbitMQ forbids it, other required actions don't. That of
    /// the disk does not forbid the reboot that makes the disk larger.
    ///
    /// Source: the pages on RABBITMQ_MEMORY_ALARM and RABBITMQ_DISK_ALARM of the developer guide.
    ///
    /// # Errors
    /// A 400; the operation has no 409 in the service model.
    pub fn check_reboot(&self) -> Result<(), Error> {
        let operation = BrokerOperation::RebootBroker;
        self.check_state(operation)?;
        let is_forbidden = self.status.actions_required.iter().any(|action| match action.code {
            ActionCode::RabbitmqMemoryAlarm => true,
            ActionCode::RabbitmqDiskAlarm => !self.enlarges_disk(),
            _ => false,
        });
        if is_forbidden { Err(self.refused(operation)) } else { Ok(()) }
    }

    /// Whether what waits makes the disk of each instance larger.
    fn enlarges_disk(&self) -> bool {
        self.pending.applied_to(&self.spec).storage_bytes() > self.spec.storage_bytes()
    }

    /// Whether DeleteBroker may be accepted now: in any state, also twice, so that a cleanup always succeeds.
    /// The service refuses what its table says; so does this if it is `strict`.
    ///
    /// # Errors
    /// A 400; the operation has no 409 in the service model.
    pub fn check_delete(&self, strict: bool) -> Result<(), Error> {
        if strict { self.check_state(BrokerOperation::DeleteBroker) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        broker::{action::ActionRequired, spec::Generation, state::Intent},
        catalogue::{DeploymentMode, EngineType},
        example,
    };

    const STATES: [BrokerState; 7] = [
        BrokerState::CreationInProgress,
        BrokerState::CreationFailed,
        BrokerState::Running,
        BrokerState::RebootInProgress,
        BrokerState::CriticalActionRequired,
        BrokerState::Replica,
        BrokerState::DeletionInProgress,
    ];

    #[test]
    fn each_operation_is_permitted_in_the_states_of_the_table() {
        use BrokerOperation as O;
        // In the order of the states above.
        for (operation, permitted) in [
            (O::UpdateBroker, "--x-xx-"),
            (O::RebootBroker, "--x-xx-"),
            (O::DeleteBroker, "-xx-x--"),
            (O::Promote, "-----x-"),
            (O::CreateUser, "--x-xx-"),
            (O::UpdateUser, "--x-xx-"),
            (O::DeleteUser, "--x-xx-"),
            (O::CreateFault, "--x-x--"),
            (O::UseDestinations, "--x-x--"),
        ] {
            let row: String = STATES
                .map(|state| if operation.is_permitted_in(state) { 'x' } else { '-' })
                .iter()
                .collect();
            assert_eq!(row, permitted, "{operation:?}");
        }
    }

    #[test]
    fn a_broker_is_rebooted_when_it_runs_and_deleted_always_unless_that_is_strict() {
        let mut b = example::broker(EngineType::RabbitMq);
        let refused = b.check_reboot().expect_err("still being created");
        assert_eq!(refused.kind, ErrorKind::BadRequest);
        assert_eq!(
            refused.message,
            "Broker [orders] can't be rebooted while in state [CREATION_IN_PROGRESS]"
        );
        let refused = b.check_delete(true).expect_err("still being created");
        assert_eq!(
            refused.message,
            "Broker [orders] can't be deleted while in state [CREATION_IN_PROGRESS]"
        );
        assert_eq!(b.check_delete(false), Ok(()));
        b.status.observed_generation = Some(Generation(1));
        assert_eq!(b.check_reboot(), Ok(()));
        assert_eq!(b.check_delete(true), Ok(()));
        for (code, reboots) in
            [(ActionCode::RabbitmqInvalidArn, true), (ActionCode::RabbitmqDiskAlarm, false)]
        {
            let action = ActionRequired { code: code.clone(), info: String::new() };
            b.status.actions_required = vec![action];
            assert_eq!(b.check_reboot().is_ok(), reboots, "{code}");
        }
        b.intent = Intent::Delete;
        assert!(b.check_reboot().is_err());
        assert!(b.check_delete(true).is_err());
        assert_eq!(b.check_delete(false), Ok(()));
    }

    #[test]
    fn under_the_alarm_of_the_disk_only_the_reboot_that_makes_it_larger_is_permitted() {
        let mut b = example::broker(EngineType::RabbitMq);
        b.spec.deployment_mode = DeploymentMode::ClusterMultiAz;
        b.spec.storage_size = Some(10);
        b.status.observed_generation = Some(Generation(1));
        let raised = |code| ActionRequired { code, info: String::new() };
        b.status.actions_required = vec![raised(ActionCode::RabbitmqDiskAlarm)];
        for (size, reboots) in
            [(None, false), (Some(None), false), (Some(Some(5)), false), (Some(Some(15)), true)]
        {
            b.pending.storage_size = size;
            assert_eq!(b.check_reboot().is_ok(), reboots, "{size:?}");
        }
        b.status.actions_required.push(raised(ActionCode::RabbitmqMemoryAlarm));
        assert!(b.check_reboot().is_err(), "a larger disk is no cure for the other alarm");
    }
}
