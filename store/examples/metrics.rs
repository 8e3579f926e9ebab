//! What the metrics of many brokers cost: hours of samples of simulated brokers, rolled up as they come, in a real
//! database.
//!
//!     DATABASE_URL=postgres://… metrics [BROKERS] [HOURS]
#![expect(clippy::print_stdout, reason = "a benchmark tells its figures")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use brokerd_domain::{
    BrokerId, EngineType, EngineVersion, Entropy, Scope, Timestamp,
    metric::{DimensionName, Metric, MetricLevel, SeriesKey, Unit},
};
use brokerd_store::{MasterKey, MetricRetention, PgStore, Sample, SeriesFilter, StoreError};
use sqlx::{Executor as _, PgPool};

/// How many queues each ActiveMQ broker has.
const QUEUES: usize = 5;
/// How many times each question is asked.
const ROUNDS: usize = 200;
/// How many series a question is about.
const SERIES: usize = 100;

const RETENTION: MetricRetention = MetricRetention {
    minutes: Duration::from_hours(24),
    five_minutes: Duration::from_hours(24 * 15),
    hours: Duration::from_hours(24 * 455),
};

/// A whole day.
const BEGIN: i64 = 1_790_000_000 / 86_400 * 86_400;

struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        use rand::{TryRng as _, rngs::SysRng};
        SysRng.try_fill_bytes(bytes).expect("the system has randomness");
    }
}

/// A broker that measures something else every minute.
struct Simulated {
    id: BrokerId,
    /// The series, and about what their values are.
    series: Vec<(SeriesKey, Unit, f64)>,
}

impl Simulated {
    fn new(number: usize) -> Self {
        let name = format!("broker-{number}");
        let is_rabbitmq = number % 10 < 7;
        let (engine, version) = if is_rabbitmq {
            (EngineType::RabbitMq, EngineVersion::new(4, 3))
        } else {
            (EngineType::ActiveMq, EngineVersion::new(5, 19))
        };
        let of_level = |level: MetricLevel| {
            Metric::all().filter(move |metric| {
                (metric.engine, metric.level) == (engine, level)
                    && metric.is_collected()
                    && metric.applies_to(version)
            })
        };
        let mut series = Vec::new();
        let mut add = |metric: &Metric, dimensions: &[(DimensionName, &str)]| {
            let size = match metric.unit {
                Unit::Bytes => 1.5e9,
                Unit::Percent => 40.0,
                Unit::Milliseconds => 3.0,
                _ => 60.0,
            };
            series.push((SeriesKey::of(metric.name, dimensions), metric.unit, size));
        };
        let instance = if is_rabbitmq { name.clone() } else { format!("{name}-1") };
        let broker = (DimensionName::Broker, instance.as_str());
        of_level(MetricLevel::Broker).for_each(|metric| add(metric, &[broker]));
        let node = format!("rabbit@{name}");
        let dimensions = [broker, (DimensionName::Node, node.as_str())];
        of_level(MetricLevel::Node).for_each(|metric| add(metric, &dimensions));
        for queue in 0..QUEUES {
            let queue = format!("queue.{queue}");
            let dimensions = [broker, (DimensionName::Queue, queue.as_str())];
            of_level(MetricLevel::Destination).for_each(|metric| add(metric, &dimensions));
        }
        Self { id: BrokerId::generate(&OsEntropy), series }
    }

    /// Half of the figures hardly ever change, as those of real brokers.
    fn sample(&self, minute: i64, random: &mut Random) -> Sample {
        let values = self.series.iter().enumerate().map(|(position, (key, unit, size))| {
            let value = match (position % 2, unit) {
                (0, _) => size.floor(),
                (_, Unit::Percent | Unit::Milliseconds) => {
                    (random.below(*size * 2.0) * 1000.0).round() / 1000.0
                }
                _ => random.below(*size * 2.0).floor(),
            };
            (key.clone(), *unit, value)
        });
        Sample { broker: self.id, at: at(minute), values: values.collect() }
    }
}

/// xorshift: fast, and the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: f64) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 * bound
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.next() % length.max(1) as u64).unwrap_or(0)
    }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_micros((BEGIN + minute * 60 + 7) * 1_000_000)
}

fn scope() -> Scope {
    Scope {
        account: "000000000000".parse().expect("an account"),
        region: "us-east-1".parse().expect("a region"),
    }
}

/// Milliseconds: the median, and what 99 of 100 take at most.
fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let Some(last) = times.len().checked_sub(1) else { return };
    let millis = |at: usize| times[at.min(last)].as_secs_f64() * 1000.0;
    let (median, p99) = (millis(times.len() / 2), millis(times.len() * 99 / 100));
    println!("{what}: median {median:.1} ms, p99 {p99:.1} ms");
}

/// Bytes of a table with its partitions and indexes, and its rows.
async fn size(pool: &PgPool, table: &str) -> Result<(i64, i64), StoreError> {
    pool.execute(sqlx::AssertSqlSafe(format!("vacuum analyze {table}"))).await?;
    let sizes = format!(
        "select (coalesce(sum(pg_total_relation_size(relid)), 0))::bigint,
                (select count(*) from {table}) from pg_partition_tree('{table}')"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sizes)).fetch_one(pool).await?)
}

async fn tell_sizes(pool: &PgPool) -> Result<(), StoreError> {
    for table in ["metric_minute", "metric_five_minutes", "metric_hour"] {
        let (bytes, rows) = size(pool, table).await?;
        let a_row = bytes as f64 / rows.max(1) as f64;
        println!("{table}: {:.1} MB, {rows} rows, {a_row:.0} bytes a row", bytes as f64 / 1e6);
    }
    let bytes: i64 = sqlx::query_scalar("select pg_total_relation_size('metric_series')")
        .fetch_one(pool)
        .await?;
    println!("metric_series: {:.1} MB", bytes as f64 / 1e6);
    Ok(())
}

async fn ask(store: &PgStore, brokers: &[Simulated], now: i64) -> Result<(), StoreError> {
    let scope = scope();
    let mut random = Random(7);
    for (hours, period) in [(3, 60), (3, 300), (24, 3600)] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let keys: Vec<SeriesKey> = (0..SERIES)
                .map(|_| {
                    let broker = &brokers[random.index(brokers.len())];
                    broker.series[random.index(broker.series.len())].0.clone()
                })
                .collect();
            let begin = Instant::now();
            let found = store.find_series(&scope, &keys).await?;
            let ids: Vec<_> = found.iter().flatten().map(|series| series.id).collect();
            let from = at(now - hours * 60);
            let points = store.read_series(&scope, &ids, from, at(now), period).await?;
            times.push(begin.elapsed());
            assert_eq!(points.len(), SERIES);
            assert!(points.iter().all(|points| !points.is_empty()));
        }
        tell(&format!("{SERIES} series of as many brokers over {hours} h by {period} s"), times);
    }
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let broker = &brokers[random.index(brokers.len())];
        let name = broker.series[0].0.dimension("Broker").unwrap_or_default().to_owned();
        let dimensions = vec![("Broker".to_owned(), Some(name))];
        let filter = SeriesFilter { dimensions, ..SeriesFilter::default() };
        let begin = Instant::now();
        let page = store.list_series(&scope, &filter, None, 500).await?;
        times.push(begin.elapsed());
        assert_eq!(page.series.len(), broker.series.len());
    }
    tell("the series of one broker", times);
    let mut times = Vec::new();
    for _ in 0..10 {
        let begin = Instant::now();
        let all = store.all_latest_samples(at(now - 10)).await?;
        times.push(begin.elapsed());
        assert_eq!(all.len(), brokers.len());
    }
    tell("the last sample of every broker", times);
    Ok(())
}

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "where the database is can only be said outside")]
async fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1);
    let mut number =
        |default: usize| arguments.next().map_or(default, |n| n.parse().expect("a number"));
    let (count, hours) = (number(1000), number(24));
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names a database");
    let store = PgStore::connect(&url, 10, MasterKey::new([7; 32]), Arc::new(OsEntropy)).await?;
    let store = store.with_own_connections(10);
    let pool = PgPool::connect(&url).await?;
    let brokers: Vec<Simulated> = (0..count).map(Simulated::new).collect();
    for broker in &brokers {
        sqlx::query("insert into metric_source (broker_id, account, region) values ($1, $2, $3)")
            .bind(broker.id.uuid())
            .bind(scope().account.as_str())
            .bind(scope().region.as_str())
            .execute(&pool)
            .await?;
    }
    let series: usize = brokers.iter().map(|broker| broker.series.len()).sum();
    println!("{count} brokers with {series} series, {hours} h");
    let minutes = i64::try_from(hours * 60).unwrap_or(0);
    let (mut random, mut recording, mut rolling) = (Random(42), Vec::new(), Vec::new());
    for minute in 0..minutes {
        let samples: Vec<Sample> =
            brokers.iter().map(|broker| broker.sample(minute, &mut random)).collect();
        let begin = Instant::now();
        let recorded = store.record_samples(samples).await?;
        recording.push(begin.elapsed());
        assert_eq!(usize::try_from(recorded.values), Ok(series));
        let begin = Instant::now();
        let done = store.maintain_metrics(at(minute), &RETENTION).await?;
        if done.rolled_up > 0 {
            rolling.push(begin.elapsed());
        }
    }
    tell("recording a minute of all", recording);
    tell("rolling up", rolling);
    tell_sizes(&pool).await?;
    let (bytes, _) = size(&pool, "metric_minute").await?;
    let values = series as f64 * minutes as f64;
    println!("{:.2} bytes for a value of a minute", bytes as f64 / values);
    ask(&store, &brokers, minutes - 1).await?;
    let begin = Instant::now();
    let mut dropped = 0;
    loop {
        let done = store.maintain_metrics(at(minutes + 36 * 60), &RETENTION).await?;
        dropped += done.dropped;
        if !done.more {
            break;
        }
    }
    println!("{dropped} partitions dropped in {:.0} ms", begin.elapsed().as_secs_f64() * 1000.0);
    let (bytes, rows) = size(&pool, "metric_minute").await?;
    println!("metric_minute a day later: {:.1} MB, {rows} rows", bytes as f64 / 1e6);
    Ok(())
}
