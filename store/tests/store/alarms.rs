//! Alarms: their states, their evaluation by several processes, their notifications.

use std::time::Duration;

use brokerd_domain::{
    Tags, Timestamp,
    alarm::{AlarmInput, AlarmState, AlarmStatus, MetricAlarm},
    metric::{
        Dimension, DimensionName, MetricName, SeriesKey, Unit,
        query::{DataPlan, DataQuery, MetricStatInput},
    },
};
use brokerd_store::{
    AlarmFilter, DeleteAccountOutcome, DeleteAlarmsOutcome, DueAlarm, HistoryFilter, PgStore,
    PutAlarmOutcome, Sample,
};

use crate::support::{Fixture, NOW, create, scope, with_store};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:on-call";
const MINUTE: Duration = Duration::from_secs(60);

/// An alarm on the messages of a broker, which notifies a topic.
pub(crate) fn alarm(name: &str, broker: &str) -> MetricAlarm {
    let input = AlarmInput {
        name: Some(name.to_owned()),
        metric: MetricStatInput {
            namespace: Some("AWS/AmazonMQ".to_owned()),
            metric: Some("MessageCount".to_owned()),
            dimensions: vec![("Broker".to_owned(), broker.to_owned())],
            period: Some(60),
            statistic: Some("Average".to_owned()),
            unit: None,
        },
        evaluation_periods: Some(1),
        threshold: Some(3.0),
        comparison: Some("GreaterThanThreshold".to_owned()),
        alarm_actions: vec![TOPIC.to_owned()],
        ..AlarmInput::default()
    };
    input.parse().expect("an alarm")
}

/// What reads the messages of a broker.
pub(crate) fn plan_of(broker: &str) -> DataPlan {
    let queries = DataQuery::parse_all(alarm("x", broker).queries()).expect("valid");
    DataPlan::new(queries).expect("a plan")
}

/// The messages of a broker.
pub(crate) fn messages_of(broker: &str) -> SeriesKey {
    SeriesKey::of(MetricName::MessageCount, &[(DimensionName::Broker, broker)])
}

async fn put(f: &Fixture, name: &str) -> PutAlarmOutcome {
    let alarm = alarm(name, "orders");
    f.store.put_alarm(&scope(), &alarm, &Tags::default(), NOW).await.expect("put")
}

fn state(value: AlarmState, at: Timestamp) -> AlarmStatus {
    AlarmStatus {
        value,
        reason: "because".to_owned(),
        reason_data: None,
        updated: at,
        transitioned: at,
    }
}

async fn due(store: &PgStore) -> Vec<DueAlarm> {
    store.take_due_alarms(100, MINUTE).await.expect("taken")
}

async fn make_due(f: &Fixture) {
    for table in ["alarm", "alarm_delivery"] {
        let sql = format!("update {table} set due_at = now() - interval '1 second'");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&f.pool).await.expect("due");
    }
}

async fn history(f: &Fixture) -> Vec<String> {
    let page = f.store.alarm_history(&scope(), &HistoryFilter::default(), None, 100).await;
    page.expect("read").items.into_iter().map(|item| item.summary).collect()
}

#[tokio::test]
async fn an_alarm_is_evaluated_by_one_process_at_a_time() {
    with_store(|f| async move {
        for n in 0..20 {
            assert_eq!(put(&f, &format!("a{n}")).await, PutAlarmOutcome::Created);
        }
        let takers = (0..4).map(|_| {
            let store = f.store.clone();
            tokio::spawn(async move {
                let mut names = Vec::new();
                loop {
                    let some = store.take_due_alarms(3, MINUTE).await.expect("taken");
                    if some.is_empty() {
                        return names;
                    }
                    names.extend(some.into_iter().map(|due| due.stored.alarm.name));
                }
            })
        });
        let mut all = Vec::new();
        for taker in takers.collect::<Vec<_>>() {
            all.extend(taker.await.expect("taken"));
        }
        all.sort();
        let before = all.len();
        all.dedup();
        assert_eq!((before, all.len()), (20, 20), "each once");
        assert!(due(&f.store).await.is_empty(), "none is due before a minute has passed");
        make_due(&f).await;
        assert_eq!(due(&f.store).await.len(), 20);
    })
    .await;
}

#[tokio::test]
async fn what_was_evaluated_is_stored_unless_the_alarm_was_changed_meanwhile() {
    with_store(|f| async move {
        create(&f.store, "orders").await;
        put(&f, "long").await;
        let [first] = &due(&f.store).await[..] else { panic!("one") };
        let alarmed = state(AlarmState::Alarm, NOW.plus(MINUTE));
        assert_eq!(put(&f, "long").await, PutAlarmOutcome::Updated);
        let stored = f.store.record_alarm_state(first, &alarmed).await.expect("asked");
        assert!(!stored, "another one was configured");
        // It is due at once, because it was changed.
        let [second] = &due(&f.store).await[..] else { panic!("one") };
        assert!(f.store.record_alarm_state(second, &alarmed).await.expect("stored"));
        let again = f.store.record_alarm_state(second, &alarmed).await.expect("asked");
        assert!(!again, "its state is another one now");
        let found = f.store.alarm(&scope(), "long").await.expect("read").expect("there");
        assert_eq!(found.status, alarmed);
        assert_eq!(
            history(&f).await,
            [
                "Alarm updated from INSUFFICIENT_DATA to ALARM",
                "Alarm \"long\" updated",
                "Alarm \"long\" created"
            ]
        );
        let id = f.store.brokers(&scope(), None, 1).await.expect("read").brokers[0].id;
        let events =
            f.store.events(&scope(), id, None, 1).await.expect("read").expect("there").events;
        assert_eq!(events[0].message, "alarm long: INSUFFICIENT_DATA to ALARM: because");
    })
    .await;
}

#[tokio::test]
async fn a_notification_is_delivered_by_one_process_and_again_after_a_pause() {
    with_store(|f| async move {
        put(&f, "long").await;
        let alarmed = state(AlarmState::Alarm, NOW);
        assert!(f.store.set_alarm_state(&scope(), "long", &alarmed).await.expect("set"));
        let [first] = &f.store.take_due_deliveries(10).await.expect("taken")[..] else {
            panic!("one")
        };
        assert_eq!((first.action.as_str(), first.attempt), (TOPIC, 1));
        assert!(f.store.take_due_deliveries(10).await.expect("taken").is_empty());
        f.store.postpone_delivery(first, MINUTE).await.expect("postponed");
        assert!(f.store.take_due_deliveries(10).await.expect("taken").is_empty());
        make_due(&f).await;
        let [second] = &f.store.take_due_deliveries(10).await.expect("taken")[..] else {
            panic!("one")
        };
        assert_eq!((second.id, second.attempt), (first.id, 2));
        f.store.end_delivery(second, Some("no"), NOW.plus(MINUTE)).await.expect("ended");
        // Who was slow ends nothing twice.
        f.store.end_delivery(first, None, NOW.plus(MINUTE)).await.expect("ended");
        make_due(&f).await;
        assert!(f.store.take_due_deliveries(10).await.expect("taken").is_empty());
        let told = history(&f).await;
        assert_eq!(told[0], format!("Failed to execute action {TOPIC}"));
        assert_eq!(told.len(), 3, "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn alarms_are_deleted_all_or_none_and_their_history_for_a_month_later() {
    with_store(|f| async move {
        put(&f, "a").await;
        put(&f, "b").await;
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let outcome = f.store.delete_alarms(&scope(), &names(&["a", "c"]), NOW).await;
        assert_eq!(outcome.expect("asked"), DeleteAlarmsOutcome::NotFound(names(&["c"])));
        let all = || async { f.store.alarms(&scope(), &AlarmFilter::default(), None, 10).await };
        assert_eq!(all().await.expect("read").len(), 2);
        let outcome = f.store.delete_alarms(&scope(), &names(&["a", "b"]), NOW).await;
        assert_eq!(outcome.expect("asked"), DeleteAlarmsOutcome::Deleted);
        assert_eq!((all().await.expect("read").len(), history(&f).await.len()), (0, 4));
        let days = |days: u64| NOW.plus(Duration::from_secs(days * 86_400));
        assert_eq!(f.store.prune_alarm_history(days(29), 100).await.expect("pruned"), 0);
        assert_eq!(f.store.prune_alarm_history(days(31), 3).await.expect("pruned"), 3);
        assert_eq!(history(&f).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_account_with_alarms_is_not_deleted() {
    with_store(|f| async move {
        let account = crate::identities::in_account(&f, "100000000001").await;
        let scope = brokerd_domain::Scope { account: account.clone(), ..scope() };
        let wanted = alarm("long", "orders");
        f.store.put_alarm(&scope, &wanted, &Tags::default(), NOW).await.expect("put");
        let outcome = f.store.delete_account(&account, NOW).await.expect("asked");
        assert_eq!(outcome, DeleteAccountOutcome::InUse("alarms".to_owned()));
        let names = ["long".to_owned()];
        f.store.delete_alarms(&scope, &names, NOW).await.expect("deleted");
        let outcome = f.store.delete_account(&account, NOW).await.expect("asked");
        assert_eq!(outcome, DeleteAccountOutcome::Deleted);
        assert!(f.store.put_alarm(&scope, &wanted, &Tags::default(), NOW).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_metric_is_what_brokers_of_its_name_measured_one_after_the_other() {
    with_store(|f| async move {
        let key = messages_of("orders");
        let first = create(&f.store, "orders").await;
        let start = Timestamp::from_micros(NOW.as_micros() / 60_000_000 * 60_000_000);
        for (minute, value) in [(0, 1.0), (1, 2.0), (4, 5.0)] {
            let at = start.plus(MINUTE * minute);
            let values = vec![(key.clone(), Unit::Count, value)];
            let sample = Sample { broker: first, at, values };
            f.store.record_samples(vec![sample]).await.expect("recorded");
        }
        let end = start.plus(MINUTE * 10);
        let data = f.store.metric_data(&scope(), &plan_of("orders"), start, end).await;
        let data = data.expect("read");
        let values: Vec<f64> = data.metrics["m1"].points.values().copied().collect();
        assert_eq!(values, [1.0, 2.0, 5.0]);
        let origin = data.metrics["m1"].origin.clone().expect("a metric");
        let dimension = Dimension { name: "Broker".to_owned(), value: "orders".to_owned() };
        assert_eq!((origin.metric.as_str(), origin.dimensions), ("MessageCount", vec![dimension]));
        let told = f.store.metric_statistics(&scope(), &key, None, (start, end), 300).await;
        let (unit, points) = told.expect("read").expect("measured");
        assert_eq!((unit, points.len()), (Unit::Count, 1));
        let set = points[0].statistics;
        assert_eq!((set.sum, set.count, set.minimum, set.maximum), (8.0, 3, 1.0, 5.0));
        let other = Some(Unit::Bytes);
        let told = f.store.metric_statistics(&scope(), &key, other, (start, end), 300).await;
        assert_eq!(told.expect("read"), None);
    })
    .await;
}
