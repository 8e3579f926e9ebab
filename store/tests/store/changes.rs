//! What waits for a reboot, and what becomes of it.

use brokerd_domain::{
    ActionCode, ActionRequired, AuthenticationStrategy, Broker, BrokerState, BrokerUpdate,
    BrokerUser, ConfigurationRef, EngineType, EngineVersion, LdapServerMetadata, PendingChanges,
    UpdateBrokerInput, UpdateContext,
};
use brokerd_store::{PgStore, UpdateOutcome, Work};
use secrecy::{ExposeSecret, SecretString};

use crate::support::{
    Fixture, NOW, broker, command, complete, create, ids, leased, offerings, running, scope, user,
    with_store,
};

pub(crate) fn update(broker: &Broker, change: impl FnOnce(&mut UpdateBrokerInput)) -> BrokerUpdate {
    let mut input = UpdateBrokerInput::default();
    change(&mut input);
    let offerings = offerings();
    let context = UpdateContext {
        revision: None,
        kept_revision: None,
        ldap_password: None,
        offerings: &offerings,
        now: NOW,
    };
    broker.update(input, context).expect("valid")
}

async fn store(store: &PgStore, seen: &Broker, update: &BrokerUpdate) {
    let outcome = store.update_broker(seen, update, NOW).await.expect("stored");
    assert_eq!(outcome, UpdateOutcome::Updated);
}

/// A broker on 5.18 that waits for 5.19 and for revision 2 of its configuration.
async fn waiting(f: &Fixture) -> (Broker, brokerd_domain::Lease, ConfigurationRef) {
    let ids = ids();
    let old = command("orders", |input| input.engine_version = Some("5.18".to_owned()));
    f.store.create_broker(&scope(), &old, ids, NOW).await.expect("stored");
    let lease = leased(&f.store).await;
    complete(&f.store, &lease).await;
    f.store
        .add_revision(&scope(), ids.configuration, None, "<broker second=\"2\"/>", NOW)
        .await
        .expect("stored");
    let seen = broker(&f.store, ids.broker).await;
    let mut change = update(&seen, |input| input.engine_version = Some("5.19".to_owned()));
    let second = ConfigurationRef { id: ids.configuration, revision: 2 };
    change.configurations.pending = Some(second);
    store(&f.store, &seen, &change).await;
    (broker(&f.store, ids.broker).await, lease, second)
}

#[tokio::test]
async fn what_waits_is_what_instances_are_made_from_only_while_a_reboot_is_outstanding() {
    with_store(|f| async move {
        let (seen, lease, second) = waiting(&f).await;
        assert_eq!(seen.spec.engine_version, EngineVersion::new(5, 18));
        assert_eq!(seen.pending.engine_version, Some(EngineVersion::new(5, 19)));
        assert_eq!(seen.generation.0, 2);
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert_eq!(work.broker.spec.engine_version, EngineVersion::new(5, 18));
        assert!(work.configuration.contains("schedulePeriodForDestinationPurge"));

        assert!(f.store.request_reboot(&seen, NOW).await.expect("asked"));
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert_eq!(work.broker.spec.engine_version, EngineVersion::new(5, 19));
        assert!(work.configuration.contains("second"));
        let shown = broker(&f.store, seen.id).await;
        assert_eq!(shown.state(), BrokerState::RebootInProgress);
        assert_eq!(shown.spec.engine_version, EngineVersion::new(5, 18), "not in force yet");

        complete(&f.store, &lease).await;
        let after = broker(&f.store, seen.id).await;
        assert_eq!(after.state(), BrokerState::Running);
        assert_eq!(after.spec.engine_version, EngineVersion::new(5, 19));
        assert!(!after.has_pending());
        assert_eq!(after.configurations.current, Some(second));
        let first = ConfigurationRef { revision: 1, ..second };
        assert_eq!(after.configurations.history, [first]);
        complete(&f.store, &lease).await;
        assert_eq!(broker(&f.store, seen.id).await.configurations, after.configurations);
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_changed_since_it_was_read_is_not_changed_on_top_of_that() {
    with_store(|f| async move {
        let (seen, _) = running(&f.store, "orders").await;
        let first = update(&seen, |input| input.logs = Some((Some(true), None)));
        store(&f.store, &seen, &first).await;
        let late = f.store.update_broker(&seen, &first, NOW).await.expect("no error");
        assert_eq!(late, UpdateOutcome::Changed);
        assert!(!f.store.request_reboot(&seen, NOW).await.expect("no error"));
        let seen = broker(&f.store, seen.id).await;
        assert!(f.store.request_reboot(&seen, NOW).await.expect("asked"));
        let late = f.store.update_broker(&seen, &first, NOW).await.expect("no error");
        assert_eq!(late, UpdateOutcome::Changed, "what waits is frozen by a reboot");
    })
    .await;
}

#[tokio::test]
async fn what_can_not_be_applied_goes_on_waiting_as_a_whole_with_the_reason() {
    with_store(|f| async move {
        let (seen, lease, second) = waiting(&f).await;
        let carol = BrokerUser::parse(EngineType::ActiveMq, user("carol")).expect("valid");
        f.store.create_user(&seen, &carol, NOW).await.expect("stored");
        let seen = broker(&f.store, seen.id).await;
        f.store.request_reboot(&seen, NOW).await.expect("asked");
        let before = f.store.load_before_reboot(&lease).await.expect("loaded").expect("there");
        let names = |work: &Work| -> Vec<String> {
            work.users.iter().map(|user| user.username.to_string()).collect()
        };
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert!(names(&work).contains(&"carol".to_owned()));
        // While it can't begin, the broker is what it was, users and configuration included.
        assert!(!before.broker.is_rebooting() && !before.configuration.contains("second"));
        assert!(!names(&before).contains(&"carol".to_owned()));
        assert_eq!(before.broker.spec.engine_version, EngineVersion::new(5, 18));
        let own =
            ActionRequired { code: ActionCode::RabbitmqInvalidArn, info: "denied".to_owned() };
        let actions = [own.clone()];
        for _ in 0..2 {
            let why = "the engine does not boot.";
            f.store.give_up_pending(&lease, why, &actions, NOW).await.expect("recorded");
        }
        let after = broker(&f.store, seen.id).await;
        assert_eq!(after.state(), BrokerState::RebootInProgress);
        assert_eq!(after.reboots_requested, 2, "the refused instances are stale");
        // It is made from what was in force, users included.
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert_eq!(work.broker.spec.engine_version, EngineVersion::new(5, 18));
        assert!(!work.configuration.contains("second"));
        assert!(!names(&work).contains(&"carol".to_owned()));

        complete(&f.store, &lease).await;
        let after = broker(&f.store, seen.id).await;
        assert_eq!(after.state(), BrokerState::CriticalActionRequired);
        let [first, action] = &after.actions_required()[..] else { panic!("{after:?}") };
        assert_eq!(*first, own);
        assert_eq!(action.code, "BROKER_CHANGES_NOT_APPLIED");
        assert!(action.info.contains("the engine does not boot."), "{}", action.info);
        assert_eq!(after.spec.engine_version, EngineVersion::new(5, 18));
        assert_eq!(after.configurations.current, Some(ConfigurationRef { revision: 1, ..second }));
        assert_eq!(after.configurations.pending, Some(second));
        assert!(after.configurations.history.is_empty());
        assert_eq!(after.pending.engine_version, Some(EngineVersion::new(5, 19)));
        let waiting = after.users.iter().filter(|(_, pending)| pending.is_some()).count();
        assert_eq!(waiting, 1, "{:?}", after.users);
        let events =
            f.store.events(&scope(), seen.id, None, 10).await.expect("read").expect("there").events;
        let told = events.iter().filter(|event| event.message.contains("does not boot")).count();
        assert_eq!(told, 1, "once, however often it was recorded");

        // A window reboots the broker as it is, the owner tries again, whoever changes it begins anew.
        assert!(f.store.request_maintenance(&after, "a newer build", NOW).await.expect("asked"));
        let after = broker(&f.store, seen.id).await;
        assert!(!after.applies_pending());
        complete(&f.store, &lease).await;
        let after = broker(&f.store, seen.id).await;
        assert_eq!(after.state(), BrokerState::CriticalActionRequired);
        store(&f.store, &after, &update(&after, |_| {})).await;
        let after = broker(&f.store, seen.id).await;
        assert!(after.not_applied.is_some(), "nothing of what waits was changed");
        let back = update(&after, |input| input.engine_version = Some("5.18".to_owned()));
        store(&f.store, &after, &back).await;
        let after = broker(&f.store, seen.id).await;
        assert_eq!(after.state(), BrokerState::Running);
        assert!(after.actions_required().is_empty());
        f.store.request_reboot(&after, NOW).await.expect("asked");
        complete(&f.store, &lease).await;
        let after = broker(&f.store, seen.id).await;
        assert_eq!(after.configurations.current, Some(second));
        assert_eq!(after.spec.engine_version, EngineVersion::new(5, 18));
        assert!(!after.has_pending());
    })
    .await;
}

#[tokio::test]
async fn a_reboot_of_the_owner_tries_again_what_could_not_be_applied() {
    with_store(|f| async move {
        let (seen, lease, second) = waiting(&f).await;
        f.store.request_reboot(&seen, NOW).await.expect("asked");
        f.store.give_up_pending(&lease, "no image", &[], NOW).await.expect("recorded");
        complete(&f.store, &lease).await;
        let after = broker(&f.store, seen.id).await;
        assert!(f.store.request_reboot(&after, NOW).await.expect("asked"));
        assert!(broker(&f.store, seen.id).await.applies_pending());
        complete(&f.store, &lease).await;
        let after = broker(&f.store, seen.id).await;
        assert_eq!(after.state(), BrokerState::Running);
        assert_eq!(after.configurations.current, Some(second));
        assert_eq!(after.spec.engine_version, EngineVersion::new(5, 19));
    })
    .await;
}

fn directory() -> LdapServerMetadata {
    let text = || "any".to_owned();
    LdapServerMetadata {
        hosts: vec![text()],
        role_base: text(),
        role_name: None,
        role_search_matching: text(),
        role_search_subtree: None,
        service_account_username: text(),
        user_base: text(),
        user_role_name: None,
        user_search_matching: text(),
        user_search_subtree: None,
    }
}

/// Has logins be decided by a directory.
fn directed(change: &mut BrokerUpdate) {
    change.pending.authentication_strategy = Some(AuthenticationStrategy::Ldap);
    change.pending.ldap = Some(directory());
    change.ldap_password = Some(SecretString::from("secret-of-the-directory"));
}

#[tokio::test]
async fn the_password_of_a_directory_that_is_not_wanted_any_more_is_forgotten() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        let mut change = update(&seen, |_| {});
        directed(&mut change);
        store(&f.store, &seen, &change).await;
        let seen = broker(&f.store, seen.id).await;
        let mut back = update(&seen, |_| {});
        back.pending = PendingChanges::default();
        store(&f.store, &seen, &back).await;
        let seen = broker(&f.store, seen.id).await;
        f.store.request_reboot(&seen, NOW).await.expect("asked");
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert!(work.ldap_password.is_none());
    })
    .await;
}

#[tokio::test]
async fn the_password_of_a_directory_waits_with_it() {
    with_store(|f| async move {
        let (seen, lease) = running(&f.store, "orders").await;
        let mut change = update(&seen, |_| {});
        directed(&mut change);
        store(&f.store, &seen, &change).await;
        let password = |work: brokerd_store::Work| {
            work.ldap_password.map(|password| password.expose_secret().to_owned())
        };
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert_eq!(password(work), None, "not before the reboot");
        let seen = broker(&f.store, seen.id).await;
        f.store.request_reboot(&seen, NOW).await.expect("asked");
        for _ in 0..2 {
            let work = f.store.load(&lease).await.expect("loaded").expect("there");
            assert!(work.broker.spec.ldap.is_some());
            assert_eq!(password(work).as_deref(), Some("secret-of-the-directory"));
            complete(&f.store, &lease).await;
        }
        let seen = broker(&f.store, seen.id).await;
        let kept = f.store.ldap_password(seen.id).await.expect("read").expect("in force");
        assert_eq!(kept.expose_secret(), "secret-of-the-directory");

        let mut simple = update(&seen, |_| {});
        simple.pending.authentication_strategy = Some(AuthenticationStrategy::Simple);
        store(&f.store, &seen, &simple).await;
        let seen = broker(&f.store, seen.id).await;
        f.store.request_reboot(&seen, NOW).await.expect("asked");
        complete(&f.store, &lease).await;
        let seen = broker(&f.store, seen.id).await;
        assert!(seen.spec.ldap.is_none() && seen.pending.is_empty());
        assert!(f.store.ldap_password(seen.id).await.expect("read").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_configuration_that_vanished_is_not_waited_for() {
    with_store(|f| async move {
        let (seen, _) = running(&f.store, "orders").await;
        let mut change = update(&seen, |_| {});
        change.configurations.pending =
            Some(ConfigurationRef { id: ids().configuration, revision: 1 });
        let outcome = f.store.update_broker(&seen, &change, NOW).await.expect("no error");
        assert_eq!(outcome, UpdateOutcome::ConfigurationNotFound);
        assert_eq!(broker(&f.store, seen.id).await.generation, seen.generation);
        create(&f.store, "another").await;
    })
    .await;
}
