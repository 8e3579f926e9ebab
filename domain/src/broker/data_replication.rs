//! Cross-Region data replication: the rules of who may take part.
//!
//! The replication itself is not there yet. A request is checked like the service checks it, so that what
//! is wrong with it is said first, and is then refused by name.
//!
//! Source: "Cross-Region data replication" of the ActiveMQ pages of the developer guide.

use super::{Broker, permitted_in_state::BrokerOperation};
use crate::{
    access::BrokerUser,
    catalogue::{DeploymentMode, EngineType, EngineVersion, HostInstanceType},
    kernel::{Arn, Error, Resource, Scope, wire_enum::wire_enum},
};

wire_enum!(
    /// Whether a broker's messages are replicated to another region.
    DataReplicationMode, "dataReplicationMode", {
        /// They are not.
        None = "NONE",
        /// They are, to the counterpart of the pair.
        Crdr = "CRDR",
    }
);

wire_enum!(
    /// How roles of a pair are exchanged.
    PromoteMode, "mode", {
        /// Once the replica has everything.
        Switchover = "SWITCHOVER",
        /// At once.
        Failover = "FAILOVER",
    }
);

/// The part of a pair that a broker would have to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) engine: EngineType,
    pub(crate) version: EngineVersion,
    pub(crate) mode: DeploymentMode,
    pub(crate) host: HostInstanceType,
}

fn refuse<T>(attribute: &'static str, message: impl Into<String>) -> Result<T, Error> {
    Err(Error::bad_request(attribute, message))
}

fn not_implemented<T>() -> Result<T, Error> {
    refuse(
        "dataReplicationMode",
        "Cross-Region data replication is not implemented by this version of brokerd.",
    )
}

fn check_candidate(candidate: Candidate) -> Result<(), Error> {
    let attribute = "dataReplicationMode";
    if candidate.engine != EngineType::ActiveMq {
        return refuse(
            attribute,
            "Data replication is supported only for broker engine type [ActiveMQ].",
        );
    }
    if candidate.version < EngineVersion::new(5, 17) {
        return refuse(
            attribute,
            "Data replication is supported only for engine version [5.17] and later.",
        );
    }
    if candidate.mode != DeploymentMode::ActiveStandbyMultiAz {
        return refuse(
            attribute,
            format!(
                "Data replication is supported only for deployment mode [{}].",
                DeploymentMode::ActiveStandbyMultiAz
            ),
        );
    }
    if candidate.host.is_micro() {
        return refuse(
            attribute,
            format!(
                "Data replication is not supported for host instance type [{}].",
                candidate.host
            ),
        );
    }
    Ok(())
}

/// Checks the members of CreateBroker that make a replica.
///
/// # Errors
/// A 400 unless both are absent or say that there is no replication.
pub(crate) fn check_creation(
    mode: Option<&str>,
    primary: Option<&str>,
    candidate: Candidate,
    users: &[BrokerUser],
    scope: &Scope,
) -> Result<(), Error> {
    let mode = mode.map_or(Ok(DataReplicationMode::None), DataReplicationMode::parse)?;
    let attribute = "dataReplicationPrimaryBrokerArn";
    match (mode, primary) {
        (DataReplicationMode::None, None) => Ok(()),
        (DataReplicationMode::None, Some(_)) => refuse(
            attribute,
            "[dataReplicationPrimaryBrokerArn] can be specified only with [dataReplicationMode] [CRDR].",
        ),
        (DataReplicationMode::Crdr, primary) => {
            check_candidate(candidate)?;
            let Some(primary) = primary else {
                return refuse(
                    attribute,
                    "[dataReplicationPrimaryBrokerArn] is required when [dataReplicationMode] is [CRDR].",
                );
            };
            match primary.parse::<Arn>() {
                Ok(Arn { scope: of, resource: Resource::Broker { .. } })
                    if of.account == scope.account && of.region != scope.region => {}
                _ => {
                    return refuse(
                        attribute,
                        format!(
                            "Broker ARN [{primary}] is invalid. Specify the ARN of a primary broker of your account in another Region."
                        ),
                    );
                }
            }
            if !users.iter().any(|user| user.replication_user) {
                return refuse("users", "Specify a user with [replicationUser] set to [true].");
            }
            not_implemented()
        }
    }
}

/// Checks UpdateBroker's `dataReplicationMode`: no broker is part of a pair, so `NONE` changes nothing.
///
/// # Errors
/// A 400 for `CRDR` and for what is neither.
pub(crate) fn check_update(mode: &str, candidate: Candidate) -> Result<(), Error> {
    match DataReplicationMode::parse(mode)? {
        DataReplicationMode::None => Ok(()),
        DataReplicationMode::Crdr => {
            check_candidate(candidate)?;
            not_implemented()
        }
    }
}

impl Broker {
    /// Whether Promote may be accepted now.
    ///
    /// # Errors
    /// A 400: the operation is for the replica of a pair, and no broker is part of one.
    pub fn check_promote(&self, mode: Option<&str>) -> Result<(), Error> {
        let Some(mode) = mode else { return refuse("mode", "[mode] is required.") };
        PromoteMode::parse(mode)?;
        self.check_state(BrokerOperation::Promote)?;
        not_implemented()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::tests::broker;

    fn candidate() -> Candidate {
        Candidate {
            engine: EngineType::ActiveMq,
            version: EngineVersion::new(5, 19),
            mode: DeploymentMode::ActiveStandbyMultiAz,
            host: HostInstanceType::from_name("mq.m5.large").expect("known"),
        }
    }

    fn replica(primary: &str, candidate: Candidate, replication_user: bool) -> String {
        let user = crate::access::UserInput {
            username: Some("bridge".to_owned()),
            password: Some(secrecy::SecretString::from("correct-horse-battery")),
            replication_user: Some(replication_user),
            ..crate::access::UserInput::default()
        };
        let user = BrokerUser::parse(EngineType::ActiveMq, user).expect("valid");
        let scope = broker().scope;
        check_creation(Some("CRDR"), Some(primary), candidate, &[user], &scope)
            .expect_err("not implemented")
            .message
    }

    #[test]
    fn what_is_wrong_with_a_replica_is_said_before_that_there_are_none() {
        let there = "arn:aws:mq:us-west-2:000000000000:broker:orders:b-1234a5b6-78cd-401e-af00-314506001789";
        assert!(replica(there, candidate(), true).contains("not implemented"));
        assert!(replica(there, candidate(), false).contains("replicationUser"));
        let here = there.replace("us-west-2", "us-east-1");
        assert!(replica(&here, candidate(), true).contains("another Region"));
        assert!(replica("orders", candidate(), true).contains("another Region"));
        let single = Candidate { mode: DeploymentMode::SingleInstance, ..candidate() };
        assert!(replica(there, single, true).contains("ACTIVE_STANDBY_MULTI_AZ"));
        let micro = HostInstanceType::from_name("mq.t3.micro").expect("known");
        assert!(replica(there, Candidate { host: micro, ..candidate() }, true).contains("micro"));
        let rabbit = Candidate { engine: EngineType::RabbitMq, ..candidate() };
        assert!(replica(there, rabbit, true).contains("ActiveMQ"));
    }

    #[test]
    fn no_replication_is_what_every_broker_has() {
        let scope = broker().scope;
        for none in [None, Some("NONE"), Some("none")] {
            assert_eq!(check_creation(none, None, candidate(), &[], &scope), Ok(()));
        }
        assert!(check_creation(None, Some("arn"), candidate(), &[], &scope).is_err());
        assert!(check_creation(Some("BOTH"), None, candidate(), &[], &scope).is_err());
        assert_eq!(check_update("NONE", candidate()), Ok(()));
        assert!(check_update("CRDR", candidate()).is_err());
    }

    #[test]
    fn only_replicas_can_be_promoted() {
        let broker = broker();
        let refused = |mode| broker.check_promote(mode).expect_err("no replica");
        assert_eq!(refused(None).attribute.as_deref(), Some("mode"));
        assert_eq!(refused(Some("SLOWLY")).attribute.as_deref(), Some("mode"));
        assert_eq!(
            refused(Some("switchover")).message,
            "Broker [orders] can't be promoted while in state [CREATION_IN_PROGRESS]"
        );
    }
}
