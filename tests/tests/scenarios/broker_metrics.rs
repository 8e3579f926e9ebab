//! What brokers measure agrees with what their clients did.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use brokerd_domain::{
    Entropy, Scope, Timestamp,
    metric::{DimensionName, MetricName, SeriesKey},
};
use brokerd_store::{MasterKey, PgStore};
use brokerd_tests::{NewBroker, World, clients, clients::Load, eventually, scenario};

/// How many messages wait in each broker.
const WAITING: usize = 7;
/// How many messages a second go through RabbitMQ, if the machine lets its client send as many.
const RATE: u32 = 10;
/// How many go through at least for their rate to be compared.
const LOWEST_RATE: f64 = 1.0;
/// Each broker is measured once a minute.
const TWO_SAMPLES: Duration = Duration::from_secs(180);

const BROKER: DimensionName = DimensionName::Broker;

struct Nothing;

impl Entropy for Nothing {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// The samples that brokerd has stored.
struct Samples {
    runtime: tokio::runtime::Runtime,
    store: PgStore,
    scope: Scope,
}

impl Samples {
    fn of(world: &World) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // No secret is read.
        let key = MasterKey::new([0; 32]);
        let url = world.database_url();
        let store = runtime.block_on(PgStore::connect(&url, 2, key, Arc::new(Nothing)))?;
        let scope = Scope { account: "000000000000".parse()?, region: "us-east-1".parse()? };
        Ok(Self { runtime, store, scope })
    }

    /// The minutes of a series with their values.
    fn values(&self, key: &SeriesKey) -> Result<Vec<(i64, f64)>> {
        let points = self.runtime.block_on(async {
            let found = self.store.find_series(&self.scope, std::slice::from_ref(key)).await?;
            let ids: Vec<_> = found.iter().flatten().map(|series| series.id).collect();
            let end = Timestamp::from_micros(i64::from(i32::MAX) * 60_000_000 / 2);
            let begin = Timestamp::from_micros(0);
            self.store.read_series(&self.scope, &ids, begin, end, 60).await
        })?;
        let points = points.into_iter().flatten();
        Ok(points.map(|point| (point.at.as_seconds() / 60, point.statistics.sum)).collect())
    }

    /// The last value of a broker's metric.
    fn last(&self, metric: MetricName, dimensions: &[(DimensionName, &str)]) -> Result<f64> {
        let key = SeriesKey::of(metric, dimensions);
        let values = self.values(&key)?;
        values.last().map(|(_, value)| *value).with_context(|| format!("{key} has no value"))
    }

    /// Waits until RabbitMQ has so many samples: how many messages were confirmed by then.
    fn confirmed_at(&self, count: usize, load: &Load) -> Result<(Instant, u64)> {
        let key = SeriesKey::of(MetricName::QueueCount, &[(BROKER, "orders")]);
        eventually("RabbitMQ is measured", TWO_SAMPLES, || {
            Ok((self.values(&key)?.len() >= count).then_some(()))
        })?;
        Ok((Instant::now(), load.confirmed()))
    }

    /// Waits until both brokers have so many samples.
    fn wait_for(&self, count: usize, deadline: Duration) -> Result<()> {
        let of = |metric, broker| self.values(&SeriesKey::of(metric, &[(BROKER, broker)]));
        eventually("both brokers are measured", deadline, || {
            let rabbitmq = of(MetricName::QueueCount, "orders")?.len();
            let activemq = of(MetricName::TotalMessageCount, "events-1")?.len();
            Ok((rabbitmq >= count && activemq >= count).then_some(()))
        })
    }
}

#[test]
fn what_brokers_measure_agrees_with_what_their_clients_did() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    scenario("metrics of brokers", &[], |world| {
        let rabbitmq = world.api.create(&NewBroker::rabbitmq("orders"))?;
        let activemq = world.api.create(&NewBroker::activemq("events"))?;
        world.api.wait_until_running(&rabbitmq)?;
        world.api.wait_until_running(&activemq)?;
        let samples = Samples::of(world)?;
        // From here on counters are known.
        samples.wait_for(1, TWO_SAMPLES)?;
        let sender = world.messenger("amqp091.py", &rabbitmq, "amqps")?;
        let other = world.messenger("stomp_.py", &activemq, "stomp+ssl")?;
        for number in 0..WAITING {
            sender.send("waiting", &format!("message {number}"))?;
            other.send("waiting", &format!("message {number}"))?;
        }
        let load = Load::begin(world, &rabbitmq, "moving", RATE)?;
        load.wait_until_served(Duration::from_secs(30))?;
        let before =
            samples.values(&SeriesKey::of(MetricName::QueueCount, &[(BROKER, "orders")]))?;
        // What a busy machine lets the client send between two samples is what the second one tells.
        let (from, first) = samples.confirmed_at(before.len() + 1, &load)?;
        let (to, last) = samples.confirmed_at(before.len() + 2, &load)?;
        let rate = (last - first) as f64 / (to - from).as_secs_f64();
        rabbitmq_agrees(&samples, rate).context("RabbitMQ")?;
        samples.wait_for(before.len() + 2, TWO_SAMPLES)?;
        activemq_agrees(&samples).context("ActiveMQ")?;
        load.finish().map(drop)
    })
}

fn is_about(name: MetricName, value: f64, range: std::ops::RangeInclusive<f64>) -> Result<()> {
    ensure!(range.contains(&value), "{name} is {value}, not in {range:?}");
    Ok(())
}

/// Whether what was measured last agrees with so many messages a second.
fn rabbitmq_agrees(samples: &Samples, rate: f64) -> Result<()> {
    ensure!(rate >= LOWEST_RATE, "the client sent {rate} messages a second");
    let waiting = WAITING as f64;
    for (name, range) in [
        (MetricName::QueueCount, 2.0..=2.0),
        (MetricName::ConnectionCount, 2.0..=2.0),
        (MetricName::ChannelCount, 2.0..=2.0),
        (MetricName::ConsumerCount, 1.0..=1.0),
        // What moves may be seen on its way.
        (MetricName::MessageCount, waiting..=waiting + f64::from(RATE)),
        (MetricName::MessageReadyCount, waiting..=waiting + f64::from(RATE)),
        (MetricName::ExchangeCount, 7.0..=9.0),
        (MetricName::PublishRate, rate * 0.8..=rate * 1.2),
        (MetricName::ConfirmRate, rate * 0.8..=rate * 1.2),
        (MetricName::AckRate, rate * 0.8..=rate * 1.2),
        (MetricName::SystemCpuUtilization, 0.001..=100.0),
        (MetricName::RabbitMqMemUsed, 5e7..=1e9),
        (MetricName::RabbitMqDiskFree, 1e6..=1e15),
        (MetricName::RabbitMqFdUsed, 5.0..=1e5),
        (MetricName::NetworkIn, rate * 60.0..=1e9),
    ] {
        is_about(name, samples.last(name, &[(BROKER, "orders")])?, range)?;
    }
    Ok(())
}

fn activemq_agrees(samples: &Samples) -> Result<()> {
    let waiting = WAITING as f64;
    let broker = [(BROKER, "events-1")];
    for (name, range) in [
        (MetricName::TotalMessageCount, waiting..=waiting),
        (MetricName::CurrentConnectionsCount, 0.0..=0.0),
        (MetricName::TotalConsumerCount, 0.0..=0.0),
        (MetricName::EstablishedConnectionsCount, waiting..=1000.0),
        (MetricName::OpenTransactionCount, 0.0..=0.0),
        (MetricName::JournalFilesForFullRecovery, 1.0..=1.0),
        (MetricName::HeapUsage, 1.0..=100.0),
        (MetricName::CpuUtilization, 0.001..=100.0),
        (MetricName::OpenwireMaximumConnections, 300.0..=300.0),
        (MetricName::NetworkOut, 100.0..=1e9),
    ] {
        is_about(name, samples.last(name, &broker)?, range)?;
    }
    let queue = [(BROKER, "events-1"), (DimensionName::Queue, "waiting")];
    is_about(
        MetricName::QueueSize,
        samples.last(MetricName::QueueSize, &queue)?,
        waiting..=waiting,
    )?;
    let enqueued = samples.values(&SeriesKey::of(MetricName::EnqueueCount, &queue))?;
    let enqueued: f64 = enqueued.iter().map(|(_, count)| count).sum();
    is_about(MetricName::EnqueueCount, enqueued, waiting..=waiting)
}
