//! Configurations, revisions, tags.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use brokerd_domain::{
    AuthenticationStrategy, ConfigurationId, ConfigurationName, CreateConfiguration, EngineType,
    EngineVersion, Error, Resource, Scope, Tags,
};
use brokerd_store::{
    AddRevision, CreateOutcome, DeleteConfiguration, PgStore, RevisionLookup, StoreError,
};

use crate::support::{
    NOW, OsEntropy, command as command_of_broker, create, ids, running, scope, with_store,
};

async fn configuration(store: &PgStore, name: &str) -> ConfigurationId {
    let id = ConfigurationId::generate(&OsEntropy);
    let command = CreateConfiguration {
        name: ConfigurationName::parse(name).expect("valid"),
        engine_type: EngineType::ActiveMq,
        engine_version: EngineVersion::new(5, 19),
        authentication_strategy: AuthenticationStrategy::Simple,
        tags: Tags::default(),
    };
    let first = ("the first", "<broker/>");
    let stored = store.create_configuration(&scope(), id, &command, first, NOW).await;
    assert!(stored.expect("stored"), "there is room");
    id
}

fn elsewhere() -> Scope {
    Scope { region: "eu-west-1".parse().expect("region"), ..scope() }
}

#[tokio::test]
async fn revisions_are_appended_and_never_change() {
    with_store(|f| async move {
        let id = configuration(&f.store, "orders").await;
        let found = f.store.configuration(&scope(), id).await.expect("read").expect("there");
        assert_eq!(
            (found.latest.number, found.latest.description.as_deref()),
            (1, Some("the first"))
        );
        assert!(f.store.configuration(&elsewhere(), id).await.expect("read").is_none());
        let added = f.store.add_revision(&scope(), id, None, "<broker a=\"1\"/>", NOW).await;
        let AddRevision::Added(after) = added.expect("stored") else { panic!("not added") };
        assert_eq!((after.latest.number, after.latest.description), (2, None));
        for (asked, number) in [(None, 2), (Some(1), 1), (Some(2), 2)] {
            let found = f.store.revision(&scope(), id, asked).await.expect("read");
            let RevisionLookup::Found(found) = found else { panic!("{found:?}") };
            assert_eq!(found.revision.number, number);
            assert_eq!(found.data.contains('1'), number == 2);
        }
        let lookup = f.store.revision(&scope(), id, Some(3)).await.expect("read");
        assert_eq!(lookup, RevisionLookup::NoRevision(3));
        let lookup = f.store.revision(&elsewhere(), id, None).await.expect("read");
        assert_eq!(lookup, RevisionLookup::NoConfiguration);
        let numbers = |after, limit| {
            let store = f.store.clone();
            async move {
                let revisions = store.revisions(&scope(), id, after, limit).await.expect("read");
                revisions.expect("there").iter().map(|r| r.number).collect::<Vec<_>>()
            }
        };
        assert_eq!(numbers(i32::MIN, 10).await, [1, 2]);
        assert_eq!(numbers(1, 10).await, [2]);
        assert_eq!(numbers(i32::MIN, 1).await, [1]);
    })
    .await;
}

#[tokio::test]
async fn who_appends_at_once_gets_one_number_each() {
    with_store(|f| async move {
        let id = configuration(&f.store, "orders").await;
        let attempts: Vec<_> = (0..8)
            .map(|_| {
                let store = f.store.clone();
                tokio::spawn(
                    async move { store.add_revision(&scope(), id, None, "<b/>", NOW).await },
                )
            })
            .collect();
        let mut numbers = BTreeSet::new();
        for attempt in attempts {
            let added = attempt.await.expect("no panic").expect("stored");
            let AddRevision::Added(after) = added else { panic!("{added:?}") };
            numbers.insert(after.latest.number);
        }
        assert_eq!(numbers, (2..10).collect());
    })
    .await;
}

#[tokio::test]
async fn a_configuration_keeps_at_most_300_revisions() {
    with_store(|f| async move {
        let id = configuration(&f.store, "orders").await;
        sqlx::query(
            "insert into configuration_revision (configuration_id, revision, created, data)
             select $1, n, 0, '' from generate_series(2, 300) n",
        )
        .bind(id.uuid())
        .execute(&f.pool)
        .await
        .expect("inserted");
        let outcome =
            f.store.add_revision(&scope(), id, None, "<b/>", NOW).await.expect("no error");
        assert_eq!(outcome, AddRevision::TooMany);
    })
    .await;
}

#[tokio::test]
async fn only_a_configuration_that_no_broker_refers_to_is_deleted() {
    with_store(|f| async move {
        let (broker, _) = running(&f.store, "orders").await;
        let used = broker.configurations.current.expect("in force").id;
        let free = configuration(&f.store, "free").await;
        let delete = |scope, id| {
            let store = f.store.clone();
            async move { store.delete_configuration(&scope, id).await.expect("no error") }
        };
        assert_eq!(delete(scope(), used).await, DeleteConfiguration::InUse);
        assert_eq!(delete(elsewhere(), free).await, DeleteConfiguration::NotFound);
        assert_eq!(delete(scope(), free).await, DeleteConfiguration::Deleted);
        assert_eq!(delete(scope(), free).await, DeleteConfiguration::NotFound);
    })
    .await;
}

#[tokio::test]
async fn configurations_are_listed_in_the_order_they_were_made() {
    with_store(|f| async move {
        create(&f.store, "orders").await;
        let mut made = vec![configuration(&f.store, "same").await];
        made.push(configuration(&f.store, "same").await);
        let listed = f.store.configurations(&scope(), None, 10).await.expect("read");
        assert_eq!(listed.len(), 3);
        assert!(made.iter().all(|id| listed.iter().any(|c| c.id == *id)));
        let after = Some((listed[0].created, listed[0].id));
        let rest = f.store.configurations(&scope(), after, 10).await.expect("read");
        assert_eq!(rest, listed[1..]);
        assert!(f.store.configurations(&elsewhere(), None, 10).await.expect("read").is_empty());
    })
    .await;
}

#[tokio::test]
async fn tags_are_read_while_their_resource_is_changed() {
    with_store(|f| async move {
        let (broker, _) = running(&f.store, "orders").await;
        let configuration = configuration(&f.store, "free").await;
        let mut changing = f.pool.begin().await.expect("begun");
        for statement in
            ["select id from broker for update", "select id from configuration for update"]
        {
            sqlx::query(statement).execute(&mut *changing).await.expect("locked");
        }
        for resource in [broker.arn().resource, Resource::Configuration { id: configuration }] {
            let scope = scope();
            let reading = f.store.tags(&scope, &resource);
            let read = tokio::time::timeout(Duration::from_secs(10), reading).await;
            assert!(read.expect("nothing waits").expect("read").is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn tags_of_brokers_and_configurations_change_at_once() {
    with_store(|f| async move {
        let (broker, _) = running(&f.store, "orders").await;
        let configuration = configuration(&f.store, "free").await;
        let blue = Tags::parse(BTreeMap::from([("colour".to_owned(), "blue".to_owned())]));
        let blue = blue.expect("valid");
        for resource in [broker.arn().resource, Resource::Configuration { id: configuration }] {
            let added = f
                .store
                .change_tags(&scope(), &resource, |tags| tags.with(&blue).map(Some))
                .await
                .expect("stored")
                .expect("there")
                .expect("few");
            let read = f.store.tags(&scope(), &resource).await.expect("read").expect("there");
            assert_eq!(read, added);
            assert_eq!(read.as_map()["colour"], "blue");
            assert!(f.store.tags(&elsewhere(), &resource).await.expect("read").is_none());
            let refused = f
                .store
                .change_tags(&scope(), &resource, |_| Err(Error::bad_request_overall("No.")))
                .await
                .expect("no error");
            assert!(refused.expect("there").is_err());
            let read = f.store.tags(&scope(), &resource).await.expect("read").expect("there");
            assert_eq!(read, added);
        }
    })
    .await;
}

/// Has the scope as many configurations as it may have, each with its first revision.
async fn fill(pool: &sqlx::PgPool, name: &str) {
    let sql = "with c as (
           insert into configuration (id, account, region, name, engine_type, engine_version,
                                      authentication_strategy, created)
           select gen_random_uuid(), $1, $2, $3, 'ACTIVEMQ', '5.19', 'SIMPLE', n
           from generate_series(1, 1000 - (select count(*) from configuration)) n
           returning id)
         insert into configuration_revision (configuration_id, revision, created, data)
         select id, 1, 1, '<broker/>' from c";
    let (scope, query) = (scope(), sqlx::query(sql));
    let query = query.bind(scope.account.as_str().to_owned());
    let query = query.bind(scope.region.as_str().to_owned()).bind(name.to_owned());
    query.execute(pool).await.expect("filled");
}

async fn count(pool: &sqlx::PgPool) -> i64 {
    let count = sqlx::query_scalar("select count(*) from configuration");
    count.fetch_one(pool).await.expect("counted")
}

#[tokio::test]
async fn an_account_has_at_most_a_thousand_configurations() {
    with_store(|f| async move {
        fill(&f.pool, "mine").await;
        let command = CreateConfiguration {
            name: ConfigurationName::parse("one-more").expect("valid"),
            engine_type: EngineType::ActiveMq,
            engine_version: EngineVersion::new(5, 19),
            authentication_strategy: AuthenticationStrategy::Simple,
            tags: Tags::default(),
        };
        let id = ConfigurationId::generate(&OsEntropy);
        let first = ("the first", "<broker/>");
        let create = async |scope: &Scope| {
            f.store.create_configuration(scope, id, &command, first, NOW).await
        };
        assert!(!create(&scope()).await.expect("answered"));
        assert!(create(&elsewhere()).await.expect("answered"), "another region");
        // A broker that brings its own needs room for it; one that names another does not.
        let broker = command_of_broker("orders", |_| {});
        let outcome = f.store.create_broker(&scope(), &broker, ids(), NOW).await.expect("answered");
        assert_eq!(outcome, CreateOutcome::TooManyConfigurations);
        assert_eq!(count(&f.pool).await, 1001);
    })
    .await;
}

#[tokio::test]
async fn what_deleted_brokers_left_makes_room_for_new_ones() {
    with_store(|f| async move {
        let kept = create(&f.store, "kept").await;
        let used = crate::support::broker(&f.store, kept).await.configurations.pending;
        let used = used.expect("its own").id;
        let changed = configuration(&f.store, "changed-configuration").await;
        let added = f.store.add_revision(&scope(), changed, None, "<broker/>", NOW).await;
        assert!(matches!(added, Ok(AddRevision::Added(_))), "{added:?}");
        let mine = configuration(&f.store, "mine").await;
        fill(&f.pool, "gone-configuration").await;
        let broker = command_of_broker("orders", |_| {});
        let outcome = f.store.create_broker(&scope(), &broker, ids(), NOW).await.expect("answered");
        assert_eq!(outcome, CreateOutcome::Created);
        assert_eq!(count(&f.pool).await, 901);
        for id in [used, changed, mine] {
            assert!(f.store.configuration(&scope(), id).await.expect("read").is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn a_text_that_can_not_be_stored_is_distinguished_from_a_defect() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let user = f.store.user(id, "al\0ice").await;
        assert!(matches!(user, Err(StoreError::Text(_))), "{user:?}");
        let json = sqlx::query(r#"select '{"a": "\u0000"}'::jsonb ->> 'a'"#).execute(&f.pool).await;
        let refused = StoreError::from(json.expect_err("no such text"));
        assert!(matches!(refused, StoreError::Text(_)), "{refused:?}");
        let uuid = sqlx::query("select 'x'::uuid").execute(&f.pool).await;
        assert!(matches!(StoreError::from(uuid.expect_err("none")), StoreError::Text(_)));
    })
    .await;
}
