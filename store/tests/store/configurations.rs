//! Configurations, revisions, tags.

use std::collections::{BTreeMap, BTreeSet};

use brokerd_domain::{
    AuthenticationStrategy, ConfigurationId, ConfigurationName, CreateConfiguration, EngineType,
    EngineVersion, Error, Resource, Scope, Tags,
};
use brokerd_store::{AddRevision, DeleteConfiguration, PgStore, RevisionLookup};

use crate::support::{NOW, OsEntropy, create, running, scope, with_store};

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
    store.create_configuration(&scope(), id, &command, first, NOW).await.expect("stored");
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
