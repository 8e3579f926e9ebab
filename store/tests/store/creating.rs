//! CreateBroker.

use brokerd_domain::{BrokerState, ConfigurationRef, Configurations, CreateBroker, Intent, Scope};
use brokerd_store::{CreateOutcome, PgStore};

use crate::support::{NOW, command, create, ids, rabbit, scope, with_store};

async fn try_create(store: &PgStore, command: &brokerd_domain::CreateBroker) -> CreateOutcome {
    store.create_broker(&scope(), command, ids(), NOW).await.expect("stored")
}

#[tokio::test]
async fn a_created_broker_is_read_back_as_it_was_asked_for() {
    with_store(|f| async move {
        let command = command("orders", |_| {});
        let ids = ids();
        let outcome = f.store.create_broker(&scope(), &command, ids, NOW).await.expect("stored");
        assert_eq!(outcome, CreateOutcome::Created);
        let broker = f.store.broker(&scope(), ids.broker).await.expect("read").expect("there");
        assert_eq!(broker.spec, command.spec);
        assert_eq!(broker.tags, command.tags);
        assert_eq!(broker.created, NOW);
        assert_eq!(broker.intent, Intent::Run);
        assert_eq!(broker.state(), BrokerState::CreationInProgress);
        let names: Vec<&str> = broker.users.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["alice", "bob"]);
        let pending = broker.configurations.pending.expect("an own configuration");
        assert_eq!((pending.id, pending.revision), (ids.configuration, 1));
        assert_eq!(
            broker.configurations,
            Configurations { pending: Some(pending), ..Configurations::default() }
        );
        let events = f
            .store
            .events(&scope(), ids.broker, None, 10)
            .await
            .expect("read")
            .expect("there")
            .events;
        assert_eq!(events.len(), 1);
        assert!(events[0].message.starts_with("CreateBroker accepted"), "{}", events[0].message);
    })
    .await;
}

#[tokio::test]
async fn rabbitmq_lists_no_users_but_its_administrator_is_kept() {
    with_store(|f| async move {
        let ids = ids();
        f.store.create_broker(&scope(), &rabbit("orders"), ids, NOW).await.expect("stored");
        let broker = f.store.broker(&scope(), ids.broker).await.expect("read").expect("there");
        assert!(broker.users.is_empty());
        let lease = f
            .store
            .claim_due(crate::support::worker(), None, std::time::Duration::from_secs(30), 1)
            .await
            .expect("claimed")
            .remove(0);
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert_eq!(work.users.len(), 1);
        assert_eq!(work.users[0].username.as_str(), "admin");
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_once_per_account_and_region() {
    with_store(|f| async move {
        create(&f.store, "orders").await;
        let again = command("orders", |_| {});
        assert_eq!(try_create(&f.store, &again).await, CreateOutcome::NameTaken);
        let elsewhere = Scope { region: "eu-west-1".parse().expect("region"), ..scope() };
        let outcome = f.store.create_broker(&elsewhere, &again, ids(), NOW).await.expect("stored");
        assert_eq!(outcome, CreateOutcome::Created);
        let other = Scope { account: "111111111111".parse().expect("account"), ..scope() };
        let outcome = f.store.create_broker(&other, &again, ids(), NOW).await.expect("stored");
        assert_eq!(outcome, CreateOutcome::Created);
    })
    .await;
}

#[tokio::test]
async fn the_same_token_gives_the_first_broker_back() {
    with_store(|f| async move {
        let with_token = |token: &str| {
            let token = token.to_owned();
            command("orders", |input| input.creator_request_id = Some(token))
        };
        let ids = ids();
        f.store.create_broker(&scope(), &with_token("a"), ids, NOW).await.expect("stored");
        match try_create(&f.store, &with_token("a")).await {
            CreateOutcome::SameToken { existing, .. } => assert_eq!(existing.id, ids.broker),
            other => panic!("{other:?}"),
        }
        assert_eq!(try_create(&f.store, &with_token("b")).await, CreateOutcome::NameTaken);
        assert_eq!(try_create(&f.store, &with_token("")).await, CreateOutcome::NameTaken);
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_was_changed_is_known_by_what_it_was_asked_for_as() {
    with_store(|f| async move {
        let command = command("orders", |input| input.creator_request_id = Some("a".to_owned()));
        assert_eq!(try_create(&f.store, &command).await, CreateOutcome::Created);
        let change = "update broker set spec = jsonb_set(spec, '{publicly_accessible}',
                          to_jsonb(not (spec->>'publicly_accessible')::bool))";
        sqlx::query(change).execute(&f.pool).await.expect("changed");
        let forget = "update broker set asked_for = null";
        for is_known in [true, false] {
            match try_create(&f.store, &command).await {
                CreateOutcome::SameToken { existing, asked_for } => {
                    assert_ne!(existing.spec, command.spec);
                    assert_eq!(asked_for == command.spec, is_known);
                    assert_eq!(asked_for == existing.spec, !is_known, "one of a former brokerd");
                }
                other => panic!("{other:?}"),
            }
            sqlx::query(forget).execute(&f.pool).await.expect("forgotten");
        }
    })
    .await;
}

#[tokio::test]
async fn of_concurrent_creations_with_the_same_name_exactly_one_succeeds() {
    with_store(|f| async move {
        let attempts = (0..8).map(|_| {
            let store = f.store.clone();
            tokio::spawn(async move { try_create(&store, &command("orders", |_| {})).await })
        });
        let mut created = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.expect("no panic") {
                CreateOutcome::Created => created += 1,
                CreateOutcome::NameTaken => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(created, 1);
        let page = f.store.brokers(&scope(), None, 100).await.expect("read");
        assert_eq!(page.brokers.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_configuration_must_still_be_there_in_that_revision() {
    with_store(|f| async move {
        let first = ids();
        f.store
            .create_broker(&scope(), &command("first", |_| {}), first, NOW)
            .await
            .expect("stored");
        let using = |id, revision| CreateBroker {
            configuration: Some(ConfigurationRef { id, revision }),
            ..command("second", |_| {})
        };
        for gone in [using(ids().configuration, 1), using(first.configuration, 7)] {
            assert_eq!(try_create(&f.store, &gone).await, CreateOutcome::ConfigurationNotFound);
        }
        let there = using(first.configuration, 1);
        assert_eq!(try_create(&f.store, &there).await, CreateOutcome::Created);
        assert_eq!(try_create(&f.store, &there).await, CreateOutcome::NameTaken);
    })
    .await;
}

#[tokio::test]
async fn an_account_has_at_most_two_hundred_brokers_in_a_region() {
    with_store(|f| async move {
        for n in 0..200 {
            create(&f.store, &format!("broker-{n}")).await;
        }
        let one_more = command("one-more", |_| {});
        assert_eq!(try_create(&f.store, &one_more).await, CreateOutcome::TooManyBrokers);
        let elsewhere = Scope { region: "eu-west-1".parse().expect("region"), ..scope() };
        let outcome =
            f.store.create_broker(&elsewhere, &one_more, ids(), NOW).await.expect("stored");
        assert_eq!(outcome, CreateOutcome::Created);
    })
    .await;
}
