//! Brokers as a table of them.

use std::collections::BTreeSet;

use brokerd_domain::{BrokerId, BrokerState, ConfigurationId, EngineType, Scope};
use brokerd_store::{BrokerListQuery, BrokerOrder, CreateOutcome, ListedBrokers};

use crate::support::{Fixture, NOW, OsEntropy, create, create_for, ids, rabbit, scope, with_store};

fn all(order: BrokerOrder) -> BrokerListQuery {
    BrokerListQuery {
        name_contains: None,
        engine_type: None,
        state: None,
        deployment_mode: None,
        instance_type: None,
        configuration: None,
        order,
        is_descending: false,
        after: None,
        most: 100,
    }
}

async fn listed(f: &Fixture, query: &BrokerListQuery) -> ListedBrokers {
    f.store.list_brokers(&scope(), query).await.expect("read")
}

fn names(page: &ListedBrokers) -> Vec<String> {
    page.brokers.iter().map(|broker| broker.summary.name.to_string()).collect()
}

/// Brokers of every state there is.
async fn of_every_state(f: &Fixture) -> Vec<(BrokerId, BrokerState)> {
    let mut made = Vec::new();
    let running = r#"{"observed_generation": 1}"#;
    for (name, change, state) in [
        ("a", "status = '{}'".to_owned(), BrokerState::CreationInProgress),
        ("b", r#"status = '{"failure": "no"}'"#.to_owned(), BrokerState::CreationFailed),
        ("c", format!("status = '{running}'"), BrokerState::Running),
        (
            "d",
            format!("status = '{running}', reboots_requested = 1"),
            BrokerState::RebootInProgress,
        ),
        ("e", format!("status = '{running}', deleting = true"), BrokerState::DeletionInProgress),
        (
            "f",
            r#"status = '{"observed_generation": 1, "failure": "no"}'"#.to_owned(),
            BrokerState::CriticalActionRequired,
        ),
        (
            "g",
            format!(r#"status = '{running}', not_applied = 'why', pending = '{{"x": 1}}'"#),
            BrokerState::CriticalActionRequired,
        ),
        (
            "h",
            format!(
                "status = '{running}', not_applied = 'why', configurations = configurations - 'pending'"
            ),
            BrokerState::Running,
        ),
    ] {
        let id = create(&f.store, name).await;
        let sql = format!("update broker set {change} where id = $1");
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.uuid()).execute(&f.pool).await.expect(name);
        made.push((id, state));
    }
    made
}

#[tokio::test]
async fn every_state_is_found_as_it_is_told() {
    with_store(|f| async move {
        let made = of_every_state(&f).await;
        let page = listed(&f, &all(BrokerOrder::Name)).await;
        assert_eq!(page.total, 8);
        let told: Vec<_> = page.brokers.iter().map(|b| (b.summary.id, b.summary.state)).collect();
        assert_eq!(told, made, "as BrokerState::of has it");
        let states: BTreeSet<&str> = made.iter().map(|(_, state)| state.as_str()).collect();
        for state in states {
            let wanted = made.iter().find(|(_, other)| other.as_str() == state).expect("made").1;
            let query = BrokerListQuery { state: Some(wanted), ..all(BrokerOrder::Name) };
            let page = listed(&f, &query).await;
            let expected = made.iter().filter(|(_, other)| *other == wanted).count();
            assert_eq!((page.brokers.len(), page.total), (expected, expected as u64), "{state}");
            assert!(page.brokers.iter().all(|broker| broker.summary.state == wanted));
        }
        let page = listed(&f, &all(BrokerOrder::State)).await;
        let places: Vec<&str> = page.brokers.iter().map(|broker| broker.place.as_str()).collect();
        assert!(page.brokers.iter().all(|b| b.place == b.summary.state.as_str()));
        assert!(places.is_sorted(), "{places:?}");
    })
    .await;
}

#[tokio::test]
async fn pages_follow_one_another_in_every_order_and_miss_nobody() {
    with_store(|f| async move {
        of_every_state(&f).await;
        create_for(&f.store, "111111111111", "theirs").await;
        for order in [BrokerOrder::Name, BrokerOrder::Created, BrokerOrder::State] {
            let mut whole = names(&listed(&f, &all(order)).await);
            for is_descending in [false, true] {
                let mut query = BrokerListQuery { is_descending, most: 3, ..all(order) };
                let mut found = Vec::new();
                loop {
                    let page = listed(&f, &query).await;
                    assert_eq!(page.total, 8);
                    assert!(page.brokers.len() <= 3);
                    found.extend(names(&page));
                    query.after = page.next;
                    if query.after.is_none() {
                        break;
                    }
                }
                assert_eq!(found, whole, "{order:?} {is_descending}");
                whole.reverse();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn filters_hold_together_and_texts_are_no_patterns() {
    with_store(|f| async move {
        let pet = create(&f.store, "Orders_100").await;
        create(&f.store, "billing").await;
        let made = f.store.create_broker(&scope(), &rabbit("orders-2"), ids(), NOW).await;
        assert_eq!(made.expect("stored"), CreateOutcome::Created);
        let part = |text: &str| BrokerListQuery {
            name_contains: Some(text.to_owned()),
            ..all(BrokerOrder::Name)
        };
        let of = |engine| BrokerListQuery { engine_type: Some(engine), ..all(BrokerOrder::Name) };
        let both = BrokerListQuery { engine_type: Some(EngineType::ActiveMq), ..part("orders") };
        for (query, expected) in [
            (part("ORDERS"), vec!["Orders_100", "orders-2"]),
            // An underscore is one.
            (part("s_1"), vec!["Orders_100"]),
            (part("%"), vec![]),
            (of(EngineType::RabbitMq), vec!["orders-2"]),
            (both, vec!["Orders_100"]),
        ] {
            let page = listed(&f, &query).await;
            let mut names = names(&page);
            names.sort_unstable();
            assert_eq!(names, expected, "{query:?}");
            assert_eq!(page.total, expected.len() as u64);
        }
        let page = listed(&f, &all(BrokerOrder::Created)).await;
        let first = page.brokers.iter().find(|broker| broker.summary.id == pet).expect("there");
        assert_eq!((first.engine_version.as_str(), first.storage_type.as_str()), ("5.19", "EFS"));
        assert_eq!(first.tags.get("team").map(String::as_str), Some("red"));
        assert_eq!(first.running_engine_version, None);
        let other = Scope { account: "111111111111".parse().expect("an account"), ..scope() };
        let theirs = f.store.list_brokers(&other, &all(BrokerOrder::Name)).await.expect("read");
        assert_eq!((theirs.total, theirs.brokers.len()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_configuration_is_that_of_brokers_that_have_it_will_have_it_or_had_it() {
    with_store(|f| async move {
        let mut made = Vec::new();
        for name in ["current", "pending", "history", "other"] {
            made.push(create(&f.store, name).await);
        }
        let configuration = ConfigurationId::generate(&OsEntropy);
        for (id, part) in made.iter().zip(["{current}", "{pending}", "{history}"]) {
            let reference = serde_json::json!({"id": configuration.to_string(), "revision": 1});
            let value = if part == "{history}" { serde_json::json!([reference]) } else { reference };
            let sql = "update broker set configurations = jsonb_set(configurations, $2::text[], $3) where id = $1";
            let changed = sqlx::query(sql).bind(id.uuid()).bind(part).bind(value).execute(&f.pool);
            assert_eq!(changed.await.expect(part).rows_affected(), 1);
        }
        let of = |configuration| BrokerListQuery {
            configuration: Some(configuration),
            ..all(BrokerOrder::Name)
        };
        let page = listed(&f, &of(configuration)).await;
        assert_eq!(names(&page), ["current", "history", "pending"]);
        assert_eq!(page.total, 3);
        let nobodys = listed(&f, &of(ConfigurationId::generate(&OsEntropy))).await;
        assert_eq!((nobodys.total, nobodys.brokers.len()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_brokers_are_listed_in_an_instant() {
    with_store(|f| async move {
        create(&f.store, "pattern").await;
        sqlx::query(
            "insert into broker (id, account, region, name, created, spec, configurations, tags, status)
             select gen_random_uuid(), account, region, 'broker-' || n, created + n, spec, configurations, tags,
                    case when n % 7 = 0 then '{}' else '{\"observed_generation\": 1}'::jsonb end
             from broker, generate_series(1, 9999) as n where name = 'pattern'",
        )
        .execute(&f.pool)
        .await
        .expect("made");
        sqlx::query("analyze broker").execute(&f.pool).await.expect("analysed");
        for order in [BrokerOrder::Name, BrokerOrder::Created, BrokerOrder::State] {
            let first = listed(&f, &all(order)).await;
            assert_eq!((first.total, first.brokers.len()), (10_000, 100));
            let mut fastest = std::time::Duration::MAX;
            for _ in 0..5 {
                let began = std::time::Instant::now();
                let query = BrokerListQuery { after: first.next.clone(), ..all(order) };
                assert_eq!(listed(&f, &query).await.brokers.len(), 100);
                fastest = fastest.min(began.elapsed());
            }
            // A tenth of this where nobody else uses the machine.
            assert!(fastest < std::time::Duration::from_secs(1), "{order:?}: {fastest:?}");
        }
    })
    .await;
}
