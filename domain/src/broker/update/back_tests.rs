//! What waits is taken back by asking for what is in force, in the members that were named and no others.

use proptest::prelude::*;

use super::{
    tests::{
        EMPTY, MANAGED, NOW, activemq, after, directory, host, offerings, rabbit, revision, some,
    },
    *,
};
use crate::catalogue::EngineVersion;

/// The password of every directory that is in force.
const IN_FORCE: &str = "secret";

/// Brokers that run, of both engines and with everything in force that may be.
fn brokers() -> Vec<Broker> {
    let grouped = |mut broker: Broker| {
        broker.spec.security_groups = vec!["sg-1".to_owned()];
        broker
    };
    let mut directed = grouped(activemq());
    directed.spec.authentication_strategy = AuthenticationStrategy::Ldap;
    directed.spec.ldap = LdapServerMetadata::parse(directory()).ok().map(|(metadata, _)| metadata);
    directed.spec.logs = Logs { general: true, audit: true };
    let mut old = grouped(activemq());
    old.spec.engine_version = EngineVersion::new(5, 17);
    old.spec.auto_minor_version_upgrade = false;
    let cluster = |size| {
        let mut broker = rabbit();
        broker.spec.deployment_mode = DeploymentMode::ClusterMultiAz;
        broker.spec.engine_version = EngineVersion::new(4, 3);
        broker.spec.storage_size = size;
        broker
    };
    let mut managed = cluster(Some(15));
    managed.spec.authentication_strategy = AuthenticationStrategy::ConfigManaged;
    managed.spec.logs.general = true;
    vec![grouped(activemq()), directed, old, rabbit(), cluster(None), managed]
}

/// The revisions there are for a broker: the first one is in force.
fn revisions(broker: &Broker) -> Vec<ConfigurationRevision> {
    let spec = &broker.spec;
    let now = spec.engine_version;
    let (newer, managed, simple) = match spec.engine_type {
        EngineType::ActiveMq => (EngineVersion::new(5, 19), EMPTY, EMPTY),
        EngineType::RabbitMq => (EngineVersion::new(4, 3), MANAGED, ""),
    };
    let mut all = vec![
        revision(broker, now, 1, simple),
        revision(broker, now, 2, simple),
        revision(broker, newer, 3, simple),
        revision(broker, now, 4, managed),
    ];
    match spec.engine_type {
        EngineType::ActiveMq => {
            all[3].configuration.authentication_strategy = AuthenticationStrategy::Ldap;
        }
        EngineType::RabbitMq if spec.authentication_strategy != AuthenticationStrategy::Simple => {
            MANAGED.clone_into(&mut all[0].data);
        }
        EngineType::RabbitMq => {}
    }
    all
}

/// A request, with the number of the revision that it names.
#[derive(Debug, Clone, Default)]
struct Request {
    input: UpdateBrokerInput,
    revision: Option<i32>,
}

/// As the handler does it.
fn update(broker: &Broker, request: &Request) -> Result<BrokerUpdate, Error> {
    let revisions = revisions(broker);
    let find = |number| revisions.iter().find(|r| r.revision.number == number);
    let configurations = &broker.configurations;
    let kept = configurations.pending.or(configurations.current);
    let password = SecretString::from(IN_FORCE);
    let offerings = offerings();
    let context = UpdateContext {
        revision: request.revision.and_then(find),
        kept_revision: match request.revision {
            Some(_) => None,
            None => kept.and_then(|kept| find(kept.revision)),
        },
        ldap_password: broker.spec.ldap.as_ref().map(|_| &password),
        offerings: &offerings,
        now: NOW,
    };
    broker.update(request.input.clone(), context)
}

/// Something else than is in force, in each member by itself. Every member of UpdateBroker that can have another value is
/// here.
fn others(broker: &Broker) -> Vec<(UpdatedMember, Request)> {
    use UpdatedMember as M;
    let is_activemq = broker.spec.engine_type == EngineType::ActiveMq;
    let spec = &broker.spec;
    let version = if is_activemq { "5.19" } else { "4.3" };
    let mut all: Vec<(M, Request)> = Vec::new();
    let mut add = |member, change: &dyn Fn(&mut UpdateBrokerInput)| {
        let mut request = Request::default();
        change(&mut request.input);
        all.push((member, request));
    };
    let is_newest = spec.engine_version.to_string() == version;
    if !is_newest {
        add(M::EngineVersion, &|input| {
            input.engine_version = some(version);
            input.auto_minor_version_upgrade = Some(true);
        });
    }
    if !spec.auto_minor_version_upgrade {
        add(M::AutoMinorVersionUpgrade, &|input| input.auto_minor_version_upgrade = Some(true));
    }
    let larger = if is_activemq { "mq.m5.large" } else { "mq.m7g.large" };
    add(M::HostInstanceType, &|input| input.host_instance_type = some(larger));
    let audit = is_activemq.then_some(!spec.logs.audit);
    add(M::Logs, &|input| input.logs = Some((Some(!spec.logs.general), audit)));
    add(M::MaintenanceWindow, &|input| {
        input.maintenance_window = Some((some("FRIDAY"), some("05:00"), some("UTC")));
    });
    if is_activemq {
        add(M::SecurityGroups, &|input| input.security_groups = Some(vec!["sg-2".to_owned()]));
        let elsewhere = || {
            let hosts = Some(vec!["other.example".to_owned()]);
            Some(LdapServerMetadataInput { hosts, ..directory() })
        };
        let renewed = || {
            let service_account_password = Some(SecretString::from("another secret"));
            Some(LdapServerMetadataInput { service_account_password, ..directory() })
        };
        if spec.authentication_strategy == AuthenticationStrategy::Ldap {
            add(M::AuthenticationStrategy, &|input| input.authentication_strategy = some("SIMPLE"));
            add(M::LdapServerMetadata, &|input| input.ldap_server_metadata = elsewhere());
            add(M::LdapServerMetadata, &|input| input.ldap_server_metadata = renewed());
        } else {
            add(M::AuthenticationStrategy, &|input| {
                input.authentication_strategy = some("LDAP");
                input.ldap_server_metadata = elsewhere();
            });
        }
    } else if spec.deployment_mode == DeploymentMode::ClusterMultiAz {
        add(M::StorageSize, &|input| input.storage_size = Some(25));
    }
    let fitting = match spec.authentication_strategy {
        AuthenticationStrategy::Ldap => 4,
        _ => 2,
    };
    let revision = Some(fitting);
    all.push((M::Configuration, Request { revision, ..Request::default() }));
    all
}

/// The members that any of two requests names.
fn either(one: Request, other: Request) -> Request {
    // Without `..`, so that a new member has to be thought of.
    let UpdateBrokerInput {
        authentication_strategy,
        auto_minor_version_upgrade,
        data_replication_mode,
        engine_version,
        host_instance_type,
        ldap_server_metadata,
        logs,
        maintenance_window,
        resource_share_arns,
        security_groups,
        storage_size,
    } = one.input;
    let also = other.input;
    let input = UpdateBrokerInput {
        authentication_strategy: authentication_strategy.or(also.authentication_strategy),
        auto_minor_version_upgrade: auto_minor_version_upgrade.or(also.auto_minor_version_upgrade),
        data_replication_mode: data_replication_mode.or(also.data_replication_mode),
        engine_version: engine_version.or(also.engine_version),
        host_instance_type: host_instance_type.or(also.host_instance_type),
        ldap_server_metadata: ldap_server_metadata.or(also.ldap_server_metadata),
        logs: logs.or(also.logs),
        maintenance_window: maintenance_window.or(also.maintenance_window),
        resource_share_arns: resource_share_arns.or(also.resource_share_arns),
        security_groups: security_groups.or(also.security_groups),
        storage_size: storage_size.or(also.storage_size),
    };
    Request { input, revision: one.revision.or(other.revision) }
}

/// The request for what a broker has in force, in the members that were named.
fn back(broker: &Broker, named: &Request) -> Request {
    let UpdateBrokerInput {
        authentication_strategy,
        auto_minor_version_upgrade,
        data_replication_mode,
        engine_version,
        host_instance_type,
        ldap_server_metadata,
        logs,
        maintenance_window,
        resource_share_arns,
        security_groups,
        storage_size,
    } = &named.input;
    let spec = &broker.spec;
    let strategy = spec.authentication_strategy.as_str();
    let audit = (spec.engine_type == EngineType::ActiveMq).then_some(spec.logs.audit);
    let window = &spec.maintenance_window;
    let input = UpdateBrokerInput {
        authentication_strategy: authentication_strategy.as_ref().map(|_| strategy.to_owned()),
        auto_minor_version_upgrade: auto_minor_version_upgrade
            .map(|_| spec.auto_minor_version_upgrade),
        data_replication_mode: data_replication_mode.as_ref().map(|_| "NONE".to_owned()),
        engine_version: engine_version.as_ref().map(|_| spec.engine_version.to_string()),
        host_instance_type: host_instance_type
            .as_ref()
            .map(|_| spec.host_instance_type.name().to_owned()),
        ldap_server_metadata: ldap_server_metadata
            .as_ref()
            .filter(|_| spec.ldap.is_some())
            .map(|_| directory()),
        logs: logs.map(|_| (Some(spec.logs.general), audit)),
        maintenance_window: maintenance_window.as_ref().map(|_| {
            let (time, zone) = (window.time_of_day(), window.time_zone());
            (some(window.day_of_week().as_str()), some(&time), some(zone))
        }),
        resource_share_arns: resource_share_arns.as_ref().map(|_| Vec::new()),
        security_groups: security_groups.as_ref().map(|_| spec.security_groups.clone()),
        storage_size: storage_size.map(|_| spec.storage_size.map_or(0, i64::from)),
    };
    Request { input, revision: named.revision.map(|_| 1) }
}

/// Asks for what is in force, and expects that it is, and that nothing waits.
fn taken_back(before: &Broker, waiting: &Broker, named: &Request) -> Result<(), String> {
    let asked = back(before, named);
    let update = update(waiting, &asked)
        .map_err(|error| format!("{asked:?} is refused: {}", error.message))?;
    let is_back = update.pending.is_empty()
        && update.spec == before.spec
        && update.configurations == before.configurations
        && update.ldap_password.is_none();
    is_back.then_some(()).ok_or_else(|| format!("{asked:?} leaves {update:?}"))
}

#[test]
fn each_member_is_taken_back_by_itself() {
    let mut seen = BTreeSet::new();
    for before in brokers() {
        for (member, request) in others(&before) {
            let changed = update(&before, &request).expect("something else is valid");
            assert!(changed.changed.contains(&member), "{member:?}: {request:?}");
            seen.insert(member);
            let waiting = after(before.clone(), Ok(changed));
            assert_eq!(taken_back(&before, &waiting, &request), Ok(()), "{member:?}");
        }
    }
    assert_eq!(seen.len(), 10, "{seen:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn whatever_was_asked_for_asking_for_what_is_in_force_leaves_nothing_that_waits(
        before in prop::sample::select(brokers()),
        requests in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 1..5), 1..4),
        revision in prop::option::of(2..=4),
    ) {
        let (mut waiting, mut named) = (before.clone(), Request::default());
        for members in requests {
            let all = others(&before);
            let mut request = members.iter().fold(Request::default(), |request, member| {
                either(request, member.get(&all).1.clone())
            });
            request.revision = revision.or(request.revision);
            let changed = update(&waiting, &request);
            if changed.is_ok() {
                waiting = after(waiting, changed);
                named = either(named, request);
            }
        }
        prop_assert_eq!(taken_back(&before, &waiting, &named), Ok(()));
    }
}

#[test]
fn a_pending_strategy_that_nothing_brought_goes_with_the_current_configuration() {
    let mut broker = rabbit();
    broker.pending.authentication_strategy = Some(AuthenticationStrategy::ConfigManaged);
    let request = Request { revision: Some(1), ..Request::default() };
    assert!(update(&broker, &request).expect("valid").pending.is_empty());
}

#[test]
fn a_directory_goes_when_logins_do_not_come_from_one_any_more() {
    let directed = brokers().into_iter().find(|broker| broker.spec.ldap.is_some());
    let directed = directed.expect("one with a directory");
    let mut simple = Request::default();
    simple.input.authentication_strategy = some("SIMPLE");
    let changed = update(&directed, &simple).expect("valid");
    assert!(changed.spec.ldap.is_some(), "until the reboot");
    assert_eq!(changed.pending.applied_to(&changed.spec).ldap, None);
    let mut larger = Request::default();
    larger.input.host_instance_type = some(host("mq.m5.large").name());
    let changed = update(&directed, &larger).expect("valid");
    assert!(changed.pending.applied_to(&changed.spec).ldap.is_some());
}
