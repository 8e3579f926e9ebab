//! What a pass records.

use brokerd_domain::{BrokerId, BrokerState, Event, EventKind, Generation, PassReport};
use secrecy::ExposeSecret;

use crate::support::{NOW, create, leased, report, scope, with_store, worker};

#[tokio::test]
async fn a_recorded_pass_shows_in_the_broker_and_its_history() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lease = leased(&f.store).await;
        f.store.record(&lease, &report("waiting")).await.expect("recorded");
        let broker = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(broker.status.sentence, "waiting");
        assert_eq!(broker.status.conditions, report("").conditions);
        assert_eq!(broker.state(), BrokerState::CreationInProgress);
        let events =
            f.store.events(&scope(), id, None, 1).await.expect("read").expect("there").events;
        assert_eq!(events[0].message, "waiting");
    })
    .await;
}

#[tokio::test]
async fn completing_the_first_generation_puts_the_configuration_in_force() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lease = leased(&f.store).await;
        let mut done = report("every endpoint answers");
        done.observed_generation = Some(Generation(1));
        done.reboots_done = Some(0);
        f.store.record(&lease, &done).await.expect("recorded");
        let broker = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(broker.state(), BrokerState::Running);
        assert!(broker.configurations.pending.is_none());
        assert_eq!(broker.configurations.current.expect("in force").revision, 1);
        assert!(broker.configurations.history.is_empty());
        f.store.record(&lease, &done).await.expect("recorded twice");
        let again = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(again.configurations, broker.configurations);
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_recorded_and_ends_with_the_next_report_without_one() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lease = leased(&f.store).await;
        let failed = PassReport { failure: Some("no image".to_owned()), ..report("failed") };
        f.store.record(&lease, &failed).await.expect("recorded");
        let broker = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(broker.state(), BrokerState::CreationFailed);
        f.store.record(&lease, &report("trying")).await.expect("recorded");
        let broker = f.store.broker(&scope(), id).await.expect("read").expect("there");
        assert_eq!(broker.state(), BrokerState::CreationInProgress);
    })
    .await;
}

#[tokio::test]
async fn a_worker_gets_everything_it_needs_secrets_included() {
    with_store(|f| async move {
        create(&f.store, "orders").await;
        let lease = leased(&f.store).await;
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert!(work.materials.is_none());
        assert!(work.configuration.contains("schedulePeriodForDestinationPurge"));
        assert_eq!(work.users.len(), 2);
        assert_eq!(work.users[0].password.expose_secret(), "correct-horse-battery");
        assert!(work.users[0].console_access);
        assert_eq!(work.users[0].groups.len(), 1);
        f.store.save_materials(&lease, b"first").await.expect("saved");
        f.store.save_materials(&lease, b"second").await.expect("saved again");
        let work = f.store.load(&lease).await.expect("loaded").expect("there");
        assert_eq!(work.materials.expect("saved").expose_secret().as_slice(), b"second");
    })
    .await;
}

#[tokio::test]
async fn a_forgotten_broker_leaves_its_configuration_and_nothing_else() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let lease = leased(&f.store).await;
        f.store.save_materials(&lease, b"secret").await.expect("saved");
        let refused = f.store.delete_broker_record(&lease).await;
        assert!(refused.is_err(), "it is not to be deleted");
        f.store.request_delete(&scope(), id, NOW).await.expect("asked");
        f.store.delete_broker_record(&lease).await.expect("forgotten");
        f.store.delete_broker_record(&lease).await.expect("forgotten twice");
        assert!(f.store.broker(&scope(), id).await.expect("read").is_none());
        assert!(f.store.load(&lease).await.expect("loaded").is_none());
        for table in ["broker_user", "broker_secret", "endpoint", "reconcile", "event"] {
            let left: i64 =
                sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
                    .fetch_one(&f.pool)
                    .await
                    .expect("counted");
            assert_eq!(left, 0, "{table}");
        }
        let left: i64 = sqlx::query_scalar("select count(*) from configuration_revision")
            .fetch_one(&f.pool)
            .await
            .expect("counted");
        assert_eq!(left, 1, "the service keeps the configuration too");
        create(&f.store, "orders").await;
    })
    .await;
}

#[tokio::test]
async fn the_latest_thousand_events_of_a_broker_are_kept() {
    with_store(|f| async move {
        let id = create(&f.store, "orders").await;
        let other = create(&f.store, "other").await;
        sqlx::query(
            "insert into event (broker_id, at, kind, message)
             select $1, n, 'verdict', 'event ' || n from generate_series(1, 1500) n",
        )
        .bind(id.uuid())
        .execute(&f.pool)
        .await
        .expect("inserted");
        let count = async |id: BrokerId| -> i64 {
            sqlx::query_scalar("select count(*) from event where broker_id = $1")
                .bind(id.uuid())
                .fetch_one(&f.pool)
                .await
                .expect("counted")
        };
        let others = count(other).await;
        let leases = f
            .store
            .claim_due(worker(), None, std::time::Duration::from_secs(30), 2)
            .await
            .expect("claimed");
        let lease = leases.iter().find(|lease| lease.broker == id).expect("due");
        let mut told = report("the latest");
        told.events =
            vec![Event { at: NOW, kind: EventKind::Verdict, message: "the latest".to_owned() }];
        f.store.record(lease, &told).await.expect("recorded");
        assert_eq!((count(id).await, count(other).await), (1000, others));
        let latest: String = sqlx::query_scalar(
            "select message from event where broker_id = $1 order by id desc limit 1",
        )
        .bind(id.uuid())
        .fetch_one(&f.pool)
        .await
        .expect("there");
        assert_eq!(latest, "the latest");
    })
    .await;
}
