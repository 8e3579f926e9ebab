//! Every rule of UpdateBroker.

use super::*;
use crate::{
    access::Tags,
    broker::{
        action::{ActionCode, ActionRequired},
        spec::Generation,
        state::Intent,
        tests::broker,
    },
    catalogue::{EngineVersion, StorageType},
    configuration::{Configuration, ConfigurationName, Revision},
    kernel::{ConfigurationId, ErrorKind},
};

pub(super) const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

pub(super) fn host(name: &str) -> HostInstanceType {
    HostInstanceType::from_name(name).expect("known")
}

/// A running RabbitMQ broker of 4.0 on mq.m7g.medium.
pub(super) fn rabbit() -> Broker {
    let mut broker = broker();
    broker.spec.engine_version = EngineVersion::new(4, 0);
    broker.status.observed_generation = Some(Generation(1));
    broker.configurations = broker.configurations.applied();
    broker
}

/// A running ActiveMQ broker of 5.18 on mq.t3.micro.
pub(super) fn activemq() -> Broker {
    let mut broker = rabbit();
    broker.spec.engine_type = EngineType::ActiveMq;
    broker.spec.engine_version = EngineVersion::new(5, 18);
    broker.spec.storage_type = StorageType::Efs;
    broker.spec.host_instance_type = host("mq.t3.micro");
    broker
}

pub(super) fn offerings() -> Offerings {
    [
        (EngineType::ActiveMq, EngineVersion::new(5, 18)),
        (EngineType::ActiveMq, EngineVersion::new(5, 19)),
        (EngineType::RabbitMq, EngineVersion::new(3, 10)),
        (EngineType::RabbitMq, EngineVersion::new(4, 0)),
        (EngineType::RabbitMq, EngineVersion::new(4, 3)),
    ]
    .into_iter()
    .collect()
}

pub(super) fn revision(
    broker: &Broker,
    version: EngineVersion,
    number: i32,
    data: &str,
) -> ConfigurationRevision {
    let revision = Revision { number, created: NOW, description: None };
    ConfigurationRevision {
        configuration: Configuration {
            id: ConfigurationId::from(uuid::Uuid::from_u128(7)),
            scope: broker.scope.clone(),
            name: ConfigurationName::parse("orders").expect("valid"),
            engine_type: broker.spec.engine_type,
            engine_version: version,
            authentication_strategy: AuthenticationStrategy::Simple,
            created: NOW,
            tags: Tags::default(),
            latest: revision.clone(),
        },
        revision,
        data: match (broker.spec.engine_type, data) {
            (EngineType::ActiveMq, "") => EMPTY.to_owned(),
            _ => data.to_owned(),
        },
    }
}

/// A document of ActiveMQ that changes nothing.
pub(super) const EMPTY: &str = "<broker xmlns=\"http://activemq.apache.org/schema/core\"/>";

fn updated(
    broker: &Broker,
    revision: Option<&ConfigurationRevision>,
    change: impl FnOnce(&mut UpdateBrokerInput),
) -> Result<BrokerUpdate, Error> {
    let mut input = UpdateBrokerInput::default();
    change(&mut input);
    let offerings = offerings();
    let context = UpdateContext {
        revision,
        kept_revision: None,
        ldap_password: None,
        offerings: &offerings,
        now: NOW,
    };
    broker.update(input, context)
}

fn refused(broker: &Broker, change: impl FnOnce(&mut UpdateBrokerInput)) -> Error {
    updated(broker, None, change).expect_err("refused")
}

pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn nothing_is_changed_by_an_empty_request_and_by_what_is_already_so() {
    for broker in [rabbit(), activemq()] {
        let empty = updated(&broker, None, |_| {}).expect("valid");
        assert!(empty.changed.is_empty());
        assert_eq!((empty.spec, empty.pending), (broker.spec.clone(), broker.pending.clone()));
        let same = updated(&broker, None, |input| {
            input.engine_version = Some(broker.spec.engine_version.to_string());
            input.host_instance_type = some(broker.spec.host_instance_type.name());
            input.auto_minor_version_upgrade = Some(true);
            input.authentication_strategy = some("simple");
            input.logs = Some((Some(false), None));
            input.data_replication_mode = some("none");
            input.security_groups = Some(broker.spec.security_groups.clone());
        })
        .expect("valid");
        assert!(same.changed.is_empty(), "{:?}", same.changed);
        assert_eq!(same.pending, broker.pending);
    }
}

#[test]
fn a_broker_that_has_security_groups_can_not_be_left_without_any() {
    let mut broker = activemq();
    broker.spec.security_groups = vec!["sg-0123456789abcdef0".to_owned()];
    let none = refused(&broker, |input| input.security_groups = Some(Vec::new()));
    assert_eq!(none.attribute.as_deref(), Some("securityGroups"));
}

#[test]
fn what_runs_is_accepted_even_when_it_is_not_offered_any_more() {
    let mut broker = activemq();
    broker.spec.engine_version = EngineVersion::new(5, 17);
    let same = updated(&broker, None, |input| input.engine_version = some("5.17")).expect("valid");
    assert!(same.changed.is_empty());
    assert_eq!(
        refused(&broker, |input| input.engine_version = some("5.16")).attribute.as_deref(),
        Some("engineVersion")
    );
}

#[test]
fn versions_rise_and_their_instance_types_must_fit() {
    let up = updated(&activemq(), None, |input| input.engine_version = some("5.19")).expect("up");
    assert_eq!(up.pending.engine_version, Some(EngineVersion::new(5, 19)));
    assert_eq!(up.spec.engine_version, EngineVersion::new(5, 18), "not at once");
    let up = updated(&rabbit(), None, |input| input.engine_version = some("4.3")).expect("up");
    assert!(up.changed.contains(&UpdatedMember::EngineVersion));
    let mut new = activemq();
    new.spec.engine_version = EngineVersion::new(5, 19);
    let down = refused(&new, |input| input.engine_version = some("5.18"));
    assert!(down.message.starts_with("Downgrading"), "{}", down.message);
    let mut old = rabbit();
    old.spec.engine_version = EngineVersion::new(3, 10);
    old.spec.host_instance_type = host("mq.m5.large");
    let far = refused(&old, |input| input.engine_version = some("4.3"));
    assert_eq!(far.attribute.as_deref(), Some("engineVersion"));
    let family = refused(&rabbit(), |input| input.host_instance_type = some("mq.m5.large"));
    assert_eq!(family.attribute.as_deref(), Some("hostInstanceType"));
    let micro = refused(&old, |input| input.host_instance_type = some("mq.t3.micro"));
    assert!(micro.message.contains("is not supported for RabbitMQ brokers"), "{}", micro.message);
}

#[test]
fn automatic_upgrades_can_not_be_switched_off_where_the_service_forces_them() {
    let off = refused(&activemq(), |input| input.auto_minor_version_upgrade = Some(false));
    assert_eq!(
        off.message,
        "Brokers on [ActiveMQ] version [5.18] must have [autoMinorVersionUpgrade] set to [true]."
    );
    let mut old = activemq();
    old.spec.engine_version = EngineVersion::new(5, 17);
    old.spec.auto_minor_version_upgrade = false;
    let up = refused(&old, |input| input.engine_version = some("5.18"));
    assert!(
        up.message.starts_with("Brokers upgrading to [ActiveMQ] version [5.18]"),
        "{}",
        up.message
    );
    let both = updated(&old, None, |input| {
        input.engine_version = some("5.18");
        input.auto_minor_version_upgrade = Some(true);
    });
    assert!(both.expect("valid").spec.auto_minor_version_upgrade);
}

#[test]
fn a_revision_waits_and_going_back_takes_it_back() {
    let broker = activemq();
    let second = revision(&broker, EngineVersion::new(5, 18), 2, "");
    let change = updated(&broker, Some(&second), |_| {}).expect("valid");
    assert_eq!(change.configurations.pending, Some(second.reference()));
    let waiting = Broker { configurations: change.configurations, ..broker.clone() };
    let again = updated(&waiting, Some(&second), |_| {}).expect("valid");
    assert!(again.changed.is_empty());
    let first = revision(&broker, EngineVersion::new(5, 18), 1, "");
    let back = updated(&waiting, Some(&first), |_| {}).expect("valid");
    assert_eq!(back.configurations.pending, None);
    assert!(back.changed.contains(&UpdatedMember::Configuration));
}

#[test]
fn a_configuration_may_be_for_the_version_that_runs_or_for_the_one_that_waits() {
    let broker = activemq();
    let newer = revision(&broker, EngineVersion::new(5, 19), 2, "");
    assert!(updated(&broker, Some(&newer), |_| {}).is_err());
    let both = updated(&broker, Some(&newer), |input| input.engine_version = some("5.19"));
    assert!(both.is_ok());
    let older = revision(&broker, EngineVersion::new(5, 18), 2, "");
    let both = updated(&broker, Some(&older), |input| input.engine_version = some("5.19"));
    assert!(both.is_ok(), "Terraform sends the configuration along with the version");
    let mut other = older.clone();
    other.configuration.engine_type = EngineType::RabbitMq;
    let wrong = updated(&broker, Some(&other), |_| {}).expect_err("another engine");
    assert_eq!(wrong.attribute.as_deref(), Some("configuration"));
}

#[test]
fn a_revision_from_before_the_rules_is_refused_when_it_is_associated() {
    let broker = activemq();
    let data = EMPTY.replace("/>", " maxUncommittedCount=\"1\"/>");
    let newer = revision(&broker, EngineVersion::new(5, 18), 2, &data);
    let error = updated(&broker, Some(&newer), |_| {}).expect_err("5.18 does not know it");
    assert_eq!(error.attribute.as_deref(), Some("configuration"));
    assert!(error.message.contains("maxUncommittedCount"), "{error}");
    updated(&broker, Some(&newer), |input| input.engine_version = some("5.19")).expect("5.19 does");
}

#[test]
fn a_configuration_does_not_wait_longer_than_the_version_it_is_for() {
    let broker = activemq();
    let newer = revision(&broker, EngineVersion::new(5, 19), 2, "");
    let both = updated(&broker, Some(&newer), |input| input.engine_version = some("5.19"));
    let waiting = after(broker, both);
    let offerings = offerings();
    let back = |revision, kept_revision| {
        let input = UpdateBrokerInput { engine_version: some("5.18"), ..<_>::default() };
        waiting.update(
            input,
            UpdateContext {
                revision,
                kept_revision,
                ldap_password: None,
                offerings: &offerings,
                now: NOW,
            },
        )
    };
    let alone = back(None, Some(&newer)).expect_err("a configuration for 5.19");
    assert_eq!(alone.attribute.as_deref(), Some("configuration"));
    let current = revision(&waiting, EngineVersion::new(5, 18), 1, "");
    assert!(back(Some(&current), None).expect("valid").pending.is_empty());
}

#[test]
fn a_rabbitmq_configuration_decides_about_logins() {
    let broker = rabbit();
    let version = EngineVersion::new(4, 0);
    let managed = revision(
        &broker,
        version,
        2,
        "auth_backends.1 = oauth2\nauth_oauth2.jwks_uri = https://keys.example/jwks.json\n",
    );
    let change = updated(&broker, Some(&managed), |_| {}).expect("valid");
    assert_eq!(change.pending.authentication_strategy, Some(AuthenticationStrategy::ConfigManaged));
    let simple = updated(&broker, Some(&managed), |input| {
        input.authentication_strategy = some("SIMPLE");
    });
    assert_eq!(
        simple.expect_err("contradiction").attribute.as_deref(),
        Some("authenticationStrategy")
    );
    let limit = revision(&broker, version, 2, "cluster_queue_limit = 100000000\n");
    assert!(updated(&broker, Some(&limit), |_| {}).is_err(), "above the tier's maximum");
}

pub(super) fn directory() -> LdapServerMetadataInput {
    LdapServerMetadataInput {
        hosts: Some(vec!["ldap.example".to_owned()]),
        role_base: some("a"),
        role_search_matching: some("a"),
        service_account_password: Some(SecretString::from("secret")),
        service_account_username: some("a"),
        user_base: some("a"),
        user_search_matching: some("a"),
        ..LdapServerMetadataInput::default()
    }
}

#[test]
fn a_directory_needs_its_strategy_and_the_strategy_a_directory() {
    let broker = activemq();
    let alone = refused(&broker, |input| input.ldap_server_metadata = Some(directory()));
    assert_eq!(alone.attribute.as_deref(), Some("ldapServerMetadata"));
    let without = refused(&broker, |input| input.authentication_strategy = some("LDAP"));
    assert_eq!(without.attribute.as_deref(), Some("ldapServerMetadata"));
    let both = updated(&broker, None, |input| {
        input.authentication_strategy = some("LDAP");
        input.ldap_server_metadata = Some(directory());
    })
    .expect("valid");
    assert!(both.ldap_password.is_some() && both.pending.ldap.is_some());
    let foreign = refused(&rabbit(), |input| input.authentication_strategy = some("LDAP"));
    assert_eq!(foreign.attribute.as_deref(), Some("authenticationStrategy"));
}

#[test]
fn logs_wait_for_activemq_and_are_switched_at_once_for_rabbitmq() {
    let change = updated(&activemq(), None, |input| input.logs = Some((Some(true), None)));
    let change = change.expect("valid");
    assert_eq!(change.pending.logs, Some(Logs { general: true, audit: false }));
    assert!(!change.spec.logs.general);
    let change = updated(&rabbit(), None, |input| input.logs = Some((Some(true), None)));
    let change = change.expect("valid");
    assert!(change.spec.logs.general && change.pending.logs.is_none());
    let audit = refused(&rabbit(), |input| input.logs = Some((None, Some(false))));
    assert_eq!(audit.attribute.as_deref(), Some("logs.audit"));
    assert_eq!(audit.message, "Audit logs are not supported for RabbitMQ brokers.");
}

#[test]
fn only_running_brokers_are_updated() {
    let mut states = vec![broker()];
    let mut rebooting = activemq();
    rebooting.reboots_requested = 1;
    states.push(rebooting);
    states.push(Broker { intent: Intent::Delete, ..activemq() });
    for broker in states {
        let state = broker.state();
        let refused = refused(&broker, |_| {});
        assert_eq!(refused.kind, ErrorKind::Conflict, "{state}");
        assert!(refused.message.contains(state.as_str()), "{}", refused.message);
    }
}

#[test]
fn alarms_restrict_changes_of_the_instance_type() {
    let alarmed = |code| {
        let mut broker = rabbit();
        broker.status.actions_required = vec![ActionRequired { code, info: String::new() }];
        broker
    };
    let larger = |input: &mut UpdateBrokerInput| input.host_instance_type = some("mq.m7g.large");
    assert!(updated(&alarmed(ActionCode::RabbitmqMemoryAlarm), None, larger).is_ok());
    assert!(updated(&alarmed(ActionCode::RabbitmqDiskAlarm), None, larger).is_err());
    let mut cluster = alarmed(ActionCode::RabbitmqMemoryAlarm);
    cluster.spec.deployment_mode = DeploymentMode::ClusterMultiAz;
    assert!(updated(&cluster, None, larger).is_err());
    let mut large = alarmed(ActionCode::RabbitmqMemoryAlarm);
    large.spec.host_instance_type = host("mq.m7g.large");
    assert!(updated(&large, None, |i| i.host_instance_type = some("mq.m7g.medium")).is_err());
    let logs = |input: &mut UpdateBrokerInput| input.logs = Some((Some(true), None));
    let logs = updated(&alarmed(ActionCode::RabbitmqDiskAlarm), None, logs);
    assert!(logs.is_ok(), "what has nothing to do with it may be changed");
}

#[test]
fn what_waits_survives_other_changes() {
    let broker = activemq();
    let first = updated(&broker, None, |input| input.engine_version = some("5.19")).expect("valid");
    let waiting = Broker { pending: first.pending, ..broker };
    let second = updated(&waiting, None, |input| input.host_instance_type = some("mq.m5.large"));
    let second = second.expect("valid");
    assert_eq!(second.pending.engine_version, Some(EngineVersion::new(5, 19)));
    assert_eq!(second.pending.host_instance_type, Some(host("mq.m5.large")));
    assert_eq!(second.changed, BTreeSet::from([UpdatedMember::HostInstanceType]));
}

#[test]
fn a_size_that_was_chosen_must_fit_the_new_instance_type() {
    let mut cluster = rabbit();
    cluster.spec.deployment_mode = DeploymentMode::ClusterMultiAz;
    cluster.spec.engine_version = EngineVersion::new(4, 3);
    cluster.spec.storage_size = Some(10);
    let large = |input: &mut UpdateBrokerInput| input.host_instance_type = some("mq.m7g.large");
    assert_eq!(refused(&cluster, large).attribute.as_deref(), Some("storageSize"));
    let both = |input: &mut UpdateBrokerInput| {
        input.host_instance_type = some("mq.m7g.large");
        input.storage_size = Some(20);
    };
    let change = updated(&cluster, None, both).expect("valid");
    assert_eq!(change.pending.storage_size, Some(Some(20)));
    cluster.spec.storage_size = Some(20);
    assert!(updated(&cluster, None, large).is_ok(), "20 fits both");
    let mut old = rabbit();
    old.spec.deployment_mode = DeploymentMode::ClusterMultiAz;
    old.pending.engine_version = Some(EngineVersion::new(4, 3));
    old.pending.storage_size = Some(Some(10));
    let back = refused(&old, |input| input.engine_version = some("4.0"));
    assert_eq!(back.attribute.as_deref(), Some("storageSize"));
}

/// The broker as it is after an update, or as it was if that is refused.
pub(super) fn after(broker: Broker, update: Result<BrokerUpdate, Error>) -> Broker {
    match update {
        Err(_) => broker,
        Ok(BrokerUpdate { spec, pending, configurations, window_changes, .. }) => {
            Broker { spec, pending, configurations, window_changes, ..broker }
        }
    }
}

pub(super) const MANAGED: &str =
    "auth_backends.1 = oauth2\nauth_oauth2.jwks_uri = https://keys.example/jwks.json\n";

#[test]
fn logins_go_back_with_the_configuration_that_decides_about_them() {
    let broker = rabbit();
    let managed = revision(&broker, EngineVersion::new(4, 0), 2, MANAGED);
    let change = updated(&broker, Some(&managed), |_| {});
    let waiting = after(broker.clone(), change);
    assert!(waiting.pending.authentication_strategy.is_some());
    let current = revision(&broker, EngineVersion::new(4, 0), 1, "");
    let back = updated(&waiting, Some(&current), |_| {}).expect("valid");
    assert!(back.pending.is_empty(), "{:?}", back.pending);
    assert_eq!(back.configurations.pending, None);
}

#[test]
fn a_configuration_that_was_accepted_for_one_version_does_not_wait_for_another() {
    let broker = activemq();
    let newer = revision(&broker, EngineVersion::new(5, 19), 2, "");
    let both = updated(&broker, Some(&newer), |input| input.engine_version = some("5.19"));
    let waiting = after(broker, both);
    let same = updated(&waiting, Some(&newer), |input| input.engine_version = some("5.18"));
    let refused = same.expect_err("a configuration for 5.19");
    assert_eq!(refused.attribute.as_deref(), Some("configuration"));
}

#[test]
fn what_is_in_force_is_checked_for_the_version_and_the_strategy_that_are_asked_for() {
    let mut broker = activemq();
    broker.spec.authentication_strategy = AuthenticationStrategy::Ldap;
    broker.spec.ldap = LdapServerMetadata::parse(directory()).ok().map(|(metadata, _)| metadata);
    let keeping = |data: &str, change: fn(&mut UpdateBrokerInput)| {
        let kept = revision(&broker, EngineVersion::new(5, 18), 1, data);
        let mut input = UpdateBrokerInput::default();
        change(&mut input);
        let context = UpdateContext {
            revision: None,
            kept_revision: Some(&kept),
            ldap_password: None,
            offerings: &offerings(),
            now: NOW,
        };
        broker.update(input, context).map(|_| ())
    };
    let newer: fn(&mut UpdateBrokerInput) = |input| input.engine_version = some("5.19");
    let simple: fn(&mut UpdateBrokerInput) = |input| input.authentication_strategy = some("SIMPLE");
    keeping(EMPTY, newer).expect("valid");
    keeping(EMPTY, simple).expect("valid");
    keeping(OF_A_DIRECTORY, newer).expect("valid");
    let nonsense = EMPTY.replace("/>", " nonsense=\"1\"/>");
    for (data, change) in [(nonsense.as_str(), newer), (OF_A_DIRECTORY, simple)] {
        let refused = keeping(data, change).expect_err("the reboot would find out");
        assert_eq!(refused.attribute.as_deref(), Some("configuration"));
    }
}

#[test]
fn settings_in_force_are_checked_for_the_version_and_the_tier_that_are_asked_for() {
    let mut broker = rabbit();
    broker.spec.host_instance_type = host("mq.m7g.large");
    let keeping = |data: &str, change: fn(&mut UpdateBrokerInput)| {
        let kept = revision(&broker, EngineVersion::new(4, 0), 1, data);
        let mut input = UpdateBrokerInput::default();
        change(&mut input);
        let context = UpdateContext {
            revision: None,
            kept_revision: Some(&kept),
            ldap_password: None,
            offerings: &offerings(),
            now: NOW,
        };
        broker.update(input, context).map(|_| ())
    };
    let newer: fn(&mut UpdateBrokerInput) = |input| input.engine_version = some("4.3");
    let smaller: fn(&mut UpdateBrokerInput) =
        |input| input.host_instance_type = some("mq.m7g.medium");
    let logs: fn(&mut UpdateBrokerInput) = |input| input.logs = Some((Some(true), None));
    for change in [newer, smaller] {
        keeping("", change).expect("valid");
        keeping("nonsense = 1", change).expect_err("the reboot would find out");
    }
    keeping("nonsense = 1", logs).expect("what is in force stays");
}

/// A document that only brokers may have whose users are in a directory.
const OF_A_DIRECTORY: &str = "<broker xmlns=\"http://activemq.apache.org/schema/core\"><plugins><authorizationPlugin><map>\
    <cachedLDAPAuthorizationMap queueSearchBase=\"ou=Queue\" tempSearchBase=\"ou=Temp\" topicSearchBase=\"ou=Topic\"/></map></authorizationPlugin></plugins></broker>";
