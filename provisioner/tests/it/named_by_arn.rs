//! Brokers whose configuration names by ARN what can't be had, or not yet.

use std::time::Duration;

use crate::world::driver::Simulation;
use brokerd_domain::{ActionCode, BrokerId, BrokerState, EngineType};
use brokerd_provisioner::secrets::NotFetched;

const ROTATED: &str = "another password";

/// The LDAP tutorial of the service, as far as it is about a password.
fn configuration(secret: &str) -> String {
    format!(
        "auth_backends.1 = internal
auth_backends.2 = ldap
auth_ldap.servers.1 = ldap.example.com
auth_ldap.use_ssl = true
auth_ldap.dn_lookup_bind.user_dn = 'cn=service,dc=example,dc=com'
aws.arns.assume_role_arn = arn:aws:iam::000000000000:role/MqRole
aws.arns.auth_ldap.dn_lookup_bind.password = arn:aws:secretsmanager:us-east-1:000000000000:secret:{secret}
"
    )
}

fn silent() -> NotFetched {
    NotFetched::Transient("secretsmanager answered 503".to_owned())
}

fn denied() -> NotFetched {
    NotFetched::Invalid("secretsmanager answered 400 (AccessDeniedException)".to_owned())
}

/// Associates a configuration that names a secret, and reboots the broker.
fn reboot_with(sim: &Simulation, id: BrokerId, secret: &str) {
    sim.store.request(id, |row| {
        row.broker.generation.0 += 1;
        row.revisions.push(configuration(secret));
        let revision = i32::try_from(row.revisions.len()).expect("few");
        row.broker.configurations.pending = Some(crate::world::revision(revision));
    });
    sim.reboot(id);
}

/// A broker whose configuration names a secret that can't be had yet, just asked for.
fn create(sim: &Simulation, secret: &str) -> BrokerId {
    let id = sim.create(EngineType::RabbitMq);
    sim.store.request(id, |row| row.revisions[0] = configuration(secret));
    id
}

fn sentence(sim: &Simulation, id: BrokerId) -> String {
    sim.row(id).expect("it is there").broker.status.sentence
}

fn codes(sim: &Simulation, id: BrokerId) -> Vec<ActionCode> {
    let broker = sim.row(id).expect("it is there").broker;
    broker.actions_required().into_iter().map(|action| action.code).collect()
}

/// For which reboot its containers are, and whether its engines were given that text.
fn made_for(sim: &Simulation, text: &str) -> (u32, bool) {
    let world = sim.world.lock().expect("not poisoned");
    let of = world.containers.values().next().expect("a container");
    (of.status.reboot, of.files.iter().any(|file| file.contains(text)))
}

#[tokio::test]
async fn a_reboot_waits_for_a_source_that_does_not_answer_and_the_broker_is_looked_after() {
    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    sim.kept.answer("ldap", Err(silent()));
    reboot_with(&sim, id, "ldap-AbCdEf");
    sim.live(Duration::from_secs(60)).await;
    assert_eq!(sim.state(id), Some(BrokerState::RebootInProgress));
    let told = sentence(&sim, id);
    assert!(told.starts_with("the reboot waits: [arn:aws:secretsmanager:"), "{told}");
    assert!(told.ends_with("can't be fetched: secretsmanager answered 503"), "{told}");
    assert_eq!(made_for(&sim, "auth_ldap"), (0, false), "what ran runs");
    assert_eq!(codes(&sim, id), [""; 0]);
    let asked = *sim.kept.asked.lock().expect("not poisoned");
    assert!((4..=8).contains(&asked), "asked {asked} times in a minute");

    // It dies meanwhile, and is started again as it was, without asking more often.
    sim.in_the_world(|world| {
        world.containers.values_mut().for_each(crate::world::containers::Container::end);
    });
    sim.runtime_event(id).await;
    sim.live(Duration::from_secs(5)).await;
    let row = sim.row(id).expect("it is there");
    assert!(row.targets.iter().all(|target| !target.addresses.is_empty()), "{:?}", row.targets);
    assert_eq!(made_for(&sim, "auth_ldap"), (0, false));
    assert!(*sim.kept.asked.lock().expect("not poisoned") <= asked + 1);
    // And so is one that somebody has removed.
    sim.in_the_world(|world| world.containers.clear());
    sim.runtime_event(id).await;
    sim.live(Duration::from_secs(15)).await;
    assert_eq!(made_for(&sim, "auth_ldap"), (0, false));

    sim.kept.answer("ldap", Ok(ROTATED));
    sim.live(Duration::from_secs(20)).await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
    assert_eq!(made_for(&sim, ROTATED), (1, true));
    let broker = sim.row(id).expect("it is there").broker;
    assert_eq!(broker.configurations.current, Some(crate::world::revision(2)));
    assert_eq!(broker.not_applied, None);
}

#[tokio::test]
async fn a_creation_waits_for_a_source_that_does_not_answer() {
    let sim = Simulation::new();
    sim.kept.answer("ldap", Err(silent()));
    let id = create(&sim, "ldap-AbCdEf");
    sim.live(Duration::from_mins(10)).await;
    assert_eq!(sim.state(id), Some(BrokerState::CreationInProgress));
    let told = sentence(&sim, id);
    assert!(told.starts_with("waiting: [arn:aws:secretsmanager:"), "{told}");
    sim.kept.answer("ldap", Ok(ROTATED));
    sim.live(Duration::from_secs(20)).await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
}

#[tokio::test]
async fn nothing_is_waited_for_for_ever() {
    let sim = Simulation::new();
    sim.kept.answer("ldap", Err(silent()));
    let id = create(&sim, "ldap-AbCdEf");
    sim.live(Duration::from_mins(16)).await;
    assert_eq!(sim.state(id), Some(BrokerState::CreationFailed));
    assert_eq!(codes(&sim, id), ["RABBITMQ_INVALID_ARN_LDAP", "BROKER_CREATION_FAILED"]);

    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    sim.kept.answer("ldap", Err(silent()));
    reboot_with(&sim, id, "ldap-AbCdEf");
    sim.live(Duration::from_mins(16)).await;
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired));
    assert_eq!(codes(&sim, id), ["RABBITMQ_INVALID_ARN_LDAP", "BROKER_CHANGES_NOT_APPLIED"]);
}

#[tokio::test]
async fn what_is_denied_is_given_up_at_once_with_the_code_of_the_service() {
    let sim = Simulation::new();
    sim.kept.answer("ldap", Err(denied()));
    let failed = create(&sim, "ldap-AbCdEf");
    sim.settle().await;
    assert_eq!(sim.state(failed), Some(BrokerState::CreationFailed));
    assert_eq!(codes(&sim, failed), ["RABBITMQ_INVALID_ARN_LDAP", "BROKER_CREATION_FAILED"]);

    let sim = Simulation::new();
    let id = sim.create(EngineType::RabbitMq);
    sim.settle().await;
    sim.kept.answer("ldap", Err(denied()));
    reboot_with(&sim, id, "ldap-AbCdEf");
    sim.live(Duration::from_secs(30)).await;
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired));
    let broker = sim.row(id).expect("it is there").broker;
    let [own, waits] = &broker.actions_required()[..] else { panic!("{broker:?}") };
    assert_eq!(own.code, "RABBITMQ_INVALID_ARN_LDAP");
    assert_eq!(waits.code, "BROKER_CHANGES_NOT_APPLIED");
    for action in [own, waits] {
        let why = "of [aws.arns.auth_ldap.dn_lookup_bind.password] can't be used: secretsmanager answered 400 \
                   (AccessDeniedException).";
        assert!(action.info.contains(why), "{action:?}");
    }
    assert_eq!(made_for(&sim, "auth_ldap"), (2, false), "it runs as before");

    // Who takes the change back has done what must be done.
    sim.store.request(id, |row| {
        row.broker.configurations.pending = None;
        row.broker.not_applied = None;
    });
    assert_eq!(codes(&sim, id), [""; 0]);
    sim.live(Duration::from_secs(30)).await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));
}

#[tokio::test]
async fn a_broker_whose_secret_is_missing_is_rebooted_with_the_former_value_and_requires_action() {
    let sim = Simulation::new();
    sim.kept.answer("ldap", Ok("the first password"));
    let id = create(&sim, "ldap-AbCdEf");
    sim.settle().await;
    assert_eq!(sim.state(id), Some(BrokerState::Running));

    sim.kept.answer("ldap", Err(denied()));
    sim.reboot(id);
    sim.live(Duration::from_secs(30)).await;
    assert_eq!(made_for(&sim, "the first password"), (1, true));
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired));
    assert_eq!(codes(&sim, id), ["RABBITMQ_INVALID_ARN_LDAP"]);

    sim.kept.answer("ldap", Ok(ROTATED));
    sim.reboot(id);
    sim.live(Duration::from_secs(30)).await;
    assert_eq!(made_for(&sim, ROTATED), (2, true));
    assert_eq!(sim.state(id), Some(BrokerState::Running));

    // A source that is away is waited for, for a moment only.
    sim.kept.answer("ldap", Err(silent()));
    sim.reboot(id);
    sim.live(Duration::from_secs(30)).await;
    assert_eq!(
        (sim.state(id), made_for(&sim, ROTATED).0),
        (Some(BrokerState::RebootInProgress), 2)
    );
    sim.live(Duration::from_secs(60)).await;
    assert_eq!(made_for(&sim, ROTATED), (3, true));
    assert_eq!(codes(&sim, id), ["RABBITMQ_INVALID_ARN_LDAP"]);

    // A configuration that does not name it needs nothing of it.
    sim.store.request(id, |row| {
        row.broker.generation.0 += 1;
        row.revisions.push("heartbeat = 120\n".to_owned());
        row.broker.configurations.pending = Some(crate::world::revision(2));
    });
    sim.reboot(id);
    sim.live(Duration::from_secs(30)).await;
    assert_eq!((sim.state(id), codes(&sim, id)), (Some(BrokerState::Running), vec![]));
}

#[tokio::test]
async fn a_failed_reboot_restores_the_former_values() {
    let sim = Simulation::new();
    sim.kept.answer("ldap", Ok("the first password"));
    let id = create(&sim, "ldap-AbCdEf");
    sim.settle().await;

    // What the new configuration names can be had, but the engine does not boot with the rest of it; and what the
    // former one names can't be had any more.
    sim.kept.answer("ldap", Err(denied()));
    sim.kept.answer("other", Ok(ROTATED));
    reboot_with(&sim, id, "other-AbCdEf");
    sim.store.request(id, |row| {
        row.revisions.last_mut().expect("one").push_str("heartbeat = 666\n");
    });
    sim.live(Duration::from_mins(3)).await;
    assert_eq!(sim.state(id), Some(BrokerState::CriticalActionRequired));
    assert_eq!(codes(&sim, id), ["BROKER_CHANGES_NOT_APPLIED"]);
    assert_eq!(made_for(&sim, "the first password"), (2, true));
    assert_eq!(made_for(&sim, ROTATED), (2, false));
}
