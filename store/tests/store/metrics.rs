//! What brokers measure.

use std::time::Duration;

use brokerd_domain::{
    BrokerId, Scope, Timestamp,
    metric::{Dimension, DimensionName, MetricName, SeriesKey, StatisticSet, Unit},
};
use brokerd_store::{
    MaintainedMetrics, MetricRetention, PgStore, RecordedSamples, Sample, Series, SeriesFilter,
};

use crate::support::{Fixture, OsEntropy, create, create_for, scope, with_store};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A whole day.
const BEGIN: Timestamp =
    Timestamp::from_micros(1_790_000_000_000_000 / 86_400_000_000 * 86_400_000_000);

const RETENTION: MetricRetention = MetricRetention {
    minutes: Duration::from_secs(DAY),
    five_minutes: Duration::from_secs(15 * DAY),
    hours: Duration::from_secs(455 * DAY),
};

fn after(seconds: u64) -> Timestamp {
    BEGIN.plus(Duration::from_secs(seconds))
}

fn messages(broker: &str) -> SeriesKey {
    SeriesKey::of(MetricName::MessageCount, &[(DimensionName::Broker, broker)])
}

fn queue(broker: &str, queue: &str) -> SeriesKey {
    let dimensions = [
        (DimensionName::Broker, broker),
        (DimensionName::VirtualHost, "/"),
        (DimensionName::Queue, queue),
    ];
    SeriesKey::of(MetricName::MessageCount, &dimensions)
}

async fn record(store: &PgStore, broker: BrokerId, at: Timestamp, values: &[(&SeriesKey, f64)]) {
    let values = values.iter().map(|(key, value)| (SeriesKey::clone(key), Unit::Count, *value));
    let sample = Sample { broker, at, values: values.collect() };
    store.record_samples(vec![sample]).await.expect("recorded");
}

async fn list(store: &PgStore, scope: &Scope, filter: &SeriesFilter) -> Vec<String> {
    let page = store.list_series(scope, filter, None, 1000).await.expect("listed");
    assert_eq!(page.next, None);
    let mut keys: Vec<String> = page.series.iter().map(|series| series.key.to_string()).collect();
    keys.sort();
    keys
}

async fn found(store: &PgStore, key: &SeriesKey) -> Vec<Series> {
    let keys = [key.clone()];
    store.find_series(&scope(), &keys).await.expect("found").into_iter().flatten().collect()
}

/// Beginnings of periods in seconds after all began, with sum and count.
async fn read(
    store: &PgStore,
    key: &SeriesKey,
    from: u64,
    to: u64,
    period: u32,
) -> Vec<(u64, f64, u32)> {
    let ids: Vec<_> = found(store, key).await.iter().map(|series| series.id).collect();
    let points = store.read_series(&scope(), &ids, after(from), after(to), period).await;
    points
        .expect("read")
        .into_iter()
        .flatten()
        .map(|point| {
            (point.at.since(BEGIN).as_secs(), point.statistics.sum, point.statistics.count)
        })
        .collect()
}

async fn maintain(store: &PgStore, now: u64) -> MaintainedMetrics {
    let mut all = MaintainedMetrics::default();
    loop {
        let done = store.maintain_metrics(after(now), &RETENTION).await.expect("maintained");
        all.rolled_up += done.rolled_up;
        all.dropped += done.dropped;
        all.series += done.series;
        if !done.more {
            return all;
        }
    }
}

#[tokio::test]
async fn values_are_read_in_the_periods_that_are_asked_for_and_a_gap_stays_one() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let key = messages("orders");
        for minute in [0, 1, 2, 4, 9] {
            let at = after(minute * MINUTE + 17);
            let other = SeriesKey::of(MetricName::QueueCount, &[(DimensionName::Broker, "orders")]);
            record(&f.store, broker, at, &[(&key, minute as f64), (&other, 1000.0)]).await;
        }
        assert_eq!(
            read(&f.store, &key, 0, 600, 60).await,
            [(0, 0.0, 1), (60, 1.0, 1), (120, 2.0, 1), (240, 4.0, 1), (540, 9.0, 1)]
        );
        assert_eq!(read(&f.store, &key, 0, 600, 300).await, [(0, 7.0, 4), (300, 9.0, 1)]);
        assert_eq!(read(&f.store, &key, 60, 240, 120).await, [(60, 3.0, 2)]);
        // A second of a minute asks for the minute.
        assert_eq!(read(&f.store, &key, 61, 62, 1).await, [(60, 1.0, 1)]);
        assert_eq!(read(&f.store, &key, 600, 6000, 60).await, []);
        assert_eq!(read(&f.store, &messages("another"), 0, 600, 60).await, []);
    })
    .await;
}

#[tokio::test]
async fn values_of_the_same_minute_come_together_and_the_last_one_stays() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let (one, other) = (messages("orders"), queue("orders", "q"));
        record(&f.store, broker, after(0), &[(&one, 1.0), (&other, 5.0)]).await;
        record(&f.store, broker, after(59), &[(&one, 2.0), (&messages("x"), f64::NAN)]).await;
        assert_eq!(read(&f.store, &one, 0, 60, 60).await, [(0, 2.0, 1)]);
        assert_eq!(read(&f.store, &other, 0, 60, 60).await, [(0, 5.0, 1)]);
        assert_eq!(found(&f.store, &messages("x")).await, [], "what is not finite is no value");
        let gone = Sample {
            broker: BrokerId::generate(&OsEntropy),
            at: after(0),
            values: vec![(one, Unit::Count, 1.0)],
        };
        let recorded = f.store.record_samples(vec![gone]).await.expect("recorded");
        assert_eq!(recorded, RecordedSamples::default(), "of a broker that nobody has");
    })
    .await;
}

#[tokio::test]
async fn two_processes_give_the_same_series_the_same_place() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let other = PgStore::connect(
            &f.url,
            5,
            brokerd_store::MasterKey::new([7; 32]),
            std::sync::Arc::new(OsEntropy),
        )
        .await
        .expect("connects");
        let keys: Vec<SeriesKey> = (0..20).map(|n| queue("orders", &format!("q{n}"))).collect();
        let sample = |at: Timestamp, keys: &[SeriesKey]| Sample {
            broker,
            at,
            values: keys.iter().map(|key| (key.clone(), Unit::Count, 1.0)).collect(),
        };
        let (one, two) = tokio::join!(
            f.store.record_samples(vec![sample(after(0), &keys[..15])]),
            other.record_samples(vec![sample(after(60), &keys[5..])]),
        );
        assert_eq!((one.expect("recorded").values, two.expect("recorded").values), (15, 15));
        for key in &keys {
            assert_eq!(found(&f.store, key).await.len(), 1, "{key}");
        }
        let counts: Vec<usize> = {
            let mut counts = Vec::new();
            for key in &keys {
                counts.push(read(&f.store, key, 0, 120, 60).await.len());
            }
            counts
        };
        assert_eq!(counts, [vec![1; 5], vec![2; 10], vec![1; 5]].concat());
    })
    .await;
}

#[tokio::test]
async fn series_are_listed_by_metric_dimensions_and_activity_page_by_page() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let red = create_for(&f.store, "100000000001", "orders").await;
        let old = create(&f.store, "old").await;
        record(&f.store, old, after(0), &[(&messages("old"), 1.0)]).await;
        let all = [messages("orders"), queue("orders", "a"), queue("orders", "b")];
        let values: Vec<(&SeriesKey, f64)> = all.iter().map(|key| (key, 1.0)).collect();
        record(&f.store, broker, after(5 * HOUR), &values).await;
        record(&f.store, red, after(5 * HOUR), &[(&messages("orders"), 1.0)]).await;
        let names = |keys: &[&SeriesKey]| {
            let mut names: Vec<String> = keys.iter().map(ToString::to_string).collect();
            names.sort();
            names
        };
        let of_orders = names(&[&all[0], &all[1], &all[2]]);
        let everything = names(&[&messages("old"), &all[0], &all[1], &all[2]]);
        let filter = |dimensions: &[(&str, Option<&str>)]| SeriesFilter {
            dimensions: dimensions
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
                .collect(),
            ..SeriesFilter::default()
        };
        let listed = async |filter: SeriesFilter| list(&f.store, &scope(), &filter).await;
        assert_eq!(listed(SeriesFilter::default()).await, everything);
        assert_eq!(listed(filter(&[("Broker", Some("orders"))])).await, of_orders);
        assert_eq!(listed(filter(&[("Queue", None)])).await, names(&[&all[1], &all[2]]));
        let both = filter(&[("Queue", Some("b")), ("Broker", Some("orders"))]);
        assert_eq!(listed(both).await, names(&[&all[2]]));
        assert!(listed(filter(&[("Queue", Some("a")), ("Queue", Some("b"))])).await.is_empty());
        let metric = SeriesFilter { metric: Some("QueueCount".into()), ..SeriesFilter::default() };
        assert!(listed(metric).await.is_empty());
        let active =
            SeriesFilter { active_since: Some(after(3 * HOUR)), ..SeriesFilter::default() };
        assert_eq!(listed(active).await, of_orders);

        let (mut position, mut paged) = (None, Vec::new());
        loop {
            let any = SeriesFilter::default();
            let page = f.store.list_series(&scope(), &any, position, 3).await.expect("listed");
            paged.extend(page.series.iter().map(|series| series.key.to_string()));
            position = page.next;
            if position.is_none() {
                break;
            }
            // As a token says it.
            position = position.map(|p| p.to_string().parse().expect("a position"));
        }
        paged.sort();
        assert_eq!(paged, everything);
    })
    .await;
}

#[tokio::test]
async fn series_that_go_on_stay_active_and_outlive_their_broker() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let key = messages("orders");
        for minute in 0..90 {
            record(&f.store, broker, after(minute * MINUTE), &[(&key, 1.0)]).await;
        }
        let last = found(&f.store, &key).await[0].last_at;
        assert!((59..90).contains(&(last.since(BEGIN).as_secs() / 60)), "{last}");
        f.store.request_delete(&scope(), broker, after(0)).await.expect("asked");
        sqlx::query("delete from broker").execute(&f.pool).await.expect("deleted");
        let again = create(&f.store, "orders").await;
        record(&f.store, again, after(2 * HOUR), &[(&key, 5.0)]).await;
        let both = found(&f.store, &key).await;
        assert_eq!([both[0].broker, both[1].broker], [broker, again]);
        let points = read(&f.store, &key, 0, 3 * HOUR, 3600).await;
        assert_eq!(points, [(0, 60.0, 60), (3600, 30.0, 30), (7200, 5.0, 1)]);
    })
    .await;
}

#[tokio::test]
async fn the_last_samples_are_those_of_brokers_without_their_queues() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let red = create_for(&f.store, "100000000001", "theirs").await;
        let silent = create(&f.store, "silent").await;
        record(&f.store, silent, after(0), &[(&messages("silent"), 1.0)]).await;
        record(&f.store, red, after(HOUR), &[(&messages("theirs"), 2.0)]).await;
        let key = messages("orders");
        record(&f.store, broker, after(HOUR), &[(&key, 3.0)]).await;
        let values = [(&key, 4.0), (&queue("orders", "q"), 4.0)];
        record(&f.store, broker, after(HOUR + MINUTE), &values).await;
        let since = after(HOUR - MINUTE);
        let own =
            f.store.latest_samples_of(&scope(), &[broker, red, silent], since).await.expect("read");
        assert_eq!(own.len(), 1);
        assert_eq!((own[0].broker, own[0].at), (broker, after(HOUR + MINUTE)));
        assert_eq!(own[0].values, [(key, Unit::Count, 4.0)]);
        let all = f.store.all_latest_samples(since).await.expect("read");
        let brokers: Vec<BrokerId> = all.iter().map(|sample| sample.broker).collect();
        assert_eq!((brokers.len(), brokers.contains(&red)), (2, true));
    })
    .await;
}

/// Records a value a minute in these hours: the number of the minute.
async fn fill(f: &Fixture, broker: BrokerId, key: &SeriesKey, hours: std::ops::Range<u64>) {
    let samples = (hours.start * 60..hours.end * 60).map(|minute| Sample {
        broker,
        at: after(minute * MINUTE),
        values: vec![(key.clone(), Unit::Count, minute as f64)],
    });
    f.store.record_samples(samples.collect()).await.expect("recorded");
}

async fn rows(f: &Fixture, table: &str) -> i64 {
    let count = format!("select count(*) from {table}");
    let counted = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&f.pool).await;
    counted.expect("counted")
}

#[tokio::test]
async fn what_is_rolled_up_keeps_sum_count_minimum_and_maximum_and_old_partitions_are_dropped() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let key = messages("orders");
        fill(&f, broker, &key, 0..3).await;
        fill(&f, broker, &key, 40..41).await;
        // Two provisioners at once.
        let now = 41 * HOUR + 600;
        let (one, two) = tokio::join!(maintain(&f.store, now), maintain(&f.store, now));
        // What one of both found under way it left to the other.
        maintain(&f.store, 41 * HOUR + 600).await;
        assert!(one.rolled_up + two.rolled_up > 0);
        assert_eq!((rows(&f, "metric_five_minutes").await, rows(&f, "metric_hour").await), (48, 4));
        // A day of minutes is kept: the first three hours are gone, from a whole partition of six.
        assert_eq!(rows(&f, "metric_minute").await, 60);
        let ids: Vec<_> = found(&f.store, &key).await.iter().map(|series| series.id).collect();
        let read_points = async |from: u64, to: u64, period: u32| {
            let read = f.store.read_series(&scope(), &ids, after(from), after(to), period).await;
            read.expect("read").remove(0)
        };
        let points = read_points(0, 48 * HOUR, 3600).await;
        let expected = [0, 1, 2, 40].map(|hour| {
            let (first, last) = ((hour * 60) as f64, (hour * 60 + 59) as f64);
            let sum = (first + last) * 30.0;
            (after(hour * HOUR), StatisticSet { sum, count: 60, minimum: first, maximum: last })
        });
        let told: Vec<_> = points.iter().map(|point| (point.at, point.statistics)).collect();
        assert_eq!(told, expected);
        // Minutes that are gone are read as five minutes, the others as minutes.
        let points = read_points(2 * HOUR + 1800, 40 * HOUR + 300, 60).await;
        let counts: Vec<u32> = points.iter().map(|point| point.statistics.count).collect();
        assert_eq!(counts, [vec![5; 6], vec![1; 5]].concat());

        // Again later: nothing but the grace of a quarter of an hour was left.
        maintain(&f.store, 20 * DAY).await;
        assert_eq!((rows(&f, "metric_minute").await, rows(&f, "metric_hour").await), (0, 4));
        assert_eq!(rows(&f, "metric_five_minutes").await, 0);
        assert_eq!(read_points(0, 48 * HOUR, 60).await.len(), 4, "an hour each");
        let done = maintain(&f.store, 500 * DAY).await;
        assert_eq!((done.series, rows(&f, "metric_hour").await), (1, 0));
        assert_eq!(found(&f.store, &key).await, []);
    })
    .await;
}

#[tokio::test]
async fn series_of_queues_that_are_gone_are_deleted_and_their_places_are_not_given_again() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let (kept, gone) = (messages("orders"), queue("orders", "gone"));
        record(&f.store, broker, after(0), &[(&kept, 1.0), (&gone, 77.0)]).await;
        maintain(&f.store, 2 * HOUR).await;
        for hour in 0..=(16 * 24) {
            record(&f.store, broker, after(hour * HOUR + MINUTE), &[(&kept, 1.0)]).await;
        }
        let done = maintain(&f.store, 16 * DAY).await;
        assert_eq!(done.series, 1);
        assert_eq!(found(&f.store, &gone).await, []);
        // This process still knows its place: it notices, and gives it another one in the next minute.
        for minute in 0..2 {
            let at = after(16 * DAY + minute * MINUTE);
            record(&f.store, broker, at, &[(&kept, 1.0), (&gone, 5.0)]).await;
        }
        let points = read(&f.store, &gone, 0, 17 * DAY, 3600).await;
        assert_eq!(points, [(16 * DAY, 5.0, 1)]);
    })
    .await;
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_left_out_and_counted() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let key = messages("orders");
        for minute in 0..3 {
            record(&f.store, broker, after(minute * MINUTE), &[(&key, 1.0)]).await;
        }
        sqlx::query("update metric_minute set samples = '\\x09' where at % 3 = 1")
            .execute(&f.pool)
            .await
            .expect("damaged");
        assert_eq!(read(&f.store, &key, 0, 180, 60).await, [(0, 1.0, 1), (120, 1.0, 1)]);
        let skipped = f.store.skipped_rows();
        assert!(skipped.contains(&("metric_minute", 1)), "{skipped:?}");
        maintain(&f.store, HOUR).await;
        assert_eq!(read(&f.store, &key, 0, 300, 300).await, [(0, 2.0, 2)]);
        sqlx::query("update metric_series set unit = 'Furlongs'")
            .execute(&f.pool)
            .await
            .expect("damaged");
        assert_eq!(found(&f.store, &key).await, []);
        assert_eq!(list(&f.store, &scope(), &SeriesFilter::default()).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn names_of_dimensions_may_have_any_character() {
    with_store(|f| async move {
        let broker = create(&f.store, "orders").await;
        let dimension =
            |name: &str, value: &str| Dimension { name: name.to_owned(), value: value.to_owned() };
        let strange = SeriesKey::new(
            "MessageCount",
            vec![dimension("Broker", "orders"), dimension("Queue", "a\"b\\ü {}?,%'$1")],
        );
        record(&f.store, broker, after(0), &[(&strange, 1.0)]).await;
        assert_eq!(found(&f.store, &strange).await[0].key, strange);
        let filter = SeriesFilter {
            dimensions: strange
                .dimensions
                .iter()
                .map(|d| (d.name.clone(), Some(d.value.clone())))
                .collect(),
            ..SeriesFilter::default()
        };
        assert_eq!(list(&f.store, &scope(), &filter).await, [strange.to_string()]);
    })
    .await;
}
