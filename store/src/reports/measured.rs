//! What brokers measured, as far as reports tell it: their messages, and what ActiveMQ stores.

use std::collections::{BTreeMap, HashMap};

use brokerd_domain::{
    BrokerId, EngineType, HostInstanceType, Scope, Timestamp,
    metric::{DimensionName, MetricName, SeriesKey},
    price::{MeteredInterval, StorageUse},
    report::{MessageCounts, Period, ReportedBroker},
};

use super::usage::MeteredBroker;
use crate::{
    kernel::{PgStore, StoreError},
    metrics::{Series, SeriesFilter},
};

/// How many series are listed at once.
const PAGE: u32 = 1000;
/// Storage is averaged over days of UTC.
const DAY_SECONDS: u32 = 86_400;
const DAY_MICROS: i64 = 86_400_000_000;
/// The most instances of an ActiveMQ broker, each of which has series of its own.
const MAX_INSTANCES: u8 = 2;
/// Topics of the engine's own, on which nobody sends anything.
const ADVISORIES: &str = "ActiveMQ.Advisory.";

impl PgStore {
    /// The messages of a broker in a period, as far as they were counted; none: nothing was.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn counted_messages(
        &self,
        broker: &ReportedBroker,
        period: Period,
    ) -> Result<Option<MessageCounts>, StoreError> {
        // Of RabbitMQ there are rates per second, and of ActiveMQ the growth in each minute.
        let (metrics, per_minute) = match broker.engine_type {
            EngineType::RabbitMq => ([MetricName::PublishRate, MetricName::AckRate], 60.0),
            EngineType::ActiveMq => ([MetricName::EnqueueCount, MetricName::DequeueCount], 1.0),
        };
        let seconds = period.to.since(period.from).as_secs();
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).max(1);
        let (mut counts, mut is_counted) = ([0.0; 2], false);
        for (metric, count) in metrics.into_iter().zip(&mut counts) {
            let series = self.series_of(broker, metric).await?;
            let ids: Vec<_> = series.iter().map(|series| series.id).collect();
            let found =
                self.read_series(&broker.scope, &ids, period.from, period.to, seconds).await?;
            for point in found.into_iter().flatten() {
                *count += point.statistics.sum * per_minute;
                is_counted = true;
            }
        }
        let whole = |count: f64| count.max(0.0).round() as u64;
        let [received, delivered] = counts.map(whole);
        Ok(is_counted.then_some(MessageCounts { received, delivered }))
    }

    /// The series of a metric that tell of all of a broker's messages together.
    async fn series_of(
        &self,
        broker: &ReportedBroker,
        metric: MetricName,
    ) -> Result<Vec<Series>, StoreError> {
        let names = match broker.engine_type {
            EngineType::RabbitMq => vec![broker.name.to_string()],
            EngineType::ActiveMq => {
                (1..=MAX_INSTANCES).map(|ordinal| format!("{}-{ordinal}", broker.name)).collect()
            }
        };
        let is_wanted = |key: &SeriesKey| match broker.engine_type {
            EngineType::RabbitMq => key.dimensions.len() == 1,
            EngineType::ActiveMq => {
                let topic = key.dimension(DimensionName::Topic.as_str());
                key.dimensions.len() == 2 && !topic.is_some_and(|name| name.starts_with(ADVISORIES))
            }
        };
        let mut found = Vec::new();
        for name in names {
            let dimension = (DimensionName::Broker.as_str().to_owned(), Some(name));
            let series = self.all_series(&broker.scope, metric, dimension).await?;
            let of_broker = series.into_iter().filter(|s| s.broker == broker.id);
            found.extend(of_broker.filter(|series| is_wanted(&series.key)));
        }
        Ok(found)
    }

    async fn all_series(
        &self,
        scope: &Scope,
        metric: MetricName,
        dimension: (String, Option<String>),
    ) -> Result<Vec<Series>, StoreError> {
        let filter = SeriesFilter {
            metric: Some(metric.as_str().to_owned()),
            dimensions: vec![dimension],
            active_since: None,
        };
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.list_series(scope, &filter, after, PAGE).await?;
            found.extend(page.series);
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Adds to brokers what they stored in a period, as far as it was measured and is billed.
    pub(super) async fn add_storage(
        &self,
        brokers: &mut [MeteredBroker],
        period: Period,
    ) -> Result<(), StoreError> {
        let is_billed = |metered: &MeteredBroker| {
            metered.intervals.iter().any(|interval| interval.disk_gib.is_none())
        };
        let mut scopes: BTreeMap<(String, String), Scope> = BTreeMap::new();
        for metered in brokers.iter().filter(|metered| is_billed(metered)) {
            let scope = &metered.broker.scope;
            let key = (scope.account.to_string(), scope.region.to_string());
            scopes.entry(key).or_insert_with(|| scope.clone());
        }
        let one = match brokers {
            [one] => Some(one.broker.clone()),
            _ => None,
        };
        let from = period.from.as_micros();
        let first_day = Timestamp::from_micros(from - from.rem_euclid(DAY_MICROS));
        for scope in scopes.into_values() {
            let metric = MetricName::StorePercentUsage;
            let series = match &one {
                Some(broker) => self.store_series_of(broker).await?,
                None => {
                    let any = (DimensionName::Broker.as_str().to_owned(), None);
                    self.all_series(&scope, metric, any).await?
                }
            };
            let ids: Vec<_> = series.iter().map(|series| series.id).collect();
            let points = self.read_series(&scope, &ids, first_day, period.to, DAY_SECONDS).await?;
            let mut by_broker: HashMap<BrokerId, Vec<_>> = HashMap::new();
            for (series, points) in series.iter().zip(points) {
                by_broker.entry(series.broker).or_default().extend(points);
            }
            for metered in brokers.iter_mut() {
                for point in by_broker.remove(&metered.broker.id).into_iter().flatten() {
                    let to = Timestamp::from_micros(point.at.as_micros() + DAY_MICROS);
                    let day = Period { from: point.at, to };
                    let Some(limit) = store_limit(&metered.intervals, day) else { continue };
                    let share = (point.statistics.average() / 100.0).clamp(0.0, 1.0);
                    metered.storage.push(StorageUse {
                        period: day,
                        bytes: (limit as f64 * share).round() as u64,
                        minutes: point.statistics.count,
                    });
                }
            }
        }
        Ok(())
    }

    async fn store_series_of(&self, broker: &ReportedBroker) -> Result<Vec<Series>, StoreError> {
        let mut found = Vec::new();
        for ordinal in 1..=MAX_INSTANCES {
            let name = format!("{}-{ordinal}", broker.name);
            let dimension = (DimensionName::Broker.as_str().to_owned(), Some(name));
            let metric = MetricName::StorePercentUsage;
            found.extend(self.all_series(&broker.scope, metric, dimension).await?);
        }
        found.retain(|series| series.broker == broker.id);
        Ok(found)
    }
}

/// How much the broker could store on that day, in bytes: percentages are of that.
fn store_limit(intervals: &[MeteredInterval], day: Period) -> Option<u64> {
    let overlaps = |interval: &&MeteredInterval| {
        interval.began < day.to && interval.ended.is_none_or(|ended| ended > day.from)
    };
    let last = intervals.iter().rev().find(overlaps)?;
    HostInstanceType::from_name(&last.host_instance_type).map(HostInstanceType::store_bytes)
}
